//! The calls that are on, and those that are just being put through: each has a token that opens its socket once.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::channel::line::Caller;
use crate::clock::Clock;

/// How long a socket may take to be opened.
const PUT_THROUGH: TimeDelta = TimeDelta::seconds(60);

/// How long it is remembered how a call ended.
const REMEMBERED: TimeDelta = TimeDelta::minutes(10);

/// The calls.
#[derive(Debug)]
pub(super) struct Lines {
    most: usize,
    clock: Arc<dyn Clock>,
    calls: Mutex<HashMap<String, Stage>>,
}

/// How far a call is.
#[derive(Debug)]
enum Stage {
    /// Its socket is expected.
    Expected { token: String, until: DateTime<Utc>, expected: Expected },
    /// It is on.
    On { opening: Uuid, ended_well: bool },
    /// It is over.
    Over { well: bool, until: DateTime<Utc> },
}

/// A call that is being put through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Expected {
    /// Whose call it is.
    pub(super) caller: Caller,
    /// How often it was put through before.
    pub(super) again: u32,
}

/// Why a socket is not served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unexpected {
    /// Nobody was told to open one for this call, or it took too long.
    #[error("no socket of this call is expected")]
    Call,
    /// It is on already.
    #[error("the call has its socket already: a token opens one")]
    Used,
    /// The token is another call's, or none.
    #[error("the token is not this call's")]
    Token,
}

/// A call that is on. While it lives it takes a place.
#[derive(Debug)]
pub(super) struct On {
    lines: Arc<Lines>,
    sid: String,
    opening: Uuid,
}

impl Lines {
    /// So many calls at once.
    pub(super) fn new(most: u32, clock: Arc<dyn Clock>) -> Self {
        Self { most: usize::try_from(most).unwrap_or(usize::MAX), clock, calls: Mutex::default() }
    }

    /// Expects a call's socket; the token that opens it, or none where as many calls are on as may be.
    pub(super) fn expect(&self, sid: &str, expected: Expected) -> Option<String> {
        let now = self.clock.now();
        let mut calls = self.lock();
        calls.retain(|_, stage| match stage {
            Stage::Expected { until, .. } | Stage::Over { until, .. } => *until > now,
            Stage::On { .. } => true,
        });
        let others =
            calls.iter().filter(|(other, stage)| *other != sid && !matches!(stage, Stage::Over { .. }));
        if others.count() >= self.most {
            return None;
        }
        let token = Uuid::new_v4().simple().to_string();
        let stage = Stage::Expected { token: token.clone(), until: now + PUT_THROUGH, expected };
        calls.insert(sid.to_owned(), stage);
        Some(token)
    }

    /// Takes the socket of a call.
    ///
    /// # Errors
    /// [`Unexpected`]; the socket that is expected is so still.
    pub(super) fn open(self: &Arc<Self>, sid: &str, token: &str) -> Result<(Expected, On), Unexpected> {
        let now = self.clock.now();
        let mut calls = self.lock();
        let expected = match calls.get(sid) {
            None | Some(Stage::Over { .. }) => return Err(Unexpected::Call),
            Some(Stage::On { .. }) => return Err(Unexpected::Used),
            Some(Stage::Expected { until, .. }) if *until <= now => return Err(Unexpected::Call),
            Some(Stage::Expected { token: wanted, .. }) if wanted != token => return Err(Unexpected::Token),
            Some(Stage::Expected { expected, .. }) => expected.clone(),
        };
        let opening = Uuid::new_v4();
        calls.insert(sid.to_owned(), Stage::On { opening, ended_well: false });
        Ok((expected, On { lines: Arc::clone(self), sid: sid.to_owned(), opening }))
    }

    /// Whether a call ended as it should: one side hung up.
    pub(super) fn ended_well(&self, sid: &str) -> bool {
        match self.lock().get(sid) {
            Some(Stage::On { ended_well: well, .. } | Stage::Over { well, .. }) => *well,
            Some(Stage::Expected { .. }) | None => false,
        }
    }

