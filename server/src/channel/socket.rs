//! Calls over WebSockets: whatever a far end speaks, its messages become signals and orders become its messages.
//!
//! A call has one pump, and nothing makes it stop listening: what the callee does not take in time waits here and the
//! oldest sound of it is dropped and counted. What the far end does not take in time holds up orders until it is void: a
//! clear drops the sound before it that has not gone, with its marks. Keys and words are never dropped.

mod dialect;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::extract::ws::{CloseFrame, Message, WebSocketUpgrade};
use futures::{Sink, SinkExt as _, Stream, StreamExt as _};
use tokio::sync::mpsc;

use super::line::{Call, Callee, Line};
use crate::clock::Clock;

pub use self::dialect::{Dialect, Ended, Figures, Kind, Patience, Read, Written};

/// The buffers of a socket, in bytes. A bunch of five frames is less than half of that.
const BUFFER: usize = 4 * 1024;

/// The largest message that is read, in bytes.
const LARGEST: usize = 64 * 1024;

/// The most that a socket keeps of what its far end does not take, in bytes; more waits in the pump.
const UNSENT: usize = 256 * 1024;

/// So many signals wait in the channel to the callee, and so many orders in the one from it.
const IN_CHANNEL: usize = 16;

/// So many pieces of sound wait for the callee: two seconds. The oldest goes first.
const SOUND_WAITING: usize = 50;

/// So many messages wait for the far end before no more orders are taken.
const UNSENT_MESSAGES: usize = 64;

/// How often the pump looks whether anybody is still there.
const TICK: Duration = Duration::from_secs(1);

/// So many ticks the far end has to answer when we close.
const CLOSING_TICKS: u32 = 3;

/// What closes a socket that is refused.
const POLICY: u16 = 1008;

/// A socket that is read and written at once.
pub trait Socket:
    Stream<Item = Result<Message, axum::Error>> + Sink<Message, Error = axum::Error> + Send + Unpin
{
}

impl<S> Socket for S where
    S: Stream<Item = Result<Message, axum::Error>> + Sink<Message, Error = axum::Error> + Send + Unpin
{
}

/// Takes a socket with small buffers, as calls need it.
pub fn small(upgrade: WebSocketUpgrade) -> WebSocketUpgrade {
    upgrade
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        .max_write_buffer_size(UNSENT)
        .max_message_size(LARGEST)
        .max_frame_size(LARGEST)
}

/// Reads messages until one says what is waited for; `None` where the socket ends or the time is over before.
pub async fn first<S: Socket, T>(
    socket: &mut S,
    clock: &dyn Clock,
    within: Duration,
    mut read: impl FnMut(&str) -> Option<T>,
) -> Option<T> {
    let wait = async {
        loop {
            match socket.next().await? {
                Ok(Message::Text(text)) => {
                    if let Some(found) = read(&text) {
                        return Some(found);
                    }
                }
                Ok(Message::Close(_)) | Err(_) => return None,
                Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_)) => {}
            }
        }
    };
    tokio::select! {
        found = wait => found,
        () = clock.sleep(within) => None,
    }
}

/// Closes a socket that is not served.
pub async fn refuse<S: Socket>(mut socket: S) {
    let frame = CloseFrame { code: POLICY, reason: "".into() };
    // It may be gone already.
    let _ = socket.send(Message::Close(Some(frame))).await;
    let _ = socket.flush().await;
}

/// Carries a call until it is over on both sides. `call` makes it of our end of its line; `hanging_up` is called before
/// the far end can know that we end it.
pub async fn carry<S: Socket, D: Dialect>(
    socket: S,
    dialect: D,
    clock: Arc<dyn Clock>,
    callee: &dyn Callee,
    call: impl FnOnce(Line) -> Call,
    hanging_up: impl FnMut() + Send,
) -> (Ended, Figures) {
    let (signals, heard) = mpsc::channel(IN_CHANNEL);
    let (said, orders) = mpsc::channel(IN_CHANNEL);
    let pump = Pump::new(socket, dialect, signals, orders, hanging_up);
    let taken = callee.take(call(D::line(heard, said)));
    let (ended, ()) = futures::join!(pump.run(clock), taken);
    ended
}

/// One call's pump.
struct Pump<S, D: Dialect, H> {
    socket: S,
    dialect: D,
    signals: mpsc::Sender<D::Signal>,
    orders: mpsc::Receiver<D::Order>,
    hanging_up: H,
    /// What the callee has not taken yet.
    waiting: VecDeque<D::Signal>,
    /// How much of that is sound.
    sound_waiting: usize,
    /// What the socket has not taken yet.
    unsent: VecDeque<Written>,
    unflushed: bool,
    figures: Figures,
}

