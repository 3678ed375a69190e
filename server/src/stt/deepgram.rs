//! Deepgram's recognition of recordings: `POST /v1/listen` with the file as the body.
//! <https://developers.deepgram.com/reference/speech-to-text/listen-pre-recorded>

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value as Json;

use super::{Hints, Recogniser, Recording};
use crate::clock::Clock;
use crate::message::Transcript;
use crate::multipart::header_safe;
use crate::speech::{Exchange, SpeechFault};

/// Models of this family take key terms; older ones take keywords with weights, which are not used.
const WITH_KEY_TERMS: &str = "nova-3";

/// All key terms of a request may have 500 tokens; a word has seldom more than four.
const MOST_TERMS: usize = 80;

/// An account at Deepgram.
#[derive(Debug)]
pub struct Deepgram {
    exchange: Exchange,
    address: String,
    api_key: SecretString,
    model: String,
}

impl Deepgram {
    /// The account with this key; a recording is heard within `limit`, repetitions included.
    ///
    /// # Errors
    /// This machine has no HTTP client.
    pub fn new(
        base_url: &str,
        api_key: SecretString,
        model: &str,
        limit: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SpeechFault> {
        let address = format!("{}/v1/listen", base_url.trim_end_matches('/'));
        Ok(Self { exchange: Exchange::new(limit, clock)?, address, api_key, model: model.to_owned() })
    }

    fn query(&self, hints: &Hints) -> Vec<(&'static str, String)> {
        let mut query = vec![("model", self.model.clone()), ("smart_format", "true".to_owned())];
        query.push(match &hints.language {
            Some(language) => ("language", language.clone()),
            None => ("detect_language", "true".to_owned()),
        });
        if self.model.starts_with(WITH_KEY_TERMS) {
            query.extend(hints.terms.iter().take(MOST_TERMS).map(|term| ("keyterm", term.clone())));
        }
        query
    }
}

#[async_trait]
impl Recogniser for Deepgram {
    async fn hear(&self, recording: &Recording, hints: &Hints) -> Result<Transcript, SpeechFault> {
        let query = self.query(hints);
        let url = reqwest::Url::parse_with_params(&self.address, &query)
            .map_err(|_| SpeechFault::Garbled { reason: "its own address is none".to_owned() })?;
        let answer = self
            .exchange
            .ask(|client| {
                client
                    .post(url.clone())
                    .header(AUTHORIZATION, format!("Token {}", self.api_key.expose_secret()))
                    .header(CONTENT_TYPE, header_safe(&recording.content_type))
                    .body(recording.bytes.clone())
            })
            .await?;
        read(&answer.json()?)
    }
}

fn read(said: &Json) -> Result<Transcript, SpeechFault> {
    let channel = said.pointer("/results/channels/0");
    let channel = channel.ok_or_else(|| SpeechFault::Garbled { reason: "it has no channel".to_owned() })?;
    let best = channel.pointer("/alternatives/0");
    let words = best.and_then(|best| best.get("transcript")?.as_str()).unwrap_or_default();
    Ok(Transcript {
        words: words.trim().to_owned(),
        confidence: best.and_then(|best| best.get("confidence")?.as_f64()),
        language: channel.get("detected_language").and_then(Json::as_str).map(str::to_owned),
    })
}
