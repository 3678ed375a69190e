//! What comes after a socket, and what Twilio reports meanwhile.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::Response;

use super::super::form::Form;
use super::super::read::WHATSAPP;
use super::super::webhook::{Unserved, authentic};
use super::calling::caller;
use super::codes::{code, meaning};
use super::twiml::Document;
use super::words::Sentence;
use super::{Exchange, respond};
use crate::channel::relay::FRONT_DESK;
use crate::channel::twilio::Incomplete;

/// So often a call whose socket broke is put through again.
const AGAIN: u32 = 2;

/// `POST /twilio/voice/after`: a socket is over, and the call is not.
pub(super) async fn after(
    State(exchange): State<Arc<Exchange>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Unserved> {
    let form = authentic(&exchange.twilio, &uri, &headers, &body)?;
    let sid = form.get("CallSid").ok_or(Unserved::Incomplete(Incomplete("CallSid")))?;
    let query = Form::parse(uri.query().unwrap_or_default().as_bytes());
    let again: u32 = query.get("n").and_then(|number| number.parse().ok()).unwrap_or(AGAIN);
    let relay = form.get("SessionStatus");
    if let Some(code) = form.get("ErrorCode").and_then(code) {
        tracing::warn!(code, means = meaning(code), "a call's session failed");
    }
    let desk = exchange.desk(shows_number(&form, sid));
    if form.get("HandoffData") == Some(FRONT_DESK)
        && let Some(number) = &desk.number
    {
        return Ok(respond(desk.dial(Document::default(), number)));
    }
    let is_over =
        matches!(form.get("CallStatus"), Some("completed" | "busy" | "failed" | "no-answer" | "canceled"));
    let ended = matches!(relay, Some("completed" | "ended"));
    if is_over || ended || exchange.lines.ended_well(sid) {
        return Ok(respond(Document::default().hang_up()));
    }
    if again < AGAIN
        && let Some(response) = exchange.put_through(&form, sid, again + 1)
    {
        tracing::warn!(again = again + 1, "a call whose socket was lost is put through again");
        return Ok(response);
    }
    tracing::error!("a call whose socket was lost could not be put through again");
    let Some(number) = &desk.number else { return Ok(exchange.refuse(Sentence::Lost)) };
    let mut document = Document::default();
    if let Some(text) = exchange.words.say(Sentence::LostToDesk) {
        document = document.say(&text, exchange.words.spoken());
    }
    Ok(respond(desk.dial(document, number)))
}

/// `POST /twilio/voice/dialled`: the front desk was called.
pub(super) async fn dialled(
    State(exchange): State<Arc<Exchange>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Unserved> {
    let form = authentic(&exchange.twilio, &uri, &headers, &body)?;
    let status = form.get("DialCallStatus").unwrap_or_default();
    if matches!(status, "completed" | "answered") {
        return Ok(respond(Document::default().hang_up()));
    }
    let code = form.get("ErrorCode").and_then(code);
    tracing::warn!(
        status,
        code,
        means = code.map(meaning),
        "a caller was not connected to the front desk: nobody answered at [call] front_desk"
    );
    Ok(exchange.refuse(Sentence::Unanswered))
}

/// `POST /twilio/voice/status`: what became of a stream. Nothing waits for it.
pub(super) async fn status(
    State(exchange): State<Arc<Exchange>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Unserved> {
    let form = authentic(&exchange.twilio, &uri, &headers, &body)?;
    match form.get("StreamEvent") {
        Some("stream-error") => {
            let code = form.get("StreamError").or(form.get("StreamErrorCode")).and_then(code);
            let means = meaning(code.unwrap_or_default());
            tracing::warn!(code, means, "a call's stream has an error");
        }
        event => tracing::debug!(event, "a call's stream was reported on"),
    }
    Ok(StatusCode::NO_CONTENT)
}

/// Whether the front desk can be shown the caller's own number.
fn shows_number(form: &Form, sid: &str) -> bool {
    let by_whatsapp = form.get("From").is_some_and(|from| from.starts_with(WHATSAPP));
    !by_whatsapp && caller(form, sid).displayed.is_some()
}
