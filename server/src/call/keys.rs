//! The keys of a telephone as answers: a choice, a count, a yes or no, a date. Nobody is ever asked for them.

use chrono::{Datelike as _, NaiveDate};
use innkeeper_engine::{Expecting, Say};

/// What ends an entry.
const END: char = '#';

/// What the keys can answer now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Keys {
    /// Nothing.
    #[default]
    Nothing,
    /// 1 is yes and 2 is no.
    YesNo,
    /// The number of what was offered, by its key.
    Choice(Vec<String>),
    /// A number.
    Count,
    /// One day or two, each as day and month in two digits, from this day on.
    Days(NaiveDate),
    /// Digits as they are.
    Digits,
}

impl Keys {
    /// What keys can answer a saying. `at_once` is how many items are offered at once.
    pub fn of(say: &Say, at_once: usize, today: NaiveDate) -> Self {
        match &say.expecting {
            Expecting::Anything | Expecting::Change => Self::Nothing,
            Expecting::Confirmation => Self::YesNo,
            Expecting::Slot(_) => match say.kind() {
                Some("boolean") => Self::YesNo,
                Some("choice") => Self::Choice(offered(say, at_once)),
                Some("integer" | "party") => Self::Count,
                Some("date" | "date_range") => Self::Days(today),
                Some("phone" | "reference") => Self::Digits,
                Some(_) | None => Self::Nothing,
            },
        }
    }

    /// Whether nothing more is to be waited for.
    pub fn is_whole(&self, pressed: &str) -> bool {
        match self {
            Self::Nothing | Self::YesNo | Self::Choice(_) => !pressed.is_empty(),
            Self::Count | Self::Digits => pressed.ends_with(END),
            Self::Days(_) => pressed.ends_with(END) || digits(pressed).len() == 8,
        }
    }

    /// The words that what was pressed stands for, and the id of what it chooses; `None` where it says nothing.
    pub fn read(&self, pressed: &str) -> Option<(String, Option<String>)> {
        let digits = digits(pressed);
        match self {
            Self::Nothing => None,
            Self::YesNo => match digits.as_str() {
                "1" => Some((digits, Some("yes".to_owned()))),
                "2" => Some((digits, Some("no".to_owned()))),
                _ => None,
            },
            Self::Choice(items) => {
                let number: usize = digits.parse().ok()?;
                let item = items.get(number.checked_sub(1)?)?;
                Some((digits, Some(item.clone())))
            }
            Self::Count | Self::Digits => (!digits.is_empty()).then_some((digits, None)),
            Self::Days(today) => match digits.len() {
                // So many nights, or a day of the month: what was asked says which.
                1 | 2 => Some((digits, None)),
                4 => Some((day(&digits, *today)?.to_string(), None)),
                8 => {
                    let first = day(&digits[..4], *today)?;
                    let last = day(&digits[4..], first)?;
                    Some((format!("{first} - {last}"), None))
                }
                _ => None,
            },
        }
    }
}

/// The items as they were offered: those of the page that was said come first.
fn offered(say: &Say, at_once: usize) -> Vec<String> {
    let mut keys: Vec<String> = say.items().into_iter().map(|item| item.key).collect();
    if keys.is_empty() {
        return keys;
    }
    let pages = keys.len().div_ceil(at_once.max(1));
    let page = usize::try_from(say.page).unwrap_or(0) % pages;
    let first = page * at_once;
    let first = first.min(keys.len() - 1);
    keys.rotate_left(first);
    keys
}

fn digits(pressed: &str) -> String {
    pressed.chars().filter(char::is_ascii_digit).collect()
}

/// The next day with this date, `0412` for the fourth of December.
fn day(digits: &str, from: NaiveDate) -> Option<NaiveDate> {
    let (day, month) = (digits.get(..2)?.parse().ok()?, digits.get(2..)?.parse().ok()?);
    let years = from.year()..from.year() + 5;
    years.filter_map(|year| NaiveDate::from_ymd_opt(year, month, day)).find(|day| *day >= from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn today() -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 12, 1).expect("a day")
    }

    #[test]
    fn days_are_the_next_ones_with_that_date() {
        let days = Keys::Days(today());
        let said = |pressed: &str| days.read(pressed).map(|(text, _)| text);
        assert_eq!(said("0412#").as_deref(), Some("2026-12-04"));
        assert_eq!(said("3011#").as_deref(), Some("2027-11-30"));
        assert_eq!(said("30120201").as_deref(), Some("2026-12-30 - 2027-01-02"));
        assert_eq!(said("9999#"), None);
        assert_eq!(said("2").as_deref(), Some("2"), "so many nights");
        assert!(days.is_whole("30120201") && !days.is_whole("3012"));
    }

    #[test]
    fn a_number_chooses_what_was_offered() {
        let choice = Keys::Choice(vec!["a".to_owned(), "b".to_owned()]);
        assert_eq!(choice.read("2"), Some(("2".to_owned(), Some("b".to_owned()))));
        assert_eq!(choice.read("3"), None);
        assert_eq!(choice.read("0"), None);
    }

    #[test]
    fn one_is_yes_and_two_is_no() {
        assert_eq!(Keys::YesNo.read("1").and_then(|(_, button)| button).as_deref(), Some("yes"));
        assert_eq!(Keys::YesNo.read("2").and_then(|(_, button)| button).as_deref(), Some("no"));
        assert_eq!(Keys::YesNo.read("5"), None);
    }
}
