//! Whatever comes, the readers answer, and lose nothing of it.

use innkeeper::channel::meta::{self, Event};
use innkeeper::channel::twilio;
use innkeeper::channel::twilio::{Content, Keys, is_signed};
use proptest::collection::vec;
use proptest::prelude::*;
use secrecy::SecretString;
use serde_json::{Value as Json, json};

use super::reading::encoded;
use crate::support::meta::hook::{batch, change};

/// Names that mean something, and others.
fn name() -> impl Strategy<Value = String> {
    let known = [
        "MessageSid",
        "From",
        "To",
        "Body",
        "MessageType",
        "NumMedia",
        "MediaUrl0",
        "MediaContentType0",
        "ButtonPayload",
        "ButtonText",
        "ListId",
        "Latitude",
        "Longitude",
        "ExternalUserId",
        "WaId",
        "OriginalRepliedMessageSid",
    ];
    prop_oneof![4 => proptest::sample::select(known.to_vec()).prop_map(str::to_owned), 1 => ".{0,12}"]
}

fn value() -> impl Strategy<Value = String> {
    let known = [
        "",
        "text",
        "audio",
        "image",
        "location",
        "interactive",
        "reaction",
        "whatsapp:+34600000001",
        "whatsapp:ES.77",
        "whatsapp:",
        "1e400",
        "NaN",
        "91",
        "VOICE_CALL_REQUEST",
    ];
    prop_oneof![3 => proptest::sample::select(known.to_vec()).prop_map(str::to_owned), 2 => "\\PC{0,40}"]
}

/// Any JSON, most of its names with a meaning.
fn any_json() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        any::<f64>().prop_map(|number| json!(number)),
        value().prop_map(Json::from),
    ];
    let names = [
        "id",
        "from",
        "from_user_id",
        "type",
        "text",
        "body",
        "audio",
        "image",
        "interactive",
        "button_reply",
        "title",
        "timestamp",
        "location",
        "latitude",
        "longitude",
        "context",
        "system",
        "wa_id",
        "reaction",
        "errors",
        "code",
    ];
    leaf.prop_recursive(3, 24, 4, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Json::from),
            vec((proptest::sample::select(names.to_vec()), inner), 0..5).prop_map(|fields| fields
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_are_answered(bytes in vec(any::<u8>(), 0..200)) {
        let _ = twilio::read(&bytes);
        let _ = meta::read(&bytes);
    }

    #[test]
    fn a_form_that_is_read_is_kept_whole(fields in vec((name(), value()), 0..24)) {
        let Ok(inbound) = twilio::read(encoded(&fields).as_bytes()) else { return Ok(()) };
        for (name, _) in &fields {
            let values: Vec<&String> = fields.iter().filter(|(other, _)| other == name).map(|(_, value)| value).collect();
            let kept = &inbound.raw[name];
            if values.len() == 1 {
                prop_assert_eq!(kept, &json!(values[0]));
            } else {
                prop_assert_eq!(kept, &json!(values));
            }
        }
        let stored = serde_json::to_string(&inbound.content).expect("JSON");
        prop_assert_eq!(serde_json::from_str::<innkeeper::message::Content>(&stored).expect("the same"), inbound.content);
    }

    #[test]
    fn every_message_of_a_batch_is_read_or_named(messages in vec(any_json(), 0..5)) {
        let heard = meta::read(batch(&[change(&messages, &[])]).as_bytes()).expect("a batch");
        prop_assert_eq!(heard.len(), messages.len());
        for heard in heard {
            if let Event::Message(inbound) = heard.event {
                prop_assert!(messages.contains(&inbound.raw["message"]));
                prop_assert!(!inbound.provider_id.is_empty());
            }
        }
    }

    #[test]
    fn any_batch_is_answered(json in any_json()) {
        let _ = meta::read(json!({"entry": [{"changes": [{"field": "messages", "value": json}]}, json]}).to_string().as_bytes());
        let _ = meta::read(json!({"entry": json}).to_string().as_bytes());
    }

    #[test]
    fn any_address_and_signature_is_answered(url in "\\PC{0,40}", signature in "\\PC{0,40}", body in vec(any::<u8>(), 0..20)) {
        let keys = Keys { auth_token: SecretString::from("1"), secondary: Some(SecretString::from("2")), shared_key: None };
        prop_assert!(is_signed(&keys, Some(&signature), None, &url, Content::Body(&body)).is_err());
        prop_assert!(!meta::is_signed(&SecretString::from("1"), Some(&signature), &body));
    }
}
