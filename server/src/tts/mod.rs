//! Speech out: words as a recording. One vendor a file; its words appear nowhere else.

mod deepgram;
mod deepgram_live;
mod elevenlabs;
pub mod live;
mod openai;
mod realtime;

use std::fmt;

use async_trait::async_trait;

pub use deepgram::Deepgram;
pub use deepgram_live::DeepgramLive;
pub use elevenlabs::{ElevenLabs, ElevenLabsLive};
pub use openai::OpenAiCompatible;
pub use realtime::RealtimeLive;

use crate::channel::Sound;
use crate::speech::{Answer, SpeechFault};

/// What a voice bubble is made of.
const OGG_OPUS: &str = "audio/ogg; codecs=opus";

/// What an Ogg file begins with, RFC 3533.
const OGG: &[u8] = b"OggS";

/// The most characters of a provider's code that are repeated.
const CODE_MAX_CHARS: usize = 60;

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

/// A provider's code without anything that could be words of a guest.
fn plain(code: &str) -> String {
    code.chars().filter(|c| c.is_ascii_alphanumeric() || " _-.".contains(*c)).take(CODE_MAX_CHARS).collect()
}

/// The query of an address.
fn query(fields: &[(&str, &str)]) -> String {
    let mut url = reqwest::Url::parse("http://query").ok();
    if let Some(url) = &mut url {
        url.query_pairs_mut().extend_pairs(fields);
    }
    url.and_then(|url| url.query().map(str::to_owned)).unwrap_or_default()
}

/// A name as one part of a path.
fn segment(name: &str) -> String {
    let plain = |c: &u8| c.is_ascii_alphanumeric() || b"-_.~".contains(c);
    name.bytes()
        .map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
