//! Flows: statecharts as authored, and as checked.
//!
//! YAML is read into a spanned tree (`raw`), every mistake in every file is found (`check`, reported as
//! [`Mistakes`]), and what remains is a [`Flows`]: the only form that [`step`](crate::step()) runs. A checked flow
//! names no state, slot, result, tool or prompt that does not exist: names became numbers, each an index into the
//! table of the flow that declares it. States stand in document order, a parent before its children (SCXML 3.13 orders
//! entry and exit by it).

pub mod builder;
mod check;
mod draw;
mod error;
mod places;
mod raw;
mod schema;

use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

pub use self::check::Source;
pub use self::error::{Mistake, Mistakes, Place, Rule, Shown};
pub(crate) use self::places::{Places, Span};
pub use self::schema::flow_schema;
use crate::effect::Retry;
use crate::guard::{Expression, Path};
use crate::slot::{Kind, Merge};

/// The name of the root chart, the parent of every flow.
pub const ROOT: &str = "conversation";

/// Numbers one kind of thing in the table that declares it.
macro_rules! number {
    ($(#[$meta:meta])* $name:ident) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub struct $name(pub(crate) u16);

        impl $name {
            /// The place in the table.
            pub fn index(self) -> usize {
                usize::from(self.0)
            }

            pub(crate) fn at(index: usize) -> Self {
                Self(u16::try_from(index).unwrap_or(u16::MAX))
            }
        }
    };
}

number! {
    /// A flow among [`Flows`].
    FlowId
}
number! {
    /// A state of a flow. The order of numbers is SCXML's document order.
    StateId
}
number! {
    /// A slot of a flow.
    SlotId
}
number! {
    /// A saved result of a flow.
    ResultId
}
number! {
    /// A named event among [`Flows`].
    EventId
}

/// A checked set of flows with their root chart.
#[derive(Clone, Debug)]
pub struct Flows {
    /// All flows by name; the root chart, [`ROOT`], is among them.
    pub(crate) flows: IndexMap<Arc<str>, Arc<Flow>>,
    /// The root chart's place.
    pub(crate) root: FlowId,
    /// The events that flows name beside the ones every conversation has.
    pub(crate) events: indexmap::IndexSet<Arc<str>>,
    /// The hash of the checked form, hexadecimal.
    pub(crate) version: Arc<str>,
}

/// One checked flow.
#[derive(Clone, Debug, Serialize)]
pub struct Flow {
    /// Its name, for example `book_room`.
    pub name: Arc<str>,
    /// Its number among its [`Flows`].
    #[serde(skip)]
    pub(crate) id: FlowId,
    /// What it does, in one sentence.
    pub description: String,
    /// Sentences a guest asks for it with.
    pub examples: Vec<String>,
    /// Its slots, in the order written.
    pub slots: IndexMap<Arc<str>, Slot>,
    /// What its calls and runs save, in the order of the states; each name once.
    pub results: IndexMap<Arc<str>, Produced>,
    /// All its states at any depth, in document order.
    pub states: IndexMap<Arc<str>, State>,
    /// The states without a parent, in document order.
    pub top: Vec<StateId>,
    /// The state it begins in.
    pub initial: StateId,
    /// What every state inherits.
    pub on: Handlers,
    /// What it was called in earlier versions.
    pub was: Vec<Arc<str>>,
    /// Whether any state is a history.
    #[serde(skip)]
    pub(crate) has_history: bool,
    /// The hash of everything it says, for telling it from the same flow of another version.
    #[serde(skip)]
    pub(crate) meaning: Arc<str>,
    /// Where it is written.
    #[serde(skip)]
    pub(crate) places: Arc<Places>,
}

/// Where a saved result comes from.
#[derive(Clone, Debug, Serialize)]
pub struct Produced {
    /// The states that save it.
    pub by: Vec<StateId>,
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
    /// What becomes of a value when another is heard.
    pub merge: Merge,
    /// The saved result that a choice's list is in.
    pub list: Option<ResultId>,
    /// Slots that choosing an item fills from the item's fields of the same name.
    pub sets: Vec<SlotId>,
    /// The prompt that asks for it, `ask_<slot>`.
    pub ask: Arc<str>,
    /// The prompt that refuses a value, `invalid_<slot>`.
    pub invalid: Arc<str>,
    /// What it was called in earlier versions.
    pub was: Vec<Arc<str>>,
}

/// A state.
#[derive(Clone, Debug, Serialize)]
pub struct State {
    /// The state it is in.
    pub parent: Option<StateId>,
    /// What it is.
    pub form: Form,
    /// What is done on entering it, before anything it does itself.
    pub entry: Vec<Action>,
    /// What is done on leaving it.
    pub exit: Vec<Action>,
    /// Its own handlers; its ancestors', the flow's, then the root chart's, answer what is not here.
    pub on: Handlers,
    /// Eventless transitions: taken as soon as a guard holds, before any event (SCXML 3.13).
    pub always: Vec<Transition>,
    /// Delayed transitions, counted from entering the state.
    pub after: Vec<After>,
    /// What it was called in earlier versions.
    pub was: Vec<Arc<str>>,
}

/// What a state is.
#[derive(Clone, Debug, Serialize)]
pub enum Form {
    /// It has no states; being in it, the flow does this.
    Atomic(Does),
    /// One of its states is active at a time.
    Compound {
        /// Its states, in document order.
        states: Vec<StateId>,
        /// The state that is entered with it, any of its descendants.
        initial: StateId,
        /// Where it goes when one of its final states is entered (SCXML `done.state`).
        done: Vec<Transition>,
    },
    /// All of its states are active at once.
    Parallel {
        /// Its regions, in document order.
        states: Vec<StateId>,
        /// Where it goes when every region is in a final state.
        done: Vec<Transition>,
    },
    /// The states that were active when its parent was last left.
    History {
        /// Whether it is about all descendants, or only about the parent's own states.
        deep: bool,
        /// Where it leads while the parent was never left.
        default: Vec<StateId>,
    },
}

/// A delayed transition.
#[derive(Clone, Debug, Serialize)]
pub struct After {
    /// The delay, in milliseconds.
    pub delay_ms: i64,
    /// Its cases.
    pub cases: Vec<Transition>,
}

/// Handlers by event. The first transition whose guard holds is taken; if none does, the event goes up.
pub type Handlers = IndexMap<Event, Vec<Transition>>;

/// What an atomic state does once entered.
#[derive(Clone, Debug, Serialize)]
pub enum Does {
    /// Nothing: it rests until an event comes.
    Rest,
    /// Asks for what is missing, one question at a time.
    Collect {
        /// The slots, in the order they are asked for.
        slots: Vec<SlotId>,
        /// Where it goes when nothing is missing.
        then: Vec<Transition>,
    },
    /// Calls a tool.
    Invoke(Box<Invoke>),
    /// Runs another flow and goes on when it has ended.
    Run(Box<Run>),
    /// Reads values back and waits for an explicit yes.
    Confirm {
        /// What is read back: slots, and fields of results.
        paths: Vec<Path>,
        /// The prompt, `confirm_<flow>`.
        prompt: Arc<str>,
        /// Where a yes goes.
        yes: Vec<Transition>,
        /// Where a no goes.
        no: Vec<Transition>,
    },
    /// Asks an open question; any slot the answer fills or changes takes it on.
    Ask {
        /// The prompt.
        prompt: Arc<str>,
        /// Where it goes once answered.
        then: Vec<Transition>,
    },
    /// A person has the conversation: nothing is answered until a named event says that it was given back.
    Held,
    /// Ends the state's parent with this outcome; without a parent the flow, in the root chart the conversation.
    Final {
        /// The outcome, for example `done`.
        outcome: Arc<str>,
        /// What the flow returns to the one that ran it.
        output: Option<Expression>,
    },
}

/// A tool call as declared.
#[derive(Clone, Debug, Serialize)]
pub struct Invoke {
    /// The tool.
    pub tool: Arc<str>,
    /// Its arguments, in the order written.
    pub with: Vec<(Arc<str>, Expression)>,
    /// The arguments that its input schema requires.
    pub required: Vec<Arc<str>>,
    /// Everything the arguments are computed from, each once: what makes its result stale.
    pub inputs: Vec<Input>,
    /// The list it is called for, once an item; the result is then the list of results.
    pub each: Option<Each>,
    /// Where its result is saved.
    pub save: Option<ResultId>,
    /// How long the result is fresh, in milliseconds; without it, until a slot it came from changes.
    pub fresh_for_ms: Option<i64>,
    /// How the call is made.
    pub retry: Retry,
    /// How long an answer to the same arguments may be used again, for any conversation, in milliseconds.
    pub cache_ms: Option<i64>,
    /// Whether it changes anything (the tool lacks `readOnlyHint: true`).
    pub writes: bool,
    /// Where an answer goes.
    pub done: Vec<Transition>,
    /// Where a failure goes; unanswered, it becomes [`Event::ToolFailed`].
    pub error: Vec<Transition>,
    /// Where a call goes whose outcome nobody knows; without it, to `error` with the code `outcome_unknown`.
    pub unknown: Vec<Transition>,
}

/// A list that something is done for, item by item.
#[derive(Clone, Debug, Serialize)]
pub struct Each {
    /// The list.
    pub list: Expression,
    /// What expressions call the item.
    pub item: Arc<str>,
}

/// Another flow that is run.
#[derive(Clone, Debug, Serialize)]
pub struct Run {
    /// The flow.
    pub flow: FlowId,
    /// Slots of that flow that are filled before it begins.
    pub with: Vec<(SlotId, Expression)>,
    /// Everything those are computed from, each once.
    pub inputs: Vec<Input>,
    /// The list it is run for, one after the other; the result is then the list of outputs.
    pub each: Option<Each>,
    /// Where its output is saved.
    pub save: Option<ResultId>,
    /// Where it goes afterwards. Guards see `outcome`.
    pub done: Vec<Transition>,
}

/// Something a result is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Input {
    /// A slot.
    Slot(SlotId),
    /// Another result.
    Result(ResultId),
}

