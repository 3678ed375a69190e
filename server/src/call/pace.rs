//! How patient a call is, and what is no turn of its own: by what was asked last.

use std::collections::HashSet;

use innkeeper_engine::{Expecting, Say};

use crate::config::CallPace;
use crate::stt::live::Thresholds;

/// What was asked last, as far as listening goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Asks {
    /// Nothing in particular.
    #[default]
    Anything,
    /// Yes or no.
    YesNo,
    /// One of a few, or a count.
    Short,
    /// What people say slowly or spell: dates, names, numbers, codes.
    Slow,
}

/// How a call behaves.
#[derive(Clone, Debug)]
pub struct Manners {
    /// Its pace.
    pub pace: CallPace,
    /// What people say who only show that they listen, in plain lower case.
    pub back_channels: HashSet<String>,
}

impl Asks {
    /// What a saying asks for.
    pub fn of(say: &Say) -> Self {
        match &say.expecting {
            Expecting::Anything | Expecting::Change => Self::Anything,
            Expecting::Confirmation => Self::YesNo,
            Expecting::Slot(_) => match say.kind() {
                Some("boolean") => Self::YesNo,
                Some("choice" | "integer" | "party") => Self::Short,
                Some("date" | "date_range" | "time" | "phone" | "reference" | "person_name") => Self::Slow,
                Some(_) | None => Self::Anything,
            },
        }
    }

    /// When an answer to it counts as over: a yes at once, a date or a code only after a longer pause.
    pub fn thresholds(self) -> Thresholds {
        match self {
            Self::YesNo => Thresholds { end: 0.6, eager: Some(0.4), silence_ms: 700 },
            Self::Short => Thresholds { end: 0.7, eager: Some(0.4), silence_ms: 1000 },
            Self::Anything => Thresholds { end: 0.7, eager: Some(0.5), silence_ms: 1500 },
            Self::Slow => Thresholds { end: 0.8, eager: Some(0.6), silence_ms: 2500 },
        }
    }
}

impl Manners {
    /// Whether words are nothing but signs of listening.
    pub fn is_back_channel(&self, words: &str) -> bool {
        let plain = plain(words);
        let words: Vec<&str> = plain.split(' ').filter(|word| !word.is_empty()).collect();
        if words.is_empty() {
            return false;
        }
        // Each may be of several words; the longest that fits counts.
        let mut left = words.as_slice();
        while !left.is_empty() {
            let fits =
                (1..=left.len()).rev().find(|many| self.back_channels.contains(&left[..*many].join(" ")));
            match fits {
                Some(many) => left = &left[many..],
                None => return false,
            }
        }
        true
    }
}

/// Words in lower case, without signs.
pub fn plain(words: &str) -> String {
    let kept: String = words
        .to_lowercase()
        .chars()
        .filter(|letter| !matches!(letter, '\'' | '’'))
        .map(|letter| if letter.is_alphanumeric() { letter } else { ' ' })
        .collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn only_signs_of_listening_are_nothing() {
        let back_channels = ["mhm", "uh huh", "ok"].map(str::to_owned).into();
        let manners = Manners { pace: CallPace::default(), back_channels };
        for words in ["Mhm.", "uh-huh", "OK, ok", "mhm uh huh"] {
            assert!(manners.is_back_channel(words), "{words}");
        }
        for words in ["", "ok but cheaper", "huh", "no"] {
            assert!(!manners.is_back_channel(words), "{words}");
        }
    }

    #[test]
    fn a_yes_ends_sooner_than_a_date() {
        let (yes, date) = (Asks::YesNo.thresholds(), Asks::Slow.thresholds());
        assert!(yes.end < date.end && yes.silence_ms < date.silence_ms);
    }

    #[test]
    fn patience_shrinks_and_then_ends() {
        let pace = CallPace::default();
        assert!(pace.silence(1) < pace.silence(0));
        assert_eq!(pace.silence(3), pace.silence(9));
        assert!(Duration::ZERO < pace.silence(9));
    }
}
