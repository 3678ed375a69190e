//! Meta's Graph API: sending with its limits, marks, files.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use futures::stream;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::hook::{change, status};
use super::{BEARER, Exchange, File, MetaDouble, Mood, NUMBER, SECRET};
use crate::support::phone::Bubble;

/// How long an answer waits for the report before it.
const EARLY: Duration = Duration::from_millis(300);

/// The hash of a file as it is told.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    STANDARD.encode(Sha256::digest(bytes))
}

fn unauthorized(headers: &HeaderMap) -> Option<Response> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    (given != Some(&format!("Bearer {BEARER}"))).then(|| error(401, 190))
}

fn error(status: u16, code: u32) -> Response {
    let body = json!({"error": {
        "message": format!("(#{code}) Message to 34600000001 failed"), "type": "OAuthException", "code": code,
        "error_data": {"messaging_product": "whatsapp", "details": "34600000001"}, "fbtrace_id": "x",
    }});
    (StatusCode::from_u16(status).expect("a status"), Json(body)).into_response()
}

/// `POST /{number}/messages`: a message, or a mark.
pub(super) async fn send(
    State(double): State<MetaDouble>,
    Path(number): Path<String>,
    headers: HeaderMap,
    Json(asked): Json<Value>,
) -> Response {
    if let Some(refusal) = unauthorized(&headers) {
        return refusal;
    }
    if number != NUMBER || asked["messaging_product"] != "whatsapp" {
        return error(400, 100);
    }
    if asked["status"] == "read" {
        let Some(id) = asked["message_id"].as_str().filter(|_| asked["typing_indicator"]["type"] == "text")
        else {
            return error(400, 131_009);
        };
        double.typed.send_modify(|all| all.push(id.to_owned()));
        return Json(json!({"success": true})).into_response();
    }
    let mood = {
        let mut exchange = double.exchange();
        exchange.asked.push(asked.clone());
        exchange.mood()
    };
    match mood {
        Mood::Refusing(status, code) => return error(status, code),
        Mood::Failing => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Mood::Taking | Mood::TakingThenFailing | Mood::TakingThenCutting | Mood::ReportingFirst => {}
    }
    let (to, bubble) = match check(&double, &asked) {
        Ok(checked) => checked,
        Err(code) => return error(400, code),
    };
    let id = {
        let mut exchange = double.exchange();
        exchange.next += 1;
        format!("wamid.{}", STANDARD.encode(format!("message {}", exchange.next)))
    };
    let fails = undeliverable(&double, &to, &bubble);
    if fails.is_none() {
        double.phones.show(&to, &id, bubble);
    }
    let early = matches!(mood, Mood::ReportingFirst);
    report(&double, &id, &asked, fails, early).await;
    if matches!(mood, Mood::TakingThenFailing) {
        return StatusCode::BAD_GATEWAY.into_response();
    }
    if matches!(mood, Mood::TakingThenCutting) {
        let pieces = [Ok(Bytes::from_static(b"{\"messages\":")), Err("the connection breaks")];
        return Body::from_stream(stream::iter(pieces)).into_response();
    }
    Json(json!({
        "messaging_product": "whatsapp", "contacts": [{"input": to, "wa_id": to}],
        "messages": [{"id": id, "message_status": "accepted"}],
    }))
    .into_response()
}

impl Exchange {
    /// How the next request to send is met.
    fn mood(&mut self) -> Mood {
        if let Some(mood) = self.moods.pop_front() {
            return mood;
        }
        let Some(dice) = &mut self.rules.weather else { return Mood::Taking };
        match dice.below(100) {
            0 => Mood::Failing,
            1 => Mood::TakingThenFailing,
            2 => Mood::TakingThenCutting,
            3 => Mood::ReportingFirst,
            4 => Mood::Refusing(400, 131_056),
            _ => Mood::Taking,
        }
    }
}

/// What the API refuses at once; what it takes is what the guest would see.
fn check(double: &MetaDouble, asked: &Value) -> Result<(String, Bubble), u32> {
    let to = match (asked["to"].as_str(), asked["recipient"].as_str()) {
        (Some(digits), None) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits,
        (None, Some(scoped)) if scoped.contains('.') => scoped,
        _ => return Err(131_009),
    };
    let kind = asked["type"].as_str().ok_or(131_008_u32)?;
    if asked["recipient"].is_string() && kind == "template" {
        return Err(131_062);
    }
    let bubble = bubble(kind, &asked[kind])?;
    let now = double.now();
    let mut exchange = double.exchange();
    if let Some(most) = exchange.rules.pair {
        let sent = exchange.sent_at.entry(to.to_owned()).or_default();
        if sent.iter().filter(|at| now - **at < TimeDelta::seconds(6)).count() >= most {
            return Err(131_056);
        }
        sent.push(now);
    }
    Ok((to.to_owned(), bubble))
}

