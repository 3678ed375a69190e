//! Reading a tool's arguments: JSON in, typed values out, and a sentence about the first mistake.

use std::fmt;

use chrono::NaiveDate;
use rmcp::model::{JsonObject, RequestMetaObject};
use serde_json::Value;

use super::tools::Tool;
use crate::{
    IdempotencyKey, LONGEST_STAY_NIGHTS, NewBooking, Party, PartyError, PersonName, Phone, Search, Stay,
    StayError, Whereabouts, Wish,
};

/// No name, number, id or question is longer; what is longer is not said back whole.
const LONGEST_TEXT: usize = 300;

/// The arguments of one call, each name known to its tool.
pub(super) struct Arguments {
    given: JsonObject,
    here: Whereabouts,
}

/// A mistake in the arguments: a code, the field, what was received, what was expected, what to do.
#[derive(Debug)]
pub(super) struct Wrong {
    code: &'static str,
    text: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}: {}", self.code, self.text)
    }
}

impl Arguments {
    /// Refuses unknown names. An empty text and a null are as good as nothing given.
    pub(super) fn read(tool: &Tool, mut given: JsonObject, here: Whereabouts) -> Result<Self, Wrong> {
        let known: Vec<&str> = tool.arguments.iter().map(|argument| argument.name).collect();
        if let Some(stranger) = given.keys().find(|name| !known.contains(&name.as_str())) {
            return Err(unknown(stranger, &known));
        }
        given.retain(|_, value| !is_nothing(value));
        Ok(Self { given, here })
    }

    /// What `get_room_availability` looks for.
    pub(super) fn wish(&self) -> Result<Wish, Wrong> {
        Ok(Wish {
            stay: self.stay()?,
            room_type: self.text("room_type")?,
            view: self.text("view")?,
            party: self.party()?,
        })
    }

    /// What `create_booking` books.
    pub(super) fn new_booking(&self) -> Result<NewBooking, Wrong> {
        let name = self.needed("customer_name", "ask the guest for their name")?;
        let customer = PersonName::parse(&name).map_err(|error| Wrong {
            code: "invalid_name",
            text: format!(
                "customer_name \"{}\" is {error}, expected the guest's full name; ask the guest for it",
                shown(&name)
            ),
        })?;
        let number = self.needed("phone_number", "ask the guest for their telephone number")?;
        Ok(NewBooking {
            customer,
            phone: self.phone("phone_number", &number)?,
            room: self.room()?,
            stay: self.stay()?,
            party: self.party()?,
            quote_id: self.text("quote_id")?,
        })
    }

    /// What `find_bookings` searches for.
    pub(super) fn search(&self) -> Result<Search, Wrong> {
        let phone = self.text("phone")?.map(|number| self.phone("phone", &number)).transpose()?;
        let search = Search::new(phone, self.text("reference")?, self.text("surname")?).ok_or_else(|| Wrong {
            code: "missing_argument",
            text: "phone, or reference together with surname, is needed to find bookings; ask the guest for the booking \
reference and the surname on it"
                .to_owned(),
        })?;
        Ok(search.with_past(self.yes_no("include_past")?))
    }

    pub(super) fn room(&self) -> Result<String, Wrong> {
        self.needed("room_id", "call get_room_availability and use a room_id from its rooms")
    }

    pub(super) fn booking_id(&self) -> Result<String, Wrong> {
        self.needed("booking_id", "call find_bookings and use the booking_id of the guest's booking")
    }

    pub(super) fn topic(&self) -> Result<Option<String>, Wrong> {
        self.text("topic")
    }

