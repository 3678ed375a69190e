//! The filters of the prompts: values as a guest reads or hears them.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{NaiveDate, NaiveTime};
use minijinja::value::Kwargs;
use minijinja::{Environment, Error, ErrorKind, State, Value};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::grammar::{Grammar, Joined};
use super::{Medium, neutral};

/// The grammar, the medium and the day that the template at hand is rendered for.
struct Saying {
    grammars: Arc<BTreeMap<String, Grammar>>,
    language: String,
    medium: Medium,
    today: NaiveDate,
    /// Whether the guest asked how something is spelled.
    spelled: bool,
}

#[derive(Deserialize)]
struct Money {
    minor: i64,
    currency: String,
}

#[derive(Deserialize)]
struct Range {
    check_in: Option<NaiveDate>,
    check_out: Option<NaiveDate>,
    nights: Option<i64>,
}

#[derive(Deserialize)]
struct Party {
    adults: i64,
    children: i64,
}

/// Adds every filter, and the formatter that makes values harmless.
pub(super) fn add(environment: &mut Environment<'static>, grammars: &Arc<BTreeMap<String, Grammar>>) {
    let with = |say: fn(&Saying, &Grammar, &Value) -> Result<String, Error>| {
        let grammars = Arc::clone(grammars);
        move |state: &State<'_, '_>, value: &Value| -> Result<String, Error> {
            let saying = Saying::of(state, &grammars)?;
            say(&saying, saying.grammar()?, value)
        }
    };
    environment.add_filter("day", with(day));
    environment.add_filter("time", with(time));
    environment.add_filter("money", with(money));
    environment.add_filter("party", with(party));
    environment.add_filter("code", with(code));
    environment.add_filter("letters", with(letters));
    environment.add_filter("phone", with(phone));
    environment.add_filter("nights", nights);
    environment.add_filter("sentence", |value: &str| neutral::sentence(value));

    let shared = Arc::clone(grammars);
    environment.add_filter("date_range", move |state: &State<'_, '_>, value: &Value, how: Kwargs| {
        let saying = Saying::of(state, &shared)?;
        let long = how.get::<Option<bool>>("long")?.unwrap_or_default();
        let written = how.get::<Option<bool>>("written")?.unwrap_or_default();
        how.assert_all_used()?;
        let stay: Range = read(value, "a stay")?;
        let (Some(from), Some(to)) = (stay.check_in, stay.check_out) else {
            return Err(wrong("a stay needs both its dates here"));
        };
        let medium = if written { Medium::Chat } else { saying.medium };
        Ok(saying.grammar()?.range([from, to], saying.today, medium, long))
    });
    let shared = Arc::clone(grammars);
    environment.add_filter(
        "count",
        move |state: &State<'_, '_>, value: &Value, one: Option<&str>, many: Option<&str>| {
            let saying = Saying::of(state, &shared)?;
            let number: i64 = read(value, "a whole number")?;
            let said = saying.grammar()?.number(number, saying.medium);
            Ok::<_, Error>(match if number == 1 { one } else { many.or(one) } {
                Some(noun) => format!("{said} {noun}"),
                None => said,
            })
        },
    );
    let shared = Arc::clone(grammars);
    environment.add_filter("list", move |state: &State<'_, '_>, value: &Value, joined: Option<&str>| {
        let saying = Saying::of(state, &shared)?;
        let joined = match joined {
            None | Some("and") => Joined::And,
            Some("or") => Joined::Or,
            Some(other) => return Err(wrong(format!("a list ends with \"and\" or \"or\", not \"{other}\""))),
        };
        let items: Vec<String> =
            value.try_iter()?.map(|item| read(&item, "a text")).collect::<Result<_, _>>()?;
        Ok(saying.grammar()?.list(&items, joined))
    });
    let shared = Arc::clone(grammars);
    environment.set_formatter(move |out, state, value| {
        if value.is_safe() {
            return out.write_str(value.as_str().unwrap_or_default()).map_err(Error::from);
        }
        let saying = Saying::of(state, &shared)?;
        let text = saying.printed(value)?;
        out.write_str(&text).map_err(Error::from)
    });
}

impl Saying {
    fn of(state: &State<'_, '_>, grammars: &Arc<BTreeMap<String, Grammar>>) -> Result<Self, Error> {
        let fact = |name: &str| state.lookup(name).unwrap_or_default();
        let medium = match fact("channel").as_str() {
            Some("voice") => Medium::Voice,
            _ => Medium::Chat,
        };
        Ok(Self {
            grammars: Arc::clone(grammars),
            language: fact("language").to_string(),
            medium,
            today: read(&fact("today"), "a date")?,
            spelled: fact("spelled").is_true(),
        })
    }

