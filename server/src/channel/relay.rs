//! The words of a call over a WebSocket whose far end hears and speaks: one JSON object a message, as Twilio's
//! ConversationRelay has it. The console's page for calls speaks the same.
//!
//! It is read tolerantly: fields and messages that nobody has heard of are left alone, and a length of time may come as
//! any kind of number or as text.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use tokio::sync::mpsc;

use super::line::{FromWords, Line, ToWords};
use super::socket::{Dialect, Kind, Patience, Read, Written};

/// What is handed over when the caller is to be connected to the front desk.
pub const FRONT_DESK: &str = "front_desk";

/// Nothing comes while nobody speaks: the far end is asked after these seconds, and gone after those.
const PATIENCE: Patience = Patience { ask: Some(15), gone: 45 };

/// The first message: what session this is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Setup {
    /// The session's id.
    #[serde(default)]
    pub session_id: String,
    /// The account.
    #[serde(default)]
    pub account_sid: String,
    /// The call's id.
    #[serde(default)]
    pub call_sid: String,
    /// What we said about it when the call was taken.
    #[serde(default)]
    pub custom_parameters: BTreeMap<String, String>,
}

/// The first message, if this is it.
pub fn setup(text: &str) -> Option<Setup> {
    let message: Message<'_> = serde_json::from_str(text).ok()?;
    (message.kind == "setup").then(|| serde_json::from_str(text).ok()).flatten()
}

/// What the far end of a line of words speaks.
#[derive(Debug, Default)]
pub struct Relay {
    /// What the caller said in this turn so far.
    so_far: String,
    /// The far end was told that it is over.
    over: bool,
}

/// A message, as far as anything is done about it.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Message<'a> {
    #[serde(rename = "type", borrow)]
    kind: std::borrow::Cow<'a, str>,
    voice_prompt: Option<String>,
    last: Option<Json>,
    digit: Option<String>,
    utterance_until_interrupt: Option<String>,
    duration_until_interrupt_ms: Option<Json>,
    name: Option<String>,
    value: Option<Json>,
}

/// A message of ours.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Ours<'a> {
    Text {
        token: &'a str,
        last: bool,
        interruptible: bool,
        preemptible: bool,
    },
    End {
        #[serde(skip_serializing_if = "Option::is_none")]
        handoff_data: Option<&'a str>,
    },
}

impl Dialect for Relay {
    type Signal = FromWords;
    type Order = ToWords;

    fn is_sound(_signal: &FromWords) -> bool {
        false
    }

    fn stopped() -> FromWords {
        FromWords::Stopped
    }

    fn line(signals: mpsc::Receiver<FromWords>, orders: mpsc::Sender<ToWords>) -> Line {
        Line::Words { signals, orders }
    }

    fn read(&mut self, text: &str, signals: &mut VecDeque<FromWords>) -> Read {
        let Ok(message) = serde_json::from_str::<Message<'_>>(text) else { return Read::Garbled };
        match &*message.kind {
            "prompt" => {
                let words = message.voice_prompt.unwrap_or_default();
                let last = message.last.as_ref().is_none_or(truth);
                let text = joined(&std::mem::take(&mut self.so_far), words.trim());
                if !last {
                    self.so_far.clone_from(&text);
                }
                signals.push_back(FromWords::Said { text, last });
            }
            "interrupt" => {
                let heard = message.utterance_until_interrupt.unwrap_or_default();
                let after = message.duration_until_interrupt_ms.as_ref().and_then(milliseconds);
                signals.push_back(FromWords::Interrupted { heard, after });
            }
            "dtmf" => {
                let keys = message.digit.unwrap_or_default();
                signals.extend(keys.chars().filter(|key| is_key(*key)).map(FromWords::Digit));
            }
            "info" => {
                let (name, value) = (message.name.unwrap_or_default(), message.value.unwrap_or_default());
                match name.as_str() {
                    "agentSpeaking" => signals.push_back(FromWords::Speaking(truth(&value))),
                    "clientSpeaking" => signals.push_back(FromWords::Calling(truth(&value))),
                    "tokensPlayed" => {
                        let words = value.as_str().unwrap_or_default();
                        signals.push_back(FromWords::Played(words.to_owned()));
                    }
                    _ => tracing::debug!(name, "something was told about a call that is not known"),
                }
            }
            // What it repeats in its description are our own words to the caller.
            "error" => tracing::warn!("a message of ours about a call was not understood (error 64107)"),
            "setup" => {}
            other => tracing::debug!(kind = other, "a message about a call is not known"),
        }
        Read::Fine
    }

    fn write(&mut self, order: ToWords, written: &mut VecDeque<Written>) {
        let ours = match &order {
            ToWords::Say { text, last, interruptible } => {
                if text.is_empty() && !last {
                    return;
                }
                Ours::Text { token: text, last: *last, interruptible: *interruptible, preemptible: false }
            }
            ToWords::End { handoff } => {
                self.over = true;
                Ours::End { handoff_data: handoff.as_deref() }
            }
        };
        // Texts and truths can always be written.
        let text = serde_json::to_string(&ours).unwrap_or_default();
        written.push_back(Written { text, kind: Kind::Other });
    }

    fn farewell(&mut self) -> Option<String> {
        let end = Ours::End { handoff_data: None };
        (!self.over).then(|| serde_json::to_string(&end).ok()).flatten()
    }

    fn patience(&self) -> Patience {
        PATIENCE
    }
}

/// Whether this is a key of a telephone.
pub(super) fn is_key(key: char) -> bool {
    key.is_ascii_digit() || key == '*' || key == '#'
}

/// What a caller said so far, after another part of it. A part mostly repeats what was said before, perhaps corrected;
/// one that does not goes on from there.
fn joined(before: &str, part: &str) -> String {
    let (old, new) = (folded(before), folded(part));
    let begins: Vec<char> = new.iter().copied().take(old.len()).collect();
    if old.is_empty() || distance(&old, &begins) * 2 <= old.len() {
        return part.to_owned();
    }
    if part.is_empty() {
        return before.to_owned();
    }
    format!("{before} {part}")
}

/// The letters and digits of a text alone.
fn folded(text: &str) -> Vec<char> {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// The number of letters to change, add or leave out to make one of the other.
fn distance(one: &[char], other: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, letter) in one.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, candidate) in other.iter().enumerate() {
            let changed = diagonal + usize::from(letter != candidate);
            diagonal = row[j + 1];
            row[j + 1] = changed.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[other.len()]
}

fn truth(value: &Json) -> bool {
    match value {
        Json::Bool(truth) => *truth,
        Json::String(word) => matches!(word.as_str(), "on" | "true" | "1"),
        Json::Number(number) => number.as_f64() != Some(0.0),
        Json::Null | Json::Array(_) | Json::Object(_) => false,
    }
}

fn milliseconds(value: &Json) -> Option<Duration> {
    let number = match value {
        Json::Number(number) => number.as_f64(),
        Json::String(text) => text.trim().parse().ok(),
        Json::Null | Json::Bool(_) | Json::Array(_) | Json::Object(_) => None,
    };
    number.and_then(|number| Duration::try_from_secs_f64(number / 1000.0).ok())
}
