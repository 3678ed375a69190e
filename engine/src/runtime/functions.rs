//! Rust functions as tools.
//!
//! A function takes arguments of a type and returns a result of a type; their JSON Schemas are what the checker holds
//! flows against, so that a flow cannot tell it from an MCP tool. [`Functions::tools`] is for
//! [`Flows::check`](crate::Flows::check), [`Functions::call`] for [`Performer::call`](super::Performer::call).

use std::fmt;
use std::future::Future;
use std::sync::Arc;

use futures::future::{BoxFuture, FutureExt, ready};
use indexmap::IndexMap;
use schemars::generate::{Contract, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};

use crate::catalog::{Tool, Tools};
use crate::effect::Call;
use crate::input::Outcome;

/// The code of a failure: arguments that are none of the function's.
const BAD_ARGUMENTS: &str = "bad_arguments";
/// The code of a failure: a result that cannot be written as JSON.
const BAD_RESULT: &str = "bad_result";
/// The code of a failure: no function has the tool's name.
const UNKNOWN_TOOL: &str = "unknown_tool";

/// Functions by the names that flows call them by.
#[derive(Default)]
pub struct Functions {
    all: IndexMap<String, Function>,
}

/// What keeps a function from doing what it is for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToolError {
    /// It refused, or could not: nothing has changed.
    #[error("{code}: {message}")]
    Refused {
        /// What flows see as `error.code`, for example `room_unavailable`.
        code: String,
        /// What happened, for the operator.
        message: String,
    },
    /// It may have happened or not: nobody knows.
    #[error("{message}")]
    Unknown {
        /// What went wrong, for the operator.
        message: String,
    },
}

/// What a writing call is known by. Repetitions of a call have the same key; a function does nothing twice under it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key(Arc<str>);

struct Function {
    tool: Tool,
    call: Box<Run>,
}

/// A function over JSON.
type Run = dyn Fn(Json, Key) -> BoxFuture<'static, Outcome> + Send + Sync;

impl Functions {
    /// No functions.
    pub fn new() -> Self {
        Self::default()
    }

    /// A function that only reads. Another one of the same name is replaced.
    #[must_use]
    pub fn reads<A, O, F, R>(self, name: &str, function: F) -> Self
    where
        A: DeserializeOwned + JsonSchema,
        O: Serialize + JsonSchema,
        F: Fn(A) -> R + Send + Sync + 'static,
        R: Future<Output = Result<O, ToolError>> + Send + 'static,
    {
        self.add(name, true, move |arguments, _| function(arguments))
    }

    /// A function that changes something: flows call it only after the guest's yes to everything it is given. Another
    /// one of the same name is replaced.
    #[must_use]
    pub fn writes<A, O, F, R>(self, name: &str, function: F) -> Self
    where
        A: DeserializeOwned + JsonSchema,
        O: Serialize + JsonSchema,
        F: Fn(A, Key) -> R + Send + Sync + 'static,
        R: Future<Output = Result<O, ToolError>> + Send + 'static,
    {
        self.add(name, false, function)
    }

    fn add<A, O, F, R>(mut self, name: &str, read_only: bool, function: F) -> Self
    where
        A: DeserializeOwned + JsonSchema,
        O: Serialize + JsonSchema,
        F: Fn(A, Key) -> R + Send + Sync + 'static,
        R: Future<Output = Result<O, ToolError>> + Send + 'static,
    {
        let input = schema::<A>(Contract::Deserialize);
        // Nothing to give is an object without fields to a tool, and nothing to Rust.
        let takes_nothing = input.get("type").is_some_and(|name| name == "null");
        let tool = Tool {
            name: name.to_owned(),
            input_schema: if takes_nothing {
                json!({ "type": "object", "properties": {} })
            } else {
                input.to_value()
            },
            output_schema: Some(schema::<O>(Contract::Serialize).to_value()),
            read_only,
        };
        let call = move |arguments: Json, key: Key| {
            let arguments = if takes_nothing { Json::Null } else { arguments };
            match serde_json::from_value::<A>(arguments) {
                Ok(arguments) => {
                    function(arguments, key).map(move |result| outcome(result, read_only)).boxed()
                }
                Err(error) => ready(refused(BAD_ARGUMENTS, error)).boxed(),
            }
        };
        self.all.insert(name.to_owned(), Function { tool, call: Box::new(call) });
        self
    }

    /// The functions as tools, for the checker.
    pub fn tools(&self) -> Tools {
        self.all.iter().map(|(name, function)| (name.clone(), function.tool.clone())).collect()
    }

    /// Calls the function that a call names. `key` is the same whenever the same call is repeated.
    pub async fn call(&self, call: &Call, key: &str) -> Outcome {
        let Some(function) = self.all.get(&*call.tool) else {
            return refused(UNKNOWN_TOOL, format_args!("there is no function `{}`", call.tool));
        };
        let arguments =
            call.arguments.iter().map(|(name, value)| (name.to_string(), value.clone())).collect();
        (function.call)(Json::Object(arguments), Key(key.into())).await
    }
}

impl fmt::Debug for Functions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_list().entries(self.all.keys()).finish()
    }
}

impl ToolError {
    /// A refusal with a code that flows tell apart.
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Refused { code: code.into(), message: message.into() }
    }

    /// An outcome that nobody knows.
    pub fn unknown(message: impl Into<String>) -> Self {
        Self::Unknown { message: message.into() }
    }
}

impl Key {
    /// The key as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

fn schema<T: JsonSchema>(contract: Contract) -> Schema {
    let mut settings = SchemaSettings::draft2020_12();
    settings.contract = contract;
    settings.into_generator().into_root_schema_for::<T>()
}

fn outcome<O: Serialize>(result: Result<O, ToolError>, read_only: bool) -> Outcome {
    match result {
        Ok(result) => match serde_json::to_value(result) {
            Ok(result) => Outcome::Ok { result: Arc::new(result) },
            Err(error) if read_only => refused(BAD_RESULT, error),
            // It was done, and cannot be told what came of it.
            Err(error) => Outcome::Unknown { message: error.to_string() },
        },
        Err(ToolError::Refused { code, message }) => Outcome::Error { code, message },
        Err(ToolError::Unknown { message }) => Outcome::Unknown { message },
    }
}

fn refused(code: &str, message: impl fmt::Display) -> Outcome {
    Outcome::Error { code: code.to_owned(), message: message.to_string() }
}
