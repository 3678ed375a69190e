//! What happens during a step, for people who watch.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

use crate::effect::Expecting;
use crate::flow::Event;
use crate::input::Understanding;
use crate::slot::{Invalid, Value};

/// Something that happened during a step. While the step runs the names are borrowed from its flows; [`Trace::told`]
/// keeps them.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "trace", rename_all = "snake_case")]
pub enum Trace<Name = Arc<str>> {
    /// A state was entered.
    Entered {
        /// The flow.
        flow: Name,
        /// The state.
        state: Name,
    },
    /// A state was left.
    Left {
        /// The flow.
        flow: Name,
        /// The state.
        state: Name,
    },
    /// Something was asked.
    Asked {
        /// The flow.
        flow: Name,
        /// The state.
        state: Name,
        /// What for.
        expecting: Expecting,
    },
    /// A flow ended.
    Ended {
        /// The flow.
        flow: Name,
        /// Its outcome.
        outcome: Name,
    },
    /// A message was understood: what the guest does with it, the slots it fills, and who understood it.
    #[serde(serialize_with = "meant")]
    Understood(Arc<Understanding>),
    /// A slot has a new value.
    Filled {
        /// The slot.
        slot: Name,
        /// The value, see [`Value::json`].
        #[serde(serialize_with = "shown")]
        value: Value,
    },
    /// A value was refused.
    Refused {
        /// The slot.
        slot: Name,
        /// Why.
        why: Invalid,
    },
    /// An event of the conversation was answered by a handler, or by nobody.
    Event {
        /// The event.
        event: Event,
        /// Whether a handler took it.
        handled: bool,
    },
    /// A result went stale and is made again.
    Repairing {
        /// The state the walk starts at.
        from: Name,
        /// The state it ends in.
        to: Name,
    },
    /// A read-back was answered with a yes that counts.
    Confirmed {
        /// The flow.
        flow: Name,
    },
    /// A change was taken back.
    Undone {
        /// The slots that have their values of before.
        slots: Vec<Name>,
    },
    /// An input fitted nothing.
    Ignored {
        /// Why.
        why: &'static str,
    },
}

/// What happened, with names that are the flows'.
pub type Seen<'f> = Trace<&'f Arc<str>>;

impl Seen<'_> {
    /// The same for whoever keeps it.
    pub fn told(&self) -> Trace {
        let kept = |name: &&Arc<str>| Arc::clone(name);
        match self {
            Self::Entered { flow, state } => Trace::Entered { flow: kept(flow), state: kept(state) },
            Self::Left { flow, state } => Trace::Left { flow: kept(flow), state: kept(state) },
            Self::Asked { flow, state, expecting } => {
                Trace::Asked { flow: kept(flow), state: kept(state), expecting: expecting.clone() }
            }
            Self::Ended { flow, outcome } => Trace::Ended { flow: kept(flow), outcome: kept(outcome) },
            Self::Understood(understanding) => Trace::Understood(Arc::clone(understanding)),
            Self::Filled { slot, value } => Trace::Filled { slot: kept(slot), value: value.clone() },
            Self::Refused { slot, why } => Trace::Refused { slot: kept(slot), why: why.clone() },
            Self::Event { event, handled } => Trace::Event { event: *event, handled: *handled },
            Self::Repairing { from, to } => Trace::Repairing { from: kept(from), to: kept(to) },
            Self::Confirmed { flow } => Trace::Confirmed { flow: kept(flow) },
            Self::Undone { slots } => Trace::Undone { slots: slots.iter().map(kept).collect() },
            Self::Ignored { why } => Trace::Ignored { why },
        }
    }
}

fn meant<S: serde::Serializer>(meaning: &Understanding, serializer: S) -> Result<S::Ok, S::Error> {
    let slots: Vec<&String> = meaning.slots.keys().collect();
    json!({ "acts": meaning.acts, "slots": slots, "by": meaning.by }).serialize(serializer)
}

fn shown<S: serde::Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    value.json().serialize(serializer)
}
