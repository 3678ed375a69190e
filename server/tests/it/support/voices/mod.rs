//! Deepgram, ElevenLabs and OpenAI Realtime as voices, played on this machine over real WebSockets.
//!
//! They follow the vendors' protocols, share no code with the adapters, and know nothing of the tests: a bench or another
//! process can include this folder with `#[path]` and start them on the machine's own clock.
//!
//! ```ignore
//! let voices = VoicesDouble::start(Arc::new(SystemClock), Manner { first_byte: ms(120), ..Manner::at_pace(20) }).await;
//! let base_url = voices.deepgram(); // for [deepgram] base_url
//! voices.troubles([Trouble::Cut { after: 800 }]); // for the next utterances, in order
//! assert_eq!(voices.said(), ["Hello."]);
//! ```
//!
//! What they say is recognisable: [`sound_of`] a text is always the same, a tone of its own.

mod deepgram;
mod elevenlabs;
mod realtime;
mod sound;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::extract::ws::{CloseFrame, Message, WebSocket};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use chrono::{DateTime, TimeDelta, Utc};
use innkeeper::clock::{Clock, later};
use serde_json::Value;

use tokio::sync::watch;

pub(crate) use sound::sound_of;

use crate::support::loss::{Loss, Presence};

/// What nobody can read.
const GARBAGE: &str = "}{";

/// What opens all of them.
pub(crate) const KEY: &str = "a voice key";

/// How they speak.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// From an utterance's last word to its first sound.
    pub(crate) first_byte: Duration,
    /// How many times faster than it is listened to sound is made; 0 is all at once.
    pub(crate) pace: u32,
    /// Every piece of sound may be so much later.
    pub(crate) jitter: Duration,
    /// Bytes of sound in a message.
    pub(crate) chunk: usize,
    /// Pieces of sound that still come after something was called off.
    pub(crate) stale: usize,
    /// Flushes that are taken in a minute.
    pub(crate) flushes: usize,
    /// What the dice begin from.
    pub(crate) seed: u64,
}

