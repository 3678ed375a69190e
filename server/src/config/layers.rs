//! Where a value comes from: the default file, the user's file, the environment, the command line.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::templates::is_of_template;

const DEFAULTS: &str = include_str!("../config.default.toml");
const DEFAULTS_NAME: &str = "config.default.toml";
const PREFIX: &str = "INNKEEPER__";

/// The providers' own variables and the keys they fill.
const CUSTOMARY: [(&str, &str); 10] = [
    ("DATABASE_URL", "database.url"),
    ("TWILIO_ACCOUNT_SID", "twilio.account_sid"),
    ("TWILIO_AUTH_TOKEN", "twilio.auth_token"),
    ("META_APP_SECRET", "meta.app_secret"),
    ("META_VERIFY_TOKEN", "meta.verify_token"),
    ("META_ACCESS_TOKEN", "meta.access_token"),
    ("DEEPGRAM_API_KEY", "deepgram.api_key"),
    ("ELEVENLABS_API_KEY", "elevenlabs.api_key"),
    ("OPENAI_API_KEY", "openai.api_key"),
    ("GROQ_API_KEY", GROQ_KEY),
];

/// The key of the language model's provider "groq", which has no section in the default file.
pub(super) const GROQ_KEY: &str = "groq.api_key";

/// What the keys of values end in that are never shown.
const SECRET: [&str; 4] = ["token", "secret", "key", "token_secondary"];

/// One thing that is wrong with the configuration: a sentence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// The file cannot be read.
    Unreadable {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// The file is not TOML.
    Syntax {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// What the parser says.
        message: String,
    },
    /// No such key.
    Unknown {
        /// Where it was found.
        origin: Origin,
        /// The key.
        key: String,
        /// The key that was probably meant, or the keys there are.
        hint: String,
    },
    /// The value is not what the key takes.
    Wrong {
        /// Where it was found.
        origin: Origin,
        /// The key.
        key: String,
        /// The value, hidden if it may be secret.
        value: String,
        /// What was expected.
        expected: &'static str,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable { file, reason } => {
                write!(f, "the configuration file {file} cannot be read: {reason}")
            }
            Self::Syntax { file, line, message } => {
                write!(f, "{file}, line {line}: this is not TOML: {message}")
            }
            Self::Unknown { origin, key, hint } => write!(f, "{origin}: there is no key `{key}`; {hint}"),
            Self::Wrong { origin, key, value, expected } => {
                write!(f, "{origin}: `{key}` is {value}, but must be {expected}")
            }
        }
    }
}

/// Where a value was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// In a file.
    File {
        /// Its name.
        name: String,
        /// The line, from 1.
        line: usize,
    },
    /// In the environment.
    Variable(String),
    /// On the command line.
    Option(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { name, line } => write!(f, "{name}, line {line}"),
            Self::Variable(name) => write!(f, "the variable {name}"),
            Self::Option(name) => f.write_str(name),
        }
    }
}

/// A value as it was found.
#[derive(Clone, Debug, PartialEq)]
enum Raw {
    Text(String),
    Integer(i64),
    Other(String),
}

impl fmt::Display for Raw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "{text:?}"),
            Self::Integer(integer) => write!(f, "{integer}"),
            Self::Other(other) => f.write_str(other),
        }
    }
}

/// All layers on top of each other, one value a key.
#[derive(Debug, Default)]
pub(super) struct Layers {
    values: BTreeMap<String, (Raw, Origin)>,
    problems: Vec<Problem>,
}

impl Layers {
    /// The defaults: every key there is.
    pub(super) fn defaults() -> Self {
        let mut layers = Self::default();
        for (key, value, origin) in layers.parse(DEFAULTS_NAME, DEFAULTS) {
            layers.values.insert(key, (value, origin));
        }
        let origin = Origin::File { name: DEFAULTS_NAME.to_owned(), line: 1 };
        layers.values.insert(GROQ_KEY.to_owned(), (Raw::Text(String::new()), origin));
        layers
    }

