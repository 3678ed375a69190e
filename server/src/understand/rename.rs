//! Names that are put right in part: "the surname is Silvas", "not Ana, Anna", "Silva with a y".

use innkeeper_engine::{ScopedSlot, Value};

use super::choice::distance;
use super::extract::Extractor;
use super::lexicon::Class;
use super::sentence::{Sentence, Taken};
use super::token::Token;

/// Letters that are mistaken for each other when a name is heard.
const ALIKE: [&str; 8] = ["iy", "ckq", "szc", "vwf", "ae", "dt", "bp", "mn"];

impl Extractor {
    /// A name that was said, or the known one as it was put right.
    pub(super) fn named(
        &self,
        sentence: &mut Sentence<'_>,
        slot: &ScopedSlot,
        asked: bool,
    ) -> Option<String> {
        let Some(Value::Text(known)) = &slot.value else {
            return sentence.person_name(&self.lexicon, asked);
        };
        let amended = sentence.amended_name(known);
        amended.or_else(|| {
            let has = |class: Class| (0..sentence.len()).any(|at| sentence.is(at, class));
            let (given, family) = (has(Class::GivenName), has(Class::FamilyName));
            let heard = sentence.person_name(&self.lexicon, asked)?;
            Some(in_place(known, &heard, given, family))
        })
    }
}

impl Sentence<'_> {
    /// The known name as a message puts it right, where that names a part of it or a letter.
    pub(super) fn amended_name(&mut self, known: &str) -> Option<String> {
        let amended = self.denied_part(known).or_else(|| self.lettered_part(known))?;
        for at in 0..self.len() {
            self.take(at, at + 1, Taken::Name);
        }
        (amended != known).then_some(amended)
    }

    /// "Not Ana, Anna", "Anna, not Ana", "not Ana Silva, Maria Reis": what is denied of the known name, and the words that
    /// stand for it. Where two are denied, or two are said, that is the whole name.
    fn denied_part(&self, known: &str) -> Option<String> {
        let not =
            (0..self.len()).find(|at| self.is(*at, Class::Not) && self.part_of(known, at + 1).is_some())?;
        let part = self.part_of(known, not + 1)?;
        let end = (not + 1..self.len()).find(|at| self.part_of(known, *at).is_none()).unwrap_or(self.len());
        let after = (end..self.len()).find(|at| self.could_be_meant(*at));
        let first = after.or_else(|| (0..not).find(|at| self.could_be_meant(*at)))?;
        let last = (first..self.len()).take_while(|at| self.could_be_meant(*at)).last()?;
        let meant = self.text(first, last + 1);
        let whole = end > not + 2 || last > first;
        Some(if whole { meant.to_owned() } else { replaced(known, part, meant) })
    }

    /// Whether a word may be of a name that is said in place of another.
    fn could_be_meant(&self, at: usize) -> bool {
        let unknown = self.meaning(at).classes == 0 || self.token(at).is_some_and(|token| token.capital);
        self.is_word(at) && unknown && !self.any(at, &[Class::NameIs, Class::ThisIs, Class::Not])
    }

    /// "Silva with a y", "Anna with two n".
    fn lettered_part(&self, known: &str) -> Option<String> {
        let with = (1..self.len()).find(|at| self.tokens_are(*at, &["with"]))?;
        let said = self.token(with - 1)?;
        let mut at = with + 1;
        let mut times = 1;
        while let Some(token) = self.token(at) {
            let number = self.meaning(at).number.filter(|number| (1..=2).contains(number));
            match (number, token.text.as_str()) {
                (Some(2), _) | (None, "double") => times = 2,
                (Some(_), _) | (None, "a" | "an") if self.token(at + 1).is_some_and(is_letter) => {}
                _ => break,
            }
            at += 1;
        }
        let token = self.token(at).filter(|token| is_letter(token))?;
        let letter = token.text.chars().next()?;
        let part = known.split_whitespace().position(|word| sounds_like(word, &said.text))?;
        // What was said may be spelled right already: "Anna with two n".
        let word = self.text(with - 1, with);
        let right = if times == 2 { doubled(word, letter)? } else { with_letter(word, letter)? };
        Some(replaced(known, part, &right))
    }

    /// The place of a word in the known name.
    fn part_of(&self, known: &str, at: usize) -> Option<usize> {
        let said = self.token(at)?;
        known.split_whitespace().position(|word| word.to_lowercase() == said.text)
    }
}

/// The known name with what was heard in its place: a whole name replaces it, a part of one that part. `given` and
/// `family` tell which part it was said to be.
pub(super) fn in_place(known: &str, heard: &str, given: bool, family: bool) -> String {
    let parts: Vec<&str> = known.split_whitespace().collect();
    let heard_parts = heard.split_whitespace().count();
    if parts.len() < 2 {
        return heard.to_owned();
    }
    let last = parts.len() - 1;
    if family && !given {
        return format!("{} {heard}", parts[..last].join(" "));
    }
    if given && !family {
        return format!("{heard} {}", parts[last..].join(" "));
    }
    let mut fitting = parts.iter().enumerate().filter(|(_, word)| sounds_like(word, heard));
    match (heard_parts, fitting.next(), fitting.next()) {
        (1, Some((part, _)), None) => replaced(known, part, heard),
        _ => heard.to_owned(),
    }
}

/// Whether two words differ in a letter, long ones in two.
fn sounds_like(word: &str, heard: &str) -> bool {
    let (word, heard) = (word.to_lowercase(), heard.to_lowercase());
    let letters = word.chars().count().min(heard.chars().count());
    letters > 2 && distance(&word, &heard) <= if letters > 4 { 2 } else { 1 }
}

fn is_letter(token: &Token) -> bool {
    token.is_word() && token.text.chars().count() == 1
}

/// The name with another word at a place, which has a capital where the old one had.
fn replaced(known: &str, part: usize, word: &str) -> String {
    let put = |(at, old): (usize, &str)| {
        if at != part {
            return old.to_owned();
        }
        let mut letters = word.chars();
        match (old.chars().next().is_some_and(char::is_uppercase), letters.next()) {
            (true, Some(first)) => first.to_uppercase().chain(letters).collect(),
            _ => word.to_owned(),
        }
    };
    known.split_whitespace().enumerate().map(put).collect::<Vec<String>>().join(" ")
}

/// The word with this letter twice; itself where it has it so.
fn doubled(word: &str, letter: char) -> Option<String> {
    let lower = word.to_lowercase();
    if lower.contains(&format!("{letter}{letter}")) {
        return Some(word.to_owned());
    }
    let mut places = lower.char_indices().filter(|(_, other)| *other == letter);
    let (Some((at, _)), None) = (places.next(), places.next()) else { return None };
    Some(format!("{}{letter}{}", word.get(..at + letter.len_utf8())?, word.get(at + letter.len_utf8()..)?))
}

/// The word with this letter in place of the one that sounds like it; itself where it has it.
fn with_letter(word: &str, letter: char) -> Option<String> {
    let lower = word.to_lowercase();
    if lower.contains(letter) {
        return Some(word.to_owned());
    }
    let sounds = |other: char| ALIKE.iter().any(|alike| alike.contains(letter) && alike.contains(other));
    let mut places = lower.char_indices().filter(|(_, other)| sounds(*other));
    let (Some((at, old)), None) = (places.next(), places.next()) else { return None };
    Some(format!("{}{letter}{}", word.get(..at)?, word.get(at + old.len_utf8()..)?))
}
