//! What the page is told while a turn runs, and once more when it shows an earlier one.

use std::sync::Arc;

use axum::response::sse::Event;
use indexmap::IndexMap;
use innkeeper_engine::runtime::Happening;
use innkeeper_engine::{Call, Outcome, Trace};
use serde::Serialize;
use serde_json::Value as Json;

use crate::conversation::{ReplyLine, TurnLine, arguments_of, outcome_word};
use crate::message::Button;

/// About this many characters of a reply go out at once.
const PIECE: usize = 24;

/// Something that happens in a turn. Its name is the name of the event.
#[derive(Debug, Serialize)]
#[serde(tag = "event", content = "data", rename_all = "snake_case")]
pub(super) enum Happened {
    /// The engine moved.
    Trace(Trace),
    /// A tool is called.
    Called(Called),
    /// The tool answered.
    Answered(Answered),
    /// A piece of a reply.
    Reply(Piece),
    /// The turn was committed.
    Turn(Box<TurnLine>),
    /// The turn was not committed.
    Fault(Failed),
}

/// A call.
#[derive(Debug, Serialize)]
pub(super) struct Called {
    name: String,
    arguments: IndexMap<String, Json>,
}

/// What came of a call.
#[derive(Debug, Serialize)]
pub(super) struct Answered {
    name: String,
    /// `ok`, `unknown`, or the code of the refusal.
    outcome: String,
    /// Why it refused, or what went wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
    /// What it returned.
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Arc<Json>>,
}

/// Why there is no answer, for the person at the page.
#[derive(Debug, Serialize)]
pub(super) struct Failed {
    error: &'static str,
}

/// A piece of a reply: words, or its end with what can be pressed.
#[derive(Debug, Serialize)]
pub(super) struct Piece {
    /// Which of the turn's replies, from 0.
    reply: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    buttons: Option<Vec<Button>>,
}

impl Happened {
    /// What the driver reports, where the page shows it. Replies are shown when they are committed.
    pub(super) fn of(happening: &Happening<'_>) -> Option<Self> {
        match happening {
            Happening::Traced(trace) => Some(Self::Trace(trace.told())),
            Happening::Called(call) => Some(Self::called(call)),
            Happening::Answered(call, outcome) => Some(Self::answered(call, outcome)),
            Happening::Said(_) | Happening::Saved(_) => None,
        }
    }

    /// A call that is made.
    pub(super) fn called(call: &Call) -> Self {
        Self::Called(Called { name: call.tool.to_string(), arguments: arguments_of(call) })
    }

    /// A call that was answered.
    pub(super) fn answered(call: &Call, outcome: &Outcome) -> Self {
        let (message, result) = match outcome {
            Outcome::Ok { result } => (None, Some(Arc::clone(result))),
            Outcome::Error { message, .. } | Outcome::Unknown { message } => (Some(message.clone()), None),
        };
        let outcome = outcome_word(outcome).to_owned();
        Self::Answered(Answered { name: call.tool.to_string(), outcome, message, result })
    }

    /// A turn that was not committed, with the sentence that says so.
    pub(super) fn failed(error: &'static str) -> Self {
        Self::Fault(Failed { error })
    }

    /// A reply, piece by piece; the last one has its buttons.
    pub(super) fn reply(number: usize, reply: &ReplyLine) -> impl Iterator<Item = Self> {
        let end = Piece { reply: number, text: None, buttons: Some(reply.buttons.clone()) };
        pieces(&reply.text)
            .into_iter()
            .map(move |text| Piece { reply: number, text: Some(text), buttons: None })
            .chain(std::iter::once(end))
            .map(Self::Reply)
    }

    /// As an event of the stream.
    ///
    /// # Errors
    /// It cannot be written as JSON.
    pub(super) fn event(&self) -> Result<Event, axum::Error> {
        match self {
            Self::Trace(trace) => Event::default().event("trace").json_data(trace),
            Self::Called(called) => Event::default().event("called").json_data(called),
            Self::Answered(answered) => Event::default().event("answered").json_data(answered),
            Self::Reply(piece) => Event::default().event("reply").json_data(piece),
            Self::Turn(line) => Event::default().event("turn").json_data(line),
            Self::Fault(failed) => Event::default().event("fault").json_data(failed),
        }
    }
}

/// Cuts words between pieces, never inside one.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    let mut piece = String::new();
    for word in text.split_inclusive([' ', '\n']) {
        piece.push_str(word);
        if piece.chars().count() >= PIECE {
            pieces.push(std::mem::take(&mut piece));
        }
    }
    if !piece.is_empty() {
        pieces.push(piece);
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::pieces;

    #[test]
    fn pieces_put_together_are_the_text() {
        for text in
            ["", "yes", "1. Double: *€284*\n2. Suite\n\nWhich one would you like? The number is enough."]
        {
            assert_eq!(pieces(text).concat(), text);
        }
        assert!(pieces(&"word ".repeat(20)).len() > 2);
    }
}
