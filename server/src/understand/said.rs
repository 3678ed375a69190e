//! Days as they were said, and the dates that they are.

use chrono::{Datelike, Days, Months, NaiveDate};

use super::feast::Feast;

/// A day as it was said, not yet counted from any other.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Said {
    /// A date with its year, or one counted from today.
    On(NaiveDate),
    /// A day that comes every year.
    Feast(Feast),
    /// A month and a day.
    MonthDay { month: u32, day: u32 },
    /// A day of a month, with the months from now if that was said.
    Day { day: u32, months: Option<u32> },
    /// A day of the week, in the calendar week that is so many weeks from this one if that was said.
    Weekday { weekday: u8, week: Option<i64>, weeks_more: i64 },
    /// A day of the week that is that day of a month.
    WeekdayDay { weekday: u8, day: u32 },
    /// A weekend: its Friday. `Some` is so many weeks from this one.
    Weekend { week: Option<i64> },
    /// The weekend that a day is of, or that comes after it: its Friday.
    WeekendOf { day: u32, month: Option<u32> },
}

/// What a day is counted from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Anchor {
    pub(super) today: NaiveDate,
    /// It must be after this one: a departure after its arrival.
    pub(super) after: Option<NaiveDate>,
    /// It is near this one: a correction.
    pub(super) near: Option<NaiveDate>,
}

impl Said {
    /// The date, if there is such a day.
    pub(super) fn resolve(self, anchor: Anchor) -> Option<NaiveDate> {
        let Anchor { today, after, near } = anchor;
        let from = after.and_then(|day| day.checked_add_days(Days::new(1))).unwrap_or(today).max(today);
        match self {
            Self::On(date) => Some(date),
            Self::Feast(feast) => feast.upcoming(from),
            Self::MonthDay { month, day } => (from.year()..=from.year() + 8)
                .filter_map(|year| NaiveDate::from_ymd_opt(year, month, day))
                .find(|date| *date >= from),
            Self::Day { day, months: Some(months) } => {
                let first = today.with_day(1)?.checked_add_months(Months::new(months))?;
                first.with_day(day)
            }
            Self::Day { day, months: None } => {
                let upcoming = |from: NaiveDate| {
                    (0..=4).filter_map(move |months| {
                        let month = from.with_day(1)?.checked_add_months(Months::new(months))?;
                        month.with_day(day).filter(|date| *date >= from)
                    })
                };
                nearest(near, today, upcoming).or_else(|| upcoming(from).next())
            }
            Self::Weekday { weekday, week: Some(weeks), weeks_more } => {
                let date = in_week(today, weeks + weeks_more, weekday)?;
                if weeks == 0 && date < today { shift(date, 7) } else { Some(date) }
            }
            Self::Weekday { weekday, week: None, weeks_more } => {
                let upcoming = |from: NaiveDate| {
                    let ahead =
                        (7 + i64::from(weekday) - i64::from(from.weekday().num_days_from_monday())) % 7;
                    (0..=60).filter_map(move |weeks| shift(from, ahead + 7 * weeks))
                };
                let tomorrow = if after.is_some() { from } else { from.max(shift(today, 1)?) };
                let date = nearest(near, today, upcoming).or_else(|| upcoming(tomorrow).next())?;
                shift(date, 7 * weeks_more)
            }
            Self::WeekdayDay { weekday, day } => (0..=3)
                .filter_map(|months| {
                    let month = from.with_day(1)?.checked_add_months(Months::new(months))?;
                    month.with_day(day).filter(|date| *date >= from)
                })
                .find(|date| date.weekday().num_days_from_monday() == u32::from(weekday))
                .or_else(|| Self::Day { day, months: None }.resolve(anchor)),
            Self::Weekend { week } => {
                let friday = in_week(today, week.unwrap_or(0), 4)?;
                match (week, today.weekday().num_days_from_monday()) {
                    (None | Some(0), 5) => Some(today),
                    (None | Some(0), 6) => shift(friday, 7),
                    _ => Some(friday),
                }
            }
            Self::WeekendOf { day, month } => {
                let said =
                    month.map_or(Self::Day { day, months: None }, |month| Self::MonthDay { month, day });
                let date = said.resolve(anchor)?;
                let to_friday = match date.weekday().num_days_from_monday() {
                    late @ 5..=6 => 4 - i64::from(late),
                    early => i64::from(4 - early),
                };
                shift(date, to_friday).map(|friday| friday.max(today))
            }
        }
    }

    /// Whether it is the Friday of a weekend that was said.
    pub(super) fn is_weekend(self) -> bool {
        match self {
            Self::Weekend { .. } | Self::WeekendOf { .. } => true,
            Self::On(_)
            | Self::Feast(_)
            | Self::MonthDay { .. }
            | Self::Day { .. }
            | Self::Weekday { .. }
            | Self::WeekdayDay { .. } => false,
        }
    }

    /// The weekend of a day that was said by its number.
    pub(super) fn weekend_of(self) -> Option<Self> {
        match self {
            Self::MonthDay { month, day } => Some(Self::WeekendOf { day, month: Some(month) }),
            Self::Day { day, months: None } => Some(Self::WeekendOf { day, month: None }),
            Self::On(_)
            | Self::Feast(_)
            | Self::Day { .. }
            | Self::Weekday { .. }
            | Self::WeekdayDay { .. }
            | Self::Weekend { .. }
            | Self::WeekendOf { .. } => None,
        }
    }
}

/// Of the days from today on, the one nearest to `near`.
fn nearest<I: Iterator<Item = NaiveDate>>(
    near: Option<NaiveDate>,
    today: NaiveDate,
    upcoming: impl Fn(NaiveDate) -> I,
) -> Option<NaiveDate> {
    let near = near?;
    let from = near.checked_sub_days(Days::new(31))?.max(today);
    upcoming(from).take(12).min_by_key(|date| (*date - near).num_days().abs())
}

/// So many days later.
pub(super) fn shift(date: NaiveDate, days: i64) -> Option<NaiveDate> {
    date.checked_add_signed(chrono::TimeDelta::try_days(days)?)
}

/// A day of the calendar week, Monday first, that is so many weeks from the one of `today`.
fn in_week(today: NaiveDate, weeks: i64, weekday: u8) -> Option<NaiveDate> {
    let monday = shift(today, -i64::from(today.weekday().num_days_from_monday()))?;
    shift(monday, weeks.checked_mul(7)? + i64::from(weekday))
}
