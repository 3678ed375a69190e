//! OpenAI Realtime as a recogniser: it tells when somebody speaks and what was said, and is never asked to answer.
//! <https://platform.openai.com/docs/guides/realtime-transcription>

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use super::Hints;
use super::live::{
    BYTES_PER_SECOND, Limits, Link, LiveRecogniser, Phrase, Protocol, Session, Thresholds, Turns, Verdict,
    Word, likely, listen,
};
use crate::clock::Clock;
use crate::socket::{Door, Outgoing, address};
use crate::speech::SpeechFault;

/// What we call our settings, so that a refusal can be told from others.
const SETTINGS: &str = "settings";

/// The sound of telephone lines, as this provider calls it.
const PCMU: &str = "audio/pcmu";

/// Models that take key terms as such; others take them as a prompt.
const WITH_KEYWORDS: [&str; 2] = ["gpt-transcribe", "gpt-live-transcribe"];

/// A model that takes no prompt.
const WITHOUT_PROMPT: &str = "gpt-realtime-whisper";

/// What no other connection would change.
const LASTING: [&str; 5] = [
    "invalid_api_key",
    "insufficient_quota",
    "model_not_found",
    "billing_hard_limit_reached",
    "account_deactivated",
];

/// The words of somebody who stopped are not waited for longer than so many ticks: five seconds.
const TRANSCRIBES_FOR: u32 = 50;

/// So much sound may not have been listened to yet.
const BEHIND: u64 = BYTES_PER_SECOND;

/// The names of so many finished items are known, in case something more is said about them.
const FINISHED: usize = 16;

/// OpenAI, or any server that speaks the same protocol.
#[derive(Debug)]
pub struct Realtime {
    url: Url,
    api_key: Option<SecretString>,
    transcription: String,
    thresholds: Thresholds,
    limits: Limits,
    clock: Arc<dyn Clock>,
}

impl Realtime {
    /// The server at this address, its version included. `model` holds the session, `transcription` writes down what is
    /// said. A session opens within `open`, and is lost after `lost` without a connection.
    ///
    /// # Errors
    /// The address is none.
    pub fn new(
        base_url: &str,
        api_key: Option<SecretString>,
        (model, transcription): (&str, &str),
        thresholds: Thresholds,
        (open, lost): (Duration, Duration),
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SpeechFault> {
        let base = format!("{}/realtime", address(base_url.trim_end_matches('/')));
        let url = Url::parse_with_params(&base, [("model", model)])
            .map_err(|_| SpeechFault::Garbled { reason: "its own address is none".to_owned() })?;
        let (transcription, limits) = (transcription.to_owned(), Limits { open, lost });
        Ok(Self { url, api_key, transcription, thresholds, limits, clock })
    }
}

#[async_trait]
impl LiveRecogniser for Realtime {
    async fn open(&self, hints: &Hints) -> Result<Session, SpeechFault> {
        let talk = Talk {
            url: self.url.clone(),
            api_key: self.api_key.clone(),
            transcription: self.transcription.clone(),
            language: hints.language.as_ref().and_then(|tag| tag.split('-').next().map(str::to_owned)),
            terms: likely(&hints.terms),
            thresholds: self.thresholds,
            begin: 0,
            sent: 0,
            is_ready: false,
            items: Vec::new(),
            finished: VecDeque::new(),
        };
        listen(talk, self.limits, self.clock.clone()).await
    }
}

/// One call's talk with it.
struct Talk {
    url: Url,
    api_key: Option<SecretString>,
    transcription: String,
    language: Option<String>,
    terms: Vec<String>,
    thresholds: Thresholds,
    /// Where this connection's sound begins in the call's.
    begin: u64,
    sent: u64,
    is_ready: bool,
    /// What was said in the open turn, in its order. The words of one may come before those of an earlier one.
    items: Vec<Item>,
    finished: VecDeque<String>,
}

#[derive(Debug)]
struct Item {
    id: String,
    text: String,
    is_speaking: bool,
    is_written: bool,
    confidence: Option<f32>,
    from: Option<u64>,
    to: Option<u64>,
    /// How often time has passed since somebody stopped.
    waited: u32,
}

#[derive(Deserialize)]
struct Said {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    item_id: String,
    #[serde(default)]
    previous_item_id: Option<String>,
    #[serde(default)]
    audio_start_ms: Option<i64>,
    #[serde(default)]
    audio_end_ms: Option<i64>,
    #[serde(default)]
    delta: Option<String>,
    #[serde(default)]
    transcript: Option<String>,
    #[serde(default)]
    logprobs: Option<Vec<Json>>,
    #[serde(default)]
    error: Json,
    #[serde(default)]
    session: Json,
}

impl Talk {
    fn settings(&self) -> Json {
        let mut transcription = json!({"model": self.transcription});
        if let Some(language) = &self.language {
            transcription["language"] = json!(language);
        }
        if WITH_KEYWORDS.contains(&self.transcription.as_str()) {
            transcription["keywords"] = json!(self.terms);
        } else if self.transcription != WITHOUT_PROMPT {
            transcription["prompt"] = json!(self.terms.join(", "));
        }
        // Longer where more certainty is wanted.
        let silence_ms = 300.0 + (f64::from(self.thresholds.end.clamp(0.5, 1.0)) - 0.5) * 1000.0;
        let turn_detection = json!({
            "type": "server_vad", "silence_duration_ms": silence_ms.round() as u32,
            "create_response": false, "interrupt_response": false,
        });
        let input = json!({
            "format": {"type": PCMU}, "transcription": transcription, "turn_detection": turn_detection,
        });
        let session = json!({"type": "realtime", "output_modalities": ["text"], "audio": {"input": input}});
        json!({"type": "session.update", "event_id": SETTINGS, "session": session})
    }

