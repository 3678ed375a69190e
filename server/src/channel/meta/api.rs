//! The Cloud API: sending, marks, files.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use reqwest::header::{CONTENT_TYPE, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, RequestBuilder, Response};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value as Json, json};

use super::codes::meaning;
use super::envelope::owned;
use super::message::json_of;
use super::read::code;
use crate::channel::media::{Source, is_whole};
use crate::channel::wire::{refused, unanswered};
use crate::channel::{
    Action, Body, Channel, Fetched, MediaFault, Outbound, Refusal, SendFault, Sent, Sound, TakenSince,
};
use crate::clock::Clock;
use crate::config::{BaseUrl, Config};
use crate::fault::kind;
use crate::message::{ChannelName, Media};
use crate::multipart::{Form, header_safe};

/// Hosts of the files that guests send.
const MEDIA_HOSTS: &[&str] = &["lookaside.fbsbx.com", ".fbsbx.com", ".fbcdn.net", ".whatsapp.net"];

/// Some hosts of files answer nobody who does not say what they are.
const AGENT: &str = concat!("innkeeper/", env!("CARGO_PKG_VERSION"));

/// Why WhatsApp by Meta is off.
#[derive(Debug, thiserror::Error)]
pub enum Off {
    /// Something is not configured.
    #[error(
        "WhatsApp by Meta is off: set {} in innkeeper.toml (or META_APP_SECRET, META_VERIFY_TOKEN, META_ACCESS_TOKEN, \
         INNKEEPER__META__PHONE_NUMBER_ID) and start again", .missing.join(", ")
    )]
    NotConfigured {
        /// The keys that are not set.
        missing: Vec<&'static str>,
    },
    /// There is no HTTP client to call it with.
    #[error("WhatsApp by Meta is off: this machine has no HTTP client")]
    NoClient(#[source] reqwest::Error),
}

/// A number at Meta.
#[derive(Debug)]
pub struct Meta {
    app_secret: SecretString,
    verify_token: SecretString,
    access_token: SecretString,
    number: String,
    base: BaseUrl,
    reported_within: Duration,
    client: Client,
    clock: Arc<dyn Clock>,
}

impl Meta {
    /// The number of a configuration.
    ///
    /// # Errors
    /// What keeps it from working.
    pub fn new(config: &Config, clock: Arc<dyn Clock>) -> Result<Self, Off> {
        let meta = &config.meta;
        let (Some(app_secret), Some(verify_token), Some(access_token), Some(number)) =
            (&meta.app_secret, &meta.verify_token, &meta.access_token, &meta.phone_number_id)
        else {
            let keys = [
                (meta.app_secret.is_none(), "[meta] app_secret"),
                (meta.verify_token.is_none(), "[meta] verify_token"),
                (meta.access_token.is_none(), "[meta] access_token"),
                (meta.phone_number_id.is_none(), "[meta] phone_number_id"),
            ];
            let missing = keys.into_iter().filter_map(|(missing, key)| missing.then_some(key)).collect();
            return Err(Off::NotConfigured { missing });
        };
        let client =
            Client::builder().timeout(meta.timeout).redirect(Policy::none()).user_agent(AGENT).build();
        Ok(Self {
            app_secret: app_secret.clone(),
            verify_token: verify_token.clone(),
            access_token: access_token.clone(),
            number: number.clone(),
            base: meta.base_url.clone(),
            reported_within: meta.reported_within,
            client: client.map_err(Off::NoClient)?,
            clock,
        })
    }

    pub(super) fn app_secret(&self) -> &SecretString {
        &self.app_secret
    }

    pub(super) fn verify_token(&self) -> &SecretString {
        &self.verify_token
    }

    /// The id of our number.
    pub(super) fn number(&self) -> &str {
        &self.number
    }

    fn address(&self, what: &str) -> String {
        format!("{}/{}/{what}", self.base, self.number)
    }

    /// Asks, and makes a fault of every answer but a good one.
    async fn ask(&self, request: RequestBuilder) -> Result<Response, SendFault> {
        let request = request.bearer_auth(self.access_token.expose_secret());
        let response = request.send().await.map_err(|error| unanswered(&error))?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (status, headers) = (response.status(), response.headers().clone());
        // The words of an error may hold the guest's number and are not kept.
        let said = response.json::<Json>().await.ok();
        let coded = said.and_then(|said| code(said.pointer("/error/code")?)).map(meaning);
        Err(refused(status, &headers, coded))
    }

