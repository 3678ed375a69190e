//! The play head: what is queued, what of it was heard when, and which marks it has passed.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// µ-law, 8,000 samples a second.
const BYTES_PER_MS: usize = 8;

/// Sound that was heard without a pause.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Piece {
    /// When it began, counted from the start of the stream.
    pub(crate) at: Duration,
    /// How long it is, in bytes; the sound itself may not have been kept.
    pub(crate) bytes: usize,
    /// The sound.
    pub(crate) sound: Vec<u8>,
}

impl Piece {
    /// When it ended.
    pub(crate) fn end(&self) -> Duration {
        self.at + length(self.bytes)
    }
}

#[derive(Debug)]
enum Item {
    Sound { bytes: Vec<u8>, played: usize },
    Mark(String),
}

/// A stream's player.
#[derive(Debug)]
pub(super) struct Player {
    start: Instant,
    /// Up to when everything was played.
    head: Instant,
    queue: VecDeque<Item>,
    keeps: bool,
}

/// How long so much sound is.
pub(super) fn length(bytes: usize) -> Duration {
    Duration::from_micros(bytes as u64 * 1000 / BYTES_PER_MS as u64)
}

impl Player {
    pub(super) fn new(start: Instant, keeps: bool) -> Self {
        Self { start, head: start, queue: VecDeque::new(), keeps }
    }

    pub(super) fn queue_sound(&mut self, now: Instant, bytes: Vec<u8>) {
        if self.queue.is_empty() {
            self.head = now;
        }
        self.queue.push_back(Item::Sound { bytes, played: 0 });
    }

    /// Queues a mark; whether it is given back at once.
    pub(super) fn queue_mark(&mut self, name: &str) -> bool {
        if self.queue.is_empty() {
            return true;
        }
        self.queue.push_back(Item::Mark(name.to_owned()));
        false
    }

    /// How much is queued and not played.
    pub(super) fn queued(&self) -> Duration {
        let bytes = self.queue.iter().map(|item| match item {
            Item::Sound { bytes, played } => bytes.len() - played,
            Item::Mark(_) => 0,
        });
        length(bytes.sum())
    }

    /// Plays up to now; gives the marks that were passed.
    pub(super) fn advance(&mut self, now: Instant, heard: &mut Vec<Piece>) -> Vec<String> {
        let mut marks = Vec::new();
        while let Some(item) = self.queue.front_mut() {
            match item {
                Item::Mark(name) => {
                    marks.push(std::mem::take(name));
                    self.queue.pop_front();
                }
                Item::Sound { bytes, played } => {
                    let time = now.saturating_duration_since(self.head);
                    let can = (time.as_micros() as usize * BYTES_PER_MS / 1000).min(bytes.len() - *played);
                    if can > 0 {
                        let at = self.head - self.start;
                        let (from, to) = (*played, *played + can);
                        note(heard, at, &bytes[from..to], self.keeps);
                        *played = to;
                        self.head += length(can);
                    }
                    if *played < bytes.len() {
                        break;
                    }
                    self.queue.pop_front();
                }
            }
        }
        marks
    }

    /// When something happens next: a piece ends.
    pub(super) fn next(&self) -> Option<Instant> {
        match self.queue.front()? {
            Item::Sound { bytes, played } => Some(self.head + length(bytes.len() - played)),
            Item::Mark(_) => Some(self.head),
        }
    }

    /// Drops what is queued; gives its marks.
    pub(super) fn clear(&mut self) -> Vec<String> {
        let items = std::mem::take(&mut self.queue);
        items
            .into_iter()
            .filter_map(|item| match item {
                Item::Mark(name) => Some(name),
                Item::Sound { .. } => None,
            })
            .collect()
    }
}

fn note(heard: &mut Vec<Piece>, at: Duration, sound: &[u8], keeps: bool) {
    let kept: &[u8] = if keeps { sound } else { &[] };
    match heard.last_mut() {
        // A part of a millisecond is lost in counting.
        Some(last) if at.saturating_sub(last.end()) < Duration::from_millis(1) => {
            last.bytes += sound.len();
            last.sound.extend_from_slice(kept);
        }
        _ => heard.push(Piece { at, bytes: sound.len(), sound: kept.to_vec() }),
    }
}
