//! Speech out: words as a recording. One vendor a file; its words appear nowhere else.

mod deepgram;
pub mod live;
mod openai;

use std::fmt;

use async_trait::async_trait;

pub use deepgram::Deepgram;
pub use openai::OpenAiCompatible;

use crate::channel::Sound;
use crate::speech::{Answer, SpeechFault};

/// What a voice bubble is made of.
const OGG_OPUS: &str = "audio/ogg; codecs=opus";

/// What an Ogg file begins with, RFC 3533.
const OGG: &[u8] = b"OggS";

/// Says words.
#[async_trait]
pub trait Voice: fmt::Debug + Send + Sync {
    /// The words as Ogg with one channel of Opus, which WhatsApp shows as a voice note.
    ///
    /// # Errors
    /// [`SpeechFault`] says what can be done about it. What may pass was tried again already.
    async fn say(&self, words: &str) -> Result<Sound, SpeechFault>;
}

/// A sound out of an answer that must be one.
fn sound(answer: Answer) -> Result<Sound, SpeechFault> {
    if answer.bytes.starts_with(OGG) {
        return Ok(Sound { bytes: answer.bytes, content_type: OGG_OPUS.to_owned() });
    }
    let reason = format!("{} bytes of {:?} are no Ogg file", answer.bytes.len(), answer.content_type);
    Err(SpeechFault::Garbled { reason })
}