/// One case of a transition.
#[derive(Clone, Debug, Serialize)]
pub struct Transition {
    /// The condition; none always holds.
    pub guard: Option<Expression>,
    /// What is done on the way, between leaving and entering.
    pub actions: Vec<Action>,
    /// Whether the last messages are said once more.
    pub say_again: bool,
    /// Whether the question that was open is asked again afterwards. Only for [`Go::Stay`].
    pub ask_again: bool,
    /// Whether a transition from a state to its own descendant leaves the state first (SCXML `type="external"`).
    pub reenter: bool,
    /// Where it goes.
    pub go: Go,
    /// Where it is written.
    #[serde(skip)]
    pub(crate) at: Span,
}

/// Something done on the way. Actions of one list are done in the order written (SCXML executable content).
#[derive(Clone, Debug, Serialize)]
pub enum Action {
    /// Says a prompt. In a repair walk it is not said a second time.
    Say(Arc<str>),
    /// Empties slots. Starts no repair.
    Clear(Vec<SlotId>),
    /// Fills a slot with a computed value; one that is none of the slot's kind leaves it as it was.
    Set {
        /// The slot.
        slot: SlotId,
        /// The value.
        value: Expression,
    },
    /// Puts a named event at the end of the internal queue.
    Raise(EventId),
}

