//! Who is let in: signatures on the webhook and on the upgrade, tokens, formats, how many at once, and who calls.

use std::sync::Arc;

use innkeeper::channel::twilio::Twilio;
use innkeeper::channel::twilio::voice::refusing;
use innkeeper::clock::SystemClock;
use innkeeper::config::{Config, Overrides};

use super::rig::{ANA, DESK, HOTEL, RELAY, STREAM, account, echo, open, script, sentences, sound, telephone};
use crate::support::caller::{Event, Exchange, Manner, Stage, Wire, parse, pipe, sign};
use crate::support::twilio::{PUBLIC, TOKEN};

const VOICE: &str = "/twilio/voice";

/// The wire of a hotel that answers calls with an echo.
fn wire() -> Wire {
    let config = super::rig::config(STREAM);
    let (wire, listener) = pipe();
    let routes = telephone(&config, echo());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    wire
}

#[tokio::test(start_paused = true)]
async fn a_webhook_is_believed_only_with_its_signature() {
    let exchange = Exchange::new(wire(), account(), Manner::default());
    let url = format!("{PUBLIC}{VOICE}");
    let form = exchange.form("CA1", ANA, HOTEL, "ringing");
    let good = sign(TOKEN, &url, &form);
    let post = async |url: &str, form: &[(String, String)], signature: Option<&str>| {
        exchange.post_signed(url, form, signature).await.expect("an answer").0
    };
    assert_eq!(post(&url, &form, Some(&good)).await, 200);
    assert_eq!(post(&url, &form, None).await, 403);
    assert_eq!(post(&url, &form, Some("CaK7F8f70K7i3qTxuEQrrWmrltg=")).await, 403);
    let mut tampered = form.clone();
    tampered[2].1 = "+34600000002".to_owned();
    assert_eq!(post(&url, &tampered, Some(&good)).await, 403);
    assert_eq!(post(&format!("{url}?x=1"), &form, Some(&good)).await, 403);
    for route in ["/twilio/voice/after?n=0", "/twilio/voice/status", "/twilio/voice/dialled"] {
        assert_eq!(post(&format!("{PUBLIC}{route}"), &form, Some(&good)).await, 403, "{route}");
    }
    let mut without = form.clone();
    without.retain(|(name, _)| name != "CallSid");
    assert_eq!(exchange.post(&url, &without).await.expect("an answer").0, 400);
    let mut other = form;
    other[1].1 = "AC-another".to_owned();
    assert_eq!(exchange.post(&url, &other).await.expect("an answer").0, 403);
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_is_believed_in_four_spellings_of_its_address() {
    for route in ["/twilio/voice/stream", "/twilio/voice/relay"] {
        let wire = wire();
        let url = format!("{}{route}", PUBLIC.replace("https", "wss"));
        let opens =
            async |signature: Option<String>| wire.open(&url, route, signature.as_deref()).await.err();
        for scheme in ["wss", "https"] {
            for end in ["", "/"] {
                let spelt = format!("{}{route}{end}", PUBLIC.replace("https", scheme));
                assert_eq!(opens(Some(sign(TOKEN, &spelt, &[]))).await, None, "{spelt}");
                let with_port = spelt.replace(".com/", ".com:443/");
                assert_eq!(opens(Some(sign(TOKEN, &with_port, &[]))).await, None, "{with_port}");
                assert_eq!(opens(Some(sign("another token", &spelt, &[]))).await, Some(Some(403)));
            }
        }
        assert_eq!(opens(None).await, Some(Some(403)));
        assert_eq!(opens(Some("not Base64!".to_owned())).await, Some(Some(403)));
        for other in [
            format!("{url}//"),
            url.replace("wss", "ws"),
            url.replace("voice", "Voice"),
            format!("{url}?a=1"),
        ] {
            assert_eq!(opens(Some(sign(TOKEN, &other, &[]))).await, Some(Some(403)), "{other}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_goes_through_however_its_socket_is_signed() {
    let spellings: [fn(&str) -> String; 3] =
        [|url| format!("{url}/"), |url| url.replace("wss", "https"), |url| url.replace("wss", "https") + "/"];
    for signed_as in spellings {
        let exchange = open(STREAM, echo(), Manner { signed_as, ..Manner::default() });
        let call = exchange.ring(ANA, HOTEL).await;
        call.until(|seen| seen.heard_ms() > 100).await;
    }
}

/// Rings by hand; the token that the answer names.
async fn token(exchange: &Exchange, sid: &str) -> String {
    let form = exchange.form(sid, ANA, HOTEL, "ringing");
    let (_, body) = exchange.post(&format!("{PUBLIC}{VOICE}"), &form).await.expect("an answer");
    let root = parse(&body).expect("a document");
    root.children[0].children[0].parameters()["session"].as_str().expect("a token").to_owned()
}

/// Opens a stream by hand and says whose it is; whether it is served.
async fn is_served(wire: &Wire, start: &str) -> bool {
    use futures::{SinkExt as _, StreamExt as _};
    use tokio_tungstenite::tungstenite::Message;
    let url = format!("{}/twilio/voice/stream", PUBLIC.replace("https", "wss"));
    let signature = sign(TOKEN, &url, &[]);
    let mut socket = wire.open(&url, "/twilio/voice/stream", Some(&signature)).await.expect("a socket");
    socket.send(Message::text(r#"{"event":"connected"}"#)).await.expect("a message");
    socket.send(Message::text(start.to_owned())).await.expect("a message");
    let frame = r#"{"event":"media","media":{"payload":"AAECAw=="}}"#;
    let _ = socket.send(Message::text(frame)).await;
    // Frames wait for another one; a mark waits for nothing, and passes none.
    let _ = socket.send(Message::text(r#"{"event":"mark","mark":{"name":"m"}}"#)).await;
    match socket.next().await {
        Some(Ok(Message::Text(text))) => text.contains("AAECAw=="),
        Some(Ok(Message::Close(Some(close)))) => {
            assert_eq!(u16::from(close.code), 1008);
            false
        }
        other => panic!("{other:?}"),
    }
}

fn start(account: &str, call: &str, token: &str, encoding: &str, rate: &str) -> String {
    format!(
        r#"{{"event":"start","streamSid":"MZ1","start":{{"accountSid":"{account}","callSid":"{call}","streamSid":"MZ1","tracks":["inbound"],"mediaFormat":{{"encoding":"{encoding}","sampleRate":{rate},"channels":1}},"customParameters":{{"session":"{token}"}}}}}}"#
    )
}

#[tokio::test(start_paused = true)]
async fn a_socket_is_served_once_with_its_own_calls_token() {
    let wire = wire();
    let exchange = Exchange::new(wire.clone(), account(), Manner::default());
    let ours = account().sid;
    let (one, two) = (token(&exchange, "CA1").await, token(&exchange, "CA2").await);
    let plain = |call: &str, token: &str| start(&ours, call, token, "audio/x-mulaw", "8000");
    assert!(!is_served(&wire, &plain("CA1", &two)).await, "another call's token");
    assert!(!is_served(&wire, &plain("CA1", "")).await, "no token");
    assert!(!is_served(&wire, &plain("CA3", &one)).await, "another call");
    assert!(!is_served(&wire, &start("AC-another", "CA1", &one, "audio/x-mulaw", "8000")).await);
    assert!(!is_served(&wire, &start(&ours, "CA1", &one, "audio/x-l16", "8000")).await, "another format");
    assert!(!is_served(&wire, &start(&ours, "CA1", &one, "audio/x-mulaw", "16000")).await, "another rate");
    assert!(is_served(&wire, &plain("CA1", &one)).await, "the right one still opens");
    assert!(!is_served(&wire, &plain("CA1", &one)).await, "a second time");
    assert!(is_served(&wire, &start(&ours, "CA2", &two, "audio/x-mulaw", "\"8000\"")).await);
}

#[tokio::test(start_paused = true)]
async fn a_stream_of_another_format_is_refused_and_the_caller_told() {
    let exchange = open(STREAM, echo(), Manner { encoding: "audio/x-l16".to_owned(), ..Manner::default() });
    let call = exchange.ring(ANA, HOTEL).await;
    let seen = call.over().await;
    let opened = seen.events.iter().filter(|(_, event)| *event == Event::Opened).count();
    assert_eq!(opened, 3, "it is tried again, and then no more");
    assert!(seen.has(&Event::Dialled(DESK.to_owned(), None)));
    assert!(
        seen.events
            .iter()
            .any(|(_, event)| matches!(event, Event::Said(text) if text.contains("front desk")))
    );
}

#[tokio::test(start_paused = true)]
async fn callers_beyond_the_most_are_told_so_and_places_become_free() {
    let settings = [STREAM, &[("INNKEEPER__CALL__MOST", "2")]].concat();
    let exchange = open(&settings, echo(), Manner::default());
    let first = exchange.ring(ANA, HOTEL).await;
    let second = exchange.ring("+34600000002", HOTEL).await;
    for call in [&first, &second] {
        call.until(|seen| seen.heard_ms() > 100).await;
    }
    let third = exchange.ring("+34600000003", HOTEL).await;
    let seen = third.over().await;
    assert!(seen.events.iter().any(|(_, event)| matches!(event, Event::Said(text) if text.contains("busy"))));
    assert!(seen.has(&Event::HungUp) && !seen.has(&Event::Opened), "{:?}", seen.events);
    first.hang_up();
    first.over().await;
    let fourth = exchange.ring("+34600000004", HOTEL).await;
    fourth.until(|seen| seen.heard_ms() > 100).await;
}

#[tokio::test(start_paused = true)]
async fn who_calls_is_known_only_as_far_as_the_channel_vouches() {
    let callee = script(|call| async move {
        let (mut signals, _orders) = sound(call);
        while signals.recv().await.is_some() {}
    });
    let exchange = open(STREAM, Arc::clone(&callee), Manner::default());
    for from in [ANA, "whatsapp:+34600000001", "anonymous", "+266696687"] {
        let call = exchange.ring(from, HOTEL).await;
        call.until(|seen| seen.stage == Stage::Connected && seen.frames > 3).await;
        call.hang_up();
        call.over().await;
    }
    callee.ended(4).await;
    let taken = callee.taken();
    let known: Vec<_> = taken
        .iter()
        .map(|(_, caller)| {
            (caller.guest.preferred().as_str(), caller.verified.as_deref(), caller.displayed.as_deref())
        })
        .collect();
    let (third, fourth) = (format!("call:{}", taken[2].0), format!("call:{}", taken[3].0));
    assert_eq!(
        known,
        [
            ("phone:+34600000001", None, Some(ANA)),
            ("whatsapp:+34600000001", Some(ANA), Some(ANA)),
            (third.as_str(), None, None),
            (fourth.as_str(), None, None),
        ]
    );
    assert!(taken.iter().all(|(id, caller)| id.starts_with("CA") && caller.line.as_deref() == Some(HOTEL)));
}

#[tokio::test(start_paused = true)]
async fn without_a_public_address_callers_are_told_that_it_does_not_work() {
    let config = Config::load(None, Vec::new(), Overrides::default()).expect("a configuration");
    let off = Twilio::new(&config, Arc::new(SystemClock)).expect_err("no account");
    let (wire, listener) = pipe();
    let routes = refusing(&off, sentences());
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let exchange = Exchange::new(wire, account(), Manner::default());
    let seen = exchange.ring(ANA, HOTEL).await.over().await;
    assert!(
        seen.events.iter().any(|(_, event)| matches!(event, Event::Said(text) if text.contains("try again")))
    );
    assert!(seen.has(&Event::HungUp));
}

#[tokio::test(start_paused = true)]
async fn nothing_but_a_socket_is_served_where_sockets_are() {
    let exchange = open(RELAY, echo(), Manner::default());
    let url = format!("{PUBLIC}/twilio/voice/relay");
    assert_eq!(exchange.post(&url, &[]).await.expect("an answer").0, 405);
}