    fn place(&self, ms: Option<i64>) -> Option<u64> {
        Some(self.begin + u64::try_from(ms?).unwrap_or_default() * BYTES_PER_SECOND / 1000)
    }

    /// The item that is spoken of; `None` for one that is over.
    fn item(&mut self, said: &Said) -> Option<&mut Item> {
        if said.item_id.is_empty() || self.finished.contains(&said.item_id) {
            return None;
        }
        let at = match self.items.iter().position(|item| item.id == said.item_id) {
            Some(at) => at,
            None => {
                let item = Item {
                    id: said.item_id.clone(),
                    text: String::new(),
                    is_speaking: false,
                    is_written: false,
                    confidence: None,
                    from: None,
                    to: None,
                    waited: 0,
                };
                self.items.push(item);
                self.items.len() - 1
            }
        };
        // They are told to be in another order than they were first spoken of.
        let before = said.previous_item_id.as_ref();
        let before = before.and_then(|id| self.items.iter().position(|item| item.id == *id));
        let at = match before {
            Some(before) if before > at => {
                let item = self.items.remove(at);
                self.items.insert(before, item);
                before
            }
            _ => at,
        };
        self.items.get_mut(at)
    }

    /// Tells what the turn is, and that it is over when everybody has stopped and everything is written down.
    fn tell(&mut self, turns: &mut Turns) {
        let Some(last) = self.items.last() else { return };
        let at = self.items.iter().filter_map(|item| item.to.or(item.from)).max();
        let at = at.or(last.from).unwrap_or(self.begin);
        let phrase = self.phrase();
        if self.items.iter().all(|item| item.is_written && !item.is_speaking) {
            turns.ended(phrase, at);
            self.finished.extend(self.items.drain(..).map(|item| item.id));
            let forget = self.finished.len().saturating_sub(FINISHED);
            self.finished.drain(..forget);
        } else {
            turns.words(phrase, at);
        }
    }

    fn phrase(&self) -> Phrase {
        let said = || self.items.iter().filter(|item| !item.text.trim().is_empty());
        let words = said()
            .map(|item| Word {
                text: item.text.trim().to_owned(),
                place: item.from.zip(item.to).filter(|_| item.is_written),
            })
            .collect::<Vec<_>>();
        let text = words.iter().map(|word| word.text.as_str()).collect::<Vec<_>>().join(" ");
        let confidence = said().filter_map(|item| item.confidence).min_by(f32::total_cmp);
        Phrase { text, words, confidence }
    }

    fn speech(&mut self, said: &Said, turns: &mut Turns) {
        let (from, to) = (self.place(said.audio_start_ms), self.place(said.audio_end_ms));
        let (begin, sent) = (self.begin, self.sent);
        let Some(item) = self.item(said) else { return };
        match said.kind.as_str() {
            "input_audio_buffer.speech_started" => {
                item.is_speaking = !item.is_written;
                item.from = from.or(item.from);
                let at = item.from.unwrap_or(begin);
                turns.started(at);
                turns.listened_to(at);
            }
            "input_audio_buffer.speech_stopped" => {
                item.is_speaking = false;
                item.to = to.or(item.to);
            }
            "input_audio_buffer.committed" => {
                item.is_speaking = false;
                item.to = item.to.or(Some(sent.max(begin)));
            }
            _ => {}
        }
        self.tell(turns);
    }

    fn transcription(&mut self, said: &Said, turns: &mut Turns) {
        let Some(item) = self.item(said) else { return };
        match (said.kind.rsplit('.').next(), &said.delta, &said.transcript) {
            (Some("delta"), Some(delta), _) if !item.is_written => item.text.push_str(delta),
            (Some("completed"), _, transcript) => {
                item.text = transcript.clone().unwrap_or_default();
                item.confidence = said.logprobs.as_deref().and_then(confidence);
                (item.is_written, item.is_speaking) = (true, false);
            }
            (Some("failed"), _, _) => {
                let code = said.error.get("code").and_then(Json::as_str);
                tracing::warn!(code, "OpenAI could not write down what was said");
                (item.is_written, item.is_speaking) = (true, false);
            }
            _ => {}
        }
        self.tell(turns);
    }

