//! A session at any recogniser: one task, one connection at a time, and another one when that is lost.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use tokio::sync::mpsc;

use super::doubts::{Doubt, Doubts, Teller};
use super::following::{Following, Lag};
use super::tape::Tape;
use super::{Feed, Heard, Limits, Link, Protocol, Session, Turns, Verdict};
use crate::channel::line::BYTES_PER_MS;
use crate::clock::{Clock, later};
use crate::socket::{Ended, Incoming, Outgoing, Shut, Socket};
use crate::speech::SpeechFault;

/// What waits to be taken in: more than a second of sound.
const FEED: usize = 64;

/// What waits to be heard by whoever holds the call; more waits in the session.
const HEARD: usize = 16;

/// How often it is looked after.
const TICK: Duration = Duration::from_millis(100);

/// After so long without sound, silence takes its place.
const STALLED: Duration = Duration::from_millis(500);

/// The most silence at once.
const MOST_SILENCE_MS: i64 = 1000;

/// A turn of which another connection hears nothing for so long is over.
const UNCONFIRMED: Duration = Duration::from_secs(3);

/// How long a provider may take for its last words.
const FAREWELL: Duration = Duration::from_secs(2);

/// The pause before the second try; it doubles up to the longest.
const PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_millis(800);

/// So many failures in such a time are too many, even if there were connections between them.
const MOST_FAILURES: usize = 8;
const FAILURES_FOR: Duration = Duration::from_secs(10);

/// Opens a session. What may pass is tried again.
pub(in crate::stt) async fn listen<P: Protocol>(
    mut protocol: P,
    limits: Limits,
    clock: Arc<dyn Clock>,
) -> Result<Session, SpeechFault> {
    let until = later(clock.now(), limits.open);
    let mut pause = PAUSE;
    let socket = loop {
        let left = (until - clock.now()).to_std().unwrap_or_default();
        let shut = match Socket::open(&protocol.door(), left, clock.clone()).await {
            Ok(socket) => break socket,
            Err(shut) => shut,
        };
        let next = later(clock.now(), pause);
        if matches!(shut, Shut::Lasting(_)) || next >= until {
            return Err(shut.fault(limits.open));
        }
        clock.sleep_until(next).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    };
    let (feed, fed) = mpsc::channel(FEED);
    let (hears, heard) = mpsc::channel(HEARD);
    let now = clock.now();
    let mut listening = Listening {
        protocol,
        limits,
        tape: Tape::default(),
        turns: Turns::new(),
        sent: 0,
        following: Following::default(),
        doubts: Doubts::default(),
        wire: Wire::Down { since: now, next: Next::Waiting(clock.sleep_until(now)) },
        failures: VecDeque::new(),
        filled: now,
        stalled: false,
        said: now,
        since: now,
        closing: None,
        over: false,
        clock,
    };
    listening.connected(Box::new(socket), now);
    tokio::spawn(listening.run(fed, hears));
    Ok(Session { feed, heard })
}

struct Listening<P> {
    protocol: P,
    clock: Arc<dyn Clock>,
    limits: Limits,
    tape: Tape,
    turns: Turns,
    /// The place up to which this connection was sent sound.
    sent: u64,
    following: Following,
    doubts: Doubts,
    wire: Wire,
    /// When connections were lost or not made, lately.
    failures: VecDeque<DateTime<Utc>>,
    /// Up to when there is sound or silence.
    filled: DateTime<Utc>,
    stalled: bool,
    /// When something was last sent.
    said: DateTime<Utc>,
    /// When this connection was made.
    since: DateTime<Utc>,
    /// When it ends at the latest, once it is ending.
    closing: Option<DateTime<Utc>>,
    over: bool,
}

enum Wire {
    /// `down` is since when nothing was heard, until something is heard again.
    Up {
        socket: Box<Socket>,
        down: Option<DateTime<Utc>>,
    },
    Down {
        since: DateTime<Utc>,
        next: Next,
    },
}

