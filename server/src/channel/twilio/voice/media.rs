//! Media Streams: a call's sound over a WebSocket, both ways, as JSON with µ-law in Base64.
//!
//! Fifty times a second a frame comes, so the form in which they have always come is read without a JSON parser; any
//! other form of the same is read by one. See Twilio's "Media Streams - WebSocket Messages".

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde_json::Value as Json;
use tokio::sync::mpsc;

use crate::channel::line::{BYTES_PER_MS, FromSound, Line, ToSound};
use crate::channel::relay::is_key;
use crate::channel::socket::{Dialect, Kind, Patience, Read, Written};

/// Frames come all the time: so many seconds without one, and nobody is there.
const PATIENCE: Patience = Patience { ask: None, gone: 10 };

/// Frames are passed on by the two: every step of the way to a recogniser is made half as often, and a recogniser takes
/// no less at once.
const GATHERED: usize = 2 * 20 * BYTES_PER_MS;

/// The most sound in one message: half a second.
const PIECE: usize = 4_000;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// How a frame begins, and the names of its parts in the order in which they come.
const FRAME: &str = r#"{"event":"media","sequenceNumber":""#;
const PARTS: [&str; 4] =
    [r#"","media":{"track":"inbound","chunk":""#, r#"","timestamp":""#, r#"","payload":""#, "\"}"];

/// The first message that counts: which stream of which call this is.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Start {
    /// The stream's id.
    #[serde(default)]
    pub(super) stream_sid: String,
    /// The account.
    #[serde(default)]
    pub(super) account_sid: String,
    /// The call's id.
    #[serde(default)]
    pub(super) call_sid: String,
    /// What the sound is.
    #[serde(default)]
    pub(super) media_format: Format,
    /// What we said about it when the call was taken.
    #[serde(default)]
    pub(super) custom_parameters: BTreeMap<String, String>,
}

/// What sound is.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Format {
    encoding: String,
    sample_rate: Json,
    channels: Json,
}

impl Format {
    /// Whether it is what telephones have: µ-law, 8,000 samples a second, one channel.
    pub(super) fn is_telephone(&self) -> bool {
        let is = |value: &Json, number: u64| match value {
            Json::Number(given) => given.as_u64() == Some(number),
            Json::String(given) => given.parse() == Ok(number),
            Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => false,
        };
        self.encoding.eq_ignore_ascii_case("audio/x-mulaw")
            && is(&self.sample_rate, 8_000)
            && is(&self.channels, 1)
    }
}

/// Whether this message begins the stream.
pub(super) fn start(text: &str) -> Option<Start> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Message {
        event: String,
        #[serde(default)]
        stream_sid: String,
        start: Option<Start>,
    }
    let message: Message = serde_json::from_str(text).ok()?;
    let mut start = message.start.filter(|_| message.event == "start")?;
    if start.stream_sid.is_empty() {
        start.stream_sid = message.stream_sid;
    }
    Some(start)
}

/// What the far end of a stream speaks.
#[derive(Debug)]
pub(super) struct Media {
    /// What every message of ours begins with, up to its event.
    prefix: String,
    /// Sound that was not passed on yet: less than is passed on at once.
    gathered: Vec<u8>,
}

/// A message, as far as anything is done about it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow)]
    media: Option<Sound<'a>>,
    mark: Option<Mark>,
    dtmf: Option<Dtmf>,
}

#[derive(Debug, Deserialize)]
struct Sound<'a> {
    #[serde(borrow)]
    track: Option<Cow<'a, str>>,
    #[serde(borrow)]
    payload: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
