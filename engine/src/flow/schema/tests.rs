//! The schema and the checker know the same words.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use super::words::Told;
use super::{flow_schema, keys, states, words};

type Names = BTreeSet<String>;

fn set<'n>(names: impl IntoIterator<Item = &'n str>) -> Names {
    names.into_iter().map(str::to_owned).collect()
}

fn of(told: &[Told]) -> Names {
    set(told.iter().map(|(name, _)| *name))
}

#[test]
fn every_word_of_the_checker_is_explained_and_no_other() {
    assert_eq!(of(words::FILE), set(keys::FILE.iter().copied()));
    assert_eq!(of(words::STATE), set(keys::STATE.iter().copied()));
    assert_eq!(of(words::CASE), set(keys::CASE.iter().copied()));
    assert_eq!(of(words::ACTION), set(keys::ACTION.iter().copied()));
    assert_eq!(of(words::RETRY), set(keys::RETRY.iter().copied()));
    assert_eq!(of(words::NEVER), set(keys::NEVER.iter().copied()));
    assert_eq!(of(words::ALWAYS), set(keys::ALWAYS.iter().copied()));
    assert_eq!(of(words::TYPES), set(keys::TYPES.iter().map(|(name, _)| *name)));
    let bounds = keys::TYPES.iter().flat_map(|(_, own)| own.iter().copied());
    assert_eq!(of(words::SLOT), set(keys::SLOT.iter().copied().chain(bounds)));
    assert_eq!(of(words::EVENTS), set(keys::events().chain([keys::ANY])));
    let merges = keys::TYPES.iter().flat_map(|(name, _)| keys::merges(name));
    assert_eq!(of(words::MERGES), set(merges));
    for (does, key, _) in words::BESIDE {
        assert!(keys::of_state(does).any(|known| known == *key), "`{key}` beside `{does}`");
    }
}

#[test]
fn every_thing_that_a_state_can_do_has_a_shape() {
    let forms = states::FORMS.iter().map(|(does, _, _)| *does).chain(["states"]);
    assert_eq!(set(forms), set(keys::DOING.iter().copied().chain([""])));
}

#[test]
fn every_key_stands_in_the_schema_where_the_checker_knows_it() {
    let schema = flow_schema();
    let keys_in = |place: &str| -> Names {
        let mut found = Names::new();
        properties(schema.pointer(place).expect("a place in the schema"), &mut found);
        found
    };
    let states: Vec<Names> = match &schema["$defs"]["state"]["oneOf"] {
        Json::Array(forms) => forms
            .iter()
            .map(|form| {
                set(form["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()))
            })
            .collect(),
        _ => Vec::new(),
    };
    assert_eq!(states.iter().flatten().cloned().collect::<Names>(), set(keys::STATE.iter().copied()));
    for does in keys::DOING.iter().copied().filter(|does| *does != "states") {
        let own: Vec<&Names> = states.iter().filter(|keys| keys.contains(does)).collect();
        assert_eq!(own, [&set(keys::of_state(does))], "{does}");
    }
    assert_eq!(
        set(schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str())),
        set(keys::FILE.iter().copied())
    );
    assert_eq!(keys_in("/$defs/start_case"), set(keys::CASE.iter().copied()));
    assert_eq!(keys_in("/$defs/action"), set(keys::ACTION.iter().copied()));
    assert_eq!(keys_in("/$defs/retry"), set(keys::RETRY.iter().copied()));
    assert_eq!(keys_in("/$defs/never"), set(keys::NEVER.iter().copied()));
    assert_eq!(keys_in("/$defs/always"), set(keys::ALWAYS.iter().copied()));
    assert_eq!(keys_in("/$defs/handlers"), set(keys::events().chain([keys::ANY])));
    assert_eq!(keys_in("/$defs/slot"), of(words::SLOT));
}

#[test]
fn every_key_of_the_schema_is_explained() {
    fn unexplained(schema: &Json, path: &str, found: &mut Vec<String>) {
        match schema {
            Json::Object(keywords) => {
                for (name, property) in
                    keywords.get("properties").and_then(Json::as_object).into_iter().flatten()
                {
                    let explained = property["description"].as_str().is_some_and(|told| !told.is_empty());
                    // A condition of the schema itself is nothing an author sees.
                    if !explained && !path.ends_with("/if") {
                        found.push(format!("{path}/{name}"));
                    }
                }
                keywords
                    .iter()
                    .for_each(|(name, inner)| unexplained(inner, &format!("{path}/{name}"), found));
            }
            Json::Array(items) => items.iter().for_each(|inner| unexplained(inner, path, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    unexplained(&flow_schema(), "", &mut found);
    assert_eq!(found, [""; 0]);
}

/// The keys of a schema and of its alternatives, not of what they refer to.
fn properties(schema: &Json, found: &mut Names) {
    match schema {
        Json::Object(keywords) => {
            found.extend(
                keywords
                    .get("properties")
                    .and_then(Json::as_object)
                    .into_iter()
                    .flatten()
                    .map(|(name, _)| name.clone()),
            );
            for alternatives in ["oneOf", "anyOf"] {
                keywords.get(alternatives).into_iter().for_each(|inner| properties(inner, found));
            }
        }
        Json::Array(items) => items.iter().for_each(|inner| properties(inner, found)),
        _ => {}
    }
}
