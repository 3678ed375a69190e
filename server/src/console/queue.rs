//! The routes of the people at the desk: what waits for them, what was said, and what they do about it.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Desk;
use super::api::{LONGEST_TEXT, read};
use super::looks::{looks, told};
use super::refusal::Refusal;
use crate::conversation::{HandBack, Handed, Spoken, Why};
use crate::message::{ConversationId, Gathered, Kind, MessageId, OutgoingId};
use crate::store::{Fault, OutboxRow, Took, Wrote};

/// The longest name a person can go by, and the longest summary, in characters.
const LONGEST_NAME: usize = 60;
const LONGEST_SUMMARY: usize = 500;

/// A conversation that waits for a person, or is with one.
#[derive(Serialize)]
struct Waits {
    conversation: String,
    guest: String,
    phone: Option<String>,
    channel: &'static str,
    since: DateTime<Utc>,
    waiting_s: i64,
    taken_by: Option<String>,
    why: Why,
    wants: Option<String>,
    state: Option<String>,
    slots: IndexMap<String, Value>,
    last: Option<Last>,
    unanswered: usize,
}

/// What a guest said last.
#[derive(Serialize)]
struct Last {
    text: String,
    at: DateTime<Utc>,
}

/// A message that only a person can get to its guest.
#[derive(Serialize)]
struct Left {
    message: i64,
    conversation: Option<String>,
    guest: String,
    channel: String,
    text: String,
    why: Option<String>,
    at: DateTime<Utc>,
    waiting_s: i64,
}

/// What a guest wrote and nobody answered.
#[derive(Serialize)]
struct Missed {
    message: i64,
    guest: String,
    channel: &'static str,
    text: String,
    kind: &'static str,
    at: DateTime<Utc>,
    waiting_s: i64,
}

/// Everything that is a person's.
#[derive(Serialize)]
struct Queue {
    waiting: Vec<Waits>,
    missed: Vec<Missed>,
    left: Vec<Left>,
}

/// A message that was seen to.
#[derive(Serialize)]
struct SeenTo {
    message: i64,
}

/// One with what was said.
#[derive(Serialize)]
struct Opened {
    handed: Waits,
    messages: Vec<Spoken>,
}

/// Who takes a conversation, and from whom.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Taking {
    by: String,
    from: Option<String>,
}

/// Who saw to a message.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Seeing {
    by: String,
}

/// What a person writes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Writing {
    by: String,
    text: String,
}

/// A message that goes to the guest.
#[derive(Serialize)]
struct Written {
    messages: Vec<i64>,
}

/// What is said when a conversation is given back.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Giving {
    by: Option<String>,
    summary: Option<String>,
}

impl Waits {
    fn of(handed: Handed, now: DateTime<Utc>) -> Self {
        Self {
            guest: shown(handed.held.guest.as_str()),
            conversation: handed.held.conversation.as_str().to_owned(),
            phone: handed.phone,
            channel: handed.held.channel.as_str(),
            since: handed.held.since,
            waiting_s: (now - handed.held.since).num_seconds().max(0),
            taken_by: handed.held.taken_by,
            why: handed.why,
            wants: handed.wants,
            state: handed.state,
            slots: handed.slots,
            last: handed.last.map(|(text, at)| Last { text, at }),
            unanswered: handed.unanswered,
        }
    }
}

impl Left {
    fn of(row: OutboxRow, now: DateTime<Utc>) -> Self {
        Self {
            message: row.id,
            conversation: row.conversation,
            guest: shown(&row.guest),
            channel: row.channel,
            text: row.text,
            why: row.error,
            at: row.created_at,
            waiting_s: (now - row.created_at).num_seconds().max(0),
        }
    }
}

impl Missed {
    fn of(turn: Gathered, now: DateTime<Utc>) -> Self {
        Self {
            message: turn.lead.0,
            guest: shown(turn.guest.as_str()),
            channel: turn.channel.as_str(),
            text: turn.text,
            kind: turn.unsupported.unwrap_or(Kind::Text).as_str(),
            at: turn.received_at,
            waiting_s: (now - turn.received_at).num_seconds().max(0),
        }
    }
}

impl Giving {
    /// What it says, if it may be said.
    pub(super) fn checked(self) -> Result<HandBack, Refusal> {
        let by = self.by.map(|by| name(&by)).transpose()?;
        let summary = self.summary.map(|summary| summary.trim().to_owned()).filter(|text| !text.is_empty());
        if summary.as_ref().is_some_and(|summary| summary.chars().count() > LONGEST_SUMMARY) {
            return Err(Refusal::wrong(format!("summary: at most {LONGEST_SUMMARY} characters.")));
        }
        Ok(HandBack { by, summary })
    }
}