    /// Lays a file on top.
    pub(super) fn file(&mut self, path: &Path) {
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => {
                for (key, value, origin) in self.parse(&name, &text) {
                    self.lay(key, value, origin);
                }
            }
            Err(error) => self.problems.push(Problem::Unreadable { file: name, reason: error.to_string() }),
        }
    }

    /// Lays the environment on top: the providers' own variables, then ours.
    pub(super) fn environment(&mut self, environment: impl IntoIterator<Item = (String, String)>) {
        let mut ours = Vec::new();
        for (name, value) in environment {
            if let Some(path) = name.strip_prefix(PREFIX) {
                ours.push((path.to_lowercase().replace("__", "."), name, value));
            } else if let Some((_, key)) = CUSTOMARY.iter().find(|(variable, _)| *variable == name)
                && !value.is_empty()
            {
                self.lay((*key).to_owned(), Raw::Text(value), Origin::Variable(name));
            }
        }
        for (key, name, value) in ours {
            self.lay(key, Raw::Text(value), Origin::Variable(name));
        }
    }

    /// Lays one option of the command line on top.
    pub(super) fn option(&mut self, key: &str, option: &'static str, value: Option<String>) {
        if let Some(value) = value {
            self.lay(key.to_owned(), Raw::Text(value), Origin::Option(option));
        }
    }

    /// The text of a key; `None` where it is empty.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        let (raw, _) = self.values.get(key)?;
        match raw {
            Raw::Text(text) if text.trim().is_empty() => None,
            Raw::Text(text) => Some(text.trim().to_owned()),
            Raw::Integer(_) | Raw::Other(_) => {
                self.wrong(key, "a text in quotation marks");
                None
            }
        }
    }

    /// The value of a key, read by `parse`; `None` where it is empty or wrong.
    pub(super) fn parsed<T>(
        &mut self,
        key: &str,
        expected: &'static str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(key)?;
        let value = parse(&text);
        if value.is_none() {
            self.wrong(key, expected);
        }
        value
    }

    /// The value of a key that cannot be absent, read by `parse`; `fallback` only where there was a problem.
    pub(super) fn required<T>(
        &mut self,
        key: &str,
        expected: &'static str,
        fallback: T,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> T {
        let problems = self.problems.len();
        let value = self.parsed(key, expected, parse);
        if value.is_none() && self.problems.len() == problems {
            self.wrong(key, expected);
        }
        value.unwrap_or(fallback)
    }

    /// A time in milliseconds, at least 1.
    pub(super) fn milliseconds(&mut self, key: &str) -> Duration {
        Duration::from_millis(self.number(key, 1, "a number of milliseconds, 1 or more"))
    }

    /// A time in seconds, at least `least`.
    pub(super) fn seconds(&mut self, key: &str, least: u64) -> Duration {
        let expected = if least == 0 { "a number of seconds" } else { "a number of seconds, 1 or more" };
        Duration::from_secs(self.number(key, least, expected))
    }

    /// A number of things, at least 1.
    pub(super) fn count(&mut self, key: &str) -> u32 {
        u32::try_from(self.number(key, 1, "a number, 1 or more")).unwrap_or(u32::MAX)
    }

    /// A share in percent.
    pub(super) fn percent(&mut self, key: &str) -> u32 {
        let expected = "a number from 0 to 100";
        match self.number(key, 0, expected) {
            share @ 0..=100 => u32::try_from(share).unwrap_or_default(),
            _ => {
                self.wrong(key, expected);
                0
            }
        }
    }

    fn number(&mut self, key: &str, least: u64, expected: &'static str) -> u64 {
        let number: Option<i64> = match self.values.get(key) {
            Some((Raw::Integer(number), _)) => Some(*number),
            Some((Raw::Text(text), _)) => text.trim().parse().ok(),
            Some((Raw::Other(_), _)) | None => None,
        };
        let number = number.and_then(|number| u64::try_from(number).ok()).filter(|number| *number >= least);
        if number.is_none() {
            self.wrong(key, expected);
        }
        number.unwrap_or(least)
    }

    /// What follows the prefix in the keys that begin with it, in order.
    pub(super) fn keys_below(&self, prefix: &str) -> Vec<String> {
        self.values.keys().filter_map(|key| key.strip_prefix(prefix)).map(str::to_owned).collect()
    }

    /// Everything that was wrong.
    pub(super) fn into_problems(self) -> Vec<Problem> {
        self.problems
    }

    fn wrong(&mut self, key: &str, expected: &'static str) {
        let Some((raw, origin)) = self.values.get(key) else { return };
        let value = if SECRET.iter().any(|word| key.ends_with(word)) {
            "a secret".to_owned()
        } else {
            shown_url(raw).unwrap_or_else(|| raw.to_string())
        };
        self.problems.push(Problem::Wrong { origin: origin.clone(), key: key.to_owned(), value, expected });
    }

    fn lay(&mut self, key: String, value: Raw, origin: Origin) {
        match self.values.get_mut(&key) {
            Some(place) => *place = (value, origin),
            None if is_of_template(&key) => {
                self.values.insert(key, (value, origin));
            }
            None => {
                let hint = self.hint(&key);
                self.problems.push(Problem::Unknown { origin, key, hint });
            }
        }
    }

    fn hint(&self, key: &str) -> String {
        let keys = || self.values.keys().filter(|known| *known != GROQ_KEY);
        let nearest = keys().map(|known| (distance(known, key), known)).min();
        if let Some((steps, known)) = nearest
            && steps <= 1 + known.len() / 5
        {
            return format!("did you mean `{known}`?");
        }
        let section = key.split('.').next().unwrap_or(key);
        let inside: Vec<&str> =
            keys().filter_map(|known| known.strip_prefix(section)?.strip_prefix('.')).collect();
        if !inside.is_empty() {
            return format!("[{section}] has {}", inside.join(", "));
        }
        let mut sections: Vec<&str> = keys().filter_map(|known| known.split('.').next()).collect();
        sections.dedup();
        format!("the sections are {}", sections.join(", "))
    }

    fn parse(&mut self, name: &str, text: &str) -> Vec<(String, Raw, Origin)> {
        match DeTable::parse(text) {
            Ok(table) => {
                let mut leaves = Vec::new();
                flatten("", table.get_ref(), &mut |key, value, at| {
                    let origin = Origin::File { name: name.to_owned(), line: line_of(text, at) };
                    leaves.push((key, value, origin));
                });
                leaves
            }
            Err(error) => {
                let line = line_of(text, error.span().map_or(0, |span| span.start));
                let message = error.message().to_owned();
                self.problems.push(Problem::Syntax { file: name.to_owned(), line, message });
                Vec::new()
            }
        }
    }
}

