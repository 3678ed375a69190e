//! What is said the same to every guest: it can be made into sound beforehand.

use std::collections::BTreeSet;

use indexmap::IndexMap;
use innkeeper_engine::Say;

use super::{Listener, Medium, Replies, neutral};

/// What a prompt says that differs from day to day.
const PASSING: [&str; 1] = ["today"];

/// How the names of prompts begin that are about messages, and never said in a call.
const WRITTEN_ONLY: [&str; 5] = ["note_", "messages_", "i_heard", "offer_gone", "unreadable"];

impl Replies {
    /// All that is said without facts of a conversation: the prompts that need none, whole, and the sentences of the
    /// others that have no gap.
    pub fn fixed(&self, listener: &Listener<'_>) -> Vec<String> {
        let mut fixed = BTreeSet::new();
        for (key, variables) in self.catalog().found {
            let is_written = WRITTEN_ONLY.iter().any(|name| key.name.starts_with(name));
            let is_meant =
                !is_written && key.language == listener.language && key.channel == listener.medium.name();
            if !is_meant || variables.iter().any(|variable| PASSING.contains(&variable.as_str())) {
                continue;
            }
            // One that cannot be said without facts is said in part.
            if let Ok(text) = self.say(&Say::given(&key.name, IndexMap::new()), listener)
                && !text.is_empty()
            {
                fixed.insert(text);
            }
            if let Some(file) = self.layers.find(&key.name, &key.language, listener.medium)
                && let Some(source) = self.layers.text(&file)
            {
                fixed.extend(sentences(source, listener.medium));
            }
        }
        fixed.into_iter().collect()
    }
}

/// The sentences of a template that stand in it from their first letter to their last mark.
fn sentences(source: &str, medium: Medium) -> Vec<String> {
    let mut sentences = Vec::new();
    for run in runs(source) {
        let run = match medium {
            Medium::Chat => neutral::tidy(run),
            Medium::Voice => neutral::one_line(run),
        };
        let mut begin = 0;
        for (at, mark) in run.char_indices().filter(|(_, c)| matches!(c, '.' | '?' | '!')) {
            let end = at + mark.len_utf8();
            if run[end..].chars().next().is_some_and(|next| !next.is_whitespace()) {
                continue;
            }
            let sentence = run[begin..end].trim();
            if sentence.chars().next().is_some_and(char::is_uppercase) && sentence.contains(' ') {
                sentences.push(sentence.to_owned());
            }
            begin = end;
        }
    }
    sentences
}

/// What stands in a template between its tags.
fn runs(source: &str) -> Vec<&str> {
    let mut runs = Vec::new();
    let mut rest = source;
    loop {
        let tags = [("{{", "}}"), ("{%", "%}"), ("{#", "#}")];
        let next = tags.iter().filter_map(|(open, close)| Some((rest.find(open)?, *close))).min();
        let Some((at, close)) = next else { break };
        runs.push(&rest[..at]);
        match rest[at..].find(close) {
            Some(end) => rest = &rest[at + end + close.len()..],
            None => return runs,
        }
    }
    runs.push(rest);
    runs
}
