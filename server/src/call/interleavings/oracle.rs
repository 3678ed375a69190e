//! What was really heard of every word: from the sound that the far end played, and from nothing that the call believes.

use std::collections::HashMap;

use super::far::{KEPT, Slot};
use crate::call::script::{Much, Told};

/// Words that are unlike those of all other texts, in sentences.
#[derive(Debug)]
pub(super) struct Text {
    pub(super) words: Vec<String>,
    /// How often it was given to be said.
    pub(super) says: usize,
}

#[derive(Debug)]
struct Utterance {
    text: usize,
    /// Which of its words, as numbers.
    words: std::ops::Range<usize>,
    /// The milliseconds of each of those words.
    spans: Vec<std::ops::Range<usize>>,
    /// Which time its text is said.
    say: usize,
    /// When each millisecond had been played; never is 0.
    played: Vec<i64>,
    /// Whether its sound must not be sent any more.
    is_dead: bool,
    /// Whether the call has all its sound.
    is_whole: bool,
}

/// What was really heard.
#[derive(Debug, Default)]
pub(super) struct Oracle {
    texts: Vec<Text>,
    /// Words, without signs, by their text and number.
    known: HashMap<String, (usize, usize)>,
    utterances: HashMap<u32, Utterance>,
}

/// How well something was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Judged {
    /// Words that were told as heard.
    pub(super) told: usize,
    /// Words that were heard.
    pub(super) heard: usize,
}

fn bare(word: &str) -> &str {
    word.trim_end_matches(|letter: char| !letter.is_alphanumeric())
}

impl Oracle {
    /// A new text of so many words, each so much longer than it need be.
    pub(super) fn text(&mut self, lengths: impl IntoIterator<Item = usize>) -> String {
        let text = self.texts.len();
        let letters = |mut number: usize, many: usize| -> String {
            let mut letters = String::new();
            for _ in 0..many {
                letters.push(char::from(b'a' + u8::try_from(number % 26).expect("a letter")));
                number /= 26;
            }
            letters
        };
        let mut words: Vec<String> = Vec::new();
        for (number, more) in lengths.into_iter().enumerate() {
            let word = format!("{}{}{}", letters(text, 2), letters(number, 1), "o".repeat(more));
            self.known.insert(word.clone(), (text, number));
            let sign = match (more + number) % 9 {
                0 | 1 => ".",
                2 => ",",
                _ => "",
            };
            words.push(format!("{word}{sign}"));
        }
        let all = words.join(" ");
        self.texts.push(Text { words, says: 0 });
        all
    }

    /// The number of a text.
    pub(super) fn number(&self, text: &str) -> Option<usize> {
        let first = text.split_whitespace().next()?;
        self.known.get(bare(first)).map(|(text, _)| *text)
    }

    /// A text is given to be said.
    pub(super) fn says(&mut self, text: &str) {
        if let Some(number) = self.number(text) {
            self.texts[number].says += 1;
        }
    }

    /// The voice is to say this, which takes so long.
    pub(super) fn ordered(&mut self, utterance: u32, said: &str, ms: usize) {
        let mut words = said.split_whitespace();
        let Some(&(text, first)) = words.next().and_then(|word| self.known.get(bare(word))) else { return };
        let count = said.split_whitespace().count();
        let (mut spans, mut at) = (Vec::new(), 0);
        for word in said.split_whitespace() {
            let begin = at + said[at..].find(word).expect("its word");
            at = begin + word.len();
            // The signs behind a word are no part of it.
            let end = begin + bare(word).len();
            spans.push(begin * ms / said.len()..(end * ms).div_ceil(said.len()).min(ms));
        }
        let say = self.texts[text].says.saturating_sub(1);
        let utterance_of = Utterance {
            text,
            words: first..first + count,
            spans,
            say,
            played: vec![0; ms],
            is_dead: false,
            is_whole: false,
        };
        self.utterances.insert(utterance, utterance_of);
    }

    /// The call has all sound of an utterance.
    pub(super) fn whole(&mut self, utterance: u32) {
        if let Some(utterance) = self.utterances.get_mut(&utterance) {
            utterance.is_whole = true;
        }
    }

