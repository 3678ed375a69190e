//! What Twilio calls: inbound messages and delivery statuses.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::Value as Json;

use super::api::{Off, STATUS_ROUTE, Twilio, meaning};
use super::form::Form;
use super::signature::{Content, Refusal, is_signed};
use super::twiml;
use crate::channel::{Delivery, Report};
use crate::clock::Clock;
use crate::config::ReplyBy;
use crate::inbox::{Inbox, Taken};
use crate::message::{ChannelName, GuestKey, Inbound, Kind, OutgoingId, e164};
use crate::outbox::{Hold, Outbox};
use crate::store::{Fault, OutboxRow};

const MESSAGE_ROUTE: &str = "/twilio/whatsapp";

/// The largest body that is read, in bytes.
const BODY_CAP: usize = 64 * 1024;

/// How long a request waits for the guest's reply; Twilio waits fifteen seconds.
const REPLY_WITHIN: Duration = Duration::from_secs(10);

const WHATSAPP: &str = "whatsapp:";

/// What the webhooks need.
#[derive(Clone)]
pub struct Webhooks {
    /// The account.
    pub twilio: Arc<Twilio>,
    /// Where messages are brought.
    pub inbox: Inbox,
    /// Where replies come from and statuses go to.
    pub outbox: Arc<Outbox>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// `POST /twilio/whatsapp` and `POST /twilio/status`.
pub fn routes(webhooks: Webhooks) -> Router {
    Router::new()
        .route(MESSAGE_ROUTE, post(message))
        .route(STATUS_ROUTE, post(status))
        .layer(DefaultBodyLimit::max(BODY_CAP))
        .with_state(webhooks)
}

/// The same routes without an account: they say what to configure.
pub fn refusing(reason: &Off) -> Router {
    let sentence = format!("{reason}.\n");
    let refuse = move || {
        let sentence = sentence.clone();
        async move { (StatusCode::SERVICE_UNAVAILABLE, sentence) }
    };
    Router::new().route(MESSAGE_ROUTE, post(refuse.clone())).route(STATUS_ROUTE, post(refuse))
}

/// A request that is not served.
enum Unserved {
    /// It is not Twilio's.
    NotSigned(Refusal),
    /// It is about another account.
    OtherAccount,
    /// It lacks a field that every such request has.
    Incomplete(&'static str),
    /// The database fails.
    Fault(Fault),
}

impl IntoResponse for Unserved {
    fn into_response(self) -> Response {
        match self {
            Self::NotSigned(refusal) => {
                tracing::warn!(%refusal, "a webhook was refused");
                (StatusCode::FORBIDDEN, format!("{refusal}\n")).into_response()
            }
            Self::OtherAccount => {
                tracing::warn!("a webhook of another account was refused");
                (StatusCode::FORBIDDEN, "this is another account's\n").into_response()
            }
            Self::Incomplete(field) => {
                tracing::warn!(field, "a webhook lacks a field");
                (StatusCode::BAD_REQUEST, format!("{field} is missing or not of the expected form\n"))
                    .into_response()
            }
            Self::Fault(fault) => {
                tracing::error!(error = %crate::fault::chain(&fault), "a webhook could not be taken");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// Checks who calls, over the bytes as they came, and reads the form.
fn authentic(twilio: &Twilio, uri: &Uri, headers: &HeaderMap, body: &[u8]) -> Result<Form, Unserved> {
    let form = Form::parse(body);
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let address = twilio.public(uri.path_and_query().map_or("", |path| path.as_str()));
    let (signature, settings) =
        (header("x-twilio-signature"), header("x-twilio-webhooks-signature-settings"));
    is_signed(twilio.keys(), signature, settings, &address, Content::Form(form.pairs()))
        .map_err(Unserved::NotSigned)?;
    if form.get("AccountSid") == Some(twilio.account()) { Ok(form) } else { Err(Unserved::OtherAccount) }
}

async fn message(
    State(webhooks): State<Webhooks>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Unserved> {
    let form = authentic(&webhooks.twilio, &uri, &headers, &body)?;
    let inbound = inbound(&form)?;
    let rows = match webhooks.twilio.reply() {
        ReplyBy::Rest => {
            webhooks.inbox.take(&inbound).await.map_err(Unserved::Fault)?;
            Vec::new()
        }
        ReplyBy::Twiml => {
            let hold = webhooks.outbox.hold(&inbound.guest);
            reply(&webhooks, &inbound, &hold).await.map_err(Unserved::Fault)?
        }
    };
    let report_to: Vec<String> = rows.iter().map(|row| webhooks.twilio.report_to(row.number())).collect();
    let said = rows.iter().zip(&report_to).map(|(row, report_to)| (row.text.as_str(), report_to.as_str()));
    Ok(([(header::CONTENT_TYPE, twiml::CONTENT_TYPE)], twiml::document(said)).into_response())
}

/// Takes a message and waits for what is said to it; nothing where that takes too long, which leaves it to the outbox.
async fn reply(webhooks: &Webhooks, inbound: &Inbound, hold: &Hold) -> Result<Vec<OutboxRow>, Fault> {
    let Taken::Waits(receipt) = webhooks.inbox.take(inbound).await? else { return Ok(Vec::new()) };
    tokio::select! {
        () = receipt.ended() => hold.take(ChannelName::Twilio).await,
        () = webhooks.clock.sleep(REPLY_WITHIN) => Ok(Vec::new()),
    }
}

async fn status(
    State(webhooks): State<Webhooks>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<StatusCode, Unserved> {
    let form = authentic(&webhooks.twilio, &uri, &headers, &body)?;
    let query = Form::parse(uri.query().unwrap_or_default().as_bytes());
    let id = query.get("m").and_then(|id| id.parse().ok()).map(OutgoingId);
    let provider_id = form.get("MessageSid").or_else(|| form.get("SmsSid"));
    let word = form.get("MessageStatus").or_else(|| form.get("SmsStatus"));
    let (Some(id), Some(provider_id), Some(word)) = (id, provider_id, word) else {
        return Err(Unserved::Incomplete("m, MessageSid or MessageStatus"));
    };
    let Some(delivery) = delivery(word) else {
        tracing::info!(status = word, "a delivery status that is not known was left alone");
        return Ok(StatusCode::NO_CONTENT);
    };
    let code = form.get("ErrorCode").and_then(|code| code.parse().ok());
    let error = code.map(|code: u32| format!("error {code}, {}", meaning(code)));
    let report = Report { provider_id: provider_id.to_owned(), delivery, error };
    let known = webhooks.outbox.report(ChannelName::Twilio, id, &report).await.map_err(Unserved::Fault)?;
    if !known {
        tracing::warn!(message = %id, "a delivery status of a message that is not ours was left alone");
    }
    Ok(StatusCode::NO_CONTENT)
}

/// A delivery status in our words.
fn delivery(word: &str) -> Option<Delivery> {
    Some(match word {
        "accepted" => Delivery::Accepted,
        "scheduled" => Delivery::Scheduled,
        "queued" => Delivery::Queued,
        "sending" => Delivery::Sending,
        "sent" | "partially_delivered" => Delivery::Sent,
        "delivered" => Delivery::Delivered,
        "read" => Delivery::Read,
        "undelivered" | "failed" | "canceled" => Delivery::Failed,
        _ => return None,
    })
}

/// A message in our words. More fields come without notice and are kept with the rest.
fn inbound(form: &Form) -> Result<Inbound, Unserved> {
    let provider_id = form.get("MessageSid").ok_or(Unserved::Incomplete("MessageSid"))?;
    let address = form
        .get("From")
        .filter(|from| from.strip_prefix(WHATSAPP).is_some_and(|id| !id.is_empty()))
        .ok_or(Unserved::Incomplete("From"))?;
    // The channel vouches for the number that a message comes from, and for no other.
    let phone = address.strip_prefix(WHATSAPP).filter(|number| e164(number).is_some());
    // Whoever hides the number has an id instead; whoever shows it has both, and the id stays when the number changes.
    let key = match (form.get("ExternalUserId"), form.get("WaId")) {
        (Some(id), _) if id.starts_with(WHATSAPP) => id.to_owned(),
        (Some(id), _) => format!("{WHATSAPP}{id}"),
        (None, Some(digits)) => format!("{WHATSAPP}+{digits}"),
        (None, None) => address.to_owned(),
    };
    let kind = kind(form);
    // A document's words are only its file's name.
    let text = if kind == Kind::Document { "" } else { form.get("Body").unwrap_or_default() };
    Ok(Inbound {
        channel: ChannelName::Twilio,
        provider_id: provider_id.to_owned(),
        guest: GuestKey::new(key),
        address: address.to_owned(),
        line: form.get("To").map(str::to_owned),
        phone: phone.map(str::to_owned),
        kind,
        text: text.to_owned(),
        button: form.get("ButtonPayload").or_else(|| form.get("ListId")).map(str::to_owned),
        raw: raw(form),
    })
}

fn kind(form: &Form) -> Kind {
    match form.get("MessageType") {
        Some("text" | "interactive" | "button") => Kind::Text,
        Some(word) => Kind::parse(word).unwrap_or(Kind::Unsupported),
        None => match form.get("MediaContentType0").and_then(|kind| kind.split('/').next()) {
            Some("image") => Kind::Image,
            Some("audio") => Kind::Audio,
            Some("video") => Kind::Video,
            Some(_) => Kind::Document,
            None if form.get("Latitude").is_some() => Kind::Location,
            None => Kind::Text,
        },
    }
}

/// Every field; one that comes more than once is a list.
fn raw(form: &Form) -> Json {
    let mut fields = serde_json::Map::new();
    for (name, value) in form.pairs() {
        let value = Json::from(value.as_str());
        match fields.get_mut(name) {
            None => {
                fields.insert(name.clone(), value);
            }
            Some(Json::Array(values)) => values.push(value),
            Some(first) => *first = Json::Array(vec![first.take(), value]),
        }
    }
    Json::Object(fields)
}
