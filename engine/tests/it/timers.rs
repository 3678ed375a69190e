//! Delayed transitions: when they are due, in which order they are taken, and what becomes of them.

use chrono::TimeDelta;
use innkeeper_engine::Input;
use serde_json::{Value as Json, json};

use crate::chart::{Chart, ROOT, with_root};

const LADDER: &str = "
events: [leave, again, hold]
on: { bye: over }
states:
  outer:
    after: { 5s: { say: outer_5 } }
    on: { again: { target: inner, reenter: true }, hold: { say: held } }
    states:
      inner: { wait: true, on: { leave: beside, hold: inner }, after: { 1s: { say: inner_1 }, 3s: { say: inner_3 } } }
      beside: { wait: true }
  over: { final: done }
";

fn started() -> Chart {
    let mut chart = Chart::new(&[LADDER]);
    chart.start();
    chart
}

/// In how many seconds the next one is due.
fn due(chart: &Chart) -> Option<i64> {
    chart.position.due().map(|due| (due - chart.now).num_seconds())
}

#[test]
fn the_next_one_to_be_due_is_known() {
    let mut chart = started();
    let mut seen = vec![due(&chart)];
    for _ in 0..5 {
        chart.later(1);
        seen.push(due(&chart));
    }
    assert_eq!(seen, [Some(1), Some(2), Some(1), Some(2), Some(1), None]);
}

#[test]
fn time_that_passes_before_one_is_due_changes_nothing() {
    let mut chart = started();
    let before = chart.position.clone();
    chart.now += TimeDelta::milliseconds(999);
    assert_eq!(chart.input(Input::Due).said, "");
    assert_eq!(chart.position.due(), before.due());
}

#[test]
fn several_that_are_due_at_once_are_taken_in_the_order_they_were_due() {
    let mut chart = started();
    assert_eq!(chart.later(60).said, "inner_1 inner_3 outer_5");
    assert_eq!(due(&chart), None);
    assert_eq!(chart.later(60).said, "", "each is taken once");
}

#[test]
fn leaving_a_state_cancels_its_own_and_no_other() {
    let mut chart = started();
    chart.event("leave", Json::Null);
    assert_eq!(due(&chart), Some(5));
    assert_eq!(chart.later(60).said, "outer_5");
}

#[test]
fn what_an_earlier_one_leaves_does_not_happen() {
    let flow = "
on: { bye: over }
states:
  waits: { wait: true, after: { 1s: calm, 2s: { say: never } } }
  calm: { wait: true, after: { 1s: { say: calm } } }
  over: { final: done }
";
    let mut chart = Chart::new(&[flow]);
    chart.start();
    assert_eq!(chart.later(1).moves, "-waits +calm");
    assert_eq!(chart.later(1).said, "calm");
}

#[test]
fn one_that_is_due_late_begins_the_next_delay_when_it_is_taken() {
    let flow = "
on: { bye: over }
states:
  one: { wait: true, after: { 1s: two } }
  two: { wait: true, after: { 1s: { say: two } } }
  over: { final: done }
";
    let mut chart = Chart::new(&[flow]);
    chart.start();
    assert_eq!((chart.later(60).moves, due(&chart)), ("-one +two".to_owned(), Some(1)));
}

#[test]
fn entering_again_begins_the_delay_again() {
    let mut chart = started();
    chart.later(1);
    assert_eq!(chart.event("hold", Json::Null).moves, "-inner +inner");
    assert_eq!(due(&chart), Some(1));
    assert_eq!(chart.later(1).said, "inner_1");
    assert_eq!(chart.event("again", Json::Null).moves, "-inner -outer +outer +inner");
    assert_eq!(chart.later(4).said, "inner_1 inner_3", "the outer one counts from now as well");
    assert_eq!(chart.later(1).said, "outer_5");
}

#[test]
fn a_transition_that_stays_does_not_begin_the_delay_again() {
    let mut chart = started();
    chart.event("leave", Json::Null);
    chart.later(4);
    assert_eq!(chart.event("hold", Json::Null).said, "held");
    assert_eq!(chart.later(1).said, "outer_5");
}

#[test]
fn a_delay_survives_a_restart() {
    let mut chart = started();
    chart.later(2);
    let saved = chart.position.to_bytes().unwrap();
    let mut later = Chart::on(chart.flows.clone());
    later.position = innkeeper_engine::Position::from_bytes(&saved).unwrap();
    later.now = chart.now;
    assert_eq!(due(&later), Some(1));
    assert_eq!(later.later(1).said, "inner_3");
}

