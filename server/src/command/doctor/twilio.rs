//! WhatsApp by Twilio: the account, the sender, who it calls, and what became of the last messages.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value as Json;

use super::Finding;
use super::asking::{Answer, Asking};
use crate::config::{BaseUrl, Config, ReplyBy};
use crate::message::ChannelName;
use crate::store::Database;

const NAME: &str = "WhatsApp by Twilio";

/// Where Twilio itself keeps accounts, and where it keeps senders.
const API: &str = "https://api.twilio.com";
const MESSAGING: &str = "https://messaging.twilio.com";

/// An account's id: `AC` and 32 hexadecimal digits.
const SID: usize = 34;

/// The guest has not joined the sandbox, and the sender is none of the account's.
const NOT_JOINED: i64 = 63015;
const NO_SENDER: i64 = 63007;

/// What there is to say about it.
pub(super) async fn findings(config: &Config, store: Option<&Database>, asking: &mut Asking) -> Vec<Finding> {
    let twilio = &config.twilio;
    let (account, token, public) = match (&twilio.account_sid, &twilio.auth_token, &config.server.public_url)
    {
        (None, None, _) => {
            return vec![Finding::Off(format!("{NAME}: no TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN"))];
        }
        (Some(account), Some(token), Some(public)) => (account, token, public),
        (account, token, public) => {
            let missing: Vec<&str> = [
                (account.is_none(), "TWILIO_ACCOUNT_SID"),
                (token.is_none(), "TWILIO_AUTH_TOKEN"),
                (public.is_none(), "[server] public_url, the address Twilio calls"),
            ]
            .into_iter()
            .filter_map(|(missing, name)| missing.then_some(name))
            .collect();
            let fix = format!("set {}", missing.join(" and "));
            return vec![Finding::broken(format!("{NAME}: half configured"), fix)];
        }
    };
    if account.len() != SID || !account.bytes().skip(2).all(|byte| byte.is_ascii_hexdigit()) {
        return vec![Finding::broken(
            format!("{NAME}: the account's id has {} characters, or others than it should", account.len()),
            "copy Account SID from the first page of console.twilio.com: AC and 32 digits and letters a to f",
        )];
    }
    let caller = Caller { account, token, base: &twilio.base_url };
    let mut findings = match caller.account(asking).await {
        Ok(told) => account_findings(&told, twilio.reply, public),
        Err(finding) => return vec![*finding],
    };
    findings.extend(caller.sender(config, public, asking).await);
    findings.extend(caller.messages(config, public, store, asking).await);
    findings
}

/// What the account says about itself.
fn account_findings(told: &Json, reply: ReplyBy, public: &BaseUrl) -> Vec<Finding> {
    let status = told["status"].as_str().unwrap_or("active");
    if status != "active" {
        return vec![Finding::broken(
            format!("{NAME}: the account is {status}"),
            "see console.twilio.com for what the account lacks",
        )];
    }
    if told["type"] == "Trial" && reply == ReplyBy::Rest {
        return vec![Finding::broken(
            format!("{NAME}: a trial account's sandbox takes no answers by REST (error 21654)"),
            "set INNKEEPER__TWILIO__REPLY=twiml: answers then go inside the webhook's own answer",
        )];
    }
    let how = match reply {
        ReplyBy::Rest => "over REST",
        ReplyBy::Twiml => "inside the webhook's answer (TwiML)",
    };
    vec![Finding::Fine(format!(
        "{NAME}: the account is open; webhook {public}/twilio/whatsapp, answered {how}"
    ))]
}

/// Whoever asks Twilio.
struct Caller<'a> {
    account: &'a str,
    token: &'a SecretString,
    base: &'a BaseUrl,
}

