//! Days, in every wording: "the 3rd", "Sunday next week", "12/12", "a week from Monday", "Christmas Eve".

use chrono::{Datelike, NaiveDate};

use super::lexicon::Class;
use super::said::{Said, shift};
use super::sentence::{Sentence, Taken};

/// A day found in a message.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Found {
    pub(super) said: Said,
    /// The first atom, a preceding article included.
    pub(super) first: usize,
    /// The atom after the last.
    pub(super) end: usize,
    /// Whether only a bare number was said, which is a day only beside another one or when days were asked for.
    pub(super) bare: bool,
}

impl Sentence<'_> {
    /// "the thirtieth of February": a day that its month does not have, with the last day that it has. Takes its atoms.
    pub(super) fn no_such_day(&mut self, today: NaiveDate) -> Option<(u32, NaiveDate)> {
        let (first, end, month, day, year) = (0..self.len()).find_map(|at| {
            let year_at = |at: usize| {
                let at = at + usize::from(self.any(at, &[Class::Comma, Class::Of]));
                let year = self.number(at).and_then(|year| i32::try_from(year).ok());
                year.filter(|year| (2000..=2100).contains(year)).map(|year| (year, at + 1))
            };
            let whole = |first: usize, end: usize, month: u32, day: u32| {
                let year = year_at(end);
                (first, year.map_or(end, |(_, end)| end), month, day, year.map(|(year, _)| year))
            };
            if let Some((end, month, day, year)) = self.impossible_date(at) {
                return Some((at, end, month, day, year));
            }
            let month = u32::from(self.meaning(at).month?);
            let day_at = |at: usize| {
                let meaning = self.meaning(at);
                let number = meaning.ordinal.or_else(|| u32::try_from(self.number(at)?).ok())?;
                (!self.is_taken(at) && (29..=31).contains(&number)).then_some(number)
            };
            let before = at.checked_sub(1).and_then(|at| at.checked_sub(usize::from(self.is(at, Class::Of))));
            let of = before.and_then(|before| Some(whole(before, at + 1, month, day_at(before)?)));
            let after = if self.is(at + 1, Class::The) { at + 2 } else { at + 1 };
            of.or_else(|| Some(whole(at, after + 1, month, day_at(after)?)))
        })?;
        let day_of = |year: i32| NaiveDate::from_ymd_opt(year, month, day);
        // Of a day that only leap years have, the next year of its month decides.
        let next = (today.year()..=today.year() + 1)
            .find(|year| NaiveDate::from_ymd_opt(*year, month, 28).is_some_and(|date| date >= today));
        if year.or(next).and_then(day_of).is_some() {
            return None;
        }
        let years = year.map_or(today.year()..=today.year() + 1, |year| year..=year);
        let last = years.into_iter().find_map(|year| {
            let days = (28..=day).rev();
            days.filter_map(|day| NaiveDate::from_ymd_opt(year, month, day)).find(|last| *last >= today)
        })?;
        self.take(first, end, Taken::Day);
        Some((day, last))
    }

    /// "31/11", "29.02.2027": where it ends, its month and day, and the year if that was said.
    fn impossible_date(&self, at: usize) -> Option<(usize, u32, u32, Option<i32>)> {
        let number =
            |at: usize| self.number(at).filter(|_| self.is_digits(at)).and_then(|n| u32::try_from(n).ok());
        let sign = [Class::Slash, Class::Dot].into_iter().find(|sign| self.is(at + 1, *sign))?;
        let fits = |day: u32, month: u32| (29..=31).contains(&day) && (1..=12).contains(&month);
        let (day, month) = (number(at)?, number(at + 2)?);
        let (day, month) = if fits(day, month) { (day, month) } else { (month, day) };
        let year = number(at + 4).filter(|_| self.is(at + 3, sign));
        let year = year
            .map(|year| if year < 100 { year + 2000 } else { year })
            .and_then(|year| i32::try_from(year).ok());
        let end = if year.is_some() { at + 5 } else { at + 3 };
        (fits(day, month) && (year.is_some() || sign == Class::Slash)).then_some((end, month, day, year))
    }

    /// The day that begins at an atom.
    pub(super) fn day(&self, at: usize, today: NaiveDate) -> Option<Found> {
        if at >= self.len() || self.is_taken(at) {
            return None;
        }
        let (said, end, bare) = self
            .written_date(at)
            .or_else(|| self.counted_day(at, today))
            .or_else(|| self.nth_of_month(at, today))
            .or_else(|| self.weekday(at))
            .or_else(|| self.day_of_month(at))?;
        Some(Found { said, first: at, end, bare })
    }

    /// "2026-12-14", "14/12", "14.12.2026": the day comes first unless that is impossible.
    fn written_date(&self, at: usize) -> Option<(Said, usize, bool)> {
        use Class::{Dash, Dot, Slash};
        let first = self.number(at).filter(|_| self.is_digits(at))?;
        let sign = [Slash, Dash, Dot].into_iter().find(|sign| self.is(at + 1, *sign))?;
        let joined = |at: usize| !self.spaced(at) && self.is_digits(at);
        let second = self.number(at + 2).filter(|_| joined(at + 2) && !self.spaced(at + 1))?;
        let third = self.is(at + 3, sign).then(|| self.number(at + 4).filter(|_| joined(at + 4))).flatten();
        let date = |year: i64, month: i64, day: i64| {
            let year = if year < 100 { year + 2000 } else { year };
            NaiveDate::from_ymd_opt(year.try_into().ok()?, month.try_into().ok()?, day.try_into().ok()?)
        };
        if let Some(third) = third {
            let long = self.token(at).is_some_and(|token| token.text.len() == 4);
            let date = if long {
                date(first, second, third).or_else(|| date(first, third, second))
            } else {
                date(third, second, first).or_else(|| date(third, first, second))
            };
            return date.map(|date| (Said::On(date), at + 5, false));
        }
        // Two numbers: 12/12, or "14.12." with its second dot; 12-14 is a range, not a date.
        let dotted = sign == Dot && self.is(at + 3, Class::Stop);
        if sign != Slash && !dotted {
            return None;
        }
        let day_month = |day: i64, month: i64| {
            let (day, month) = (u32::try_from(day).ok()?, u32::try_from(month).ok()?);
            NaiveDate::from_ymd_opt(2000, month, day).map(|_| Said::MonthDay { month, day })
        };
        let said = day_month(first, second).or_else(|| day_month(second, first))?;
        Some((said, if dotted && at + 4 < self.len() { at + 4 } else { at + 3 }, false))
    }

    /// "today", "in two weeks", "3 days from now", "a week from Monday", "Christmas Eve".
    fn counted_day(&self, at: usize, today: NaiveDate) -> Option<(Said, usize, bool)> {
        use Class::{Ago, And, FromNow, FromThen, In, Night, TimeOfDay};
        let meaning = self.meaning(at);
        if let Some(days) = meaning.days {
            let end = if self.any(at + 1, &[TimeOfDay, Night]) { at + 2 } else { at + 1 };
            // "tomorrow week"
            let (more, end) = if self.tokens_are(end, &["week"]) { (7, end + 1) } else { (0, end) };
            return Some((Said::On(shift(today, days + more)?), end, false));
        }
        // "2nite", "2moro"
        if self.tokens_are(at, &["2"]) && !self.spaced(at + 1) {
            let days = if self.tokens_are(at + 1, &["nite", "night", "nyt", "day"]) {
                Some(0)
            } else {
                self.tokens_are(at + 1, &["moro", "morrow", "morow", "mrw", "moz"]).then_some(1)
            };
            if let Some(days) = days {
                return Some((Said::On(shift(today, days)?), at + 2, false));
            }
        }
        // "from now until Tuesday"
        if self.any(at, &[Class::Now]) && self.is(at + 1, Class::Until) {
            return Some((Said::On(today), at + 1, false));
        }
        if let Some(found) = self.beside(at, today).or_else(|| self.feast(at, today)) {
            return Some(found);
        }
        let preceded = self.is(at, In) && !self.is_digits(at);
        let from = if preceded { at + 1 } else { at };
        let (mut days, mut end) = self.span(from)?;
        if self.is(end, And)
            && let Some((more, then)) = self.span(end + 1)
            && (preceded || self.is(then, FromNow))
        {
            (days, end) = (days + more, then);
        }
        if self.is(end, Ago) {
            return Some((Said::On(shift(today, -days)?), end + 1, false));
        }
        if self.is(end, FromNow) {
            return Some((Said::On(shift(today, days)?), end + 1, false));
        }
        if self.is(end, FromThen) && self.meaning(end + 1).days == Some(0) {
            return Some((Said::On(shift(today, days)?), end + 2, false));
        }
        if preceded {
            let night_stay = self.is(end.checked_sub(1)?, Night);
            return (!night_stay).then_some((Said::On(shift(today, days)?), end, false));
        }
        let weeks = days % 7 == 0 && self.any(end.checked_sub(1)?, &[Class::Week, Class::Fortnight]);
        // "a week from Monday", "two weeks on Friday", "a fortnight today"
        let then = if self.any(end, &[FromThen, Class::On]) { end + 1 } else { end };
        let direct = then == end;
        if !weeks || (direct && self.number(from).is_some_and(|n| n > 4)) {
            return None;
        }
        if let Some(base) = self.meaning(then).days {
            if !self.is(end, FromThen) && base != 0 && !direct {
                return None;
            }
            return Some((Said::On(shift(today, base + days)?), then + 1, false));
        }
        if direct {
            return None;
        }
        match self.weekday(then)? {
            (Said::Weekday { weekday, week, weeks_more }, end, bare) => {
                Some((Said::Weekday { weekday, week, weeks_more: weeks_more + days / 7 }, end, bare))
            }
            _ => None,
        }
    }

    /// "3 days", "a week", "two weeks", "a fortnight": how many days, and where it ends.
    pub(super) fn span(&self, at: usize) -> Option<(i64, usize)> {
        use Class::{Article, Day, Fortnight, Month, Week};
        let (count, unit) = match self.number(at) {
            Some(count) => (count, at + 1),
            None if self.is(at, Article) => (1, at + 1),
            None if self.is(at, Fortnight) => (1, at),
            None => return None,
        };
        let days = if self.is(unit, Week) {
            7
        } else if self.is(unit, Fortnight) {
            14
        } else if self.is(unit, Day) {
            1
        } else if self.is(unit, Month) {
            30
        } else {
            return None;
        };
        Some((count.checked_mul(days).filter(|days| *days <= 800)?, unit + 1))
    }

    /// "Friday", "next Friday", "Friday next week", "Friday the 17th", "next weekend".
    fn weekday(&self, at: usize) -> Option<(Said, usize, bool)> {
        use Class::{AfterNext, Comma, Next, Of, On, The, This, TimeOfDay, Week, Weekend};
        let mut start = at;
        let mut week = None;
        if self.is(start, The)
            && (self.any(start + 1, &[This, Next, Weekend]) || self.meaning(start + 1).weekday.is_some())
        {
            start += 1;
        }
        if self.is(start, This) {
            (week, start) = (Some(0), start + 1);
        } else if self.is(start, Next) {
            (week, start) = (Some(1), start + 1);
        }
        // "next week Friday", "next week on Friday"
        if week.is_some() && self.is(start, Week) {
            start += 1;
            if self.any(start, &[On, Comma]) {
                start += 1;
            }
            let weekday = self.meaning(start).weekday?;
            return Some((Said::Weekday { weekday, week, weeks_more: 0 }, start + 1, false));
        }
        if self.is(start, Weekend) {
            let mut end = start + 1;
            if week.is_none() {
                if self.is(end, AfterNext) {
                    (week, end) = (Some(2), end + 1);
                } else if self.is(end, Of)
                    && let Some((said, end, bare)) = self.day_of_month(end + 1)
                {
                    return Some((said.weekend_of().unwrap_or(said), end, bare));
                }
                if self.is(end, Of) && self.meaning(end + 1).month.is_some() {
                    // "a weekend in March" may be any of them.
                    return None;
                }
            }
            return Some((Said::Weekend { week }, end, false));
        }
        let weekday = self.meaning(start).weekday?;
        let mut end = start + 1;
        if self.is(end, TimeOfDay) {
            end += 1;
        }
        let next = if self.is(end, Comma) { end + 1 } else { end };
        let next = if self.is(next, On) && self.is(next + 1, The) { next + 1 } else { next };
        if let Some((said, end, bare)) = self.day_of_month(next)
            && !bare
        {
            return Some(match said {
                Said::Day { months: None, .. } if week.is_some() => {
                    (Said::Weekday { weekday, week, weeks_more: 0 }, end, false)
                }
                Said::Day { day, months: None } => (Said::WeekdayDay { weekday, day }, end, false),
                other => (other, end, false),
            });
        }
        if let Some(date) = self.written_date(next)
            && !self.spaced(next + 1)
        {
            return Some(date);
        }
        let mut weeks_more = 0;
        if week.is_none() {
            let skip = usize::from(self.tokens_are(end, &["of"]) || self.is(end, On));
            if self.is(end + skip, This) && self.is(end + skip + 1, Week) {
                (week, end) = (Some(0), end + skip + 2);
            } else if self.is(end + skip, Next) && self.is(end + skip + 1, Week) {
                (week, end) = (Some(1), end + skip + 2);
            } else if self.is(end, AfterNext) {
                (week, end) = (Some(2), end + 1);
            } else if self.tokens_are(end, &["week"]) && !self.any(end + 1, &[Class::Night, Class::Stay]) {
                (weeks_more, end) = (1, end + 1);
            } else if self.tokens_are(end, &["fortnight"]) {
                (weeks_more, end) = (2, end + 1);
            } else if self.is(end, Next) && self.meaning(end + 1).weekday.is_none() && self.ends(end + 1) {
                (week, end) = (Some(1), end + 1);
            }
        }
        Some((Said::Weekday { weekday, week, weeks_more }, end, false))
    }

    /// "the 3rd", "3rd of March 2027", "March 3", "the 5th of next month", "12 Dec".
    fn day_of_month(&self, at: usize) -> Option<(Said, usize, bool)> {
        use Class::{Comma, Month, Next, Of, The, This};
        let with_the = self.is(at, The);
        let start = if with_the { at + 1 } else { at };
        if let Some(month) = self.meaning(start).month {
            let day_at = if self.is(start + 1, The) { start + 2 } else { start + 1 };
            let day_at =
                if self.is(day_at, Class::Stop) && !self.spaced(day_at) { day_at + 1 } else { day_at };
            let day = self.day_number(day_at)?;
            if self.any(day_at + 1, &[Class::Colon]) {
                return None;
            }
            return self.with_year(month.into(), day, day_at + 1);
        }
        let day = self.day_number(start)?;
        let ordinal = self.meaning(start).ordinal.is_some();
        let next = if self.is(start + 1, Of) { start + 2 } else { start + 1 };
        let next = if next == start + 1
            && self.is(next, Class::Dash)
            && !self.spaced(next)
            && self.meaning(next + 1).month.is_some()
        {
            next + 1
        } else {
            next
        };
        if let Some(month) = self.meaning(next).month {
            return self.with_year(month.into(), day, next + 1);
        }
        let next = if self.is(next, The) { next + 1 } else { next };
        if self.is(next, Month) || (self.any(next, &[This, Next]) && self.is(next + 1, Month)) {
            let months = u32::from(self.is(next, Next));
            let end = if self.is(next, Month) { next + 1 } else { next + 2 };
            return Some((Said::Day { day, months: Some(months) }, end, false));
        }
        let end = start + 1;
        if self.any(end, &[Class::NotADay]) && !self.is(end, Comma) {
            return None;
        }
        if !ordinal
            && self
                .any(end, &[Class::Night, Class::Day, Class::Week, Class::Adult, Class::Child, Class::People])
        {
            return None;
        }
        if !ordinal {
            return Some((Said::Day { day, months: None }, end, true));
        }
        // "first" and "second" are days only where a day can stand.
        let written = self.is_digits(start);
        let unknown_noun = self.is_word(end)
            && self.meaning(end).classes == 0
            && self.meaning(end).number.is_none()
            && self.meaning(end).weekday.is_none()
            && self.meaning(end).days.is_none();
        let alone = start == 0
            || self
                .any(start - 1, &[Class::On, Class::From, Class::Until, Class::To, Class::Dash, Class::For]);
        if !written && !with_the && self.ends(end) && !alone {
            // "I have a question first"
            return None;
        }
        if !written
            && (unknown_noun
                || (!with_the
                    && !self.ends(end)
                    && !self.any(end, &[Class::To, Class::Until, Class::Dash, Class::For])))
        {
            return None;
        }
        Some((Said::Day { day, months: None }, end, false))
    }

    fn day_number(&self, at: usize) -> Option<u32> {
        if self.is_taken(at) {
            return None;
        }
        let meaning = self.meaning(at);
        let day = meaning.ordinal.or_else(|| meaning.number.and_then(|number| u32::try_from(number).ok()))?;
        (1..=31).contains(&day).then_some(day)
    }

    fn with_year(&self, month: u32, day: u32, end: usize) -> Option<(Said, usize, bool)> {
        NaiveDate::from_ymd_opt(2000, month, day)?;
        let skip = usize::from(self.is(end, Class::Comma) || self.is(end, Class::Of));
        let year = self.number(end + skip).and_then(|year| i32::try_from(year).ok());
        if let Some(year) = year.filter(|year| (1990..=2100).contains(year))
            && let Some(date) = NaiveDate::from_ymd_opt(year, month, day)
        {
            return Some((Said::On(date), end + skip + 1, false));
        }
        Some((Said::MonthDay { month, day }, end, false))
    }
}
