//! The test's time: tokio's own, stopped, so that whoever waits by it and whoever waits by a [`Clock`] wait for the same.

use std::sync::mpsc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::BoxFuture;
use innkeeper::clock::Clock;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
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

/// A way through this machine's network: what went before over any other is there when this is.
pub(super) struct Way(Mutex<(TcpStream, TcpStream)>);

impl Way {
    pub(super) async fn new() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let there = TcpStream::connect(listener.local_addr().expect("an address")).await.expect("a way");
        there.set_nodelay(true).expect("no delay");
        let (here, _) = listener.accept().await.expect("a way");
        Self(Mutex::new((there, here)))
    }

    /// Waits until what is on its way is there.
    pub(super) async fn is_through(&self) {
        let mut ends = self.0.lock().await;
        let (there, here) = &mut *ends;
        there.write_all(&[1]).await.expect("a way");
        here.read_exact(&mut [0]).await.expect("a way");
    }
}

/// While it is kept, a stopped time goes on only when it is told to: tokio does not move it while anything blocks.
pub(super) struct Still(
    #[expect(dead_code, reason = "dropping it lets the blocked thread go")] mpsc::Sender<()>,
);

impl Still {
    pub(super) fn new() -> Self {
        let (go, wait) = mpsc::channel::<()>();
        tokio::task::spawn_blocking(move || wait.recv());
        Self(go)
    }
}
