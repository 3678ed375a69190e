//! A session at a voice: one task that holds the queue of utterances, the connection and its time limits. What is said
//! on the connection is the vendor's [`Dialect`].
//!
//! Utterances leave in the order they were ordered. One whose sound was passed on in part when the connection was lost
//! has failed; the others are said on the next connection, so nothing is said twice. Whatever does not go on within the
//! limit has failed too: the caller must hear something.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::BoxFuture;
use tokio::sync::mpsc;

use super::dialect::{Dialect, Rest, Room, Took};
use super::{Mouth, Order, Spoken, UtteranceId};
use crate::clock::{Clock, later};
use crate::socket::{Door, Ended, Incoming, Outgoing, Shut, Socket};
use crate::speech::SpeechFault;

/// Orders that wait to be taken.
const ORDERS: usize = 32;

/// Pieces of sound that wait to be taken; behind them the connection is not read.
const SPOKEN: usize = 16;

/// Pieces between the connection and those that wait.
const OUT: usize = 4;

/// An utterance is given to the provider so many times at most.
const TRIES: u32 = 2;

/// The pause before the second try to connect; it doubles.
const PAUSE: Duration = Duration::from_millis(100);

/// The longest pause between two tries to connect.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// How long a session waits.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// For a connection.
    pub connect: Duration,
    /// For the next sign of life while something is to be said; then it has failed.
    pub silent: Duration,
}

/// One utterance on its way.
struct Utterance {
    id: UtteranceId,
    text: String,
    /// Whether the provider has it.
    given: bool,
    /// How often the provider was given it.
    tries: u32,
    /// Whether any of its sound was passed on.
    begun: bool,
    /// Its sound while one before it is not over.
    held: Vec<u8>,
    /// Whether all its sound is here.
    whole: bool,
}

/// The connection.
enum Link {
    Up(Box<Socket>),
    Connecting(BoxFuture<'static, Result<Box<Socket>, Shut>>),
    /// Until this instant, or until there is something to say.
    Down(Option<DateTime<Utc>>),
}

struct Session<D> {
    dialect: D,
    door: Arc<Door>,
    limits: Limits,
    clock: Arc<dyn Clock>,
    queue: VecDeque<Utterance>,
    out: VecDeque<Spoken>,
    link: Link,
    /// When the first utterance was last seen to go on.
    alive: DateTime<Utc>,
    /// When something was last sent.
    sent: DateTime<Utc>,
    pause: Duration,
}

/// What a session waits for.
enum Signal {
    Order(Option<Order>),
    Passed,
    Gone,
    Message(Result<Incoming, Ended>),
    Connected(Result<Box<Socket>, Shut>),
    Time,
}

/// Opens a session: it is connected when this returns.
pub(in crate::tts) async fn open<D: Dialect>(
    dialect: D,
    door: Arc<Door>,
    limits: Limits,
    clock: Arc<dyn Clock>,
) -> Result<Mouth, SpeechFault> {
    let socket = Socket::open(&door, limits.connect, Arc::clone(&clock)).await;
    let socket = socket.map_err(|shut| shut.fault(limits.connect))?;
    let (orders, taken) = mpsc::channel(ORDERS);
    let (passed, spoken) = mpsc::channel(SPOKEN);
    let now = clock.now();
    let session = Session {
        dialect,
        door,
        limits,
        clock,
        queue: VecDeque::new(),
        out: VecDeque::new(),
        link: Link::Down(None),
        alive: now,
        sent: now,
        pause: Duration::ZERO,
    };
    tokio::spawn(session.run(Box::new(socket), taken, passed));
    Ok(Mouth { orders, spoken })
}

impl<D: Dialect> Session<D> {
    async fn run(
        mut self,
        socket: Box<Socket>,
        mut orders: mpsc::Receiver<Order>,
        spoken: mpsc::Sender<Spoken>,
    ) {
        self.connected(socket);
        loop {
            self.give();
            match self.signal(&mut orders, &spoken).await {
                Signal::Order(Some(order)) => self.order(order),
                Signal::Order(None) | Signal::Gone => return self.bye().await,
                Signal::Passed => self.alive = self.clock.now(),
                Signal::Message(Ok(message)) => self.message(message),
                Signal::Message(Err(ended)) => self.lost(&ended.to_string()),
                Signal::Connected(Ok(socket)) => self.connected(socket),
                Signal::Connected(Err(shut)) => self.not_connected(shut),
                Signal::Time => self.time(),
            }
        }
    }

