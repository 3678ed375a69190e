//! Words both ways: Twilio hears and speaks.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use innkeeper::channel::line::{FromWords, Line, ToWords};
use innkeeper::channel::relay::{FRONT_DESK, Relay};
use innkeeper::channel::socket::{Dialect as _, Read};

use super::rig::{ANA, DESK, HOTEL, RELAY, Scripted, Settings, open, script, words};
use crate::support::caller::{Event, Manner, Stage};

type Told = Arc<Mutex<Vec<FromWords>>>;

fn say(text: &str, last: bool, interruptible: bool) -> ToWords {
    ToWords::Say { text: text.to_owned(), last, interruptible }
}

fn said(text: &str, last: bool) -> FromWords {
    FromWords::Said { text: text.to_owned(), last }
}

/// Greets, answers every turn with `Yes: …`, and ends after "bye" or, with the front desk, after "person".
fn parrot(told: &Told) -> Arc<Scripted> {
    let notes = Arc::clone(told);
    script(move |call| {
        let notes = Arc::clone(&notes);
        async move {
            let (mut signals, orders) = words(call);
            orders.send(say("Good morning, ", false, true)).await.expect("the line");
            orders.send(say("this is the hotel.", true, true)).await.expect("the line");
            let mut ends = false;
            while let Some(signal) = signals.recv().await {
                notes.lock().expect("notes").push(signal.clone());
                match signal {
                    FromWords::Said { text, last: true } if text == "bye" => {
                        orders.send(say("Goodbye.", true, false)).await.expect("the line");
                        ends = true;
                    }
                    FromWords::Said { text, last: true } if text.contains("person") => {
                        let handoff = Some(FRONT_DESK.to_owned());
                        orders.send(ToWords::End { handoff }).await.expect("the line");
                        break;
                    }
                    FromWords::Said { text, last: true } => {
                        orders.send(say(&format!("Yes: {text}"), true, true)).await.expect("the line");
                    }
                    FromWords::Played(_) if ends => break,
                    _ => {}
                }
            }
        }
    })
}

fn exchange(settings: Settings<'_>, told: &Told) -> (Arc<Scripted>, crate::support::caller::Exchange) {
    let callee = parrot(told);
    (Arc::clone(&callee), open(settings, callee, Manner::default()))
}

