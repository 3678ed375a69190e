//! What the driver promises: one commit a turn, one before each writing call, and nothing twice after a crash.

pub(crate) mod crashing;
pub(crate) mod desk;

use innkeeper_engine::runtime::{Commit, CommitError, Driver, MemoryStore, MessageOutcome, Store, TurnFault};
use innkeeper_engine::{Input, Position, step};

use self::crashing::Crashing;
use self::desk::{BOOKING, Desk, moment, say};
use crate::talk::flows;

#[tokio::test]
async fn a_turn_is_one_commit_with_its_reply_and_the_outcome_of_its_message() {
    let (driver, store, desk) = (Driver::new(flows()), MemoryStore::default(), Desk::default());
    say(&driver, &store, &desk, 0, BOOKING[0]).await.unwrap();
    let stored = store.load("c1").await.unwrap();
    assert_eq!(stored.unwrap().revision, 1);
    assert_eq!(store.outgoing(), [("c1".to_owned(), "ask_room".to_owned())]);
    assert_eq!(store.answered(), [("m0".to_owned(), MessageOutcome::Answered)]);
}

#[tokio::test]
async fn a_writing_call_is_written_down_first() {
    let (driver, store, desk) = (Driver::new(flows()), MemoryStore::default(), Desk::default());
    for (id, means) in BOOKING.iter().enumerate() {
        say(&driver, &store, &desk, id, means).await.unwrap();
    }
    let stored = store.load("c1").await.unwrap();
    assert_eq!(stored.unwrap().revision, 5, "three turns with one commit, one with two");
}

#[tokio::test]
async fn a_crash_at_any_commit_books_once_and_answers_every_message_once() {
    for crash_after in 0..5 {
        let (driver, store, desk) = (Driver::new(flows()), MemoryStore::default(), Desk::default());
        let crashing = Crashing::new(&store, crash_after);
        let mut crashes = 0;
        for (id, means) in BOOKING.iter().enumerate() {
            if say(&driver, &crashing, &desk, id, means).await.is_err() {
                crashes += 1;
                // The machine is up again and the inbox still has the message.
                say(&driver, &store, &desk, id, means).await.unwrap();
                crashing.is_up_again();
            }
        }
        assert_eq!(crashes, 1, "after {crash_after} commits");
        let calls = desk.calls.lock().unwrap();
        let keys: std::collections::BTreeSet<&str> =
            calls.iter().filter(|(tool, _)| tool == "create_booking").map(|(_, key)| key.as_str()).collect();
        assert_eq!(keys.len(), 1, "after {crash_after} commits: the hotel sees one key, so it books once");
        let prompts: Vec<String> = store.outgoing().into_iter().map(|(_, prompt)| prompt).collect();
        assert_eq!(
            prompts,
            ["ask_room", "ask_name", "confirm_book", "booked"],
            "after {crash_after} commits"
        );
        assert_eq!(store.answered().len(), 4);
    }
}

#[tokio::test]
async fn the_next_message_finishes_a_turn_that_was_cut_off_before_its_own() {
    let (driver, store, desk) = (Driver::new(flows()), MemoryStore::default(), Desk::default());
    for (id, means) in BOOKING[..3].iter().enumerate() {
        say(&driver, &store, &desk, id, means).await.unwrap();
    }
    let crashing = Crashing::new(&store, 1);
    say(&driver, &crashing, &desk, 3, "+affirm").await.unwrap_err();
    say(&driver, &store, &desk, 4, "+thank").await.unwrap();
    let prompts: Vec<String> = store.outgoing().into_iter().map(|(_, prompt)| prompt).collect();
    assert_eq!(prompts[3..], ["booked", "welcome"]);
    assert_eq!(store.answered().len(), 5);
}

