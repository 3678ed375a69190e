//! Twilio's REST API: sending with its limits, contents, marks.

use std::collections::BTreeMap;
use std::future;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::TimeDelta;
use futures::stream;
use innkeeper::clock::Clock as _;
use serde_json::{Value, json};

use super::{ACCOUNT, Asked, Exchange, Mood, SENDER, TOKEN, TwilioDouble, form};
use crate::support::phone::Bubble;

/// `POST …/Messages.json`.
pub(super) async fn send(
    State(double): State<TwilioDouble>,
    Path(account): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(refusal) = unauthorized(&account, &headers) {
        return refusal;
    }
    let fields = form::read(&body);
    let field = |name: &str| fields.get(name).cloned().unwrap_or_default();
    let asked = Asked {
        from: field("From"),
        to: field("To"),
        body: field("Body"),
        report_to: field("StatusCallback"),
    };
    let mood = double.exchange().mood();
    let refused = match mood {
        Mood::Refusing(status, code) => Some(error(status, code)),
        Mood::Busy(seconds) => {
            let mut answer = error(429, 20429);
            answer.headers_mut().insert(header::RETRY_AFTER, seconds.into());
            Some(answer)
        }
        Mood::Failing => Some(StatusCode::SERVICE_UNAVAILABLE.into_response()),
        _ => None,
    };
    let answer = match refused {
        Some(refused) => refused,
        None => match check(&double, &fields) {
            Ok(bubble) => taken(&double, &asked, bubble).await,
            Err((status, code)) => error(status, code),
        },
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
            3 => Mood::Busy(1),
            _ => Mood::Taking,
        }
    }
}

/// What the API refuses at once; what it takes is what the guest would see.
fn check(double: &TwilioDouble, fields: &BTreeMap<String, String>) -> Result<Bubble, (u16, u32)> {
    let field = |name: &str| fields.get(name).map_or("", String::as_str);
    let now = double.clock.now();
    let mut exchange = double.exchange();
    if exchange.trial && fields.get("ContentSid").is_none() {
        return Err((400, 21654));
    }
    if !field("To").starts_with("whatsapp:") {
        return Err((400, 21211));
    }
    if field("From") != SENDER {
        return Err((400, 21606));
    }
    if exchange.rules.opted_out.contains(field("To")) {
        return Err((400, 21610));
    }
    if let Some(most) = exchange.rules.per_second {
        let lately = exchange.sent_at.iter().filter(|at| now - **at < TimeDelta::seconds(1)).count();
        if lately >= most {
            return Err((429, 20429));
        }
    }
    let bubble = if let Some(sid) = fields.get("ContentSid") {
        let content = exchange.contents.iter().find(|content| content["sid"] == **sid).cloned();
        let values: BTreeMap<String, String> = match fields.get("ContentVariables") {
            Some(values) => serde_json::from_str(values).map_err(|_| (400, 21656))?,
            None => BTreeMap::new(),
        };
        rendered(&content.ok_or((400, 21655))?, &values)?
    } else if let Some(url) = fields.get("MediaUrl") {
        exchange.media_urls.push(url.clone());
        Bubble::Sound { bytes: 0, voice: true }
    } else if field("Body").is_empty() {
        return Err((400, 21619));
    } else if field("Body").encode_utf16().count() > 1600 {
        return Err((400, 21617));
    } else if let Some(pin) = fields.get("PersistentAction") {
        Bubble::Place(pin.clone())
    } else {
        Bubble::Text(field("Body").to_owned())
    };
    exchange.sent_at.push(now);
    Ok(bubble)
}

/// What a content shows once it is filled.
fn rendered(content: &Value, values: &BTreeMap<String, String>) -> Result<Bubble, (u16, u32)> {
    let fill = |json: &Value| {
        let mut text = json.as_str().unwrap_or_default().to_owned();
        for (number, value) in values {
            text = text.replace(&format!("{{{{{number}}}}}"), value);
        }
        text
    };
    let pairs = |list: &Value,
                 id: &str,
                 title: &str,
                 longest: usize|
     -> Result<Vec<(String, String)>, (u16, u32)> {
        let all: Vec<(String, String)> =
            list.as_array().into_iter().flatten().map(|one| (fill(&one[id]), fill(&one[title]))).collect();
        let fits = |(id, title): &(String, String)| {
            (1..=200).contains(&id.chars().count()) && (1..=longest).contains(&title.encode_utf16().count())
        };
        if all.iter().all(fits) { Ok(all) } else { Err((400, 21656)) }
    };
    let types = &content["types"];
    if let Some(reply) = types.get("twilio/quick-reply") {
        let buttons = pairs(&reply["actions"], "id", "title", 20)?;
        return Ok(Bubble::Buttons(fill(&reply["body"]), buttons));
    }
    if let Some(list) = types.get("twilio/list-picker") {
        return Ok(Bubble::List(
            fill(&list["body"]),
            fill(&list["button"]),
            pairs(&list["items"], "id", "item", 24)?,
        ));
    }
    let name = content["friendly_name"].as_str().unwrap_or_default();
    Ok(Bubble::Template(name.to_owned(), values.values().cloned().collect()))
}

