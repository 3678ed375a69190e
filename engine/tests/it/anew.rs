//! What was decided on the way by a value that is corrected is decided anew.

use innkeeper_engine::{Act, Heard, Trace};
use serde_json::json;

use crate::chart::Chart;
use crate::inn::guest::{known, named, nights, people, says, words};
use crate::inn::{Visit, shipped};
use crate::talk::Talk;

/// A guest with one booking under their number, which was just read back to them.
fn reading_back() -> Visit {
    let mut visit = Visit::new(&shipped().flows, known(1));
    visit.acts(Act::Start("cancel_booking".to_owned()));
    assert_eq!(visit.asked(), "confirm_cancel_booking");
    visit
}

#[test]
fn a_reference_said_at_the_read_back_of_the_booking_found_by_number_is_looked_up() {
    let mut visit = reading_back();
    visit.means(says(named([("reference", words("BR2AB3"))]), &[]));
    assert_eq!(visit.asked(), "ask_surname");
    visit.means(says(named([("surname", words("Lind"))]), &[]));
    assert_eq!(visit.asked(), "confirm_cancel_booking");
    visit.acts(Act::Affirm);
    assert_eq!(visit.writes(), [r#"cancel_booking {"booking_id":"b-2"}"#]);
}

#[test]
fn a_yes_that_comes_with_another_reference_cancels_nothing() {
    let mut visit = reading_back();
    visit.means(says(named([("reference", words("BR2AB3"))]), &[Act::Affirm]));
    assert_eq!((visit.asked().as_str(), visit.writes().len()), ("ask_surname", 0));
}

#[test]
fn a_reference_that_is_taken_back_leads_back_to_the_booking_found_by_number() {
    for answers in [0, 1] {
        let mut visit = reading_back();
        visit.means(says(named([("reference", words("BR2AB3"))]), &[]));
        for _ in 0..answers {
            visit.means(says(named([("surname", words("Lind"))]), &[]));
        }
        for _ in 0..=answers {
            visit.acts(Act::Undo);
        }
        assert_eq!(visit.asked(), "confirm_cancel_booking", "after {answers} answers");
        visit.acts(Act::Affirm);
        assert_eq!(visit.writes(), [r#"cancel_booking {"booking_id":"b-1"}"#]);
    }
}

#[test]
fn what_a_refused_value_keeps_waiting_is_decided_when_another_is_said() {
    let mut visit = Visit::new(&shipped().flows, known(1));
    let [first, second, third, _] = crate::inn::guest::booking();
    visit.means(first);
    visit.means(second);
    visit.means(third);
    assert_eq!(visit.asked(), "confirm_book_room");
    let too_many = named([("rooms", Heard::Integer(2)), ("guests", crate::inn::guest::people(40))]);
    visit.means(says(too_many, &[]));
    assert_eq!(visit.asked(), "invalid_guests");
    visit.means(says(named([("guests", crate::inn::guest::people(2))]), &[]));
    assert!(visit.position.is_held(), "several rooms are for a person: {:?}", visit.state());
}

/// A slot decides before something is written.
const WRITES: &str = "
slots: { sort: text, item: text, note: text }
states:
  start: { collect: [sort], target: [{ guard: sort == 'odd', target: odd }, { target: plain }] }
  odd: { collect: [note, item], target: reading }
  plain: { collect: [item], target: reading }
  reading: { confirm: [item], yes: writing, no: over }
  writing: { invoke: write, with: { item: item }, save: written, done: noting, error: over }
  noting: { collect: [note], target: over }
  over: { final: done }
";

#[test]
fn a_correction_before_the_write_goes_the_other_way_and_one_after_it_stays() {
    let mut chart = Chart::new(&[WRITES]);
    chart.start();
    chart.guest("sort=plain");
    chart.guest("item=tea");
    assert_eq!(chart.at(), "reading");
    let mut other = chart.clone();
    assert_eq!(other.guest("sort=odd").said, "ask_note");
    assert_eq!(other.at(), "odd");
    assert_eq!(chart.guest("+affirm").called(), [r#"write {"item":"tea"}"#]);
    chart.answer(1, json!({}));
    assert_eq!(chart.at(), "noting");
    let seen = chart.guest("sort=odd");
    assert_eq!((chart.at().as_str(), seen.called().len()), ("noting", 0));
}

/// What the guest is asked for is what decided.
const ASKS: &str = "
slots: { age: integer, name: text }
states:
  start: { always: [{ guard: not age, target: asking }, { guard: age < 18, target: young }, { target: grown }] }
  asking: { say: how_old, collect: [age], target: grown }
  young: { collect: [name], target: over }
  grown: { collect: [name], target: over }
  over: { final: done }
";

#[test]
fn an_answer_goes_where_the_state_that_asks_says_and_its_correction_is_no_new_decision_there() {
    let mut chart = Chart::new(&[ASKS]);
    assert_eq!(chart.start().said, "how_old ask_age");
    assert_eq!(chart.guest("age=12").said, "ask_name");
    assert_eq!(chart.at(), "grown");
}

#[test]
fn a_correction_that_decides_nothing_else_walks_nowhere() {
    let mut chart = Chart::new(&[ASKS]);
    chart.start();
    chart.guest("age=30");
    let seen = chart.guest("age=40");
    assert!(!seen.trace.iter().any(|trace| matches!(trace, Trace::Repairing { .. })));
    assert_eq!(chart.at(), "grown");
}

/// Regions, of which one went on by a value and one still asks.
const BESIDE: &str = "
slots: { size: text, milk: boolean, tea: boolean, eggs: integer }
states:
  all:
    parallel: true
    done: over
    states:
      drink:
        states:
          sizing: { collect: [size], target: [{ guard: size == 'big', target: milky }, { target: black }] }
          milky: { collect: [milk], target: drunk }
          black: { collect: [tea], target: drunk }
          drunk: { final: known }
      food:
        states:
          eating: { collect: [eggs], target: eaten }
          eaten: { final: known }
  over: { final: done }
";

#[test]
fn in_a_region_that_went_on_it_is_decided_anew_and_the_other_still_asks() {
    let mut chart = Chart::new(&[BESIDE]);
    chart.start();
    chart.guest("size=small tea=true");
    assert_eq!(chart.at(), "all drink drunk food eating");
    chart.guest("size=big");
    assert_eq!(chart.at(), "all drink milky food eating");
    chart.guest("eggs=2 milk=true");
    assert_eq!(chart.at(), "", "it ended");
}

/// A flow is run on one of two ways.
const RUNS: &str = "
slots: { sort: text, name: text }
states:
  start: { collect: [sort], target: [{ guard: sort == 'odd', target: alone }, { target: runs }] }
  runs: { run: child, done: over }
  alone: { collect: [name], target: over }
  over: { final: done }
";

const CHILD: &str = "
flow: child
description: A flow that a chart under test runs.
slots: { date: text }
states:
  asks: { collect: [date], target: ends }
  ends: { final: done }
";

#[test]
fn a_correction_from_within_a_flow_that_is_run_leaves_it_where_the_way_leads_elsewhere() {
    let mut chart = Chart::new(&[RUNS, CHILD]);
    chart.start();
    assert_eq!(chart.guest("sort=plain").said, "ask_date");
    assert_eq!(chart.guest("sort=odd").said, "ask_name");
    assert_eq!(chart.at(), "alone");
}

#[test]
fn a_hotel_that_offers_what_is_not_free_again_and_again_is_left_to_a_person() {
    let mut talk = Talk::new();
    let same = json!({ "rooms": [], "alternatives": [{ "alternative_id": "alt-1", "name": "Double",
        "stay": { "check_in": "2026-12-21", "check_out": "2026-12-23" } }] });
    let outcome = innkeeper_engine::Outcome::Ok { result: same.into() };
    talk.scripted.insert("get_room_availability".to_owned(), vec![outcome; 500]);
    talk.guest("+start:book stay=2026-12-21..2026-12-23 guests=2 view=sea");
    assert_eq!(talk.called("get_room_availability"), 1);
    let said = talk.guest("alternative=alt-1");
    assert_eq!(said.last().map(String::as_str), Some("handing_over"), "{said:?}");
    assert!(talk.position.is_held());
    assert!(talk.called("get_room_availability") < 100, "{}", talk.called("get_room_availability"));
    let stopped = |trace: &Trace| matches!(trace, Trace::Ignored { why } if why.contains("endless calls"));
    assert!(talk.trace.iter().any(stopped));
}

/// A question that leads back to a look-up which may fail again.
const CIRCLE: &str = "
slots: { city: text, name: text }
on: { undo: { undo: true } }
states:
  asks: { collect: [city], target: looks }
  looks: { invoke: look, with: { item: city }, save: found, done: [{ guard: found.ok, target: closing }, { target: not_found }] }
  not_found: { ask: other_city, target: looks }
  closing: { collect: [name], target: over }
  over: { final: done }
";

#[test]
fn a_walk_passes_over_an_open_question_once_and_asks_it_where_it_comes_back_to_it() {
    let mut chart = Chart::new(&[CIRCLE]);
    chart.start();
    chart.guest("city=Wien");
    assert_eq!(chart.answer(1, json!({ "ok": true })).said, "ask_name");
    chart.guest("city=Rom");
    assert_eq!(chart.answer(2, json!({ "ok": false })).said, "other_city");
    assert_eq!(chart.guest("+undo").called(), [r#"look {"item":"Wien"}"#]);
    let seen = chart.answer(3, json!({ "ok": false }));
    assert!(!seen.trace.iter().any(|trace| matches!(trace, Trace::Ignored { .. })), "{:?}", seen.trace);
    assert_eq!((chart.at().as_str(), seen.said.as_str()), ("not_found", "other_city"));
}

#[test]
fn a_value_that_is_to_be_another_is_asked_for_alone_and_read_back_again() {
    for (slot, asked, answer) in [
        ("stay", "ask_stay", nights(13, 15)),
        ("guests", "ask_guests", people(2)),
        ("room", "ask_room", Heard::Choice("double-garden".to_owned())),
        ("name", "ask_name", words("Ben Lind")),
    ] {
        let mut visit = Visit::new(&shipped().flows, known(0));
        let wish = [("stay", nights(12, 14)), ("guests", people(2)), ("view", Heard::NoPreference)];
        visit.means(says(named(wish), &[Act::Start("book_room".to_owned())]));
        visit.means(says(named([("room", Heard::Choice("double-sea".to_owned()))]), &[Act::Choose]));
        visit.means(says(named([("name", words("Ana Lind")), ("phone", words("+4930123456"))]), &[]));
        assert_eq!(visit.asked(), "confirm_book_room");
        visit.acts(Act::Deny);
        visit.means(says(named([(slot, Heard::Anew)]), &[Act::Change]));
        assert_eq!(visit.asked(), asked, "{slot}");
        visit.means(says(named([(slot, answer)]), &[]));
        assert_eq!(visit.asked(), "confirm_book_room", "{slot}");
        assert_eq!(visit.writes().len(), 0, "{slot}");
    }
}

#[test]
fn what_is_not_known_yet_cannot_be_said_anew() {
    let mut visit = Visit::new(&shipped().flows, known(0));
    visit.means(says(named([("stay", nights(12, 14))]), &[Act::Start("book_room".to_owned())]));
    assert_eq!(visit.asked(), "ask_guests");
    visit.means(says(named([("name", Heard::Anew)]), &[Act::Change]));
    assert_ne!(visit.asked(), "ask_name");
}
