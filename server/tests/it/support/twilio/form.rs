//! The forms that Twilio sends, and its signature.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::json;
use sha1::Sha1;

use super::{ACCOUNT, SENDER, TOKEN};

pub(crate) type Form = Vec<(String, String)>;

/// The form of a text message, its fields in an order of its own and with one nobody has heard of.
pub(crate) fn message(sid: &str, from: &str, body: &str) -> Form {
    let id = format!("SM{sid:0>32}");
    let metadata = json!({"type": "whatsapp", "data": {"context": {"ProfileName": "Ana"}}}).to_string();
    let mut fields = vec![
        ("SmsMessageSid", id.clone()),
        ("NumMedia", "0".to_owned()),
        ("ProfileName", "Ana Gómez 👍\n".to_owned()),
        ("MessageType", "text".to_owned()),
        ("SmsSid", id.clone()),
        ("SmsStatus", "received".to_owned()),
        ("Body", body.to_owned()),
        ("To", SENDER.to_owned()),
        ("NumSegments", "1".to_owned()),
        ("ReferralNumMedia", "0".to_owned()),
        ("MessageSid", id),
        ("AccountSid", ACCOUNT.to_owned()),
        ("ChannelMetadata", metadata),
        ("From", from.to_owned()),
        ("ApiVersion", "2010-04-01".to_owned()),
        ("SomethingNew", "&=+ %41".to_owned()),
    ];
    if let Some(digits) = from.strip_prefix("whatsapp:+") {
        fields.push(("WaId", digits.to_owned()));
    }
    // Another order for every message, the same whenever it is sent.
    let turn = body.len() % fields.len();
    fields.rotate_left(turn);
    if body.len() % 2 == 1 {
        fields.reverse();
    }
    fields.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Replaces or adds fields.
pub(crate) fn with(mut form: Form, fields: &[(&str, &str)]) -> Form {
    for (name, value) in fields {
        form.retain(|(field, _)| field != name);
        form.push(((*name).to_owned(), (*value).to_owned()));
    }
    form
}

/// A field of a form.
pub(crate) fn field<'a>(form: &'a [(String, String)], name: &str) -> &'a str {
    form.iter().find(|(field, _)| field == name).map_or("", |(_, value)| value)
}

/// The form of a status report.
pub(crate) fn status(sid: &str, status: &str, more: &[(&str, &str)]) -> Form {
    let form = [
        ("MessageSid", sid),
        ("SmsSid", sid),
        ("MessageStatus", status),
        ("SmsStatus", status),
        ("From", SENDER),
        ("To", "whatsapp:+34600000001"),
        ("AccountSid", ACCOUNT),
        ("ApiVersion", "2010-04-01"),
        ("ChannelPrefix", "whatsapp"),
        ("ChannelToAddress", "+3460000XXXX"),
    ];
    with(form.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(), more)
}

/// The signature of a form: written from the protocol's description, apart from the adapter.
pub(crate) fn sign(url: &str, form: &[(String, String)]) -> String {
    let mut sorted: BTreeMap<&String, BTreeSet<&String>> = BTreeMap::new();
    for (name, value) in form {
        sorted.entry(name).or_default().insert(value);
    }
    let fields = sorted
        .into_iter()
        .flat_map(|(name, values)| values.into_iter().map(move |value| format!("{name}{value}")));
    let text = format!("{url}{}", fields.collect::<String>());
    let mut mac = Hmac::<Sha1>::new_from_slice(TOKEN.as_bytes()).expect("a key");
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}

/// A form out of a request's body.
pub(crate) fn read(body: &[u8]) -> BTreeMap<String, String> {
    let body = std::str::from_utf8(body).expect("a form");
    let url = reqwest::Url::parse(&format!("http://x/?{body}")).expect("a form");
    url.query_pairs().into_owned().collect()
}