async fn taken(double: &TwilioDouble, asked: &Asked, bubble: Bubble) -> Response {
    let now = double.clock.now();
    let (message, fails) = {
        let mut exchange = double.exchange();
        exchange.next += 1;
        let kind = if matches!(bubble, Bubble::Sound { .. }) { "MM" } else { "SM" };
        let sid = format!("{kind}{:0>32}", format!("9{}", exchange.next));
        let body = match &bubble {
            Bubble::Buttons(text, _) | Bubble::List(text, ..) => text.clone(),
            _ => asked.body.clone(),
        };
        let media = if matches!(bubble, Bubble::Sound { .. }) { "1" } else { "0" };
        let message = json!({
            "account_sid": ACCOUNT, "api_version": "2010-04-01", "body": body, "date_created": now.to_rfc2822(),
            "date_sent": null, "direction": "outbound-api", "error_code": null, "from": asked.from,
            "num_media": media, "num_segments": "1", "sid": sid, "status": "queued", "to": asked.to,
            "something_new": {"a": 1},
        });
        exchange.taken.push(message.clone());
        let fails = undeliverable(&exchange, &asked.to, &bubble, now);
        (message, fails)
    };
    let sid = message["sid"].as_str().expect("a sid").to_owned();
    let mut bubble = bubble;
    let mut code = fails;
    if let Bubble::Sound { voice, .. } = bubble {
        match double.fetch_sound().await {
            Some(bytes) => bubble = Bubble::Sound { bytes, voice },
            None => code = Some(63019),
        }
    }
    if code.is_none() {
        double.phones.show(&asked.to, &sid, bubble);
    }
    double.report_chain(&sid, asked, code).await;
    (StatusCode::CREATED, Json(message)).into_response()
}

/// What is only found out after the message was taken.
fn undeliverable(
    exchange: &Exchange,
    to: &str,
    bubble: &Bubble,
    now: chrono::DateTime<chrono::Utc>,
) -> Option<u32> {
    if exchange.rules.not_joined.contains(to) {
        return Some(63015);
    }
    let open = exchange.heard_at.get(to).is_some_and(|at| now - *at < TimeDelta::hours(24));
    (exchange.rules.window && !open && !matches!(bubble, Bubble::Template(..))).then_some(63016)
}

/// `GET …/Messages.json`.
pub(super) async fn list(
    State(double): State<TwilioDouble>,
    Path(account): Path<String>,
    headers: HeaderMap,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    if let Some(refusal) = unauthorized(&account, &headers) {
        return refusal;
    }
    let exchange = double.exchange();
    let to = query.get("To");
    let size =
        query.get("PageSize").and_then(|size| size.parse().ok()).unwrap_or(50).min(exchange.rules.page);
    let all = if to.is_some_and(|to| *to == *SENDER) { &exchange.heard } else { &exchange.taken };
    // A page goes on after the last one, whatever came meanwhile: its token is how many are older than that.
    let token = query.get("PageToken").and_then(|token| token.strip_prefix("PA")?.parse().ok());
    let older = token.unwrap_or(all.len()).min(all.len());
    let listed = exchange.told.listed.iter().filter(|_| token.is_none()).map(|message| (older, message));
    let all = listed.chain(all[..older].iter().enumerate().rev());
    let page: Vec<(usize, &Value)> =
        all.filter(|(_, message)| to.is_none_or(|to| message["to"] == **to)).take(size).collect();
    let next = page.last().filter(|(at, _)| page.len() == size && *at > 0).map(|(at, _)| {
        let to = to.map(|to| format!("&To={}", to.replace('+', "%2B"))).unwrap_or_default();
        format!("/2010-04-01/Accounts/{account}/Messages.json?PageSize={size}&PageToken=PA{at}{to}")
    });
    let newest_first: Vec<&Value> = page.into_iter().map(|(_, message)| message).collect();
    Json(json!({"messages": newest_first, "next_page_uri": next, "page": 0})).into_response()
}

