//! What can be done to a call over REST: ending it, and passing it on.

use std::sync::Arc;

use async_trait::async_trait;
use reqwest::StatusCode;
use serde::Deserialize;

use super::super::api::Twilio;
use super::super::codes;
use super::Desk;
use super::twiml::Document;
use crate::channel::line::{Control, ControlFault};
use crate::fault::kind;

/// There is no such call, or it is over.
const GONE: u32 = 20404;

/// The call is not in a state in which it could be changed: it is over.
const NOT_IN_PROGRESS: u32 = 21220;

/// One call.
#[derive(Debug)]
pub(super) struct Phone {
    pub(super) twilio: Arc<Twilio>,
    pub(super) sid: String,
    pub(super) desk: Desk,
}

#[derive(Debug, Deserialize)]
struct Refused {
    code: u32,
}

impl Phone {
    /// Changes the call; one that is over needs no change.
    async fn change(&self, field: &'static str, value: &str) -> Result<(), ControlFault> {
        let request = self.twilio.post(&self.twilio.call(&self.sid)).form(&[(field, value)]);
        let failed = |reason: String| ControlFault::Failed { reason };
        let sent = self.twilio.authorized(request).send().await;
        let response = sent.map_err(|error| failed(kind(&error).to_owned()))?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let code = response.json::<Refused>().await.ok().map(|refused| refused.code);
        match code {
            Some(GONE | NOT_IN_PROGRESS) => Ok(()),
            None if status == StatusCode::NOT_FOUND => Ok(()),
            Some(code) => Err(failed(codes::meaning(code).to_string())),
            None => Err(failed(format!("HTTP status {}", status.as_u16()))),
        }
    }
}

#[async_trait]
impl Control for Phone {
    async fn hang_up(&self) -> Result<(), ControlFault> {
        self.change("Status", "completed").await
    }

    async fn transfer(&self) -> Result<(), ControlFault> {
        let Some(number) = &self.desk.number else {
            return Err(ControlFault::Unable { reason: "[call] front_desk is not set".to_owned() });
        };
        let twiml = self.desk.dial(Document::default(), number).finish();
        self.change("Twiml", &twiml).await
    }
}