/// What goes wrong with an utterance, or with a handshake.
#[derive(Clone, Debug)]
pub(crate) enum Trouble {
    /// Nothing.
    None,
    /// The connection breaks after so many bytes of its sound.
    Cut {
        /// Bytes.
        after: usize,
    },
    /// The connection is closed with this code and reason after so many bytes of its sound.
    Close {
        /// Bytes.
        after: usize,
        /// The close code.
        code: u16,
        /// The reason.
        reason: &'static str,
    },
    /// Nothing of it ever comes.
    Silent,
    /// A warning comes first.
    Warn {
        /// Its code.
        code: &'static str,
    },
    /// Realtime: these words are said instead.
    Says(&'static str),
    /// Realtime: the response ends with this status after so many bytes.
    Ends {
        /// `failed` or `incomplete`.
        status: &'static str,
        /// The reason or the error's code.
        reason: &'static str,
        /// Bytes.
        after: usize,
    },
    /// ElevenLabs, Realtime: it is refused with this code.
    Refused(&'static str),
}

/// One connection that was made.
#[derive(Clone, Debug)]
pub(crate) struct Connection {
    /// The path with its query.
    pub(crate) asked: String,
}

#[derive(Default)]
struct State {
    troubles: VecDeque<Trouble>,
    handshakes: VecDeque<u16>,
    connections: Vec<Connection>,
    received: Vec<(DateTime<Utc>, Value)>,
    sent: Vec<Value>,
    said: Vec<String>,
    warnings: usize,
    ended: usize,
}

/// The doubles, on one port.
#[derive(Clone)]
pub(crate) struct VoicesDouble {
    address: SocketAddr,
    clock: Arc<dyn Clock>,
    manner: Manner,
    state: Arc<Mutex<State>>,
    /// Whether they are there.
    pub(crate) presence: Presence,
}

impl Manner {
    /// All at once, in pieces of 20 ms.
    pub(crate) fn at_once() -> Self {
        let none = Duration::ZERO;
        Self { first_byte: none, pace: 0, jitter: none, chunk: 160, stale: 3, flushes: 20, seed: 1 }
    }

    /// So many times faster than it is listened to.
    pub(crate) fn at_pace(pace: u32) -> Self {
        Self { pace, ..Self::at_once() }
    }
}

impl VoicesDouble {
    /// Starts them on a port of loopback.
    pub(crate) async fn start(clock: Arc<dyn Clock>, manner: Manner) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let double = Self { address, clock, manner, state: Arc::default(), presence: Presence::default() };
        let routes = Router::new()
            .route("/v1/speak", get(deepgram::speak))
            .route("/v1/text-to-speech/{voice}/multi-stream-input", get(elevenlabs::multi_stream_input))
            .route("/v1/text-to-speech/{voice}", post(elevenlabs::text_to_speech))
            .route("/openai/v1/realtime", get(realtime::realtime))
            .with_state(double.clone());
        tokio::spawn(double.presence.clone().serve(listener, routes));
        double
    }

    /// For `[deepgram] base_url`.
    pub(crate) fn deepgram(&self) -> String {
        format!("http://{}", self.address)
    }

    /// For `[elevenlabs] base_url`.
    pub(crate) fn elevenlabs(&self) -> String {
        format!("http://{}", self.address)
    }

    /// For `[openai] base_url`.
    pub(crate) fn openai(&self) -> String {
        format!("http://{}/openai/v1", self.address)
    }

    /// What goes wrong with the next utterances, one each; then nothing.
    pub(crate) fn troubles(&self, troubles: impl IntoIterator<Item = Trouble>) {
        self.state().troubles.extend(troubles);
    }

    /// The next handshakes are refused with these statuses.
    pub(crate) fn refuses(&self, statuses: impl IntoIterator<Item = u16>) {
        self.state().handshakes.extend(statuses);
    }

    /// The texts that were asked for, in order.
    pub(crate) fn said(&self) -> Vec<String> {
        self.state().said.clone()
    }

    /// The connections that were made.
    pub(crate) fn connections(&self) -> Vec<Connection> {
        self.state().connections.clone()
    }

    /// How many connections are over.
    pub(crate) fn ended(&self) -> usize {
        self.state().ended
    }

    /// The messages that came, with when.
    pub(crate) fn received(&self) -> Vec<(DateTime<Utc>, Value)> {
        self.state().received.clone()
    }

    /// The messages that went, except sound by itself.
    pub(crate) fn sent(&self) -> Vec<Value> {
        self.state().sent.clone()
    }

    /// How often was warned.
    pub(crate) fn warnings(&self) -> usize {
        self.state().warnings
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("the state")
    }

    fn trouble(&self) -> Trouble {
        self.state().troubles.pop_front().unwrap_or(Trouble::None)
    }

    /// Notes a handshake; a refusal if it is to be refused.
    fn meets(&self, asked: &str, headers: &HeaderMap, header: &str, key: &str) -> Option<Response> {
        let mut state = self.state();
        state.connections.push(Connection { asked: asked.to_owned() });
        let open = headers.get(header).is_some_and(|given| given == key);
        let is_failing = self.presence.now() == Loss::Error;
        let refused = state.handshakes.pop_front().or((!open).then_some(401)).or(is_failing.then_some(503))?;
        let status = StatusCode::from_u16(refused).expect("a status");
        Some((status, [("dg-error", "REFUSED")], "{\"error\":{\"code\":\"refused\"}}").into_response())
    }

    /// A message that came, as JSON.
    fn takes(&self, message: &Message) -> Option<Value> {
        let Message::Text(text) = message else { return None };
        let value: Value = serde_json::from_str(text.as_str()).ok()?;
        let now = self.clock.now();
        self.state().received.push((now, value.clone()));
        Some(value)
    }
}

/// Something that goes out at its time.
struct Planned {
    at: DateTime<Utc>,
    /// What it belongs to.
    tag: u64,
    what: What,
}

enum What {
    Json(Value),
    Sound(Vec<u8>),
    /// The end of what the tag names.
    End(Value),
    Close(u16, &'static str),
    Cut,
}

/// What goes out of a connection, by time.
struct Plan {
    double: VoicesDouble,
    queue: VecDeque<Planned>,
    dice: u64,
    loss: watch::Receiver<Loss>,
}

impl Plan {
    fn new(double: &VoicesDouble) -> Self {
        let connection = double.state().connections.len() as u64;
        let dice = double.manner.seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(connection) | 1;
        Self { double: double.clone(), queue: VecDeque::new(), dice, loss: double.presence.watch() }
    }

