//! OpenAI Realtime as a voice says our words or none.

use super::mouth::{Booth, End, Vendor};
use crate::support::voices::{Manner, Trouble, sound_of};

const WORDS: &str = "That is two hundred and eighty-four euros. Shall I book it?";

#[tokio::test]
async fn a_model_with_words_of_its_own_is_not_heard_saying_them() {
    for (others, same_letters) in [
        ("Sure! How about a free night instead?", 0),
        ("That is two hundred and forty-four euros. Shall I book it?", 23),
        ("That is two hundred and eighty-four euros. Shall I book it? And breakfast is free.", 60),
    ] {
        let booth = Booth::open(Vendor::OpenAi, Manner::at_once()).await;
        booth.double.troubles([Trouble::Says(others)]);
        let mut ear = booth.listen().await;
        ear.say(1, WORDS).await;
        assert_eq!(ear.end_of(1).await, End::Failed("it says something else".to_owned()));
        assert!(ear.sound(1).len() <= same_letters * 400, "{} bytes of {others:?}", ear.sound(1).len());
        ear.say(2, WORDS).await;
        assert_eq!(ear.end_of(2).await, End::Done);
        assert!(ear.sound(2) == sound_of(WORDS));
        let received = booth.double.received();
        assert!(received.iter().any(|(_, event)| event["type"] == "response.cancel"), "{received:?}");
    }
}

#[tokio::test]
async fn a_model_that_stops_early_has_failed() {
    let booth = Booth::open(Vendor::OpenAi, Manner::at_once()).await;
    let mut ear = booth.listen().await;
    for (id, trouble, reason) in [
        (1, Trouble::Says("That is two hundred and"), "it did not say all"),
        (2, Trouble::Ends { status: "incomplete", reason: "content_filter", after: 900 }, "content_filter"),
        (
            3,
            Trouble::Ends { status: "failed", reason: "rate_limit_exceeded", after: 0 },
            "rate_limit_exceeded",
        ),
        (4, Trouble::Refused("invalid_value"), "invalid_value"),
    ] {
        booth.double.troubles([trouble]);
        ear.say(id, WORDS).await;
        let End::Failed(why) = ear.end_of(id).await else { panic!("{id} failed") };
        assert!(why.contains(reason), "{why}");
    }
    ear.say(5, WORDS).await;
    assert_eq!(ear.end_of(5).await, End::Done);
    assert_eq!(booth.double.connections().len(), 1);
}

#[tokio::test]
async fn spelling_and_punctuation_are_no_other_words() {
    let booth = Booth::open(Vendor::OpenAi, Manner::at_once()).await;
    booth.double.troubles([Trouble::Says("that is two hundred and EIGHTY FOUR euros – shall I book it")]);
    let mut ear = booth.listen().await;
    ear.say(1, WORDS).await;
    assert_eq!(ear.end_of(1).await, End::Done);
}

#[tokio::test]
async fn a_cancellation_that_comes_too_late_is_harmless() {
    let booth = Booth::open(Vendor::OpenAi, Manner::at_once()).await;
    let mut ear = booth.listen().await;
    for id in 1..=20 {
        ear.say(id, WORDS).await;
        for _ in 0..id {
            tokio::task::yield_now().await;
        }
        ear.cancel(id).await;
    }
    ear.say(21, WORDS).await;
    assert_eq!(ear.end_of(21).await, End::Done);
    assert!(ear.sound(21) == sound_of(WORDS));
    assert_eq!(booth.double.connections().len(), 1);
}

#[tokio::test]
async fn a_session_takes_no_turns_and_speaks_as_telephones_do() {
    let booth = Booth::open(Vendor::OpenAi, Manner::at_once()).await;
    let mut ear = booth.listen().await;
    ear.say(1, WORDS).await;
    ear.end_of(1).await;
    let received = booth.double.received();
    let session = &received[0].1["session"];
    assert_eq!(session["audio"]["output"]["format"]["type"], "audio/pcmu");
    assert!(session["audio"]["input"]["turn_detection"].is_null());
    let response = &received[1].1["response"];
    assert_eq!(
        (response["conversation"].as_str(), response["input"].as_array().map(Vec::len)),
        (Some("none"), Some(0))
    );
    assert!(response["instructions"].as_str().expect("instructions").ends_with(WORDS));
}
