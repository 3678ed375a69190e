//! A strict check of a value against the part of JSON Schema that the tools' schemas use.

use chrono::{DateTime, NaiveDate};
use serde_json::Value;

/// Panics where the value does not fit, or where the schema has a word this check does not know.
pub(crate) fn check(schema: &Value, value: &Value) {
    if let Err(mistake) = fits(schema, value, "$") {
        panic!("{mistake}\n{value:#}");
    }
}

fn fits(schema: &Value, value: &Value, at: &str) -> Result<(), String> {
    let schema = schema.as_object().ok_or_else(|| format!("{at}: the schema is no object"))?;
    for (word, rule) in schema {
        let fine = match word.as_str() {
            "description" => true,
            "type" => match rule.as_str().unwrap() {
                "object" => value.is_object(),
                "array" => value.is_array(),
                "string" => value.is_string(),
                "integer" => value.is_i64() || value.is_u64(),
                "boolean" => value.is_boolean(),
                other => return Err(format!("{at}: type {other} is not one of ours")),
            },
            "required" => {
                rule.as_array().unwrap().iter().all(|name| value.get(name.as_str().unwrap()).is_some())
            }
            "properties" => {
                for (name, inner) in rule.as_object().unwrap() {
                    if let Some(part) = value.get(name) {
                        fits(inner, part, &format!("{at}.{name}"))?;
                    }
                }
                let known = rule.as_object().unwrap();
                value.as_object().is_some_and(|value| value.keys().all(|name| known.contains_key(name)))
            }
            "additionalProperties" => rule == false,
            "items" => {
                for (place, item) in value.as_array().unwrap().iter().enumerate() {
                    fits(rule, item, &format!("{at}[{place}]"))?;
                }
                true
            }
            "enum" => rule.as_array().unwrap().contains(value),
            "minimum" => value.as_i64().is_some_and(|number| number >= rule.as_i64().unwrap()),
            "pattern" => rule == "^[A-Z]{3}$" && value.as_str().unwrap().len() == 3,
            "format" if rule == "date" => value.as_str().unwrap().parse::<NaiveDate>().is_ok(),
            "format" if rule == "date-time" => DateTime::parse_from_rfc3339(value.as_str().unwrap()).is_ok(),
            other => return Err(format!("{at}: the schema says {other}")),
        };
        if !fine {
            return Err(format!("{at}: {value} does not fit {word}: {rule}"));
        }
    }
    Ok(())
}

#[test]
fn a_value_that_does_not_fit_is_noticed() {
    let schema = serde_json::json!({
        "type": "object", "required": ["a"],
        "properties": { "a": { "type": "integer", "minimum": 1 }, "d": { "type": "string", "format": "date" } },
    });
    let fine = |value| fits(&schema, &value, "$").is_ok();
    assert!(fine(serde_json::json!({ "a": 1, "d": "2026-12-01" })));
    assert!(!fine(serde_json::json!({ "a": 0 })));
    assert!(!fine(serde_json::json!({ "a": 1.5 })));
    assert!(!fine(serde_json::json!({})));
    assert!(!fine(serde_json::json!({ "a": 1, "b": 1 })));
    assert!(!fine(serde_json::json!({ "a": 1, "d": "soon" })));
}
