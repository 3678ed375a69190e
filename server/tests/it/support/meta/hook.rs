//! What Meta sends, and how: signed over the bytes, in batches, again until it is taken.

use std::net::SocketAddr;
use std::time::Duration;

use hmac::{Hmac, KeyInit, Mac};
use innkeeper::clock::{Clock as _, SystemClock};
use serde_json::{Value, json};
use sha2::Sha256;

use super::{MetaDouble, NUMBER, SECRET};

/// So often a request is brought that is not taken.
const TRIES: usize = 5;

/// How long after a request that nobody took it is brought again, where that is for as long as it takes.
const AGAIN_AFTER: Duration = Duration::from_millis(100);

/// A message of a guest: by number, by id, or both.
pub(crate) fn message(id: &str, guest: Option<&str>, scoped: Option<&str>, content: Value) -> Value {
    let mut message = json!({"id": id, "timestamp": "1796115600", "something_new": [1]});
    if let Some(digits) = guest {
        message["from"] = digits.into();
    }
    if let Some(scoped) = scoped {
        message["from_user_id"] = scoped.into();
    }
    for (name, value) in content.as_object().expect("what it is made of") {
        message[name] = value.clone();
    }
    message
}

/// A text message by number.
pub(crate) fn text(id: &str, digits: &str, body: &str) -> Value {
    message(id, Some(digits), None, json!({"type": "text", "text": {"body": body}}))
}

/// How far a message got.
pub(crate) fn status(id: &str, word: &str, more: Value) -> Value {
    let mut status =
        json!({"id": id, "status": word, "timestamp": "1796115601", "recipient_id": "34600000001"});
    for (name, value) in more.as_object().expect("more") {
        status[name] = value.clone();
    }
    status
}

/// One account's part of a request.
pub(crate) fn change(messages: &[Value], statuses: &[Value]) -> Value {
    let contacts: Vec<Value> = messages
        .iter()
        .map(|message| {
            json!({"profile": {"name": "Ana *Gómez*"}, "wa_id": message["from"], "user_id": message["from_user_id"]})
        })
        .collect();
    let mut value = json!({
        "messaging_product": "whatsapp", "something_new": true,
        "metadata": {"display_phone_number": "15550783881", "phone_number_id": NUMBER},
    });
    if !messages.is_empty() {
        value["contacts"] = contacts.into();
        value["messages"] = messages.into();
    }
    if !statuses.is_empty() {
        value["statuses"] = statuses.into();
    }
    json!({"field": "messages", "value": value})
}

/// A request's body out of changes, each in an entry of its own.
pub(crate) fn batch(changes: &[Value]) -> String {
    let entries: Vec<Value> =
        changes.iter().map(|change| json!({"id": "WABA", "changes": [change]})).collect();
    escaped(&json!({"object": "whatsapp_business_account", "entry": entries}).to_string())
}

/// Meta writes what is not ASCII as escapes, and signs that.
pub(crate) fn escaped(json: &str) -> String {
    let mut escaped = String::new();
    for letter in json.chars() {
        if letter.is_ascii() {
            escaped.push(letter);
        } else {
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                escaped.push_str(&format!("\\u{unit:04x}"));
            }
        }
    }
    escaped
}

/// The signature of a body.
pub(crate) fn sign(body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key");
    mac.update(body);
    let hex: String = mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256={hex}")
}

impl MetaDouble {
    /// Brings a request once; answers with its status.
    pub(crate) async fn post(&self, body: &str, signature: Option<&str>) -> u16 {
        let server = self.exchange().server.expect("a server to call");
        self.try_post(server, body, signature).await.expect("an answer")
    }

    /// The same where nobody may be there: none where no whole answer comes.
    pub(crate) async fn try_post(
        &self,
        server: SocketAddr,
        body: &str,
        signature: Option<&str>,
    ) -> Option<u16> {
        let mut request = self.http.post(format!("http://{server}/meta/webhook")).body(body.to_owned());
        request = request.header("content-type", "application/json");
        if let Some(signature) = signature {
            request = request.header("X-Hub-Signature-256", signature);
        }
        let response = request.send().await.ok()?;
        let status = response.status().as_u16();
        response.bytes().await.ok()?;
        Some(status)
    }

    /// Brings changes for as long as nobody takes them, to whomever it calls by then.
    pub(super) async fn keep_bringing(&self, changes: &[Value]) {
        let body = batch(changes);
        let signature = sign(body.as_bytes());
        loop {
            let server = self.exchange().server;
            if let Some(server) = server
                && self.try_post(server, &body, Some(&signature)).await == Some(200)
            {
                return;
            }
            SystemClock.sleep(AGAIN_AFTER).await;
        }
    }

    /// Brings changes in one request, again until it is taken; answers with the statuses.
    pub(crate) async fn deliver(&self, changes: &[Value]) -> Vec<u16> {
        {
            let now = self.now();
            let mut exchange = self.exchange();
            for message in changes.iter().flat_map(|change| change["value"]["messages"].as_array()).flatten()
            {
                for id in [&message["from"], &message["from_user_id"]] {
                    if let Some(id) = id.as_str() {
                        exchange.heard_at.insert(id.to_owned(), now);
                    }
                }
            }
        }
        let body = batch(changes);
        let signature = sign(body.as_bytes());
        let mut statuses = Vec::new();
        for _ in 0..TRIES {
            statuses.push(self.post(&body, Some(&signature)).await);
            if statuses.last() == Some(&200) {
                break;
            }
        }
        statuses
    }

    /// Subscribes the webhook: what it answers.
    pub(crate) async fn subscribe(&self, mode: &str, word: &str, challenge: &str) -> (u16, String) {
        let server = self.exchange().server.expect("a server to call");
        let query = [("hub.mode", mode), ("hub.verify_token", word), ("hub.challenge", challenge)];
        let url = reqwest::Url::parse_with_params(&format!("http://{server}/meta/webhook"), query);
        let response = self.http.get(url.expect("an address")).send().await.expect("an answer");
        (response.status().as_u16(), response.text().await.expect("a body"))
    }
}
