//! The way out: what turns said is sent, in order for each guest, and followed until it arrives.
//!
//! A message is noted as being sent before it is given to its channel. When no answer comes, or a crash came between,
//! the provider is asked what it took before anything is sent again: a guest may wait for a message, but does not get
//! it twice. A message that cannot be sent holds up what comes after it for the same guest, nobody else's.

mod attempt;
mod plan;
mod rates;
mod report;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::task::JoinSet;

use self::rates::Paced;
use crate::channel::{Channel, Report};
use crate::clock::{Clock, later};
use crate::config::{Rates, Templates};
use crate::message::{ChannelName, GuestKey, Outgoing, OutgoingId};
use crate::reply::bubbles;
use crate::store::{Database, Fault, OutboxRow, Status, Tried};
use crate::tts::Voice;

/// So many messages are sent at once, each to another guest.
const AT_ONCE: usize = 16;

/// A message is given to its channel so many times at most.
const ATTEMPTS: i32 = 10;

/// What a report says of a failure without a code.
const NO_REASON: &str = "no reason given";

/// How long to leave a database alone that fails.
const DATABASE_PAUSE: Duration = Duration::from_secs(5);

/// A message in bubbles that its channel takes. Every bubble carries the sayings, so that they count as said when all of
/// it was sent; the buttons are below the last one, and that the guest wants it is noted with the first.
pub fn fitting(channel: ChannelName, message: Outgoing) -> Vec<Outgoing> {
    let Outgoing { text, buttons, says, manner, spoken, via, to, consent } = message;
    let texts = bubbles(&text, !buttons.is_empty(), channel.limits());
    let last = texts.len().saturating_sub(1);
    let bubble = |(at, text): (usize, String)| Outgoing {
        text,
        buttons: if at == last { buttons.clone() } else { Vec::new() },
        says: says.clone(),
        manner: manner.clone(),
        spoken,
        via,
        to: to.clone(),
        consent: consent.clone().filter(|_| at == 0),
    };
    texts.into_iter().enumerate().map(bubble).collect()
}

/// Sends what is in the outbox.
pub struct Outbox {
    store: Database,
    clock: Arc<dyn Clock>,
    channels: HashMap<ChannelName, Arc<dyn Channel>>,
    templates: HashMap<ChannelName, Templates>,
    held: Mutex<HashMap<GuestKey, usize>>,
    early: Mutex<VecDeque<(ChannelName, Report)>>,
    /// When each provider last reported on something.
    heard: Mutex<HashMap<ChannelName, DateTime<Utc>>>,
    paced: Mutex<Paced>,
    voice: Option<Arc<dyn Voice>>,
}

impl Outbox {
    /// An outbox that sends through these channels.
    pub fn new(
        store: Database,
        clock: Arc<dyn Clock>,
        channels: impl IntoIterator<Item = Arc<dyn Channel>>,
    ) -> Self {
        let channels = channels.into_iter().map(|channel| (channel.name(), channel)).collect();
        let templates = HashMap::new();
        let (early, heard) = (Mutex::default(), Mutex::default());
        let (held, paced) = (Mutex::default(), Mutex::default());
        Self { store, clock, channels, templates, held, early, heard, paced, voice: None }
    }

    /// The same with a voice for what is sent as a sound; without one such messages fail.
    #[must_use]
    pub fn speaking(mut self, voice: Option<Arc<dyn Voice>>) -> Self {
        self.voice = voice;
        self
    }

    /// The same with templates for guests who can be sent nothing else.
    #[must_use]
    pub fn with_templates(mut self, templates: impl IntoIterator<Item = (ChannelName, Templates)>) -> Self {
        self.templates.extend(templates);
        self
    }

    /// The same, no faster on a channel than this.
    #[must_use]
    pub fn no_faster(self, channel: ChannelName, rates: Rates) -> Self {
        self.paced().set(channel, rates);
        self
    }

