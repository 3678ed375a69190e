//! What Twilio's webhooks say, in our words. More fields come without notice and are kept with the rest.

use serde_json::Value as Json;

use super::form::Form;
use crate::channel::Delivery;
use crate::message::{ChannelName, Content, GuestIds, GuestKey, Inbound, Kind, Media, Place, Referral, e164};

/// What a guest writes who wants no messages, and who wants them again.
const STOP: &str = "STOP";
const START: &str = "START";

pub(super) const WHATSAPP: &str = "whatsapp:";

/// What a guest answers who is asked whether we may call.
const CALL_REQUEST: &str = "VOICE_CALL_REQUEST";

/// A form lacks a field that every one has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} is missing or not of the expected form")]
pub struct Incomplete(pub &'static str);

/// Reads the form of an inbound message out of a request's body. It does not check who sent it.
///
/// # Errors
/// [`Incomplete`]: whose it is, or which message, is not told.
pub fn read(body: &[u8]) -> Result<Inbound, Incomplete> {
    inbound(&Form::parse(body))
}

/// A message in our words.
pub(super) fn inbound(form: &Form) -> Result<Inbound, Incomplete> {
    let owned = |name: &str| form.get(name).map(str::to_owned);
    let provider_id = owned("MessageSid").ok_or(Incomplete("MessageSid"))?;
    let address = form
        .get("From")
        .filter(|from| from.strip_prefix(WHATSAPP).is_some_and(|id| !id.is_empty()))
        .ok_or(Incomplete("From"))?;
    // The channel vouches for the number that a message comes from, and for no other.
    let phone = e164(address);
    let scoped = form.get("ExternalUserId").or(Some(address));
    let other = || GuestIds::Other(GuestKey::new(address));
    let guest = GuestIds::on_whatsapp(scoped, phone.as_deref())
        .or_else(|| GuestIds::on_whatsapp(Some(address), None))
        .unwrap_or_else(other);
    let content = content(form);
    // A document's words are only its file's name.
    let is_named = matches!(content, Content::Document { .. });
    let pressed =
        form.get("ButtonText").or_else(|| form.get("ListTitle")).filter(|_| content.pressed().is_some());
    let text = form.get("Body").filter(|_| !is_named).or(pressed).unwrap_or_default();
    // Whatever the account was told to take for it, in words that are known here.
    let text = match opt_out(form) {
        Some(true) => STOP,
        Some(false) => START,
        None => text,
    };
    Ok(Inbound {
        channel: ChannelName::Twilio,
        provider_id,
        guest,
        address: address.to_owned(),
        line: owned("To"),
        phone,
        name: owned("ProfileName"),
        text: text.to_owned(),
        content,
        reply_to: owned("OriginalRepliedMessageSid"),
        referral: referral(form),
        sent_at: None,
        raw: raw(form),
    })
}

/// Whether Twilio says that by this message the guest stopped all messages (true), or wants them again (false). Twilio
/// has answered them then, and takes nothing more for who stopped.
pub(super) fn opt_out(form: &Form) -> Option<bool> {
    let told = form.get("OptOutType")?;
    [(STOP, true), (START, false)]
        .into_iter()
        .find(|(word, _)| told.eq_ignore_ascii_case(word))
        .map(|(_, stops)| stops)
}

fn content(form: &Form) -> Content {
    let owned = |name: &str| form.get(name).map(str::to_owned);
    let kind = kind(form);
    if kind == Kind::Text {
        return words(form);
    }
    let media = media(form, kind);
    match kind {
        Kind::Image => Content::Image { media },
        Kind::Audio => Content::Audio { media },
        Kind::Video => Content::Video { media },
        Kind::Document => Content::Document { media, name: owned("Body") },
        Kind::Sticker => Content::Sticker { media },
        Kind::Contacts => {
            Content::Contacts { media: Some(media).filter(|media| !media.reference.is_empty()) }
        }
        Kind::Reaction => Content::Reaction { to: owned("OriginalRepliedMessageSid"), emoji: owned("Body") },
        Kind::Location => place(form).map_or(Content::Unsupported, |place| Content::Location { place }),
        Kind::Text | Kind::CallPermission | Kind::NumberChanged | Kind::Unsupported => Content::Unsupported,
    }
}

/// Words, or what was pressed.
fn words(form: &Form) -> Content {
    let owned = |name: &str| form.get(name).map(str::to_owned);
    let title = |name: &str| owned(name).or_else(|| owned("Body")).unwrap_or_default();
    let asked = form.get("ButtonText").or_else(|| form.get("Body")) == Some(CALL_REQUEST);
    match (form.get("ListId"), form.get("ButtonPayload")) {
        (Some(id), _) => Content::Row { id: id.to_owned(), title: title("ListTitle") },
        (None, Some("ACCEPTED")) if asked => Content::CallPermission { granted: true },
        (None, Some("REJECTED")) if asked => Content::CallPermission { granted: false },
        (None, Some(id)) => Content::Button { id: id.to_owned(), title: title("ButtonText") },
        (None, None) => Content::Text,
    }
}

fn kind(form: &Form) -> Kind {
    match form.get("MessageType") {
        Some("text" | "interactive" | "button") => Kind::Text,
        Some(word) => match Kind::parse(word) {
            Some(Kind::CallPermission | Kind::NumberChanged) | None => Kind::Unsupported,
            Some(kind) => kind,
        },
        None => match form.get("MediaContentType0").and_then(|kind| kind.split('/').next()) {
            Some("image") => Kind::Image,
            Some("audio") => Kind::Audio,
            Some("video") => Kind::Video,
            Some(_) => Kind::Document,
            None if form.get("Latitude").is_some() => Kind::Location,
            None => Kind::Text,
        },
    }
}

/// The one file that a message can have; without an address it cannot be fetched.
fn media(form: &Form, kind: Kind) -> Media {
    let content_type = form.get("MediaContentType0").unwrap_or_default();
    Media {
        reference: form.get("MediaUrl0").unwrap_or_default().to_owned(),
        content_type: content_type.to_owned(),
        sha256: None,
        // Music is sent in other formats; a voice note has no other mark.
        voice: kind == Kind::Audio && content_type.starts_with("audio/ogg"),
    }
}

fn place(form: &Form) -> Option<Place> {
    let degrees = |name: &str, most: f64| {
        let degrees: f64 = form.get(name)?.parse().ok()?;
        (degrees.abs() <= most).then_some(degrees)
    };
    Some(Place {
        latitude: degrees("Latitude", 90.0)?,
        longitude: degrees("Longitude", 180.0)?,
        label: form.get("Label").map(str::to_owned),
        address: form.get("Address").map(str::to_owned),
    })
}

fn referral(form: &Form) -> Option<Referral> {
    let owned = |name: &str| form.get(name).map(str::to_owned);
    let referral = Referral {
        source_type: owned("ReferralSourceType"),
        source_id: owned("ReferralSourceId"),
        source_url: owned("ReferralSourceUrl"),
        headline: owned("ReferralHeadline"),
        body: owned("ReferralBody"),
        click_id: owned("ReferralCtwaClid"),
    };
    (referral != Referral::default()).then_some(referral)
}

/// Every field; one that comes more than once is a list.
fn raw(form: &Form) -> Json {
    let mut fields = serde_json::Map::new();
    for (name, value) in form.pairs() {
        let value = Json::from(value.as_str());
        match fields.get_mut(name) {
            None => {
                fields.insert(name.clone(), value);
            }
            Some(Json::Array(values)) => values.push(value),
            Some(first) => *first = Json::Array(vec![first.take(), value]),
        }
    }
    Json::Object(fields)
}

/// A delivery status in our words.
pub(super) fn delivery(word: &str) -> Option<Delivery> {
    Some(match word {
        "accepted" => Delivery::Accepted,
        "scheduled" => Delivery::Scheduled,
        "queued" => Delivery::Queued,
        "sending" => Delivery::Sending,
        "sent" | "partially_delivered" => Delivery::Sent,
        "delivered" => Delivery::Delivered,
        "read" => Delivery::Read,
        "undelivered" | "failed" | "canceled" => Delivery::Failed,
        _ => return None,
    })
}
