//! Sounds that are there when no voice is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::Clock;
use crate::tts::live::{Keep, LiveVoice, Order, Spoken, UtteranceId};

/// How long a sound that is kept ready may take to be made.
const MAKING: Duration = Duration::from_secs(20);

/// Sounds by their prompts.
type Sounds = HashMap<&'static str, Arc<[u8]>>;

/// Sounds that are there when no voice is. Clones share them.
#[derive(Clone, Debug, Default)]
pub(in crate::call) struct Kept(Arc<Mutex<Sounds>>);

impl Kept {
    /// The sound of a prompt.
    pub(in crate::call) fn get(&self, prompt: &str) -> Option<Arc<[u8]>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(prompt).cloned()
    }

    /// Has a voice make the sound of a prompt.
    pub(in crate::call) async fn fill(
        &self,
        prompt: &'static str,
        words: &str,
        voice: &dyn LiveVoice,
        clock: &dyn Clock,
    ) {
        let made = tokio::select! {
            made = made(words, voice) => made,
            () = clock.sleep(MAKING) => None,
        };
        match made {
            Some(sound) => {
                let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
                kept.insert(prompt, sound.into());
            }
            None => tracing::warn!(prompt, "the voice did not say what is kept ready for when it is gone"),
        }
    }
}

async fn made(words: &str, voice: &dyn LiveVoice) -> Option<Vec<u8>> {
    let mut mouth = voice.open().await.ok()?;
    let said = Order::Say { utterance: UtteranceId(1), text: words.to_owned(), keep: Keep::Disk };
    mouth.orders.send(said).await.ok()?;
    let mut sound = Vec::new();
    while let Some(spoken) = mouth.spoken.recv().await {
        match spoken {
            Spoken::Sound { bytes, .. } => sound.extend(bytes),
            Spoken::Done { .. } => return (!sound.is_empty()).then_some(sound),
            Spoken::Failed { .. } => return None,
        }
    }
    None
}
