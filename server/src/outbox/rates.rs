//! How fast is sent: so many messages a second from one of our addresses, and so many to one guest.

use std::collections::HashMap;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::clock::later;
use crate::config::Rates;
use crate::message::{ChannelName, GuestKey};

/// So many guests' buckets are kept; those that are full are the same as none.
const MOST: usize = 4096;

/// Tokens: each message takes one, and they come back with time.
#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// When it would be full again if nothing more was taken.
    full_at: DateTime<Utc>,
}

impl Bucket {
    /// When the next token can be taken.
    fn free_at(self, every: Duration, burst: u32) -> DateTime<Utc> {
        let all = every.saturating_mul(burst.saturating_sub(1));
        self.full_at - chrono::TimeDelta::from_std(all).unwrap_or_default()
    }

    fn take(&mut self, now: DateTime<Utc>, every: Duration) {
        self.full_at = later(self.full_at.max(now), every);
    }
}

/// How fast was sent lately.
#[derive(Debug, Default)]
pub(super) struct Paced {
    rates: HashMap<ChannelName, Rates>,
    lines: HashMap<ChannelName, Bucket>,
    pairs: HashMap<(ChannelName, GuestKey), Bucket>,
}

impl Paced {
    pub(super) fn set(&mut self, channel: ChannelName, rates: Rates) {
        self.rates.insert(channel, rates);
    }

    /// Takes a token for a message; says when there is one if there is none now. Of several programs on one line each
    /// takes its share.
    pub(super) fn take(
        &mut self,
        channel: ChannelName,
        guest: &GuestKey,
        now: DateTime<Utc>,
        programs: u32,
    ) -> Result<(), DateTime<Utc>> {
        let Some(rates) = self.rates.get(&channel).copied() else { return Ok(()) };
        let every = Duration::from_secs(1) * programs.max(1) / rates.line_per_second.max(1);
        let burst = (rates.line_per_second / programs.max(1)).max(1);
        let full = Bucket { full_at: now };
        let line = self.lines.entry(channel).or_insert(full);
        if self.pairs.len() >= MOST {
            self.pairs.retain(|_, bucket| bucket.full_at > now);
        }
        let pair = self.pairs.entry((channel, guest.clone())).or_insert(full);
        let free = line.free_at(every, burst).max(pair.free_at(rates.pair_every, rates.pair_burst));
        if free > now {
            return Err(free);
        }
        line.take(now, every);
        pair.take(now, rates.pair_every);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use chrono::{DateTime, TimeDelta, Utc};

    use super::{Paced, Rates};
    use crate::message::{ChannelName, GuestKey};

    fn morning() -> DateTime<Utc> {
        "2026-12-01T09:00:00Z".parse().expect("an instant")
    }

    fn paced(line_per_second: u32, pair_burst: u32) -> Paced {
        let mut paced = Paced::default();
        let pair_every = Duration::from_secs(6);
        paced.set(ChannelName::Twilio, Rates { line_per_second, pair_every, pair_burst });
        paced
    }

    /// How many of these tries are let through, each with its milliseconds.
    fn let_through(paced: &mut Paced, guest: &str, at: impl IntoIterator<Item = i64>) -> usize {
        let guest = GuestKey::new(guest);
        let go = |at: &i64| {
            let now = morning() + TimeDelta::milliseconds(*at);
            paced.take(ChannelName::Twilio, &guest, now, 1).is_ok()
        };
        at.into_iter().filter(go).count()
    }

    #[test]
    fn one_guest_gets_a_burst_and_then_one_every_six_seconds() {
        let mut paced = paced(1000, 45);
        assert_eq!(let_through(&mut paced, "ana", (0..100).map(|_| 0)), 45);
        assert_eq!(let_through(&mut paced, "ben", [0]), 1, "guests do not wait for each other");
        assert_eq!(let_through(&mut paced, "ana", (1..=60).map(|second| second * 1000)), 10);
    }

    #[test]
    fn a_line_sends_so_many_a_second() {
        let mut paced = paced(10, 1000);
        assert_eq!(let_through(&mut paced, "ana", (0..100).map(|_| 0)), 10);
        assert_eq!(let_through(&mut paced, "ben", [99]), 0);
        assert_eq!(let_through(&mut paced, "ben", (100..1100).step_by(10)), 10);
    }

    #[test]
    fn who_waits_is_told_how_long() {
        let mut paced = paced(10, 1);
        let ana = GuestKey::new("ana");
        assert_eq!(paced.take(ChannelName::Twilio, &ana, morning(), 1), Ok(()));
        let next = morning() + TimeDelta::seconds(6);
        assert_eq!(paced.take(ChannelName::Twilio, &ana, morning(), 1), Err(next));
        assert_eq!(paced.take(ChannelName::Twilio, &ana, next, 1), Ok(()));
        assert_eq!(paced.take(ChannelName::Meta, &ana, morning(), 1), Ok(()), "no limits are known there");
    }

    #[test]
    fn programs_on_one_line_share_its_rate() {
        let mut paced = paced(9, 1000);
        let take = |paced: &mut Paced| {
            (0..100)
                .filter(|_| paced.take(ChannelName::Twilio, &GuestKey::new("ana"), morning(), 3).is_ok())
                .count()
        };
        assert_eq!(take(&mut paced), 3);
    }
}
