//! Deepgram's speech, as far as a bot sees it: sound some time after the words.

use std::collections::VecDeque;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::http::Uri;
use axum::response::Response;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};

use crate::World;
use crate::phrases::linear;

/// The time to the first sound.
const FIRST: Duration = Duration::from_millis(120);

/// How long a letter is spoken, in bytes; and any words at least.
const LETTER: usize = 65 * 8;
const LEAST: usize = 2500 * 8;

/// Bytes of sound in a message.
const PIECE: usize = 3200;

/// What a sound is filled with.
const FILL: u8 = 0x55;

/// What a sound begins with, before its number.
const MARK: u8 = 0x02;
const ZERO: u8 = 0x20;
const DIGITS: usize = 6;

/// The number of the sound that begins here.
pub(crate) fn number(sound: &[u8]) -> Option<usize> {
    let digits = sound.strip_prefix(&[MARK])?.get(..DIGITS)?;
    Some(digits.iter().fold(0, |number, digit| number * 32 + usize::from(digit.saturating_sub(ZERO))))
}

fn sound(number: usize, words: &str) -> Vec<u8> {
    let mut sound = vec![MARK];
    for place in (0..DIGITS).rev() {
        sound.push(ZERO + u8::try_from((number >> (5 * place)) & 31).expect("a digit"));
    }
    sound.resize((words.len() * LETTER).max(LEAST), FILL);
    sound
}

/// `GET /v1/speak`.
pub(crate) async fn speak(State(world): State<Arc<World>>, uri: Uri, upgrade: WebSocketUpgrade) -> Response {
    let is_linear = uri.query().unwrap_or_default().contains("encoding=linear16");
    let upgrade = upgrade.read_buffer_size(4096).write_buffer_size(0);
    upgrade.on_upgrade(move |socket| run(world, is_linear, socket))
}

async fn run(world: Arc<World>, is_linear: bool, mut socket: WebSocket) {
    let about = json!({
        "type": "Metadata", "request_id": "r1", "model_name": "aura-2-thalia-en", "model_version": "1",
        "model_uuid": "u1", "additional_model_uuids": [],
    });
    let mut says = vec![Message::text(about.to_string())];
    let mut words = String::new();
    let mut jobs: VecDeque<(Instant, Vec<u8>)> = VecDeque::new();
    let mut flushed = 0;
    loop {
        for message in says.drain(..) {
            if socket.send(message).await.is_err() {
                return;
            }
        }
        let next = jobs.front().map(|(at, _)| *at);
        let due = async {
            match next {
                Some(at) => sleep_until(at).await,
                None => pending().await,
            }
        };
        tokio::select! {
            message = socket.recv() => {
                let text = match message {
                    Some(Ok(Message::Text(text))) => text,
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => continue,
                    Some(Ok(Message::Binary(_) | Message::Close(_)) | Err(_)) | None => return,
                };
                let Ok(asked) = serde_json::from_str::<Value>(&text) else { return };
                let answer = |kind: &str| Message::text(json!({"type": kind, "sequence_id": flushed}).to_string());
                match asked["type"].as_str() {
                    Some("Speak") => words.push_str(asked["text"].as_str().unwrap_or_default()),
                    Some("Flush") => {
                        let now = Instant::now();
                        let begin = jobs.back().map_or(now, |(at, _)| *at);
                        let number = world.book.order(now.into_std());
                        jobs.push_back((begin + FIRST, sound(number, &std::mem::take(&mut words))));
                    }
                    Some("Clear") => {
                        jobs.clear();
                        words.clear();
                        says.push(answer("Cleared"));
                    }
                    Some("Close") => return,
                    _ => {}
                }
            }
            () = due => {
                let Some((_, sound)) = jobs.pop_front() else { continue };
                for piece in sound.chunks(PIECE) {
                    says.push(Message::binary(if is_linear { linear(piece) } else { piece.to_vec() }));
                }
                says.push(Message::text(json!({"type": "Flushed", "sequence_id": flushed}).to_string()));
                flushed += 1;
            }
        }
    }
}
