//! YAML as it is put together and written.

use std::fmt::Write as _;

use crate::flow::check::times;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Yaml {
    /// Text.
    Text(String),
    /// A number, or a truth.
    Plain(String),
    /// A list.
    List(Vec<Yaml>),
    /// A mapping.
    Map(Mapping),
}

/// A mapping, in the order written. A key may stand twice, as it may in a text: the checker refuses it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Mapping(Vec<(String, Yaml)>);

impl Yaml {
    pub(super) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub(super) fn plain(value: impl ToString) -> Self {
        Self::Plain(value.to_string())
    }

    pub(super) fn texts<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        Self::List(texts.into_iter().map(Self::text).collect())
    }

    /// A text alone, or a list of several.
    pub(super) fn one_or_list<'a>(texts: impl IntoIterator<Item = &'a str>) -> Self {
        let mut texts: Vec<Self> = texts.into_iter().map(Self::text).collect();
        match texts.len() {
            1 => texts.remove(0),
            _ => Self::List(texts),
        }
    }

    /// Whether it is written in one line.
    fn is_short(&self) -> bool {
        match self {
            Self::Text(_) | Self::Plain(_) => true,
            Self::List(items) => items.iter().all(|item| !matches!(item, Self::Map(_)) && item.is_short()),
            Self::Map(mapping) => mapping.0.is_empty(),
        }
    }

    fn write_short(&self, text: &mut String) {
        match self {
            Self::Text(written) => text.push_str(&quoted(written)),
            Self::Plain(written) => text.push_str(written),
            Self::List(items) => {
                text.push('[');
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        text.push_str(", ");
                    }
                    item.write_short(text);
                }
                text.push(']');
            }
            Self::Map(_) => text.push_str("{}"),
        }
    }

    /// Writes what stands behind a key or the mark of an item.
    fn write(&self, text: &mut String, depth: usize) {
        if self.is_short() {
            text.push(' ');
            self.write_short(text);
            text.push('\n');
            return;
        }
        text.push('\n');
        match self {
            Self::Map(mapping) => mapping.write(text, depth),
            Self::List(items) => {
                for item in items {
                    let _ = write!(text, "{:indent$}-", "", indent = depth * 2);
                    match item {
                        // The first key of a mapping stands beside the mark.
                        Self::Map(mapping) if !item.is_short() => {
                            let mut inner = String::new();
                            mapping.write(&mut inner, depth + 1);
                            text.push(' ');
                            text.push_str(inner.trim_start());
                        }
                        item => item.write(text, depth + 1),
                    }
                }
            }
            Self::Text(_) | Self::Plain(_) => {}
        }
    }
}

impl Mapping {
    /// A mapping with one key.
    pub(super) fn of(key: &str, value: Yaml) -> Self {
        Self::default().with(key, value)
    }

    /// The same with a key at the end.
    pub(super) fn with(mut self, key: &str, value: Yaml) -> Self {
        self.put(key, value);
        self
    }

    /// Puts a key at the end.
    pub(super) fn put(&mut self, key: &str, value: Yaml) {
        self.0.push((key.to_owned(), value));
    }

    /// Puts a name into the mapping under a key.
    pub(super) fn add(&mut self, key: &str, name: &str, value: Yaml) {
        match self.0.iter_mut().find(|(known, _)| known == key) {
            Some((_, Yaml::Map(inner))) => inner.put(name, value),
            _ => self.put(key, Self::of(name, value).into()),
        }
    }

    /// Puts items at the end of the list under a key.
    pub(super) fn extend(&mut self, key: &str, items: impl IntoIterator<Item = Yaml>) {
        match self.0.iter_mut().find(|(known, _)| known == key) {
            Some((_, Yaml::List(list))) => list.extend(items),
            _ => self.put(key, Yaml::List(items.into_iter().collect())),
        }
    }

    /// The whole as a file.
    pub(super) fn document(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, 0);
        text
    }

    fn write(&self, text: &mut String, depth: usize) {
        for (key, value) in &self.0 {
            let _ = write!(text, "{:indent$}{}:", "", named(key), indent = depth * 2);
            value.write(text, depth + 1);
        }
    }
}

impl From<Mapping> for Yaml {
    fn from(mapping: Mapping) -> Self {
        Self::Map(mapping)
    }
}

/// A key. The words of the language stand as everybody writes them.
fn named(key: &str) -> String {
    if matches!(key, "on" | "no" | "yes") { key.to_owned() } else { quoted(key) }
}

/// Text as YAML takes it for text: bare where it is a word, a path or a time, else between quotation marks, which in YAML
/// are those of JSON.
fn quoted(text: &str) -> String {
    let mut characters = text.chars();
    let is_word = characters.next().is_some_and(|first| first.is_ascii_alphabetic())
        && characters.all(|next| next.is_ascii_alphanumeric() || matches!(next, '_' | '.'));
    // Older readers take these for truths too.
    let means_more = matches!(
        text.to_ascii_lowercase().as_str(),
        "true" | "false" | "null" | "yes" | "no" | "on" | "off" | "y" | "n"
    );
    let is_time = !text.contains(char::is_whitespace) && times::read(text).is_some();
    if (is_word && !means_more) || is_time {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            // YAML reads the characters that end a line, and those that cannot be seen, only in their written form.
            other if other.is_control() || matches!(other, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                let _ = write!(quoted, "\\u{:04x}", u32::from(other));
            }
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}
