//! Why words that were understood are still not a value.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::saved::date;

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
    /// A day that its month does not have.
    #[error("there is no day {day}: the month ends with {last}")]
    NoSuchDay {
        /// What was said.
        day: u32,
        /// The last day of that month.
        #[serde(with = "date")]
        last: NaiveDate,
    },
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
