//! What Twilio calls: inbound messages and delivery statuses.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

use super::api::{Off, SOUND_ROUTE, STATUS_ROUTE, Twilio};
use super::codes::meaning;
use super::form::Form;
use super::read::{delivery, inbound, opt_out};
use super::signature::{Content, Refusal, is_signed};
use super::{Incomplete, twiml};
use crate::channel::{Channel, Report, keep_typing};
use crate::clock::Clock;
use crate::config::ReplyBy;
use crate::inbox::{Inbox, Taken};
use crate::message::{ChannelName, Inbound, OutgoingId};
use crate::outbox::{Hold, Outbox};
use crate::store::{Fault, OutboxRow};

const MESSAGE_ROUTE: &str = "/twilio/whatsapp";

/// The largest body that is read, in bytes.
pub(super) const BODY_CAP: usize = 64 * 1024;

/// How long a request waits for the guest's reply; Twilio waits fifteen seconds.
const REPLY_WITHIN: Duration = Duration::from_secs(10);

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

/// `POST /twilio/whatsapp` and `POST /twilio/status`, and the sounds that Twilio is told to fetch.
pub fn routes(webhooks: Webhooks) -> Router {
    Router::new()
        .route(MESSAGE_ROUTE, post(message))
        .route(STATUS_ROUTE, post(status))
        .route(&format!("{SOUND_ROUTE}/{{name}}"), get(sound))
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
pub(super) enum Unserved {
    /// It is not Twilio's.
    NotSigned(Refusal),
    /// It is about another account.
    OtherAccount,
    /// It lacks a field that every such request has.
    Incomplete(Incomplete),
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
            Self::Incomplete(incomplete) => {
                tracing::warn!(%incomplete, "a webhook lacks a field");
                (StatusCode::BAD_REQUEST, format!("{incomplete}\n")).into_response()
            }
            Self::Fault(fault) => {
                tracing::error!(error = %crate::fault::chain(&fault), "a webhook could not be taken");
                StatusCode::INTERNAL_SERVER_ERROR.into_response()
            }
        }
    }
}

/// Checks who calls, over the bytes as they came, and reads the form.
pub(super) fn authentic(
    twilio: &Twilio,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Form, Unserved> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let address = twilio.public(uri.path_and_query().map_or("", |path| path.as_str()));
    let (signature, settings) =
        (header("x-twilio-signature"), header("x-twilio-webhooks-signature-settings"));
    let check = |content: Content<'_>| {
        is_signed(twilio.keys(), signature, settings, &address, content).map_err(Unserved::NotSigned)
    };
    let is_json = header("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    let form = if is_json {
        check(Content::Body(body))?;
        Form::of_json(body)
    } else {
        let form = Form::parse(body);
        check(Content::Form(form.pairs()))?;
        form
    };
    if form.get("AccountSid") == Some(twilio.account()) { Ok(form) } else { Err(Unserved::OtherAccount) }
}

async fn message(
    State(webhooks): State<Webhooks>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Unserved> {
    let form = authentic(&webhooks.twilio, &uri, &headers, &body)?;
    let inbound = inbound(&form).map_err(Unserved::Incomplete)?;
    if opt_out(&form) == Some(true) {
        // Known before the message is answered, so that nothing is said to it: it would be refused.
        let noted = webhooks.outbox.consent(&inbound.guest, false, "twilio OptOutType").await;
        noted.map_err(Unserved::Fault)?;
    }
    let rows = match webhooks.twilio.reply() {
        ReplyBy::Rest => {
            if let Taken::Waits(receipt) = webhooks.inbox.take(&inbound).await.map_err(Unserved::Fault)? {
                let channel: Arc<dyn Channel> = Arc::<Twilio>::clone(&webhooks.twilio);
                let clock = Arc::clone(&webhooks.clock);
                tokio::spawn(keep_typing(channel, clock, inbound.provider_id, receipt.ended()));
            }
            Vec::new()
        }
        ReplyBy::Twiml => {
            let guest = webhooks.inbox.guest(&inbound).await.map_err(Unserved::Fault)?;
            let hold = webhooks.outbox.hold(&guest);
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
        return Err(Unserved::Incomplete(Incomplete("m, MessageSid or MessageStatus")));
    };
    let Some(delivery) = delivery(word) else {
        tracing::info!(status = word, "a delivery status that is not known was left alone");
        return Ok(StatusCode::NO_CONTENT);
    };
    let refusal = form.get("ErrorCode").and_then(|code| code.parse().ok()).map(meaning);
    let report = Report { provider_id: provider_id.to_owned(), delivery, refusal };
    let known = webhooks.outbox.report(ChannelName::Twilio, id, &report).await.map_err(Unserved::Fault)?;
    if !known {
        tracing::warn!(message = %id, "a delivery status of a message that is not ours was left alone");
    }
    Ok(StatusCode::NO_CONTENT)
}

/// A sound that Twilio was told to fetch. Nobody else knows its name.
async fn sound(State(webhooks): State<Webhooks>, Path(name): Path<String>) -> Response {
    match webhooks.twilio.sound(&name) {
        Some(sound) => ([(header::CONTENT_TYPE, sound.content_type)], sound.bytes).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
