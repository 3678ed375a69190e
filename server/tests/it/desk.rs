//! People at the desk and guests on WhatsApp, with the program between them: judged by the guests' telephones.

use std::path::Path;

use innkeeper::config::{Config, Overrides};
use innkeeper::store::{Outcome, Received};
use reqwest::StatusCode;
use serde_json::{Value as Json, json};

use crate::console::rig::Console;
use crate::rig::{Folder, ana, morning, standing_clock, text_from, until};
use crate::support::meta::hook::{change, text};
use crate::support::meta::{BEARER, MetaDouble, NUMBER, SECRET, WORD};
use crate::support::twilio::deliver::Reports;
use crate::support::twilio::{ACCOUNT, Mood, PUBLIC, SENDER, TOKEN, TwilioDouble, message};

pub(crate) const ANA: &str = "whatsapp:+34600000001";

/// A guest asks, then asks for a person.
pub(crate) const WISH: &str =
    "Good morning! I would like to book a room for two from 12 to 14 December, please.";
pub(crate) const HUMAN: &str = "Can I speak to a human?";

/// A desk with WhatsApp by both vendors.
pub(crate) struct Desk {
    pub(crate) console: Console,
    pub(crate) twilio: TwilioDouble,
    meta: MetaDouble,
    said: u32,
    _folder: Folder,
}

impl Desk {
    pub(crate) async fn open() -> Self {
        let folder = Folder::new();
        let (twilio, meta) =
            (TwilioDouble::start(morning()).await, MetaDouble::start_on(standing_clock()).await);
        let variables = [
            ("TWILIO_ACCOUNT_SID", ACCOUNT.to_owned()),
            ("TWILIO_AUTH_TOKEN", TOKEN.to_owned()),
            ("INNKEEPER__TWILIO__BASE_URL", twilio.base_url()),
            ("INNKEEPER__TWILIO__WHATSAPP_FROM", SENDER.trim_start_matches("whatsapp:").to_owned()),
            ("INNKEEPER__SERVER__PUBLIC_URL", PUBLIC.to_owned()),
            ("META_APP_SECRET", SECRET.to_owned()),
            ("META_VERIFY_TOKEN", WORD.to_owned()),
            ("META_ACCESS_TOKEN", BEARER.to_owned()),
            ("INNKEEPER__META__PHONE_NUMBER_ID", NUMBER.to_owned()),
            ("INNKEEPER__META__BASE_URL", format!("http://{}/v23.0", meta.address)),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value));
        let overrides = Overrides {
            database: Some(folder.database_url().as_str().to_owned()),
            today: "2026-12-01".parse().ok(),
            ..Overrides::default()
        };
        let config =
            Config::load(Some(Path::new("/dev/null")), variables, overrides).expect("a configuration");
        let console = Console::of(&config).await;
        twilio.calls(console.address);
        meta.calls(console.address);
        Self { console, twilio, meta, said: 0, _folder: folder }
    }

    /// Ana writes by Twilio.
    pub(crate) async fn hear(&mut self, text: &str) {
        self.said += 1;
        let called = self.twilio.deliver(&message(&self.said.to_string(), ANA, text)).await;
        assert_eq!(called.tries, [Some(200)], "{}", called.body);
    }

    /// What her telephone shows, once that is so much.
    pub(crate) async fn shown(&self, count: usize) -> Vec<String> {
        until(&format!("{count} messages arrive"), async || self.twilio.phone_of(ANA).len() >= count).await;
        self.twilio.phone_of(ANA)
    }

    async fn queue(&self) -> Vec<Json> {
        self.listed("waiting").await
    }

    async fn listed(&self, what: &str) -> Vec<Json> {
        let queue: Json = self.console.get("/api/queue").await.json().await.expect("JSON");
        queue[what].as_array().expect("a list").clone()
    }

    /// Anna takes Ana's conversation a day later and writes: her words come too late. The message, once it is left to a
    /// person.
    pub(crate) async fn writes_too_late(&self) -> Json {
        self.twilio.rules(|rules| (rules.window, rules.reports) = (true, Reports::Clean));
        self.twilio.set_now(morning() + chrono::TimeDelta::hours(25));
        let id = self.console.app.receptionist.store.conversations(1).await.expect("rows").remove(0).id;
        let taken = self.post(&format!("/api/queue/{id}/take"), &json!({"by": "Anna"})).await;
        assert_eq!(taken, StatusCode::OK);
        assert_eq!(self.write(&id, "Your room is ready.").await, StatusCode::CREATED);
        until("a message is left", async || !self.listed("left").await.is_empty()).await;
        self.listed("left").await.remove(0)
    }

    /// Ana writes these in one turn, and nobody can answer it. The number of its first message.
    pub(crate) async fn is_never_answered(&self, id: &str, texts: &[&str]) -> i64 {
        let store = &self.console.app.receptionist.store;
        let mut messages = Vec::new();
        for (part, text) in texts.iter().enumerate() {
            let inbound = text_from(&ana(), &format!("SM{id}.{part}"), text);
            match store.receive(&inbound).await.expect("no fault") {
                Received::New(message) => messages.push(message),
                Received::Unanswered(_) | Received::Repeat(_) => unreachable!("new words"),
            }
        }
        let (lead, fragments) = messages.split_first().expect("one");
        let turn = store.begin_turn(*lead, fragments).await.expect("no fault").expect("a turn");
        store.give_up(&turn, Outcome::HandedOver, None, &[]).await.expect("no fault");
        lead.0
    }

    /// The only conversation in the queue, once it is as it should be.
    async fn waits(&self, so: impl Fn(&Json) -> bool) -> Json {
        until("one waits as it should", async || {
            let queue = self.queue().await;
            queue.len() == 1 && so(&queue[0])
        })
        .await;
        self.queue().await.remove(0)
    }

    async fn opened(&self, id: &str) -> Json {
        self.console.get(&format!("/api/queue/{id}")).await.json().await.expect("JSON")
    }

    async fn post(&self, path: &str, body: &Json) -> StatusCode {
        self.console.post(path, body).send().await.expect("an answer").status()
    }

    async fn write(&self, id: &str, text: &str) -> StatusCode {
        self.post(&format!("/api/queue/{id}/messages"), &json!({"by": "Anna", "text": text})).await
    }

    async fn give_back(&self, id: &str, body: &Json) -> StatusCode {
        self.post(&format!("/api/conversations/{id}/give-back"), body).await
    }
}

