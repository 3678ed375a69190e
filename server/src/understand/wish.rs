//! Which flow a guest asks for, by the words of the flows' descriptions and examples.

use std::collections::HashMap;
use std::ops::Range;

use innkeeper_engine::{Expecting, Kind, Question, ScopedSlot, Startable};

use super::act::ActsSaid;
use super::decide::HeardValues;
use super::extract::{Extractor, Reading};
use super::lexicon::{Class, Lexicon};
use super::sentence::{Sentence, Taken};
use super::token::{Token, TokenKind};

/// A wish is heard from this likeness on.
const LIKE_ENOUGH: f64 = 0.5;
/// The best wish must be this much better than the next.
const CLEARLY_BETTER: f64 = 0.06;

/// Of several wishes in one message each is heard from this likeness on.
const CLEAR_ENOUGH: f64 = 0.6;
/// Of several wishes in one message each has so many words of its own.
const OWN_WORDS: usize = 2;

/// A code is at least so long; "3d" is a word.
const CODE_LENGTH: usize = 4;

/// The flow under way is left for another only when that one is asked for this clearly.
const CLEAR_WISH: f64 = 0.72;

/// A wish and how sure it is, 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Wish {
    pub(super) flow: String,
    pub(super) score: f64,
}

/// The words of a sentence that can tell wishes apart, as `words.yaml` unifies them.
fn keywords(sentence: &Sentence<'_>, lexicon: &Lexicon) -> Vec<String> {
    let mut words = Vec::new();
    let mut at = 0;
    while at < sentence.tokens.len() {
        if let Some((word, end)) = lexicon.wish_at(&sentence.tokens, at) {
            words.push(word.to_owned());
            at = end;
            continue;
        }
        let atom = sentence.atom_at(at);
        let value = atom.is_some_and(|atom| {
            let meaning = sentence.meaning(atom);
            matches!(
                sentence.taken(atom),
                Some(Taken::Day | Taken::Party | Taken::Name | Taken::Contact | Taken::Amount)
            ) || meaning.number.is_some()
                || meaning.weekday.is_some()
                || meaning.days.is_some()
                || meaning.ordinal.is_some()
        });
        let token = &sentence.tokens[at];
        let code = is_code(&sentence.tokens, at);
        at += 1;
        let grammar =
            atom.is_some_and(|atom| sentence.any(atom, &[Class::Arrive, Class::Leave, Class::NameIs]));
        if value || grammar || code || !token.is_word() {
            continue;
        }
        let stem = token.text.strip_suffix('s').filter(|stem| stem.len() > 3);
        let same = lexicon.same.get(&token.text).or_else(|| stem.and_then(|stem| lexicon.same.get(stem)));
        match same {
            Some(word) => words.push(word.clone()),
            None if lexicon.is_same_key(&token.text) => words.push(token.text.clone()),
            None if lexicon.filler.contains(&token.text) => {}
            None if atom
                .is_some_and(|atom| sentence.any(atom, &[Class::Wh, Class::Aux, Class::Me, Class::My])) => {}
            None => words.push(stem.unwrap_or(&token.text).to_owned()),
        }
    }
    words.sort_unstable();
    words.dedup();
    words
}

/// Whether a word is written together with digits, as in "BR7Q2": that tells no wishes apart.
fn is_code(tokens: &[Token], at: usize) -> bool {
    let is_part = |token: &Token| !matches!(token.kind, TokenKind::Sign(_));
    let first = (1..=at).rev().find(|at| tokens[*at].spaced || !is_part(&tokens[*at - 1])).unwrap_or(0);
    let rest = tokens[first + 1..].iter().take_while(|token| !token.spaced && is_part(token)).count();
    let code = &tokens[first..=first + rest];
    let length: usize = code.iter().map(|token| token.text.len()).sum();
    length >= CODE_LENGTH && code.iter().any(|token| !token.is_word())
}