/// `GET …/Accounts/AC….json`.
pub(super) async fn account(
    State(double): State<TwilioDouble>,
    Path(file): Path<String>,
    headers: HeaderMap,
) -> Response {
    let sid = file.strip_suffix(".json").unwrap_or_default();
    if let Some(refusal) = unauthorized(sid, &headers) {
        return refusal;
    }
    let told = double.exchange().told.clone();
    let mut answer = Json(told.account).into_response();
    if let Some(date) = told.date {
        answer.headers_mut().insert(header::DATE, date.parse().expect("a date"));
    }
    answer
}

/// `GET …/IncomingPhoneNumbers.json`.
pub(super) async fn numbers(
    State(double): State<TwilioDouble>,
    Path(account): Path<String>,
    headers: HeaderMap,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    if let Some(refusal) = unauthorized(&account, &headers) {
        return refusal;
    }
    let all = double.exchange().told.numbers.clone();
    let asked = query.get("PhoneNumber").map(String::as_str);
    let found: Vec<Value> =
        all.into_iter().filter(|number| number["phone_number"].as_str() == asked).collect();
    Json(json!({"incoming_phone_numbers": found})).into_response()
}

/// `GET /v2/Channels/Senders`.
pub(super) async fn senders(
    State(double): State<TwilioDouble>,
    headers: HeaderMap,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    if let Some(refusal) = unauthorized(ACCOUNT, &headers) {
        return refusal;
    }
    if query.get("Channel").map(String::as_str) != Some("whatsapp") {
        return error(400, 20001);
    }
    Json(json!({"senders": double.exchange().told.senders, "meta": {"key": "senders"}})).into_response()
}

/// `GET /v1/Content`.
pub(super) async fn contents(State(double): State<TwilioDouble>, headers: HeaderMap) -> Response {
    if let Some(refusal) = unauthorized(ACCOUNT, &headers) {
        return refusal;
    }
    double.exchange().searched += 1;
    Json(json!({"contents": double.exchange().contents, "meta": {"next_page_url": null}})).into_response()
}

/// `POST /v1/Content`.
pub(super) async fn make_content(
    State(double): State<TwilioDouble>,
    headers: HeaderMap,
    Json(mut content): Json<Value>,
) -> Response {
    if let Some(refusal) = unauthorized(ACCOUNT, &headers) {
        return refusal;
    }
    let types = &content["types"];
    let count = |list: &Value| list.as_array().map_or(0, Vec::len);
    let fits = match (types.get("twilio/quick-reply"), types.get("twilio/list-picker")) {
        (Some(reply), _) => (1..=3).contains(&count(&reply["actions"])),
        (None, Some(list)) => (1..=10).contains(&count(&list["items"])),
        (None, None) => types.get("twilio/text").is_some(),
    };
    let mut exchange = double.exchange();
    if exchange.trial || !fits {
        return error(400, 20001);
    }
    content["sid"] = format!("HX{:0>32}", exchange.contents.len() + 1).into();
    exchange.contents.push(content.clone());
    (StatusCode::CREATED, Json(content)).into_response()
}

/// `POST /v2/Indicators/Typing.json`.
pub(super) async fn typing_v2(
    State(double): State<TwilioDouble>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if let Some(refusal) = unauthorized(ACCOUNT, &headers) {
        return refusal;
    }
    let fields = form::read(&body);
    mark(&double, fields.get("channel").map(String::as_str) == Some("whatsapp"), fields.get("messageId"))
}

/// `POST /v3/Indicators/Typing.json`.
pub(super) async fn typing_v3(
    State(double): State<TwilioDouble>,
    headers: HeaderMap,
    Json(body): Json<BTreeMap<String, String>>,
) -> Response {
    if let Some(refusal) = unauthorized(ACCOUNT, &headers) {
        return refusal;
    }
    // Lower case is refused here.
    mark(&double, body.get("channel").map(String::as_str) == Some("WHATSAPP"), body.get("messageId"))
}

fn mark(double: &TwilioDouble, fits: bool, message: Option<&String>) -> Response {
    match message.filter(|sid| fits && sid.len() == 34) {
        Some(sid) => {
            double.typed.send_modify(|all| all.push(sid.clone()));
            Json(json!({"success": true})).into_response()
        }
        None => error(400, 20001),
    }
}

pub(super) fn unauthorized(account: &str, headers: &HeaderMap) -> Option<Response> {
    let expected = format!("Basic {}", STANDARD.encode(format!("{ACCOUNT}:{TOKEN}")));
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    (account != ACCOUNT || given != Some(&expected)).then(|| error(401, 20003))
}

pub(super) fn error(status: u16, code: u32) -> Response {
    let body = json!({
        "code": code, "message": "The 'To' number whatsapp:+34600000001 is not what it should be", "status": status,
        "more_info": format!("https://www.twilio.com/docs/errors/{code}"),
    });
    (StatusCode::from_u16(status).expect("a status"), Json(body)).into_response()
}
