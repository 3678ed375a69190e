//! Deepgram before Flux: what it says when.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::recorded::{Event, Reel};
use super::sound::{Step, Word};
use super::{Answer, Manner, Player};

/// How often it says what it heard so far, in bytes of sound.
const INTERIMS: u64 = 1600;

/// After so many words a segment is final, whether speech goes on or not.
const SEGMENT: usize = 3;

pub(super) struct V1 {
    reel: Option<Reel>,
    manner: Manner,
    model: String,
    endpointing_ms: u64,
    utterance_end_ms: Option<u64>,
    vad: bool,
    keyterms: Vec<String>,
    /// The words of this segment.
    words: Vec<Word>,
    /// Where the segment begins.
    start: u64,
    at: u64,
    told: u64,
    spoke: u64,
    is_speaking: bool,
    /// Where the last word ended after which no utterance's end was told.
    last_word: Option<u64>,
    /// Whether words were heard since speech was last final.
    is_open: bool,
}

impl V1 {
    pub(super) fn new(query: &BTreeMap<String, Vec<String>>, manner: Manner) -> Result<Self, String> {
        let one = |name: &str| query.get(name).and_then(|values| values.first()).map(String::as_str);
        let model = one("model").unwrap_or_default().to_owned();
        if !model.starts_with("nova-") {
            return Err("it is no model".to_owned());
        }
        let keyterms = query.get("keyterm").cloned().unwrap_or_default();
        if !keyterms.is_empty() && !model.starts_with("nova-3") {
            return Err("this model takes no key terms".to_owned());
        }
        if one("encoding") != Some("mulaw") || one("sample_rate") != Some("8000") {
            return Err("it is no sound of a telephone".to_owned());
        }
        let number =
            |name: &str| one(name).map(|text| text.parse::<u64>().map_err(|_| format!("{name} is none")));
        let utterance_end_ms = number("utterance_end_ms").transpose()?;
        if utterance_end_ms.is_some_and(|ms| ms < 1000) || one("interim_results") != Some("true") {
            return Err("the end of an utterance cannot be told so".to_owned());
        }
        Ok(Self {
            reel: Reel::new(manner.recordings.clone()),
            manner,
            model,
            endpointing_ms: number("endpointing").transpose()?.unwrap_or(10),
            utterance_end_ms,
            vad: one("vad_events") == Some("true"),
            keyterms,
            words: Vec::new(),
            start: 0,
            at: 0,
            told: 0,
            spoke: 0,
            is_speaking: false,
            last_word: None,
            is_open: false,
        })
    }

    fn results(&mut self, is_final: bool, speech_final: bool, from_finalize: bool) -> Value {
        let seconds = |place: u64| place as f64 / 8000.0;
        let texts: Vec<&str> = self.words.iter().map(|word| word.text.as_str()).collect();
        let words: Vec<Value> = self
            .words
            .iter()
            .map(|word| {
                let plain = word.text.trim_end_matches([',', '.', '?']).to_lowercase();
                json!({
                    "word": plain, "start": seconds(word.from), "end": seconds(word.to), "confidence": 0.9,
                    "punctuated_word": word.text,
                })
            })
            .collect();
        let alternative = json!({"transcript": texts.join(" "), "confidence": 0.95, "words": words});
        let mut message = json!({
            "type": "Results", "channel_index": [0, 1], "start": seconds(self.start),
            "duration": seconds(self.at - self.start), "is_final": is_final, "speech_final": speech_final,
            "from_finalize": from_finalize, "channel": {"alternatives": [alternative]},
            "metadata": {
                "request_id": "r1", "model_uuid": "m1",
                "model_info": {"name": "general-nova-3", "version": "2025", "arch": "nova-3"},
            },
        });
        if self.manner.is_strange {
            message["something_new"] = json!([{}]);
        }
        self.told = self.at;
        if is_final {
            self.words.clear();
            self.start = self.at;
        }
        message
    }

