//! The alarm: wakes conversations when the time has come that they wait for.
//!
//! When that is stands with each conversation, so that it survives a restart; the alarm only looks. Before it wakes a
//! conversation it puts it off for a moment: of several programs that look, one wakes it, and where that one fails it is
//! looked for again.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, SubsecRound as _, Utc};
use futures::future::join_all;

use super::{Answerer, Lanes};
use crate::clock::{Clock, later};
use crate::fault::chain;
use crate::message::ChannelName;
use crate::store::{Database, Due, Fault};

/// So many conversations are woken at once.
const AT_ONCE: u64 = 64;

/// How long a conversation that is being woken is left to whoever wakes it.
const LEASE: Duration = Duration::from_secs(60);

/// At least this often is looked: another program may have written.
const LOOK: Duration = Duration::from_secs(60);

/// How long nothing is tried after the database failed.
const REST: Duration = Duration::from_secs(5);

/// Wakes the conversations of some channels.
pub struct Alarm {
    store: Database,
    clock: Arc<dyn Clock>,
    answerer: Arc<dyn Answerer>,
    lanes: Option<Lanes>,
    channels: Vec<ChannelName>,
}

impl Alarm {
    /// An alarm for channels whose guests are right here.
    pub fn new(
        store: Database,
        clock: Arc<dyn Clock>,
        answerer: Arc<dyn Answerer>,
        channels: &[ChannelName],
    ) -> Self {
        Self { store, clock, answerer, lanes: None, channels: channels.to_vec() }
    }

    /// The same for channels whose messages go through these lanes, too.
    #[must_use]
    pub fn through(mut self, lanes: Lanes, channels: &[ChannelName]) -> Self {
        self.lanes = Some(lanes);
        self.channels.extend(channels);
        self
    }

    /// Wakes whatever is due, for ever.
    pub async fn run(self) {
        loop {
            let timing = self.store.timing().notified();
            let next = match self.ring().await {
                Ok(next) => next,
                Err(fault) => {
                    tracing::error!(error = %chain(&fault), "nobody can be woken; trying again");
                    self.clock.sleep(REST).await;
                    continue;
                }
            };
            let look = later(self.clock.now(), LOOK);
            tokio::select! {
                () = timing => {}
                () = self.clock.sleep_until(next.unwrap_or(look).min(look)) => {}
            }
        }
    }

    /// Wakes what is due now. Says when the next conversation is due.
    ///
    /// # Errors
    /// The database fails.
    pub async fn ring(&self) -> Result<Option<DateTime<Utc>>, Fault> {
        loop {
            let now = self.clock.now();
            let due = self.store.due(now, &self.channels, AT_ONCE).await?;
            if due.is_empty() {
                return self.store.next_due(&self.channels).await;
            }
            let until = later(now, LEASE).trunc_subsecs(3);
            let mut woken = Vec::with_capacity(due.len());
            let mut elsewhere = 0;
            for due in due {
                if !due.channel.is_local() && !self.store.take_guest(&due.guest).await? {
                    // Whoever has the guest wakes them.
                    elsewhere += 1;
                    continue;
                }
                if self.store.put_off(&due, Some(until)).await? {
                    woken.push(self.wake(Due { at: until, ..due }));
                }
            }
            let is_idle = woken.is_empty() && elsewhere > 0;
            join_all(woken).await;
            if is_idle {
                return Ok(Some(later(now, self.store.look_every().unwrap_or(LOOK))));
            }
        }
    }

    async fn wake(&self, due: Due) {
        if let Some(lanes) = self.lanes.as_ref().filter(|_| !due.channel.is_local()) {
            return lanes.wake(due).ended().await;
        }
        if let Err(fault) = self.answerer.wake(&due).await {
            tracing::error!(conversation = %due.conversation, error = %chain(&fault), "a conversation is not woken");
        }
    }
}
