//! Any server with OpenAI's `POST /audio/transcriptions`: OpenAI, Groq, one of your own.
//! <https://platform.openai.com/docs/api-reference/audio/createTranscription>

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value as Json;

use super::{Hints, Recogniser, Recording};
use crate::clock::Clock;
use crate::message::Transcript;
use crate::multipart::Form;
use crate::speech::{Exchange, SpeechFault};

/// Models of this family say how sure they are by segment, in a form of their own.
const WHISPER: &str = "whisper";

/// A segment of a Whisper is not speech, and its words are made up, where this is likely and the words are not. One
/// short word may look like silence to it: "two".
const NO_SPEECH: f64 = 0.6;

/// The mean logarithm of a word's probability from which on words are believed all the same.
const LIKELY: f64 = -1.0;

/// A prompt is cut by the model after 224 tokens; what stands at its end counts.
const PROMPT_MAX_CHARS: usize = 600;

/// A server with a key, or one of one's own without.
#[derive(Debug)]
pub struct OpenAiCompatible {
    exchange: Exchange,
    address: String,
    api_key: Option<SecretString>,
    model: String,
}

impl OpenAiCompatible {
    /// The server at this address, its version included; a recording is heard within `limit`, repetitions included.
    ///
    /// # Errors
    /// This machine has no HTTP client.
    pub fn new(
        base_url: &str,
        api_key: Option<SecretString>,
        model: &str,
        limit: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, SpeechFault> {
        let address = format!("{}/audio/transcriptions", base_url.trim_end_matches('/'));
        Ok(Self { exchange: Exchange::new(limit, clock)?, address, api_key, model: model.to_owned() })
    }

    fn form(&self, recording: &Recording, hints: &Hints) -> (String, Vec<u8>) {
        let mut form = Form::new().field("model", &self.model);
        if self.model.contains(WHISPER) {
            form = form.field("response_format", "verbose_json");
        } else {
            form = form.field("response_format", "json").field("include[]", "logprobs");
        }
        if let Some(language) = &hints.language {
            // It knows languages without their countries.
            form = form.field("language", language.split('-').next().unwrap_or(language));
        }
        let prompt: String = hints.terms.join(", ").chars().take(PROMPT_MAX_CHARS).collect();
        if !prompt.is_empty() {
            form = form.field("prompt", &prompt);
        }
        let file = format!("note.{}", extension(&recording.content_type));
        form.file("file", &file, &recording.content_type, &recording.bytes).finish()
    }
}

#[async_trait]
impl Recogniser for OpenAiCompatible {
    async fn hear(&self, recording: &Recording, hints: &Hints) -> Result<Transcript, SpeechFault> {
        let (content_type, body) = self.form(recording, hints);
        let answer = self
            .exchange
            .ask(|client| {
                let request =
                    client.post(&self.address).header(CONTENT_TYPE, &content_type).body(body.clone());
                match &self.api_key {
                    Some(key) => request.bearer_auth(key.expose_secret()),
                    None => request,
                }
            })
            .await?;
        read(&answer.json()?)
    }
}

fn read(said: &Json) -> Result<Transcript, SpeechFault> {
    let words = said.get("text").and_then(Json::as_str);
    let words = words.ok_or_else(|| SpeechFault::Garbled { reason: "it has no text".to_owned() })?;
    let segments = said.get("segments").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let number = |of: &Json, name: &str| of.get(name).and_then(Json::as_f64);
    let is_speech = |segment: &&Json| {
        number(segment, "no_speech_prob").is_none_or(|none| none < NO_SPEECH)
            || number(segment, "avg_logprob").is_some_and(|likely| likely >= LIKELY)
    };
    if !segments.is_empty() && !segments.iter().any(|segment| is_speech(&segment)) {
        return Ok(Transcript::default());
    }
    let logarithms: Vec<f64> = match said.get("logprobs").and_then(Json::as_array) {
        Some(tokens) => tokens.iter().filter_map(|token| number(token, "logprob")).collect(),
        None => segments.iter().filter(is_speech).filter_map(|one| number(one, "avg_logprob")).collect(),
    };
    let count = u32::try_from(logarithms.len()).ok().filter(|count| *count > 0);
    Ok(Transcript {
        words: words.trim().to_owned(),
        confidence: count.map(|count| (logarithms.iter().sum::<f64>() / f64::from(count)).exp().min(1.0)),
        language: said.get("language").and_then(Json::as_str).map(str::to_owned),
    })
}

/// What a file of that type is called: the server tells by it what it is.
fn extension(content_type: &str) -> &'static str {
    let kind = content_type.split(';').next().unwrap_or_default().trim();
    match kind {
        "audio/mpeg" | "audio/mp3" => "mp3",
        "audio/mp4" | "audio/aac" | "audio/x-m4a" | "audio/m4a" => "m4a",
        "audio/wav" | "audio/x-wav" | "audio/wave" => "wav",
        "audio/webm" | "video/webm" => "webm",
        "audio/flac" => "flac",
        "audio/amr" => "amr",
        _ => "ogg",
    }
}
