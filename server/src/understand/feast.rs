//! Days that come every year: those of a month, and those that are counted from Easter or from Christmas.

use chrono::{Datelike, Days, NaiveDate, Weekday};

use super::said::shift;

/// A day that comes every year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Feast {
    /// A month and a day.
    Fixed { month: u32, day: u32 },
    /// So many days after Easter Sunday.
    Easter(i64),
    /// A Sunday of Advent: the fourth is the last before Christmas Day.
    Advent(i64),
}

impl Feast {
    /// `12-24`, a month and a day; `easter+60` or `easter-47`, days from Easter Sunday; `advent+1`, a Sunday of Advent.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some(days) = text.strip_prefix("easter") {
            return days.parse().ok().filter(|days: &i64| days.abs() < 100).map(Self::Easter);
        }
        if let Some(nth) = text.strip_prefix("advent") {
            return nth.parse().ok().filter(|nth| (1..=4).contains(nth)).map(Self::Advent);
        }
        let (month, day) = text.split_once('-')?;
        let (month, day) = (month.parse().ok()?, day.parse().ok()?);
        NaiveDate::from_ymd_opt(2000, month, day).map(|_| Self::Fixed { month, day })
    }

    /// The first such day that is not before `from`.
    pub(super) fn upcoming(self, from: NaiveDate) -> Option<NaiveDate> {
        (from.year()..=from.year() + 8).filter_map(|year| self.of_year(year)).find(|date| *date >= from)
    }

    fn of_year(self, year: i32) -> Option<NaiveDate> {
        match self {
            Self::Fixed { month, day } => NaiveDate::from_ymd_opt(year, month, day),
            Self::Easter(days) => shift(easter(year)?, days),
            Self::Advent(nth) => {
                let eve = NaiveDate::from_ymd_opt(year, 12, 24)?;
                let since = eve.weekday().days_since(Weekday::Sun);
                shift(eve.checked_sub_days(Days::new(since.into()))?, 7 * (nth - 4))
            }
        }
    }
}

/// Easter Sunday of the Gregorian calendar: the Sunday after the first full moon of spring, by its nineteen-year cycle.
fn easter(year: i32) -> Option<NaiveDate> {
    let century = year.div_euclid(100);
    // Days from 21 March to that full moon, corrected for the leap days that centuries leave out.
    let epact =
        (19 * year.rem_euclid(19) + century - century / 4 - (8 * century + 13) / 25 + 15).rem_euclid(30);
    let late = epact == 29 || epact == 28 && year.rem_euclid(19) > 10;
    let moon = shift(NaiveDate::from_ymd_opt(year, 3, 21)?, i64::from(epact) - i64::from(late))?;
    shift(moon, 7 - i64::from(moon.weekday().num_days_from_sunday()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn easter_is_where_the_almanac_has_it() {
        let known = [
            (1954, 4, 18),
            (1981, 4, 19),
            (2000, 4, 23),
            (2024, 3, 31),
            (2025, 4, 20),
            (2026, 4, 5),
            (2027, 3, 28),
            (2028, 4, 16),
            (2035, 3, 25),
            (2038, 4, 25),
            (2049, 4, 18),
            (2076, 4, 19),
        ];
        for (year, month, day) in known {
            assert_eq!(easter(year), NaiveDate::from_ymd_opt(year, month, day), "{year}");
        }
    }
}