/// Everything that waits for a person or is with one, every message that nobody answered, and every message that only a
/// person can get to its guest, the longest first.
pub(super) async fn queue(State(desk): State<Desk>) -> Result<Response, Refusal> {
    let fault = |fault| Refusal::fault("the queue could not be read", &fault);
    let queue = desk.receptionist.queue().await.map_err(fault)?;
    let missed = desk.receptionist.store.missed().await.map_err(fault)?;
    let left = desk.receptionist.store.left_to_persons().await.map_err(fault)?;
    let now = desk.receptionist.clock.now();
    let waiting = queue.into_iter().map(|handed| Waits::of(handed, now)).collect();
    let missed = missed.into_iter().map(|turn| Missed::of(turn, now)).collect();
    let left = left.into_iter().map(|row| Left::of(row, now)).collect();
    Ok(Json(Queue { waiting, missed, left }).into_response())
}

/// Notes that a person saw to a message that nobody answered.
pub(super) async fn attended(
    State(desk): State<Desk>,
    Path(message): Path<i64>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let attended = desk.receptionist.store.attended(MessageId(message), &person(&headers, &body)?).await;
    noted(message, attended)
}

/// Notes that a person saw to a message that was left to one.
pub(super) async fn seen_to(
    State(desk): State<Desk>,
    Path(message): Path<i64>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let seen = desk.receptionist.store.seen_to(OutgoingId(message), &person(&headers, &body)?).await;
    noted(message, seen)
}

/// Tells that a person saw to a message, if somebody could.
fn noted(message: i64, seen: Result<bool, Fault>) -> Result<Response, Refusal> {
    let seen = seen.map_err(|fault| Refusal::fault("what was seen to could not be noted", &fault))?;
    if seen { Ok(Json(SeenTo { message }).into_response()) } else { Err(Refusal::unknown()) }
}

/// One of them with what was said.
pub(super) async fn open(State(desk): State<Desk>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let handed = desk.receptionist.handed(&ConversationId::new(id)).await;
    let handed = handed.map_err(|fault| Refusal::fault("a conversation could not be read", &fault))?;
    let (handed, messages) = handed.ok_or_else(Refusal::unknown)?;
    let handed = Waits::of(handed, desk.receptionist.clock.now());
    Ok(Json(Opened { handed, messages }).into_response())
}

/// Takes a conversation.
pub(super) async fn take(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let Taking { by, from } = read(&headers, &body)?;
    let by = name(&by)?;
    let from = from.map(|from| name(&from)).transpose()?;
    let conversation = ConversationId::new(id);
    let fault = |fault: &(dyn std::error::Error + 'static)| {
        Refusal::fault("a conversation could not be taken", fault)
    };
    let took = desk.receptionist.take(&conversation, &by, from.as_deref()).await;
    match took.map_err(|error| fault(&error))? {
        Took::Taken => {}
        Took::AnotherHas(who) => {
            return Err(Refusal::moved_on(&format!(
                "{who} has this conversation. Ask them, or take it over from {who}."
            )));
        }
        Took::WaitsNot => return Err(Refusal::unknown()),
    }
    let handed = desk.receptionist.handed(&conversation).await.map_err(|error| fault(&error))?;
    let (handed, messages) = handed.ok_or_else(Refusal::unknown)?;
    let handed = Waits::of(handed, desk.receptionist.clock.now());
    Ok(Json(Opened { handed, messages }).into_response())
}

/// Writes to the guest.
pub(super) async fn write(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let Writing { by, text } = read(&headers, &body)?;
    let by = name(&by)?;
    let text = text.trim();
    if text.is_empty() || text.chars().count() > LONGEST_TEXT {
        return Err(Refusal::wrong(format!("text: 1 to {LONGEST_TEXT} characters.")));
    }
    let conversation = ConversationId::new(id);
    let fault = |fault| Refusal::fault("a message to a guest could not be written down", &fault);
    match desk.receptionist.write(&conversation, &by, text).await.map_err(fault)? {
        Wrote::Down(ids) => {
            let messages = ids.into_iter().map(|id| id.0).collect();
            Ok((StatusCode::CREATED, Json(Written { messages })).into_response())
        }
        Wrote::NobodyHas if desk.receptionist.store.whose(&conversation).await.map_err(fault)?.is_none() => {
            Err(Refusal::unknown())
        }
        Wrote::NobodyHas => Err(Refusal::moved_on("No person has this conversation. Take it first.")),
        Wrote::AnotherHas(who) => Err(Refusal::moved_on(&format!(
            "{who} has this conversation. Take it first to write to the guest."
        ))),
    }
}

/// A stream that says when there is something to look at.
pub(super) async fn events(State(desk): State<Desk>) -> Response {
    told(looks(&desk))
}

/// A guest as people know them.
fn shown(guest: &str) -> String {
    guest.strip_prefix("whatsapp:").unwrap_or(guest).to_owned()
}

/// Who asks for something that needs no more than their name.
fn person(headers: &HeaderMap, body: &[u8]) -> Result<String, Refusal> {
    let Seeing { by } = read(headers, body)?;
    name(&by)
}

/// The name a person goes by.
fn name(by: &str) -> Result<String, Refusal> {
    let by: String = by.split_whitespace().collect::<Vec<_>>().join(" ");
    let fits = (1..=LONGEST_NAME).contains(&by.chars().count()) && !by.chars().any(char::is_control);
    fits.then_some(by)
        .ok_or_else(|| Refusal::wrong(format!("by: expected a name of 1 to {LONGEST_NAME} characters.")))
}
