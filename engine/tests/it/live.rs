//! Five things that happen to conversations that live long: a state is renamed under them, a mandatory one is put in
//! before the place they are at, the machine stops between a call and its commit, a guest says yes twice at once, and
//! a date is corrected after what was free on it was looked up.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use indexmap::IndexMap;
use innkeeper_engine::runtime::{
    Arrival, Ask, Completed, Driver, MemoryStore, Performer, Store, TurnFault, replay,
};
use innkeeper_engine::{
    Act, BadForm, Call, Expecting, Flows, Guest, Heard, Input, Moment, Note, Outcome, Say, Understanding,
    Way, carry,
};
use serde_json::{Value as Json, json};

use crate::inn::guest::{booking, named, nights, says, to_the_end};
use crate::inn::{Visit, hotel, rewritten, shipped};
use crate::runtime::crashing::{Crashing, Stopped};
use crate::talk::day;

fn moved(visit: &Visit, flows: &Arc<Flows>) -> (Visit, Way, Vec<Note>) {
    let carried = carry(&visit.flows, flows, &visit.position, visit.moment());
    let position = carried.position.unwrap_or_else(|| panic!("not moved: {:?}", carried.notes));
    (Visit { flows: Arc::clone(flows), position, ..visit.clone() }, carried.how, carried.notes)
}

fn talked(count: usize) -> Visit {
    let mut visit = Visit::new(&shipped().flows, Guest::default());
    booking().into_iter().take(count).for_each(|means| visit.means(means));
    visit
}

#[test]
fn a_renamed_state_keeps_the_conversation_that_waits_in_it() {
    for was in ["", "    was: [confirming]\n"] {
        let (flows, _) = rewritten(|text| {
            text.replace("target: confirming }", "target: reading_back }")
                .replace("target: confirming, on", "target: reading_back, on")
                .replace("target: confirming\n", "target: reading_back\n")
                .replace("  confirming:\n", &format!("  reading_back:\n{was}"))
        });
        let visit = talked(3);
        assert_eq!(visit.state().1, "confirming");
        let slots = visit.position.slots(&visit.flows);
        let (mut visit, how, notes) = moved(&visit, &flows);
        assert_eq!(how, Way::Mapped);
        let stands = Note::Stands {
            before: "book_room.confirming".to_owned(),
            now: "book_room.reading_back".to_owned(),
        };
        assert_eq!(notes, [stands]);
        assert_eq!(visit.state().1, "reading_back");
        assert_eq!(visit.position.slots(&visit.flows), slots, "nothing is lost");
        // A yes to what the older flow read back is none to the newer one: it is read back first.
        visit.acts(Act::Affirm);
        assert_eq!(visit.writes().len(), 0);
        assert_eq!(visit.asked(), "confirm_book_room");
        visit.acts(Act::Affirm);
        assert_eq!(visit.writes().len(), 1);
        assert_eq!(visit.state().0, "conversation");
    }
}

#[test]
fn a_mandatory_state_put_in_before_the_one_a_conversation_waits_in_is_not_skipped() {
    let (flows, _) = rewritten(|text| {
        text.replace("  name:   { type: person_name", "  pets:   boolean\n  name:   { type: person_name")
            .replace("done: { target: who }", "done: { target: animals }")
            .replace("  who: {", "  animals: { collect: [pets], target: who }\n\n  who: {")
    });
    for (count, state) in [(1, "choosing"), (2, "animals"), (3, "animals")] {
        let visit = talked(count);
        let slots = visit.position.slots(&visit.flows);
        let (mut visit, _, _) = moved(&visit, &flows);
        assert_eq!(visit.state().1, state, "after {count} messages");
        assert_eq!(visit.position.slots(&visit.flows), slots, "nothing is lost");
        let before = visit.said.len();
        visit.acts(Act::Affirm);
        assert_eq!(visit.writes().len(), 0, "a yes to the old read-back counts for nothing");
        assert!(to_the_end(&mut visit, "book_room", &named([("pets", Heard::Boolean(true))]), 20));
        let asked = visit.said[before..].iter().any(|say| &*say.prompt == "ask_pets");
        assert!(asked, "after {count} messages it was asked for");
        assert_eq!(visit.writes().len(), 1);
    }
}

