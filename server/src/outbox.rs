//! The way out: what turns said is sent, in order for each guest, and followed until it arrives.
//!
//! A message is noted as being sent before it is given to its channel. When no answer comes, or a crash came between,
//! the provider is asked what it took before anything is sent again: a guest may wait for a message, but does not get
//! it twice. A message that cannot be sent holds up what comes after it for the same guest, nobody else's.

mod plan;
mod rates;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::task::JoinSet;

use self::plan::{Plan, Standing, plan};
use self::rates::Paced;
use crate::channel::{
    Action, Body, Channel, Delivery, Outbound, Refusal, Report, SendFault, Sound, TakenSince,
};
use crate::clock::{Clock, later};
use crate::config::{Rates, Templates};
use crate::message::{ChannelName, GuestIds, GuestKey, Outgoing, OutgoingId};
use crate::mortal;
use crate::reply::bubbles;
use crate::store::{Database, Delivered, Fault, OutboxRow, Status, Tried};
use crate::tts::Voice;

/// So many messages are sent at once, each to another guest.
const AT_ONCE: usize = 16;

/// A message is given to its channel so many times at most.
const ATTEMPTS: i32 = 10;

/// A message that was not sent for so long is not sent at all: the guest has moved on, and the channel's window closed.
const STALE: TimeDelta = TimeDelta::hours(24);

/// The pause after a first try that was refused for now; it doubles.
const BACKOFF: Duration = Duration::from_secs(1);

/// The longest pause.
const LONGEST_BACKOFF: Duration = Duration::from_secs(300);

/// How long a try of which no answer came is left alone before the provider is asked about it.
const SETTLING: Duration = Duration::from_secs(5);

/// How long after each try a provider that cannot be asked has to report what it took.
const UNREPORTED: Duration = Duration::from_secs(60);

/// So many reports are kept that are of messages nobody knows yet: a report can be faster than the answer to sending.
const EARLY: usize = 256;

/// Providers write times in whole seconds, by a clock of their own.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::seconds(5);

/// What a report says of a failure without a code.
const NO_REASON: &str = "no reason given";

/// How long to leave a database alone that fails.
const DATABASE_PAUSE: Duration = Duration::from_secs(5);

