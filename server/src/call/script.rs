//! What is to be said: lines, the pieces they are spoken in, and how far into their words somebody has heard.

use std::ops::Range;

use chrono::{DateTime, Utc};

use crate::tts::live::pieces as spoken_pieces;

/// A line in its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LineId(pub u64);

/// Something to be said, known by what it is in the books.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number.
    pub id: LineId,
    /// The words.
    pub text: String,
}

/// How much of a line was heard, once nothing of that changes any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The line.
    pub id: LineId,
    /// How much.
    pub much: Much,
}

impl Told {
    /// The words that were heard, and whether they are all of it; none where it was heard whole.
    pub fn words(&self) -> (&str, bool) {
        match &self.much {
            Much::Whole(_) => ("", true),
            Much::Part(words) => (words, false),
        }
    }
}

/// How much of a line was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Much {
    /// All of it, at this instant.
    Whole(DateTime<Utc>),
    /// These words from its beginning, possibly none.
    Part(String),
}

/// The pieces that a text is spoken in, as a voice remembers them, without the spaces between them.
pub fn pieces(text: &str) -> Vec<Range<usize>> {
    let mut at = 0;
    let mut places = Vec::new();
    for piece in spoken_pieces(text) {
        let (begin, end) = (at + piece.len() - piece.trim_start().len(), at + piece.trim_end().len());
        at += piece.len();
        if begin < end {
            places.push(begin..end);
        }
    }
    places
}

/// The words before a place, without one that is cut in two.
pub fn whole_words(text: &str, upto: usize) -> &str {
    let upto = floor(text, upto);
    let (before, after) = text.split_at(upto);
    let rest = after.split(char::is_whitespace).next().unwrap_or_default();
    if !rest.contains(char::is_alphanumeric) {
        return before.trim_end();
    }
    before.rfind(char::is_whitespace).map_or("", |at| before[..at].trim_end())
}

/// The place to go on from after a place: the beginning of the word that is cut in two there, or of the next. The signs
/// behind the last word that was heard belong to it.
pub fn next_word(text: &str, from: usize) -> usize {
    let heard = whole_words(text, from).len();
    let rest = &text[heard..];
    let signs = if heard == 0 { 0 } else { rest.find(is_no_sign).unwrap_or(rest.len()) };
    let rest = &rest[signs..];
    heard + signs + (rest.len() - rest.trim_start().len())
}

fn is_no_sign(letter: char) -> bool {
    letter.is_alphanumeric() || letter.is_whitespace()
}

/// How many letters and digits there are: what is counted where nobody knows how something is written.
pub fn letters(text: &str) -> usize {
    text.chars().filter(|letter| letter.is_alphanumeric()).count()
}

/// The place behind so many letters and digits, and the signs that belong to them.
pub fn after_letters(text: &str, many: usize) -> usize {
    if many == 0 {
        return 0;
    }
    let place = text.char_indices().filter(|(_, letter)| letter.is_alphanumeric()).nth(many - 1);
    let behind = place.map_or(text.len(), |(at, letter)| at + letter.len_utf8());
    text[behind..].find(is_no_sign).map_or(text.len(), |signs| behind + signs)
}

/// The last place not behind this one that is between two characters.
fn floor(text: &str, upto: usize) -> usize {
    let mut upto = upto.min(text.len());
    while !text.is_char_boundary(upto) {
        upto -= 1;
    }
    upto
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_text_is_spoken_sentence_by_sentence() {
        let text = "Hello. This is the hotel. How may I help you?";
        let spoken: Vec<&str> = pieces(text).into_iter().map(|piece| &text[piece]).collect();
        assert_eq!(spoken, ["Hello.", "This is the hotel.", "How may I help you?"]);
        assert_eq!(pieces("It costs 2.50 euros"), std::iter::once(0..19).collect::<Vec<_>>());
        assert!(pieces("  ").is_empty());
    }

    #[test]
    fn a_word_that_is_cut_in_two_was_not_heard() {
        let text = "two nights, please";
        assert_eq!(whole_words(text, 7), "two");
        assert_eq!(whole_words(text, 10), "two nights");
        assert_eq!(whole_words(text, 3), "two");
        assert_eq!(whole_words(text, 99), text);
        assert_eq!(&text[next_word(text, 7)..], "nights, please");
        assert_eq!(&text[next_word(text, 10)..], "please");
        assert_eq!(whole_words("at 2.50 euros", 4), "at");
    }

    proptest! {
        #[test]
        fn pieces_leave_no_word_out(text in "[a-zé .!?]{0,80}") {
            let spoken: Vec<&str> = pieces(&text).into_iter().map(|piece| &text[piece]).collect();
            let joined = spoken.join(" ");
            let all: Vec<&str> = text.split_whitespace().collect();
            prop_assert_eq!(joined.split_whitespace().collect::<Vec<_>>(), all);
        }

        #[test]
        fn what_was_heard_and_what_comes_next_are_the_whole(text in "[a-zé ,.]{0,60}", at in 0_usize..70) {
            let (heard, next) = (whole_words(&text, at), next_word(&text, at));
            prop_assert!(heard.len() <= next);
            prop_assert!(!text[heard.len()..next].contains(char::is_alphanumeric));
        }
    }
}
