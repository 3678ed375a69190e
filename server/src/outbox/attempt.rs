//! One try of one message: what is sent, what became of the try before, and what a refusal means.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::plan::{Plan, Standing, plan};
use super::{ATTEMPTS, NO_REASON, Outbox};
use crate::channel::{Action, Body, Channel, Outbound, Refusal, SendFault, Sound, TakenSince};
use crate::clock::later;
use crate::message::{ChannelName, GuestKey, Outgoing};
use crate::mortal;
use crate::store::{Fault, OutboxRow, Status, Tried};

/// A message that was not sent for so long is not sent at all: the guest has moved on, and the channel's window closed.
const STALE: TimeDelta = TimeDelta::hours(24);

/// The pause after a first try that was refused for now; it doubles.
const BACKOFF: Duration = Duration::from_secs(1);

/// The longest pause.
const LONGEST_BACKOFF: Duration = Duration::from_secs(300);

/// How long a try of which no answer came is left alone before the provider is asked about it.
const SETTLING: Duration = Duration::from_secs(5);

/// A provider that cannot be asked, and that nothing was heard of at all, is waited for so many times longer.
const DEAF: u32 = 10;

/// Providers write times in whole seconds, by a clock of their own.
const CLOCKS_DIFFER: TimeDelta = TimeDelta::seconds(5);

impl Outbox {
    /// One try of one message.
    pub(super) async fn attempt(&self, row: OutboxRow) -> Result<(), Fault> {
        let id = row.number();
        let channel = ChannelName::parse(&row.channel).and_then(|name| self.channels.get(&name));
        let Some(channel) = channel else { return Ok(()) };
        if row.attempts >= ATTEMPTS && row.status == Status::Queued {
            let error = row.error.clone().unwrap_or_else(|| "not sent in time".to_owned());
            tracing::error!(message = %id, attempts = row.attempts, error, "a message is not sent any more");
            return self.store.fail(&row, &error).await;
        }
        let guest = GuestKey::new(row.guest.clone());
        let outgoing = row.outgoing()?;
        let reach = self.store.reach(&guest).await?;
        let words = outgoing.spoken.then(|| outgoing.text.clone());
        let opted_out = match &reach {
            Some(reach) => reach.opted_out,
            // Somebody who never wrote may have said so elsewhere.
            None => self.store.is_opted_out(&guest).await?,
        };
        let open_until = reach.as_ref().and_then(|reach| reach.open_until);
        let plan = self.plan(&row, outgoing, open_until, opted_out, channel.as_ref());
        let (to, line) = reach.map_or_else(|| (row.guest.clone(), None), |reach| (reach.address, reach.line));
        let mut outbound = Outbound { id, to, line, body: plan.form(words.is_some()), reply_to: None };

        if row.status == Status::Uncertain
            && !self.must_send_again(&row, &outbound, &guest, channel.as_ref()).await?
        {
            return Ok(());
        }
        let Some(body) = self.body(&row, plan, words).await? else { return Ok(()) };
        outbound.body = body;
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

    /// How a message may go now.
    fn plan(
        &self,
        row: &OutboxRow,
        outgoing: Outgoing,
        open_until: Option<DateTime<Utc>>,
        opted_out: bool,
        channel: &dyn Channel,
    ) -> Plan {
        let now = self.clock.now();
        let standing = Standing {
            is_open: open_until.is_some_and(|until| now < until),
            is_stale: now - row.created_at > STALE,
            opted_out,
        };
        plan(outgoing, standing, self.templates.get(&channel.name()), channel.limits())
    }

    /// What is sent of a message now, the words as a sound where it is one; `None` where nothing is, which is recorded
    /// then.
    async fn body(&self, row: &OutboxRow, plan: Plan, words: Option<String>) -> Result<Option<Body>, Fault> {
        let id = row.number();
        let why = match (plan, words) {
            (Plan::Send(body), None) => return Ok(Some(body)),
            // A template says nothing that the text before did not say.
            (Plan::Send(Body::Template(_)), Some(_)) => "a sound is no template".to_owned(),
            (Plan::Send(_), Some(words)) => match self.sound(&words).await {
                Ok(sound) => return Ok(Some(Body::Sound(sound))),
                Err(reason) => reason,
            },
            (Plan::Person(_, why), None) => {
                tracing::error!(message = %id, why, "a message is left to a person");
                self.store.for_person(row, why).await?;
                return Ok(None);
            }
            (Plan::Person(_, why), Some(_)) | (Plan::Never(_, why), _) => why.to_owned(),
        };
        tracing::warn!(message = %id, why, "a message is not sent");
        self.store.fail(row, &why).await?;
        Ok(None)
    }

    /// Finds out what became of a try that no answer came of. True where the message must be sent again; what else there
    /// is to say is recorded.
    async fn must_send_again(
        &self,
        row: &OutboxRow,
        outbound: &Outbound,
        guest: &GuestKey,
        channel: &dyn Channel,
    ) -> Result<bool, Fault> {
        let (id, now) = (row.number(), self.clock.now());
        let tried_at = row.tried_at.unwrap_or(row.created_at);
        match channel.taken_since(outbound, tried_at - CLOCKS_DIFFER).await {
            Ok(TakenSince::These(taken)) => {
                let known = self.store.provider_ids(guest).await?;
                if let Some(found) = taken.into_iter().find(|taken| !known.contains(taken)) {
                    self.store.tried(id, &Tried::Sent(Some(found))).await?;
                    mortal::passes("outbox.settled");
                    return Ok(false);
                }
            }
            Ok(TakenSince::OnlyReported(within)) => {
                let tries = u32::try_from(row.attempts.max(1)).unwrap_or(1);
                let last_try = later(tried_at, within.saturating_mul(tries - 1));
                if let Some(at) = self.waits_for_report(channel.name(), last_try, within).await? {
                    let error = row.error.clone().unwrap_or_else(|| NO_REASON.to_owned());
                    self.store.tried(id, &Tried::Uncertain { at, error }).await?;
                    return Ok(false);
                }
                tracing::warn!(message = %id, "a message may be sent a second time: nobody said what became of the first");
            }
            Err(fault) => {
                let at = later(now, self.pause(row, None));
                let error = fault.to_string();
                tracing::warn!(message = %id, error, "whether a message was sent is still unknown");
                self.store.tried(id, &Tried::Uncertain { at, error }).await?;
                return Ok(false);
            }
        }
        if row.attempts >= ATTEMPTS {
            tracing::error!(message = %id, "a message is not sent any more: no try got an answer");
            self.store.fail(row, "no try got an answer").await?;
            return Ok(false);
        }
        Ok(true)
    }

    /// Until when to wait for a report on a try, of a provider that reports within some time on what it took. `None` is
    /// no longer: it was not taken, or nobody will ever know.
    async fn waits_for_report(
        &self,
        channel: ChannelName,
        tried_at: DateTime<Utc>,
        within: Duration,
    ) -> Result<Option<DateTime<Utc>>, Fault> {
        let now = self.clock.now();
        let (soon, at_last) = (later(tried_at, within), later(tried_at, within.saturating_mul(DEAF)));
        if now < soon {
            return Ok(Some(soon));
        }
        // Whoever hears other things of it would have heard that, too; whoever hears nothing may be out of reach.
        let is_heard = self.heard_of(channel).await?.is_some_and(|heard| heard > tried_at);
        Ok((!is_heard && now < at_last).then(|| later(now, within).min(at_last)))
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
}
