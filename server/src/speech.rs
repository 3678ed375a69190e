//! What all providers of speech have in common: an exchange over HTTP inside a time limit, and what can be done about
//! its failure.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures::future::{Either, select};
use reqwest::header::{CONTENT_TYPE, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::Value as Json;

use crate::clock::{Clock, later};
use crate::fault::kind;

/// The pause before the first repetition, when the provider names none; it doubles.
const PAUSE: Duration = Duration::from_millis(250);

/// A request is made so many times at most.
const TRIES: u32 = 4;

/// The largest answer, in bytes.
const MOST_BYTES: usize = 16 * 1024 * 1024;

/// The most characters of a provider's code that a fault repeats.
const CODE_MAX_CHARS: usize = 60;

/// Why a provider of speech did not do what it was asked for. Nothing of it holds a guest's words.
#[derive(Debug, thiserror::Error)]
pub enum SpeechFault {
    /// Only the operator can set it right: the key, the credit, the name of the model.
    #[error(
        "the provider refused with {status} ({code}); the key, the credit or the model must be set right"
    )]
    Operator {
        /// The HTTP status.
        status: u16,
        /// The provider's code.
        code: String,
    },
    /// What it was given is nothing it can use, and will not be the next time.
    #[error("the provider cannot use what it was given: {status} ({code})")]
    Unusable {
        /// The HTTP status.
        status: u16,
        /// The provider's code.
        code: String,
    },
    /// What it was given is too large for it.
    #[error("what the provider was given is too large for it")]
    TooLarge,
    /// It did not answer inside the time limit, however often it was asked.
    #[error("the provider did not answer within {limit_ms} ms: {last}")]
    Unanswered {
        /// The limit.
        limit_ms: u128,
        /// What the last try came to.
        last: String,
    },
    /// Its answer cannot be read.
    #[error("the provider's answer cannot be read: {reason}")]
    Garbled {
        /// What is wrong with it, without its words.
        reason: String,
    },
    /// There is no HTTP client to ask with.
    #[error("this machine has no HTTP client")]
    NoClient(#[source] reqwest::Error),
}

/// A provider's answer.
pub(crate) struct Answer {
    pub(crate) content_type: String,
    pub(crate) bytes: Vec<u8>,
}

/// Asks a provider, again where that may help, inside a time limit.
#[derive(Debug)]
pub(crate) struct Exchange {
    client: Client,
    clock: Arc<dyn Clock>,
    limit: Duration,
}

/// What one request came to, where it was not answered well.
enum Failed {
    /// It may be answered the next time, not before this pause.
    Passing(String, Option<Duration>),
    Lasting(SpeechFault),
}

impl Exchange {
    /// Exchanges that each take so long at most, repetitions included.
    pub(crate) fn new(limit: Duration, clock: Arc<dyn Clock>) -> Result<Self, SpeechFault> {
        let client = Client::builder().redirect(Policy::none()).build().map_err(SpeechFault::NoClient)?;
        Ok(Self { client, clock, limit })
    }

    /// Makes the request until it is answered well, until another try would not help, or until the time is over.
    pub(crate) async fn ask(
        &self,
        request: impl Fn(&Client) -> RequestBuilder + Send + Sync,
    ) -> Result<Answer, SpeechFault> {
        let until = later(self.clock.now(), self.limit);
        let tries = std::pin::pin!(self.tries(request, until));
        match select(tries, self.clock.sleep_until(until)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(self.unanswered("time-out".to_owned())),
        }
    }

    async fn tries(
        &self,
        request: impl Fn(&Client) -> RequestBuilder + Send + Sync,
        until: DateTime<Utc>,
    ) -> Result<Answer, SpeechFault> {
        let mut pause = PAUSE;
        for attempt in 1.. {
            let (last, wanted) = match once(request(&self.client)).await {
                Ok(answer) => return Ok(answer),
                Err(Failed::Lasting(fault)) => return Err(fault),
                Err(Failed::Passing(last, wanted)) => (last, wanted),
            };
            let at = later(self.clock.now(), wanted.unwrap_or(pause));
            if attempt == TRIES || at >= until {
                return Err(self.unanswered(last));
            }
            self.clock.sleep_until(at).await;
            pause *= 2;
        }
        Err(self.unanswered("no try was made".to_owned()))
    }

    fn unanswered(&self, last: String) -> SpeechFault {
        SpeechFault::Unanswered { limit_ms: self.limit.as_millis(), last }
    }
}

impl Answer {
    /// The answer as JSON.
    pub(crate) fn json(&self) -> Result<Json, SpeechFault> {
        serde_json::from_slice(&self.bytes).map_err(|error| SpeechFault::Garbled {
            reason: format!("{:?} at line {} column {}", error.classify(), error.line(), error.column()),
        })
    }
}

async fn once(request: RequestBuilder) -> Result<Answer, Failed> {
    let passing = |error: reqwest::Error| Failed::Passing(kind(&error).to_owned(), None);
    let response = request.send().await.map_err(passing)?;
    if !response.status().is_success() {
        return Err(refused(response).await);
    }
    let content_type = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let content_type = content_type.unwrap_or_default().to_owned();
    let bytes = read(response).await?;
    Ok(Answer { content_type, bytes })
}

async fn read(mut response: Response) -> Result<Vec<u8>, Failed> {
    let mut bytes = Vec::new();
    while let Some(piece) =
        response.chunk().await.map_err(|error| Failed::Passing(kind(&error).to_owned(), None))?
    {
        if bytes.len() + piece.len() > MOST_BYTES {
            return Err(Failed::Lasting(SpeechFault::Garbled { reason: "it is too large".to_owned() }));
        }
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// What a refusal means.
async fn refused(response: Response) -> Failed {
    let status = response.status();
    let after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    if status.is_server_error()
        || status == StatusCode::TOO_MANY_REQUESTS
        || status == StatusCode::REQUEST_TIMEOUT
    {
        return Failed::Passing(format!("HTTP status {}", status.as_u16()), after.map(Duration::from_secs));
    }
    let code = code(response).await;
    let of_ours = ["query", "model", "voice", "key"].iter().any(|part| code.to_lowercase().contains(part));
    let status = status.as_u16();
    Failed::Lasting(match status {
        413 => SpeechFault::TooLarge,
        401..=404 => SpeechFault::Operator { status, code },
        _ if of_ours => SpeechFault::Operator { status, code },
        _ => SpeechFault::Unusable { status, code },
    })
}

/// The provider's code for a refusal; its sentence may repeat a guest's words and is not kept.
async fn code(response: Response) -> String {
    let said: Json = response.json().await.unwrap_or_default();
    let code = ["/err_code", "/error/code", "/error/type"]
        .iter()
        .find_map(|place| said.pointer(place).and_then(Json::as_str))
        .unwrap_or("no code");
    code.chars().filter(|c| c.is_ascii_alphanumeric() || " _-.".contains(*c)).take(CODE_MAX_CHARS).collect()
}
