//! The pump on a socket that is none: pairs of channels, which can be held shut.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum::extract::ws::Message;
use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::{Sink, Stream, StreamExt as _};
use innkeeper::channel::line::{Call, Caller, Control, ControlFault, Line};
use innkeeper::message::{ChannelName, GuestIds, GuestKey};

/// One end of a socket in memory.
pub(super) struct End {
    incoming: UnboundedReceiver<Message>,
    outgoing: UnboundedSender<Message>,
}

/// Both ends of a socket.
pub(super) fn pair() -> (End, End) {
    let (to_one, one) = unbounded();
    let (to_other, other) = unbounded();
    (End { incoming: one, outgoing: to_other }, End { incoming: other, outgoing: to_one })
}

impl Stream for End {
    type Item = Result<Message, axum::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.incoming.poll_next_unpin(context).map(|message| message.map(Ok))
    }
}

impl Sink<Message> for End {
    type Error = axum::Error;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, message: Message) -> Result<(), axum::Error> {
        self.outgoing.unbounded_send(message).map_err(axum::Error::new)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), axum::Error>> {
        self.outgoing.close_channel();
        Poll::Ready(Ok(()))
    }
}

/// A control that can do nothing.
#[derive(Debug)]
struct Nothing;

#[async_trait::async_trait]
impl Control for Nothing {
    async fn hang_up(&self) -> Result<(), ControlFault> {
        Ok(())
    }

    async fn transfer(&self) -> Result<(), ControlFault> {
        Err(ControlFault::Unable { reason: "nobody is there".to_owned() })
    }
}

/// A call on a line.
pub(super) fn call(channel: ChannelName, line: Line) -> Call {
    let guest = GuestIds::Other(GuestKey::new("somebody"));
    let caller = Caller { guest, verified: None, displayed: None, line: None };
    Call { id: "1".to_owned(), channel, caller, control: std::sync::Arc::new(Nothing), line }
}
