//! States: one shape for each thing a state can do or be, so that an editor offers the keys that go with it.

use serde_json::{Map, Value as Json, json};

use super::shapes::{expressions, name, name_or_names, named, names, reference, text, told};
use super::{keys, with, words};

/// What a state can do or be, what an editor calls it, and the keys that must be there.
pub(super) const FORMS: &[(&str, &str, &[&str])] = &[
    ("collect", "A state that asks for slots", &["collect", "target"]),
    ("invoke", "A state that calls a tool", &["invoke", "done"]),
    ("run", "A state that runs another flow", &["run", "done"]),
    ("confirm", "A state that reads values back", &["confirm", "yes", "no"]),
    ("send", "A state that sends something elsewhere, if the guest wants it", &["send", "to", "yes", "no"]),
    ("ask", "A state that asks an open question", &["ask", "target"]),
    ("wait", "A state that rests", &["wait"]),
    ("held", "A state in which a person has the conversation", &["held"]),
    ("final", "A state that ends the one it is in", &["final"]),
    ("history", "A state that leads back", &["history", "target"]),
    ("", "A state that goes on by itself", &[]),
];

/// A state.
pub(super) fn state() -> Json {
    let mut forms: Vec<Json> =
        FORMS.iter().map(|(does, title, required)| form(does, title, required)).collect();
    forms.push(above("A state with states, one of which is active", false));
    forms.push(above("A state with states that are all active", true));
    json!({ "title": "A state", "oneOf": forms })
}

fn form(does: &str, title: &str, required: &[&str]) -> Json {
    let properties: Map<String, Json> = keys::of_state(does)
        .map(|key| (key.to_owned(), told(key_of(does, key), words::told_beside(does, key))))
        .collect();
    let mut schema = json!({
        "title": title, "type": "object", "properties": properties, "additionalProperties": false,
    });
    if !required.is_empty() {
        schema = with(schema, "required", json!(required));
    }
    match does {
        "invoke" => with(
            schema,
            "dependentRequired",
            json!({ "each": ["as"], "as": ["each"], "fresh_for": ["save"] }),
        ),
        "run" => with(schema, "dependentRequired", json!({ "each": ["as"], "as": ["each"] })),
        "" => {
            let one =
                json!([{ "required": ["target"] }, { "required": ["always"] }, { "required": ["after"] }]);
            with(with(schema, "anyOf", one), "not", json!({ "required": ["target", "always"] }))
        }
        _ => schema,
    }
}

/// A state that has states.
fn above(title: &str, parallel: bool) -> Json {
    let required: &[&str] = if parallel { &["states", "parallel"] } else { &["states"] };
    let mut schema = form("states", title, required);
    if let Some(Json::Object(properties)) = schema.get_mut("properties") {
        if parallel {
            properties.remove("initial");
        }
        let which = told(json!({ "const": parallel }), words::told_beside("states", "parallel"));
        properties.insert("parallel".to_owned(), which);
    }
    schema
}

fn key_of(does: &str, key: &str) -> Json {
    match (does, key) {
        (_, "say" | "invoke" | "run" | "send" | "ask" | "initial") => text(),
        (_, "collect" | "confirm") => with(names(), "minItems", json!(1)),
        (_, "with") => expressions(),
        (_, "each" | "output") => reference("expression"),
        (_, "as" | "save" | "final" | "to") => name(),
        (_, "fresh_for") => reference("duration"),
        (_, "timeout" | "cache") => reference("delay"),
        (_, "retry") => reference("retry"),
        ("confirm" | "send", "yes" | "no") => reference("answer"),
        ("history", "target") => name_or_names(),
        (_, "done" | "error" | "unknown" | "target" | "always") => reference("onward"),
        (_, "wait" | "held") => json!({ "const": true }),
        (_, "after") => reference("delays"),
        ("held", "on") => reference("named_handlers"),
        (_, "on") => reference("handlers"),
        (_, "entry" | "exit") => reference("actions"),
        (_, "states") => with(named(reference("state")), "minProperties", json!(1)),
        (_, "history") => json!({ "enum": ["shallow", "deep"] }),
        (_, "was") => names(),
        _ => json!({}),
    }
}
