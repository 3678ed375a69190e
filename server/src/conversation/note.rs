//! What a voice note adds to what is said: what was heard in it, or why nothing was.

use std::sync::atomic::{AtomicBool, Ordering};

use indexmap::IndexMap;
use innkeeper_engine::{Expecting, Say};
use serde_json::json;

use crate::message::{Heard, Unheard};

/// The prompt that repeats what was heard.
const I_HEARD: &str = "i_heard";

/// What flows say to something without words.
const UNREADABLE: &str = "unreadable";

/// So many characters of what was heard are repeated at most.
const REPEATED_MAX_CHARS: usize = 160;

/// What a turn says to a voice note. What was heard is said first, once, unless a read-back repeats it; and where
/// nothing was heard, why.
pub(super) fn saying(says: &[Say], heard: &Heard, has_told: &AtomicBool) -> Vec<Say> {
    let mut says = says.to_vec();
    match heard {
        Heard::Words(transcript) => {
            let is_repeated = says.iter().any(|say| say.expecting == Expecting::Confirmation);
            if !says.is_empty() && !is_repeated && !has_told.swap(true, Ordering::Relaxed) {
                let facts = IndexMap::from([("words".to_owned(), json!(shortened(&transcript.words)))]);
                says.insert(0, Say::given(I_HEARD, facts));
            }
        }
        Heard::Nothing { why, again } => {
            for say in says.iter_mut().filter(|say| &*say.prompt == UNREADABLE) {
                say.prompt = reason(*why, *again).into();
            }
        }
    }
    says
}

/// The prompt that says why nothing was heard.
fn reason(why: Unheard, again: bool) -> &'static str {
    match why {
        Unheard::Unclear if again => "note_still_unclear",
        Unheard::Unclear => "note_unclear",
        Unheard::TooLong => "note_too_long",
        Unheard::Unplayable => "note_unplayable",
        Unheard::Unavailable => "note_unavailable",
    }
}

/// Words that are not too many to repeat, cut between two of them.
fn shortened(words: &str) -> String {
    if words.chars().count() <= REPEATED_MAX_CHARS {
        return words.to_owned();
    }
    let cut: String = words.chars().take(REPEATED_MAX_CHARS).collect();
    let whole = cut.rsplit_once(char::is_whitespace).map_or(cut.as_str(), |(whole, _)| whole);
    format!("{whole}…")
}
