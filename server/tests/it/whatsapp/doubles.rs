//! The doubles play what providers do on bad days; the guest's telephone is the judge.

use std::time::Duration;

use innkeeper::channel::twilio::{Content, Keys, Refusal, is_signed};
use innkeeper::store::Status;
use secrecy::SecretString;

use super::house::House;
use crate::rig::{ana, until};
use crate::support::dice::Dice;
use crate::support::twilio::deliver::Reports;
use crate::support::twilio::{PUBLIC, TOKEN, message, sign, with};

const ANA: &str = "whatsapp:+34600000001";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_network_changes_nothing_that_a_guest_sees() {
    for seed in 1..=6 {
        let house = House::open().await;
        let mut dice = Dice::new(seed);
        house.twilio.rules(|rules| {
            rules.window = true;
            rules.reports = Reports::Wild(Dice::new(seed));
        });
        let forms: Vec<_> =
            (0..12).map(|number| message(&number.to_string(), ANA, &format!("Message {number}."))).collect();
        house.twilio.deliver_wildly(&forms, &mut dice).await;
        assert_eq!(house.messages().await, 12, "seed {seed}: each once");
        until("everything is answered and followed", async || {
            let rows = house.rows(&ana()).await;
            let answered = rows.iter().map(|row| row.text.matches("Message").count()).sum::<usize>();
            answered == 12 && rows.iter().all(|row| row.delivery.as_deref() == Some("read"))
        })
        .await;
        let rows: Vec<String> = house.rows(&ana()).await.into_iter().map(|row| row.text).collect();
        assert_eq!(house.twilio.phone_of(ANA), rows, "seed {seed}: in order, each once");
    }
}

#[tokio::test]
async fn a_webhook_that_hangs_is_called_again_and_then_the_fallback() {
    let house = House::open().await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    // Connections are taken, and nobody answers.
    house.twilio.calls(listener.local_addr().expect("an address"));
    house.twilio.rules(|rules| rules.retries = 1);
    let form = message("1", ANA, "Hello.");
    let clock = async {
        for _ in 0..2 {
            house.clock.waited_for(1).await;
            house.clock.advance(Duration::from_secs(15));
        }
    };
    let (called, ()) = futures::future::join(house.twilio.deliver(&form), clock).await;
    assert_eq!((called.tries, called.fell_back), (vec![None, None], false));
    // The fallback is the same webhook, and the message is there once.
    house.twilio.calls(house.address);
    house.twilio.rules(|rules| {
        rules.route = "/twilio/nowhere".to_owned();
        rules.fallback = Some("/twilio/whatsapp".to_owned());
    });
    let called = house.twilio.deliver(&form).await;
    assert_eq!((called.tries, called.fell_back), (vec![Some(404), Some(404), Some(200)], true));
    house.becomes(&ana(), &[Status::Sent]).await;
    assert!(house.twilio.deliver(&form).await.fell_back);
    assert_eq!(
        (house.messages().await, house.message(1).await.raw["ErrorCode"].clone()),
        (1, "11200".into())
    );
}

#[tokio::test]
async fn either_token_signs_while_tokens_are_changed() {
    let form = with(message("1", ANA, "Hello."), &[]);
    let url = format!("{PUBLIC}/twilio/whatsapp");
    let signature = sign(&url, &form);
    let keys = |first: &str, second: Option<&str>| Keys {
        auth_token: SecretString::from(first),
        secondary: second.map(SecretString::from),
        shared_key: None,
    };
    let check = |keys: &Keys| is_signed(keys, Some(&signature), None, &url, Content::Form(&form));
    assert_eq!(check(&keys(TOKEN, None)), Ok(()));
    assert_eq!(check(&keys("another", Some(TOKEN))), Ok(()));
    assert_eq!(check(&keys(TOKEN, Some("another"))), Ok(()));
    assert_eq!(check(&keys("another", Some("a third"))), Err(Refusal::Wrong));
}

#[tokio::test]
async fn a_guest_who_waits_sees_that_somebody_writes() {
    let house = House::open().await;
    house.parrot.close_gate();
    house.twilio.deliver(&message("1", ANA, "Hello.")).await;
    let sid = format!("SM{:0>32}", 1);
    assert_eq!(house.twilio.typed(1).await, std::slice::from_ref(&sid));
    house.clock.waited_for(1).await;
    house.clock.advance(Duration::from_secs(20));
    assert_eq!(house.twilio.typed(2).await, [sid.clone(), sid], "the mark is kept up");
    house.parrot.let_go(1);
    house.becomes(&ana(), &[Status::Sent]).await;
}

#[tokio::test]
async fn a_guest_who_left_the_sandbox_is_unreachable() {
    let house = House::open().await;
    house.twilio.rules(|rules| {
        rules.reports = Reports::Clean;
        rules.not_joined.insert(ANA.to_owned());
    });
    house.twilio.deliver(&message("1", ANA, "Hello.")).await;
    house.becomes(&ana(), &[Status::Failed]).await;
    assert!(house.twilio.phone_of(ANA).is_empty());
    let error = house.rows(&ana()).await[0].error.clone().expect("a reason");
    assert!(error.starts_with("error 63015, "), "{error}");
}
