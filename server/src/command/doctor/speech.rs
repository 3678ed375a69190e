//! Whether somebody hears voice notes, and speaks replies.

use reqwest::header::AUTHORIZATION;
use reqwest::{RequestBuilder, StatusCode};
use secrecy::{ExposeSecret as _, SecretString};

use super::Finding;
use super::asking::PATIENCE;
use crate::config::{Config, SttProvider, TtsProvider, VoiceReply};
use crate::fault::chain;

/// Whether voice notes are heard.
pub(super) async fn hearing(config: &Config) -> Finding {
    let Some(stt) = &config.stt else {
        return Finding::Off("voice notes: no key for [stt] provider; guests are asked to write".to_owned());
    };
    let how = if stt.provider == SttProvider::Deepgram { By::Deepgram } else { By::OpenAi };
    let who = format!("voice notes: {} at {}", stt.model, stt.base_url);
    asked(&who, stt.base_url.as_str(), stt.api_key.as_ref(), how, "[stt]").await
}

/// Whether replies are spoken.
pub(super) async fn speaking(config: &Config) -> Finding {
    if config.voice_reply == VoiceReply::Off {
        return Finding::Off("voice replies: [whatsapp] voice_reply is off".to_owned());
    }
    let Some(tts) = &config.tts else {
        return Finding::Broken {
            what: "voice replies: no key for [tts] provider".to_owned(),
            fix:
                "set DEEPGRAM_API_KEY, ELEVENLABS_API_KEY or OPENAI_API_KEY, or [whatsapp] voice_reply to off"
                    .to_owned(),
        };
    };
    if tts.provider == TtsProvider::ElevenLabs && tts.voice.is_empty() {
        return Finding::Broken {
            what: "voice replies: [tts] provider elevenlabs has no voice".to_owned(),
            fix: "set [tts] voice to the id of one of your voices at ElevenLabs".to_owned(),
        };
    }
    let who = format!("voice replies: {} at {}", tts.voice, tts.base_url);
    let how = match tts.provider {
        TtsProvider::Deepgram => By::Deepgram,
        TtsProvider::ElevenLabs => By::ElevenLabs,
        TtsProvider::OpenAi => By::OpenAi,
    };
    asked(&who, tts.base_url.as_str(), tts.api_key.as_ref(), how, "[tts]").await
}

/// Whose protocol a provider speaks.
#[derive(Clone, Copy)]
enum By {
    Deepgram,
    ElevenLabs,
    OpenAi,
}

/// Asks a provider for something that costs nothing and needs its key.
async fn asked(who: &str, base: &str, key: Option<&SecretString>, how: By, section: &str) -> Finding {
    let what = match how {
        By::Deepgram => "v1/projects",
        By::ElevenLabs => "v1/models",
        By::OpenAi => "models",
    };
    let authorize = |request: RequestBuilder| match (key, how) {
        (Some(key), By::Deepgram) => request.header(AUTHORIZATION, format!("Token {}", key.expose_secret())),
        (Some(key), By::ElevenLabs) => request.header("xi-api-key", key.expose_secret()),
        (Some(key), By::OpenAi) => request.bearer_auth(key.expose_secret()),
        (None, _) => request,
    };
    let answered = async {
        let client = reqwest::Client::builder().timeout(PATIENCE).build()?;
        authorize(client.get(format!("{base}/{what}"))).send().await
    };
    let broken = |is: String, fix: String| Finding::Broken { what: format!("{who}: {is}"), fix };
    match answered.await {
        Ok(response) => match response.status() {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => broken(
                "the key is refused".to_owned(),
                format!("set {section} api_key, or the provider's variable"),
            ),
            status if status.is_server_error() => {
                broken(format!("it answers {status}"), format!("wait, or set another {section} base_url"))
            }
            _ => Finding::Fine(format!("{who} is reached")),
        },
        Err(error) => broken(
            format!("it does not answer: {}", chain(&error.without_url())),
            format!("correct {section} base_url"),
        ),
    }
}
