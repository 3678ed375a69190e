//! The past of a conversation is told as it was stored, gone on from, taken back and forgotten.

mod generated;

use std::sync::{Arc, Mutex};

use innkeeper_engine::runtime::{
    Commit, CommitError, Driver, Entry, Logged, Mark, MemoryStore, PastFault, Revision, Store, Stored, fork,
    history, replay, undo,
};
use innkeeper_engine::{BadForm, Carried, Guest, Input, Outcome, Position, Waiting, carry};
use serde_json::json;

use crate::runtime::crashing::{Crashing, Stopped};
use crate::runtime::desk::{BOOKING, Desk, moment, say, say_in, talked};
use crate::talk::{BOOK, flows, flows_with, meaning};

async fn told<S: Store<Outgoing = String>>(driver: &Driver, store: &S, conversation: &str) -> Vec<Revision> {
    history(&driver.versions, store, conversation).await.unwrap()
}

fn positions(revisions: &[Revision]) -> Vec<Position> {
    revisions.iter().map(|revision| revision.position.clone()).collect()
}

fn numbers(revisions: &[Revision]) -> Vec<u64> {
    revisions.iter().map(|revision| revision.number).collect()
}

async fn stands(store: &MemoryStore<String>, conversation: &str) -> Position {
    store.load(conversation).await.unwrap().unwrap().position
}

/// A conversation that stopped between the write-ahead of its booking, revision 4, and the end of the turn.
async fn cut_off(driver: &Driver, desk: &Desk) -> MemoryStore<String> {
    let store = talked(driver, desk, &BOOKING[..3]).await;
    say(driver, &Crashing::new(&store, 1), desk, 3, BOOKING[3]).await.unwrap_err();
    store
}

/// Puts `c1` on the other flows, as a migration does.
async fn moves(store: &MemoryStore<String>, driver: &Driver, to: &str) {
    let stored = store.load("c1").await.unwrap().unwrap();
    let versions = &driver.versions;
    let (old, new) = (versions.get(stored.position.version()).unwrap(), versions.get(to).unwrap());
    let Carried { position, .. } = carry(&old, &new, &stored.position, moment());
    let position = position.unwrap();
    let mark = Mark::Moved { to: to.to_owned(), position: position.to_bytes().unwrap() };
    let log = [Logged { moment: moment(), entry: Entry::Mark(mark) }];
    store.commit(commit("c1", stored.revision, &position, &log)).await.unwrap();
}

fn commit<'a>(
    conversation: &'a str,
    expected: u64,
    position: &'a Position,
    log: &'a [Logged],
) -> Commit<'a, String> {
    Commit {
        conversation,
        expected,
        position,
        underway: None,
        log,
        outgoing: vec![],
        remember: &[],
        answered: None,
    }
}

/// A driver that also keeps a version in which the guest is asked for a name in a state of another name.
fn with_another_version() -> (Driver, String) {
    let (driver, other) = (Driver::new(flows()), flows_with(&renamed()));
    let version = other.version().to_owned();
    driver.versions.keep(other);
    (driver, version)
}

fn renamed() -> String {
    BOOK.replace("done: who", "done: naming").replace("  who:      {", "  naming:   { was: [who],")
}

