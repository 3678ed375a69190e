//! Media Streams, Twilio's side.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::{SinkExt as _, StreamExt as _};
use serde_json::{Map, Value as Json, json};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;

use super::call::{Command, Event, Outcome, Run};
use super::delay::{Delayed, Dice};
use super::play::{Piece, Player};
use super::wire::Socket;

/// A frame: 20 ms.
const FRAME: usize = 160;
const EVERY: Duration = Duration::from_millis(20);

/// µ-law's silence.
const SILENCE: u8 = 0xff;

/// How long the server may take to answer a close.
const GOODBYE: Duration = Duration::from_secs(5);

/// What comes from the server.
enum FromServer {
    Message(Message),
    Closed,
}

/// What goes to the server.
enum ToServer {
    Frame { payload: String, at_ms: u64 },
    Mark(String),
    Digit(char),
    Raw(String),
}

struct Stream<'a> {
    run: &'a mut Run,
    sid: String,
    dice: Dice,
    began: Instant,
    player: Player,
    sequence: u64,
    chunk: u64,
    up: Delayed<ToServer>,
    down: Delayed<FromServer>,
    /// What the caller speaks.
    speech: VecDeque<u8>,
    bunch: Vec<ToServer>,
    /// So many frames are sent at once next time.
    bunched: u64,
    next_frame: Instant,
    stalls: bool,
}

/// Streams until one side ends it.
pub(super) async fn run(run: &mut Run, mut socket: Socket, parameters: Map<String, Json>) -> Outcome {
    let now = Instant::now();
    let manner = run.exchange.0.manner.clone();
    let sid = format!("MZ{:0>32x}", run.number);
    let mut stream = Stream {
        dice: Dice::new(manner.seed ^ run.number << 7),
        player: Player::new(run.began, manner.keeps_sound),
        sid,
        began: now,
        sequence: 1,
        chunk: 0,
        up: Delayed::default(),
        down: Delayed::default(),
        speech: VecDeque::new(),
        bunch: Vec::new(),
        bunched: 1,
        next_frame: now + EVERY,
        stalls: false,
        run,
    };
    let account = stream.run.exchange.0.account.sid.clone();
    let call = stream.run.sid.clone();
    let connected = json!({"event": "connected", "protocol": "Call", "version": "1.0.0"});
    let start = json!({
        "event": "start", "sequenceNumber": "1", "streamSid": stream.sid,
        "start": {"accountSid": account, "streamSid": stream.sid, "callSid": call, "tracks": ["inbound"],
            "mediaFormat": {"encoding": manner.encoding, "sampleRate": 8000, "channels": 1},
            "customParameters": parameters},
    });
    let mut first = vec![connected.to_string(), start.to_string()];
    if manner.strangers {
        first.insert(1, json!({"event": "weather", "weather": {"is": "fine"}}).to_string());
    }
    for message in first {
        if socket.send(Message::text(message)).await.is_err() {
            return Outcome::Next;
        }
    }
    stream.go(socket).await
}

