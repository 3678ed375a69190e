//! The machine's wishes, granted as the call's task grants them.

use super::hotel::Job;
use super::{World, at, is_to_far_end, millis};
use crate::call::interleavings::far::{KEPT, sound};
use crate::call::machine::Wish;
use crate::call::said::INTERRUPTED;
use crate::channel::line::ToSound;
use crate::tts::live::Order;

impl World {
    pub(super) fn grant(&mut self, wish: Wish) -> Result<(), String> {
        let now = at(self.now);
        match wish {
            Wish::Think(turn) => self.think(turn)?,
            Wish::Suppose(words) => self.suppose(&words),
            Wish::Forget => self.forget(),
            Wish::Speak => {
                let Some(lines) = self.said.lines() else { return Ok(()) };
                self.is_hushed = false;
                self.since = None;
                for line in &lines {
                    self.oracle.says(&line.text);
                    let text = self.oracle.number(&line.text).ok_or("nobody knows what is said")?;
                    self.tally.said_again += u64::from(self.lines.insert(line.id.0, text).is_some());
                    self.saying.push(text);
                }
                self.sounding.say(&lines, now);
            }
            Wish::Hush => {
                self.is_hushed = true;
                self.clears += 1;
                self.tally.clears += 1;
                self.plays();
                self.sounding.hush(now);
                for order in self.sounding.voice.iter().flatten() {
                    if let Order::Cancel { upto } = order {
                        self.oracle.called_off(u32::try_from(upto.0).expect("few"));
                    }
                }
                if self.sounding.line.iter().any(|order| *order != ToSound::Clear) {
                    return Err("something waits beside the clear".to_owned());
                }
            }
            Wish::GoOn => {
                self.is_hushed = false;
                self.since = None;
                self.plays();
                self.sounding.go_on(now);
                // What is left of the first line that was not heard whole.
                let open = self.saying.iter().copied();
                let open = open.filter(|text| self.oracle.heard_whole(*text).is_none()).min();
                let first = open.filter(|_| !self.coming.values().any(is_to_far_end));
                self.left_at = first.map(|text| (text, self.oracle.heard_words(text)));
            }
            Wish::GiveUp => self.give_up(INTERRUPTED)?,
            Wish::Filler | Wish::SayKept(_) => {
                self.is_hushed = false;
                let line = self.said.phrase("kept".to_owned());
                self.sounding.say_kept(&line, &sound(KEPT, 0..700), now);
            }
            Wish::Say(_) => {
                self.is_hushed = false;
                let text = self.text();
                let line = self.said.phrase(text);
                self.oracle.says(&line.text);
                self.sounding.say(std::slice::from_ref(&line), now);
            }
            Wish::Wait(wait, long) => {
                self.waits.insert(wait, self.now + millis(long));
            }
            Wish::Stop(wait) => {
                self.waits.remove(&wait);
            }
            Wish::Tune(asks) => self.sounding.tune(asks, self.said.terms()),
            Wish::Transfer => self.start(Job::Transfer),
            Wish::HangUp => {}
        }
        self.ordered();
        Ok(())
    }

    /// Tells the oracle what the voice was just asked for.
    pub(super) fn ordered(&mut self) {
        for order in self.sounding.voice.iter().flatten() {
            if let Order::Say { utterance, text, .. } = order {
                let id = u32::try_from(utterance.0).expect("few utterances");
                self.oracle.ordered(id, text, self.voice.length(text));
            }
        }
    }

    pub(super) fn give_up(&mut self, why: &'static str) -> Result<(), String> {
        let cut = self.sounding.give_up();
        self.saying.clear();
        self.left_at = None;
        for line in &cut {
            if let Some(text) = self.lines.get(&line.0) {
                self.oracle.given_up(*text);
            }
        }
        let told = self.sounding.told();
        let told = self.said.cut(&cut, told, why);
        self.tells(told)
    }
}
