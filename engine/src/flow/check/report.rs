//! Collecting mistakes, and reading nodes as what they must be.

use std::sync::Arc;

use super::near::{listed, meant, nearest};
use super::{Source, raw, times};
use crate::flow::error::{Mistake, Mistakes, Place, Rule};
use raw::{At, Data, Node, Refused, Spot};

/// The mistakes found so far.
pub(super) struct Report<'s> {
    sources: &'s [Source],
    texts: Vec<Arc<str>>,
    found: Vec<(Option<Spot>, Mistake)>,
}

/// The entries of a mapping by their known keys.
pub(super) struct Fields<'n> {
    entries: Vec<(&'static str, Spot, &'n Node)>,
    /// Whether a key stood there that nobody knows, so that something may only seem to be missing.
    pub(super) strange: bool,
}

impl<'s> Report<'s> {
    pub(super) fn new(sources: &'s [Source]) -> Self {
        let texts = sources.iter().map(|source| Arc::from(source.text.as_str())).collect();
        Self { sources, texts, found: Vec::new() }
    }

    /// Adds a mistake at a place.
    pub(super) fn add(&mut self, at: Spot, rule: Rule, message: impl Into<String>, help: Option<String>) {
        let (Some(source), Some(text)) = (self.sources.get(at.file), self.texts.get(at.file)) else {
            return self.add_nowhere(rule, message, help);
        };
        let place = Some(Place::new(&source.file, text, at.start, at.end));
        self.found.push((Some(at), Mistake { rule, message: message.into(), help, place }));
    }

    /// Adds a mistake in a file that is no flow.
    pub(super) fn add_in(&mut self, place: Place, rule: Rule, message: String, help: Option<String>) {
        self.found.push((None, Mistake { rule, message, help, place: Some(place) }));
    }

    /// Adds a mistake that stands in no file.
    pub(super) fn add_nowhere(&mut self, rule: Rule, message: impl Into<String>, help: Option<String>) {
        self.found.push((None, Mistake { rule, message: message.into(), help, place: None }));
    }

    /// Adds what the YAML reader refused.
    pub(super) fn refuse(&mut self, refused: Refused) {
        self.add(refused.at, Rule::Syntax, refused.message, refused.help.map(str::to_owned));
    }

    /// Whether nothing was found.
    pub(super) fn is_clean(&self) -> bool {
        self.found.is_empty()
    }

    /// `file:line` of a place, for a sentence.
    pub(super) fn whereabouts(&self, at: Spot) -> String {
        match (self.sources.get(at.file), self.texts.get(at.file)) {
            (Some(source), Some(text)) => {
                format!("{}:{}", source.file, Place::new(&source.file, text, at.start, at.end).line)
            }
            _ => String::new(),
        }
    }

    /// The text at a place.
    pub(super) fn text_at(&self, at: Spot) -> &str {
        self.texts.get(at.file).and_then(|text| text.get(at.start..at.end)).unwrap_or_default()
    }

    /// Everything found, in the order of files and lines, each once. A key that nobody knows has no further mistake.
    pub(super) fn finish(mut self) -> Mistakes {
        self.found.sort_by_key(|(at, _)| *at);
        let mut mistakes: Vec<Mistake> = Vec::new();
        for (_, mistake) in self.found {
            let told = mistakes.last().is_some_and(|last| {
                let slip = matches!(last.rule, Rule::UnknownKey | Rule::UnknownEvent);
                *last == mistake || (slip && last.place == mistake.place)
            });
            if !told {
                mistakes.push(mistake);
            }
        }
        Mistakes(mistakes)
    }

