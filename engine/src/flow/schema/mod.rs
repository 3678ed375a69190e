//! The JSON Schema of flow files: an editor with YAML support completes by it and explains what it completes.
//!
//! Which keys there are, and which go together, comes from the checker's own tables, so that both say the same. What
//! only the checker knows, whether names exist and ways lead somewhere, is no part of it.

mod cases;
mod shapes;
mod states;
#[cfg(test)]
mod tests;
mod words;

use serde_json::{Map, Value as Json, json};

use self::shapes::{name, name_or_names, named, names, object, reference, text};
use self::words::told;
use super::check::keys;

/// The dialect it is written in.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A time that is longer than nothing.
const DELAY: &str = "^0*[1-9][0-9]*\\s*(ms|s|m|h|d)$";

/// The JSON Schema (draft 2020-12) of flow files.
pub fn flow_schema() -> Json {
    let properties: Map<String, Json> = keys::FILE
        .iter()
        .map(|key| ((*key).to_owned(), shapes::told(file_key(key), told(words::FILE, key))))
        .collect();
    let off = json!({ "properties": { "enabled": { "const": false } }, "required": ["enabled"] });
    let root = json!({ "properties": { "flow": { "const": super::ROOT } } });
    let whole = json!({ "required": ["states"], "if": root, "else": { "required": ["description"] } });
    json!({
        "$schema": DIALECT,
        "title": "A flow",
        "description": "One statechart for one thing a guest wants.",
        "type": "object",
        "properties": properties,
        "required": ["flow"],
        "if": off,
        "else": whole,
        "additionalProperties": false,
        "$defs": definitions(),
    })
}

fn file_key(key: &str) -> Json {
    match key {
        "flow" => name(),
        "description" => text(),
        "examples" => json!({ "type": "array", "items": text(), "uniqueItems": true }),
        "events" => json!({
            "type": "array",
            "items": { "allOf": [name(), { "not": { "enum": keys::events().collect::<Vec<_>>() } }] },
            "uniqueItems": true,
        }),
        "slots" => named(reference("slot")),
        "initial" => text(),
        "on" => reference("handlers"),
        "states" => with(named(reference("state")), "minProperties", json!(1)),
        "enabled" => json!({ "type": "boolean" }),
        "was" => names(),
        "never" => one_or_list(reference("never")),
        "always" => one_or_list(reference("always")),
        _ => json!({}),
    }
}

fn definitions() -> Json {
    let mut definitions = json!({
        "name": {
            "title": "A name",
            "type": "string",
            "pattern": "^[a-z][a-z0-9_]*$",
            "description": "Small letters, digits and `_`.",
        },
        "text": { "type": "string", "pattern": "\\S" },
        "condition": {
            "title": "A condition",
            "type": "string",
            "pattern": "\\S",
            "description": "A minijinja expression over slots, results and facts, for example `offers.rooms | length > 0`.",
        },
        "expression": {
            "title": "An expression",
            "description": "A minijinja expression, or a list or mapping of such.",
            "anyOf": [
                { "$ref": "#/$defs/text" },
                { "type": ["number", "boolean"] },
                { "type": "array", "items": reference("expression") },
                { "type": "object", "additionalProperties": reference("expression") },
            ],
        },
        "duration": {
            "title": "A time",
            "type": "string",
            "pattern": "^[0-9]+\\s*(ms|s|m|h|d)$",
            "description": "For example `300ms`, `30s`, `5m`, `2h` or `1d`.",
        },
        "delay": {
            "title": "A time",
            "type": "string",
            "pattern": DELAY,
            "description": "Longer than nothing, for example `300ms`, `30s`, `5m`, `2h` or `1d`.",
        },
        "day": {
            "title": "A day",
            "type": "string",
            "pattern": "^(today(\\s*[+-]\\s*[0-9]+)?|[0-9]{4}-[0-9]{2}-[0-9]{2})$",
            "description": "`today`, `today+3` or a day such as `2026-12-24`.",
        },
        "slot": slot(),
        "state": states::state(),
        "retry": object(words::RETRY, keys::RETRY, &["times"], |key| match key {
            "times" => json!({ "type": "integer", "minimum": 0, "maximum": keys::MOST_RETRIES }),
            _ => reference("duration"),
        }),
        "never": never(),
        "always": always(),
    });
    if let Json::Object(all) = &mut definitions {
        all.extend(cases::definitions());
    }
    definitions
}

