//! Drawings: what they show, and that Mermaid itself reads them.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use innkeeper_engine::flow::{Form, Source};
use innkeeper_engine::{Flows, Input, Moment, Position, step};
use serde_json::{Value as Json, json};

use crate::files;
use crate::flows::{check, sources};

/// Set to `1` where Mermaid must be there, so that its absence cannot go unnoticed.
const REQUIRE: &str = "INNKEEPER_REQUIRE_MERMAID";

const STATECHART: &str = include_str!("flows/good/statechart.yaml");

const HOW: &str = "Install Node.js with npm, then: npm ci --prefix engine/tests/mermaid";

/// The `node` that Mermaid runs on, so that the machine's own may be older.
const NODE: &str = "node_modules/node/bin/node";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/mermaid")
}

/// All good flows, each with the flows it was checked with.
fn good() -> Vec<(String, Flows)> {
    let load = |source: Source| (source.file.clone(), check(&source.file, &source.text).unwrap());
    files::sources("tests/it/flows/good").into_iter().map(load).collect()
}

fn names(flows: &Flows) -> Vec<String> {
    flows.root().into_iter().chain(flows.iter()).map(|flow| flow.name.to_string()).collect()
}

fn drawings(flows: &Flows) -> Vec<(String, String)> {
    names(flows).into_iter().map(|name| (name.clone(), flows.draw(&name).unwrap())).collect()
}

#[test]
fn good_flows_are_drawn() {
    files::each("tests/it/flows/good", |name, text| {
        let flows = check(name, text).unwrap();
        let all: Vec<String> =
            drawings(&flows).into_iter().map(|(name, drawing)| format!("%% {name}\n{drawing}")).collect();
        insta::assert_snapshot!(all.join("\n"));
    });
}

#[test]
fn names_and_expressions_that_mean_something_to_mermaid_are_drawn_as_text() {
    insta::assert_snapshot!(words().draw("words").unwrap());
}

#[test]
fn a_flow_that_does_not_exist_is_not_drawn() {
    let flows = statechart();
    assert_eq!(flows.draw("statechar"), None);
    let position = Position::start(&flows);
    assert_eq!(flows.draw_at("statechar", &position), None);
}

#[test]
fn the_same_flow_is_drawn_the_same_whatever_the_order_of_the_files() {
    let mut sources = sources("statechart.yaml", STATECHART);
    let tools = crate::flows::tools();
    let first = Flows::check(&sources, &tools, &Default::default()).unwrap();
    sources.reverse();
    let last = Flows::check(&sources, &tools, &Default::default()).unwrap();
    assert_eq!(drawings(&first), drawings(&last));
}

