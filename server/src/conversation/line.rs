//! A turn as programs see it.

use indexmap::IndexMap;
use innkeeper_engine::{Call, Outcome};
use serde::Serialize;
use serde_json::Value as Json;

use super::Turned;
use crate::message::{Button, Outgoing};
use crate::store::Told;

/// A turn as programs see it: a line of `innkeeper chat --json`.
#[derive(Clone, Debug, Serialize)]
pub struct TurnLine {
    /// Counts the turns of this session from 1.
    pub turn: u64,
    /// What the guest said.
    pub guest: String,
    /// What was answered.
    pub replies: Vec<ReplyLine>,
    /// The flow and state the conversation stands in.
    pub state: String,
    /// The filled slots of the active flow.
    pub slots: IndexMap<String, Json>,
    /// The tools that were called.
    pub tools: Vec<ToolLine>,
    /// Whether the conversation is over.
    pub ended: bool,
}

/// A reply as programs see it.
#[derive(Clone, Debug, Serialize)]
pub struct ReplyLine {
    /// The words.
    pub text: String,
    /// What can be pressed.
    pub buttons: Vec<Button>,
    /// The person who wrote it; none where the receptionist did.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
}

/// A tool call as programs see it.
#[derive(Clone, Debug, Serialize)]
pub struct ToolLine {
    /// The tool.
    pub name: String,
    /// Its arguments.
    pub arguments: IndexMap<String, Json>,
    /// `ok`, `unknown`, or the code of the refusal.
    pub outcome: String,
}

impl Turned {
    /// The turn as programs see it.
    pub fn line(&self, turn: u64, guest: &str) -> TurnLine {
        let tools = self.completed.calls.iter().map(|(call, outcome)| ToolLine::of(call, outcome));
        let mut slots = self.completed.position.slots(&self.completed.flows);
        slots.sort_keys();
        TurnLine {
            turn,
            guest: guest.to_owned(),
            replies: self.completed.outgoing.iter().map(ReplyLine::of).collect(),
            state: self.completed.position.state(&self.completed.flows),
            slots,
            tools: tools.collect(),
            ended: self.completed.position.is_over(),
        }
    }
}

impl ReplyLine {
    /// A reply as it went out.
    pub fn of(reply: &Outgoing) -> Self {
        Self { text: reply.text.clone(), buttons: reply.buttons.clone(), by: None }
    }

    /// A message as it is kept.
    pub fn told(told: &Told) -> Self {
        Self { by: told.by.clone(), ..Self::of(&told.message) }
    }
}

impl ToolLine {
    /// A call with what came of it.
    pub fn of(call: &Call, outcome: &Outcome) -> Self {
        Self {
            name: call.tool.to_string(),
            arguments: arguments_of(call),
            outcome: outcome_word(outcome).to_owned(),
        }
    }
}

/// A call's arguments by name.
pub fn arguments_of(call: &Call) -> IndexMap<String, Json> {
    call.arguments.iter().map(|(name, value)| (name.to_string(), value.clone())).collect()
}

/// `ok`, `unknown`, or the code of the refusal.
pub fn outcome_word(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Ok { .. } => "ok",
        Outcome::Error { code, .. } => code,
        Outcome::Unknown { .. } => "unknown",
    }
}
