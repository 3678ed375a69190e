//! What the page is told while a turn runs, and once more when it shows an earlier one.

use axum::response::sse::Event;
use indexmap::IndexMap;
use innkeeper_engine::runtime::Happening;
use innkeeper_engine::{Call, Outcome, Trace};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::conversation::{ReplyLine, TurnLine, outcome_word};
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
    Called {
        /// The tool.
        name: String,
        /// Its arguments.
        arguments: IndexMap<String, Json>,
    },
    /// The tool answered.
    Answered {
        /// The tool.
        name: String,
        /// `ok`, `unknown`, or the code of the refusal.
        outcome: String,
        /// Why it refused, or what went wrong.
        #[serde(skip_serializing_if = "Option::is_none")]
        message: Option<String>,
        /// What it returned.
        #[serde(skip_serializing_if = "Option::is_none")]
        result: Option<Json>,
    },
    /// A piece of a reply.
    Reply(Piece),
    /// The turn was committed.
    Turn(Box<TurnLine>),
    /// The turn was not committed.
    Fault {
        /// What the person at the page can do about it.
        error: &'static str,
    },
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
            Happening::Traced(trace) => Some(Self::Trace((*trace).clone())),
            Happening::Called(call) => Some(Self::called(call)),
            Happening::Answered(call, outcome) => Some(Self::answered(call, outcome)),
            Happening::Said(_) | Happening::Saved(_) => None,
        }
    }

    /// A call that is made.
    pub(super) fn called(call: &Call) -> Self {
        Self::Called { name: call.tool.clone(), arguments: call.arguments.clone() }
    }

    /// A call that was answered.
    pub(super) fn answered(call: &Call, outcome: &Outcome) -> Self {
        let (message, result) = match outcome {
            Outcome::Ok { result } => (None, Some(result.clone())),
            Outcome::Error { message, .. } | Outcome::Unknown { message } => (Some(message.clone()), None),
        };
        Self::Answered {
            name: call.tool.clone(),
            outcome: outcome_word(outcome).to_owned(),
            message,
            result,
        }
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
        let Named { event, data } = serde_json::to_value(self)
            .and_then(serde_json::from_value)
            .map_err(axum::Error::new)?;
        Event::default().event(event).json_data(data)
    }
}

/// The name and the data of something that happened.
#[derive(Deserialize)]
struct Named {
    event: String,
    data: Json,
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
    use super::{Happened, pieces};

    #[test]
    fn pieces_put_together_are_the_text() {
        for text in ["", "yes", "1. Double: *€284*\n2. Suite\n\nWhich one would you like? The number is enough."] {
            assert_eq!(pieces(text).concat(), text);
        }
        assert!(pieces(&"word ".repeat(20)).len() > 2);
    }

    #[test]
    fn a_fault_is_an_event_of_that_name() {
        let event = Happened::Fault { error: "no" }.event().expect("an event");
        assert!(format!("{event:?}").contains("fault"));
    }
}
