//! `innkeeper doctor` on each usual mistake on the way to WhatsApp.

use std::process::Stdio;

use tokio::process::Command;

use super::program::{Line, Ran, Server, run};
use crate::rig::standing_clock;
use crate::support::meta::{BEARER, MetaDouble, NUMBER, SECRET, WORD};
use crate::support::twilio::{PUBLIC, SENDER};

async fn doctor(mut command: Command) -> Ran {
    command.arg("doctor");
    run(command, &[]).await
}

/// The finding that begins with this, with what to do about it.
fn finding<'a>(ran: &'a Ran, beginning: &str) -> &'a str {
    let from = ran.output.find(beginning);
    let from = from.unwrap_or_else(|| panic!("{beginning:?} is in\n{}{}", ran.output, ran.errors));
    let rest = &ran.output[from..];
    let end = ["\nfine ", "\noff ", "\nlook ", "\nbroken "].iter().filter_map(|next| rest.find(next)).min();
    &rest[..end.unwrap_or(rest.len())]
}

/// The doctor finds this, says what to do, and ends with 1.
fn finds(ran: &Ran, beginning: &str, fix: &str) {
    let found = finding(ran, &format!("broken  {beginning}"));
    assert!(found.contains("to fix:") && found.contains(fix), "{fix:?} is in {found:?}");
    assert_eq!(ran.status.code(), Some(1), "{}", ran.output);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_configured_wrongly_is_named_with_what_was_expected() {
    let line = Line::open().await;
    for (variable, value, key, expected) in [
        (
            "INNKEEPER__SERVER__PUBLIC_URL",
            "hotel.example.com",
            "server.public_url",
            "https://hotel.example.com",
        ),
        ("INNKEEPER__SERVER__PUBLIC_URL", "https://h.example.com/?x=1", "server.public_url", "https://"),
        ("TWILIO_ACCOUNT_SID", "SK0123456789abcdef0123456789abcdef", "twilio.account_sid", "begins with AC"),
        (
            "INNKEEPER__TWILIO__WHATSAPP_FROM",
            "14155238886",
            "twilio.whatsapp_from",
            "with + and country code",
        ),
        (
            "INNKEEPER__TWILIO__WHATSAPP_FROM",
            "whatsapp:0044 20",
            "twilio.whatsapp_from",
            "with + and country code",
        ),
    ] {
        let mut command = line.innkeeper();
        command.env(variable, value);
        let ran = doctor(command).await;
        assert_eq!(ran.status.code(), Some(2), "{value}");
        assert!(ran.errors.contains(key) && ran.errors.contains(expected), "{value}: {}", ran.errors);
    }
    let mut command = line.innkeeper();
    command.env("INNKEEPER__TWILIO__WHATSAPP_FROM", SENDER);
    let ran = doctor(command).await;
    assert!(ran.output.contains("configuration: read"), "with the prefix it is a number too: {}", ran.errors);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_that_does_not_lead_here_is_found() {
    let line = Line::open().await;
    let server = Server::start(line.innkeeper()).await;
    let here = server.url("");
    let at = |public: &str| {
        let mut command = line.innkeeper();
        command.env("INNKEEPER__SERVER__PUBLIC_URL", public);
        command.env("INNKEEPER__SERVER__BIND", server.address.to_string());
        command
    };
    let ran = doctor(at(&here)).await;
    assert!(finding(&ran, "fine    public address").contains("reaches innkeeper"), "{}", ran.output);
    assert!(ran.output.contains("an innkeeper is listening on"), "{}", ran.output);
    finds(&ran, "public address: 127.0.0.1", "the address that the tunnel printed");
    finds(&ran, &format!("public address: {here} begins with http://"), "https://");
    let ran = doctor(at(&format!("{here}/twilio/whatsapp"))).await;
    finds(&ran, &format!("public address: {here}/twilio/whatsapp has the path"), &format!("{here}:"));
    finds(&ran, &format!("public address: {here}/twilio/whatsapp answers 404"), "leave /twilio/whatsapp out");

    let other = Server::start(line.innkeeper()).await;
    let there = other.url("");
    finds(
        &doctor(at(&there)).await,
        &format!("public address: {there} leads to another innkeeper"),
        "point the tunnel at",
    );
    other.kill_9().await;
    finds(&doctor(at(&there)).await, &format!("public address: {there} does not answer"), "start the tunnel");
    // Twilio's double has nothing at /healthz, as a tunnel without a program behind it.
    let foreign = line.twilio.base_url();
    finds(
        &doctor(at(&foreign)).await,
        &format!("public address: {foreign} answers 404"),
        "point the tunnel at",
    );
    let mut none = line.innkeeper();
    none.env_remove("INNKEEPER__SERVER__PUBLIC_URL");
    finds(&doctor(none).await, "WhatsApp by Twilio: half configured", "public_url");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mistake_with_twilio_is_found() {
    let line = Line::open().await;
    let webhook = format!("{PUBLIC}/twilio/whatsapp");
    let sender = |url: &str, method: &str| {
        serde_json::json!({"sid": "XE1", "sender_id": SENDER, "status": "ONLINE",
            "webhook": {"callback_url": url, "callback_method": method}})
    };
    let with = |variable: &str, value: &str| {
        let mut command = line.innkeeper();
        command.env(variable, value);
        command
    };
    let name = "WhatsApp by Twilio";

    let ran = doctor(line.innkeeper()).await;
    assert!(finding(&ran, &format!("fine    {name}")).contains(&webhook), "{}", ran.output);
    assert!(finding(&ran, &format!("look    {name}")).contains("Sandbox settings"), "{}", ran.output);
    assert!(finding(&ran, "fine    clock").contains("127.0.0.1"), "{}", ran.output);

    let ran = doctor(with("TWILIO_AUTH_TOKEN", "another token")).await;
    finds(&ran, &format!("{name}: the auth token does not fit the account (error 20003)"), "copy Auth Token");
    assert!(!ran.output.contains("another token"), "no secret is shown");
    let ran = doctor(with("TWILIO_ACCOUNT_SID", "AC0123")).await;
    finds(&ran, &format!("{name}: the account's id has 6 characters"), "AC and 32");
    let ran = doctor(with("INNKEEPER__TWILIO__BASE_URL", "http://127.0.0.1:1")).await;
    finds(&ran, &format!("{name}: http://127.0.0.1:1 does not answer"), "base_url");

    line.twilio.tells(|told| told.account["type"] = "Trial".into());
    finds(
        &doctor(line.innkeeper()).await,
        &format!("{name}: a trial account"),
        "INNKEEPER__TWILIO__REPLY=twiml",
    );
    let ran = doctor(with("INNKEEPER__TWILIO__REPLY", "twiml")).await;
    assert!(finding(&ran, &format!("fine    {name}")).contains("TwiML"), "{}", ran.output);
    line.twilio.tells(|told| told.account["status"] = "suspended".into());
    finds(
        &doctor(line.innkeeper()).await,
        &format!("{name}: the account is suspended"),
        "console.twilio.com",
    );
    line.twilio.tells(|told| *told = crate::support::twilio::Told::default());

    for (url, method, expected) in [
        ("", "POST", "the sender calls nobody"),
        ("https://demo.twilio.com/welcome", "POST", "the sender calls https://demo.twilio.com/welcome"),
        (
            "https://hotel.example.com/twilio/whatsapp/",
            "POST",
            "the sender calls https://hotel.example.com/twilio/whatsapp/",
        ),
        (&webhook, "GET", "with method GET"),
    ] {
        line.twilio.tells(|told| told.senders = vec![sender(url, method)]);
        let ran = doctor(line.innkeeper()).await;
        assert!(ran.output.contains(expected), "{expected}: {}", ran.output);
        finds(&ran, &format!("{name}: the sender calls"), &webhook);
    }
    line.twilio.tells(|told| told.senders = vec![sender(&format!("{webhook}#rc=2"), "POST")]);
    let ran = doctor(line.innkeeper()).await;
    assert!(ran.output.contains(&format!("fine    {name}: the sender calls {webhook}")), "{}", ran.output);

    let listed = |direction: &str, sid: &str, code: Option<u32>| {
        serde_json::json!({"sid": sid, "direction": direction, "from": SENDER, "to": "whatsapp:+34600000009",
            "body": "Hello from Ana", "error_code": code})
    };
    line.twilio.tells(|told| told.listed = vec![listed("outbound-api", "SM1", Some(63015))]);
    finds(&doctor(line.innkeeper()).await, &format!("{name}: a guest has not joined the sandbox"), "join");
    line.twilio.tells(|told| told.listed.insert(0, listed("outbound-api", "SM2", None)));
    assert!(!doctor(line.innkeeper()).await.output.contains("63015"), "the guest was reached since");
    line.twilio.tells(|told| told.listed = vec![listed("outbound-api", "SM1", Some(63007))]);
    finds(
        &doctor(line.innkeeper()).await,
        &format!("{name}: +14155238886 is no WhatsApp sender"),
        "whatsapp_from",
    );
    line.twilio.tells(|told| told.listed = vec![listed("inbound", "SM77", None)]);
    let ran = doctor(line.innkeeper()).await;
    finds(&ran, &format!("{name}: the last message that came in at Twilio (SM77) never came here"), &webhook);
    assert!(!ran.output.contains("Ana") && !ran.output.contains("34600000009"), "nothing of the guest's");

    line.twilio.tells(|told| told.date = Some("Tue, 01 Jan 2030 09:00:00 GMT".to_owned()));
    finds(&doctor(line.innkeeper()).await, "clock: this machine is", "set-ntp");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_mistake_with_meta_is_found() {
    let line = Line::open().await;
    let meta = MetaDouble::start_on(standing_clock()).await;
    let own = |command: &mut Command| {
        command
            .env("META_APP_SECRET", SECRET)
            .env("META_VERIFY_TOKEN", WORD)
            .env("META_ACCESS_TOKEN", BEARER);
        command.env("INNKEEPER__META__PHONE_NUMBER_ID", NUMBER);
        command.env("INNKEEPER__META__BASE_URL", format!("http://{}/v23.0", meta.address));
    };
    let mut serving = line.innkeeper();
    own(&mut serving);
    let server = Server::start(serving).await;
    let public = server.url("");
    let with = |changes: &[(&str, &str)]| {
        let mut command = line.innkeeper();
        own(&mut command);
        command.env("INNKEEPER__SERVER__PUBLIC_URL", &public);
        for (variable, value) in changes {
            command.env(variable, value);
        }
        command
    };
    let name = "WhatsApp by Meta";
    let webhook = format!("{public}/meta/webhook");
    let ran = doctor(with(&[])).await;
    assert!(ran.output.contains(&format!("fine    {name}: number {NUMBER} is reached")), "{}", ran.output);
    assert!(
        ran.output.contains(&format!("look    {name}: Meta does not say whom it calls")),
        "{}",
        ran.output
    );
    assert!(
        ran.output.contains(&format!("fine    {name}: the running innkeeper has this verify token")),
        "{}",
        ran.output
    );

    meta.rules(|rules| rules.called = Some(webhook.clone()));
    let ran = doctor(with(&[])).await;
    assert!(ran.output.contains(&format!("fine    {name}: Meta calls {webhook}")), "{}", ran.output);
    meta.rules(|rules| rules.called = Some("https://elsewhere.example.com/hook".to_owned()));
    finds(
        &doctor(with(&[])).await,
        &format!("{name}: Meta calls https://elsewhere.example.com/hook"),
        &webhook,
    );

    let ran = doctor(with(&[("META_VERIFY_TOKEN", "another word")])).await;
    finds(&ran, &format!("{name}: the running innkeeper has another verify token"), "META_VERIFY_TOKEN");
    let ran = doctor(with(&[("META_APP_SECRET", "another secret")])).await;
    finds(&ran, &format!("{name}: the app's secret does not fit the access token"), "META_APP_SECRET");
    assert!(!ran.output.contains("another secret"), "no secret is shown");
    finds(
        &doctor(with(&[("META_ACCESS_TOKEN", "EAAold")])).await,
        &format!("{name}: the access token is refused"),
        "system user",
    );
    let ran = doctor(with(&[("INNKEEPER__META__PHONE_NUMBER_ID", "+15550783881")])).await;
    finds(&ran, &format!("{name}: [meta] phone_number_id is"), "Phone number ID");
    let ran = doctor(with(&[("INNKEEPER__META__PHONE_NUMBER_ID", "15550783881")])).await;
    finds(&ran, &format!("{name}: number 15550783881 is answered with"), "phone_number_id");
    finds(
        &doctor(with(&[("META_APP_SECRET", "")])).await,
        &format!("{name}: half configured"),
        "META_APP_SECRET",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_cannot_be_opened_is_found() {
    let line = Line::open().await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_innkeeper"));
    let file = line.folder.file("no/such/folder/it.db");
    command.env_clear().current_dir(line.folder.file("")).stderr(Stdio::null());
    command.args(["--database", &format!("sqlite://{}", file.display())]);
    finds(&doctor(command).await, "database:", "[database] url");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_that_does_not_call_us_is_found() {
    let line = Line::open().await;
    let number = "+14155238887";
    let with = |settings: &[(&str, &str)]| {
        let mut command = line.innkeeper();
        command.env("INNKEEPER__TWILIO__VOICE_FROM", number);
        for (variable, value) in settings {
            command.env(variable, value);
        }
        command
    };
    let called = |url: &str, method: &str| serde_json::json!({"phone_number": number, "voice_url": url, "voice_method": method});
    finds(&doctor(with(&[])).await, "telephone calls: +14155238887 is not a number", "voice_from");
    let webhook = format!("{PUBLIC}/twilio/voice");
    for (url, method, found) in [
        ("https://demo.twilio.com/welcome/voice/", "POST", "calls https://demo.twilio.com"),
        ("", "POST", "calls nobody"),
        (webhook.as_str(), "GET", "with method GET"),
    ] {
        line.twilio.tells(|told| told.numbers = vec![called(url, method)]);
        let ran = doctor(with(&[])).await;
        finds(&ran, "telephone calls: ", &webhook);
        assert!(finding(&ran, "broken  telephone calls").contains(found), "{}", ran.output);
    }
    line.twilio.tells(|told| told.numbers = vec![called(&webhook, "POST")]);
    let ran = doctor(with(&[])).await;
    assert!(finding(&ran, "fine    telephone calls").contains("front_desk is not set"), "{}", ran.output);
    let ran = doctor(with(&[("INNKEEPER__TWILIO__VOICE", "stream")])).await;
    finds(&ran, "telephone calls: [twilio] voice is stream", "relay");
}
