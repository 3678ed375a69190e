//! Recognisers for calls, played on this machine: Deepgram Flux at `/v2/listen`, Deepgram before Flux at `/v1/listen`,
//! OpenAI Realtime at `/openai/v1/realtime`, each on real WebSockets and by its own rules. They share no code with the
//! adapters.
//!
//! They really hear: [`sound::Speech`] makes sound that holds words, and what of it arrives is recognised, so that
//! sound that is lost, cut or sent twice is lost, cut or heard twice. Sound that holds none is heard by a
//! [script](Ears::hears), or by Deepgram's as it was [recorded]. Their clock is the sound they were sent; nothing
//! happens before it.
//!
//! ```ignore
//! let ears = Ears::start().await;
//! let adapter = Flux::new(&ears.deepgram(), KEY.into(), "flux-general-en", …)?;
//! let session = adapter.open(&Hints::default()).await?;
//! session.feed.send(Feed::Sound(Speech::new().say("two nights please").pause(600).sound())).await?;
//! ```

mod flux;
mod realtime;
pub(crate) mod recorded;
pub(crate) mod sound;
mod stage;
mod v1;

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::Router;
use axum::extract::ws::WebSocketUpgrade;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use innkeeper::clock::{Clock, SystemClock};
use serde_json::{Value, json};
use tokio::sync::watch;

use recorded::Recording;
use sound::{Step, Word};
use stage::Stage;

use super::loss::{Loss, Presence};

/// What opens them.
pub(crate) const KEY: &str = "a hearing key";

/// Deepgram closes a connection on which nothing came for so long.
const IDLE: Duration = Duration::from_secs(10);

/// How the next connection is met.
#[derive(Clone, Debug)]
pub(crate) enum Mood {
    /// As it should be.
    Well,
    /// With a status instead of a connection.
    Refused(u16),
    /// Nothing is ever said on it.
    Mute,
    /// It ends when so much sound came, in milliseconds.
    CutAfterSound(u64, End),
    /// It ends when so many messages were sent.
    CutAfterMessages(usize, End),
    /// These messages are sent, whatever is said; then nothing.
    Says(Vec<Value>),
}

/// How a connection ends.
#[derive(Clone, Debug)]
pub(crate) enum End {
    /// Without a word.
    Broken,
    /// With a code and a reason.
    Closed(u16, &'static str),
    /// With the provider's own error message, then a code.
    Error(u16),
}

/// What they are like, all of them.
#[derive(Clone, Debug)]
pub(crate) struct Manner {
    /// How long after the sound their messages come.
    pub(crate) latency: Duration,
    /// By how much more at most, and the seed that decides it.
    pub(crate) jitter: Duration,
    pub(crate) seed: u64,
    /// What Deepgram's hear of all that is said, one after the other.
    pub(crate) recordings: Vec<Recording>,
    /// How much silence makes Flux believe that a turn is probably over, and that it is, at a threshold of 0.7.
    pub(crate) eager_ms: u64,
    pub(crate) end_ms: u64,
    /// They say things that no client knows yet.
    pub(crate) is_strange: bool,
    /// Deepgram before Flux never says that speech is final, as in noise.
    pub(crate) is_noisy: bool,
    /// Flux and v1 refuse every configuration.
    pub(crate) refuses_configurations: bool,
    /// OpenAI writes down every second item before the one that came before it.
    pub(crate) swaps_items: bool,
    /// OpenAI fails to write down the items with these numbers.
    pub(crate) fails_items: Vec<usize>,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            seed: 1,
            recordings: Vec::new(),
            eager_ms: 120,
            end_ms: 260,
            is_strange: false,
            is_noisy: false,
            refuses_configurations: false,
            swaps_items: false,
            fails_items: Vec::new(),
        }
    }
}

/// One connection, or an attempt at one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Visit {
    /// `flux`, `v1` or `realtime`.
    pub(crate) route: &'static str,
    /// Fields of the address; repeated ones in a list.
    pub(crate) query: BTreeMap<String, Vec<String>>,
    /// The text messages that came.
    pub(crate) received: Vec<Value>,
    /// How long each message of sound was, in bytes.
    pub(crate) chunks: Vec<usize>,
    /// The messages that were sent.
    pub(crate) sent: Vec<Value>,
    /// What the other end did that the provider forbids.
    pub(crate) wrongs: Vec<String>,
    /// Whether it is over, and with what the other end closed it.
    pub(crate) ended: Option<Option<u16>>,
}

