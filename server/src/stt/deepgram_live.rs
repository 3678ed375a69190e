//! Deepgram's streaming recognition before Flux: segments and endpoints, over a WebSocket.
//! <https://developers.deepgram.com/reference/speech-to-text/listen-streaming>

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::json;

use super::Hints;
use super::live::{
    BYTES_PER_SECOND, Limits, Link, LiveRecogniser, Phrase, Protocol, Session, Thresholds, Turns, Verdict,
    Word, likely, listen,
};
use crate::clock::Clock;
use crate::socket::{Door, Outgoing, address};
use crate::speech::SpeechFault;

/// Models of this family take key terms.
const WITH_KEY_TERMS: &str = "nova-3";

/// It does not close a connection on which it gets nothing for less than ten seconds.
const IDLE: Duration = Duration::from_secs(4);

/// An utterance cannot be told to end after less, nor after more.
const UTTERANCE_END_MS: (u32, u32) = (1000, 5000);

/// So much sound after a turn was asked to end, it ends with the words that are known.
const FINALIZES_FOR: u64 = BYTES_PER_SECOND / 2;

/// A turn that began with a noise is over when no word was heard for so long.
const WORDLESS: u64 = 3 * BYTES_PER_SECOND;

/// An answer to a configuration that takes longer than so much sound is not waited for.
const CONFIGURES_FOR: u64 = 5 * BYTES_PER_SECOND;

/// Streaming recognition at Deepgram, or at a server of one's own.
#[derive(Debug)]
pub struct DeepgramLive {
    url: Url,
    api_key: SecretString,
    model: String,
    thresholds: Thresholds,
    limits: Limits,
    clock: Arc<dyn Clock>,
}

impl DeepgramLive {
    /// The account with this key. A session opens within `open`, and is lost after `lost` without a connection.
    ///
    /// # Errors
    /// The address is none.
    pub fn new(
        base_url: &str,
        api_key: SecretString,
        model: &str,
        thresholds: Thresholds,
        (open, lost): (Duration, Duration),
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SpeechFault> {
        let url = Url::parse(&format!("{}/v1/listen", address(base_url.trim_end_matches('/'))))
            .map_err(|_| SpeechFault::Garbled { reason: "its own address is none".to_owned() })?;
        let (model, limits) = (model.to_owned(), Limits { open, lost });
        Ok(Self { url, api_key, model, thresholds, limits, clock })
    }
}

#[async_trait]
impl LiveRecogniser for DeepgramLive {
    async fn open(&self, hints: &Hints) -> Result<Session, SpeechFault> {
        let terms = likely(&hints.terms);
        let talk = Talk {
            url: self.url.clone(),
            api_key: self.api_key.clone(),
            model: self.model.clone(),
            language: hints.language.clone(),
            thresholds: self.thresholds,
            has: terms.clone(),
            terms,
            asked: None,
            begin: 0,
            sent: 0,
            settled: Phrase::default(),
            settled_until: 0,
            noticed: None,
            finalized: None,
        };
        listen(talk, self.limits, self.clock.clone()).await
    }
}

/// One call's talk with it.
struct Talk {
    url: Url,
    api_key: SecretString,
    model: String,
    language: Option<String>,
    thresholds: Thresholds,
    /// The key terms as they should be, and as they are.
    terms: Vec<String>,
    has: Vec<String>,
    /// The key terms that an answer is waited for, and since which place.
    asked: Option<(Vec<String>, u64)>,
    /// Where this connection's sound begins in the call's.
    begin: u64,
    sent: u64,
    /// The segments of the turn whose words do not change any more.
    settled: Phrase,
    /// Where the last of them ends.
    settled_until: u64,
    /// Where a turn was noticed of which there are no words yet.
    noticed: Option<u64>,
    /// Where a turn was asked to end.
    finalized: Option<u64>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    start: f64,
    #[serde(default)]
    duration: f64,
    #[serde(default)]
    is_final: Option<bool>,
    #[serde(default)]
    speech_final: Option<bool>,
    #[serde(default)]
    from_finalize: Option<bool>,
    // An object in results, a list elsewhere.
    #[serde(default)]
    channel: serde_json::Value,
    #[serde(default)]
    timestamp: f64,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    variant: Option<String>,
}

#[derive(Default, Deserialize)]
struct Alternative {
    #[serde(default)]
    transcript: String,
    confidence: Option<f32>,
    #[serde(default)]
    words: Vec<SaidWord>,
}

#[derive(Deserialize)]
struct SaidWord {
    word: String,
    punctuated_word: Option<String>,
    start: f64,
    end: f64,
}

impl Talk {
    fn place(&self, seconds: f64) -> u64 {
        // Negative and absent times are the beginning.
        self.begin + (seconds.max(0.0) * BYTES_PER_SECOND as f64) as u64
    }

