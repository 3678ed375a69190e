//! Guests who want the same once more for somebody else: "yes, and book another one for my brother".

use innkeeper_engine::{Act, Kind, Question, Understanding};

use super::decide::ReadOut;
use super::extract::{Extractor, Reading};
use super::lexicon::Class;
use super::sentence::Sentence;

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
        let marked = all.clone().any(|at| part.is(at, Class::Another));
        let booking = all.clone().any(|at| part.is(at, Class::Another) && part.is(at + 1, Class::Booking));
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
        booking || marked && somebody && all.clone().any(is_unit)
    }
}