#[test]
fn a_drawing_shows_where_a_conversation_stands() {
    let flows = statechart();
    let moment = Moment { at: "2026-12-01T10:00:00Z".parse().unwrap(), today: "2026-12-01".parse().unwrap() };
    let begun = step(&flows, Position::start(&flows), Input::Guest(Default::default()), moment).next;
    let drawn = flows.draw_at("conversation", &begun).unwrap();
    let marked = |drawing: &str| -> Vec<String> {
        let lines = drawing.lines().map(str::trim);
        lines
            .filter(|line| line.starts_with("class ") && line.ends_with(" here"))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(marked(&drawn), ["class idle here"]);
    assert_eq!(marked(&flows.draw("conversation").unwrap()), [""; 0]);
    let elsewhere = flows.draw_at("statechart", &begun).unwrap();
    assert_eq!(elsewhere, flows.draw("statechart").unwrap());
}

fn statechart() -> Flows {
    check("statechart.yaml", STATECHART).unwrap()
}

fn words() -> Flows {
    check("words.yaml", WORDS).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// What Mermaid made of drawings: for each the states and the arrows it knows, or what it says is wrong.
fn read_by_mermaid(drawings: &[String]) -> Option<Vec<Json>> {
    let (node, mermaid) = (folder().join(NODE), folder().join("node_modules/mermaid"));
    if !(node.exists() && mermaid.exists()) {
        let required = std::env::var_os(REQUIRE).is_some_and(|value| value == "1");
        assert!(!required, "{REQUIRE}=1, but Mermaid is not installed. {HOW}");
        // Past the test's own output, which nobody sees when it passes.
        let line =
            format!("\nSKIPPED: Mermaid itself did not read the drawings: it is not installed. {HOW}\n\n");
        std::io::stderr().write_all(line.as_bytes()).unwrap();
        return None;
    }
    let mut node = Command::new(node)
        .arg(folder().join("read.mjs"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    node.stdin.take().unwrap().write_all(json!(drawings).to_string().as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "Mermaid could not be run");
    let read: Vec<Json> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(read.len(), drawings.len(), "Mermaid read all of them");
    Some(read)
}

#[test]
fn mermaid_reads_every_drawing_and_finds_every_state() {
    let mut flows = good();
    flows.push(("words.yaml".to_owned(), words()));
    let mut texts = Vec::new();
    let mut expected = Vec::new();
    for (file, flows) in &flows {
        for (name, drawing) in drawings(flows) {
            let flow = flows.get(&name).unwrap();
            let states: BTreeSet<String> = flow.states.keys().map(ToString::to_string).collect();
            let groups = flow
                .states
                .values()
                .filter(|state| !matches!(state.form, Form::Atomic(_) | Form::History { .. }));
            expected.push((
                format!("{name} of {file}"),
                states,
                groups.count(),
                drawing.matches("-->").count(),
            ));
            texts.push(drawing);
        }
    }
    let Some(found) = read_by_mermaid(&texts) else { return };
    for ((name, states, groups, arrows), found) in expected.into_iter().zip(found) {
        assert_eq!(found["error"], Json::Null, "Mermaid refuses the drawing of {name}");
        let known: BTreeSet<String> = found["states"]
            .as_array()
            .unwrap()
            .iter()
            .map(|state| state.as_str().unwrap().trim_end_matches('_').to_owned())
            .filter(|state| state.starts_with(|first: char| first.is_ascii_lowercase()))
            .collect();
        assert_eq!(known, states, "the states of {name}");
        assert_eq!(found["groups"].as_u64(), Some(groups as u64), "the states with states of {name}");
        assert_eq!(found["arrows"].as_u64(), Some(arrows as u64), "the arrows of {name}");
    }
}

#[test]
fn mermaid_shows_an_expression_as_it_was_written() {
    let flows = words();
    let Some(found) = read_by_mermaid(&[flows.draw("words").unwrap()]) else { return };
    let labels = found[0]["labels"].to_string();
    let guard = "[vegan and eggs > 3 and 'a: b; #c' != \\\"%d\\\"]";
    assert!(labels.contains(guard), "{labels}");
}

#[test]
fn mermaid_reads_the_drawings_of_the_shipped_flows() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../flows");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let drawings: Vec<PathBuf> =
        files.filter(|file| file.extension().is_some_and(|end| end == "mmd")).collect();
    assert!(!drawings.is_empty());
    let texts: Vec<String> = drawings.iter().map(|file| std::fs::read_to_string(file).unwrap()).collect();
    let Some(found) = read_by_mermaid(&texts) else { return };
    for (file, found) in drawings.iter().zip(found) {
        assert_eq!(found["error"], Json::Null, "{}", file.display());
    }
}

#[test]
fn mermaid_refuses_what_is_no_drawing() {
    let Some(found) = read_by_mermaid(&["stateDiagram-v2\n    a --> --> b".to_owned()]) else { return };
    assert!(found[0]["error"].is_string());
}

/// Names and expressions that would mean something else to Mermaid.
const WORDS: &str = r##"
flow: words
description: Names that mean something else elsewhere.
slots: { vegan: boolean, eggs: integer }
states:
  state: { collect: [vegan, eggs], target: note }
  note:
    always:
      - { guard: "vegan and eggs > 3 and 'a: b; #c' != \"%d\"", target: class }
      - { guard: "'direction TB' == '--> {x} <b>'", target: default }
      - { target: style }
  class:
    initial: click
    states:
      inner:
        states:
          other: { target: href }
          click: { ask: what, target: other }
      href: { final: done }
      class_start: { ask: what, target: href }
    on: { change: class_start }
    done: end
  default: { ask: what, target: root }
  style: { ask: what, target: scale }
  scale: { ask: what, target: direction }
  direction: { ask: what, target: hide }
  hide: { ask: what, target: root }
  root: { ask: what, target: end }
  end: { final: done }
"##;