impl Stream<'_> {
    async fn go(&mut self, mut socket: Socket) -> Outcome {
        loop {
            let wake = [Some(self.next_frame), self.up.next(), self.down.next(), self.player.next()];
            let wake = wake.into_iter().flatten().min().expect("a frame comes next");
            tokio::select! {
                message = socket.next(), if !self.stalls => {
                    let takes = self.half();
                    let message = match message {
                        Some(Ok(Message::Close(_)) | Err(_)) | None => FromServer::Closed,
                        Some(Ok(message)) => FromServer::Message(message),
                    };
                    if matches!(message, FromServer::Closed) {
                        // The socket has nothing more to say; time goes on until that is known here.
                        self.stalls = true;
                    }
                    self.down.send(Instant::now(), takes, message);
                }
                () = sleep_until(wake) => {}
                command = self.run.commands.recv() => match command {
                    Some(Command::Sound(sound)) => self.speech.extend(sound),
                    Some(Command::Press(key)) => self.send(ToServer::Digit(key)),
                    Some(Command::Raw(message)) => self.send(ToServer::Raw(message)),
                    Some(Command::Stall(stalls)) => self.stalls = stalls,
                    Some(Command::Cut) => {
                        self.play();
                        return Outcome::Next;
                    }
                    Some(Command::HangUp) | None => return self.stop(socket, Outcome::Gone).await,
                    Some(Command::Replace(document)) => return self.stop(socket, Outcome::Replaced(document)).await,
                    Some(Command::Words(_)) => panic!("a stream carries sound"),
                },
            }
            self.play();
            while let Some(arrived) = self.down.arrived(Instant::now()) {
                match arrived {
                    FromServer::Message(message) => self.obey(&message),
                    FromServer::Closed => {
                        self.run.note(Event::Closed);
                        return Outcome::Next;
                    }
                }
            }
            self.frames();
            while let Some(message) = self.up.arrived(Instant::now()) {
                let text = self.text(message);
                if socket.send(Message::text(text)).await.is_err() {
                    self.run.note(Event::Closed);
                    return Outcome::Next;
                }
            }
        }
    }

    /// Says that it is over, and closes.
    async fn stop(&mut self, mut socket: Socket, outcome: Outcome) -> Outcome {
        self.play();
        let call = &self.run.sid;
        self.sequence += 1;
        let stop = json!({"event": "stop", "sequenceNumber": self.sequence.to_string(), "streamSid": self.sid,
            "stop": {"accountSid": self.run.exchange.0.account.sid, "callSid": call}});
        let goodbye = async {
            socket.send(Message::text(stop.to_string())).await.ok()?;
            socket.close(None).await.ok()?;
            while let Some(Ok(_)) = socket.next().await {}
            Some(())
        };
        let _ = timeout(GOODBYE, goodbye).await;
        outcome
    }

    /// Half a round trip.
    fn half(&mut self) -> Duration {
        let range = self.run.exchange.0.manner.round_trip.clone();
        Duration::from_micros(self.dice.within(&range) * 500)
    }

    fn send(&mut self, message: ToServer) {
        let takes = self.half();
        self.up.send(Instant::now(), takes, message);
    }

    /// Moves the play head on.
    fn play(&mut self) {
        let mut heard: Vec<Piece> = Vec::new();
        let mut marks = Vec::new();
        let (player, now) = (&mut self.player, Instant::now());
        if player.next().is_some() {
            self.run.seen.send_if_modified(|seen| {
                heard = std::mem::take(&mut seen.heard);
                marks = player.advance(now, &mut heard);
                seen.heard = std::mem::take(&mut heard);
                true
            });
        }
        for mark in marks {
            self.give_back(mark);
        }
    }

    fn give_back(&mut self, mark: String) {
        self.run.note(Event::Mark(mark.clone()));
        self.send(ToServer::Mark(mark));
    }

    /// What the server sent.
    fn obey(&mut self, message: &Message) {
        let text = match message {
            Message::Text(text) => text,
            Message::Binary(_) => return self.run.note(Event::Warned(31924)),
            _ => return,
        };
        let Ok(message) = serde_json::from_str::<Json>(text) else {
            return self.run.note(Event::Warned(31951));
        };
        let names = |json: &Json| -> BTreeSet<String> {
            json.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect()
        };
        let is = |json: &Json, wanted: &[&str]| {
            names(json) == wanted.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>()
        };
        if message["streamSid"] != *self.sid {
            return self.run.note(Event::Warned(31951));
        }
        let now = Instant::now();
        match message["event"].as_str() {
            Some("media")
                if is(&message, &["event", "streamSid", "media"]) && is(&message["media"], &["payload"]) =>
            {
                match STANDARD.decode(message["media"]["payload"].as_str().unwrap_or("!")) {
                    Ok(sound) => self.player.queue_sound(now, sound),
                    Err(_) => self.run.note(Event::Warned(31951)),
                }
            }
            Some("mark")
                if is(&message, &["event", "streamSid", "mark"]) && is(&message["mark"], &["name"]) =>
            {
                let name = message["mark"]["name"].as_str().unwrap_or_default().to_owned();
                if self.player.queue_mark(&name) {
                    self.give_back(name);
                }
            }
            Some("clear") if is(&message, &["event", "streamSid"]) => {
                self.run.note(Event::Cleared(self.player.queued()));
                for mark in self.player.clear() {
                    self.give_back(mark);
                }
            }
            _ => self.run.note(Event::Warned(31951)),
        }
    }

    /// The caller's frames that are due.
    fn frames(&mut self) {
        let now = Instant::now();
        while self.next_frame <= now {
            let mut sound = vec![SILENCE; FRAME];
            let speaks = self.speech.len().min(FRAME);
            for (place, byte) in sound.iter_mut().zip(self.speech.drain(..speaks)) {
                *place = byte;
            }
            let at = self.next_frame - self.began;
            let at_ms = u64::try_from(at.as_millis()).expect("a short call");
            self.bunch.push(ToServer::Frame { payload: STANDARD.encode(&sound), at_ms });
            self.next_frame += EVERY;
            self.run.seen.send_if_modified(|seen| {
                seen.frames += 1;
                true
            });
            if self.bunch.len() as u64 >= self.bunched {
                let takes = self.half();
                for frame in std::mem::take(&mut self.bunch) {
                    self.up.send(now, takes, frame);
                }
                if self.run.exchange.0.manner.bunches {
                    self.bunched = self.dice.within(&(2..=5));
                }
            }
        }
    }

    /// A message as it is written, with its number.
    fn text(&mut self, message: ToServer) -> String {
        self.sequence += 1;
        let sequence = self.sequence.to_string();
        let sid = &self.sid;
        match message {
            ToServer::Frame { payload, at_ms } => {
                self.chunk += 1;
                let chunk = self.chunk;
                if self.run.exchange.0.manner.strangers && chunk.is_multiple_of(7) {
                    let media = json!({"payload": payload, "chunk": chunk.to_string(), "quality": {"payload": "////"},
                        "track": "inbound", "timestamp": at_ms.to_string()});
                    return json!({"new": [1], "media": media, "streamSid": sid, "event": "media",
                        "sequenceNumber": sequence})
                    .to_string();
                }
                format!(
                    r#"{{"event":"media","sequenceNumber":"{sequence}","media":{{"track":"inbound","chunk":"{chunk}","timestamp":"{at_ms}","payload":"{payload}"}},"streamSid":"{sid}"}}"#
                )
            }
            ToServer::Mark(name) => {
                json!({"event": "mark", "sequenceNumber": sequence, "streamSid": sid, "mark": {"name": name}})
                    .to_string()
            }
            ToServer::Digit(key) => json!({"event": "dtmf", "streamSid": sid, "sequenceNumber": sequence,
                "dtmf": {"track": "inbound_track", "digit": key.to_string()}})
            .to_string(),
            ToServer::Raw(message) => message,
        }
    }
}
