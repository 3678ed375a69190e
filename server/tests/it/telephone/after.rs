//! What comes after: hanging up, passing on, and sockets that break.

use std::sync::{Arc, Mutex};

use innkeeper::channel::line::{ControlFault, FromSound, ToSound};

use super::rig::{ANA, DESK, HOTEL, STREAM, echo, open, open_with_rest, script, sound, tone};
use crate::support::caller::{Event, Manner, Stage};

#[tokio::test(start_paused = true)]
async fn dropping_the_orders_hangs_up_after_what_was_sent() {
    let callee = script(|call| async move {
        let (mut signals, orders) = sound(call);
        orders.send(ToSound::Sound(tone(300, 4))).await.expect("the line");
        orders.send(ToSound::Mark("bye".to_owned())).await.expect("the line");
        while !matches!(signals.recv().await, Some(FromSound::Mark(_)) | None) {}
    });
    let exchange = open(STREAM, Arc::clone(&callee), Manner::default());
    let seen = exchange.ring(ANA, HOTEL).await.over().await;
    assert_eq!(seen.sound(), tone(300, 4));
    let answers = seen.events.iter().filter(|(_, event)| matches!(event, Event::Answered(..))).count();
    assert_eq!((answers, seen.has(&Event::HungUp), seen.has(&Event::Closed)), (2, true, true));
    assert_eq!(callee.taken().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_socket_breaks_is_put_through_again_and_then_to_the_desk() {
    let callee = echo();
    let exchange = open(STREAM, Arc::clone(&callee), Manner::default());
    let call = exchange.ring(ANA, HOTEL).await;
    for times in 1..=3 {
        call.until(|seen| {
            seen.stage == Stage::Connected
                && seen.events.iter().filter(|(_, event)| *event == Event::Opened).count() == times
        })
        .await;
        callee.ended(times - 1).await;
        let frames = call.seen().frames;
        call.until(|seen| seen.frames > frames + 20).await;
        call.cut();
    }
    let seen = call.over().await;
    callee.ended(3).await;
    let ids: Vec<String> = callee.taken().into_iter().map(|(id, _)| id).collect();
    assert_eq!(ids, [call.sid.clone(), format!("{}.1", call.sid), format!("{}.2", call.sid)]);
    assert!(seen.has(&Event::Dialled(DESK.to_owned(), None)), "{:?}", seen.events);
    assert!(seen.has(&Event::HungUp), "the front desk ended it");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_another_run_of_the_program_had_is_put_through_again() {
    let exchange = open(STREAM, echo(), Manner::default());
    let form = exchange.form("CA77", ANA, HOTEL, "in-progress");
    let url = "https://hotel.example.com/twilio/voice/after";
    let (code, body) = exchange.post(&format!("{url}?n=0"), &form).await.expect("an answer");
    assert!(code == 200 && body.contains("<Connect><Stream") && body.contains("after?n=1"), "{body}");
    let (_, body) = exchange.post(&format!("{url}?n=2"), &form).await.expect("an answer");
    assert!(body.contains(&format!(">{DESK}</Dial>")), "{body}");
    let over = exchange.form("CA77", ANA, HOTEL, "completed");
    let (_, body) = exchange.post(&format!("{url}?n=0"), &over).await.expect("an answer");
    assert!(body.ends_with("<Response><Hangup/></Response>"), "{body}");
}

#[tokio::test(start_paused = true)]
async fn without_a_front_desk_a_lost_call_ends_with_a_sentence() {
    let settings = &[("INNKEEPER__TWILIO__VOICE", "stream")];
    let exchange = open(settings, echo(), Manner { encoding: "audio/x-l16".to_owned(), ..Manner::default() });
    let seen = exchange.ring(ANA, HOTEL).await.over().await;
    let said = seen
        .events
        .iter()
        .any(|(_, event)| matches!(event, Event::Said(text) if text.contains("went wrong")));
    assert!(said && seen.has(&Event::HungUp), "{:?}", seen.events);
}

#[tokio::test(start_paused = true)]
async fn a_desk_that_does_not_answer_is_told_to_the_caller() {
    for (dialled, said) in [("no-answer", true), ("busy", true), ("failed", true), ("completed", false)] {
        let exchange = open(STREAM, echo(), Manner { dialled: dialled.to_owned(), ..Manner::default() });
        let call = exchange.ring(ANA, HOTEL).await;
        call.until(|seen| seen.heard_ms() > 60).await;
        for _ in 0..3 {
            let opened = |seen: &crate::support::caller::Seen| {
                seen.events.iter().filter(|(_, event)| *event == Event::Opened).count()
            };
            let before = opened(&call.seen());
            call.cut();
            call.until(|seen| seen.stage == Stage::Over || opened(seen) > before).await;
        }
        let seen = call.over().await;
        let is_told = seen
            .events
            .iter()
            .any(|(_, event)| matches!(event, Event::Said(text) if text.contains("nobody")));
        assert_eq!(is_told, said, "{dialled}");
        assert!(seen.has(&Event::HungUp));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_is_ended_and_passed_on_over_rest() {
    type Done = Arc<Mutex<Vec<Result<(), ControlFault>>>>;
    let done = Done::default();
    let notes = Arc::clone(&done);
    let callee = script(move |call| {
        let notes = Arc::clone(&notes);
        async move {
            let control = Arc::clone(&call.control);
            let (mut signals, _orders) = sound(call);
            while let Some(signal) = signals.recv().await {
                let did = match signal {
                    FromSound::Digit('0') => control.transfer().await,
                    FromSound::Digit('*') => control.hang_up().await,
                    _ => continue,
                };
                notes.lock().expect("notes").push(did);
            }
            // The call is over: it is well ended, and there is nobody to pass on.
            let again = control.hang_up().await;
            notes.lock().expect("notes").push(again);
        }
    });
    let settings = [STREAM, &[("INNKEEPER__TWILIO__VOICE_FROM", HOTEL)]].concat();
    let exchange = open_with_rest(&settings, Arc::clone(&callee), Manner::default()).await;
    let cases = [
        (ANA, '0', Some(Event::Dialled(DESK.to_owned(), None))),
        ("whatsapp:+34600000001", '0', Some(Event::Dialled(DESK.to_owned(), Some(HOTEL.to_owned())))),
        ("anonymous", '0', Some(Event::Dialled(DESK.to_owned(), Some(HOTEL.to_owned())))),
        (ANA, '*', None),
    ];
    for (number, (from, key, event)) in (1..).zip(cases) {
        let call = exchange.ring(from, HOTEL).await;
        call.until(|seen| seen.frames > 5).await;
        call.press(key);
        let seen = call.over().await;
        callee.ended(number).await;
        assert!(event.is_none_or(|event| seen.has(&event)), "{:?}", seen.events);
        assert!(seen.has(&Event::HungUp));
        let done = std::mem::take(&mut *done.lock().expect("notes"));
        assert!(done.iter().all(Result::is_ok) && done.len() == 2, "{done:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_done_to_a_call_is_said() {
    let (told, mut did) = tokio::sync::mpsc::unbounded_channel();
    let callee = script(move |call| {
        let told = told.clone();
        async move {
            let control = Arc::clone(&call.control);
            told.send(control.transfer().await).expect("the test");
            told.send(control.hang_up().await).expect("the test");
            let (mut signals, orders) = sound(call);
            drop(orders);
            while signals.recv().await.is_some() {}
        }
    });
    // Nobody is at the address of the REST API here.
    let exchange = open(&[("INNKEEPER__TWILIO__VOICE", "stream")], callee, Manner::default());
    let call = exchange.ring(ANA, HOTEL).await;
    assert!(matches!(did.recv().await, Some(Err(ControlFault::Unable { .. }))));
    assert!(
        matches!(did.recv().await, Some(Err(ControlFault::Failed { reason })) if !reason.contains("346"))
    );
    call.over().await;
}
