//! What a few words alone decide: whether a guest wants messages, which count in many languages and only where they are the
//! whole message; and whether they want to hear how something is spelled.

use std::collections::HashSet;

use super::words::Words;

/// The words of guests who want no more messages, or messages again.
#[derive(Clone, Debug, Default)]
pub struct MessageWords {
    stop: HashSet<String>,
    start: HashSet<String>,
}

/// What guests say who want to hear how something is spelled.
#[derive(Clone, Debug, Default)]
pub struct SpellWords(Vec<String>);

impl SpellWords {
    /// The words of a vocabulary.
    pub fn new(words: &Words) -> Self {
        Self(words.spell.iter().map(|word| folded(word)).collect())
    }

    /// Whether a message asks for that.
    pub fn are_in(&self, text: &str) -> bool {
        let text = format!(" {} ", folded(text));
        self.0.iter().any(|word| text.contains(&format!(" {word} ")))
    }
}

/// What a guest says about messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageWish {
    /// No more of them.
    Stop,
    /// They may come again.
    Start,
}

impl MessageWords {
    /// The words of a vocabulary.
    pub fn new(words: &Words) -> Self {
        let all = |words: &[String]| words.iter().map(|word| folded(word)).collect();
        Self { stop: all(&words.messages.stop), start: all(&words.messages.start) }
    }

    /// What a message says about messages, where it says nothing else.
    pub fn wish(&self, text: &str) -> Option<MessageWish> {
        let text = folded(text);
        if self.stop.contains(&text) {
            Some(MessageWish::Stop)
        } else if self.start.contains(&text) {
            Some(MessageWish::Start)
        } else {
            None
        }
    }
}

/// In small letters, with single gaps, without what stands around or between words.
fn folded(text: &str) -> String {
    let letters = text.chars().filter(|letter| !matches!(letter, '\'' | '’'));
    let spaced: String = letters
        .map(|letter| if letter.is_alphanumeric() || is_mark(letter) { letter } else { ' ' })
        .collect();
    spaced.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Marks that belong to the letter before.
fn is_mark(letter: char) -> bool {
    ('\u{300}'..='\u{36f}').contains(&letter)
}
