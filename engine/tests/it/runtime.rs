//! What the driver promises: one commit a turn, one before each writing call, and nothing twice after a crash.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Mutex;

use innkeeper_engine::runtime::{
    Arrival, Commit, CommitError, Completed, MemoryStore, MessageOutcome, Performer, Store, Stored,
    TurnFault, turn,
};
use innkeeper_engine::{Call, Flows, Guest, Input, Moment, Outcome, Position, Question, Say, Understanding};
use serde_json::json;

use crate::talk::{Talk, day, flows};

/// Performs as a small hotel does, and can be made to fail.
#[derive(Default)]
struct Desk {
    /// What tools answer, in order; after that, whatever the hotel of [`Talk`] answers.
    answers: Mutex<VecDeque<Outcome>>,
    /// Every call made, with its key.
    calls: Mutex<Vec<(String, String)>>,
}

impl Performer for Desk {
    type Outgoing = String;
    type Fault = Infallible;

    fn now(&self) -> Moment {
        Moment { at: "2026-12-01T10:00:00Z".parse().unwrap(), today: day(1) }
    }

    async fn guest(&self) -> Guest {
        Guest::default()
    }

    async fn understand(&self, question: &Question) -> Understanding {
        Talk::new().understand(question)
    }

    async fn call(&self, call: &Call, key: &str) -> Outcome {
        self.calls.lock().unwrap().push((call.tool.clone(), key.to_owned()));
        let scripted = self.answers.lock().unwrap().pop_front();
        scripted.unwrap_or_else(|| Talk::new().call(&call.tool, &json!(call.arguments)))
    }

    fn render(&self, says: &[Say]) -> Result<Vec<String>, Infallible> {
        Ok(says.iter().map(|say| say.prompt.clone()).collect())
    }
}

/// A store whose disk is lost after so many commits.
struct Crashing<'s> {
    store: &'s MemoryStore<String>,
    commits_left: Mutex<usize>,
}

#[derive(Debug, thiserror::Error)]
#[error("the machine stopped")]
struct Stopped;

impl Store for Crashing<'_> {
    type Outgoing = String;
    type Fault = Stopped;

    async fn load(&self, conversation: &str) -> Result<Option<Stored>, Stopped> {
        let Ok(stored) = self.store.load(conversation).await;
        Ok(stored)
    }

    async fn commit(&self, commit: Commit<'_, String>) -> Result<(), CommitError<Stopped>> {
        let left = {
            let mut left = self.commits_left.lock().unwrap();
            let before = *left;
            *left = before.saturating_sub(1);
            before
        };
        if left == 0 {
            return Err(CommitError::Fault(Stopped));
        }
        self.store.commit(commit).await.map_err(|error| match error {
            CommitError::Conflict => CommitError::Conflict,
            CommitError::Fault(never) => match never {},
        })
    }
}

fn message(id: usize, means: &str, stored: Option<&Stored>) -> Arrival {
    let conveyed = stored.and_then(|stored| stored.position.unconveyed()).map(|say| Input::Conveyed { say });
    let said = Input::Said { text: means.to_owned(), button: None };
    Arrival {
        message: Some(format!("m{id}")),
        inputs: conveyed.into_iter().chain([said]).collect(),
        moment: Moment { at: "2026-12-01T10:00:00Z".parse().unwrap(), today: day(1) },
    }
}

async fn say<S: Store<Outgoing = String>>(
    flows: &Flows,
    store: &S,
    desk: &Desk,
    id: usize,
    means: &str,
) -> Result<Completed<String>, TurnFault<S::Fault, Infallible>> {
    let stored = store.load("c1").await.map_err(TurnFault::Store)?;
    turn(flows, store, desk, "c1", message(id, means, stored.as_ref()), &mut |_| {}).await
}

const BOOKING: [&str; 4] =
    ["+start:book stay=2026-12-12..2026-12-14 guests=2 view=sea", "room=double-sea", "name=Ana", "+affirm"];

