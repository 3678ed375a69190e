//! Who answers the telephone, put together.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::{App, CallVoice, StartFault};
use crate::call::{Calls, LANGUAGE, Witness};
use crate::config::Config;

impl App {
    /// Who answers calls: those whose line carries words; with ears and a voice those that carry sound, too. What is
    /// said when a voice is gone is made ready in the background, until `stop`.
    ///
    /// # Errors
    /// A provider of speech cannot be asked from this machine, its sounds cannot be kept, or the hotel does not say where
    /// it is.
    pub fn calls(
        &self,
        config: &Config,
        witness: Arc<dyn Witness>,
        stop: &CancellationToken,
    ) -> Result<Calls, StartFault> {
        let receptionist = Arc::clone(&self.receptionist);
        let ears = super::live_recogniser(config, Arc::clone(&receptionist.clock))?;
        let voice = super::live_voice(config, Arc::clone(&receptionist.clock))?;
        let voice = voice.map(|CallVoice { voice, .. }| voice);
        let hints = super::hints(config, &receptionist.house);
        let (replies, house, clock) = (&receptionist.replies, &receptionist.house, &receptionist.clock);
        let fixed = super::fixed(&replies.now(), house, LANGUAGE, &**clock)?;
        let calls = Calls::new(receptionist, config.call)
            .with_speech(ears, voice, hints)
            .saying_always(fixed)
            .watched_by(witness);
        let (ready, stopped) = (calls.clone(), stop.clone());
        tokio::spawn(async move { stopped.run_until_cancelled(ready.keep_ready()).await });
        Ok(calls)
    }
}
