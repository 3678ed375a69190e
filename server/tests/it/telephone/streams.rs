//! Sound both ways: what is spoken is heard, in order and in time, whatever the network does.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use innkeeper::channel::line::{FromSound, ToSound};

use super::rig::{ANA, HOTEL, STREAM, echo, open, script, sound, tone};
use crate::support::caller::{Call, Event, Manner, Piece, Stage};

const MS: Duration = Duration::from_millis(1);

/// Everything that the callee was told, in order.
type Told = Arc<Mutex<Vec<FromSound>>>;

/// What was told besides sound.
fn besides_sound(told: &Told) -> Vec<FromSound> {
    let told = told.lock().expect("what was told");
    told.iter().filter(|signal| !matches!(signal, FromSound::Sound(_))).cloned().collect()
}

fn sound_of(told: &Told) -> Vec<u8> {
    let told = told.lock().expect("what was told");
    told.iter()
        .flat_map(|signal| match signal {
            FromSound::Sound(bytes) => bytes.clone(),
            _ => Vec::new(),
        })
        .collect()
}

fn contains(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}

#[tokio::test(start_paused = true)]
async fn what_the_caller_says_comes_back_whole_and_in_order() {
    for (bunches, strangers) in [(false, false), (true, true)] {
        let callee = echo();
        let manner = Manner { bunches, strangers, round_trip: 20..=150, ..Manner::default() };
        let exchange = open(STREAM, Arc::clone(&callee), manner);
        let call = exchange.ring(ANA, HOTEL).await;
        let spoken = tone(3_000, 5);
        call.speak(&spoken);
        let seen = call.until(|seen| seen.heard_ms() > 3_500).await;
        assert!(contains(&seen.sound(), &spoken), "bunches: {bunches}");
        call.hang_up();
        let seen = call.over().await;
        let warned = seen.events.iter().any(|(_, event)| matches!(event, Event::Warned(_)));
        assert!(!warned, "{:?}", seen.events);
        callee.ended(1).await;
    }
}

#[tokio::test(start_paused = true)]
async fn sound_is_heard_when_it_is_sent_and_marks_come_back_when_it_was_heard() {
    let told = Told::default();
    let notes = Arc::clone(&told);
    let callee = script(move |call| {
        let notes = Arc::clone(&notes);
        async move {
            let (mut signals, orders) = sound(call);
            for order in [
                ToSound::Mark("nothing before".to_owned()),
                ToSound::Sound(tone(1_000, 1)),
                ToSound::Mark("one".to_owned()),
                ToSound::Sound(tone(500, 2)),
                ToSound::Mark("two \"quoted\"".to_owned()),
            ] {
                orders.send(order).await.expect("the line");
            }
            while let Some(signal) = signals.recv().await {
                notes.lock().expect("notes").push(signal);
            }
        }
    });
    let exchange = open(STREAM, Arc::clone(&callee), Manner::default());
    let call = exchange.ring(ANA, HOTEL).await;
    let seen = call.until(|seen| seen.marks().len() == 3).await;
    assert_eq!(seen.sound(), [tone(1_000, 1), tone(500, 2)].concat());
    assert_eq!(seen.heard.len(), 1, "without a pause");
    let begun = seen.heard[0].at;
    let at = |name: &str| seen.when(|event| *event == Event::Mark(name.to_owned())).expect("a mark");
    assert_eq!((at("one") - begun).as_millis(), 1_000);
    assert_eq!((at("two \"quoted\"") - begun).as_millis(), 1_500);
    assert!(at("nothing before") <= begun);
    assert!(begun < 50 * MS, "{begun:?}");
    call.press('5');
    call.press('#');
    call.until(|seen| seen.frames > 100).await;
    call.hang_up();
    call.over().await;
    callee.ended(1).await;
    let mark = |name: &str| FromSound::Mark(name.to_owned());
    assert_eq!(
        besides_sound(&told),
        [
            mark("nothing before"),
            mark("one"),
            mark("two \"quoted\""),
            FromSound::Digit('5'),
            FromSound::Digit('#'),
            FromSound::Stopped
        ]
    );
    let frames = sound_of(&told).len() / 160;
    assert!((95..=120).contains(&frames), "{frames}");
}

