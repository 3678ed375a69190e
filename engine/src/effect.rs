//! What a step asks of the world: understand this, call that, say this, remember that.

use chrono::NaiveDate;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::slot::{Invalid, Item, Kind, Value};

/// One wish of a step, in the order they must be performed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "effect", rename_all = "snake_case")]
pub enum Effect {
    /// Find out what the words mean; the answer is [`Input::Understood`](crate::Input::Understood).
    Understand(Question),
    /// Call a tool; the answer is [`Input::Answered`](crate::Input::Answered).
    Call(Call),
    /// Say something to the guest.
    Say(Say),
    /// Keep a value for the guest's next conversation.
    Remember {
        /// What it is, the slot's name.
        name: String,
        /// The value, see [`Value::json`].
        value: Json,
    },
    /// A person must take over.
    HandOver,
    /// The conversation is over.
    End,
}

/// A message to be understood, with everything the answer may be about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// The guest's words.
    pub said: String,
    /// The id of the pressed button.
    pub button: Option<String>,
    /// The day relative dates count from.
    pub today: NaiveDate,
    /// What the last message asked for.
    pub expecting: Expecting,
    /// The flow that is under way.
    pub flow: Option<String>,
    /// The slots of that flow.
    pub scope: Vec<ScopedSlot>,
    /// The flows that can be asked for.
    pub starts: Vec<Startable>,
    /// How many times the guest asked for more of the list that was asked about.
    pub page: u32,
    /// Whether these are words kept from an earlier message, to be matched against a list that exists only now;
    /// only the rules are asked then.
    pub kept: bool,
}

/// What the last question expects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "expecting", content = "slot", rename_all = "snake_case")]
pub enum Expecting {
    /// Nothing in particular.
    #[default]
    Anything,
    /// The value of this slot.
    Slot(String),
    /// Yes or no to a read-back.
    Confirmation,
    /// What to change.
    Change,
}

/// A slot that a message may fill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScopedSlot {
    /// The slot's name. Extraction goes by [`kind`](Self::kind), never by name.
    pub name: String,
    /// Its type and bounds.
    pub kind: Kind,
    /// The list of a choice as it stands; `None` while it does not exist yet, empty for other kinds.
    pub items: Option<Vec<Item>>,
    /// The present value.
    pub value: Option<Value>,
    /// Whether "I don't mind" is an answer.
    pub optional: bool,
}

/// A flow that a guest can ask for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Startable {
    /// The flow's name.
    pub flow: String,
    /// What it does, in one sentence.
    pub description: String,
    /// Sentences a guest asks for it with.
    pub examples: Vec<String>,
    /// The slots such a sentence may already fill.
    pub slots: Vec<ScopedSlot>,
}

/// A tool call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// Numbers the calls of one conversation from 1.
    pub id: u64,
    /// The tool's name.
    pub tool: String,
    /// The arguments, typed as the tool's input schema says.
    pub arguments: IndexMap<String, Json>,
    /// Whether it changes anything. Such a call is written down before it is made.
    pub writes: bool,
    /// How often and how patiently it is repeated when no answer comes.
    pub retry: Retry,
}

/// How a call is repeated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Repetitions after the first try.
    pub times: u32,
    /// The pause before the first repetition; it doubles.
    pub backoff_ms: u64,
}

/// Something to say: a prompt by name and the facts it may use.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Say {
    /// Numbers the sayings of one conversation from 1.
    pub id: u64,
    /// The prompt's name.
    pub prompt: String,
    /// What it asks for, if it asks.
    pub expecting: Expecting,
    /// The list a guest can pick from, when it asks for a choice; "yes" and "no" are the channel's own for a
    /// [`Expecting::Confirmation`] and a boolean.
    pub items: Vec<Item>,
    /// How many times the guest asked for more of the list.
    pub page: u32,
    /// The facts: slots and results by name, `guest`, `error`, `today`, `unclear`, `silence`; for a question also
    /// `slot` and `kind`.
    pub facts: IndexMap<String, Json>,
    /// Why the last answer was refused.
    pub invalid: Option<Invalid>,
}