#[tokio::test]
async fn there_is_a_revision_for_every_commit_with_what_was_stored() {
    let (driver, store, desk) = (Driver::new(flows()), MemoryStore::default(), Desk::default());
    let machine = Crashing::never(&store);
    for (id, means) in BOOKING.iter().enumerate() {
        say(&driver, &machine, &desk, id, means).await.unwrap();
    }
    let revisions = told(&driver, &store, "c1").await;
    assert_eq!(numbers(&revisions), [1, 2, 3, 4, 5]);
    assert_eq!(positions(&revisions), machine.committed());
    assert_eq!(*revisions[3].position.waiting(), Waiting::Answers, "the booking was written down first");
    let said = |revision: &Revision| revision.says.iter().map(|say| say.prompt.to_string()).collect();
    let said: Vec<Vec<String>> = revisions.iter().map(said).collect();
    assert_eq!(said, [vec!["ask_room"], vec!["ask_name"], vec!["confirm_book"], vec![], vec!["booked"]]);
    let called = |revision: &Revision| revision.calls.iter().map(|(call, _)| call.tool.to_string()).collect();
    let called: Vec<Vec<String>> = revisions.iter().map(called).collect();
    assert_eq!(
        called,
        [vec!["get_room_availability"], vec!["quote_stay"], vec![], vec![], vec!["create_booking"]]
    );
    assert!(revisions.iter().all(|revision| !revision.trace.is_empty() && !revision.log.is_empty()));
}

#[tokio::test]
async fn a_stop_at_any_commit_leaves_a_past_that_leads_to_what_is_stored() {
    for crash_after in 0..5 {
        let (driver, store, desk) = (Driver::new(flows()), MemoryStore::default(), Desk::default());
        let machine = Crashing::new(&store, crash_after);
        for (id, means) in BOOKING.iter().enumerate() {
            if say(&driver, &machine, &desk, id, means).await.is_ok() {
                continue;
            }
            match crash_after {
                0 => {
                    let none = history(&driver.versions, &store, "c1").await;
                    assert!(matches!(none, Err(PastFault::NoConversation)), "nothing was committed");
                }
                _ => assert_eq!(positions(&told(&driver, &store, "c1").await), machine.committed()),
            }
            machine.is_up_again();
            say(&driver, &machine, &desk, id, means).await.unwrap();
        }
        let revisions = told(&driver, &store, "c1").await;
        assert_eq!(positions(&revisions), machine.committed(), "after {crash_after} commits");
        assert_eq!(numbers(&revisions), [1, 2, 3, 4, 5], "after {crash_after} commits");
    }
}

#[tokio::test]
async fn a_log_with_a_step_back_in_it_leads_to_what_is_stored() {
    let (driver, store, desk) = (Driver::new(flows()), MemoryStore::default(), Desk::default());
    let machine = Crashing::never(&store);
    for (id, means) in BOOKING[..3].iter().enumerate() {
        say(&driver, &machine, &desk, id, means).await.unwrap();
    }
    undo(&driver.versions, &machine, "c1", 1, moment()).await.unwrap();
    for (id, means) in ["view=garden", "room=double-garden", "name=Eva", "+affirm"].iter().enumerate() {
        say(&driver, &machine, &desk, 3 + id, means).await.unwrap();
    }
    let log = store.log("c1").await.unwrap();
    let revisions = replay::<BadForm>(&driver.versions.current(), None, log).unwrap().revisions;
    assert_eq!(positions(&revisions), machine.committed());
    assert_eq!(revisions[3].position, revisions[0].position, "it stands there again");
    assert_ne!(revisions[4].position, revisions[1].position, "and went another way");
    assert_eq!(revisions.last().unwrap().position, stands(&store, "c1").await);
}

#[test]
fn a_call_that_was_put_back_over_is_not_taken_for_the_next_one_of_its_number() {
    let flows = Arc::new(flows());
    let means = |line: &str| {
        let said = Input::Said { text: line.to_owned(), button: None };
        let understood = Input::Understood(Arc::new(meaning(&flows, line)));
        [said, understood].map(|input| Logged::new(moment(), input)).to_vec()
    };
    let mark = Entry::Mark(Mark::Rewound { to: 1 });
    let nothing = Outcome::Ok { result: Arc::new(json!({ "rooms": [] })) };
    let mut again = means("view=garden");
    again.push(Logged::new(moment(), Input::Answered { call: 1, outcome: nothing }));
    let mut first = vec![Logged::new(moment(), Input::Guest(Guest::default()))];
    first.extend(means("+start:book stay=2026-12-12..2026-12-14 guests=2"));
    let log = vec![
        (1, first),
        (2, means("view=sea")),
        (3, vec![Logged { moment: moment(), entry: mark }]),
        (4, again),
    ];
    let revisions = replay::<BadForm>(&flows, None, log).unwrap().revisions;
    assert_eq!(*revisions[1].position.waiting(), Waiting::Answers, "the first call was never answered");
    let [(call, _)] = revisions[3].calls.as_slice() else { panic!("one call is answered") };
    assert_eq!((call.id, call.arguments.get("view")), (1, Some(&json!("garden"))));
}

