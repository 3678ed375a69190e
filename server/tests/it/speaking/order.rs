//! What is ordered is said: whole, in order, and no faster than the provider allows.

use std::time::Duration;

use innkeeper::speech::SpeechFault;

use super::mouth::{Booth, End, VENDORS, Vendor, voice};
use crate::rig::until;
use crate::support::voices::{Manner, sound_of};

const FIRST: &str = "Good evening.";
const SECOND: &str = "We have a room with a view of the sea for two hundred and eighty-four euros a night.";

#[tokio::test]
async fn utterances_come_whole_and_in_order() {
    for vendor in VENDORS {
        for chunk in [33, 160, 5000] {
            let booth = Booth::open(vendor, Manner { chunk, ..Manner::at_once() }).await;
            let mut ear = booth.listen().await;
            for (id, text) in [(3, FIRST), (4, SECOND), (9, "Shall I book it?")] {
                ear.say(id, text).await;
            }
            assert_eq!(ear.end_of(9).await, End::Done);
            assert_eq!(ear.order, [3, 4, 9]);
            assert!(ear.sound(3) == sound_of(FIRST) && ear.sound(4) == sound_of(SECOND), "{vendor:?}");
            assert_eq!(booth.double.said(), [FIRST, SECOND, "Shall I book it?"]);
            assert_eq!(booth.double.connections().len(), 1);
        }
    }
}

#[tokio::test]
async fn sound_comes_while_it_is_made() {
    for vendor in VENDORS {
        let manner = Manner { first_byte: Duration::from_millis(120), ..Manner::at_pace(10) };
        let booth = Booth::open(vendor, manner).await;
        let mut ear = booth.listen().await;
        ear.say(1, SECOND).await;
        until("its sound is planned", async || booth.double.said().len() == 1).await;
        booth.clock.advance(Duration::from_millis(110));
        ear.drain();
        assert!(ear.heard.is_empty(), "{vendor:?}");
        booth.clock.advance(Duration::from_millis(30));
        ear.next().await;
        while ear.sound(1).len() < 480 {
            ear.next().await;
        }
        assert!(ear.sound(1).len() < sound_of(SECOND).len() / 2, "{vendor:?}: it is not over");
        assert!(sound_of(SECOND).starts_with(ear.sound(1)));
        booth.clock.advance(Duration::from_millis(700));
        assert_eq!(ear.end_of(1).await, End::Done);
        assert!(ear.sound(1) == sound_of(SECOND));
    }
}

#[tokio::test]
async fn deepgram_is_flushed_twenty_times_a_minute_and_no_oftener() {
    let booth = Booth::open(Vendor::Deepgram, Manner::at_once()).await;
    let mut ear = booth.listen().await;
    for id in 1..=22 {
        ear.say(id, &format!("Sentence {id}.")).await;
    }
    assert_eq!(ear.end_of(20).await, End::Done);
    ear.taken().await;
    booth.clock.waited_for(1).await;
    booth.clock.advance(Duration::from_secs(59));
    assert_eq!((booth.double.said().len(), ear.ends.len()), (20, 20));
    booth.clock.advance(Duration::from_secs(2));
    assert_eq!(ear.end_of(22).await, End::Done);
    assert!(ear.sound(22) == sound_of("Sentence 22."));
    assert_eq!((booth.double.warnings(), booth.double.connections().len()), (0, 1));
}

#[tokio::test]
async fn a_flush_that_was_passed_over_is_made_on_another_connection() {
    let booth = Booth::open(Vendor::Deepgram, Manner { flushes: 2, ..Manner::at_once() }).await;
    let mut ear = booth.listen().await;
    for id in 1..=5 {
        ear.say(id, &format!("Sentence {id}.")).await;
        assert_eq!(ear.end_of(id).await, End::Done);
        assert!(ear.sound(id) == sound_of(&format!("Sentence {id}.")));
        // A connection that was lost again is made after a pause.
        booth.clock.advance(Duration::from_millis(300));
    }
    assert!(booth.double.warnings() > 0);
}

#[tokio::test]
async fn a_session_that_is_silent_is_kept_where_the_provider_would_end_it() {
    let booth = Booth::open(Vendor::ElevenLabs, Manner::at_once()).await;
    let mut ear = booth.listen().await;
    ear.say(1, FIRST).await;
    ear.end_of(1).await;
    let kept = || {
        let received = booth.double.received();
        received
            .iter()
            .filter(|(_, message)| message["text"] == "" && message["context_id"] == "keeper")
            .count()
    };
    for times in 1..=3 {
        booth.clock.waited_for(1).await;
        booth.clock.advance(Duration::from_secs(10));
        until("it is kept", async || kept() == times).await;
    }
    ear.say(2, SECOND).await;
    assert_eq!(ear.end_of(2).await, End::Done);
}

#[tokio::test]
async fn a_session_ends_when_nobody_orders_any_more() {
    for (vendor, bye) in [
        (Vendor::Deepgram, Some(("type", serde_json::json!("Close")))),
        (Vendor::ElevenLabs, Some(("close_socket", serde_json::json!(true)))),
        (Vendor::OpenAi, None),
    ] {
        let booth = Booth::open(vendor, Manner::at_once()).await;
        let ear = booth.listen().await;
        ear.say(1, SECOND).await;
        let (orders, mut spoken) = (ear.mouth.orders, ear.mouth.spoken);
        drop(orders);
        while spoken.recv().await.is_some() {}
        until("the connection is over", async || booth.double.ended() == 1).await;
        let received = booth.double.received();
        if let Some((field, value)) = bye {
            assert_eq!(received.last().expect("a message").1[field], value, "{vendor:?}");
        }
    }
}

#[tokio::test]
async fn a_door_that_does_not_open_is_told_when_the_session_begins() {
    for vendor in VENDORS {
        let booth = Booth::open(vendor, Manner::at_once()).await;
        let stranger = voice(vendor, &booth.double, &booth.clock, "another key");
        let fault = stranger.open().await.expect_err("a wrong key");
        assert!(matches!(fault, SpeechFault::Operator { status: 401, .. }), "{vendor:?}: {fault}");
        booth.double.refuses([503]);
        let fault = booth.voice.open().await.expect_err("no time for us");
        assert!(matches!(fault, SpeechFault::Unanswered { .. }), "{vendor:?}: {fault}");
        assert!(!format!("{:?}", booth.voice).contains(crate::support::voices::KEY), "{vendor:?}");
    }
}
