//! Sound that holds words, and an ear that finds them.
//!
//! A word is some frames of twenty milliseconds, each of which begins with a mark and says which word it is, which frame
//! of it, and of how many. A word is heard only where all its frames are, in order; a part of one is a noise.

use std::collections::VecDeque;

/// µ-law for silence.
pub(crate) const SILENCE: u8 = 0xFF;

/// Twenty milliseconds.
pub(crate) const FRAME: usize = 160;

const MARK: u8 = 0x01;
const FILLER: u8 = 0x10;
/// Numbers are written from here on, where neither marks nor silence are.
const ZERO: u8 = 0x20;

/// A word and where it was said, in bytes of sound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// What is said, as sound.
#[derive(Clone, Debug, Default)]
pub(crate) struct Speech(Vec<u8>);

impl Speech {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Words at a usual pace: a quarter of a second each, with short gaps. A word that ends in a comma sounds as if more
    /// followed.
    pub(crate) fn say(self, words: &str) -> Self {
        words.split_whitespace().fold(self, |speech, word| speech.word(word, 240).pause(40))
    }

    /// One word that takes so long.
    pub(crate) fn word(mut self, word: &str, ms: usize) -> Self {
        let count = (ms / 20).clamp(1, 90);
        for index in 0..count {
            let mut frame = vec![MARK, number(index), number(count), number(word.len())];
            frame.extend_from_slice(word.as_bytes());
            assert!(frame.len() <= FRAME && word.is_ascii(), "a word of a frame");
            frame.resize(FRAME, FILLER);
            self.0.extend_from_slice(&frame);
        }
        self
    }

    /// A voice without words.
    pub(crate) fn voice(mut self, ms: u64) -> Self {
        let bytes = usize::try_from(ms * 8).expect("a short sound").next_multiple_of(FRAME);
        self.0.extend(std::iter::repeat_n(FILLER, bytes));
        self
    }

    /// Silence.
    pub(crate) fn pause(mut self, ms: usize) -> Self {
        self.0.extend(std::iter::repeat_n(SILENCE, ms * 8));
        self
    }

    /// All of it, µ-law 8 kHz.
    pub(crate) fn sound(self) -> Vec<u8> {
        self.0
    }

    /// All of it in frames of twenty milliseconds, as telephone providers send it.
    pub(crate) fn frames(self) -> Vec<Vec<u8>> {
        self.0.chunks(FRAME).map(<[u8]>::to_vec).collect()
    }
}

fn number(number: usize) -> u8 {
    ZERO + u8::try_from(number).expect("a small number")
}

/// What was heard in twenty milliseconds.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The place after them.
    pub(crate) at: u64,
    /// Whether somebody spoke.
    pub(crate) is_speech: bool,
    /// The word that ended.
    pub(crate) word: Option<Word>,
}

/// Finds words in sound.
pub(crate) struct Ear {
    script: VecDeque<Word>,
    at: u64,
    frame: Vec<u8>,
    silence: usize,
    /// The word that is being said, where it began, and how many frames of it were heard.
    word: Option<(String, u64, usize)>,
}

impl Ear {
    /// An ear that also hears these words at their places.
    pub(crate) fn new(script: Vec<Word>) -> Self {
        Self { script: script.into(), at: 0, frame: Vec::new(), silence: 0, word: None }
    }

    pub(crate) fn hears(&mut self, sound: &[u8]) -> Vec<Step> {
        let mut steps = Vec::new();
        for &byte in sound {
            self.at += 1;
            if self.frame.is_empty() && byte == SILENCE {
                self.silence += 1;
                if self.silence == FRAME {
                    self.silence = 0;
                    self.word = None;
                    steps.push(self.step(false, None));
                }
                continue;
            }
            if byte == MARK || self.frame.len() == FRAME {
                self.frame.clear();
            }
            self.silence = 0;
            self.frame.push(byte);
            if self.frame.len() == FRAME {
                let word = self.whole();
                self.frame.clear();
                steps.push(self.step(true, word));
            }
        }
        steps
    }

    fn step(&mut self, is_speech: bool, word: Option<Word>) -> Step {
        let scripted = self.script.front().is_some_and(|word| word.to <= self.at);
        let word = if scripted { self.script.pop_front() } else { word };
        let now = self.at;
        let speaks = self.script.front().is_some_and(|word| word.from < now);
        // Where there is a script, what the sound is like says nothing.
        let is_speech =
            if self.script.is_empty() && word.is_none() { is_speech } else { speaks || word.is_some() };
        Step { at: self.at, is_speech, word }
    }

    /// The word that a whole frame ends.
    fn whole(&mut self) -> Option<Word> {
        let [MARK, index, count, length, rest @ ..] = self.frame.as_slice() else {
            self.word = None;
            return None;
        };
        let [index, count, length] =
            [index, count, length].map(|byte| usize::from(byte.saturating_sub(ZERO)));
        let text = std::str::from_utf8(rest.get(..length)?).ok()?.to_owned();
        let begin = self.at - FRAME as u64;
        let (text, from, heard) = match self.word.take() {
            _ if index == 0 => (text, begin, 1),
            Some((word, from, heard)) if word == text && heard == index => (word, from, heard + 1),
            _ => return None,
        };
        if heard == count {
            return Some(Word { text, from, to: self.at });
        }
        self.word = Some((text, from, heard));
        None
    }
}
