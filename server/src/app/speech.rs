//! Who hears and who speaks, as configured.

use std::sync::Arc;

use serde_json::Value as Json;

use super::House;
use crate::clock::Clock;
use crate::config::{Config, HearingBy, ReplyBy, SttProvider, TtsProvider, VoiceReply};
use crate::speech::SpeechFault;
use crate::stt::live::{LiveRecogniser, Thresholds};
use crate::stt::{self, Hints, Recogniser};
use crate::tts::{self, Voice};

/// Who hears voice notes, if anybody does.
///
/// # Errors
/// The provider cannot be asked from this machine.
pub fn recogniser(
    config: &Config,
    clock: Arc<dyn Clock>,
) -> Result<Option<Arc<dyn Recogniser>>, SpeechFault> {
    let Some(stt) = &config.stt else { return Ok(None) };
    let address = stt.base_url.as_str();
    Ok(match (stt.provider, &stt.api_key) {
        (SttProvider::Deepgram, Some(key)) => {
            Some(Arc::new(stt::Deepgram::new(address, key.clone(), &stt.model, stt.timeout, clock)?))
        }
        (SttProvider::Deepgram, None) => None,
        (SttProvider::OpenAi | SttProvider::Groq, key) => {
            let key = key.clone();
            Some(Arc::new(stt::OpenAiCompatible::new(address, key, &stt.model, stt.timeout, clock)?))
        }
    })
}

/// Who hears calls, if anybody does.
///
/// # Errors
/// The provider cannot be asked from this machine.
pub fn live_recogniser(
    config: &Config,
    clock: Arc<dyn Clock>,
) -> Result<Option<Arc<dyn LiveRecogniser>>, SpeechFault> {
    let Some(hearing) = &config.hearing else { return Ok(None) };
    let (address, model) = (hearing.base_url.as_str(), hearing.model.as_str());
    let share = |percent: u32| percent as f32 / 100.0;
    let thresholds = Thresholds {
        end: share(hearing.end_percent),
        eager: (hearing.eager_percent > 0).then(|| share(hearing.eager_percent)),
        silence_ms: u32::try_from(hearing.silence.as_millis()).unwrap_or(u32::MAX),
    };
    let times = (hearing.open, hearing.lost);
    Ok(match (hearing.by, hearing.api_key.clone()) {
        (HearingBy::Flux, Some(key)) => {
            Some(Arc::new(stt::Flux::new(address, key, model, thresholds, times, clock)?))
        }
        (HearingBy::V1, Some(key)) => {
            Some(Arc::new(stt::DeepgramLive::new(address, key, model, thresholds, times, clock)?))
        }
        (HearingBy::Flux | HearingBy::V1, None) => None,
        (HearingBy::Realtime, key) => {
            let models = (hearing.session_model.as_str(), model);
            Some(Arc::new(stt::Realtime::new(address, key, models, thresholds, times, clock)?))
        }
    })
}

/// Who speaks replies, if anybody does.
///
/// # Errors
/// The provider cannot be asked from this machine.
pub fn voice(config: &Config, clock: Arc<dyn Clock>) -> Result<Option<Arc<dyn Voice>>, SpeechFault> {
    let Some(tts) = config.tts.as_ref().filter(|_| answers_aloud(config)) else { return Ok(None) };
    let address = tts.base_url.as_str();
    Ok(match (tts.provider, &tts.api_key) {
        (TtsProvider::Deepgram, Some(key)) => {
            Some(Arc::new(tts::Deepgram::new(address, key.clone(), &tts.voice, tts.timeout, clock)?))
        }
        (TtsProvider::OpenAi, key) => {
            let (key, model) = (key.clone(), &tts.model);
            Some(Arc::new(tts::OpenAiCompatible::new(address, key, model, &tts.voice, tts.timeout, clock)?))
        }
        (TtsProvider::ElevenLabs, Some(key)) if !tts.voice.is_empty() => {
            let (key, model) = (key.clone(), &tts.model);
            Some(Arc::new(tts::ElevenLabs::new(address, key, model, &tts.voice, tts.timeout, clock)?))
        }
        (TtsProvider::Deepgram | TtsProvider::ElevenLabs, _) => None,
    })
}

/// Whether voice notes are answered by a sound, too. Inside a webhook's answer there is no time for it.
pub(super) fn answers_aloud(config: &Config) -> bool {
    let speaks = config.tts.as_ref().is_some_and(|tts| match tts.provider {
        TtsProvider::Deepgram | TtsProvider::OpenAi => true,
        // There is no voice that every account has.
        TtsProvider::ElevenLabs => !tts.voice.is_empty(),
    });
    config.voice_reply == VoiceReply::VoiceNotes && config.twilio.reply == ReplyBy::Rest && speaks
}

/// What guests may say that few people say: the names of the hotel and of its rooms.
pub fn hints(config: &Config, house: &House) -> Hints {
    let hotel = house.get("hotel");
    let name = hotel.and_then(|hotel| hotel.get("name")?.as_str());
    let rooms = hotel.and_then(|hotel| hotel.get("room_types")?.as_array());
    let rooms = rooms.into_iter().flatten().filter_map(|room| room.get("name").and_then(Json::as_str));
    let terms = name.into_iter().chain(rooms).map(str::to_owned).collect();
    Hints { language: config.stt.as_ref().and_then(|stt| stt.language.clone()), terms }
}
