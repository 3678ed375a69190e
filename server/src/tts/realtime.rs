//! OpenAI Realtime as a voice: one session without turns, and every utterance a response outside of any conversation
//! that reads our words aloud.
//! <https://platform.openai.com/docs/guides/realtime>
//!
//! The model does not decide what is said. It tells in words what it says, and its sound is held back until those are
//! the beginning of ours, for as long as speaking so many letters takes. When they are not, the utterance has failed
//! and the response is cancelled.

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
use crate::clock::Clock;
use crate::socket::{Door, Incoming, address};
use crate::speech::SpeechFault;

/// Sound that may leave for a letter that was proven right, in bytes: 50 ms, as fast as anybody speaks.
const BYTES_PER_LETTER: usize = 50 * 8;

/// Another response is being made; it is over soon.
const BUSY: &str = "conversation_already_has_active_response";

/// An account at OpenAI, or any server that speaks the same protocol, with one of its models and voices.
#[derive(Debug)]
pub struct RealtimeLive {
    door: Arc<Door>,
    identity: String,
    voice: String,
    instructions: Arc<str>,
    limits: Limits,
    clock: Arc<dyn Clock>,
}

impl RealtimeLive {
    /// The server at this address, its version included. `instructions` tell the model to say the words that follow
    /// them, and nothing else.
    pub fn new(
        base_url: &str,
        api_key: Option<&SecretString>,
        model: &str,
        voice: &str,
        instructions: &str,
        limits: Limits,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let url = format!("{}/realtime?{}", address(base_url), super::query(&[("model", model)]));
        let bearer = |key: &SecretString| SecretString::from(format!("Bearer {}", key.expose_secret()));
        let headers = api_key.map(|key| ("authorization", bearer(key))).into_iter().collect();
        Self {
            door: Arc::new(Door { url, headers }),
            identity: format!("openai/{model}/{voice}"),
            voice: voice.to_owned(),
            instructions: instructions.trim().into(),
            limits,
            clock,
        }
    }
}

#[async_trait]
impl LiveVoice for RealtimeLive {
    fn identity(&self) -> &str {
        &self.identity
    }

    async fn open(&self) -> Result<Mouth, SpeechFault> {
        let (voice, instructions) = (self.voice.clone(), Arc::clone(&self.instructions));
        let responses = Responses { voice, instructions, current: None, ending: Vec::new(), busy: false };
        let clock = Arc::clone(&self.clock);
        session::open(responses, Arc::clone(&self.door), self.limits, clock).await
    }
}

/// What is on a connection.
struct Responses {
    voice: String,
    instructions: Arc<str>,
    /// What is being said.
    current: Option<Response>,
    /// Responses that were called off before they had an id: they are cancelled when they get it.
    ending: Vec<UtteranceId>,
    /// Whether the next response must wait until another one is over.
    busy: bool,
}

/// A response that says an utterance.
struct Response {
    utterance: UtteranceId,
    /// The letters that must be said.
    words: String,
    /// The letters that were said, as the model tells.
    said: String,
    /// Whether it tells that those are all.
    told_all: bool,
    /// Its id, once it has one.
    id: Option<String>,
    /// Sound whose words were not told yet.
    held: Vec<u8>,
    /// Bytes of sound that were passed on.
    passed: usize,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "type")]
enum Said {
    #[serde(rename = "response.created")]
    Created { response: Told },
    #[serde(rename = "response.output_audio.delta")]
    Audio { response_id: String, delta: String },
    #[serde(rename = "response.output_audio_transcript.delta")]
    Transcript { response_id: String, delta: String },
    #[serde(rename = "response.output_audio_transcript.done")]
    WholeTranscript { response_id: String, transcript: String },
    #[serde(rename = "response.done")]
    Done { response: Told },
    #[serde(rename = "error")]
    Error { error: Refused },
    #[serde(other)]
    Else,
}

