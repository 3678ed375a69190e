//! What flows may name: the tools there are, and the prompts there are.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

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
    /// What prompts show, as far as that is known; those that are not here are not judged by it.
    pub shown: BTreeMap<PromptKey, Shown>,
    /// The ways by which something can be sent elsewhere; where there are none, flows may name any.
    pub ways: BTreeSet<String>,
    /// Variables that whoever renders prompts gives to every one of them, besides what flows have.
    pub given: BTreeSet<String>,
}

/// What a prompt shows whichever way its conditions go. A fact is a name with the fields below it: `quote`, `total`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The file, as mistakes call it.
    pub file: String,
    /// Its text.
    pub text: Arc<str>,
    /// The facts that it reads, each with its bytes in the text, in the order of the text.
    pub mentions: Vec<(Vec<String>, Range<usize>)>,
    /// The facts whose value can be read in it, wherever they have one.
    pub whole: BTreeSet<Vec<String>>,
    /// The facts for whose truth it has words, as in "with breakfast" and "without".
    pub truths: BTreeSet<Vec<String>>,
    /// Whether it can say a word at all.
    pub has_words: bool,
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
