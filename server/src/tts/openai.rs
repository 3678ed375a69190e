//! Any server with OpenAI's `POST /audio/speech`.
//! <https://platform.openai.com/docs/api-reference/audio/createSpeech>

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::{Voice, sound};
use crate::channel::Sound;
use crate::clock::Clock;
use crate::speech::{Exchange, SpeechFault};

/// The longest text of a request, in characters.
const MOST_CHARS: usize = 4096;

/// A server with one of its models and voices.
#[derive(Debug)]
pub struct OpenAiCompatible {
    exchange: Exchange,
    address: String,
    api_key: Option<SecretString>,
    model: String,
    voice: String,
}

impl OpenAiCompatible {
    /// The server at this address, its version included; something is said within `limit`, repetitions included.
    ///
    /// # Errors
    /// This machine has no HTTP client.
    pub fn new(
        base_url: &str,
        api_key: Option<SecretString>,
        model: &str,
        voice: &str,
        limit: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SpeechFault> {
        let address = format!("{}/audio/speech", base_url.trim_end_matches('/'));
        let exchange = Exchange::new(limit, clock)?;
        Ok(Self { exchange, address, api_key, model: model.to_owned(), voice: voice.to_owned() })
    }
}

#[async_trait]
impl Voice for OpenAiCompatible {
    async fn say(&self, words: &str) -> Result<Sound, SpeechFault> {
        if words.chars().count() > MOST_CHARS {
            return Err(SpeechFault::TooLarge);
        }
        let body =
            json!({ "model": self.model, "voice": self.voice, "input": words, "response_format": "opus" });
        let answer = self
            .exchange
            .ask(|client| {
                let request = client.post(&self.address).json(&body);
                match &self.api_key {
                    Some(key) => request.bearer_auth(key.expose_secret()),
                    None => request,
                }
            })
            .await?;
        sound(answer)
    }
}
