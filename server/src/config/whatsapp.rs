//! The vendors that carry messages.

use std::time::Duration;

use secrecy::SecretString;

use super::layers::Layers;
use super::{BaseUrl, Rates, Templates, VoiceBy, base_url, secret};
use crate::message::e164;

/// WhatsApp and telephone by Twilio.
#[derive(Clone, Debug)]
pub struct Twilio {
    /// The account, `AC…`.
    pub account_sid: Option<String>,
    /// Signs webhooks and opens the REST API.
    pub auth_token: Option<SecretString>,
    /// Signs webhooks too while tokens are changed.
    pub auth_token_secondary: Option<SecretString>,
    /// Signs webhooks of accounts with a webhooks shared key.
    pub shared_key: Option<SecretString>,
    /// Where the REST API is.
    pub base_url: BaseUrl,
    /// The WhatsApp sender, E.164.
    pub whatsapp_from: Option<String>,
    /// The telephone number, E.164: what the front desk sees when a call is passed on that shows no number.
    pub voice_from: Option<String>,
    /// What calls are carried as.
    pub voice: VoiceBy,
    /// The provider and the voice that speak where Twilio does.
    pub relay_voice: Option<(String, String)>,
    /// How messages are answered.
    pub reply: ReplyBy,
    /// How the guest is shown that somebody writes.
    pub typing: Typing,
    /// How long the REST API may take.
    pub timeout: Duration,
    /// What may be sent outside of WhatsApp's day.
    pub templates: Templates,
    /// How often it is asked for messages that did not come; zero is never.
    pub catch_up: Duration,
    /// How fast is sent.
    pub rates: Rates,
}

/// How an inbound message is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyBy {
    /// By calling the provider's REST API.
    Rest,
    /// Inside the answer to the webhook, where the reply is ready in time.
    Twiml,
}

/// How a guest is shown that their message was read and somebody writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Typing {
    /// Not at all.
    Off,
    /// By the second version of the provider's interface.
    V2,
    /// By the third.
    V3,
}

/// WhatsApp by Meta.
#[derive(Clone, Debug)]
pub struct Meta {
    /// Signs webhooks.
    pub app_secret: Option<SecretString>,
    /// Answers the subscription.
    pub verify_token: Option<SecretString>,
    /// Opens the API.
    pub access_token: Option<SecretString>,
    /// The sender.
    pub phone_number_id: Option<String>,
    /// Where the API is.
    pub base_url: BaseUrl,
    /// How long it may take.
    pub timeout: Duration,
    /// How long it may take to report on what it took.
    pub reported_within: Duration,
    /// What may be sent outside of WhatsApp's day.
    pub templates: Templates,
    /// How fast is sent.
    pub rates: Rates,
}

impl Twilio {
    pub(super) fn read(layers: &mut Layers) -> Self {
        let number = "a telephone number with + and country code, for example +14155238886";
        Self {
            account_sid: layers.parsed(
                "twilio.account_sid",
                "an account's id, which begins with AC",
                |text| {
                    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric());
                    (text.starts_with("AC") && plain).then(|| text.to_owned())
                },
            ),
            auth_token: secret(layers, "twilio.auth_token"),
            auth_token_secondary: secret(layers, "twilio.auth_token_secondary"),
            shared_key: secret(layers, "twilio.shared_key"),
            base_url: base_url(layers, "twilio.base_url"),
            whatsapp_from: layers.parsed("twilio.whatsapp_from", number, e164),
            voice_from: layers.parsed("twilio.voice_from", number, e164),
            voice: VoiceBy::read(layers),
            relay_voice: layers.parsed(
                "twilio.relay_voice",
                "a provider and a voice, for example Google/en-US-Chirp3-HD-Aoede",
                |text| {
                    let (provider, voice) = text.split_once('/')?;
                    let both = !provider.is_empty() && !voice.is_empty();
                    both.then(|| (provider.to_owned(), voice.to_owned()))
                },
            ),
            reply: layers.required("twilio.reply", "rest or twiml", ReplyBy::Rest, |text| match text {
                "rest" => Some(ReplyBy::Rest),
                "twiml" => Some(ReplyBy::Twiml),
                _ => None,
            }),
            typing: layers.required("twilio.typing", "off, v2 or v3", Typing::V2, |text| match text {
                "off" => Some(Typing::Off),
                "v2" => Some(Typing::V2),
                "v3" => Some(Typing::V3),
                _ => None,
            }),
            timeout: layers.milliseconds("twilio.timeout_ms"),
            templates: Templates::read(layers, "twilio"),
            catch_up: layers.seconds("twilio.catch_up_s", 0),
            rates: rates(layers, "twilio"),
        }
    }
}

impl Meta {
    pub(super) fn read(layers: &mut Layers) -> Self {
        Self {
            app_secret: secret(layers, "meta.app_secret"),
            verify_token: secret(layers, "meta.verify_token"),
            access_token: secret(layers, "meta.access_token"),
            phone_number_id: layers.text("meta.phone_number_id"),
            base_url: base_url(layers, "meta.base_url"),
            timeout: layers.milliseconds("meta.timeout_ms"),
            reported_within: layers.seconds("meta.reported_within_s", 1),
            templates: Templates::read(layers, "meta"),
            rates: rates(layers, "meta"),
        }
    }
}

/// How fast a provider takes messages.
fn rates(layers: &mut Layers, section: &str) -> Rates {
    Rates {
        line_per_second: layers.count(&format!("{section}.line_per_s")),
        pair_every: layers.milliseconds(&format!("{section}.pair_every_ms")),
        pair_burst: layers.count(&format!("{section}.pair_burst")),
    }
}
