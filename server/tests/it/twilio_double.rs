//! Twilio, played on this machine: its REST API, its webhooks and the guest's telephone behind it.
//!
//! It speaks the wire protocol and shares no code with the adapter. What a guest sees is what it took, in order.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use futures::stream;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;
use tokio::sync::watch;

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

#[derive(Default)]
struct Exchange {
    moods: VecDeque<Mood>,
    taken: Vec<Value>,
    next: u64,
    now: DateTime<Utc>,
    trial: bool,
}

/// Twilio.
#[derive(Clone)]
pub(crate) struct TwilioDouble {
    address: SocketAddr,
    exchange: Arc<Mutex<Exchange>>,
    asked: watch::Sender<Vec<Asked>>,
    http: reqwest::Client,
}

impl TwilioDouble {
    pub(crate) async fn start(now: DateTime<Utc>) -> Self {
        // The second time it is there already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let double = Self {
            address: listener.local_addr().expect("an address"),
            exchange: Arc::new(Mutex::new(Exchange { now, ..Exchange::default() })),
            asked: watch::Sender::new(Vec::new()),
            http: reqwest::Client::builder().timeout(Duration::from_secs(20)).build().expect("a client"),
        };
        let routes = Router::new()
            .route("/2010-04-01/Accounts/{account}/Messages.json", post(send).get(list))
            .with_state(double.clone());
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
        self.exchange().now = now;
    }

    /// What it was asked to send, once that is so much.
    pub(crate) async fn asked(&self, count: usize) -> Vec<Asked> {
        let mut asked = self.asked.subscribe();
        let wait = asked.wait_for(|asked| asked.len() >= count);
        tokio::time::timeout(Duration::from_secs(20), wait)
            .await
            .expect("requests in time")
            .expect("requests")
            .clone()
    }

    /// What it was asked to send so far.
    pub(crate) fn asked_so_far(&self) -> Vec<Asked> {
        self.asked.borrow().clone()
    }

    /// What a guest's telephone shows, in order, of what came by REST.
    pub(crate) fn phone_of(&self, guest: &str) -> Vec<String> {
        let exchange = self.exchange();
        let theirs = exchange.taken.iter().filter(|message| message["to"] == guest);
        theirs.map(|message| message["body"].as_str().expect("a body").to_owned()).collect()
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
        let mut request = self.http.post(format!("http://{server}{path}")).form(form);
        request = request.header("I-Twilio-Idempotency-Token", uuid::Uuid::new_v4().to_string());
        if let Some(signature) = signature {
            request = request.header("X-Twilio-Signature", signature);
        }
        let response = request.send().await.expect("an answer");
        (response.status().as_u16(), response.text().await.expect("a body"))
    }

    fn exchange(&self) -> MutexGuard<'_, Exchange> {
        self.exchange.lock().expect("the exchange")
    }
}

