//! Deepgram, and a server with OpenAI's audio routes, played on this machine: what they take, refuse and delay.
//!
//! It speaks both wire protocols and shares no code with the adapters.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use futures::stream;
use innkeeper::clock::{Clock as _, ManualClock};
use serde_json::{Value, json};

/// What opens it.
pub(crate) const KEY: &str = "a speech key";

/// How the next request is met.
#[derive(Clone, Debug)]
pub(crate) enum Mood {
    /// As it should be, after so long by the test's clock.
    After(Duration),
    /// With a status and no reason.
    Failing(u16),
    /// Not now; after so many seconds.
    Busy(u64),
    /// The connection breaks in the middle of the answer.
    Cutting,
    /// With something that is no JSON and no sound.
    Garbled,
}

/// One request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) route: &'static str,
    /// Fields of the query or the form; repeated ones are joined by a comma.
    pub(crate) fields: BTreeMap<String, String>,
    pub(crate) content_type: String,
    pub(crate) bytes: Vec<u8>,
}

#[derive(Default)]
struct Exchange {
    moods: VecDeque<Mood>,
    words: VecDeque<(String, f64)>,
    asked: Vec<Asked>,
}

/// The double.
#[derive(Clone)]
pub(crate) struct SpeechDouble {
    address: SocketAddr,
    clock: ManualClock,
    exchange: Arc<Mutex<Exchange>>,
}

impl SpeechDouble {
    pub(crate) async fn start_on(clock: ManualClock) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let double = Self { address, clock, exchange: Arc::default() };
        let routes = Router::new()
            .route("/v1/listen", post(listen))
            .route("/v1/speak", post(speak))
            .route("/openai/v1/audio/transcriptions", post(transcribe))
            .route("/openai/v1/audio/speech", post(openai_speech))
            .layer(DefaultBodyLimit::max(64 * 1024 * 1024))
            .with_state(double.clone());
        tokio::spawn(async move { axum::serve(listener, routes).await });
        double
    }

    pub(crate) fn deepgram(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn openai(&self) -> String {
        format!("http://{}/openai/v1", self.address)
    }

    /// What is heard in the next recordings, with how sure it is; then nothing.
    pub(crate) fn hears(&self, words: &[(&str, f64)]) {
        self.exchange().words.extend(words.iter().map(|(words, sure)| ((*words).to_owned(), *sure)));
    }

    /// How the next requests are met; after them all are as they should be.
    pub(crate) fn moods(&self, moods: impl IntoIterator<Item = Mood>) {
        self.exchange().moods.extend(moods);
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.exchange().asked.clone()
    }

    fn exchange(&self) -> MutexGuard<'_, Exchange> {
        self.exchange.lock().expect("the exchange")
    }

    /// Notes a request and meets it; `None` is as it should be.
    async fn meets(&self, asked: Asked) -> Option<Response> {
        let mood = {
            let mut exchange = self.exchange();
            exchange.asked.push(asked);
            exchange.moods.pop_front()
        };
        match mood? {
            Mood::After(while_) => {
                self.clock.sleep(while_).await;
                None
            }
            Mood::Failing(code) => Some(status(code).into_response()),
            Mood::Busy(seconds) => {
                let after = [(header::RETRY_AFTER, seconds.to_string())];
                Some((StatusCode::TOO_MANY_REQUESTS, after, "{}").into_response())
            }
            Mood::Cutting => {
                let pieces = [Ok(Bytes::from_static(b"{\"results\":")), Err("the connection breaks")];
                Some(Body::from_stream(stream::iter(pieces)).into_response())
            }
            Mood::Garbled => Some("It is raining.".into_response()),
        }
    }

    fn next_words(&self) -> (String, f64) {
        self.exchange().words.pop_front().unwrap_or_default()
    }
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).expect("a status")
}