#[tokio::test]
async fn a_fork_stands_where_the_conversation_stood_and_goes_its_own_way() {
    let (driver, desk) = (Driver::new(flows()), Desk::default());
    let store = talked(&driver, &desk, &BOOKING).await;
    let revisions = told(&driver, &store, "c1").await;
    let end = store.load("c1").await.unwrap();
    for revision in &revisions {
        let (name, number) = (format!("fork {}", revision.number), revision.number);
        let forked = fork(&driver.versions, &store, "c1", number, &name).await;
        if number == 4 {
            assert!(matches!(forked, Err(PastFault::Underway(4))));
            assert_eq!(store.load(&name).await.unwrap(), None, "nothing was begun");
            continue;
        }
        assert_eq!(forked.unwrap(), revision.position);
        let stored = store.load(&name).await.unwrap().unwrap();
        assert_eq!(stored, Stored { position: revision.position.clone(), revision: number, underway: None });
        let known = usize::try_from(number).unwrap();
        assert_eq!(positions(&told(&driver, &store, &name).await), positions(&revisions[..known]));

        say_in(&name, &driver, &store, &desk, 9, "+cancel").await.unwrap();
        let own = told(&driver, &store, &name).await;
        assert_eq!(numbers(&own).last(), Some(&(number + 1)));
        assert_eq!(own.last().unwrap().position, stands(&store, &name).await);
        assert_eq!(store.load("c1").await.unwrap(), end, "the first goes on as if nothing was");
    }
    assert_eq!(positions(&told(&driver, &store, "c1").await), positions(&revisions));
}

#[tokio::test]
async fn a_booking_in_a_fork_is_made_under_a_key_of_its_own() {
    let (driver, desk) = (Driver::new(flows()), Desk::default());
    let store = talked(&driver, &desk, &BOOKING).await;
    fork(&driver.versions, &store, "c1", 3, "c2").await.unwrap();
    say_in("c2", &driver, &store, &desk, 9, "+affirm").await.unwrap();
    let calls = desk.calls.lock().unwrap();
    let keys: Vec<&String> =
        calls.iter().filter(|(tool, _)| tool == "create_booking").map(|(_, key)| key).collect();
    assert!(keys.len() == 2 && keys[0] != keys[1], "{keys:?}");
}

#[tokio::test]
async fn a_conversation_that_was_put_back_can_be_forked_at_each_of_its_revisions() {
    let (driver, desk) = (Driver::new(flows()), Desk::default());
    let store = talked(&driver, &desk, &BOOKING[..3]).await;
    undo(&driver.versions, &store, "c1", 1, moment()).await.unwrap();
    say(&driver, &store, &desk, 3, "room=double-sea").await.unwrap();
    let revisions = told(&driver, &store, "c1").await;
    assert_eq!(numbers(&revisions), [1, 2, 3, 4, 5]);
    for number in 1..=5 {
        let name = format!("fork {number}");
        fork(&driver.versions, &store, "c1", number, &name).await.unwrap();
        let own = told(&driver, &store, &name).await;
        assert_eq!(positions(&own), positions(&revisions[..own.len()]));
        assert_eq!(own.last().unwrap().position, stands(&store, &name).await);
    }
    undo(&driver.versions, &store, "fork 5", 3, moment()).await.unwrap();
    assert_eq!(stands(&store, "fork 5").await, revisions[2].position, "a fork can be put back too");
}

