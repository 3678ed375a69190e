//! Asking addresses, and what their answers tell beside what was asked: the time, and who answers.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::{DATE, LOCATION};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, StatusCode};
use serde_json::Value as Json;

use super::Finding;
use crate::clock::{Clock as _, SystemClock};
use crate::command::CommandFault;
use crate::fault::chain;
use crate::http::INSTANCE;

/// How long an address may take to answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// So far the machine's clock may be from others'. Signed addresses and certificates fail beyond, and a guest's day is
/// counted from the wrong hour.
const APART: TimeDelta = TimeDelta::seconds(60);

/// Whoever asks.
pub(super) struct Asking {
    client: Client,
    /// How far this machine's clock is ahead of the first provider that told its time.
    ahead: Option<(String, TimeDelta)>,
}

/// What was answered.
pub(super) struct Answer {
    pub(super) status: StatusCode,
    /// Where it sends those who ask.
    pub(super) location: Option<String>,
    /// Which running innkeeper answered, if one did.
    pub(super) instance: Option<String>,
    /// The words.
    pub(super) text: String,
}

impl Answer {
    /// What it says, as JSON; null where it is none.
    pub(super) fn json(&self) -> Json {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

impl Asking {
    /// Nobody was asked yet. Redirections are not followed: they are answers.
    pub(super) fn new() -> Result<Self, CommandFault> {
        let client = Client::builder().timeout(PATIENCE).redirect(Policy::none()).build();
        let client = client.map_err(|error| CommandFault::Other(format!("no HTTP client: {error}")))?;
        Ok(Self { client, ahead: None })
    }

    /// A request for this address, to be given to [`Self::ask`].
    pub(super) fn request(&self, url: &str) -> RequestBuilder {
        self.client.get(url)
    }

    /// Asks an address.
    pub(super) async fn get(&mut self, url: &str) -> Result<Answer, String> {
        let request = self.request(url);
        self.ask(request).await
    }

    /// Asks; the reason why no answer came names nothing secret.
    pub(super) async fn ask(&mut self, request: RequestBuilder) -> Result<Answer, String> {
        let response = request.send().await.map_err(|error| chain(&error.without_url()))?;
        let header = |name: &str| {
            response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned)
        };
        let (location, instance) = (header(LOCATION.as_str()), header(INSTANCE));
        let told = header(DATE.as_str()).and_then(|date| DateTime::parse_from_rfc2822(&date).ok());
        let host = response.url().host_str().unwrap_or_default().to_owned();
        // Our own answers tell this machine's time.
        if let Some(told) = told.filter(|_| self.ahead.is_none() && instance.is_none()) {
            self.ahead = Some((host, SystemClock.now() - told.with_timezone(&Utc)));
        }
        let status = response.status();
        let text = response.text().await.map_err(|error| chain(&error.without_url()))?;
        Ok(Answer { status, location, instance, text })
    }

    /// Whether this machine's clock is right, by those who were asked.
    pub(super) fn clock(&self) -> Option<Finding> {
        let (host, ahead) = self.ahead.as_ref()?;
        if ahead.abs() <= APART {
            return Some(Finding::Fine(format!("clock: as {host} has it")));
        }
        let (seconds, way) =
            (ahead.num_seconds().abs(), if *ahead > TimeDelta::zero() { "ahead of" } else { "behind" });
        Some(Finding::broken(
            format!("clock: this machine is {seconds} seconds {way} {host}"),
            "set the clock by the network, for example `timedatectl set-ntp true`",
        ))
    }
}
