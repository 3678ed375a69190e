//! Why a provider does not take or deliver a message, by what may be done about it.

use std::fmt;
use std::time::Duration;

/// What may be done about a message that was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// The same message may be taken later.
    Later,
    /// The same message may be taken later, if it was not tried again before.
    Once,
    /// The same message will never be taken: it is wrong.
    Never,
    /// The guest's last message is too old: only a template may be sent.
    WindowClosed,
    /// The guest wants nothing more from us: only what they write next may be answered.
    OptedOut,
    /// The guest cannot be reached this way, at least not today.
    Unreachable,
    /// It is only taken as the answer to the guest's next message.
    OnlyAsAnswer,
    /// Only the operator can set it right, and is told; then the same message is taken.
    Operator,
    /// Nobody here knows what it means: it counts as failed, and the operator is told.
    Unheard,
}

impl Action {
    /// Every action.
    pub const ALL: [Self; 9] = [
        Self::Later,
        Self::Once,
        Self::Never,
        Self::WindowClosed,
        Self::OptedOut,
        Self::Unreachable,
        Self::OnlyAsAnswer,
        Self::Operator,
        Self::Unheard,
    ];

    /// Whether somebody must be told who runs the place.
    pub fn alarms(self) -> bool {
        match self {
            Self::Operator | Self::Unheard => true,
            Self::Later
            | Self::Once
            | Self::Never
            | Self::WindowClosed
            | Self::OptedOut
            | Self::Unreachable
            | Self::OnlyAsAnswer => false,
        }
    }
}

/// A refusal. It holds nothing of the guest's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What may be done about it.
    pub action: Action,
    /// The provider's code for it.
    pub code: Option<u32>,
    /// Why, for the operator.
    pub reason: String,
    /// How long the provider wants to be left alone.
    pub after: Option<Duration>,
}

impl Refusal {
    /// A refusal without a code.
    pub fn new(action: Action, reason: impl Into<String>) -> Self {
        Self { action, code: None, reason: reason.into(), after: None }
    }

    /// The same, once the provider was left alone for a while.
    #[must_use]
    pub fn after(self, after: Option<Duration>) -> Self {
        Self { after: after.or(self.after), ..self }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "error {code}, {}", self.reason),
            None => f.write_str(&self.reason),
        }
    }
}

impl std::error::Error for Refusal {}

/// A vendor's codes that mean the same: first and last of a range, what may be done, why.
pub(super) type Codes = [(u32, u32, Action, &'static str)];

/// What a code means, by its vendor's table.
pub(super) fn refusal(codes: &Codes, code: u32, unheard: &'static str) -> Refusal {
    let known = codes.iter().find(|(first, last, ..)| (*first..=*last).contains(&code));
    let (action, reason) =
        known.map_or((Action::Unheard, unheard), |(_, _, action, reason)| (*action, *reason));
    Refusal { action, code: Some(code), reason: reason.to_owned(), after: None }
}