#[tokio::test(start_paused = true)]
async fn a_talk_goes_to_its_end() {
    let told = Told::default();
    let (callee, exchange) = exchange(RELAY, &told);
    let call = exchange.ring(ANA, HOTEL).await;
    let seen = call.until(|seen| seen.words.len() == 2).await;
    assert_eq!(seen.words[1].1, "this is the hotel.");
    call.say("a room please");
    call.until(|seen| seen.words.len() == 3).await;
    call.press('4');
    call.say("bye");
    let seen = call.over().await;
    let heard: Vec<&str> = seen.words.iter().map(|(_, words)| words.as_str()).collect();
    assert_eq!(heard, ["Good morning, ", "this is the hotel.", "Yes: a room please", "Goodbye."]);
    assert!(seen.has(&Event::HungUp), "{:?}", seen.events);
    callee.ended(1).await;
    let told = told.lock().expect("notes").clone();
    assert_eq!(
        told,
        [
            FromWords::Speaking(true),
            FromWords::Played("Good morning, ".to_owned()),
            FromWords::Played("this is the hotel.".to_owned()),
            FromWords::Speaking(false),
            FromWords::Calling(true),
            said("a", false),
            said("a room", false),
            said("a room please", true),
            FromWords::Calling(false),
            FromWords::Speaking(true),
            FromWords::Played("Yes: a room please".to_owned()),
            FromWords::Speaking(false),
            FromWords::Digit('4'),
            FromWords::Calling(true),
            said("bye", true),
            FromWords::Calling(false),
            FromWords::Speaking(true),
            FromWords::Played("Goodbye.".to_owned()),
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn an_interruption_tells_what_was_heard() {
    let told = Told::default();
    let (_, exchange) = exchange(RELAY, &told);
    let call = exchange.ring(ANA, HOTEL).await;
    let seen = call.until(|seen| seen.words.len() == 1).await;
    // Between the first and the second token: of the second a part was heard.
    tokio::time::sleep_until(tokio::time::Instant::now() + Duration::from_millis(700)).await;
    call.say("wait");
    call.until(|seen| seen.words.iter().any(|(_, words)| words == "Yes: wait")).await;
    let heard = "Good morning, this is";
    assert!(call.seen().has(&Event::Interrupted(heard.to_owned())), "{:?}", call.seen().events);
    let told = told.lock().expect("notes").clone();
    let interruption = told.iter().find_map(|signal| match signal {
        FromWords::Interrupted { heard, after } => Some((heard.clone(), *after)),
        _ => None,
    });
    let (text, after) = interruption.expect("an interruption");
    assert_eq!(text, heard);
    let talked = after.expect("a time").as_millis();
    let first = seen.words[0].0.as_millis();
    assert!((talked as i128 - (840 + 700)).abs() < 20, "{talked} {first}");
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_wants_a_person_is_connected_to_the_desk() {
    let told = Told::default();
    let (_, exchange) = exchange(RELAY, &told);
    let call = exchange.ring(ANA, HOTEL).await;
    call.say("a person please");
    let seen = call.over().await;
    assert!(seen.has(&Event::Dialled(DESK.to_owned(), None)), "{:?}", seen.events);
    let plain = &[("INNKEEPER__TWILIO__VOICE", "relay")];
    let (_, without) = self::exchange(plain, &Told::default());
    let call = without.ring(ANA, HOTEL).await;
    call.say("a person please");
    let seen = call.over().await;
    assert!(
        seen.has(&Event::HungUp) && !seen.events.iter().any(|(_, event)| matches!(event, Event::Dialled(..)))
    );
}

#[tokio::test(start_paused = true)]
async fn a_session_that_breaks_is_put_through_again() {
    let told = Told::default();
    let (callee, exchange) = exchange(RELAY, &told);
    let call = exchange.ring(ANA, HOTEL).await;
    call.until(|seen| seen.words.len() == 2).await;
    call.cut();
    call.until(|seen| seen.stage == Stage::Connected && seen.words.len() == 4).await;
    call.hang_up();
    call.over().await;
    callee.ended(2).await;
    let stops = told.lock().expect("notes").iter().filter(|signal| **signal == FromWords::Stopped).count();
    assert_eq!(stops, 2, "whoever held the call knows that it is over");
}

#[tokio::test(start_paused = true)]
async fn without_speech_providers_calls_are_words_unless_something_else_is_said() {
    for (settings, noun) in [
        (&[][..], "<ConversationRelay "),
        (&[("DEEPGRAM_API_KEY", "k")], "<Stream "),
        (&[("DEEPGRAM_API_KEY", "k"), ("INNKEEPER__TWILIO__VOICE", "relay")], "<ConversationRelay "),
        (&[("INNKEEPER__TWILIO__VOICE", "stream")], "<Stream "),
    ] {
        let exchange = open(settings, parrot(&Told::default()), Manner::default());
        let form = exchange.form("CA1", ANA, HOTEL, "ringing");
        let url = "https://hotel.example.com/twilio/voice";
        let (_, body) = exchange.post(url, &form).await.expect("an answer");
        assert!(body.contains(noun), "{settings:?}: {body}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_far_end_that_is_silent_too_long_is_gone() {
    use futures::{SinkExt as _, StreamExt as _};
    use innkeeper::channel::socket::{Ended, carry};
    use innkeeper::clock::SystemClock;
    use innkeeper::message::ChannelName;
    let callee = script(|call| async move {
        let Line::Words { mut signals, orders } = call.line else { panic!("words") };
        assert_eq!(signals.recv().await, Some(FromWords::Stopped));
        assert_eq!(signals.recv().await, None);
        drop(orders);
    });
    let (ours, theirs) = super::pump::pair();
    let (mut sink, mut stream) = theirs.split();
    let pings = tokio::spawn(async move {
        let mut pings = 0;
        while let Some(message) = stream.next().await {
            pings += usize::from(matches!(message, Ok(axum::extract::ws::Message::Ping(_))));
        }
        let _ = sink.close().await;
        pings
    });
    let call = |line| super::pump::call(ChannelName::Console, line);
    let (ended, _) = carry(ours, Relay::default(), Arc::new(SystemClock), &*callee, call, || ()).await;
    assert_eq!(ended, Ended::Lost);
    assert!(pings.await.expect("pings") >= 2);
}

fn read(relay: &mut Relay, text: &str) -> (Read, Vec<FromWords>) {
    let mut signals = std::collections::VecDeque::new();
    (relay.read(text, &mut signals), signals.into())
}

#[test]
fn a_prompt_in_parts_becomes_what_was_said_so_far() {
    for (parts, wanted) in [
        (&["two", "two nights", "two nights please"][..], "two nights please"),
        (&["to nights", "two nights"], "two nights"),
        (&["I want a room", "for two nights", "please"], "I want a room for two nights please"),
        (&["too", "two nights."], "two nights."),
        (&["a room", ""], "a room"),
        (&["Book a", "book a room, please"], "book a room, please"),
    ] {
        let mut relay = Relay::default();
        for (at, part) in parts.iter().enumerate() {
            let last = at + 1 == parts.len();
            let prompt = serde_json::json!({"type": "prompt", "voicePrompt": part, "last": last});
            let (_, signals) = read(&mut relay, &prompt.to_string());
            if last {
                assert_eq!(signals, [said(wanted, true)], "{parts:?}");
            }
        }
        let next = r#"{"type":"prompt","voicePrompt":"yes","lang":"en-US"}"#;
        assert_eq!(read(&mut relay, next).1, [said("yes", true)], "a new turn begins anew");
    }
}

#[test]
fn a_length_of_time_may_come_in_any_form() {
    for (written, wanted) in [
        ("\"460\"", Some(460_000)),
        ("460", Some(460_000)),
        ("460.5", Some(460_500)),
        ("\"460.5\"", Some(460_500)),
        ("null", None),
        ("\"soon\"", None),
        ("-3", None),
        ("[1]", None),
    ] {
        let message = format!(
            r#"{{"type":"interrupt","utteranceUntilInterrupt":"Life is","durationUntilInterruptMs":{written},"x":1}}"#
        );
        let after = wanted.map(Duration::from_micros);
        let heard = "Life is".to_owned();
        assert_eq!(
            read(&mut Relay::default(), &message),
            (Read::Fine, vec![FromWords::Interrupted { heard, after }]),
            "{written}"
        );
    }
}

#[test]
fn what_is_not_known_is_left_alone_and_what_is_broken_counted() {
    for (message, wanted) in [
        (r#"{"type":"weather","is":"fine"}"#, Read::Fine),
        (r#"{"type":"info","name":"weather","value":{"a":1}}"#, Read::Fine),
        (r#"{"type":"error","description":"Invalid message received: {}"}"#, Read::Fine),
        (r#"{"type":"setup","callSid":"CA1"}"#, Read::Fine),
        (r#"{"type":"dtmf","digit":"w"}"#, Read::Fine),
        (r#"{"no":"type"}"#, Read::Garbled),
        ("{", Read::Garbled),
    ] {
        assert_eq!(read(&mut Relay::default(), message), (wanted, vec![]), "{message}");
    }
}

#[test]
fn orders_are_the_messages_that_twilio_knows() {
    let mut relay = Relay::default();
    let mut written = std::collections::VecDeque::new();
    relay.write(say("Two \"nights\", ", false, true), &mut written);
    relay.write(say("", false, true), &mut written);
    relay.write(say("", true, false), &mut written);
    assert_eq!(relay.farewell().as_deref(), Some(r#"{"type":"end"}"#));
    relay.write(ToWords::End { handoff: Some(FRONT_DESK.to_owned()) }, &mut written);
    assert_eq!(relay.farewell(), None, "it was said already");
    let texts: Vec<String> = written.into_iter().map(|written| written.text).collect();
    assert_eq!(
        texts,
        [
            r#"{"type":"text","token":"Two \"nights\", ","last":false,"interruptible":true,"preemptible":false}"#,
            r#"{"type":"text","token":"","last":true,"interruptible":false,"preemptible":false}"#,
            r#"{"type":"end","handoffData":"front_desk"}"#,
        ]
    );
}