    async fn ask_json(&self, request: RequestBuilder) -> Result<Json, SendFault> {
        let response = self.ask(request).await?;
        response.json().await.map_err(|error| SendFault::Unknown {
            reason: format!("the answer is cut off: {}", kind(&error)),
        })
    }

    /// Uploads a sound; gives its id. Nothing was sent to the guest then.
    async fn upload(&self, sound: &Sound) -> Result<String, SendFault> {
        let (content_type, body) = Form::new()
            .field("messaging_product", "whatsapp")
            .field("type", header_safe(&sound.content_type))
            .file("file", "sound.ogg", &sound.content_type, &sound.bytes)
            .finish();
        let request = self.client.post(self.address("media")).header(CONTENT_TYPE, content_type).body(body);
        match self.ask_json(request).await {
            Ok(said) => owned(&said, "/id")
                .ok_or_else(|| Refusal::new(Action::Later, "an upload was answered without an id").into()),
            Err(SendFault::Unknown { reason }) => Err(Refusal::new(Action::Later, reason).into()),
            Err(fault) => Err(fault),
        }
    }
}

#[async_trait]
impl Channel for Meta {
    fn name(&self) -> ChannelName {
        ChannelName::Meta
    }

    async fn send(&self, outbound: &Outbound) -> Result<Sent, SendFault> {
        if let Some(unfit) = outbound.body.unfit(self.limits()) {
            return Err(Refusal::new(Action::Never, unfit).into());
        }
        let sound = match &outbound.body {
            Body::Sound(sound) => Some(self.upload(sound).await?),
            Body::Text(_) | Body::Buttons { .. } | Body::List(_) | Body::Template(_) | Body::Place { .. } => {
                None
            }
        };
        let message = json_of(outbound, sound.as_deref());
        let said = self.ask_json(self.client.post(self.address("messages")).json(&message)).await?;
        let provider_id = owned(&said, "/messages/0/id");
        provider_id
            .map(|provider_id| Sent { provider_id })
            .ok_or_else(|| SendFault::Unknown { reason: "the answer does not name the message".to_owned() })
    }

    async fn taken_since(
        &self,
        _outbound: &Outbound,
        _since: DateTime<Utc>,
    ) -> Result<TakenSince, SendFault> {
        Ok(TakenSince::OnlyReported(self.reported_within))
    }

    async fn typing(&self, provider_id: &str) -> Result<(), SendFault> {
        let mark = json!({
            "messaging_product": "whatsapp", "status": "read", "message_id": provider_id,
            "typing_indicator": {"type": "text"},
        });
        self.ask(self.client.post(self.address("messages")).json(&mark)).await.map(|_| ())
    }

    async fn fetch(&self, media: &Media) -> Result<Fetched, MediaFault> {
        let plain =
            media.reference.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-');
        if media.reference.is_empty() || !plain {
            return Err(MediaFault::Elsewhere);
        }
        let token = self.access_token.expose_secret();
        let mut authorization =
            HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| MediaFault::Refused(401))?;
        authorization.set_sensitive(true);
        let source = Source {
            client: &self.client,
            first: MEDIA_HOSTS,
            then: MEDIA_HOSTS,
            base: &self.base,
            authorization,
            most: self.limits().media,
        };
        // Where the file is, and what it is; the address works for five minutes.
        let asked = format!("{}/{}?phone_number_id={}", self.base, media.reference, self.number);
        let told = source.fetch(&asked, &*self.clock).await?;
        let told: Json = serde_json::from_slice(&told.bytes).map_err(|_| MediaFault::Damaged)?;
        let size =
            told.get("file_size").and_then(|size| size.as_u64().or_else(|| size.as_str()?.parse().ok()));
        if size.is_some_and(|size| usize::try_from(size).map_or(true, |size| size > source.most)) {
            return Err(MediaFault::TooLarge);
        }
        let url = owned(&told, "/url").ok_or(MediaFault::Gone)?;
        let fetched = source.fetch(&url, &*self.clock).await?;
        let hashes = [owned(&told, "/sha256"), media.sha256.clone()];
        if hashes.iter().flatten().all(|hash| is_whole(&fetched.bytes, hash)) {
            Ok(fetched)
        } else {
            Err(MediaFault::Damaged)
        }
    }
}