    fn results(&mut self, said: &mut Said, turns: &mut Turns) {
        let until = self.place(said.start + said.duration);
        turns.listened_to(until);
        let alternative = said.channel.pointer_mut("/alternatives/0").map(serde_json::Value::take);
        let alternative = alternative.and_then(|best| serde_json::from_value(best).ok()).unwrap_or_default();
        let segment = self.segment(alternative, turns.consumed());
        let is_final = said.is_final.unwrap_or_default();
        let speaks = !segment.text.is_empty();
        if speaks {
            turns.started(until);
            self.noticed = None;
        }
        if is_final {
            self.settle(segment, until);
            turns.words(self.settled.clone(), until);
        } else if speaks {
            turns.words(added(&self.settled, segment), until);
        }
        let ends = is_final && (said.speech_final == Some(true) || said.from_finalize == Some(true));
        if ends {
            self.end(until, turns);
        }
    }

    /// A segment without the words that belong to a turn that is over already.
    fn segment(&self, said: Alternative, consumed: u64) -> Phrase {
        let words: Vec<Word> = said
            .words
            .into_iter()
            .map(|word| Word {
                text: word.punctuated_word.unwrap_or(word.word),
                place: Some((self.place(word.start), self.place(word.end))),
            })
            .collect();
        let old = |word: &Word| word.place.is_some_and(|(from, to)| (from + to) / 2 < consumed);
        if !words.iter().any(old) {
            return Phrase { text: said.transcript.trim().to_owned(), words, confidence: said.confidence };
        }
        let words: Vec<Word> = words.into_iter().filter(|word| !old(word)).collect();
        let text: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
        Phrase { text: text.join(" "), words, confidence: said.confidence }
    }

    fn settle(&mut self, segment: Phrase, until: u64) {
        let settled = std::mem::take(&mut self.settled);
        self.settled = added(&settled, segment);
        self.settled_until = self.settled_until.max(until);
    }

    fn end(&mut self, at: u64, turns: &mut Turns) {
        let phrase = std::mem::take(&mut self.settled);
        (self.noticed, self.finalized) = (None, None);
        if turns.is_open() {
            turns.ended(phrase, at);
        }
    }

    fn configure(&mut self, link: &mut Link) {
        let may = self.model.starts_with(WITH_KEY_TERMS);
        if may && self.asked.is_none() && self.has != self.terms {
            self.asked = Some((self.terms.clone(), self.sent));
            link.say(&json!({"type": "Configure", "keyterms": self.terms}));
        }
    }

    fn configured(&mut self, link: &mut Link) {
        if let Some((terms, _)) = self.asked.take() {
            self.has = terms;
        }
        self.configure(link);
    }
}

impl Protocol for Talk {
    const CHUNK: usize = 320;
    const FILLS_SILENCE: bool = false;
    const LAST_WORDS: bool = true;
    /// It tells every second.
    const TELLS: Option<Duration> = Some(Duration::from_millis(1500));
    const KEEP_ALIVE: Option<(Duration, &'static str)> = Some((IDLE, r#"{"type":"KeepAlive"}"#));

    fn door(&mut self) -> Door {
        self.has = self.terms.clone();
        self.asked = None;
        let mut url = self.url.clone();
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("model", &self.model);
            query.append_pair("encoding", "mulaw").append_pair("sample_rate", "8000");
            query.append_pair("channels", "1").append_pair("interim_results", "true");
            query.append_pair("vad_events", "true").append_pair("smart_format", "true");
            query.append_pair("endpointing", &endpointing_ms(self.thresholds.end).to_string());
            let silence_ms = self.thresholds.silence_ms.clamp(UTTERANCE_END_MS.0, UTTERANCE_END_MS.1);
            query.append_pair("utterance_end_ms", &silence_ms.to_string());
            if let Some(language) = &self.language {
                query.append_pair("language", language);
            }
            if self.model.starts_with(WITH_KEY_TERMS) {
                for term in &self.terms {
                    query.append_pair("keyterm", term);
                }
            }
        }
        let key = SecretString::from(format!("Token {}", self.api_key.expose_secret()));
        Door { url: url.into(), headers: vec![("authorization", key)] }
    }

