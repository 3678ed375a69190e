//! Deepgram's `v1/speak` WebSocket.

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use super::{KEY, Plan, Planned, Trouble, VoicesDouble, What, pieces, sound_of};

pub(super) async fn speak(
    State(double): State<VoicesDouble>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let query = uri.query().unwrap_or_default().to_owned();
    if let Some(refused) = double.meets(&uri.to_string(), &headers, "authorization", &format!("Token {KEY}"))
    {
        return refused;
    }
    let has = |field: &str| query.split('&').any(|given| given == field);
    if !has("encoding=mulaw") || !has("sample_rate=8000") || !query.contains("model=aura-") {
        return (StatusCode::BAD_REQUEST, [("dg-error", "INVALID_QUERY_PARAMETER")], "{}").into_response();
    }
    upgrade.on_upgrade(move |socket| Speaking::new(&double).run(socket))
}

struct Speaking {
    plan: Plan,
    /// Words that were not flushed.
    words: String,
    flushes: Vec<DateTime<Utc>>,
    /// What is flushed is made one after the other.
    made_until: Option<DateTime<Utc>>,
    jobs: u64,
    answers: u64,
}

impl Speaking {
    fn new(double: &VoicesDouble) -> Self {
        let plan = Plan::new(double);
        Self { plan, words: String::new(), flushes: Vec::new(), made_until: None, jobs: 0, answers: 0 }
    }

    async fn run(mut self, mut socket: WebSocket) {
        let about = json!({
            "type": "Metadata", "request_id": "5f7a1c0e-0000-4000-8000-000000000001", "model_name": "aura-2-thalia-en",
            "model_version": "2025-04-07.0", "model_uuid": "ecb76e9d-f2db-4127-8060-79b05590d22f",
            "additional_model_uuids": [], "something_new": 1,
        });
        if !self.plan.send(&mut socket, What::Json(about)).await {
            return;
        }
        loop {
            tokio::select! {
                message = socket.recv() => {
                    let Some(Ok(message)) = message else { return };
                    if !self.take(&message) {
                        let _ = self.plan.send(&mut socket, What::Close(1000, "")).await;
                        return;
                    }
                }
                planned = self.plan.next() => {
                    let Planned { what, .. } = planned;
                    if !self.plan.send(&mut socket, what).await {
                        return;
                    }
                }
            }
        }
    }

    /// `false` is the end.
    fn take(&mut self, message: &Message) -> bool {
        let now = self.plan.now();
        if matches!(message, Message::Binary(_)) {
            self.plan.put(now, 0, What::Close(1008, "DATA-0001"));
            return true;
        }
        let Some(said) = self.plan.double.takes(message) else { return true };
        match said["type"].as_str() {
            Some("Speak") => self.words.push_str(said["text"].as_str().expect("a text")),
            Some("Flush") => self.flush(now),
            Some("Clear") => self.clear(now),
            Some("Close") => return false,
            _ => self.warn(now, "UNPARSABLE_MESSAGE"),
        }
        true
    }

    fn warn(&mut self, now: DateTime<Utc>, code: &str) {
        self.plan.double.state().warnings += 1;
        let warning =
            json!({"type": "Warning", "description": "something is not as it should be", "code": code});
        self.plan.put(now, u64::MAX, What::Json(warning));
    }

    fn flush(&mut self, now: DateTime<Utc>) {
        self.flushes.retain(|at| now - *at < TimeDelta::seconds(60));
        if self.flushes.len() >= self.plan.double.manner.flushes {
            return self.warn(now, "EXCESSIVE_FLUSH");
        }
        self.flushes.push(now);
        let words = std::mem::take(&mut self.words);
        let trouble = self.plan.double.trouble();
        self.plan.double.state().said.push(words.clone());
        let mut upto = None;
        let end = match trouble {
            Trouble::Cut { after } => {
                upto = Some(after);
                What::Cut
            }
            Trouble::Close { after, code, reason } => {
                upto = Some(after);
                What::Close(code, reason)
            }
            Trouble::Silent => return,
            Trouble::Warn { code } => {
                self.warn(now, code);
                self.flushed()
            }
            _ => self.flushed(),
        };
        let begin = self.made_until.map_or(now, |until| until.max(now));
        self.jobs += 1;
        let mut last = begin;
        for (before, piece) in pieces(&sound_of(&words), self.plan.double.manner.chunk, upto) {
            last = self.plan.instant(begin, before).max(last);
            self.plan.put(last, 1, What::Sound(piece));
        }
        self.plan.put(last, 1, end);
        self.made_until = Some(last);
    }

    fn flushed(&mut self) -> What {
        self.answers += 1;
        What::End(json!({"type": "Flushed", "sequence_id": self.answers - 1}))
    }

    /// Some pieces are on their way already; of the rest nothing comes, not even its end.
    fn clear(&mut self, now: DateTime<Utc>) {
        self.words.clear();
        let mut left = self.plan.double.manner.stale;
        self.plan.queue.retain(|planned| {
            let stays = !matches!(planned.what, What::End(_)) && (planned.tag != 1 || left > 0);
            left = left.saturating_sub(usize::from(planned.tag == 1));
            stays
        });
        for planned in &mut self.plan.queue {
            planned.at = planned.at.min(now);
        }
        self.made_until = None;
        let cleared: Value = json!({"type": "Cleared", "sequence_id": self.answers});
        self.plan.put(now, 1, What::Json(cleared));
    }
}
