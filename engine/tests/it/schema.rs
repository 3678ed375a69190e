//! The schema of flow files: it takes what the checker takes, and refuses what is wrong in shape.

use std::path::PathBuf;

use boon::{Compiler, Schemas};
use innkeeper_engine::flow::{Rule, flow_schema};
use serde_json::Value as Json;

use crate::files;
use crate::flows::{check, sources};

/// What refuses a document that is no flow.
struct Validator {
    schemas: Schemas,
    flow: boon::SchemaIndex,
}

impl Validator {
    fn new() -> Self {
        let mut schemas = Schemas::new();
        let mut compiler = Compiler::new();
        compiler.add_resource("flow.json", flow_schema()).unwrap();
        let flow = compiler.compile("flow.json", &mut schemas).unwrap_or_else(|error| panic!("{error:#}"));
        Self { schemas, flow }
    }

    /// What the schema has against a text, if it has something.
    fn refusal(&self, text: &str) -> Option<String> {
        let document: Json = match serde_saphyr::from_str(text) {
            Ok(document) => document,
            Err(error) => return Some(error.to_string()),
        };
        self.schemas.validate(&document, self.flow).err().map(|error| format!("{error:#}"))
    }

    fn takes(&self, text: &str) -> bool {
        self.refusal(text).is_none()
    }
}

#[test]
fn the_schema_takes_every_good_flow() {
    let validator = Validator::new();
    let mut taken = 0;
    for file in [files::yaml("tests/it/flows/good"), files::yaml("../flows")].concat() {
        let text = std::fs::read_to_string(&file).unwrap();
        for source in sources("flow.yaml", &text) {
            let refusal = validator.refusal(&source.text);
            assert_eq!(refusal, None, "{} of {}", source.file, file.display());
            taken += 1;
        }
    }
    assert!(taken > 10);
}

#[test]
fn the_schema_refuses_what_is_wrong_in_shape() {
    let validator = Validator::new();
    let mut refused = 0;
    let mut taken: Vec<String> = Vec::new();
    let corpus = [files::yaml("tests/it/flows/broken"), files::yaml("tests/it/flows/broken/one")].concat();
    // What an expression comes to is no matter of shape.
    let computed = |file: &PathBuf| files::name(file).starts_with("set_to_");
    for file in corpus.into_iter().filter(|file| !computed(file)) {
        let text = std::fs::read_to_string(&file).unwrap();
        let mistakes = check("flow.yaml", &text).unwrap_err();
        for source in sources("flow.yaml", &text) {
            // A slip in a name that the author chose is none in shape.
            let of_shape = mistakes.0.iter().filter(|mistake| {
                let here = mistake.place.as_ref().is_some_and(|place| place.file == source.file);
                here && matches!(mistake.rule, Rule::UnknownKey | Rule::UnknownType | Rule::WrongType)
            });
            if of_shape.count() > 0 {
                if validator.takes(&source.text) {
                    taken.push(format!("{} of {}", source.file, file.display()));
                }
                refused += 1;
            }
        }
    }
    assert_eq!(taken, [""; 0]);
    assert!(refused > 20, "{refused}");
}

/// A flow of one state.
fn flow(state: &str) -> String {
    format!(
        "flow: small\ndescription: A small flow.\nslots: {{ eggs: integer, tea: boolean }}\nstates:\n  one: {{ {state} }}\n"
    )
}

