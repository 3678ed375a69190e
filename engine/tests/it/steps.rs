//! What the engine does with what a guest means.

use innkeeper_engine::{Guest, Heard, Outcome, Trace};
use proptest::prelude::*;
use serde_json::json;

use crate::talk::Talk;

const ALL: &str = "+start:book stay=2026-12-12..2026-12-14 guests=2 view=sea";

/// A conversation that stands at the read-back.
fn at_read_back() -> Talk {
    let mut talk = Talk::new();
    talk.all(&[ALL, "room=double-sea", "name=Ana"]);
    assert_eq!(talk.state(), "book.confirming");
    talk
}

#[test]
fn one_message_answers_several_questions_and_only_the_rest_is_asked() {
    let mut talk = Talk::new();
    assert_eq!(talk.guest("+start:book stay=2026-12-12..2026-12-14 view=sea"), ["ask_guests"]);
    assert_eq!(talk.guest("guests=2"), ["ask_room"]);
    assert_eq!(talk.guest("room=double-sea"), ["ask_name"]);
    assert_eq!(talk.guest("name=Ana"), ["confirm_book"]);
    assert_eq!(talk.guest("+affirm"), ["booked"]);
    assert_eq!(talk.called("create_booking"), 1);
    assert_eq!(talk.state(), "conversation.idle");
}

#[test]
fn a_partial_stay_is_completed_by_the_next_answer() {
    let mut talk = Talk::new();
    assert_eq!(talk.guest("+start:book stay=2026-12-12"), ["ask_stay"]);
    assert_eq!(talk.guest("stay=2n"), ["ask_guests"]);
    assert_eq!(talk.slot("stay"), json!({ "check_in": "2026-12-12", "check_out": "2026-12-14" }));
}

#[test]
fn a_corrected_stay_is_checked_and_quoted_again_and_comes_back_to_the_read_back() {
    let mut talk = at_read_back();
    assert_eq!(talk.guest("stay=3n"), ["confirm_book"]);
    assert_eq!((talk.called("get_room_availability"), talk.called("quote_stay")), (2, 2));
    assert_eq!(talk.slot("room")["total"]["minor"], 42_000, "the room is the one offered now");
    assert!(talk.trace.iter().any(
        |trace| matches!(trace, Trace::Repairing { from, to } if &**from == "checking" && &**to == "confirming")
    ));
    talk.guest("+affirm");
    assert_eq!(talk.calls.last().unwrap().1["end_date"], "2026-12-15");
}

#[test]
fn a_corrected_name_runs_nothing_again() {
    let mut talk = at_read_back();
    assert_eq!(talk.guest("name=Eva"), ["confirm_book"]);
    assert_eq!((talk.called("get_room_availability"), talk.called("quote_stay")), (1, 1));
}

#[test]
fn a_room_that_is_no_longer_offered_is_asked_for_again() {
    let mut talk = at_read_back();
    assert_eq!(talk.guest("view=garden"), ["ask_room"]);
    assert_eq!(talk.guest("room=double-garden"), ["confirm_book"], "the name is known");
}

#[test]
fn a_yes_before_the_read_back_reached_the_guest_reads_it_back_again() {
    let mut talk = at_read_back();
    talk.conveys = false;
    assert_eq!(talk.guest("+affirm"), ["confirm_book"]);
    assert_eq!(talk.called("create_booking"), 0);
    talk.conveys = true;
    assert_eq!(talk.guest("+affirm"), ["booked"]);
}

#[test]
fn a_yes_with_a_change_a_no_or_a_cancel_books_nothing() {
    for message in
        ["+affirm guests=3", "+affirm +deny", "+affirm +cancel", "+affirm +change", "+affirm +question"]
    {
        let mut talk = at_read_back();
        talk.guest(message);
        assert_eq!(talk.called("create_booking"), 0, "{message}");
    }
}

#[test]
fn a_yes_that_repeats_a_value_is_a_yes() {
    let mut talk = at_read_back();
    assert_eq!(talk.guest("+affirm guests=2"), ["booked"]);
}

#[test]
fn a_yes_after_the_offers_expired_checks_again_and_reads_back_again() {
    let mut talk = at_read_back();
    talk.later(6);
    assert_eq!(talk.guest("+affirm"), ["confirm_book"]);
    assert_eq!((talk.called("get_room_availability"), talk.called("create_booking")), (2, 0));
    assert_eq!(talk.guest("+affirm"), ["booked"]);
}

#[test]
fn a_yes_anywhere_else_books_nothing() {
    let mut talk = Talk::new();
    talk.guest(ALL);
    talk.guest("+affirm");
    talk.guest("+affirm");
    assert_eq!(talk.called("create_booking"), 0);
}

