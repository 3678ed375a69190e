//! The routes under `/api`.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::sse::{KeepAlive, Sse};
use axum::response::{IntoResponse as _, Response};
use chrono::NaiveDate;
use futures::{StreamExt as _, stream};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::mpsc;

use super::Desk;
use super::happened::Happened;
use super::looks::{looks, told};
use super::past::{self, PastTurn};
use super::queue::Giving;
use super::refusal::{Refusal, report};
use super::session::SessionId;
use crate::channel::local::Doing;
use crate::conversation::{HandBack, ReplyLine};
use crate::message::{ConversationId, e164};
use crate::mistakes::Listed;

/// As long as a message on WhatsApp may be, in characters.
pub(super) const LONGEST_TEXT: usize = 4096;

/// Said when a turn failed. Nothing was committed, so it may simply be tried again.
const FAILED: &str = "The receptionist could not answer just now. Please say it again.";

/// What the page says about the hotel.
#[derive(Serialize)]
struct HotelNow {
    name: Option<String>,
    today: NaiveDate,
    time_zone: String,
}

/// The flows that new conversations use, and what keeps the files from being used instead.
#[derive(Serialize)]
struct FlowsNow {
    version: String,
    mistakes: Vec<Listed>,
}

/// A request to begin a conversation.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Beginning {
    phone: Option<String>,
}

/// A conversation that was begun.
#[derive(Serialize)]
struct Begun {
    id: String,
    phone: Option<String>,
}

/// A request to take a turn.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Taking {
    text: Option<String>,
    button: Option<String>,
    #[serde(default)]
    silence: bool,
    /// The number that this turn must get.
    turn: Option<u64>,
}

/// A conversation that was given back.
#[derive(Serialize)]
struct GivenBack {
    state: String,
    replies: Vec<ReplyLine>,
}

/// A conversation so far.
#[derive(Serialize)]
struct Talked {
    id: String,
    phone: Option<String>,
    turns: Vec<PastTurn>,
}

/// The hotel and its day.
pub(super) async fn hotel(State(desk): State<Desk>) -> Response {
    let receptionist = &desk.receptionist;
    let name = receptionist.house.get("hotel").and_then(|hotel| hotel.get("name")).and_then(Value::as_str);
    Json(HotelNow {
        name: name.map(str::to_owned),
        today: receptionist.clock.today(receptionist.zone),
        time_zone: receptionist.zone.name().to_owned(),
    })
    .into_response()
}

/// The flows, with the mistakes that their files have now.
pub(super) async fn flows(State(desk): State<Desk>) -> Response {
    let version = desk.receptionist.driver.versions.current().version().to_owned();
    let mistakes = desk.reloaded.borrow().wrong.clone();
    Json(FlowsNow { version, mistakes }).into_response()
}

/// Begins a conversation.
pub(super) async fn begin(
    State(desk): State<Desk>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let Beginning { phone } = read(&headers, &body)?;
    if phone.as_deref().is_some_and(|phone| e164(phone).is_none()) {
        return Err(Refusal::wrong(
            "phone: expected a number with + and its country code and no spaces, for example +351912345678.",
        ));
    }
    let begun = desk.sessions.begin(phone.as_deref()).await;
    let id = begun.map_err(|fault| Refusal::fault("a console session could not begin", &fault))?.to_string();
    let location = [(header::LOCATION, format!("/api/conversations/{id}"))];
    Ok((StatusCode::CREATED, location, Json(Begun { id, phone })).into_response())
}

/// A conversation with its turns. Where one is under way it is waited for.
pub(super) async fn talk(State(desk): State<Desk>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let fault = |fault| Refusal::fault("a console session could not be read", &fault);
    let id = SessionId::parse(&id).ok_or_else(Refusal::unknown)?;
    let session = desk.sessions.find(id).await.map_err(fault)?.ok_or_else(Refusal::unknown)?;
    let mut standing = session.turns.lock().await;
    let talks = desk.receptionist.store.talks(&session.key).await.map_err(fault)?;
    let turns = past::turns(&talks, &desk.receptionist.driver.versions);
    // What is stored counts: a turn that was cut off may have been taken up by somebody else.
    *standing = past::count(&talks);
    Ok(Json(Talked { id: id.to_string(), phone: session.phone.clone(), turns }).into_response())
}

/// A stream that says when something was said to the guest: by this page's turns, or by a person at the desk.
pub(super) async fn events(State(desk): State<Desk>, Path(id): Path<String>) -> Result<Response, Refusal> {
    let fault = |fault| Refusal::fault("a console session could not be read", &fault);
    let id = SessionId::parse(&id).ok_or_else(Refusal::unknown)?;
    let session = desk.sessions.find(id).await.map_err(fault)?.ok_or_else(Refusal::unknown)?;
    let (store, key) = (desk.receptionist.store.clone(), session.key.clone());
    let looks = Box::pin(looks(&desk));
    let said = stream::unfold((looks, None), move |(mut looks, known)| {
        let (store, key) = (store.clone(), key.clone());
        async move {
            loop {
                looks.next().await?;
                let last = match store.last_said_to(&key).await {
                    Ok(last) => last,
                    Err(fault) => {
                        // The page connects again.
                        report("what was said in a console session could not be looked for", &fault);
                        return None;
                    }
                };
                if known != Some(last) {
                    return Some(((), (looks, Some(last))));
                }
            }
        }
    });
    Ok(told(said))
}

