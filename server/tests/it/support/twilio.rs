//! Twilio, played on this machine: its REST API, its webhooks and the guest's telephone behind it.
//!
//! It speaks the wire protocol and shares no code with the adapter. What a guest sees is what it took, in order.

pub(crate) mod deliver;
pub(crate) mod form;
pub(crate) mod media;
mod rest;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use innkeeper::clock::{Clock as _, ManualClock};
use serde_json::Value;
use tokio::sync::watch;

use self::deliver::Reports;
use self::media::File;
use crate::rig::PATIENCE;
use crate::support::dice::Dice;
use crate::support::phone::Phones;

pub(crate) use self::form::{Form, message, sign, status, with};

pub(crate) const ACCOUNT: &str = "AC0123456789abcdef0123456789abcdef";
pub(crate) const TOKEN: &str = "a token";
pub(crate) const SENDER: &str = "whatsapp:+14155238886";
pub(crate) const PUBLIC: &str = "https://hotel.example.com";

/// How the next request to send is met.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Mood {
    /// Taken, 201.
    Taking,
    /// Refused with a status and an error code.
    Refusing(u16, u32),
    /// Refused for now, with the seconds to wait.
    Busy(u64),
    /// Taken, but the answer is a server error.
    TakingThenFailing,
    /// Not taken; the answer is a server error.
    Failing,
    /// Taken, and the connection breaks in the middle of the answer.
    TakingThenCutting,
    /// Taken, and no answer ever comes.
    TakingThenSilent,
}

/// What the double was asked to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) body: String,
    pub(crate) report_to: String,
}

/// What Twilio and WhatsApp enforce.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// Whether words go only to guests who wrote within a day.
    pub(crate) window: bool,
    /// So many messages are taken a second.
    pub(crate) per_second: Option<usize>,
    /// So many messages are listed on a page at most.
    pub(crate) page: usize,
    /// Guests who want nothing.
    pub(crate) opted_out: BTreeSet<String>,
    /// Guests who have not joined the sandbox.
    pub(crate) not_joined: BTreeSet<String>,
    /// How status reports come.
    pub(crate) reports: Reports,
    /// The webhook for messages.
    pub(crate) route: String,
    /// The webhook that is called when that one fails.
    pub(crate) fallback: Option<String>,
    /// So many times more a webhook that fails is called.
    pub(crate) retries: usize,
    /// Now and then a request to send fails: refused, taken with a bad answer, or cut off after it was taken.
    pub(crate) weather: Option<Dice>,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            window: false,
            per_second: None,
            page: 1000,
            opted_out: BTreeSet::new(),
            not_joined: BTreeSet::new(),
            reports: Reports::None,
            route: "/twilio/whatsapp".to_owned(),
            fallback: None,
            retries: 0,
            weather: None,
        }
    }
}

/// What Twilio tells about an account to whoever asks.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    /// The account.
    pub(crate) account: Value,
    /// Its WhatsApp senders.
    pub(crate) senders: Vec<Value>,
    /// Its telephone numbers.
    pub(crate) numbers: Vec<Value>,
    /// Messages that it lists beside those it took, newest first.
    pub(crate) listed: Vec<Value>,
    /// The time by its own clock, as answers tell it.
    pub(crate) date: Option<String>,
}

impl Default for Told {
    fn default() -> Self {
        let account = serde_json::json!({"sid": ACCOUNT, "status": "active", "type": "Full"});
        Self { account, senders: Vec::new(), numbers: Vec::new(), listed: Vec::new(), date: None }
    }
}

#[derive(Default)]
struct Exchange {
    told: Told,
    moods: VecDeque<Mood>,
    taken: Vec<Value>,
    heard: Vec<Value>,
    next: u64,
    trial: bool,
    rules: Rules,
    contents: Vec<Value>,
    searched: usize,
    files: Vec<File>,
    deleted: Vec<usize>,
    media_urls: Vec<String>,
    sent_at: Vec<DateTime<Utc>>,
    heard_at: BTreeMap<String, DateTime<Utc>>,
    server: Option<SocketAddr>,
}

