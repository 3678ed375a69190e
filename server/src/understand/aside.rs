//! Days that are none of the stay: of when a guest decides, and of what was before.

use innkeeper_engine::DateRange;

use super::lexicon::Class;
use super::said::shift;
use super::sentence::{Sentence, Taken};
use super::stay::{Point, StayContext};

impl Sentence<'_> {
    /// "I'll confirm tomorrow", "let me ask my wife tonight", "on Friday I'll tell you".
    pub(super) fn is_of_deciding(&self, point: &Point) -> bool {
        use Class::{Arrive, But, Comma, Decide, For, From, Leave, Move, Stay, Stop, Until};
        let (first, end) = (point.found.first, point.found.end);
        let before = (0..first).rev().take_while(|at| !self.any(*at, &[Stop, But])).take(9);
        let before: Vec<usize> =
            before.take_while(|at| !self.any(*at, &[Arrive, Leave, From, For, Until, Move, Stay])).collect();
        if before.iter().any(|at| self.is(*at, Decide) && self.is_own(*at)) {
            return true;
        }
        let opened = first.checked_sub(1).is_some_and(|at| self.any(at, &[For, From, Until, Arrive, Leave]));
        let after = (end..end + 8).take_while(|at| !self.any(*at, &[Stop, Comma, But]));
        !opened && self.speaks(end) && after.clone().any(|at| self.is(at, Decide) && self.is_own(at))
    }

    /// Whether the verb at an atom is what the guest, or somebody with them, is going to do.
    fn is_own(&self, verb: usize) -> bool {
        let mut at = verb;
        while let Some(before) = at.checked_sub(1) {
            if self.speaks(before) {
                return true;
            }
            if !self.is(before, Class::Going) {
                return at < verb && self.is(at, Class::Going) && self.ends(before);
            }
            at = before;
        }
        at < verb
    }

    fn speaks(&self, at: usize) -> bool {
        self.any(at, &[Class::Me, Class::We, Class::RelationAdult, Class::RelationAdults])
            || self.tokens_are(at, &["he", "she", "they", "let", "lets"])
    }

    /// Takes what is told of before: "my late husband and I used to come", "last year we were four".
    pub(super) fn set_past_aside(&mut self) {
        let mut first = 0;
        for at in 0..=self.len() {
            let parts = at == self.len()
                || self.any(at, &[Class::Stop, Class::But, Class::Now, Class::Only, Class::OnlyMe])
                || self.is(at, Class::Dash) && self.spaced(at)
                || self.tokens_are(at, &["so", "this"]);
            if !parts {
                continue;
            }
            if (first..at).any(|at| self.is(at, Class::Gone) && !self.is_as(at)) {
                for at in first..at {
                    if self.could_be_of_a_stay(at) {
                        self.take(at, at + 1, Taken::Amount);
                    }
                }
            }
            first = at;
        }
        for at in 0..self.len() {
            let lost = self.tokens_are(at, &["late", "ex", "deceased"]);
            if lost && self.any(at + 1, &[Class::RelationAdult, Class::RelationAdults]) {
                self.take(at, at + 2, Taken::Amount);
            }
        }
    }

    /// "One day later", "move it by a week", "leave a day earlier": the known stay moved by days.
    pub(super) fn moved_by(&mut self, context: StayContext) -> Option<DateRange> {
        use Class::{Arrive, Leave, Move, Until};
        let known = context.known.filter(|known| known.check_in.is_some())?;
        let (at, end, days) = (0..self.len()).find_map(|at| {
            let (days, end) = self.span(at).filter(|(days, _)| *days > 0)?;
            let said = |at: usize, words: &[&str]| self.tokens_are(at, words);
            let before = |words: &[&str]| (at.saturating_sub(6)..at).any(|at| said(at, words));
            let moves =
                (at.saturating_sub(6)..at).any(|at| self.is(at, Move)) || before(&["bring", "delay", "put"]);
            let later = said(end, &["later", "after", "forward", "forwards"]);
            let sooner = said(end, &["earlier", "sooner", "before"]);
            let alone = self.ends(end + 1) || self.is(end + 1, Class::Filler);
            if (later || sooner) && alone {
                return Some((at, end + 1, if sooner { -days } else { days }));
            }
            let by = at.checked_sub(1).is_some_and(|at| said(at, &["by", "back", "forward"]));
            let back = moves && (by || said(end, &["back"])) && !self.day_follows(end);
            let forward = before(&["bring", "forward"]);
            (back && !before(&["to"])).then_some((at, end, if forward { -days } else { days }))
        })?;
        let other = (0..self.len()).any(|other| {
            !(at..end).contains(&other)
                && (self.meaning(other).weekday.is_some()
                    || self.meaning(other).month.is_some()
                    || self.meaning(other).ordinal.is_some()
                    || self.meaning(other).days.is_some())
        });
        if other {
            return None;
        }
        let arrives = (0..self.len()).any(|at| self.is(at, Arrive));
        let leaves = (0..self.len()).any(|at| self.any(at, &[Leave, Until])) || self.stays_on(at);
        let moved = |day: Option<chrono::NaiveDate>, is: bool| {
            if is { shift(day?, days) } else { day }
        };
        let check_in = moved(known.check_in, arrives || !leaves);
        let check_out = moved(known.check_out, leaves || !arrives);
        let nights = known.nights.filter(|_| check_out.is_none());
        self.take(at, end, Taken::Day);
        let first = at.saturating_sub(1);
        self.take(first, at, Taken::Day);
        Some(DateRange { check_in, check_out, nights })
    }

    /// "As last year", "like last time".
    fn is_as(&self, at: usize) -> bool {
        at.checked_sub(1).is_some_and(|at| self.tokens_are(at, &["as", "like"]))
    }

    fn could_be_of_a_stay(&self, at: usize) -> bool {
        use Class::{
            Adult, Both, Child, Couple, Parents, People, RelationAdult, RelationAdults, RelationChild,
            RelationChildren, Weekend,
        };
        let meaning = self.meaning(at);
        meaning.number.is_some()
            || meaning.ordinal.is_some()
            || meaning.weekday.is_some()
            || meaning.month.is_some()
            || meaning.days.is_some()
            || meaning.feast.is_some()
            || self.any(
                at,
                &[
                    Adult,
                    Both,
                    Child,
                    Couple,
                    Parents,
                    People,
                    RelationAdult,
                    RelationAdults,
                    RelationChild,
                    RelationChildren,
                    Weekend,
                ],
            )
    }

    fn stays_on(&self, at: usize) -> bool {
        (0..at).any(|at| self.tokens_are(at, &["stay", "staying"]))
    }

    fn day_follows(&self, at: usize) -> bool {
        self.any(at, &[Class::FromThen, Class::FromNow])
    }
}
