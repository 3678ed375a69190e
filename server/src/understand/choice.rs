//! Choices: which item of a list the words mean, by name, number, position or price.

use std::collections::HashSet;
use std::ops::Range;

use innkeeper_engine::Item;
use serde_json::Value as Json;

use super::lexicon::{Class, Lexicon, split};
use super::sentence::{Sentence, Taken};
use super::token::Token;
use super::words::Phrase;

/// Currencies whose minor unit is the unit itself, of ISO 4217.
const WITHOUT_CENTS: [&str; 7] = ["JPY", "KRW", "VND", "CLP", "ISK", "UGX", "XOF"];

/// "I don't mind" and what it is about are so many words apart at most.
const NEAR: usize = 2;

/// What a choice is understood against.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChoiceContext<'a> {
    pub(super) items: &'a [Item],
    /// The key of the present value.
    pub(super) known: Option<&'a str>,
    pub(super) asked: bool,
    /// It has a value, and what was decided was just read back or asked to be changed.
    pub(super) correctable: bool,
    /// Words of an earlier message: only what tells items apart counts.
    pub(super) kept: bool,
}

/// What the words say about a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Chosen {
    Nothing,
    /// These items fit equally well.
    Several(Vec<String>),
    One(String),
}

impl Sentence<'_> {
    /// The item that is meant by its number, position or price, where a list was just offered.
    pub(super) fn choice_by_place(&mut self, context: ChoiceContext<'_>) -> Chosen {
        let items = context.items;
        if items.is_empty() || !context.asked || context.kept {
            return Chosen::Nothing;
        }
        for at in 0..self.len() {
            let Some((index, first, end)) = self.place(at, items.len(), context) else { continue };
            if let Some(item) = items.get(index) {
                self.take(first, end, Taken::Choice);
                return Chosen::One(item.key.clone());
            }
        }
        Chosen::Nothing
    }

    /// The index of an item that is named by its place at an atom.
    fn place(&self, at: usize, count: usize, context: ChoiceContext<'_>) -> Option<(usize, usize, usize)> {
        use Class::{Comma, For, Hedge, Last, Of, One, Option, Other, The};
        if self.is_taken(at) {
            return None;
        }
        let before = at.checked_sub(1);
        let meaning = self.meaning(at);
        let index = |number: i64| usize::try_from(number).ok()?.checked_sub(1).filter(|index| *index < count);
        // "the second to last", "the next to last"
        let second_last = self.is(at, Class::SecondLast).then_some((2, at + 1));
        let from_the_end = second_last.or_else(|| {
            let last = if self.is(at + 1, Class::To) { at + 2 } else { at + 1 };
            meaning.ordinal.filter(|_| self.is(last, Last)).map(|nth| (nth, last + 1))
        });
        if let Some((nth, end)) = from_the_end {
            let index = count.checked_sub(usize::try_from(nth).ok()?)?;
            return Some((index, at, end));
        }
        if self.is(at, Class::Middle) && count % 2 == 1 {
            return Some((count / 2, at, at + 1));
        }
        if let Some(ordinal) = meaning.ordinal {
            let one = self.is(at + 1, One) || self.is(at + 1, Option);
            let closed = self.ends(at + 1)
                || self.any(at + 1, &[Hedge])
                || self.tokens_are(at + 1, &["please", "looks", "sounds", "is", "would", "will"]);
            let dated = self.meaning(at + 1).month.is_some()
                || self.is(at + 1, Of)
                || before.is_some_and(|at| self.any(at, &[Class::On, Class::From, Class::Until, For]));
            if (one || closed) && !dated {
                return Some((index(ordinal.into())?, at, at + 1 + usize::from(one)));
            }
        }
        if self.is(at, Last)
            && before.is_some_and(|at| self.is(at, The))
            && (self.ends(at + 1) || self.any(at + 1, &[One, Option, Hedge]))
        {
            return Some((count - 1, at, at + 1));
        }
        if self.is(at, Other) && count == 2 && !self.any(at, &[Class::NotADay]) {
            let known = context.items.iter().position(|item| Some(item.key.as_str()) == context.known)?;
            return Some((1 - known, at, at + 1));
        }
        let number = self.number(at)?;
        let named = before.is_some_and(|at| self.is(at, Option));
        // "a nice one", "two of those"
        let noun = self.is(at, One)
            && before.is_some_and(|at| self.is(at, Class::Filler) || self.any(at, &[The, Class::That]));
        if noun && !named || self.is(at + 1, Of) {
            return None;
        }
        let alone = (0..self.len()).all(|other| {
            other == at
                || self.any(
                    other,
                    &[Class::Filler, Class::Stop, Comma, Hedge, Class::That, The, One, Class::Take],
                ) && self.number(other).is_none()
        });
        let next = if self.is(at + 1, Class::More) { at + 2 } else { at + 1 };
        let counts = self
            .any(next, &[Class::Night, Class::Adult, Class::Child, Class::People, Class::Day, Class::Week]);
        let room = before.is_some_and(|at| self.tokens_are(at, &["room", "offer"])) && number > 20;
        if counts || room || !(named || alone) || meaning.month.is_some() {
            return None;
        }
        Some((index(number)?, at, at + 1))
    }

    /// "The twin", "that one": something that was named is meant.
    pub(super) fn is_definite(&self) -> bool {
        (0..self.len()).any(|at| self.any(at, &[Class::The, Class::That]))
    }

    /// "Any view", "the view doesn't matter": it may be whichever.
    pub(super) fn takes_any(&self, lexicon: &Lexicon) -> bool {
        let phrases: Vec<Range<usize>> = self
            .act_phrases(lexicon)
            .into_iter()
            .filter(|act| act.act == Phrase::NoPreference)
            .map(|act| act.first..act.end)
            .collect();
        (0..self.len()).filter(|at| self.is(*at, Class::Aspect)).any(|at| {
            let any = at.checked_sub(1).is_some_and(|before| self.tokens_are(before, &["any", "whichever"]));
            let atom = &self.atoms[at];
            any || phrases.iter().any(|phrase| {
                phrase.start.saturating_sub(atom.end) <= NEAR && atom.first.saturating_sub(phrase.end) <= NEAR
            })
        })
    }

    /// The item that is meant by its name, or by its price where prices tell items apart.
    pub(super) fn choice_by_words(&mut self, lexicon: &Lexicon, context: ChoiceContext<'_>) -> Chosen {
        let items = context.items;
        if let Some((key, place)) = self.choice_by_phrase(context, &lexicon.filler) {
            for at in 0..self.len() {
                if self.atoms[at].first < place.end && place.start < self.atoms[at].end && !self.is_taken(at)
                {
                    self.take(at, at + 1, Taken::Choice);
                }
            }
            return Chosen::One(key);
        }
        let words: Vec<Vec<String>> = items.iter().map(item_words).collect();
        let mut scores = vec![0.0_f64; items.len()];
        let mut matched = Vec::new();
        let mut denied = vec![false; items.len()];
        for at in 0..self.len() {
            if self.is_taken(at) || !self.is_word(at) || (self.is(at, Class::Filler) && !context.asked) {
                continue;
            }
            let mut weights = vec![0.0_f64; items.len()];
            let span = self.atoms[at].first..self.atoms[at].end;
            for token in &self.tokens[span] {
                let tells = context.asked
                    || context.kept && self.is_denied(at)
                    || self.tells(at, token, &words, context.correctable);
                if !tells {
                    continue;
                }
                let found = hits(&token.text, &words, lexicon, context.asked);
                for (weight, other) in weights.iter_mut().zip(found) {
                    *weight += other;
                }
            }
            if weights.iter().all(|weight| *weight == 0.0) {
                continue;
            }
            let no = self.is_denied(at);
            for (index, weight) in weights.iter().enumerate() {
                if no {
                    denied[index] |= *weight >= 1.0 || context.kept && *weight > 0.0;
                } else {
                    scores[index] += weight;
                }
            }
            matched.push(at);
        }
        for (score, denied) in scores.iter_mut().zip(&denied) {
            if *denied {
                *score = 0.0;
            }
        }
        if (context.asked || context.kept)
            && scores.iter().all(|score| *score == 0.0)
            && denied.contains(&true)
        {
            // "Not the city" is any of the others.
            let others = items.iter().zip(&denied).filter(|(_, denied)| !**denied);
            return Chosen::out_of(others.map(|(item, _)| item));
        }
        let chosen = best(&scores, items);
        let chosen = match chosen {
            Chosen::Nothing => self.choice_by_price(context),
            Chosen::Several(keys) => {
                // "The cheapest twin" is one of the twins.
                let named: Vec<Item> =
                    items.iter().filter(|item| keys.contains(&item.key)).cloned().collect();
                match self.choice_by_price(ChoiceContext { items: &named, ..context }) {
                    Chosen::Nothing => Chosen::Several(keys),
                    priced => priced,
                }
            }
            one => one,
        };
        if matches!(chosen, Chosen::One(_)) {
            for at in matched {
                self.take(at, at + 1, Taken::Choice);
            }
        }
        chosen
    }

    /// "not the city", "anything but the suite": what is said at the atom is not wanted.
    fn is_denied(&self, at: usize) -> bool {
        (1..=3).any(|back| {
            at.checked_sub(back).is_some_and(|before| {
                self.any(before, &[Class::Not, Class::InsteadOf])
                    && (before + 1..at).all(|at| !self.any(at, &[Class::Comma, Class::Stop, Class::But]))
                    && !(self.tokens_are(before, &["no"]) && self.is(before + 1, Class::Comma))
            })
        })
    }

    /// The item that a whole phrase of its label or words means, with the tokens that say it, where no other item has a
    /// phrase as long: "what time can we check in" is about "check in", not about "early check in".
    pub(super) fn choice_by_phrase(
        &self,
        context: ChoiceContext<'_>,
        filler: &HashSet<String>,
    ) -> Option<(String, Range<usize>)> {
        if !(context.asked || context.kept) {
            return None;
        }
        let said: Vec<(usize, &str)> = self
            .tokens
            .iter()
            .enumerate()
            .map(|(at, token)| (at, token.text.as_str()))
            .filter(|(_, text)| *text != "-")
            .collect();
        let place = |phrase: &[String]| {
            if phrase.is_empty() || (phrase.len() == 1 && filler.contains(&phrase[0])) {
                return None;
            }
            said.windows(phrase.len())
                .find(|window| window.iter().zip(phrase).all(|((_, said), word)| alike(said, word, false)))
                .and_then(|window| Some(window.first()?.0..window.last()?.0 + 1))
                .filter(|place| self.atom_at(place.start).is_some_and(|at| !self.is_denied(at)))
        };
        let longest = |item: &Item| {
            std::iter::once(&item.label)
                .chain(&item.words)
                .map(|text| split(text))
                .filter_map(|phrase| Some((phrase.len(), place(&phrase)?)))
                .max_by_key(|(length, _)| *length)
        };
        let found: Vec<(&Item, usize, Range<usize>)> = context
            .items
            .iter()
            .filter_map(|item| longest(item).map(|(length, place)| (item, length, place)))
            .collect();
        let top = found.iter().map(|(_, length, _)| *length).max()?;
        let mut fitting = found.into_iter().filter(|(_, length, _)| *length == top);
        match (fitting.next(), fitting.next()) {
            (Some((item, _, place)), None) => Some((item.key.clone(), place)),
            _ => None,
        }
    }

    /// Whether a word can speak for an item although nobody asked: "the city" and "New York City" do not, "a city
    /// view" does; "the city" at the end of a sentence does where there is a value to correct. Another word for an
    /// option needs a word such as "view" somewhere.
    fn tells(&self, at: usize, token: &Token, items: &[Vec<String>], correctable: bool) -> bool {
        let single = items.iter().all(|words| words.len() == 1);
        if !single {
            return true;
        }
        let aspect = (0..self.len()).any(|at| self.is(at, Class::Aspect));
        let exact = items.iter().any(|words| words.contains(&token.text));
        let before = at.checked_sub(1);
        let placed = before.is_some_and(|at| {
            self.any(at, &[Class::The, Class::This, Class::My, Class::Of]) && !self.is(at, Class::Article)
        });
        let placed = placed && !(correctable && (self.ends(at + 1) || self.any(at + 1, &[Class::Hedge])));
        let proper =
            token.capital && before.is_some_and(|at| self.token(at).is_some_and(|token| token.capital));
        !proper && (aspect || (exact && !placed))
    }

    fn choice_by_price(&mut self, context: ChoiceContext<'_>) -> Chosen {
        let items = context.items;
        let amounts: Vec<Vec<i64>> = items.iter().map(|item| amounts(&item.record)).collect();
        if items.len() > 1 && amounts.iter().all(|amounts| !amounts.is_empty()) {
            let asking = self.any(0, &[Class::Wh, Class::Aux]);
            for at in 0..self.len() {
                let (cheap, dear) = (self.is(at, Class::Cheapest), self.is(at, Class::Dearest));
                if !(cheap || dear) || asking {
                    continue;
                }
                let firsts = amounts.iter().map(|amounts| amounts[0]);
                let wanted = if cheap { firsts.clone().min() } else { firsts.clone().max() };
                let fitting = items.iter().zip(firsts).filter(|(_, amount)| Some(*amount) == wanted);
                let chosen = Chosen::out_of(fitting.map(|(item, _)| item));
                if matches!(chosen, Chosen::One(_)) {
                    self.take(at, at + 1, Taken::Choice);
                }
                return chosen;
            }
        }
        if !context.asked || context.kept {
            return Chosen::Nothing;
        }
        let bare = (0..self.len())
            .filter(|at| self.is_digits(*at))
            .filter_map(|at| self.number(at))
            .filter(|number| *number > 20);
        let wanted: Vec<i64> =
            self.prices.iter().copied().chain(bare.filter_map(|number| number.checked_mul(100))).collect();
        let fitting = items.iter().zip(&amounts).filter(|(_, amounts)| {
            amounts.iter().any(|amount| {
                wanted.iter().any(|wanted| (amount - wanted).abs() < 100 && (amount / 100 == wanted / 100))
            })
        });
        Chosen::out_of(fitting.map(|(item, _)| item))
    }
}