struct Mark {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Dtmf {
    digit: String,
}

impl Media {
    /// A stream by its id.
    pub(super) fn new(stream_sid: &str) -> Self {
        let sid = Json::from(stream_sid).to_string();
        Self { prefix: format!(r#"{{"streamSid":{sid},"event":"#), gathered: Vec::new() }
    }

    /// Takes a frame's sound; false where it is none.
    fn gather(&mut self, payload: &str, signals: &mut VecDeque<FromSound>) -> bool {
        if self.gathered.capacity() == 0 {
            self.gathered.reserve_exact(GATHERED);
        }
        let before = self.gathered.len();
        if BASE64.decode_vec(payload, &mut self.gathered).is_err() {
            self.gathered.truncate(before);
            return false;
        }
        if self.gathered.len() >= GATHERED {
            self.pass_on(signals);
        }
        true
    }

    /// Passes on what was gathered: nothing overtakes it.
    fn pass_on(&mut self, signals: &mut VecDeque<FromSound>) {
        if !self.gathered.is_empty() {
            signals.push_back(FromSound::Sound(std::mem::take(&mut self.gathered)));
        }
    }

    fn message(&self, rest: usize) -> String {
        let mut text = String::with_capacity(self.prefix.len() + rest);
        text.push_str(&self.prefix);
        text
    }
}

impl Dialect for Media {
    type Signal = FromSound;
    type Order = ToSound;

    fn is_sound(signal: &FromSound) -> bool {
        matches!(signal, FromSound::Sound(_))
    }

    fn stopped() -> FromSound {
        FromSound::Stopped
    }

    fn line(signals: mpsc::Receiver<FromSound>, orders: mpsc::Sender<ToSound>) -> Line {
        Line::Sound { signals, orders }
    }

    fn read(&mut self, text: &str, signals: &mut VecDeque<FromSound>) -> Read {
        if let Some(payload) = frame(text)
            && self.gather(payload, signals)
        {
            return Read::Fine;
        }
        let Ok(message) = serde_json::from_str::<Message<'_>>(text) else { return Read::Garbled };
        match (&*message.event, message.media, message.mark, message.dtmf) {
            ("media", Some(media), _, _) => {
                // Our own sound is not sent back; where it ever is, it is not the caller's.
                if media.track.is_some_and(|track| track.starts_with("outbound")) {
                    return Read::Fine;
                }
                if self.gather(&media.payload, signals) { Read::Fine } else { Read::Garbled }
            }
            ("mark", _, Some(mark), _) => {
                self.pass_on(signals);
                signals.push_back(FromSound::Mark(mark.name));
                Read::Fine
            }
            ("dtmf", _, _, Some(dtmf)) => {
                self.pass_on(signals);
                signals.extend(dtmf.digit.chars().filter(|key| is_key(*key)).map(FromSound::Digit));
                Read::Fine
            }
            ("stop", ..) => {
                self.pass_on(signals);
                Read::Over
            }
            ("media" | "mark" | "dtmf", ..) => Read::Garbled,
            ("connected" | "start", ..) => Read::Fine,
            (other, ..) => {
                tracing::debug!(event = other, "an event of a stream is not known");
                Read::Fine
            }
        }
    }

    fn write(&mut self, order: ToSound, written: &mut VecDeque<Written>) {
        match order {
            ToSound::Sound(sound) => {
                for piece in sound.chunks(PIECE) {
                    let mut text = self.message(32 + piece.len().div_ceil(3) * 4);
                    text.push_str(r#""media","media":{"payload":""#);
                    BASE64.encode_string(piece, &mut text);
                    text.push_str("\"}}");
                    written.push_back(Written { text, kind: Kind::Sound });
                }
            }
            ToSound::Mark(name) => {
                let name = Json::from(name).to_string();
                let mut text = self.message(32 + name.len());
                text.push_str(r#""mark","mark":{"name":"#);
                text.push_str(&name);
                text.push_str("}}");
                written.push_back(Written { text, kind: Kind::Mark });
            }
            ToSound::Clear => {
                let mut text = self.message(8);
                text.push_str(r#""clear"}"#);
                written.push_back(Written { text, kind: Kind::Clear });
            }
        }
    }

    fn patience(&self) -> Patience {
        PATIENCE
    }
}

/// The sound of a frame in the form in which frames have always come, in Base64.
fn frame(text: &str) -> Option<&str> {
    let mut rest = text.strip_prefix(FRAME)?;
    for part in &PARTS[..3] {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        rest = rest[digits..].strip_prefix(part)?;
    }
    let end = rest.find('"')?;
    let (payload, rest) = rest.split_at(end);
    rest.strip_prefix(PARTS[3])?;
    Some(payload)
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use base64::Engine as _;

    use super::{Media, frame, start};
    use crate::channel::line::{FromSound, ToSound};
    use crate::channel::socket::{Dialect as _, Read};

    fn read(text: &str) -> (Read, Vec<FromSound>) {
        let (mut signals, mut media) = (VecDeque::new(), Media::new("MZ1"));
        let read = media.read(text, &mut signals);
        media.pass_on(&mut signals);
        (read, signals.into())
    }

    #[test]
    fn a_frame_is_the_same_sound_in_whatever_form_it_comes() {
        let usual = r#"{"event":"media","sequenceNumber":"3","media":{"track":"inbound","chunk":"1","timestamp":"5","payload":"AAECAw=="},"streamSid":"MZ1"}"#;
        assert_eq!(frame(usual), Some("AAECAw=="), "the usual form is read the short way");
        for other in [
            usual,
            r#"{"streamSid":"MZ1","media":{"payload":"AAECAw==","timestamp":5,"new":{"payload":"////"}},"event":"media"}"#,
            r#"{ "event": "media", "extra": {"media": {"payload": "////"}}, "media": {"payload": "AAECAw"} }"#,
            r#"{"event":"media","sequenceNumber":"3","media":{"track":"inbound","chunk":"1","timestamp":"5","payload":"AAECAw=="}}"#,
            r#"{"event":"media","sequenceNumber":"3","media":{"track":"inbound","chunk":"1","timestamp":"5","payload":"AAECAw\u003d="}}"#,
        ] {
            assert_eq!(read(other), (Read::Fine, vec![FromSound::Sound(vec![0, 1, 2, 3])]), "{other}");
        }
        for empty in [
            r#"{"event":"media","media":{"payload":""}}"#,
            r#"{"event":"media","media":{"track":"outbound","payload":"AAECAw=="}}"#,
            r#"{"event":"weather","media":{"payload":"AAECAw=="}}"#,
        ] {
            assert_eq!(read(empty), (Read::Fine, vec![]), "{empty}");
        }
        for garbled in ["", "{", "[]", r#"{"event":"media"}"#, r#"{"event":"media","media":{"payload":"!"}}"#]
        {
            assert_eq!(read(garbled), (Read::Garbled, vec![]), "{garbled}");
        }
    }

    #[test]
    fn frames_are_passed_on_by_the_two_and_nothing_overtakes_them() {
        let (mut signals, mut media) = (VecDeque::new(), Media::new("MZ1"));
        let frame = |byte: u8| {
            let sound = super::BASE64.encode([byte; 160]);
            format!(r#"{{"event":"media","media":{{"track":"inbound","payload":"{sound}"}}}}"#)
        };
        let mark = r#"{"event":"mark","mark":{"name":"m"}}"#;
        let mut counts = Vec::new();
        for text in [&frame(1), &frame(2), &frame(3), mark, &frame(4), r#"{"event":"stop"}"#] {
            media.read(text, &mut signals);
            counts.push(signals.len());
        }
        assert_eq!(counts, [0, 1, 1, 3, 3, 4]);
        let sound = |parts: &[u8]| FromSound::Sound(parts.iter().flat_map(|byte| [*byte; 160]).collect());
        let all = [sound(&[1, 2]), sound(&[3]), FromSound::Mark("m".to_owned()), sound(&[4])];
        assert_eq!(Vec::from(signals), all);
    }

    #[test]
    fn a_stream_begins_only_in_the_telephones_format() {
        let begin = |format: &str| {
            start(&format!(
                r#"{{"event":"start","start":{{"callSid":"CA1","mediaFormat":{format}}},"streamSid":"MZ1"}}"#
            ))
            .is_some_and(|start| start.stream_sid == "MZ1" && start.media_format.is_telephone())
        };
        assert!(begin(r#"{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":1}"#));
        assert!(begin(r#"{"encoding":"audio/x-mulaw","sampleRate":"8000","channels":"1","bits":8}"#));
        assert!(!begin(r#"{"encoding":"audio/x-l16","sampleRate":16000,"channels":1}"#));
        assert!(!begin(r#"{"encoding":"audio/x-mulaw","sampleRate":16000,"channels":1}"#));
        assert!(!begin(r#"{"encoding":"audio/x-mulaw","sampleRate":8000,"channels":2}"#));
        assert!(!begin("{}"));
        assert!(start(r#"{"event":"connected","protocol":"Call"}"#).is_none());
    }

    #[test]
    fn orders_are_the_three_messages_that_twilio_knows() {
        let mut written = VecDeque::new();
        let mut media = Media::new("MZ1");
        for order in [ToSound::Sound(vec![0, 1, 2, 3]), ToSound::Mark("g\"1".to_owned()), ToSound::Clear] {
            media.write(order, &mut written);
        }
        let texts: Vec<String> = written.into_iter().map(|written| written.text).collect();
        assert_eq!(
            texts,
            [
                r#"{"streamSid":"MZ1","event":"media","media":{"payload":"AAECAw=="}}"#,
                r#"{"streamSid":"MZ1","event":"mark","mark":{"name":"g\"1"}}"#,
                r#"{"streamSid":"MZ1","event":"clear"}"#,
            ]
        );
    }
}
