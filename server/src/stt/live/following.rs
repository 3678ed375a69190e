//! Whether a provider follows: one that tells how far it has listened, and does not for a while, does not listen.
//!
//! Each is measured by itself: one that has told nothing yet in a call is not judged, and one that took its time is given
//! twice as much.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::BYTES_PER_SECOND;
use crate::clock::later;

/// How long after a provider was found not to follow whoever speaks is told that it takes a moment.
const NOTICED: Duration = Duration::from_millis(200);

/// How long after that another connection may take to catch up.
const CATCHES_UP: Duration = Duration::from_millis(3000);

/// When no sound came for so long, what comes next is another beginning.
const PAUSE: Duration = Duration::from_millis(200);

/// Sound of which a provider has not told that it has listened to it.
#[derive(Debug, Default)]
pub(super) struct Following {
    /// The first that it was sent of it: up to which place, and when.
    first: Option<(u64, DateTime<Utc>)>,
    /// When it was sent any last.
    last: Option<DateTime<Utc>>,
    /// The longest that it took to tell, once it has told.
    slowest: Option<TimeDelta>,
    /// Whether it was told that it does not follow.
    is_told: bool,
}

/// What is to be done about a provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lag {
    /// Nothing.
    None,
    /// This connection is of no use since then.
    Cut(DateTime<Utc>),
    /// What is said now is heard late; this is told once.
    Late,
    /// No connection is.
    Lost,
}

impl Following {
    /// It was sent sound up to a place, and has listened up to another.
    pub(super) fn sent(&mut self, sent: u64, listened: u64, now: DateTime<Utc>) {
        let is_pause = self.last.replace(now).is_some_and(|last| now > later(last, PAUSE));
        if let Some((_, since)) = self.first.filter(|(place, _)| *place <= listened) {
            let took = now - since;
            self.slowest = Some(self.slowest.map_or(took, |slowest| slowest.max(took)));
        }
        // Nobody tells of the last bit before a pause.
        self.first = self.first.filter(|(place, _)| *place > listened && !is_pause);
        if self.first.is_none() && sent > listened {
            self.first = Some((sent, now));
            self.is_told &= !is_pause && listened < sent.saturating_sub(BYTES_PER_SECOND / 2);
        }
    }

    /// How it follows: sound was sent up to a place, on a connection that was made then, to one that tells within so long.
    pub(super) fn lag(
        &mut self,
        (sent, listened): (u64, u64),
        made: DateTime<Utc>,
        tells: Duration,
        now: DateTime<Utc>,
    ) -> Lag {
        let Some((place, since)) = self.first.filter(|(place, _)| *place > listened) else {
            return Lag::None;
        };
        let Some(slowest) = self.slowest.and_then(|slowest| (slowest * 2).to_std().ok()) else {
            return Lag::None;
        };
        let tells = tells.max(slowest);
        let ms = u64::try_from(tells.as_millis()).unwrap_or(u64::MAX);
        // What stands still is not listened to: only more sound shows that it does not follow.
        let is_left_behind = sent >= place + ms * BYTES_PER_SECOND / 1000;
        if is_left_behind && now >= later(since, tells + NOTICED + CATCHES_UP) {
            return Lag::Lost;
        }
        if is_left_behind
            && now >= later(since, tells + NOTICED)
            && !std::mem::replace(&mut self.is_told, true)
        {
            return Lag::Late;
        }
        if is_left_behind && now >= later(since.max(made), tells) { Lag::Cut(since) } else { Lag::None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TELLS: Duration = Duration::from_millis(600);

    fn at(ms: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_800_000_000_000).expect("an instant") + TimeDelta::milliseconds(ms)
    }

    #[test]
    fn a_connection_that_does_not_tell_is_cut_and_then_none_is_any_use() {
        let mut following = told_after(100);
        for now in 6..=34 {
            following.sent(320 + 160 * now, 320, at(20 * now.cast_signed()));
        }
        assert_eq!(following.lag((5000, 320), at(-9000), TELLS, at(690)), Lag::None);
        assert_eq!(following.lag((6000, 320), at(-9000), TELLS, at(740)), Lag::Cut(at(100)));
        assert_eq!(following.lag((6000, 320), at(740), TELLS, at(800)), Lag::None, "another is made");
        assert_eq!(following.lag((7000, 320), at(740), TELLS, at(910)), Lag::Late);
        assert_eq!(following.lag((7000, 320), at(740), TELLS, at(920)), Lag::None);
        assert_eq!(following.lag((9000, 320), at(740), TELLS, at(3910)), Lag::Lost);
    }

    /// Somebody who has told of the first sound after so long, and then of nothing.
    fn told_after(ms: i64) -> Following {
        let mut following = Following::default();
        following.sent(320, 0, at(0));
        for now in 1..=ms / 20 {
            let listened = if now * 20 == ms { 320 } else { 0 };
            following.sent(320 + 160 * now.unsigned_abs(), listened, at(20 * now));
        }
        following
    }

    #[test]
    fn one_that_takes_its_time_is_given_twice_as_much_and_one_that_never_tells_is_not_judged() {
        let mut slow = told_after(1000);
        for now in 51..=145 {
            slow.sent(320 + 160 * now, 320, at(20 * now.cast_signed()));
            let sent = (320 + 160 * now, 320);
            assert_eq!(slow.lag(sent, at(-9000), TELLS, at(20 * now.cast_signed())), Lag::None, "{now}");
        }
        assert_eq!(slow.lag((24_480, 320), at(-9000), TELLS, at(3010)), Lag::Cut(at(1000)));
        let mut silent = Following::default();
        for now in 0..500 {
            silent.sent(320 + 160 * now, 0, at(20 * now.cast_signed()));
            let lag = silent.lag((320 + 160 * now, 0), at(-9000), TELLS, at(20 * now.cast_signed()));
            assert_eq!(lag, Lag::None, "{now}");
        }
    }

    #[test]
    fn one_that_tells_follows_and_silence_on_the_line_is_nobodys_fault() {
        let mut following = Following::default();
        following.sent(320, 0, at(0));
        following.sent(5440, 4800, at(640));
        assert_eq!(following.lag((5440, 4800), at(-9000), TELLS, at(700)), Lag::None);
        let mut stalled = told_after(100);
        assert_eq!(stalled.lag((1120, 320), at(-9000), TELLS, at(1900)), Lag::None);
        stalled.sent(12_000, 320, at(1900));
        assert_eq!(stalled.lag((12_000, 320), at(-9000), TELLS, at(1900)), Lag::None, "it has had no time");
    }
}
