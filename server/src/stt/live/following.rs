//! Whether a provider follows: one that tells how far it has listened, and does not for a while, does not listen.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::BYTES_PER_SECOND;
use crate::clock::later;

/// How long after a provider was found not to follow whoever speaks is told that it takes a moment.
const NOTICED: Duration = Duration::from_millis(200);

/// How long after that another connection may take to catch up.
const CATCHES_UP: Duration = Duration::from_millis(1500);

/// When no sound came for so long, what comes next is another beginning.
const PAUSE: Duration = Duration::from_millis(200);

/// Sound of which a provider has not told that it has listened to it.
#[derive(Debug, Default)]
pub(super) struct Following {
    /// The first that it was sent of it: up to which place, and when.
    first: Option<(u64, DateTime<Utc>)>,
    /// When it was sent any last.
    last: Option<DateTime<Utc>>,
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
    use chrono::TimeDelta;

    use super::*;

    const TELLS: Duration = Duration::from_millis(600);

    fn at(ms: i64) -> DateTime<Utc> {
        DateTime::from_timestamp_millis(1_800_000_000_000).expect("an instant") + TimeDelta::milliseconds(ms)
    }

    #[test]
    fn a_connection_that_does_not_tell_is_cut_and_then_none_is_any_use() {
        let mut following = Following::default();
        for ms in 0..30 {
            following.sent(320 + ms * 160, 0, at(20 * i64::try_from(ms).expect("few")));
        }
        following.sent(5000, 0, at(590));
        assert_eq!(following.lag((5000, 0), at(-9000), TELLS, at(590)), Lag::None);
        assert_eq!(following.lag((5440, 0), at(-9000), TELLS, at(640)), Lag::Cut(at(0)));
        assert_eq!(following.lag((5440, 0), at(640), TELLS, at(700)), Lag::None, "another is made");
        assert_eq!(following.lag((7000, 0), at(640), TELLS, at(810)), Lag::Late);
        assert_eq!(following.lag((7000, 0), at(640), TELLS, at(820)), Lag::None);
        assert_eq!(following.lag((9000, 0), at(640), TELLS, at(2310)), Lag::Lost);
    }

    #[test]
    fn one_that_tells_follows_and_silence_on_the_line_is_nobodys_fault() {
        let mut following = Following::default();
        following.sent(320, 0, at(0));
        following.sent(5440, 4800, at(640));
        assert_eq!(following.lag((5440, 4800), at(-9000), TELLS, at(700)), Lag::None);
        let mut stalled = Following::default();
        stalled.sent(320, 0, at(0));
        assert_eq!(stalled.lag((320, 0), at(-9000), TELLS, at(1800)), Lag::None);
        stalled.sent(12_000, 0, at(1800));
        assert_eq!(stalled.lag((12_000, 0), at(-9000), TELLS, at(1800)), Lag::None, "it has had no time");
    }
}