    /// The voice was called off: what the call has not all sound of must not be sent.
    pub(super) fn called_off(&mut self, upto: u32) {
        for (_, utterance) in self.utterances.iter_mut().filter(|(id, one)| **id <= upto && !one.is_whole) {
            utterance.is_dead = true;
        }
    }

    /// What is being said of a text is given up.
    pub(super) fn given_up(&mut self, text: usize) {
        for utterance in self.utterances.values_mut().filter(|utterance| utterance.text == text) {
            utterance.is_dead = true;
        }
    }

    /// Whether sound of an utterance must not be sent.
    pub(super) fn is_dead(&self, utterance: u32) -> bool {
        self.utterances.get(&utterance).is_some_and(|utterance| utterance.is_dead)
    }

    /// A millisecond was played.
    pub(super) fn hears(&mut self, slot: Slot, at: i64) {
        if slot.utterance == KEPT {
            return;
        }
        let utterance = self.utterances.get_mut(&slot.utterance).expect("a known utterance");
        let ms = usize::try_from(slot.ms).expect("a short sound");
        utterance.played[ms] = at;
    }

    /// The word of its text that a millisecond of sound is of.
    pub(super) fn word(&self, slot: Slot) -> Option<(usize, usize)> {
        let utterance = self.utterances.get(&slot.utterance)?;
        let ms = usize::try_from(slot.ms).ok()?;
        let at = utterance.spans.iter().position(|span| ms < span.end);
        let at = at.unwrap_or(utterance.spans.len().checked_sub(1)?);
        Some((utterance.text, utterance.words.start + at))
    }

    /// When each word of a text was heard to its end, the time it was said last.
    fn heard(&self, text: usize) -> Vec<Option<i64>> {
        let now = self.texts[text].says.saturating_sub(1);
        let mut heard = vec![None; self.texts[text].words.len()];
        for utterance in self.utterances.values().filter(|one| one.text == text && one.say == now) {
            for (word, span) in utterance.words.clone().zip(&utterance.spans) {
                let played = &utterance.played[span.clone()];
                if !played.is_empty() && played.iter().all(|at| *at > 0) {
                    let at = played.iter().copied().max();
                    heard[word] = match (heard[word], at) {
                        (Some(one), Some(other)) => Some(i64::min(one, other)),
                        (one, other) => one.or(other),
                    };
                }
            }
        }
        heard
    }

    /// When a text had been heard whole; `None` where it was not.
    pub(super) fn heard_whole(&self, text: usize) -> Option<i64> {
        self.heard(text).into_iter().try_fold(0, |latest, at| at.map(|at| i64::max(latest, at)))
    }

    /// How many words of a text were heard from its beginning.
    pub(super) fn heard_words(&self, text: usize) -> usize {
        self.heard(text).iter().take_while(|at| at.is_some()).count()
    }

    /// What is known about a text, for whoever looks for what went wrong.
    pub(super) fn about(&self, text: usize) -> String {
        let mut all = format!("{:?}", self.texts[text]);
        for (id, one) in self.utterances.iter().filter(|(_, one)| one.text == text) {
            let played = one.played.iter().filter(|at| **at > 0).count();
            let (words, say, spans) = (&one.words, one.say, &one.spans);
            all.push_str(&format!("\n{id}: {words:?} of say {say}, {played} ms of {spans:?}"));
        }
        all
    }

    /// Whether what is told of a text is its beginning, and how much of it was heard.
    pub(super) fn judge(&self, text: usize, told: &Told) -> Result<Judged, String> {
        let heard = self.heard_words(text);
        let words = &self.texts[text].words;
        let told = match &told.much {
            Much::Whole(_) => words.len(),
            Much::Part(part) => {
                let part: Vec<&str> = part.split_whitespace().collect();
                let is_beginning = part.iter().zip(words).all(|(one, other)| bare(one) == bare(other));
                if !is_beginning {
                    return Err(format!("{part:?} is not the beginning of {words:?}"));
                }
                part.len()
            }
        };
        Ok(Judged { told, heard })
    }
}