/// The form of a text message, its fields in an order of its own and with one nobody has heard of.
pub(crate) fn message(sid: &str, from: &str, body: &str) -> Vec<(String, String)> {
    let id = format!("SM{sid:0>32}");
    let metadata = json!({"type": "whatsapp", "data": {"context": {"ProfileName": "Ana"}}}).to_string();
    let mut fields = vec![
        ("SmsMessageSid", id.clone()),
        ("NumMedia", "0".to_owned()),
        ("ProfileName", "Ana Gómez 👍\n".to_owned()),
        ("MessageType", "text".to_owned()),
        ("SmsSid", id.clone()),
        ("SmsStatus", "received".to_owned()),
        ("Body", body.to_owned()),
        ("To", SENDER.to_owned()),
        ("NumSegments", "1".to_owned()),
        ("ReferralNumMedia", "0".to_owned()),
        ("MessageSid", id),
        ("AccountSid", ACCOUNT.to_owned()),
        ("ChannelMetadata", metadata),
        ("From", from.to_owned()),
        ("ApiVersion", "2010-04-01".to_owned()),
        ("SomethingNew", "&=+ %41".to_owned()),
    ];
    if let Some(digits) = from.strip_prefix("whatsapp:+") {
        fields.push(("WaId", digits.to_owned()));
    }
    // Another order for every message, the same whenever it is sent.
    let turn = body.len() % fields.len();
    fields.rotate_left(turn);
    if body.len() % 2 == 1 {
        fields.reverse();
    }
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Replaces or adds fields.
pub(crate) fn with(mut form: Vec<(String, String)>, fields: &[(&str, &str)]) -> Vec<(String, String)> {
    for (name, value) in fields {
        form.retain(|(field, _)| field != name);
        form.push(((*name).to_owned(), (*value).to_owned()));
    }
    form
}

/// The form of a status report.
pub(crate) fn status(sid: &str, status: &str, more: &[(&str, &str)]) -> Vec<(String, String)> {
    let form = [
        ("MessageSid", sid),
        ("SmsSid", sid),
        ("MessageStatus", status),
        ("SmsStatus", status),
        ("From", SENDER),
        ("To", "whatsapp:+34600000001"),
        ("AccountSid", ACCOUNT),
        ("ApiVersion", "2010-04-01"),
        ("ChannelPrefix", "whatsapp"),
        ("ChannelToAddress", "+3460000XXXX"),
    ];
    with(form.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(), more)
}

/// The signature of a form: written from the protocol's description, apart from the adapter.
pub(crate) fn sign(url: &str, form: &[(String, String)]) -> String {
    let mut sorted: BTreeMap<&String, BTreeSet<&String>> = BTreeMap::new();
    for (name, value) in form {
        sorted.entry(name).or_default().insert(value);
    }
    let fields = sorted
        .into_iter()
        .flat_map(|(name, values)| values.into_iter().map(move |value| format!("{name}{value}")));
    let text = format!("{url}{}", fields.collect::<String>());
    let mut mac = Hmac::<Sha1>::new_from_slice(TOKEN.as_bytes()).expect("a key");
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

async fn send(
    State(double): State<TwilioDouble>,
    Path(account): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(refusal) = unauthorized(&account, &headers) {
        return refusal;
    }
    let fields: BTreeMap<String, String> =
        reqwest::Url::parse(&format!("http://x/?{}", std::str::from_utf8(&body).expect("a form")))
            .expect("a form")
            .query_pairs()
            .into_owned()
            .collect();
    let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
    let asked = Asked {
        from: field("From"),
        to: field("To"),
        body: field("Body"),
        report_to: field("StatusCallback"),
    };
    let mood = double.exchange().moods.pop_front().unwrap_or(Mood::Taking);
    let answer = {
        let mut exchange = double.exchange();
        match mood {
            Mood::Refusing(status, code) => error(status, code),
            Mood::Busy(seconds) => {
                let mut answer = error(429, 20429);
                answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
                answer
            }
            Mood::Failing => StatusCode::SERVICE_UNAVAILABLE.into_response(),
            _ if exchange.trial => error(400, 21654),
            _ if asked.body.is_empty() => error(400, 21619),
            _ if asked.body.encode_utf16().count() > 1600 => error(400, 21617),
            _ if !asked.to.starts_with("whatsapp:") => error(400, 21211),
            _ if asked.from != SENDER => error(400, 21606),
            _ => taken(&mut exchange, &asked),
        }
    };
    double.asked.send_modify(|all| all.push(asked));
    match mood {
        Mood::TakingThenFailing => StatusCode::BAD_GATEWAY.into_response(),
        Mood::TakingThenSilent => future::pending().await,
        Mood::TakingThenCutting => {
            let pieces = [Ok(Bytes::from_static(b"{\"sid\":")), Err("the connection breaks")];
            (StatusCode::CREATED, Body::from_stream(stream::iter(pieces))).into_response()
        }
        Mood::Taking | Mood::Refusing(..) | Mood::Busy(_) | Mood::Failing => answer,
    }
}

fn taken(exchange: &mut Exchange, asked: &Asked) -> Response {
    exchange.next += 1;
    let sid = format!("SM{:0>32}", format!("9{}", exchange.next));
    let message = json!({
        "account_sid": ACCOUNT, "api_version": "2010-04-01", "body": asked.body, "date_created": exchange.now.to_rfc2822(),
        "date_sent": null, "direction": "outbound-api", "error_code": null, "from": asked.from, "num_media": "0",
        "num_segments": "1", "sid": sid, "status": "queued", "to": asked.to, "something_new": {"a": 1},
    });
    exchange.taken.push(message.clone());
    (StatusCode::CREATED, Json(message)).into_response()
}

async fn list(
    State(double): State<TwilioDouble>,
    Path(account): Path<String>,
    headers: HeaderMap,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    if let Some(refusal) = unauthorized(&account, &headers) {
        return refusal;
    }
    let exchange = double.exchange();
    let to = query.get("To").expect("whose messages");
    let newest_first: Vec<&Value> =
        exchange.taken.iter().rev().filter(|message| message["to"] == **to).collect();
    Json(json!({"messages": newest_first, "next_page_uri": null, "page": 0})).into_response()
}

fn unauthorized(account: &str, headers: &HeaderMap) -> Option<Response> {
    let expected = format!("Basic {}", STANDARD.encode(format!("{ACCOUNT}:{TOKEN}")));
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    (account != ACCOUNT || given != Some(&expected)).then(|| error(401, 20003))
}

fn error(status: u16, code: u32) -> Response {
    let body = json!({
        "code": code, "message": "The 'To' number whatsapp:+34600000001 is not what it should be", "status": status,
        "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
    });
    (StatusCode::from_u16(status).expect("a status"), Json(body)).into_response()
}