/// Takes a turn and streams what happens. The turn goes on when nobody listens any more.
pub(super) async fn turn(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let id = SessionId::parse(&id).ok_or_else(Refusal::unknown)?;
    let found = desk.sessions.find(id).await;
    let session = found
        .map_err(|fault| Refusal::fault("a console session could not be read", &fault))?
        .ok_or_else(Refusal::unknown)?;
    let taking: Taking = read(&headers, &body)?;
    let expected = taking.turn;
    let (said, doing) = taking.doing()?;
    let Ok(mut turns) = session.turns.clone().try_lock_owned() else {
        return Err(Refusal::moved_on(
            "The last message is still being answered. Please send this one again.",
        ));
    };
    if expected.is_some_and(|expected| expected != *turns + 1) {
        return Err(Refusal::moved_on(
            "The conversation went on somewhere else. Please send this message again.",
        ));
    }
    let (tell, mut told) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        // Nobody may listen any more; the turn is taken all the same.
        let mut say = |happened| drop(tell.send(happened));
        let taken = session
            .guest
            .turn(doing, &mut |happening| Happened::of(&happening).into_iter().for_each(&mut say))
            .await;
        match taken {
            Ok((_, turned)) => {
                *turns += 1;
                let line = turned.line(*turns, &said);
                line.replies
                    .iter()
                    .enumerate()
                    .flat_map(|(n, reply)| Happened::reply(n, reply))
                    .for_each(&mut say);
                say(Happened::Turn(Box::new(line)));
            }
            Err(fault) => {
                report("a console turn failed", &fault);
                say(Happened::failed(FAILED));
            }
        }
    });
    let events =
        stream::poll_fn(move |context| told.poll_recv(context).map(|told| told.map(|told| told.event())));
    Ok(Sse::new(events).keep_alive(KeepAlive::default()).into_response())
}

/// Gives a conversation that a person has back to the flows. The id is a chat page's, or any conversation's own.
pub(super) async fn give_back(
    State(desk): State<Desk>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let back =
        if body.is_empty() { HandBack::default() } else { read::<Giving>(&headers, &body)?.checked()? };
    let fault = |fault| Refusal::fault("a conversation could not be given back", &fault);
    let store = &desk.receptionist.store;
    let conversation = match SessionId::parse(&id) {
        Some(id) => {
            let session = desk.sessions.find(id).await.map_err(fault)?.ok_or_else(Refusal::unknown)?;
            let open = store.active_conversation(&session.key).await.map_err(fault)?;
            open.ok_or_else(Refusal::unknown)?
        }
        None => ConversationId::new(id),
    };
    if store.whose(&conversation).await.map_err(fault)?.is_none() {
        return Err(Refusal::unknown());
    }
    if let Some(by) = &back.by
        && let Some(who) = desk.receptionist.anothers(&conversation, by).await.map_err(fault)?
    {
        return Err(Refusal::moved_on(&format!(
            "{who} has this conversation. Take it over from {who} to give it back."
        )));
    }
    match desk.receptionist.hand_back(&conversation, &back).await {
        Ok(Some(turned)) => {
            let line = turned.line(0, "");
            Ok(Json(GivenBack { state: line.state, replies: line.replies }).into_response())
        }
        Ok(None) => Err(Refusal::moved_on("No person has this conversation.")),
        Err(fault) => Err(Refusal::fault("a conversation could not be given back", &fault)),
    }
}

impl Taking {
    /// What the guest does, and its words.
    fn doing(self) -> Result<(String, Doing), Refusal> {
        let long = |text: &String| text.chars().count() > LONGEST_TEXT;
        if self.text.as_ref().is_some_and(long) || self.button.as_ref().is_some_and(long) {
            return Err(Refusal::wrong(format!("A message has at most {LONGEST_TEXT} characters.")));
        }
        let text = self.text.filter(|text| !text.trim().is_empty());
        match (text, self.button, self.silence) {
            (None, None, true) => Ok((String::new(), Doing::Silence)),
            (text, Some(button), false) => {
                let text = text.unwrap_or_else(|| button.clone());
                Ok((text.clone(), Doing::Message { text, button: Some(button) }))
            }
            (Some(text), None, false) => Ok((text.clone(), Doing::Message { text, button: None })),
            (None, None, false) | (Some(_), None, true) | (_, Some(_), true) => Err(Refusal::wrong(
                r#"Expected {"text": …}, {"button": id, "text": its title} or {"silence": true}."#,
            )),
        }
    }
}

/// A request's JSON. An empty body is an empty object.
pub(super) fn read<T: DeserializeOwned>(headers: &HeaderMap, body: &[u8]) -> Result<T, Refusal> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let body = if body.is_empty() { b"{}" } else { body };
    // A form of another site can send anything but this type without asking first.
    if kind.split(';').next().is_none_or(|kind| !kind.trim().eq_ignore_ascii_case("application/json")) {
        return Err(Refusal::wrong("Expected JSON, with the content type application/json."));
    }
    serde_json::from_slice(body)
        .map_err(|error| Refusal::wrong(format!("The request cannot be read: {error}.")))
}