/// Where a transition goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub enum Go {
    /// Nowhere: a targetless transition, nothing is left or entered.
    Stay,
    /// To states of the same flow; several are in different regions of one parallel state.
    To(Vec<StateId>),
    /// To a state of the root chart, leaving every flow.
    Root(StateId),
    /// Into another flow and, when it ends, back to where the guest was.
    Run(FlowId),
    /// Into a state of the root chart on top of what runs, and back when it reaches a final state.
    RunRoot(StateId),
    /// Into the flow the guest asked for, and back.
    RunRequested,
    /// The flow the guest asked for waits until nothing else runs.
    Queue,
    /// Back to before the guest's last change.
    Undo,
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
    /// The guest takes back what they said last.
    Undo,
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
    /// The wish for a flow. Guards see `busy`: whether another one runs.
    Start,
    /// A wish that was put aside can be taken up now: nothing runs.
    Wish,
    /// Nothing was understood. Guards see `unclear`, the number of times in a row.
    Unclear,
    /// A message without words that the channel can't turn into words: a picture, a place.
    Unreadable,
    /// The guest says nothing. Guards see `silence`, the number of times in a row.
    Silence,
    /// A tool failed and the state has no `error:`. Guards see `error.code`.
    ToolFailed,
    /// An event with a name of the hotel's own, raised by a flow or sent from outside. Guards see `event.name`,
    /// `event.data`.
    Named(EventId),
    /// Any named event (`"*"`).
    Any,
}

