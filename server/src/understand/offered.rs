//! What is meant of what was offered: choices by their words, by their rank, and what is asked of an offer.

use indexmap::IndexMap;
use innkeeper_engine::{
    By, Expecting, Heard, Item, Kind, Options, Question, ScopedSlot, Understanding, Value,
};

use super::choice::{ChoiceContext, Chosen};
use super::decide::HeardValues;
use super::extract::{Extractor, Reading, asks_for, ordered};
use super::lexicon::Class;
use super::sentence::Sentence;
use super::words::Phrase;

impl Extractor {
    /// "More" or "go back", and nothing else, where something was offered.
    pub(super) fn asks_of_an_offer(&self, question: &Question, what: Phrase) -> bool {
        let offered = |slot: &&ScopedSlot| {
            asks_for(&question.expecting, &slot.name) && matches!(slot.kind, Kind::Choice(_))
        };
        question.scope.iter().any(|slot| offered(&slot)) && self.lexicon.is_alone(what, &question.said)
    }

    /// Words of an earlier message, against a list that exists only now.
    pub(super) fn kept(&self, question: &Question) -> Understanding {
        let mut sentence = Sentence::new(&self.lexicon, &question.said);
        let mut slots = IndexMap::new();
        for slot in &question.scope {
            let (Kind::Choice(_), Some(items)) = (&slot.kind, &slot.items) else { continue };
            let context = ChoiceContext { items, known: None, asked: false, correctable: false, kept: true };
            let chosen = if question.besides.is_empty() {
                sentence.choice_by_words(&self.lexicon, context)
            } else {
                Chosen::Nothing
            };
            let heard = match chosen {
                Chosen::One(key) => Heard::Choice(key),
                // Several questions in one message are several choices.
                chosen if slot.optional => match (self.kept_in_a_part(question, items), chosen) {
                    (Some(key), _) => Heard::Choice(key),
                    (None, Chosen::Several(keys)) if tells_some_apart(slot, &keys) => Heard::Among(keys),
                    (None, _) => continue,
                },
                Chosen::Several(keys) if tells_some_apart(slot, &keys) => Heard::Among(keys),
                Chosen::Several(_) | Chosen::Nothing => continue,
            };
            slots.insert(slot.name.clone(), heard);
        }
        Understanding { slots, acts: Vec::new(), sure: true, by: By::Rules }
    }

    /// The first item that a part of the words means and that no other part was for.
    fn kept_in_a_part(&self, question: &Question, items: &[Item]) -> Option<String> {
        let all: Vec<Item> = question.besides.iter().chain(items).cloned().collect();
        let context =
            ChoiceContext { items: &all, known: None, asked: false, correctable: false, kept: true };
        let parts = Sentence::new(&self.lexicon, &question.said).parts();
        let mut meant = parts.into_iter().filter_map(|part| {
            let sentence = Sentence::new(&self.lexicon, question.said.get(part)?);
            sentence.choice_by_phrase(context, &self.lexicon.filler).map(|(key, _)| key)
        });
        meant.find(|key| items.iter().any(|item| item.key == *key))
    }

