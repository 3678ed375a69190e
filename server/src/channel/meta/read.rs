//! What Meta's webhooks say, in our words.
//!
//! A request holds up to a thousand messages and statuses of several numbers. Each is read by itself: one that cannot be
//! read loses no other, and whatever can be said of it is kept. Numbers come as digits without a sign.

use chrono::{DateTime, Utc};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::codes::meaning;
use super::envelope::{Change, Entry, Envelope, list, owned, text};
use crate::channel::{Delivery, Echo, Refusal, Report};
use crate::message::{ChannelName, Content, GuestIds, Inbound, Media, OutgoingId, Place, Referral, e164};

const WHATSAPP: &str = "whatsapp:";

/// One thing that a request tells.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// The number of ours that it is about, by the id that Meta gave it.
    pub line: Option<String>,
    /// What it is.
    pub event: Event,
}

/// What a request tells.
#[derive(Clone, Debug, PartialEq)]
pub enum Event {
    /// A guest wrote.
    Message(Box<Inbound>),
    /// How far a message of ours got.
    Status {
        /// Our number for it, where it was sent with one.
        message: Option<OutgoingId>,
        /// How far it got.
        report: Report,
    },
    /// A guest wants marketing no more, or again.
    Preference {
        /// Whose wish it is.
        guest: GuestIds,
        /// Whether they want it.
        wanted: bool,
    },
    /// A person of the hotel wrote to a guest with the hotel's own telephone.
    Echo(Box<Echo>),
    /// Something that nobody here waits for, by the name of its field.
    Other(String),
    /// A message or status that cannot be told apart from others, or whose guest is not told.
    Unreadable(&'static str),
}

/// Everything that a request's body tells, messages in the order in which they were sent. `None` where it is not of
/// this protocol.
pub fn read(body: &[u8]) -> Option<Vec<Heard>> {
    let envelope: Envelope = serde_json::from_slice(body).ok()?;
    let mut heard = Vec::new();
    for entry in envelope.entry {
        let Ok(entry) = serde_json::from_value::<Entry>(entry) else { continue };
        for change in entry.changes {
            match serde_json::from_value::<Change>(change) {
                Ok(change) => read_change(&change, &mut heard),
                Err(_) => heard.push(Heard { line: None, event: Event::Unreadable("a change") }),
            }
        }
    }
    // Messages that came at one time stay as they came.
    heard.sort_by_key(|heard| match &heard.event {
        Event::Message(inbound) => inbound.sent_at,
        _ => None,
    });
    Some(heard)
}

fn read_change(change: &Change, heard: &mut Vec<Heard>) {
    let value = &change.value;
    let line = owned(value, "/metadata/phone_number_id");
    let mut push = |event| heard.push(Heard { line: line.clone(), event });
    match change.field.as_str() {
        "messages" => {
            for message in list(value, "/messages") {
                push(match inbound(value, message) {
                    Ok(inbound) => Event::Message(Box::new(inbound)),
                    Err(lacks) => Event::Unreadable(lacks),
                });
            }
            for status in list(value, "/statuses") {
                push(read_status(status));
            }
        }
        "user_preferences" => {
            for preference in list(value, "/user_preferences") {
                push(read_preference(preference));
            }
        }
        "smb_message_echoes" => {
            for message in list(value, "/message_echoes") {
                push(match echo(message) {
                    Ok(echo) => Event::Echo(Box::new(echo)),
                    Err(lacks) => Event::Unreadable(lacks),
                });
            }
        }
        other => push(Event::Other(other.to_owned())),
    }
}

/// What was typed into the telephone: a message whose guest is the one it went to.
fn echo(message: &Json) -> Result<Echo, &'static str> {
    let number = text(message, "/to");
    let scoped = text(message, "/to_user_id").or_else(|| number.filter(|to| digits(to).is_none()));
    let phone = number.and_then(digits);
    let guest = GuestIds::on_whatsapp(scoped, phone.as_deref()).ok_or("to whom a message went")?;
    let address = guest.phone().unwrap_or_else(|| guest.preferred()).as_str().to_owned();
    let provider_id = owned(message, "/id").unwrap_or_else(|| fingerprint(message));
    let text = words(message, &content(message));
    Ok(Echo { channel: ChannelName::Meta, guest, address, provider_id, text })
}

