//! What the caller, the line and the providers do by themselves.

use super::{Coming, World};
use crate::call::interleavings::chance::Draws as _;
use crate::channel::line::FromSound;
use crate::stt::live::Heard;

impl World {
    /// What the caller, the line and the providers do by themselves.
    pub(super) fn plan(&mut self) {
        let mut at = 0;
        for _ in 0..self.dice.below(9) {
            at += *self.dice.one_of(&[0, 10, 200, 900, 2500, 5000]);
            at += self.dice.ms(800);
            match self.dice.below(20) {
                0..=13 => at = self.speaks(at),
                14 | 15 => at = self.presses(at),
                16 => {
                    // Ears that do not keep to any order.
                    let words = self.words();
                    let heard = match self.dice.below(5) {
                        0 => Heard::TurnStarted,
                        1 => Heard::Partial { words },
                        2 => Heard::EagerEnd { words },
                        3 => Heard::Resumed,
                        _ => Heard::TurnEnded { words, confidence: None },
                    };
                    self.comes(at, Coming::FromEars(Some(heard)));
                }
                17 => {
                    self.is_calm = false;
                    self.comes(at, Coming::Stalls(true));
                    let long = *self.dice.one_of(&[50, 400, 4000]);
                    at += long;
                    self.comes(at, Coming::Stalls(false));
                }
                18 => self.comes(at, Coming::FromEars(None)),
                _ => self.comes(at, Coming::FromVoice(None)),
            }
        }
        if self.dice.chance(80) {
            at += self.dice.ms(6000);
            let end = self.dice.chance(80).then_some(FromSound::Stopped);
            self.comes(at, Coming::HangsUp);
            let home = self.home();
            self.comes(at + home, Coming::FromLine(end));
        }
    }

    pub(super) fn words(&mut self) -> String {
        let all = ["", "mhm", "ok", "yes", "yes", "yes", "no", "two nights", "three", "a person please"];
        (*self.dice.one_of(&all)).to_owned()
    }

    pub(super) fn speaks(&mut self, mut at: i64) -> i64 {
        let words = self.words();
        self.comes(at, Coming::FromEars(Some(Heard::TurnStarted)));
        for _ in 0..self.dice.below(3) {
            at += self.dice.ms(600);
            self.comes(at, Coming::FromEars(Some(Heard::Partial { words: words.clone() })));
        }
        while self.dice.chance(35) {
            at += self.dice.ms(300);
            self.comes(at, Coming::FromEars(Some(Heard::EagerEnd { words: words.clone() })));
            if self.dice.chance(50) {
                at += self.dice.ms(300);
                self.comes(at, Coming::FromEars(Some(Heard::Resumed)));
            }
        }
        at += self.dice.ms(400);
        self.comes(at, Coming::FromEars(Some(Heard::TurnEnded { words, confidence: None })));
        at
    }

    pub(super) fn presses(&mut self, mut at: i64) -> i64 {
        for _ in 0..=self.dice.below(3) {
            at += self.dice.ms(900);
            let key = *self.dice.one_of(&['1', '2', '3', '#', '*']);
            self.comes(at, Coming::FromLine(Some(FromSound::Digit(key))));
        }
        at
    }
}