#[tokio::test]
async fn a_turn_is_one_commit_with_its_reply_and_the_outcome_of_its_message() {
    let (flows, store, desk) = (flows(), MemoryStore::default(), Desk::default());
    say(&flows, &store, &desk, 0, BOOKING[0]).await.unwrap();
    let Ok(stored) = store.load("c1").await;
    assert_eq!(stored.unwrap().revision, 1);
    assert_eq!(store.outgoing(), [("c1".to_owned(), "ask_room".to_owned())]);
    assert_eq!(store.answered(), [("m0".to_owned(), MessageOutcome::Answered)]);
}

#[tokio::test]
async fn a_writing_call_is_written_down_first() {
    let (flows, store, desk) = (flows(), MemoryStore::default(), Desk::default());
    for (id, means) in BOOKING.iter().enumerate() {
        say(&flows, &store, &desk, id, means).await.unwrap();
    }
    let Ok(stored) = store.load("c1").await;
    assert_eq!(stored.unwrap().revision, 5, "three turns with one commit, one with two");
}

#[tokio::test]
async fn a_crash_at_any_commit_books_once_and_answers_every_message_once() {
    for crash_after in 0..5 {
        let (flows, store, desk) = (flows(), MemoryStore::default(), Desk::default());
        let crashing = Crashing { store: &store, commits_left: Mutex::new(crash_after) };
        for (id, means) in BOOKING.iter().enumerate() {
            if say(&flows, &crashing, &desk, id, means).await.is_err() {
                // The machine is up again and the inbox still has the message.
                say(&flows, &store, &desk, id, means).await.unwrap();
                *crashing.commits_left.lock().unwrap() = usize::MAX;
            }
        }
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
    let (flows, store, desk) = (flows(), MemoryStore::default(), Desk::default());
    for (id, means) in BOOKING[..3].iter().enumerate() {
        say(&flows, &store, &desk, id, means).await.unwrap();
    }
    let crashing = Crashing { store: &store, commits_left: Mutex::new(1) };
    say(&flows, &crashing, &desk, 3, "+affirm").await.unwrap_err();
    say(&flows, &store, &desk, 4, "+thank").await.unwrap();
    let prompts: Vec<String> = store.outgoing().into_iter().map(|(_, prompt)| prompt).collect();
    assert_eq!(prompts[3..], ["booked", "welcome"]);
    assert_eq!(store.answered().len(), 5);
}

#[tokio::test]
async fn of_two_turns_at_once_one_is_told_that_the_conversation_moved_on() {
    let (flows, store, desk) = (flows(), MemoryStore::default(), Desk::default());
    say(&flows, &store, &desk, 0, BOOKING[0]).await.unwrap();
    let Ok(before) = store.load("c1").await;
    let before = before.unwrap();
    say(&flows, &store, &desk, 1, BOOKING[1]).await.unwrap();
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
    let (flows, store, desk) = (flows(), MemoryStore::default(), Desk::default());
    for (id, means) in BOOKING.iter().enumerate() {
        say(&flows, &store, &desk, id, means).await.unwrap();
    }
    let replayed =
        store.log("c1").into_iter().fold(Position::start(&flows, Guest::default()), |position, logged| {
            innkeeper_engine::step(&flows, position, logged.input, logged.moment).next
        });
    let Ok(stored) = store.load("c1").await;
    assert_eq!(replayed, stored.unwrap().position);
}

#[tokio::test]
async fn a_conversation_of_another_version_is_not_touched() {
    let (flows, store, desk) = (flows(), MemoryStore::default(), Desk::default());
    let mut position = Position::start(&flows, Guest::default());
    position.version = "another".to_owned();
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
    assert!(matches!(say(&flows, &store, &desk, 0, "+greet").await, Err(TurnFault::OtherVersion { .. })));
}
