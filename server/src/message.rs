//! Messages in both directions, in our words; no provider's.

mod guest;
mod heard;
mod inbound;
mod limits;

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

pub use guest::{GuestIds, GuestKey, e164};
pub use heard::{Heard, Transcript, Unheard};
pub use inbound::{Content, Gathered, Inbound, Kind, Media, Part, Place, Referral};
pub use limits::Limits;

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
    /// A telephone call, by whatever line it comes.
    Call,
}

impl ChannelName {
    /// Every channel.
    pub const ALL: [Self; 5] = [Self::Twilio, Self::Meta, Self::Console, Self::Terminal, Self::Call];

    /// Its stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Twilio => "twilio",
            Self::Meta => "meta",
            Self::Console => "console",
            Self::Terminal => "terminal",
            Self::Call => "call",
        }
    }

    /// Whether the guest is right here: what is said has reached them when it is said, and nothing is sent.
    pub fn is_local(self) -> bool {
        match self {
            Self::Console | Self::Terminal => true,
            Self::Twilio | Self::Meta | Self::Call => false,
        }
    }

    /// Whether what is said is spoken while the guest listens: it has reached them when they have heard it, and is
    /// never sent later.
    pub fn is_spoken(self) -> bool {
        match self {
            Self::Call => true,
            Self::Twilio | Self::Meta | Self::Console | Self::Terminal => false,
        }
    }

    /// What fits into one message.
    pub fn limits(self) -> &'static Limits {
        match self {
            Self::Twilio => &limits::TWILIO,
            Self::Meta => &limits::META,
            Self::Console | Self::Terminal | Self::Call => &limits::LOCAL,
        }
    }

    /// How long the words of one message can be, in UTF-16 units; `None` is any length.
    pub fn text_limit(self) -> Option<usize> {
        self.limits().text
    }

    /// The channel with a stored name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|channel| channel.as_str() == name)
    }
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
    /// How it may be shown, and what it is for.
    #[serde(default)]
    pub manner: Manner,
    /// Whether the words are sent as a sound: they say again what another message says.
    #[serde(default)]
    pub spoken: bool,
    /// The way it goes where that is not the conversation's own: a guest who writes may call, too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<ChannelName>,
    /// Who gets it where that is not the conversation's guest: whoever has the number that a caller displayed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<GuestKey>,
    /// Where it comes from that they want it, where they were asked just now: it is noted with the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consent: Option<String>,
}

/// How a message may be shown, and what it is for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manner {
    /// What is written on what opens a list, where there is more to press than fits below a message.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub opener: String,
    /// Whether it answers nothing that the guest wrote.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unasked: bool,
    /// What it is for, the narrowest first: names of approved templates that say the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub purposes: Vec<String>,
    /// What may be filled into such a template, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
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
    /// What opens a list of choices.
    pub choose: String,
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
