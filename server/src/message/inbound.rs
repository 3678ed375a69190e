//! What a guest sent, and what of it makes one turn.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{ChannelName, GuestIds, GuestKey, Heard, MessageId};

/// A message as a channel read it.
#[derive(Clone, Debug, PartialEq)]
pub struct Inbound {
    /// The way it came.
    pub channel: ChannelName,
    /// The provider's id for it, unique in the channel.
    pub provider_id: String,
    /// Whose it is.
    pub guest: GuestIds,
    /// Where an answer must be sent.
    pub address: String,
    /// The address of ours that the guest wrote to.
    pub line: Option<String>,
    /// The guest's number, E.164, if the channel vouches for it.
    pub phone: Option<String>,
    /// The name the guest chose to show. Anybody can choose any name.
    pub name: Option<String>,
    /// The words, possibly none: what was written, a caption, the title of what was pressed.
    pub text: String,
    /// What it is made of.
    pub content: Content,
    /// The provider's id of the message of ours that it answers: the guest swiped it, or pressed something below it.
    pub reply_to: Option<String>,
    /// The advertisement that led the guest here.
    pub referral: Option<Referral>,
    /// When the guest sent it, where the provider says so.
    pub sent_at: Option<DateTime<Utc>>,
    /// Everything the provider said about it.
    pub raw: Json,
}

impl Inbound {
    /// What it is made of, in a word.
    pub fn kind(&self) -> Kind {
        self.content.kind()
    }

    /// Whether the guest expects an answer.
    pub fn is_answerable(&self) -> bool {
        self.kind().is_answerable()
    }
}

/// What a message is made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Content {
    /// Words alone.
    #[default]
    Text,
    /// A button below one of our messages was pressed; the words are its title.
    Button {
        /// What we gave it to be told apart by.
        id: String,
        /// What was written on it.
        title: String,
    },
    /// A row of one of our lists was chosen; the words are its title.
    Row {
        /// What we gave it to be told apart by.
        id: String,
        /// What was written on it.
        title: String,
    },
    /// A picture; its caption is the text.
    Image {
        /// Where it is.
        media: Media,
    },
    /// A voice note or a piece of music.
    Audio {
        /// Where it is.
        media: Media,
    },
    /// A film; its caption is the text.
    Video {
        /// Where it is.
        media: Media,
    },
    /// A file.
    Document {
        /// Where it is.
        media: Media,
        /// What the guest calls it. Never a path.
        name: Option<String>,
    },
    /// A sticker.
    Sticker {
        /// Where it is.
        media: Media,
    },
    /// A place on a map.
    Location {
        /// Where.
        place: Place,
    },
    /// Visiting cards.
    Contacts {
        /// The file with them, on channels that send one.
        media: Option<Media>,
    },
    /// A sign put on a message, or taken away from it.
    Reaction {
        /// The provider's id of that message.
        to: Option<String>,
        /// The sign; none where it was taken away.
        emoji: Option<String>,
    },
    /// The answer to the question whether we may call.
    CallPermission {
        /// Whether we may.
        granted: bool,
    },
    /// The guest has another number from now on.
    NumberChanged {
        /// That number, E.164.
        to: String,
    },
    /// Something the channel itself does not know, or says no more about.
    Unsupported,
}

impl Content {
    /// What it is, in a word.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Text | Self::Button { .. } | Self::Row { .. } => Kind::Text,
            Self::Image { .. } => Kind::Image,
            Self::Audio { .. } => Kind::Audio,
            Self::Video { .. } => Kind::Video,
            Self::Document { .. } => Kind::Document,
            Self::Sticker { .. } => Kind::Sticker,
            Self::Location { .. } => Kind::Location,
            Self::Contacts { .. } => Kind::Contacts,
            Self::Reaction { .. } => Kind::Reaction,
            Self::CallPermission { .. } => Kind::CallPermission,
            Self::NumberChanged { .. } => Kind::NumberChanged,
            Self::Unsupported => Kind::Unsupported,
        }
    }

    /// The id of the button or row that was pressed.
    pub fn pressed(&self) -> Option<&str> {
        match self {
            Self::Button { id, .. } | Self::Row { id, .. } => Some(id),
            _ => None,
        }
    }

    /// The file that belongs to it.
    pub fn media(&self) -> Option<&Media> {
        match self {
            Self::Image { media }
            | Self::Audio { media }
            | Self::Video { media }
            | Self::Document { media, .. }
            | Self::Sticker { media } => Some(media),
            Self::Contacts { media } => media.as_ref(),
            Self::Text
            | Self::Button { .. }
            | Self::Row { .. }
            | Self::Location { .. }
            | Self::Reaction { .. }
            | Self::CallPermission { .. }
            | Self::NumberChanged { .. }
            | Self::Unsupported => None,
        }
    }
}