#[tokio::test(start_paused = true)]
async fn a_clear_silences_at_once_and_every_mark_comes_back_once() {
    for seed in 0..40 {
        let told = Told::default();
        let notes = Arc::clone(&told);
        let callee = script(move |call| {
            let notes = Arc::clone(&notes);
            async move {
                let (mut signals, orders) = sound(call);
                for piece in 0..20 {
                    orders.send(ToSound::Sound(tone(100, piece))).await.expect("the line");
                    orders.send(ToSound::Mark(format!("old:{piece}"))).await.expect("the line");
                }
                let mut orders = Some(orders);
                let mut heard = 0;
                while let Some(signal) = signals.recv().await {
                    if let (FromSound::Sound(_), Some(orders)) = (&signal, &mut orders) {
                        heard += 1;
                        // The caller interrupts after some time; what follows is heard, what was before is not.
                        if heard == 20 + seed {
                            orders.send(ToSound::Clear).await.expect("the line");
                            orders.send(ToSound::Sound(tone(200, 77))).await.expect("the line");
                            orders.send(ToSound::Mark("new".to_owned())).await.expect("the line");
                        }
                    }
                    let is_new = signal == FromSound::Mark("new".to_owned());
                    notes.lock().expect("notes").push(signal);
                    if is_new {
                        orders = None;
                    }
                }
            }
        });
        let manner =
            Manner { seed: seed as u64, round_trip: 20..=150, bunches: seed % 2 == 1, ..Manner::default() };
        let exchange = open(STREAM, Arc::clone(&callee), manner);
        let call = exchange.ring(ANA, HOTEL).await;
        let seen = call.over().await;
        let cleared = seen.when(|event| matches!(event, Event::Cleared(_))).expect("a clear");
        let heard = seen.sound();
        assert_eq!(heard[heard.len() - 1600..], tone(200, 77), "the last that is heard is what came after");
        let old: Vec<u8> = (0..20).flat_map(|piece| tone(100, piece)).collect();
        assert_eq!(heard[..heard.len() - 1600], old[..heard.len() - 1600], "seed {seed}");
        // All that is old was heard without a pause, and nothing of it after the clear.
        let first: &Piece = &seen.heard[0];
        let silent = first.at + MS * u32::try_from((heard.len() - 1600) / 8).expect("a short call");
        assert!(silent <= cleared + MS, "seed {seed}: {silent:?} {cleared:?}");
        let wanted: Vec<FromSound> = (0..20)
            .map(|piece| format!("old:{piece}"))
            .chain(["new".to_owned()])
            .map(FromSound::Mark)
            .collect();
        assert_eq!(besides_sound(&told)[..21], wanted, "seed {seed}");
        assert!(seen.has(&Event::HungUp), "we hung up");
    }
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_hangs_up_while_we_speak_ends_the_call() {
    let callee = script(|call| async move {
        let (mut signals, orders) = sound(call);
        orders.send(ToSound::Sound(tone(60_000, 1))).await.expect("the line");
        orders.send(ToSound::Mark("never".to_owned())).await.expect("the line");
        let mut last = None;
        while let Some(signal) = signals.recv().await {
            last = Some(signal);
        }
        assert_eq!(last, Some(FromSound::Stopped));
        assert!(orders.is_closed(), "nobody can be told anything");
    });
    let exchange = open(STREAM, Arc::clone(&callee), Manner::default());
    let call = exchange.ring(ANA, HOTEL).await;
    call.until(|seen| seen.heard_ms() > 700).await;
    call.hang_up();
    let seen = call.over().await;
    callee.ended(1).await;
    assert!(seen.heard_ms() < 1_000, "{}", seen.heard_ms());
    assert_eq!(seen.marks(), Vec::<&str>::new());
    let answers = seen.events.iter().filter(|(_, event)| matches!(event, Event::Answered(..))).count();
    assert_eq!(answers, 1, "nothing follows");
}

#[tokio::test(start_paused = true)]
async fn what_twilio_was_never_heard_to_say_changes_nothing() {
    let callee = echo();
    let exchange = open(STREAM, Arc::clone(&callee), Manner::default());
    let call = exchange.ring(ANA, HOTEL).await;
    call.until(|seen| seen.stage == Stage::Connected && seen.heard_ms() > 100).await;
    for message in [
        "",
        "{",
        "null",
        r#"{"event":"weather","weather":[1]}"#,
        r#"{"event":"media"}"#,
        r#"{"event":"media","media":{"payload":"!!!!"}}"#,
        r#"{"event":"media","media":{"payload":7}}"#,
        r#"{"event":"mark"}"#,
        r#"{"event":"dtmf","dtmf":{"digit":"A"}}"#,
        r#"{"event":"start","start":{"callSid":"CA-another"}}"#,
        r#"{"event":"connected"}"#,
        r#"{"something":"else"}"#,
    ] {
        call.raw(message);
    }
    let spoken = tone(400, 9);
    call.speak(&spoken);
    let seen = call.until(|seen| seen.heard_ms() > 1_500).await;
    assert!(contains(&seen.sound(), &spoken));
    call.hang_up();
    call.over().await;
}

#[tokio::test(start_paused = true)]
async fn a_callee_who_does_not_listen_holds_nothing_up_and_hears_the_newest() {
    let told = Told::default();
    let notes = Arc::clone(&told);
    let callee = script(move |call| {
        let notes = Arc::clone(&notes);
        async move {
            let (mut signals, _orders) = sound(call);
            // Ten seconds in which nothing is taken.
            tokio::time::sleep_until(tokio::time::Instant::now() + 10_000 * MS).await;
            while let Some(signal) = signals.recv().await {
                notes.lock().expect("notes").push(signal);
            }
        }
    });
    let exchange = open(STREAM, Arc::clone(&callee), Manner::default());
    let call = exchange.ring(ANA, HOTEL).await;
    call.until(|seen| seen.frames == 20).await;
    call.press('7');
    call.speak(&tone(12_000, 3));
    call.until(|seen| seen.frames == 560).await;
    call.hang_up();
    call.over().await;
    callee.ended(1).await;
    assert_eq!(besides_sound(&told), [FromSound::Digit('7'), FromSound::Stopped], "a key is never dropped");
    let frames = sound_of(&told).len() / 160;
    // Two seconds and what fits between, and the time since it listened: about 60 frames.
    assert!((130..=200).contains(&frames), "{frames}");
    let spoken = tone(12_000, 3);
    assert!(contains(&spoken, &sound_of(&told)[sound_of(&told).len() - 8_000..]), "the newest is whole");
}

#[tokio::test(start_paused = true)]
async fn a_network_that_takes_nothing_does_not_stop_us_from_listening() {
    let told = Told::default();
    let notes = Arc::clone(&told);
    let callee = script(move |call| {
        let notes = Arc::clone(&notes);
        async move {
            let (mut signals, orders) = sound(call);
            let speaks = async {
                // A minute, a second at a time and as soon as it is taken.
                for piece in 0..60 {
                    if orders.send(ToSound::Sound(tone(1_000, piece))).await.is_err() {
                        break;
                    }
                }
            };
            let listens = async {
                while let Some(signal) = signals.recv().await {
                    notes.lock().expect("notes").push(signal);
                }
            };
            futures::join!(speaks, listens);
        }
    });
    let exchange = open(STREAM, Arc::clone(&callee), Manner::default());
    let call = exchange.ring(ANA, HOTEL).await;
    call.until(|seen| seen.stage == Stage::Connected).await;
    call.stall(true);
    call.until(|seen| seen.frames == 50).await;
    let spoken = tone(2_000, 8);
    call.speak(&spoken);
    call.until(|seen| seen.frames == 400).await;
    assert!(contains(&sound_of(&told), &spoken), "the caller was heard meanwhile");
    call.stall(false);
    call.until(|seen| seen.frames == 500).await;
    call.hang_up();
    call.over().await;
    callee.ended(1).await;
}

#[tokio::test(start_paused = true)]
async fn fifty_calls_at_once_do_not_hear_each_other() {
    let callee = echo();
    let manner = Manner { bunches: true, round_trip: 20..=150, ..Manner::default() };
    let exchange = open(STREAM, Arc::clone(&callee), manner);
    let mut calls: Vec<Call> = Vec::new();
    for number in 0..50_u8 {
        let call = exchange.ring(&format!("+346000000{number:02}"), HOTEL).await;
        call.speak(&tone(1_000, number * 5 + 1));
        calls.push(call);
    }
    for (number, call) in (0..50_u8).zip(&calls) {
        let seen = call.until(|seen| seen.heard_ms() > 1_500).await;
        let heard: Vec<u8> = seen.sound().into_iter().filter(|byte| *byte != 0xff).collect();
        let spoken: Vec<u8> = tone(1_000, number * 5 + 1).into_iter().filter(|byte| *byte != 0xff).collect();
        assert_eq!(heard, spoken, "call {number}");
        call.hang_up();
    }
    for call in &calls {
        call.over().await;
    }
    callee.ended(50).await;
    let taken = callee.taken();
    assert_eq!(taken.len(), 50);
    assert!(taken.iter().all(|(_, caller)| caller.verified.is_none()));
}