    fn error(&self, error: &Json) -> Verdict {
        let field = |name: &str| error.get(name).and_then(Json::as_str).unwrap_or_default();
        let (code, kind) = (field("code"), field("type"));
        let name = if code.is_empty() { kind } else { code };
        if LASTING.contains(&code) || !self.is_ready && field("event_id") == SETTINGS {
            return Verdict::Lost(format!("the provider refused ({name})"));
        }
        if code == "session_expired" || kind == "server_error" {
            return Verdict::Again(name.to_owned());
        }
        tracing::debug!(code = name, "OpenAI did not do something");
        Verdict::Fine
    }
}

impl Protocol for Talk {
    const CHUNK: usize = 320;
    const FILLS_SILENCE: bool = false;
    const LAST_WORDS: bool = false;
    /// It tells only of speech.
    const TELLS: Option<Duration> = None;
    const KEEP_ALIVE: Option<(Duration, &'static str)> = None;

    fn door(&mut self) -> Door {
        let key = self.api_key.as_ref();
        let key = key.map(|key| SecretString::from(format!("Bearer {}", key.expose_secret())));
        Door {
            url: self.url.to_string(),
            headers: key.map(|key| ("authorization", key)).into_iter().collect(),
        }
    }

    fn opened(&mut self, begin: u64, _link: &mut Link) {
        (self.begin, self.sent) = (begin, begin);
        self.is_ready = false;
        self.items.clear();
        self.finished.clear();
    }

    fn is_ready(&self) -> bool {
        self.is_ready
    }

    fn sound(&self, chunk: Vec<u8>) -> Outgoing {
        let audio = STANDARD.encode(chunk);
        Outgoing::Text(format!(r#"{{"type":"input_audio_buffer.append","audio":"{audio}"}}"#))
    }

    fn terms(&mut self, terms: Vec<String>, link: &mut Link) {
        let terms = likely(&terms);
        if terms != self.terms {
            self.terms = terms;
            if self.is_ready {
                link.say(&self.settings());
            }
        }
    }

    fn thresholds(&mut self, thresholds: Thresholds, link: &mut Link) {
        if thresholds != self.thresholds {
            self.thresholds = thresholds;
            if self.is_ready {
                link.say(&self.settings());
            }
        }
    }

    fn end_turn(&mut self, _sent: u64, link: &mut Link) {
        if self.is_ready {
            link.say(&json!({"type": "input_audio_buffer.commit"}));
        }
    }

    fn close(&mut self, _link: &mut Link) {}

    fn ask(&self, link: &mut Link) {
        // What is there already is set once more; whoever is there says so.
        if self.is_ready {
            link.say(&self.settings());
        }
    }

    fn read(&mut self, message: &str, turns: &mut Turns, link: &mut Link) -> Verdict {
        let Ok(said) = serde_json::from_str::<Said>(message) else {
            tracing::debug!("OpenAI said something that cannot be read");
            return Verdict::Nonsense;
        };
        match said.kind.as_str() {
            "session.created" => link.say(&self.settings()),
            "session.updated" => {
                let format = said.session.pointer("/audio/input/format/type").and_then(Json::as_str);
                if format.is_some_and(|format| format != PCMU) {
                    return Verdict::Lost("the provider does not take the sound of telephones".to_owned());
                }
                self.is_ready = true;
            }
            "error" => return self.error(&said.error),
            "input_audio_buffer.speech_started"
            | "input_audio_buffer.speech_stopped"
            | "input_audio_buffer.committed" => self.speech(&said, turns),
            kind if kind.starts_with("conversation.item.input_audio_transcription.") => {
                self.transcription(&said, turns);
            }
            _ => {}
        }
        Verdict::Fine
    }

    fn tick(&mut self, sent: u64, turns: &mut Turns, _link: &mut Link) {
        self.sent = sent;
        if self.items.is_empty() {
            turns.listened_to(sent.saturating_sub(BEHIND));
        }
        let mut is_late = false;
        for item in self.items.iter_mut().filter(|item| !item.is_written && !item.is_speaking) {
            item.waited += 1;
            item.is_written = item.waited > TRANSCRIBES_FOR;
            is_late |= item.is_written;
        }
        if is_late {
            self.tell(turns);
        }
    }
}

fn confidence(tokens: &[Json]) -> Option<f32> {
    let tokens: Vec<f64> = tokens.iter().filter_map(|token| token.get("logprob")?.as_f64()).collect();
    let mean = tokens.iter().sum::<f64>() / tokens.len() as f64;
    (!tokens.is_empty()).then(|| mean.exp().min(1.0) as f32)
}