    /// Sends whatever there is to send, until the future is dropped. In one program one at a time may run; of several
    /// programs that enrolled each sends to its own guests.
    pub async fn run(self: Arc<Self>) {
        let names: Vec<ChannelName> = self.channels.keys().copied().collect();
        self.pick_up().await;
        let mut flights = JoinSet::new();
        let mut flying = HashSet::new();
        loop {
            // Others may have written, or died.
            let mut next = self.store.look_every().map(|every| later(self.clock.now(), every));
            match self.store.first_waiting(&names).await {
                Ok(rows) => {
                    for row in rows {
                        let guest = row.guest;
                        if flying.contains(&guest) || self.is_held(&guest) {
                            continue;
                        }
                        if let Some(at) = row.next_try_at.filter(|at| *at > self.clock.now()) {
                            next = Some(next.map_or(at, |next| next.min(at)));
                            continue;
                        }
                        if row.status == Status::Sending {
                            // Whoever was sending it is gone, and what they sent has arrived by now or never will.
                            if row.next_try_at.is_some() {
                                next = Some(self.cut_off(row.id).await);
                            }
                            continue;
                        }
                        if flying.len() >= AT_ONCE {
                            break;
                        }
                        match self.store.take_guest(&guest).await {
                            Ok(true) => {}
                            // Another program has them by now.
                            Ok(false) => continue,
                            Err(fault) => {
                                let error = crate::fault::chain(&fault);
                                tracing::error!(error, "whose a guest is cannot be read; trying again");
                                next = Some(later(self.clock.now(), DATABASE_PAUSE));
                                break;
                            }
                        }
                        if let Some(channel) = row.channel
                            && let Err(at) =
                                self.paced().take(channel, &guest, self.clock.now(), self.store.others() + 1)
                        {
                            next = Some(next.map_or(at, |next| next.min(at)));
                            continue;
                        }
                        flying.insert(guest.clone());
                        let outbox = Arc::clone(&self);
                        flights.spawn(async move {
                            outbox.fly(row.id).await;
                            guest
                        });
                    }
                }
                Err(fault) => {
                    tracing::error!(error = %crate::fault::chain(&fault), "the outbox cannot be read; trying again");
                    next = Some(later(self.clock.now(), DATABASE_PAUSE));
                }
            }
            tokio::select! {
                () = self.store.outgoing().notified() => {}
                Some(landed) = flights.join_next() => match landed {
                    Ok(guest) => {
                        flying.remove(&guest);
                    }
                    Err(error) => {
                        tracing::error!(%error, "sending a message ended badly");
                        flying.clear();
                        flights.abort_all();
                        while flights.join_next().await.is_some() {}
                        self.pick_up().await;
                    }
                },
                () = sleep_until(&*self.clock, next), if next.is_some() => {}
            }
        }
    }

    /// Keeps the outbox from sending to a guest for as long as the hold lives: somebody is about to answer them in
    /// another way.
    pub fn hold(self: &Arc<Self>, guest: &GuestKey) -> Hold {
        *self.held().entry(guest.clone()).or_default() += 1;
        Hold { outbox: Arc::clone(self), guest: guest.clone() }
    }

    /// Makes tries that were cut off uncertain.
    async fn pick_up(&self) {
        loop {
            match self.store.interrupted().await {
                Ok(0) => return,
                Ok(count) => {
                    tracing::warn!(
                        count,
                        "messages were being sent when the program stopped; asking the provider"
                    );
                    return;
                }
                Err(fault) => {
                    tracing::error!(error = %crate::fault::chain(&fault), "the outbox cannot be read; trying again");
                    self.clock.sleep(DATABASE_PAUSE).await;
                }
            }
        }
    }

    /// Makes one try that nobody makes any more uncertain. Returns when to look again.
    async fn cut_off(&self, id: OutgoingId) -> DateTime<Utc> {
        let now = self.clock.now();
        match self.store.cut_off(id, now).await {
            Ok(()) => now,
            Err(fault) => {
                tracing::error!(message = %id, error = %crate::fault::chain(&fault), "a try that was cut off cannot be recorded; trying again");
                later(now, DATABASE_PAUSE)
            }
        }
    }

    /// One try of one message, recorded.
    async fn fly(&self, id: OutgoingId) {
        let tried = async {
            match self.store.outgoing_message(id).await? {
                Some(row) => self.attempt(row).await,
                // It was forgotten meanwhile.
                None => Ok(()),
            }
        };
        let Err(mut fault) = tried.await else { return };
        loop {
            tracing::error!(message = %id, error = %crate::fault::chain(&fault), "how sending went cannot be recorded; trying again");
            self.clock.sleep(DATABASE_PAUSE).await;
            let lost = Tried::Uncertain { at: self.clock.now(), error: "the database failed".to_owned() };
            match self.store.tried(id, &lost).await {
                Ok(()) => return,
                Err(again) => fault = again,
            }
        }
    }

    fn is_held(&self, guest: &GuestKey) -> bool {
        self.held().contains_key(guest)
    }

    fn paced(&self) -> MutexGuard<'_, Paced> {
        self.paced.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(&self) -> MutexGuard<'_, HashMap<GuestKey, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the outbox from sending to one guest.
pub struct Hold {
    outbox: Arc<Outbox>,
    guest: GuestKey,
}

impl Hold {
    /// Takes everything that waits for the guest on a channel, in order. It counts as sent from now on.
    ///
    /// # Errors
    /// The database fails; then nothing was taken.
    pub async fn take(&self, channel: ChannelName) -> Result<Vec<OutboxRow>, Fault> {
        self.outbox.store.take_for_answer(&self.guest, channel).await
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut held = self.outbox.held();
        if let Some(count) = held.get_mut(&self.guest) {
            *count -= 1;
            if *count == 0 {
                held.remove(&self.guest);
            }
        }
        drop(held);
        self.outbox.store.outgoing().notify_one();
    }
}

async fn sleep_until(clock: &dyn Clock, at: Option<DateTime<Utc>>) {
    if let Some(at) = at {
        clock.sleep_until(at).await;
    }
}