fn id_of(waits: &Json) -> String {
    waits["conversation"].as_str().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_guest_is_handed_over_with_a_summary_helped_and_given_back() {
    let mut desk = Desk::open().await;
    desk.hear(WISH).await;
    desk.shown(1).await;
    assert!(desk.queue().await.is_empty(), "nobody waits");
    desk.hear(HUMAN).await;
    desk.shown(2).await;
    let waits = desk.waits(|_| true).await;
    let id = id_of(&waits);
    assert_eq!((&waits["why"], &waits["taken_by"]), (&json!("asked_for_person"), &Json::Null));
    assert_eq!((&waits["phone"], &waits["channel"]), (&json!("+34600000001"), &json!("twilio")));
    assert_eq!(waits["slots"]["guests"], 2, "what was known by then: {waits}");
    assert_eq!(waits["state"], "book_room.details", "{waits}");
    assert!(waits["wants"].as_str().is_some_and(|wants| !wants.is_empty()), "{waits}");
    assert_eq!(waits["last"]["text"], HUMAN);

    desk.hear("Is anybody there?").await;
    let waits = desk.waits(|waits| waits["last"]["text"] == "Is anybody there?").await;
    assert_eq!(waits["unanswered"], 1, "{waits}");
    assert_eq!(desk.twilio.phone_of(ANA).len(), 2, "the receptionist is silent");

    assert_eq!(
        desk.write(&id, "Hello, Anna here. We will put a cot into your room.").await,
        StatusCode::CREATED
    );
    assert_eq!(desk.shown(3).await[2], "Hello, Anna here. We will put a cot into your room.");
    let waits = desk.waits(|waits| waits["taken_by"] == "Anna").await;
    assert_eq!(waits["unanswered"], 0, "{waits}");
    until("it is known to be sent", async || {
        desk.opened(&id).await["messages"].as_array().expect("messages").last().expect("one")["status"]
            == "sent"
    })
    .await;
    let opened = desk.opened(&id).await;
    let lines: Vec<(&str, &str)> = opened["messages"]
        .as_array()
        .expect("messages")
        .iter()
        .map(|line| (line["from"].as_str().expect("who"), line["status"].as_str().expect("a status")))
        .collect();
    let expected = [
        ("guest", "answered"),
        ("receptionist", "sent"),
        ("guest", "handed_over"),
        ("receptionist", "sent"),
        ("guest", "handed_over"),
        ("staff", "sent"),
    ];
    assert_eq!(lines, expected, "{opened}");
    assert_eq!(opened["messages"][5]["by"], "Anna");

    let back = json!({"by": "Anna", "summary": "a cot will be in your room."});
    assert_eq!(desk.give_back(&id, &back).await, StatusCode::OK);
    let shown = desk.shown(4).await;
    assert!(
        shown[3].starts_with("Anna from the reception has helped you: a cot will be in your room."),
        "{shown:?}"
    );
    assert!(shown[3].contains("view"), "the question is asked again: {shown:?}");
    assert!(desk.queue().await.is_empty());
    desk.hear("sea view, please. What have you got?").await;
    assert!(desk.shown(5).await[4].contains("sea view"), "the bot goes on");

    assert_eq!(desk.give_back(&id, &back).await, StatusCode::CONFLICT, "nobody has it");
    assert_eq!(desk.write(&id, "One more thing").await, StatusCode::CONFLICT);
    assert_eq!(desk.write("nobody", "Hello").await, StatusCode::NOT_FOUND);
    assert_eq!(desk.console.get(&format!("/api/queue/{id}")).await.status(), StatusCode::NOT_FOUND);
    desk.console.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_takes_a_conversation_that_waits_for_nobody() {
    let mut desk = Desk::open().await;
    desk.hear(WISH).await;
    desk.shown(1).await;
    let talks = desk.console.app.receptionist.store.conversations(1).await.expect("rows");
    let id = talks[0].id.clone();
    assert_eq!(desk.write(&id, "Hello").await, StatusCode::CONFLICT, "it is to be taken first");
    for (body, expected) in [
        (json!({"by": "  "}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"by": "x".repeat(61)}), StatusCode::UNPROCESSABLE_ENTITY),
        (json!({"by": "Ben"}), StatusCode::OK),
    ] {
        assert_eq!(desk.post(&format!("/api/queue/{id}/take"), &body).await, expected, "{body}");
    }
    let waits = desk.waits(|waits| waits["taken_by"] == "Ben").await;
    assert_eq!((&waits["why"], &waits["slots"]["guests"]), (&json!("taken_over"), &json!(2)), "{waits}");
    desk.hear("Hello, are you there?").await;
    desk.waits(|waits| waits["unanswered"] == 1).await;
    assert_eq!(desk.twilio.phone_of(ANA).len(), 1, "nobody but Ben answers");
    let take = format!("/api/queue/{id}/take");
    let refused = desk.console.post(&take, &json!({"by": "Cleo"})).send().await.expect("an answer");
    assert_eq!(refused.status(), StatusCode::CONFLICT, "Ben has it");
    let reason = refused.text().await.expect("a reason");
    assert!(reason.contains("Ben has this conversation"), "{reason}");
    assert_eq!(desk.post(&take, &json!({"by": "Cleo", "from": "Dan"})).await, StatusCode::CONFLICT);
    assert_eq!(
        desk.waits(|waits| waits["taken_by"] == "Ben").await["taken_by"],
        "Ben",
        "it is with Ben still"
    );
    assert_eq!(desk.post(&take, &json!({"by": "Ben"})).await, StatusCode::OK, "Ben has it already");
    assert_eq!(desk.post(&take, &json!({"by": "Cleo", "from": "Ben"})).await, StatusCode::OK);
    desk.waits(|waits| waits["taken_by"] == "Cleo").await;
    assert_eq!(desk.give_back(&id, &json!({"by": "Ben"})).await, StatusCode::CONFLICT, "Cleo has it");
    let writing = json!({"by": "Ben", "text": "Still with me"});
    let refused = desk.console.post(&format!("/api/queue/{id}/messages"), &writing).send().await;
    let refused = refused.expect("an answer");
    assert_eq!(refused.status(), StatusCode::CONFLICT, "a colleague has it");
    let reason = refused.text().await.expect("a reason");
    assert!(reason.contains("Cleo has this conversation"), "{reason}");
    assert_eq!(desk.twilio.phone_of(ANA).len(), 1, "nothing went out");
    assert_eq!(desk.give_back(&id, &json!({})).await, StatusCode::OK);
    assert!(desk.shown(2).await[1].starts_with("Thank you for your patience"));
    desk.console.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_write_goes_out_in_order_and_in_pieces_that_fit() {
    let mut desk = Desk::open().await;
    desk.hear(HUMAN).await;
    desk.shown(1).await;
    let id = id_of(&desk.waits(|_| true).await);
    // The first is refused for now; nothing overtakes it.
    desk.twilio.moods([Mood::Busy(1)]);
    let long = "All about the house. ".repeat(120);
    assert_eq!(desk.write(&id, "First.").await, StatusCode::CREATED);
    assert_eq!(desk.write(&id, &long).await, StatusCode::CREATED);
    assert_eq!(desk.write(&id, "Last.").await, StatusCode::CREATED);
    assert_eq!(desk.write(&id, &"x".repeat(4097)).await, StatusCode::UNPROCESSABLE_ENTITY);
    let shown = desk.shown(5).await;
    assert_eq!((shown[1].as_str(), shown[4].as_str()), ("First.", "Last."), "{shown:?}");
    assert!(shown[2].starts_with("All about") && shown[3].starts_with("All about"), "{shown:?}");
    desk.console.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_type_into_the_telephone_is_seen_and_they_have_the_conversation() {
    const DIGITS: &str = "34600000002";
    let desk = Desk::open().await;
    let guest = async |id: &str, words: &str| {
        assert_eq!(desk.meta.deliver(&[change(&[text(id, DIGITS, words)], &[])]).await, [200]);
    };
    guest("wamid.1", WISH).await;
    until("she is answered", async || desk.meta.phones.reads(DIGITS).len() == 1).await;
    let echo = json!({"field": "smb_message_echoes", "value": {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": NUMBER},
        "message_echoes": [{
            "from": "15550783881", "to": DIGITS, "id": "wamid.typed", "timestamp": "1796115600", "type": "text",
            "text": {"body": "Hi, this is the owner."}, "something_new": 1,
        }],
    }});
    let echo = std::slice::from_ref(&echo);
    assert_eq!(desk.meta.deliver(echo).await, [200]);
    assert_eq!(desk.meta.deliver(echo).await, [200], "again");
    let waits = desk.waits(|waits| waits["taken_by"] == "telephone").await;
    assert_eq!((&waits["why"], &waits["channel"]), (&json!("taken_over"), &json!("meta")), "{waits}");
    guest("wamid.2", "Nice to meet you, is there a lift?").await;
    let waits = desk.waits(|waits| waits["unanswered"] == 1).await;
    let opened = desk.opened(&id_of(&waits)).await;
    let staff: Vec<&Json> = opened["messages"]
        .as_array()
        .expect("messages")
        .iter()
        .filter(|line| line["from"] == "staff")
        .collect();
    assert_eq!(staff.len(), 1, "once: {opened}");
    assert_eq!((&staff[0]["text"], &staff[0]["by"]), (&json!("Hi, this is the owner."), &json!("telephone")));
    assert_eq!(
        desk.meta.phones.reads(DIGITS).len(),
        1,
        "nothing is sent a second time, and the bot is silent"
    );
    assert_eq!(desk.give_back(&id_of(&waits), &json!({})).await, StatusCode::OK);
    assert_eq!(desk.meta.deliver(echo).await, [200], "once more, late");
    assert!(desk.queue().await.is_empty(), "what was told before takes nothing again");
    desk.console.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_watches_is_told_when_there_is_something_to_see_and_keeps_nobody_from_stopping() {
    let mut desk = Desk::open().await;
    let mut stream = desk.console.get("/api/queue/events").await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut told = async || {
        let chunk = tokio::time::timeout(crate::rig::PATIENCE, stream.chunk()).await.expect("in time");
        chunk.expect("a stream").map(|chunk| String::from_utf8(chunk.to_vec()).expect("text"))
    };
    assert_eq!(told().await.as_deref(), Some("event: changed\ndata: null\n\n"), "at once");
    desk.hear(HUMAN).await;
    assert!(told().await.is_some_and(|told| told.starts_with("event: changed")));
    desk.console.close().await;
    while told().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_came_too_late_to_be_sent_waits_at_the_desk_until_somebody_saw_to_it() {
    let mut desk = Desk::open().await;
    desk.hear(WISH).await;
    desk.shown(1).await;
    assert_eq!(desk.listed("left").await, [Json::Null; 0]);
    let left = desk.writes_too_late().await;
    assert_eq!((&left["guest"], &left["channel"]), (&json!("+34600000001"), &json!("twilio")));
    assert_eq!(left["text"], "Your room is ready.");
    assert!(left["why"].as_str().is_some_and(|why| why.contains("no template")), "{left}");
    let done = format!("/api/queue/left/{}/done", left["message"]);
    assert_eq!(desk.post(&done, &json!({"by": ""})).await, StatusCode::UNPROCESSABLE_ENTITY, "by nobody");
    assert_eq!(desk.post(&done, &json!({"by": "Anna"})).await, StatusCode::OK);
    assert_eq!(desk.post(&done, &json!({"by": "Ben"})).await, StatusCode::NOT_FOUND, "somebody has done it");
    assert_eq!(desk.listed("left").await, [Json::Null; 0]);
    let sent = desk.console.post("/api/queue/left/1/done", &json!({"by": "Anna"})).send().await;
    assert_eq!(sent.expect("an answer").status(), StatusCode::NOT_FOUND, "that one was sent");
    desk.console.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_answered_waits_at_the_desk_until_somebody_saw_to_it_or_it_is_forgotten() {
    let desk = Desk::open().await;
    assert_eq!(desk.listed("missed").await, [Json::Null; 0]);
    let left = desk.is_never_answered("1", &["Have you got a cot?", "And a lift?"]).await;
    desk.is_never_answered("2", &["Hello?"]).await;
    let missed = desk.listed("missed").await;
    let texts: Vec<&str> = missed.iter().map(|one| one["text"].as_str().expect("words")).collect();
    assert_eq!(texts, ["Have you got a cot?\nAnd a lift?", "Hello?"], "oldest first, each with all of it");
    assert_eq!((&missed[0]["guest"], &missed[0]["channel"]), (&json!("+34600000001"), &json!("twilio")));
    assert_eq!((&missed[0]["kind"], &missed[0]["message"]), (&json!("text"), &json!(left)));
    let done = format!("/api/queue/missed/{left}/done");
    assert_eq!(desk.post(&done, &json!({"by": " "})).await, StatusCode::UNPROCESSABLE_ENTITY, "by nobody");
    assert_eq!(desk.post(&done, &json!({"by": "Anna"})).await, StatusCode::OK);
    assert_eq!(desk.post(&done, &json!({"by": "Ben"})).await, StatusCode::NOT_FOUND, "somebody has done it");
    assert_eq!(desk.listed("missed").await.len(), 1);
    let store = &desk.console.app.receptionist.store;
    store.forget_guest(&ana()).await.expect("no fault");
    assert_eq!(desk.listed("missed").await, [Json::Null; 0], "nothing of it is left to be told");
    desk.console.close().await;
}
