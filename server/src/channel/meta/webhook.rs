//! What Meta calls: the subscription's check, and everything that happens.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;
use axum::{Extension, Router};
use serde::Deserialize;

use super::api::{Meta, Off};
use super::read::{Event, read};
use super::signature::{is_signed, is_word};
use crate::channel::{Channel, Colleagues, keep_typing};
use crate::clock::Clock;
use crate::inbox::{Inbox, Taken};
use crate::message::ChannelName;
use crate::outbox::Outbox;

const ROUTE: &str = "/meta/webhook";

/// The largest body that is read, in bytes: a request holds up to a thousand messages.
const BODY_CAP: usize = 3 * 1024 * 1024;

/// What the webhook needs.
#[derive(Clone)]
pub struct Webhooks {
    /// The number.
    pub meta: Arc<Meta>,
    /// Where messages are brought.
    pub inbox: Inbox,
    /// Where statuses go to.
    pub outbox: Arc<Outbox>,
    /// The time.
    pub clock: Arc<dyn Clock>,
}

/// `GET` and `POST /meta/webhook`.
pub fn routes(webhooks: Webhooks) -> Router {
    routes_beside(webhooks, None)
}

/// The same beside people who write to guests with the hotel's own telephone.
pub fn routes_beside(webhooks: Webhooks, colleagues: Option<Arc<dyn Colleagues>>) -> Router {
    Router::new()
        .route(ROUTE, get(subscribe).post(happened))
        .layer(DefaultBodyLimit::max(BODY_CAP))
        .layer(Extension(Beside(colleagues)))
        .with_state(webhooks)
}

/// Who is told what the hotel's own people write.
#[derive(Clone)]
struct Beside(Option<Arc<dyn Colleagues>>);

/// What was told could not be taken, and must be told again.
type Untaken = Box<dyn std::error::Error + Send + Sync>;

/// The same route without a number: it says what to configure.
pub fn refusing(reason: &Off) -> Router {
    let sentence = format!("{reason}.\n");
    let refuse = move || {
        let sentence = sentence.clone();
        async move { (StatusCode::SERVICE_UNAVAILABLE, sentence) }
    };
    Router::new().route(ROUTE, get(refuse.clone()).post(refuse))
}

/// What Meta asks when the webhook is subscribed.
#[derive(Debug, Deserialize)]
struct Subscription {
    #[serde(rename = "hub.mode")]
    mode: Option<String>,
    #[serde(rename = "hub.verify_token")]
    word: Option<String>,
    #[serde(rename = "hub.challenge")]
    challenge: Option<String>,
}

/// Answers with the challenge whoever knows the word.
async fn subscribe(State(webhooks): State<Webhooks>, Query(asked): Query<Subscription>) -> Response {
    let known = asked.word.is_some_and(|word| is_word(webhooks.meta.verify_token(), &word));
    match asked.challenge {
        Some(challenge) if known && asked.mode.as_deref() == Some("subscribe") => challenge.into_response(),
        _ => {
            tracing::warn!("a subscription of the webhook was refused: another [meta] verify_token");
            (StatusCode::FORBIDDEN, "the verify token is another one\n").into_response()
        }
    }
}

/// Takes everything that a request tells. Good only when all of it is on the disk: else Meta brings it again, and what
/// was taken is taken once.
async fn happened(
    State(webhooks): State<Webhooks>,
    Extension(Beside(colleagues)): Extension<Beside>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let signature = headers.get("x-hub-signature-256").and_then(|value| value.to_str().ok());
    if !is_signed(webhooks.meta.app_secret(), signature, &body) {
        tracing::warn!("a webhook was refused: it is not signed with [meta] app_secret");
        return (StatusCode::FORBIDDEN, "the signature does not fit\n").into_response();
    }
    let Some(heard) = read(&body) else {
        tracing::warn!("a webhook was refused: it is not of the Cloud API");
        return (StatusCode::BAD_REQUEST, "this is not of the Cloud API\n").into_response();
    };
    let mut lost = None;
    for heard in heard {
        if heard.line.as_deref().is_some_and(|line| line != webhooks.meta.number()) {
            tracing::warn!("something about another number was left alone: check [meta] phone_number_id");
            continue;
        }
        // One that fails leaves the others: they are taken now, and it when Meta brings it again.
        if let Err(fault) = take(&webhooks, colleagues.as_deref(), heard.event).await {
            tracing::error!(error = %crate::fault::chain(&*fault), "a webhook could not be taken");
            lost = Some(fault);
        }
    }
    if lost.is_some() { StatusCode::INTERNAL_SERVER_ERROR } else { StatusCode::OK }.into_response()
}

async fn take(webhooks: &Webhooks, colleagues: Option<&dyn Colleagues>, event: Event) -> Result<(), Untaken> {
    match event {
        Event::Message(inbound) => {
            if let Taken::Waits(receipt) = webhooks.inbox.take(&inbound).await? {
                let channel: Arc<dyn Channel> = Arc::<Meta>::clone(&webhooks.meta);
                let clock = Arc::clone(&webhooks.clock);
                tokio::spawn(keep_typing(channel, clock, inbound.provider_id, receipt.ended()));
            }
        }
        Event::Status { message, report } => {
            webhooks.outbox.report_by(ChannelName::Meta, message, &report).await?;
        }
        Event::Preference { guest, wanted } => {
            webhooks.outbox.consent(&guest, wanted, "meta user_preferences").await?;
        }
        Event::Echo(echo) => {
            if let Some(colleagues) = colleagues {
                colleagues.wrote(&echo).await?;
            }
        }
        Event::Other(field) => tracing::debug!(field, "something nobody waits for was left alone"),
        Event::Unreadable(lacks) => tracing::warn!(lacks, "a part of a webhook cannot be read"),
    }
    Ok(())
}
