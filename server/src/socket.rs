//! WebSockets to providers: how one is opened, kept small, kept alive and found dead.
//!
//! Sending never waits: what the network does not take yet stays in a bounded buffer, and whoever receives sends it
//! on. So one task can do both, and a provider that waits for us never waits for ever.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::{BoxFuture, Either, FutureExt as _, select};
use futures::{Sink as _, Stream as _};
use rustls::ClientConfig;
use rustls_platform_verifier::BuilderVerifierExt as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value as Json;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::{HeaderName, HeaderValue, Request, Response};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{self, Bytes, Message, Utf8Bytes};
use tokio_tungstenite::{
    Connector, MaybeTlsStream, WebSocketStream, connect_async_tls_with_config, tungstenite::protocol,
};

use crate::clock::Clock;
use crate::speech::SpeechFault;

/// What is read at once. A call's share of memory is mostly this and the sound it keeps.
const READ_BYTES: usize = 4 * 1024;

/// What waits for the network at most: half a minute of a call's sound. More means that nobody takes it.
const UNSENT_BYTES: usize = 256 * 1024;

/// The largest message a provider may send.
const MOST_BYTES: usize = 2 * 1024 * 1024;

/// After such a silence the other end is asked whether it is there, and after another one it is not.
const QUIET: Duration = Duration::from_secs(4);

/// How long a good-bye may take.
const FAREWELL: Duration = Duration::from_secs(1);

/// The most characters of a provider's code that are repeated.
const CODE_MAX_CHARS: usize = 60;

/// Where a provider is and what opens it.
#[derive(Debug)]
pub(crate) struct Door {
    /// The whole address, ws or wss, with its query.
    pub(crate) url: String,
    /// What the handshake says besides.
    pub(crate) headers: Vec<(&'static str, SecretString)>,
}

/// Why a door did not open.
#[derive(Debug)]
pub(crate) enum Shut {
    /// It stays shut until somebody sets something right.
    Lasting(SpeechFault),
    /// It may open the next time; nothing of it is a guest's.
    Passing(String),
}

/// What is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outgoing {
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
}

/// What is received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    /// A text message.
    Text(Utf8Bytes),
    /// A binary message.
    Binary(Bytes),
}

/// How a connection ended. It says nothing of a guest's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// The other end closed it, with its code and the name it gave the reason.
    Closed {
        /// The WebSocket's close code; 1000 is well.
        code: Option<u16>,
        /// The provider's name for the reason, possibly empty.
        reason: String,
    },
    /// It broke.
    Broken(String),
    /// Nothing came any more, not even an answer to a ping.
    Silent,
    /// The other end took nothing any more.
    Stuck,
}

/// An open WebSocket.
pub(crate) struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    clock: Arc<dyn Clock>,
    /// The provider's name for this connection.
    request_id: Option<String>,
    unsent: bool,
    closed: Option<Ended>,
    quiet: BoxFuture<'static, ()>,
    /// Whether anything came since `quiet` began.
    alive: bool,
    asked: bool,
}

/// The address of a provider's WebSockets: that of its HTTP routes with the other scheme.
pub(crate) fn address(base_url: &str) -> String {
    match base_url.strip_prefix("http") {
        Some(rest) => format!("ws{rest}"),
        None => base_url.to_owned(),
    }
}

impl Shut {
    /// As the fault of somebody who waited that long for it.
    pub(crate) fn fault(self, limit: Duration) -> SpeechFault {
        match self {
            Self::Lasting(fault) => fault,
            Self::Passing(last) => SpeechFault::Unanswered { limit_ms: limit.as_millis(), last },
        }
    }
}

impl Socket {
    /// Opens a door within a time limit.
    pub(crate) async fn open(door: &Door, limit: Duration, clock: Arc<dyn Clock>) -> Result<Self, Shut> {
        let request = request(door)?;
        let opening = std::pin::pin!(connect(request));
        let (stream, response) = match select(opening, clock.sleep(limit)).await {
            Either::Left((opened, _)) => opened?,
            Either::Right(_) => return Err(Shut::Passing("time-out".to_owned())),
        };
        let request_id = ["dg-request-id", "x-request-id"].iter().find_map(|name| {
            Some(plain(response.headers().get(*name)?.to_str().ok()?)).filter(|id| !id.is_empty())
        });
        let quiet = clock.sleep(QUIET);
        Ok(Self { stream, clock, request_id, unsent: false, closed: None, quiet, alive: true, asked: false })
    }

