//! Speech out while a call goes on: words go in, sound comes out piece by piece and can be called off.

mod cached;
pub(in crate::tts) mod dialect;
mod pieces;
pub(in crate::tts) mod session;
mod sounds;

use std::fmt;

use async_trait::async_trait;
use tokio::sync::mpsc;

use crate::speech::SpeechFault;

pub use cached::Cached;
pub use pieces::{Fixed, pieces};
pub use session::Limits;
pub use sounds::{Room, SoundKey, Sounds};

/// Speaks in calls.
#[async_trait]
pub trait LiveVoice: fmt::Debug + Send + Sync {
    /// What its sound depends on besides the words: provider, model and voice, as `deepgram/aura-2-thalia-en`.
    fn identity(&self) -> &str;

    /// Opens a session for one call. It keeps itself alive and connects again when it must.
    ///
    /// # Errors
    /// [`SpeechFault`] says what can be done about it.
    async fn open(&self) -> Result<Mouth, SpeechFault>;
}

/// A session at a voice. Dropping `orders` ends it.
#[derive(Debug)]
pub struct Mouth {
    /// What is to be said.
    pub orders: mpsc::Sender<Order>,
    /// The sound of it; it ends when the session is over.
    pub spoken: mpsc::Receiver<Spoken>,
}

/// What an utterance is known by in its session: higher ones come later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UtteranceId(pub u64);

/// How long the sound of words is of use after they were said. Only a voice that remembers cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Not at all: they hold what is one guest's.
    Never,
    /// As long as the program runs.
    Memory,
    /// For good: there is nothing of any guest's in them.
    Disk,
}

/// What a voice is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// Say this, after all that was ordered before.
    Say {
        /// Ours for it.
        utterance: UtteranceId,
        /// The words, at most a few sentences.
        text: String,
        /// How long its sound is of use.
        keep: Keep,
    },
    /// Call these off: nothing of them is needed any more, and none of their sound comes after this was taken.
    Cancel {
        /// The utterances up to and with this one.
        upto: UtteranceId,
    },
}

/// What a voice makes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spoken {
    /// The next piece of an utterance's sound, µ-law 8 kHz.
    Sound {
        /// The utterance.
        utterance: UtteranceId,
        /// The sound.
        bytes: Vec<u8>,
    },
    /// All sound of an utterance is here.
    Done {
        /// The utterance.
        utterance: UtteranceId,
    },
    /// An utterance cannot be said, or not to its end.
    Failed {
        /// The utterance.
        utterance: UtteranceId,
        /// Why. Nothing of it is the caller's.
        reason: String,
    },
}
