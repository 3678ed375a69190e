//! The sockets that Twilio opens: one for a call's sound, one for its words.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{WebSocket, WebSocketUpgrade};
use axum::http::{HeaderMap, Uri};
use axum::response::{IntoResponse, Response};

use super::super::signature::{Content, is_signed};
use super::super::webhook::Unserved;
use super::control::Phone;
use super::lines::{Expected, On};
use super::media::{Media, start};
use super::{Exchange, TOKEN};
use crate::channel::line::{Call, Caller, Control, Line};
use crate::channel::relay::{Relay, setup};
use crate::channel::socket::{Dialect, Ended, carry, first, refuse, small};
use crate::message::ChannelName;

/// How long a socket may take to say which call it is of.
const INTRODUCTION: Duration = Duration::from_secs(10);

/// A socket as it is asked for.
type Upgrade = Result<WebSocketUpgrade, WebSocketUpgradeRejection>;

/// `GET /twilio/voice/stream`: a call's sound.
pub(super) async fn stream(
    State(exchange): State<Arc<Exchange>>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Upgrade,
) -> Result<Response, Unserved> {
    signed(&exchange, &uri, &headers)?;
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return Ok(rejection.into_response()),
    };
    Ok(small(upgrade).on_upgrade(move |mut socket| async move {
        let Some(start) = first(&mut socket, &*exchange.clock, INTRODUCTION, start).await else {
            tracing::warn!("a stream did not say which call it is of");
            return refuse(socket).await;
        };
        if !start.media_format.is_telephone() {
            tracing::error!(
                "a stream has another format than µ-law with 8,000 samples a second, and was refused"
            );
            return refuse(socket).await;
        }
        let token = start.custom_parameters.get(TOKEN).map(String::as_str);
        if let Some((expected, on)) = exchange.open(&start.account_sid, &start.call_sid, token) {
            exchange.serve(socket, Media::new(&start.stream_sid), start.call_sid, expected, on).await;
        } else {
            refuse(socket).await;
        }
    }))
}

/// `GET /twilio/voice/relay`: a call's words.
pub(super) async fn relay(
    State(exchange): State<Arc<Exchange>>,
    uri: Uri,
    headers: HeaderMap,
    upgrade: Upgrade,
) -> Result<Response, Unserved> {
    signed(&exchange, &uri, &headers)?;
    let upgrade = match upgrade {
        Ok(upgrade) => upgrade,
        Err(rejection) => return Ok(rejection.into_response()),
    };
    Ok(small(upgrade).on_upgrade(move |mut socket| async move {
        let Some(setup) = first(&mut socket, &*exchange.clock, INTRODUCTION, setup).await else {
            tracing::warn!("a session did not say which call it is of");
            return refuse(socket).await;
        };
        let token = setup.custom_parameters.get(TOKEN).map(String::as_str);
        if let Some((expected, on)) = exchange.open(&setup.account_sid, &setup.call_sid, token) {
            exchange.serve(socket, Relay::default(), setup.call_sid, expected, on).await;
        } else {
            refuse(socket).await;
        }
    }))
}

/// Checks who asks for a socket. What is signed is its address as it stood in our TwiML, which may come with another
/// scheme and with a slash.
fn signed(exchange: &Exchange, uri: &Uri, headers: &HeaderMap) -> Result<(), Unserved> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let (signature, settings) =
        (header("x-twilio-signature"), header("x-twilio-webhooks-signature-settings"));
    let path = uri.path_and_query().map_or("", |path| path.as_str());
    let (as_page, as_socket) = (exchange.twilio.public(path), exchange.twilio.public_socket(path));
    let forms = [format!("{as_socket}/"), as_page.clone(), format!("{as_page}/"), as_socket];
    let check = |url: &str| is_signed(exchange.twilio.keys(), signature, settings, url, Content::Form(&[]));
    let mut refusal = None;
    let mut signed_as = None;
    // Every form is tried, whether or not one has fitted: the time tells nothing.
    for form in &forms {
        match check(form) {
            Ok(()) => signed_as = Some(form),
            Err(refused) => refusal = Some(refused),
        }
    }
    match (signed_as, refusal) {
        (Some(form), _) => {
            let scheme = form.split(':').next();
            tracing::debug!(scheme, slash = form.ends_with('/'), "a socket was signed so");
            Ok(())
        }
        (None, Some(refusal)) => Err(Unserved::NotSigned(refusal)),
        (None, None) => Err(Unserved::OtherAccount),
    }
}

impl Exchange {
    /// The call that a socket is of, if it is expected.
    fn open(&self, account: &str, sid: &str, token: Option<&str>) -> Option<(Expected, On)> {
        if account != self.twilio.account() {
            tracing::warn!("a socket of another account was refused");
            return None;
        }
        match self.lines.open(sid, token.unwrap_or_default()) {
            Ok(opened) => Some(opened),
            Err(unexpected) => {
                tracing::warn!(%unexpected, "a socket was refused");
                None
            }
        }
    }

    /// Carries a call to its end.
    async fn serve<D: Dialect>(
        &self,
        socket: WebSocket,
        dialect: D,
        sid: String,
        expected: Expected,
        on: On,
    ) {
        let Expected { caller, again } = expected;
        let control = self.control(&sid, &caller);
        // The provider's id stays the same when a call is put through again; ours tells the two apart.
        let id = if again == 0 { sid } else { format!("{sid}.{again}") };
        let call = |line: Line| Call { id, channel: ChannelName::Call, caller, control, line };
        let clock = Arc::clone(&self.clock);
        let (ended, figures) = carry(socket, dialect, clock, &*self.callee, call, || on.ends_well()).await;
        if ended != Ended::Lost {
            on.ends_well();
        }
        tracing::info!(
            ?ended,
            read = figures.read,
            written = figures.written,
            garbled = figures.garbled,
            unheard = figures.unheard,
            unspoken = figures.unspoken,
            "a call is over"
        );
    }

    fn control(&self, sid: &str, caller: &Caller) -> Arc<dyn Control> {
        let shows = caller.verified.is_none() && caller.displayed.is_some();
        let desk = self.desk(shows);
        Arc::new(Phone { twilio: Arc::clone(&self.twilio), sid: sid.to_owned(), desk })
    }
}