fn bubble(kind: &str, content: &Value) -> Result<Bubble, u32> {
    let short = |json: &Value, most: usize| match json.as_str() {
        Some(text) if !text.is_empty() && text.encode_utf16().count() <= most => Ok(text.to_owned()),
        _ => Err(131_009_u32),
    };
    let unique = |pairs: Vec<(String, String)>| {
        let mut titles: Vec<&String> = pairs.iter().map(|(_, title)| title).collect();
        titles.sort();
        titles.dedup();
        if titles.len() == pairs.len() { Ok(pairs) } else { Err(131_009_u32) }
    };
    match kind {
        "text" => short(&content["body"], 4096).map(Bubble::Text).map_err(|_| 100),
        "interactive" => {
            let body = short(&content["body"]["text"], 1024)?;
            let action = &content["action"];
            if content["type"] == "button" {
                let buttons = action["buttons"]
                    .as_array()
                    .filter(|all| (1..=3).contains(&all.len()))
                    .ok_or(131_009_u32)?;
                let pair = |button: &Value| {
                    Ok((short(&button["reply"]["id"], 256)?, short(&button["reply"]["title"], 20)?))
                };
                let pairs: Result<Vec<_>, u32> = buttons.iter().map(pair).collect();
                return Ok(Bubble::Buttons(body, unique(pairs?)?));
            }
            let sections = action["sections"].as_array().ok_or(131_009_u32)?;
            let rows: Vec<&Value> =
                sections.iter().filter_map(|section| section["rows"].as_array()).flatten().collect();
            if rows.is_empty() || rows.len() > 10 || sections.len() > 10 {
                return Err(131_009);
            }
            let pair = |row: &&Value| {
                if !row["description"].is_null() {
                    short(&row["description"], 72)?;
                }
                Ok((short(&row["id"], 200)?, short(&row["title"], 24)?))
            };
            let pairs: Result<Vec<_>, u32> = rows.iter().map(pair).collect();
            Ok(Bubble::List(body, short(&action["button"], 20)?, unique(pairs?)?))
        }
        "template" => {
            let values = content["components"].as_array().into_iter().flatten();
            let values =
                values.flat_map(|component| component["parameters"].as_array().into_iter().flatten());
            let values = values.filter_map(|value| value["text"].as_str().or(value["payload"].as_str()));
            let values = values.map(str::to_owned).collect();
            Ok(Bubble::Template(short(&content["name"], 512).map_err(|_| 132_001_u32)?, values))
        }
        "audio" => {
            let id = content["id"].as_str().ok_or(131_009_u32)?;
            let bytes = id.rsplit('x').next().and_then(|bytes| bytes.parse().ok()).ok_or(131_053_u32)?;
            Ok(Bubble::Sound { bytes, voice: content["voice"] == true })
        }
        "location" => Ok(Bubble::Place(format!("{},{}", content["latitude"], content["longitude"]))),
        _ => Err(131_051),
    }
}

/// What is only found out after the message was taken.
fn undeliverable(double: &MetaDouble, to: &str, bubble: &Bubble) -> Option<u32> {
    let now = double.now();
    let exchange = double.exchange();
    let is_template = matches!(bubble, Bubble::Template(..));
    if is_template && exchange.opted_out.contains(to) {
        return Some(131_050);
    }
    let open = exchange.heard_at.get(to).is_some_and(|at| now - *at < TimeDelta::hours(24));
    (exchange.rules.window && !open && !is_template).then_some(131_047)
}

async fn report(double: &MetaDouble, id: &str, asked: &Value, fails: Option<u32>, early: bool) {
    let (reports, opaque, dice) = {
        let mut exchange = double.exchange();
        if let Some(dice) = &mut exchange.rules.dice {
            dice.roll();
        }
        let rules = &exchange.rules;
        (rules.reports || early, rules.opaque, rules.dice.clone())
    };
    if !reports {
        return;
    }
    let mut more = json!({});
    if opaque {
        more["biz_opaque_callback_data"] = asked["biz_opaque_callback_data"].clone();
    }
    let mut statuses: Vec<Value> = match fails {
        Some(code) => {
            more["errors"] = json!([{"code": code, "title": "x", "error_data": {"details": "34600000001"}}]);
            vec![status(id, "failed", more)]
        }
        None => ["sent", "delivered", "read"].iter().map(|word| status(id, word, more.clone())).collect(),
    };
    if let Some(mut dice) = dice {
        let twice = statuses[dice.below(statuses.len())].clone();
        statuses.push(twice);
        if fails.is_none() && dice.chance(30) {
            statuses.retain(|status| status["status"] != "delivered");
        }
        dice.shuffle(&mut statuses);
    }
    let change = change(&[], &statuses);
    let again = double.exchange().rules.again;
    if again {
        let bringing = {
            let double = double.clone();
            async move { double.keep_bringing(&[change]).await }
        };
        let brought = tokio::spawn(bringing);
        if early {
            // It goes on when this does not wait any longer.
            let _ = tokio::time::timeout(EARLY, brought).await;
        }
    } else if early {
        double.deliver(&[change]).await;
    } else {
        let double = double.clone();
        tokio::spawn(async move { double.deliver(&[change]).await });
    }
}

