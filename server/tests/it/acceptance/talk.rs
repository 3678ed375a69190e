//! A booking, by pipe and by webhook.

use serde_json::{Value as Json, json};

use super::program::{ANA, Line, Server, WHATSAPP, bookings, called, chat, innkeeper, said};
use crate::rig::Folder;
use crate::support::twilio::message;

const WISH: &str = "hi, a room with a sea view for two from 12 to 14 December please";

fn assert_is_the_room_that_was_wished(bookings: &[Json], told: &str) {
    let [booking] = bookings else { panic!("one booking: {bookings:?}") };
    let known = ["status", "start_date", "end_date", "customer_name", "phone_number"];
    let known: Vec<&str> = known.iter().map(|field| booking[*field].as_str().unwrap_or_default()).collect();
    assert_eq!(known, ["confirmed", "2026-12-12", "2026-12-14", "Ana Silva", "+34600000001"]);
    assert_eq!(
        (&booking["room_type"], &booking["guests"]),
        (&json!("double"), &json!({"adults": 2, "children": 0}))
    );
    let reference = booking["reference"].as_str().expect("a reference");
    assert!(told.contains(reference), "the guest is told {reference}: {told}");
}

#[tokio::test]
async fn a_piped_conversation_books_a_room_and_the_hotel_lists_it() {
    let folder = Folder::new();
    let lines = [WISH, "the double", "Ana Silva", "+34 600 000 001", "yes please"];
    let turns = chat(innkeeper(&folder), &[], &lines).await;
    assert!(!called(&turns[..4]).contains(&"create_booking"), "nothing is written before the yes");
    assert_eq!(called(&turns[4..]), ["create_booking"]);
    assert_eq!(turns[3]["state"], "book_room.confirming");
    assert_eq!(turns[3]["slots"]["stay"], json!({"check_in": "2026-12-12", "check_out": "2026-12-14"}));
    assert_is_the_room_that_was_wished(&bookings(&folder).await, &said(&turns[4]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_delivered_twice_at_once_and_again_book_and_answer_once() {
    let line = Line::open().await;
    let server = Server::start(line.innkeeper()).await;
    let talk = [&format!("{WISH}."), "The double, please.", "Ana Silva.", "Yes, please."];
    for (turn, text) in talk.iter().enumerate() {
        let form = message(&turn.to_string(), ANA, text);
        let at_once = (0..2).map(|_| line.twilio.post(server.address, WHATSAPP, &form));
        let answers = futures::future::join_all(at_once).await;
        assert!(
            answers.iter().all(|(code, body)| *code == 200 && body.ends_with("<Response/>")),
            "{answers:?}"
        );
        line.shown(ANA, turn + 1).await;
        assert_eq!(line.twilio.post(server.address, WHATSAPP, &form).await.0, 200);
    }
    // Messages to one guest go in order: had anything been said twice, it would be there before this.
    line.deliver(&server, "9", ANA, "Thank you!").await;
    let shown = line.shown(ANA, talk.len() + 1).await;
    assert_eq!(shown.len(), talk.len() + 1, "{shown:#?}");
    assert_eq!(server.settled().await.iter().map(|(_, count)| count).sum::<u64>(), 5);
    assert_is_the_room_that_was_wished(&bookings(&line.folder).await, &shown[3]);
}
