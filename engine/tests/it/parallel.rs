//! Regions: their calls, their questions, their ends, and corrections that concern only some of them.

use innkeeper_engine::{Input, Outcome, Trace, Waiting};
use serde_json::{Value as Json, json};

use crate::chart::{Chart, ROOT, case, with_root};

/// Two regions, each with a question, a call that depends on its answer, and an end.
const BOTH: &str = "
slots: { color: text, size: integer, sure: boolean }
states:
  p:
    parallel: true
    done: closing
    states:
      left:
        states:
          l_ask: { collect: [color], target: l_look }
          l_look: { invoke: look, with: { item: color }, save: seen, done: l_end }
          l_end: { final: seen }
      right:
        states:
          r_ask: { collect: [size], target: r_look }
          r_look: { invoke: look, with: { item: size }, save: measured, done: r_end }
          r_end: { final: measured }
  closing: { collect: [sure], target: over }
  over: { final: done }
";

#[test]
fn questions_of_two_regions_are_asked_one_after_the_other() {
    let mut chart = Chart::new(&[BOTH]);
    assert_eq!(chart.start().said, "ask_color");
    let seen = chart.guest("color=red");
    assert_eq!(seen.called(), [r#"look {"item":"red"}"#]);
    assert_eq!(seen.said, "", "nothing is asked while a call is out");
    assert_eq!(chart.answer(1, json!({})).said, "ask_size");
    assert_eq!(chart.position.state(&chart.flows), "case.p.right.r_ask");
    let seen = chart.guest("size=3");
    assert_eq!(seen.called(), [r#"look {"item":3}"#]);
    assert_eq!(chart.answer(2, json!({})).said, "ask_sure");
}

#[test]
fn one_message_answers_the_questions_of_both_regions() {
    let mut chart = Chart::new(&[BOTH]);
    chart.start();
    let seen = chart.guest("color=red size=3");
    assert_eq!(
        seen.called(),
        [r#"look {"item":"red"}"#, r#"look {"item":3}"#],
        "both calls are made at once"
    );
    assert_eq!(chart.answer(2, json!({})).moves, "-r_look +r_end");
    assert_eq!(*chart.position.waiting(), Waiting::Answers);
    let seen = chart.answer(1, json!({}));
    assert_eq!(
        (seen.moves.as_str(), seen.said.as_str()),
        ("-l_look +l_end -r_end -right -l_end -left -p +closing", "ask_sure")
    );
}

#[test]
fn the_question_of_the_second_region_may_be_answered_first() {
    let mut chart = Chart::new(&[BOTH]);
    chart.start();
    assert_eq!(chart.guest("size=3").called(), [r#"look {"item":3}"#]);
    assert_eq!(chart.answer(1, json!({})).said, "ask_color", "the first one is still open");
}

#[test]
fn a_failure_in_one_region_leaves_the_other_its_call() {
    let flow = "
events: [go]
states:
  p:
    parallel: true
    on: { go: over }
    states:
      a: { states: { a1: { invoke: look, done: a2, error: { say: failed, target: a2 } }, a2: { wait: true } } }
      b: { states: { b1: { invoke: list, done: b2 }, b2: { wait: true } } }
  over: { final: done }
";
    let mut chart = Chart::new(&[flow]);
    assert_eq!(chart.start().called(), ["look {}", "list {}"]);
    let outcome = Outcome::Error { code: "broken".to_owned(), message: String::new() };
    assert_eq!(chart.input(Input::Answered { call: 1, outcome }).said, "failed");
    assert_eq!(*chart.position.waiting(), Waiting::Answers);
    chart.answer(2, json!({}));
    assert_eq!(chart.at(), "p a a2 b b2");
}

#[test]
fn a_correction_runs_again_only_what_depended_on_it() {
    let mut chart = Chart::new(&[BOTH]);
    chart.start();
    chart.guest("color=red size=3");
    chart.answer(1, json!({ "n": 1 }));
    chart.answer(2, json!({ "n": 2 }));
    assert_eq!(chart.at(), "closing");
    let seen = chart.guest("size=4");
    assert_eq!(seen.called(), [r#"look {"item":4}"#]);
    assert_eq!(seen.said, "");
    let seen = chart.answer(3, json!({}));
    assert_eq!((chart.at().as_str(), seen.said.as_str(), seen.calls.len()), ("closing", "ask_sure", 0));
    assert_eq!(chart.guest("sure=true").ends.as_deref(), Some("done"));
}

#[test]
fn a_correction_of_one_region_comes_back_to_the_question_of_another() {
    let mut chart = Chart::new(&[BOTH]);
    chart.start();
    chart.guest("color=red");
    chart.answer(1, json!({}));
    assert_eq!(chart.at(), "p left l_end right r_ask");
    let seen = chart.guest("color=blue");
    assert_eq!(seen.called(), [r#"look {"item":"blue"}"#]);
    assert_eq!(seen.moves, "-l_end +l_look", "the other region is not touched");
    let seen = chart.answer(2, json!({}));
    assert_eq!((chart.at().as_str(), seen.said.as_str()), ("p left l_end right r_ask", "ask_size"));
}

#[test]
fn regions_that_end_in_the_same_step_end_the_parallel_state_once() {
    let flow = "
events: [go]
on: { bye: over }
slots: { n: integer }
states:
  begin: { entry: { set: { n: 0 } }, target: p }
  p:
    parallel: true
    done: { set: { n: n + 1 }, say: done, target: p }
    states:
      a: { states: { a1: { wait: true, on: { go: a2 } }, a2: { final: a } } }
      b: { states: { b1: { wait: true, on: { go: b2 } }, b2: { final: b } } }
  over: { final: done }
";
    let mut chart = Chart::new(&[flow]);
    chart.start();
    for times in 1..4 {
        let seen = chart.event("go", Json::Null);
        assert_eq!((seen.said.as_str(), chart.at().as_str()), ("done", "p a a1 b b1"));
        assert_eq!(chart.slot("n"), times);
    }
}

#[test]
fn an_event_is_taken_by_every_region_that_handles_it() {
    let flow = "
events: [go]
on: { bye: over, go: { say: outside } }
states:
  p:
    parallel: true
    states:
      a: { wait: true, on: { go: { say: a } } }
      b: { states: { b1: { wait: true, on: { go: b2 } }, b2: { wait: true, say: b2 } } }
      c: { wait: true }
  over: { final: done }
";
    let mut chart = Chart::new(&[flow]);
    chart.start();
    assert_eq!(chart.event("go", Json::Null).said, "a outside b2", "the third takes what the flow does");
}

#[test]
fn the_root_chart_takes_away_a_flow_whose_region_stays_where_it_is() {
    let flow = "
on: { bye: over }
states:
  p:
    parallel: true
    states:
      a: { wait: true, on: { leave_all: { say: a } } }
      b: { wait: true }
  over: { final: done }
";
    let mut chart = Chart::new(&[flow]);
    chart.start();
    let seen = chart.event("leave_all", Json::Null);
    assert_eq!((seen.said.as_str(), seen.moves.as_str()), ("a", "-b -a -p"));
    assert_eq!(chart.position.state(&chart.flows), "conversation.idle");
}

#[test]
fn an_act_of_the_guest_is_answered_once_by_the_region_whose_question_is_open() {
    let flow = "
slots: { word: text }
states:
  p:
    parallel: true
    on: { thank: { say: outer, ask_again: false } }
    states:
      a: { wait: true, on: { thank: { say: a, ask_again: false } } }
      b: { collect: [word], target: over, on: { thank: { say: b, ask_again: false } } }
  over: { final: done }
";
    let mut chart = Chart::new(&[flow]);
    assert_eq!(chart.start().said, "ask_word");
    assert_eq!(chart.guest("+thank").said, "b");
}

#[test]
fn regions_in_regions_are_asked_in_document_order() {
    let flow = "
slots: { one: text, two: text, three: text }
states:
  p:
    parallel: true
    done: over
    states:
      a:
        states:
          both:
            parallel: true
            done: a_end
            states:
              a1: { states: { a1_ask: { collect: [one], target: a1_end }, a1_end: { final: one } } }
              a2: { states: { a2_ask: { collect: [two], target: a2_end }, a2_end: { final: two } } }
          a_end: { final: both }
      b: { states: { b_ask: { collect: [three], target: b_end }, b_end: { final: three } } }
  over: { final: done }
";
    let mut chart = Chart::new(&[flow]);
    assert_eq!(chart.start().said, "ask_one");
    assert_eq!(chart.guest("one=1").said, "ask_two");
    assert_eq!(chart.guest("two=2").said, "ask_three");
    assert_eq!(chart.guest("three=3").ends.as_deref(), Some("done"));
}

#[test]
fn a_history_state_brings_back_the_regions_as_they_were_left() {
    let flow = "
events: [on_a, on_b, away, back]
on: { bye: over }
states:
  p:
    parallel: true
    on: { away: elsewhere }
    states:
      h: { history: deep, target: a }
      a: { states: { a1: { wait: true, on: { on_a: a2 } }, a2: { wait: true } } }
      b: { states: { b1: { wait: true, on: { on_b: b2 } }, b2: { wait: true } } }
  elsewhere: { wait: true, on: { back: h } }
  over: { final: done }
";
    let mut chart = Chart::new(&[flow]);
    chart.start();
    chart.event("on_b", Json::Null);
    chart.event("away", Json::Null);
    assert_eq!(chart.event("back", Json::Null).moves, "-elsewhere +p +a +a1 +b +b2");
}

#[test]
fn a_deep_history_around_regions_begins_none_of_them_anew() {
    let flow = "
events: [on_a, on_b, away, back]
on: { bye: over }
states:
  outer:
    on: { away: elsewhere }
    states:
      h: { history: deep, target: p }
      p:
        parallel: true
        states:
          a: { states: { a1: { wait: true, on: { on_a: a2 } }, a2: { wait: true } } }
          b: { states: { b1: { wait: true, on: { on_b: b2 } }, b2: { wait: true } } }
  elsewhere: { wait: true, on: { back: h } }
  over: { final: done }
";
    let mut chart = Chart::new(&[flow]);
    chart.start();
    for event in ["on_b", "away"] {
        chart.event(event, Json::Null);
    }
    assert_eq!(chart.event("back", Json::Null).moves, "-elsewhere +outer +p +a +a1 +b +b2");
}

#[test]
fn what_a_flow_was_doing_is_there_when_a_person_gives_the_conversation_back() {
    let root = ROOT.replace("  human:  hand_over\n", "  human:  { run: hand_over }\n");
    let mut chart = Chart::on(with_root(&root, &[&case(BOTH)]));
    chart.start();
    let seen = chart.guest("+human");
    assert!(seen.hands_over);
    assert_eq!(chart.position.state(&chart.flows), "conversation.hand_over");
    assert!(chart.position.is_held());
    let seen = chart.input(Input::Said { text: "hello?".to_owned(), button: None });
    assert!(matches!(seen.trace.as_slice(), [Trace::Ignored { .. }]), "nothing is answered");
    let seen = chart.event("give_back", Json::Null);
    assert_eq!((seen.said.as_str(), chart.at().as_str()), ("ask_color", "p left l_ask right r_ask"));
}

#[test]
fn a_result_of_values_that_another_region_changed_meanwhile_is_made_again() {
    let flow = "
slots: { n: integer }
states:
  begin: { entry: { set: { n: 1 } }, target: p }
  p:
    parallel: true
    done: closing
    states:
      a: { states: { a1: { invoke: look, with: { item: n }, save: seen, done: a2 }, a2: { final: a } } }
      b: { states: { b1: { invoke: list, save: all, done: { set: { n: 2 }, target: b2 } }, b2: { final: b } } }
  closing: { confirm: [seen.n], yes: over, no: over }
  over: { final: done }
";
    let mut chart = Chart::new(&[flow]);
    assert_eq!(chart.start().called(), [r#"look {"item":1}"#, "list {}"]);
    chart.answer(2, json!({}));
    let seen = chart.answer(1, json!({ "n": 1 }));
    assert_eq!(seen.called(), [r#"look {"item":2}"#], "it was looked at for 1");
    assert_eq!(chart.answer(3, json!({ "n": 2 })).said, "confirm_case");
}