#[test]
fn a_date_corrected_after_what_is_free_was_looked_up_leaves_nothing_of_the_old_date() {
    for count in [1, 2, 3] {
        let mut visit = talked(count);
        visit.means(says(named([("stay", nights(16, 19))]), &[]));
        let last = &visit.calls.iter().rfind(|(call, _)| &*call.tool == "get_room_availability").unwrap().0;
        assert_eq!(json!(last.arguments)["start_date"], "2026-12-16", "asked again with the new date");
        let facts = visit.said.last().unwrap().facts();
        assert!(
            !json!(facts).to_string().contains("2026-12-12"),
            "nothing is left of the old date: {facts:?}"
        );
        assert!(to_the_end(&mut visit, "book_room", &IndexMap::new(), 20));
        let read = visit.said.iter().rfind(|say| say.expecting == Expecting::Confirmation).unwrap().facts();
        assert_eq!(read["stay"], json!({ "check_in": "2026-12-16", "check_out": "2026-12-19" }));
        assert_eq!(read["room"]["room_id"], "double-sea-2026-12-16");
        assert_eq!(read["quote"]["total"]["minor"], 3 * 14_000);
        let quotes = visit.calls.iter().filter(|(call, _)| &*call.tool == "quote_stay").count();
        assert_eq!(quotes, if count == 1 { 1 } else { 2 }, "the quote is remade once");
        let written = &visit.calls.iter().find(|(call, _)| call.writes).unwrap().0;
        assert_eq!(json!(written.arguments)["dates"], read["stay"]);
        assert_eq!(json!(written.arguments)["quote_id"], read["quote"]["quote_id"]);
        assert_eq!(visit.writes().len(), 1);
    }
}

/// The hotel behind the driver: it does nothing twice under one key.
#[derive(Default)]
struct Desk {
    booked: Mutex<BTreeMap<String, Outcome>>,
    /// Every writing call that came in, with its key.
    came: Mutex<Vec<(String, Json)>>,
    /// The message that is understood next.
    means: Mutex<Understanding>,
}

impl Performer for Desk {
    type Outgoing = String;
    type Fault = Infallible;

    fn now(&self) -> Moment {
        Moment { at: "2026-12-01T10:00:00Z".parse().unwrap(), today: day(1) }
    }

    async fn sleep(&self, _: Duration) {}

    async fn guest(&self, known: Option<&Guest>) -> Option<Guest> {
        known.is_none().then(Guest::default)
    }

    async fn understand(&self, _: Ask<'_>) -> Arc<Understanding> {
        // Whoever understands takes a while: another turn can come between.
        Once::default().await;
        Arc::new(self.means.lock().unwrap().clone())
    }

    async fn call(&self, call: &Call, key: &str) -> Outcome {
        Once::default().await;
        if !call.writes {
            return hotel::answer(call);
        }
        self.came.lock().unwrap().push((key.to_owned(), json!(call.arguments)));
        self.booked.lock().unwrap().entry(key.to_owned()).or_insert_with(|| hotel::answer(call)).clone()
    }

    async fn render(&self, says: &[Say]) -> Result<Vec<String>, Infallible> {
        Ok(says.iter().map(|say| say.prompt.to_string()).collect())
    }
}

/// Lets others go first, once.
#[derive(Default)]
struct Once(bool);

impl Future for Once {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        Waker::wake_by_ref(context.waker());
        Poll::Pending
    }
}