enum Next {
    Waiting(BoxFuture<'static, ()>),
    Opening(BoxFuture<'static, Result<Socket, Shut>>),
}

enum Happened {
    Received(Result<Incoming, Ended>),
    Waited,
    Opened(Result<Box<Socket>, Shut>),
}

impl Wire {
    /// What happens next. Dropping the future loses nothing.
    async fn happens(&mut self) -> Happened {
        match self {
            Self::Up { socket, .. } => Happened::Received(socket.receive().await),
            Self::Down { next: Next::Waiting(pause), .. } => {
                pause.await;
                Happened::Waited
            }
            Self::Down { next: Next::Opening(opening), .. } => Happened::Opened(opening.await.map(Box::new)),
        }
    }
}

impl<P: Protocol> Listening<P> {
    async fn run(mut self, mut fed: mpsc::Receiver<Feed>, hears: mpsc::Sender<Heard>) {
        let mut tick = self.clock.sleep(TICK);
        while !self.over || self.turns.is_telling() {
            tokio::select! {
                feed = fed.recv(), if self.closing.is_none() && !self.over => self.take(feed),
                place = hears.reserve(), if self.turns.is_telling() => match (place, self.turns.next()) {
                    (Ok(place), Some(heard)) => place.send(heard),
                    // Nobody listens any more.
                    (Err(_), _) | (_, None) => break,
                },
                happened = self.wire.happens(), if !self.over => self.happened(happened),
                () = &mut tick => {
                    // Sound that waits to be taken is no silence, however late it is taken.
                    self.tick(fed.is_empty());
                    tick = self.clock.sleep(TICK);
                }
            }
        }
        if let Wire::Up { socket, .. } = self.wire {
            socket.close().await;
        }
    }

    fn take(&mut self, feed: Option<Feed>) {
        let mut link = Link::default();
        match feed {
            Some(Feed::Sound(sound)) => {
                self.tape.record(&sound);
                self.doubts.hears(&sound, self.tape.end());
                self.filled = self.clock.now();
                self.stalled = false;
            }
            Some(Feed::Terms(terms)) => self.protocol.terms(terms, &mut link),
            Some(Feed::Thresholds(thresholds)) => self.protocol.thresholds(thresholds, &mut link),
            Some(Feed::EndTurn) => {
                self.send_sound(true);
                self.protocol.end_turn(self.sent, &mut link);
            }
            None => {
                self.closing = Some(later(self.clock.now(), FAREWELL));
                self.send_sound(true);
                self.protocol.close(&mut link);
                if matches!(self.wire, Wire::Down { .. }) || !P::LAST_WORDS {
                    self.finish();
                }
            }
        }
        self.say(link);
        self.send_sound(false);
        self.tape.forget(self.turns.needed().min(self.sent));
    }

    fn happened(&mut self, happened: Happened) {
        match happened {
            Happened::Received(Ok(message)) => self.read(&message),
            Happened::Received(Err(ended)) => self.cut(&ended.to_string()),
            Happened::Waited => {
                let Wire::Down { next, .. } = &mut self.wire else { return };
                let (door, clock, limit) = (self.protocol.door(), self.clock.clone(), self.limits.lost);
                *next = Next::Opening(Box::pin(async move { Socket::open(&door, limit, clock).await }));
            }
            Happened::Opened(Ok(socket)) => {
                let Wire::Down { since, .. } = self.wire else { return };
                self.connected(socket, since);
            }
            Happened::Opened(Err(Shut::Lasting(fault))) => self.lose(fault.to_string()),
            Happened::Opened(Err(Shut::Passing(last))) => self.failed(&last),
        }
    }

    fn read(&mut self, message: &Incoming) {
        // No recogniser says anything in bytes.
        let Incoming::Text(text) = message else { return };
        let mut link = Link::default();
        match self.protocol.read(text, &mut self.turns, &mut link) {
            Verdict::Fine => {
                self.doubts.was_told(self.tape.end());
                if let Wire::Up { down, .. } = &mut self.wire {
                    *down = None;
                }
                self.say(link);
                // It may have become ready.
                self.send_sound(false);
            }
            // Whoever says only that does not get ready either.
            Verdict::Nonsense => {}
            Verdict::Again(reason) => self.cut(&reason),
            Verdict::Lost(reason) => self.lose(reason),
        }
    }

    fn tick(&mut self, is_stalled: bool) {
        let now = self.clock.now();
        if self.closing.is_some_and(|until| now >= until) {
            // Whoever does not take the last words by now does not want them.
            while self.turns.next().is_some() {}
            self.over = true;
            return;
        }
        if self.over {
            return;
        }
        if let Wire::Down { since, .. } | Wire::Up { down: Some(since), .. } = self.wire
            && now >= later(since, self.limits.lost)
        {
            match self.wire {
                Wire::Down { .. } => return self.lose("no connection can be made".to_owned()),
                Wire::Up { .. } if !self.protocol.is_ready() => {
                    return self.lose("it accepts connections and does not get ready".to_owned());
                }
                // It has been up for long enough to be believed.
                Wire::Up { ref mut down, .. } => *down = None,
            }
        }
        if is_stalled {
            self.fill(now);
        }
        if self.closing.is_none() && !(self.follows(now) && self.hears_speech()) {
            return;
        }
        let mut link = Link::default();
        self.protocol.tick(self.sent, &mut self.turns, &mut link);
        if let Some((idle, words)) = P::KEEP_ALIVE
            && now >= later(self.said, idle)
        {
            link.out.push(Outgoing::Text(words.to_owned()));
        }
        self.say(link);
        // What is heard again may take a while.
        if now >= later(self.since, UNCONFIRMED) {
            self.turns.give_up(self.sent);
        }
    }

    /// Whether the provider listens to what it is sent, or another connection may; nothing more is to be done else.
    fn follows(&mut self, now: DateTime<Utc>) -> bool {
        let (Some(tells), Wire::Up { .. }) = (P::TELLS, &self.wire) else { return true };
        let listened = self.turns.listened();
        match self.following.lag((self.sent, listened), self.since, tells, now) {
            Lag::None => true,
            Lag::Cut(since) => {
                if let Wire::Up { down, .. } = &mut self.wire {
                    *down = Some(since);
                }
                self.cut("it does not tell that it listens");
                false
            }
            Lag::Late => {
                self.turns.late();
                true
            }
            Lag::Lost => {
                self.lose("it does not tell that it listens".to_owned());
                false
            }
        }
    }

    /// Whether the provider tells of what the caller has surely said, or may yet; nothing more is to be done else.
    fn hears_speech(&mut self) -> bool {
        let kind = match (P::TELLS, self.turns.is_open()) {
            (Some(_), true) => Teller::Silence,
            (Some(_), false) | (None, true) => Teller::Speech,
            (None, false) => Teller::Answers,
        };
        match self.doubts.doubt(self.tape.end(), self.turns.listened(), kind) {
            Doubt::None => true,
            Doubt::Ask => {
                let mut link = Link::default();
                self.protocol.ask(&mut link);
                self.say(link);
                true
            }
            Doubt::Late { is_dumb } => {
                self.turns.late();
                if is_dumb {
                    self.cut("it tells nothing of what is said");
                }
                !is_dumb
            }
            Doubt::Lost => {
                self.lose("it tells nothing of what is said".to_owned());
                false
            }
        }
    }

    /// A recogniser's clock is the sound it is given: a turn only ends when silence is heard.
    fn fill(&mut self, now: DateTime<Utc>) {
        if self.closing.is_some() || !(P::FILLS_SILENCE || self.turns.is_open()) {
            return;
        }
        let missing = (now - self.filled).num_milliseconds();
        if self.stalled || now >= later(self.filled, STALLED) {
            let bytes = usize::try_from(missing.clamp(0, MOST_SILENCE_MS)).unwrap_or_default() * BYTES_PER_MS;
            self.tape.record_silence(bytes);
            (self.filled, self.stalled) = (now, true);
            self.send_sound(false);
            self.tape.forget(self.turns.needed().min(self.sent));
        }
    }

    fn connected(&mut self, socket: Box<Socket>, since: DateTime<Utc>) {
        let begin = self.turns.begin_again(self.tape.begin());
        self.sent = begin.min(self.tape.end());
        self.since = self.clock.now();
        self.wire = Wire::Up { socket, down: Some(since) };
        let mut link = Link::default();
        self.protocol.opened(self.sent, &mut link);
        self.say(link);
        self.send_sound(false);
    }

    /// Sends the sound that is there in whole chunks; at an end the rest, too.
    fn send_sound(&mut self, rest: bool) {
        while self.protocol.is_ready() {
            let Wire::Up { socket, .. } = &mut self.wire else { return };
            let chunk = self.tape.play(self.sent, P::CHUNK);
            if chunk.is_empty() || chunk.len() < P::CHUNK && !rest {
                return;
            }
            self.sent = self.sent.max(self.tape.begin()) + chunk.len() as u64;
            let message = self.protocol.sound(chunk);
            if let Err(ended) = socket.send(message) {
                return self.cut(&ended.to_string());
            }
            self.said = self.clock.now();
            self.following.sent(self.sent, self.turns.listened(), self.said);
        }
    }

    fn say(&mut self, link: Link) {
        for message in link.out {
            let Wire::Up { socket, .. } = &mut self.wire else { return };
            if let Err(ended) = socket.send(message) {
                return self.cut(&ended.to_string());
            }
            self.said = self.clock.now();
        }
    }

    /// This connection is lost.
    fn cut(&mut self, reason: &str) {
        if self.over {
            return;
        }
        let Wire::Up { socket, down } = &self.wire else { return };
        if self.closing.is_some() {
            return self.finish();
        }
        tracing::warn!(
            reason,
            request_id = socket.request_id().unwrap_or_default(),
            "a recogniser's connection was lost in a call; another is made"
        );
        let since = down.unwrap_or_else(|| self.clock.now());
        self.wire = Wire::Down { since, next: Next::Waiting(Box::pin(std::future::pending())) };
        self.failed(reason);
    }

    /// A connection was lost or not made: another is made after a pause.
    fn failed(&mut self, reason: &str) {
        if self.closing.is_some() {
            return self.finish();
        }
        let now = self.clock.now();
        let recently = self.failures.iter().rev().take_while(|at| now < later(**at, FAILURES_FOR)).count();
        let keep = self.failures.len() - recently;
        self.failures.drain(..keep);
        self.failures.push_back(now);
        let Wire::Down { since, next } = &mut self.wire else { return };
        let pause = match u32::try_from(recently) {
            Ok(0) => Duration::ZERO,
            Ok(times) => (PAUSE * 2u32.saturating_pow(times - 1).min(16)).min(LONGEST_PAUSE),
            Err(_) => LONGEST_PAUSE,
        };
        let at = later(now, pause);
        if recently >= MOST_FAILURES || at >= later(*since, self.limits.lost) {
            let reason = reason.to_owned();
            return self.lose(reason);
        }
        *next = Next::Waiting(self.clock.sleep_until(at));
    }

    /// It ends well: what is open is over.
    fn finish(&mut self) {
        self.turns.end_as_heard(self.tape.end());
        self.over = true;
    }

    fn lose(&mut self, reason: String) {
        if self.closing.is_some() {
            return self.finish();
        }
        self.turns.lost(reason);
        self.over = true;
    }
}
