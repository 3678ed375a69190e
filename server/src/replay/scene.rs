//! The script of a scene.

use std::time::Duration;

use chrono::NaiveDate;
use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::config::ApprovedTemplate;
use crate::message::Kind;
use crate::reply::Medium;

/// A scene as authored.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scene {
    /// What it shows, in a sentence.
    pub scene: String,
    /// The day it takes place.
    pub today: NaiveDate,
    /// How replies are taken in; the talk is played once for each.
    #[serde(default = "chat_alone")]
    pub channels: Vec<Channel>,
    /// The guest's number, as the channel verified it.
    pub from: Option<String>,
    /// What is remembered from earlier conversations, by slot name.
    #[serde(default)]
    pub known: IndexMap<String, Json>,
    /// What may be sent to a guest who was silent for a day, by what it is for; on a telephone only.
    #[serde(default)]
    pub templates: IndexMap<String, Approved>,
    /// What the language model does; without it there is none.
    pub model: Option<Model>,
    /// What the hotel's own people did before.
    #[serde(default)]
    pub before: Vec<Staff>,
    /// What happens, in order.
    pub talk: Vec<Happens>,
}

/// A way to take replies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// To be read.
    Chat,
    /// To be heard.
    Voice,
    /// To be read on a telephone, through inbox and outbox, where earlier messages stay in sight.
    Whatsapp,
}

/// One thing that happens.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Happens {
    /// The guest says something.
    Guest(String),
    /// The guest says something in a voice note: what a recogniser writes of it; nothing where it hears no words.
    Note(Option<String>),
    /// The guest presses the button with this title.
    Button(String),
    /// The guest presses the button or row with this title, below an earlier message; on a telephone only.
    Press {
        /// What is written on it.
        title: String,
        /// What the message says, or a part of it.
        below: String,
    },
    /// The guest answers an earlier message; on a telephone only.
    Answer {
        /// What that message says, or a part of it.
        to: String,
        /// The words.
        with: String,
    },
    /// The guest sends something other than words; on a telephone only.
    Send(Send),
    /// The guest says nothing for too long.
    Silence,
    /// The hotel's own people do something.
    Staff(Staff),
    /// The hotel's system stops answering, or answers again.
    Hotel(Power),
    /// Time passes: `10m`, `2h`. What flows wait for in that time happens.
    Later(String),
    /// A person takes the conversation, or writes to the guest.
    Person(Person),
    /// The person who has the conversation is done with it.
    GiveBack(GiveBack),
    /// The guest calls: what they say until they hang up is said, not written; on a telephone only.
    Call(CallBy),
    /// The call is cut off.
    HangUp(Option<HangUp>),
}

/// How a guest calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallBy {
    /// From a telephone: their number is displayed, and nobody vouches for it.
    Number,
    /// On WhatsApp.
    Whatsapp,
}

/// How a call is cut off.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HangUp {
    /// What was heard of what was said last; without it all of it.
    pub heard: Option<String>,
}

/// What a person at the desk does.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Person {
    /// The name they go by.
    pub by: String,
    /// What they write; without it they only take the conversation.
    pub writes: Option<String>,
}

/// What a person says when they give a conversation back.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GiveBack {
    /// The name they go by.
    pub by: Option<String>,
    /// What they did for the guest.
    pub summary: Option<String>,
}

/// Something other than words.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Send {
    /// What it is.
    pub kind: Kind,
    /// The words below it.
    pub caption: Option<String>,
}

/// A template that the provider approved.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Approved {
    /// Its name.
    pub name: String,
    /// What is filled into it.
    #[serde(default)]
    pub variables: Vec<String>,
}

impl From<&Approved> for ApprovedTemplate {
    fn from(approved: &Approved) -> Self {
        let Approved { name, variables } = approved.clone();
        Self { name, language: "en".to_owned(), variables }
    }
}

/// Whether something answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Power {
    /// It answers.
    Up,
    /// It does not.
    Down,
}

/// What the hotel's own people do, over the same tools.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Staff {
    /// Calls a tool.
    Call {
        /// The tool.
        tool: String,
        /// Its arguments.
        with: IndexMap<String, Json>,
    },
    /// Books every room that is still free, but for the last few.
    SellOut {
        /// The first night.
        start_date: NaiveDate,
        /// The day of leaving.
        end_date: NaiveDate,
        /// Only rooms of this type.
        room_type: Option<String>,
        /// Only rooms with this view.
        view: Option<String>,
        /// How many stay free.
        #[serde(default)]
        leave: usize,
    },
}

/// What the language model does in a scene.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Model {
    /// Nothing: it cannot be reached.
    Down,
    /// It answers, one answer a question, the last one for ever.
    Answers(Vec<Answer>),
}

/// One answer of the language model: words it says it copied, by slot, and acts.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// Words by slot.
    #[serde(default)]
    pub words: IndexMap<String, String>,
    /// Acts by name.
    #[serde(default)]
    pub acts: Vec<String>,
}

/// Why a scene cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SceneFault {
    /// The file.
    #[error("{path} cannot be read")]
    File {
        /// Its path.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The script.
    #[error("{path}: {reason}")]
    Script {
        /// Its path.
        path: String,
        /// What is wrong, with line and column.
        reason: String,
    },
}

impl Scene {
    /// Reads a scene from its file.
    ///
    /// # Errors
    /// The file cannot be read, or is no scene.
    pub fn read(path: &std::path::Path) -> Result<Self, SceneFault> {
        let name = || path.display().to_string();
        let text =
            std::fs::read_to_string(path).map_err(|source| SceneFault::File { path: name(), source })?;
        serde_saphyr::from_str(&text)
            .map_err(|error| SceneFault::Script { path: name(), reason: error.to_string() })
    }
}

impl From<Channel> for Medium {
    fn from(channel: Channel) -> Self {
        match channel {
            Channel::Chat | Channel::Whatsapp => Self::Chat,
            Channel::Voice => Self::Voice,
        }
    }
}

fn chat_alone() -> Vec<Channel> {
    vec![Channel::Chat]
}

/// `90s`, `10m`, `2h`, `1d`.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let (number, unit) = text.trim().split_at_checked(text.trim().len().checked_sub(1)?)?;
    let number: u64 = number.parse().ok()?;
    let seconds = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 60 * 60,
        "d" => 24 * 60 * 60,
        _ => return None,
    };
    number.checked_mul(seconds).map(Duration::from_secs)
}