/// A message in bubbles that its channel takes. Every bubble carries the sayings, so that they count as said when all of
/// it was sent; the buttons are below the last one.
pub fn fitting(channel: ChannelName, message: Outgoing) -> Vec<Outgoing> {
    let Outgoing { text, buttons, says, manner, spoken } = message;
    let texts = bubbles(&text, !buttons.is_empty(), channel.limits());
    let last = texts.len().saturating_sub(1);
    let bubble = |(at, text): (usize, String)| Outgoing {
        text,
        buttons: if at == last { buttons.clone() } else { Vec::new() },
        says: says.clone(),
        manner: manner.clone(),
        spoken,
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
        let (held, early, paced) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { store, clock, channels, templates, held, early, paced, voice: None }
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
                        let guest = GuestKey::new(row.guest.clone());
                        // What is being sent by nobody here is another program's.
                        if flying.contains(&guest) || self.is_held(&guest) || row.status == Status::Sending {
                            continue;
                        }
                        if let Some(at) = row.next_try_at.filter(|at| *at > self.clock.now()) {
                            next = Some(next.map_or(at, |next| next.min(at)));
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
                        if let Some(channel) = ChannelName::parse(&row.channel)
                            && let Err(at) =
                                self.paced().take(channel, &guest, self.clock.now(), self.store.others() + 1)
                        {
                            next = Some(next.map_or(at, |next| next.min(at)));
                            continue;
                        }
                        flying.insert(guest.clone());
                        let outbox = Arc::clone(&self);
                        flights.spawn(async move {
                            outbox.fly(row).await;
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

    /// Notes that a guest wants messages, or none, as a provider says.
    ///
    /// # Errors
    /// The database fails.
    pub async fn consent(&self, guest: &GuestIds, wanted: bool, source: &str) -> Result<(), Fault> {
        let guest = self.store.guest_of(guest).await?;
        if self.store.note_consent(&guest, wanted, source).await? {
            tracing::info!(wanted, source, "a guest said whether they want messages");
        }
        Ok(())
    }

    /// Records what a provider says about a message. `false` where there is no such message.
    ///
    /// # Errors
    /// The database fails.
    pub async fn report(&self, channel: ChannelName, id: OutgoingId, report: &Report) -> Result<bool, Fault> {
        let merged = self.store.deliver(id, |row| merge(channel, row, report)).await?;
        if let (Some(row), Some(refusal)) = (&merged, &report.refusal)
            && report.delivery == Delivery::Failed
        {
            let guest = GuestKey::new(row.guest.clone());
            let line = self.store.reach(&guest).await?.and_then(|reach| reach.line);
            self.learn(row, refusal, &guest, line.as_deref(), channel).await?;
        }
        if let Some(row) = &merged
            && row.status == Status::Failed
            && report.delivery == Delivery::Failed
        {
            let error = report.refusal.as_ref().map_or_else(|| NO_REASON.to_owned(), ToString::to_string);
            let action = report.refusal.as_ref().map(|refusal| refusal.action);
            tracing::error!(message = %id, ?action, error, "a message did not reach its guest");
        }
        // What comes after it may be waiting.
        self.store.outgoing().notify_one();
        Ok(merged.is_some())
    }

    /// Records what a provider says about a message that it may not name by our number. What nobody knows yet is kept
    /// until the answer to sending names it.
    ///
    /// # Errors
    /// The database fails.
    pub async fn report_by(
        &self,
        channel: ChannelName,
        id: Option<OutgoingId>,
        report: &Report,
    ) -> Result<bool, Fault> {
        let id = match id {
            Some(id) => Some(id),
            None => self.store.outgoing_by_provider(channel, &report.provider_id).await?,
        };
        if let Some(id) = id {
            return self.report(channel, id, report).await;
        }
        let mut early = self.early();
        if early.len() == EARLY {
            early.pop_front();
        }
        early.push_back((channel, report.clone()));
        Ok(false)
    }

    /// Records what was said about a message before anybody knew it.
    async fn catch_up(&self, channel: ChannelName, id: OutgoingId, provider_id: &str) -> Result<(), Fault> {
        let is_its =
            |(of, report): &(ChannelName, Report)| *of == channel && report.provider_id == provider_id;
        let reports: Vec<Report> = {
            let mut early = self.early();
            let (its, others): (VecDeque<_>, VecDeque<_>) = early.drain(..).partition(is_its);
            *early = others;
            its.into_iter().map(|(_, report)| report).collect()
        };
        for report in reports {
            self.report(channel, id, &report).await?;
        }
        Ok(())
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

    /// One try of one message, recorded.
    async fn fly(&self, row: OutboxRow) {
        let id = row.number();
        let Err(mut fault) = self.attempt(row).await else { return };
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

    async fn attempt(&self, row: OutboxRow) -> Result<(), Fault> {
        let id = row.number();
        let channel = ChannelName::parse(&row.channel).and_then(|name| self.channels.get(&name));
        let Some(channel) = channel else { return Ok(()) };
        let now = self.clock.now();
        if row.attempts >= ATTEMPTS && row.status == Status::Queued {
            let error = row.error.clone().unwrap_or_else(|| "not sent in time".to_owned());
            tracing::error!(message = %id, attempts = row.attempts, error, "a message is not sent any more");
            return self.store.fail(&row, &error).await;
        }
        let guest = GuestKey::new(row.guest.clone());
        let outgoing = row.outgoing()?;
        let reach = self.store.reach(&guest).await?;
        let (to, line) = reach.map_or_else(|| (row.guest.clone(), None), |reach| (reach.address, reach.line));
        let spoken = outgoing.spoken.then(|| outgoing.text.clone());
        let until = self.store.window_until(&guest, line.as_deref()).await?;
        let standing = Standing {
            is_open: until.is_some_and(|until| now < until),
            is_stale: now - row.created_at > STALE,
            opted_out: self.store.is_opted_out(&guest).await?,
        };
        let templates = self.templates.get(&channel.name());
        let body = match plan(outgoing, standing, templates, channel.limits()) {
            Plan::Send(body) => body,
            // What became of the last try is found out first.
            Plan::Person(body, _) | Plan::Never(body, _) if row.status == Status::Uncertain => body,
            Plan::Person(_, why) if spoken.is_none() => {
                tracing::error!(message = %id, why, "a message is left to a person");
                return self.store.for_person(&row, why).await;
            }
            Plan::Person(_, why) | Plan::Never(_, why) => {
                tracing::warn!(message = %id, why, "a message is not sent");
                return self.store.fail(&row, why).await;
            }
        };
        let body = match spoken {
            Some(words) => match self.sound(&words).await {
                Ok(sound) => Body::Sound(sound),
                Err(reason) => {
                    tracing::warn!(message = %id, reason, "a reply is not spoken; its text was sent");
                    return self.store.fail(&row, &reason).await;
                }
            },
            None => body,
        };
        let outbound = Outbound { id, to, line, body, reply_to: None };

        if row.status == Status::Uncertain {
            let tried_at = row.tried_at.unwrap_or(row.created_at);
            match channel.taken_since(&outbound, tried_at - CLOCKS_DIFFER).await {
                Ok(TakenSince::These(taken)) => {
                    let known = self.store.provider_ids(&guest).await?;
                    if let Some(found) = taken.into_iter().find(|taken| !known.contains(taken)) {
                        return self.store.tried(id, &Tried::Sent(Some(found))).await;
                    }
                }
                Ok(TakenSince::OnlyReported) => {
                    // What it took it would have reported by then, and the message would not be uncertain.
                    let tries = u32::try_from(row.attempts.max(1)).unwrap_or(1);
                    let at = later(tried_at, UNREPORTED.saturating_mul(tries));
                    if at > now {
                        let error = row.error.clone().unwrap_or_else(|| NO_REASON.to_owned());
                        return self.store.tried(id, &Tried::Uncertain { at, error }).await;
                    }
                    tracing::warn!(message = %id, "a message may be sent a second time: nobody said what became of the first");
                }
                Err(fault) => {
                    let at = later(now, self.pause(&row, None));
                    let error = fault.to_string();
                    tracing::warn!(message = %id, error, "whether a message was sent is still unknown");
                    return self.store.tried(id, &Tried::Uncertain { at, error }).await;
                }
            }
            if row.attempts >= ATTEMPTS {
                tracing::error!(message = %id, "a message is not sent any more: no try got an answer");
                return self.store.fail(&row, "no try got an answer").await;
            }
        }
        if !self.store.claim(&row).await? {
            return Ok(());
        }
        mortal::passes("outbox.claimed");
        let answer = channel.send(&outbound).await;
        mortal::passes("outbox.answered");
        let tried = match answer {
            Ok(sent) => {
                let provider_id = sent.provider_id;
                self.store.tried(id, &Tried::Sent(Some(provider_id.clone()))).await?;
                mortal::passes("outbox.recorded");
                return self.catch_up(channel.name(), id, &provider_id).await;
            }
            Err(SendFault::Unknown { reason }) => {
                tracing::warn!(message = %id, attempt = row.attempts + 1, reason, "a message may have been sent");
                Tried::Uncertain { at: later(self.clock.now(), SETTLING), error: reason }
            }
            Err(SendFault::Refused(refusal)) => {
                self.learn(&row, &refusal, &guest, outbound.line.as_deref(), channel.name()).await?;
                self.refused(&row, &refusal, matches!(outbound.body, Body::Template(_)))
            }
        };
        self.store.tried(id, &tried).await
    }

    /// What a refusal says about the guest, noted.
    async fn learn(
        &self,
        row: &OutboxRow,
        refusal: &Refusal,
        guest: &GuestKey,
        line: Option<&str>,
        channel: ChannelName,
    ) -> Result<(), Fault> {
        match refusal.action {
            Action::OptedOut => {
                let code = refusal.code.map(|code| format!(" {code}")).unwrap_or_default();
                let source = format!("{}{code}", channel.as_str());
                if self.store.note_consent(guest, false, &source).await? {
                    tracing::info!(message = row.id, source, "a guest wants no more messages");
                }
            }
            Action::WindowClosed => self.store.close_window(guest, line).await?,
            Action::Later
            | Action::Once
            | Action::Never
            | Action::Unreachable
            | Action::OnlyAsAnswer
            | Action::Operator
            | Action::Unheard => {}
        }
        Ok(())
    }

    /// The words as a sound; or why there is none.
    async fn sound(&self, words: &str) -> Result<Sound, String> {
        let voice = self.voice.as_ref().ok_or("there is no voice")?;
        voice.say(words).await.map_err(|fault| crate::fault::chain(&fault))
    }

    /// What a refusal means for a message.
    fn refused(&self, row: &OutboxRow, refusal: &Refusal, was_template: bool) -> Tried {
        let (id, attempt, error) = (row.number(), row.attempts + 1, refusal.to_string());
        match refusal.action {
            Action::Operator => {
                tracing::error!(message = %id, attempt, error, "a message waits for the operator");
                Tried::Later { at: later(self.clock.now(), self.pause(row, refusal.after)), error }
            }
            Action::Once if row.attempts > 0 => {
                tracing::error!(message = %id, error, "a message was refused again");
                Tried::Failed { error }
            }
            Action::Later | Action::Once => {
                tracing::warn!(message = %id, attempt, error, "a message is sent later");
                Tried::Later { at: later(self.clock.now(), self.pause(row, refusal.after)), error }
            }
            Action::OnlyAsAnswer => {
                tracing::info!(message = %id, error, "a message waits for the guest's next one");
                Tried::Held { error }
            }
            // The window is known to be closed now: the next look finds a template, or a person.
            Action::WindowClosed if !was_template => {
                tracing::warn!(message = %id, error, "a message came too late for free words");
                Tried::Later { at: self.clock.now(), error }
            }
            Action::Never
            | Action::WindowClosed
            | Action::OptedOut
            | Action::Unreachable
            | Action::Unheard => {
                tracing::error!(message = %id, action = ?refusal.action, error, "a message was refused");
                Tried::Failed { error }
            }
        }
    }

    /// The pause before the next try. It is longer for some than for others, so that they do not all come back at
    /// once, and the same whenever it is asked for.
    fn pause(&self, row: &OutboxRow, wanted: Option<Duration>) -> Duration {
        let doubled = BACKOFF.saturating_mul(1 << row.attempts.clamp(0, 16)).min(LONGEST_BACKOFF);
        let pause = wanted.map_or(doubled, |wanted| wanted.max(doubled));
        let spread =
            u32::try_from((row.id.unsigned_abs().wrapping_mul(2_654_435_761) >> 8) % 256).unwrap_or(0);
        pause + pause / 1024 * spread
    }

    fn is_held(&self, guest: &GuestKey) -> bool {
        self.held().contains_key(guest)
    }

    fn early(&self) -> MutexGuard<'_, VecDeque<(ChannelName, Report)>> {
        self.early.lock().unwrap_or_else(PoisonError::into_inner)
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

/// What a report changes about a message; `None` is nothing.
fn merge(channel: ChannelName, row: &OutboxRow, report: &Report) -> Option<Delivered> {
    let of_another_try = row.provider_id.as_ref().is_some_and(|id| *id != report.provider_id);
    if row.channel != channel.as_str() || of_another_try {
        return None;
    }
    let known = row.delivery.as_deref().and_then(Delivery::parse);
    // A try that failed for lack of a window is over; what is still told of it says nothing about the next.
    if known == Some(Delivery::Failed) && !matches!(row.status, Status::Failed | Status::Sent) {
        return None;
    }
    let delivery = known.map_or(report.delivery, |known| known.merged_with(report.delivery));
    let failed = delivery == Delivery::Failed;
    let said = report.refusal.as_ref().map(ToString::to_string);
    let error = if failed { said.or_else(|| row.error.clone()) } else { None };
    let too_late = report.refusal.as_ref().is_some_and(|refusal| refusal.action == Action::WindowClosed);
    let status = match (failed, too_late && known.is_none_or(|known| known < Delivery::Delivered)) {
        // It goes on as a template, or to a person.
        (true, true) if row.attempts < ATTEMPTS && row.status != Status::Failed => Status::Queued,
        (true, _) => Status::Failed,
        // Whatever it says, it says that the provider took the message.
        (false, _) => Status::Sent,
    };
    let provider_id = Some(report.provider_id.clone());
    Some(Delivered { status, delivery: delivery.as_str().to_owned(), provider_id, error })
}

async fn sleep_until(clock: &dyn Clock, at: Option<DateTime<Utc>>) {
    if let Some(at) = at {
        clock.sleep_until(at).await;
    }
}
