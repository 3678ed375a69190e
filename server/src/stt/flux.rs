//! Deepgram Flux: recognition that tells turns, over a WebSocket.
//! <https://developers.deepgram.com/reference/speech-to-text/listen-flux>

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
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

/// Only models of this kind know more than English, and take hints about languages.
const MULTILINGUAL: &str = "multi";

/// What all of Deepgram's versions of Flux accept.
const END: (f32, f32) = (0.5, 0.9);
const EAGER: (f32, f32) = (0.3, 0.9);
const TIMEOUT_MS: (u32, u32) = (500, 10_000);

/// An answer to a configuration that takes longer than so much sound is not waited for.
const CONFIGURES_FOR: u64 = 5 * BYTES_PER_SECOND;

/// Flux at Deepgram, or at a server of one's own.
#[derive(Debug)]
pub struct Flux {
    url: Url,
    api_key: SecretString,
    model: String,
    thresholds: Thresholds,
    limits: Limits,
    clock: Arc<dyn Clock>,
}

impl Flux {
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
        let url = Url::parse(&format!("{}/v2/listen", address(base_url.trim_end_matches('/'))))
            .map_err(|_| SpeechFault::Garbled { reason: "its own address is none".to_owned() })?;
        let (model, limits) = (model.to_owned(), Limits { open, lost });
        Ok(Self { url, api_key, model, thresholds, limits, clock })
    }
}

