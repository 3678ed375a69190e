//! What happens during a step, for people who watch.

use std::sync::Arc;

use serde::Serialize;
use serde_json::json;

use crate::effect::Expecting;
use crate::flow::Event;
use crate::input::Understanding;
use crate::slot::{Invalid, Value};

/// Something that happened during a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "trace", rename_all = "snake_case")]
pub enum Trace {
    /// A state was entered.
    Entered {
        /// The flow.
        flow: Arc<str>,
        /// The state.
        state: Arc<str>,
    },
    /// A state was left.
    Left {
        /// The flow.
        flow: Arc<str>,
        /// The state.
        state: Arc<str>,
    },
    /// Something was asked.
    Asked {
        /// The flow.
        flow: Arc<str>,
        /// The state.
        state: Arc<str>,
        /// What for.
        expecting: Expecting,
    },
    /// A flow ended.
    Ended {
        /// The flow.
        flow: Arc<str>,
        /// Its outcome.
        outcome: Arc<str>,
    },
    /// A message was understood: what the guest does with it, the slots it fills, and who understood it.
    #[serde(serialize_with = "meant")]
    Understood(Arc<Understanding>),
    /// A slot has a new value.
    Filled {
        /// The slot.
        slot: Arc<str>,
        /// The value, see [`Value::json`].
        #[serde(serialize_with = "shown")]
        value: Value,
    },
    /// A value was refused.
    Refused {
        /// The slot.
        slot: Arc<str>,
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
        from: Arc<str>,
        /// The state it ends in.
        to: Arc<str>,
    },
    /// A read-back was answered with a yes that counts.
    Confirmed {
        /// The flow.
        flow: Arc<str>,
    },
    /// A change was taken back.
    Undone {
        /// The slots that have their values of before.
        slots: Vec<Arc<str>>,
    },
    /// An input fitted nothing.
    Ignored {
        /// Why.
        why: &'static str,
    },
}

fn meant<S: serde::Serializer>(meaning: &Understanding, serializer: S) -> Result<S::Ok, S::Error> {
    let slots: Vec<&String> = meaning.slots.keys().collect();
    json!({ "acts": meaning.acts, "slots": slots, "by": meaning.by }).serialize(serializer)
}

fn shown<S: serde::Serializer>(value: &Value, serializer: S) -> Result<S::Ok, S::Error> {
    value.json().serialize(serializer)
}