/// What is told about a response.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Told {
    id: Option<String>,
    status: Option<String>,
    status_details: Option<Details>,
    metadata: Option<Metadata>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Details {
    reason: Option<String>,
    error: Option<Refused>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Metadata {
    utterance: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Refused {
    #[serde(rename = "type")]
    kind: Option<String>,
    code: Option<String>,
    /// Our name for what was refused.
    event_id: Option<String>,
}

impl Dialect for Responses {
    fn opened(&mut self, send: &mut Vec<String>) {
        (self.current, self.busy) = (None, false);
        self.ending.clear();
        let format = json!({ "type": "audio/pcmu" });
        let session = json!({
            "type": "realtime",
            "output_modalities": ["audio"],
            "instructions": &*self.instructions,
            "audio": {
                "input": { "format": format, "turn_detection": null },
                "output": { "format": format, "voice": self.voice },
            },
        });
        send.push(json!({ "type": "session.update", "session": session }).to_string());
    }

    fn room(&mut self, _now: DateTime<Utc>) -> Room {
        if self.current.is_none() && !self.busy { Room::Now } else { Room::Full }
    }

    fn say(&mut self, utterance: UtteranceId, text: &str, _now: DateTime<Utc>, send: &mut Vec<String>) {
        let name = utterance.0.to_string();
        let response = json!({
            "conversation": "none",
            "input": [],
            "output_modalities": ["audio"],
            "instructions": format!("{}\n\n{text}", self.instructions),
            "metadata": { "utterance": name },
        });
        let event =
            json!({ "type": "response.create", "event_id": format!("say-{name}"), "response": response });
        send.push(event.to_string());
        self.current = Some(Response {
            utterance,
            words: letters(text),
            said: String::new(),
            told_all: false,
            id: None,
            held: Vec::new(),
            passed: 0,
        });
    }

    fn cancel(&mut self, upto: UtteranceId, send: &mut Vec<String>) -> Rest {
        if let Some(response) = self.current.take_if(|response| response.utterance <= upto) {
            send.extend(self.end(response));
        }
        Rest::GoesOn
    }

    fn take(&mut self, message: Incoming, took: &mut Vec<Took>) {
        let Incoming::Text(text) = message else { return };
        match serde_json::from_str(text.as_str()).unwrap_or(Said::Else) {
            Said::Created { response } => self.created(response, took),
            Said::Audio { response_id, delta } => match STANDARD.decode(delta) {
                Ok(bytes) => {
                    if let Some(response) = self.of(&response_id) {
                        response.held.extend_from_slice(&bytes);
                        took.extend(response.pass());
                    }
                }
                Err(_) => took.push(Took::Lost("its sound is not base64".to_owned())),
            },
            Said::Transcript { response_id, delta } => {
                if let Some(response) = self.of(&response_id) {
                    response.said.push_str(&letters(&delta));
                    self.check(took);
                }
            }
            Said::WholeTranscript { response_id, transcript } => {
                if let Some(response) = self.of(&response_id) {
                    (response.said, response.told_all) = (letters(&transcript), true);
                    self.check(took);
                }
            }
            Said::Done { response } => self.done(response, took),
            Said::Error { error } => self.refused(error, took),
            Said::Else => {}
        }
    }

    fn still_here(&self) -> Option<(Duration, String)> {
        None
    }

    fn bye(&self) -> Option<String> {
        None
    }
}

impl Responses {
    fn of(&mut self, id: &str) -> Option<&mut Response> {
        self.current.as_mut().filter(|response| response.id.as_deref() == Some(id))
    }

    /// Calls a response off, now or when it has an id.
    fn end(&mut self, response: Response) -> Option<String> {
        match response.id {
            Some(id) => Some(cancellation(&id)),
            None => {
                self.ending.push(response.utterance);
                None
            }
        }
    }

    fn created(&mut self, told: Told, took: &mut Vec<Took>) {
        let name = told.metadata.and_then(|metadata| metadata.utterance?.parse().ok()).map(UtteranceId);
        let (Some(id), Some(utterance)) = (told.id, name) else { return };
        if let Some(at) = self.ending.iter().position(|ending| *ending == utterance) {
            self.ending.swap_remove(at);
            took.push(Took::Send(cancellation(&id)));
        } else if let Some(response) =
            self.current.as_mut().filter(|response| response.utterance == utterance)
        {
            response.id = Some(id);
        }
    }

    /// What was said must be the beginning of what must be said.
    fn check(&mut self, took: &mut Vec<Took>) {
        let Some(response) = &mut self.current else { return };
        if response.words.starts_with(&response.said) {
            took.extend(response.pass());
        } else if let Some(response) = self.current.take() {
            took.push(Took::Failed(response.utterance, "it says something else".to_owned()));
            took.extend(self.end(response).map(Took::Send));
        }
    }

    fn done(&mut self, told: Told, took: &mut Vec<Took>) {
        self.busy = false;
        let Some(id) = told.id else { return };
        if self.of(&id).is_none() {
            return;
        }
        let Some(mut response) = self.current.take() else { return };
        let utterance = response.utterance;
        let details = told.status_details.unwrap_or_default();
        let end = match told.status.as_deref() {
            Some("completed") if response.said == response.words => {
                response.told_all = true;
                took.extend(response.pass());
                Took::Done(utterance)
            }
            Some("completed") => Took::Failed(utterance, "it did not say all".to_owned()),
            status => {
                let code = details.error.and_then(|error| error.code).or(details.reason).unwrap_or_default();
                let (status, code) = (super::plain(status.unwrap_or("over")), super::plain(&code));
                Took::Failed(utterance, format!("its response is {status} ({code})"))
            }
        };
        took.push(end);
    }

    fn refused(&mut self, error: Refused, took: &mut Vec<Took>) {
        let code = error.code.or(error.kind).unwrap_or_default();
        let named = error.event_id.as_deref().and_then(|name| name.strip_prefix("say-"));
        let utterance = named.and_then(|name| name.parse().ok()).map(UtteranceId);
        if let Some(utterance) = utterance {
            self.ending.retain(|ending| *ending != utterance);
        }
        let of_current = self.current.take_if(|response| Some(response.utterance) == utterance);
        match of_current {
            Some(response) if code == BUSY => {
                self.busy = true;
                took.push(Took::Again(response.utterance));
            }
            Some(response) => {
                took.push(Took::Failed(response.utterance, format!("it refuses: {}", super::plain(&code))));
            }
            None if code == "session_expired" => took.push(Took::Lost("the session is over".to_owned())),
            // For example a cancellation of what is over already.
            None => tracing::debug!(code = super::plain(&code), "OpenAI refuses something harmless"),
        }
    }
}

impl Response {
    /// The sound whose words are proven.
    fn pass(&mut self) -> Option<Took> {
        let proven = if self.told_all && self.said == self.words {
            usize::MAX
        } else {
            (self.said.chars().count() * BYTES_PER_LETTER).saturating_sub(self.passed)
        };
        let count = self.held.len().min(proven);
        if count == 0 || !self.words.starts_with(&self.said) {
            return None;
        }
        let bytes: Vec<u8> = self.held.drain(..count).collect();
        self.passed += bytes.len();
        Some(Took::Sound(self.utterance, bytes))
    }
}

fn cancellation(id: &str) -> String {
    json!({ "type": "response.cancel", "response_id": id }).to_string()
}

/// What can be heard of words: letters and digits, small.
fn letters(words: &str) -> String {
    words.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