    fn opened(&mut self, begin: u64, link: &mut Link) {
        (self.begin, self.sent) = (begin, begin);
        // What was settled is heard again, or is kept with the turn.
        self.settled = Phrase::default();
        (self.noticed, self.finalized) = (None, None);
        // The address said what was wanted then.
        self.configure(link);
    }

    fn is_ready(&self) -> bool {
        true
    }

    fn sound(&self, chunk: Vec<u8>) -> Outgoing {
        Outgoing::Binary(chunk)
    }

    fn terms(&mut self, terms: Vec<String>, link: &mut Link) {
        self.terms = likely(&terms);
        self.configure(link);
    }

    fn thresholds(&mut self, thresholds: Thresholds, _link: &mut Link) {
        // They are part of the address: a connection keeps those that it began with.
        self.thresholds = thresholds;
    }

    fn end_turn(&mut self, sent: u64, link: &mut Link) {
        self.finalized = Some(sent);
        link.say(&json!({"type": "Finalize"}));
    }

    fn close(&mut self, link: &mut Link) {
        link.say(&json!({"type": "CloseStream"}));
    }

    fn read(&mut self, message: &str, turns: &mut Turns, link: &mut Link) -> Verdict {
        let Ok(mut said) = serde_json::from_str::<Said>(message) else {
            tracing::debug!("Deepgram said something that cannot be read");
            return Verdict::Nonsense;
        };
        match said.kind.as_str() {
            "Results" => self.results(&mut said, turns),
            "SpeechStarted" => {
                let at = self.place(said.timestamp);
                // It may be told after the words, or after the end.
                if !turns.is_open() && at >= turns.consumed() {
                    turns.started(at);
                    self.noticed = Some(at);
                }
            }
            // Only of use where no segment said that the speech is over.
            "UtteranceEnd" if !self.settled.text.is_empty() => self.end(self.settled_until, turns),
            "ConfigureSuccess" => self.configured(link),
            "ConfigureFailure" => {
                let code = said.code.as_deref().unwrap_or("no code");
                tracing::warn!(code, "Deepgram does not take key terms; those before stay");
                self.configured(link);
            }
            "Error" => {
                let code = said.variant.or(said.code);
                tracing::warn!(code = code.as_deref(), "Deepgram does not understand a message");
            }
            _ => {}
        }
        Verdict::Fine
    }

    fn tick(&mut self, sent: u64, turns: &mut Turns, link: &mut Link) {
        self.sent = sent;
        if self.asked.as_ref().is_some_and(|(_, since)| sent > since + CONFIGURES_FOR) {
            self.configured(link);
        }
        let listened = turns.listened();
        if self.finalized.is_some_and(|since| listened > since + FINALIZES_FOR) {
            let since = self.finalized.take().unwrap_or_default();
            self.settled = Phrase::default();
            turns.end_as_heard(since);
        }
        if turns.is_open() && self.noticed.is_some_and(|since| listened > since + WORDLESS) {
            self.end(listened, turns);
        }
    }
}

fn added(one: &Phrase, other: Phrase) -> Phrase {
    if one.text.is_empty() {
        return other;
    }
    if other.text.is_empty() {
        return one.clone();
    }
    let confidence = match (one.confidence, other.confidence) {
        // As sure as of the least sure segment.
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    };
    let words = one.words.iter().cloned().chain(other.words).collect();
    Phrase { text: format!("{} {}", one.text, other.text), words, confidence }
}

/// How long a silence ends a segment: longer where more certainty is wanted.
fn endpointing_ms(end: f32) -> u32 {
    (100.0 + (end.clamp(0.5, 1.0) - 0.5) * 1000.0).round() as u32
}
