//! The log at its default level, through talks with errors and retries: it tells nothing of guests, and no secret.

use std::process::Stdio;

use innkeeper::store::Status;
use serde_json::json;

use super::program::{ANA, Line, Server, WHATSAPP};
use crate::rig::{standing_clock, until};
use crate::support::meta::hook::{change, text};
use crate::support::meta::{self, BEARER, MetaDouble, NUMBER, SECRET, WORD};
use crate::support::twilio::{Mood, TOKEN, message, sign, with};

/// What guests and people say: none of these words is one of the program's own.
const TALK: [&str; 6] = [
    "Hi, a double for two from 12 to 14 December, my name is Zebedea Quixwood?",
    "zebra xylophone quokka marzipan?",
    "zebra xylophone quokka marzipan again?",
    "my number is +351 967 112 358?",
    "marzipan zebra xylophone quokka?",
    "Can I speak to a human?",
];
const STAFF: &str = "Dear Zebedea, the marzipan is on its way.";

/// What must not be in the log, in any spelling that is looked for without regard to case.
const HIDDEN: [&str; 18] = [
    "zebedea",
    "quixwood",
    "gómez",
    "xylophone",
    "quokka",
    "marzipan",
    "speak to a human",
    "+351",
    "967",
    "34600000001",
    "34600000002",
    "whatsapp:+",
    TOKEN,
    SECRET,
    WORD,
    BEARER,
    "correct horse",
    "lighthouse keeper",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_holds_no_secret_number_name_or_word_of_a_guest() {
    let line = Line::open().await;
    let meta = MetaDouble::start_on(standing_clock()).await;
    let mut command = line.innkeeper();
    command.env("META_APP_SECRET", SECRET).env("META_VERIFY_TOKEN", WORD).env("META_ACCESS_TOKEN", BEARER);
    command.env("INNKEEPER__META__PHONE_NUMBER_ID", NUMBER);
    command.env("INNKEEPER__META__BASE_URL", format!("http://{}/v23.0", meta.address));
    command.env("INNKEEPER__SERVER__TOKEN", "correct horse");
    let path = line.folder.file("log.txt");
    let log = std::fs::File::create(&path).expect("a file");
    let server = Server::start_telling(command, Stdio::from(log)).await;
    line.twilio.calls(server.address);
    meta.calls(server.address);

    // By Twilio: refused for now, uncertain, refused for ever, cut off, failing.
    line.twilio.moods([
        Mood::Busy(1),
        Mood::TakingThenFailing,
        Mood::Refusing(400, 21610),
        Mood::TakingThenCutting,
        Mood::Failing,
    ]);
    for (number, words) in TALK.iter().enumerate() {
        assert_eq!(line.deliver(&server, &number.to_string(), ANA, words).await, 200);
        server.settled().await;
    }
    let image =
        [("MessageType", "image"), ("MediaContentType0", "image/jpeg"), ("NumMedia", "1"), ("Body", TALK[1])];
    let form = with(message("77", ANA, ""), &image);
    assert_eq!(line.twilio.post(server.address, WHATSAPP, &form).await.0, 200);
    // Not signed, signed for another account, and lacking what every message has.
    let form = message("78", ANA, TALK[0]);
    assert_eq!(
        line.twilio.post_signed(server.address, WHATSAPP, &form, Some("lighthouse keeper")).await.0,
        403
    );
    let other = with(form.clone(), &[("AccountSid", "AC99")]);
    assert_eq!(line.twilio.post(server.address, WHATSAPP, &other).await.0, 403);
    let bare: Vec<(String, String)> =
        form.into_iter().filter(|(name, _)| !name.ends_with("Sid") || name == "AccountSid").collect();
    let signature = sign(&format!("{}{WHATSAPP}", crate::support::twilio::PUBLIC), &bare);
    assert_eq!(line.twilio.post_signed(server.address, WHATSAPP, &bare, Some(&signature)).await.0, 400);

    // By Meta.
    meta.moods([meta::Mood::Failing, meta::Mood::Refusing(400, 131_047), meta::Mood::Refusing(400, 131_056)]);
    for (number, words) in TALK.iter().enumerate() {
        let told = change(&[text(&format!("wamid.{number}"), "34600000002", words)], &[]);
        assert_eq!(meta.deliver(&[told]).await, [200]);
        server.settled().await;
    }
    assert_eq!(meta.post(&format!("{{\"x\":\"{}\"}}", TALK[0]), Some("sha256=00")).await, 403);
    let nobody = json!({"type": "text", "text": {"body": TALK[1]}});
    assert_eq!(meta.deliver(&[change(&[nobody], &[])]).await, [200]);
    assert_eq!(meta.subscribe("subscribe", "lighthouse keeper", "1").await.0, 403);
    let outcomes = server.settled().await;
    assert!(outcomes.iter().any(|(outcome, count)| outcome == "handed_over" && *count > 0), "{outcomes:?}");

    // At the desk.
    let http = reqwest::Client::builder().no_proxy().build().expect("a client");
    let queue = http.get(server.url("/api/queue")).send().await.expect("an answer");
    let queue: serde_json::Value = queue.json().await.expect("JSON");
    for waits in queue["waiting"].as_array().expect("a list") {
        let id = waits["conversation"].as_str().expect("an id");
        let written = http.post(server.url(&format!("/api/queue/{id}/messages")));
        let written =
            written.json(&json!({"by": "Quixwood", "text": STAFF})).send().await.expect("an answer");
        assert_eq!(written.status().as_u16(), 201);
        let back = http.post(server.url(&format!("/api/conversations/{id}/give-back")));
        let back =
            back.json(&json!({"by": "Quixwood", "summary": "marzipan"})).send().await.expect("an answer");
        assert_eq!(back.status().as_u16(), 200);
    }
    let store = innkeeper::store::Database::open(
        &line.folder.database_url(),
        std::sync::Arc::new(innkeeper::clock::SystemClock),
    )
    .await
    .expect("the database");
    let failed = async || {
        let rows = store.outgoing_to(&crate::rig::ana()).await.expect("rows");
        let count = |status: Status| rows.iter().filter(|row| row.status == status).count();
        count(Status::Failed) >= 1 && count(Status::Sent) >= 2
    };
    until("some were refused and others sent", failed).await;
    store.close().await.expect("closed");
    server.kill_9().await;

    let log = std::fs::read_to_string(path).expect("a log");
    assert!(
        log.contains("a message was refused") && log.contains("a webhook was refused"),
        "it tells of faults: {log}"
    );
    assert!(log.contains("a guest waits for a person"), "{log}");
    // When something happened is no secret, and may have any digits.
    let folded: Vec<String> = log.lines().map(|line| without_instant(&line.to_lowercase())).collect();
    for hidden in HIDDEN {
        let found = folded.iter().find(|line| line.contains(&hidden.to_lowercase()));
        assert_eq!(found, None, "{hidden:?} is in the log");
    }
}

/// A line of the log after the instant it begins with.
fn without_instant(line: &str) -> String {
    let is_instant = |word: &&str| word.contains("t") && word.contains("z") && word.contains(':');
    match line.split_once(' ') {
        Some((instant, rest)) if is_instant(&instant) => rest.to_owned(),
        _ => line.to_owned(),
    }
}
