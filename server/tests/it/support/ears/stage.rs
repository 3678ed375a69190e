//! One connection to a double: what comes, what goes and when, and how it ends.

use std::collections::VecDeque;
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocket};
use chrono::{DateTime, Utc};
use innkeeper::clock::later;
use serde_json::Value;
use tokio::sync::watch;

use super::sound::{Ear, Word};
use super::{Answer, Ears, End, IDLE, Mood, Player};
use crate::support::dice::Dice;
use crate::support::loss::Loss;

/// How the provider is lost next.
async fn changed(loss: &mut watch::Receiver<Loss>) -> Loss {
    match loss.changed().await {
        Ok(()) => *loss.borrow_and_update(),
        Err(_) => std::future::pending().await,
    }
}

/// What nobody can read.
const GARBAGE: &str = "}{";

/// One connection.
pub(super) struct Stage {
    ears: Ears,
    visit: usize,
    mood: Mood,
    player: Box<dyn Player>,
    latency: Duration,
    jitter: Duration,
    dice: Dice,
    ear: Ear,
    due: VecDeque<(DateTime<Utc>, Value)>,
    count: usize,
    is_over: bool,
}

impl Stage {
    pub(super) fn new(ears: Ears, visit: usize, mood: Mood, player: Box<dyn Player>) -> Self {
        let manner = ears.lock().manner.clone();
        let (latency, jitter, dice) = (manner.latency, manner.jitter, Dice::new(manner.seed));
        let (ear, due) = (Ear::new(Vec::new()), VecDeque::new());
        Self { ears, visit, mood, player, latency, jitter, dice, ear, due, count: 0, is_over: false }
    }

    pub(super) async fn play(mut self, mut socket: WebSocket) {
        let opened = self.player.opened();
        self.plan(opened);
        if let Mood::Says(messages) = &mut self.mood {
            let messages = std::mem::take(messages);
            self.due.clear();
            let now = self.ears.clock.now();
            self.due.extend(messages.into_iter().map(|message| (now, message)));
        }
        let clock = self.ears.clock.clone();
        let mut loss = self.ears.presence.watch();
        let mut idle = clock.sleep(IDLE);
        let mut closed = None;
        let mut begun = false;
        while !self.is_over {
            let next = self.due.front().map(|(at, _)| *at);
            tokio::select! {
                biased;
                lost = changed(&mut loss) => match lost {
                    Loss::Refused | Loss::Cut => self.end(&mut socket, End::Broken).await,
                    Loss::Error => self.end(&mut socket, End::Error(1011)).await,
                    Loss::None | Loss::Hangs | Loss::Garbage | Loss::Slow => {}
                },
                () = clock.sleep_until(next.unwrap_or_default()), if next.is_some() => {
                    let (_, message) = self.due.pop_front().expect("what is due");
                    self.send(&mut socket, message).await;
                }
                message = socket.recv() => match message {
                    Some(Ok(Message::Binary(bytes))) => {
                        idle = clock.sleep(IDLE);
                        if bytes.is_empty() {
                            self.wrong("an empty message of sound");
                            self.close(&mut socket, 1000, "").await;
                        } else {
                            self.hear(&mut socket, &bytes, &mut begun).await;
                        }
                    }
                    Some(Ok(Message::Text(text))) => {
                        idle = clock.sleep(IDLE);
                        self.read(&mut socket, text.as_str(), &mut begun).await;
                    }
                    Some(Ok(Message::Close(frame))) => {
                        closed = frame.map(|frame| frame.code);
                        break;
                    }
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    Some(Err(_)) | None => break,
                },
                () = &mut idle, if !self.player.is_patient() => {
                    self.wrong("nothing came for ten seconds");
                    self.close(&mut socket, 1011, "NET-0001").await;
                }
            }
        }
        self.ears.note(self.visit, |visit| visit.ended = Some(closed));
    }

