//! What happens in a turn, as a stream.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt as _};
use innkeeper_engine::runtime::{
    Ask, Commit, CommitError, Completed, Driver, Event, Logged, MemoryStore, Performer, Store, Stored, Told,
    TurnFault, Versions,
};
use innkeeper_engine::{BadForm, Call, Guest, Moment, Outcome, Say, Trace, Understanding};
use serde_json::{Value as Json, json};
use tokio::task::yield_now;

use crate::runtime::crashing::{Crashing, Stopped};
use crate::runtime::desk::{BOOKING, Desk, message, say, talked};
use crate::talk::flows;

/// The guest says something in `c1`, and whoever reads the stream takes the turn.
async fn stream<'a, S, P>(
    driver: &'a Driver,
    store: &'a S,
    desk: &'a P,
    id: usize,
    means: &str,
) -> impl Stream<Item = Told<S, P>> + Unpin + use<'a, S, P>
where
    S: Store<Outgoing = String>,
    P: Performer<Outgoing = String, Fault = Infallible>,
{
    let stored = store.load("c1").await.unwrap();
    driver.stream(store, desk, "c1", message(id, means, stored.as_ref()))
}

/// A turn from its first event to its last.
async fn told<S: Store<Outgoing = String>>(
    driver: &Driver,
    store: &S,
    desk: &Desk,
    id: usize,
    means: &str,
) -> Vec<Told<S, Desk>> {
    stream(driver, store, desk, id, means).await.collect().await
}

fn completed(event: Event<String>) -> Completed<String> {
    match event {
        Event::Completed(completed) => *completed,
        other => panic!("a turn ends with its completion: {other:?}"),
    }
}

#[tokio::test]
async fn a_booking_is_told_event_by_event_in_the_order_it_happens() {
    let (driver, store, desk) = (Driver::new(flows()), MemoryStore::default(), Desk::default());
    let mut all = String::new();
    for (id, means) in BOOKING.iter().enumerate() {
        all.push_str(&format!("# {means}\n"));
        for event in told(&driver, &store, &desk, id, means).await {
            all.push_str(&serde_json::to_string(&event.unwrap()).unwrap());
            all.push('\n');
        }
    }
    insta::assert_snapshot!(all);
}

#[tokio::test]
async fn a_stream_tells_what_a_watcher_sees_and_then_that_the_turn_is_complete() {
    let driver = Driver::new(flows());
    let (watched, streamed) = (MemoryStore::default(), MemoryStore::default());
    let desk = Desk::default();
    for (id, means) in BOOKING.iter().enumerate() {
        let stored = watched.load("c1").await.unwrap();
        let mut seen: Vec<Event<String>> = Vec::new();
        let mut watch = |happening: innkeeper_engine::runtime::Happening<'_>| seen.push(happening.into());
        let turned = driver
            .turn(&watched, &desk, "c1", message(id, means, stored.as_ref()), Some(&mut watch))
            .await
            .unwrap();
        let events = told(&driver, &streamed, &desk, id, means).await;
        let mut events: Vec<Event<String>> = events.into_iter().map(Result::unwrap).collect();
        let last = completed(events.pop().unwrap());
        assert_eq!(json!(events), json!(seen));
        assert_eq!((last.position, last.revision), (turned.position, turned.revision));
        assert_eq!((last.outgoing, last.calls), (turned.outgoing, turned.calls));
    }
    assert_eq!(streamed.load("c1").await.unwrap(), watched.load("c1").await.unwrap());
}

#[tokio::test]
async fn a_fault_is_the_last_thing_that_is_told() {
    let (driver, desk) = (Driver::new(flows()), Desk::default());
    let store = talked(&driver, &desk, &BOOKING[..3]).await;
    let machine = Crashing::new(&store, 1);
    let mut events = stream(&driver, &machine, &desk, 3, BOOKING[3]).await;
    let mut before = Vec::new();
    let fault = loop {
        match events.next().await.unwrap() {
            Ok(event) => before.push(event),
            Err(fault) => break fault,
        }
    };
    assert!(matches!(fault, TurnFault::Store(Stopped)));
    assert!(events.next().await.is_none() && events.next().await.is_none(), "and nothing after it");
    let called =
        |event: &Event<String>| matches!(event, Event::Called(call) if &*call.tool == "create_booking");
    assert!(before.iter().any(called), "what happened before it was told");
    assert!(!before.iter().any(|event| matches!(event, Event::Saved { .. } | Event::Completed(_))));
}

#[tokio::test]
async fn a_fault_before_anything_happened_is_all_that_is_told() {
    let (driver, desk) = (Driver::new(flows()), Desk::default());
    let store = talked(&driver, &desk, &BOOKING[..1]).await;
    let elsewhere = Driver::new(crate::chart::check(&[]));
    let events = told(&elsewhere, &store, &desk, 1, BOOKING[1]).await;
    assert!(matches!(events.as_slice(), [Err(TurnFault::OtherVersion { .. })]), "{events:?}");
}

#[tokio::test]
async fn a_turn_that_was_cut_off_is_told_to_its_end() {
    let (driver, mut desk) = (Driver::new(flows()), Desk::default());
    let store = talked(&driver, &desk, &BOOKING[..3]).await;
    say(&driver, &Crashing::new(&store, 1), &desk, 3, BOOKING[3]).await.unwrap_err();
    desk.knows_keys = false;
    let events = told(&driver, &store, &desk, 3, BOOKING[3]).await;
    let events: Vec<Json> = events.into_iter().map(|event| json!(event.unwrap())).collect();
    let lost = json!({ "event": "answered", "data": { "call": 3, "tool": "create_booking",
        "outcome": { "unknown": { "message": "the call was cut off" } } } });
    assert_eq!(events[0], lost, "a call that must not be made twice is answered without being made");
    assert_eq!(events.last().unwrap()["event"], "completed");
    let bookings = desk.calls.lock().unwrap().iter().filter(|(tool, _)| tool == "create_booking").count();
    assert_eq!(bookings, 1);
}

