//! What providers say about messages they took, and about guests.

use std::collections::{HashMap, VecDeque};
use std::sync::{MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use super::{ATTEMPTS, NO_REASON, Outbox};
use crate::channel::{Action, Delivery, Refusal, Report};
use crate::message::{ChannelName, GuestIds, GuestKey, OutgoingId};
use crate::store::{Delivered, Fault, OutboxRow, Status};

/// So many reports are kept that are of messages nobody knows yet: a report can be faster than the answer to sending.
const EARLY: usize = 256;

impl Outbox {
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
        self.heard().insert(channel, self.clock.now());
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

    /// When a provider last told something.
    pub(super) async fn heard_of(&self, channel: ChannelName) -> Result<Option<DateTime<Utc>>, Fault> {
        let reported = self.heard().get(&channel).copied();
        Ok(reported.max(self.store.last_received(channel).await?))
    }

    /// Records what was said about a message before anybody knew it.
    pub(super) async fn catch_up(
        &self,
        channel: ChannelName,
        id: OutgoingId,
        provider_id: &str,
    ) -> Result<(), Fault> {
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

    /// What a refusal says about the guest, noted.
    pub(super) async fn learn(
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

    fn heard(&self) -> MutexGuard<'_, HashMap<ChannelName, DateTime<Utc>>> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn early(&self) -> MutexGuard<'_, VecDeque<(ChannelName, Report)>> {
        self.early.lock().unwrap_or_else(PoisonError::into_inner)
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
    let goes_on = match report.refusal.as_ref().map(|refusal| refusal.action) {
        // It goes on as a template, or to a person.
        Some(Action::WindowClosed) => row.attempts < ATTEMPTS,
        // It is tried once more.
        Some(Action::Once) => row.attempts <= 1,
        Some(
            Action::Later
            | Action::Never
            | Action::OptedOut
            | Action::Unreachable
            | Action::OnlyAsAnswer
            | Action::Operator
            | Action::Unheard,
        )
        | None => false,
    };
    let status = match (failed, goes_on && known.is_none_or(|known| known < Delivery::Delivered)) {
        (true, true) if row.status != Status::Failed => Status::Queued,
        (true, _) => Status::Failed,
        // Whatever it says, it says that the provider took the message.
        (false, _) => Status::Sent,
    };
    let provider_id = Some(report.provider_id.clone());
    Some(Delivered { status, delivery: delivery.as_str().to_owned(), provider_id, error })
}
