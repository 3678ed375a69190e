//! Speech in while it is spoken: a call's sound goes in, whose turn it is and what was said comes out.

mod doubts;
mod following;
mod protocol;
mod session;
mod tape;
mod terms;
mod turns;

use std::fmt;

use async_trait::async_trait;
use tokio::sync::mpsc;

pub(super) use protocol::{Limits, Link, Protocol, Verdict};
pub(super) use session::listen;
pub(super) use terms::likely;
pub(super) use turns::{Phrase, Turns, Word};

use super::Hints;
use crate::speech::SpeechFault;

/// Bytes of sound in a second; a byte is a sample.
pub(super) const BYTES_PER_SECOND: u64 = 8000;

/// Hears calls as they go on.
#[async_trait]
pub trait LiveRecogniser: fmt::Debug + Send + Sync {
    /// Opens a session for one call. It keeps itself alive, and when its connection is lost it makes another and hears
    /// the last seconds again; only when that fails it says [`Heard::Lost`].
    ///
    /// # Errors
    /// [`SpeechFault`] says what can be done about it.
    async fn open(&self, hints: &Hints) -> Result<Session, SpeechFault>;
}

/// A session at a recogniser. Dropping `feed` ends it.
#[derive(Debug)]
pub struct Session {
    /// What goes in.
    pub feed: mpsc::Sender<Feed>,
    /// What comes out; it ends when the session is over.
    pub heard: mpsc::Receiver<Heard>,
}

/// What goes into a session.
#[derive(Clone, Debug, PartialEq)]
pub enum Feed {
    /// The caller's sound, µ-law 8 kHz, with its silences.
    Sound(Vec<u8>),
    /// What is likely to be said now: replaces what was likely before.
    Terms(Vec<String>),
    /// How sure and how patient it must be from now on.
    Thresholds(Thresholds),
    /// The caller's turn is over, whatever it sounds like.
    EndTurn,
}

/// When a turn counts as over. A provider that has no such setting takes what comes nearest.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Thresholds {
    /// How sure, from 0 to 1, that the caller has finished.
    pub end: f32,
    /// How sure for [`Heard::EagerEnd`]; `None` is never.
    pub eager: Option<f32>,
    /// How long a silence ends a turn whatever it sounds like, in milliseconds.
    pub silence_ms: u32,
}

/// What is heard. A turn is `TurnStarted Partial* (EagerEnd (Resumed Partial*)?)* TurnEnded`.
#[derive(Clone, Debug, PartialEq)]
pub enum Heard {
    /// The caller began to speak.
    TurnStarted,
    /// The words of the turn so far; they may still change.
    Partial {
        /// All of them.
        words: String,
    },
    /// The caller has probably finished.
    EagerEnd {
        /// All words of the turn.
        words: String,
    },
    /// The caller had not: the last `EagerEnd` is void.
    Resumed,
    /// The caller has finished.
    TurnEnded {
        /// All words of the turn; after an `EagerEnd` that was not void, the same. Possibly none.
        words: String,
        /// How sure the recogniser is of the words, from 0 to 1, where it says so.
        confidence: Option<f32>,
    },
    /// What is said now is heard late, if at all.
    Late,
    /// The provider is gone for good; nothing more is heard.
    Lost {
        /// Why. Nothing of it is the caller's.
        reason: String,
    },
}
