//! Conditions and arguments over slots and results: minijinja expressions.
//!
//! An expression sees the flow's slots and saved results by name, `guest`, `error` after a failed call, and the
//! counters `unclear` and `silence`. An absent name is undefined: false in a condition, left out of an argument list.

use std::sync::{Arc, LazyLock};

use minijinja::{Environment, UndefinedBehavior};
use serde::{Serialize, Serializer};
use serde_json::Value as Json;

static ENVIRONMENT: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    environment
});

/// A compiled expression. Two are equal when their sources are.
#[derive(Clone)]
pub struct Expression {
    source: String,
    paths: Vec<Vec<String>>,
    compiled: Arc<minijinja::Expression<'static, 'static>>,
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
        Ok(Self { source: source.to_owned(), paths, compiled: Arc::new(compiled) })
    }

    /// The text it was compiled from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The names it reads, each a path: `room.room_id` is `["room", "room_id"]`.
    pub fn paths(&self) -> &[Vec<String>] {
        &self.paths
    }

    /// The value over `facts`; [`Json::Null`] for something absent and for an expression that fails on these facts.
    pub fn evaluate(&self, facts: &impl Serialize) -> Json {
        self.compiled
            .eval(minijinja::value::Serde(facts))
            .ok()
            .filter(|value| !value.is_undefined())
            .and_then(|value| serde_json::to_value(value).ok())
            .unwrap_or(Json::Null)
    }

    /// Whether it holds over `facts`; an expression that fails on these facts does not.
    pub fn holds(&self, facts: &impl Serialize) -> bool {
        self.compiled.eval(minijinja::value::Serde(facts)).is_ok_and(|value| value.is_true())
    }
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
