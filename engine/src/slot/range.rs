//! Two civil dates, merged from what was known and what was said now.

use chrono::{Datelike, Days, NaiveDate};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::Invalid;

/// Two civil dates, or as much of them as was said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DateRange {
    /// The day of arrival, included.
    pub check_in: Option<NaiveDate>,
    /// The day of departure, not included.
    pub check_out: Option<NaiveDate>,
    /// The number of nights, if that is what was said: it then survives a change of the arrival. As JSON it shows
    /// only while a date is missing.
    pub nights: Option<u32>,
}

/// As JSON: what is not known is not written.
#[derive(Serialize, Deserialize)]
struct Shown {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    check_in: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    check_out: Option<NaiveDate>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    nights: Option<u32>,
}

impl Serialize for DateRange {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { check_in, check_out, nights } = *self;
        if serializer.is_human_readable() {
            return Shown { check_in, check_out, nights }.serialize(serializer);
        }
        let days = |date: Option<NaiveDate>| date.map(|date| date.num_days_from_ce());
        (days(check_in), days(check_out), nights).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for DateRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            let Shown { check_in, check_out, nights } = Shown::deserialize(deserializer)?;
            return Ok(Self { check_in, check_out, nights });
        }
        let (check_in, check_out, nights) =
            <(Option<i32>, Option<i32>, Option<u32>)>::deserialize(deserializer)?;
        let date = |days: Option<i32>| days.and_then(NaiveDate::from_num_days_from_ce_opt);
        Ok(Self { check_in: date(check_in), check_out: date(check_out), nights })
    }
}

impl DateRange {
    /// Both dates are known.
    pub fn is_complete(&self) -> bool {
        self.check_in.is_some() && self.check_out.is_some()
    }

    /// Nights between the two dates, once both are known.
    pub fn length(&self) -> Option<i64> {
        Some((self.check_out? - self.check_in?).num_days())
    }

    /// What was known, corrected by what was said now. A new arrival alone keeps the number of nights if that is what
    /// was said before, else the departure as long as it fits; a new number of nights keeps the arrival.
    pub fn merge(known: Option<Self>, said: Self) -> Self {
        let known = known.unwrap_or_default();
        let known_nights = known.nights.or_else(|| known.length().and_then(|n| u32::try_from(n).ok()));
        let merged = match (said.check_in, said.check_out, said.nights) {
            // Where two dates and a number of nights disagree, one of the dates was about something else.
            (Some(check_in), Some(check_out), Some(nights))
                if (check_out - check_in).num_days() != i64::from(nights) =>
            {
                Self { check_in: Some(check_in), check_out: None, nights: Some(nights) }
            }
            (Some(check_in), Some(check_out), _) => {
                Self { check_in: Some(check_in), check_out: Some(check_out), nights: None }
            }
            (Some(check_in), None, Some(nights)) => {
                Self { check_in: Some(check_in), check_out: None, nights: Some(nights) }
            }
            (None, Some(check_out), Some(nights)) => {
                Self { check_in: None, check_out: Some(check_out), nights: Some(nights) }
            }
            (Some(check_in), None, None) => match known.check_out {
                Some(check_out)
                    if (known.nights.is_none() || known.check_in.is_none()) && check_out > check_in =>
                {
                    Self { check_in: Some(check_in), check_out: Some(check_out), nights: None }
                }
                _ => Self { check_in: Some(check_in), check_out: None, nights: known_nights },
            },
            (None, Some(check_out), None) => Self {
                check_in: known.check_in,
                check_out: Some(check_out),
                nights: if known.check_in.is_none() { known.nights } else { None },
            },
            (None, None, Some(nights)) => match (known.check_in, known.check_out) {
                (Some(check_in), _) => {
                    Self { check_in: Some(check_in), check_out: None, nights: Some(nights) }
                }
                (None, check_out) => Self { check_in: None, check_out, nights: Some(nights) },
            },
            (None, None, None) => known,
        };
        merged.completed()
    }

    fn completed(self) -> Self {
        match (self.check_in, self.check_out, self.nights) {
            (Some(check_in), None, Some(nights)) => {
                Self { check_out: check_in.checked_add_days(Days::new(u64::from(nights))), ..self }
            }
            (None, Some(check_out), Some(nights)) => {
                Self { check_in: check_out.checked_sub_days(Days::new(u64::from(nights))), ..self }
            }
            _ => self,
        }
    }

    pub(super) fn check(&self, min: Option<NaiveDate>, max_nights: Option<u32>) -> Result<(), Invalid> {
        if let Some(check_in) = self.check_in {
            in_bounds(check_in, min, None)?;
        }
        if let Some(check_out) = self.check_out {
            in_bounds(check_out, min, None)?;
        }
        if let (Some(check_in), Some(check_out)) = (self.check_in, self.check_out)
            && check_out <= check_in
        {
            return Err(Invalid::Backwards { check_in, check_out });
        }
        let nights = self.length().or(self.nights.map(i64::from));
        match (nights, max_nights) {
            (Some(nights), Some(max)) if nights > i64::from(max) => Err(Invalid::TooLong { nights, max }),
            (Some(nights), _) if nights < 1 => {
                Err(Invalid::OutOfRange { value: nights, min: Some(1), max: max_nights.map(i64::from) })
            }
            _ => Ok(()),
        }
    }
}

/// Checks a day against its bounds.
pub(super) fn in_bounds(
    date: NaiveDate,
    min: Option<NaiveDate>,
    max: Option<NaiveDate>,
) -> Result<(), Invalid> {
    match (min, max) {
        (Some(min), _) if date < min => Err(Invalid::TooEarly { date, min }),
        (_, Some(max)) if date > max => Err(Invalid::TooLate { date, max }),
        _ => Ok(()),
    }
}