#[test]
fn a_digression_defers_what_is_due_until_it_is_over() {
    let waits = "
on: { bye: over }
states:
  waits: { wait: true, after: { 1s: { say: waits } } }
  over: { final: done }
";
    let aside = "
flow: aside
description: Something in between.
events: [back]
states:
  talks: { wait: true, on: { back: over }, after: { 10s: { say: aside } } }
  over: { final: done }
";
    let mut chart = Chart::new(&[waits, aside]);
    chart.start();
    chart.guest("+start:aside");
    assert_eq!(due(&chart), Some(10), "only what is on top is listened to");
    assert_eq!(chart.later(5).said, "");
    chart.event("back", Json::Null);
    assert_eq!(due(&chart), Some(-4));
    assert_eq!(chart.later(0).said, "waits");
}

#[test]
fn nothing_is_due_while_calls_are_out() {
    let flow = "
on: { bye: over }
states:
  p:
    parallel: true
    states:
      a: { wait: true, after: { 1s: { say: late } } }
      b: { states: { calls: { invoke: look, done: rests }, rests: { wait: true } } }
  over: { final: done }
";
    let mut chart = Chart::new(&[flow]);
    let calls = chart.start().calls;
    assert_eq!(chart.later(2).said, "", "a turn is under way");
    chart.answer(calls[0].id, json!({}));
    assert_eq!(chart.later(0).said, "late");
}

#[test]
fn of_two_that_are_due_the_second_waits_for_the_call_of_the_first() {
    let flow = "
on: { bye: over }
states:
  p:
    parallel: true
    states:
      a: { states: { a1: { wait: true, after: { 1s: a2 } }, a2: { invoke: look, done: a3 }, a3: { wait: true } } }
      b: { wait: true, after: { 2s: { say: second } } }
  over: { final: done }
";
    let mut chart = Chart::new(&[flow]);
    chart.start();
    let seen = chart.later(2);
    assert_eq!((seen.calls.len(), seen.said.as_str()), (1, ""));
    assert_eq!(chart.answer(seen.calls[0].id, json!({})).said, "");
    assert_eq!(due(&chart), Some(0));
    assert_eq!(chart.later(0).said, "second");
}

#[test]
fn of_two_that_are_due_the_second_is_nothing_to_a_conversation_that_is_over() {
    let root = ROOT.replace(
        "  idle: { wait: true }",
        "  idle: { wait: true, on: { start: { target: p } } }\n  over: { final: over }",
    ) + "
  p:
    parallel: true
    states:
      a: { wait: true, after: { 1s: over } }
      b: { wait: true, after: { 1s: { say: never } } }
";
    let mut chart = Chart::on(with_root(&root, &[OTHER]));
    chart.guest("+start:other");
    assert_eq!(chart.later(2).said, "");
    assert!(chart.position.is_over());
    assert_eq!(chart.position.due(), None);
}

const OTHER: &str = "
flow: other
description: The guest wants something else.
states:
  only: { final: done }
";

#[test]
fn a_guarded_delay_whose_guard_does_not_hold_is_over() {
    let flow = "
events: [yes]
slots: { yes: boolean }
on: { bye: over }
states:
  waits:
    wait: true
    entry: { set: { yes: false } }
    on: { \"yes\": { set: { yes: true } } }
    after: { 1s: { guard: yes, say: first }, 2s: { guard: yes, say: second } }
  over: { final: done }
";
    let mut chart = Chart::new(&[&flow.replace("yes", "ready")]);
    chart.start();
    assert_eq!(chart.later(1).said, "");
    chart.event("ready", Json::Null);
    assert_eq!(chart.later(1).said, "second");
}

#[test]
fn a_delay_asks_nothing_again() {
    let flow = "
slots: { word: text }
states:
  asks: { collect: [word], target: over, after: { 1m: { say: still_there } } }
  over: { final: done }
";
    let mut chart = Chart::new(&[flow]);
    assert_eq!(chart.start().said, "ask_word");
    assert_eq!(chart.later(60).said, "still_there");
    assert_eq!(chart.guest("word=yes").ends.as_deref(), Some("done"), "the question is open as before");
}

#[test]
fn the_root_charts_first_state_has_delays_too() {
    let root = ROOT.replace(
        "  idle: { wait: true }",
        "  idle: { wait: true, say: hello, after: { 1s: { say: early } } }",
    );
    let mut chart = Chart::on(with_root(&root, &[OTHER]));
    let begins = chart.input(Input::Guest(Default::default()));
    assert_eq!(begins.said, "hello");
    assert_eq!(chart.later(1).said, "early");
}