    async fn signal(&mut self, orders: &mut mpsc::Receiver<Order>, spoken: &mpsc::Sender<Spoken>) -> Signal {
        let time = self.next_time();
        let clock = &self.clock;
        let (out, link) = (&mut self.out, &mut self.link);
        let reads = out.len() < OUT;
        let linked = async {
            match link {
                Link::Up(socket) if reads => Signal::Message(socket.receive().await),
                Link::Connecting(connecting) => Signal::Connected(connecting.await),
                Link::Up(_) | Link::Down(_) => std::future::pending().await,
            }
        };
        let time = async {
            match time {
                Some(at) => clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            // A cancellation comes before any sound.
            biased;
            order = orders.recv() => Signal::Order(order),
            permit = spoken.reserve(), if !out.is_empty() => match (permit, out.pop_front()) {
                (Ok(permit), Some(next)) => {
                    permit.send(next);
                    Signal::Passed
                }
                (Ok(_), None) => Signal::Passed,
                (Err(_), _) => Signal::Gone,
            },
            signal = linked => signal,
            () = time => Signal::Time,
        }
    }

    /// The next instant at which something is to be done whatever happens.
    fn next_time(&mut self) -> Option<DateTime<Utc>> {
        let reads = self.out.len() < OUT;
        let stuck = self.is_waited_for().then(|| later(self.alive, self.limits.silent));
        let silence = match (&self.link, self.dialect.still_here()) {
            (Link::Up(_), Some((silence, _))) => Some(later(self.sent, silence)),
            _ => None,
        };
        let again = match self.link {
            Link::Down(at) => at,
            Link::Up(_) | Link::Connecting(_) => None,
        };
        let room = self.room_at();
        [stuck.filter(|_| reads), silence, again, room].into_iter().flatten().min()
    }

    /// Whether something must come from the provider now.
    fn is_waited_for(&mut self) -> bool {
        let Some(first) = self.queue.front() else { return false };
        first.given || !matches!(self.link, Link::Up(_)) || self.dialect.room(self.clock.now()) == Room::Full
    }

    /// When there is room for the next utterance, if that is known.
    fn room_at(&mut self) -> Option<DateTime<Utc>> {
        let waits = self.queue.iter().any(|utterance| !utterance.given);
        if !waits || !matches!(self.link, Link::Up(_)) {
            return None;
        }
        match self.dialect.room(self.clock.now()) {
            Room::At(at) => Some(at),
            Room::Now | Room::Full => None,
        }
    }

    fn order(&mut self, order: Order) {
        match order {
            Order::Say { utterance, text, keep: _ } => {
                if self.queue.is_empty() {
                    self.alive = self.clock.now();
                }
                let utterance = Utterance {
                    id: utterance,
                    text,
                    given: false,
                    tries: 0,
                    begun: false,
                    held: Vec::new(),
                    whole: false,
                };
                self.queue.push_back(utterance);
                if matches!(self.link, Link::Down(_)) {
                    self.reconnect();
                }
            }
            Order::Cancel { upto } => self.cancel(upto),
        }
    }

    fn cancel(&mut self, upto: UtteranceId) {
        self.out.retain(|spoken| spoken.utterance() > upto);
        let given = self.queue.iter().any(|utterance| utterance.given && utterance.id <= upto);
        self.queue.retain(|utterance| utterance.id > upto);
        self.alive = self.clock.now();
        if !given || !matches!(self.link, Link::Up(_)) {
            return;
        }
        let mut send = Vec::new();
        if self.dialect.cancel(upto, &mut send) == Rest::GivenAgain {
            for utterance in self.queue.iter_mut().filter(|utterance| utterance.given && !utterance.whole) {
                utterance.given = false;
                utterance.tries -= 1;
                utterance.held.clear();
            }
        }
        self.send(send);
        self.release();
    }

    /// Gives the provider what it takes.
    fn give(&mut self) {
        while matches!(self.link, Link::Up(_)) {
            let now = self.clock.now();
            let Some(at) = self.queue.iter().position(|utterance| !utterance.given) else { return };
            if self.dialect.room(now) != Room::Now {
                return;
            }
            if at == 0 {
                self.alive = now;
            }
            let next = &mut self.queue[at];
            (next.given, next.tries) = (true, next.tries + 1);
            let mut send = Vec::new();
            self.dialect.say(next.id, &next.text, now, &mut send);
            self.send(send);
        }
    }

    fn message(&mut self, message: Incoming) {
        self.alive = self.clock.now();
        let mut took = Vec::new();
        self.dialect.take(message, &mut took);
        for took in took {
            match took {
                Took::Sound(id, bytes) => {
                    let first = self.queue.front().is_some_and(|first| first.id == id);
                    let Some(utterance) = self.queue.iter_mut().find(|utterance| utterance.id == id) else {
                        continue;
                    };
                    if first {
                        utterance.begun = true;
                        self.out.push_back(Spoken::Sound { utterance: id, bytes });
                    } else {
                        utterance.held.extend_from_slice(&bytes);
                    }
                }
                Took::Done(id) => {
                    // Something works here.
                    self.pause = Duration::ZERO;
                    if let Some(utterance) = self.queue.iter_mut().find(|utterance| utterance.id == id) {
                        utterance.whole = true;
                    }
                    self.release();
                }
                Took::Failed(id, reason) => self.fail(|utterance| utterance.id == id, &reason),
                Took::Again(id) => {
                    let is_it = |utterance: &Utterance| utterance.id == id;
                    if let Some(utterance) = self.queue.iter_mut().find(|utterance| is_it(utterance)) {
                        utterance.given = false;
                        if utterance.tries >= TRIES {
                            self.fail(is_it, "the provider did not take it");
                        }
                    }
                }
                Took::Send(text) => self.send(vec![text]),
                Took::Lost(reason) => return self.lost(&reason),
            }
        }
    }

    /// Passes on what is next: the end of the first utterance, what was held of those behind it.
    fn release(&mut self) {
        while let Some(first) = self.queue.front_mut() {
            if !first.held.is_empty() {
                first.begun = true;
                let bytes = std::mem::take(&mut first.held);
                self.out.push_back(Spoken::Sound { utterance: first.id, bytes });
            }
            if !first.whole {
                return;
            }
            self.out.push_back(Spoken::Done { utterance: first.id });
            self.queue.pop_front();
        }
    }

    fn fail(&mut self, which: impl Fn(&Utterance) -> bool, reason: &str) {
        let out = &mut self.out;
        self.queue.retain(|utterance| {
            let fails = which(utterance);
            if fails {
                out.push_back(Spoken::Failed { utterance: utterance.id, reason: reason.to_owned() });
            }
            !fails
        });
        self.release();
    }

    fn connected(&mut self, socket: Box<Socket>) {
        self.link = Link::Up(socket);
        let mut send = Vec::new();
        self.dialect.opened(&mut send);
        self.sent = self.clock.now();
        self.send(send);
    }

    /// The connection is gone: another is made, and what was not begun is said there.
    fn lost(&mut self, reason: &str) {
        tracing::warn!(reason, "the connection to a voice was lost");
        for utterance in &mut self.queue {
            if !utterance.whole {
                utterance.given = false;
                utterance.held.clear();
            }
        }
        self.fail(|utterance| !utterance.whole && (utterance.begun || utterance.tries >= TRIES), reason);
        if self.pause.is_zero() {
            self.pause = PAUSE;
            self.reconnect();
        } else {
            self.wait();
        }
    }

    fn not_connected(&mut self, shut: Shut) {
        match shut {
            Shut::Lasting(fault) => {
                tracing::error!(error = %crate::fault::chain(&fault), "a voice cannot be connected to");
                self.fail(|utterance| !utterance.whole, "the provider refuses the connection");
                self.link = Link::Down(None);
            }
            Shut::Passing(reason) => {
                tracing::warn!(reason, "a voice cannot be connected to now");
                self.wait();
            }
        }
    }

    fn wait(&mut self) {
        self.link = Link::Down(Some(later(self.clock.now(), self.pause)));
        self.pause = (self.pause.max(PAUSE) * 2).min(LONGEST_PAUSE);
    }

    fn reconnect(&mut self) {
        let (door, limit, clock) = (Arc::clone(&self.door), self.limits.connect, Arc::clone(&self.clock));
        self.link =
            Link::Connecting(Box::pin(async move { Socket::open(&door, limit, clock).await.map(Box::new) }));
    }

    fn time(&mut self) {
        let now = self.clock.now();
        if self.is_waited_for() && self.out.len() < OUT && later(self.alive, self.limits.silent) <= now {
            return self.stuck(now);
        }
        match (&self.link, self.dialect.still_here()) {
            (Link::Down(Some(at)), _) if *at <= now => self.reconnect(),
            (Link::Up(_), Some((silence, text))) if later(self.sent, silence) <= now => {
                self.send(vec![text]);
            }
            _ => {}
        }
    }

    /// Nothing came in time.
    fn stuck(&mut self, now: DateTime<Utc>) {
        self.alive = now;
        let reason = format!("nothing came within {} ms", self.limits.silent.as_millis());
        if matches!(self.link, Link::Up(_)) {
            if let Some(id) = self.queue.front().map(|first| first.id) {
                self.fail(|utterance| utterance.id == id, &reason);
            }
            self.lost(&reason);
        } else {
            self.fail(|utterance| !utterance.whole, &reason);
        }
    }

    fn send(&mut self, texts: Vec<String>) {
        for text in texts {
            let Link::Up(socket) = &mut self.link else { return };
            self.sent = self.clock.now();
            if let Err(ended) = socket.send(Outgoing::Text(text)) {
                return self.lost(&ended.to_string());
            }
        }
    }

    async fn bye(mut self) {
        if let Some(bye) = self.dialect.bye() {
            self.send(vec![bye]);
        }
        if let Link::Up(socket) = self.link {
            socket.close().await;
        }
    }
}

impl Spoken {
    /// Which utterance it is about.
    pub fn utterance(&self) -> UtteranceId {
        match self {
            Self::Sound { utterance, .. } | Self::Done { utterance } | Self::Failed { utterance, .. } => {
                *utterance
            }
        }
    }
}
