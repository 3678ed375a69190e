//! Whole numbers: "2 rooms" by the noun they count, or a bare number where one was asked for.

use super::lexicon::{Class, Lexicon};
use super::sentence::{Sentence, Taken};

impl Sentence<'_> {
    /// The number of things that `units` name, or the one number of the message if one was asked for.
    pub(super) fn integer(&mut self, units: &[String], asked: bool) -> Option<i64> {
        let is_unit = |sentence: &Self, at: usize| {
            sentence
                .token(at)
                .is_some_and(|token| units.iter().any(|unit| unit.eq_ignore_ascii_case(&token.text)))
        };
        let mut sum: Option<i64> = None;
        let mut at = 0;
        while at < self.len() {
            let found = if units.is_empty() { None } else { self.counted(at, &is_unit) };
            if let Some((number, end)) = found {
                let denied = at
                    .checked_sub(1)
                    .is_some_and(|at| self.any(at, &[Class::InsteadOf]) || self.is(at, Class::Not));
                let joined = sum.is_some()
                    && at.checked_sub(1).is_some_and(|at| self.any(at, &[Class::And, Class::Comma]));
                if !denied {
                    sum = Some(if joined { sum.unwrap_or(0).saturating_add(number) } else { number });
                }
                self.take(at, end, Taken::Number);
                at = end;
            } else {
                at += 1;
            }
        }
        if sum.is_some() || !asked {
            return sum;
        }
        let mut numbers = (0..self.len()).filter(|at| self.number(*at).is_some());
        let (Some(at), None) = (numbers.next(), numbers.next()) else { return None };
        let number = self.number(at);
        self.take(at, at + 1, Taken::Number);
        number
    }

    /// "a single and a double", "two doubles": how many things of several kinds. One alone is not counted.
    pub(super) fn of_kinds(&self, lexicon: &Lexicon, units: &[String]) -> Option<i64> {
        let kinds = units.iter().find_map(|unit| lexicon.kinds.get(unit))?;
        let kind = |at: usize| self.token(at).is_some_and(|token| kinds.contains(&token.text));
        let mut found: Vec<(usize, i64)> = Vec::new();
        for at in (1..self.len()).filter(|at| kind(*at)) {
            // A double bed is no double.
            let bed = self.is(at + 1, Class::Bed);
            let before = at - 1;
            let count = if self.is(before, Class::Article) { Some(1) } else { self.number(before) };
            found.extend(count.filter(|count| !bed && (1..=20).contains(count)).map(|count| (at, count)));
        }
        let joined = found.windows(2).all(|pair| {
            let between = pair[0].0 + 1..pair[1].0;
            !between.clone().any(|at| self.is(at, Class::Or))
                && between.clone().any(|at| self.any(at, &[Class::And, Class::Comma, Class::Add]))
        });
        let count: i64 = found.iter().map(|(_, count)| count).sum();
        (joined && count > 1).then_some(count)
    }

    /// The number, cardinal or ordinal, that a message consists of.
    pub(super) fn lone_number(&mut self) -> Option<i64> {
        let value = |at: usize| {
            let meaning = self.meaning(at);
            self.number(at).or_else(|| meaning.ordinal.filter(|_| !self.is_taken(at)).map(i64::from))
        };
        let mut found = (0..self.len()).filter_map(|at| Some((at, value(at)?)));
        let (Some((at, number)), None) = (found.next(), found.next()) else { return None };
        let alone = (0..self.len()).all(|other| {
            other == at
                || self.any(
                    other,
                    &[Class::Filler, Class::Stop, Class::Comma, Class::Hedge, Class::The, Class::One],
                )
        });
        alone.then(|| {
            self.take(at, at + 1, Taken::Number);
            number
        })
    }

    /// "a room", "a quiet double room": one of what `units` name.
    pub(super) fn has_one_of(&self, units: &[String]) -> bool {
        let is_unit = |at: usize| {
            self.token(at)
                .is_some_and(|token| units.iter().any(|unit| unit.eq_ignore_ascii_case(&token.text)))
        };
        (0..self.len()).filter(|at| self.is(*at, Class::Article)).any(|article| {
            (article + 1..article + 5)
                .take_while(|at| {
                    self.is_word(*at) && !self.any(*at, &[Class::For, Class::And, Class::On, Class::Of])
                })
                .any(is_unit)
        })
    }

    /// "2 double rooms", "rooms: 3".
    fn counted(&self, at: usize, is_unit: &dyn Fn(&Self, usize) -> bool) -> Option<(i64, usize)> {
        use Class::{Adult, Child, Colon, Day, Night, People, ThisIs, To, Week};
        if is_unit(self, at) && self.any(at + 1, &[Colon, ThisIs, To]) {
            let number = self.number(at + 2)?;
            return self.ends(at + 3).then_some((number, at + 3));
        }
        let number = self.number(at)?;
        (1..=4).find_map(|distance| {
            let noun = at + distance;
            let passed = (at + 1..noun).all(|at| {
                (self.taken(at) == Some(Taken::Amount)
                    || (self.is_word(at) && !self.is_taken(at) && self.meaning(at).number.is_none()))
                    && !self.is(at, Class::Comma)
                    && !self.any(
                        at,
                        &[
                            Adult,
                            Child,
                            People,
                            Night,
                            Day,
                            Week,
                            Class::And,
                            Class::For,
                            Class::To,
                            Class::In,
                            Class::On,
                            Class::Of,
                        ],
                    )
            });
            (passed && is_unit(self, noun)).then_some((number, noun + 1))
        })
    }
}
