//! Twilio's REST API: sending, and finding out what was sent.

use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::RETRY_AFTER;
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::signature::Keys;
use crate::channel::{Channel, Outbound, SendFault, Sent};
use crate::config::{BaseUrl, Config, ReplyBy};
use crate::message::{ChannelName, OutgoingId};

/// The route that statuses are reported to.
pub(super) const STATUS_ROUTE: &str = "/twilio/status";

/// How long to wait after a refusal of our credentials, which only the operator can set right.
const CREDENTIALS_PAUSE: Duration = Duration::from_secs(60);

/// So many messages to a guest are looked through for one that may have been sent.
const LOOK_BACK: &str = "100";

/// Why WhatsApp by Twilio is off.
#[derive(Debug, thiserror::Error)]
pub enum Off {
    /// Something is not configured.
    #[error(
        "WhatsApp by Twilio is off: set {} in innkeeper.toml (or TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN, \
         INNKEEPER__SERVER__PUBLIC_URL) and start again", .missing.join(", ")
    )]
    NotConfigured {
        /// The keys that are not set.
        missing: Vec<&'static str>,
    },
    /// There is no HTTP client to call it with.
    #[error("WhatsApp by Twilio is off: this machine has no HTTP client")]
    NoClient(#[source] reqwest::Error),
}

/// A Twilio account.
#[derive(Clone, Debug)]
pub struct Twilio {
    account: String,
    keys: Keys,
    api: BaseUrl,
    public_url: BaseUrl,
    sender: Option<String>,
    reply: ReplyBy,
    client: Client,
}

impl Twilio {
    /// The account of a configuration.
    ///
    /// # Errors
    /// What keeps it from working.
    pub fn new(config: &Config) -> Result<Self, Off> {
        let twilio = &config.twilio;
        let (Some(account), Some(auth_token), Some(public_url)) =
            (&twilio.account_sid, &twilio.auth_token, &config.server.public_url)
        else {
            let keys = [
                (twilio.account_sid.is_none(), "[twilio] account_sid"),
                (twilio.auth_token.is_none(), "[twilio] auth_token"),
                (config.server.public_url.is_none(), "[server] public_url"),
            ];
            let missing =
                keys.into_iter().filter(|(is_missing, _)| *is_missing).map(|(_, key)| key).collect();
            return Err(Off::NotConfigured { missing });
        };
        let client = Client::builder().timeout(twilio.timeout).redirect(Policy::none()).build();
        let client = client.map_err(Off::NoClient)?;
        Ok(Self {
            account: account.clone(),
            keys: Keys { auth_token: auth_token.clone(), shared_key: twilio.shared_key.clone() },
            api: twilio.base_url.clone(),
            public_url: public_url.clone(),
            sender: twilio.whatsapp_from.as_ref().map(|number| format!("whatsapp:{number}")),
            reply: twilio.reply,
            client,
        })
    }

    /// How messages are answered.
    pub fn reply(&self) -> ReplyBy {
        self.reply
    }

    pub(super) fn account(&self) -> &str {
        &self.account
    }

    pub(super) fn keys(&self) -> &Keys {
        &self.keys
    }

    /// The public form of one of our own addresses, as Twilio signs it.
    pub(super) fn public(&self, path_and_query: &str) -> String {
        format!("{}{path_and_query}", self.public_url)
    }

    /// Where the delivery of a message is to be reported.
    pub(super) fn report_to(&self, id: OutgoingId) -> String {
        self.public(&format!("{STATUS_ROUTE}?m={id}"))
    }

    fn messages(&self) -> String {
        format!("{}/2010-04-01/Accounts/{}/Messages.json", self.api, self.account)
    }

    fn token(&self) -> &SecretString {
        &self.keys.auth_token
    }

    /// What a refusal means for the message.
    async fn refused(&self, response: Response) -> SendFault {
        let status = response.status();
        let after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let code = response.json::<Refused>().await.ok().map(|refused| refused.code);
        let reason = match code {
            Some(code) => format!("error {code}, {}", meaning(code)),
            None => format!("HTTP status {}", status.as_u16()),
        };
        match code {
            // What the queue of a busy account or sender says.
            Some(20429 | 63017 | 63018 | 63038 | 60728) => SendFault::Later { reason, after },
            Some(21654) if self.reply == ReplyBy::Twiml => SendFault::OnlyAsAnswer { reason },
            _ if status == StatusCode::TOO_MANY_REQUESTS => SendFault::Later { reason, after },
            _ if status == StatusCode::UNAUTHORIZED || status == StatusCode::FORBIDDEN => {
                SendFault::Later { reason, after: Some(CREDENTIALS_PAUSE) }
            }
            // It may have been taken before that.
            _ if status.is_server_error() || status == StatusCode::REQUEST_TIMEOUT => {
                SendFault::Unknown { reason }
            }
            _ => SendFault::Never { reason },
        }
    }
}

#[async_trait]
impl Channel for Twilio {
    fn name(&self) -> ChannelName {
        ChannelName::Twilio
    }

