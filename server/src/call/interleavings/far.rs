//! The far end of the line: plays what it is given first in first out, gives marks back, drops everything at a clear.

use std::collections::VecDeque;

use super::oracle::Oracle;
use crate::channel::line::{BYTES_PER_MS, ToSound};

/// A millisecond of sound: which one of which utterance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) utterance: u32,
    pub(super) ms: u32,
}

/// The sound of a prompt that is kept ready: it is no utterance of any voice.
pub(super) const KEPT: u32 = u32::MAX;

impl Slot {
    fn bytes(self) -> [u8; BYTES_PER_MS] {
        let mut bytes = [0; BYTES_PER_MS];
        bytes[..4].copy_from_slice(&self.utterance.to_le_bytes());
        bytes[4..].copy_from_slice(&self.ms.to_le_bytes());
        bytes
    }

    fn read(bytes: &[u8]) -> Self {
        let number = |bytes: &[u8]| u32::from_le_bytes(bytes.try_into().expect("four bytes"));
        Self { utterance: number(&bytes[..4]), ms: number(&bytes[4..]) }
    }
}

/// The sound of these milliseconds of an utterance.
pub(super) fn sound(utterance: u32, ms: std::ops::Range<u32>) -> Vec<u8> {
    ms.flat_map(|ms| Slot { utterance, ms }.bytes()).collect()
}

/// What a sound is of.
pub(super) fn slots(bytes: &[u8]) -> Vec<Slot> {
    bytes.chunks_exact(BYTES_PER_MS).map(Slot::read).collect()
}

/// The player.
#[derive(Debug, Default)]
pub(super) struct FarEnd {
    /// What is queued, with when it begins, and how much of it was played.
    queue: VecDeque<(i64, Vec<Slot>, usize)>,
    /// When everything will have been played.
    end: i64,
    /// Whether the caller is there no more.
    is_gone: bool,
    /// The marks that are queued, with when the play head passes them.
    marks: VecDeque<(i64, String)>,
}

impl FarEnd {
    /// When the play head passes the next mark.
    pub(super) fn next(&self) -> Option<i64> {
        self.marks.front().map(|(at, _)| *at)
    }

    /// Plays up to now; the marks that were passed.
    pub(super) fn plays(&mut self, now: i64, oracle: &mut Oracle) -> Vec<String> {
        while let Some((begins, slots, played)) = self.queue.front_mut() {
            let upto = usize::try_from(now - *begins).unwrap_or(0).min(slots.len());
            for (place, slot) in slots.iter().enumerate().take(upto).skip(*played) {
                oracle.hears(*slot, *begins + i64::try_from(place).expect("a short sound") + 1);
            }
            *played = upto.max(*played);
            if *played < slots.len() {
                break;
            }
            self.queue.pop_front();
        }
        let mut passed = Vec::new();
        while self.marks.front().is_some_and(|(at, _)| *at <= now) {
            passed.extend(self.marks.pop_front().map(|(_, name)| name));
        }
        passed
    }

    /// The caller hangs up: nothing more is played, and no mark comes back.
    pub(super) fn stops(&mut self) {
        self.is_gone = true;
        self.queue.clear();
        self.marks.clear();
    }

    /// Takes an order; the marks that are given back at once.
    pub(super) fn takes(&mut self, order: ToSound, now: i64) -> Vec<String> {
        match order {
            _ if self.is_gone => Vec::new(),
            ToSound::Sound(bytes) => {
                let slots = slots(&bytes);
                let begins = self.end.max(now);
                self.end = begins + i64::try_from(slots.len()).expect("a short sound");
                self.queue.push_back((begins, slots, 0));
                Vec::new()
            }
            ToSound::Mark(name) if self.end <= now => vec![name],
            ToSound::Mark(name) => {
                self.marks.push_back((self.end, name));
                Vec::new()
            }
            ToSound::Clear => {
                self.queue.clear();
                self.end = now;
                std::mem::take(&mut self.marks).into_iter().map(|(_, name)| name).collect()
            }
        }
    }
}
