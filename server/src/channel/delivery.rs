//! How far messages got.

use super::Refusal;

/// What a provider says about a message it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// The provider's id for it.
    pub provider_id: String,
    /// How far it got.
    pub delivery: Delivery,
    /// Why it failed.
    pub refusal: Option<Refusal>,
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
