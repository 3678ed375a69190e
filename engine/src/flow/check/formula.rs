//! Expressions as written: one line of minijinja, or a list or mapping of such lines.

use std::collections::BTreeSet;

use minijinja::{Environment, ErrorKind, UndefinedBehavior};

use super::near::meant;
use super::report::Report;
use crate::flow::error::Rule;
use crate::flow::raw::{At, Data, Node, Spot};
use crate::guard::Expression;
pub(super) use crate::guard::single_path;

/// An expression with the place of each of its lines.
pub(super) struct Formula {
    pub(super) at: Spot,
    /// The whole; `None` when a line of it is wrong.
    pub(super) expression: Option<Expression>,
    pub(super) shape: Shape,
}

/// How it is written.
pub(super) enum Shape {
    /// One line.
    Line(Option<Expression>),
    /// A list of values.
    List(Vec<Formula>),
    /// A mapping to values.
    Map(Vec<(At<String>, Formula)>),
}

impl Formula {
    /// Reads an expression; `values` allows lists, mappings, numbers and truths.
    pub(super) fn read(report: &mut Report<'_>, node: &Node, what: &str, values: bool) -> Option<Self> {
        let at = node.at;
        match &node.data {
            Data::Scalar { text, .. } if node.text().is_some() || (values && !node.is_nothing()) => {
                let expression = compile(report, at, text, what);
                Some(Self { at, expression: expression.clone(), shape: Shape::Line(expression) })
            }
            Data::List(items) if values => {
                let items: Vec<Self> =
                    items.iter().filter_map(|item| Self::read(report, item, what, true)).collect();
                let parts: Option<Vec<String>> = items.iter().map(Self::part).collect();
                let expression =
                    parts.and_then(|parts| Expression::new(&format!("[{}]", parts.join(", "))).ok());
                Some(Self { at, expression, shape: Shape::List(items) })
            }
            Data::Map(entries) if values => {
                let mut read: Vec<(At<String>, Self)> = Vec::new();
                for (key, value) in entries {
                    if read.iter().any(|(known, _)| known.value == key.value) {
                        let message = format!("`{}` is written twice in `{what}`", key.value);
                        report.add(key.at, Rule::Duplicate, message, None);
                    } else if let Some(value) = Self::read(report, value, &key.value, true) {
                        read.push((key.clone(), value));
                    }
                }
                let parts: Option<Vec<String>> = read
                    .iter()
                    .map(|(key, value)| {
                        Some(format!("{}: {}", serde_json::to_string(&key.value).ok()?, value.part()?))
                    })
                    .collect();
                let expression =
                    parts.and_then(|parts| Expression::new(&format!("{{{}}}", parts.join(", "))).ok());
                Some(Self { at, expression, shape: Shape::Map(read) })
            }
            Data::Scalar { .. } | Data::List(_) | Data::Map(_) => {
                report.wrong(node, &format!("`{what}` must be an expression"), None);
                None
            }
        }
    }

    /// One that could not be read.
    pub(super) fn unread(at: Spot) -> Self {
        Self { at, expression: None, shape: Shape::Line(None) }
    }

    /// Its lines with their places.
    pub(super) fn lines(&self) -> Vec<(Spot, &Expression)> {
        match &self.shape {
            Shape::Line(expression) => expression.iter().map(|expression| (self.at, expression)).collect(),
            Shape::List(items) => items.iter().flat_map(Self::lines).collect(),
            Shape::Map(entries) => entries.iter().flat_map(|(_, value)| value.lines()).collect(),
        }
    }

    /// The paths it reads, with the place of each.
    pub(super) fn paths(&self, report: &Report<'_>) -> Vec<At<Vec<String>>> {
        self.lines()
            .into_iter()
            .flat_map(|(at, expression)| {
                let written = report.text_at(at);
                expression
                    .paths()
                    .iter()
                    .map(|path| At::new(path.clone(), inside(at, written, &path.join("."))))
                    .collect::<Vec<_>>()
            })
            .collect()
    }

    /// The names it reads.
    pub(super) fn names(&self) -> BTreeSet<&str> {
        self.lines()
            .into_iter()
            .flat_map(|(_, expression)| expression.paths())
            .filter_map(|path| path.first())
            .map(String::as_str)
            .collect()
    }

    /// Its text as a part of a larger expression.
    fn part(&self) -> Option<String> {
        let source = self.expression.as_ref()?.source();
        Some(match self.shape {
            Shape::Line(_) if single_path(source).is_none() => format!("({source})"),
            _ => source.to_owned(),
        })
    }
}