/// A message in our words; `value` is what it came with.
fn inbound(value: &Json, message: &Json) -> Result<Inbound, &'static str> {
    let contact = contact_of(value, message);
    // The channel vouches for whom a message is from; what a contact says besides is of the same guest.
    let number = text(message, "/from").or_else(|| contact.and_then(|contact| text(contact, "/wa_id")));
    let phone = number.and_then(digits);
    let scoped =
        text(message, "/from_user_id").or_else(|| contact.and_then(|contact| text(contact, "/user_id")));
    // Who hides the number may have the id in its place.
    let scoped = scoped.or_else(|| text(message, "/from").filter(|from| digits(from).is_none()));
    let guest = GuestIds::on_whatsapp(scoped, phone.as_deref()).ok_or("whose a message is")?;
    let address = guest.phone().unwrap_or_else(|| guest.preferred()).as_str().to_owned();
    let raw = json!({"message": message, "contact": contact, "metadata": value.pointer("/metadata")});
    // What has no id is told apart by what it says.
    let provider_id = owned(message, "/id").unwrap_or_else(|| fingerprint(message));
    let content = content(message);
    Ok(Inbound {
        channel: ChannelName::Meta,
        provider_id,
        address,
        line: owned(value, "/metadata/phone_number_id"),
        phone,
        name: contact.and_then(|contact| owned(contact, "/profile/name")),
        text: words(message, &content),
        reply_to: owned(message, "/context/id"),
        referral: message.get("referral").map(referral),
        sent_at: text(message, "/timestamp").and_then(instant),
        guest,
        content,
        raw,
    })
}

/// The contact that a message is from.
fn contact_of<'a>(value: &'a Json, message: &Json) -> Option<&'a Json> {
    let contacts = list(value, "/contacts");
    let same = |contact: &&Json, theirs: &str, ours: &str| {
        text(message, ours).is_some_and(|id| text(contact, theirs) == Some(id))
    };
    contacts
        .iter()
        .find(|contact| same(contact, "/user_id", "/from_user_id") || same(contact, "/wa_id", "/from"))
        .or_else(|| contacts.first().filter(|_| contacts.len() == 1 && list(value, "/messages").len() == 1))
}

fn words(message: &Json, content: &Content) -> String {
    let words = match content {
        Content::Button { title, .. } | Content::Row { title, .. } => return title.clone(),
        Content::Text => text(message, "/text/body"),
        Content::Image { .. } => text(message, "/image/caption"),
        Content::Video { .. } => text(message, "/video/caption"),
        Content::Document { .. } => text(message, "/document/caption"),
        Content::Reaction { emoji, .. } => return emoji.clone().unwrap_or_default(),
        Content::Audio { .. }
        | Content::Sticker { .. }
        | Content::Location { .. }
        | Content::Contacts { .. }
        | Content::CallPermission { .. }
        | Content::NumberChanged { .. }
        | Content::Unsupported => None,
    };
    words.unwrap_or_default().to_owned()
}

fn content(message: &Json) -> Content {
    let media = |path: &str| message.pointer(path).and_then(media);
    let read = match text(message, "/type").unwrap_or_default() {
        "text" => Some(Content::Text).filter(|_| message.pointer("/text/body").is_some_and(Json::is_string)),
        "image" => media("/image").map(|media| Content::Image { media }),
        "audio" | "voice" => {
            media("/audio").or_else(|| media("/voice")).map(|media| Content::Audio { media })
        }
        "video" => media("/video").map(|media| Content::Video { media }),
        "sticker" => media("/sticker").map(|media| Content::Sticker { media }),
        "document" => media("/document")
            .map(|media| Content::Document { media, name: owned(message, "/document/filename") }),
        "location" => message.pointer("/location").and_then(place).map(|place| Content::Location { place }),
        "contacts" => Some(Content::Contacts { media: None }),
        "reaction" => Some(Content::Reaction {
            to: owned(message, "/reaction/message_id"),
            emoji: owned(message, "/reaction/emoji"),
        }),
        "button" => owned(message, "/button/payload").or_else(|| owned(message, "/button/text")).map(|id| {
            Content::Button { title: owned(message, "/button/text").unwrap_or_else(|| id.clone()), id }
        }),
        "interactive" => interactive(message),
        "system" => number_changed(message),
        _ => None,
    };
    read.unwrap_or(Content::Unsupported)
}

