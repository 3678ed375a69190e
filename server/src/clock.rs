//! Time: the only place that asks the machine what time it is, and the only one that waits.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use futures::future::BoxFuture;
use tokio::sync::{oneshot, watch};

/// Tells the time and waits.
pub trait Clock: fmt::Debug + Send + Sync {
    /// The present instant.
    fn now(&self) -> DateTime<Utc>;

    /// The present day at a place.
    fn today(&self, zone: Tz) -> NaiveDate {
        self.now().with_timezone(&zone).date_naive()
    }

    /// Waits until an instant; not at all if it has passed. Dropping the future stops the waiting.
    fn sleep_until(&self, at: DateTime<Utc>) -> BoxFuture<'static, ()>;

    /// Waits for a while.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.sleep_until(later(self.now(), duration))
    }
}

/// An instant and a while after it; saturates at the end of time.
pub fn later(at: DateTime<Utc>, duration: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(duration)
        .ok()
        .and_then(|delta| at.checked_add_signed(delta))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

/// An instant a while before one; saturates at the beginning of time.
pub fn earlier(at: DateTime<Utc>, duration: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(duration)
        .ok()
        .and_then(|delta| at.checked_sub_signed(delta))
        .unwrap_or(DateTime::<Utc>::MIN_UTC)
}

/// The machine's own time.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> DateTime<Utc> {
        machine_now()
    }

    fn sleep_until(&self, at: DateTime<Utc>) -> BoxFuture<'static, ()> {
        machine_sleep(at - machine_now())
    }
}

/// The machine's time of day on another day: what `--today` asks for.
///
/// The day is pinned for as long as the program runs. Instants go on past midnight, so that they never run backwards.
#[derive(Clone, Copy, Debug)]
pub struct PinnedClock {
    today: NaiveDate,
    offset: TimeDelta,
}

impl PinnedClock {
    /// Pins the day at a place; the time of day there goes on as it is.
    pub fn new(today: NaiveDate, zone: Tz) -> Self {
        let now = machine_now();
        let time = now.with_timezone(&zone).time();
        Self { today, offset: instant(today, time, zone) - now }
    }
}

impl Clock for PinnedClock {
    fn now(&self) -> DateTime<Utc> {
        machine_now() + self.offset
    }

    fn today(&self, _zone: Tz) -> NaiveDate {
        self.today
    }

    fn sleep_until(&self, at: DateTime<Utc>) -> BoxFuture<'static, ()> {
        machine_sleep(at - self.now())
    }
}

/// A clock that stands still until it is moved: for replays and tests.
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Manual>);

#[derive(Debug)]
struct Manual {
    state: Mutex<ManualState>,
    /// The number of futures that wait.
    waiting: watch::Sender<usize>,
}

#[derive(Debug)]
struct ManualState {
    now: DateTime<Utc>,
    next: u64,
    sleepers: BTreeMap<(DateTime<Utc>, u64), oneshot::Sender<()>>,
}

impl ManualClock {
    /// A clock that stands at an instant.
    pub fn new(now: DateTime<Utc>) -> Self {
        let state = ManualState { now, next: 0, sleepers: BTreeMap::new() };
        Self(Arc::new(Manual { state: Mutex::new(state), waiting: watch::Sender::new(0) }))
    }

    /// Moves on and wakes everybody whose time has come, the earliest first. Each wakes up at its own instant or
    /// later, never before; somebody who then waits again for an instant that has passed does not wait.
    pub fn advance(&self, duration: Duration) {
        let until = later(self.now(), duration);
        loop {
            let mut state = self.lock();
            let due = state.sleepers.first_key_value().map(|(key, _)| *key).filter(|(at, _)| *at <= until);
            let Some(key) = due else {
                state.now = until;
                let count = state.sleepers.len();
                drop(state);
                self.0.waiting.send_replace(count);
                return;
            };
            state.now = state.now.max(key.0);
            if let Some(sleeper) = state.sleepers.remove(&key) {
                // A sleeper that no longer listens was dropped.
                let _ = sleeper.send(());
            }
        }
    }

    /// Waits until that many futures wait for this clock: then it is safe to move it.
    pub async fn waited_for(&self, sleepers: usize) {
        let mut waiting = self.0.waiting.subscribe();
        // The sender is in `self`: it cannot be gone.
        let _ = waiting.wait_for(|count| *count >= sleepers).await;
    }

    /// The number of futures that wait for this clock.
    pub fn sleepers(&self) -> usize {
        self.lock().sleepers.len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, ManualState> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn leave(&self, key: (DateTime<Utc>, u64)) {
        let mut state = self.lock();
        state.sleepers.remove(&key);
        let count = state.sleepers.len();
        drop(state);
        self.0.waiting.send_replace(count);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> DateTime<Utc> {
        self.lock().now
    }

    fn sleep_until(&self, at: DateTime<Utc>) -> BoxFuture<'static, ()> {
        let mut state = self.lock();
        if at <= state.now {
            return Box::pin(std::future::ready(()));
        }
        let key = (at, state.next);
        state.next += 1;
        let (wake, woken) = oneshot::channel();
        state.sleepers.insert(key, wake);
        let count = state.sleepers.len();
        drop(state);
        self.0.waiting.send_replace(count);
        let place = Place { clock: self.clone(), key };
        Box::pin(async move {
            // Only `advance` and `Place` take the sender out; the latter only when this future is gone.
            let _ = woken.await;
            drop(place);
        })
    }
}

/// A sleeper's place; gives it up when the sleeper is dropped.
struct Place {
    clock: ManualClock,
    key: (DateTime<Utc>, u64),
}

impl Drop for Place {
    fn drop(&mut self) {
        self.clock.leave(self.key);
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the clock that the others take their time from")]
fn machine_now() -> DateTime<Utc> {
    Utc::now()
}

#[expect(clippy::disallowed_methods, reason = "this is the clock that the others wait for")]
fn machine_sleep(duration: TimeDelta) -> BoxFuture<'static, ()> {
    match duration.to_std() {
        Ok(duration) => Box::pin(tokio::time::sleep(duration)),
        // Negative: it has passed.
        Err(_) => Box::pin(std::future::ready(())),
    }
}

/// The instant of a day and a time of day at a place; where the clocks go forward past it, the first one after.
fn instant(day: NaiveDate, time: NaiveTime, zone: Tz) -> DateTime<Utc> {
    let local = day.and_time(time);
    zone.from_local_datetime(&local)
        .earliest()
        .or_else(|| zone.from_local_datetime(&(local + TimeDelta::hours(1))).earliest())
        .map_or_else(|| Utc.from_utc_datetime(&local), |instant| instant.with_timezone(&Utc))
}