    /// What was told of a recording: its words, and that they are final where its turns end.
    fn plays(&mut self, step: &Step) -> Vec<Value> {
        let told = self.reel.as_mut().map(|reel| reel.turns(step)).unwrap_or_default();
        let mut says = Vec::new();
        for told in told {
            self.words = told.words(step.at);
            if told.event == Event::StartOfTurn && self.vad {
                let from = step.at as f64 / 8000.0;
                says.push(json!({"type": "SpeechStarted", "channel": [0], "timestamp": from}));
            }
            let is_final = told.event == Event::EndOfTurn;
            says.push(self.results(is_final, is_final, false));
        }
        if says.is_empty() && step.at >= self.told + INTERIMS {
            says.push(self.results(false, false, false));
        }
        says
    }
}

impl Player for V1 {
    fn opened(&mut self) -> Vec<Value> {
        if self.manner.is_strange {
            return vec![json!({"type": "SomethingNew", "channel": "odd"})];
        }
        Vec::new()
    }

    fn hears(&mut self, step: &Step) -> Vec<Value> {
        self.at = step.at;
        if self.reel.is_some() {
            return self.plays(step);
        }
        let mut says = Vec::new();
        if step.is_speech {
            if !self.is_speaking && self.vad {
                let from = (step.at - 160) as f64 / 8000.0;
                says.push(json!({"type": "SpeechStarted", "channel": [0], "timestamp": from}));
            }
            (self.is_speaking, self.spoke) = (true, step.at);
        }
        if let Some(word) = &step.word {
            self.words.push(word.clone());
            (self.last_word, self.is_open) = (Some(word.to), true);
        }
        let silence_ms = (step.at - self.spoke) / 8;
        if self.is_speaking && !step.is_speech && silence_ms >= self.endpointing_ms {
            self.is_speaking = false;
            let is_final = !self.manner.is_noisy;
            self.is_open = self.is_open && !is_final;
            says.push(self.results(true, is_final, false));
        } else if self.words.len() >= SEGMENT {
            says.push(self.results(true, false, false));
        } else if step.at >= self.told + INTERIMS {
            says.push(self.results(false, false, false));
        }
        if let (Some(word), Some(ms)) = (self.last_word, self.utterance_end_ms)
            && step.at >= word + ms * 8
        {
            self.last_word = None;
            let end = word as f64 / 8000.0;
            says.push(json!({"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": end}));
        }
        says
    }

    fn reads(&mut self, message: &Value) -> Answer {
        match message["type"].as_str() {
            Some("KeepAlive") => Answer::default(),
            Some("Finalize") => {
                let messages = if self.words.is_empty() {
                    Vec::new()
                } else {
                    self.is_open = false;
                    vec![self.results(true, false, true)]
                };
                Answer { messages, ..Answer::default() }
            }
            Some("CloseStream") => {
                let mut messages = Vec::new();
                if !self.words.is_empty() {
                    messages.push(self.results(true, true, false));
                }
                messages.push(json!({
                    "type": "Metadata", "transaction_key": "deprecated", "request_id": "r1", "sha256": "x",
                    "created": "2026-01-01T00:00:00Z", "duration": self.at as f64 / 8000.0, "channels": 1,
                }));
                Answer { messages, close: Some((1000, "")), wrong: None }
            }
            Some("Configure") => {
                let code = if self.manner.refuses_configurations {
                    Some("CONFIGURE_INTERNAL_ERROR")
                } else if !self.model.starts_with("nova-3") {
                    Some("CONFIGURE_KEYTERMS_NOT_SUPPORTED")
                } else {
                    None
                };
                let answer = match (code, message["keyterms"].as_array()) {
                    (Some(code), _) => json!({
                        "type": "ConfigureFailure", "request_id": "r1", "code": code, "description": "it cannot be",
                    }),
                    (None, terms) => {
                        let terms = terms.into_iter().flatten();
                        self.keyterms = terms.filter_map(|term| term.as_str().map(str::to_owned)).collect();
                        json!({"type": "ConfigureSuccess", "request_id": "r1", "keyterms": self.keyterms})
                    }
                };
                Answer { messages: vec![answer], ..Answer::default() }
            }
            _ => {
                let error = json!({
                    "type": "Error", "variant": "SchemaError", "description": "it cannot be read",
                    "message": message.to_string(),
                });
                Answer { messages: vec![error], close: None, wrong: Some(format!("it knows no {message}")) }
            }
        }
    }

    fn fails(&mut self) -> Option<Value> {
        None
    }
}