    /// The provider's name for this connection, which its support asks for.
    pub(crate) fn request_id(&self) -> Option<&str> {
        self.request_id.as_deref()
    }

    /// Gives a message to the network; what it does not take now goes when something is received.
    pub(crate) fn send(&mut self, message: Outgoing) -> Result<(), Ended> {
        self.put(match message {
            Outgoing::Text(text) => Message::text(text),
            Outgoing::Binary(bytes) => Message::binary(bytes),
        })
    }

    /// Waits for the next message, and sends what waits to be sent. Dropping the future loses nothing.
    pub(crate) async fn receive(&mut self) -> Result<Incoming, Ended> {
        poll_fn(|context| self.poll_receive(context)).await
    }

    /// Says good-bye and waits a moment for the answer.
    pub(crate) async fn close(mut self) {
        let frame = protocol::CloseFrame { code: CloseCode::Normal, reason: Utf8Bytes::default() };
        if self.put(Message::Close(Some(frame))).is_err() {
            return;
        }
        let late = self.clock.sleep(FAREWELL);
        let answered = std::pin::pin!(async { while self.receive().await.is_ok() {} });
        select(answered, late).await;
    }

    fn put(&mut self, message: Message) -> Result<(), Ended> {
        self.unsent = true;
        Pin::new(&mut self.stream).start_send(message).map_err(|error| self.ended(&error))
    }

    fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Result<Incoming, Ended>> {
        loop {
            match Pin::new(&mut self.stream).poll_next(context) {
                Poll::Ready(Some(Ok(message))) => {
                    (self.alive, self.asked) = (true, false);
                    match message {
                        Message::Text(text) => return Poll::Ready(Ok(Incoming::Text(text))),
                        Message::Binary(bytes) => return Poll::Ready(Ok(Incoming::Binary(bytes))),
                        Message::Close(frame) => self.closed = Some(closed(frame)),
                        Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => self.unsent = true,
                    }
                }
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(self.ended(&error))),
                Poll::Ready(None) => {
                    return Poll::Ready(Err(self.ended(&tungstenite::Error::ConnectionClosed)));
                }
                Poll::Pending => break,
            }
        }
        while self.quiet.poll_unpin(context).is_ready() {
            if self.asked {
                return Poll::Ready(Err(Ended::Silent));
            }
            if !self.alive {
                self.asked = true;
                self.put(Message::Ping(Bytes::new()))?;
            }
            self.alive = false;
            self.quiet = self.clock.sleep(QUIET);
        }
        if self.unsent {
            match Pin::new(&mut self.stream).poll_flush(context) {
                Poll::Ready(Ok(())) => self.unsent = false,
                Poll::Ready(Err(error)) => return Poll::Ready(Err(self.ended(&error))),
                Poll::Pending => {}
            }
        }
        // The answer to a close is on its way; the other end need not be waited for.
        match &self.closed {
            Some(ended) if !self.unsent => Poll::Ready(Err(ended.clone())),
            _ => Poll::Pending,
        }
    }

    fn ended(&self, error: &tungstenite::Error) -> Ended {
        if let Some(closed) = &self.closed {
            return closed.clone();
        }
        match error {
            tungstenite::Error::ConnectionClosed | tungstenite::Error::AlreadyClosed => {
                Ended::Closed { code: None, reason: String::new() }
            }
            tungstenite::Error::WriteBufferFull(_) => Ended::Stuck,
            other => Ended::Broken(kind(other).to_owned()),
        }
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("request_id", &self.request_id).finish_non_exhaustive()
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed { code: Some(code), reason } if reason.is_empty() => write!(f, "closed with {code}"),
            Self::Closed { code: Some(code), reason } => write!(f, "closed with {code} ({reason})"),
            Self::Closed { code: None, .. } => f.write_str("closed without a word"),
            Self::Broken(kind) => f.write_str(kind),
            Self::Silent => f.write_str("nothing came any more"),
            Self::Stuck => f.write_str("nothing was taken any more"),
        }
    }
}

