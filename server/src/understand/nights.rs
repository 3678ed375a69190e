//! How long a stay is: "3 nights", "a week", "one more night".

use innkeeper_engine::DateRange;

use super::lexicon::Class;
use super::sentence::Sentence;

/// A length of stay as it was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nights {
    Count(i64),
    More(i64),
}

impl Nights {
    /// The number of nights; more or fewer than are known.
    pub(super) fn resolve(self, known: Option<DateRange>) -> Option<u32> {
        let nights = match self {
            Self::Count(nights) => nights,
            Self::More(more) => {
                let known = known?;
                known.length().or(known.nights.map(i64::from))?.checked_add(more)?
            }
        };
        u32::try_from(nights).ok().filter(|nights| *nights > 0)
    }
}

impl Sentence<'_> {
    /// "3 nights", "a week", "one more night", "overnight": the length, where it ends, whether it is denied.
    pub(super) fn nights(&self, at: usize, staying: bool) -> Option<(Nights, usize, bool)> {
        use Class::{
            Ago, Article, Dash, FromNow, FromThen, In, InsteadOf, Less, More, Night, Not, Overnight, The,
        };
        if self.is_taken(at) {
            return None;
        }
        // "2nite"
        if self.tokens_are(at, &["2"]) && self.tokens_are(at + 1, &["nite", "night"]) && !self.spaced(at + 1)
        {
            return None;
        }
        let before = at.checked_sub(1);
        let denied = before.is_some_and(|at| {
            self.is(at, InsteadOf) || (self.is(at, Not) && !self.is(at, Class::Correction))
        });
        if self.is(at, Overnight)
            && (self.ends(at + 1) || self.any(at + 1, &[Class::Filler, Class::On, Class::And]))
        {
            return Some((Nights::Count(1), at + 1, denied));
        }
        if staying
            && self.is(at, The)
            && self.tokens_are(at + 1, &["night"])
            && !self.tokens_are(at + 2, &["of"])
        {
            return Some((Nights::Count(1), at + 2, denied));
        }
        let (mut count, mut unit) = match self.number(at) {
            Some(count) if (1..=400).contains(&count) => (Some(count), at + 1),
            Some(_) => return None,
            None if self.is(at, Article) => (Some(1), at + 1),
            None if self.is(at, More) => (None, at),
            None => return None,
        };
        let mut relative = 0;
        if self.any(unit, &[More, Less]) {
            relative = if self.is(unit, More) { 1 } else { -1 };
            unit += 1;
            if count.is_none() {
                count = self.number(unit);
                unit += usize::from(count.is_some());
            }
        }
        if self.is(unit, Dash) {
            unit += 1;
        }
        let measured = |at: usize| self.any(at, &[Night, Class::Day]);
        let spare = usize::from(
            self.is_word(unit)
                && self.meaning(unit).classes == 0
                && self.meaning(unit).number.is_none()
                && measured(unit + 1)
                && !measured(unit),
        );
        unit += spare;
        let per_unit = if self.is(unit, Night) || self.is(unit, Class::Day) {
            1
        } else if self.is(unit, Class::Week) {
            7
        } else if self.is(unit, Class::Fortnight) {
            14
        } else {
            return None;
        };
        let mut total = count.unwrap_or(1).checked_mul(per_unit)?;
        let mut end = unit + 1;
        if self.is(end, Class::And)
            && let Some((more, then)) = self.span(end + 1)
        {
            (total, end) = (total + more, then);
        }
        if relative == 0 && self.any(end, &[More, Less]) {
            relative = if self.is(end, More) { 1 } else { -1 };
            end += 1;
        }
        if !staying && self.is_beside(at) {
            return None;
        }
        // "in 3 days", "3 days ago", "a week from Monday" are days.
        let night = self.is(unit, Night);
        if !night {
            if self.any(end, &[Ago, FromNow])
                || (!staying && self.is(end, FromThen) && self.meaning(end + 1).days == Some(0))
                || (!staying && before.is_some_and(|at| self.tokens_are(at, &["in"]) && self.is(at, In)))
            {
                return None;
            }
            if !staying && per_unit > 1 && self.any(end, &[FromThen]) && self.meaning(end + 1).month.is_none()
            {
                let then = self.meaning(end + 1);
                if then.weekday.is_some()
                    || then.days.is_some()
                    || self.any(end + 1, &[Class::This, Class::Next])
                {
                    return None;
                }
            }
            if !staying
                && per_unit > 1
                && (self.meaning(end).days.is_some()
                    || (self.is(end, Class::On) && self.meaning(end + 1).weekday.is_some()))
            {
                return None;
            }
            // "7 days a week", "two days before"
            if self.is(end, Article) || self.tokens_are(end, &["before", "prior"]) && !staying {
                return None;
            }
        }
        // "a night" alone is a price's unit: "what is it a night?"
        if self.is(at, Article) && night && !staying && !self.opens(at) {
            return None;
        }
        let length = if relative == 0 { Nights::Count(total) } else { Nights::More(relative * total) };
        Some((length, end, denied))
    }

    /// Whether a clause begins at the atom, or a role word stands before it.
    fn opens(&self, at: usize) -> bool {
        at == 0 || self.ends(at - 1) || self.any(at - 1, &[Class::Correction, Class::Hedge, Class::From])
    }
}
