//! Flows: statecharts as authored, and as checked.
//!
//! YAML is read into a spanned tree (`raw`), every mistake in every file is found (`check`, reported as
//! [`Mistakes`]), and what remains is a [`Flows`]: the only form that [`step`](crate::step()) runs. A checked flow
//! names no state, slot, result, tool or prompt that does not exist.

mod check;
mod error;
mod raw;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

pub use self::check::Source;
pub use self::error::{Mistake, Mistakes, Place, Rule, Shown};
use crate::effect::Retry;
use crate::guard::Expression;
use crate::slot::Kind;

/// The name of the root chart, the parent of every flow.
pub const ROOT: &str = "conversation";

/// A checked set of flows with their root chart.
#[derive(Clone, Debug, Serialize)]
pub struct Flows {
    /// All flows by name; the root chart, [`ROOT`], is among them.
    pub(crate) flows: IndexMap<String, Flow>,
    /// The hash of the checked form, hexadecimal.
    #[serde(skip)]
    pub(crate) version: String,
}

/// One checked flow.
#[derive(Clone, Debug, Serialize)]
pub struct Flow {
    /// Its name, for example `book_room`.
    pub name: String,
    /// What it does, in one sentence.
    pub description: String,
    /// Sentences a guest asks for it with.
    pub examples: Vec<String>,
    /// Its slots, in the order written.
    pub slots: IndexMap<String, Slot>,
    /// The state it begins in.
    pub initial: String,
    /// What every state inherits.
    pub on: Handlers,
    /// Its states, in the order written.
    pub states: IndexMap<String, State>,
}

/// A slot as declared.
#[derive(Clone, Debug, Serialize)]
pub struct Slot {
    /// Its type and bounds.
    pub kind: Kind,
    /// Asked once; unanswered, it stays out of calls.
    pub optional: bool,
    /// Where a value comes from before the guest is asked.
    pub default: Option<Expression>,
    /// Whether the value is kept for the guest's next conversation.
    pub remember: bool,
}

/// A state: what is said on entering it, what it does, and what it answers itself instead of its parents.
#[derive(Clone, Debug, Serialize)]
pub struct State {
    /// The prompt said on entering.
    pub say: Option<String>,
    /// What it does then.
    pub does: Does,
    /// Its own handlers; the flow's, then the root chart's, answer what is not here.
    pub on: Handlers,
}

/// Handlers by event. The first transition whose guard holds is taken; if none does, the event goes up.
pub type Handlers = IndexMap<Event, Vec<Transition>>;

/// What a state does once entered.
#[derive(Clone, Debug, Serialize)]
pub enum Does {
    /// Asks for what is missing, one question at a time.
    Collect {
        /// The slots, in the order they are asked for.
        slots: Vec<String>,
        /// Where it goes when nothing is missing.
        then: Vec<Transition>,
    },
    /// Calls a tool.
    Invoke(Box<Invoke>),
    /// Reads values back and waits for an explicit yes.
    Confirm {
        /// What is read back: slots, and fields of results.
        paths: Vec<Vec<String>>,
        /// Where a yes goes.
        yes: Vec<Transition>,
        /// Where a no goes.
        no: Vec<Transition>,
    },
    /// Asks an open question; any slot the answer fills or changes takes it on.
    Ask {
        /// The prompt.
        prompt: String,
        /// Where it goes once answered.
        then: Vec<Transition>,
    },
    /// Goes on at once.
    Always(Vec<Transition>),
    /// Waits for whatever the guest says, having asked nothing.
    Wait,
    /// Ends the flow with this outcome; in the root chart, the conversation.
    Final(String),
}

/// A tool call as declared.
#[derive(Clone, Debug, Serialize)]
pub struct Invoke {
    /// The tool.
    pub tool: String,
    /// Its arguments.
    pub with: IndexMap<String, Expression>,
    /// The arguments that its input schema requires.
    pub required: Vec<String>,
    /// The name its result is saved under.
    pub save: Option<String>,
    /// How long the result is fresh, in milliseconds; without it, until a slot it came from changes.
    pub fresh_for_ms: Option<i64>,
    /// How the call is repeated.
    pub retry: Retry,
    /// Whether it changes anything (the tool lacks `readOnlyHint: true`).
    pub writes: bool,
    /// Where an answer goes.
    pub done: Vec<Transition>,
    /// Where a failure goes; unanswered, it becomes [`Event::ToolFailed`].
    pub error: Vec<Transition>,
}

/// One case of a transition.
#[derive(Clone, Debug, Serialize)]
pub struct Transition {
    /// The condition; none always holds.
    pub guard: Option<Expression>,
    /// The prompt said on the way.
    pub say: Option<String>,
    /// Whether the last messages are said once more.
    pub say_again: bool,
    /// Whether the question that was open is asked again afterwards. Only for [`Go::Stay`].
    pub ask_again: bool,
    /// Slots emptied on the way. Starts no repair.
    pub clear: Vec<String>,
    /// Where it goes.
    pub go: Go,
}

/// Where a transition goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Go {
    /// Nowhere: an internal transition.
    Stay,
    /// To a state of the same flow.
    State(String),
    /// To a state of the root chart, leaving the flow.
    Root(String),
    /// Into another flow and, when it ends, back to where the guest was.
    Run(String),
    /// Into the flow the guest asked for, and back.
    RunRequested,
    /// To the next page of the list on offer.
    NextPage,
}

/// What can happen to a state besides its own business.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// The guest says yes, and nothing asked for it.
    Affirm,
    /// The guest says no, and nothing asked for it.
    Deny,
    /// The guest wants to stop.
    Cancel,
    /// The guest wants something changed and did not say what to.
    Change,
    /// The guest wants to hear more of the list.
    More,
    /// The guest wants to hear it again.
    Repeat,
    /// The guest asks what is possible.
    Help,
    /// The guest wants a person.
    Human,
    /// A greeting and nothing else.
    Greet,
    /// Thanks and nothing else.
    Thank,
    /// A goodbye.
    Bye,
    /// A question about the place.
    Question,
    /// The wish for a flow.
    Start,
    /// Nothing was understood. Guards see `unclear`, the number of times in a row.
    Unclear,
    /// A message without words that the channel can't turn into words: a picture, a place.
    Unreadable,
    /// The guest says nothing. Guards see `silence`, the number of times in a row.
    Silence,
    /// A tool failed and the state has no `error:`. Guards see `error.code`.
    ToolFailed,
}

impl Flows {
    /// The flow of that name.
    pub fn get(&self, name: &str) -> Option<&Flow> {
        self.flows.get(name)
    }

    /// All flows but the root chart.
    pub fn iter(&self) -> impl Iterator<Item = &Flow> {
        self.flows.values().filter(|flow| flow.name != ROOT)
    }

    /// The hash of the checked form, hexadecimal. A conversation is pinned to it.
    pub fn version(&self) -> &str {
        &self.version
    }
}

impl Transition {
    /// A case without a condition that goes to `go` in silence.
    pub fn to(go: Go) -> Self {
        Self { guard: None, say: None, say_again: false, ask_again: false, clear: Vec::new(), go }
    }
}