impl Caller<'_> {
    async fn get(&self, url: &str, asking: &mut Asking) -> Result<Answer, String> {
        let request = asking.request(url).basic_auth(self.account, Some(self.token.expose_secret()));
        asking.ask(request).await
    }

    /// The account, or why it cannot be had.
    async fn account(&self, asking: &mut Asking) -> Result<Json, Box<Finding>> {
        let url = format!("{}/2010-04-01/Accounts/{}.json", self.base, self.account);
        let answer = self.get(&url, asking).await.map_err(|error| {
            Finding::broken(
                format!("{NAME}: {} does not answer: {error}", self.base),
                "see that this machine reaches the internet, or correct [twilio] base_url",
            )
        })?;
        let code = answer.json()["code"].as_i64();
        if answer.status.is_success() {
            return Ok(answer.json());
        }
        Err(Box::new(match answer.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Finding::broken(
                format!("{NAME}: the auth token does not fit the account (error {})", code.unwrap_or(20003)),
                "copy Auth Token from the first page of console.twilio.com into TWILIO_AUTH_TOKEN; test credentials \
                 and API keys do not do",
            ),
            StatusCode::NOT_FOUND => Finding::broken(
                format!("{NAME}: there is no such account"),
                "copy Account SID from the first page of console.twilio.com into TWILIO_ACCOUNT_SID",
            ),
            status => Finding::broken(
                format!("{NAME}: {} answers {status}", self.base),
                "wait, or correct [twilio] base_url",
            ),
        }))
    }

    /// Whom the sender calls when a message comes in. The sandbox's settings cannot be asked for.
    async fn sender(&self, config: &Config, public: &BaseUrl, asking: &mut Asking) -> Option<Finding> {
        let wanted = format!("{public}/twilio/whatsapp");
        let look = Finding::Look(format!(
            "{NAME}: the sandbox's settings cannot be asked for: under Messaging, Try it out, Send a WhatsApp message, \
             Sandbox settings, see that \"When a message comes in\" is {wanted} with method POST"
        ));
        let Some(number) = &config.twilio.whatsapp_from else { return Some(look) };
        let base = if self.base.as_str() == API { MESSAGING } else { self.base.as_str() };
        let url = format!("{base}/v2/Channels/Senders?Channel=whatsapp&PageSize=100");
        let answer = self.get(&url, asking).await.ok().filter(|answer| answer.status.is_success());
        let senders = answer.map(|answer| answer.json());
        let id = format!("whatsapp:{number}");
        let sender = senders.as_ref().and_then(|senders| {
            senders["senders"].as_array()?.iter().find(|sender| sender["sender_id"] == *id)
        });
        let Some(sender) = sender else { return Some(look) };
        let called = sender["webhook"]["callback_url"].as_str().unwrap_or_default();
        let method = sender["webhook"]["callback_method"].as_str().unwrap_or("POST");
        // What follows # says how Twilio calls, and is not part of the address.
        let called = called.split('#').next().unwrap_or_default();
        let fix = format!("set the sender's \"Webhook URL for incoming messages\" to {wanted}, method POST");
        Some(if called.is_empty() {
            Finding::broken(format!("{NAME}: the sender calls nobody when a message comes in"), fix)
        } else if called != wanted {
            Finding::broken(format!("{NAME}: the sender calls {called} when a message comes in"), fix)
        } else if method != "POST" {
            Finding::broken(format!("{NAME}: the sender calls the webhook with method {method}"), fix)
        } else {
            Finding::Fine(format!("{NAME}: the sender calls {wanted}"))
        })
    }

    /// What became of the last messages, by Twilio's own list of them.
    async fn messages(
        &self,
        config: &Config,
        public: &BaseUrl,
        store: Option<&Database>,
        asking: &mut Asking,
    ) -> Vec<Finding> {
        let url = format!("{}/2010-04-01/Accounts/{}/Messages.json?PageSize=50", self.base, self.account);
        let Ok(answer) = self.get(&url, asking).await else { return Vec::new() };
        let listed = answer.json();
        let mut findings = Vec::new();
        let (mut guests, mut heard) = (BTreeSet::new(), false);
        // The newest come first: of each guest the last message counts, and of those that came in the last one.
        for message in listed["messages"].as_array().into_iter().flatten() {
            let is_whatsapp = message["from"].as_str().is_some_and(|from| from.starts_with("whatsapp:"));
            if !is_whatsapp {
                continue;
            }
            if message["direction"] == "inbound" {
                let joins = message["body"].as_str().is_some_and(|body| body.starts_with("join "));
                if heard || joins {
                    continue;
                }
                heard = true;
                findings.extend(self.never_came(message, public, store).await);
            } else if guests.insert(message["to"].as_str().unwrap_or_default().to_owned()) {
                findings.extend(undelivered(message, config));
            }
        }
        findings
    }

    /// A message that came in at Twilio and not here.
    async fn never_came(
        &self,
        message: &Json,
        public: &BaseUrl,
        store: Option<&Database>,
    ) -> Option<Finding> {
        let sid = message["sid"].as_str()?;
        if store?.is_known(ChannelName::Twilio, sid).await.unwrap_or(true) {
            return None;
        }
        Some(Finding::broken(
            format!("{NAME}: the last message that came in at Twilio ({sid}) never came here"),
            format!(
                "set \"When a message comes in\" to {public}/twilio/whatsapp, method POST; the error log of \
                 console.twilio.com (Monitor, Logs, Errors) says what it called instead"
            ),
        ))
    }
}

/// Why a guest's last message did not arrive, where something is to be done about it.
fn undelivered(message: &Json, config: &Config) -> Option<Finding> {
    match message["error_code"].as_i64()? {
        NOT_JOINED => Some(Finding::broken(
            format!(
                "{NAME}: a guest has not joined the sandbox, or the pairing has lapsed (error {NOT_JOINED})"
            ),
            "from that telephone send the `join …` phrase to the sandbox's number again; it holds for three days",
        )),
        NO_SENDER => {
            let from = config.twilio.whatsapp_from.as_deref().unwrap_or("the sender's number");
            Some(Finding::broken(
                format!("{NAME}: {from} is no WhatsApp sender of this account (error {NO_SENDER})"),
                "set [twilio] whatsapp_from to a sender of the account; the sandbox's number is on its page",
            ))
        }
        _ => None,
    }
}