/// Twilio.
#[derive(Clone)]
pub(crate) struct TwilioDouble {
    address: SocketAddr,
    exchange: Arc<Mutex<Exchange>>,
    asked: watch::Sender<Vec<Asked>>,
    typed: watch::Sender<Vec<String>>,
    http: reqwest::Client,
    pub(crate) clock: ManualClock,
    /// The guests' telephones.
    pub(crate) phones: Phones,
}

impl TwilioDouble {
    /// Twilio by a clock of its own, which stands still.
    pub(crate) async fn start(now: DateTime<Utc>) -> Self {
        Self::start_on(ManualClock::new(now)).await
    }

    /// Twilio by the test's clock.
    pub(crate) async fn start_on(clock: ManualClock) -> Self {
        // The second time it is there already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let double = Self {
            address: listener.local_addr().expect("an address"),
            exchange: Arc::default(),
            asked: watch::Sender::new(Vec::new()),
            typed: watch::Sender::new(Vec::new()),
            clock,
            phones: Phones::default(),
            http: reqwest::Client::builder().timeout(PATIENCE).build().expect("a client"),
        };
        let store = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let store_at = store.local_addr().expect("an address");
        let stored = media::store(double.clone());
        tokio::spawn(async move { axum::serve(store, stored).await });
        let files = Router::new()
            .route(
                "/2010-04-01/Accounts/{account}/Messages/{message}/Media/{number}",
                get(media::redirect).delete(media::delete),
            )
            .with_state((double.clone(), store_at));
        let routes = Router::new()
            .route("/2010-04-01/Accounts/{account}/Messages.json", post(rest::send).get(rest::list))
            .route("/2010-04-01/Accounts/{file}", get(rest::account))
            .route("/2010-04-01/Accounts/{account}/IncomingPhoneNumbers.json", get(rest::numbers))
            .route("/v2/Channels/Senders", get(rest::senders))
            .route("/v1/Content", post(rest::make_content).get(rest::contents))
            .route("/v2/Indicators/Typing.json", post(rest::typing_v2))
            .route("/v3/Indicators/Typing.json", post(rest::typing_v3))
            .with_state(double.clone())
            .merge(files);
        tokio::spawn(async move { axum::serve(listener, routes).await });
        double
    }

    pub(crate) fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How the next requests to send are met; after them everything is taken.
    pub(crate) fn moods(&self, moods: impl IntoIterator<Item = Mood>) {
        self.exchange().moods.extend(moods);
    }

    /// A trial account takes no free-form message by REST.
    pub(crate) fn is_trial(&self) {
        self.exchange().trial = true;
    }

    pub(crate) fn set_now(&self, now: DateTime<Utc>) {
        self.clock.advance((now - self.clock.now()).to_std().expect("time goes on"));
    }

    /// Whom it calls.
    pub(crate) fn calls(&self, server: SocketAddr) {
        self.exchange().server = Some(server);
    }

    /// Changes what it enforces.
    pub(crate) fn rules(&self, change: impl FnOnce(&mut Rules)) {
        change(&mut self.exchange().rules);
    }

    /// Changes what it tells about the account.
    pub(crate) fn tells(&self, change: impl FnOnce(&mut Told)) {
        change(&mut self.exchange().told);
    }

    /// The messages that were marked as read while somebody writes, once there are that many marks.
    pub(crate) async fn typed(&self, count: usize) -> Vec<String> {
        let mut typed = self.typed.subscribe();
        let wait = typed.wait_for(|typed| typed.len() >= count);
        tokio::time::timeout(PATIENCE, wait).await.expect("marks in time").expect("marks").clone()
    }

    /// How often contents were looked through.
    pub(crate) fn searched(&self) -> usize {
        self.exchange().searched
    }

    /// The contents that were made.
    pub(crate) fn contents(&self) -> Vec<Value> {
        self.exchange().contents.clone()
    }

    /// Fetches the sound that it was told of last, from the server that stands for the public address.
    async fn fetch_sound(&self) -> Option<usize> {
        let (server, url) = {
            let exchange = self.exchange();
            (exchange.server, exchange.media_urls.last().cloned())
        };
        let path = url?.strip_prefix(PUBLIC)?.to_owned();
        let response = self.http.get(format!("http://{}{path}", server?)).send().await.ok()?;
        let is_sound = response.headers().get("content-type")?.to_str().ok()?.starts_with("audio/");
        let bytes = response.error_for_status().ok()?.bytes().await.ok()?;
        is_sound.then_some(bytes.len())
    }

    /// What it was asked to send, once that is so much.
    pub(crate) async fn asked(&self, count: usize) -> Vec<Asked> {
        let mut asked = self.asked.subscribe();
        let wait = asked.wait_for(|asked| asked.len() >= count);
        tokio::time::timeout(PATIENCE, wait).await.expect("requests in time").expect("requests").clone()
    }

    /// What it was asked to send so far.
    pub(crate) fn asked_so_far(&self) -> Vec<Asked> {
        self.asked.borrow().clone()
    }

    /// What a guest's telephone shows, in order.
    pub(crate) fn phone_of(&self, guest: &str) -> Vec<String> {
        self.phones.reads(guest)
    }

    /// The ids of what was taken, in order.
    pub(crate) fn sids(&self) -> Vec<String> {
        let exchange = self.exchange();
        exchange.taken.iter().map(|message| message["sid"].as_str().expect("a sid").to_owned()).collect()
    }

    /// Posts a form to one of our routes as Twilio does: signed over the public address. Answers with status and body.
    pub(crate) async fn post(
        &self,
        server: SocketAddr,
        path: &str,
        form: &[(String, String)],
    ) -> (u16, String) {
        let signature = sign(&format!("{PUBLIC}{path}"), form);
        self.post_signed(server, path, form, Some(&signature)).await
    }

    pub(crate) async fn post_signed(
        &self,
        server: SocketAddr,
        path: &str,
        form: &[(String, String)],
        signature: Option<&str>,
    ) -> (u16, String) {
        let token = uuid::Uuid::new_v4().to_string();
        self.post_as(server, path, form, signature, &token).await
    }

    async fn post_as(
        &self,
        server: SocketAddr,
        path: &str,
        form: &[(String, String)],
        signature: Option<&str>,
        token: &str,
    ) -> (u16, String) {
        let mut request = self.http.post(format!("http://{server}{path}")).form(form);
        request = request.header("I-Twilio-Idempotency-Token", token);
        request = request.header("User-Agent", "TwilioProxy/1.1").header("X-Home-Region", "us1");
        if let Some(signature) = signature {
            request = request.header("X-Twilio-Signature", signature);
        }
        let response = request.send().await.expect("an answer");
        (response.status().as_u16(), response.text().await.expect("a body"))
    }

    /// The same where nobody may be there: none where no whole answer comes.
    pub(crate) async fn try_post(
        &self,
        server: SocketAddr,
        path: &str,
        form: &[(String, String)],
    ) -> Option<u16> {
        let signature = sign(&format!("{PUBLIC}{path}"), form);
        let request = self.http.post(format!("http://{server}{path}")).form(form);
        let response = request.header("X-Twilio-Signature", signature).send().await.ok()?;
        let status = response.status().as_u16();
        response.bytes().await.ok()?;
        Some(status)
    }

    /// Notes what a guest sent, whether or not it reaches anybody.
    pub(crate) fn note_heard(&self, form: &[(String, String)]) {
        let mut exchange = self.exchange();
        let now = self.clock.now();
        exchange.heard.push(serde_json::json!({
            "sid": form::field(form, "MessageSid"), "from": form::field(form, "From"), "to": form::field(form, "To"),
            "body": form::field(form, "Body"), "num_media": "0", "direction": "inbound", "status": "received",
            "date_created": now.to_rfc2822(), "something_new": [1],
        }));
    }

    fn exchange(&self) -> MutexGuard<'_, Exchange> {
        self.exchange.lock().expect("the exchange")
    }
}
