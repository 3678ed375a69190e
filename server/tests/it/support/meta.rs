//! Meta's Cloud API, played on this machine: its Graph API, its webhook and the guests' telephones behind it.
//!
//! It speaks the wire protocol and shares no code with the adapter.

pub(crate) mod graph;
pub(crate) mod hook;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use innkeeper::clock::{Clock as _, ManualClock};
use innkeeper::config::{Config, Overrides};
use serde_json::Value;
use tokio::sync::watch;

use crate::rig::PATIENCE;
use crate::support::dice::Dice;
use crate::support::phone::Phones;

pub(crate) const SECRET: &str = "app-secret-1";
pub(crate) const WORD: &str = "a word of ours";
pub(crate) const BEARER: &str = "EAAtoken";
pub(crate) const NUMBER: &str = "106540352242922";

/// How the next request to send is met.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mood {
    Taking,
    /// Refused with a status and an error code.
    Refusing(u16, u32),
    /// Taken, but the answer is a server error.
    TakingThenFailing,
    /// Not taken; the answer is a server error.
    Failing,
    /// Taken, and the connection breaks in the middle of the answer.
    TakingThenCutting,
    /// Taken, and reported before the answer.
    ReportingFirst,
}

/// What Meta enforces, and how well it reports.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rules {
    /// Whether words go only to guests who wrote within a day.
    pub(crate) window: bool,
    /// So many messages to one guest within six seconds.
    pub(crate) pair: Option<usize>,
    /// Whether reports come by themselves; with dice, lost, doubled and out of order.
    pub(crate) reports: bool,
    pub(crate) dice: Option<Dice>,
    /// Whom it says that it calls.
    pub(crate) called: Option<String>,
    /// Whether reports give back what a message was sent with.
    pub(crate) opaque: bool,
    /// Whether it reports until that is taken, whoever it calls by then.
    pub(crate) again: bool,
    /// Now and then a request to send fails: refused, taken with a bad answer, or cut off after it was taken.
    pub(crate) weather: Option<Dice>,
}

/// A file.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) bytes: Vec<u8>,
    pub(crate) content_type: String,
    /// What is told of it; another than its own where the file is damaged.
    pub(crate) sha256: String,
    /// It is not there for so many requests.
    pub(crate) not_yet: usize,
    /// The address that is told instead of its own.
    pub(crate) elsewhere: Option<String>,
}

#[derive(Default)]
struct Exchange {
    moods: VecDeque<Mood>,
    rules: Rules,
    next: u64,
    asked: Vec<Value>,
    files: BTreeMap<String, File>,
    heard_at: BTreeMap<String, DateTime<Utc>>,
    sent_at: BTreeMap<String, Vec<DateTime<Utc>>>,
    opted_out: BTreeSet<String>,
    server: Option<SocketAddr>,
}

/// Meta.
#[derive(Clone)]
pub(crate) struct MetaDouble {
    pub(crate) address: SocketAddr,
    exchange: Arc<Mutex<Exchange>>,
    typed: watch::Sender<Vec<String>>,
    http: reqwest::Client,
    pub(crate) clock: ManualClock,
    pub(crate) phones: Phones,
}

impl MetaDouble {
    pub(crate) async fn start_on(clock: ManualClock) -> Self {
        // The second time it is there already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let double = Self {
            address: listener.local_addr().expect("an address"),
            exchange: Arc::default(),
            typed: watch::Sender::new(Vec::new()),
            http: reqwest::Client::builder().timeout(PATIENCE).build().expect("a client"),
            clock,
            phones: Phones::default(),
        };
        let routes = Router::new()
            .route("/v23.0/{number}/messages", post(graph::send))
            .route("/v23.0/{number}/media", post(graph::upload))
            .route("/v23.0/{media}", get(graph::where_is))
            .route("/files/{media}", get(graph::file))
            .with_state(double.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        double
    }

    /// What leads a program here.
    pub(crate) fn variables(&self) -> Vec<(&'static str, String)> {
        vec![
            ("META_APP_SECRET", SECRET.to_owned()),
            ("META_VERIFY_TOKEN", WORD.to_owned()),
            ("META_ACCESS_TOKEN", BEARER.to_owned()),
            ("INNKEEPER__META__PHONE_NUMBER_ID", NUMBER.to_owned()),
            ("INNKEEPER__META__BASE_URL", format!("http://{}/v23.0", self.address)),
        ]
    }

    /// A configuration that leads here.
    pub(crate) fn config(&self) -> Config {
        let variables = self.variables().into_iter().map(|(name, value)| (name.to_owned(), value));
        Config::load(None, variables, Overrides::default()).expect("a configuration")
    }

    /// Whom it calls.
    pub(crate) fn calls(&self, server: SocketAddr) {
        self.exchange().server = Some(server);
    }

    pub(crate) fn rules(&self, change: impl FnOnce(&mut Rules)) {
        change(&mut self.exchange().rules);
    }

    pub(crate) fn moods(&self, moods: impl IntoIterator<Item = Mood>) {
        self.exchange().moods.extend(moods);
    }

    /// A guest who wants no marketing any more.
    pub(crate) fn opts_out(&self, guest: &str) {
        self.exchange().opted_out.insert(guest.to_owned());
    }

    /// Keeps a file that a guest sent under an id.
    pub(crate) fn holds(&self, id: &str, file: File) {
        self.exchange().files.insert(id.to_owned(), file);
    }

    /// The messages that it was asked to send.
    pub(crate) fn asked(&self) -> Vec<Value> {
        self.exchange().asked.clone()
    }

    /// The messages that were marked as read while somebody writes, once there are that many marks.
    pub(crate) async fn typed(&self, count: usize) -> Vec<String> {
        let mut typed = self.typed.subscribe();
        let wait = typed.wait_for(|typed| typed.len() >= count);
        tokio::time::timeout(PATIENCE, wait).await.expect("marks in time").expect("marks").clone()
    }

    fn exchange(&self) -> MutexGuard<'_, Exchange> {
        self.exchange.lock().expect("the exchange")
    }

    fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }
}
