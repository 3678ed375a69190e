//! A voice: takes its time, makes sound faster than it is played, and fails in every way a voice can.

use super::chance::{Dice, Draws as _};
use super::far::sound;
use crate::tts::live::{Spoken, UtteranceId};

/// How a voice is, all through a call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Manner {
    /// How long it takes a byte of words.
    pub(super) ms_per_byte: usize,
    /// How many times faster than it is played it makes sound.
    pub(super) pace: i64,
    /// How long it takes to begin, at most.
    pub(super) first: usize,
    /// How often, in a thousand, something goes wrong with an utterance.
    pub(super) troubles: usize,
    /// Whether some sound comes after it was called off.
    pub(super) leaks: bool,
}

/// What it makes of its orders.
#[derive(Debug)]
pub(super) struct Voice {
    manner: Manner,
    /// Up to when it is busy.
    busy: i64,
    called_off: u64,
}

impl Voice {
    pub(super) fn new(manner: Manner) -> Self {
        Self { manner, busy: 0, called_off: 0 }
    }

    /// How long this is, in milliseconds.
    pub(super) fn length(&self, text: &str) -> usize {
        text.len() * self.manner.ms_per_byte
    }

    /// Says something: what comes of it, and when.
    pub(super) fn says(
        &mut self,
        utterance: UtteranceId,
        text: &str,
        now: i64,
        dice: &mut Dice,
    ) -> Vec<(i64, Spoken)> {
        let id = u32::try_from(utterance.0).expect("few utterances");
        let all = u32::try_from(self.length(text)).expect("a short text");
        let mut at = now.max(self.busy) + dice.ms(self.manner.first);
        let trouble = (dice.below(1000) < self.manner.troubles).then(|| dice.below(4));
        let most = if trouble.is_some() { dice.upto(all) } else { all };
        let mut said = Vec::new();
        let mut made = 0;
        // The first way to fail is to make no sound at all and say that all is well.
        while made < most && trouble != Some(0) {
            let more = (20 * (1 + dice.upto(15))).min(most - made);
            at += i64::from(more) / self.manner.pace;
            said.push((at, Spoken::Sound { utterance, bytes: sound(id, made..made + more) }));
            made += more;
        }
        match trouble {
            None | Some(0) => said.push((at, Spoken::Done { utterance })),
            Some(1) => {
                said.push((at, Spoken::Failed { utterance, reason: "it cannot say that".to_owned() }));
            }
            // Nothing more comes.
            Some(_) => {}
        }
        self.busy = at;
        said
    }

    /// Everything up to an utterance is called off.
    pub(super) fn is_called_off(&mut self, upto: UtteranceId, now: i64) {
        self.called_off = self.called_off.max(upto.0);
        self.busy = now;
    }

    /// Whether what was made is passed on still.
    pub(super) fn passes(&self, spoken: &Spoken, dice: &mut Dice) -> bool {
        let (Spoken::Sound { utterance, .. } | Spoken::Done { utterance } | Spoken::Failed { utterance, .. }) =
            spoken;
        utterance.0 > self.called_off || self.manner.leaks && dice.below(3) == 0
    }
}
