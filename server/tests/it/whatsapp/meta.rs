//! WhatsApp by Meta from end to end: signed batches in, replies out, over HTTP.

use std::time::Duration;

use innkeeper::channel::meta::{self, Meta, Off, is_signed};
use innkeeper::clock::Clock as _;
use innkeeper::config::{Config, Overrides};
use innkeeper::message::{ChannelName, GuestKey, Kind};
use innkeeper::store::{Outcome, Status};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use super::house::House;
use crate::rig::{ana, ben, standing_clock, until};
use crate::support::dice::Dice;
use crate::support::meta::hook::{batch, change, message, sign, status, text};
use crate::support::meta::{Mood, SECRET, WORD};

const ANA: &str = "34600000001";
const BEN: &str = "34600000002";

#[derive(Deserialize)]
struct Vector {
    secret: String,
    body: String,
    signature: String,
}

#[test]
fn every_known_signature_fits_its_bytes_and_no_others() {
    let vectors: Vec<Vector> =
        serde_json::from_str(include_str!("../fixtures/meta-signatures.json")).expect("vectors");
    for (at, vector) in vectors.iter().enumerate() {
        let secret = SecretString::from(vector.secret.clone());
        let signed = format!("sha256={}", vector.signature);
        assert!(is_signed(&secret, Some(&signed), vector.body.as_bytes()), "{}", vector.body);
        assert!(
            !is_signed(&secret, Some(&vector.signature), vector.body.as_bytes()),
            "without its algorithm"
        );
        assert!(!is_signed(&secret, None, vector.body.as_bytes()));
        assert!(!is_signed(&secret, Some("sha256=zz"), vector.body.as_bytes()));
        assert!(!is_signed(&secret, Some("sha256=é"), vector.body.as_bytes()));
        assert!(!is_signed(&SecretString::from("another"), Some(&signed), vector.body.as_bytes()));
        for (other, body) in vectors.iter().enumerate().filter(|(other, _)| *other != at) {
            assert!(!is_signed(&secret, Some(&signed), body.body.as_bytes()), "{at} is not {other}");
        }
    }
}

#[tokio::test]
async fn a_subscription_is_confirmed_to_whoever_knows_the_word() {
    let house = House::open().await;
    assert_eq!(house.meta.subscribe("subscribe", WORD, "1158201444").await, (200, "1158201444".to_owned()));
    for (mode, word) in [("subscribe", "another"), ("subscribe", ""), ("unsubscribe", WORD)] {
        assert_eq!(house.meta.subscribe(mode, word, "1").await.0, 403, "{mode} {word}");
    }
    let bare = reqwest::get(format!("http://{}/meta/webhook", house.address)).await.expect("an answer");
    assert_eq!(bare.status().as_u16(), 403);
}

#[tokio::test]
async fn a_message_is_answered_and_followed_to_the_device() {
    let house = House::open().await;
    house.meta.rules(|rules| {
        rules.reports = true;
        rules.opaque = true;
    });
    assert_eq!(
        house.meta.deliver(&[change(&[text("wamid.1", ANA, "Dos noches, mañana 👍")], &[])]).await,
        [200]
    );
    house.gets(&ana(), &["read"]).await;
    assert_eq!(house.meta.phones.reads(ANA), ["You said: Dos noches, mañana 👍"]);
    assert_eq!(house.meta.typed(1).await, ["wamid.1"], "the guest sees that it was read and somebody writes");
    let row = house.rows(&ana()).await.remove(0);
    assert_eq!(
        (row.channel.as_str(), row.provider_id),
        (ChannelName::Meta.as_str(), Some(house.meta.phones.last_id(ANA)))
    );
}

#[tokio::test]
async fn a_batch_is_taken_whole_and_in_the_order_of_its_messages() {
    let house = House::open().await;
    let mut late = text("wamid.2", ANA, "and breakfast.");
    late["timestamp"] = "1796115602".into();
    let bad = json!({"type": "text", "text": {"body": "from nobody"}});
    let nameless = message("", Some(BEN), None, json!({"type": "text", "text": {"body": "Without an id."}}));
    let other_number = {
        let mut change = change(&[text("wamid.9", BEN, "to another hotel")], &[]);
        change["value"]["metadata"]["phone_number_id"] = "1".into();
        change
    };
    let strange = json!({"field": "account_update", "value": {"event": "x"}});
    let changes = [
        change(&[late, bad, text("wamid.1", ANA, "A room, please.")], &[]),
        json!("not a change"),
        strange,
        other_number,
        change(&[nameless], &[status("wamid.unknown", "read", json!({}))]),
    ];
    house.parrot.close_gate();
    assert_eq!(house.meta.deliver(&changes).await, [200]);
    house.parrot.let_go(3);
    house.becomes(&ana(), &[Status::Sent; 2]).await;
    house.becomes(&ben(), &[Status::Sent]).await;
    assert_eq!(house.meta.phones.reads(ANA), ["You said: A room, please.", "You said: and breakfast."]);
    assert_eq!(house.meta.deliver(&changes).await, [200], "again");
    assert_eq!(house.messages().await, 3, "each once, those without an id too");
}

