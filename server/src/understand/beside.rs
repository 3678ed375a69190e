//! Days that are told by another one: "the Saturday before Christmas", "the first Friday of March", "Easter weekend".

use chrono::{Datelike, NaiveDate};

use super::lexicon::Class;
use super::said::{Anchor, Said, shift};
use super::sentence::Sentence;

impl Sentence<'_> {
    /// "The Saturday before Christmas", "two days after Easter", "the weekend before the 12th of March": it and its end.
    pub(super) fn beside(&self, at: usize, today: NaiveDate) -> Option<(Said, usize, bool)> {
        let start = if self.is(at, Class::The) { at + 1 } else { at };
        let span = self.span(start);
        let end = span.map_or(start + 1, |(_, end)| end);
        let later = self.tokens_are(end, &["after", "following"]);
        if !later && !self.tokens_are(end, &["before", "prior", "preceding"]) {
            return None;
        }
        let base = (end + 1..end + 4)
            .find(|at| !self.any(*at, &[Class::The, Class::To, Class::Of]))
            .and_then(|at| self.day(at, today))
            .filter(|base| !base.bare)?;
        let weekend = self.is(start, Class::Weekend);
        let date = base.said.resolve(Anchor { today, after: None, near: None })?;
        let sign = if later { 1 } else { -1 };
        let found = if let Some((days, _)) = span {
            shift(date, sign * days)
        } else if self.any(start, &[Class::Day, Class::Night]) {
            shift(date, sign)
        } else if weekend {
            let saturday = near(date, 5, sign).filter(|day| later || (date - *day).num_days() > 1);
            shift(saturday.or_else(|| shift(near(date, 5, sign)?, -7))?, -1)
        } else {
            near(date, self.meaning(start).weekday?, sign)
        }?;
        Some((if weekend { weekend_from(found) } else { Said::On(found) }, base.end, false))
    }

    /// "Two days before Christmas": no length of stay.
    pub(super) fn is_beside(&self, at: usize) -> bool {
        self.span(at).is_some_and(|(_, end)| {
            self.tokens_are(end, &["before", "after"])
                && (end + 1..end + 3).any(|at| self.meaning(at).feast.is_some())
        })
    }

    /// "The first Friday of March", "the last weekend in January".
    pub(super) fn nth_of_month(&self, at: usize, today: NaiveDate) -> Option<(Said, usize, bool)> {
        let start = if self.is(at, Class::The) { at + 1 } else { at };
        let nth = self.meaning(start).ordinal.filter(|nth| (1..=5).contains(nth));
        if nth.is_none() && !self.tokens_are(start, &["last"]) {
            return None;
        }
        let weekend = self.is(start + 1, Class::Weekend);
        let weekday = if weekend { 5 } else { self.meaning(start + 1).weekday? };
        let month = self.meaning(start + 3).month.filter(|_| self.is(start + 2, Class::Of))?;
        let year = self.number(start + 4).and_then(|year| i32::try_from(year).ok());
        let year = year.filter(|year| (2000..=2100).contains(year));
        let in_year = |year: i32| {
            let first = NaiveDate::from_ymd_opt(year, month.into(), 1)?;
            let days = (0..35).filter_map(|days| shift(first, days));
            let mut days = days.filter(|day| {
                day.month() == u32::from(month) && day.weekday().num_days_from_monday() == u32::from(weekday)
            });
            match nth {
                Some(nth) => days.nth(usize::try_from(nth).ok()?.checked_sub(1)?),
                None => days.next_back(),
            }
        };
        let years = year.map_or(today.year()..=today.year() + 1, |year| year..=year);
        let found = years.filter_map(in_year).find(|day| *day >= today)?;
        let said = if weekend { weekend_from(shift(found, -1)?) } else { Said::On(found) };
        Some((said, start + 4 + usize::from(year.is_some()), false))
    }

    /// "Christmas Eve", "Easter weekend", "Corpus Christi 2027".
    pub(super) fn feast(&self, at: usize, today: NaiveDate) -> Option<(Said, usize, bool)> {
        let feast = self.meaning(at).feast?;
        if self.is(at + 1, Class::Weekend) {
            let day = feast.upcoming(today)?;
            // A weekend with a holiday on Monday or Tuesday begins before it.
            let to_friday = match i64::from(day.weekday().num_days_from_monday()) {
                early @ 0..=1 => -3 - early,
                weekday => 4 - weekday,
            };
            return Some((weekend_from(shift(day, to_friday)?), at + 2, false));
        }
        let year = self.number(at + 1).and_then(|year| i32::try_from(year).ok());
        if let Some(year) = year.filter(|year| (2000..=2100).contains(year))
            && let Some(date) = NaiveDate::from_ymd_opt(year, 1, 1).and_then(|first| feast.upcoming(first))
        {
            return Some((Said::On(date), at + 2, false));
        }
        Some((Said::Feast(feast), at + 1, false))
    }

    /// "A bank holiday weekend", "mid January weekend", "a Friday in March": a day that may be any of several.
    pub(super) fn is_any_of(&self, said: Said, first: usize, end: usize) -> bool {
        let counted = match said {
            Said::Weekday { week, weeks_more, .. } => week.is_none() && weeks_more == 0,
            Said::Weekend { week } => week.is_none(),
            Said::On(_)
            | Said::MonthDay { .. }
            | Said::Day { .. }
            | Said::WeekdayDay { .. }
            | Said::Feast(_)
            | Said::WeekendOf { .. } => false,
        };
        let day = if self.is(first, Class::The) { first + 1 } else { first };
        let of = |at: usize| self.meaning(at).month.is_some() || self.is(at, Class::Unfixed);
        counted
            && (day.checked_sub(1).is_some_and(|at| of(at) && !self.is_taken(at))
                || self.is(end, Class::Of) && (of(end + 1) || self.is(end + 1, Class::The) && of(end + 2)))
    }
}

/// The weekend that begins on this Friday.
fn weekend_from(friday: NaiveDate) -> Said {
    Said::WeekendOf { day: friday.day(), month: Some(friday.month()) }
}

/// The nearest such day of the week before or after a day.
fn near(date: NaiveDate, weekday: u8, sign: i64) -> Option<NaiveDate> {
    (1..=7)
        .filter_map(|days| shift(date, sign * days))
        .find(|day| day.weekday().num_days_from_monday() == u32::from(weekday))
}
