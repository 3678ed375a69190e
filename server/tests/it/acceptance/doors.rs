//! Who reaches what over HTTP, at the port itself.

use innkeeper::console;
use reqwest::{Client, Method, StatusCode};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::program::{ANA, Line, Server, WHATSAPP};
use crate::support::twilio::message;

const PUBLIC_HOST: &str = "hotel.example.com";

/// Everything there is that the public address must not reach.
fn inner() -> Vec<(Method, String)> {
    let api = console::documented().into_iter().map(|(method, path)| {
        let path = path.replace("{id}", "1");
        (method.to_uppercase().parse().expect("a method"), path)
    });
    let more = ["/", "/mcp", "/metrics", "/readyz", "/api", "/nothing", "/healthzz", "/twilio", "/Healthz"];
    let more = more.into_iter().map(|path| (Method::GET, path.to_owned()));
    api.chain(more).chain([(Method::POST, "/mcp".to_owned())]).collect()
}

/// The status line's code of a request written by hand.
async fn raw(server: &Server, request: &str) -> u16 {
    let mut stream = TcpStream::connect(server.address).await.expect("a connection");
    stream.write_all(request.as_bytes()).await.expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("an answer");
    answer
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .unwrap_or_else(|| panic!("a status: {answer:?}"))
}

async fn hello(server: &Server, headers: &[(&str, &str)]) -> StatusCode {
    let hello = json!({
        "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": {
            "protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "t", "version": "1"},
        },
    });
    let mut request = client().post(server.url("/mcp")).json(&hello);
    request = request.header("accept", "application/json, text/event-stream");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.send().await.expect("an answer").status()
}

fn client() -> Client {
    Client::builder().no_proxy().build().expect("a client")
}

#[tokio::test]
async fn the_public_address_reaches_webhooks_and_health_and_nothing_else() {
    let line = Line::open().await;
    let server = Server::start(line.innkeeper()).await;
    let get = async |method: Method, path: &str, headers: &[(&str, &str)]| {
        let mut request = client().request(method, server.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.expect("an answer").status()
    };
    for strangers in [
        [("host", PUBLIC_HOST)].as_slice(),
        &[("host", "evil.example")],
        &[("host", "127.0.0.1.evil.example")],
        // A tunnel that rewrites the host still says that it is one.
        &[("x-forwarded-for", "203.0.113.7")],
        &[("forwarded", "for=203.0.113.7")],
        &[("host", "localhost"), ("x-forwarded-host", PUBLIC_HOST)],
        // No token is set: none opens anything.
        &[("host", PUBLIC_HOST), ("authorization", "Bearer ")],
        &[("host", PUBLIC_HOST), ("cookie", "innkeeper_token=")],
    ] {
        for (method, path) in inner() {
            let status = get(method.clone(), &path, strangers).await;
            assert_eq!(status, StatusCode::FORBIDDEN, "{method} {path} {strangers:?}");
        }
        assert_eq!(get(Method::GET, "/healthz", strangers).await, StatusCode::OK);
        assert_eq!(get(Method::GET, "/?token=", strangers).await, StatusCode::FORBIDDEN);
    }
    for path in [
        "/twilio/../metrics",
        "/twilio/%2e%2e/metrics",
        "//metrics",
        "/healthz/../api/flows",
        "/twilio/..%2fmcp",
    ] {
        let code =
            raw(&server, &format!("GET {path} HTTP/1.1\r\nHost: {PUBLIC_HOST}\r\nConnection: close\r\n\r\n"))
                .await;
        assert!((400..500).contains(&code), "{path}: {code}");
    }
    let through =
        format!("GET http://localhost/metrics HTTP/1.1\r\nHost: {PUBLIC_HOST}\r\nConnection: close\r\n\r\n");
    assert_eq!(raw(&server, &through).await, 403, "the host counts, not the address in the request line");
    assert_eq!(raw(&server, "GET /metrics HTTP/1.0\r\n\r\n").await, 403, "no host is not this machine's");
    let form = message("1", ANA, "Hello!");
    let signature =
        crate::support::twilio::sign(&format!("{}{WHATSAPP}", crate::support::twilio::PUBLIC), &form);
    let webhook = client().post(server.url(WHATSAPP)).form(&form).header("host", PUBLIC_HOST);
    let webhook = webhook.header("x-twilio-signature", signature).header("x-forwarded-for", "203.0.113.7");
    assert_eq!(webhook.send().await.expect("an answer").status(), StatusCode::OK);
    assert_eq!(line.shown(ANA, 1).await.len(), 1);
}

#[tokio::test]
async fn this_machine_and_whoever_has_the_token_reach_everything() {
    const TOKEN: &str = "correct horse";
    let line = Line::open().await;
    let mut command = line.innkeeper();
    command.env("INNKEEPER__SERVER__TOKEN", TOKEN);
    let server = Server::start(command).await;
    let status = async |path: &str, headers: &[(&str, &str)]| {
        let mut request = client().get(server.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.expect("an answer").status()
    };
    for path in ["/", "/metrics", "/readyz", "/healthz"] {
        for host in ["localhost", "127.0.0.1", "[::1]:8080"] {
            assert_eq!(status(path, &[("host", host)]).await, StatusCode::OK, "{host}{path}");
        }
        let bearer = format!("Bearer {TOKEN}");
        let known = [("host", PUBLIC_HOST), ("authorization", bearer.as_str())];
        assert_eq!(status(path, &known).await, StatusCode::OK, "{path} with the token");
    }
    for wrong in ["Bearer correct", "Bearer correct horse battery", "Basic correct horse", "correct horse"] {
        let stranger = [("host", PUBLIC_HOST), ("authorization", wrong)];
        assert_eq!(status("/metrics", &stranger).await, StatusCode::FORBIDDEN, "{wrong}");
    }
    assert_eq!(status("/metrics?token=correct", &[("host", PUBLIC_HOST)]).await, StatusCode::FORBIDDEN);

    assert_eq!(hello(&server, &[]).await, StatusCode::OK);
    assert_eq!(hello(&server, &[("origin", "http://localhost:5173")]).await, StatusCode::OK);
    assert_eq!(hello(&server, &[("origin", "https://evil.example")]).await, StatusCode::FORBIDDEN);
    assert_eq!(hello(&server, &[("origin", "null")]).await, StatusCode::FORBIDDEN);
    let bearer = format!("Bearer {TOKEN}");
    let known = [("host", PUBLIC_HOST), ("authorization", bearer.as_str())];
    assert_eq!(hello(&server, &known).await, StatusCode::OK, "an MCP client elsewhere that has the token");
    assert_eq!(hello(&server, &[("host", PUBLIC_HOST)]).await, StatusCode::FORBIDDEN);
    assert_eq!(
        hello(&server, &[known[0], known[1], ("origin", "https://evil.example")]).await,
        StatusCode::FORBIDDEN,
        "a page elsewhere, even with the token"
    );
}
