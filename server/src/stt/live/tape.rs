//! The last seconds of a call's sound, to be heard again on another connection.
//!
//! Places on it are counted in bytes from the beginning of the call; they stay what they are when old sound is
//! forgotten.

use std::collections::VecDeque;

/// The most sound that is kept: eight seconds. A turn may last longer: its older words are known by then.
const MOST_BYTES: usize = 64_000;

/// What is missing is allocated in such steps, and given back when more than two of them are free.
const STEP_BYTES: usize = 8_000;

/// µ-law for silence.
const SILENCE: u8 = 0xFF;

#[derive(Debug, Default)]
pub(super) struct Tape {
    sound: VecDeque<u8>,
    begin: u64,
}

impl Tape {
    /// The place of the oldest sound that is kept.
    pub(super) fn begin(&self) -> u64 {
        self.begin
    }

    /// The place after the newest sound.
    pub(super) fn end(&self) -> u64 {
        self.begin + self.sound.len() as u64
    }

    pub(super) fn record(&mut self, sound: &[u8]) {
        self.make_room(sound.len());
        self.sound.extend(sound);
        self.limit();
    }

    pub(super) fn record_silence(&mut self, bytes: usize) {
        let bytes = bytes.min(MOST_BYTES);
        self.make_room(bytes);
        self.sound.extend(std::iter::repeat_n(SILENCE, bytes));
        self.limit();
    }

    /// Forgets what is before a place.
    pub(super) fn forget(&mut self, before: u64) {
        let count = usize::try_from(before.saturating_sub(self.begin)).unwrap_or(usize::MAX);
        let count = count.min(self.sound.len());
        self.sound.drain(..count);
        self.begin += count as u64;
        if self.sound.capacity() > self.sound.len() + 3 * STEP_BYTES {
            self.sound.shrink_to(self.sound.len() + STEP_BYTES);
        }
    }

    /// So many bytes from a place on, or fewer at the end.
    pub(super) fn play(&self, from: u64, bytes: usize) -> Vec<u8> {
        let skip = usize::try_from(from.saturating_sub(self.begin)).unwrap_or(usize::MAX);
        self.sound.range(skip.min(self.sound.len())..).take(bytes).copied().collect()
    }

    fn make_room(&mut self, bytes: usize) {
        if self.sound.capacity() < self.sound.len() + bytes {
            self.sound.reserve_exact(bytes.max(STEP_BYTES));
        }
    }

    fn limit(&mut self) {
        if self.sound.len() > MOST_BYTES {
            self.forget(self.end() - MOST_BYTES as u64);
        }
    }
}