fn interactive(message: &Json) -> Option<Content> {
    let at = |path: &str| owned(message, &format!("/interactive/{path}"));
    if let Some(id) = at("button_reply/id") {
        return Some(Content::Button { title: at("button_reply/title").unwrap_or_else(|| id.clone()), id });
    }
    if let Some(id) = at("list_reply/id") {
        return Some(Content::Row { title: at("list_reply/title").unwrap_or_else(|| id.clone()), id });
    }
    let answer = at("call_permission_reply/response")?;
    Some(Content::CallPermission { granted: answer.eq_ignore_ascii_case("accept") })
}

fn number_changed(message: &Json) -> Option<Content> {
    let changed = text(message, "/system/type") == Some("user_changed_number");
    let to =
        text(message, "/system/wa_id").or_else(|| text(message, "/system/new_wa_id")).and_then(digits)?;
    changed.then_some(Content::NumberChanged { to })
}

fn media(json: &Json) -> Option<Media> {
    Some(Media {
        reference: owned(json, "/id")?,
        content_type: owned(json, "/mime_type").unwrap_or_default(),
        sha256: owned(json, "/sha256"),
        voice: json.get("voice").and_then(Json::as_bool).unwrap_or(false),
    })
}

fn place(json: &Json) -> Option<Place> {
    let degrees = |name: &str, most: f64| {
        let degrees = match json.get(name)? {
            Json::String(text) => text.parse().ok()?,
            number => number.as_f64()?,
        };
        (degrees.abs() <= most).then_some(degrees)
    };
    Some(Place {
        latitude: degrees("latitude", 90.0)?,
        longitude: degrees("longitude", 180.0)?,
        label: owned(json, "/name"),
        address: owned(json, "/address"),
    })
}

fn referral(json: &Json) -> Referral {
    Referral {
        source_type: owned(json, "/source_type"),
        source_id: owned(json, "/source_id"),
        source_url: owned(json, "/source_url"),
        headline: owned(json, "/headline"),
        body: owned(json, "/body"),
        click_id: owned(json, "/ctwa_clid"),
    }
}

fn read_status(status: &Json) -> Event {
    let (Some(provider_id), Some(word)) = (owned(status, "/id"), text(status, "/status")) else {
        return Event::Unreadable("which message a status is of");
    };
    let delivery = match word {
        "accepted" => Delivery::Accepted,
        "sent" => Delivery::Sent,
        "delivered" => Delivery::Delivered,
        // Who listened to a voice note has seen it.
        "read" | "played" => Delivery::Read,
        "failed" => Delivery::Failed,
        other => return Event::Other(format!("status {other}")),
    };
    let code = status.pointer("/errors/0/code").and_then(code);
    let refusal: Option<Refusal> = code.map(meaning);
    let message = text(status, "/biz_opaque_callback_data").and_then(|id| id.parse().ok()).map(OutgoingId);
    Event::Status { message, report: Report { provider_id, delivery, refusal } }
}

fn read_preference(preference: &Json) -> Event {
    let number = text(preference, "/wa_id").and_then(digits);
    let guest = GuestIds::on_whatsapp(text(preference, "/user_id"), number.as_deref());
    match (guest, text(preference, "/value")) {
        (Some(guest), Some("stop")) => Event::Preference { guest, wanted: false },
        (Some(guest), Some("resume")) => Event::Preference { guest, wanted: true },
        _ => Event::Unreadable("whose a preference is, or which"),
    }
}

/// An error's code; some come as text.
pub(super) fn code(json: &Json) -> Option<u32> {
    json.as_u64().and_then(|code| u32::try_from(code).ok()).or_else(|| json.as_str()?.parse().ok())
}

/// A number in E.164 out of its digits.
fn digits(id: &str) -> Option<String> {
    e164(&format!("+{}", id.trim_start_matches('+')))
}

/// Seconds since 1970.
fn instant(seconds: &str) -> Option<DateTime<Utc>> {
    DateTime::from_timestamp(seconds.parse().ok()?, 0)
}

fn fingerprint(message: &Json) -> String {
    let hash = Sha256::digest(message.to_string().as_bytes());
    hash.iter().fold("sha256:".to_owned(), |hex, byte| hex + &format!("{byte:02x}"))
}

/// The recipient of a message to an address: a number's digits, or an id.
pub(super) enum Recipient<'a> {
    Number(&'a str),
    Scoped(&'a str),
}

impl<'a> Recipient<'a> {
    pub(super) fn of(address: &'a str) -> Self {
        let address = address.strip_prefix(WHATSAPP).unwrap_or(address);
        address.strip_prefix('+').map_or(Self::Scoped(address), Self::Number)
    }
}
