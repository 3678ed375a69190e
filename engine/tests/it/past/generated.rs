//! Random conversations, with steps back in them: forks that are told the same become the same.

use innkeeper_engine::runtime::{Driver, MemoryStore, PastFault, Store, fork, history, undo};
use innkeeper_engine::{BadForm, Outcome, Waiting};
use proptest::prelude::*;

use super::positions;
use crate::runtime::crashing::Crashing;
use crate::runtime::desk::{Desk, moment, say_in};
use crate::talk::flows;

/// What guests say, right, wrong and out of turn.
const LINES: [&str; 18] = [
    "+start:book stay=2026-12-12..2026-12-14 guests=2 view=sea",
    "+start:book",
    "stay=2026-12-12..2026-12-14",
    "stay=2026-12-21..2026-12-23",
    "guests=3",
    "guests=9",
    "view=any",
    "room=double-sea",
    "room=double-garden",
    "name=Ana",
    "+affirm",
    "+affirm",
    "+deny",
    "+undo",
    "+start:question topic=parking",
    "+cancel",
    "+unclear",
    "+repeat",
];

/// Something that is done with a conversation.
#[derive(Clone, Copy, Debug)]
enum Doing {
    Say(&'static str),
    /// A step back over so many revisions.
    Back(u64),
}

fn doing() -> impl Strategy<Value = Doing> {
    prop_oneof![
        6 => prop::sample::select(&LINES[..]).prop_map(Doing::Say),
        1 => (0..4u64).prop_map(Doing::Back),
    ]
}

/// A guest who is on the way to a booking, so that there is something to go back over.
fn conversation() -> impl Strategy<Value = Vec<Doing>> {
    let booking = [LINES[0], "room=double-sea", "name=Ana", "+affirm"].map(Doing::Say);
    (0..=4usize, prop::collection::vec(doing(), 1..10))
        .prop_map(move |(known, then)| booking[..known].iter().copied().chain(then).collect())
}

/// What came of it, in a word.
async fn does(
    driver: &Driver,
    store: &Crashing<'_>,
    desk: &Desk,
    id: &str,
    n: usize,
    doing: Doing,
) -> String {
    match doing {
        Doing::Say(line) => {
            let turned = say_in(id, driver, store, desk, n, line).await.unwrap();
            format!("{:?} {}", turned.outgoing, turned.revision)
        }
        Doing::Back(over) => {
            let last = store.load(id).await.unwrap().map_or(0, |stored| stored.revision);
            let undone = undo(&driver.versions, store, id, last.saturating_sub(over), moment()).await;
            undone.map_or_else(|fault| fault.to_string(), |_| "back".to_owned())
        }
    }
}

async fn check(doings: &[Doing], at: usize, refuses: bool) {
    let (driver, store, desk) = (Driver::new(flows()), MemoryStore::default(), Desk::default());
    if refuses {
        let taken = Outcome::Error { code: "room_unavailable".to_owned(), message: "taken".to_owned() };
        desk.answers("create_booking", taken);
    }
    let machine = Crashing::never(&store);
    let (mut came, mut reached) = (Vec::new(), Vec::new());
    for (n, doing) in doings.iter().enumerate() {
        came.push(does(&driver, &machine, &desk, "c1", n, *doing).await);
        reached.push(store.load("c1").await.unwrap().map_or(0, |stored| stored.revision));
    }
    let Ok(told) = history(&driver.versions, &store, "c1").await else {
        return assert_eq!(store.load("c1").await.unwrap(), None);
    };
    assert_eq!(positions(&told), machine.committed(), "the past is what was stored");

    for revision in told.iter().filter(|revision| *revision.position.waiting() == Waiting::Answers) {
        let into = fork(&driver.versions, &store, "c1", revision.number, "c2").await;
        assert!(matches!(into, Err(PastFault::<BadForm>::Underway(number)) if number == revision.number));
    }
    if reached[at] == 0 {
        return;
    }
    fork(&driver.versions, &store, "c1", reached[at], "c2").await.unwrap();
    for (n, doing) in doings.iter().enumerate().skip(at + 1) {
        assert_eq!(does(&driver, &machine, &desk, "c2", n, *doing).await, came[n], "{doing:?}");
    }
    assert_eq!(positions(&history(&driver.versions, &store, "c2").await.unwrap()), positions(&told));
    assert_eq!(store.load("c2").await.unwrap(), store.load("c1").await.unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_fork_that_is_told_the_same_becomes_the_same(
        doings in conversation(),
        at in any::<prop::sample::Index>(),
        refuses in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(check(&doings, at.index(doings.len()), refuses));
    }
}