#[tokio::test]
async fn a_conversation_that_was_moved_can_be_forked_and_put_back_on_either_side() {
    let (driver, version) = with_another_version();
    let desk = Desk::default();
    let store = talked(&driver, &desk, &BOOKING[..2]).await;
    moves(&store, &driver, &version).await;
    say(&driver, &store, &desk, 2, BOOKING[2]).await.unwrap();
    let revisions = told(&driver, &store, "c1").await;
    assert_eq!(revisions.last().unwrap().position, stands(&store, "c1").await);
    let pinned: Vec<&str> = revisions.iter().map(|revision| revision.position.version()).collect();
    let first = driver.versions.current().version().to_owned();
    assert_eq!(pinned, [&first, &first, &version, &version]);
    assert!(revisions.iter().all(|revision| revision.flows.version() == revision.position.version()));
    for number in 1..=4 {
        let name = format!("fork {number}");
        fork(&driver.versions, &store, "c1", number, &name).await.unwrap();
        let own = told(&driver, &store, &name).await;
        assert_eq!(positions(&own), positions(&revisions[..own.len()]));
        say_in(&name, &driver, &store, &desk, 9, "+help").await.unwrap();
        assert_eq!(told(&driver, &store, &name).await.last().unwrap().position, stands(&store, &name).await);
    }
    undo(&driver.versions, &store, "c1", 2, moment()).await.unwrap();
    assert_eq!(stands(&store, "c1").await, revisions[1].position);
    say(&driver, &store, &desk, 3, BOOKING[2]).await.unwrap();
    let last = told(&driver, &store, "c1").await.pop().unwrap();
    assert_eq!((last.flows.version(), last.position), (first.as_str(), stands(&store, "c1").await));
}

#[tokio::test]
async fn a_past_on_flows_that_are_lost_is_not_told() {
    let (driver, version) = with_another_version();
    let desk = Desk::default();
    let store = talked(&driver, &desk, &BOOKING[..2]).await;
    moves(&store, &driver, &version).await;
    driver.versions.drop_version(&version);
    let lost = history(&driver.versions, &store, "c1").await.unwrap_err();
    assert!(matches!(&lost, PastFault::NoVersion(lost) if *lost == version), "{lost}");
    let driver = Driver::new(flows_with(&renamed()));
    let lost = history(&driver.versions, &store, "c1").await.unwrap_err();
    assert!(matches!(&lost, PastFault::NoVersion(lost) if *lost == flows().version()), "{lost}");
}

#[tokio::test]
async fn a_fork_that_cannot_be_is_refused_and_begins_nothing() {
    let (driver, desk) = (Driver::new(flows()), Desk::default());
    let store = talked(&driver, &desk, &BOOKING[..2]).await;
    say_in("c2", &driver, &store, &desk, 0, "+greet").await.unwrap();
    let before = store.load("c2").await.unwrap();
    let exists = fork(&driver.versions, &store, "c1", 1, "c2").await;
    assert!(matches!(exists, Err(PastFault::Exists)));
    assert_eq!(store.load("c2").await.unwrap(), before);
    for number in [0, 3] {
        let missing = fork(&driver.versions, &store, "c1", number, "c3").await;
        assert!(matches!(missing, Err(PastFault::NoRevision(missing)) if missing == number));
    }
    assert!(matches!(
        fork(&driver.versions, &store, "nobody", 1, "c3").await,
        Err(PastFault::NoConversation)
    ));
    assert_eq!(store.load("c3").await.unwrap(), None);
}

