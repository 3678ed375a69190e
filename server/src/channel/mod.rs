//! Channels: how messages come in, and how they go out. One vendor a file; its words appear nowhere else.

pub mod local;
pub mod twilio;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use std::time::Duration;

use crate::message::{Button, ChannelName, OutgoingId};

/// A way to reach guests.
#[async_trait]
pub trait Channel: Send + Sync {
    /// Its name.
    fn name(&self) -> ChannelName;

    /// Sends a message.
    ///
    /// # Errors
    /// [`SendFault`] says what may be done about it.
    async fn send(&self, outbound: &Outbound) -> Result<Sent, SendFault>;

    /// The provider's ids of the messages with these words that it took for this guest since an instant, oldest first:
    /// how one finds out whether a try succeeded of which no answer came.
    ///
    /// # Errors
    /// [`SendFault`]; then nobody knows yet.
    async fn taken_since(&self, outbound: &Outbound, since: DateTime<Utc>) -> Result<Vec<String>, SendFault>;
}

/// A message as it is given to a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outbound {
    /// Ours for it; a provider that reports on it gives it back.
    pub id: OutgoingId,
    /// Where it goes.
    pub to: String,
    /// The address of ours that the guest wrote to.
    pub line: Option<String>,
    /// The words.
    pub text: String,
    /// What the guest can press, where the channel has buttons.
    pub buttons: Vec<Button>,
}

/// A message that the provider took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sent {
    /// The provider's id for it.
    pub provider_id: String,
}

/// Why a message was not sent, by what may be done about it. Reasons hold nothing of the guest's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SendFault {
    /// It was not taken now, and may be later.
    #[error("not taken now: {reason}")]
    Later {
        /// Why.
        reason: String,
        /// How long the provider wants to be left alone.
        after: Option<Duration>,
    },
    /// It was not taken and never will be.
    #[error("refused: {reason}")]
    Never {
        /// Why.
        reason: String,
    },
    /// Nobody knows whether it was taken.
    #[error("no answer came: {reason}")]
    Unknown {
        /// What happened.
        reason: String,
    },
    /// It is only taken as the answer to the guest's next message.
    #[error("only taken as an answer: {reason}")]
    OnlyAsAnswer {
        /// Why.
        reason: String,
    },
}

/// What a provider says about a message it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The provider's id for it.
    pub provider_id: String,
    /// How far it got.
    pub delivery: Delivery,
    /// Why it failed.
    pub error: Option<String>,
}

/// How far a message got, in the order in which it gets there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Delivery {
    /// Taken.
    Accepted,
    /// To be sent at a time.
    Scheduled,
    /// Waits at the provider.
    Queued,
    /// Under way.
    Sending,
    /// With the network.
    Sent,
    /// On the guest's device.
    Delivered,
    /// Read.
    Read,
    /// It did not get there.
    Failed,
}

impl Delivery {
    /// Every stage, in order.
    pub const ALL: [Self; 8] = [
        Self::Accepted,
        Self::Scheduled,
        Self::Queued,
        Self::Sending,
        Self::Sent,
        Self::Delivered,
        Self::Read,
        Self::Failed,
    ];

    /// What is known after another report: reports come in any order and more than once, so the stage counts and not
    /// the arrival. A failure is final, except of a message that was seen on the device.
    pub fn merged_with(self, other: Self) -> Self {
        let arrived = |stage| matches!(stage, Self::Delivered | Self::Read);
        match (self, other) {
            (Self::Failed, stage) | (stage, Self::Failed) if !arrived(stage) => Self::Failed,
            (Self::Failed, stage) | (stage, Self::Failed) => stage,
            (one, other) => one.max(other),
        }
    }

    /// Its stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Scheduled => "scheduled",
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
        }
    }

    /// The stage with a stored name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|stage| stage.as_str() == name)
    }
}