#[tokio::test]
async fn what_is_not_metas_is_refused_and_leaves_nothing() {
    let house = House::open().await;
    let body = batch(&[change(&[text("wamid.1", ANA, "Hello.")], &[])]);
    let signed = sign(body.as_bytes());
    assert_eq!(house.meta.post(&body, None).await, 403);
    assert_eq!(house.meta.post(&body, Some("sha256=00")).await, 403);
    assert_eq!(house.meta.post(&body.replace("Hello", "Hullo"), Some(&signed)).await, 403);
    let reserialised = serde_json::from_str::<serde_json::Value>(&body).expect("JSON").to_string();
    assert_eq!(house.meta.post(&format!("{reserialised} "), Some(&signed)).await, 403);
    assert_eq!(house.meta.post("[", Some(&sign(b"["))).await, 400);
    assert_eq!(house.messages().await, 0);
    assert_eq!(house.meta.post(&body, Some(&signed)).await, 200);
    assert_eq!(house.messages().await, 1);
    assert!(!SECRET.is_empty());
}

#[tokio::test]
async fn reports_come_in_any_order_and_before_the_answer() {
    for seed in 1..=8 {
        let house = House::open().await;
        house.meta.rules(|rules| {
            rules.reports = true;
            rules.dice = Some(Dice::new(seed));
            // Half of them do not say by our number which message they are of.
            rules.opaque = seed % 2 == 0;
        });
        house.meta.moods([Mood::ReportingFirst]);
        house.meta.deliver(&[change(&[text("wamid.1", ANA, "Hello.")], &[])]).await;
        house.gets(&ana(), &["read"]).await;
        house.becomes(&ana(), &[Status::Sent]).await;
        assert_eq!(house.meta.phones.reads(ANA), ["You said: Hello."], "seed {seed}");
    }
}

#[tokio::test]
async fn a_failure_is_kept_with_its_reason_and_without_the_number() {
    let house = House::open().await;
    house.meta.deliver(&[change(&[text("wamid.1", ANA, "Hello.")], &[])]).await;
    house.becomes(&ana(), &[Status::Sent]).await;
    let id = house.rows(&ana()).await[0].provider_id.clone().expect("an id");
    let errors = json!({"errors": [{"code": 131_026, "title": "to 34600000001"}]});
    house.meta.deliver(&[change(&[], &[status(&id, "failed", errors)])]).await;
    house.becomes(&ana(), &[Status::Failed]).await;
    let error = house.rows(&ana()).await[0].error.clone().expect("a reason");
    assert!(error.starts_with("error 131026, ") && !error.contains("346"), "{error}");
}

#[tokio::test]
async fn a_report_tells_whether_a_message_was_taken_that_nobody_answered_for() {
    let house = House::open().await;
    house.meta.moods([Mood::TakingThenFailing]);
    house.meta.deliver(&[change(&[text("wamid.1", ANA, "Hello.")], &[])]).await;
    house.becomes(&ana(), &[Status::Uncertain]).await;
    let opaque = json!({"biz_opaque_callback_data": house.rows(&ana()).await[0].id.to_string()});
    let id = house.meta.phones.last_id(ANA);
    house.meta.deliver(&[change(&[], &[status(&id, "sent", opaque)])]).await;
    house.becomes(&ana(), &[Status::Sent]).await;
    house.clock.advance(Duration::from_secs(120));
    assert_eq!(house.meta.asked().len(), 1, "it is not sent twice");
}

#[tokio::test]
async fn a_message_that_was_not_taken_and_never_reported_is_sent_again() {
    let house = House::open().await;
    house.meta.moods([Mood::Failing]);
    house.meta.deliver(&[change(&[text("wamid.1", ANA, "Hello.")], &[])]).await;
    house.becomes(&ana(), &[Status::Uncertain]).await;
    until("it waits for a report, then sends again", async || {
        house.clock.advance(Duration::from_secs(10));
        house.rows(&ana()).await[0].status == Status::Sent
    })
    .await;
    assert_eq!(house.meta.phones.reads(ANA), ["You said: Hello."]);
}

