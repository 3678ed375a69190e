//! The types of slots, and what of the words for one is a value.

use std::sync::Arc;

use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};

use super::range::in_bounds;
use super::{DateRange, Heard, Invalid, Item, Options, Party, Value};

/// The most digits of a telephone number (E.164), which never begins with a nought.
pub const PHONE_DIGITS_MAX: usize = 15;

/// The type of a slot, with its authored bounds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Kind {
    /// Nights from an arrival up to, not including, a departure.
    DateRange {
        /// The earliest arrival.
        min: Option<DateBound>,
        /// The longest stay, in nights.
        max_nights: Option<u32>,
    },
    /// One civil date.
    Date {
        /// The earliest date.
        min: Option<DateBound>,
        /// The latest date.
        max: Option<DateBound>,
    },
    /// Adults and children who travel together.
    Party {
        /// The fewest people, children included.
        min: u32,
        /// The most people, children included.
        max: u32,
    },
    /// One of a list.
    Choice(Options),
    /// Yes or no.
    Boolean,
    /// A whole number.
    Integer {
        /// The smallest allowed.
        min: Option<i64>,
        /// The largest allowed.
        max: Option<i64>,
        /// The nouns that are counted, for example `["room", "rooms"]`: a number before one of them is the
        /// value even when nobody asked for it.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        unit: Vec<String>,
    },
    /// Free words, as said.
    Text {
        /// The most characters.
        max_length: usize,
    },
    /// A person's name, as said.
    PersonName,
    /// A telephone number, E.164.
    Phone,
    /// A reference code, letters and digits, upper case.
    Reference,
}

/// What becomes of a slot's value when another is heard (LangGraph calls these reducers).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Merge {
    /// The new one counts; parts of a stay or a party that were not said again stay.
    #[default]
    Replace,
    /// The first one counts.
    Keep,
    /// The new words are put below the ones before. Only for texts.
    Append,
    /// The larger one counts. Only for numbers and dates.
    Max,
    /// The smaller one counts. Only for numbers and dates.
    Min,
    /// Both are added. Only for numbers.
    Sum,
}

/// A bound of a date: a day counted from the conversation's day, or a fixed one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DateBound {
    /// Days after today; negative is before.
    Today(i64),
    /// A fixed day.
    On(NaiveDate),
}

impl DateBound {
    /// The bound as a date, for a conversation that takes place on `today`.
    pub fn resolve(self, today: NaiveDate) -> NaiveDate {
        match self {
            Self::Today(days) if days >= 0 => {
                today.checked_add_days(Days::new(days.unsigned_abs())).unwrap_or(NaiveDate::MAX)
            }
            Self::Today(days) => {
                today.checked_sub_days(Days::new(days.unsigned_abs())).unwrap_or(NaiveDate::MIN)
            }
            Self::On(date) => date,
        }
    }
}

