//! Our TwiML, and what Twilio's own library writes for the same.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::{Value as Json, json};

use super::rig::{ANA, DESK, HOTEL, RELAY, STREAM, Settings, echo, open};
use crate::rig::loudly;
use crate::support::caller::{Element, Manner, parse};

/// Set to `1` where the library must be there.
const REQUIRE: &str = "INNKEEPER_REQUIRE_TWILIO_HELPERS";

async fn answer(settings: Settings<'_>, url: &str, from: &str, more: &[(&str, &str)]) -> String {
    let exchange = open(settings, echo(), Manner::default());
    let mut form = exchange.form("CA1", from, HOTEL, "ringing");
    form.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
    exchange.post(&format!("https://hotel.example.com{url}"), &form).await.expect("an answer").1
}

/// The token in a document, which is another one each time.
fn token(document: &str) -> String {
    let at = document.find("name=\"session\" value=\"").expect("a token") + 22;
    let token = &document[at..];
    token[..token.find('"').expect("its end")].to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_asked_for_so() {
    let document = answer(STREAM, "/twilio/voice", ANA, &[]).await;
    let token = token(&document);
    assert_eq!(token.len(), 32);
    assert_eq!(
        document.replace(&token, "T"),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Connect>\
         <Stream url=\"wss://hotel.example.com/twilio/voice/stream\" \
         statusCallback=\"https://hotel.example.com/twilio/voice/status\" statusCallbackMethod=\"POST\">\
         <Parameter name=\"session\" value=\"T\"/></Stream></Connect>\
         <Redirect method=\"POST\">https://hotel.example.com/twilio/voice/after?n=0</Redirect></Response>"
    );
    let by_whatsapp = answer(STREAM, "/twilio/voice", "whatsapp:+34600000001", &[]).await;
    assert_eq!(by_whatsapp.replace(&self::token(&by_whatsapp), "T"), document.replace(&token, "T"));
}

#[tokio::test(start_paused = true)]
async fn a_session_is_asked_for_so() {
    let settings = [RELAY, &[("INNKEEPER__TWILIO__RELAY_VOICE", "Google/en-US-Chirp3-HD-Aoede")]].concat();
    let document = answer(&settings, "/twilio/voice", ANA, &[]).await;
    let token = token(&document);
    assert_eq!(
        document.replace(&token, "T"),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response>\
         <Connect action=\"https://hotel.example.com/twilio/voice/after?n=0\" method=\"POST\">\
         <ConversationRelay url=\"wss://hotel.example.com/twilio/voice/relay\" language=\"en-US\" \
         interruptible=\"any\" reportInputDuringAgentSpeech=\"any\" ignoreBackchannel=\"true\" \
         dtmfDetection=\"true\" partialPrompts=\"true\" events=\"speaker-events tokens-played\" \
         transcriptionProvider=\"Deepgram\" speechModel=\"flux\" eagerEotThreshold=\"0.5\" \
         ttsProvider=\"Google\" voice=\"en-US-Chirp3-HD-Aoede\" hints=\"sea view,suite\">\
         <Parameter name=\"session\" value=\"T\"/></ConversationRelay></Connect></Response>"
    );
    let spanish = [RELAY, &[("INNKEEPER__CALL__LANGUAGE", "es-ES")]].concat();
    let document = answer(&spanish, "/twilio/voice", ANA, &[]).await;
    assert!(document.contains("language=\"es-ES\"") && !document.contains("flux"), "{document}");
}

/// What our document says, in the terms of the library's script.
fn told(element: &Element) -> Json {
    let attributes: serde_json::Map<String, Json> =
        element.attributes.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    let children: Vec<Json> = element.children.iter().map(told).collect();
    json!({"name": element.name, "attributes": attributes, "text": element.text, "children": children})
}

#[tokio::test(start_paused = true)]
async fn twilios_library_writes_the_same() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/twilio");
    let python = folder.join("venv/bin/python");
    if !python.exists() {
        assert!(std::env::var_os(REQUIRE).is_none(), "{REQUIRE} is set, and the library is not installed");
        loudly("SKIPPED: Twilio's library for Python is not installed; see tests/it/whatsapp/helpers.rs");
        return;
    }
    let most = [STREAM, &[("INNKEEPER__CALL__MOST", "1")]].concat();
    let dial = &[("HandoffData", "front_desk")][..];
    let busy = {
        let exchange = open(&most, echo(), Manner::default());
        let url = "https://hotel.example.com/twilio/voice";
        exchange.post(url, &exchange.form("CA1", ANA, HOTEL, "ringing")).await.expect("an answer");
        exchange.post(url, &exchange.form("CA2", ANA, HOTEL, "ringing")).await.expect("an answer").1
    };
    let documents = [
        answer(STREAM, "/twilio/voice", ANA, &[]).await,
        answer(RELAY, "/twilio/voice", ANA, &[]).await,
        answer(STREAM, "/twilio/voice/after?n=2", ANA, &[]).await,
        answer(RELAY, "/twilio/voice/after?n=0", "whatsapp:+34600000001", dial).await,
        answer(STREAM, "/twilio/voice/after?n=0", ANA, &[("SessionStatus", "ended")]).await,
        answer(STREAM, "/twilio/voice/dialled", ANA, &[("DialCallStatus", "busy")]).await,
        busy,
    ];
    assert!(documents[3].contains(DESK) && documents[6].contains("busy"));
    let ours: Vec<Element> = documents.iter().map(|document| parse(document).expect("a document")).collect();
    let input = Json::Array(ours.iter().map(told).collect());
    let mut command = Command::new(python);
    command.arg(folder.join("voice.py")).current_dir(&folder).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = command.spawn().expect("the library");
    serde_json::to_writer(child.stdin.take().expect("standard input"), &input).expect("what it is asked");
    let output = child.wait_with_output().expect("an answer");
    assert!(output.status.success(), "the library knows every element and attribute");
    let theirs: Vec<String> = serde_json::from_slice(&output.stdout).expect("documents");
    assert_eq!(theirs.len(), ours.len());
    for (ours, theirs) in ours.iter().zip(theirs) {
        let sorted = |element: &Element| {
            fn sort(element: &mut Element) {
                element.attributes.sort();
                element.children.iter_mut().for_each(sort);
            }
            let mut element = element.clone();
            sort(&mut element);
            element
        };
        assert_eq!(sorted(ours), sorted(&parse(&theirs).expect("a document")));
    }
}
