//! Messages that say more, or other, than what was asked: several wishes at once, and answers that come late.

use innkeeper_engine::{Act, Expecting, Heard, Kind, Question, ScopedSlot, Startable};

use super::decide::{HeardValues, LEFT_OVER_MAX, ReadOut};
use super::extract::{Extractor, Reading};
use super::sentence::Sentence;

/// A wish for another flow after something about the one that runs.
pub(super) struct Besides<'q> {
    /// The flow that is asked for.
    pub(super) start: &'q Startable,
    /// The words that ask for it, and what follows them.
    pub(super) said: &'q str,
    /// The values before them.
    pub(super) before: Vec<(&'q ScopedSlot, Heard)>,
}

impl Extractor {
    /// The flows that the parts of a message ask for, with the part that does, where each is clearly meant: "book a
    /// room for tomorrow and cancel my other booking".
    pub(super) fn several_wishes<'q>(
        &self,
        sentence: &Sentence<'_>,
        question: &'q Question,
    ) -> Vec<(&'q Startable, &'q str)> {
        let mut wishes: Vec<(&Startable, &str)> = Vec::new();
        for part in sentence.parts() {
            let Some(part) = question.said.get(part).filter(|part| !self.tells(part)) else { continue };
            let asked = Sentence::new(&self.lexicon, part).clear_wish(&self.lexicon, &question.starts);
            let Some(start) = question.starts.iter().find(|start| asked.as_ref() == Some(&start.flow)) else {
                continue;
            };
            let known = wishes.iter().any(|(known, _)| known.flow == start.flow);
            if !known && question.flow.as_ref() != Some(&start.flow) {
                wishes.push((start, part));
            }
        }
        wishes
    }

    /// A question about the house and a wish in one message, where nothing is under way: "is breakfast included? And a
    /// room for two, 12 to 14 December". The wish's flow, and the words that ask for it.
    pub(super) fn wish_besides_question<'q>(
        &self,
        question: &'q Question,
    ) -> Option<(&'q Startable, &'q str)> {
        if question.flow.is_some() || question.expecting != Expecting::Anything {
            return None;
        }
        let parts = Sentence::new(&self.lexicon, &question.said).parts();
        let said = question.said.as_str();
        let halves = parts.windows(2).filter_map(|pair| {
            // "A twin with a garden view" is one thing.
            let between = said.get(pair[0].end..pair[1].start)?;
            let parted = !between.trim().eq_ignore_ascii_case("with");
            Some((said.get(..pair[1].start)?, said.get(pair[1].start..)?)).filter(|_| parted)
        });
        let asks = |half: &str| {
            let sentence = Sentence::new(&self.lexicon, half);
            let acts = sentence.acts(&self.lexicon);
            // "Can you try again?"
            let orders = (0..sentence.len()).any(|at| {
                sentence.tokens_are(at, &["can", "could", "would", "will"])
                    && sentence.tokens_are(at + 1, &["you"])
            });
            acts.question
                && !orders
                && !acts.price
                && !self.tells_when_or_who(half, question)
                && self.wished(half, question).is_none()
        };
        halves.flat_map(|(one, other)| [(one, other), (other, one)]).find_map(|(asking, wishing)| {
            let start = self.wished(wishing, question)?;
            asks(asking).then_some((start, wishing))
        })
    }

    /// Whether a part of a message has days or people for one of the flows.
    fn tells_when_or_who(&self, part: &str, question: &Question) -> bool {
        let open = Question { said: part.to_owned(), ..question.clone() };
        question.starts.iter().any(|start| {
            let mut sentence = Sentence::new(&self.lexicon, part);
            let heard = self.values(&mut sentence, &start.slots, &open, Reading::default());
            heard.slots.values().any(|heard| matches!(heard, Heard::DateRange(_) | Heard::Party { .. }))
        })
    }

    /// The flow with something to fill that a part of a message asks for, if it is no question about the house.
    fn wished<'q>(&self, part: &str, question: &'q Question) -> Option<&'q Startable> {
        let open = Question { said: part.to_owned(), ..question.clone() };
        let sentence = Sentence::new(&self.lexicon, part);
        let clear = sentence.clear_wish(&self.lexicon, &question.starts).is_some();
        if !clear && !self.tells_when_or_who(part, question) {
            return None;
        }
        let acts = sentence.acts(&self.lexicon);
        let flow = self.wish(&sentence, &open, &acts, &HeardValues::default())?;
        let start = question.starts.iter().find(|start| start.flow == flow)?;
        let fills = |slot: &ScopedSlot| !matches!(slot.kind, Kind::Choice(_));
        start.slots.iter().any(fills).then_some(start)
    }

    /// What each part of a message fills in the flow it asks for.
    pub(super) fn values_of(
        &self,
        wishes: &[(&Startable, &str)],
        question: &Question,
        reading: Reading,
    ) -> HeardValues {
        let mut all = HeardValues::default();
        for (start, part) in wishes {
            let mut sentence = Sentence::new(&self.lexicon, part);
            let heard = self.values(&mut sentence, &start.slots, question, reading);
            all.ambiguous |= heard.ambiguous;
            for (name, value) in heard.slots {
                all.slots.entry(name).or_insert(value);
            }
        }
        all
    }

    /// The other flow that a message asks for after it said something about what runs: "three nights instead, and I also
    /// want to cancel my other booking". Any word could be a name: only values count that are plainly of their kind.
    pub(super) fn wish_besides<'q>(&self, question: &'q Question, reading: Reading) -> Option<Besides<'q>> {
        let runs = question.flow.as_ref()?;
        let parts = Sentence::new(&self.lexicon, &question.said).parts();
        let running = question.starts.iter().find(|start| start.flow == *runs);
        let asks = |part: &str| {
            let part = Sentence::new(&self.lexicon, part);
            // "And we stay two nights" is said of the room that is being booked.
            let other = running.is_none_or(|running| part.goes_beyond(&self.lexicon, running));
            part.clear_wish(&self.lexicon, &question.starts).filter(|_| other)
        };
        let (place, flow) = parts.iter().enumerate().find_map(|(place, part)| {
            Some((place, asks(question.said.get(part.clone())?).filter(|flow| flow != runs)?))
        })?;
        let start = question.starts.iter().find(|start| start.flow == flow)?;
        let mut before: Vec<(&ScopedSlot, Heard)> = Vec::new();
        for part in parts.iter().take(place) {
            let mut sentence = Sentence::new(&self.lexicon, question.said.get(part.clone())?);
            let heard = self.values(&mut sentence, &question.scope, question, reading);
            if heard.ambiguous || sentence.acts(&self.lexicon).left_over > LEFT_OVER_MAX {
                return None;
            }
            for (name, value) in heard.slots {
                let slot = question.scope.iter().find(|slot| slot.name == name)?;
                let plain = !matches!(slot.kind, Kind::PersonName | Kind::Text { .. } | Kind::Boolean);
                if !plain || start.slots.iter().any(|wished| wished.name == name) {
                    return None;
                }
                before.push((slot, value));
            }
        }
        let said = question.said.get(parts.get(place)?.start..)?;
        (!before.is_empty()).then_some(Besides { start, said, before })
    }

    /// What a message says that answers nothing it was asked for, as the answer to something that was asked for
    /// before. Only values count that are plainly of their kind: any word could be a name.
    pub(super) fn late_answer(&self, question: &Question, out: &ReadOut) -> Option<ReadOut> {
        let Expecting::Slot(_) = &question.expecting else { return None };
        let says_nothing = out.understanding.slots.is_empty()
            && out.understanding.acts.iter().all(|act| matches!(act, Act::Unclear | Act::More));
        if question.unanswered.is_empty() || !says_nothing {
            return None;
        }
        question.unanswered.iter().find_map(|name| {
            let slot = question.scope.iter().find(|slot| slot.name == *name)?;
            if matches!(slot.kind, Kind::PersonName | Kind::Text { .. } | Kind::Boolean) {
                return None;
            }
            let earlier = Question {
                expecting: Expecting::Slot(slot.name.as_str().into()),
                unanswered: Vec::new(),
                scope: vec![slot.clone()],
                starts: Vec::new(),
                ..question.clone()
            };
            let read = self.read(&earlier, Reading::default());
            let answers =
                read.understanding.slots.get(name).is_some_and(|heard| *heard != Heard::NoPreference);
            (answers && read.understanding.sure).then_some(read)
        })
    }
}
