//! Recorded conversations on other flows: what is different, and the line that made it so.

use std::convert::Infallible;

use innkeeper_engine::flow::Place;
use innkeeper_engine::runtime::{Asked, Change, Difference, Logged, Revision, against, replay};
use innkeeper_engine::{Expecting, Guest, Input};

use crate::inn::guest::booking;
use crate::inn::{Visit, rewritten, shipped};

/// A whole booking, as the store would have kept it.
fn recorded() -> Vec<Revision> {
    let mut visit = Visit::new(&shipped().flows, Guest::default());
    let mut log: Vec<(u64, Vec<Logged>)> = Vec::new();
    for means in booking() {
        let before = visit.inputs.len();
        visit.means(means);
        let begins = if log.is_empty() { 0 } else { before };
        let entries = visit.inputs[begins..].iter();
        let number = u64::try_from(log.len()).unwrap() + 1;
        log.push((number, entries.map(|(moment, input)| Logged::new(*moment, input.clone())).collect()));
    }
    let revisions = replay::<Infallible>(&shipped().flows, None, log).unwrap().revisions;
    assert_eq!(revisions.last().unwrap().position, visit.position, "the log is whole");
    assert_eq!(visit.writes().len(), 1, "the guest has booked");
    revisions
}

fn differences(from: &str, to: &str) -> (Vec<Difference>, String) {
    let (flows, text) = rewritten(|text| {
        assert_eq!(text.matches(from).count(), 1, "there is one such place: {from}");
        text.replace(from, to)
    });
    (against(&flows, &recorded()), text)
}

/// The place stands in the line of the text that begins so.
#[track_caller]
fn is_at(place: Option<&Place>, text: &str, line: &str) {
    let place = place.unwrap_or_else(|| panic!("no line, but {line:?} was meant"));
    let meant = text.lines().position(|known| known.trim_start().starts_with(line)).unwrap() + 1;
    assert_eq!((place.file.as_str(), place.line), ("book_room.yaml", meant), "{:?}", place.source_line());
}

#[test]
fn a_conversation_does_the_same_on_the_flows_it_was_recorded_on() {
    assert_eq!(against(&shipped().flows, &recorded()), []);
}

#[test]
fn a_comment_and_a_new_name_are_no_difference() {
    let (renamed, _) = rewritten(|text| {
        text.replace("target: who }", "target: asking_who }")
            .replace("  who: {", "  # The guest may be known.\n  asking_who: { was: [who],")
    });
    assert_eq!(against(&renamed, &recorded()), []);
}

#[test]
fn another_order_of_questions_is_told_with_the_state_that_asks() {
    let (told, text) = differences("collect: [name, phone]", "collect: [phone, name]");
    let [first] = told.as_slice() else { panic!("one turn differs: {told:#?}") };
    assert_eq!(first.turn, 2);
    let expecting = |slot: &str| Asked::Guest { expecting: Expecting::Slot(slot.into()) };
    assert!(first.changes.contains(&Change::Asked { before: expecting("name"), now: expecting("phone") }));
    is_at(first.decided.as_ref(), &text, "who:");
    is_at(first.before.as_ref(), &text, "who:");
}

#[test]
fn a_case_that_is_taken_instead_is_told_with_its_line() {
    let (told, text) = differences(
        "- { guard: \"offers.rooms | length > 0\", target: choosing }",
        "- { guard: \"offers.rooms | length > 99\", target: choosing }",
    );
    let first = told.first().unwrap();
    assert_eq!(first.turn, 1);
    assert!(
        first
            .changes
            .iter()
            .any(|change| matches!(change, Change::Stands { before, .. } if before == "book_room.choosing"))
    );
    is_at(first.decided.as_ref(), &text, "- { target: nothing_free }");
    let before = first.before.as_ref().unwrap();
    assert!(before.source_line().contains("target: choosing"), "{:?}", before.source_line());
}

#[test]
fn a_call_that_was_never_made_ends_the_comparison() {
    let (told, text) = differences(
        ", guests: guests, view: view }\n    save: offers",
        ", guests: guests }\n    save: offers",
    );
    let [only] = told.as_slice() else { panic!("the comparison ends: {told:#?}") };
    assert_eq!(only.turn, 1);
    assert!(
        matches!(only.changes.last(), Some(Change::NeverCalled { call }) if &*call.tool == "get_room_availability")
    );
    is_at(only.decided.as_ref(), &text, "checking:");
}

#[test]
fn a_state_put_in_before_the_booking_keeps_the_old_yes_from_booking() {
    let (told, text) = differences(
        "  who: { collect: [name, phone], target: confirming, on",
        "  anything_else: { ask: what_to_change, target: confirming, on: { affirm: { target: confirming }, deny: { target: confirming } } }\n\n  who: { collect: [name, phone], target: anything_else, on",
    );
    let first = told.first().unwrap();
    assert_eq!(first.turn, 3);
    is_at(first.decided.as_ref(), &text, "who:");
    let last = told.last().unwrap();
    assert_eq!(last.turn, 4);
    let calls = |change: &Change| matches!(change, Change::Called { before, now } if before.len() == 1 && now.is_empty());
    assert!(last.changes.iter().any(calls), "{last:#?}");
}

#[test]
fn what_was_said_before_a_conversation_was_put_back_is_put_back_too() {
    let mut revisions = recorded();
    revisions.truncate(2);
    let log: Vec<(u64, Vec<Logged>)> =
        revisions.iter().map(|revision| (revision.number, revision.log.clone())).collect();
    let moment = revisions[1].log[0].moment;
    let back = Logged {
        moment,
        entry: innkeeper_engine::runtime::Entry::Mark(innkeeper_engine::runtime::Mark::Rewound { to: 1 }),
    };
    let again: Vec<Logged> = revisions[1].log.clone();
    assert!(again.iter().any(|logged| matches!(logged.input(), Some(Input::Said { .. }))));
    let log = log.into_iter().chain([(3, vec![back]), (4, again)]).collect();
    // The numbers of calls begin again where they were put back to.
    let revisions = replay::<Infallible>(&shipped().flows, None, log).unwrap().revisions;
    assert_eq!(revisions[3].position, revisions[1].position);
    assert_eq!(against(&shipped().flows, &revisions), []);
}
