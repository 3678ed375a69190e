//! Every kind of message that was ever captured, of both vendors, as it is read. A new one is an entry of the file.

use innkeeper::channel::{meta, twilio};
use innkeeper::message::{GuestIds, Inbound};
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::support::meta::hook::{batch, change};

/// A captured message and what it says.
#[derive(Deserialize)]
struct Captured {
    what: String,
    /// The fields of a form, or Meta's message.
    form: Option<Vec<(String, String)>>,
    message: Option<Json>,
    reads: Json,
}

/// A form's fields as they are sent.
pub(super) fn encoded(form: &[(String, String)]) -> String {
    let mut url = reqwest::Url::parse("http://x/").expect("an address");
    url.query_pairs_mut().extend_pairs(form);
    url.query().unwrap_or_default().to_owned()
}

/// What is told apart about a message.
fn summary(inbound: &Inbound) -> Json {
    let (scoped, phone) = match &inbound.guest {
        GuestIds::Other(key) => (Some(key), None),
        ids => (ids.scoped(), ids.phone()),
    };
    json!({
        "id": inbound.provider_id, "scoped": scoped.map(|key| key.as_str()), "number": phone.map(|key| key.as_str()),
        "address": inbound.address, "phone": inbound.phone, "name": inbound.name, "text": inbound.text,
        "content": inbound.content, "reply_to": inbound.reply_to, "referral": inbound.referral,
    })
}

#[test]
fn every_captured_message_is_read_as_what_it_is() {
    let captured: Vec<Captured> =
        serde_json::from_str(include_str!("../fixtures/captured-messages.json")).expect("captured messages");
    assert!(captured.len() > 25, "all of them");
    for Captured { what, form, message, reads } in captured {
        let inbound = match (&form, &message) {
            (Some(form), _) => {
                twilio::read(encoded(form).as_bytes()).unwrap_or_else(|lacks| panic!("{what}: {lacks}"))
            }
            (None, Some(message)) => {
                let body = batch(&[change(std::slice::from_ref(message), &[])]);
                let mut heard = meta::read(body.as_bytes()).unwrap_or_else(|| panic!("{what}: not JSON"));
                match heard.remove(0).event {
                    meta::Event::Message(inbound) => *inbound,
                    other => panic!("{what}: {other:?}"),
                }
            }
            (None, None) => panic!("{what}: neither form nor message"),
        };
        let read = summary(&inbound);
        // What an entry does not name is not there.
        let mut expected = json!({
            "id": null, "scoped": null, "number": null, "address": null, "phone": null, "name": null, "text": "",
            "content": {"type": "text"}, "reply_to": null, "referral": null,
        });
        for (name, value) in reads.as_object().expect("what it says") {
            expected[name] = value.clone();
        }
        assert_eq!(read, expected, "{what}");
        for (name, value) in form.iter().flatten() {
            assert_eq!(inbound.raw[name], json!(value), "{what}: {name} is kept");
        }
        if let Some(message) = message {
            assert_eq!(inbound.raw["message"], message, "{what}: all of it is kept");
        }
    }
}

#[test]
fn a_message_nobody_can_be_named_for_is_not_taken() {
    let lacks = |form: &[(&str, &str)]| {
        let form: Vec<(String, String)> =
            form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        twilio::read(encoded(&form).as_bytes()).expect_err("it lacks something").0
    };
    assert_eq!(lacks(&[("From", "whatsapp:+34600000001")]), "MessageSid");
    assert_eq!(lacks(&[("MessageSid", "SM1"), ("From", "+34600000001")]), "From");
    assert_eq!(lacks(&[("MessageSid", "SM1"), ("From", "whatsapp:")]), "From");
    assert_eq!(meta::read(b"[1, 2"), None);
    assert_eq!(meta::read(b"{}"), Some(Vec::new()));
}
