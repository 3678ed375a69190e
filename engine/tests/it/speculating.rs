//! Turns that are taken on a copy before the message is whole: kept as they are, or dropped without a trace.

use innkeeper_engine::runtime::{Arrival, Driver, MessageOutcome, Store, TurnFault};

use crate::runtime::desk::{BOOKING, Desk, message, say, talked};
use crate::talk::flows;

#[tokio::test]
async fn what_is_kept_is_what_the_turn_would_have_been() {
    let (driver, desk) = (Driver::new(flows()), Desk::default());
    let plain = talked(&driver, &desk, &BOOKING[..2]).await;
    let store = talked(&driver, &desk, &BOOKING[..1]).await;
    let arrival = message(1, BOOKING[1], store.load("c1").await.unwrap().as_ref());
    let guess = Arrival { message: None, ..arrival.clone() };
    let speculation = driver.speculate(&store, &desk, "c1", guess).await.unwrap();
    assert_eq!(speculation.outgoing(), ["ask_name"]);
    let kept = driver.keep::<_, std::convert::Infallible>(&store, speculation, "c1", &arrival, None).await;
    assert_eq!(kept.unwrap().unwrap().outgoing, ["ask_name"]);
    assert_eq!(store.load("c1").await.unwrap(), plain.load("c1").await.unwrap());
    assert_eq!(store.log("c1").await.unwrap(), plain.log("c1").await.unwrap());
    assert_eq!(store.outgoing(), plain.outgoing());
    assert_eq!(store.answered().last(), Some(&("m1".to_owned(), MessageOutcome::Answered)));
}

#[tokio::test]
async fn what_is_dropped_leaves_no_trace() {
    let (driver, desk) = (Driver::new(flows()), Desk::default());
    let store = talked(&driver, &desk, &BOOKING[..1]).await;
    let before = (store.load("c1").await.unwrap(), store.log("c1").await.unwrap(), store.outgoing());
    let arrival = message(1, BOOKING[1], before.0.as_ref());
    drop(driver.speculate(&store, &desk, "c1", arrival).await.unwrap());
    assert_eq!((store.load("c1").await.unwrap(), store.log("c1").await.unwrap(), store.outgoing()), before);
}

#[tokio::test]
async fn nothing_is_written_ahead() {
    let (driver, desk) = (Driver::new(flows()), Desk::default());
    let store = talked(&driver, &desk, &BOOKING[..3]).await;
    let arrival = message(3, BOOKING[3], store.load("c1").await.unwrap().as_ref());
    assert!(driver.speculate(&store, &desk, "c1", arrival).await.is_none());
    let calls = desk.calls.lock().unwrap();
    assert!(calls.iter().all(|(tool, _)| tool != "create_booking"), "{calls:?}");
}

#[tokio::test]
async fn other_words_or_another_day_are_another_turn() {
    let (driver, desk) = (Driver::new(flows()), Desk::default());
    let store = talked(&driver, &desk, &BOOKING[..1]).await;
    let stored = store.load("c1").await.unwrap();
    let arrival = message(1, BOOKING[1], stored.as_ref());
    let mut tomorrow = arrival.clone();
    tomorrow.moment.today = tomorrow.moment.today.succ_opt().unwrap();
    for other in [message(1, "room=double-garden", stored.as_ref()), tomorrow] {
        let speculation = driver.speculate(&store, &desk, "c1", arrival.clone()).await.unwrap();
        let kept = driver.keep::<_, std::convert::Infallible>(&store, speculation, "c1", &other, None).await;
        assert!(kept.unwrap().is_none());
    }
    assert_eq!(store.load("c1").await.unwrap(), stored);
}

#[tokio::test]
async fn a_conversation_that_moved_on_keeps_nothing_of_before() {
    let (driver, desk) = (Driver::new(flows()), Desk::default());
    let store = talked(&driver, &desk, &BOOKING[..1]).await;
    let arrival = message(1, BOOKING[1], store.load("c1").await.unwrap().as_ref());
    let speculation = driver.speculate(&store, &desk, "c1", arrival.clone()).await.unwrap();
    say(&driver, &store, &desk, 7, "+thank").await.unwrap();
    let kept = driver.keep::<_, std::convert::Infallible>(&store, speculation, "c1", &arrival, None).await;
    assert!(matches!(kept, Err(TurnFault::Conflict)));
}
