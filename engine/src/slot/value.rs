//! Values of slots, what was heard for one, and how both look as JSON.

use std::sync::Arc;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::{DateRange, Item, Kind, Party};
use crate::guard::Fact;
use crate::saved::date;

/// The value of a slot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// A stay, perhaps partial.
    DateRange(DateRange),
    /// A day.
    Date(#[serde(with = "date")] NaiveDate),
    /// A party.
    Party(Party),
    /// The chosen item.
    Choice(Arc<Item>),
    /// Yes or no.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Free words, a name, an E.164 number or a reference.
    Text(String),
    /// The guest was asked and does not mind.
    NoPreference,
}

/// What a guest's words mean for one slot, parsed by type and not yet merged or checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Heard {
    /// As much of a stay as was said.
    DateRange(DateRange),
    /// A day.
    Date(#[serde(with = "date")] NaiveDate),
    /// As much of a party as was said.
    Party {
        /// Adults, if said apart.
        adults: Option<u32>,
        /// Children, if said.
        children: Option<u32>,
        /// People altogether, if said.
        total: Option<u32>,
    },
    /// The key of an item.
    Choice(String),
    /// The keys of the items that the words fit, where they fit several: which of them is asked next.
    Among(Vec<String>),
    /// Yes or no.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Words, a name, an E.164 number, a reference.
    Text(String),
    /// "I don't mind".
    NoPreference,
    /// A day that its month does not have.
    NoSuchDay {
        /// What was said.
        day: u32,
        /// The last day of that month.
        #[serde(with = "date")]
        last: NaiveDate,
    },
    /// "The dates": another value, which is not said yet. What is known is empty then, and asked for again.
    Anew,
}

impl Heard {
    /// A value that comes from data instead of words: a default, a remembered value, a field of a chosen item.
    /// The shapes are those of [`Value::json`]; `None` where the JSON is no value of this kind.
    pub fn from_json(kind: &Kind, json: &Json) -> Option<Self> {
        match kind {
            Kind::DateRange { .. } => serde_json::from_value(json.clone()).ok().map(Self::DateRange),
            Kind::Date { .. } => serde_json::from_value(json.clone()).ok().map(Self::Date),
            Kind::Party { .. } => match json {
                Json::Number(_) => Some(Self::Party {
                    adults: None,
                    children: None,
                    total: Some(u32::try_from(json.as_u64()?).ok()?),
                }),
                _ => {
                    let party: Party = serde_json::from_value(json.clone()).ok()?;
                    Some(Self::Party {
                        adults: Some(party.adults),
                        children: Some(party.children),
                        total: None,
                    })
                }
            },
            Kind::Choice(_) => text_of(json).map(Self::Choice),
            Kind::Boolean => json.as_bool().map(Self::Boolean),
            Kind::Integer { .. } => json.as_i64().map(Self::Integer),
            Kind::Text { .. } | Kind::PersonName | Kind::Phone | Kind::Reference => {
                text_of(json).map(Self::Text)
            }
        }
    }
}

impl Value {
    /// The value as guards, tools, prompts and programs see it: dates `YYYY-MM-DD`, a stay
    /// `{"check_in","check_out"}`, a party a number or `{"adults","children"}`, a choice its record.
    pub fn json(&self) -> Json {
        match self {
            Self::DateRange(DateRange { check_in, check_out, nights }) => {
                let mut json = serde_json::Map::new();
                for (name, day) in [("check_in", check_in), ("check_out", check_out)] {
                    if let Some(day) = day {
                        json.insert(name.to_owned(), day_json(*day));
                    }
                }
                if let (0 | 1, Some(nights)) = (json.len(), nights) {
                    json.insert("nights".to_owned(), Json::from(*nights));
                }
                Json::Object(json)
            }
            Self::Date(date) => day_json(*date),
            Self::Party(Party { adults, children: 0 }) => Json::from(*adults),
            Self::Party(party) => json!(party),
            Self::Choice(item) => Json::clone(&item.record),
            Self::Boolean(yes) => Json::Bool(*yes),
            Self::Integer(number) => Json::from(*number),
            Self::Text(text) => Json::String(text.clone()),
            Self::NoPreference => Json::Null,
        }
    }

    /// The value at fields below this one, see [`Value::json`]; [`Json::Null`] where there is nothing.
    pub(crate) fn at(&self, fields: &[Arc<str>]) -> Json {
        let Some((first, rest)) = fields.split_first() else {
            return self.json();
        };
        match self {
            Self::Choice(item) => below(&item.record, fields),
            Self::DateRange(range) if rest.is_empty() => match &**first {
                "check_in" => range.check_in.map_or(Json::Null, day_json),
                "check_out" => range.check_out.map_or(Json::Null, day_json),
                _ => Json::Null,
            },
            Self::Party(party) if rest.is_empty() && party.children > 0 => match &**first {
                "adults" => json!(party.adults),
                "children" => json!(party.children),
                _ => Json::Null,
            },
            _ => Json::Null,
        }
    }