/// A file that a guest sent. It stays with the provider until [`crate::channel::Channel::fetch`] brings it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Media {
    /// How the channel finds it: the provider's address or id.
    pub reference: String,
    /// What the provider says it is: `audio/ogg; codecs=opus`.
    pub content_type: String,
    /// Its SHA-256 in Base64, where the provider tells it.
    pub sha256: Option<String>,
    /// Whether it was spoken into the telephone just then.
    pub voice: bool,
}

/// A place on a map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Place {
    /// Degrees north.
    pub latitude: f64,
    /// Degrees east.
    pub longitude: f64,
    /// Its name.
    pub label: Option<String>,
    /// Its address.
    pub address: Option<String>,
}

/// An advertisement that a guest pressed before writing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Referral {
    /// What it was: `ad` or `post`.
    pub source_type: Option<String>,
    /// The provider's id of it.
    pub source_id: Option<String>,
    /// Where it is.
    pub source_url: Option<String>,
    /// Its title.
    pub headline: Option<String>,
    /// Its words.
    pub body: Option<String>,
    /// The provider's id of the press.
    pub click_id: Option<String>,
}

/// What a message is made of, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Words, a button or a row.
    Text,
    /// A picture.
    Image,
    /// A voice note or a piece of music.
    Audio,
    /// A film.
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
    /// Whether we may call. Nobody expects an answer.
    CallPermission,
    /// Another number. Nobody expects an answer.
    NumberChanged,
    /// Something the channel itself does not know.
    Unsupported,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 12] = [
        Self::Text,
        Self::Image,
        Self::Audio,
        Self::Video,
        Self::Document,
        Self::Location,
        Self::Contacts,
        Self::Sticker,
        Self::Reaction,
        Self::CallPermission,
        Self::NumberChanged,
        Self::Unsupported,
    ];

    /// Its stored name, at most 16 characters.
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
            Self::CallPermission => "call_permission",
            Self::NumberChanged => "number_changed",
            Self::Unsupported => "unsupported",
        }
    }

    /// The kind with a name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Whether a guest who sends this expects an answer.
    pub fn is_answerable(self) -> bool {
        match self {
            Self::Reaction | Self::CallPermission | Self::NumberChanged => false,
            Self::Text
            | Self::Image
            | Self::Audio
            | Self::Video
            | Self::Document
            | Self::Location
            | Self::Contacts
            | Self::Sticker
            | Self::Unsupported => true,
        }
    }
}

/// What a guest said in one turn: one message, or the fragments of one.
#[derive(Clone, Debug, PartialEq)]
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
    /// What came of listening to it, where it is a voice note that somebody listened to.
    pub heard: Option<Heard>,
    /// The messages themselves, in order.
    pub parts: Vec<Part>,
    /// When the first of them came.
    pub received_at: DateTime<Utc>,
    /// The number of times this turn was begun, this one included.
    pub attempts: u32,
}

/// A turn is planned again so many times at most because the guest said more meanwhile.
const PLANNED_AGAIN: u32 = 2;

impl Gathered {
    /// Whether words that the guest adds before it is answered become part of it: it is nothing but words itself, and
    /// was not begun too often.
    pub fn grows(&self) -> bool {
        let is_words = self.button.is_none() && self.unsupported.is_none() && self.heard.is_none();
        is_words && self.attempts <= PLANNED_AGAIN && !self.channel.is_local()
    }

    /// The last of its messages.
    pub fn last(&self) -> MessageId {
        self.merged.last().copied().unwrap_or(self.lead).max(self.lead)
    }
}

/// One message of a turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// Its number.
    pub message: MessageId,
    /// The provider's id for it.
    pub provider_id: String,
    /// Its words.
    pub text: String,
    /// What it is made of.
    pub content: Content,
    /// The provider's id of the message of ours that it answers.
    pub reply_to: Option<String>,
}
