//! Twilio calling us, played on this machine: the webhook, the TwiML, the sockets, the telephone behind them.
//!
//! It speaks the wire protocol and shares no code with the adapter, nor with the other doubles: a benchmark in a process
//! of its own can take this folder in (`#[path = "…/caller/mod.rs"] mod caller;`). Time is tokio's, so that a paused
//! clock makes a call of minutes a matter of milliseconds: [`pipe`] is a network without sockets for that.
//!
//! ```text
//! let (wire, listener) = caller::pipe();                  // or Wire::Tcp(address)
//! tokio::spawn(async move { axum::serve(listener, routes).await });
//! let exchange = Exchange::new(wire, Account { … }, Manner::default());
//! let call = exchange.ring("+34600000001", "+14155238886").await;
//! call.speak(&sound);                                     // µ-law 8 kHz; silence where nothing is spoken
//! call.until(|seen| seen.heard_ms() > 500).await;
//! call.hang_up();
//! let seen = call.over().await;                           // what happened, with its times, and what was heard
//! ```
//!
//! Faithful in: the order and form of messages; a frame of 160 bytes every 20 ms, a few at a time where the network is
//! bad; sound played in order at 8 bytes a millisecond; marks given back when the play head passes, or at once in order
//! when a clear empties the queue, or at once when nothing is queued; messages on their way for half a round trip, so that
//! marks race clears; messages that Twilio would not take noted by their codes, and the call going on; what follows in
//! the TwiML when the server closes; and for words the same with tokens.

mod call;
mod delay;
mod exchange;
mod play;
mod relay;
mod rest;
mod sign;
mod stream;
mod twiml;
mod wire;

pub(crate) use call::{Call, Event, Seen, Stage};
pub(crate) use exchange::{Account, Exchange, Manner};
pub(crate) use play::Piece;
pub(crate) use sign::sign;
pub(crate) use twiml::{Element, parse};
pub(crate) use wire::{Wire, pipe};
