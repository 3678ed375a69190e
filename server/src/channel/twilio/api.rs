//! Twilio's REST API: sending, finding out what was sent, marks, files.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, TimeDelta, Utc};
use reqwest::header::HeaderValue;
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::json;

use super::codes::meaning;
use super::content::{Contents, Filled, Made, MadePage, with_buttons, with_list};
use super::hosts::Hosts;
use super::signature::Keys;
use super::sounds::Sounds;
use crate::channel::media::Source;
use crate::channel::wire::{refused, unanswered};
use crate::channel::{
    Action, Body, Channel, Fetched, MediaFault, Outbound, Refusal, SendFault, Sent, Sound, TakenSince,
    Template,
};
use crate::clock::Clock;
use crate::config::{BaseUrl, Config, ReplyBy, Typing};
use crate::fault::kind;
use crate::message::{ChannelName, Media, OutgoingId, Place};

/// The route that statuses are reported to.
pub(super) const STATUS_ROUTE: &str = "/twilio/status";

/// The route that sounds are fetched from.
pub(super) const SOUND_ROUTE: &str = "/twilio/media";

/// So many messages to a guest are looked through for one that may have been sent.
const LOOK_BACK: &str = "100";

/// Hosts of the files that guests send.
const MEDIA_HOSTS: &[&str] = &["api.twilio.com", ".twilio.com"];

/// Where these lead to.
const MEDIA_STORES: &[&str] =
    &[".twilio.com", ".twiliocdn.com", "s3.amazonaws.com", "s3-external-1.amazonaws.com"];

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
#[derive(Debug)]
pub struct Twilio {
    account: String,
    keys: Keys,
    base: BaseUrl,
    hosts: Hosts,
    public_url: BaseUrl,
    sender: Option<String>,
    reply: ReplyBy,
    typing: Typing,
    client: Client,
    clock: Arc<dyn Clock>,
    contents: Contents,
    /// The account makes no contents: what can be pressed goes out as words.
    without_contents: AtomicBool,
    sounds: Sounds,
}

