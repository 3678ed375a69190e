//! Speech in: what was said in a recording, or is being said in a call. One vendor a file; its words appear nowhere else.

mod deepgram;
mod deepgram_live;
mod flux;
pub mod live;
mod openai;
mod realtime;

use std::fmt;

use async_trait::async_trait;

pub use deepgram::Deepgram;
pub use deepgram_live::DeepgramLive;
pub use flux::Flux;
pub use openai::OpenAiCompatible;
pub use realtime::Realtime;

use crate::message::Transcript;
use crate::speech::SpeechFault;

/// Hears what is said in whole recordings.
#[async_trait]
pub trait Recogniser: fmt::Debug + Send + Sync {
    /// What is said in a recording; nothing where nobody speaks.
    ///
    /// # Errors
    /// [`SpeechFault`] says what can be done about it. What may pass was tried again already.
    async fn hear(&self, recording: &Recording, hints: &Hints) -> Result<Transcript, SpeechFault>;
}

/// A recording in a file.
#[derive(Clone, PartialEq, Eq)]
pub struct Recording {
    /// The file.
    pub bytes: Vec<u8>,
    /// What it is: `audio/ogg; codecs=opus`.
    pub content_type: String,
}

impl fmt::Debug for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recording({} bytes of {})", self.bytes.len(), self.content_type)
    }
}

/// What is known beforehand about what is said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hints {
    /// The language, as BCP 47 has it; without it the provider finds out.
    pub language: Option<String>,
    /// Words that may be said and that few people say: names of rooms, of the hotel, of the guest.
    pub terms: Vec<String>,
}
