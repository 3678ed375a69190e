//! Whoever hears and speaks, a note is answered; and where the hotel wants it, by a note.

use innkeeper::channel::Channel as _;
use serde_json::json;

use super::house::{ANA, House, NOTE};
use crate::rig::until;
use crate::support::meta::File;
use crate::support::meta::graph::sha256;
use crate::support::meta::hook::{change, message};
use crate::support::phone::Bubble;
use crate::support::speech::{KEY, Mood, SpeechDouble};
use crate::support::twilio::media::Trick;

fn openai(speech: &SpeechDouble) -> Vec<(&'static str, String)> {
    vec![
        ("INNKEEPER__STT__PROVIDER", "openai".to_owned()),
        ("INNKEEPER__TTS__PROVIDER", "openai".to_owned()),
        ("OPENAI_API_KEY", KEY.to_owned()),
        ("INNKEEPER__OPENAI__BASE_URL", speech.openai()),
        ("INNKEEPER__WHATSAPP__VOICE_REPLY", "voice-notes".to_owned()),
    ]
}

#[tokio::test]
async fn groq_and_openai_hear_too() {
    let groq = |speech: &SpeechDouble| {
        vec![
            ("INNKEEPER__STT__PROVIDER", "groq".to_owned()),
            ("INNKEEPER__STT__BASE_URL", speech.openai()),
            ("GROQ_API_KEY", KEY.to_owned()),
        ]
    };
    let plain = |speech: &SpeechDouble| openai(speech)[..4].to_vec();
    for (house, model) in [
        (House::open_with(groq).await, "whisper-large-v3-turbo"),
        (House::open_with(plain).await, "gpt-4o-mini-transcribe"),
    ] {
        house.says("1", "I would like a room.").await;
        assert!(house.sees(1).await.starts_with("I heard: “I would like a room.”"));
        let asked = &house.speech.asked()[0];
        assert_eq!((asked.fields["model"].as_str(), asked.content_type.as_str()), (model, "note.ogg"));
        assert_eq!((asked.fields["language"].as_str(), asked.bytes.as_slice()), ("en", NOTE));
        assert!(asked.fields["prompt"].contains("Suite"), "{:?}", asked.fields);
        house.speech.hears(&[("Thank you.", 0.2), ("", 0.9)]);
        for number in 2..=3 {
            house.sends(&number.to_string(), NOTE, Trick::Honest).await;
            let said = house.sees(number).await;
            assert!(said.contains("make"), "words it is unsure of do not count: {said}");
        }
        house.sends("4", b"no sound", Trick::Honest).await;
        assert!(house.sees(4).await.contains("can't play"));
    }
}

#[tokio::test]
async fn a_note_is_answered_by_a_note_where_the_hotel_wants_it_and_always_by_text() {
    let deepgram = |speech: &SpeechDouble| {
        vec![
            ("DEEPGRAM_API_KEY", KEY.to_owned()),
            ("INNKEEPER__DEEPGRAM__BASE_URL", speech.deepgram()),
            ("INNKEEPER__WHATSAPP__VOICE_REPLY", "voice-notes".to_owned()),
        ]
    };
    for (house, route, voice) in [
        (House::open_with(deepgram).await, "speak", ("model", "aura-2-thalia-en")),
        (House::open_with(openai).await, "speech", ("voice", "marin")),
    ] {
        house.says("1", "I would like a room.").await;
        house.sees(2).await;
        let seen = house.twilio.phones.of(ANA);
        assert!(matches!(&seen[0], Bubble::Text(text) if text.starts_with("I heard")), "{seen:?}");
        assert!(matches!(seen[1], Bubble::Sound { bytes: 14, .. }), "{seen:?}");
        let asked = house.speech.asked();
        let spoken = asked.last().expect("a request");
        assert_eq!((spoken.route, spoken.fields[voice.0].as_str()), (route, voice.1));
        let words = String::from_utf8(spoken.bytes.clone()).expect("words");
        assert!(words.contains('?') && !words.contains('*'), "{words}");
        house.writes("2", "from the 12th to the 14th of December").await;
        house.sees(3).await;
        house.speech.moods([Mood::After(std::time::Duration::ZERO), Mood::Failing(401)]);
        house.says("3", "two adults").await;
        let said = house.sees(4).await;
        assert!(said.starts_with("I heard"), "the text is there without the sound: {said}");
        house.writes("4", "sea view").await;
        house.sees(5).await;
    }
}

#[tokio::test]
async fn a_note_by_meta_is_heard_and_answered_by_a_voice_bubble() {
    let house = House::open_with(openai).await;
    let digits = "34600000001";
    let kind = "audio/ogg; codecs=opus";
    let file = File {
        bytes: NOTE.to_vec(),
        content_type: kind.to_owned(),
        sha256: sha256(NOTE),
        not_yet: 0,
        elsewhere: None,
    };
    house.meta.holds("1908", file);
    house.speech.hears(&[("I would like a room.", 0.9)]);
    let audio = json!({"id": "1908", "mime_type": kind, "sha256": sha256(NOTE), "voice": true});
    let note = message("wamid.1", Some(digits), None, json!({"type": "audio", "audio": audio}));
    assert_eq!(house.meta.deliver(&[change(&[note], &[])]).await, [200]);
    until("both bubbles are there", async || house.meta.phones.of(digits).len() == 2).await;
    let seen = house.meta.phones.of(digits);
    assert!(matches!(&seen[0], Bubble::Text(text) if text.starts_with("I heard")), "{seen:?}");
    assert!(matches!(seen[1], Bubble::Sound { bytes: 14, voice: true }), "{seen:?}");
}

#[tokio::test]
async fn what_a_provider_says_of_a_refusal_holds_no_words() {
    let house = House::open().await;
    house.sends("1", b"no sound", Trick::Honest).await;
    house.sees(1).await;
    let row = house.receptionist.store.message(innkeeper::message::MessageId(1)).await.unwrap().unwrap();
    assert!(!format!("{:?}", row.heard).contains("may hold words"));
    let elsewhere = crate::rig::media("https://evil.example.com/x", "audio/ogg");
    let account = innkeeper::channel::twilio::Twilio::new(
        &crate::outbox::config(&house.twilio, "rest", 1000),
        std::sync::Arc::new(house.clock.clone()),
    );
    let fault = account.expect("an account").discard(&elsewhere).await.expect_err("another's address");
    assert_eq!(fault, innkeeper::channel::MediaFault::Elsewhere);
}