fn deepgram_refuses(code: u16, err_code: &str) -> Response {
    let said = json!({"err_code": err_code, "err_msg": "what it says may hold words", "request_id": "r1"});
    (status(code), [("dg-error", err_code.to_owned())], Json(said)).into_response()
}

fn openai_refuses(code: u16, word: &str) -> Response {
    let error =
        json!({"error": {"message": "…", "type": "invalid_request_error", "code": word, "param": null}});
    (status(code), Json(error)).into_response()
}

fn fields(query: Option<String>) -> BTreeMap<String, String> {
    let url = reqwest::Url::parse(&format!("http://x/?{}", query.unwrap_or_default())).expect("a query");
    let mut fields = BTreeMap::<String, String>::new();
    for (name, value) in url.query_pairs() {
        let field = fields.entry(name.into_owned()).or_default();
        let comma = if field.is_empty() { "" } else { "," };
        field.push_str(&format!("{comma}{value}"));
    }
    fields
}

fn content_type(headers: &HeaderMap) -> String {
    headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default().to_owned()
}

/// Whether a decoder finds sound in it.
fn is_sound(bytes: &[u8]) -> bool {
    bytes.starts_with(b"OggS") || bytes.starts_with(b"ID3") || bytes.starts_with(b"RIFF")
}

fn authorized(headers: &HeaderMap, scheme: &str) -> bool {
    headers.get(header::AUTHORIZATION).is_some_and(|given| given == format!("{scheme} {KEY}").as_str())
}

async fn listen(
    State(double): State<SpeechDouble>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let fields = fields(query);
    let asked = Asked {
        route: "listen",
        fields: fields.clone(),
        content_type: content_type(&headers),
        bytes: body.to_vec(),
    };
    if !authorized(&headers, "Token") {
        return deepgram_refuses(401, "INVALID_AUTH");
    }
    if let Some(met) = double.meets(asked).await {
        return met;
    }
    let model = fields.get("model").map_or("", String::as_str);
    if !model.starts_with("nova-") || fields.contains_key("keyterm") && !model.starts_with("nova-3") {
        return deepgram_refuses(400, "INVALID_QUERY_PARAMETER");
    }
    if !is_sound(&body) {
        return deepgram_refuses(400, "Bad Request");
    }
    let (words, sure) = double.next_words();
    let alternative = json!({"transcript": words, "confidence": sure, "words": []});
    let mut channel = json!({"alternatives": [alternative]});
    if fields.get("detect_language").is_some_and(|detect| detect == "true") {
        channel["detected_language"] = json!("en");
        channel["language_confidence"] = json!(0.9);
    }
    let metadata = json!({
        "transaction_key": "deprecated", "request_id": "r1", "sha256": "x", "duration": 2.5, "channels": 1,
        "something_new": {},
    });
    let said = json!({"metadata": metadata, "results": {"channels": [channel]}});
    ([("dg-request-id", "r1")], Json(said)).into_response()
}

async fn speak(
    State(double): State<SpeechDouble>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    let fields = fields(query);
    let text = body["text"].as_str().unwrap_or_default().to_owned();
    let asked = Asked {
        route: "speak",
        fields: fields.clone(),
        content_type: content_type(&headers),
        bytes: text.clone().into_bytes(),
    };
    if !authorized(&headers, "Token") {
        return deepgram_refuses(401, "INVALID_AUTH");
    }
    if let Some(met) = double.meets(asked).await {
        return met;
    }
    if text.chars().count() > 2000 {
        return deepgram_refuses(413, "Payload Too Large");
    }
    let is = |name: &str, value: &str| fields.get(name).is_some_and(|field| field == value);
    if !is("encoding", "opus") || !is("container", "ogg") {
        return ([(header::CONTENT_TYPE, "audio/mpeg")], "ID3").into_response();
    }
    ([(header::CONTENT_TYPE, "audio/ogg;codecs=opus")], b"OggS and sound".to_vec()).into_response()
}

