//! Output schemas in the plain form that every client understands.

use std::sync::Arc;

use rmcp::model::JsonObject;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// The schema of what a tool answers: no references, no null unions, no formats of one language.
pub(super) fn output<T: JsonSchema>() -> Arc<JsonObject> {
    let settings =
        SchemaSettings::draft2020_12().for_serialize().with(|settings| settings.inline_subschemas = true);
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    plain(&mut schema);
    let mut schema = match schema {
        Value::Object(schema) => schema,
        _ => JsonObject::new(),
    };
    for noise in ["$schema", "title", "description"] {
        schema.remove(noise);
    }
    Arc::new(schema)
}

fn plain(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            without_null(object);
            if object.get("format").and_then(Value::as_str).is_some_and(|format| !format.starts_with("date"))
            {
                object.remove("format");
            }
            if let Some(names) = names_of_variants(object) {
                object.remove("oneOf");
                object.insert("type".to_owned(), Value::from("string"));
                object.insert("enum".to_owned(), Value::from(names));
            }
            object.values_mut().for_each(plain);
        }
        Value::Array(items) => items.iter_mut().for_each(plain),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// What may be missing is left out, never null: results skip what is `None`.
fn without_null(object: &mut JsonObject) {
    let null = Value::from("null");
    if let Some(Value::Array(types)) = object.get_mut("type") {
        types.retain(|name| *name != null);
        if let [only] = types.as_slice() {
            let only = only.clone();
            object.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(names)) = object.get_mut("enum") {
        names.retain(|name| !name.is_null());
    }
    if let Some(Value::Array(choices)) = object.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type") != Some(&null));
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            object.remove("anyOf");
            for (word, rule) in only {
                object.entry(word).or_insert(rule);
            }
        }
    }
}

/// The names of an enum whose variants are described one by one.
fn names_of_variants(object: &JsonObject) -> Option<Vec<String>> {
    let variants = object.get("oneOf")?.as_array()?;
    variants.iter().map(|variant| Some(variant.get("const")?.as_str()?.to_owned())).collect()
}
