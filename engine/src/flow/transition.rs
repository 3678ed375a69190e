//! Transitions: what they answer, what is done on the way, and where they go.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{EventId, FlowId, SlotId, Span, StateId};
use crate::guard::Expression;

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
    /// The guest wants a moment.
    Wait,
    /// The guest wants to hear again what was offered before.
    Previous,
    /// The guest asks what it costs.
    Price,
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
    /// To the page before, if there is one.
    PreviousPage,
}
