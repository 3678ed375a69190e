//! Guests who want the same once more for somebody else: "yes, and book another one for my brother".

use innkeeper_engine::{Act, Kind, Question, Understanding};
use serde::Deserialize;

use super::decide::ReadOut;
use super::extract::{Extractor, Reading, holds_any};
use super::lexicon::{Class, split};
use super::sentence::Sentence;

/// Words of guests who want one more of what is being booked, as an author writes them.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AnotherWords {
    /// Beside what is booked, and whom it is for.
    #[serde(default)]
    marks: Vec<String>,
    /// A booking of its own.
    #[serde(default)]
    bookings: Vec<String>,
    /// Before things of which there are several then.
    #[serde(default)]
    separate: Vec<String>,
}

/// The same, to be looked up.
#[derive(Clone, Debug, Default)]
pub(super) struct Another {
    marks: Vec<Vec<String>>,
    bookings: Vec<Vec<String>>,
    separate: Vec<String>,
}

impl Another {
    pub(super) fn new(words: &AnotherWords) -> Self {
        let phrases = |list: &[String]| list.iter().map(|phrase| split(phrase)).collect();
        Self {
            marks: phrases(&words.marks),
            bookings: phrases(&words.bookings),
            separate: words.separate.clone(),
        }
    }

    /// "Separate rooms" are two at least.
    pub(super) fn separate(&self, sentence: &Sentence<'_>, units: &[String]) -> Option<i64> {
        let text = |at: usize| sentence.token(at).map(|token| token.text.as_str()).unwrap_or_default();
        let is_separate = |at: usize| self.separate.iter().any(|word| word == text(at));
        let are_units = |at: usize| text(at).ends_with('s') && units.iter().any(|unit| unit == text(at));
        (0..sentence.len()).any(|at| is_separate(at) && are_units(at + 1)).then_some(2)
    }
}

impl Extractor {
    /// A message that asks for what runs once more, later: what stands before that is about what runs, what follows is
    /// said of the other one and asked for in its turn.
    pub(super) fn asks_for_another(&self, question: &Question, reading: Reading) -> Option<ReadOut> {
        let flow = question.flow.as_ref()?;
        let parts = Sentence::new(&self.lexicon, &question.said).parts();
        let place = parts.iter().enumerate().position(|(place, part)| {
            let said = question.said.get(part.clone()).unwrap_or_default();
            let with_me = parts
                .get(place + 1)
                .and_then(|next| question.said.get(next.clone()))
                .is_some_and(|next| Sentence::new(&self.lexicon, next).any(0, &[Class::Me, Class::OnlyMe]));
            !with_me && self.is_for_another(said, question)
        })?;
        let before = parts.get(place)?.start;
        let rest = question.said.get(..before).unwrap_or_default();
        let mut out = if rest.contains(char::is_alphanumeric) {
            let question = Question { said: rest.trim().to_owned(), ..question.clone() };
            self.read(&question, reading)
        } else {
            ReadOut::default()
        };
        let Understanding { acts, sure, .. } = &mut out.understanding;
        acts.retain(|act| *act != Act::Unclear);
        acts.push(Act::StartAnother(flow.clone()));
        *sure = true;
        Some(out)
    }

    /// Whether a part of a message wants one more of what is booked, for somebody else or as a booking of its own.
    fn is_for_another(&self, said: &str, question: &Question) -> bool {
        let part = Sentence::new(&self.lexicon, said);
        let units = || {
            question.scope.iter().filter_map(|slot| match &slot.kind {
                Kind::Integer { unit, .. } => Some(unit),
                _ => None,
            })
        };
        let is_unit = |at: usize| {
            part.is(at, Class::One)
                || part.token(at).is_some_and(|token| units().flatten().any(|unit| *unit == token.text))
        };
        let all = 0..part.len();
        let words = split(said);
        let somebody = all.clone().any(|at| {
            part.is(at, Class::For)
                && part.is(at + 1, Class::My)
                && part.any(
                    at + 2,
                    &[
                        Class::RelationAdult,
                        Class::RelationAdults,
                        Class::RelationChild,
                        Class::RelationChildren,
                        Class::Parents,
                        Class::Family,
                    ],
                )
        });
        let Another { marks, bookings, .. } = &self.another;
        holds_any(&words, bookings) || holds_any(&words, marks) && somebody && all.clone().any(is_unit)
    }
}
