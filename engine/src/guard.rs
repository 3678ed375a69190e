//! Conditions and arguments over slots and results: minijinja expressions.
//!
//! An expression sees the flow's slots and saved results by name, `guest`, `error` after a failed call, `outcome` after
//! a run, `event` in a handler of a named event, the item of an `each`, `active` (the names of the active states), and
//! the counters of [`NAMES`]. An absent name is undefined: false in a condition, left out of an argument list.

mod plain;

use std::sync::{Arc, LazyLock};

use minijinja::{Environment, UndefinedBehavior};
use serde::{Serialize, Serializer};
use serde_json::Value as Json;

pub(crate) use self::plain::Fact;
use self::plain::Plain;
use crate::effect::{Arguments, Origin};
use crate::facts::View;
use crate::flow::{ResultId, SlotId};

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment
});

/// The names every expression may read beside slots and results.
pub(crate) const NAMES: &[(&str, Root)] = &[
    ("guest", Root::Guest),
    ("error", Root::Error),
    ("outcome", Root::Outcome),
    ("event", Root::Event),
    ("active", Root::Active),
    ("today", Root::Today),
    ("unclear", Root::Unclear),
    ("silence", Root::Silence),
    ("busy", Root::Busy),
    ("undoable", Root::Undoable),
    ("waiting", Root::Waiting),
];

/// A compiled expression. Two are equal when their sources are.
#[derive(Clone)]
pub struct Expression {
    source: Arc<str>,
    paths: Arc<[Vec<String>]>,
    compiled: Arc<minijinja::Expression<'static, 'static>>,
    /// The path, where it is one and nothing else and its flow is known.
    path: Option<Arc<Path>>,
    /// The condition, where it is of a plain form and its flow is known.
    plain: Option<Arc<Plain>>,
}

/// A name and fields below it, for example `room.room_id`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// What the name stands for.
    pub root: Root,
    /// The name.
    pub name: Arc<str>,
    /// The fields below it; a number is a place in a list.
    pub fields: Vec<Arc<str>>,
}

/// What a name in an expression stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// A slot.
    Slot(SlotId),
    /// A saved result.
    Result(ResultId),
    /// What is known about the guest.
    Guest,
    /// The last failure, `{code, message}`.
    Error,
    /// How a run flow ended.
    Outcome,
    /// The named event that is handled, `{name, data}`.
    Event,
    /// The names of the active states, ancestors included.
    Active,
    /// The civil day.
    Today,
    /// Messages in a row that were not understood.
    Unclear,
    /// Silences in a row.
    Silence,
    /// Whether a flow runs on the root chart.
    Busy,
    /// Whether there is a change the guest can take back.
    Undoable,
    /// How many wishes wait.
    Waiting,
    /// The item of an `each`.
    Item,
}

/// Why an expression is not one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadExpression {
    /// What minijinja says about it.
    pub message: String,
}

impl Expression {
    /// Compiles `source`.
    ///
    /// # Errors
    /// [`BadExpression`] when it is not a minijinja expression.
    pub fn new(source: &str) -> Result<Self, BadExpression> {
        let compiled = ENVIRONMENT.compile_expression_owned(source.to_owned()).map_err(|error| {
            BadExpression { message: error.detail().map_or_else(|| error.to_string(), str::to_owned) }
        })?;
        let mut paths: Vec<Vec<String>> = compiled
            .undeclared_variables(true)
            .into_iter()
            .map(|path| path.split('.').map(str::to_owned).collect())
            .collect();
        paths.sort();
        Ok(Self {
            source: source.into(),
            paths: paths.into(),
            compiled: Arc::new(compiled),
            path: None,
            plain: None,
        })
    }

    /// The text it was compiled from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The names it reads, each a path: `room.room_id` is `["room", "room_id"]`.
    pub fn paths(&self) -> &[Vec<String>] {
        &self.paths
    }

