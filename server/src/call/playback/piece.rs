//! What is said, in pieces: lines, the parts of them that a voice is asked for, and their sound on its way.

use std::ops::Range;

use chrono::{DateTime, Utc};

use crate::call::script::{LineId, letters};
use crate::channel::line::BYTES_PER_MS;
use crate::tts::live::UtteranceId;

/// A line that is being said.
#[derive(Debug)]
pub(super) struct Spoken {
    pub(super) id: LineId,
    pub(super) text: String,
    /// Where something of it had no sound: it cannot be heard whole, nor can anybody say that more was heard.
    pub(super) lost: Option<usize>,
    /// How far it was heard before what was not finished of it is said again from a little before.
    pub(super) heard: usize,
}

/// A part of a line, as the voice is asked for it.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) utterance: UtteranceId,
    pub(super) line: LineId,
    /// Its words, in its line.
    pub(super) words: Range<usize>,
    pub(super) is_last: bool,
    pub(super) sound: Vec<u8>,
    pub(super) sent: usize,
    /// So much of it was surely heard.
    pub(super) heard: usize,
    /// So much of it was likely heard.
    pub(super) likely: usize,
    /// Whether no more of its sound will come.
    pub(super) is_done: bool,
    /// Whether the voice could not say it to its end.
    pub(super) is_cut: bool,
}

/// Sound that was sent with a mark behind it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Chunk {
    pub(super) generation: u64,
    pub(super) utterance: UtteranceId,
    /// So much sound.
    pub(super) bytes: usize,
    /// Up to here in its piece.
    pub(super) upto: usize,
    /// When it would have been played at the earliest.
    pub(super) ends: DateTime<Utc>,
}

impl Spoken {
    /// Words without a sound are not heard.
    pub(super) fn is_silent(&mut self, words: &Range<usize>) {
        if letters(&self.text[words.clone()]) > 0 {
            self.loses(words.start);
        }
    }

    pub(super) fn loses(&mut self, at: usize) {
        self.lost = Some(self.lost.map_or(at, |lost| lost.min(at)));
    }
}

impl Piece {
    /// One whose sound is there.
    pub(super) fn kept(utterance: UtteranceId, line: LineId, words: Range<usize>, sound: &[u8]) -> Self {
        let (sound, is_last) = (sound.to_vec(), true);
        Self {
            utterance,
            line,
            words,
            is_last,
            sound,
            sent: 0,
            heard: 0,
            likely: 0,
            is_done: true,
            is_cut: false,
        }
    }

    /// One that the voice is asked for.
    pub(super) fn asked(utterance: UtteranceId, line: LineId, words: Range<usize>, is_last: bool) -> Self {
        let (is_done, is_cut) = (false, false);
        Self {
            utterance,
            line,
            words,
            is_last,
            sound: Vec::new(),
            sent: 0,
            heard: 0,
            likely: 0,
            is_done,
            is_cut,
        }
    }

    pub(super) fn is_sent(&self) -> bool {
        self.is_done && self.sent >= self.sound.len()
    }

    pub(super) fn is_heard(&self) -> bool {
        self.is_done && self.heard >= self.sound.len()
    }

    pub(super) fn is_likely(&self) -> bool {
        self.is_done && self.likely >= self.sound.len()
    }

    /// The place in its line up to which it was heard, with so much of its sound, at a pace.
    pub(super) fn place(&self, heard: usize, pace: f64) -> usize {
        let length = self.words.len();
        let usual = (length as f64 * pace) as usize * BYTES_PER_MS;
        let whole = if self.is_done && !self.is_cut { self.sound.len() } else { self.sound.len().max(usual) };
        let share = if whole == 0 { 0.0 } else { heard as f64 / whole as f64 };
        self.words.start + (length as f64 * share) as usize
    }
}

impl Chunk {
    pub(super) fn name(&self) -> String {
        format!("{}:{}:{}", self.generation, self.utterance.0, self.upto / BYTES_PER_MS)
    }
}
