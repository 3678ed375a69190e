//! Transitions: a name, a case, or a list of guarded cases; and what is done on the way.

use serde_json::{Map, Value as Json, json};

use super::shapes::{expressions, name, name_or_names, names, object, reference, text, told};
use super::{DELAY, keys, with, words};

/// Keys of a case that only an answer to what a guest says has.
const ANSWERS: &[&str] = &["next_page", "previous_page", "undo"];
/// Keys of a case that comes back to where it was.
const STAYS: &[&str] = &["run"];
/// Keys of a case that puts a wish aside.
const WISH: &[&str] = &["queue"];

/// Everything about cases that the schema refers to.
pub(super) fn definitions() -> Map<String, Json> {
    let all = |without: &[&[&str]]| -> Vec<&'static str> {
        keys::CASE.iter().copied().filter(|key| !without.iter().any(|keys| keys.contains(key))).collect()
    };
    let onward = all(&[STAYS, ANSWERS, WISH]);
    let delayed = all(&[ANSWERS, WISH]);
    let cases = [
        ("onward", "Where it goes", case(&onward, true)),
        ("delayed", "What is done after some time", case(&delayed, false)),
        ("named_event", "What is done when it happens", case(&delayed, false)),
        ("answer", "An answer", case(&all(&[WISH]), false)),
        ("start", "What is done with a wish", case(&all(&[]), false)),
    ];
    let mut definitions = Map::new();
    for (name, title, case) in cases {
        let one = format!("{name}_case");
        definitions.insert(name.to_owned(), titled(list_of(&reference(&one)), title));
        definitions.insert(one, titled(case, title));
    }
    let others = [
        ("action", action()),
        (
            "actions",
            json!({
                "title": "What is done",
                "anyOf": [reference("action"), { "type": "array", "items": reference("action") }],
            }),
        ),
        ("handlers", handlers()),
        ("named_handlers", named_handlers()),
        ("delays", delays()),
    ];
    definitions.extend(others.map(|(name, schema)| (name.to_owned(), schema)));
    definitions
}

fn titled(schema: Json, title: &str) -> Json {
    with(schema, "title", json!(title))
}

/// The name of a state, one case, or a list of both.
fn list_of(case: &Json) -> Json {
    let one = json!({ "anyOf": [text(), case] });
    json!({ "anyOf": [text(), case, { "type": "array", "items": one, "minItems": 1 }] })
}

/// A case. One that goes on by itself must say where to.
fn case(keys: &[&'static str], onward: bool) -> Json {
    let ways: Vec<&&str> = keys::WAYS.iter().filter(|way| keys.contains(way)).collect();
    let schema = object(words::CASE, keys, if onward { &["target"] } else { &[] }, |key| match key {
        "guard" => reference("condition"),
        "say_again" | "ask_again" | "reenter" | "next_page" | "previous_page" | "queue" | "undo" => {
            json!({ "type": "boolean" })
        }
        "clear" => names(),
        "set" => expressions(),
        "target" => name_or_names(),
        _ => text(),
    });
    // Of the ways a case can go, it goes at most one.
    let others = |way: &str| -> Vec<Json> {
        ways.iter().filter(|other| ***other != way).map(|other| json!({ "required": [other] })).collect()
    };
    if onward {
        return schema;
    }
    let one_way: Map<String, Json> =
        ways.iter().map(|way| ((**way).to_owned(), json!({ "not": { "anyOf": others(way) } }))).collect();
    with(schema, "dependentSchemas", Json::Object(one_way))
}

fn action() -> Json {
    let keys = object(words::ACTION, keys::ACTION, &[], |key| match key {
        "clear" => names(),
        "set" => expressions(),
        _ => text(),
    });
    with(titled(keys, "An action"), "minProperties", json!(1))
}

fn handlers() -> Json {
    let mut properties: Map<String, Json> = keys::events()
        .map(|event| {
            let cases = match event {
                "start" => "start",
                "wish" => "named_event",
                _ => "answer",
            };
            (event.to_owned(), told(reference(cases), words::told(words::EVENTS, event)))
        })
        .collect();
    let any = told(reference("named_event"), words::told(words::EVENTS, keys::ANY));
    properties.insert(keys::ANY.to_owned(), any);
    json!({
        "title": "Cases by event",
        "type": "object",
        "properties": properties,
        "propertyNames": { "anyOf": [{ "const": keys::ANY }, name()] },
        "additionalProperties": reference("named_event"),
    })
}

/// Only named events.
fn named_handlers() -> Json {
    let own: Vec<&str> = keys::events().collect();
    let any = told(reference("named_event"), words::told(words::EVENTS, keys::ANY));
    json!({
        "title": "Cases by named event",
        "type": "object",
        "properties": { keys::ANY: any },
        "propertyNames": { "anyOf": [{ "const": keys::ANY }, name()], "not": { "enum": own } },
        "additionalProperties": reference("named_event"),
    })
}

fn delays() -> Json {
    json!({
        "title": "Cases by time",
        "type": "object",
        "patternProperties": { DELAY: reference("delayed") },
        "additionalProperties": false,
    })
}
