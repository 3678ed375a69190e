//! A stay: the nights between two civil dates.

use chrono::{Days, NaiveDate};
use serde::Serialize;

/// The most nights that one stay may have.
pub const LONGEST_STAY_NIGHTS: u32 = 30;

/// Nights from `arrival` up to, not including, `departure`; never empty, never longer than
/// [`LONGEST_STAY_NIGHTS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Stay {
    arrival: NaiveDate,
    departure: NaiveDate,
}

/// Why two dates are no stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StayError {
    /// The departure is not after the arrival.
    #[error("departure {departure} is not after arrival {arrival}")]
    Empty {
        /// The first night.
        arrival: NaiveDate,
        /// The day that should have come later.
        departure: NaiveDate,
    },
    /// There are more nights than one stay may have.
    #[error("{nights} nights are more than {LONGEST_STAY_NIGHTS}")]
    TooLong {
        /// How many nights were asked for.
        nights: i64,
    },
}

impl Stay {
    /// The stay between two dates, which must be at least one night apart.
    pub fn new(arrival: NaiveDate, departure: NaiveDate) -> Result<Self, StayError> {
        let nights = (departure - arrival).num_days();
        if nights < 1 {
            Err(StayError::Empty { arrival, departure })
        } else if nights > i64::from(LONGEST_STAY_NIGHTS) {
            Err(StayError::TooLong { nights })
        } else {
            Ok(Self { arrival, departure })
        }
    }

    /// The first night.
    pub fn arrival(self) -> NaiveDate {
        self.arrival
    }

    /// The day of leaving, which is not slept.
    pub fn departure(self) -> NaiveDate {
        self.departure
    }

    /// How many nights, at least one.
    pub fn nights(self) -> u32 {
        u32::try_from((self.departure - self.arrival).num_days()).unwrap_or(1)
    }

    /// Each night, by the date of its evening.
    pub fn each_night(self) -> impl Iterator<Item = NaiveDate> {
        self.arrival.iter_days().take_while(move |night| *night < self.departure)
    }

    /// The same number of nights, `days` later (earlier when negative); `None` beyond the calendar.
    pub fn shifted(self, days: i64) -> Option<Self> {
        Some(Self { arrival: add_days(self.arrival, days)?, departure: add_days(self.departure, days)? })
    }

    /// The same arrival with this many nights, if that is a stay.
    pub fn lasting(self, nights: u32) -> Option<Self> {
        Self::new(self.arrival, self.arrival.checked_add_days(Days::new(u64::from(nights)))?).ok()
    }
}

/// The date `days` after `date` (before it when negative); `None` beyond the calendar.
pub(crate) fn add_days(date: NaiveDate, days: i64) -> Option<NaiveDate> {
    let distance = Days::new(days.unsigned_abs());
    if days < 0 { date.checked_sub_days(distance) } else { date.checked_add_days(distance) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 12, day).unwrap()
    }

    #[test]
    fn the_night_of_departure_is_not_slept() {
        let stay = Stay::new(day(12), day(14)).unwrap();
        assert_eq!(stay.nights(), 2);
        assert_eq!(stay.each_night().collect::<Vec<_>>(), [day(12), day(13)]);
    }

    #[test]
    fn a_stay_is_never_empty_backwards_or_endless() {
        assert!(matches!(Stay::new(day(12), day(12)), Err(StayError::Empty { .. })));
        assert!(matches!(Stay::new(day(14), day(12)), Err(StayError::Empty { .. })));
        let late = day(1) + Days::new(31);
        assert_eq!(Stay::new(day(1), late), Err(StayError::TooLong { nights: 31 }));
        assert!(Stay::new(day(1), day(31)).is_ok());
    }

    #[test]
    fn shifting_keeps_the_length() {
        let stay = Stay::new(day(12), day(14)).unwrap();
        assert_eq!(stay.shifted(-2), Stay::new(day(10), day(12)).ok());
        assert_eq!(stay.lasting(3), Stay::new(day(12), day(15)).ok());
        assert_eq!(stay.lasting(0), None);
    }
}
