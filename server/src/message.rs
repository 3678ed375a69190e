//! Messages in both directions, in our words; no provider's.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// Who a guest is to a channel, for as long as the channel knows: `whatsapp:+14155550100`, `whatsapp:US.13491208`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GuestKey(String);

impl GuestKey {
    /// A key.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A telephone number in E.164 (`+`, then 7 to 15 digits that do not begin with 0), with or without WhatsApp's prefix.
pub fn e164(text: &str) -> Option<String> {
    let number = text.strip_prefix("whatsapp:").unwrap_or(text);
    let digits = number.strip_prefix('+')?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    (plain && (7..=15).contains(&digits.len())).then(|| number.to_owned())
}

/// The number of an inbound message; higher came later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MessageId(pub i64);

impl MessageId {
    /// The number that the engine's driver knows as text.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of an outgoing message; a guest's messages go out in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OutgoingId(pub i64);

impl fmt::Display for OutgoingId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The id of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConversationId(String);

impl ConversationId {
    /// An id.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ConversationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The way a message came or goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelName {
    /// WhatsApp by Twilio.
    Twilio,
    /// WhatsApp by Meta.
    Meta,
    /// The console's chat page.
    Console,
    /// The terminal.
    Terminal,
}

impl ChannelName {
    /// Every channel.
    pub const ALL: [Self; 4] = [Self::Twilio, Self::Meta, Self::Console, Self::Terminal];

    /// Its stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Twilio => "twilio",
            Self::Meta => "meta",
            Self::Console => "console",
            Self::Terminal => "terminal",
        }
    }

    /// Whether the guest is right here: what is said has reached them when it is said, and nothing is sent.
    pub fn is_local(self) -> bool {
        match self {
            Self::Console | Self::Terminal => true,
            Self::Twilio | Self::Meta => false,
        }
    }

    /// How long the words of one message can be, in UTF-16 units; `None` is any length.
    pub fn text_limit(self) -> Option<usize> {
        match self {
            Self::Twilio => Some(1600),
            Self::Meta => Some(4096),
            Self::Console | Self::Terminal => None,
        }
    }

    /// The channel with a stored name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == name)
    }
}

/// What a message is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Words, or a button.
    Text,
    /// A picture; its caption is its text.
    Image,
    /// A voice note or a piece of music.
    Audio,
    /// A film; its caption is its text.
    Video,
    /// A file.
    Document,
    /// A place on a map.
    Location,
    /// A visiting card.
    Contacts,
    /// A sticker.
    Sticker,
    /// A sign put on one of our messages. Nobody expects an answer.
    Reaction,
    /// Something the channel itself does not know.
    Unsupported,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 10] = [
        Self::Text,
        Self::Image,
        Self::Audio,
        Self::Video,
        Self::Document,
        Self::Location,
        Self::Contacts,
        Self::Sticker,
        Self::Reaction,
        Self::Unsupported,
    ];

    /// Its stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "image",
            Self::Audio => "audio",
            Self::Video => "video",
            Self::Document => "document",
            Self::Location => "location",
            Self::Contacts => "contacts",
            Self::Sticker => "sticker",
            Self::Reaction => "reaction",
            Self::Unsupported => "unsupported",
        }
    }

    /// The kind with a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }
}

/// A message as a channel read it.
#[derive(Clone, Debug, PartialEq)]
pub struct Inbound {
    /// The way it came.
    pub channel: ChannelName,
    /// The provider's id for it, unique in the channel.
    pub provider_id: String,
    /// Whose it is.
    pub guest: GuestKey,
    /// Where an answer must be sent.
    pub address: String,
    /// The address of ours that the guest wrote to.
    pub line: Option<String>,
    /// The guest's number, E.164, if the channel vouches for it.
    pub phone: Option<String>,
    /// What it is made of.
    pub kind: Kind,
    /// The words, possibly none.
    pub text: String,
    /// The id of the button that was pressed.
    pub button: Option<String>,
    /// Everything the provider said about it.
    pub raw: Json,
}

/// A message on its way to a guest.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outgoing {
    /// The words, short enough for the channel.
    pub text: String,
    /// What the guest can press where the channel has buttons; the words say it too.
    pub buttons: Vec<Button>,
    /// The sayings it carries, whole or a part of them, by the engine's ids.
    pub says: Vec<u32>,
}

/// Something to press.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Button {
    /// What comes back when it is pressed.
    pub id: String,
    /// What is written on it.
    pub title: String,
}

/// The words on yes and no buttons of one language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ButtonTitles {
    /// Yes, in general.
    pub yes: String,
    /// No, in general.
    pub no: String,
    /// Other words below particular prompts.
    pub prompts: BTreeMap<String, YesNo>,
}

/// The words on one pair of buttons.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct YesNo {
    /// Yes.
    pub yes: String,
    /// No.
    pub no: String,
}

/// What a guest said in one turn: one message, or the fragments of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gathered {
    /// Whose turn it is.
    pub guest: GuestKey,
    /// The way it came.
    pub channel: ChannelName,
    /// The message that the turn answers.
    pub lead: MessageId,
    /// The messages that were merged into it, in order.
    pub merged: Vec<MessageId>,
    /// The words of all of them, a line each.
    pub text: String,
    /// The id of the button that was pressed.
    pub button: Option<String>,
    /// What it is made of where that is more, or something else, than words.
    pub unsupported: Option<Kind>,
    /// When the first of them came.
    pub received_at: DateTime<Utc>,
    /// The number of times this turn was begun, this one included.
    pub attempts: u32,
}