/// `POST /{number}/media`: answers with an id that tells how many bytes there were.
pub(super) async fn upload(
    State(double): State<MetaDouble>,
    Path(number): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(refusal) = unauthorized(&headers) {
        return refusal;
    }
    let content_type =
        headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let Some(boundary) = content_type.strip_prefix("multipart/form-data; boundary=") else {
        return error(400, 100);
    };
    let Some(parts) = multipart(&body, boundary) else { return error(400, 100) };
    let part = |name: &str| parts.iter().find(|(head, _)| head.contains(&format!("name=\"{name}\"")));
    let (Some(product), Some(kind), Some(file)) = (part("messaging_product"), part("type"), part("file"))
    else {
        return error(400, 131_008);
    };
    if number != NUMBER || product.1 != b"whatsapp" || !kind.1.starts_with(b"audio/") {
        return error(400, 131_053);
    }
    let mut exchange = double.exchange();
    exchange.next += 1;
    Json(json!({"id": format!("{}x{}", exchange.next, file.1.len())})).into_response()
}

/// The parts of a form with a file: head and content.
fn multipart(body: &[u8], boundary: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let find = |bytes: &[u8], what: &[u8]| bytes.windows(what.len()).position(|window| window == what);
    let (opening, closing) = (format!("--{boundary}\r\n"), format!("\r\n--{boundary}"));
    let mut rest = body.strip_prefix(opening.as_bytes())?;
    let mut parts = Vec::new();
    loop {
        let end = find(rest, closing.as_bytes())?;
        let (part, after) = (&rest[..end], &rest[end + closing.len()..]);
        let head = find(part, b"\r\n\r\n")?;
        parts.push((String::from_utf8(part[..head].to_vec()).ok()?, part[head + 4..].to_vec()));
        match after.strip_prefix(b"\r\n") {
            Some(more) => rest = more,
            None => return (after == b"--\r\n").then_some(parts),
        }
    }
}

/// `GET /{media}`: where a file is.
pub(super) async fn where_is(
    State(double): State<MetaDouble>,
    Path(id): Path<String>,
    Query(query): Query<BTreeMap<String, String>>,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = unauthorized(&headers) {
        return refusal;
    }
    if id == NUMBER {
        return number(&double, &query);
    }
    let mut exchange = double.exchange();
    let Some(file) = exchange.files.get_mut(&id) else { return error(404, 100) };
    if file.not_yet > 0 {
        file.not_yet -= 1;
        return error(404, 100);
    }
    let File { bytes, content_type, sha256, elsewhere, .. } = file.clone();
    let url = elsewhere.unwrap_or_else(|| format!("http://{}/files/{id}", double.address));
    Json(json!({
        "url": url, "mime_type": content_type, "sha256": sha256, "file_size": bytes.len(), "id": id,
        "messaging_product": "whatsapp",
    }))
    .into_response()
}

/// `GET /{number}`: what is told about it. A proof that does not fit the token is refused.
fn number(double: &MetaDouble, query: &BTreeMap<String, String>) -> Response {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key");
    mac.update(BEARER.as_bytes());
    let proof: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    if query.get("appsecret_proof").is_some_and(|given| *given != proof) {
        return error(400, 100);
    }
    let mut told = json!({"id": NUMBER});
    if let Some(url) = &double.exchange().rules.called {
        told["webhook_configuration"] = json!({"application": url});
    }
    Json(told).into_response()
}

/// `GET /files/{media}`: the file.
pub(super) async fn file(
    State(double): State<MetaDouble>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Response {
    if let Some(refusal) = unauthorized(&headers) {
        return refusal;
    }
    if !headers.contains_key(header::USER_AGENT) {
        return StatusCode::BAD_REQUEST.into_response();
    }
    let exchange = double.exchange();
    let file = exchange.files.get(&id).expect("a file").clone();
    ([(header::CONTENT_TYPE, file.content_type)], file.bytes).into_response()
}
