//! What states make: results of calls and runs, one by one or for every item of a list, and slots by their policies.

use innkeeper_engine::{Input, Outcome, Waiting};
use serde_json::{Value as Json, json};

use crate::chart::Chart;

/// Runs a flow for a slot and shows what it put out.
const RUNS: &str = "
slots: { city: text, sure: boolean }
states:
  asks: { collect: [city], target: runs }
  runs: { run: child, with: { place: city }, save: found, done: [{ guard: outcome == 'none', target: empty }, { target: looks }] }
  looks: { invoke: look, with: { item: found.label }, done: closing }
  closing: { collect: [sure], target: over }
  empty: { final: empty }
  over: { final: done }
";

const CHILD: &str = "
flow: child
description: A flow that a chart under test runs.
slots: { place: text, date: text }
on: { deny: none }
states:
  asks: { collect: [date], target: ends }
  ends: { final: done, output: { label: \"place ~ ' on ' ~ date\" } }
  none: { final: none }
";

#[test]
fn what_a_flow_puts_out_is_there_for_later_states() {
    let mut chart = Chart::new(&[RUNS, CHILD]);
    chart.start();
    assert_eq!(chart.guest("city=Graz").said, "ask_date");
    assert_eq!(chart.slot("place"), "Graz");
    assert_eq!(chart.guest("date=monday").called(), [r#"look {"item":"Graz on monday"}"#]);
}

#[test]
fn the_outcome_of_a_flow_decides_where_it_goes_on() {
    let mut chart = Chart::new(&[RUNS, CHILD]);
    chart.start();
    chart.guest("city=Graz");
    assert_eq!(chart.guest("+deny").ends.as_deref(), Some("empty"));
}

#[test]
fn a_correction_of_what_a_run_was_given_runs_it_again() {
    let mut chart = Chart::new(&[RUNS, CHILD]);
    chart.start();
    chart.guest("city=Graz");
    chart.guest("date=monday");
    assert_eq!(chart.answer(1, json!({})).said, "ask_sure");
    let seen = chart.guest("city=Wien");
    assert_eq!((seen.said.as_str(), chart.slot("place")), ("ask_date", json!("Wien")));
    assert_eq!(chart.guest("date=friday").called(), [r#"look {"item":"Wien on friday"}"#]);
    assert_eq!(chart.answer(2, json!({})).said, "ask_sure");
    assert_eq!(chart.at(), "closing");
}

#[test]
fn a_refused_correction_of_what_a_run_was_given_is_explained_and_its_question_asked_again() {
    let runs = "
slots: { nights: { type: integer, max: 9 } }
states:
  asks: { collect: [nights], target: runs }
  runs: { run: child, save: found, done: over }
  over: { final: done }
";
    let mut chart = Chart::new(&[runs, CHILD]);
    chart.start();
    assert_eq!(chart.guest("nights=3").said, "ask_date");
    let seen = chart.guest("nights=30");
    assert_eq!(seen.said, "invalid_nights ask_date");
    // With an answer to the run flow's own question that counts.
    assert_eq!(chart.clone().guest("nights=40 date=monday").said, "invalid_nights");
    assert_eq!(chart.guest("nights=4 date=monday").ends.as_deref(), Some("done"));
}

#[test]
fn a_yes_within_a_flow_that_is_run_does_not_count_with_a_refused_value_of_what_runs_it() {
    let runs = "
slots: { nights: { type: integer, max: 9 } }
states:
  asks: { collect: [nights], target: runs }
  runs: { run: child, done: over }
  over: { final: done }
";
    let child = "
flow: child
description: A flow that a chart under test runs.
slots: { item: text }
states:
  asks: { collect: [item], target: reading }
  reading: { confirm: [item], yes: writing, no: over }
  writing: { invoke: write, with: { item: item }, done: over, error: over }
  over: { final: done }
";
    let mut chart = Chart::new(&[runs, child]);
    chart.start();
    chart.guest("nights=3");
    assert_eq!(chart.guest("item=tea").said, "confirm_child");
    let seen = chart.guest("nights=30 item=tea +affirm");
    assert_eq!((seen.said.as_str(), seen.called().len()), ("invalid_nights confirm_child", 0));
    assert_eq!(chart.guest("+affirm").called(), [r#"write {"item":"tea"}"#]);
}

#[test]
fn a_flow_is_run_for_every_item_one_after_the_other() {
    let flow = "
states:
  lists: { invoke: list, save: all, done: runs }
  runs: { run: child, each: all.items, as: one, with: { place: one.name }, save: found, done: looks }
  looks: { invoke: look, with: { item: found }, done: over }
  over: { final: done }
";
    let mut chart = Chart::new(&[flow, CHILD]);
    chart.start();
    let items = json!({ "items": [{ "name": "Graz" }, { "name": "Wien" }] });
    assert_eq!(chart.answer(1, items).said, "ask_date");
    assert_eq!(chart.slot("place"), "Graz");
    assert_eq!(chart.guest("date=monday").said, "ask_date");
    assert_eq!(chart.slot("place"), "Wien");
    let seen = chart.guest("date=friday");
    assert_eq!(seen.called(), [r#"look {"item":[{"label":"Graz on monday"},{"label":"Wien on friday"}]}"#]);
}

/// Looks at every item of a list.
const EACH: &str = "
states:
  lists: { invoke: list, save: all, done: looks }
  looks:
    invoke: look
    each: all.items
    as: one
    with: { item: one }
    save: seen
    done: tells
    error: { say: failed, target: over }
  tells: { invoke: look, with: { item: seen }, done: over }
  over: { final: done }
";

#[test]
fn answers_that_come_out_of_order_are_in_the_order_of_the_list() {
    let mut chart = Chart::new(&[EACH]);
    chart.start();
    assert_eq!(chart.answer(1, json!({ "items": ["a", "b", "c"] })).calls.len(), 3);
    for (call, answer) in [(4, "C"), (2, "A")] {
        assert!(chart.answer(call, json!(answer)).calls.is_empty());
        assert_eq!(*chart.position.waiting(), Waiting::Answers);
    }
    assert_eq!(chart.answer(3, json!("B")).called(), [r#"look {"item":["A","B","C"]}"#]);
}

#[test]
fn an_answer_that_comes_twice_counts_once() {
    let mut chart = Chart::new(&[EACH]);
    chart.start();
    chart.answer(1, json!({ "items": ["a", "b"] }));
    chart.answer(2, json!("A"));
    assert!(chart.answer(2, json!("other")).calls.is_empty());
    assert_eq!(chart.answer(3, json!("B")).called(), [r#"look {"item":["A","B"]}"#]);
}

#[test]
fn an_empty_list_needs_no_call() {
    for list in [json!({ "items": [] }), json!({ "items": 7 }), json!({})] {
        let mut chart = Chart::new(&[EACH]);
        chart.start();
        assert_eq!(chart.answer(1, list).called(), [r#"look {"item":[]}"#]);
    }
}

#[test]
fn one_failure_fails_the_list() {
    let mut chart = Chart::new(&[EACH]);
    chart.start();
    chart.answer(1, json!({ "items": ["a", "b"] }));
    let outcome = Outcome::Error { code: "broken".to_owned(), message: String::new() };
    let seen = chart.input(Input::Answered { call: 2, outcome });
    assert_eq!((seen.said.as_str(), seen.ends.as_deref()), ("failed", Some("done")));
    assert!(chart.answer(3, json!("late")).moves.is_empty());
}

/// Writes after a yes; where nobody knows what came of it, it says so.
const WRITES: &str = "
slots: { word: text }
states:
  asks: { collect: [word], target: reads }
  reads: { confirm: [word], yes: writes, no: asks }
  writes: { invoke: write, with: { item: word }, done: over, error: { say: failed, target: over }, unknown: { say: unknown, target: reads } }
  over: { final: done }
";

fn writing(flow: &str) -> Chart {
    let mut chart = Chart::new(&[flow]);
    chart.start();
    chart.guest("word=yes");
    assert_eq!(chart.guest("+affirm").called(), [r#"write {"item":"yes"}"#]);
    chart
}

fn unknown(call: u32) -> Input {
    Input::Answered { call, outcome: Outcome::Unknown { message: "no answer".to_owned() } }
}

#[test]
fn a_call_whose_outcome_nobody_knows_goes_its_own_way() {
    let mut chart = writing(WRITES);
    assert_eq!(chart.input(unknown(1)).said, "unknown confirm_case");
    assert_eq!(
        chart.guest("+affirm").called(),
        [r#"write {"item":"yes"}"#],
        "only a second yes writes again"
    );
}

#[test]
fn without_a_way_of_its_own_it_is_a_failure() {
    let mut chart = writing(&WRITES.replace(", unknown: { say: unknown, target: reads }", ""));
    let seen = chart.input(unknown(1));
    assert_eq!((seen.said.as_str(), seen.ends.as_deref()), ("failed", Some("done")));
}

#[test]
fn without_any_way_the_root_chart_answers_and_the_yes_is_spent() {
    let flow = WRITES
        .replace(", error: { say: failed, target: over }, unknown: { say: unknown, target: reads }", "");
    let mut chart = writing(&flow);
    assert_eq!(chart.input(unknown(1)).said, "tool_failed");
    assert_eq!(chart.position.state(&chart.flows), "conversation.idle");
}

/// A slot of each policy, all of them asked for at once.
fn merged(kind: &str, words: &[&str]) -> Json {
    let flow = format!(
        "
slots: {{ value: {kind}, other: text }}
states:
  first: {{ collect: [value, other], target: over }}
  over: {{ final: done }}
"
    );
    let mut chart = Chart::new(&[&flow]);
    chart.start();
    for word in words {
        chart.guest(&format!("value={word}"));
    }
    chart.slot("value")
}

#[test]
fn a_slot_takes_what_its_policy_says() {
    let cases: &[(&str, &[&str], Json)] = &[
        ("{ type: integer }", &["3", "1", "2"], json!(2)),
        ("{ type: integer, merge: replace }", &["3", "1", "2"], json!(2)),
        ("{ type: integer, merge: keep }", &["3", "1", "2"], json!(3)),
        ("{ type: integer, merge: max }", &["1", "3", "2"], json!(3)),
        ("{ type: integer, merge: min }", &["2", "1", "3"], json!(1)),
        ("{ type: integer, merge: sum }", &["1", "3", "2"], json!(6)),
        ("{ type: text, merge: append }", &["one", "two"], json!("one\ntwo")),
        ("{ type: text, merge: keep }", &["one", "two"], json!("one")),
        ("{ type: date, merge: max }", &["2026-12-02", "2026-12-24", "2026-12-03"], json!("2026-12-24")),
        ("{ type: date, merge: min }", &["2026-12-12", "2026-12-04", "2026-12-13"], json!("2026-12-04")),
        ("{ type: choice, options: [a, b], merge: keep }", &["a", "b"], json!("a")),
    ];
    for (kind, words, value) in cases {
        assert_eq!(merged(kind, words), *value, "{kind}");
    }
}

#[test]
fn a_sum_beyond_its_bound_is_refused_and_the_value_stays() {
    let flow = "
slots: { value: { type: integer, max: 5, merge: sum }, other: text }
states:
  first: { collect: [value, other], target: over }
  over: { final: done }
";
    let mut chart = Chart::new(&[flow]);
    chart.start();
    chart.guest("value=3");
    assert_eq!(chart.guest("value=3").said, "invalid_value");
    assert_eq!(chart.slot("value"), 3);
}

#[test]
fn an_eventless_transition_leaves_a_question_as_soon_as_its_guard_holds() {
    let flow = "
slots: { child: boolean, age: integer, name: text }
states:
  asks: { collect: [child, age, name], target: over, always: [{ guard: child, say: child, target: small }] }
  small: { final: small }
  over: { final: done }
";
    let mut chart = Chart::new(&[flow]);
    assert_eq!(chart.start().said, "ask_child");
    let seen = chart.guest("child=true");
    assert_eq!((seen.said.as_str(), seen.ends.as_deref()), ("child", Some("small")));
    let mut chart = Chart::new(&[flow]);
    chart.start();
    assert_eq!(chart.guest("child=false").said, "ask_age");
}

#[test]
fn how_patiently_a_call_is_made_goes_with_it() {
    let flow = "
states:
  looks: { invoke: look, retry: { times: 2, backoff: 300ms }, timeout: 5s, cache: 10m, done: over }
  over: { final: done }
";
    let calls = Chart::new(&[flow]).start().calls;
    assert_eq!((calls[0].retry.times, calls[0].retry.backoff_ms), (2, 300));
    assert_eq!((calls[0].retry.timeout_ms, calls[0].cache_ms), (Some(5_000), Some(600_000)));
}