#[test]
fn after_a_digression_the_read_back_is_said_again_before_a_yes_counts() {
    let mut talk = at_read_back();
    talk.kept_means = Some(Heard::Choice("parking".to_owned()));
    assert_eq!(talk.guest("+question"), ["hotel_answer", "confirm_book"]);
    assert_eq!(talk.guest("+affirm"), ["booked"]);
}

#[test]
fn a_question_in_the_middle_is_answered_and_the_open_question_asked_again() {
    let mut talk = Talk::new();
    talk.guest("+start:book stay=2026-12-12..2026-12-14");
    talk.kept_means = Some(Heard::Choice("parking".to_owned()));
    assert_eq!(talk.guest("guests=2 +question"), ["hotel_answer", "ask_view"]);
    assert_eq!(talk.slot("guests"), 2);
}

#[test]
fn an_answer_to_the_flow_beneath_leaves_the_digression() {
    let mut talk = Talk::new();
    talk.guest("+start:book");
    assert_eq!(talk.guest("+question"), ["ask_topic"]);
    assert_eq!(talk.guest("stay=2026-12-12..2026-12-14"), ["ask_guests"]);
}

#[test]
fn words_for_a_list_that_does_not_exist_yet_are_tried_on_it_once() {
    let mut talk = Talk::new();
    talk.kept_means = Some(Heard::Choice("double-sea".to_owned()));
    assert_eq!(talk.guest(ALL), ["ask_name"], "the room was taken from the first message");
    assert_eq!(talk.kept_asked, [ALL]);
}

#[test]
fn an_optional_slot_is_asked_once_and_left_out_when_unanswered() {
    for answer in ["view=any", "+deny", "hmm"] {
        let mut talk = Talk::new();
        assert_eq!(talk.guest("+start:book stay=2026-12-12..2026-12-14 guests=2"), ["ask_view"]);
        assert_eq!(talk.guest(answer), ["ask_room"], "{answer}");
        assert!(talk.calls[0].1.get("view").is_none());
    }
}

#[test]
fn a_refused_value_is_explained_and_the_others_are_kept() {
    let mut talk = Talk::new();
    assert_eq!(talk.guest("+start:book stay=2026-12-12..2026-12-14 guests=9"), ["invalid_guests"]);
    assert_eq!(talk.guest("guests=2"), ["ask_view"]);
}

#[test]
fn a_room_lost_between_read_back_and_booking_is_chosen_again() {
    let mut talk = at_read_back();
    let taken = Outcome::Error { code: "room_unavailable".to_owned(), message: "taken".to_owned() };
    talk.scripted.insert("create_booking".to_owned(), vec![taken]);
    assert_eq!(talk.guest("+affirm"), ["just_taken", "ask_room"]);
    assert_eq!(talk.guest("room=double-sea"), ["confirm_book"]);
    assert_eq!(talk.guest("+affirm"), ["booked"]);
    assert_eq!(talk.called("create_booking"), 2);
}

#[test]
fn an_alternative_sets_the_slots_it_stands_for() {
    let mut talk = Talk::new();
    assert_eq!(
        talk.guest("+start:book stay=2026-12-21..2026-12-23 guests=2 view=sea"),
        ["sold_out", "ask_alternative"]
    );
    assert_eq!(talk.guest("alternative=alt-1"), ["ask_room"]);
    assert_eq!(talk.slot("stay"), json!({ "check_in": "2026-12-10", "check_out": "2026-12-12" }));
    assert!(talk.calls[1].1.get("view").is_none());
}

#[test]
fn other_dates_answer_sold_out_too() {
    let mut talk = Talk::new();
    talk.guest("+start:book stay=2026-12-21..2026-12-23 guests=2 view=sea");
    assert_eq!(talk.guest("stay=2026-12-11..2026-12-12"), ["ask_room"]);
}

#[test]
fn a_no_asks_what_to_change_and_a_change_comes_back_to_the_read_back() {
    let mut talk = at_read_back();
    assert_eq!(talk.guest("+deny"), ["what_to_change"]);
    assert_eq!(talk.guest("guests=3"), ["confirm_book"]);
    assert_eq!(talk.guest("+affirm"), ["booked"]);
    assert_eq!(talk.calls.last().unwrap().1["guests"], 3);
}

#[test]
fn unclear_three_times_goes_from_rephrasing_to_examples_to_a_person() {
    let mut talk = Talk::new();
    talk.guest("+start:book");
    assert_eq!(talk.guest("hmm"), ["rephrase", "ask_stay"]);
    assert_eq!(talk.guest("hmm"), ["examples"]);
    assert_eq!(talk.guest("hmm"), ["person", "handing_over"]);
    assert!(talk.position.is_held());
}