    fn plan(&mut self, messages: Vec<Value>) {
        if messages.is_empty() || matches!(self.mood, Mood::Mute | Mood::Says(_)) {
            return;
        }
        let more = self.dice.below(usize::try_from(self.jitter.as_millis()).expect("a short time") + 1);
        let late = self.latency + self.ears.presence.later() + Duration::from_millis(more as u64);
        let at = later(self.ears.clock.now(), late);
        // Nothing overtakes what was told before.
        let at = self.due.back().map_or(at, |(before, _)| at.max(*before));
        self.due.extend(messages.into_iter().map(|message| (at, message)));
    }

    fn wrong(&self, what: &str) {
        self.ears.note(self.visit, |visit| visit.wrongs.push(what.to_owned()));
    }

    async fn hear(&mut self, socket: &mut WebSocket, bytes: &[u8], begun: &mut bool) {
        {
            let mut state = self.ears.lock();
            if !*begun {
                *begun = true;
                // Another connection of the same call begins with sound that came before.
                let at = state.tape.windows(bytes.len()).rposition(|window| window == bytes);
                let origin = at.unwrap_or(state.tape.len());
                state.tape.truncate(origin);
                let script = state.script.iter().filter(|word| word.from >= origin as u64);
                let moved = |word: &Word| Word {
                    text: word.text.clone(),
                    from: word.from - origin as u64,
                    to: word.to - origin as u64,
                };
                self.ear = Ear::new(script.map(moved).collect());
            }
            state.tape.extend_from_slice(bytes);
        }
        self.ears.note(self.visit, |visit| visit.chunks.push(bytes.len()));
        for step in self.ear.hears(bytes) {
            let messages = self.player.hears(&step);
            self.plan(messages);
            if let Mood::CutAfterSound(ms, end) = self.mood.clone()
                && step.at >= ms * 8
            {
                return self.end(socket, end).await;
            }
        }
    }

    async fn read(&mut self, socket: &mut WebSocket, text: &str, begun: &mut bool) {
        let message: Value = serde_json::from_str(text).unwrap_or_default();
        if let Some(sound) = self.player.sound(&message) {
            return self.hear(socket, &sound, begun).await;
        }
        self.ears.note(self.visit, |visit| visit.received.push(message.clone()));
        let Answer { messages, close, wrong } = self.player.reads(&message);
        if let Some(wrong) = wrong {
            self.wrong(&wrong);
        }
        self.plan(messages);
        if let Some((code, reason)) = close {
            while let Some((_, message)) = self.due.pop_front() {
                self.send(socket, message).await;
            }
            self.close(socket, code, reason).await;
        }
    }

    async fn send(&mut self, socket: &mut WebSocket, message: Value) {
        match self.ears.presence.now() {
            Loss::Hangs => return,
            Loss::Garbage => {
                let _ = socket.send(Message::text(GARBAGE)).await;
                return;
            }
            Loss::None | Loss::Refused | Loss::Cut | Loss::Error | Loss::Slow => {}
        }
        // Whoever hung up is noticed by receiving.
        let _ = socket.send(Message::text(message.to_string())).await;
        self.ears.note(self.visit, |visit| visit.sent.push(message));
        self.count += 1;
        if let Mood::CutAfterMessages(count, end) = self.mood.clone()
            && self.count >= count
        {
            self.end(socket, end).await;
        }
    }

    async fn end(&mut self, socket: &mut WebSocket, end: End) {
        self.is_over = true;
        match end {
            End::Broken => {}
            End::Closed(code, reason) => self.close(socket, code, reason).await,
            End::Error(code) => {
                if let Some(error) = self.player.fails() {
                    let _ = socket.send(Message::text(error.to_string())).await;
                    self.ears.note(self.visit, |visit| visit.sent.push(error));
                }
                self.close(socket, code, "").await;
            }
        }
    }

    async fn close(&mut self, socket: &mut WebSocket, code: u16, reason: &'static str) {
        self.is_over = true;
        let _ = socket.send(Message::Close(Some(CloseFrame { code, reason: reason.into() }))).await;
    }
}
