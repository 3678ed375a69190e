//! Conditions of properties: what is known about slots and results, joined by `and`, `or` and `not`.

use super::report::Report;
use crate::flow::error::Rule;
use crate::flow::raw::{At, Node, Spot};

/// A condition.
pub(super) enum Condition {
    /// A slot or a result is there, is stale, or was confirmed.
    Fact(Fact, At<String>),
    Not(Box<Condition>),
    And(Box<Condition>, Box<Condition>),
    Or(Box<Condition>, Box<Condition>),
}

/// What can be known about a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Fact {
    /// It is there.
    Present,
    /// It is there, and something it was computed from changed or it is too old.
    Stale,
    /// The guest said yes to it, and it did not change since.
    Confirmed,
}

const ALLOWED: &str = "slots, results, `stale(…)` and `confirmed(…)`, joined by `and`, `or` and `not`";

impl Condition {
    /// Reads a condition; `None` where it is none, which is reported.
    pub(super) fn read(report: &mut Report<'_>, node: &Node, what: &str) -> Option<Self> {
        let Some(text) = node.text() else {
            report.wrong(node, &format!("`{what}` must be a condition"), Some(ALLOWED.to_owned()));
            return None;
        };
        // A quoted text begins behind its mark.
        let written = report.text_at(node.at);
        let offset = written.find(text).unwrap_or_default();
        let words = words(text, Spot { start: node.at.start + offset, ..node.at });
        let mut parser = Parser { words: &words, next: 0 };
        match parser.either() {
            Ok(condition) if parser.next == words.len() => Some(condition),
            outcome => {
                let at = match outcome {
                    Err(Some(at)) => at,
                    _ => words.get(parser.next).map_or(node.at, |word| word.at),
                };
                let message = format!("`{what}` of a property cannot say this");
                report.add(at, Rule::BadExpression, message, Some(format!("only {ALLOWED}")));
                None
            }
        }
    }

    /// The facts it is about.
    pub(super) fn facts(&self) -> Vec<(Fact, &At<String>)> {
        match self {
            Self::Fact(fact, name) => vec![(*fact, name)],
            Self::Not(inner) => inner.facts(),
            Self::And(left, right) | Self::Or(left, right) => {
                let mut facts = left.facts();
                facts.extend(right.facts());
                facts
            }
        }
    }

    /// Whether it can be true, and whether it can be false, where each fact can be either.
    pub(super) fn can(&self, known: &impl Fn(Fact, &str) -> (bool, bool)) -> (bool, bool) {
        match self {
            Self::Fact(fact, name) => known(*fact, &name.value),
            Self::Not(inner) => {
                let (yes, no) = inner.can(known);
                (no, yes)
            }
            Self::And(left, right) => {
                let (left, right) = (left.can(known), right.can(known));
                (left.0 && right.0, left.1 || right.1)
            }
            Self::Or(left, right) => {
                let (left, right) = (left.can(known), right.can(known));
                (left.0 || right.0, left.1 && right.1)
            }
        }
    }
}

/// A word, a bracket, or a character that means nothing here.
struct Word<'t> {
    text: &'t str,
    at: Spot,
}

fn words(text: &str, at: Spot) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut start = 0;
    while let Some(first) = text.get(start..).and_then(|rest| rest.chars().next()) {
        let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_';
        let length = match is_word(first) {
            true => text[start..].find(|character: char| !is_word(character)).unwrap_or(text.len() - start),
            false => first.len_utf8(),
        };
        if !first.is_whitespace() {
            let at = Spot { start: at.start + start, end: at.start + start + length, ..at };
            words.push(Word { text: &text[start..start + length], at });
        }
        start += length;
    }
    words
}

struct Parser<'p, 't> {
    words: &'p [Word<'t>],
    next: usize,
}

type Parsed = Result<Condition, Option<Spot>>;

impl Parser<'_, '_> {
    fn either(&mut self) -> Parsed {
        let mut left = self.both()?;
        while self.take("or") {
            left = Condition::Or(Box::new(left), Box::new(self.both()?));
        }
        Ok(left)
    }

    fn both(&mut self) -> Parsed {
        let mut left = self.one()?;
        while self.take("and") {
            left = Condition::And(Box::new(left), Box::new(self.one()?));
        }
        Ok(left)
    }

    fn one(&mut self) -> Parsed {
        if self.take("not") {
            return Ok(Condition::Not(Box::new(self.one()?)));
        }
        if self.take("(") {
            let inside = self.either()?;
            return if self.take(")") { Ok(inside) } else { Err(self.here()) };
        }
        let name = self.name()?;
        let fact = match name.value.as_str() {
            "stale" => Fact::Stale,
            "confirmed" => Fact::Confirmed,
            _ => return Ok(Condition::Fact(Fact::Present, name)),
        };
        if !self.take("(") {
            return Ok(Condition::Fact(Fact::Present, name));
        }
        let inside = self.name()?;
        if self.take(")") { Ok(Condition::Fact(fact, inside)) } else { Err(self.here()) }
    }

    fn name(&mut self) -> Result<At<String>, Option<Spot>> {
        let Some(word) = self.words.get(self.next) else { return Err(None) };
        let is_name = word.text.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && !matches!(word.text, "and" | "or" | "not" | "true" | "false" | "none" | "is" | "in");
        if !is_name {
            return Err(Some(word.at));
        }
        self.next += 1;
        Ok(At::new(word.text.to_owned(), word.at))
    }

    fn take(&mut self, text: &str) -> bool {
        let found = self.words.get(self.next).is_some_and(|word| word.text == text);
        self.next += usize::from(found);
        found
    }

    fn here(&self) -> Option<Spot> {
        self.words.get(self.next).map(|word| word.at)
    }
}
