//! `[tts] live…`, `cache…`: who speaks in calls, and what is kept of it.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::layers::Layers;
use super::speech::Own;
use super::{BaseUrl, DatabaseUrl, TtsProvider, Vendor};

/// The folder of sounds beside the database, if none is named.
const FOLDER: &str = "innkeeper-sounds";

const MIB: usize = 1024 * 1024;

/// Speech out, in calls.
#[derive(Clone, Debug)]
pub struct Speaking {
    /// Who speaks.
    pub by: TtsProvider,
    /// Where it is.
    pub base_url: BaseUrl,
    /// Opens it; a server of one's own may need none.
    pub api_key: Option<SecretString>,
    /// The model it is asked for, where that is not the voice.
    pub model: String,
    /// The voice, as the provider names it.
    pub voice: String,
    /// How long a connection may take.
    pub open: Duration,
    /// How long nothing may come before an utterance has failed.
    pub silent: Duration,
    /// The sounds that are kept.
    pub cache: SoundCache,
}

/// The sounds that are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SoundCache {
    /// Where; `None` is in memory alone.
    pub folder: Option<PathBuf>,
    /// Bytes in memory.
    pub memory: usize,
    /// Bytes on disk.
    pub disk: u64,
}

impl Speaking {
    /// `None` is off: nothing opens the provider.
    pub(super) fn read(
        layers: &mut Layers,
        own: &Own,
        provider: TtsProvider,
        (deepgram, elevenlabs, openai): (&Vendor, &Vendor, &Vendor),
    ) -> Option<Self> {
        let by = layers
            .parsed("tts.live", "deepgram, elevenlabs or openai", TtsProvider::parse)
            .unwrap_or(provider);
        let (live_model, live_voice) = (layers.text("tts.live_model"), layers.text("tts.live_voice"));
        let voice = live_voice.or_else(|| layers.text("tts.voice").filter(|_| by == provider));
        let open = layers.milliseconds("tts.live_open_ms");
        let silent = layers.milliseconds("tts.live_silent_ms");
        let cache = SoundCache::read(layers);
        let (vendor, model, usual) = match by {
            TtsProvider::Deepgram => (deepgram, None, Some("aura-2-thalia-en")),
            TtsProvider::ElevenLabs => (elevenlabs, elevenlabs.model.clone(), None),
            TtsProvider::OpenAi => (openai, openai.model.clone(), Some("marin")),
        };
        // What [tts] says of its provider's place and key is also said of calls, if the same one speaks in them.
        let (base_url, api_key) = if by == provider {
            let keyless = by == TtsProvider::OpenAi;
            own.opened(Some(vendor.base_url.clone()), vendor.api_key.clone(), keyless)?
        } else {
            (vendor.base_url.clone(), Some(vendor.api_key.clone()?))
        };
        let voice = voice.or_else(|| usual.map(str::to_owned))?;
        let model = live_model.or(model).unwrap_or_default();
        Some(Self { by, base_url, api_key, model, voice, open, silent, cache })
    }
}

impl SoundCache {
    fn read(layers: &mut Layers) -> Self {
        let folder = match layers.text("tts.cache").as_deref() {
            Some("off") => None,
            Some(folder) => Some(PathBuf::from(folder)),
            None => beside_database(layers),
        };
        let memory = usize::try_from(layers.count("tts.cache_memory_mib")).unwrap_or(usize::MAX);
        let disk = u64::from(layers.count("tts.cache_disk_mib"));
        Self { folder, memory: memory.saturating_mul(MIB), disk: disk.saturating_mul(MIB as u64) }
    }
}

/// Beside a database that is a file; one that is in memory leaves nothing behind either.
fn beside_database(layers: &mut Layers) -> Option<PathBuf> {
    let database = DatabaseUrl::parse(&layers.text("database.url")?)?;
    if database.as_str() == "sqlite::memory:" {
        return None;
    }
    let beside = database.file().and_then(|file| file.parent().map(PathBuf::from)).unwrap_or_default();
    Some(beside.join(FOLDER))
}
