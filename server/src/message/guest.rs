//! Guests, by what a channel knows them by.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::ChannelName;

/// What addresses on WhatsApp begin with.
const WHATSAPP: &str = "whatsapp:";

/// How long a business-scoped address can be, prefix included.
const LONGEST_ID: usize = 140;

/// Who a guest is to a channel, for as long as the channel knows: `whatsapp:+14155550100`, `whatsapp:US.13491208`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GuestKey(String);

impl GuestKey {
    /// A key.
    pub fn new(key: impl Into<String>) -> Self {
        Self(key.into())
    }

    /// Whoever sits at a page of the console, in one session.
    pub(crate) fn at_console(session: &str) -> Self {
        Self(format!("{}:{session}", ChannelName::Console.as_str()))
    }

    /// What the keys begin with of callers of whom nothing but a number is displayed.
    pub(crate) const DISPLAYED: &str = "phone:";

    /// Whoever calls and displays a number, E.164, that nobody vouches for.
    pub fn displayed(number: &str) -> Self {
        Self(format!("{}{number}", Self::DISPLAYED))
    }

    /// The same in one call, and in no other.
    #[must_use]
    pub fn in_call(&self, call: &str) -> Self {
        Self(format!("{}/{call}", self.0))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A telephone number in E.164 (`+`, then 7 to 15 digits that do not begin with 0), with or without WhatsApp's prefix.
pub fn e164(text: &str) -> Option<String> {
    let number = text.strip_prefix("whatsapp:").unwrap_or(text);
    let digits = number.strip_prefix('+')?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit()) && !digits.starts_with('0');
    (plain && (7..=15).contains(&digits.len())).then(|| number.to_owned())
}

/// What a channel knows a guest by in one message. Either id alone is enough; a message that shows both tells that they
/// are the same guest's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GuestIds {
    /// The guest is right here, or the channel knows them by something that is neither.
    Other(GuestKey),
    /// A business-scoped id: `whatsapp:US.13491208`. It stays for as long as the guest keeps the number.
    Scoped(GuestKey),
    /// A number that the channel vouches for: `whatsapp:+14155550100`.
    Phone(GuestKey),
    /// Both.
    Both {
        /// The business-scoped id.
        scoped: GuestKey,
        /// The number.
        phone: GuestKey,
    },
}

impl GuestIds {
    /// What there is of a business-scoped id (`US.13491208`) and a number (E.164), with or without WhatsApp's prefix;
    /// `None` where there is neither.
    pub fn on_whatsapp(scoped: Option<&str>, phone: Option<&str>) -> Option<Self> {
        let scoped = scoped.and_then(scoped_key);
        let phone = phone.and_then(e164).map(|number| GuestKey::new(format!("{WHATSAPP}{number}")));
        Some(match (scoped, phone) {
            (Some(scoped), Some(phone)) => Self::Both { scoped, phone },
            (Some(scoped), None) => Self::Scoped(scoped),
            (None, Some(phone)) => Self::Phone(phone),
            (None, None) => return None,
        })
    }

    /// The ids that a key of one guest stands for.
    pub fn of(key: &GuestKey) -> Self {
        let Some(id) = key.as_str().strip_prefix(WHATSAPP) else { return Self::Other(key.clone()) };
        Self::on_whatsapp(Some(id), Some(id)).unwrap_or_else(|| Self::Other(key.clone()))
    }

    /// The key of a guest who was never seen before.
    pub fn preferred(&self) -> &GuestKey {
        match self {
            Self::Other(key) | Self::Scoped(key) | Self::Phone(key) | Self::Both { scoped: key, .. } => key,
        }
    }

    /// The business-scoped id.
    pub fn scoped(&self) -> Option<&GuestKey> {
        match self {
            Self::Scoped(scoped) | Self::Both { scoped, .. } => Some(scoped),
            Self::Other(_) | Self::Phone(_) => None,
        }
    }

    /// The number, as a key.
    pub fn phone(&self) -> Option<&GuestKey> {
        match self {
            Self::Phone(phone) | Self::Both { phone, .. } => Some(phone),
            Self::Other(_) | Self::Scoped(_) => None,
        }
    }
}

impl fmt::Display for GuestKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Two letters, a dot and letters or digits, perhaps with more dots; at most 140 characters with the prefix.
fn scoped_key(id: &str) -> Option<GuestKey> {
    let id = id.strip_prefix(WHATSAPP).unwrap_or(id);
    let (country, rest) = id.split_once('.')?;
    let plain = country.len() == 2
        && country.bytes().all(|byte| byte.is_ascii_uppercase())
        && !rest.is_empty()
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'.')
        && WHATSAPP.len() + id.len() <= LONGEST_ID;
    plain.then(|| GuestKey::new(format!("{WHATSAPP}{id}")))
}
