//! `[call] most, front_desk, language` and `[twilio] voice`: how telephone calls are taken.

use super::layers::Layers;
use crate::message::e164;

/// How telephone calls are taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Telephone {
    /// So many at once.
    pub most: u32,
    /// The front desk's number, E.164.
    pub front_desk: Option<String>,
    /// The language of calls, as BCP 47 has it.
    pub language: String,
}

/// What calls by Twilio are carried as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VoiceBy {
    /// As their sound where somebody here hears and speaks, as their words where not.
    Auto,
    /// As their sound: we hear and speak.
    Stream,
    /// As their words: Twilio hears and speaks.
    Relay,
}

impl Telephone {
    pub(super) fn read(layers: &mut Layers) -> Self {
        Self {
            most: layers.count("call.most"),
            front_desk: layers.parsed(
                "call.front_desk",
                "a telephone number with + and country code, for example +34911234567",
                |text| e164(text).filter(|number| number == text),
            ),
            language: layers.required(
                "call.language",
                "a language and a country, for example en-US",
                "en-US".to_owned(),
                |text| {
                    let plain = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
                    (plain && text.len() >= 2).then(|| text.to_owned())
                },
            ),
        }
    }
}

impl VoiceBy {
    pub(super) fn read(layers: &mut Layers) -> Self {
        layers.required("twilio.voice", "auto, stream or relay", Self::Auto, |text| match text {
            "auto" => Some(Self::Auto),
            "stream" => Some(Self::Stream),
            "relay" => Some(Self::Relay),
            _ => None,
        })
    }
}
