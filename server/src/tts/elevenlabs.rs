//! ElevenLabs: speech in calls over its multi-context WebSocket, and voice notes over REST.
//! <https://elevenlabs.io/docs/api-reference/multi-context-text-to-speech/v-1-text-to-speech-voice-id-multi-stream-input>
//!
//! Every utterance is a context of its own, which is flushed and closed as soon as its words are sent: it goes on to
//! its end and then says `isFinal`. A context counts until then, also one that was called off, and there are few.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::live::dialect::{Dialect, Rest, Room, Took};
use super::live::session;
use super::live::{Limits, LiveVoice, Mouth, UtteranceId};
use super::{Voice, sound};
use crate::channel::Sound;
use crate::clock::Clock;
use crate::socket::{Door, Incoming, address};
use crate::speech::{Exchange, SpeechFault};

/// So many contexts a connection may have, with the one that keeps it.
const CONTEXTS: usize = 5;

/// The context that nothing is said in: a connection without one ends.
const KEEPER: &str = "keeper";

/// After such a silence of ours the connection is kept.
const KEEP: Duration = Duration::from_secs(10);

/// After so many seconds without a word from us it ends a context.
const INACTIVITY_S: &str = "60";

/// The longest text of a request, in characters; the fast models take more.
const MOST_CHARS: usize = 5000;

/// An account at ElevenLabs with one of its models and voices, for calls.
#[derive(Debug)]
pub struct ElevenLabsLive {
    door: Arc<Door>,
    identity: String,
    limits: Limits,
    clock: Arc<dyn Clock>,
}

/// An account at ElevenLabs with one of its models and voices, for voice notes.
#[derive(Debug)]
pub struct ElevenLabs {
    exchange: Exchange,
    address: String,
    api_key: SecretString,
    model: String,
}

impl ElevenLabsLive {
    /// The account with this key, this model and this voice's id.
    pub fn new(
        base_url: &str,
        api_key: SecretString,
        model: &str,
        voice: &str,
        limits: Limits,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let query = super::query(&[
            ("model_id", model),
            ("output_format", "ulaw_8000"),
            ("auto_mode", "true"),
            ("inactivity_timeout", INACTIVITY_S),
        ]);
        let voice_part = super::segment(voice);
        let base = address(base_url);
        let url = format!("{base}/v1/text-to-speech/{voice_part}/multi-stream-input?{query}");
        let door = Door { url, headers: vec![("xi-api-key", api_key)] };
        Self { door: Arc::new(door), identity: format!("elevenlabs/{model}/{voice}"), limits, clock }
    }
}

#[async_trait]
impl LiveVoice for ElevenLabsLive {
    fn identity(&self) -> &str {
        &self.identity
    }

    async fn open(&self) -> Result<Mouth, SpeechFault> {
        let clock = Arc::clone(&self.clock);
        session::open(Contexts::default(), Arc::clone(&self.door), self.limits, clock).await
    }
}

impl ElevenLabs {
    /// The account with this key, this model and this voice's id; something is said within `limit`, repetitions
    /// included.
    ///
    /// # Errors
    /// This machine has no HTTP client.
    pub fn new(
        base_url: &str,
        api_key: SecretString,
        model: &str,
        voice: &str,
        limit: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SpeechFault> {
        let base = base_url.trim_end_matches('/');
        let address =
            format!("{base}/v1/text-to-speech/{}?output_format=opus_48000_32", super::segment(voice));
        Ok(Self { exchange: Exchange::new(limit, clock)?, address, api_key, model: model.to_owned() })
    }
}

#[async_trait]
impl Voice for ElevenLabs {
    async fn say(&self, words: &str) -> Result<Sound, SpeechFault> {
        if words.chars().count() > MOST_CHARS {
            return Err(SpeechFault::TooLarge);
        }
        let body = json!({ "text": words, "model_id": self.model });
        let answer = self
            .exchange
            .ask(|client| {
                client.post(&self.address).header("xi-api-key", self.api_key.expose_secret()).json(&body)
            })
            .await?;
        sound(answer)
    }
}

/// What is on a connection.
#[derive(Debug, Default)]
struct Contexts {
    /// The contexts that are not over, with what they say; nothing if that was called off.
    open: Vec<(String, Option<UtteranceId>)>,
    /// Contexts are never named twice.
    named: u64,
}

/// What it says. It has no tag.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Said {
    audio: Option<String>,
    #[serde(rename = "isFinal")]
    is_final: Option<bool>,
    #[serde(rename = "contextId")]
    context_id: Option<String>,
    error: Option<String>,
}

impl Dialect for Contexts {
    fn opened(&mut self, send: &mut Vec<String>) {
        self.open.clear();
        send.push(json!({ "text": " ", "context_id": KEEPER }).to_string());
    }

    fn room(&mut self, _now: DateTime<Utc>) -> Room {
        // One for the keeper.
        if self.open.len() + 1 < CONTEXTS { Room::Now } else { Room::Full }
    }

    fn say(&mut self, utterance: UtteranceId, text: &str, _now: DateTime<Utc>, send: &mut Vec<String>) {
        self.named += 1;
        let context = format!("u{}-{}", utterance.0, self.named);
        send.push(json!({ "text": " ", "context_id": context }).to_string());
        // Words end with a space: more of them could follow.
        send.push(
            json!({ "text": format!("{} ", text.trim_end()), "context_id": context, "flush": true })
                .to_string(),
        );
        send.push(json!({ "context_id": context, "close_context": true }).to_string());
        self.open.push((context, Some(utterance)));
    }

    fn cancel(&mut self, upto: UtteranceId, _send: &mut Vec<String>) -> Rest {
        // They are closed already, and what was flushed is made to its end all the same.
        for (_, says) in &mut self.open {
            *says = says.filter(|utterance| *utterance > upto);
        }
        Rest::GoesOn
    }

    fn take(&mut self, message: Incoming, took: &mut Vec<Took>) {
        let Incoming::Text(text) = message else { return };
        let said: Said = serde_json::from_str(text.as_str()).unwrap_or_default();
        if let Some(error) = said.error {
            took.push(Took::Lost(format!("an error: {}", super::plain(&error))));
            return;
        }
        let Some(at) = self.open.iter().position(|(context, _)| Some(context) == said.context_id.as_ref())
        else {
            return;
        };
        let says = self.open[at].1;
        if let (Some(utterance), Some(audio)) = (says, said.audio.filter(|audio| !audio.is_empty())) {
            match STANDARD.decode(audio) {
                Ok(bytes) => took.push(Took::Sound(utterance, bytes)),
                Err(_) => took.push(Took::Lost("its sound is not base64".to_owned())),
            }
        }
        if said.is_final == Some(true) {
            self.open.remove(at);
            took.extend(says.map(Took::Done));
        }
    }

    fn still_here(&self) -> Option<(Duration, String)> {
        Some((KEEP, json!({ "text": "", "context_id": KEEPER }).to_string()))
    }

    fn bye(&self) -> Option<String> {
        Some(json!({ "close_socket": true }).to_string())
    }
}