/// The place of a path inside the text it was written in.
fn inside(at: Spot, written: &str, path: &str) -> Spot {
    let is_word = |character: char| character.is_ascii_alphanumeric() || character == '_' || character == '.';
    let found = written.match_indices(path).map(|(start, _)| start).find(|start| {
        let before = written.get(..*start).and_then(|text| text.chars().next_back());
        let after = written.get(start + path.len()..).and_then(|text| text.chars().next());
        !before.is_some_and(is_word) && !after.is_some_and(|c| is_word(c) && c != '.')
    });
    match found {
        Some(start) => Spot { file: at.file, start: at.start + start, end: at.start + start + path.len() },
        None => at,
    }
}

fn compile(report: &mut Report<'_>, at: Spot, source: &str, what: &str) -> Option<Expression> {
    let expression = match Expression::new(source) {
        Ok(expression) => expression,
        Err(error) => {
            report.add(
                at,
                Rule::BadExpression,
                format!("`{what}` is not an expression: {}", error.message),
                None,
            );
            return None;
        }
    };
    let mut fine = true;
    for (kind, name) in filters_and_tests(source) {
        if let Some(message) = kind.refuses(&name) {
            let spot = inside(at, report.text_at(at), &name);
            report.add(spot, Rule::BadExpression, message, meant(&name, kind.plural(), kind.known()));
            fine = false;
        }
    }
    fine.then_some(expression)
}

/// What a name after `|` or `is` means. minijinja looks it up only when the expression runs.
#[derive(Clone, Copy)]
enum Kind {
    Filter,
    Test,
}

impl Kind {
    fn plural(self) -> &'static str {
        match self {
            Self::Filter => "filters",
            Self::Test => "tests",
        }
    }

    fn known(self) -> impl Iterator<Item = &'static str> + Clone {
        match self {
            Self::Filter => FILTERS.iter().copied(),
            Self::Test => TESTS.iter().copied(),
        }
    }

    /// Why there is no such filter or test, if there is none.
    fn refuses(self, name: &str) -> Option<String> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Chainable);
        let (source, unknown) = match self {
            Self::Filter => (format!("nothing | {name}"), ErrorKind::UnknownFilter),
            Self::Test => (format!("nothing is {name}"), ErrorKind::UnknownTest),
        };
        let error = environment.compile_expression(&source).ok()?.eval(()).err()?;
        (error.kind() == unknown).then(|| match self {
            Self::Filter => format!("there is no filter `{name}`"),
            Self::Test => format!("there is no test `{name}`"),
        })
    }
}

/// Filters that a condition has a use for, to suggest one.
const FILTERS: &[&str] = &[
    "abs",
    "default",
    "first",
    "float",
    "int",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "replace",
    "round",
    "select",
    "selectattr",
    "sort",
    "string",
    "sum",
    "title",
    "trim",
    "unique",
    "upper",
];

/// Tests that a condition has a use for, to suggest one.
const TESTS: &[&str] = &[
    "boolean",
    "defined",
    "divisibleby",
    "endingwith",
    "even",
    "false",
    "in",
    "integer",
    "iterable",
    "mapping",
    "none",
    "number",
    "odd",
    "sequence",
    "startingwith",
    "string",
    "true",
    "undefined",
];

/// The names after `|` and after `is`, outside of quotes.
fn filters_and_tests(source: &str) -> Vec<(Kind, String)> {
    let mut found = Vec::new();
    let mut expected = None;
    let mut characters = source.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\'' | '"' => {
                let mut escaped = false;
                for inner in characters.by_ref() {
                    if inner == character && !escaped {
                        break;
                    }
                    escaped = inner == '\\' && !escaped;
                }
                expected = None;
            }
            '|' => expected = Some(Kind::Filter),
            _ if character.is_ascii_alphabetic() || character == '_' => {
                let mut word = String::from(character);
                while let Some(next) = characters.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    word.push(next);
                }
                expected = match (expected, word.as_str()) {
                    (Some(Kind::Test), "not") => Some(Kind::Test),
                    (Some(kind), _) => {
                        found.push((kind, word));
                        None
                    }
                    (None, "is") => Some(Kind::Test),
                    (None, _) => None,
                };
            }
            _ if character.is_whitespace() => {}
            _ => expected = None,
        }
    }
    found
}
