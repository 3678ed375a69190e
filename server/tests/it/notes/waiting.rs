//! While somebody listens: the order is kept, the guest sees that somebody is there, and nobody waits for ever.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use innkeeper::channel::Channel;
use innkeeper::channel::twilio::Twilio;
use innkeeper::message::{Content, Gathered, Inbound, Outgoing};
use innkeeper::notes::Notes;
use innkeeper::store::{Due, Received};
use innkeeper::stt::{Deepgram, Hints, Recogniser};
use innkeeper::turn::{Answerer, Unanswered};
use secrecy::SecretString;

use super::house::{ANA, House, NOTE};
use crate::rig::{ana, media, text_from, until};
use crate::support::speech::{KEY, Mood};
use crate::support::twilio::media::Trick;

#[tokio::test]
async fn what_is_written_after_a_note_is_answered_after_it() {
    let house = House::open().await;
    house.speech.moods([Mood::After(Duration::from_secs(9))]);
    house.says("1", "I would like a room from the 12th to the 14th of December.").await;
    until("somebody listens", async || house.speech.asked().len() == 1).await;
    house.writes("2", "two adults").await;
    assert!(house.twilio.phone_of(ANA).is_empty(), "nothing is said before the note was heard");
    house.clock.advance(Duration::from_secs(9));
    house.sees(2).await;
    let seen = house.twilio.phone_of(ANA);
    assert!(seen[0].starts_with("I heard:"), "the note is answered first: {seen:#?}");
    assert!(!seen[1].contains("I heard") && !seen[1].contains("How many"), "then the text: {seen:#?}");
}

#[tokio::test]
async fn a_guest_sees_that_somebody_writes_for_as_long_as_somebody_listens() {
    let house = House::open_with(|speech| {
        vec![
            ("DEEPGRAM_API_KEY", KEY.to_owned()),
            ("INNKEEPER__DEEPGRAM__BASE_URL", speech.deepgram()),
            ("INNKEEPER__DEEPGRAM__TIMEOUT_MS", "60000".to_owned()),
        ]
    })
    .await;
    house.speech.moods([Mood::After(Duration::from_secs(50))]);
    house.says("1", "I would like a room.").await;
    until("somebody listens", async || house.speech.asked().len() == 1).await;
    for (marks, seconds) in [(1, 20), (2, 20), (3, 10)] {
        assert_eq!(house.twilio.typed(marks).await.len(), marks);
        // The recogniser's time limit, its delay, the next mark.
        house.clock.waited_for(3).await;
        house.clock.advance(Duration::from_secs(seconds));
    }
    let said = house.sees(1).await;
    assert!(said.starts_with("I heard:"), "{said}");
}

#[tokio::test]
async fn a_recogniser_that_fails_is_asked_again_and_the_guest_notices_nothing() {
    let house = House::open().await;
    house.speech.moods([Mood::Failing(503), Mood::Busy(2), Mood::Cutting]);
    house.says("1", "I would like a room.").await;
    for asked in 1..=3 {
        until("it is asked", async || house.speech.asked().len() == asked).await;
        // Its time limit, the typing mark, the pause.
        house.clock.waited_for(3).await;
        house.clock.advance(Duration::from_secs(3));
    }
    let said = house.sees(1).await;
    assert!(said.starts_with("I heard:"), "{said}");
    assert_eq!(house.speech.asked().len(), 4);
}

#[tokio::test]
async fn where_nobody_can_listen_the_guest_is_asked_to_write_and_may_go_on() {
    let house = House::open().await;
    house.speech.moods([Mood::Failing(401), Mood::Garbled, Mood::Busy(3600)]);
    for number in 1..=3 {
        house.sends(&number.to_string(), NOTE, Trick::Honest).await;
        let said = house.sees(number).await;
        assert!(said.contains("can't listen") && said.contains("write"), "{said}");
        assert_eq!(house.speech.asked().len(), number, "asking again would not help");
    }
    house.speech.moods([Mood::After(Duration::from_secs(3600))]);
    house.sends("4", NOTE, Trick::Honest).await;
    until("somebody listens", async || house.speech.asked().len() == 4).await;
    house.clock.waited_for(3).await;
    house.clock.advance(Duration::from_secs(31));
    let said = house.sees(4).await;
    assert!(said.contains("can't listen"), "the time was over: {said}");
    house.writes("5", "a room for two please").await;
    assert!(!house.sees(5).await.contains("listen"));
}

#[tokio::test]
async fn without_a_recogniser_a_note_is_asked_for_in_words() {
    let house = House::open_with(|_| Vec::new()).await;
    house.sends("1", NOTE, Trick::Honest).await;
    assert!(house.sees(1).await.contains("only words"));
}

/// An answerer that does not succeed, and notes what it was to answer.
#[derive(Default)]
struct Stumbling(Mutex<Vec<String>>);

#[async_trait]
impl Answerer for Stumbling {
    async fn answer(&self, turn: &Gathered) -> Result<(), Unanswered> {
        self.0.lock().unwrap().push(turn.text.clone());
        Err(Unanswered::Passing("it stumbles".into()))
    }

    async fn wake(&self, _due: &Due) -> Result<(), Unanswered> {
        Ok(())
    }

    fn apology(&self, _turn: &Gathered) -> Vec<Outgoing> {
        Vec::new()
    }
}

#[tokio::test]
async fn a_turn_that_is_begun_again_has_the_same_words_and_nobody_listens_twice() {
    let house = House::open().await;
    let store = &house.receptionist.store;
    let time = || Arc::new(house.clock.clone());
    let answerer = Arc::new(Stumbling::default());
    let config = crate::outbox::config(&house.twilio, "rest", 1000);
    let twilio: Arc<dyn Channel> = Arc::new(Twilio::new(&config, time()).unwrap());
    let (address, key) = (house.speech.deepgram(), SecretString::from(KEY));
    let deepgram = Deepgram::new(&address, key, "nova-3", Duration::from_secs(30), time()).unwrap();
    let recogniser: Arc<dyn Recogniser> = Arc::new(deepgram);
    let hints = Hints::default();
    let notes = Notes::new(answerer.clone(), store.clone(), time(), [twilio], Some(recogniser), hints);
    house.speech.hears(&[("two adults", 0.9), ("to adults", 0.9)]);
    let url = house.twilio.holds(NOTE, "audio/ogg", Trick::Honest);
    let inbound =
        Inbound { content: Content::Audio { media: media(&url, "audio/ogg") }, ..text_from(&ana(), "1", "") };
    let Received::New(id) = store.receive(&inbound).await.unwrap() else { panic!("it is new") };
    for _ in 0..2 {
        let turn = store.begin_turn(id, &[]).await.unwrap().unwrap();
        notes.answer(&turn).await.unwrap_err();
    }
    assert_eq!(*answerer.0.lock().unwrap(), ["two adults", "two adults"]);
    let asked = house.speech.asked();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0].fields["detect_language"], "true", "nobody says which language it is");
}
