//! A caller, and Twilio between them and the program.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};

use crate::World;
use crate::book::Turn;
use crate::phrases::{FRAME, SILENCE, SPOKEN, frame};
use crate::program::{ACCOUNT, PUBLIC, TOKEN};
use crate::voice;

#[path = "../../tests/it/support/caller/sign.rs"]
mod sign;

/// How often a frame is sent.
const EVERY: Duration = Duration::from_millis(20);

/// After so much of a reply, every third is interrupted.
const INTERRUPTS_AFTER: Duration = Duration::from_millis(400);
const INTERRUPTS_EACH: usize = 3;

/// A caller who was not answered for so long goes on.
const PATIENCE: Duration = Duration::from_secs(5);

/// µ-law, eight bytes a millisecond.
const MICROS_PER_BYTE: u64 = 125;

/// Why a call broke.
type Broken = Box<dyn std::error::Error + Send + Sync>;

/// What is played to the caller, or given back.
enum Item {
    Sound(u64),
    Mark(String),
}

/// First in, first out, in real time.
struct Player {
    queue: VecDeque<Item>,
    /// Up to when it has played.
    head: Instant,
    /// Since when it plays or is silent.
    since: Instant,
}

struct Caller {
    world: Arc<World>,
    number: usize,
    sid: String,
    socket: WebSocketStream<TcpStream>,
    player: Player,
    sequence: u64,
    chunk: u64,
    silence: String,
    speech: String,
    /// Frames of speech that are left.
    left: usize,
    turns: usize,
    /// How long this caller thinks before they speak.
    thinks: Duration,
    waits_since: Instant,
    is_answered: bool,
}

/// A call until everything is over, or for so many turns.
pub(crate) async fn call(
    world: Arc<World>,
    number: usize,
    address: SocketAddr,
    most: Option<usize>,
) -> Result<(), Broken> {
    let sid = format!("CA{number:0>32x}");
    let form = [
        ("CallSid", sid.clone()),
        ("AccountSid", ACCOUNT.to_owned()),
        ("From", format!("+346{number:08}")),
        ("To", "+14155238886".to_owned()),
        ("CallStatus", "ringing".to_owned()),
        ("Direction", "inbound".to_owned()),
        ("ApiVersion", "2010-04-01".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value));
    let signature = sign::sign(TOKEN, &format!("{PUBLIC}/twilio/voice"), &form);
    let asked = reqwest::Client::new().post(format!("http://{address}/twilio/voice"));
    let answer = asked.header("X-Twilio-Signature", signature).form(&form).send().await?;
    let document = answer.error_for_status()?.text().await?;
    let between = |before: &str| {
        let (_, rest) = document.split_once(before)?;
        rest.split_once('"').map(|(value, _)| value.to_owned())
    };
    let url = between("<Stream url=\"").ok_or_else(|| document.clone())?;
    let path = url.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| rest[at..].to_owned()));
    let token = between("<Parameter name=\"session\" value=\"");
    let mut request = format!("ws://{address}{}", path.unwrap_or_default()).into_client_request()?;
    request.headers_mut().insert("x-twilio-signature", sign::sign(TOKEN, &url, &[]).parse()?);
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(0);
    let (socket, _) = tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await?;
    let now = Instant::now();
    let caller = Caller {
        number,
        sid: format!("MZ{number:0>32x}"),
        socket,
        player: Player { queue: VecDeque::new(), head: now, since: now },
        sequence: 1,
        chunk: 0,
        silence: STANDARD.encode([SILENCE; FRAME]),
        speech: STANDARD.encode(frame(number)),
        left: 0,
        turns: 0,
        thinks: Duration::from_millis(300 + (number as u64 * 379) % 900),
        waits_since: now,
        is_answered: false,
        world,
    };
    caller.run(&sid, token, most).await
}

impl Player {
    /// Plays until now; the marks that were reached.
    fn play(&mut self, now: Instant) -> Vec<String> {
        let mut marks = Vec::new();
        while let Some(item) = self.queue.front_mut() {
            match item {
                Item::Mark(name) => marks.push(std::mem::take(name)),
                Item::Sound(left) => {
                    let passed = now.saturating_duration_since(self.head);
                    let can = u64::try_from(passed.as_micros()).unwrap_or(u64::MAX) / MICROS_PER_BYTE;
                    let played = can.min(*left);
                    self.head += Duration::from_micros(played * MICROS_PER_BYTE);
                    *left -= played;
                    if *left > 0 {
                        return marks;
                    }
                }
            }
            self.queue.pop_front();
            if self.queue.is_empty() {
                self.since = now;
            }
        }
        self.head = now;
        marks
    }

    fn add(&mut self, item: Item, now: Instant) {
        if self.queue.is_empty() {
            (self.head, self.since) = (now, now);
        }
        self.queue.push_back(item);
    }

    fn clear(&mut self, now: Instant) -> Vec<String> {
        self.since = now;
        let all = self.queue.drain(..);
        all.filter_map(|item| match item {
            Item::Mark(name) => Some(name),
            Item::Sound(_) => None,
        })
        .collect()
    }

    fn is_silent(&self) -> bool {
        self.queue.is_empty()
    }
}

