//! Any server that speaks OpenAI's chat completions: Groq, OpenAI, one of your own.

use std::time::Duration;

use async_trait::async_trait;
use indexmap::IndexMap;
use reqwest::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::{Brief, Copied, LanguageModel, ModelFault};

/// The most characters of a refusal that a fault repeats.
const CODE_MAX_CHARS: usize = 60;
/// The most tokens of an answer; some models think in them first.
const ANSWER_MAX_TOKENS: u32 = 512;
/// Models of this family think first, and copying words needs little thought.
const THINKERS: &str = "gpt-oss";
/// The pause before the one repetition, when the server names none.
const PAUSE: Duration = Duration::from_millis(250);

/// Where a model is and how to ask it.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The address up to and including the version, for example `https://api.groq.com/openai/v1`.
    pub base_url: String,
    /// Opens it; a server of one's own may need none.
    pub api_key: Option<SecretString>,
    /// The model's name.
    pub model: String,
    /// How long an answer may take, a repetition included.
    pub timeout: Duration,
}

/// A model behind OpenAI's chat completions protocol.
#[derive(Clone, Debug)]
pub struct OpenAiCompatible {
    client: reqwest::Client,
    address: String,
    settings: Settings,
}

/// How strictly the form of an answer is prescribed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// By a JSON schema.
    Schema,
    /// Any JSON object; the instructions name the form.
    Object,
}

#[derive(Debug, Deserialize)]
struct Completion {
    choices: Vec<Choice>,
}

#[derive(Debug, Deserialize)]
struct Choice {
    message: Message,
}

#[derive(Debug, Deserialize)]
struct Message {
    content: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Answer {
    #[serde(default)]
    words: IndexMap<String, Option<String>>,
    #[serde(default)]
    acts: Vec<String>,
}

impl OpenAiCompatible {
    /// A model that is asked over HTTP; a TLS provider must have been installed.
    ///
    /// # Errors
    /// The HTTP client cannot be built.
    pub fn new(settings: Settings) -> Result<Self, ModelFault> {
        let client =
            reqwest::Client::builder().timeout(settings.timeout).build().map_err(ModelFault::Unreachable)?;
        let address = format!("{}/chat/completions", settings.base_url.trim_end_matches('/'));
        Ok(Self { client, address, settings })
    }

    /// Asks until there is an answer: once more after 429 or a server's fault, and once more in a looser form
    /// where the server knows no schemas.
    async fn ask(&self, brief: &Brief) -> Result<Copied, ModelFault> {
        let mut form = Form::Schema;
        let mut repeated = false;
        loop {
            let response = self.send(brief, form).await?;
            let status = response.status();
            if status.is_success() {
                return read(response).await;
            }
            let pause = pause(&response);
            let passing = status == StatusCode::TOO_MANY_REQUESTS || status.is_server_error();
            if status == StatusCode::BAD_REQUEST && form == Form::Schema {
                form = Form::Object;
            } else if passing && !repeated {
                repeated = true;
                wait(pause).await;
            } else {
                // The body may repeat what the guest said: only its code is kept.
                let body: Json = response.json().await.unwrap_or_default();
                let code = body.pointer("/error/code").and_then(Json::as_str).unwrap_or("no code");
                let code = code.chars().take(CODE_MAX_CHARS).collect();
                return Err(ModelFault::Refused { status: status.as_u16(), code });
            }
        }
    }

    async fn send(&self, brief: &Brief, form: Form) -> Result<reqwest::Response, ModelFault> {
        let mut request = self.client.post(&self.address).json(&self.body(brief, form));
        if let Some(key) = &self.settings.api_key {
            request = request.bearer_auth(key.expose_secret());
        }
        request.send().await.map_err(|error| self.fault(error))
    }

    fn body(&self, brief: &Brief, form: Form) -> Json {
        let format = match form {
            Form::Schema => json!({
                "type": "json_schema",
                "json_schema": { "name": "understanding", "strict": true, "schema": schema(brief) },
            }),
            Form::Object => json!({ "type": "json_object" }),
        };
        let mut body = json!({
            "model": self.settings.model,
            "temperature": 0,
            "max_completion_tokens": ANSWER_MAX_TOKENS,
            "messages": [
                { "role": "system", "content": brief.instructions },
                { "role": "user", "content": brief.said },
            ],
            "response_format": format,
        });
        if self.settings.model.contains(THINKERS) {
            body["reasoning_effort"] = json!("low");
        }
        body
    }

