//! What the routes under `/api` promise.

use innkeeper::message::GuestKey;
use reqwest::StatusCode;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value as Json, json};

use super::rig::{Console, Event, WISH, turn_of};
use crate::rig::Folder;

/// Talks until the booking is read back; returns the last turn.
async fn until_read_back(console: &Console, id: &str) -> Json {
    for text in [WISH, "the double please", "Ana Sousa"] {
        console.say(id, text).await;
    }
    console.say(id, "+351 912 345 678").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_is_booked_turn_by_turn() {
    let folder = Folder::new();
    let console = Console::open(&folder).await;
    let id = console.begin(&json!({})).await;
    let read_back = until_read_back(&console, &id).await;
    assert_eq!((&read_back["turn"], &read_back["state"]), (&json!(4), &json!("book_room.confirming")));
    assert_eq!(read_back["slots"]["stay"], json!({"check_in": "2026-12-12", "check_out": "2026-12-14"}));
    let hotel = console.app.hotel.as_ref().expect("the embedded hotel");
    assert!(hotel.bookings().await.expect("rows").is_empty(), "nothing is booked before the yes");

    let buttons = &read_back["replies"][0]["buttons"];
    let yes =
        buttons.as_array().expect("buttons").iter().find(|button| button["id"] == "yes").expect("a yes");
    let events = console.take(&id, &json!({"button": "yes", "text": yes["title"]})).await;
    let booked = turn_of(&events);
    assert_eq!(booked["guest"], yes["title"]);
    assert_eq!(booked["tools"][0]["name"], "create_booking");
    assert_eq!(booked["tools"][0]["outcome"], "ok");
    let rows = hotel.bookings().await.expect("rows");
    assert_eq!(rows.len(), 1);
    assert_eq!(
        (rows[0].customer_name.as_str(), rows[0].phone_number.as_str()),
        ("Ana Sousa", "+351912345678")
    );
    console.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_tells_what_happens_in_order() {
    let folder = Folder::new();
    let console = Console::open(&folder).await;
    let id = console.begin(&json!({})).await;
    let events = console.take(&id, &json!({"text": WISH})).await;
    let at = |name: &str| events.iter().position(|event| event.name == name).expect("an event of that name");
    let traced: Vec<&str> = events.iter().filter_map(|event| event.data["trace"].as_str()).take(2).collect();
    assert_eq!((at("trace"), traced), (0, vec!["entered", "understood"]));
    assert!(at("called") < at("answered"));
    let (before, after) = events.split_at(at("reply"));
    assert!(before.iter().all(|event| ["trace", "called", "answered"].contains(&event.name.as_str())));
    let called = &events[at("called")].data;
    assert_eq!(called["name"], "get_room_availability");
    assert_eq!(called["arguments"]["start_date"], "2026-12-12");
    let answered = &events[at("answered")].data;
    assert_eq!((&answered["name"], &answered["outcome"]), (&called["name"], &json!("ok")));
    assert!(answered["result"]["rooms"][0]["offer_id"].is_string());

    let turn = turn_of(&events);
    let pieces = &after[..after.len() - 1];
    assert!(pieces.iter().all(|event| event.name == "reply"));
    for (number, reply) in turn["replies"].as_array().expect("replies").iter().enumerate() {
        let of_it: Vec<&Json> =
            pieces.iter().map(|event| &event.data).filter(|piece| piece["reply"] == json!(number)).collect();
        let words: String = of_it.iter().filter_map(|piece| piece["text"].as_str()).collect();
        assert_eq!(words, reply["text"].as_str().expect("words"));
        assert!(of_it.len() > 2, "a reply comes in pieces");
        assert_eq!(of_it.last().expect("a piece")["buttons"], reply["buttons"]);
    }
    console.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_talk_is_told_again_after_a_restart() {
    let folder = Folder::new();
    let console = Console::open(&folder).await;
    let id = console.begin(&json!({"phone": "+351912000111"})).await;
    let mut told: Vec<Vec<Event>> = Vec::new();
    for doing in [
        json!({"text": WISH}),
        json!({"silence": true}),
        json!({"text": "the double please"}),
        json!({"text": "Ana Sousa"}),
        json!({"button": "yes", "text": "Yes, book it"}),
        json!({"text": "thanks, goodbye"}),
        json!({"text": "a room for one tomorrow night"}),
    ] {
        told.push(console.take(&id, &doing).await);
    }
    let before = console.talk(&id).await;
    assert_eq!(before["phone"], "+351912000111");
    let turns = before["turns"].as_array().expect("turns");
    assert_eq!(turns.len(), told.len());
    for (turn, events) in turns.iter().zip(&told) {
        assert_eq!(&turn["line"], turn_of(events));
        let happened: Vec<Json> = events
            .iter()
            .filter(|event| ["trace", "called", "answered"].contains(&event.name.as_str()))
            .map(|event| json!({"event": event.name, "data": event.data}))
            .collect();
        assert_eq!(turn["happened"], json!(happened));
    }
    assert_eq!((&turns[1]["silent"], &turns[1]["line"]["guest"]), (&json!(true), &json!("")));
    assert_eq!(turns[4]["button"], "yes");
    assert_eq!(turns[5]["line"]["ended"], true, "the seventh turn is another conversation of the same guest");
    console.close().await;

    let console = Console::open(&folder).await;
    assert_eq!(console.talk(&id).await, before);
    let next = console.take(&id, &json!({"text": "the single", "turn": 8})).await;
    assert_eq!(turn_of(&next)["turn"], 8, "turns are counted on");
    console.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verified_number_is_not_asked_for() {
    let folder = Folder::new();
    let console = Console::open(&folder).await;
    let id = console.begin(&json!({"phone": "+351912000111"})).await;
    console.say(&id, WISH).await;
    console.say(&id, "the double please").await;
    let read_back = console.say(&id, "Ana Sousa").await;
    assert_eq!(read_back["state"], "book_room.confirming");
    assert_eq!(read_back["slots"]["phone"], "+351912000111");
    console.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_turn_goes_on_when_nobody_listens() {
    let folder = Folder::new();
    let console = Console::open(&folder).await;
    let id = console.begin(&json!({})).await;
    drop(console.ask(&id, &json!({"text": WISH})).await);
    let talk = console.talk(&id).await;
    assert_eq!(talk["turns"][0]["line"]["state"], "book_room.choosing");
    console.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_turns_with_the_same_number_one_is_taken() {
    let folder = Folder::new();
    let console = Console::open(&folder).await;
    let id = console.begin(&json!({})).await;
    let asked = (0..8).map(|_| async {
        let response = console.ask(&id, &json!({"text": WISH, "turn": 1})).await;
        let status = response.status();
        (status, response.text().await.expect("a text"))
    });
    let answers = futures::future::join_all(asked).await;
    let taken = answers.iter().filter(|(status, _)| *status == StatusCode::OK).count();
    let refused = answers.iter().filter(|(status, _)| *status == StatusCode::CONFLICT).count();
    assert_eq!((taken, refused), (1, 7));
    let late = console.ask(&id, &json!({"text": WISH, "turn": 1})).await;
    assert_eq!(late.status(), StatusCode::CONFLICT);
    let early = console.ask(&id, &json!({"text": WISH, "turn": 3})).await;
    assert_eq!(early.status(), StatusCode::CONFLICT);
    assert_eq!(console.talk(&id).await["turns"].as_array().map(Vec::len), Some(1));
    console.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn more_conversations_than_are_held_lose_nothing() {
    let folder = Folder::new();
    let console = Console::open(&folder).await;
    let first = console.begin(&json!({})).await;
    console.say(&first, WISH).await;
    for _ in 0..140 {
        let other = console.begin(&json!({})).await;
        assert_eq!(console.talk(&other).await["turns"], json!([]));
    }
    let turn = console.take(&first, &json!({"text": "the double please", "turn": 2})).await;
    assert_eq!(turn_of(&turn)["state"], "book_room.who");
    console.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_sites_page_changes_nothing() {
    let folder = Folder::new();
    let console = Console::open(&folder).await;
    let id = console.begin(&json!({})).await;
    let own = format!("http://{}", console.address);
    let path = format!("/api/conversations/{id}/turns");
    for (header, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "http://127.0.0.1:1"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
    ] {
        for path in [path.as_str(), "/api/conversations"] {
            let response = console.post(path, &json!({"text": "hello"})).header(header, value).send().await;
            let response = response.expect("an answer");
            assert_eq!(response.status(), StatusCode::FORBIDDEN, "{header}: {value}");
            let said: Json = response.json().await.expect("JSON");
            assert!(said["error"].as_str().is_some_and(|sentence| sentence.ends_with('.')));
        }
    }
    assert_eq!(console.talk(&id).await["turns"], json!([]));
    for (header, value) in [("origin", own.as_str()), ("sec-fetch-site", "same-origin")] {
        let taken = console.post(&path, &json!({"text": "hello"})).header(header, value).send().await;
        let taken = taken.expect("an answer");
        assert_eq!(taken.status(), StatusCode::OK);
        taken.text().await.expect("a stream");
    }
    assert_eq!(console.talk(&id).await["turns"].as_array().map(Vec::len), Some(2));
    console.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_or_forgotten_conversation_is_not_there() {
    let folder = Folder::new();
    let console = Console::open(&folder).await;
    let known = console.begin(&json!({})).await;
    console.say(&known, "hello").await;
    let dashed = uuid::Uuid::try_parse(&known).expect("an id").to_string();
    let guest = GuestKey::new(format!("console:{known}"));
    console.app.receptionist.store.forget_guest(&guest).await.expect("no fault");
    for id in [known.as_str(), "0123456789abcdef0123456789abcdef", "x", "..", &dashed] {
        let talk = console.get(&format!("/api/conversations/{id}")).await;
        let turn = console.ask(id, &json!({"text": "hello"})).await;
        for response in [talk, turn] {
            assert_eq!(response.status(), StatusCode::NOT_FOUND, "{id}");
        }
    }
    let response = console.get("/api/conversations/x").await;
    let said: Json = response.json().await.expect("JSON");
    assert!(said["error"].as_str().is_some_and(|sentence| sentence.contains("no such conversation")));
    console.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_request_is_told_what_was_expected() {
    let folder = Folder::new();
    let console = Console::open(&folder).await;
    let id = console.begin(&json!({})).await;
    let turns = format!("/api/conversations/{id}/turns");
    let long = "x".repeat(5000);
    for (path, body, expected) in [
        (turns.as_str(), json!({}), "Expected {\"text\""),
        (&turns, json!({"text": "  "}), "Expected {\"text\""),
        (&turns, json!({"text": "hello", "silence": true}), "Expected {\"text\""),
        (&turns, json!({"words": "hello"}), "unknown field `words`"),
        (&turns, json!({"text": long}), "at most 4096 characters"),
        ("/api/conversations", json!({"phone": "912 345 678"}), "+351912345678"),
    ] {
        let response = console.post(path, &body).send().await.expect("an answer");
        assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        let said: Json = response.json().await.expect("JSON");
        assert!(said["error"].as_str().is_some_and(|sentence| sentence.contains(expected)), "{said}");
    }
    let form = console.client.post(console.url(&turns)).body(r#"{"text":"hello"}"#).send().await;
    assert_eq!(form.expect("an answer").status(), StatusCode::UNPROCESSABLE_ENTITY, "a form cannot speak");
    let huge = console.post(&turns, &json!({"text": "x".repeat(100_000)})).send().await;
    assert_eq!(huge.expect("an answer").status(), StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(console.talk(&id).await["turns"], json!([]), "nothing of it was taken");
    console.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_conversation_that_a_person_has_is_given_back() {
    let folder = Folder::new();
    let console = Console::open(&folder).await;
    let id = console.begin(&json!({})).await;
    let path = format!("/api/conversations/{id}/give-back");
    let give_back = async || console.post(&path, &json!({})).send().await.expect("an answer");
    console.say(&id, "a room from 12 to 14 December").await;
    assert_eq!(give_back().await.status(), StatusCode::CONFLICT, "nobody has it");
    console.say(&id, "can I speak to a human?").await;
    let silent = console.say(&id, "hello?").await;
    assert_eq!((&silent["replies"], &silent["state"]), (&json!([]), &json!("conversation.hand_over")));
    let given_back = give_back().await;
    assert_eq!(given_back.status(), StatusCode::OK);
    let given_back: Json = given_back.json().await.expect("JSON");
    assert_eq!(given_back["state"], "book_room.details");
    let turns = &console.talk(&id).await["turns"];
    assert_eq!(turns.as_array().expect("turns").len(), 4, "it is a turn of its own");
    assert_eq!(console.say(&id, "two").await["slots"]["guests"], 2);
    let nobody = console.post("/api/conversations/nobody/give-back", &json!({})).send().await;
    assert_eq!(nobody.expect("an answer").status(), StatusCode::NOT_FOUND);
    console.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_fault_is_a_sentence_without_internals() {
    let folder = Folder::new();
    let console = Console::open(&folder).await;
    let id = console.begin(&json!({})).await;
    console.say(&id, "hello").await;
    let database = sea_orm::Database::connect(folder.database_url().as_str()).await.expect("the file");
    let broken = "ALTER TABLE conversations RENAME TO mislaid";
    database.execute_unprepared(broken).await.expect("a broken database");
    let events = console.take(&id, &json!({"text": WISH})).await;
    let [Event { name, data }] = events.as_slice() else { panic!("nothing but the fault: {events:?}") };
    assert_eq!(name, "fault");
    assert_eq!(data, &json!({"error": "The receptionist could not answer just now. Please say it again."}));

    console.app.receptionist.store.close().await.expect("closed");
    let response = console.ask(&id, &json!({"text": WISH})).await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let said = response.text().await.expect("a text");
    assert!(!said.contains("sql") && !said.contains("pool"), "{said}");
    console.close().await;
}
