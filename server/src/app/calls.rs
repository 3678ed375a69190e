//! Who answers the telephone, put together.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::App;
use crate::call::Calls;
use crate::config::Config;
use crate::stt::live::LiveRecogniser;
use crate::tts::live::LiveVoice;

impl App {
    /// Who answers calls: those whose line carries words; with ears and a voice those that carry sound, too. What is
    /// said when a voice is gone is made ready in the background, until `stop`.
    pub fn calls(
        &self,
        config: &Config,
        ears: Option<Arc<dyn LiveRecogniser>>,
        voice: Option<Arc<dyn LiveVoice>>,
        stop: &CancellationToken,
    ) -> Calls {
        let receptionist = Arc::clone(&self.receptionist);
        let hints = super::hints(config, &receptionist.house);
        let calls = Calls::new(receptionist, config.call).with_speech(ears, voice, hints);
        let (ready, stopped) = (calls.clone(), stop.clone());
        tokio::spawn(async move { stopped.run_until_cancelled(ready.keep_ready()).await });
        calls
    }
}
