//! Telephone lines in our words: one that carries sound, and one whose far end hears and speaks by itself and carries
//! words.
//!
//! A vendor's adapter takes a call, makes its end of a [`Line`], and gives the other end to whoever answers calls
//! ([`Callee`]). Dropping the orders hangs up; when the line is gone, the signals end.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::message::{ChannelName, GuestIds};

/// The sound of telephone lines: µ-law with 8,000 samples a second, a byte a sample, one channel, without any header.
pub const BYTES_PER_MS: usize = 8;

/// A call that rang and was taken.
#[derive(Debug)]
pub struct Call {
    /// The provider's id for it, unique in the channel.
    pub id: String,
    /// The way it came.
    pub channel: ChannelName,
    /// Whose call it is.
    pub caller: Caller,
    /// What can be done to the call besides speaking.
    pub control: Arc<dyn Control>,
    /// What it carries.
    pub line: Line,
}

/// Who calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// What the channel knows the caller by.
    pub guest: GuestIds,
    /// The number, E.164, if the channel vouches for it. A number that is only displayed is none.
    pub verified: Option<String>,
    /// The number that is displayed, E.164: good for calling back and for sending to with consent, proof of nothing.
    pub displayed: Option<String>,
    /// Our address that was called.
    pub line: Option<String>,
}

impl Caller {
    /// Whether nobody vouches for who they are: they are somebody new in each call.
    pub fn is_new(&self) -> bool {
        matches!(self.guest, GuestIds::Other(_)) && self.verified.is_none()
    }
}

/// What a call carries.
#[derive(Debug)]
pub enum Line {
    /// Sound both ways.
    Sound {
        /// What comes from the caller.
        signals: mpsc::Receiver<FromSound>,
        /// What goes to the caller.
        orders: mpsc::Sender<ToSound>,
    },
    /// Words both ways.
    Words {
        /// What comes from the caller.
        signals: mpsc::Receiver<FromWords>,
        /// What goes to the caller.
        orders: mpsc::Sender<ToWords>,
    },
}

/// What comes from a line that carries sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromSound {
    /// The caller's sound, µ-law 8 kHz, as long as the provider makes it; mostly 20 ms.
    Sound(Vec<u8>),
    /// A key: `0` to `9`, `*` or `#`.
    Digit(char),
    /// A mark came back: all sound before it was played, or was dropped by a [`ToSound::Clear`].
    Mark(String),
    /// The caller hung up, or the provider ended the stream.
    Stopped,
}

/// What goes to a line that carries sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToSound {
    /// Sound to play after all that was sent before, µ-law 8 kHz.
    Sound(Vec<u8>),
    /// A mark to give back when all sound before it was played.
    Mark(String),
    /// Drop all sound that was not played yet, and give its marks back.
    Clear,
}

/// What comes from a line whose far end hears and speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FromWords {
    /// What the caller said.
    Said {
        /// The words, so far or whole.
        text: String,
        /// Whether they are whole: the caller's turn is over.
        last: bool,
    },
    /// The caller interrupted; the far end is silent already.
    Interrupted {
        /// What was heard of what we said last.
        heard: String,
        /// How long that took, where the provider says so.
        after: Option<Duration>,
    },
    /// Words of ours that were just played, where the provider says so.
    Played(String),
    /// Whether our voice is to be heard now, where the provider says so.
    Speaking(bool),
    /// Whether the caller's voice is to be heard now, where the provider says so.
    Calling(bool),
    /// A key: `0` to `9`, `*` or `#`.
    Digit(char),
    /// The caller hung up, or the provider ended the session.
    Stopped,
}

/// What goes to a line whose far end hears and speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ToWords {
    /// Words to speak after all that was sent before.
    Say {
        /// The words; spaces belong to them.
        text: String,
        /// Whether they end what is said now.
        last: bool,
        /// Whether the caller can interrupt them.
        interruptible: bool,
    },
    /// The call is over; what is named goes to whatever the provider does next.
    End {
        /// What the next step is told.
        handoff: Option<String>,
    },
}

/// Takes calls.
#[async_trait]
pub trait Callee: Send + Sync {
    /// Holds a call until it is over.
    async fn take(&self, call: Call);
}

/// What can be done to a call besides speaking.
#[async_trait]
pub trait Control: std::fmt::Debug + Send + Sync {
    /// Ends the call at the provider. One that is over already is well ended.
    ///
    /// # Errors
    /// [`ControlFault`].
    async fn hang_up(&self) -> Result<(), ControlFault>;

    /// Connects the caller to the front desk; this side of the call ends then.
    ///
    /// # Errors
    /// [`ControlFault`]: the caller is still here.
    async fn transfer(&self) -> Result<(), ControlFault>;
}

/// Why nothing was done to a call.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ControlFault {
    /// The line cannot do that, or nobody said where the front desk is.
    #[error("the line cannot do that: {reason}")]
    Unable {
        /// Why.
        reason: String,
    },
    /// The provider refused, or did not answer.
    #[error("the provider did not do it: {reason}")]
    Failed {
        /// What happened; nothing of the caller's.
        reason: String,
    },
}