    /// So many calls are on.
    #[cfg(test)]
    fn on(&self) -> usize {
        self.lock().values().filter(|stage| matches!(stage, Stage::On { .. })).count()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Stage>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl On {
    /// Notes that the call ends as it should, before its socket does.
    pub(super) fn ends_well(&self) {
        if let Some(Stage::On { opening, ended_well }) = self.lines.lock().get_mut(&self.sid)
            && *opening == self.opening
        {
            *ended_well = true;
        }
    }
}

impl Drop for On {
    fn drop(&mut self) {
        let until = self.lines.clock.now() + REMEMBERED;
        let mut calls = self.lines.lock();
        // It may have been put through again meanwhile.
        if let Some(stage) = calls.get_mut(&self.sid)
            && let Stage::On { opening, ended_well } = *stage
            && opening == self.opening
        {
            *stage = Stage::Over { well: ended_well, until };
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use chrono::{DateTime, Utc};

    use super::{Expected, Lines, Unexpected};
    use crate::channel::line::Caller;
    use crate::clock::ManualClock;
    use crate::message::{GuestIds, GuestKey};

    fn lines(most: u32) -> (Arc<Lines>, ManualClock) {
        let clock = ManualClock::new(DateTime::<Utc>::UNIX_EPOCH);
        (Arc::new(Lines::new(most, Arc::new(clock.clone()))), clock)
    }

    fn somebody() -> Expected {
        let guest = GuestIds::Other(GuestKey::new("phone:+34600000001"));
        Expected { caller: Caller { guest, verified: None, displayed: None, line: None }, again: 0 }
    }

    #[test]
    fn a_token_opens_one_socket_of_its_own_call_for_a_minute() {
        let (lines, clock) = lines(9);
        let token = lines.expect("CA1", somebody()).expect("a place");
        let other = lines.expect("CA2", somebody()).expect("a place");
        assert_eq!(lines.open("CA1", &other).err(), Some(Unexpected::Token));
        assert_eq!(lines.open("CA1", "").err(), Some(Unexpected::Token));
        assert_eq!(lines.open("CA3", &token).err(), Some(Unexpected::Call));
        let on = lines.open("CA1", &token).expect("opened");
        assert_eq!(lines.open("CA1", &token).err(), Some(Unexpected::Used));
        drop(on);
        assert_eq!(lines.open("CA1", &token).err(), Some(Unexpected::Call));
        clock.advance(Duration::from_secs(60));
        assert_eq!(lines.open("CA2", &other).err(), Some(Unexpected::Call), "it is too late");
    }

    #[test]
    fn a_place_is_taken_from_ringing_until_the_end() {
        let (lines, clock) = lines(2);
        let token = lines.expect("CA1", somebody()).expect("a place");
        let (_, on) = lines.open("CA1", &token).expect("opened");
        assert!(lines.expect("CA2", somebody()).is_some());
        assert!(lines.expect("CA2", somebody()).is_some(), "the same call rings again");
        assert!(lines.expect("CA3", somebody()).is_none());
        clock.advance(Duration::from_secs(60));
        assert!(lines.expect("CA3", somebody()).is_some(), "the second was never put through");
        assert!(lines.expect("CA4", somebody()).is_none());
        drop(on);
        assert!(lines.expect("CA4", somebody()).is_some());
        assert_eq!(lines.on(), 0);
    }

    #[test]
    fn how_a_call_ended_is_known_before_its_socket_is_gone_and_after() {
        let (lines, _clock) = lines(9);
        let open = |sid: &str| {
            let token = lines.expect(sid, somebody()).expect("a place");
            lines.open(sid, &token).expect("opened").1
        };
        let on = open("CA1");
        assert!(!lines.ended_well("CA1"));
        on.ends_well();
        assert!(lines.ended_well("CA1"));
        drop(on);
        assert!(lines.ended_well("CA1"));
        drop(open("CA2"));
        assert!(!lines.ended_well("CA2"));
        let first = open("CA3");
        let token = lines.expect("CA3", somebody()).expect("a place");
        first.ends_well();
        drop(first);
        assert!(lines.open("CA3", &token).is_ok(), "the end of the first socket is not that of the second");
    }
}
