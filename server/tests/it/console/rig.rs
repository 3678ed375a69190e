//! A console on loopback, and a client that reads its streams.

use std::net::SocketAddr;
use std::path::Path;

use innkeeper::app::App;
use innkeeper::config::{Config, Overrides};
use innkeeper::console;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::{Value as Json, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::rig::Folder;

/// What a guest says first in most tests.
pub(crate) const WISH: &str = "Hi, a room with a sea view for two from 12 to 14 December please";

/// The program with the demonstration hotel, on a database file and a port of its own.
pub(crate) struct Console {
    pub(crate) app: App,
    pub(crate) client: Client,
    pub(crate) address: SocketAddr,
    stop: CancellationToken,
}

/// One event of a turn's stream.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    pub(crate) name: String,
    pub(crate) data: Json,
}

impl Console {
    pub(crate) async fn open(folder: &Folder) -> Self {
        let overrides = Overrides {
            database: Some(folder.database_url().as_str().to_owned()),
            today: "2026-12-01".parse().ok(),
            ..Overrides::default()
        };
        let config = Config::load(Some(Path::new("/dev/null")), [], overrides).expect("a configuration");
        Self::of(&config).await
    }

    /// The same with a configuration of the test's own.
    pub(crate) async fn of(config: &Config) -> Self {
        // Another test of this process may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let app = App::open(config).await.unwrap_or_else(|fault| panic!("{fault}"));
        let stop = CancellationToken::new();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let routes = app.routes(config, &stop).await.expect("routes");
        let stopped = stop.clone();
        tokio::spawn(async move {
            let served =
                axum::serve(listener, routes.into_make_service_with_connect_info::<std::net::SocketAddr>())
                    .with_graceful_shutdown(stopped.cancelled_owned());
            served.await.expect("a server");
        });
        let client = Client::builder().no_proxy().build().expect("a client");
        Self { app, client, address, stop }
    }

    pub(crate) async fn close(self) {
        self.stop.cancel();
        self.app.close().await;
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn post(&self, path: &str, body: &Json) -> RequestBuilder {
        self.client.post(self.url(path)).json(body)
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().await.expect("an answer")
    }

    /// Begins a conversation and returns its id.
    pub(crate) async fn begin(&self, body: &Json) -> String {
        let begun = self.post("/api/conversations", body).send().await.expect("an answer");
        assert_eq!(begun.status(), StatusCode::CREATED);
        let begun: Json = begun.json().await.expect("JSON");
        begun["id"].as_str().expect("an id").to_owned()
    }

    /// Asks for a turn.
    pub(crate) async fn ask(&self, id: &str, body: &Json) -> Response {
        let path = format!("/api/conversations/{id}/turns");
        self.post(&path, body).send().await.expect("an answer")
    }

    /// Takes a turn and returns everything that was told.
    pub(crate) async fn take(&self, id: &str, body: &Json) -> Vec<Event> {
        let response = self.ask(id, body).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        events(&response.text().await.expect("a stream"))
    }

    /// Says something and returns the turn.
    pub(crate) async fn say(&self, id: &str, text: &str) -> Json {
        turn_of(&self.take(id, &json!({"text": text})).await).clone()
    }

    /// The conversation so far.
    pub(crate) async fn talk(&self, id: &str) -> Json {
        let response = self.get(&format!("/api/conversations/{id}")).await;
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.expect("JSON")
    }
}

/// The turn that ends a stream.
pub(crate) fn turn_of(events: &[Event]) -> &Json {
    let last = events.last().expect("an event");
    assert_eq!(last.name, "turn", "the stream ends with the turn: {last:?}");
    &last.data
}

fn events(stream: &str) -> Vec<Event> {
    let blocks = stream.split("\n\n").filter(|block| !block.is_empty() && !block.starts_with(':'));
    let field = |block: &str, name: &str| {
        let mut lines = block.lines();
        lines
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(": ").map(str::to_owned))
            .expect("a field")
    };
    blocks
        .map(|block| Event {
            name: field(block, "event"),
            data: serde_json::from_str(&field(block, "data")).expect("JSON"),
        })
        .collect()
}

/// The documented routes as `method path`, from the program.
pub(crate) fn documented() -> Vec<String> {
    console::documented().iter().map(|(method, path)| format!("{method} {path}")).collect()
}