impl Chosen {
    /// What items that fit come to.
    fn out_of<'i>(fitting: impl Iterator<Item = &'i Item>) -> Self {
        let mut keys: Vec<String> = fitting.map(|item| item.key.clone()).collect();
        match keys.len() {
            0 => Self::Nothing,
            1 => keys.pop().map_or(Self::Nothing, Self::One),
            _ => Self::Several(keys),
        }
    }
}

/// The unique best of the scores.
fn best(scores: &[f64], items: &[Item]) -> Chosen {
    let top = scores.iter().copied().fold(0.0, f64::max);
    if top <= 0.0 {
        return Chosen::Nothing;
    }
    let fitting = items.iter().zip(scores).filter(|(_, score)| **score > top - 0.01);
    Chosen::out_of(fitting.map(|(item, _)| item))
}

fn item_words(item: &Item) -> Vec<String> {
    let mut words: Vec<String> =
        std::iter::once(&item.label).chain(&item.words).flat_map(|text| split(text)).collect();
    words.sort_unstable();
    words.dedup();
    words
}

/// How much a word speaks for each item: 1 for a word of that item alone, less for a shared one, nothing for a
/// word of all of them.
fn hits(said: &str, items: &[Vec<String>], lexicon: &Lexicon, asked: bool) -> Vec<f64> {
    let means = |word: &String| {
        alike(said, word, asked)
            || lexicon
                .synonyms
                .get(said)
                .is_some_and(|words| words.iter().any(|other| alike(other, word, false)))
    };
    let having: Vec<bool> = items.iter().map(|words| words.iter().any(means)).collect();
    let count = having.iter().filter(|has| **has).count();
    let telling = count > 0 && (count < items.len() || items.len() == 1);
    let exact = items.iter().any(|words| words.iter().any(|word| word == said));
    if !telling || (lexicon.filler.contains(said) && !exact) {
        return vec![0.0; items.len()];
    }
    let count = u32::try_from(count).unwrap_or(u32::MAX);
    having.iter().map(|has| if *has { 1.0 / f64::from(count) } else { 0.0 }).collect()
}