    fn now(&self) -> DateTime<Utc> {
        self.double.clock.now()
    }

    fn roll(&mut self, below: u64) -> u64 {
        self.dice ^= self.dice << 13;
        self.dice ^= self.dice >> 7;
        self.dice ^= self.dice << 17;
        if below == 0 { 0 } else { self.dice % below }
    }

    /// When the next piece of sound after so many bytes goes out.
    fn instant(&mut self, begin: DateTime<Utc>, before: usize) -> DateTime<Utc> {
        let manner = self.double.manner;
        let made_us = if manner.pace == 0 { 0 } else { before as u64 * 125 / u64::from(manner.pace) };
        let late_us = self.roll(u64::try_from(manner.jitter.as_micros()).expect("a short time") + 1);
        let us = u64::try_from(manner.first_byte.as_micros()).expect("a short time") + made_us + late_us;
        begin + TimeDelta::microseconds(i64::try_from(us).expect("a short time"))
    }

    /// Puts something behind all that is earlier, and not before what was planned for the same tag.
    fn put(&mut self, at: DateTime<Utc>, tag: u64, what: What) {
        let at = self
            .queue
            .iter()
            .filter(|planned| planned.tag == tag)
            .map(|planned| planned.at)
            .fold(at, Ord::max);
        let place = self.queue.iter().position(|planned| planned.at > at).unwrap_or(self.queue.len());
        self.queue.insert(place, Planned { at, tag, what });
    }

    /// Waits for the next thing.
    async fn next(&mut self) -> Planned {
        let first = self.queue.front().map(|first| later(first.at, self.double.presence.later()));
        let clock = Arc::clone(&self.double.clock);
        let due = async move {
            match first {
                Some(at) => clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            what = lost(&mut self.loss) => Planned { at: self.double.clock.now(), tag: u64::MAX, what },
            () = due => self.queue.pop_front().expect("the first"),
        }
    }

    /// Sends something; `false` is the end of the connection.
    async fn send(&mut self, socket: &mut WebSocket, what: What) -> bool {
        let is_said = matches!(what, What::Json(_) | What::Sound(_) | What::End(_));
        match self.double.presence.now() {
            Loss::Hangs if is_said => return true,
            Loss::Garbage if is_said => return socket.send(Message::Text(GARBAGE.into())).await.is_ok(),
            Loss::None
            | Loss::Refused
            | Loss::Cut
            | Loss::Hangs
            | Loss::Error
            | Loss::Garbage
            | Loss::Slow => {}
        }
        let message = match what {
            What::Json(value) | What::End(value) => {
                let text = value.to_string();
                self.double.state().sent.push(value);
                Message::Text(text.into())
            }
            What::Sound(bytes) => Message::Binary(bytes.into()),
            What::Close(code, reason) => {
                let _ = socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
                // The other end answers, or is gone.
                while let Some(Ok(_)) = socket.recv().await {}
                return false;
            }
            What::Cut => return false,
        };
        socket.send(message).await.is_ok()
    }
}

impl Drop for Plan {
    fn drop(&mut self) {
        self.double.state().ended += 1;
    }
}

/// Waits until the provider is lost in a way that ends its connections.
async fn lost(loss: &mut watch::Receiver<Loss>) -> What {
    while loss.changed().await.is_ok() {
        match *loss.borrow_and_update() {
            Loss::Refused | Loss::Cut => return What::Cut,
            Loss::Error => return What::Close(1011, "INTERNAL"),
            Loss::None | Loss::Hangs | Loss::Garbage | Loss::Slow => {}
        }
    }
    std::future::pending().await
}

/// The first pieces of a sound, each with the bytes before it: how many come before a trouble.
fn pieces(sound: &[u8], chunk: usize, upto: Option<usize>) -> Vec<(usize, Vec<u8>)> {
    let sound = &sound[..upto.unwrap_or(sound.len()).min(sound.len())];
    sound.chunks(chunk.max(1)).enumerate().map(|(i, piece)| (i * chunk, piece.to_vec())).collect()
}