fn flatten(prefix: &str, table: &DeTable<'_>, leaf: &mut impl FnMut(String, Raw, usize)) {
    for (name, value) in table {
        let key = if prefix.is_empty() {
            name.get_ref().to_string()
        } else {
            format!("{prefix}.{}", name.get_ref())
        };
        let raw = match value.get_ref() {
            DeValue::Table(inner) => {
                flatten(&key, inner, leaf);
                continue;
            }
            DeValue::String(text) => Raw::Text(text.to_string()),
            DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
                .map_or_else(|_| Raw::Other(integer.to_string()), Raw::Integer),
            DeValue::Boolean(truth) => Raw::Other(truth.to_string()),
            DeValue::Float(float) => Raw::Other(float.to_string()),
            DeValue::Datetime(time) => Raw::Other(time.to_string()),
            DeValue::Array(_) => Raw::Other("a list".to_owned()),
        };
        leaf(key, raw, name.span().start);
    }
}

fn line_of(text: &str, byte: usize) -> usize {
    text.bytes().take(byte).filter(|byte| *byte == b'\n').count() + 1
}

/// An address without what may be secret in it: user, password and query.
fn shown_url(raw: &Raw) -> Option<String> {
    let Raw::Text(text) = raw else { return None };
    let (scheme, rest) = text.split_once("://")?;
    let rest = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
    let rest = rest.split(['?', '#']).next().unwrap_or(rest);
    Some(format!("{:?}", format!("{scheme}://{rest}")))
}

/// The number of letters to change, add or leave out to make one word of the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, candidate) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != *candidate);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}