#[test]
fn keys_that_belong_to_something_else_are_refused() {
    let validator = Validator::new();
    let good = [
        "collect: [eggs], target: one",
        "ask: what, target: [{ guard: eggs > 3, say: many, target: one }, one]",
        "invoke: tool, with: { a: eggs, b: [1, true] }, save: it, fresh_for: 5m, timeout: 5s, cache: 1h, done: one",
        "invoke: tool, each: its.list, as: item, done: one, error: one, unknown: one",
        "run: other, with: { eggs: eggs }, save: it, done: one",
        "confirm: [eggs], yes: one, no: { say: why }",
        "wait: true, on: { thank: { say: welcome }, more: { next_page: true }, payment: one }",
        "wait: true, after: { 10m: { say: still_there }, 24h: one }",
        "target: one",
        "always: [{ guard: eggs, target: one }, one]",
        "after: { 10m: one }",
        "final: done, output: { eggs: eggs }",
        "held: true, on: { given_back: one }",
        "states: { two: { wait: true } }, initial: two, done: one",
        "parallel: true, states: { two: { wait: true }, three: { wait: true } }",
        "states: { two: { history: deep, target: [one, three] }, three: { wait: true } }",
        "entry: { set: { eggs: 2 } }, exit: [{ clear: [eggs] }, { raise: left }], wait: true, say: hello",
    ];
    for state in good {
        assert_eq!(validator.refusal(&flow(state)), None, "{state}");
    }
    let bad = [
        "collect: [eggs], done: one",
        "collect: [], target: one",
        "collect: eggs, target: one",
        "collect: [eggs]",
        "collect: [eggs], ask: what, target: one",
        "collect: [eggs], target: { say: nowhere }",
        "collect: [eggs], target: { target: one, next_page: true }",
        "invoke: tool, done: one, fresh_for: 5m",
        "invoke: tool, done: one, each: its.list",
        "invoke: tool, done: one, timeout: soon",
        "invoke: tool, done: one, retry: { backoff: 1s }",
        "invoke: tool, done: one, retry: { times: 11 }",
        "invoke: tool, target: one",
        "run: other, done: one, cache: 5m",
        "confirm: [eggs], yes: one",
        "wait: false",
        "wait: true, on: { thank: { target: one, run: other } }",
        "wait: true, on: { thank: { queue: true } }",
        "wait: true, after: { soon: one }",
        "target: one, always: one",
        "say: hello",
        "final: done, on: { thank: one }",
        "final: Done",
        "held: true, on: { thank: one }",
        "parallel: true, states: { two: { wait: true } }, initial: two",
        "states: {}",
        "history: half, target: one",
        "history: deep",
        "entry: { target: one }, wait: true",
        "wait: true, unknown_key: 1",
    ];
    for state in bad {
        assert!(!validator.takes(&flow(state)), "{state}");
    }
}

#[test]
fn every_type_of_slot_has_its_own_keys() {
    let validator = Validator::new();
    let takes =
        |slot: &str| validator.takes(&flow("wait: true").replace("eggs: integer", &format!("eggs: {slot}")));
    for good in [
        "date",
        "{ type: date, min: today+1, max: 2030-12-31 }",
        "{ type: date_range, min: today, max_nights: 30, was: [nights] }",
        "{ type: party, min: 1, max: 12 }",
        "{ type: choice, options: [one, \"two\"], optional: true }",
        "{ type: choice, from: offers.rooms, key: id, label: name, words: [view], sets: [tea] }",
        "{ type: integer, min: -3, merge: sum, unit: [egg, eggs] }",
        "{ type: text, max_length: 80, merge: append }",
        "{ type: person_name, default: guest.name, remember: true }",
    ] {
        assert!(takes(good), "{good}");
    }
    for bad in [
        "choice",
        "sometime",
        "{ min: 3 }",
        "{ type: sometime }",
        "{ type: date, min: tomorrow }",
        "{ type: date, max_nights: 3 }",
        "{ type: party, min: 0 }",
        "{ type: choice }",
        "{ type: choice, options: [] }",
        "{ type: choice, options: [one], from: offers.rooms }",
        "{ type: choice, options: [one], key: id }",
        "{ type: choice, from: offers.rooms, key: id }",
        "{ type: boolean, merge: sum }",
        "{ type: phone, optional: maybe }",
    ] {
        assert!(!takes(bad), "{bad}");
    }
}

#[test]
fn a_file_says_what_it_is() {
    let validator = Validator::new();
    for good in [
        "flow: spa\nenabled: false\n",
        "flow: conversation\nstates: { idle: { wait: true } }\n",
        "flow: a\ndescription: A.\nevents: [paid]\nnever: { state: one, guard: not x }\nstates: { one: { wait: true } }\n",
        "flow: a\ndescription: A.\nalways: [{ before: one, passed: [two] }]\nstates: { one: { wait: true } }\n",
    ] {
        assert_eq!(validator.refusal(good), None, "{good}");
    }
    for bad in [
        "description: A.\nstates: { one: { wait: true } }\n",
        "flow: a\nstates: { one: { wait: true } }\n",
        "flow: a\ndescription: A.\n",
        "flow: a\ndescription: A.\nstates: {}\n",
        "flow: A\ndescription: A.\nstates: { one: { wait: true } }\n",
        "flow: a\ndescription: A.\nevents: [thank]\nstates: { one: { wait: true } }\n",
        "flow: a\ndescription: A.\nnever: [{ because: no }]\nstates: { one: { wait: true } }\n",
        "flow: a\ndescription: A.\nalways: [{ state: one, passed: two }]\nstates: { one: { wait: true } }\n",
        "flow: a\ndescription: A.\nstate: { one: { wait: true } }\n",
        "[flow]\n",
    ] {
        assert!(!validator.takes(bad), "{bad}");
    }
}
