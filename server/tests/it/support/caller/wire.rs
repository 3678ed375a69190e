//! How the server is reached: over TCP, or by pipes in memory, where a paused clock stands still while bytes are on
//! their way.

use std::future::pending;
use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, duplex};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self};

/// The bytes that a pipe holds each way.
const PIPE: usize = 64 * 1024;

/// A connection, whatever it is made of.
pub(crate) trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<T: AsyncRead + AsyncWrite + Unpin + Send> Io for T {}

/// The client's end of a socket.
pub(crate) type Socket = WebSocketStream<Box<dyn Io>>;

/// How the server is reached.
#[derive(Clone, Debug)]
pub(crate) enum Wire {
    /// At an address.
    Tcp(SocketAddr),
    /// By pipes.
    Pipe(mpsc::UnboundedSender<DuplexStream>),
}

/// The server's end of the pipes, for `axum::serve`.
#[derive(Debug)]
pub(crate) struct PipeListener(mpsc::UnboundedReceiver<DuplexStream>);

/// A network of pipes: ours, and the server's end of it.
pub(crate) fn pipe() -> (Wire, PipeListener) {
    let (sender, receiver) = mpsc::unbounded_channel();
    (Wire::Pipe(sender), PipeListener(receiver))
}

impl axum::serve::Listener for PipeListener {
    type Io = DuplexStream;
    type Addr = ();

    async fn accept(&mut self) -> (DuplexStream, ()) {
        match self.0.recv().await {
            Some(stream) => (stream, ()),
            None => pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}

impl Wire {
    async fn connect(&self) -> io::Result<Box<dyn Io>> {
        match self {
            Self::Tcp(address) => {
                let stream = TcpStream::connect(address).await?;
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
            Self::Pipe(server) => {
                let (ours, theirs) = duplex(PIPE);
                server.send(theirs).map_err(|_| io::Error::from(io::ErrorKind::ConnectionRefused))?;
                Ok(Box::new(ours))
            }
        }
    }

    /// Posts a form; the answer's status and body, or none where there is no whole answer.
    pub(crate) async fn post(
        &self,
        host: &str,
        path: &str,
        form: &[(String, String)],
        signature: Option<&str>,
    ) -> Option<(u16, String)> {
        let body = encoded(form);
        let signature = signature.map(|signature| format!("X-Twilio-Signature: {signature}\r\n"));
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: TwilioProxy/1.1\r\n{}\
             Content-Type: application/x-www-form-urlencoded; charset=utf-8\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n{body}",
            signature.unwrap_or_default(),
            body.len()
        );
        let mut stream = self.connect().await.ok()?;
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok()?;
        let answer = String::from_utf8(answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let status = head.split(' ').nth(1)?.parse().ok()?;
        assert!(!head.to_lowercase().contains("transfer-encoding"), "an answer comes in one piece");
        Some((status, body.to_owned()))
    }

    /// Opens a socket; the status where it is refused.
    pub(crate) async fn open(
        &self,
        url: &str,
        path: &str,
        signature: Option<&str>,
    ) -> Result<Socket, Option<u16>> {
        let host = url.split("://").nth(1).and_then(|rest| rest.split('/').next()).unwrap_or_default();
        let mut request = format!("ws://{host}{path}").into_client_request().expect("an address");
        if let Some(signature) = signature {
            request.headers_mut().insert("x-twilio-signature", signature.parse().expect("a signature"));
        }
        let stream = self.connect().await.map_err(|_| None)?;
        let config = WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(0);
        match tokio_tungstenite::client_async_with_config(request, stream, Some(config)).await {
            Ok((socket, _)) => Ok(socket),
            Err(tungstenite::Error::Http(response)) => Err(Some(response.status().as_u16())),
            Err(_) => Err(None),
        }
    }
}

/// A form as it is posted.
pub(crate) fn encoded(form: &[(String, String)]) -> String {
    let mut body = String::new();
    for (name, value) in form {
        if !body.is_empty() {
            body.push('&');
        }
        percent(name, &mut body);
        body.push('=');
        percent(value, &mut body);
    }
    body
}

fn percent(text: &str, body: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            body.push(char::from(byte));
        } else {
            body.push_str(&format!("%{byte:02X}"));
        }
    }
}

/// A form as it was posted.
pub(crate) fn decoded(body: &str) -> Vec<(String, String)> {
    let plain = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let [first, tail @ ..] = rest {
            rest = tail;
            match (first, tail) {
                (b'+', _) => bytes.push(b' '),
                (b'%', [high, low, after @ ..]) => {
                    let hex = String::from_utf8_lossy(&[*high, *low]).into_owned();
                    bytes.push(u8::from_str_radix(&hex, 16).unwrap_or(b'?'));
                    rest = after;
                }
                (byte, _) => bytes.push(*byte),
            }
        }
        String::from_utf8(bytes).unwrap_or_default()
    };
    body.split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (plain(name), plain(value)))
        .collect()
}
