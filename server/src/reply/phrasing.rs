//! Whether other words say the same: every fact of one text, in its order, and none besides.
//!
//! A word is a fact unless it is known to be plain. So whatever has a digit, a sign for money, a capital letter, a dot
//! inside or a letter of another alphabet is one, and is compared as it is written; so are number words, days, months
//! and what decides about a claim ("not", "free", "until"), which a list names. Every other word must be on the list of
//! plain words, or in the text itself. Nobody has to recognise a lie: what is not known to be harmless is none of it.

use std::collections::HashSet;

use serde::Deserialize;

/// The words that replies may be put into.
#[derive(Clone, Debug, Default)]
pub struct Phrasing {
    plain: HashSet<String>,
    claims: HashSet<String>,
}

/// A mistake in the file of these words.
#[derive(Debug, thiserror::Error)]
#[error("{file}: {message}")]
pub struct PhrasingFault {
    /// The file.
    pub file: String,
    /// What is wrong, with line and column.
    pub message: String,
}

/// The file as authored.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Authored {
    /// Words that say nothing by themselves.
    plain: Vec<String>,
    /// Words that decide what a sentence claims.
    claims: Vec<String>,
}

impl Phrasing {
    /// Reads the file; `file` names it in errors.
    ///
    /// # Errors
    /// It is not of the form.
    pub fn parse(yaml: &str, file: &str) -> Result<Self, PhrasingFault> {
        let authored: Authored = serde_saphyr::from_str(yaml)
            .map_err(|error| PhrasingFault { file: file.to_owned(), message: error.to_string() })?;
        let claims: HashSet<String> = authored.claims.iter().map(|word| word.to_lowercase()).collect();
        let plain = authored.plain.iter().map(|word| word.to_lowercase());
        Ok(Self { plain: plain.filter(|word| !claims.contains(word)).collect(), claims })
    }

    /// Whether `other` says what `text` says: the same facts in the same order, as many questions, as many lines with
    /// numbers, and no word besides that could say more.
    pub fn says_the_same(&self, text: &str, other: &str) -> bool {
        if other.chars().any(is_hidden) || questions(text) != questions(other) {
            return false;
        }
        let own: HashSet<String> = words(text).map(|word| plain_form(&word.bare)).collect();
        let facts = |text: &str| -> Vec<String> {
            words(text).filter(|word| self.is_fact(word)).map(|word| word.bare).collect()
        };
        let known = |word: &Word| {
            let plain = plain_form(&word.bare);
            self.is_fact(word) || self.plain.contains(&plain) || own.contains(&plain)
        };
        facts(text) == facts(other) && words(other).all(|word| known(&word))
    }

    /// Whether a word says something that must stay as it is.
    fn is_fact(&self, word: &Word) -> bool {
        let lower = plain_form(&word.bare);
        if self.claims.contains(&lower) {
            return true;
        }
        let letter = |letter: char| letter.is_ascii_alphabetic() || is_apostrophe(letter);
        if !word.bare.chars().all(letter) {
            return true;
        }
        let mut letters = word.bare.chars();
        let capital = letters.next().is_some_and(char::is_uppercase);
        if !letters.all(|letter| letter.is_lowercase() || is_apostrophe(letter)) {
            return true;
        }
        let is_self = lower == "i" || lower.starts_with("i'");
        // A capital where a sentence begins says nothing, if the word is plain and can be no name of somebody.
        capital && !((is_self || word.begins && word.goes_on) && self.plain.contains(&lower))
    }
}

/// A word without what may stand around it.
struct Word {
    bare: String,
    /// Whether a sentence begins with it.
    begins: bool,
    /// Whether a small word follows at once.
    goes_on: bool,
}

fn words(text: &str) -> impl Iterator<Item = Word> {
    let mut words = Vec::new();
    for line in text.lines() {
        let mut begins = true;
        let mut pieces = line.split_whitespace().peekable();
        while let Some(piece) = pieces.next() {
            let small = |next: &&str| {
                next.starts_with(|letter: char| letter.is_lowercase() || letter.is_ascii_digit())
                    || *next == "I"
                    || next.starts_with("I'")
                    || next.starts_with("I’")
            };
            let goes_on = piece.ends_with(char::is_alphabetic) && pieces.peek().is_some_and(small);
            let bare = piece.trim_matches(is_around);
            // Words that a sign joins are words by themselves, unless there is more in them than letters.
            let joined = bare.split(['-', '–', '—', '/']);
            let simple = bare
                .chars()
                .all(|letter| letter.is_alphabetic() || is_apostrophe(letter) || "-–—/".contains(letter));
            let parts: Vec<&str> = if simple { joined.collect() } else { vec![bare] };
            for part in parts.into_iter().filter(|part| !part.is_empty()) {
                let begins = std::mem::take(&mut begins);
                words.push(Word { bare: part.to_owned(), begins, goes_on });
            }
            begins |= piece.trim_end_matches(['*', '_', '"', ')']).ends_with(['.', '!', '?', ':', '…']);
        }
    }
    words.into_iter()
}

fn plain_form(word: &str) -> String {
    word.to_lowercase().replace('’', "'")
}

/// What may stand around a word without being a part of what it says.
fn is_around(letter: char) -> bool {
    matches!(letter, '.' | ',' | ';' | ':' | '!' | '?' | '…' | '"' | '“' | '”' | '(' | ')' | '*' | '_')
}

fn is_apostrophe(letter: char) -> bool {
    matches!(letter, '\'' | '’')
}

/// What cannot be seen, and could part or join what is.
fn is_hidden(letter: char) -> bool {
    letter != '\n'
        && (letter.is_control()
            || matches!(letter,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}'))
}

fn questions(text: &str) -> usize {
    text.matches('?').count()
}
