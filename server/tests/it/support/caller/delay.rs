//! A network that takes its time and keeps the order.

use std::collections::VecDeque;
use std::ops::RangeInclusive;
use std::time::Duration;

use tokio::time::Instant;

/// A stream of numbers from a seed.
#[derive(Clone, Debug)]
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number of a range.
    pub(super) fn within(&mut self, range: &RangeInclusive<u64>) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        range.start() + (self.0 >> 11) % (range.end() - range.start() + 1)
    }
}

/// One way of a network.
#[derive(Debug)]
pub(super) struct Delayed<T> {
    queue: VecDeque<(Instant, T)>,
    latest: Option<Instant>,
}

impl<T> Default for Delayed<T> {
    fn default() -> Self {
        Self { queue: VecDeque::new(), latest: None }
    }
}

impl<T> Delayed<T> {
    /// Puts something on its way; it never comes before what was sent before it.
    pub(super) fn send(&mut self, now: Instant, takes: Duration, thing: T) {
        let at = (now + takes).max(self.latest.unwrap_or(now));
        self.latest = Some(at);
        self.queue.push_back((at, thing));
    }

    /// What has arrived.
    pub(super) fn arrived(&mut self, now: Instant) -> Option<T> {
        if self.queue.front()?.0 > now {
            return None;
        }
        self.queue.pop_front().map(|(_, thing)| thing)
    }

    /// When the next thing arrives.
    pub(super) fn next(&self) -> Option<Instant> {
        self.queue.front().map(|(at, _)| *at)
    }
}