    /// Reads a mapping with these keys. A slip in a key is reported, and read as the key that was meant.
    pub(super) fn fields<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        known: &[&'static str],
    ) -> Option<Fields<'n>> {
        self.fields_of(node, what, known, known)
    }

    /// Reads a mapping with these keys, of which those in `shown` are worth telling.
    pub(super) fn fields_of<'n>(
        &mut self,
        node: &'n Node,
        what: &str,
        known: &[&'static str],
        shown: &[&'static str],
    ) -> Option<Fields<'n>> {
        let Data::Map(entries) = &node.data else {
            self.wrong(node, &format!("{what} must be a mapping"), None);
            return None;
        };
        let mut fields = Fields { entries: Vec::new(), strange: false };
        for (key, value) in entries {
            let exact = known.iter().copied().find(|known| *known == key.value);
            let near = || {
                let free =
                    known.iter().copied().filter(|known| !entries.iter().any(|(k, _)| k.value == *known));
                nearest(&key.value, free)
            };
            let Some(name) = exact.or_else(|| {
                let near = near();
                let help = match near {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("known here: {}", listed(shown)),
                };
                self.add(
                    key.at,
                    Rule::UnknownKey,
                    format!("unknown key `{}` in {what}", key.value),
                    Some(help),
                );
                // `near` is one of `known`, which are static.
                near.and_then(|near| known.iter().copied().find(|known| *known == near))
            }) else {
                fields.strange = true;
                continue;
            };
            if let Some(first) = fields.spot(name) {
                let help = format!("the first is at {}", self.whereabouts(first));
                self.add(key.at, Rule::Duplicate, format!("`{name}` is written twice in {what}"), Some(help));
                continue;
            }
            fields.entries.push((name, key.at, value));
        }
        Some(fields)
    }

    /// Reads a mapping whose keys are names of the author's.
    pub(super) fn named<'n>(&mut self, node: &'n Node, what: &str, one: &str) -> Vec<(At<String>, &'n Node)> {
        let Data::Map(entries) = &node.data else {
            self.wrong(node, &format!("{what} must be a mapping from names"), None);
            return Vec::new();
        };
        let mut named: Vec<(At<String>, &'n Node)> = Vec::new();
        for (key, value) in entries {
            if let Some((first, _)) = named.iter().find(|(known, _)| known.value == key.value) {
                let help = format!("the first is at {}", self.whereabouts(first.at));
                self.add(
                    key.at,
                    Rule::Duplicate,
                    format!("there are two {one}s `{}`", key.value),
                    Some(help),
                );
                continue;
            }
            self.check_name(key, one);
            named.push((key.clone(), value));
        }
        named
    }

    /// Reports a name that is not a word of small letters, digits and `_`.
    pub(super) fn check_name(&mut self, name: &At<String>, one: &str) {
        if !is_name(&name.value) {
            let suggestion: String = name
                .value
                .to_lowercase()
                .chars()
                .map(|character| if character.is_ascii_alphanumeric() { character } else { '_' })
                .collect();
            let help = is_name(&suggestion).then(|| format!("for example `{suggestion}`"));
            self.add(
                name.at,
                Rule::BadName,
                format!("`{}` cannot name a {one}: small letters, digits and `_`", name.value),
                help,
            );
        }
    }

    /// Reads text.
    pub(super) fn text(&mut self, node: &Node, what: &str) -> Option<At<String>> {
        if let Some(text) = node.text() {
            if !text.trim().is_empty() {
                return Some(At::new(text.to_owned(), node.at));
            }
            self.add(node.at, Rule::Missing, format!("`{what}` is empty"), None);
            return None;
        }
        let help = match &node.data {
            Data::Scalar { text, .. } if !node.is_nothing() => Some(format!("as text it is \"{text}\"")),
            _ => None,
        };
        self.wrong(node, &format!("`{what}` must be text"), help);
        None
    }

    /// Reads a truth.
    pub(super) fn truth(&mut self, node: &Node, what: &str) -> Option<bool> {
        if let Some(truth) = node.truth() {
            return Some(truth);
        }
        let help = match node.scalar().map(str::to_lowercase).as_deref() {
            Some("yes" | "on" | "y" | "true" | "1") => Some("write `true`".to_owned()),
            Some("no" | "off" | "n" | "false" | "0") => Some("write `false`".to_owned()),
            _ => None,
        };
        self.wrong(node, &format!("`{what}` must be `true` or `false`"), help);
        None
    }

    /// Reads a whole number of at least `least`.
    pub(super) fn number(&mut self, node: &Node, what: &str, least: i64) -> Option<i64> {
        let number = node.whole_number();
        if let Some(number) = number.filter(|number| *number >= least) {
            return Some(number);
        }
        let expected = match (number, least) {
            (None, _) => "a whole number".to_owned(),
            (Some(_), 0) => "0 or more".to_owned(),
            (Some(_), least) => format!("{least} or more"),
        };
        self.wrong(node, &format!("`{what}` must be {expected}"), None);
        None
    }

    /// Reads a list. One value alone is not a list.
    pub(super) fn list<'n>(&mut self, node: &'n Node, what: &str) -> &'n [Node] {
        if let Data::List(items) = &node.data {
            return items;
        }
        let help = node.text().map(|text| format!("write `[{text}]`"));
        self.wrong(node, &format!("`{what}` must be a list"), help);
        &[]
    }

    /// Reads a list of texts.
    pub(super) fn texts(&mut self, node: &Node, what: &str) -> Vec<At<String>> {
        let mut texts: Vec<At<String>> = Vec::new();
        for item in self.list(node, what) {
            let Some(text) = self.text(item, what) else { continue };
            if texts.iter().any(|known| known.value == text.value) {
                let message = format!("`{}` stands twice in `{what}`", text.value);
                self.add(text.at, Rule::Duplicate, message, None);
                continue;
            }
            texts.push(text);
        }
        texts
    }

    /// Reads a time such as `300ms`, `5m` or `2h`, as milliseconds.
    pub(super) fn duration(&mut self, node: &Node, what: &str) -> Option<i64> {
        let read = node.scalar().and_then(times::read);
        if read.is_none() {
            self.wrong(
                node,
                &format!("`{what}` must be a time"),
                Some("for example `300ms`, `30s`, `5m` or `2h`".to_owned()),
            );
        }
        read
    }

    /// Reports a value of the wrong type.
    pub(super) fn wrong(&mut self, node: &Node, must: &str, help: Option<String>) {
        self.add(node.at, Rule::WrongType, format!("{must}, not {}", node.described()), help);
    }

    /// Reports a name that nothing has.
    pub(super) fn unknown<'c>(
        &mut self,
        name: &At<String>,
        rule: Rule,
        message: String,
        what: &str,
        candidates: impl IntoIterator<Item = &'c str> + Clone,
    ) {
        self.add(name.at, rule, message, meant(&name.value, what, candidates));
    }
}

impl<'n> Fields<'n> {
    /// The value of a key, if it is there.
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entries.iter().find(|(name, _, _)| *name == key).map(|(_, _, node)| *node)
    }

    /// Where a key stands, if it is there.
    pub(super) fn spot(&self, key: &str) -> Option<Spot> {
        self.entries.iter().find(|(name, _, _)| *name == key).map(|(_, at, _)| *at)
    }

    /// The keys that are there, in the order written.
    pub(super) fn keys(&self) -> impl Iterator<Item = (&'static str, Spot)> {
        self.entries.iter().map(|(name, at, _)| (*name, *at))
    }
}

/// Whether this can name a flow, a state, a slot or a result.
pub(super) fn is_name(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_lowercase())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}