    /// The stay, given as `dates` or as two fields.
    pub(super) fn stay(&self) -> Result<Stay, Wrong> {
        let (start, end) = match self.given.get("dates") {
            None => (
                self.date_in(&self.given, &["start_date"], "")?,
                self.date_in(&self.given, &["end_date"], "")?,
            ),
            Some(Value::Object(dates)) => {
                let known = ["start_date", "end_date", "check_in", "check_out"];
                if let Some(stranger) = dates.keys().find(|name| !known.contains(&name.as_str())) {
                    return Err(unknown(&format!("dates.{stranger}"), &known));
                }
                if self.given.contains_key("start_date") || self.given.contains_key("end_date") {
                    return Err(Wrong {
                        code: "invalid_argument",
                        text: "dates was given together with start_date or end_date, expected one of the two; leave \
start_date and end_date out"
                            .to_owned(),
                    });
                }
                let start = self.date_in(dates, &["start_date", "check_in"], "dates.")?;
                (start, self.date_in(dates, &["end_date", "check_out"], "dates.")?)
            }
            Some(other) => {
                return Err(mistyped("dates", other, "an object with start_date and end_date"));
            }
        };
        Stay::new(start, end).map_err(|error| match error {
            StayError::Empty { .. } => Wrong {
                code: "invalid_dates",
                text: format!(
                    "end_date \"{end}\" is not after start_date \"{start}\", expected the day of leaving, at least one \
night later; ask the guest until when they stay"
                ),
            },
            StayError::TooLong { nights } => Wrong {
                code: "stay_too_long",
                text: format!(
                    "start_date \"{start}\" to end_date \"{end}\" is {nights} nights, expected at most \
{LONGEST_STAY_NIGHTS}; ask the guest for a shorter stay or book several in a row"
                ),
            },
        })
    }

    /// Who comes, if it was said: a number of adults, or adults and children.
    pub(super) fn party(&self) -> Result<Option<Party>, Wrong> {
        let expected = "a number from 1, or {\"adults\": number, \"children\": number}";
        let wrong = |value: &Value, why: &str| Wrong {
            code: "invalid_guests",
            text: format!(
                "guests {} {why}, expected {expected}; ask the guest how many people come",
                shown_json(value)
            ),
        };
        let Some(value) = self.given.get("guests") else {
            return Ok(None);
        };
        let number = |value: &Value| -> Option<u32> {
            let spelled = || value.as_str().and_then(|text| text.trim().parse().ok());
            u32::try_from(value.as_u64().or_else(spelled)?).ok()
        };
        let (adults, children) = match value {
            Value::Object(people) => {
                if let Some(stranger) =
                    people.keys().find(|name| !["adults", "children"].contains(&name.as_str()))
                {
                    return Err(unknown(&format!("guests.{stranger}"), &["adults", "children"]));
                }
                let children = people.get("children").filter(|value| !is_nothing(value));
                (people.get("adults").and_then(number), children.map_or(Some(0), number))
            }
            other => (number(other), Some(0)),
        };
        let (Some(adults), Some(children)) = (adults, children) else {
            return Err(wrong(value, "is no number of guests"));
        };
        Party::new(adults, children).map(Some).map_err(|error| match error {
            PartyError::NoAdult => wrong(value, "has no adult"),
            PartyError::TooMany { .. } => wrong(value, &format!("is more than {} people", Party::MOST)),
        })
    }

    /// The idempotency key, from the arguments or else from the request's metadata.
    pub(super) fn key(&self, meta: &RequestMetaObject) -> Result<Option<IdempotencyKey>, Wrong> {
        let from_meta = meta.0.0.get("idempotency_key").filter(|value| !is_nothing(value));
        let Some(value) = self.given.get("idempotency_key").or(from_meta) else {
            return Ok(None);
        };
        let key = match value {
            Value::String(text) => IdempotencyKey::parse(text),
            _ => None,
        };
        key.map(Some).ok_or_else(|| Wrong {
            code: "invalid_argument",
            text: format!(
                "idempotency_key {} is no key, expected a text of 1 to 200 signs; send another key",
                shown_json(value)
            ),
        })
    }

    fn phone(&self, field: &str, written: &str) -> Result<Phone, Wrong> {
        Phone::parse(written, &self.here.country).map_err(|error| Wrong {
            code: "invalid_phone",
            text: format!(
                "{field} \"{}\" is {error}, expected digits with + and country, for example +351912345678 (without + \
a number of {}); ask the guest for the whole number",
                shown(written),
                self.here.country
            ),
        })
    }