    /// The same expression, its names looked up once and for all. One that is a path and nothing else, and a condition of
    /// a plain form, are then evaluated without minijinja.
    pub(crate) fn bound(mut self, root_of: impl Fn(&str) -> Option<Root>) -> Self {
        self.plain = Plain::read(&self.source, &root_of).map(Arc::new);
        self.path = single_path(&self.source).and_then(|path| Path::bound(&path, root_of)).map(Arc::new);
        self
    }

    /// The value over `facts`; [`Json::Null`] for something absent and for an expression that fails on these facts.
    pub(crate) fn evaluate(&self, facts: &View<'_>) -> Json {
        if let Some(path) = &self.path {
            return facts.at(path);
        }
        self.compiled
            .eval(facts.context())
            .ok()
            .filter(|value| !value.is_undefined())
            .and_then(|value| serde_json::to_value(value).ok())
            .unwrap_or(Json::Null)
    }

    /// The same for a call, left where it is; `None` for null.
    pub(crate) fn give(&self, facts: &View<'_>) -> Option<Origin> {
        if let Some(path) = &self.path
            && let Some(given) = facts.given(path)
        {
            return given;
        }
        Some(self.evaluate(facts)).filter(|json| !json.is_null()).map(Origin::Computed)
    }

    /// Whether that is what a call was given under `name`.
    pub(crate) fn gives(&self, facts: &View<'_>, arguments: &Arguments, name: &str) -> bool {
        let Some(given) = arguments.given(name) else { return self.give(facts).is_none() };
        match &self.path {
            Some(path) if facts.still_gives(path, given) => true,
            Some(path) => arguments.get(name).is_some_and(|given| facts.is(path, given)),
            None => {
                arguments.get(name).is_some_and(|given| !given.is_null() && self.evaluate(facts) == *given)
            }
        }
    }

    /// Whether it holds over `facts`; an expression that fails on these facts does not.
    pub(crate) fn holds(&self, facts: &View<'_>) -> bool {
        let by_minijinja = || self.compiled.eval(facts.context()).is_ok_and(|value| value.is_true());
        match self.plain.as_ref().and_then(|plain| plain.holds(&|path| facts.fact(path))) {
            Some(holds) => {
                debug_assert_eq!(holds, by_minijinja(), "{self:?}");
                holds
            }
            None => by_minijinja(),
        }
    }
}

impl Path {
    /// A path whose name is looked up; `None` where the flow has no such name.
    pub(crate) fn bound(path: &[String], root_of: impl Fn(&str) -> Option<Root>) -> Option<Self> {
        let (name, fields) = path.split_first()?;
        Some(Self {
            root: root_of(name)?,
            name: name.as_str().into(),
            fields: fields.iter().map(|field| field.as_str().into()).collect(),
        })
    }

    /// Whether `other` is this path or something below it.
    pub(crate) fn covers(&self, other: &[String]) -> bool {
        other.first().is_some_and(|name| **name == *self.name)
            && other.len() > self.fields.len()
            && self.fields.iter().zip(&other[1..]).all(|(ours, theirs)| **ours == **theirs)
    }
}

impl std::fmt::Display for Path {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.name)?;
        self.fields.iter().try_for_each(|field| write!(formatter, ".{field}"))
    }
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// The path, if the expression is one and nothing else.
pub(crate) fn single_path(source: &str) -> Option<Vec<String>> {
    let path: Vec<String> = source.trim().split('.').map(str::to_owned).collect();
    let is_word = |word: &String| {
        word.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_')
            && word.chars().all(|character| character.is_ascii_alphanumeric() || character == '_')
    };
    let reserved = matches!(source.trim(), "true" | "false" | "none" | "True" | "False" | "None");
    (path.iter().all(is_word) && !reserved).then_some(path)
}

impl PartialEq for Expression {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source
    }
}

impl std::fmt::Debug for Expression {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Expression({:?})", self.source)
    }
}

impl Serialize for Expression {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.source)
    }
}
