//! OpenAI Realtime as a recogniser: what it says when.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::sound::Step;
use super::{Answer, Manner, Player};

pub(super) struct Realtime {
    manner: Manner,
    events: usize,
    items: usize,
    session: Value,
    silence_ms: u64,
    at: u64,
    spoke: u64,
    is_speaking: bool,
    /// Whether sound came since the last commit.
    is_filled: bool,
    words: Vec<String>,
    /// What is written down later than it should be.
    held: Vec<Value>,
}

impl Realtime {
    pub(super) fn new(manner: Manner) -> Self {
        Self {
            manner,
            events: 0,
            items: 0,
            session: json!({
                "type": "realtime", "object": "realtime.session", "id": "sess_1", "model": "gpt-realtime",
                "output_modalities": ["audio"],
                "audio": {"input": {
                    "format": {"type": "audio/pcm", "rate": 24000}, "transcription": null, "noise_reduction": null,
                    "turn_detection": {
                        "type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 500,
                        "create_response": true, "interrupt_response": true,
                    },
                }},
            }),
            silence_ms: 500,
            at: 0,
            spoke: 0,
            is_speaking: false,
            is_filled: false,
            words: Vec::new(),
            held: Vec::new(),
        }
    }

    fn said(&mut self, kind: &str, mut message: Value) -> Value {
        self.events += 1;
        message["type"] = json!(kind);
        message["event_id"] = json!(format!("event_{}", self.events));
        if self.manner.is_strange {
            message["something_new"] = json!({"of": [1, null]});
        }
        message
    }

    fn error(&mut self, code: &str, about: &Value) -> Value {
        let error = json!({
            "type": "invalid_request_error", "code": code, "message": "it cannot be", "param": null,
            "event_id": about["event_id"],
        });
        self.said("error", json!({"error": error}))
    }

    fn item(&self) -> String {
        format!("item_{}", self.items)
    }

    fn commits(&mut self) -> Vec<Value> {
        let item = self.item();
        let before = self.items.checked_sub(1).map(|before| format!("item_{before}"));
        let mut says = vec![
            self.said("input_audio_buffer.committed", json!({"item_id": item, "previous_item_id": before})),
            self.said(
                "conversation.item.added",
                json!({
                    "previous_item_id": before,
                    "item": {
                        "id": item, "type": "message", "role": "user", "status": "completed",
                        "content": [{"type": "input_audio", "transcript": null}],
                    },
                }),
            ),
        ];
        let written = self.writes(&item);
        if self.manner.swaps_items && self.items.is_multiple_of(2) {
            // What belongs together goes together with what comes next.
            self.held = written;
        } else {
            says.extend(written);
            says.append(&mut self.held);
        }
        self.items += 1;
        (self.is_speaking, self.is_filled) = (false, false);
        says
    }

    fn writes(&mut self, item: &str) -> Vec<Value> {
        let words = std::mem::take(&mut self.words);
        let kind = |end: &str| format!("conversation.item.input_audio_transcription.{end}");
        if self.manner.fails_items.contains(&self.items) {
            let error =
                json!({"type": "server_error", "code": "transcription_failed", "message": "it happens"});
            let failed = json!({"item_id": item, "content_index": 0, "error": error});
            return vec![self.said(&kind("failed"), failed)];
        }
        let mut says = Vec::new();
        for (at, word) in words.iter().enumerate() {
            let space = if at == 0 { "" } else { " " };
            let delta = json!({"item_id": item, "content_index": 0, "delta": format!("{space}{word}")});
            says.push(self.said(&kind("delta"), delta));
        }
        let usage = json!({"type": "tokens", "input_tokens": 10, "output_tokens": 5, "total_tokens": 15});
        let completed =
            json!({"item_id": item, "content_index": 0, "transcript": words.join(" "), "usage": usage});
        says.push(self.said(&kind("completed"), completed));
        says
    }
}

impl Player for Realtime {
    fn opened(&mut self) -> Vec<Value> {
        let session = self.session.clone();
        vec![self.said("session.created", json!({"session": session}))]
    }

    fn hears(&mut self, step: &Step) -> Vec<Value> {
        self.at = step.at;
        self.is_filled = true;
        let mut says = Vec::new();
        if self.session.pointer("/audio/input/format/type") != Some(&json!("audio/pcmu")) {
            // To other ears it is a noise.
            return says;
        }
        if step.is_speech {
            if !self.is_speaking {
                self.is_speaking = true;
                let begun = json!({"audio_start_ms": (step.at - 160) / 8, "item_id": self.item()});
                says.push(self.said("input_audio_buffer.speech_started", begun));
            }
            self.spoke = step.at;
        }
        if let Some(word) = &step.word {
            self.words.push(word.text.clone());
        }
        if self.is_speaking && !step.is_speech && (step.at - self.spoke) / 8 >= self.silence_ms {
            let stopped = json!({"audio_end_ms": step.at / 8, "item_id": self.item()});
            says.push(self.said("input_audio_buffer.speech_stopped", stopped));
            says.extend(self.commits());
        }
        if self.at.is_multiple_of(16_000) && !self.is_speaking {
            says.append(&mut self.held);
        }
        says
    }

    fn reads(&mut self, message: &Value) -> Answer {
        let messages = match message["type"].as_str() {
            Some("session.update") => {
                let asked = &message["session"];
                if asked["type"] != "realtime" {
                    vec![self.error("invalid_value", message)]
                } else {
                    merge(&mut self.session, asked);
                    let turns = &self.session["audio"]["input"]["turn_detection"];
                    self.silence_ms = turns["silence_duration_ms"].as_u64().unwrap_or(500);
                    let session = self.session.clone();
                    vec![self.said("session.updated", json!({"session": session}))]
                }
            }
            Some("input_audio_buffer.commit") if !self.is_filled => {
                vec![self.error("input_audio_buffer_commit_empty", message)]
            }
            Some("input_audio_buffer.commit") => self.commits(),
            Some("input_audio_buffer.clear") => Vec::new(),
            _ => {
                let error = self.error("invalid_value", message);
                return Answer {
                    messages: vec![error],
                    close: None,
                    wrong: Some(format!("a recogniser is not told {}", message["type"])),
                };
            }
        };
        Answer { messages, ..Answer::default() }
    }

    fn fails(&mut self) -> Option<Value> {
        let error = json!({"type": "server_error", "code": "session_expired", "message": "it happens"});
        Some(self.said("error", json!({"error": error})))
    }

    fn sound(&self, message: &Value) -> Option<Vec<u8>> {
        let audio = message["audio"].as_str().filter(|_| message["type"] == "input_audio_buffer.append")?;
        STANDARD.decode(audio).ok()
    }

    fn is_patient(&self) -> bool {
        true
    }
}

fn merge(into: &mut Value, from: &Value) {
    match (into, from) {
        (Value::Object(into), Value::Object(from)) => {
            for (name, value) in from {
                merge(into.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (into, from) => *into = from.clone(),
    }
}