    async fn send(&self, outbound: &Outbound) -> Result<Sent, SendFault> {
        let units = outbound.text.encode_utf16().count();
        if ChannelName::Twilio.text_limit().is_some_and(|limit| units > limit) {
            return Err(SendFault::Never { reason: format!("error 21617, {}", meaning(21617)) });
        }
        let Some(sender) = self.sender.as_ref().or(outbound.line.as_ref()) else {
            let reason = "no sender: set [twilio] whatsapp_from".to_owned();
            return Err(SendFault::Never { reason });
        };
        let report_to = self.report_to(outbound.id);
        let form = [
            ("From", sender.as_str()),
            ("To", outbound.to.as_str()),
            ("Body", outbound.text.as_str()),
            ("StatusCallback", report_to.as_str()),
        ];
        let request = self.client.post(self.messages()).form(&form);
        let request = request.basic_auth(&self.account, Some(self.token().expose_secret()));
        let response = request.send().await.map_err(|error| unanswered(&error))?;
        if !response.status().is_success() {
            return Err(self.refused(response).await);
        }
        match response.json::<Message>().await {
            Ok(message) => Ok(Sent { provider_id: message.sid }),
            Err(error) => {
                Err(SendFault::Unknown { reason: format!("the answer is cut off: {}", kind(&error)) })
            }
        }
    }

    async fn taken_since(&self, outbound: &Outbound, since: DateTime<Utc>) -> Result<Vec<String>, SendFault> {
        let query = [("To", outbound.to.as_str()), ("PageSize", LOOK_BACK)];
        let url = reqwest::Url::parse_with_params(&self.messages(), query)
            .map_err(|error| SendFault::Never { reason: error.to_string() })?;
        let request = self.client.get(url).basic_auth(&self.account, Some(self.token().expose_secret()));
        let response = request.send().await.map_err(|error| unanswered(&error))?;
        if !response.status().is_success() {
            return Err(self.refused(response).await);
        }
        let page: Page = response.json().await.map_err(|error| SendFault::Unknown {
            reason: format!("the answer is cut off: {}", kind(&error)),
        })?;
        // Times are in whole seconds.
        let since = since - TimeDelta::seconds(1);
        let mut taken: Vec<(DateTime<Utc>, String)> = page
            .messages
            .into_iter()
            .filter(|message| message.direction.starts_with("outbound"))
            .filter(|message| message.body.as_deref() == Some(outbound.text.as_str()))
            .filter_map(|message| {
                let created = DateTime::parse_from_rfc2822(&message.date_created?).ok()?.with_timezone(&Utc);
                (created >= since).then_some((created, message.sid))
            })
            .collect();
        taken.sort();
        Ok(taken.into_iter().map(|(_, sid)| sid).collect())
    }
}

/// A message as the API tells of it; more fields may come.
#[derive(Debug, Deserialize)]
struct Message {
    sid: String,
    #[serde(default)]
    direction: String,
    body: Option<String>,
    date_created: Option<String>,
}

/// Messages, newest first.
#[derive(Debug, Deserialize)]
struct Page {
    messages: Vec<Message>,
}

/// A refusal. Its text may hold the guest's number and is not kept.
#[derive(Debug, Deserialize)]
struct Refused {
    code: u32,
}

/// What no answer means: nothing was sent where there was no connection, and nobody knows where there was one.
fn unanswered(error: &reqwest::Error) -> SendFault {
    let reason = kind(error).to_owned();
    if error.is_connect() {
        SendFault::Later { reason, after: None }
    } else if error.is_builder() {
        SendFault::Never { reason }
    } else {
        SendFault::Unknown { reason }
    }
}

/// What went wrong, without the address: it holds the account and may hold a number.
fn kind(error: &reqwest::Error) -> &'static str {
    if error.is_connect() {
        "no connection"
    } else if error.is_timeout() {
        "time-out"
    } else if error.is_decode() || error.is_body() {
        "the body cannot be read"
    } else if error.is_builder() {
        "the request cannot be made"
    } else {
        "the connection broke"
    }
}

/// What an error code of the messaging API means, for the operator.
pub(super) fn meaning(code: u32) -> &'static str {
    match code {
        20003 => "the account's credentials are wrong",
        20404 => "there is no such account or address",
        20429 => "too many requests",
        21211 => "the recipient's address is wrong",
        21212 | 21606 => "the sender cannot be used: check [twilio] whatsapp_from",
        21608 => "a trial account reaches verified numbers only",
        21610 => "the guest has opted out",
        21617 => "the message is longer than 1600 characters",
        21619 => "the message is empty",
        21654 => "the account takes no free-form message by REST: set [twilio] reply = \"twiml\"",
        21655 | 21656 => "the template or its variables are wrong",
        30007 => "filtered by the network",
        30036 => "not delivered in time",
        63003 | 63024 => "the guest cannot be reached on this channel",
        63005 | 63013 | 63021 => "WhatsApp rejected the content",
        63007 | 63002 | 63008 => "the sender is not set up for WhatsApp",
        63014 => "the guest blocked the sender or opted out",
        63015 => "the guest has not joined the sandbox",
        63016 => "the guest's last message is older than 24 hours: only a template may be sent",
        63017 | 63018 | 63038 | 60728 => "over the limit of the account or the sender",
        63031 => "the guest's address is the sender's own",
        63032 | 63033 | 63049 => "WhatsApp does not deliver to this guest now",
        _ => "see https://www.twilio.com/docs/api/errors",
    }
}