    /// Asks once, for words in no particular form.
    async fn words(&self, instructions: &str, text: &str) -> Result<String, ModelFault> {
        let mut body = json!({
            "model": self.settings.model,
            "max_completion_tokens": ANSWER_MAX_TOKENS,
            "messages": [
                { "role": "system", "content": instructions },
                { "role": "user", "content": text },
            ],
        });
        if self.settings.model.contains(THINKERS) {
            body["reasoning_effort"] = json!("low");
        }
        let mut request = self.client.post(&self.address).json(&body);
        if let Some(key) = &self.settings.api_key {
            request = request.bearer_auth(key.expose_secret());
        }
        let response = request.send().await.map_err(|error| self.fault(error))?;
        let status = response.status();
        if !status.is_success() {
            return Err(ModelFault::Refused { status: status.as_u16(), code: "no code".to_owned() });
        }
        let content = content(response).await?;
        Ok(content.trim().to_owned())
    }

    fn fault(&self, error: reqwest::Error) -> ModelFault {
        if error.is_timeout() { self.timed_out() } else { ModelFault::Unreachable(error) }
    }

    fn timed_out(&self) -> ModelFault {
        ModelFault::TimedOut { limit_ms: self.settings.timeout.as_millis() }
    }
}

#[async_trait]
impl LanguageModel for OpenAiCompatible {
    async fn understand(&self, brief: &Brief) -> Result<Copied, ModelFault> {
        let limit = tokio::time::timeout(self.settings.timeout, self.ask(brief));
        limit.await.unwrap_or_else(|_| Err(self.timed_out()))
    }

    async fn phrase(&self, instructions: &str, text: &str) -> Result<String, ModelFault> {
        let limit = tokio::time::timeout(self.settings.timeout, self.words(instructions, text));
        limit.await.unwrap_or_else(|_| Err(self.timed_out()))
    }
}

/// Every slot is present and may be null, as strict schemas want it.
fn schema(brief: &Brief) -> Json {
    let words: Map<String, Json> =
        brief.slots.iter().map(|slot| (slot.clone(), json!({ "type": ["string", "null"] }))).collect();
    json!({
        "type": "object",
        "properties": {
            "words": {
                "type": "object",
                "properties": words,
                "required": brief.slots,
                "additionalProperties": false,
            },
            "acts": { "type": "array", "items": { "type": "string", "enum": brief.acts } },
        },
        "required": ["words", "acts"],
        "additionalProperties": false,
    })
}

/// What the model wrote.
async fn content(response: reqwest::Response) -> Result<String, ModelFault> {
    let garbled = |reason: String| ModelFault::Garbled { reason };
    let body = response.bytes().await.map_err(ModelFault::Unreachable)?;
    let completion: Completion = serde_json::from_slice(&body).map_err(|error| garbled(place(&error)))?;
    let first = completion.choices.into_iter().next();
    let content = first.and_then(|choice| choice.message.content);
    content.ok_or_else(|| garbled("it is empty".to_owned()))
}

async fn read(response: reqwest::Response) -> Result<Copied, ModelFault> {
    let garbled = |reason: String| ModelFault::Garbled { reason };
    let content = content(response).await?;
    let answer: Answer = serde_json::from_str(content.trim()).map_err(|error| garbled(place(&error)))?;
    let words = answer.words.into_iter().filter_map(|(slot, words)| Some((slot, words?))).collect();
    Ok(Copied { words, acts: answer.acts })
}

/// What is wrong with an answer and where, without the answer's words.
fn place(error: &serde_json::Error) -> String {
    format!("{:?} at line {} column {}", error.classify(), error.line(), error.column())
}

/// How long the server wants to be left alone, in whole seconds, RFC 9110 section 10.2.3.
fn pause(response: &reqwest::Response) -> Duration {
    let seconds = response.headers().get(reqwest::header::RETRY_AFTER);
    let seconds = seconds.and_then(|value| value.to_str().ok()).and_then(|text| text.parse().ok());
    seconds.map_or(PAUSE, Duration::from_secs)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a pause inside one exchange, bounded by its time-out; no replay has it"
)]
async fn wait(pause: Duration) {
    tokio::time::sleep(pause).await;
}