/// A hotel and a store that let others go first, before and after everything they do.
struct Slow<'a, T>(&'a T);

impl Performer for Slow<'_, Desk> {
    type Outgoing = String;
    type Fault = Infallible;

    fn now(&self) -> Moment {
        self.0.now()
    }

    async fn sleep(&self, duration: Duration) {
        self.0.sleep(duration).await;
    }

    async fn guest(&self, known: Option<&Guest>) -> Option<Guest> {
        yield_now().await;
        self.0.guest(known).await
    }

    async fn understand(&self, ask: Ask<'_>) -> Arc<Understanding> {
        yield_now().await;
        self.0.understand(ask).await
    }

    async fn call(&self, call: &Call, key: &str) -> Outcome {
        yield_now().await;
        let outcome = self.0.call(call, key).await;
        yield_now().await;
        outcome
    }

    async fn render(&self, says: &[Say]) -> Result<Vec<String>, Infallible> {
        self.0.render(says).await
    }
}

impl Store for Slow<'_, MemoryStore<String>> {
    type Outgoing = String;
    type Fault = BadForm;

    async fn load(&self, conversation: &str) -> Result<Option<Stored<String>>, BadForm> {
        yield_now().await;
        self.0.load(conversation).await
    }

    async fn lend(&self, conversation: &str, versions: &Versions) -> Result<Option<Stored<String>>, BadForm> {
        yield_now().await;
        self.0.lend(conversation, versions).await
    }

    async fn commit(&self, commit: Commit<'_, String>) -> Result<(), CommitError<BadForm>> {
        yield_now().await;
        self.0.commit(commit).await?;
        yield_now().await;
        Ok(())
    }

    async fn log(&self, conversation: &str) -> Result<Vec<(u64, Vec<Logged>)>, BadForm> {
        self.0.log(conversation).await
    }

    async fn forget(&self, conversation: &str) -> Result<bool, BadForm> {
        self.0.forget(conversation).await
    }
}

#[tokio::test]
async fn a_stream_that_is_dropped_anywhere_leaves_what_was_written_down_and_the_turn_can_be_taken() {
    let driver = Driver::new(flows());
    let (mut before_all, mut written_ahead, mut over) = (0, 0, false);
    for polls in 0.. {
        let desk = Desk::default();
        let store = talked(&driver, &desk, &BOOKING[..3]).await;
        let before = store.load("c1").await.unwrap().unwrap();
        let (slow_store, slow_desk) = (Slow(&store), Slow(&desk));
        let mut events = driver.stream(&slow_store, &slow_desk, "c1", message(3, BOOKING[3], Some(&before)));
        for _ in 0..polls {
            over |= matches!(futures::poll!(events.next()), std::task::Poll::Ready(None));
        }
        drop(events);

        let after = store.load("c1").await.unwrap().unwrap();
        let said = store.outgoing().len();
        match after.revision {
            3 => {
                assert_eq!(after, before, "nothing happened");
                before_all += 1;
            }
            4 => {
                let underway = after.underway.as_ref().unwrap();
                assert_eq!(underway.message.as_deref(), Some("m3"), "the call was written down, no more");
                written_ahead += 1;
            }
            revision => assert_eq!((revision, after.underway.is_none()), (5, true), "all of it happened"),
        }
        let whole = after.revision == 5;
        assert_eq!((said, store.answered().len()), if whole { (4, 4) } else { (3, 3) });
        if !whole {
            say(&driver, &store, &desk, 3, BOOKING[3]).await.unwrap();
        }
        assert_eq!(store.load("c1").await.unwrap().unwrap().revision, 5);
        let prompts: Vec<String> = store.outgoing().into_iter().map(|(_, prompt)| prompt).collect();
        assert_eq!(prompts, ["ask_room", "ask_name", "confirm_book", "booked"], "after {polls} polls");
        let calls = desk.calls.lock().unwrap();
        let booked = calls.iter().filter(|(tool, _)| tool == "create_booking");
        let keys: std::collections::BTreeSet<&String> = booked.map(|(_, key)| key).collect();
        assert_eq!(keys.len(), 1, "after {polls} polls");
        if over {
            break;
        }
    }
    assert!(before_all > 3 && written_ahead > 2, "{before_all} and {written_ahead} places");
}

#[tokio::test]
async fn a_turn_goes_no_further_than_it_is_read() {
    let (driver, desk) = (Driver::new(flows()), Desk::default());
    let store = talked(&driver, &desk, &BOOKING[..1]).await;
    let slow = Slow(&desk);
    let mut events = stream(&driver, &store, &slow, 1, BOOKING[1]).await;
    let called = loop {
        if let Event::Called(call) = events.next().await.unwrap().unwrap() {
            break call;
        }
    };
    assert_eq!(&*called.tool, "quote_stay");
    let quotes = || desk.calls.lock().unwrap().iter().filter(|(tool, _)| tool == "quote_stay").count();
    assert_eq!(quotes(), 0, "it is told before it is made");
    let next = events.next().await.unwrap().unwrap();
    assert!(matches!(&next, Event::Answered { call, .. } if *call == called.id), "{next:?}");
    assert_eq!(quotes(), 1);
    let rest: Vec<Event<String>> = events.map(Result::unwrap).collect().await;
    let asked = |event: &Event<String>| matches!(event, Event::Traced(Trace::Asked { .. }));
    assert!(rest.iter().any(asked));
    assert_eq!(completed(rest.into_iter().next_back().unwrap()).revision, 2);
}