/// The same word, its plural, or, where `forgiving`, a long word with a slip of the finger.
fn alike(said: &str, word: &str, forgiving: bool) -> bool {
    if said == word {
        return true;
    }
    let stem = |word: &str| word.strip_suffix('s').filter(|stem| stem.len() >= 3).map(str::to_owned);
    if stem(said).as_deref() == Some(word) || stem(word).as_deref() == Some(said) {
        return true;
    }
    let length = word.chars().count();
    let slips = match length {
        0..=4 => 0,
        5..=7 => 1,
        _ => 2,
    };
    forgiving
        && slips > 0
        && said.chars().count() >= 4
        && said.chars().next() == word.chars().next()
        && distance(said, word) <= slips
}

/// Edits between two words; two swapped neighbours are one edit.
pub(super) fn distance(one: &str, other: &str) -> usize {
    let one: Vec<char> = one.chars().collect();
    let other: Vec<char> = other.chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let mut cost = (last[j] + usize::from(a != b)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == other[j - 1] && one[i - 1] == *b {
                cost = cost.min(before[j - 1] + 1);
            }
            row.push(cost);
        }
        before = last;
        last = row;
    }
    last.last().copied().unwrap_or(0)
}

/// The amounts of money in a record, in hundredths; its total first.
pub(super) fn amounts(record: &Json) -> Vec<i64> {
    let mut found = Vec::new();
    if let Some(total) = record.get("total") {
        collect_amounts(total, &mut found);
    }
    collect_amounts(record, &mut found);
    found
}

fn collect_amounts(value: &Json, found: &mut Vec<i64>) {
    match value {
        Json::Object(fields) => {
            if let Some(minor) = fields.get("minor").and_then(Json::as_i64) {
                let currency = fields.get("currency").and_then(Json::as_str).unwrap_or_default();
                let scale = if WITHOUT_CENTS.contains(&currency) { 100 } else { 1 };
                found.extend(minor.checked_mul(scale));
            } else {
                for field in fields.values() {
                    collect_amounts(field, found);
                }
            }
        }
        Json::Array(list) => {
            for item in list {
                collect_amounts(item, found);
            }
        }
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
    }
}