impl Kind {
    /// The name an author writes.
    pub fn name(&self) -> &'static str {
        match self {
            Self::DateRange { .. } => "date_range",
            Self::Date { .. } => "date",
            Self::Party { .. } => "party",
            Self::Choice(_) => "choice",
            Self::Boolean => "boolean",
            Self::Integer { .. } => "integer",
            Self::Text { .. } => "text",
            Self::PersonName => "person_name",
            Self::Phone => "phone",
            Self::Reference => "reference",
        }
    }

    /// Merges what was heard into what was known, by the slot's policy, and checks the bounds.
    ///
    /// `known` is the slot's present value; `offered` finds an item of a choice's list by its key.
    ///
    /// # Errors
    /// [`Invalid`] says which bound the words break; the known value stays as it was.
    pub fn accept(
        &self,
        merge: Merge,
        known: Option<&Value>,
        heard: &Heard,
        offered: impl FnOnce(&str) -> Option<Arc<Item>>,
        today: NaiveDate,
    ) -> Result<Value, Invalid> {
        if let (Merge::Keep, Some(known)) = (merge, known.filter(|known| known.is_complete())) {
            return Ok(known.clone());
        }
        if matches!(heard, Heard::NoPreference) {
            return Ok(Value::NoPreference);
        }
        match (self, heard) {
            (Self::DateRange { min, max_nights }, Heard::DateRange(said)) => {
                let known = match known {
                    Some(Value::DateRange(range)) => Some(*range),
                    _ => None,
                };
                let merged = DateRange::merge(known, *said);
                merged.check(min.map(|bound| bound.resolve(today)), *max_nights)?;
                Ok(Value::DateRange(merged))
            }
            (Self::Date { min, max }, Heard::Date(date)) => {
                let date = match (merge, known) {
                    (Merge::Max, Some(Value::Date(known))) => *known.max(date),
                    (Merge::Min, Some(Value::Date(known))) => *known.min(date),
                    _ => *date,
                };
                in_bounds(date, min.map(|b| b.resolve(today)), max.map(|b| b.resolve(today)))?;
                Ok(Value::Date(date))
            }
            (Self::Party { min, max }, Heard::Party { adults, children, total }) => {
                let known = match known {
                    Some(Value::Party(party)) => Some(*party),
                    _ => None,
                };
                let party = Party::merge(known, *adults, *children, *total).ok_or(Invalid::WrongType)?;
                let people = i64::from(party.total());
                if party.adults == 0 || people < i64::from(*min) || people > i64::from(*max) {
                    return Err(Invalid::OutOfRange {
                        value: people,
                        min: Some(i64::from(*min)),
                        max: Some(i64::from(*max)),
                    });
                }
                Ok(Value::Party(party))
            }
            (Self::Choice(_), Heard::Choice(key)) => {
                offered(key).map(Value::Choice).ok_or_else(|| Invalid::NotOffered { key: key.clone() })
            }
            (Self::Boolean, Heard::Boolean(yes)) => Ok(Value::Boolean(*yes)),
            (Self::Integer { min, max, .. }, Heard::Integer(number)) => {
                let number = match (merge, known) {
                    (Merge::Max, Some(Value::Integer(known))) => *known.max(number),
                    (Merge::Min, Some(Value::Integer(known))) => *known.min(number),
                    (Merge::Sum, Some(Value::Integer(known))) => known.saturating_add(*number),
                    _ => *number,
                };
                if min.is_some_and(|min| number < min) || max.is_some_and(|max| number > max) {
                    return Err(Invalid::OutOfRange { value: number, min: *min, max: *max });
                }
                Ok(Value::Integer(number))
            }
            (Self::Text { max_length }, Heard::Text(text)) => {
                let text = match (merge, known) {
                    (Merge::Append, Some(Value::Text(known))) => format!("{known}\n{text}"),
                    _ => text.clone(),
                };
                let length = text.chars().count();
                if length > *max_length {
                    return Err(Invalid::OutOfRange {
                        value: i64::try_from(length).unwrap_or(i64::MAX),
                        min: None,
                        max: i64::try_from(*max_length).ok(),
                    });
                }
                Ok(Value::Text(text))
            }
            (Self::DateRange { .. } | Self::Date { .. }, Heard::NoSuchDay { day, last }) => {
                Err(Invalid::NoSuchDay { day: *day, last: *last })
            }
            (Self::Phone, Heard::Text(text)) if digits(text) > PHONE_DIGITS_MAX || text.starts_with('0') => {
                Err(Invalid::WrongType)
            }
            (Self::PersonName | Self::Phone | Self::Reference, Heard::Text(text))
                if !text.trim().is_empty() =>
            {
                Ok(Value::Text(text.trim().to_owned()))
            }
            _ => Err(Invalid::WrongType),
        }
    }
}

fn digits(text: &str) -> usize {
    text.chars().filter(char::is_ascii_digit).count()
}