/// What happened.
enum Event<D: Dialect> {
    Message(Option<Result<Message, axum::Error>>),
    /// There is room for orders again.
    Room,
    Order(Option<D::Order>),
    Taken(bool),
    Tick,
}

impl<S: Socket, D: Dialect, H: FnMut() + Send> Pump<S, D, H> {
    fn new(
        socket: S,
        dialect: D,
        signals: mpsc::Sender<D::Signal>,
        orders: mpsc::Receiver<D::Order>,
        hanging_up: H,
    ) -> Self {
        Self {
            socket,
            dialect,
            signals,
            orders,
            hanging_up,
            waiting: VecDeque::new(),
            sound_waiting: 0,
            unsent: VecDeque::new(),
            unflushed: false,
            figures: Figures::default(),
        }
    }

    /// Runs until the far end is gone; then what it said is still told.
    async fn run(mut self, clock: Arc<dyn Clock>) -> (Ended, Figures) {
        let patience = self.dialect.patience();
        let mut silent = 0;
        let mut closing: Option<u32> = None;
        let mut tick = clock.sleep(TICK);
        let ended = loop {
            match self.next(&mut tick, closing.is_none()).await {
                Event::Message(Some(Ok(message))) => {
                    silent = 0;
                    if self.hear(&message) {
                        break if closing.is_some() { Ended::ByUs } else { Ended::ByThem };
                    }
                }
                Event::Message(Some(Err(_)) | None) => {
                    break if closing.is_some() { Ended::ByUs } else { Ended::Lost };
                }
                Event::Room => {}
                Event::Taken(is_there) => {
                    if !is_there {
                        self.waiting.clear();
                        self.sound_waiting = 0;
                    }
                }
                Event::Order(Some(order)) => self.obey(order),
                Event::Order(None) => {
                    (self.hanging_up)();
                    let farewell = self.dialect.farewell().map(|text| Written { text, kind: Kind::Other });
                    self.unsent.extend(farewell);
                    closing = Some(0);
                }
                Event::Tick => {
                    tick = clock.sleep(TICK);
                    silent += 1;
                    if silent >= patience.gone {
                        break Ended::Lost;
                    }
                    if patience.ask.is_some_and(|ask| silent % ask == 0) && !self.ask().await {
                        break Ended::Lost;
                    }
                    if let Some(ticks) = &mut closing {
                        *ticks += 1;
                        if *ticks >= CLOSING_TICKS {
                            break Ended::ByUs;
                        }
                    }
                }
            }
        };
        self.finish(&*clock).await;
        (ended, self.figures)
    }

    /// The next thing that happens. Everything in it can be given up and begun again.
    async fn next(&mut self, tick: &mut futures::future::BoxFuture<'static, ()>, obeys: bool) -> Event<D> {
        let has_room = self.unsent.len() < UNSENT_MESSAGES;
        let mut wire = Wire {
            socket: &mut self.socket,
            unsent: &mut self.unsent,
            unflushed: &mut self.unflushed,
            figures: &mut self.figures,
            closes: !obeys,
            has_room,
        };
        tokio::select! {
            event = poll_fn(|context| wire.poll(context)) => event,
            permit = self.signals.reserve(), if !self.waiting.is_empty() => match permit {
                Ok(permit) => {
                    if let Some(signal) = self.waiting.pop_front() {
                        self.sound_waiting -= usize::from(D::is_sound(&signal));
                        permit.send(signal);
                    }
                    Event::Taken(true)
                }
                Err(_) => Event::Taken(false),
            },
            order = self.orders.recv(), if obeys && has_room => Event::Order(order),
            () = tick => Event::Tick,
        }
    }

    /// Takes a message in; whether it is the last.
    fn hear(&mut self, message: &Message) -> bool {
        let text = match message {
            Message::Text(text) => text,
            Message::Close(_) => {
                self.waiting.push_back(D::stopped());
                return true;
            }
            Message::Binary(_) => {
                self.figures.read += 1;
                self.figures.garbled += 1;
                return false;
            }
            // Pings are answered by the socket itself.
            Message::Ping(_) | Message::Pong(_) => return false,
        };
        self.figures.read += 1;
        let before = self.waiting.len();
        let read = self.dialect.read(text, &mut self.waiting);
        let sounds = self.waiting.iter().skip(before).filter(|signal| D::is_sound(signal)).count();
        self.sound_waiting += sounds;
        while self.sound_waiting > SOUND_WAITING {
            let Some(oldest) = self.waiting.iter().position(D::is_sound) else { break };
            self.waiting.remove(oldest);
            self.sound_waiting -= 1;
            self.figures.unheard += 1;
        }
        match read {
            Read::Fine => false,
            Read::Garbled => {
                self.figures.garbled += 1;
                false
            }
            Read::Over => {
                self.waiting.push_back(D::stopped());
                true
            }
        }
    }

