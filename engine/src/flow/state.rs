//! States: what they are, and what an atomic one does.

use std::sync::Arc;

use serde::Serialize;

use super::{Action, FlowId, Handlers, ResultId, SlotId, StateId, Transition};
use crate::effect::Retry;
use crate::guard::{Expression, Path};

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
        /// The prompt: `confirm_<flow>`, or `consent_<way>` where it asks whether to send something.
        prompt: Arc<str>,
        /// What a yes sends elsewhere.
        sends: Option<Sends>,
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

/// What is sent elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sends {
    /// The prompt.
    pub prompt: Arc<str>,
    /// The way, by the name that [`Guest::reach`](crate::Guest::reach) has for it.
    pub to: Arc<str>,
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
    /// Where a failure goes; unanswered, it becomes [`Event::ToolFailed`](super::Event::ToolFailed).
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

impl Does {
    /// What a yes to it sends elsewhere.
    pub fn sends(&self) -> Option<&Sends> {
        if let Self::Confirm { sends, .. } = self { sends.as_ref() } else { None }
    }

    /// Whether it asks the guest something.
    pub fn asks(&self) -> bool {
        matches!(self, Self::Collect { .. } | Self::Confirm { .. } | Self::Ask { .. })
    }
}
