//! What is said in a note is answered like what is written, and what cannot be understood is asked for in words.

use innkeeper::message::{GuestKey, Heard, MessageId};

use super::house::{ANA, House, NOTE};
use crate::postgres::Cluster;
use crate::rig::until;
use crate::support::twilio::media::Trick;

#[tokio::test]
async fn a_note_takes_the_way_of_words_and_the_reply_says_what_was_heard() {
    let house = House::open().await;
    house.says("1", "I would like a room from the 12th to the 14th of December.").await;
    let said = house.sees(1).await;
    assert!(
        said.starts_with("I heard: “I would like a room from the 12th to the 14th of December.”"),
        "{said}"
    );
    assert!(said.contains('?'), "it asks on: {said}");
    until("the recording is deleted", async || house.twilio.deleted() == [0]).await;
    let asked = house.speech.asked();
    let [asked] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!((asked.bytes.as_slice(), asked.content_type.as_str()), (NOTE, "audio/ogg"));
    assert_eq!(asked.fields["language"], "en");
    assert!(asked.fields["keyterm"].contains("Suite"), "rooms are key terms: {:?}", asked.fields);
    let row = house.receptionist.store.message(MessageId(1)).await.unwrap().unwrap();
    let Some(Heard::Words(transcript)) = row.heard else { panic!("{:?}", row.heard) };
    assert_eq!(transcript.confidence, Some(0.97), "how sure it was is kept");
}

#[tokio::test]
async fn a_slip_is_put_right_where_the_question_makes_it_plain_and_a_read_back_is_not_preceded() {
    books_by_notes(&House::open().await).await;
}

#[tokio::test]
async fn a_room_is_booked_by_notes_on_postgresql() {
    let Some(cluster) = Cluster::start() else { return };
    books_by_notes(&House::open_on(&cluster.database("notes")).await).await;
}

async fn books_by_notes(house: &House) {
    house.says("1", "A room, please, from the twelfth of December.").await;
    house.sees(1).await;
    house.says("2", "For nights.").await;
    house.sees(2).await;
    house.says("3", "To adults.").await;
    let said = house.sees(3).await;
    assert!(said.starts_with("I heard: “To adults.”"), "{said}");
    let written =
        [("no preference", "Which one"), ("the second one", "Under which name"), ("Ana Silva", "2 guests")];
    for (number, (words, answer)) in written.into_iter().enumerate() {
        house.writes(&format!("w{number}"), words).await;
        let answered = async || house.twilio.phone_of(ANA).last().is_some_and(|last| last.contains(answer));
        until(answer, answered).await;
    }
    let seen = house.twilio.phone_of(ANA);
    let read_back = seen.last().unwrap();
    assert!(read_back.contains("(4 nights), 2 guests"), "{read_back}");
    house.says("4", "Make it five nights.").await;
    let said = house.sees(seen.len() + 1).await;
    assert!(said.contains("(5 nights)") && !said.contains("I heard"), "the read-back repeats it: {said}");
    house.says("5", "Yes.").await;
    let said = house.sees(seen.len() + 2).await;
    assert!(said.contains("booked") && !said.contains("I heard"), "what was done says it: {said}");
}

#[tokio::test]
async fn the_same_words_in_writing_are_left_as_they_are() {
    let house = House::open().await;
    house.writes("1", "A room, please, from the 12th to the 14th of December.").await;
    house.sees(1).await;
    house.writes("2", "To adults.").await;
    let said = house.sees(2).await;
    assert!(said.to_lowercase().contains("how many"), "it is asked again: {said}");
}

#[tokio::test]
async fn a_note_without_words_is_asked_for_again_once_and_then_in_writing() {
    let house = House::open().await;
    house.speech.hears(&[("", 0.0), ("mumble", 0.2)]);
    house.sends("1", NOTE, Trick::Honest).await;
    let first = house.sees(1).await;
    assert!(first.contains("once more"), "{first}");
    house.sends("2", NOTE, Trick::Honest).await;
    let second = house.sees(2).await;
    assert!(second.contains("still") && second.contains("write"), "{second}");
    house.says("3", "").await;
    house.writes("4", "a room please").await;
    house.sees(4).await;
    house.sends("5", NOTE, Trick::Honest).await;
    let again = house.sees(5).await;
    assert!(again.contains("once more"), "after words it begins anew: {again}");
    assert!(house.twilio.deleted().is_empty(), "what was not understood is kept");
}

#[tokio::test]
async fn a_recording_that_is_cut_off_too_large_too_long_or_no_sound_is_answered_kindly() {
    let house = House::open().await;
    let mut long = NOTE.to_vec();
    // The last page says that ten minutes have been played.
    let page = long.windows(4).rposition(|window| window == b"OggS").unwrap();
    long[page + 6..page + 14].copy_from_slice(&(600_u64 * 48_000).to_le_bytes());
    let cases: [(&[u8], Trick, &str); 6] = [
        (&NOTE[..NOTE.len() - 2], Trick::Honest, "make out"),
        (NOTE, Trick::Cut, "still"),
        (NOTE, Trick::Huge { announced: true }, "too long"),
        (NOTE, Trick::Huge { announced: false }, "too long"),
        (&long, Trick::Honest, "too long"),
        (b"no sound at all", Trick::Honest, "can't play"),
    ];
    for (number, (file, trick, expected)) in cases.into_iter().enumerate() {
        house.sends(&format!("{number}"), file, trick.clone()).await;
        let said = house.sees(number + 1).await;
        assert!(said.contains(expected), "{trick:?}: {said}");
    }
    assert_eq!(house.speech.asked().len(), 1, "nobody listens to what cannot be heard");
}

#[tokio::test]
async fn what_was_heard_is_sealed_in_the_database() {
    let house = House::open().await;
    house.says("1", "I would like a room, and my secret is a pelican.").await;
    house.sees(1).await;
    let guest = GuestKey::new(house.receptionist.store.message(MessageId(1)).await.unwrap().unwrap().guest);
    assert!(house.receptionist.store.message(MessageId(1)).await.unwrap().unwrap().heard.is_some());
    let files = ["it.db", "it.db-wal"].map(|name| std::fs::read(house.folder().file(name)));
    let bytes = files.into_iter().flatten().flatten().collect::<Vec<u8>>();
    assert!(bytes.windows(5).any(|window| window == b"inbox"), "the table is in these files");
    assert!(!bytes.windows(7).any(|window| window == b"pelican"), "what {guest} said is sealed");
}
