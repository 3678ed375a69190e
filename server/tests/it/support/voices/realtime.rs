//! OpenAI Realtime, as far as a voice uses it: a session without turns and responses outside of its conversation.

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, Uri};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{KEY, Plan, Trouble, VoicesDouble, What, pieces, sound_of};

/// Letters of a piece of a transcript.
const LETTERS: usize = 12;

pub(super) async fn realtime(
    State(double): State<VoicesDouble>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if let Some(refused) = double.meets(&uri.to_string(), &headers, "authorization", &format!("Bearer {KEY}"))
    {
        return refused;
    }
    upgrade.on_upgrade(move |socket| Session::new(&double).run(socket))
}

struct Session {
    plan: Plan,
    /// As it was set up.
    session: Value,
    /// Responses that are not over, with what was asked for.
    active: Vec<(u64, Value)>,
    responses: u64,
    events: u64,
}

impl Session {
    fn new(double: &VoicesDouble) -> Self {
        let session = json!({
            "type": "realtime", "id": "sess_1", "object": "realtime.session", "model": "gpt-realtime",
            "output_modalities": ["audio"], "instructions": "Be helpful.",
            "audio": {
                "input": {"format": {"type": "audio/pcm", "rate": 24000}},
                "output": {"format": {"type": "audio/pcm", "rate": 24000}, "voice": "marin", "speed": 1.0},
            },
        });
        Self { plan: Plan::new(double), session, active: Vec::new(), responses: 0, events: 0 }
    }

    async fn run(mut self, mut socket: WebSocket) {
        let created = json!({"type": "session.created", "session": self.session});
        let created = self.named(created);
        if !self.plan.send(&mut socket, What::Json(created)).await {
            return;
        }
        loop {
            tokio::select! {
                message = socket.recv() => {
                    let Some(Ok(message)) = message else { return };
                    self.take(&message);
                }
                planned = self.plan.next() => {
                    if matches!(planned.what, What::End(_)) {
                        self.active.retain(|(number, _)| *number != planned.tag);
                    }
                    if !self.plan.send(&mut socket, planned.what).await {
                        return;
                    }
                }
            }
        }
    }

    fn named(&mut self, mut event: Value) -> Value {
        self.events += 1;
        event["event_id"] = json!(format!("event_{}", self.events));
        event
    }

    fn put(&mut self, at: DateTime<Utc>, tag: u64, event: Value) {
        let event = self.named(event);
        self.plan.put(at, tag, What::Json(event));
    }

    fn take(&mut self, message: &Message) {
        let now = self.plan.now();
        let Some(said) = self.plan.double.takes(message) else { return };
        match said["type"].as_str() {
            Some("session.update") => {
                for (key, value) in said["session"].as_object().expect("a session") {
                    self.session[key] = value.clone();
                }
                let updated = json!({"type": "session.updated", "session": self.session});
                self.put(now, 0, updated);
            }
            Some("response.create") => self.create(now, &said),
            Some("response.cancel") => self.cancel(now, &said),
            _ => self.refuse(now, &said, "invalid_value"),
        }
    }

    fn refuse(&mut self, now: DateTime<Utc>, said: &Value, code: &str) {
        let error = json!({
            "type": "invalid_request_error", "code": code, "message": "It says why.", "param": null,
            "event_id": said["event_id"],
        });
        self.put(now, 0, json!({"type": "error", "error": error}));
    }

    fn response(number: u64, asked: &Value, status: &str, details: Value, output: Value) -> Value {
        json!({
            "object": "realtime.response", "id": format!("resp_{number}"), "status": status,
            "status_details": details, "output": output, "conversation_id": null,
            "output_modalities": ["audio"], "max_output_tokens": "inf",
            "audio": {"output": {"format": {"type": "audio/pcmu"}, "voice": "marin"}},
            "metadata": asked["metadata"], "usage": null,
        })
    }

