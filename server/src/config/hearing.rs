//! `[stt] live…`: who hears calls as they go on, and how patient it is.

use std::time::Duration;

use secrecy::SecretString;

use super::layers::Layers;
use super::speech::Own;
use super::{BaseUrl, SttProvider, Vendor};

/// Speech in, in calls.
#[derive(Clone, Debug)]
pub struct Hearing {
    /// Who hears.
    pub by: HearingBy,
    /// Where it is.
    pub base_url: BaseUrl,
    /// Opens it; a server of one's own may need none.
    pub api_key: Option<SecretString>,
    /// The model that writes down what is said.
    pub model: String,
    /// The model that holds the session, where that is another.
    pub session_model: String,
    /// The language guests speak, as BCP 47 has it; without it the provider finds out.
    pub language: Option<String>,
    /// How sure a session is at first that a caller has finished, in percent.
    pub end_percent: u32,
    /// How sure it is at first that a caller has probably finished, in percent; 0 is never.
    pub eager_percent: u32,
    /// How long a silence ends a turn at first, whatever it sounds like.
    pub silence: Duration,
    /// How long a session may take to open.
    pub open: Duration,
    /// How long a session may have no connection before it is lost.
    pub lost: Duration,
}

/// Who hears calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HearingBy {
    /// Deepgram Flux, which tells turns.
    Flux,
    /// Deepgram before Flux, which tells segments and endpoints.
    V1,
    /// OpenAI Realtime, which is never asked to answer.
    Realtime,
}

impl Hearing {
    /// `None` is off: nothing opens the provider.
    pub(super) fn read(
        layers: &mut Layers,
        own: &Own,
        provider: SttProvider,
        (deepgram, openai): (&Vendor, &Vendor),
    ) -> Option<Self> {
        let by = layers.required("stt.live", "flux, v1 or realtime", HearingBy::Flux, |text| match text {
            "flux" => Some(HearingBy::Flux),
            "v1" => Some(HearingBy::V1),
            "realtime" => Some(HearingBy::Realtime),
            _ => None,
        });
        let model = layers.text("stt.live_model");
        let language = layers.text("stt.language");
        let end_percent = layers.percent("stt.live_end_percent");
        let eager_percent = layers.percent("stt.live_eager_percent");
        let silence = layers.milliseconds("stt.live_silence_ms");
        let open = layers.milliseconds("stt.live_open_ms");
        let lost = layers.milliseconds("stt.live_lost_ms");
        let english = language.as_ref().is_some_and(|tag| tag.split('-').next() == Some("en"));
        let (vendor, host, usual) = match by {
            HearingBy::Flux if english => (deepgram, SttProvider::Deepgram, "flux-general-en"),
            HearingBy::Flux => (deepgram, SttProvider::Deepgram, "flux-general-multi"),
            HearingBy::V1 => (deepgram, SttProvider::Deepgram, "nova-3"),
            HearingBy::Realtime => (openai, SttProvider::OpenAi, "gpt-transcribe"),
        };
        // What [stt] says of its provider's place and key is also said of calls, if they are heard by the same one.
        let (base_url, api_key) = if provider == host {
            let keyless = by == HearingBy::Realtime;
            own.opened(Some(vendor.base_url.clone()), vendor.api_key.clone(), keyless)?
        } else {
            (vendor.base_url.clone(), Some(vendor.api_key.clone()?))
        };
        Some(Self {
            by,
            base_url,
            api_key,
            model: model.unwrap_or_else(|| usual.to_owned()),
            session_model: openai.model.clone().unwrap_or_else(|| "gpt-realtime".to_owned()),
            language,
            end_percent,
            eager_percent,
            silence,
            open,
            lost,
        })
    }
}