/// The doubles.
#[derive(Clone)]
pub(crate) struct Ears {
    address: SocketAddr,
    clock: Arc<dyn Clock>,
    state: Arc<Mutex<Heads>>,
    changed: Arc<watch::Sender<u64>>,
    /// Whether they are there.
    pub(crate) presence: Presence,
}

#[derive(Default)]
struct Heads {
    manner: Manner,
    moods: VecDeque<Mood>,
    script: Vec<Word>,
    visits: Vec<Visit>,
    /// All sound of the last call, to find where on it another connection begins.
    tape: Vec<u8>,
}

/// What a provider answers.
#[derive(Default)]
struct Answer {
    messages: Vec<Value>,
    close: Option<(u16, &'static str)>,
    wrong: Option<String>,
}

/// A provider on one connection.
trait Player: Send {
    fn opened(&mut self) -> Vec<Value>;
    /// Twenty milliseconds more were heard.
    fn hears(&mut self, step: &Step) -> Vec<Value>;
    fn reads(&mut self, message: &Value) -> Answer;
    fn fails(&mut self) -> Option<Value>;
    /// The sound in a text message.
    fn sound(&self, _message: &Value) -> Option<Vec<u8>> {
        None
    }
    /// Whether nothing may come for a long time.
    fn is_patient(&self) -> bool {
        false
    }
}

impl Ears {
    /// Starts them on a port of their own.
    pub(crate) async fn start() -> Self {
        Self::start_on(Arc::new(SystemClock)).await
    }

    /// Starts them with a clock for what does not depend on sound.
    pub(crate) async fn start_on(clock: Arc<dyn Clock>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let changed = Arc::new(watch::Sender::new(0));
        let ears = Self { address, clock, state: Arc::default(), changed, presence: Presence::default() };
        let routes = Router::new()
            .route("/v2/listen", get(flux_route))
            .route("/v1/listen", get(v1_route))
            .route("/openai/v1/realtime", get(realtime_route))
            .with_state(ears.clone());
        tokio::spawn(ears.presence.clone().serve(listener, routes));
        ears
    }

    /// Deepgram's address.
    pub(crate) fn deepgram(&self) -> String {
        format!("http://{}", self.address)
    }

    /// OpenAI's address.
    pub(crate) fn openai(&self) -> String {
        format!("http://{}/openai/v1", self.address)
    }

    /// What they are like from the next connection on.
    pub(crate) fn behave(&self, manner: Manner) {
        self.lock().manner = manner;
    }

    /// How the next connections are met; after them all are as they should be.
    pub(crate) fn moods(&self, moods: impl IntoIterator<Item = Mood>) {
        self.lock().moods.extend(moods);
    }