    fn grammar(&self) -> Result<&Grammar, Error> {
        self.grammars
            .get(&self.language)
            .ok_or_else(|| wrong(format!("there is no grammar of the language \"{}\"", self.language)))
    }

    /// A value as it stands in a sentence, harmless.
    fn printed(&self, value: &Value) -> Result<String, Error> {
        if let Some(text) = value.as_str() {
            let text = neutral::harmless(text);
            return Ok(match self.medium {
                Medium::Chat => text,
                Medium::Voice => self.grammar()?.aloud(&text),
            });
        }
        if value.is_number() {
            return Ok(value.to_string());
        }
        match bool::try_from(value.clone()) {
            Ok(yes) => Ok(self.grammar()?.truth(yes).to_owned()),
            Err(_) if value.is_none() || value.is_undefined() => {
                Err(Error::new(ErrorKind::UndefinedError, "there is nothing to say here"))
            }
            Err(_) => Err(wrong(format!("a {} cannot be said; name what is in it", value.kind()))),
        }
    }
}

fn day(saying: &Saying, grammar: &Grammar, value: &Value) -> Result<String, Error> {
    Ok(grammar.day(read(value, "a date")?, saying.today, saying.medium))
}

fn time(saying: &Saying, grammar: &Grammar, value: &Value) -> Result<String, Error> {
    let text: String = read(value, "a time")?;
    let time = ["%H:%M", "%H:%M:%S"].iter().find_map(|form| NaiveTime::parse_from_str(&text, form).ok());
    let time = time.ok_or_else(|| wrong(format!("\"{text}\" is no time, expected HH:MM")))?;
    Ok(grammar.time(time, saying.medium))
}

fn money(saying: &Saying, grammar: &Grammar, value: &Value) -> Result<String, Error> {
    let money: Money = read(value, "an amount of money")?;
    Ok(grammar.money(money.minor, &money.currency, saying.medium))
}

fn party(saying: &Saying, grammar: &Grammar, value: &Value) -> Result<String, Error> {
    if value.is_number() {
        return Ok(grammar.people(read(value, "a number of guests")?, saying.medium));
    }
    let Party { adults, children } = read(value, "a party")?;
    Ok(grammar.party(adults, children, saying.medium))
}

fn code(saying: &Saying, grammar: &Grammar, value: &Value) -> Result<String, Error> {
    let code: String = read(value, "a code")?;
    Ok(match saying.medium {
        Medium::Chat => code,
        Medium::Voice if saying.spelled => grammar.spelled_as(&code),
        Medium::Voice => grammar.spelled(&code),
    })
}

fn letters(saying: &Saying, grammar: &Grammar, value: &Value) -> Result<String, Error> {
    let name: String = read(value, "a name")?;
    let name = neutral::harmless(&name);
    Ok(match saying.medium {
        Medium::Chat => name,
        Medium::Voice => grammar.lettered(&name),
    })
}

fn phone(saying: &Saying, grammar: &Grammar, value: &Value) -> Result<String, Error> {
    let number: String = read(value, "a telephone number")?;
    let grouped = match phonenumber::parse(None, &number) {
        Ok(parsed) => parsed.format().mode(phonenumber::Mode::International).to_string(),
        Err(_) => number,
    };
    Ok(match saying.medium {
        Medium::Chat => grouped,
        Medium::Voice => grammar.digits(&grouped),
    })
}

/// How many nights a stay has.
fn nights(value: &Value) -> Result<i64, Error> {
    let stay: Range = read(value, "a stay")?;
    match (stay.check_in, stay.check_out, stay.nights) {
        (Some(from), Some(to), _) => Ok((to - from).num_days()),
        (_, _, Some(nights)) => Ok(nights),
        _ => Err(wrong("the stay has no length yet")),
    }
}

fn read<T: DeserializeOwned>(value: &Value, what: &str) -> Result<T, Error> {
    if value.is_undefined() || value.is_none() {
        return Err(Error::new(ErrorKind::UndefinedError, format!("expected {what}, there is nothing")));
    }
    T::deserialize(value).map_err(|error| wrong(format!("expected {what}: {error}")))
}

fn wrong(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidOperation, detail.into())
}