#[tokio::test]
async fn what_is_taken_back_was_never_said() {
    let (driver, desk) = (Driver::new(flows()), Desk::default());
    let store = talked(&driver, &desk, &BOOKING[..3]).await;
    let before = told(&driver, &store, "c1").await[0].position.clone();
    assert_eq!(undo(&driver.versions, &store, "c1", 1, moment()).await.unwrap(), before);
    let stored = store.load("c1").await.unwrap().unwrap();
    assert_eq!(stored, Stored { position: before, revision: 4, underway: None });
    let went_on = say(&driver, &store, &desk, 3, "room=double-sea").await.unwrap();
    assert_eq!(went_on.outgoing, ["ask_name"], "the name is not known any more");
}

#[tokio::test]
async fn nothing_that_was_written_or_may_have_been_is_taken_back() {
    let unknown = Outcome::Unknown { message: "no answer".to_owned() };
    for instead in [None, Some(unknown)] {
        let (driver, desk) = (Driver::new(flows()), Desk::default());
        instead.into_iter().for_each(|outcome| desk.answers("create_booking", outcome));
        let store = talked(&driver, &desk, &BOOKING).await;
        let before = store.load("c1").await.unwrap();
        for to in 1..=4 {
            let refused = undo(&driver.versions, &store, "c1", to, moment()).await.unwrap_err();
            assert!(matches!(&refused, PastFault::Written { tool } if tool == "create_booking"), "{refused}");
        }
        assert_eq!(store.load("c1").await.unwrap(), before);
        undo(&driver.versions, &store, "c1", 5, moment()).await.unwrap();
    }
}

#[tokio::test]
async fn a_booking_that_the_hotel_refused_can_be_gone_back_over_but_not_into() {
    let (driver, desk) = (Driver::new(flows()), Desk::default());
    let refused = Outcome::Error { code: "room_unavailable".to_owned(), message: "taken".to_owned() };
    desk.answers("create_booking", refused);
    let store = talked(&driver, &desk, &BOOKING).await;
    let revisions = told(&driver, &store, "c1").await;
    let into = undo(&driver.versions, &store, "c1", 4, moment()).await;
    assert!(matches!(into, Err(PastFault::Underway(4))));
    undo(&driver.versions, &store, "c1", 3, moment()).await.unwrap();
    assert_eq!(stands(&store, "c1").await, revisions[2].position);
}

#[tokio::test]
async fn a_conversation_whose_booking_was_cut_off_is_not_taken_back() {
    let (driver, desk) = (Driver::new(flows()), Desk::default());
    let store = cut_off(&driver, &desk).await;
    let before = store.load("c1").await.unwrap();
    for to in 1..=4 {
        let refused = undo(&driver.versions, &store, "c1", to, moment()).await;
        assert!(matches!(refused, Err(PastFault::Underway(4))), "the hotel may have booked: {refused:?}");
    }
    assert_eq!(store.load("c1").await.unwrap(), before);
    assert!(matches!(fork(&driver.versions, &store, "c1", 4, "c2").await, Err(PastFault::Underway(4))));
    fork(&driver.versions, &store, "c1", 3, "c2").await.unwrap();
    assert_eq!(stands(&store, "c2").await, told(&driver, &store, "c1").await[2].position);
    let done = say(&driver, &store, &desk, 3, BOOKING[3]).await.unwrap();
    assert_eq!((done.outgoing, done.revision), (vec!["booked".to_owned()], 5));
}

#[tokio::test]
async fn a_step_back_to_a_revision_that_never_was_is_refused() {
    let (driver, desk) = (Driver::new(flows()), Desk::default());
    let store = talked(&driver, &desk, &BOOKING[..2]).await;
    for number in [0, 3] {
        let missing = undo(&driver.versions, &store, "c1", number, moment()).await;
        assert!(matches!(missing, Err(PastFault::NoRevision(missing)) if missing == number));
    }
    let nobody = undo(&driver.versions, &store, "nobody", 1, moment()).await;
    assert!(matches!(nobody, Err(PastFault::NoConversation)));
}

