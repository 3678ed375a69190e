//! The JSON around what Meta's webhooks tell. Nothing is required of it, and more may come: a batch is never lost over
//! one field.

use serde::Deserialize;
use serde_json::Value as Json;

/// A request's body.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Envelope {
    #[serde(default)]
    pub(super) entry: Vec<Json>,
}

/// One account's part.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Entry {
    #[serde(default)]
    pub(super) changes: Vec<Json>,
}

/// One thing that happened.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Change {
    #[serde(default)]
    pub(super) field: String,
    #[serde(default)]
    pub(super) value: Json,
}

/// The text at a path, unless it is empty.
pub(super) fn text<'a>(json: &'a Json, path: &str) -> Option<&'a str> {
    json.pointer(path).and_then(Json::as_str).filter(|text| !text.is_empty())
}

/// The same, as one's own.
pub(super) fn owned(json: &Json, path: &str) -> Option<String> {
    text(json, path).map(str::to_owned)
}

/// The elements at a path.
pub(super) fn list<'a>(json: &'a Json, path: &str) -> &'a [Json] {
    json.pointer(path).and_then(Json::as_array).map_or(&[], Vec::as_slice)
}
