//! A call rings: what Twilio is told to do with it.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Uri};
use axum::response::Response;

use super::super::form::Form;
use super::super::webhook::{Unserved, authentic};
use super::calling::caller;
use super::lines::Expected;
use super::twiml::Document;
use super::words::Sentence;
use super::{AFTER_ROUTE, Carries, Exchange, RELAY_ROUTE, STATUS_ROUTE, STREAM_ROUTE, TOKEN, respond};
use crate::channel::twilio::Incomplete;

/// `POST /twilio/voice`.
pub(super) async fn ringing(
    State(exchange): State<Arc<Exchange>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Unserved> {
    let form = authentic(&exchange.twilio, &uri, &headers, &body)?;
    let sid = form.get("CallSid").ok_or(Unserved::Incomplete(Incomplete("CallSid")))?;
    Ok(exchange.put_through(&form, sid, 0).unwrap_or_else(|| {
        tracing::warn!(
            most = exchange.manner.most,
            "a call was refused: as many are on as [call] most allows"
        );
        exchange.refuse(Sentence::Busy)
    }))
}

impl Exchange {
    /// Has Twilio open a socket for a call; `None` where as many calls are on as may be.
    pub(super) fn put_through(&self, form: &Form, sid: &str, again: u32) -> Option<Response> {
        let caller = caller(form, sid);
        let token = self.lines.expect(sid, Expected { caller, again })?;
        let after = self.twilio.public(&format!("{AFTER_ROUTE}?n={again}"));
        let document = match self.manner.carries {
            Carries::Sound => self.stream(&token).redirect(&after),
            Carries::Words => self.relay(&token, &after),
        };
        Some(respond(document))
    }

    fn stream(&self, token: &str) -> Document {
        let url = self.twilio.public_socket(STREAM_ROUTE);
        let status = self.twilio.public(STATUS_ROUTE);
        let attributes =
            [("url", url.as_str()), ("statusCallback", status.as_str()), ("statusCallbackMethod", "POST")];
        Document::default().connect(&[], "Stream", &attributes, (TOKEN, token))
    }

    /// Our engine greets, so there is no greeting here. What callers say while Twilio speaks is told in any case, and what
    /// they have heard.
    fn relay(&self, token: &str, after: &str) -> Document {
        let url = self.twilio.public_socket(RELAY_ROUTE);
        let hints = self.manner.hints.join(",");
        let mut attributes = vec![
            ("url", url.as_str()),
            ("language", self.manner.language.as_str()),
            ("interruptible", "any"),
            ("reportInputDuringAgentSpeech", "any"),
            ("ignoreBackchannel", "true"),
            ("dtmfDetection", "true"),
            ("partialPrompts", "true"),
            ("events", "speaker-events tokens-played"),
        ];
        // Only this recogniser tells early that a turn is probably over, and it hears English only.
        if self.manner.language.starts_with("en") {
            attributes.extend([
                ("transcriptionProvider", "Deepgram"),
                ("speechModel", "flux"),
                ("eagerEotThreshold", "0.5"),
            ]);
        }
        if let Some((provider, voice)) = &self.manner.relay_voice {
            attributes.extend([("ttsProvider", provider.as_str()), ("voice", voice.as_str())]);
        }
        if !hints.is_empty() {
            attributes.push(("hints", &hints));
        }
        let connect = [("action", after), ("method", "POST")];
        Document::default().connect(&connect, "ConversationRelay", &attributes, (TOKEN, token))
    }
}