impl Sentence<'_> {
    /// The parts of the message between full stops, commas and "and".
    pub(super) fn parts(&self) -> Vec<Range<usize>> {
        let mut parts = Vec::new();
        let mut first = None;
        for at in 0..=self.len() {
            let parted =
                at == self.len() || self.any(at, &[Class::Stop, Class::Comma, Class::And, Class::But]);
            match (first, parted) {
                (None, false) => first = Some(at),
                (Some(from), true) => {
                    let begin = self.token(from).map(|token| token.start);
                    let last =
                        self.atoms.get(at - 1).and_then(|atom| self.tokens.get(atom.end.checked_sub(1)?));
                    parts.extend(begin.zip(last.map(|token| token.end)).map(|(begin, end)| begin..end));
                    first = None;
                }
                (None, true) | (Some(_), false) => {}
            }
        }
        parts
    }

    /// The flow that a part of a message asks for, if it says enough to be a wish of its own.
    pub(super) fn clear_wish(&self, lexicon: &Lexicon, starts: &[Startable]) -> Option<String> {
        if keywords(self, lexicon).len() < OWN_WORDS {
            return None;
        }
        self.wish(lexicon, starts).filter(|wish| wish.score >= CLEAR_ENOUGH).map(|wish| wish.flow)
    }

    /// Whether the message says a word that can tell wishes apart and that nobody asks for this flow with.
    pub(super) fn goes_beyond(&self, lexicon: &Lexicon, start: &Startable) -> bool {
        let sentences = start.examples.iter().chain(std::iter::once(&start.description));
        let own: Vec<String> =
            sentences.flat_map(|text| keywords(&Sentence::new(lexicon, text), lexicon)).collect();
        keywords(self, lexicon).iter().any(|word| !own.contains(word))
    }

    /// The flow that the message asks for, if one is clearly meant.
    pub(super) fn wish(&self, lexicon: &Lexicon, starts: &[Startable]) -> Option<Wish> {
        let said = keywords(self, lexicon);
        if said.is_empty() || starts.is_empty() {
            return None;
        }
        let flows: Vec<Vec<Vec<String>>> = starts
            .iter()
            .map(|start| {
                let sentences = start.examples.iter().chain(std::iter::once(&start.description));
                sentences.map(|text| keywords(&Sentence::new(lexicon, text), lexicon)).collect()
            })
            .collect();
        let weights = weights(&flows);
        let count = u32::try_from(flows.len()).map_or(1.0, f64::from);
        let rare = (1.0 + count).ln();
        let weight = |word: &String| weights.get(word.as_str()).copied().unwrap_or(rare * 0.6);
        let total: f64 = said.iter().map(weight).sum();
        let mut scores: Vec<Wish> = starts
            .iter()
            .zip(&flows)
            .map(|(start, sentences)| {
                let covered: f64 = said
                    .iter()
                    .filter(|word| sentences.iter().any(|sentence| sentence.contains(word)))
                    .map(weight)
                    .sum();
                let nearest = sentences
                    .iter()
                    .map(|sentence| {
                        let shared: f64 =
                            said.iter().filter(|word| sentence.contains(word)).map(weight).sum();
                        let all: f64 = sentence.iter().map(weight).sum();
                        if all > 0.0 { shared / (all * total).sqrt() } else { 0.0 }
                    })
                    .fold(0.0, f64::max);
                Wish { flow: start.flow.clone(), score: 0.65 * nearest + 0.35 * covered / total }
            })
            .collect();
        scores.sort_by(|one, other| other.score.total_cmp(&one.score));
        let second = scores.get(1).map_or(0.0, |wish| wish.score);
        scores
            .into_iter()
            .next()
            .filter(|best| best.score >= LIKE_ENOUGH && best.score - second >= CLEARLY_BETTER)
    }
}

/// How much a word tells: much when few flows have it.
fn weights(flows: &[Vec<Vec<String>>]) -> HashMap<&str, f64> {
    let mut having: HashMap<&str, u32> = HashMap::new();
    for flow in flows {
        let mut words: Vec<&str> = flow.iter().flatten().map(String::as_str).collect();
        words.sort_unstable();
        words.dedup();
        for word in words {
            *having.entry(word).or_default() += 1;
        }
    }
    let count = u32::try_from(flows.len()).map_or(1.0, f64::from);
    having.into_iter().map(|(word, having)| (word, (1.0 + count / f64::from(having)).ln())).collect()
}

impl Extractor {
    /// The flow that is asked for, by its words, or because only it can use what was said.
    pub(super) fn wish(
        &self,
        sentence: &Sentence<'_>,
        question: &Question,
        acts: &ActsSaid,
        heard: &HeardValues,
    ) -> Option<String> {
        let only_more = acts.more && heard.slots.is_empty();
        if question.starts.is_empty() || acts.repeat || acts.human || only_more {
            return None;
        }
        let busy = question.flow.is_some();
        if busy
            && (acts.recall || acts.cancel || acts.yes || acts.approve || acts.no || !heard.slots.is_empty())
        {
            return None;
        }
        if (acts.price || acts.bye) && sentence.is_nothing_but(acts, &self.lexicon) {
            // "Is that per night?", "see you tomorrow"
            return None;
        }
        let best = sentence.wish(&self.lexicon, &question.starts);
        if busy {
            // What is under way is the likeliest thing to be talked about.
            let other = |flow: &String| question.flow.as_ref() != Some(flow);
            return best.filter(|wish| wish.score >= CLEAR_WISH && other(&wish.flow)).map(|wish| wish.flow);
        }
        let open = question.expecting == Expecting::Anything && !acts.more && question.scope.is_empty();
        let implied = || if open { self.implied(question, acts) } else { None };
        match best {
            // "3 nights from 5 January" says little, and much that only one flow can use.
            Some(best)
                if sentence.clear_wish(&self.lexicon, &question.starts).is_none() && !acts.question =>
            {
                implied().or(Some(best.flow))
            }
            Some(best) => Some(best.flow),
            None => implied(),
        }
    }

    /// The one flow with slots for the days or the party that were said; of a question, with both.
    fn implied(&self, question: &Question, acts: &ActsSaid) -> Option<String> {
        let enough = 1 + usize::from(acts.question);
        let mut fitting = question.starts.iter().filter(|start| {
            let slots: Vec<ScopedSlot> = start
                .slots
                .iter()
                .filter(|slot| {
                    matches!(slot.kind, Kind::DateRange { .. } | Kind::Party { .. } | Kind::Reference)
                })
                .cloned()
                .collect();
            let mut sentence = Sentence::new(&self.lexicon, &question.said);
            let heard = self.values(&mut sentence, &slots, question, Reading::default());
            let in_passing = (acts.thank || acts.bye) && heard.in_passing && heard.slots.len() == 1;
            heard.slots.len() >= enough && !in_passing
        });
        match (fitting.next(), fitting.next()) {
            (Some(start), None) => Some(start.flow.clone()),
            _ => None,
        }
    }
}