    /// What is heard in sound that holds no words: words with their times, in milliseconds of the call's sound. A
    /// connection that begins with sound that came before begins there.
    pub(crate) fn hears<'a>(&self, words: impl IntoIterator<Item = (&'a str, u64, u64)>) {
        let word =
            |(text, from, to): (&str, u64, u64)| Word { text: text.to_owned(), from: from * 8, to: to * 8 };
        self.lock().script = words.into_iter().map(word).collect();
    }

    /// All connections so far.
    pub(crate) fn visits(&self) -> Vec<Visit> {
        self.lock().visits.clone()
    }

    /// Waits until the connections are so.
    pub(crate) async fn until(&self, so: impl Fn(&[Visit]) -> bool) {
        let mut changed = self.changed.subscribe();
        while !so(&self.lock().visits) {
            changed.changed().await.expect("the doubles");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Heads> {
        self.state.lock().expect("the doubles")
    }

    fn note(&self, visit: usize, note: impl FnOnce(&mut Visit)) {
        note(&mut self.lock().visits[visit]);
        self.changed.send_modify(|count| *count += 1);
    }

    fn visit(&self, route: &'static str, query: &BTreeMap<String, Vec<String>>) -> (usize, Mood, Manner) {
        let mut state = self.lock();
        state.visits.push(Visit { route, query: query.clone(), ..Visit::default() });
        let mood = state.moods.pop_front().unwrap_or(Mood::Well);
        let all = (state.visits.len() - 1, mood, state.manner.clone());
        drop(state);
        self.changed.send_modify(|count| *count += 1);
        all
    }
}

fn fields(query: Option<String>) -> BTreeMap<String, Vec<String>> {
    let url = reqwest::Url::parse(&format!("http://x/?{}", query.unwrap_or_default())).expect("a query");
    let mut fields = BTreeMap::<String, Vec<String>>::new();
    for (name, value) in url.query_pairs() {
        fields.entry(name.into_owned()).or_default().push(value.into_owned());
    }
    fields
}

fn authorized(headers: &HeaderMap, scheme: &str) -> bool {
    headers.get(header::AUTHORIZATION).is_some_and(|given| given == format!("{scheme} {KEY}").as_str())
}

fn refuses(status: u16, code: &'static str) -> Response {
    let status = StatusCode::from_u16(status).expect("a status");
    let body = json!({"err_code": code, "err_msg": "what it says may hold words", "request_id": "r1"});
    (status, [("dg-error", code), ("dg-request-id", "r1")], axum::Json(body)).into_response()
}

fn code_of(status: u16) -> &'static str {
    match status {
        401 => "INVALID_AUTH",
        402 => "ASR_PAYMENT_REQUIRED",
        403 => "INSUFFICIENT_PERMISSIONS",
        429 => "TOO_MANY_REQUESTS",
        500.. => "INTERNAL_SERVER_ERROR",
        _ => "Bad Request",
    }
}

async fn flux_route(
    State(ears): State<Ears>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let query = fields(query);
    let (visit, mood, manner) = ears.visit("flux", &query);
    if !authorized(&headers, "Token") {
        return refuses(401, "INVALID_AUTH");
    }
    match flux::Flux::new(&query, manner) {
        Ok(player) => meet(ears, visit, mood, upgrade, Box::new(player)),
        Err(wrong) => {
            ears.note(visit, |visit| visit.wrongs.push(wrong));
            refuses(400, "INVALID_QUERY_PARAMETER")
        }
    }
}

async fn v1_route(
    State(ears): State<Ears>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let query = fields(query);
    let (visit, mood, manner) = ears.visit("v1", &query);
    if !authorized(&headers, "Token") {
        return refuses(401, "INVALID_AUTH");
    }
    match v1::V1::new(&query, manner) {
        Ok(player) => meet(ears, visit, mood, upgrade, Box::new(player)),
        Err(wrong) => {
            ears.note(visit, |visit| visit.wrongs.push(wrong));
            refuses(400, "INVALID_QUERY_PARAMETER")
        }
    }
}

async fn realtime_route(
    State(ears): State<Ears>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    upgrade: WebSocketUpgrade,
) -> Response {
    let query = fields(query);
    let (visit, mood, manner) = ears.visit("realtime", &query);
    if !authorized(&headers, "Bearer") {
        let error =
            json!({"error": {"message": "…", "type": "invalid_request_error", "code": "invalid_api_key"}});
        return (StatusCode::UNAUTHORIZED, axum::Json(error)).into_response();
    }
    meet(ears, visit, mood, upgrade, Box::new(realtime::Realtime::new(manner)))
}

fn meet(
    ears: Ears,
    visit: usize,
    mood: Mood,
    upgrade: WebSocketUpgrade,
    player: Box<dyn Player>,
) -> Response {
    if let Mood::Refused(status) = mood {
        return refuses(status, code_of(status));
    }
    if ears.presence.now() == Loss::Error {
        return refuses(503, code_of(503));
    }
    let mut response = upgrade.on_upgrade(move |socket| Stage::new(ears, visit, mood, player).play(socket));
    response.headers_mut().insert("dg-request-id", header::HeaderValue::from_static("r1"));
    response
}
