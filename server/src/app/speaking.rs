//! Who speaks in calls, and what is said the same to every caller.

use std::sync::Arc;

use super::language::{instructions_to_speak, replies};
use super::{House, StartFault, clock_of, connected, house, zone_of};
use crate::clock::Clock;
use crate::config::{Config, Speaking, TtsProvider};
use crate::message::ChannelName;
use crate::mistakes::Wrong;
use crate::reply::{Listener, Medium, Replies};
use crate::tts::live::{Cached, Fixed, Limits, LiveVoice, Room, Sounds};
use crate::tts::{DeepgramLive, ElevenLabsLive, RealtimeLive};

/// Who speaks in calls.
#[derive(Clone, Debug)]
pub struct CallVoice {
    /// The voice, which remembers.
    pub voice: Arc<dyn LiveVoice>,
    /// What it remembers.
    pub sounds: Arc<Sounds>,
}

/// Who speaks in calls, with what was said before; nobody if nobody is configured.
///
/// # Errors
/// The folder of sounds cannot be used, or the instructions of a model cannot be read.
pub fn live_voice(config: &Config, clock: Arc<dyn Clock>) -> Result<Option<CallVoice>, StartFault> {
    let Some(speaking) = &config.speaking else { return Ok(None) };
    let Some(voice) = vendor(config, speaking, clock)? else { return Ok(None) };
    let folder = speaking.cache.folder.clone();
    let shown = folder.as_ref().map(|folder| folder.display().to_string()).unwrap_or_default();
    let room = Room { memory: speaking.cache.memory, disk: speaking.cache.disk };
    let sounds = Sounds::open(folder, room).map_err(|source| StartFault::File { path: shown, source })?;
    let voice = Arc::new(Cached::new(voice, Arc::clone(&sounds)));
    Ok(Some(CallVoice { voice, sounds }))
}

fn vendor(
    config: &Config,
    speaking: &Speaking,
    clock: Arc<dyn Clock>,
) -> Result<Option<Arc<dyn LiveVoice>>, StartFault> {
    let limits = Limits { connect: speaking.open, silent: speaking.silent };
    let (address, voice, model) = (speaking.base_url.as_str(), &speaking.voice, &speaking.model);
    Ok(match (speaking.by, &speaking.api_key) {
        (TtsProvider::Deepgram, Some(key)) => {
            Some(Arc::new(DeepgramLive::new(address, key, voice, limits, clock)))
        }
        (TtsProvider::ElevenLabs, Some(key)) => {
            Some(Arc::new(ElevenLabsLive::new(address, key.clone(), model, voice, limits, clock)))
        }
        (TtsProvider::OpenAi, key) => {
            let rules = instructions_to_speak(config)?;
            Some(Arc::new(RealtimeLive::new(address, key.as_ref(), model, voice, &rules, limits, clock)))
        }
        (TtsProvider::Deepgram | TtsProvider::ElevenLabs, None) => None,
    })
}

/// What these prompts say to every caller in a language.
///
/// # Errors
/// The hotel does not say where it is.
pub fn fixed(
    replies: &Replies,
    house: &House,
    language: &str,
    clock: &dyn Clock,
) -> Result<Fixed, StartFault> {
    let today = clock.today(zone_of(house)?);
    let limits = ChannelName::Twilio.limits();
    let listener = Listener { medium: Medium::Voice, language, today, house, limits, spelled: false };
    let texts = replies.fixed(&listener);
    Ok(Fixed::of(texts.iter().map(String::as_str)))
}

/// What is said to every caller, for those who make it into sound beforehand.
///
/// # Errors
/// Mistakes in the prompts, or a hotel that does not answer.
pub async fn fixed_in_all_languages(config: &Config) -> Result<Vec<Fixed>, StartFault> {
    let house = house(&connected(config).await?).await?;
    let mut wrong = Wrong::default();
    let replies = replies(config, &mut wrong)?;
    if !wrong.is_empty() {
        return Err(wrong.into());
    }
    let clock = clock_of(config, zone_of(&house)?);
    replies.languages().iter().map(|language| fixed(&replies, &house, language, &*clock)).collect()
}
