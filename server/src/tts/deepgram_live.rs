//! Deepgram's speech in calls: the WebSocket `v1/speak`.
//! <https://developers.deepgram.com/reference/text-to-speech/speak-streaming>
//!
//! Sound has no name: it belongs to the first flush that was not answered with `Flushed`. What comes between `Clear`
//! and `Cleared` belongs to nobody.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::live::dialect::{Dialect, Rest, Room, Took};
use super::live::session;
use super::live::{Limits, LiveVoice, Mouth, UtteranceId};
use crate::clock::{Clock, later};
use crate::socket::{Door, Incoming, address};
use crate::speech::SpeechFault;

/// So many flushes are taken in [`WINDOW`]; the next one is warned of and passed over.
const FLUSHES: usize = 20;

/// A minute, and a second for what is late on its way.
const WINDOW: Duration = Duration::from_secs(61);

/// So many utterances are with the provider at once: the next one is made while the first one is sent.
const AT_ONCE: usize = 2;

/// An account at Deepgram with one of its voices.
#[derive(Debug)]
pub struct DeepgramLive {
    door: Arc<Door>,
    identity: String,
    limits: Limits,
    clock: Arc<dyn Clock>,
}

impl DeepgramLive {
    /// The account with this key and this voice, which is its model.
    pub fn new(
        base_url: &str,
        api_key: &SecretString,
        voice: &str,
        limits: Limits,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let query = super::query(&[("model", voice), ("encoding", "mulaw"), ("sample_rate", "8000")]);
        let url = format!("{}/v1/speak?{query}", address(base_url));
        let token = SecretString::from(format!("Token {}", api_key.expose_secret()));
        let door = Door { url, headers: vec![("authorization", token)] };
        Self { door: Arc::new(door), identity: format!("deepgram/{voice}"), limits, clock }
    }
}

#[async_trait]
impl LiveVoice for DeepgramLive {
    fn identity(&self) -> &str {
        &self.identity
    }

    async fn open(&self) -> Result<Mouth, SpeechFault> {
        let clock = Arc::clone(&self.clock);
        session::open(Speak::default(), Arc::clone(&self.door), self.limits, clock).await
    }
}

/// What is on a connection.
#[derive(Debug, Default)]
struct Speak {
    /// What was flushed and not answered.
    flushed: VecDeque<UtteranceId>,
    /// `Clear`s that were not answered.
    clearing: u32,
    /// When the last flushes were, also those of connections before.
    flushes: VecDeque<DateTime<Utc>>,
}

/// What it says besides sound.
#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
enum Said {
    Metadata,
    Flushed,
    Cleared,
    Warning {
        #[serde(default)]
        code: String,
        #[serde(default)]
        description: String,
    },
    Error {
        #[serde(default)]
        code: String,
    },
    #[serde(other)]
    Else,
}

impl Dialect for Speak {
    fn opened(&mut self, _send: &mut Vec<String>) {
        self.flushed.clear();
        self.clearing = 0;
    }

    fn room(&mut self, now: DateTime<Utc>) -> Room {
        while self.flushes.front().is_some_and(|at| later(*at, WINDOW) <= now) {
            self.flushes.pop_front();
        }
        match self.flushes.front() {
            _ if self.flushed.len() >= AT_ONCE => Room::Full,
            Some(oldest) if self.flushes.len() >= FLUSHES => Room::At(later(*oldest, WINDOW)),
            _ => Room::Now,
        }
    }

    fn say(&mut self, utterance: UtteranceId, text: &str, now: DateTime<Utc>, send: &mut Vec<String>) {
        self.flushed.push_back(utterance);
        self.flushes.push_back(now);
        send.push(json!({ "type": "Speak", "text": text }).to_string());
        send.push(json!({ "type": "Flush" }).to_string());
    }

    fn cancel(&mut self, upto: UtteranceId, send: &mut Vec<String>) -> Rest {
        if self.flushed.iter().all(|utterance| *utterance > upto) {
            return Rest::GoesOn;
        }
        // It clears everything, later utterances too.
        self.flushed.clear();
        self.clearing += 1;
        send.push(json!({ "type": "Clear" }).to_string());
        Rest::GivenAgain
    }

    fn take(&mut self, message: Incoming, took: &mut Vec<Took>) {
        let text = match message {
            Incoming::Binary(sound) => {
                if let Some(first) = self.flushed.front().filter(|_| self.clearing == 0 && !sound.is_empty())
                {
                    took.push(Took::Sound(*first, sound.into()));
                }
                return;
            }
            Incoming::Text(text) => text,
        };
        match serde_json::from_str(text.as_str()).unwrap_or(Said::Else) {
            Said::Flushed if self.clearing == 0 => took.extend(self.flushed.pop_front().map(Took::Done)),
            Said::Cleared => self.clearing = self.clearing.saturating_sub(1),
            // A flush that was passed over is never answered.
            Said::Warning { code, description } if is_of_flushes(&code) || is_of_flushes(&description) => {
                took.push(Took::Lost("more flushes than it takes".to_owned()));
            }
            Said::Warning { code, .. } => tracing::warn!(code = super::plain(&code), "Deepgram warns"),
            Said::Error { code } => took.push(Took::Lost(format!("an error: {}", super::plain(&code)))),
            Said::Metadata | Said::Flushed | Said::Else => {}
        }
    }

    fn still_here(&self) -> Option<(Duration, String)> {
        None
    }

    fn bye(&self) -> Option<String> {
        Some(json!({ "type": "Close" }).to_string())
    }
}

fn is_of_flushes(words: &str) -> bool {
    words.to_lowercase().contains("flush")
}