#[tokio::test]
async fn of_two_turns_at_once_one_is_told_that_the_conversation_moved_on() {
    let (driver, store, desk) = (Driver::new(flows()), MemoryStore::default(), Desk::default());
    say(&driver, &store, &desk, 0, BOOKING[0]).await.unwrap();
    let before = store.load("c1").await.unwrap().unwrap();
    say(&driver, &store, &desk, 1, BOOKING[1]).await.unwrap();
    let late = Commit {
        conversation: "c1",
        expected: before.revision,
        position: &before.position,
        underway: None,
        log: &[],
        outgoing: vec![],
        remember: &[],
        answered: None,
    };
    assert!(matches!(store.commit(late).await, Err(CommitError::Conflict)));
}

#[tokio::test]
async fn a_replayed_log_leads_to_the_same_position() {
    let (driver, store, desk) = (Driver::new(flows()), MemoryStore::default(), Desk::default());
    for (id, means) in BOOKING.iter().enumerate() {
        say(&driver, &store, &desk, id, means).await.unwrap();
    }
    let flows = flows();
    let log = store.log("c1").await.unwrap().into_iter().flat_map(|(_, log)| log);
    let inputs = log.filter_map(|logged| Some((logged.moment, logged.input()?.clone())));
    let replayed = inputs.fold(Position::start(&flows), |position, (moment, input)| {
        step(&flows, position, input, moment).next
    });
    assert_eq!(replayed, store.load("c1").await.unwrap().unwrap().position);
}

#[tokio::test]
async fn whoever_asks_while_a_turn_has_the_position_sees_where_the_last_commit_left_it() {
    let (driver, store, desk) = (Driver::new(flows()), MemoryStore::default(), Desk::default());
    for (id, means) in BOOKING.iter().enumerate() {
        say(&driver, &store, &desk, id, means).await.unwrap();
        let before = store.load("c1").await.unwrap().unwrap();
        let mut lent = store.lend("c1", &driver.versions).await.unwrap().unwrap();
        assert_eq!(lent.position, before.position);
        let moved = step(&flows(), lent.position.clone(), &Input::Silence, moment());
        lent.position = moved.next;
        assert_ne!(lent.position, before.position);
        assert_eq!(
            store.load("c1").await.unwrap().unwrap(),
            before,
            "a turn that never came back, after {id}"
        );
        assert_eq!(store.lend("c1", &driver.versions).await.unwrap().unwrap(), before);
    }
    assert_eq!(store.outgoing().len(), BOOKING.len());
}

#[tokio::test]
async fn a_conversation_that_something_was_done_to_from_outside_is_never_lent() {
    let (driver, store, desk) = (Driver::new(flows()), MemoryStore::default(), Desk::default());
    say(&driver, &store, &desk, 0, BOOKING[0]).await.unwrap();
    let mut other = store.load("c1").await.unwrap().unwrap();
    other.position = step(&flows(), other.position, &Input::Silence, moment()).next;
    // Its log does not say how it came to stand there.
    let commit = Commit {
        conversation: "c1",
        expected: other.revision,
        position: &other.position,
        underway: None,
        log: &[],
        outgoing: vec![],
        remember: &[],
        answered: None,
    };
    store.commit(commit).await.unwrap();
    for _ in 0..2 {
        let lent = store.lend("c1", &driver.versions).await.unwrap().unwrap();
        assert_eq!(lent.position, other.position);
    }
}

#[tokio::test]
async fn a_conversation_of_another_version_is_not_touched() {
    let (driver, store, desk) = (Driver::new(flows()), MemoryStore::default(), Desk::default());
    let position = Position::start(&crate::chart::check(&[]));
    let commit = Commit {
        conversation: "c1",
        expected: 0,
        position: &position,
        underway: None,
        log: &[],
        outgoing: vec![],
        remember: &[],
        answered: None,
    };
    store.commit(commit).await.unwrap();
    assert!(matches!(say(&driver, &store, &desk, 0, "+greet").await, Err(TurnFault::OtherVersion { .. })));
}
