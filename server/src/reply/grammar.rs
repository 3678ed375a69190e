//! How a language says dates, money, numbers and codes: the file `grammar.yaml` beside its prompts.

use std::collections::BTreeMap;

use chrono::{Datelike, NaiveDate, NaiveTime, Timelike};
use serde::Deserialize;

use super::{Layers, Medium, ReplyFault};

/// After so many days a date is said with its year.
const YEAR_FROM_DAYS: i64 = 300;
/// For so many days the weekday and the number say which month is meant.
const NEAR_DAYS: i64 = 28;

/// The words and patterns of one language.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Grammar {
    numbers: Vec<String>,
    hundred: String,
    thousand: String,
    million: String,
    minus: String,
    ordinals: Vec<String>,
    weekdays: Vec<String>,
    short_weekdays: Vec<String>,
    months: Vec<String>,
    short_months: Vec<String>,
    dates: Dates,
    times: Times,
    money: MoneyWords,
    party: PartyWords,
    lists: Lists,
    truth: Truth,
    plus: String,
    symbols: BTreeMap<String, String>,
    spelling: Spelling,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Spelling {
    as_in: String,
    between_words: String,
    words: BTreeMap<char, String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Dates {
    chat: WrittenDates,
    voice: SpokenDates,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenDates {
    day: String,
    range: String,
    range_over_months: String,
    long_range: String,
    long_range_over_months: String,
    year: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SpokenDates {
    near_day: String,
    day: String,
    range: String,
    year: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Times {
    hour: String,
    minutes: String,
    few_minutes: String,
    noon: String,
    midnight: String,
    parts: [String; 3],
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MoneyWords {
    chat: String,
    voice: String,
    voice_with_cents: String,
    thousands: String,
    decimal: String,
    currencies: BTreeMap<String, CurrencyWords>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct CurrencyWords {
    symbol: String,
    unit: [String; 2],
    #[serde(default)]
    cents: [String; 2],
    #[serde(default = "two")]
    digits: u32,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct PartyWords {
    guest: [String; 2],
    adult: [String; 2],
    child: [String; 2],
    a_child: String,
    together: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Lists {
    separator: String,
    and: String,
    or: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Truth {
    #[serde(rename = "true")]
    yes: String,
    #[serde(rename = "false")]
    no: String,
}

/// How the last two of a list are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Joined {
    And,
    Or,
}

fn two() -> u32 {
    2
}

impl Grammar {
    /// Reads a language's grammar and checks that it is complete.
    pub(super) fn read(layers: &Layers, language: &str) -> Result<Self, ReplyFault> {
        let file = format!("{language}/grammar.yaml");
        let fault = |reason: String| ReplyFault::File { file: layers.place(&file), reason };
        let text = layers.text(&file).ok_or_else(|| fault("the file is missing".to_owned()))?;
        let grammar: Self = serde_saphyr::from_str(text).map_err(|error| fault(error.to_string()))?;
        for (name, words, wanted) in [
            ("numbers", &grammar.numbers, 100),
            ("ordinals", &grammar.ordinals, 31),
            ("weekdays", &grammar.weekdays, 7),
            ("short_weekdays", &grammar.short_weekdays, 7),
            ("months", &grammar.months, 12),
            ("short_months", &grammar.short_months, 12),
        ] {
            if words.len() != wanted {
                return Err(fault(format!("`{name}` has {} words, expected {wanted}", words.len())));
            }
        }
        Ok(grammar)
    }

    /// A number in words: 284 is "two hundred eighty-four". Beyond the millions, its digits.
    pub(super) fn words(&self, number: u64) -> String {
        let above = |size: u64, pattern: &str| {
            let head = fill(pattern, &[("n", &self.words(number / size))]);
            match number % size {
                0 => head,
                rest => format!("{head} {}", self.words(rest)),
            }
        };
        match number {
            0..100 => self.numbers[number as usize].clone(),
            100..1_000 => above(100, &self.hundred),
            1_000..1_000_000 => above(1_000, &self.thousand),
            1_000_000..1_000_000_000 => above(1_000_000, &self.million),
            _ => number.to_string(),
        }
    }

    /// A number as the medium has it.
    pub(super) fn number(&self, number: i64, medium: Medium) -> String {
        match medium {
            Medium::Chat => number.to_string(),
            Medium::Voice if number < 0 => format!("{} {}", self.minus, self.words(number.unsigned_abs())),
            Medium::Voice => self.words(number.unsigned_abs()),
        }
    }

    fn counted(&self, number: i64, [one, many]: &[String; 2], medium: Medium) -> String {
        format!("{} {}", self.number(number, medium), if number == 1 { one } else { many })
    }

    /// A day; aloud without its month when it is near.
    pub(super) fn day(&self, date: NaiveDate, today: NaiveDate, medium: Medium) -> String {
        let near = (0..NEAR_DAYS).contains(&(date - today).num_days());
        let (pattern, year) = match medium {
            Medium::Chat => (&self.dates.chat.day, &self.dates.chat.year),
            Medium::Voice if near => (&self.dates.voice.near_day, &self.dates.voice.year),
            Medium::Voice => (&self.dates.voice.day, &self.dates.voice.year),
        };
        let (weekdays, months) = match medium {
            Medium::Chat => (&self.short_weekdays, &self.short_months),
            Medium::Voice => (&self.weekdays, &self.months),
        };
        let said = fill(
            pattern,
            &[
                ("weekday", &weekdays[date.weekday().num_days_from_monday() as usize]),
                ("number", &date.day().to_string()),
                ("ordinal", &self.ordinals[date.day0() as usize]),
                ("month", &months[date.month0() as usize]),
            ],
        );
        self.with_year(said, year, date, today, medium)
    }

    /// A stay from the day of arrival to the day of leaving; `long` adds the weekdays in writing.
    pub(super) fn range(
        &self,
        [from, to]: [NaiveDate; 2],
        today: NaiveDate,
        medium: Medium,
        long: bool,
    ) -> String {
        if medium == Medium::Voice {
            let same_month = from.year() == to.year() && from.month() == to.month();
            let first = self.day(from, if same_month { from } else { today }, medium);
            return fill(&self.dates.voice.range, &[("from", &first), ("to", &self.day(to, today, medium))]);
        }
        let patterns = &self.dates.chat;
        let pattern = match (long, from.year() == to.year() && from.month() == to.month()) {
            (false, true) => &patterns.range,
            (false, false) => &patterns.range_over_months,
            (true, true) => &patterns.long_range,
            (true, false) => &patterns.long_range_over_months,
        };
        let weekday = |date: NaiveDate| &self.short_weekdays[date.weekday().num_days_from_monday() as usize];
        let said = fill(
            pattern,
            &[
                ("from_weekday", weekday(from)),
                ("from_number", &from.day().to_string()),
                ("from_month", &self.short_months[from.month0() as usize]),
                ("to_weekday", weekday(to)),
                ("to_number", &to.day().to_string()),
                ("to_month", &self.short_months[to.month0() as usize]),
            ],
        );
        self.with_year(said, &patterns.year, to, today, medium)
    }

    fn with_year(
        &self,
        said: String,
        pattern: &str,
        date: NaiveDate,
        today: NaiveDate,
        medium: Medium,
    ) -> String {
        if (0..YEAR_FROM_DAYS).contains(&(date - today).num_days()) || date.year() == today.year() {
            return said;
        }
        fill(pattern, &[("date", &said), ("year", &self.number(i64::from(date.year()), medium))])
    }

    /// A time of day.
    pub(super) fn time(&self, time: NaiveTime, medium: Medium) -> String {
        if medium == Medium::Chat {
            return time.format("%H:%M").to_string();
        }
        match (time.hour(), time.minute()) {
            (0, 0) => return self.times.midnight.clone(),
            (12, 0) => return self.times.noon.clone(),
            _ => {}
        }
        let pattern = match time.minute() {
            0 => &self.times.hour,
            1..10 => &self.times.few_minutes,
            _ => &self.times.minutes,
        };
        let part = match time.hour() {
            0..12 => &self.times.parts[0],
            12..18 => &self.times.parts[1],
            _ => &self.times.parts[2],
        };
        fill(
            pattern,
            &[
                ("hour", &self.words(u64::from(time.hour12().1))),
                ("minutes", &self.words(u64::from(time.minute()))),
                ("part", part),
            ],
        )
    }

    /// An amount of minor units: `€ 284`, `€ 284.50`, "two hundred eighty-four euros".
    pub(super) fn money(&self, minor: i64, currency: &str, medium: Medium) -> String {
        let unknown = CurrencyWords {
            symbol: currency.to_owned(),
            unit: [currency.to_owned(), currency.to_owned()],
            cents: Default::default(),
            digits: two(),
        };
        let words = self.money.currencies.get(currency).unwrap_or(&unknown);
        let size = 10_u64.pow(words.digits);
        let (whole, cents) = (minor.unsigned_abs() / size, minor.unsigned_abs() % size);
        let unit = |units: &[String; 2], number: u64| units[usize::from(number != 1)].clone();
        match medium {
            Medium::Chat => {
                let mut amount = if minor < 0 { "-".to_owned() } else { String::new() };
                amount.push_str(&self.grouped(whole));
                if cents > 0 {
                    amount.push_str(&self.money.decimal);
                    amount.push_str(&format!("{cents:0width$}", width = words.digits as usize));
                }
                fill(&self.money.chat, &[("symbol", &words.symbol), ("amount", &amount)])
            }
            Medium::Voice => {
                let amount = match minor {
                    ..0 => format!("{} {}", self.minus, self.words(whole)),
                    _ => self.words(whole),
                };
                let pattern = if cents > 0 { &self.money.voice_with_cents } else { &self.money.voice };
                let said = fill(
                    pattern,
                    &[
                        ("amount", &amount),
                        ("unit", &unit(&words.unit, whole)),
                        ("cents", &self.words(cents)),
                        ("cent_unit", &unit(&words.cents, cents)),
                    ],
                );
                said.trim_end().to_owned()
            }
        }
    }

    fn grouped(&self, number: u64) -> String {
        match number {
            0..1_000 => number.to_string(),
            _ => format!("{}{}{:03}", self.grouped(number / 1_000), self.money.thousands, number % 1_000),
        }
    }

    /// People, when nobody said how many are children.
    pub(super) fn people(&self, total: i64, medium: Medium) -> String {
        self.counted(total, &self.party.guest, medium)
    }

    /// Adults and children.
    pub(super) fn party(&self, adults: i64, children: i64, medium: Medium) -> String {
        let adults = self.counted(adults, &self.party.adult, medium);
        let children = match (children, medium) {
            (0, _) => return adults,
            (1, Medium::Voice) => self.party.a_child.clone(),
            _ => self.counted(children, &self.party.child, medium),
        };
        fill(&self.party.together, &[("adults", &adults), ("children", &children)])
    }

    /// A code letter by letter, its digits as words.
    pub(super) fn spelled(&self, code: &str) -> String {
        let letters =
            code.chars().filter(|letter| letter.is_alphanumeric()).map(|letter| match letter.to_digit(10) {
                Some(digit) => self.words(u64::from(digit)),
                None => letter.to_uppercase().to_string(),
            });
        letters.collect::<Vec<_>>().join(", ")
    }

    /// A code letter by letter, each with a word that begins with it; its digits as words.
    pub(super) fn spelled_as(&self, code: &str) -> String {
        let letters = code.chars().filter(|letter| letter.is_alphanumeric()).map(|letter| {
            let word = letter.to_lowercase().next().and_then(|letter| self.spelling.words.get(&letter));
            match (letter.to_digit(10), word) {
                (Some(digit), _) => self.words(u64::from(digit)),
                (None, Some(word)) => {
                    let letter = letter.to_uppercase().to_string();
                    fill(&self.spelling.as_in, &[("letter", &letter), ("word", word)])
                }
                (None, None) => letter.to_uppercase().to_string(),
            }
        });
        letters.collect::<Vec<_>>().join(", ")
    }

    /// A name letter by letter, word after word.
    pub(super) fn lettered(&self, name: &str) -> String {
        let words = name.split_whitespace().map(|word| self.spelled(word)).filter(|word| !word.is_empty());
        words.collect::<Vec<_>>().join(&self.spelling.between_words)
    }

    /// A telephone number aloud, by its groups of digits.
    pub(super) fn digits(&self, number: &str) -> String {
        let groups = number.split([' ', '-', '(', ')']).filter(|group| !group.is_empty()).map(|group| {
            let words = group.chars().filter_map(|letter| match letter {
                '+' => Some(self.plus.clone()),
                _ => letter.to_digit(10).map(|digit| self.words(u64::from(digit))),
            });
            words.collect::<Vec<_>>().join(" ")
        });
        groups.collect::<Vec<_>>().join(", ")
    }

    /// "a, b or c".
    pub(super) fn list(&self, items: &[String], joined: Joined) -> String {
        let Some((last, first)) = items.split_last() else { return String::new() };
        if first.is_empty() {
            return last.clone();
        }
        let pattern = match joined {
            Joined::And => &self.lists.and,
            Joined::Or => &self.lists.or,
        };
        fill(pattern, &[("first", &first.join(&self.lists.separator)), ("last", last)])
    }

    /// Yes or no as a value in a sentence.
    pub(super) fn truth(&self, yes: bool) -> &str {
        if yes { &self.truth.yes } else { &self.truth.no }
    }

    /// A value without the signs that a voice would stumble over: `€ 18` becomes "18 euros".
    pub(super) fn aloud(&self, value: &str) -> String {
        let mut said = String::new();
        let mut rest = value;
        'text: while let Some(letter) = rest.chars().next() {
            for words in self.money.currencies.values() {
                let Some(after) = rest.strip_prefix(words.symbol.as_str()) else { continue };
                let after = after.trim_start();
                let amount = after.len()
                    - after
                        .trim_start_matches(|digit: char| digit.is_ascii_digit() || ".,".contains(digit))
                        .len();
                let amount = after[..amount].trim_end_matches(['.', ',']);
                if amount.starts_with(|digit: char| digit.is_ascii_digit()) {
                    said.push_str(&format!("{amount} {}", words.unit[usize::from(amount != "1")]));
                    rest = &after[amount.len()..];
                    continue 'text;
                }
            }
            match self.symbols.iter().find(|(symbol, _)| rest.starts_with(symbol.as_str())) {
                Some((symbol, word)) => {
                    said.push_str(&format!(" {word} "));
                    rest = &rest[symbol.len()..];
                }
                None => {
                    said.push(letter);
                    rest = &rest[letter.len_utf8()..];
                }
            }
        }
        super::neutral::one_line(&said)
    }
}

/// Puts values into a pattern's braces; what is in no list stays as it is.
fn fill(pattern: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let value = after
            .split_once('}')
            .and_then(|(name, after)| Some((values.iter().find(|(known, _)| *known == name)?.1, after)));
        match value {
            Some((value, after)) => {
                filled.push_str(value);
                rest = after;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}
