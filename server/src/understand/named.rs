//! Guests who name what they want to say anew, and do not say it yet: "the dates".

use std::collections::{BTreeMap, HashSet};

use innkeeper_engine::{Act, Expecting, Heard, Question, Understanding};
use serde::Deserialize;

use super::lexicon::split;

/// What slots are called, as an author writes it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SlotNames {
    /// Words around a name that say no more than that it is to be another.
    #[serde(default)]
    around: Vec<String>,
    /// The names of a slot besides the one it has in its flow.
    #[serde(default)]
    of: BTreeMap<String, Vec<String>>,
}

/// The same, to be looked up.
#[derive(Clone, Debug, Default)]
pub(super) struct NamedSlots {
    around: HashSet<String>,
    of: BTreeMap<String, HashSet<String>>,
}

impl NamedSlots {
    pub(super) fn new(names: &SlotNames) -> Self {
        let folded = |name: &String| split(name).join(" ");
        let of = names.of.iter().map(|(slot, names)| (slot.clone(), names.iter().map(folded).collect()));
        Self { around: names.around.iter().flat_map(|word| split(word)).collect(), of: of.collect() }
    }

    /// What a message means that only names something known, where it was asked what shall be changed, or something is
    /// read back; `None` for every other one.
    pub(super) fn meant(&self, question: &Question) -> Option<Understanding> {
        match question.expecting {
            Expecting::Change => {}
            // What is asked of a read-back changes nothing.
            Expecting::Confirmation if !question.said.contains('?') => {}
            Expecting::Confirmation | Expecting::Anything | Expecting::Slot(_) => return None,
        }
        let mut words = split(&question.said);
        words.retain(|word| word.contains(char::is_alphanumeric));
        let is_around = |word: &&String| self.around.contains(*word);
        let first = words.iter().take_while(is_around).count();
        let last = words.len() - words[first..].iter().rev().take_while(is_around).count();
        let name = words[first..last].join(" ");
        let is_it = |slot: &str| {
            self.of.get(slot).is_some_and(|names| names.contains(&name)) || split(slot).join(" ") == name
        };
        let mut named = question.scope.iter().filter(|slot| slot.value.is_some() && is_it(&slot.name));
        let (slot, None) = (named.next()?, named.next()) else { return None };
        Some(Understanding {
            slots: [(slot.name.clone(), Heard::Anew)].into_iter().collect(),
            acts: vec![Act::Change],
            sure: true,
            ..Understanding::default()
        })
    }
}
