//! What flows may name: the tools there are, and the prompts there are.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// A tool: an MCP tool or a registered function. A flow cannot tell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// JSON Schema of its arguments, an object.
    pub input_schema: Json,
    /// JSON Schema of its result; without one its fields are not checked.
    pub output_schema: Option<Json>,
    /// Whether it says of itself that it only reads (MCP `readOnlyHint: true`). All others write.
    pub read_only: bool,
}

/// All tools by name.
pub type Tools = IndexMap<String, Tool>;

/// The prompts there are.
#[derive(Clone, Debug, Default)]
pub struct Prompts {
    /// The languages that must be complete, for example `en`.
    pub languages: Vec<String>,
    /// The channels that must be complete: `chat`, `voice`.
    pub channels: Vec<String>,
    /// For every prompt, language and channel: the top-level variables it uses.
    pub found: BTreeMap<PromptKey, BTreeSet<String>>,
    /// Variables that whoever renders prompts gives to every one of them, besides what flows have.
    pub given: BTreeSet<String>,
}

/// One prompt, in one language, for one channel. A file for both channels has two keys.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PromptKey {
    /// Its name, for example `ask_stay`.
    pub name: String,
    /// Its language.
    pub language: String,
    /// Its channel.
    pub channel: String,
}