    fn create(&mut self, now: DateTime<Utc>, said: &Value) {
        let asked = &said["response"];
        let words =
            asked["instructions"].as_str().and_then(|text| text.split_once("\n\n")).map(|(_, words)| words);
        let (Some(words), true, true) = (
            words,
            asked["conversation"] == "none",
            self.session["audio"]["output"]["format"]["type"] == "audio/pcmu",
        ) else {
            return self.refuse(now, said, "invalid_value");
        };
        let trouble = self.plan.double.trouble();
        if let Trouble::Refused(code) = trouble {
            return self.refuse(now, said, code);
        }
        self.plan.double.state().said.push(words.to_owned());
        self.responses += 1;
        let (tag, asked) = (self.responses, asked.clone());
        let (response, item) = (format!("resp_{tag}"), format!("item_{tag}"));
        self.active.push((tag, asked.clone()));
        let created = Self::response(tag, &asked, "in_progress", Value::Null, json!([]));
        self.put(now, tag, json!({"type": "response.created", "response": created}));
        let place = json!({"response_id": response, "item_id": item, "output_index": 0, "content_index": 0});
        let event = |kind: &str, field: &str, value: Value| {
            let mut event = place.clone();
            event["type"] = json!(kind);
            event[field] = value;
            event
        };
        let mut upto = None;
        let mut end = None;
        let mut status = ("completed", Value::Null);
        let mut told = words;
        match trouble {
            Trouble::Cut { after } => (upto, end) = (Some(after), Some(What::Cut)),
            Trouble::Close { after, code, reason } => {
                (upto, end) = (Some(after), Some(What::Close(code, reason)));
            }
            Trouble::Silent => return,
            Trouble::Says(others) => told = others,
            Trouble::Ends { status: ended, reason, after } => {
                upto = Some(after);
                let details = if ended == "failed" {
                    json!({"type": ended, "error": {"type": "server_error", "code": reason}})
                } else {
                    json!({"type": ended, "reason": reason})
                };
                status = (ended, details);
            }
            Trouble::None | Trouble::Warn { .. } | Trouble::Refused(_) => {}
        }
        let letters: Vec<char> = told.chars().collect();
        let mut transcript = letters.chunks(LETTERS).map(|part| part.iter().collect::<String>());
        let mut last = now;
        let mut told_letters = 0;
        for (before, piece) in pieces(&sound_of(told), self.plan.double.manner.chunk, upto) {
            last = self.plan.instant(now, before).max(last);
            // The words run ahead of the sound, though not always.
            while told_letters * 480 <= before + self.plan.double.manner.chunk {
                let Some(part) = transcript.next() else { break };
                told_letters += part.chars().count();
                self.put(last, tag, event("response.output_audio_transcript.delta", "delta", json!(part)));
            }
            self.put(last, tag, event("response.output_audio.delta", "delta", json!(STANDARD.encode(piece))));
        }
        if let Some(end) = end {
            return self.plan.put(last, tag, end);
        }
        if status.0 == "completed" {
            for part in transcript {
                self.put(last, tag, event("response.output_audio_transcript.delta", "delta", json!(part)));
            }
            let mut done = place.clone();
            done["type"] = json!("response.output_audio.done");
            self.put(last, tag, done);
            let whole = event("response.output_audio_transcript.done", "transcript", json!(told));
            self.put(last, tag, whole);
        }
        let item_status = if status.0 == "completed" { "completed" } else { "incomplete" };
        let item = json!([{
            "id": item, "object": "realtime.item", "type": "message", "status": item_status, "role": "assistant",
            "content": [{"type": "output_audio", "transcript": told}],
        }]);
        let response = Self::response(tag, &asked, status.0, status.1, item);
        let done = self.named(json!({"type": "response.done", "response": response}));
        self.plan.put(last, tag, What::End(done));
    }

    /// Some of it is on its way already.
    fn cancel(&mut self, now: DateTime<Utc>, said: &Value) {
        let named = said["response_id"].as_str();
        let Some((tag, asked)) =
            self.active.iter().find(|(tag, _)| named == Some(format!("resp_{tag}").as_str())).cloned()
        else {
            return self.refuse(now, said, "response_cancel_not_active");
        };
        let mut left = self.plan.double.manner.stale;
        self.plan.queue.retain(|planned| {
            let is_of_it = planned.tag == tag;
            let stays = !is_of_it || left > 0 && !matches!(planned.what, What::End(_));
            left = left.saturating_sub(usize::from(is_of_it));
            stays
        });
        let details = json!({"type": "cancelled", "reason": "client_cancelled"});
        let response = Self::response(tag, &asked, "cancelled", details, json!([]));
        let done = self.named(json!({"type": "response.done", "response": response}));
        self.plan.put(now, tag, What::End(done));
    }
}