#[async_trait]
impl LiveRecogniser for Flux {
    async fn open(&self, hints: &Hints) -> Result<Session, SpeechFault> {
        let language = hints.language.clone().filter(|_| self.model.contains(MULTILINGUAL));
        let wanted = Settings { thresholds: bounded(self.thresholds), terms: likely(&hints.terms) };
        let talk = Talk {
            url: self.url.clone(),
            api_key: self.api_key.clone(),
            model: self.model.clone(),
            language,
            asked: None,
            has: wanted.clone(),
            wanted,
            begin: 0,
            sent: 0,
            ended: None,
            turn: None,
        };
        listen(talk, self.limits, self.clock.clone()).await
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Settings {
    thresholds: Thresholds,
    terms: Vec<String>,
}

/// One call's talk with Flux.
struct Talk {
    url: Url,
    api_key: SecretString,
    model: String,
    language: Option<String>,
    /// As it should be.
    wanted: Settings,
    /// As it is, so far as is known. What was refused is not asked for again.
    has: Settings,
    /// What an answer is waited for, and since which place.
    asked: Option<(Settings, u64)>,
    /// Where this connection's sound begins in the call's.
    begin: u64,
    sent: u64,
    /// The turn on this connection that ended last.
    ended: Option<u64>,
    /// The one that is open on this connection.
    turn: Option<u64>,
}

#[derive(Deserialize)]
struct Said {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    event: String,
    #[serde(default)]
    turn_index: u64,
    #[serde(default)]
    audio_window_end: f64,
    #[serde(default)]
    transcript: String,
    #[serde(default)]
    words: Vec<SaidWord>,
    #[serde(default)]
    code: Option<String>,
}

#[derive(Deserialize)]
struct SaidWord {
    word: String,
    confidence: Option<f32>,
    start: Option<f64>,
    end: Option<f64>,
}

impl Talk {
    /// Asks for what has changed, if nothing is being asked for.
    fn configure(&mut self, link: &mut Link) {
        if self.asked.is_some() || self.has == self.wanted {
            return;
        }
        let mut message = json!({"type": "Configure"});
        let (is, should) = (self.has.thresholds, self.wanted.thresholds);
        let mut thresholds = serde_json::Map::new();
        if is.end != should.end {
            thresholds.insert("eot_threshold".to_owned(), decimal(should.end));
        }
        if let Some(eager) = should.eager.filter(|_| is.eager != should.eager) {
            thresholds.insert("eager_eot_threshold".to_owned(), decimal(eager));
        }
        if is.silence_ms != should.silence_ms {
            thresholds.insert("eot_timeout_ms".to_owned(), json!(should.silence_ms));
        }
        if !thresholds.is_empty() {
            message["thresholds"] = Json::Object(thresholds);
        }
        if self.has.terms != self.wanted.terms {
            message["keyterms"] = json!(self.wanted.terms);
        }
        if message.as_object().is_some_and(|fields| fields.len() > 1) {
            self.asked = Some((self.wanted.clone(), self.sent));
            link.say(&message);
        } else {
            // Nobody need be told that eager ends are not wanted any more.
            self.has = self.wanted.clone();
        }
    }

    fn configured(&mut self, link: &mut Link) {
        if let Some((settings, _)) = self.asked.take() {
            self.has = settings;
        }
        self.configure(link);
    }

    fn place(&self, seconds: f64) -> u64 {
        self.begin + bytes(seconds)
    }

    fn turn(&mut self, said: Said, turns: &mut Turns) {
        let at = self.place(said.audio_window_end);
        turns.listened_to(at);
        if self.ended.is_some_and(|ended| said.turn_index <= ended) {
            return;
        }
        if self.turn.is_some_and(|open| open < said.turn_index) {
            // The end of the turn before was not told.
            turns.end_as_heard(at);
        }
        let turn = said.turn_index;
        let starts = said.event == "StartOfTurn";
        let event = said.event.clone();
        let phrase = self.phrase(said);
        if starts {
            self.turn = Some(turn);
        }
        match event.as_str() {
            "StartOfTurn" => {
                turns.started(at);
                turns.words(phrase, at);
            }
            "Update" => turns.words(phrase, at),
            "EagerEndOfTurn" if self.wanted.thresholds.eager.is_some() => {
                self.turn = Some(turn);
                turns.eager(phrase, at);
            }
            "EagerEndOfTurn" => turns.words(phrase, at),
            "TurnResumed" => {
                turns.resumed(at);
                turns.words(phrase, at);
            }
            "EndOfTurn" => {
                (self.ended, self.turn) = (Some(turn), None);
                turns.ended(phrase, at);
            }
            // A newer server may tell more.
            _ => {}
        }
    }

    fn phrase(&self, said: Said) -> Phrase {
        let sure: Vec<f32> = said.words.iter().filter_map(|word| word.confidence).collect();
        let confidence = (!sure.is_empty()).then(|| sure.iter().sum::<f32>() / sure.len() as f32);
        let place = |word: &SaidWord| Some((self.place(word.start?), self.place(word.end?)));
        let words =
            said.words.iter().map(|word| Word { text: word.word.clone(), place: place(word) }).collect();
        Phrase { text: said.transcript.trim().to_owned(), words, confidence }
    }
}

impl Protocol for Talk {
    /// 40 ms. Deepgram advises 80, which would have a turn's end wait for 20 ms more on average: its clock is the sound it
    /// was given.
    const CHUNK: usize = 320;
    const FILLS_SILENCE: bool = true;
    const LAST_WORDS: bool = true;
    /// It tells every quarter of a second.
    const TELLS: Option<Duration> = Some(Duration::from_millis(600));
    const KEEP_ALIVE: Option<(Duration, &'static str)> = None;

    fn door(&mut self) -> Door {
        self.has = self.wanted.clone();
        self.asked = None;
        let mut url = self.url.clone();
        let Settings { thresholds, terms } = &self.wanted;
        {
            let mut query = url.query_pairs_mut();
            query.append_pair("model", &self.model);
            query.append_pair("encoding", "mulaw").append_pair("sample_rate", "8000");
            query.append_pair("eot_threshold", &decimal(thresholds.end).to_string());
            if let Some(eager) = thresholds.eager {
                query.append_pair("eager_eot_threshold", &decimal(eager).to_string());
            }
            query.append_pair("eot_timeout_ms", &thresholds.silence_ms.to_string());
            for term in terms {
                query.append_pair("keyterm", term);
            }
            if let Some(language) = &self.language {
                query.append_pair("language_hint", language);
            }
        }
        let key = SecretString::from(format!("Token {}", self.api_key.expose_secret()));
        Door { url: url.into(), headers: vec![("authorization", key)] }
    }

    fn opened(&mut self, begin: u64, link: &mut Link) {
        (self.ended, self.turn) = (None, None);
        (self.begin, self.sent) = (begin, begin);
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
        self.wanted.terms = likely(&terms);
        self.configure(link);
    }

    fn thresholds(&mut self, thresholds: Thresholds, link: &mut Link) {
        self.wanted.thresholds = bounded(thresholds);
        self.configure(link);
    }

    fn end_turn(&mut self, _sent: u64, link: &mut Link) {
        link.say(&json!({"type": "ForceEndTurn"}));
    }

    fn close(&mut self, link: &mut Link) {
        link.say(&json!({"type": "CloseStream"}));
    }

    fn read(&mut self, message: &str, turns: &mut Turns, link: &mut Link) -> Verdict {
        let Ok(said) = serde_json::from_str::<Said>(message) else {
            tracing::debug!("Flux said something that cannot be read");
            return Verdict::Nonsense;
        };
        match said.kind.as_str() {
            "TurnInfo" => self.turn(said, turns),
            "ConfigureSuccess" => self.configured(link),
            "ConfigureFailure" => {
                let code = said.code.as_deref().unwrap_or("no code");
                tracing::warn!(code, "Flux does not take a configuration; the one before stays");
                self.configured(link);
            }
            "Error" => return Verdict::Again(said.code.unwrap_or_else(|| "an error".to_owned())),
            "Warning" => tracing::debug!(code = said.code.as_deref(), "Flux warns"),
            _ => {}
        }
        Verdict::Fine
    }

    fn tick(&mut self, sent: u64, _turns: &mut Turns, link: &mut Link) {
        self.sent = sent;
        if self.asked.as_ref().is_some_and(|(_, since)| sent > since + CONFIGURES_FOR) {
            self.configured(link);
        }
    }
}

fn bounded(thresholds: Thresholds) -> Thresholds {
    let end = thresholds.end.clamp(END.0, END.1);
    Thresholds {
        end,
        eager: thresholds.eager.map(|eager| eager.clamp(EAGER.0, EAGER.1).min(end)),
        silence_ms: thresholds.silence_ms.clamp(TIMEOUT_MS.0, TIMEOUT_MS.1),
    }
}

/// A threshold as it was meant: 0.7 and not 0.699999988.
fn decimal(threshold: f32) -> Json {
    json!((f64::from(threshold) * 1000.0).round() / 1000.0)
}

fn bytes(seconds: f64) -> u64 {
    // Negative and absent times are the beginning.
    (seconds.max(0.0) * BYTES_PER_SECOND as f64) as u64
}
