//! What a recogniser writes for what was said, put right where the slot that was asked for makes it plain.
//!
//! "To adults" answers how many come, "for nights" how long they stay, "be K 792" which booking it is. Nothing is
//! changed in words that were written, nor where something else was asked.

use std::collections::BTreeMap;
use std::ops::Range;

use innkeeper_engine::{Expecting, Kind, Question, ScopedSlot};
use serde::Deserialize;

use super::extract::{Extractor, asks_for};
use super::lexicon::Class;
use super::sentence::Sentence;

/// A reference that is spelled has so many letters and digits.
const SPELLED: std::ops::RangeInclusive<usize> = 5..=8;

/// Words that sound like others, as `words.yaml` names them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Misheard {
    /// What is written for a number word.
    numbers: BTreeMap<String, String>,
    /// Words after which such a word may stand for a number.
    after: Vec<String>,
    /// What is written for a letter.
    letters: BTreeMap<String, String>,
    /// Words after which such a word stands for itself.
    verbs: Vec<String>,
}

/// Words, by their places, and what stands instead of them.
type Mend = (Range<usize>, String);

/// A word of a message, and where it is.
struct Spoken<'a> {
    /// In lower case, without the signs around it.
    word: String,
    /// The same as it was written.
    written: &'a str,
    start: usize,
    /// Whether a sign follows that ends a part of a sentence.
    ends: bool,
}

impl Extractor {
    /// The message with the recogniser's slips put right; `None` where there are none.
    pub fn mended(&self, question: &Question) -> Option<String> {
        let Expecting::Slot(_) = &question.expecting else { return None };
        let slot = question.scope.iter().find(|slot| asks_for(&question.expecting, &slot.name))?;
        let spoken = spoken(&question.said);
        let mends = match &slot.kind {
            Kind::Reference => self.spelled(&spoken),
            Kind::Party { .. } | Kind::DateRange { .. } | Kind::Integer { .. } => self.numbers(&spoken, slot),
            _ => return None,
        };
        let mut said = question.said.clone();
        for (words, instead) in mends.iter().rev() {
            let (Some(first), Some(last)) = (spoken.get(words.start), spoken.get(words.end - 1)) else {
                continue;
            };
            said.replace_range(first.start..last.start + last.written.len(), instead);
        }
        (!mends.is_empty()).then_some(said)
    }

    /// Words that stand where a number must: before what is counted, or alone.
    fn numbers(&self, spoken: &[Spoken<'_>], slot: &ScopedSlot) -> Vec<Mend> {
        let misheard = &self.misheard;
        let counted = |at: usize| spoken.get(at).is_some_and(|next| self.counts(&next.word, &slot.kind));
        let alone = spoken.len() == 1 && !matches!(slot.kind, Kind::DateRange { .. });
        let mut mends = Vec::new();
        for (at, here) in spoken.iter().enumerate() {
            let Some(number) = misheard.numbers.get(&here.word) else { continue };
            let follows = at.checked_sub(1).is_none_or(|before| {
                let word = &spoken[before].word;
                spoken[before].ends
                    || misheard.after.contains(word)
                    || misheard.numbers.contains_key(word)
                    || counted(before)
            });
            if alone || follows && !here.ends && counted(at + 1) {
                mends.push((at..at + 1, number.clone()));
            }
        }
        mends
    }

    /// Whether a word is what a slot counts.
    fn counts(&self, word: &str, kind: &Kind) -> bool {
        let sentence = Sentence::new(&self.lexicon, word);
        match kind {
            Kind::Party { .. } => sentence.any(0, &[Class::Adult, Class::Child, Class::People]),
            Kind::DateRange { .. } => sentence.any(0, &[Class::Night, Class::Day, Class::Week]),
            Kind::Integer { unit, .. } => unit.iter().any(|unit| unit == word),
            _ => false,
        }
    }

    /// A code that is spelled, put together.
    fn spelled(&self, spoken: &[Spoken<'_>]) -> Vec<Mend> {
        let mut mends = Vec::new();
        let mut at = 0;
        while at < spoken.len() {
            let run: Vec<String> = (at..spoken.len()).map_while(|at| self.piece(spoken, at)).collect();
            let code = run.concat();
            let is_code = code.chars().any(|c| c.is_ascii_digit())
                && code.chars().any(|c| c.is_ascii_alphabetic())
                && SPELLED.contains(&code.len());
            if is_code {
                mends.push((at..at + run.len(), code));
            }
            at += run.len().max(1);
        }
        mends
    }

    /// What a word adds to a code: letters and digits, a digit's name, or what sounds like a letter.
    fn piece(&self, spoken: &[Spoken<'_>], at: usize) -> Option<String> {
        let here = &spoken[at];
        let is_code = here.word.chars().all(|c| c.is_ascii_alphanumeric())
            && (here.word.len() == 1 || here.word.chars().any(|c| c.is_ascii_digit()));
        if is_code {
            return Some(here.written.to_uppercase());
        }
        let digit = Sentence::new(&self.lexicon, &here.word).number(0);
        if let Some(digit) = digit.filter(|digit| (0..=9).contains(digit)) {
            return Some(digit.to_string());
        }
        let is_verb =
            at.checked_sub(1).is_some_and(|before| self.misheard.verbs.contains(&spoken[before].word));
        let letter = self.misheard.letters.get(&here.word).filter(|_| !is_verb);
        letter.map(|letter| letter.to_uppercase())
    }
}

/// The words of a message.
fn spoken(said: &str) -> Vec<Spoken<'_>> {
    let sign = |c: char| !c.is_alphanumeric();
    said.split_whitespace()
        .filter_map(|whole| {
            let written = whole.trim_matches(sign);
            let start = written.as_ptr() as usize - said.as_ptr() as usize;
            let ends = whole.ends_with([',', '.', ';', '!', '?', ':']);
            (!written.is_empty()).then(|| Spoken { word: written.to_lowercase(), written, start, ends })
        })
        .collect()
}
