//! Deepgram Flux: what it says when.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::recorded::{Event, Reel};
use super::sound::{Step, Word};
use super::{Answer, Manner, Player};

/// How often it says how far it is, in bytes of sound.
const UPDATES: u64 = 1920;

pub(super) struct Flux {
    reel: Option<Reel>,
    manner: Manner,
    eot: f64,
    eager: Option<f64>,
    timeout_ms: u64,
    keyterms: Vec<String>,
    sequence: u64,
    turn: u64,
    words: Vec<Word>,
    window: u64,
    at: u64,
    updated: u64,
    /// Where the last speech was.
    spoke: u64,
    is_open: bool,
    is_eager: bool,
}

impl Flux {
    pub(super) fn new(query: &BTreeMap<String, Vec<String>>, manner: Manner) -> Result<Self, String> {
        let one = |name: &str| query.get(name).and_then(|values| values.first()).map(String::as_str);
        let known = [
            "model",
            "encoding",
            "sample_rate",
            "eot_threshold",
            "eager_eot_threshold",
            "eot_timeout_ms",
            "keyterm",
            "language_hint",
            "profanity_filter",
            "numerals",
            "redact",
            "mip_opt_out",
            "tag",
        ];
        if let Some(name) = query.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(format!("it knows no {name}"));
        }
        let model = one("model").unwrap_or_default();
        if !["flux-general-en", "flux-general-multi"].contains(&model) {
            return Err("it is no model".to_owned());
        }
        if one("language_hint").is_some() && model != "flux-general-multi" {
            return Err("only the multilingual model takes hints".to_owned());
        }
        if one("encoding") != Some("mulaw") || one("sample_rate") != Some("8000") {
            return Err("it is no sound of a telephone".to_owned());
        }
        let number =
            |name: &str| one(name).map(|text| text.parse::<f64>().map_err(|_| format!("{name} is none")));
        let mut flux = Self {
            reel: Reel::new(manner.recordings.clone()),
            manner,
            eot: 0.7,
            eager: None,
            timeout_ms: 5000,
            keyterms: Vec::new(),
            sequence: 0,
            turn: 0,
            words: Vec::new(),
            window: 0,
            at: 0,
            updated: 0,
            spoke: 0,
            is_open: false,
            is_eager: false,
        };
        let keyterms = query.get("keyterm").cloned().unwrap_or_default();
        flux.take(
            number("eot_threshold").transpose()?,
            number("eager_eot_threshold").transpose()?,
            number("eot_timeout_ms").transpose()?,
            Some(keyterms),
        )?;
        Ok(flux)
    }

    fn take(
        &mut self,
        eot: Option<f64>,
        eager: Option<f64>,
        timeout: Option<f64>,
        keyterms: Option<Vec<String>>,
    ) -> Result<(), String> {
        let (new, sooner) = (eot.unwrap_or(self.eot), eager.or(self.eager));
        let timeout = timeout.unwrap_or(self.timeout_ms as f64);
        if !(0.5..=1.0).contains(&new)
            || sooner.is_some_and(|eager| !(0.3..=0.9).contains(&eager) || eager > new)
        {
            return Err("INVALID_THRESHOLD".to_owned());
        }
        if !(500.0..=60_000.0).contains(&timeout) || timeout.fract() != 0.0 {
            return Err("INVALID_TIMEOUT".to_owned());
        }
        let tokens = |terms: &[String]| terms.iter().map(|term| term.len().div_ceil(4)).sum::<usize>();
        if keyterms.as_ref().is_some_and(|terms| tokens(terms) > 500) {
            return Err("KEYTERM_LIMIT_EXCEEDED".to_owned());
        }
        (self.eot, self.eager, self.timeout_ms) = (new, sooner, timeout as u64);
        self.keyterms = keyterms.unwrap_or_else(|| self.keyterms.clone());
        Ok(())
    }

    fn said(&mut self, mut message: Value) -> Value {
        message["sequence_id"] = json!(self.sequence);
        self.sequence += 1;
        if self.manner.is_strange {
            message["something_new"] = json!({"of": [1, null]});
        }
        message
    }

    fn info(&mut self, event: &str, trigger: Option<&str>) -> Value {
        let seconds = |place: u64| place as f64 / 8000.0;
        let texts: Vec<&str> = self.words.iter().map(|word| word.text.as_str()).collect();
        let words: Vec<Value> = self
            .words
            .iter()
            .map(|word| {
                json!({"word": word.text, "confidence": 0.9, "start": seconds(word.from), "end": seconds(word.to)})
            })
            .collect();
        let mut message = json!({
            "type": "TurnInfo", "request_id": "r1", "event": event, "turn_index": self.turn,
            "audio_window_start": seconds(self.window), "audio_window_end": seconds(self.at),
            "transcript": texts.join(" "), "words": words,
            "end_of_turn_confidence": if event == "EndOfTurn" { 0.9 } else { 0.2 },
        });
        if let Some(trigger) = trigger {
            message["trigger"] = json!(if self.manner.is_strange { "intuition" } else { trigger });
        }
        self.said(message)
    }

    fn ends(&mut self, trigger: &str) -> Value {
        let end = self.info("EndOfTurn", Some(trigger));
        self.turn += 1;
        self.words.clear();
        self.window = self.at;
        (self.is_open, self.is_eager) = (false, false);
        end
    }

    /// What was told of a recording, as far as it is wanted.
    fn plays(&mut self, step: &Step) -> Vec<Value> {
        let told = self.reel.as_mut().map(|reel| reel.turns(step)).unwrap_or_default();
        let mut says = Vec::new();
        for told in told {
            self.words = told.words(step.at);
            self.is_open = true;
            match told.event {
                Event::StartOfTurn => says.push(self.info("StartOfTurn", None)),
                Event::Update => says.push(self.info("Update", None)),
                Event::EagerEndOfTurn if self.eager.is_some() => {
                    self.is_eager = true;
                    says.push(self.info("EagerEndOfTurn", None));
                }
                Event::TurnResumed if self.is_eager => {
                    self.is_eager = false;
                    says.push(self.info("TurnResumed", None));
                }
                Event::EagerEndOfTurn | Event::TurnResumed => {}
                Event::EndOfTurn => says.push(self.ends("model")),
            }
        }
        if says.is_empty() && step.at >= self.updated + UPDATES {
            self.updated = step.at;
            says.push(self.info("Update", None));
        }
        says
    }
}

