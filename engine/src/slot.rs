//! Typed slots: what a guest can be asked for, and the values that fill it.
//!
//! A slot's [`Kind`] is authored; its [`Value`] has exactly one writer, [`Slots::fill`], which merges what
//! was heard into what was known and checks the kind's bounds. Nothing downstream checks a value again.

mod filled;
mod party;
mod range;

use std::sync::Arc;

use chrono::{Datelike, Days, NaiveDate};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::saved::date;

pub use filled::{Filled, Slots};
pub use party::Party;
pub use range::DateRange;
use range::in_bounds;

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

/// Where a choice's list comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Options {
    /// Written in the flow.
    Fixed(Vec<String>),
    /// A list of objects in a saved result; the value of the slot is the whole object.
    From {
        /// The saved result's name.
        result: String,
        /// The path to the list inside the result, for example `["rooms"]`.
        path: Vec<String>,
        /// The field that identifies an item.
        key: String,
        /// The field that names an item to a guest.
        label: String,
        /// Further fields (texts, or lists of texts) whose words also mean the item.
        words: Vec<String>,
        /// Slots of the same flow that choosing an item fills from the item's fields of the same name.
        sets: Vec<String>,
    },
}

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

/// One item of a choice's list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// What identifies it, stable when the list is made again.
    pub key: String,
    /// What a guest calls it.
    pub label: String,
    /// Other words that mean it.
    pub words: Vec<String>,
    /// The item itself: a text for fixed options, an object for items of a result.
    #[serde(with = "crate::saved::json")]
    pub record: Arc<Json>,
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
    /// Yes or no.
    Boolean(bool),
    /// A whole number.
    Integer(i64),
    /// Words, a name, an E.164 number, a reference.
    Text(String),
    /// "I don't mind".
    NoPreference,
}

/// Why words that were understood are still not a value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(rename_all = "snake_case")]
pub enum Invalid {
    /// A date before the earliest one.
    #[error("the date {date} is before {min}")]
    TooEarly {
        /// What was said.
        #[serde(with = "date")]
        date: NaiveDate,
        /// The earliest allowed.
        #[serde(with = "date")]
        min: NaiveDate,
    },
    /// A date after the latest one.
    #[error("the date {date} is after {max}")]
    TooLate {
        /// What was said.
        #[serde(with = "date")]
        date: NaiveDate,
        /// The latest allowed.
        #[serde(with = "date")]
        max: NaiveDate,
    },
    /// A departure that is not after the arrival.
    #[error("the departure {check_out} is not after the arrival {check_in}")]
    Backwards {
        /// The arrival.
        #[serde(with = "date")]
        check_in: NaiveDate,
        /// The departure.
        #[serde(with = "date")]
        check_out: NaiveDate,
    },
    /// A stay that is too long.
    #[error("{nights} nights are more than {max}")]
    TooLong {
        /// What was said.
        nights: i64,
        /// The longest allowed.
        max: u32,
    },
    /// A number outside its bounds.
    #[error("{value} is not within the bounds")]
    OutOfRange {
        /// What was said.
        value: i64,
        /// The smallest allowed.
        min: Option<i64>,
        /// The largest allowed.
        max: Option<i64>,
    },
    /// A choice that is not on the list.
    #[error("{key} is not on the list")]
    NotOffered {
        /// What was chosen.
        key: String,
    },
    /// Words that do not fit the type.
    #[error("the words do not fit the type")]
    WrongType,
}

