//! Deepgram's speech over REST: `POST /v1/speak`.
//! <https://developers.deepgram.com/reference/text-to-speech/speak-request>

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::AUTHORIZATION;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::{Voice, sound};
use crate::channel::Sound;
use crate::clock::Clock;
use crate::speech::{Exchange, SpeechFault};

/// The longest text of a request, in characters.
const MOST_CHARS: usize = 2000;

/// An account at Deepgram with one of its voices.
#[derive(Debug)]
pub struct Deepgram {
    exchange: Exchange,
    address: String,
    api_key: SecretString,
    voice: String,
}

impl Deepgram {
    /// The account with this key; something is said within `limit`, repetitions included.
    ///
    /// # Errors
    /// This machine has no HTTP client.
    pub fn new(
        base_url: &str,
        api_key: SecretString,
        voice: &str,
        limit: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SpeechFault> {
        let address = format!("{}/v1/speak", base_url.trim_end_matches('/'));
        Ok(Self { exchange: Exchange::new(limit, clock)?, address, api_key, voice: voice.to_owned() })
    }
}

#[async_trait]
impl Voice for Deepgram {
    async fn say(&self, words: &str) -> Result<Sound, SpeechFault> {
        if words.chars().count() > MOST_CHARS {
            return Err(SpeechFault::TooLarge);
        }
        let query = [("model", self.voice.as_str()), ("encoding", "opus"), ("container", "ogg")];
        let url = reqwest::Url::parse_with_params(&self.address, query)
            .map_err(|_| SpeechFault::Garbled { reason: "its own address is none".to_owned() })?;
        let answer = self
            .exchange
            .ask(|client| {
                client
                    .post(url.clone())
                    .header(AUTHORIZATION, format!("Token {}", self.api_key.expose_secret()))
                    .json(&json!({ "text": words }))
            })
            .await?;
        sound(answer)
    }
}
