//! Channels: how messages come in, and how they go out. One vendor a folder; its words appear nowhere else.

mod body;
mod delivery;
pub mod line;
pub mod local;
mod media;
pub mod meta;
mod refusal;
pub mod relay;
pub mod socket;
pub mod twilio;
mod typing;
mod wire;

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};

use crate::message::{ChannelName, GuestIds, Limits, Media, OutgoingId};

pub use body::{Body, List, Row, Sound, Template};
pub use delivery::{Delivery, Report};
pub use media::{Fetched, MediaFault};
pub use refusal::{Action, Refusal};
pub use typing::keep_typing;

/// A way to reach guests.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Its name.
    fn name(&self) -> ChannelName;

    /// What fits into one message.
    fn limits(&self) -> &'static Limits {
        self.name().limits()
    }

    /// Sends a message.
    ///
    /// # Errors
    /// [`SendFault`] says what may be done about it.
    async fn send(&self, outbound: &Outbound) -> Result<Sent, SendFault>;

    /// What the provider took of this message since an instant: how one finds out whether a try succeeded of which no
    /// answer came.
    ///
    /// # Errors
    /// [`SendFault`]; then nobody knows yet.
    async fn taken_since(&self, outbound: &Outbound, since: DateTime<Utc>) -> Result<TakenSince, SendFault>;

    /// Marks a guest's message, by the provider's id, as read, and shows that somebody writes, for
    /// [`TYPING_SHOWS`] or until the next message. Nobody waits for it, and it is not tried again.
    ///
    /// # Errors
    /// [`SendFault`]; nothing need be done about it.
    async fn typing(&self, provider_id: &str) -> Result<(), SendFault>;

    /// Fetches a file that a guest sent, from the provider's own hosts only.
    ///
    /// # Errors
    /// [`MediaFault`]: it cannot be had, or must not be.
    async fn fetch(&self, media: &Media) -> Result<Fetched, MediaFault>;

    /// Has the provider forget a file that a guest sent, where it keeps files until it is told otherwise.
    ///
    /// # Errors
    /// [`MediaFault`]; the provider keeps it.
    async fn discard(&self, _media: &Media) -> Result<(), MediaFault> {
        Ok(())
    }
}

/// Hears what people of the hotel write to guests past this program: with the hotel's own telephone.
#[async_trait]
pub trait Colleagues: Send + Sync {
    /// Takes note of a message, however often it is told.
    ///
    /// # Errors
    /// It could not be noted, and must be told again.
    async fn wrote(&self, echo: &Echo) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
}

/// A message that a person of the hotel typed into the hotel's own telephone. It is with the guest already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Echo {
    /// The way it went.
    pub channel: ChannelName,
    /// To whom.
    pub guest: GuestIds,
    /// Where answers to this guest are sent.
    pub address: String,
    /// The provider's id for it.
    pub provider_id: String,
    /// The words, possibly none.
    pub text: String,
}

/// How long a guest sees that somebody writes.
pub const TYPING_SHOWS: Duration = Duration::from_secs(25);

/// A message as it is given to a channel.
#[derive(Clone, Debug, PartialEq)]
pub struct Outbound {
    /// Ours for it; a provider that reports on it gives it back.
    pub id: OutgoingId,
    /// Where it goes.
    pub to: String,
    /// The address of ours that the guest wrote to.
    pub line: Option<String>,
    /// What it says. It must fit the channel's limits.
    pub body: Body,
    /// The provider's id of the guest's message that it is shown as the answer to, where the channel can.
    pub reply_to: Option<String>,
}

/// A message that the provider took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The provider's id for it.
    pub provider_id: String,
}

/// What a provider says about what it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakenSince {
    /// These, by its ids, oldest first: the messages that say the same to the same guest.
    These(Vec<String>),
    /// It cannot be asked. It reports on what it took, within this time.
    OnlyReported(Duration),
}

/// Why a message was not sent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendFault {
    /// It was not taken.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Nobody knows whether it was taken. The reason holds nothing of the guest's.
    #[error("no answer came: {reason}")]
    Unknown {
        /// What happened.
        reason: String,
    },
}