async fn arrival<S: Store>(store: &S, id: usize) -> Arrival {
    let stored = store.load("c1").await.ok().flatten();
    let conveyed = stored.and_then(|stored| stored.position.unconveyed()).map(|say| Input::Conveyed { say });
    let said = Input::Said { text: "so".to_owned(), button: None };
    Arrival {
        message: Some(format!("m{id}")),
        inputs: conveyed.into_iter().chain([said]).collect(),
        moment: Moment { at: "2026-12-01T10:00:00Z".parse().unwrap(), today: day(1) },
    }
}

async fn turn<S: Store<Outgoing = String>>(
    driver: &Driver,
    store: &S,
    desk: &Desk,
    arrival: Arrival,
) -> Result<Completed<String>, TurnFault<S::Fault, Infallible>> {
    driver.turn(store, desk, "c1", arrival, None).await
}

/// A store with a conversation that stands at the read-back.
async fn at_the_read_back(driver: &Driver, desk: &Desk) -> MemoryStore<String> {
    let store = MemoryStore::default();
    for (id, means) in booking().into_iter().enumerate() {
        *desk.means.lock().unwrap() = means;
        if id == 3 {
            break;
        }
        turn(driver, &store, desk, arrival(&store, id).await).await.unwrap();
    }
    store
}

#[tokio::test]
async fn a_stop_between_the_booking_and_its_commit_books_once_under_one_key() {
    let (driver, desk) = (Driver::new((*shipped().flows).clone()), Desk::default());
    let store = at_the_read_back(&driver, &desk).await;
    // The write-ahead is committed, the hotel books, and the turn's own commit is lost.
    let crashing = Crashing::new(&store, 1);
    let yes = arrival(&crashing, 3).await;
    let fault = turn(&driver, &crashing, &desk, yes.clone()).await.unwrap_err();
    assert!(matches!(fault, TurnFault::Store(Stopped)));
    assert_eq!(desk.booked.lock().unwrap().len(), 1, "the hotel has booked");
    assert_eq!(store.answered().len(), 3, "and nobody knows");
    crashing.is_up_again();
    let completed = turn(&driver, &crashing, &desk, yes).await.unwrap();
    let came = desk.came.lock().unwrap().clone();
    assert_eq!(came.len(), 2);
    assert_eq!(came[0], came[1], "the same call under the same key");
    assert_eq!(desk.booked.lock().unwrap().len(), 1);
    assert_eq!(completed.outgoing, ["booked"]);
    assert_eq!(store.outgoing().iter().filter(|(_, prompt)| prompt == "booked").count(), 1);
    assert_eq!(store.answered().len(), 4);
    let log = store.log("c1").await.unwrap();
    let replayed = replay::<BadForm>(&driver.versions.current(), None, log).unwrap();
    assert_eq!(replayed.revisions.last().unwrap().position, completed.position, "the log says the same");
}

#[tokio::test]
async fn the_same_yes_twice_at_once_books_once_and_the_second_changes_nothing() {
    let (driver, desk) = (Driver::new((*shipped().flows).clone()), Desk::default());
    let store = at_the_read_back(&driver, &desk).await;
    let yes = arrival(&store, 3).await;
    let (one, two) =
        tokio::join!(turn(&driver, &store, &desk, yes.clone()), turn(&driver, &store, &desk, yes.clone()));
    let (done, late) = if one.is_ok() { (one, two) } else { (two, one) };
    let done = done.unwrap();
    assert!(matches!(late.unwrap_err(), TurnFault::Conflict));
    assert_eq!(desk.came.lock().unwrap().len(), 1, "only one of them reached the hotel");
    assert_eq!(done.outgoing, ["booked"]);
    let stored = store.load("c1").await.unwrap().unwrap();
    assert_eq!(stored.position, done.position);
    assert_eq!(stored.revision, 5, "three turns with one commit, one with two");
    assert_eq!(store.answered().len(), 4);
    assert_eq!(store.outgoing().iter().filter(|(_, prompt)| prompt == "booked").count(), 1);
}
