//! What must be so: of what is sent, and of what is told of what was heard.

use super::World;
use crate::call::interleavings::far::{KEPT, slots};
use crate::call::said::INTERRUPTED;
use crate::call::script::Told;

impl World {
    /// Whether sound may be sent now.
    pub(super) fn is_fresh(&mut self, bytes: &[u8]) -> Result<(), String> {
        let all = slots(bytes);
        let Some(first) = all.first().copied() else { return Ok(()) };
        self.traces(|| format!("sends {first:?}, {} ms", all.len()));
        if self.is_hushed {
            return Err(format!("{first:?} is sent after a clear"));
        }
        if first.utterance == KEPT {
            self.tally.bridged += 1;
            return Ok(());
        }
        if let Some(dead) = all.iter().find(|slot| self.oracle.is_dead(slot.utterance)) {
            return Err(format!("{dead:?} is of what was called off"));
        }
        let Some((text, word)) = self.oracle.word(first) else {
            return Err(format!("{first:?} is of nothing"));
        };
        if let Some((was, heard)) = self.left_at
            && was == text
        {
            self.left_at = None;
            self.tally.resumed += 1;
            // A chunk, the doubt about the way, the way home and a word that is cut in two are said again at most.
            if self.is_calm && word + 4 < heard {
                return Err(format!("it goes on at word {word} although {heard} were heard"));
            }
            // Of a voice that leaves words out nothing is to be gone on with.
            if self.is_calm && word > heard {
                return Err(format!("it goes on at word {word} although only {heard} were heard"));
            }
        }
        Ok(())
    }

    /// What was told is judged: at once what was heard whole, the rest when the far end is silent.
    pub(super) fn tells(&mut self, told: Vec<Told>) -> Result<(), String> {
        self.plays();
        for told in told {
            self.traces(|| format!("told: {told:?}"));
            let Some(&text) = self.lines.get(&told.id.0) else { continue };
            let (words, is_whole) = told.words();
            if is_whole {
                self.tally.whole += 1;
                if self.oracle.heard_whole(text).is_none_or(|heard| heard > self.now) {
                    return Err(format!("{told:?} was not heard whole; {}", self.oracle.about(text)));
                }
            } else {
                self.tally.part += u64::from(!words.is_empty());
                self.unjudged.push(told);
            }
        }
        Ok(())
    }

    pub(super) fn judge(&mut self) -> Result<(), String> {
        for told in std::mem::take(&mut self.unjudged) {
            let text = self.lines[&told.id.0];
            let judged = self.oracle.judge(text, &told)?;
            // Of the first piece of a voice nobody knows how long it will be.
            let guessed = judged.told * self.voice.length("a").saturating_sub(66) / 66;
            if judged.told > judged.heard + 1 + guessed {
                return Err(format!("{told:?}: {judged:?}; {}", self.oracle.about(text)));
            }
            if self.is_calm && judged.heard > judged.told + 1 {
                return Err(format!("{told:?}: {judged:?}, more was heard; {}", self.oracle.about(text)));
            }
        }
        Ok(())
    }

    pub(super) fn collect(&mut self) -> Result<(), String> {
        let told = self.sounding.told();
        let told = told.into_iter().filter(|told| self.said.note(told, INTERRUPTED)).collect();
        self.tells(told)
    }
}
