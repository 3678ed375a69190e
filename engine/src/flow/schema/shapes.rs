//! The shapes that recur in the schema of flows.

use serde_json::{Map, Value as Json, json};

use super::with;
use super::words::{Told, told as told_of};

/// A schema with what it means, for people who hover over it.
pub(super) fn told(schema: Json, told: &str) -> Json {
    let plain = plain(told);
    let schema = if plain == told { schema } else { with(schema, "markdownDescription", json!(told)) };
    with(schema, "description", json!(plain))
}

/// Markdown without its marks, for editors that show none.
pub(super) fn plain(markdown: &str) -> String {
    markdown.replace('`', "")
}

/// A definition that is used elsewhere.
pub(super) fn reference(name: &str) -> Json {
    json!({ "$ref": format!("#/$defs/{name}") })
}

pub(super) fn text() -> Json {
    reference("text")
}

pub(super) fn name() -> Json {
    reference("name")
}

/// A list of texts, each once.
pub(super) fn names() -> Json {
    json!({ "type": "array", "items": text(), "uniqueItems": true })
}

/// A text or a list of them.
pub(super) fn name_or_names() -> Json {
    json!({ "anyOf": [text(), with(names(), "minItems", json!(1))] })
}

/// A mapping from names of the author's.
pub(super) fn named(values: Json) -> Json {
    json!({ "type": "object", "propertyNames": name(), "additionalProperties": values })
}

/// A mapping to expressions.
pub(super) fn expressions() -> Json {
    json!({ "type": "object", "additionalProperties": reference("expression") })
}

/// A mapping with these keys and no others.
pub(super) fn object(
    words: &[Told],
    keys: &[&'static str],
    required: &[&'static str],
    value: impl Fn(&str) -> Json,
) -> Json {
    let properties: Map<String, Json> =
        keys.iter().map(|key| ((*key).to_owned(), told(value(key), told_of(words, key)))).collect();
    let schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if required.is_empty() { schema } else { with(schema, "required", json!(required)) }
}