fn request(door: &Door) -> Result<Request<()>, Shut> {
    let unusable = |what: &str| {
        Shut::Lasting(SpeechFault::Garbled { reason: format!("{what} cannot be part of a request") })
    };
    let mut request = door.url.as_str().into_client_request().map_err(|_| unusable("its own address"))?;
    for (name, value) in &door.headers {
        let mut value = HeaderValue::from_str(value.expose_secret()).map_err(|_| unusable("its key"))?;
        value.set_sensitive(true);
        request.headers_mut().insert(HeaderName::from_static(name), value);
    }
    Ok(request)
}

type Opened = (WebSocketStream<MaybeTlsStream<TcpStream>>, Response<Option<Vec<u8>>>);

async fn connect(request: Request<()>) -> Result<Opened, Shut> {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(UNSENT_BYTES)
        .max_message_size(Some(MOST_BYTES))
        .max_frame_size(Some(MOST_BYTES));
    let connector = match request.uri().scheme_str() {
        Some("wss") => Connector::Rustls(trust()?),
        _ => Connector::Plain,
    };
    connect_async_tls_with_config(request, Some(config), true, Some(connector)).await.map_err(|error| {
        match error {
            tungstenite::Error::Http(response) => refused(&response),
            other => Shut::Passing(kind(&other).to_owned()),
        }
    })
}

/// Whom this machine trusts: read once, for all connections, which then also resume each other's sessions.
fn trust() -> Result<Arc<ClientConfig>, Shut> {
    static TRUST: OnceLock<Result<Arc<ClientConfig>, rustls::Error>> = OnceLock::new();
    let trust = TRUST.get_or_init(|| {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
        Ok(Arc::new(builder.with_platform_verifier()?.with_no_client_auth()))
    });
    trust.clone().map_err(|error| Shut::Lasting(SpeechFault::Garbled { reason: format!("no TLS: {error}") }))
}

/// What a refused handshake means.
fn refused(response: &Response<Option<Vec<u8>>>) -> Shut {
    let status = response.status();
    let header = response.headers().get("dg-error").and_then(|code| code.to_str().ok());
    let said: Json =
        response.body().as_ref().and_then(|body| serde_json::from_slice(body).ok()).unwrap_or_default();
    let in_body = ["/err_code", "/error/code", "/error/type", "/detail/status"]
        .iter()
        .find_map(|place| said.pointer(place).and_then(Json::as_str));
    let code = header.or(in_body).map_or_else(|| "no code".to_owned(), plain);
    match status.as_u16() {
        408 | 425 | 429 | 500.. => Shut::Passing(format!("HTTP status {} ({code})", status.as_u16())),
        status => Shut::Lasting(SpeechFault::Operator { status, code }),
    }
}

/// What went wrong, without an address.
fn kind(error: &tungstenite::Error) -> &'static str {
    match error {
        tungstenite::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            "the connection was refused"
        }
        tungstenite::Error::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => "TLS failed",
        tungstenite::Error::Tls(_) => "TLS failed",
        tungstenite::Error::Capacity(_) => "a message was too large",
        tungstenite::Error::Protocol(_) | tungstenite::Error::Utf8(_) => "it spoke no WebSocket",
        tungstenite::Error::Http(_) | tungstenite::Error::HttpFormat(_) => "the handshake failed",
        _ => "the connection broke",
    }
}

fn closed(frame: Option<protocol::CloseFrame>) -> Ended {
    let Some(frame) = frame else { return Ended::Closed { code: None, reason: String::new() } };
    // A name has no spaces, and something that words have not; sentences may repeat what was sent.
    let named = |word: &&str| word.contains(['-', '_']) && word.len() > 3;
    let reason = frame.reason.split(|c: char| c.is_whitespace() || ":,()".contains(c)).find(named);
    Ended::Closed { code: Some(frame.code.into()), reason: reason.map(plain).unwrap_or_default() }
}

/// A provider's code without anything that could be words of a guest.
fn plain(code: &str) -> String {
    code.chars().filter(|c| c.is_ascii_alphanumeric() || " _-.".contains(*c)).take(CODE_MAX_CHARS).collect()
}