impl Twilio {
    /// The account of a configuration.
    ///
    /// # Errors
    /// What keeps it from working.
    pub fn new(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, Off> {
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
            keys: Keys {
                auth_token: auth_token.clone(),
                secondary: twilio.auth_token_secondary.clone(),
                shared_key: twilio.shared_key.clone(),
            },
            base: twilio.base_url.clone(),
            hosts: Hosts::of(&twilio.base_url),
            public_url: public_url.clone(),
            sender: twilio.whatsapp_from.as_ref().map(|number| format!("whatsapp:{number}")),
            reply: twilio.reply,
            typing: twilio.typing,
            client,
            clock,
            contents: Contents::default(),
            without_contents: AtomicBool::new(false),
            sounds: Sounds::default(),
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

    /// The public form of the address of one of our own sockets.
    pub(super) fn public_socket(&self, path: &str) -> String {
        let url = self.public(path);
        // `http` becomes `ws`, and `https` becomes `wss`.
        url.strip_prefix("http").map_or_else(|| url.clone(), |rest| format!("ws{rest}"))
    }

    /// Where the delivery of a message is to be reported.
    pub(super) fn report_to(&self, id: OutgoingId) -> String {
        self.public(&format!("{STATUS_ROUTE}?m={id}"))
    }

    /// A sound that Twilio was told to fetch.
    pub(super) fn sound(&self, name: &str) -> Option<Sound> {
        self.sounds.find(name, self.clock.now())
    }

    /// Our number, where it is configured.
    pub(super) fn sender(&self) -> Option<&str> {
        self.sender.as_deref()
    }

    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    pub(super) fn api(&self) -> &str {
        &self.hosts.api
    }

    pub(super) fn get(&self, url: &str) -> RequestBuilder {
        self.client.get(url)
    }

    pub(super) fn post(&self, url: &str) -> RequestBuilder {
        self.client.post(url)
    }

    /// A call's own address.
    pub(super) fn call(&self, sid: &str) -> String {
        format!("{}/2010-04-01/Accounts/{}/Calls/{sid}.json", self.hosts.api, self.account)
    }

    pub(super) fn messages(&self) -> String {
        format!("{}/2010-04-01/Accounts/{}/Messages.json", self.hosts.api, self.account)
    }

    pub(super) fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        request.basic_auth(&self.account, Some(self.keys.auth_token.expose_secret()))
    }

    /// Asks, and makes a fault of every answer but a good one.
    pub(super) async fn ask(&self, request: RequestBuilder) -> Result<Response, SendFault> {
        let response = self.authorized(request).send().await.map_err(|error| unanswered(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (status, headers) = (response.status(), response.headers().clone());
        let coded = response.json::<Refused>().await.ok().map(|refused| meaning(refused.code));
        Err(match refused(status, &headers, coded) {
            // Where answers go by REST alone there is none that it could go with.
            SendFault::Refused(refusal)
                if refusal.action == Action::OnlyAsAnswer && self.reply == ReplyBy::Rest =>
            {
                SendFault::Refused(Refusal { action: Action::Never, ..refusal })
            }
            fault => fault,
        })
    }

    /// What a message says, as fields.
    async fn said(&self, body: &Body) -> Result<Vec<(&'static str, String)>, SendFault> {
        Ok(match body {
            Body::Text(text) => vec![("Body", text.clone())],
            Body::Buttons { text, buttons } => self.pressable(text, with_buttons(text, buttons)).await?,
            Body::List(list) => self.pressable(&list.text, with_list(list)).await?,
            Body::Template(template) => {
                vec![("ContentSid", template.name.clone()), ("ContentVariables", variables(template))]
            }
            Body::Sound(sound) => {
                let name = self.sounds.keep(sound, self.clock.now());
                vec![("MediaUrl", self.public(&format!("{SOUND_ROUTE}/{name}")))]
            }
            Body::Place { text, place } => {
                vec![("Body", text.clone()), ("PersistentAction", pin(place))]
            }
        })
    }

    /// What can be pressed, as a content; as words alone where the account makes no contents.
    async fn pressable(&self, text: &str, filled: Filled) -> Result<Vec<(&'static str, String)>, SendFault> {
        if !self.without_contents.load(Ordering::Relaxed) {
            match self.contents.sid(&filled.name, self.make(&filled)).await {
                Ok(sid) => return Ok(vec![("ContentSid", sid), ("ContentVariables", filled.variables)]),
                Err(SendFault::Refused(refusal))
                    if matches!(refusal.action, Action::Later | Action::Operator) =>
                {
                    return Err(refusal.into());
                }
                // Nothing was sent to the guest yet.
                Err(SendFault::Unknown { reason }) => return Err(Refusal::new(Action::Later, reason).into()),
                Err(SendFault::Refused(refusal)) => {
                    tracing::warn!(%refusal, "the account makes no buttons and lists; guests get words instead");
                    self.without_contents.store(true, Ordering::Relaxed);
                }
            }
        }
        Ok(vec![("Body", text.to_owned())])
    }

    /// Where guests' files are.
    fn files(&self) -> Result<Source<'_>, MediaFault> {
        let token = self.keys.auth_token.expose_secret();
        let basic = format!("Basic {}", STANDARD.encode(format!("{}:{token}", self.account)));
        let mut authorization = HeaderValue::try_from(basic).map_err(|_| MediaFault::Refused(401))?;
        authorization.set_sensitive(true);
        Ok(Source {
            client: &self.client,
            first: MEDIA_HOSTS,
            then: MEDIA_STORES,
            base: &self.base,
            authorization,
            most: self.limits().media,
        })
    }

    /// Finds a content again, or makes it.
    async fn make(&self, filled: &Filled) -> Result<String, SendFault> {
        let contents = format!("{}/v1/Content", self.hosts.content);
        // One that an earlier run made is as good.
        let page = self.ask(self.client.get(format!("{contents}?PageSize=500"))).await;
        if let Ok(page) = page
            && let Ok(page) = page.json::<MadePage>().await
            && let Some(made) =
                page.contents.into_iter().find(|made| made.friendly_name.as_deref() == Some(&*filled.name))
        {
            return Ok(made.sid);
        }
        let response = self.ask(self.client.post(contents).json(&filled.content)).await?;
        response.json::<Made>().await.map(|made| made.sid).map_err(|error| cut_off(&error))
    }
}

#[async_trait]
impl Channel for Twilio {
    fn name(&self) -> ChannelName {
        ChannelName::Twilio
    }

    async fn send(&self, outbound: &Outbound) -> Result<Sent, SendFault> {
        if let Some(unfit) = outbound.body.unfit(self.limits()) {
            return Err(Refusal::new(Action::Never, unfit).into());
        }
        let Some(sender) = self.sender.as_ref().or(outbound.line.as_ref()) else {
            return Err(Refusal::new(Action::Never, "no sender: set [twilio] whatsapp_from").into());
        };
        let mut form = self.said(&outbound.body).await?;
        form.push(("From", sender.clone()));
        form.push(("To", outbound.to.clone()));
        form.push(("StatusCallback", self.report_to(outbound.id)));
        match self.ask(self.client.post(self.messages()).form(&form)).await {
            Ok(response) => match response.json::<Message>().await {
                Ok(message) => Ok(Sent { provider_id: message.sid }),
                Err(error) => Err(cut_off(&error)),
            },
            Err(fault) => {
                // The content may have been deleted meanwhile: the next try makes another.
                if matches!(&fault, SendFault::Refused(refusal) if refusal.code == Some(21655)) {
                    match &outbound.body {
                        Body::Buttons { text, buttons } => {
                            self.contents.forget(&with_buttons(text, buttons).name).await;
                        }
                        Body::List(list) => self.contents.forget(&with_list(list).name).await,
                        Body::Text(_) | Body::Template(_) | Body::Sound(_) | Body::Place { .. } => {}
                    }
                }
                Err(fault)
            }
        }
    }

    async fn taken_since(&self, outbound: &Outbound, since: DateTime<Utc>) -> Result<TakenSince, SendFault> {
        let query = [("To", outbound.to.as_str()), ("PageSize", LOOK_BACK)];
        let url = reqwest::Url::parse_with_params(&self.messages(), query)
            .map_err(|_| Refusal::new(Action::Never, "the address cannot be made"))?;
        let response = self.ask(self.client.get(url)).await?;
        let page: Page = response.json().await.map_err(|error| cut_off(&error))?;
        // Times are in whole seconds.
        let since = since - TimeDelta::seconds(1);
        let mut taken: Vec<(DateTime<Utc>, String)> = page
            .messages
            .into_iter()
            .filter(|message| message.direction.starts_with("outbound"))
            .filter(|message| message.says(&outbound.body))
            .filter_map(|message| {
                let created = DateTime::parse_from_rfc2822(&message.date_created?).ok()?.with_timezone(&Utc);
                (created >= since).then_some((created, message.sid))
            })
            .collect();
        taken.sort();
        Ok(TakenSince::These(taken.into_iter().map(|(_, sid)| sid).collect()))
    }

    async fn typing(&self, provider_id: &str) -> Result<(), SendFault> {
        let messaging = &self.hosts.messaging;
        let request = match self.typing {
            Typing::Off => return Ok(()),
            Typing::V2 => self
                .client
                .post(format!("{messaging}/v2/Indicators/Typing.json"))
                .form(&[("messageId", provider_id), ("channel", "whatsapp")]),
            Typing::V3 => self
                .client
                .post(format!("{messaging}/v3/Indicators/Typing.json"))
                .json(&json!({"messageId": provider_id, "channel": "WHATSAPP"})),
        };
        self.ask(request).await.map(|_| ())
    }

    async fn fetch(&self, media: &Media) -> Result<Fetched, MediaFault> {
        self.files()?.fetch(&media.reference, &*self.clock).await
    }

    async fn discard(&self, media: &Media) -> Result<(), MediaFault> {
        self.files()?.delete(&media.reference).await
    }
}

/// A message as the API tells of it; more fields may come.
#[derive(Debug, Deserialize)]
struct Message {
    sid: String,
    #[serde(default)]
    direction: String,
    body: Option<String>,
    num_media: Option<String>,
    date_created: Option<String>,
}

impl Message {
    /// Whether it may be this. What a template came to be is not known here; a guest gets one message at a time.
    fn says(&self, body: &Body) -> bool {
        let has_file = self.num_media.as_deref().is_some_and(|count| count != "0");
        match body {
            Body::Template(_) => true,
            Body::Sound(_) => has_file,
            Body::Text(_) | Body::Buttons { .. } | Body::List(_) | Body::Place { .. } => {
                self.body.as_deref() == Some(body.text())
            }
        }
    }
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

pub(super) fn cut_off(error: &reqwest::Error) -> SendFault {
    SendFault::Unknown { reason: format!("the answer is cut off: {}", kind(error)) }
}

/// What fills a template: its gaps are numbered from 1, those of its buttons after those of its words.
fn variables(template: &Template) -> String {
    let values = template.values.iter().chain(&template.payloads).zip(1..);
    let object = values.map(|(value, number): (_, usize)| (number.to_string(), json!(value)));
    serde_json::Value::Object(object.collect()).to_string()
}

/// A place as a pin.
fn pin(place: &Place) -> String {
    let label = place.label.as_deref().or(place.address.as_deref());
    let label = label.map(|label| format!("|{}", label.replace('|', " "))).unwrap_or_default();
    format!("geo:{},{}{label}", place.latitude, place.longitude)
}
