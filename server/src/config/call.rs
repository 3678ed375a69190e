//! How patient telephone calls are.

use std::time::Duration;

use super::layers::Layers;

/// How patient a telephone call is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallPace {
    /// How long a reply may take before something is said meanwhile.
    pub filler: Duration,
    /// How long after that was heard something is said again.
    pub again: Duration,
    /// How long after it was said it counts as heard, where nobody tells.
    pub unheard: Duration,
    /// How long a reply may take before a person takes over.
    pub reply: Duration,
    /// How long an interruption may be without words before what was being said goes on.
    pub words: Duration,
    /// How long a guest may say nothing after what was said, the first time and then.
    pub silences: [Duration; 4],
    /// How long after a key another one is waited for.
    pub keys: Duration,
    /// How long somebody may speak, or seem to, without an end.
    pub endless: Duration,
    /// How long one reply may take to be played before nobody waits for its end.
    pub stuck: Duration,
    /// How far ahead of what is heard sound is sent.
    pub ahead: Duration,
}

impl Default for CallPace {
    fn default() -> Self {
        Self {
            filler: Duration::from_millis(700),
            again: Duration::from_secs(1),
            unheard: Duration::from_secs(5),
            reply: Duration::from_secs(10),
            words: Duration::from_millis(1200),
            silences: [
                Duration::from_secs(8),
                Duration::from_secs(6),
                Duration::from_secs(6),
                Duration::from_secs(6),
            ],
            keys: Duration::from_millis(2500),
            endless: Duration::from_secs(20),
            stuck: Duration::from_secs(60),
            ahead: Duration::from_millis(300),
        }
    }
}

impl CallPace {
    /// How long a guest may say nothing who has said nothing so many times already.
    pub fn silence(&self, times: u32) -> Duration {
        let last = self.silences.len() - 1;
        self.silences[usize::try_from(times).map_or(last, |times| times.min(last))]
    }

    pub(super) fn read(layers: &mut Layers) -> Self {
        let first = layers.milliseconds("call.silence_ms");
        let then = layers.milliseconds("call.silence_again_ms");
        Self {
            filler: layers.milliseconds("call.filler_ms"),
            words: layers.milliseconds("call.false_interruption_ms"),
            silences: [first, then, then, then],
            keys: layers.milliseconds("call.keys_ms"),
            ahead: layers.milliseconds("call.ahead_ms"),
            ..Self::default()
        }
    }
}