    fn date_in(&self, fields: &JsonObject, names: &[&str], place: &str) -> Result<NaiveDate, Wrong> {
        let field = names[0];
        let meaning = if field == "start_date" { "arrival date" } else { "departure date" };
        let expected =
            format!("expected YYYY-MM-DD, today is {}; ask the guest for the {meaning}", self.here.today);
        let given: Vec<(&&str, &Value)> = names
            .iter()
            .filter_map(|name| {
                fields.get(*name).filter(|value| !is_nothing(value)).map(|value| (name, value))
            })
            .collect();
        let (name, value) = match given.as_slice() {
            [] => {
                return Err(Wrong {
                    code: "missing_argument",
                    text: format!("{place}{field} is missing, {expected}"),
                });
            }
            [(_, first), (_, second)] if first != second => {
                return Err(Wrong {
                    code: "invalid_argument",
                    text: format!(
                        "{place}{} was given as {} and as {}, expected one of them; send only {field}",
                        field,
                        shown_json(first),
                        shown_json(second)
                    ),
                });
            }
            [(name, value), ..] => (*name, *value),
        };
        let written = value.as_str().unwrap_or_default().trim();
        // chrono also reads dates with fewer digits; a caller that sends those guesses.
        let whole = written.len() == "YYYY-MM-DD".len();
        NaiveDate::parse_from_str(written, "%Y-%m-%d").ok().filter(|_| whole).ok_or_else(|| Wrong {
            code: "invalid_date",
            text: format!("{place}{name} {} is no date, {expected}", shown_json(value)),
        })
    }

    /// A text that may be missing; a number counts as its digits.
    fn text(&self, field: &str) -> Result<Option<String>, Wrong> {
        match self.given.get(field) {
            None => Ok(None),
            Some(Value::String(text)) if text.chars().count() > LONGEST_TEXT => Err(Wrong {
                code: "invalid_argument",
                text: format!(
                    "{field} \"{}\" is too long, expected at most {LONGEST_TEXT} signs; send a shorter one",
                    shown(text)
                ),
            }),
            Some(Value::String(text)) => Ok(Some(text.trim().to_owned())),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            Some(other) => Err(mistyped(field, other, "a text")),
        }
    }

    fn needed(&self, field: &str, next: &str) -> Result<String, Wrong> {
        self.text(field)?.ok_or_else(|| Wrong {
            code: "missing_argument",
            text: format!("{field} is missing, expected a text; {next}"),
        })
    }

    fn yes_no(&self, field: &str) -> Result<bool, Wrong> {
        match self.given.get(field) {
            None => Ok(false),
            Some(Value::Bool(yes)) => Ok(*yes),
            Some(Value::String(text)) if text == "true" => Ok(true),
            Some(Value::String(text)) if text == "false" => Ok(false),
            Some(other) => Err(mistyped(field, other, "true or false")),
        }
    }
}

fn is_nothing(value: &Value) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

fn unknown(name: &str, known: &[&str]) -> Wrong {
    Wrong {
        code: "unknown_argument",
        text: format!(
            "\"{}\" is no argument of this tool, expected {}; leave it out or correct its name",
            shown(name),
            known.join(", ")
        ),
    }
}

fn mistyped(field: &str, value: &Value, expected: &str) -> Wrong {
    Wrong {
        code: "invalid_argument",
        text: format!(
            "{field} {} has the wrong type, expected {expected}; send it again as that",
            shown_json(value)
        ),
    }
}

/// What was received, short enough to say back.
fn shown(text: &str) -> String {
    const MOST: usize = 80;
    let mut short: String = text.chars().filter(|sign| !sign.is_control()).take(MOST).collect();
    if text.chars().count() > MOST {
        short.push('…');
    }
    short
}

fn shown_json(value: &Value) -> String {
    match value {
        Value::String(text) => format!("\"{}\"", shown(text)),
        other => shown(&other.to_string()),
    }
}