impl Caller {
    async fn run(mut self, call: &str, token: Option<String>, most: Option<usize>) -> Result<(), Broken> {
        let connected = json!({"event": "connected", "protocol": "Call", "version": "1.0.0"});
        let parameters = token.map_or_else(|| json!({}), |token| json!({ "session": token }));
        let start = json!({
            "event": "start", "sequenceNumber": "1", "streamSid": self.sid,
            "start": {"accountSid": ACCOUNT, "streamSid": self.sid, "callSid": call, "tracks": ["inbound"],
                "mediaFormat": {"encoding": "audio/x-mulaw", "sampleRate": 8000, "channels": 1},
                "customParameters": parameters},
        });
        self.socket.send(Message::text(connected.to_string())).await?;
        self.socket.send(Message::text(start.to_string())).await?;
        // Callers' frames come at all times.
        let phase = Duration::from_micros(self.number as u64 * 7919 % 20_000);
        let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + phase, EVERY);
        loop {
            tokio::select! {
                message = self.socket.next() => {
                    let now = Instant::now();
                    match message {
                        Some(Ok(Message::Text(text))) => self.obey(&text, now).await?,
                        Some(Ok(Message::Close(_))) | None => return Err("the bot hung up".into()),
                        Some(Ok(_)) => {}
                        Some(Err(error)) => return Err(error.into()),
                    }
                }
                _ = ticks.tick() => {
                    let is_over = self.world.is_over.load(Ordering::Relaxed);
                    if is_over || most.is_some_and(|most| self.turns > most) {
                        break;
                    }
                    self.tick().await?;
                }
            }
        }
        self.sequence += 1;
        let stop = json!({"event": "stop", "sequenceNumber": self.sequence.to_string(), "streamSid": self.sid,
            "stop": {"accountSid": ACCOUNT, "callSid": call}});
        self.socket.send(Message::text(stop.to_string())).await?;
        let goodbye = async {
            let _ = self.socket.close(None).await;
            while let Some(Ok(_)) = self.socket.next().await {}
        };
        let _ = tokio::time::timeout(Duration::from_secs(5), goodbye).await;
        Ok(())
    }

    async fn tick(&mut self) -> Result<(), Broken> {
        let now = Instant::now();
        for mark in self.player.play(now) {
            self.give_back(&mark).await?;
        }
        if self.left == 0 && self.speaks(now) {
            self.left = SPOKEN;
            let interrupts = !self.player.is_silent();
            let turn = Turn { number: self.turns, interrupts, ..Turn::default() };
            self.world.book.turn(self.number, turn);
            self.turns += 1;
        }
        self.sequence += 1;
        self.chunk += 1;
        let payload = if self.left > 0 { &self.speech } else { &self.silence };
        let text = format!(
            r#"{{"event":"media","sequenceNumber":"{}","media":{{"track":"inbound","chunk":"{}","timestamp":"{}","payload":"{payload}"}},"streamSid":"{}"}}"#,
            self.sequence,
            self.chunk,
            self.chunk * 20,
            self.sid
        );
        self.socket.send(Message::text(text)).await?;
        if self.left > 0 {
            self.left -= 1;
            if self.left == 0 {
                (self.waits_since, self.is_answered) = (now, false);
                self.world.book.note(self.number, |turn| turn.spoken = Some(now));
            }
        }
        Ok(())
    }

    /// Whether the caller begins to speak.
    fn speaks(&self, now: Instant) -> bool {
        let since = now.saturating_duration_since(self.player.since);
        let waited = now.saturating_duration_since(self.waits_since);
        match (self.is_answered, self.player.is_silent()) {
            (false, _) => waited >= PATIENCE,
            (true, true) => since >= self.thinks,
            (true, false) => self.turns % INTERRUPTS_EACH == 2 && since >= INTERRUPTS_AFTER,
        }
    }

    async fn obey(&mut self, text: &Utf8Bytes, now: Instant) -> Result<(), Broken> {
        let message: Value = serde_json::from_str(text)?;
        for mark in self.player.play(now) {
            self.give_back(&mark).await?;
        }
        match message["event"].as_str() {
            Some("media") => {
                let sound = STANDARD.decode(message["media"]["payload"].as_str().unwrap_or_default())?;
                // A bot may send silence before it speaks.
                if sound.iter().any(|byte| *byte & 0x7F != SILENCE & 0x7F) {
                    self.hears(&sound, now);
                }
                self.player.add(Item::Sound(sound.len() as u64), now);
            }
            Some("mark") => {
                let name = message["mark"]["name"].as_str().unwrap_or_default().to_owned();
                if self.player.is_silent() {
                    self.give_back(&name).await?;
                } else {
                    self.player.add(Item::Mark(name), now);
                }
            }
            Some("clear") => {
                self.world.book.note(self.number, |turn| {
                    turn.cleared.get_or_insert(now);
                });
                for mark in self.player.clear(now) {
                    self.give_back(&mark).await?;
                }
            }
            _ => return Err(format!("Twilio knows no {text}").into()),
        }
        Ok(())
    }

    fn hears(&mut self, sound: &[u8], now: Instant) {
        if self.left > 0 {
            return;
        }
        if self.turns == 0 {
            // The greeting.
            self.is_answered = true;
            return;
        }
        let world = Arc::clone(&self.world);
        let is_answered = &mut self.is_answered;
        world.book.note(self.number, |turn| {
            if turn.ended.is_some() && turn.answered.is_none() {
                turn.answered = Some(now);
                let ordered = voice::number(sound).and_then(|number| world.book.ordered(number));
                turn.is_made = ordered.is_some_and(|at| turn.started.is_some_and(|started| at > started));
                *is_answered = true;
            }
        });
    }

    async fn give_back(&mut self, mark: &str) -> Result<(), Broken> {
        self.sequence += 1;
        let mark = json!({"event": "mark", "sequenceNumber": self.sequence.to_string(), "streamSid": self.sid,
            "mark": {"name": mark}});
        self.socket.send(Message::text(mark.to_string())).await?;
        Ok(())
    }
}