    /// Choices by their words, the asked one first. Words for several items of an offered list may still say which
    /// items are wanted at all ("garden view" among rooms); words for several written options mean nothing else.
    pub(super) fn choices(
        &self,
        sentence: &mut Sentence<'_>,
        scope: &[ScopedSlot],
        question: &Question,
        expected: Option<&ScopedSlot>,
        reading: Reading,
        heard: &mut HeardValues,
    ) {
        let is_expected = |slot: &ScopedSlot| expected.is_some_and(|expected| expected.name == slot.name);
        let is_written = |slot: &ScopedSlot| matches!(slot.kind, Kind::Choice(Options::Fixed(_)));
        let mut several: Option<(&ScopedSlot, Vec<String>)> = None;
        for slot in ordered(scope, expected).filter(|slot| matches!(slot.kind, Kind::Choice(_))) {
            let Some(context) = choice_context(slot, question, is_expected(slot)) else { continue };
            if heard.has(slot) || (several.is_some() && !is_written(slot)) {
                continue;
            }
            if is_expected(slot)
                && let Some(key) = self.among(sentence, context, &question.among)
            {
                heard.put(slot, Heard::Choice(key));
                continue;
            }
            let page = if is_expected(slot) { just_said(context.items, reading) } else { &[] };
            if let Some(key) = self.superlative_of(sentence, context, page, question) {
                heard.put(slot, Heard::Choice(key));
                continue;
            }
            match sentence.choice_by_words(&self.lexicon, context) {
                Chosen::One(key) => {
                    heard.put(slot, Heard::Choice(key));
                    several = None;
                }
                Chosen::Several(keys) => {
                    if let Some(key) = only(page, &keys).filter(|_| sentence.is_definite()) {
                        heard.put(slot, Heard::Choice(key));
                    } else if is_expected(slot) && is_written(slot) {
                        heard.ambiguous = true;
                        return;
                    } else if is_expected(slot) || context.correctable {
                        several = Some((slot, keys));
                    }
                }
                Chosen::Nothing => {}
            }
        }
        let open = |slot: &&ScopedSlot| slot.optional && is_written(slot) && !heard.has(slot);
        if let [slot] = scope.iter().filter(open).collect::<Vec<_>>()[..]
            && sentence.takes_any(&self.lexicon)
        {
            heard.put(slot, Heard::NoPreference);
        }
        match several {
            Some((slot, keys)) if tells_some_apart(slot, &keys) => heard.put(slot, Heard::Among(keys)),
            Some((slot, _)) => heard.ambiguous |= is_expected(slot),
            None => {}
        }
    }

    /// "The cheapest one" of those that were said last, where the guest has asked for more of them; of all, it is of all.
    fn superlative_of(
        &self,
        sentence: &mut Sentence<'_>,
        context: ChoiceContext<'_>,
        page: &[Item],
        question: &Question,
    ) -> Option<String> {
        let of_all = (0..sentence.len()).any(|at| sentence.is(at, Class::All));
        let ranks = (0..sentence.len()).any(|at| sentence.any(at, &[Class::Cheapest, Class::Dearest]));
        if question.page == 0 || page.len() < 2 || of_all || !ranks {
            return None;
        }
        self.one_of(sentence, context, page)
    }

    /// The one item that is meant of those that the guest has said before it is one of.
    fn among(
        &self,
        sentence: &mut Sentence<'_>,
        context: ChoiceContext<'_>,
        keys: &[String],
    ) -> Option<String> {
        let offered: Vec<Item> =
            context.items.iter().filter(|item| keys.contains(&item.key)).cloned().collect();
        if offered.len() < 2 {
            return None;
        }
        self.one_of(sentence, context, &offered)
    }

    /// The one of these items that is meant.
    fn one_of(
        &self,
        sentence: &mut Sentence<'_>,
        context: ChoiceContext<'_>,
        items: &[Item],
    ) -> Option<String> {
        match sentence.choice_by_words(&self.lexicon, ChoiceContext { items, ..context }) {
            Chosen::One(key) => Some(key),
            Chosen::Several(_) | Chosen::Nothing => None,
        }
    }
}

/// The items of a list that were said last, where not all were: they come first in what the question knows of it.
fn just_said(items: &[Item], reading: Reading) -> &[Item] {
    &items[..reading.at_once.unwrap_or_default().min(items.len())]
}

/// The only one of the keys that is on a page.
fn only(page: &[Item], keys: &[String]) -> Option<String> {
    let mut there = page.iter().filter(|item| keys.contains(&item.key));
    match (there.next(), there.next()) {
        (Some(item), None) => Some(item.key.clone()),
        _ => None,
    }
}

pub(super) fn choice_context<'a>(
    slot: &'a ScopedSlot,
    question: &Question,
    asked: bool,
) -> Option<ChoiceContext<'a>> {
    let known = match &slot.value {
        Some(Value::Choice(item)) => Some(item.key.as_str()),
        _ => None,
    };
    let reviewed = matches!(question.expecting, Expecting::Confirmation | Expecting::Change);
    let correctable = known.is_some() && reviewed && !question.said.contains('?');
    Some(ChoiceContext { items: slot.items.as_deref()?, known, asked, correctable, kept: false })
}

/// Whether keys are some of a slot's items: what fits all of them tells nothing.
fn tells_some_apart(slot: &ScopedSlot, keys: &[String]) -> bool {
    slot.items.as_ref().is_some_and(|items| keys.len() < items.len())
}