/// A slot: its type alone, or with bounds. Each type has its own keys.
fn slot() -> Json {
    let short: Vec<Json> = keys::TYPES
        .iter()
        .filter(|(name, _)| *name != "choice")
        .map(|(name, _)| shapes::told(json!({ "const": name }), told(words::TYPES, name)))
        .collect();
    let mut forms = vec![json!({ "title": "A type", "oneOf": short })];
    for (name, own) in keys::TYPES {
        if *name == "choice" {
            let listed = ["options"];
            let from: Vec<&str> = own.iter().copied().filter(|key| *key != "options").collect();
            forms.push(slot_of(name, "one of a list written here", &listed, &["options"]));
            forms.push(slot_of(name, "one of a list in a result", &from, &["from", "key", "label"]));
        } else {
            forms.push(slot_of(name, "", own, &[]));
        }
    }
    json!({ "title": "A slot", "oneOf": forms })
}

fn slot_of(type_name: &'static str, title: &str, own: &[&'static str], required: &[&'static str]) -> Json {
    let all: Vec<&'static str> = keys::SLOT.iter().chain(own).copied().collect();
    let required: Vec<&'static str> = std::iter::once("type").chain(required.iter().copied()).collect();
    let schema = object(words::SLOT, &all, &required, |key| slot_key(type_name, key));
    let title = if title.is_empty() { type_name.to_owned() } else { format!("{type_name}: {title}") };
    with(
        with(schema, "title", json!(title)),
        "description",
        json!(shapes::plain(told(words::TYPES, type_name))),
    )
}

fn slot_key(type_name: &str, key: &str) -> Json {
    let whole = |least: i64| json!({ "type": "integer", "minimum": least });
    match (type_name, key) {
        (_, "type") => json!({ "const": type_name }),
        (_, "optional" | "remember") => json!({ "type": "boolean" }),
        (_, "default") => reference("expression"),
        (_, "merge") => {
            let ways: Vec<Json> = keys::merges(type_name)
                .map(|way| shapes::told(json!({ "const": way }), told(words::MERGES, way)))
                .collect();
            json!({ "oneOf": ways })
        }
        ("date_range" | "date", "min" | "max") => reference("day"),
        ("party", "min" | "max") | (_, "max_nights" | "max_length") => whole(1),
        ("integer", "min" | "max") => json!({ "type": "integer" }),
        (_, "options") => with(names(), "minItems", json!(1)),
        (_, "unit" | "words" | "sets" | "was") => names(),
        (_, "from") => {
            json!({ "type": "string", "pattern": "^[A-Za-z_][A-Za-z0-9_]*(\\.[A-Za-z_][A-Za-z0-9_]*)*$" })
        }
        _ => text(),
    }
}

fn never() -> Json {
    let form = |keys: &[&'static str], required: &[&'static str]| {
        object(words::NEVER, keys, required, |key| match key {
            "state" => name_or_names(),
            "guard" => reference("condition"),
            "unless" => json!({ "const": "confirmed" }),
            _ => text(),
        })
    };
    json!({
        "title": "Something that must never be",
        "oneOf": [
            with(form(&["state", "guard", "because"], &[]), "anyOf", json!([{ "required": ["state"] }, { "required": ["guard"] }])),
            form(&["call", "unless", "because"], &["call"]),
            form(&["call", "guard", "because"], &["call", "guard"]),
        ],
    })
}

fn always() -> Json {
    let form = |keys: &[&'static str], required: &[&'static str]| {
        object(words::ALWAYS, keys, required, |key| match key {
            "state" | "before" | "passed" => name_or_names(),
            "holds" => reference("condition"),
            _ => text(),
        })
    };
    json!({
        "title": "Something that must always be",
        "oneOf": [
            form(&["state", "holds", "because"], &["holds"]),
            form(&["before", "passed", "because"], &["before", "passed"]),
        ],
    })
}

fn one_or_list(one: Json) -> Json {
    json!({ "anyOf": [one, { "type": "array", "items": one }] })
}

/// The same schema with one more keyword.
fn with(mut schema: Json, keyword: &str, value: Json) -> Json {
    if let Json::Object(keywords) = &mut schema {
        keywords.insert(keyword.to_owned(), value);
    }
    schema
}