impl Invalid {
    /// As prompts see it: `{"why": "too_early", "date": …, "min": …}`.
    pub fn json(&self) -> Json {
        match json!(self) {
            Json::Object(tagged) => {
                let (why, detail) = tagged.into_iter().next().unwrap_or_default();
                let mut json = detail.as_object().cloned().unwrap_or_default();
                json.insert("why".to_owned(), Json::String(why));
                Json::Object(json)
            }
            name => json!({ "why": name }),
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
        offered: impl FnOnce(&str) -> Option<Item>,
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
            (Self::Choice(_), Heard::Choice(key)) => offered(key)
                .map(|item| Value::Choice(Arc::new(item)))
                .ok_or_else(|| Invalid::NotOffered { key: key.clone() }),
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
            (Self::PersonName | Self::Phone | Self::Reference, Heard::Text(text))
                if !text.trim().is_empty() =>
            {
                Ok(Value::Text(text.trim().to_owned()))
            }
            _ => Err(Invalid::WrongType),
        }
    }
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

impl Options {
    /// The list as it stands: the fixed options, or the items of `result`, the result the list is in. `None` while that
    /// does not exist.
    pub fn items(&self, result: Option<&Json>) -> Option<Vec<Item>> {
        match self {
            Self::Fixed(options) => Some(options.iter().map(|option| fixed(option)).collect()),
            Self::From { .. } => {
                let list = self.list(result?)?;
                Some(list.iter().filter_map(|record| self.item(record)).collect())
            }
        }
    }

    /// The item with that key, if it is offered.
    pub fn item_of(&self, key: &str, result: Option<&Json>) -> Option<Item> {
        match self {
            Self::Fixed(options) => options.iter().find(|option| *option == key).map(|option| fixed(option)),
            Self::From { key: field, .. } => self
                .list(result?)?
                .iter()
                .find(|record| record.get(field).is_some_and(|known| is_text(known, key)))
                .and_then(|record| self.item(record)),
        }
    }

    fn list<'r>(&self, result: &'r Json) -> Option<&'r Vec<Json>> {
        match self {
            Self::Fixed(_) => None,
            Self::From { path, .. } => {
                path.iter().try_fold(result, |value, field| value.get(field))?.as_array()
            }
        }
    }

    fn item(&self, record: &Json) -> Option<Item> {
        let Self::From { key, label, words, .. } = self else { return None };
        let texts = |field: &String| match record.get(field) {
            Some(Json::String(text)) => vec![text.clone()],
            Some(Json::Array(list)) => list.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        };
        Some(Item {
            key: text_of(record.get(key)?)?,
            label: text_of(record.get(label)?)?,
            words: words.iter().flat_map(texts).collect(),
            record: Arc::new(record.clone()),
        })
    }
}

fn fixed(option: &str) -> Item {
    Item {
        key: option.to_owned(),
        label: option.replace('_', " "),
        words: Vec::new(),
        record: Arc::new(Json::String(option.to_owned())),
    }
}

fn is_text(json: &Json, text: &str) -> bool {
    match json {
        Json::String(known) => known == text,
        Json::Number(number) => number.to_string() == text,
        _ => false,
    }
}

impl Value {
    /// The value as guards, tools, prompts and programs see it: dates `YYYY-MM-DD`, a stay
    /// `{"check_in","check_out"}`, a party a number or `{"adults","children"}`, a choice its record.
    pub fn json(&self) -> Json {
        match self {
            Self::DateRange(range) => {
                let mut range = *range;
                if range.is_complete() {
                    range.nights = None;
                }
                json!(range)
            }
            Self::Date(date) => day_json(*date),
            Self::Party(Party { adults, children: 0 }) => json!(adults),
            Self::Party(party) => json!(party),
            Self::Choice(item) => (*item.record).clone(),
            Self::Boolean(yes) => json!(yes),
            Self::Integer(number) => json!(number),
            Self::Text(text) => json!(text),
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

fn text_of(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The JSON at fields below a value; [`Json::Null`] where there is nothing.
pub(crate) fn below(json: &Json, fields: &[Arc<str>]) -> Json {
    let found = fields.iter().try_fold(json, |value, field| match value {
        Json::Array(list) => field.parse::<usize>().ok().and_then(|index| list.get(index)),
        value => value.get(&**field),
    });
    found.cloned().unwrap_or(Json::Null)
}

/// A day as `YYYY-MM-DD`.
fn day_json(day: NaiveDate) -> Json {
    let year = day.year();
    if !(0..=9999).contains(&year) {
        return json!(day);
    }
    let mut text = String::with_capacity(10);
    for (part, digits) in [(year.unsigned_abs(), 4), (day.month(), 2), (day.day(), 2)] {
        if !text.is_empty() {
            text.push('-');
        }
        for place in (0..digits).rev() {
            text.extend(char::from_digit(part / 10_u32.pow(place) % 10, 10));
        }
    }
    Json::String(text)
}