/// The fields of a form with files: name to value, and the file's name.
fn form(content_type: &str, body: &[u8]) -> Option<(BTreeMap<String, String>, String, Vec<u8>)> {
    let boundary = content_type.split_once("boundary=")?.1;
    let mark = format!("--{boundary}").into_bytes();
    let (mut fields, mut name, mut file) = (BTreeMap::new(), String::new(), Vec::new());
    let mut rest = body;
    loop {
        rest = rest.strip_prefix(mark.as_slice())?;
        if rest.starts_with(b"--") {
            return Some((fields, name, file));
        }
        let part = &rest[2..rest.windows(mark.len()).position(|window| window == mark)?];
        let head = part.windows(4).position(|window| window == b"\r\n\r\n")?;
        let value = &part[head + 4..part.len() - 2];
        let words = std::str::from_utf8(&part[..head]).ok()?;
        let field = words.split_once("name=\"")?.1.split_once('"')?.0;
        if let Some((_, given)) = words.split_once("filename=\"") {
            (name, file) = (given.split_once('"')?.0.to_owned(), value.to_vec());
        } else {
            fields.insert(field.to_owned(), String::from_utf8(value.to_vec()).ok()?);
        }
        rest = &rest[2 + part.len()..];
    }
}

async fn transcribe(State(double): State<SpeechDouble>, headers: HeaderMap, body: Bytes) -> Response {
    if !authorized(&headers, "Bearer") {
        return openai_refuses(401, "invalid_api_key");
    }
    if body.len() > 25 * 1024 * 1024 {
        return openai_refuses(413, "too_large");
    }
    let content_type = content_type(&headers);
    let Some((fields, name, file)) = form(&content_type, &body) else {
        return openai_refuses(400, "not_a_form");
    };
    let asked = Asked {
        route: "transcriptions",
        fields: fields.clone(),
        content_type: name.clone(),
        bytes: file.clone(),
    };
    if let Some(met) = double.meets(asked).await {
        return met;
    }
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    let known = ["flac", "m4a", "mp3", "mp4", "mpeg", "mpga", "oga", "ogg", "wav", "webm"];
    if !name.rsplit_once('.').is_some_and(|(_, end)| known.contains(&end)) || !is_sound(&file) {
        return openai_refuses(400, "unsupported_format");
    }
    let (words, sure) = double.next_words();
    let whisper = field("model").contains("whisper");
    let said = match (field("response_format"), whisper) {
        ("verbose_json", true) => {
            let nobody = if words.is_empty() { 0.9 } else { 0.01 };
            let segment =
                json!({"text": words, "avg_logprob": sure.max(0.01).ln(), "no_speech_prob": nobody});
            json!({"task": "transcribe", "language": "english", "duration": 2.5, "text": words, "segments": [segment]})
        }
        ("json", false) => {
            let token = json!({"token": "x", "logprob": sure.max(0.01).ln(), "bytes": []});
            json!({"text": words, "logprobs": [token]})
        }
        _ => return openai_refuses(400, "unsupported_value"),
    };
    Json(said).into_response()
}

async fn openai_speech(
    State(double): State<SpeechDouble>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Response {
    if !authorized(&headers, "Bearer") {
        return openai_refuses(401, "invalid_api_key");
    }
    let words = body["input"].as_str().unwrap_or_default();
    let fields = ["model", "voice", "response_format"]
        .map(|name| (name.to_owned(), body[name].as_str().unwrap_or_default().to_owned()));
    let asked = Asked {
        route: "speech",
        fields: fields.into_iter().collect(),
        bytes: words.as_bytes().to_vec(),
        ..Asked::default()
    };
    if let Some(met) = double.meets(asked).await {
        return met;
    }
    if words.chars().count() > 4096 {
        return openai_refuses(400, "string_above_max_length");
    }
    let sound: &[u8] = if body["response_format"] == "opus" { b"OggS and sound" } else { b"ID3" };
    ([(header::CONTENT_TYPE, "audio/ogg")], sound.to_vec()).into_response()
}
