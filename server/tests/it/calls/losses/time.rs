//! The test's time: tokio's own, stopped, so that whoever waits by it and whoever waits by a [`Clock`] wait for the same.

use std::sync::mpsc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use innkeeper::clock::Clock;
use tokio::time::{Instant, sleep_until};

use crate::rig::morning;

/// tokio's time, told from the morning on.
#[derive(Debug)]
pub(super) struct Stopped {
    since: Instant,
}

impl Stopped {
    pub(super) fn new() -> Self {
        Self { since: Instant::now() }
    }
}

impl Clock for Stopped {
    fn now(&self) -> DateTime<Utc> {
        morning() + TimeDelta::from_std(Instant::now() - self.since).expect("a short test")
    }

    fn sleep_until(&self, at: DateTime<Utc>) -> BoxFuture<'static, ()> {
        let after = (at - morning()).to_std().unwrap_or_default();
        // Who waits for the end of time waits for long.
        let at = self.since + after.min(Duration::from_secs(365 * 24 * 3600));
        Box::pin(sleep_until(at))
    }
}

/// While it is kept, a stopped time goes on only when it is told to: tokio does not move it while anything blocks.
pub(super) struct Still(#[expect(dead_code, reason = "dropping it lets the blocked thread go")] mpsc::Sender<()>);

impl Still {
    pub(super) fn new() -> Self {
        let (go, wait) = mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || wait.recv());
        Self(go)
    }
}
