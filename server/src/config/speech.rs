//! `[stt]`, `[tts]` and `[whatsapp] voice_reply`: who hears, who speaks, and when.

use std::time::Duration;

use secrecy::SecretString;

use super::hearing::Hearing;
use super::layers::{GROQ_KEY, Layers};
use super::speaking::Speaking;
use super::{BASE_URL, BaseUrl, Vendor, secret};

/// Groq's address.
const GROQ: &str = "https://api.groq.com/openai/v1";

/// Speech in.
#[derive(Clone, Debug)]
pub struct Stt {
    /// Who hears.
    pub provider: SttProvider,
    /// Where it is.
    pub base_url: BaseUrl,
    /// Opens it; a server of one's own may need none.
    pub api_key: Option<SecretString>,
    /// The model it is asked for.
    pub model: String,
    /// The language guests speak, as BCP 47 has it; without it the provider finds out.
    pub language: Option<String>,
    /// How long a recording may take, repetitions included.
    pub timeout: Duration,
}

/// Who hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SttProvider {
    /// Deepgram.
    Deepgram,
    /// OpenAI, or any server that speaks the same protocol.
    OpenAi,
    /// Groq.
    Groq,
}

/// Speech out.
#[derive(Clone, Debug)]
pub struct Tts {
    /// Who speaks.
    pub provider: TtsProvider,
    /// Where it is.
    pub base_url: BaseUrl,
    /// Opens it; a server of one's own may need none.
    pub api_key: Option<SecretString>,
    /// The model it is asked for, where that is not the voice.
    pub model: String,
    /// The voice, as the provider names it.
    pub voice: String,
    /// How long a message may take, repetitions included.
    pub timeout: Duration,
}

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TtsProvider {
    /// Deepgram.
    Deepgram,
    /// ElevenLabs.
    ElevenLabs,
    /// OpenAI, or any server that speaks the same protocol.
    OpenAi,
}

/// When guests who write get a spoken reply too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoiceReply {
    /// Never.
    Off,
    /// To voice notes.
    VoiceNotes,
}

impl Stt {
    /// Who hears voice notes, and who hears calls. `None` is off: nothing opens the provider.
    pub(super) fn read(
        layers: &mut Layers,
        deepgram: &Vendor,
        openai: &Vendor,
    ) -> (Option<Self>, Option<Hearing>) {
        let provider =
            layers.required("stt.provider", "deepgram, openai or groq", SttProvider::Deepgram, |text| {
                match text {
                    "deepgram" => Some(SttProvider::Deepgram),
                    "openai" => Some(SttProvider::OpenAi),
                    "groq" => Some(SttProvider::Groq),
                    _ => None,
                }
            });
        let own = Own::read(layers, "stt");
        let hearing = Hearing::read(layers, &own, provider, (deepgram, openai));
        let language = layers.text("stt.language");
        let groq = secret(layers, GROQ_KEY);
        let (address, key, model, timeout) = match provider {
            SttProvider::Deepgram => (
                Some(deepgram.base_url.clone()),
                deepgram.api_key.clone(),
                deepgram.model.clone().unwrap_or_else(|| "nova-3".to_owned()),
                deepgram.timeout,
            ),
            SttProvider::OpenAi => (
                Some(openai.base_url.clone()),
                openai.api_key.clone(),
                "gpt-4o-mini-transcribe".to_owned(),
                openai.timeout,
            ),
            SttProvider::Groq => {
                (BaseUrl::parse(GROQ), groq, "whisper-large-v3-turbo".to_owned(), openai.timeout)
            }
        };
        let opened = own.opened(address, key, provider != SttProvider::Deepgram);
        let model = own.model.unwrap_or(model);
        let stt =
            opened.map(|(base_url, api_key)| Self { provider, base_url, api_key, model, language, timeout });
        (stt, hearing)
    }
}

impl TtsProvider {
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text {
            "deepgram" => Some(Self::Deepgram),
            "elevenlabs" => Some(Self::ElevenLabs),
            "openai" => Some(Self::OpenAi),
            _ => None,
        }
    }
}

impl Tts {
    /// Who speaks replies, and who speaks in calls. `None` is off: nothing opens the provider.
    pub(super) fn read(
        layers: &mut Layers,
        deepgram: &Vendor,
        elevenlabs: &Vendor,
        openai: &Vendor,
    ) -> (Option<Self>, Option<Speaking>) {
        let expected = "deepgram, elevenlabs or openai";
        let provider = layers.required("tts.provider", expected, TtsProvider::Deepgram, TtsProvider::parse);
        let own = Own::read(layers, "tts");
        let speaking = Speaking::read(layers, &own, provider, (deepgram, elevenlabs, openai));
        let (vendor, model, voice) = match provider {
            TtsProvider::Deepgram => (deepgram, String::new(), "aura-2-thalia-en"),
            TtsProvider::ElevenLabs => (elevenlabs, elevenlabs.model.clone().unwrap_or_default(), ""),
            TtsProvider::OpenAi => (openai, "gpt-4o-mini-tts".to_owned(), "marin"),
        };
        let voice = layers.text("tts.voice").unwrap_or_else(|| voice.to_owned());
        let keyless = provider == TtsProvider::OpenAi;
        let opened = own.opened(Some(vendor.base_url.clone()), vendor.api_key.clone(), keyless);
        let (model, timeout) = (own.model.unwrap_or(model), vendor.timeout);
        let tts =
            opened.map(|(base_url, api_key)| Self { provider, base_url, api_key, model, voice, timeout });
        (tts, speaking)
    }
}

impl VoiceReply {
    pub(super) fn read(layers: &mut Layers) -> Self {
        layers.required("whatsapp.voice_reply", "off or voice-notes", Self::Off, |text| match text {
            "off" => Some(Self::Off),
            "voice-notes" => Some(Self::VoiceNotes),
            _ => None,
        })
    }
}

/// What a role says that is otherwise its provider's.
pub(super) struct Own {
    base_url: Option<BaseUrl>,
    api_key: Option<SecretString>,
    model: Option<String>,
}

impl Own {
    fn read(layers: &mut Layers, section: &str) -> Self {
        Self {
            base_url: layers.parsed(&format!("{section}.base_url"), BASE_URL, BaseUrl::parse),
            api_key: secret(layers, &format!("{section}.api_key")),
            model: layers.text(&format!("{section}.model")),
        }
    }

    /// Where the provider is and what opens it. A server of one's own may need no key where its protocol knows none.
    pub(super) fn opened(
        &self,
        address: Option<BaseUrl>,
        key: Option<SecretString>,
        keyless: bool,
    ) -> Option<(BaseUrl, Option<SecretString>)> {
        let key = self.api_key.clone().or(key);
        let on = key.is_some() || keyless && self.base_url.is_some();
        let base_url = self.base_url.clone().or(address)?;
        on.then_some((base_url, key))
    }
}
