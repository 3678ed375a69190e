//! How long a guest is waited for.

use std::time::Duration;

use crate::message::Kind;

/// So many words are a whole request, whatever they end in.
const WHOLE_REQUEST_WORDS: usize = 12;

/// What a sentence ends in.
const ENDS: [char; 8] = ['.', '?', '!', '…', '。', '？', '！', '؟'];

/// One word that is a whole answer. This is about pace only: what it means is found out later.
const WHOLE_ANSWERS: [&str; 33] = [
    "yes",
    "yeah",
    "yep",
    "yup",
    "no",
    "nope",
    "nah",
    "ok",
    "okay",
    "sure",
    "correct",
    "right",
    "confirm",
    "confirmed",
    "cancel",
    "stop",
    "thanks",
    "bye",
    "goodbye",
    "help",
    "sí",
    "si",
    "vale",
    "gracias",
    "oui",
    "non",
    "merci",
    "ja",
    "nein",
    "danke",
    "sim",
    "não",
    "grazie",
];

/// How long guests are waited for. Nothing after a button or something whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    /// How long a fragment waits for the next one.
    pub fragment: Duration,
    /// How long the first fragment waits at most.
    pub cap: Duration,
}

impl Pace {
    /// For channels that can be answered at any time.
    pub const CHAT: Self = Self { fragment: Duration::from_millis(1200), cap: Duration::from_secs(6) };

    /// For answers that a provider waits for.
    pub const WAITED_FOR: Self = Self { fragment: Duration::from_millis(600), cap: Duration::from_secs(2) };

    /// How long to wait for more after a message: not at all after something whole.
    pub fn after(&self, text: &str, button: Option<&str>, kind: Kind) -> Duration {
        if button.is_some() || kind != Kind::Text || is_whole(text) { Duration::ZERO } else { self.fragment }
    }
}

/// Whether words are a whole sentence or answer.
fn is_whole(text: &str) -> bool {
    let text = text.trim_end();
    if text.ends_with(ENDS) || text.split_whitespace().nth(WHOLE_REQUEST_WORDS - 1).is_some() {
        return true;
    }
    let word = text.trim_start().trim_end_matches([',', ';']).to_lowercase();
    let number = !word.is_empty() && word.chars().all(|c| c.is_ascii_digit() || "+-/ ".contains(c));
    number || WHOLE_ANSWERS.contains(&word.as_str())
}