    /// Writes an order and those that wait behind it.
    fn obey(&mut self, order: D::Order) {
        self.write(order);
        while self.unsent.len() < UNSENT_MESSAGES
            && let Ok(order) = self.orders.try_recv()
        {
            self.write(order);
        }
    }

    fn write(&mut self, order: D::Order) {
        let before = self.unsent.len();
        self.dialect.write(order, &mut self.unsent);
        if !self.unsent.iter().skip(before).any(|written| written.kind == Kind::Clear) {
            return;
        }
        // What was ordered before a clear would be dropped by it anyway; a mark that came back would tell of sound that
        // never went.
        let since = self.unsent.split_off(before);
        self.unsent.retain(|written| match written.kind {
            Kind::Sound => {
                self.figures.unspoken += 1;
                false
            }
            Kind::Mark => false,
            Kind::Clear | Kind::Other => true,
        });
        self.unsent.extend(since);
    }

    /// Asks whether the far end is there; whether it could be asked.
    async fn ask(&mut self) -> bool {
        let ping = Message::Ping(axum::body::Bytes::new());
        poll_fn(|context| match Pin::new(&mut self.socket).poll_ready(context) {
            Poll::Ready(Ok(())) => {
                let sent = Pin::new(&mut self.socket).start_send(ping.clone());
                self.unflushed = true;
                Poll::Ready(sent.is_ok())
            }
            Poll::Ready(Err(_)) => Poll::Ready(false),
            // It is behind already: nothing is asked on top.
            Poll::Pending => Poll::Ready(true),
        })
        .await
    }

    /// Tells the callee the rest, takes no more orders, and closes.
    async fn finish(&mut self, clock: &dyn Clock) {
        self.orders.close();
        while self.orders.try_recv().is_ok() {}
        if !matches!(self.waiting.back(), Some(last) if is_stopped::<D>(last)) {
            self.waiting.push_back(D::stopped());
        }
        while let Some(signal) = self.waiting.pop_front() {
            if self.signals.send(signal).await.is_err() {
                break;
            }
        }
        // The callee sees that nothing more comes.
        let (gone, _) = mpsc::channel(1);
        self.signals = gone;
        tokio::select! {
            _ = self.socket.close() => {}
            () = clock.sleep(TICK) => {}
        }
    }
}

/// Whether a signal says that the caller is gone.
fn is_stopped<D: Dialect>(signal: &D::Signal) -> bool {
    std::mem::discriminant(signal) == std::mem::discriminant(&D::stopped())
}

/// The socket's side of a pump.
struct Wire<'a, S> {
    socket: &'a mut S,
    unsent: &'a mut VecDeque<Written>,
    unflushed: &'a mut bool,
    figures: &'a mut Figures,
    /// Nothing more will be written but the close.
    closes: bool,
    has_room: bool,
}

impl<S: Socket> Wire<'_, S> {
    /// Writes what can be written, then reads.
    fn poll<D: Dialect>(&mut self, context: &mut Context<'_>) -> Poll<Event<D>> {
        if let Poll::Ready(Err(error)) = self.poll_write(context) {
            return Poll::Ready(Event::Message(Some(Err(error))));
        }
        if !self.has_room && self.unsent.len() < UNSENT_MESSAGES {
            return Poll::Ready(Event::Room);
        }
        self.socket.poll_next_unpin(context).map(Event::Message)
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
        while !self.unsent.is_empty() {
            std::task::ready!(self.socket.poll_ready_unpin(context))?;
            if let Some(written) = self.unsent.pop_front() {
                self.socket.start_send_unpin(Message::Text(written.text.into()))?;
                self.figures.written += 1;
                *self.unflushed = true;
            }
        }
        if self.closes {
            return self.socket.poll_close_unpin(context);
        }
        if *self.unflushed {
            std::task::ready!(self.socket.poll_flush_unpin(context))?;
            *self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}
