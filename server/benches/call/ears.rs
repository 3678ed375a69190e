//! Deepgram Flux, as far as a bot sees it: turns by the sound it is given.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::Uri;
use axum::response::Response;
use serde_json::{Value, json};

use crate::World;
use crate::phrases::{mu_law, spoken};

/// So much silence ends a turn, in bytes: 260 ms; and so much probably: 110 ms.
const END: u64 = 260 * 8;
const EARLY: u64 = 110 * 8;

/// How often it tells where it is, in bytes: 240 ms.
const UPDATES: u64 = 240 * 8;

struct Ear {
    world: Arc<World>,
    is_linear: bool,
    tells_early: bool,
    call: usize,
    /// So much was heard, the last speech up to there, and told up to there.
    at: u64,
    spoke: u64,
    told: u64,
    is_open: bool,
    is_early: bool,
    turn: u64,
    sequence: u64,
}

/// `GET /v2/listen`.
pub(crate) async fn listen(State(world): State<Arc<World>>, uri: Uri, upgrade: WebSocketUpgrade) -> Response {
    let query = uri.query().unwrap_or_default();
    let ear = Ear {
        is_linear: query.contains("encoding=linear16"),
        tells_early: query.contains("eager_eot_threshold="),
        world,
        call: 0,
        at: 0,
        spoke: 0,
        told: 0,
        is_open: false,
        is_early: false,
        turn: 0,
        sequence: 0,
    };
    let upgrade = upgrade.read_buffer_size(4096).write_buffer_size(0);
    upgrade.on_upgrade(move |socket| ear.run(socket))
}

impl Ear {
    async fn run(mut self, mut socket: WebSocket) {
        let connected = json!({"type": "Connected", "request_id": "r1", "sequence_id": self.next()});
        let mut says = vec![connected];
        loop {
            for message in says.drain(..) {
                let text = message.to_string();
                self.note(message["event"].as_str());
                if socket.send(Message::text(text)).await.is_err() {
                    return;
                }
            }
            let Some(Ok(message)) = socket.recv().await else { return };
            match message {
                Message::Binary(sound) if self.is_linear => self.hear(&mu_law(&sound), &mut says),
                Message::Binary(sound) => self.hear(&sound, &mut says),
                Message::Text(text) => {
                    let Ok(asked) = serde_json::from_str::<Value>(&text) else { return };
                    match asked["type"].as_str() {
                        Some("Configure") => {
                            let mut done = asked.clone();
                            done["type"] = json!("ConfigureSuccess");
                            done["request_id"] = json!("r1");
                            done["sequence_id"] = json!(self.next());
                            says.push(done);
                        }
                        Some("CloseStream") => return,
                        _ => {}
                    }
                }
                Message::Close(_) => return,
                Message::Ping(_) | Message::Pong(_) => {}
            }
        }
    }

    fn next(&mut self) -> u64 {
        self.sequence += 1;
        self.sequence - 1
    }

    fn hear(&mut self, sound: &[u8], says: &mut Vec<Value>) {
        let begin = self.at;
        self.at += sound.len() as u64;
        if let Some((call, end)) = spoken(sound) {
            self.spoke = begin + end as u64;
            self.call = call.unwrap_or(self.call);
            if !self.is_open {
                self.is_open = true;
                says.push(self.info("StartOfTurn"));
            }
        }
        let silence = self.at - self.spoke;
        if self.is_open && silence >= END {
            says.push(self.info("EndOfTurn"));
            self.turn += 1;
            (self.is_open, self.is_early) = (false, false);
        } else if self.is_open && self.tells_early && !self.is_early && silence >= EARLY {
            self.is_early = true;
            says.push(self.info("EagerEndOfTurn"));
        } else if self.at >= self.told + UPDATES {
            says.push(self.info("Update"));
        }
        if !says.is_empty() {
            self.told = self.at;
        }
    }

    fn info(&mut self, event: &str) -> Value {
        let seconds = |place: u64| place as f64 / 8000.0;
        let phrase = self.world.book.last(self.call).map(|turn| self.world.replies.phrase(turn.number));
        let heard: Vec<&str> = match event {
            "EndOfTurn" | "EagerEndOfTurn" => phrase.unwrap_or_default().split(' ').collect(),
            _ if self.is_open => phrase.unwrap_or_default().split(' ').take(2).collect(),
            _ => Vec::new(),
        };
        let words: Vec<Value> = heard
            .iter()
            .map(|word| {
                let at = seconds(self.spoke);
                json!({"word": word, "confidence": 0.97, "start": at - 0.2, "end": at})
            })
            .collect();
        let mut info = json!({
            "type": "TurnInfo", "request_id": "r1", "sequence_id": self.next(), "event": event,
            "turn_index": self.turn, "audio_window_start": 0.0, "audio_window_end": seconds(self.at),
            "transcript": heard.join(" "), "words": words, "end_of_turn_confidence": 0.9,
        });
        if event == "EndOfTurn" {
            info["trigger"] = json!("model");
        }
        info
    }

    fn note(&self, event: Option<&str>) {
        let now = Instant::now();
        match event {
            Some("StartOfTurn") => self.world.book.note(self.call, |turn| turn.started = Some(now)),
            Some("EndOfTurn") => self.world.book.note(self.call, |turn| turn.ended = Some(now)),
            _ => {}
        }
    }
}