    /// Whether [`Value::at`] gives null.
    pub(crate) fn is_null_at(&self, fields: &[Arc<str>]) -> bool {
        match (self, fields) {
            (Self::Choice(item), fields) => found(&item.record, fields).is_none_or(Json::is_null),
            (Self::NoPreference, _) => true,
            (_, []) => false,
            (Self::DateRange(range), [field]) => match &**field {
                "check_in" => range.check_in.is_none(),
                "check_out" => range.check_out.is_none(),
                _ => true,
            },
            (_, fields) => self.at(fields).is_null(),
        }
    }

    /// What conditions see of [`Value::at`]; `None` for what is put together when it is asked for.
    pub(crate) fn fact(&self, fields: &[Arc<str>]) -> Option<Fact<'_>> {
        Some(match (self, fields) {
            (Self::Choice(item), fields) => Fact::of(found(&item.record, fields)),
            (Self::Text(text), []) => Fact::Text(text),
            (Self::Integer(number), []) => Fact::Number(*number),
            (Self::Boolean(yes), []) => Fact::Truth(*yes),
            (Self::Party(Party { adults, children: 0 }), []) => Fact::Number((*adults).into()),
            (Self::NoPreference, _) => Fact::Absent,
            (Self::DateRange(range), [])
                if range.check_in.is_some() || range.check_out.is_some() || range.nights.is_some() =>
            {
                Fact::Parts
            }
            _ => return None,
        })
    }

    /// Whether [`Value::at`] gives this.
    pub(crate) fn is_at(&self, fields: &[Arc<str>], given: &Json) -> bool {
        match (self, fields, given) {
            (Self::Choice(item), ..) => found(&item.record, fields).is_some_and(|known| known == given),
            (Self::Text(text), [], Json::String(given)) => text == given,
            (Self::Integer(number), [], Json::Number(given)) => given.as_i64() == Some(*number),
            (Self::DateRange(range), [], Json::Object(given)) if range.is_complete() => {
                given.len() == 2
                    && [("check_in", range.check_in), ("check_out", range.check_out)].into_iter().all(
                        |(name, day)| given.get(name).zip(day).is_some_and(|(given, day)| is_day(given, day)),
                    )
            }
            _ => self.at(fields) == *given,
        }
    }

    /// Whether the two are the same to everybody who asks, however they were said.
    pub(crate) fn means(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::DateRange(one), Self::DateRange(two)) if one.is_complete() && two.is_complete() => {
                one.check_in == two.check_in && one.check_out == two.check_out
            }
            (Self::Choice(one), Self::Choice(two)) => Arc::ptr_eq(one, two) || one.record == two.record,
            (one, two) => one == two,
        }
    }

    /// Whether nothing is missing: a stay has both its dates.
    pub fn is_complete(&self) -> bool {
        match self {
            Self::DateRange(range) => range.is_complete(),
            Self::Date(_)
            | Self::Party(_)
            | Self::Choice(_)
            | Self::Boolean(_)
            | Self::Integer(_)
            | Self::Text(_)
            | Self::NoPreference => true,
        }
    }
}

pub(super) fn text_of(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The JSON at fields below a value; [`Json::Null`] where there is nothing.
pub(crate) fn below(json: &Json, fields: &[Arc<str>]) -> Json {
    found(json, fields).cloned().unwrap_or(Json::Null)
}

/// The same where it is.
pub(crate) fn found<'j>(json: &'j Json, fields: &[Arc<str>]) -> Option<&'j Json> {
    fields.iter().try_fold(json, |value, field| match value {
        Json::Array(list) => field.parse::<usize>().ok().and_then(|index| list.get(index)),
        value => value.get(&**field),
    })
}

/// A day as `YYYY-MM-DD`.
fn day_json(day: NaiveDate) -> Json {
    match digits_of(day).as_ref().map(|digits| std::str::from_utf8(digits)) {
        Some(Ok(text)) => Json::String(text.to_owned()),
        _ => json!(day),
    }
}

/// Whether JSON is that day.
fn is_day(json: &Json, day: NaiveDate) -> bool {
    match (json, digits_of(day)) {
        (Json::String(text), Some(digits)) => text.as_bytes() == digits,
        (json, _) => *json == day_json(day),
    }
}

/// `YYYY-MM-DD`, where the year has four digits.
fn digits_of(day: NaiveDate) -> Option<[u8; 10]> {
    let year = u32::try_from(day.year()).ok().filter(|year| *year <= 9999)?;
    let (month, day) = (day.month(), day.day());
    let digit = |number: u32| b'0' + (number % 10) as u8;
    Some([
        digit(year / 1000),
        digit(year / 100),
        digit(year / 10),
        digit(year),
        b'-',
        digit(month / 10),
        digit(month),
        b'-',
        digit(day / 10),
        digit(day),
    ])
}