/// A store in which somebody else commits right after the log was read.
struct Overtaken<'s>(&'s MemoryStore<String>, Mutex<bool>);

impl Store for Overtaken<'_> {
    type Outgoing = String;
    type Fault = BadForm;

    async fn load(&self, conversation: &str) -> Result<Option<Stored<String>>, BadForm> {
        self.0.load(conversation).await
    }

    async fn commit(&self, commit: Commit<'_, String>) -> Result<(), CommitError<BadForm>> {
        self.0.commit(commit).await
    }

    async fn log(&self, conversation: &str) -> Result<Vec<(u64, Vec<Logged>)>, BadForm> {
        let log = self.0.log(conversation).await?;
        let first = !std::mem::replace(&mut *self.1.lock().unwrap(), true);
        if let Some(stored) = self.0.load(conversation).await?.filter(|_| first) {
            self.0.commit(commit(conversation, stored.revision, &stored.position, &[])).await.unwrap();
        }
        Ok(log)
    }

    async fn forget(&self, conversation: &str) -> Result<bool, BadForm> {
        self.0.forget(conversation).await
    }
}

#[tokio::test]
async fn a_step_back_that_somebody_overtook_is_not_taken() {
    let (driver, desk) = (Driver::new(flows()), Desk::default());
    let store = talked(&driver, &desk, &BOOKING[..2]).await;
    let before = stands(&store, "c1").await;
    let overtaken = Overtaken(&store, Mutex::default());
    let late = undo(&driver.versions, &overtaken, "c1", 1, moment()).await;
    assert!(matches!(late, Err(PastFault::Conflict)));
    assert_eq!(stands(&store, "c1").await, before);
    undo(&driver.versions, &overtaken, "c1", 1, moment()).await.unwrap();
}

#[tokio::test]
async fn a_store_that_stopped_is_told() {
    let (driver, desk) = (Driver::new(flows()), Desk::default());
    let store = talked(&driver, &desk, &BOOKING[..2]).await;
    let machine = Crashing::new(&store, 0);
    let stopped = undo(&driver.versions, &machine, "c1", 1, moment()).await;
    assert!(matches!(stopped, Err(PastFault::Store(Stopped))));
    let stopped = fork(&driver.versions, &machine, "c1", 1, "c2").await;
    assert!(matches!(stopped, Err(PastFault::Store(Stopped))));
}

#[tokio::test]
async fn nothing_of_a_forgotten_conversation_can_be_read() {
    let (driver, desk) = (Driver::new(flows()), Desk::default());
    for store in [talked(&driver, &desk, &BOOKING).await, cut_off(&driver, &desk).await] {
        say_in("c2", &driver, &store, &desk, 0, "+greet").await.unwrap();
        let other = store.load("c2").await.unwrap();
        assert!(store.forget("c1").await.unwrap());
        assert_eq!(store.load("c1").await.unwrap(), None);
        assert_eq!(store.log("c1").await.unwrap(), []);
        assert_eq!(store.size("c1").unwrap(), None);
        assert_eq!(store.outgoing(), [("c2".to_owned(), "greeting".to_owned())]);
        assert!(matches!(history(&driver.versions, &store, "c1").await, Err(PastFault::NoConversation)));
        let forked = fork(&driver.versions, &store, "c1", 1, "c3").await;
        assert!(matches!(forked, Err(PastFault::NoConversation)));
        let back = undo(&driver.versions, &store, "c1", 1, moment()).await;
        assert!(matches!(back, Err(PastFault::NoConversation)));
        assert!(!store.forget("c1").await.unwrap(), "there is none any more");
        assert_eq!(store.load("c2").await.unwrap(), other, "others are not touched");
        let anew = say(&driver, &store, &desk, 9, BOOKING[0]).await.unwrap();
        assert_eq!(anew.revision, 1, "the next message begins another");
        assert_eq!(told(&driver, &store, "c1").await.len(), 1);
    }
}
