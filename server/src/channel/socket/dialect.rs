//! What a far end speaks over a socket, and what can be said of a call that was carried.

use std::collections::VecDeque;

use tokio::sync::mpsc;

use crate::channel::line::Line;

/// What a far end speaks.
pub trait Dialect: Send {
    /// What comes from the caller.
    type Signal: Send;
    /// What goes to the caller.
    type Order: Send;

    /// What this signal is, by which it may be dropped or must be kept.
    fn is_sound(signal: &Self::Signal) -> bool;

    /// The signal that the caller is gone.
    fn stopped() -> Self::Signal;

    /// The callee's end of a line.
    fn line(signals: mpsc::Receiver<Self::Signal>, orders: mpsc::Sender<Self::Order>) -> Line;

    /// Reads a message; what it means is appended to the signals.
    fn read(&mut self, text: &str, signals: &mut VecDeque<Self::Signal>) -> Read;

    /// Writes an order.
    fn write(&mut self, order: Self::Order, written: &mut VecDeque<Written>);

    /// What is written last when nobody has orders any more.
    fn farewell(&mut self) -> Option<String> {
        None
    }

    /// What is expected of the far end.
    fn patience(&self) -> Patience;
}

/// What becomes of a call after a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// It goes on.
    Fine,
    /// It goes on; the message could not be read.
    Garbled,
    /// The far end says that it is over.
    Over,
}

/// A message on its way to the far end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The message.
    pub text: String,
    /// What it is.
    pub kind: Kind,
}

/// What a message is, by which it may be dropped or must go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Sound.
    Sound,
    /// What comes back when the sound before it was played.
    Mark,
    /// What makes sound void that has not gone yet.
    Clear,
    /// Anything else.
    Other,
}

/// How long a far end may be silent, in seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// After that it is asked whether it is there; `None` is never.
    pub ask: Option<u32>,
    /// After that it is gone.
    pub gone: u32,
}

/// How a call came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The caller hung up, or the provider ended it.
    ByThem,
    /// We did.
    ByUs,
    /// The connection was lost.
    Lost,
}

/// What went through a pump.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Messages that came.
    pub read: u64,
    /// Messages that could not be read.
    pub garbled: u64,
    /// Pieces of the caller's sound that the callee did not take in time.
    pub unheard: u64,
    /// Messages that went.
    pub written: u64,
    /// Pieces of our sound that were void before they went.
    pub unspoken: u64,
}