#[tokio::test]
async fn what_may_have_been_taken_waits_while_nothing_is_heard_of_meta() {
    let house = House::open().await;
    house.meta.moods([Mood::Failing]);
    house.meta.deliver(&[change(&[text("wamid.1", ANA, "Hello.")], &[])]).await;
    house.becomes(&ana(), &[Status::Uncertain]).await;
    for _ in 0..30 {
        let next = house.rows(&ana()).await[0].next_try_at;
        house.clock.advance(Duration::from_secs(10));
        until("it was looked whether it was taken", async || {
            let row = house.rows(&ana()).await.remove(0);
            row.status == Status::Uncertain && (row.next_try_at != next || next > Some(house.clock.now()))
        })
        .await;
    }
    assert_eq!(house.meta.asked().len(), 1, "five minutes later it still waits");
    house.meta.deliver(&[change(&[text("wamid.2", BEN, "Hi.")], &[])]).await;
    house.becomes(&ben(), &[Status::Sent]).await;
    house.clock.advance(Duration::from_secs(60));
    house.becomes(&ana(), &[Status::Sent]).await;
    assert_eq!(
        house.meta.phones.reads(ANA),
        ["You said: Hello."],
        "whoever reports on others was not given it"
    );
}

#[tokio::test]
async fn a_guest_who_writes_too_fast_for_the_pair_is_answered_a_little_later() {
    let house = House::open().await;
    house.meta.moods([Mood::Refusing(400, 131_056), Mood::Refusing(500, 131_016)]);
    house.meta.deliver(&[change(&[text("wamid.1", ANA, "Hello.")], &[])]).await;
    until("it is taken at last", async || {
        house.clock.advance(Duration::from_secs(5));
        house.rows(&ana()).await.first().is_some_and(|row| row.status == Status::Sent)
    })
    .await;
    assert_eq!(house.meta.phones.reads(ANA), ["You said: Hello."]);
}

#[tokio::test]
async fn a_guest_who_hides_the_number_is_reached_by_id() {
    let house = House::open().await;
    let hidden = message("wamid.1", None, Some("ES.77"), json!({"type": "text", "text": {"body": "Hello."}}));
    house.meta.deliver(&[change(&[hidden], &[])]).await;
    let key = GuestKey::new("whatsapp:ES.77");
    house.becomes(&key, &[Status::Sent]).await;
    assert_eq!(house.meta.phones.reads("ES.77"), ["You said: Hello."]);
    assert_eq!(house.store.guest(&key).await.expect("a guest").phone, None);
}

#[tokio::test]
async fn what_asks_for_no_answer_gets_none() {
    let house = House::open().await;
    let reaction = json!({"type": "reaction", "reaction": {"message_id": "wamid.0", "emoji": "👍"}});
    let moved = json!({"type": "system", "system": {"type": "user_changed_number", "wa_id": BEN}});
    let messages =
        [message("wamid.1", Some(ANA), None, reaction), message("wamid.2", Some(ANA), None, moved)];
    assert_eq!(house.meta.deliver(&[change(&messages, &[])]).await, [200]);
    assert_eq!(house.message(1).await.kind, Kind::Reaction.as_str());
    assert_eq!(house.message(2).await.outcome, Outcome::Rejected);
    // Whoever writes from the new number is the same guest.
    house.meta.deliver(&[change(&[text("wamid.3", BEN, "It is me.")], &[])]).await;
    house.becomes(&ana(), &[Status::Sent]).await;
    assert_eq!(house.meta.phones.reads(BEN), ["You said: It is me."]);
}

#[tokio::test]
async fn without_a_number_the_routes_say_what_to_configure() {
    let config = Config::load(None, Vec::new(), Overrides::default()).expect("a configuration");
    let off = Meta::new(&config, std::sync::Arc::new(standing_clock())).expect_err("no number");
    assert!(matches!(&off, Off::NotConfigured { missing } if missing.len() == 4));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, meta::refusing(&off)).await });
    let answer = reqwest::get(format!("http://{address}/meta/webhook")).await.expect("an answer");
    assert_eq!(answer.status().as_u16(), 503);
    let sentence = answer.text().await.expect("a sentence");
    for key in ["[meta] app_secret", "[meta] verify_token", "[meta] access_token", "[meta] phone_number_id"] {
        assert!(sentence.contains(key), "{sentence}");
    }
}