#[test]
fn an_understood_message_begins_the_ladder_anew() {
    let mut talk = Talk::new();
    talk.all(&["+start:book", "hmm", "stay=2026-12-12..2026-12-14", "hmm"]);
    assert_eq!(talk.position.unclear(), 1);
}

#[test]
fn repeat_says_the_last_reply_once_more_and_a_yes_still_counts() {
    let mut talk = at_read_back();
    assert_eq!(talk.guest("+repeat"), ["confirm_book"]);
    assert_eq!(talk.guest("+affirm"), ["booked"]);
}

#[test]
fn cancel_drops_the_flow_and_books_nothing() {
    let mut talk = at_read_back();
    assert_eq!(talk.guest("+cancel"), ["dropped"]);
    assert_eq!(talk.state(), "conversation.idle");
    talk.guest("+affirm");
    assert_eq!(talk.called("create_booking"), 0);
}

#[test]
fn a_known_guest_is_not_asked_for_the_name_and_a_new_name_is_remembered() {
    let remembered = [("name".to_owned(), json!("Ana"))].into_iter().collect();
    let mut talk = Talk::with_guest(Guest { remembered, ..Guest::default() });
    talk.guest(ALL);
    assert_eq!(talk.guest("room=double-sea"), ["confirm_book"]);
    talk.all(&["name=Eva", "+affirm"]);
    assert_eq!(talk.remembered, [("name".to_owned(), json!("Eva"))]);
}

#[test]
fn silence_nudges_once_and_then_closes() {
    let mut talk = Talk::new();
    talk.guest("+start:book");
    assert_eq!(talk.silence(), ["nudge", "ask_stay"]);
    talk.silence();
    assert!(talk.position.is_over());
}

#[test]
fn a_failed_tool_without_a_case_of_its_own_hands_over() {
    let mut talk = Talk::new();
    let gone = Outcome::Unknown { message: "no answer".to_owned() };
    talk.scripted.insert("get_room_availability".to_owned(), vec![gone]);
    assert_eq!(talk.guest(ALL), ["tool_failed", "handing_over"]);
}

proptest! {
    /// However a guest gets there, the booking is that of a fresh conversation with the final values.
    #[test]
    fn a_corrected_conversation_books_what_a_fresh_one_with_the_corrected_values_books(
        corrections in prop::collection::vec((0usize..4, 0usize..3, 0u32..6), 0..8),
        at in 0usize..4,
    ) {
        let mut talk = Talk::new();
        let opening = ["+start:book stay=2026-12-12..2026-12-14", "guests=2", "view=sea", "name=Ana"];
        let mut wanted = [("stay", "2026-12-12..2026-12-14".to_owned()), ("guests", "2".to_owned()),
            ("view", "sea".to_owned()), ("name", "Ana".to_owned())];
        for (number, message) in opening.iter().enumerate() {
            talk.guest(message);
            if number != at { continue; }
            for (slot, value, _) in &corrections {
                let values = [
                    ["2026-12-13..2026-12-15", "2026-12-21..2026-12-24", "2026-12-05..2026-12-06"],
                    ["1", "3", "4"], ["sea", "garden", "garden"], ["Eva", "Ben", "Ana"],
                ];
                wanted[*slot].1 = values[*slot][*value].to_owned();
                talk.guest(&format!("{}={}", wanted[*slot].0, wanted[*slot].1));
            }
        }
        // What is still to be said after the corrections is said with the wanted values.
        for (slot, value) in &wanted {
            talk.guest(&format!("{slot}={value}"));
        }
        let booking = finish(talk);
        let mut fresh = Talk::new();
        let all: Vec<String> = wanted.iter().map(|(slot, value)| format!("{slot}={value}")).collect();
        fresh.guest(&format!("+start:book {}", all.join(" ")));
        prop_assert_eq!(booking, finish(fresh));
    }
}

/// Takes what is offered and says yes; the arguments of the booking, if one was made.
fn finish(mut talk: Talk) -> Option<serde_json::Value> {
    for _ in 0..6 {
        match talk.state().as_str() {
            "book.sold_out" => talk.guest("view=garden"),
            "book.choosing" => {
                let view = talk.slot("view");
                talk.guest(&format!("room=double-{}", view.as_str().unwrap_or("garden")))
            }
            "book.confirming" => talk.guest("+affirm"),
            _ => break,
        };
    }
    talk.calls.last().filter(|(tool, _)| tool == "create_booking").map(|(_, arguments)| arguments.clone())
}