impl Flows {
    /// The flow of that name.
    pub fn get(&self, name: &str) -> Option<&Flow> {
        self.flows.get(name).map(Arc::as_ref)
    }

    /// All flows but the root chart.
    pub fn iter(&self) -> impl Iterator<Item = &Flow> {
        self.flows.values().map(Arc::as_ref).filter(|flow| flow.id != self.root)
    }

    /// The root chart.
    pub fn root(&self) -> Option<&Flow> {
        self.flow(self.root)
    }

    /// The hash of the checked form, hexadecimal. A conversation is pinned to it.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The name of a named event.
    pub fn event(&self, event: EventId) -> Option<&Arc<str>> {
        self.events.get_index(event.index())
    }

    pub(crate) fn flow(&self, id: FlowId) -> Option<&Flow> {
        self.shared(id).map(Arc::as_ref)
    }

    pub(crate) fn shared(&self, id: FlowId) -> Option<&Arc<Flow>> {
        self.flows.get_index(id.index()).map(|(_, flow)| flow)
    }
}

impl Flow {
    /// A state by its number.
    pub fn state(&self, id: StateId) -> Option<&State> {
        self.states.get_index(id.index()).map(|(_, state)| state)
    }

    /// A state's name.
    pub fn state_name(&self, id: StateId) -> Option<&Arc<str>> {
        self.states.get_index(id.index()).map(|(name, _)| name)
    }

    /// A slot by its number.
    pub fn slot(&self, id: SlotId) -> Option<&Slot> {
        self.slots.get_index(id.index()).map(|(_, slot)| slot)
    }

    /// A slot's name.
    pub fn slot_name(&self, id: SlotId) -> Option<&Arc<str>> {
        self.slots.get_index(id.index()).map(|(name, _)| name)
    }

    /// The number of the slot with that name.
    pub fn slot_id(&self, name: &str) -> Option<SlotId> {
        self.slots.get_index_of(name).map(SlotId::at)
    }

    /// A result's name.
    pub fn result_name(&self, id: ResultId) -> Option<&Arc<str>> {
        self.results.get_index(id.index()).map(|(name, _)| name)
    }

    /// A state's ancestors, the nearest first.
    pub fn ancestors(&self, id: StateId) -> impl Iterator<Item = StateId> {
        std::iter::successors(self.state(id).and_then(|state| state.parent), |above| {
            self.state(*above).and_then(|state| state.parent)
        })
    }

    /// Whether `inner` is inside `outer`; no state is inside itself.
    pub fn is_within(&self, inner: StateId, outer: StateId) -> bool {
        self.ancestors(inner).any(|above| above == outer)
    }

    /// What an atomic state does.
    pub fn does(&self, id: StateId) -> Option<&Does> {
        match self.state(id).map(|state| &state.form) {
            Some(Form::Atomic(does)) => Some(does),
            _ => None,
        }
    }
}

impl Does {
    /// Whether it asks the guest something.
    pub fn asks(&self) -> bool {
        matches!(self, Self::Collect { .. } | Self::Confirm { .. } | Self::Ask { .. })
    }
}


