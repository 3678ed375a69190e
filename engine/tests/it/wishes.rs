//! A wish in the middle of something: what the same message says for what runs is heard.

use innkeeper_engine::{Act, DateRange, Heard};
use serde_json::json;

use crate::chart::{Chart, case, with_root};
use crate::inn::guest::{booking, known, named, people, says};
use crate::inn::{Visit, shipped};

/// A booking that was just read back.
fn reading_back() -> Visit {
    let mut visit = Visit::new(&shipped().flows, known(1));
    let [first, second, third, _] = booking();
    visit.means(first);
    visit.means(second);
    visit.means(third);
    assert_eq!(visit.asked(), "confirm_book_room");
    visit
}

fn said_since(visit: &Visit, before: usize) -> Vec<&str> {
    visit.said[before..].iter().map(|say| &*say.prompt).collect()
}

#[test]
fn three_nights_and_a_booking_to_cancel_changes_the_nights_and_the_wish_waits() {
    let mut visit = reading_back();
    let before = visit.said.len();
    let nights = Heard::DateRange(DateRange { check_in: None, check_out: None, nights: Some(3) });
    let also = Act::Start("cancel_booking".to_owned());
    visit.means(says(named([("stay", nights)]), &[Act::Change, also]));
    assert_eq!(said_since(&visit, before), ["noted_for_later", "confirm_book_room"]);
    let stay = &visit.position.slots(&visit.flows)["stay"];
    assert_eq!(*stay, json!({ "check_in": "2026-12-12", "check_out": "2026-12-15" }));
    let before = visit.said.len();
    visit.acts(Act::Affirm);
    assert!(visit.writes()[0].contains("2026-12-15"), "{:?}", visit.writes());
    assert_eq!(said_since(&visit, before), ["booked", "next_wish", "confirm_cancel_booking"]);
}

#[test]
fn a_yes_to_the_old_read_back_that_comes_with_a_change_and_a_wish_books_nothing() {
    let mut visit = reading_back();
    let also = Act::Start("cancel_booking".to_owned());
    visit.means(says(named([("guests", people(1))]), &[Act::Affirm, also]));
    assert_eq!((visit.asked().as_str(), visit.writes().len()), ("confirm_book_room", 0));
}

#[test]
fn a_look_up_that_is_done_at_once_comes_back_to_the_corrected_values() {
    let mut visit = reading_back();
    let before = visit.said.len();
    let also = Act::Start("find_booking".to_owned());
    visit.means(says(named([("guests", people(1))]), &[also]));
    assert_eq!(said_since(&visit, before), ["your_bookings", "confirm_book_room"]);
    assert_eq!(visit.position.slots(&visit.flows)["guests"], 1);
}

#[test]
fn a_value_that_cannot_be_is_refused_although_a_wish_came_with_it() {
    let mut visit = reading_back();
    let before = visit.said.len();
    let also = Act::Start("cancel_booking".to_owned());
    visit.means(says(named([("guests", people(40))]), &[also]));
    assert_eq!(said_since(&visit, before), ["invalid_guests", "noted_for_later", "confirm_book_room"]);
}

#[test]
fn what_the_wished_flow_is_about_is_not_filled_in_what_runs() {
    let mut visit = Visit::new(&shipped().flows, known(0));
    visit.acts(Act::Start("cancel_booking".to_owned()));
    let wish = Act::Start("find_booking".to_owned());
    visit.means(says(named([("reference", crate::inn::guest::words("BR2AB3"))]), &[wish]));
    assert_eq!(visit.state().0, "find_booking");
    let of = crate::inn::filled(&visit.flows, &visit.position);
    assert!(of[1].is_empty() && of[2].contains_key("reference"), "{of:?}");
}

#[test]
fn where_the_root_chart_only_notes_the_wish_what_runs_goes_on_all_the_same() {
    let root = "
flow: conversation
on:
  start: [{ guard: busy, queue: true, say: later, ask_again: false }, { run: requested }]
  wish: { run: requested }
  human: hand_over
  cancel: idle
  unclear: { say: unclear, ask_again: true }
  silence: { say: silence, ask_again: true }
  tool_failed: { say: tool_failed, target: idle }
events: [give_back]
states:
  idle: { wait: true }
  hand_over: { held: true, on: { give_back: given_back } }
  given_back: { final: given_back }
";
    let other = "
flow: other
description: Another flow.
slots: { size: text }
states:
  asks: { collect: [size], target: over }
  over: { final: done }
";
    let first = case(
        "
slots: { city: text, day: text }
states:
  asks: { collect: [city, day], target: over }
  over: { final: done }
",
    );
    let mut chart = Chart::on(with_root(root, &[&first, other]));
    assert_eq!(chart.start().said, "ask_city");
    assert_eq!(chart.guest("+start:other city=Graz").said, "later ask_day");
    assert_eq!(chart.guest("day=monday").said, "ask_size");
}

#[test]
fn one_more_booking_waits_for_the_one_that_runs() {
    let mut visit = reading_back();
    let before = visit.said.len();
    visit.acts(Act::StartAnother("book_room".to_owned()));
    assert_eq!(said_since(&visit, before), ["noted_for_later", "confirm_book_room"]);
    assert!(visit.writes().is_empty());
    let before = visit.said.len();
    visit.acts(Act::Affirm);
    assert_eq!(visit.writes().len(), 1);
    assert_eq!(said_since(&visit, before), ["booked", "next_wish", "ask_stay"]);
    assert_eq!(visit.state().0, "book_room");
}

#[test]
fn a_yes_that_comes_with_one_more_books_this_one_and_begins_the_other_empty() {
    let mut visit = reading_back();
    let before = visit.said.len();
    let another = Act::StartAnother("book_room".to_owned());
    visit.means(says(named([]), &[Act::Affirm, another]));
    assert_eq!(visit.writes().len(), 1);
    assert_eq!(said_since(&visit, before), ["booked", "next_wish", "ask_stay"]);
    assert!(!visit.position.slots(&visit.flows).contains_key("stay"));
}

#[test]
fn one_more_of_what_does_not_run_is_no_wish() {
    let mut visit = reading_back();
    visit.acts(Act::StartAnother("cancel_booking".to_owned()));
    let before = visit.said.len();
    visit.acts(Act::Affirm);
    assert_eq!(said_since(&visit, before), ["booked"]);
}

#[test]
fn a_question_beside_a_wish_is_answered_before_the_wish_asks() {
    let mut visit = Visit::new(&shipped().flows, known(0));
    let nights = Heard::DateRange(DateRange { check_in: None, check_out: None, nights: Some(3) });
    let start = Act::Start("book_room".to_owned());
    visit.means(says(named([("stay", nights)]), &[start, Act::Question]));
    let said = said_since(&visit, 0);
    assert_eq!(said.last(), Some(&"ask_stay"), "{said:?}");
    assert!(said.contains(&"hotel_answer") || said.contains(&"cannot_answer"), "{said:?}");
    assert_eq!(visit.state().0, "book_room");
}
