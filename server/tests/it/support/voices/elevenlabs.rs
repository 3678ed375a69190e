//! ElevenLabs' multi-context WebSocket, and its REST route for voice notes.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{KEY, Plan, Trouble, VoicesDouble, What, pieces, sound_of};

/// So many contexts may be open at once.
const CONTEXTS: usize = 5;

pub(super) async fn multi_stream_input(
    State(double): State<VoicesDouble>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    if let Some(refused) = double.meets(&uri.to_string(), &headers, "xi-api-key", KEY) {
        return refused;
    }
    if !uri.query().is_some_and(|query| query.contains("output_format=ulaw_8000")) {
        return (StatusCode::BAD_REQUEST, "{}").into_response();
    }
    upgrade.on_upgrade(move |socket| Contexts::new(&double).run(socket))
}

pub(super) async fn text_to_speech(
    State(double): State<VoicesDouble>,
    uri: Uri,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    if let Some(refused) = double.meets(&uri.to_string(), &headers, "xi-api-key", KEY) {
        return refused;
    }
    let text = body["text"].as_str().unwrap_or_default();
    double.state().said.push(text.to_owned());
    if !uri.query().is_some_and(|query| query.starts_with("output_format=opus_48000_")) {
        return ([(header::CONTENT_TYPE, "audio/mpeg")], "ID3").into_response();
    }
    ([(header::CONTENT_TYPE, "audio/ogg")], b"OggS and sound".to_vec()).into_response()
}

struct Context {
    number: u64,
    words: String,
    /// Whether it ends when all its sound is out.
    closed: bool,
    spoils: bool,
}

struct Contexts {
    plan: Plan,
    open: BTreeMap<String, Context>,
    numbers: u64,
}

impl Contexts {
    fn new(double: &VoicesDouble) -> Self {
        Self { plan: Plan::new(double), open: BTreeMap::new(), numbers: 0 }
    }

    async fn run(mut self, mut socket: WebSocket) {
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
                    if let What::End(end) = &planned.what {
                        self.open.remove(end["contextId"].as_str().expect("a context"));
                    }
                    if !self.plan.send(&mut socket, planned.what).await {
                        return;
                    }
                }
            }
        }
    }

    /// `false` is the end.
    fn take(&mut self, message: &Message) -> bool {
        let now = self.plan.now();
        let Some(said) = self.plan.double.takes(message) else { return true };
        if said["close_socket"] == true {
            return false;
        }
        let Some(name) = said["context_id"].as_str().map(str::to_owned) else {
            self.refuse(now, "missing_context_id");
            return true;
        };
        let text = said["text"].as_str();
        if !self.open.contains_key(&name) {
            if text != Some(" ") {
                self.refuse(now, "context_not_found");
                return true;
            }
            if self.open.len() >= CONTEXTS {
                self.refuse(now, "max_active_conversations");
                return true;
            }
            self.numbers += 1;
            let context =
                Context { number: self.numbers, words: String::new(), closed: false, spoils: false };
            self.open.insert(name, context);
            return true;
        }
        if let (Some(context), Some(text)) = (self.open.get_mut(&name), text) {
            if context.closed {
                self.refuse(now, "context_closed");
                return true;
            }
            context.words.push_str(text);
        }
        if said["flush"] == true {
            self.flush(now, &name);
        }
        if said["close_context"] == true {
            self.close(now, &name);
        }
        true
    }

    fn refuse(&mut self, now: DateTime<Utc>, error: &'static str) {
        self.plan.put(now, 0, What::Json(json!({"message": "It says why.", "error": error, "code": 1008})));
        self.plan.put(now, 0, What::Close(1008, error));
    }

    fn flush(&mut self, now: DateTime<Utc>, name: &str) {
        let Some(context) = self.open.get_mut(name) else { return };
        let words = std::mem::take(&mut context.words).trim().to_owned();
        let number = context.number;
        if words.is_empty() {
            return;
        }
        let trouble = self.plan.double.trouble();
        self.plan.double.state().said.push(words.clone());
        let mut end = None;
        let upto = match trouble {
            Trouble::Cut { after } => {
                end = Some(What::Cut);
                Some(after)
            }
            Trouble::Close { after, code, reason } => {
                end = Some(What::Close(code, reason));
                Some(after)
            }
            Trouble::Refused(error) => return self.refuse(now, error),
            Trouble::Silent => {
                context.spoils = true;
                return;
            }
            _ => None,
        };
        let mut last = now;
        for (i, (before, piece)) in
            pieces(&sound_of(&words), self.plan.double.manner.chunk, upto).into_iter().enumerate()
        {
            last = self.plan.instant(now, before).max(last);
            let times: Vec<usize> = vec![before / 8];
            let alignment = json!({"chars": ["a"], "charStartTimesMs": times, "charsDurationsMs": [20]});
            let sound = json!({
                "audio": STANDARD.encode(piece), "alignment": alignment, "normalizedAlignment": alignment,
                "contextId": name,
            });
            self.plan.put(last, number, What::Json(sound));
            if i == 0 {
                let nothing =
                    json!({"audio": null, "alignment": null, "normalizedAlignment": null, "contextId": name});
                self.plan.put(last, number, What::Json(nothing));
            }
        }
        if let Some(end) = end {
            self.plan.put(last, number, end);
        }
    }

    /// What was flushed goes on to its end.
    fn close(&mut self, now: DateTime<Utc>, name: &str) {
        let Some(context) = self.open.get_mut(name) else { return };
        if std::mem::replace(&mut context.closed, true) || context.spoils {
            return;
        }
        let number = context.number;
        self.plan.put(now, number, What::End(json!({"isFinal": true, "contextId": name})));
    }
}
