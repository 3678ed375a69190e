//! What can reach a conversation: the guest's words, what they were understood to mean, a tool's answer, time.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::position::Guest;
use crate::slot::Heard;

/// The instant an input happened and the civil day it was then where the conversation takes place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// The instant.
    #[serde(with = "crate::saved::instant")]
    pub at: DateTime<Utc>,
    /// The day that "today" means.
    #[serde(with = "crate::saved::date")]
    pub today: NaiveDate,
}

/// One thing that reaches a conversation. Time comes with it: the engine has no clock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Input {
    /// Who the guest is: the first input of every conversation, and again when something about them becomes known.
    Guest(Guest),
    /// The guest said or wrote something.
    Said {
        /// The words, as they came.
        text: String,
        /// The id of the button that was pressed, if one was.
        button: Option<String>,
    },
    /// The guest sent something that has no words and can't be turned into any.
    Unreadable,
    /// The answer to an [`Effect::Understand`](crate::Effect::Understand).
    Understood(Arc<Understanding>),
    /// The answer to an [`Effect::Call`](crate::Effect::Call).
    Answered {
        /// The call it answers.
        call: u32,
        /// What came of it.
        outcome: Outcome,
    },
    /// The answer to an [`Effect::Call`](crate::Effect::Call) that is, word for word, what is saved of the last one.
    AnsweredSame {
        /// The call it answers.
        call: u32,
    },
    /// The message with this id reached the guest whole: it was sent, or played to its end.
    Conveyed {
        /// The id of the [`Say`](crate::Say).
        say: u32,
    },
    /// The guest has said nothing for as long as the channel's pace allows.
    Silence,
    /// Time passed: delayed transitions that are due by this moment are taken.
    Due,
    /// Something happened outside that a flow knows by name.
    Event {
        /// The event's name, one that a flow declares.
        name: String,
        /// What flows see as `event.data`.
        #[serde(with = "crate::saved::json")]
        data: Json,
    },
}

/// What a tool call came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The tool did it and returned this.
    Ok {
        /// The structured result.
        #[serde(with = "crate::saved::json")]
        result: Arc<Json>,
    },
    /// The tool refused, or could not.
    Error {
        /// The prefix of the error text, for example `room_unavailable`.
        code: String,
        /// The rest of the text.
        message: String,
    },
    /// Nobody knows whether it happened: no answer came.
    Unknown {
        /// What went wrong, for the operator.
        message: String,
    },
}

/// What a message was understood to mean.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Understanding {
    /// The slots it fills, by name. With a [`Act::Start`] those that the flow it starts knows belong to it, the others
    /// to what runs.
    pub slots: IndexMap<String, Heard>,
    /// What the guest does with it.
    pub acts: Vec<Act>,
    /// Whether the rules left nothing open.
    pub sure: bool,
    /// Who understood.
    pub by: By,
}

/// What a guest does with a message.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// "Yes".
    Affirm,
    /// "No".
    Deny,
    /// Wants to stop what is under way.
    Cancel,
    /// Wants something changed.
    Change,
    /// Takes back what they said last.
    Undo,
    /// Picks one of what was offered.
    Choose,
    /// Wants to hear more of what was offered.
    More,
    /// Wants to hear it again.
    Repeat,
    /// Wants to know what is possible here.
    Help,
    /// Wants a person.
    Human,
    /// "Hello".
    Greet,
    /// "Thank you".
    Thank,
    /// "Goodbye".
    Bye,
    /// Asks something about the place.
    Question,
    /// Wants the thing that the named flow does.
    Start(String),
    /// Wants what the named flow does once more, for something else than it is about now.
    StartAnother(String),
    /// None of all this.
    Unclear,
    /// Wants a moment.
    Wait,
    /// Wants to hear again what was offered before.
    Previous,
    /// Asks what it costs.
    Price,
}

/// Who understood a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum By {
    /// The embedded rules.
    #[default]
    Rules,
    /// The language model, its words parsed by the rules.
    Model,
}