impl Player for Flux {
    fn opened(&mut self) -> Vec<Value> {
        vec![self.said(json!({"type": "Connected", "request_id": "r1"}))]
    }

    fn hears(&mut self, step: &Step) -> Vec<Value> {
        self.at = step.at;
        if self.reel.is_some() {
            return self.plays(step);
        }
        let mut says = Vec::new();
        if self.manner.is_strange && step.at == 1600 {
            says.push(self.said(json!({"type": "SomethingNew", "request_id": "r1"})));
            let warning =
                json!({"type": "Warning", "request_id": "r1", "code": "SOMETHING_ODD", "description": "…"});
            says.push(self.said(warning));
            says.push(self.info("Hesitation", None));
        }
        if step.is_speech {
            self.spoke = step.at;
            if self.is_eager {
                self.is_eager = false;
                says.push(self.info("TurnResumed", None));
            }
        }
        if let Some(word) = &step.word {
            self.words.push(word.clone());
            if !self.is_open {
                self.is_open = true;
                says.push(self.info("StartOfTurn", None));
            }
        }
        let silence_ms = (step.at - self.spoke) / 8;
        let unfinished = self.words.last().is_some_and(|word| word.text.ends_with(','));
        let end_ms = (self.manner.end_ms as f64 * self.eot / 0.7) as u64;
        if self.is_open && !step.is_speech {
            if silence_ms >= self.timeout_ms {
                says.push(self.ends("timeout"));
            } else if silence_ms >= end_ms && !unfinished {
                says.push(self.ends("model"));
            } else if self.eager.is_some() && !self.is_eager && silence_ms >= self.manner.eager_ms {
                self.is_eager = true;
                says.push(self.info("EagerEndOfTurn", None));
            }
        }
        if says.is_empty() && step.at >= self.updated + UPDATES {
            self.updated = step.at;
            says.push(self.info("Update", None));
        }
        says
    }

    fn reads(&mut self, message: &Value) -> Answer {
        match message["type"].as_str() {
            Some("CloseStream") => {
                let messages = if self.is_open { vec![self.ends("manual")] } else { Vec::new() };
                Answer { messages, close: Some((1000, "")), wrong: None }
            }
            Some("ForceEndTurn") => {
                let messages = if self.is_open { vec![self.ends("manual")] } else { Vec::new() };
                Answer { messages, ..Answer::default() }
            }
            Some("Configure") => {
                let thresholds = &message["thresholds"];
                let keyterms = message["keyterms"].as_array().map(|terms| {
                    terms.iter().filter_map(|term| term.as_str().map(str::to_owned)).collect::<Vec<_>>()
                });
                let taken = if self.manner.refuses_configurations {
                    Err("CONFIGURE_INTERNAL_ERROR".to_owned())
                } else {
                    self.take(
                        thresholds["eot_threshold"].as_f64(),
                        thresholds["eager_eot_threshold"].as_f64(),
                        thresholds["eot_timeout_ms"].as_f64(),
                        keyterms,
                    )
                };
                let answer = match taken {
                    Ok(()) => json!({
                        "type": "ConfigureSuccess", "request_id": "r1", "keyterms": self.keyterms, "numerals": false,
                        "thresholds": {
                            "eot_threshold": self.eot, "eager_eot_threshold": self.eager,
                            "eot_timeout_ms": self.timeout_ms,
                        },
                    }),
                    Err(code) => json!({
                        "type": "ConfigureFailure", "request_id": "r1", "code": code, "description": "it cannot be",
                    }),
                };
                Answer { messages: vec![self.said(answer)], ..Answer::default() }
            }
            _ => Answer {
                messages: self.fails().into_iter().collect(),
                close: Some((1008, "UNPARSABLE_CLIENT_MESSAGE")),
                wrong: Some(format!("Flux knows no {message}")),
            },
        }
    }

    fn fails(&mut self) -> Option<Value> {
        let error = json!({"type": "Error", "code": "INTERNAL_SERVER_ERROR", "description": "it happens"});
        Some(self.said(error))
    }
}
