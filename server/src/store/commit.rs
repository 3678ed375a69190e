//! One commit of a turn: what is written, and how it becomes one transaction.
//!
//! Everything is encoded and sealed by whoever commits; only writing is left to do. On PostgreSQL a commit is one
//! statement, and so one round trip. On SQLite, which has one writer at a time, commits that come together are written
//! in one transaction by one task ([`group`]).

pub(super) mod group;
mod statement;

use chrono::{DateTime, SubsecRound as _, Utc};
use innkeeper_engine::runtime::{self, Commit, CommitError, Entry, MessageOutcome, Stored};
use innkeeper_engine::{Expecting, Input, Waiting};
use serde_json::Value as Json;

use super::inbox::Outcome;
use super::known::Known;
use super::seal::Record;
use super::{Database, Fault, keys, outbox};
use crate::clock::later;
use crate::config::Patience;
use crate::message::{ChannelName, MessageId, Outgoing};

/// A commit, ready to be written.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) conversation: String,
    pub(super) guest: String,
    pub(super) channel: String,
    /// The revision it was computed from.
    pub(super) expected: i64,
    pub(super) position: Vec<u8>,
    pub(super) underway: Option<Vec<u8>>,
    pub(super) ended: bool,
    pub(super) due: Option<DateTime<Utc>>,
    pub(super) heard_at: Option<DateTime<Utc>>,
    pub(super) entries: Vec<u8>,
    pub(super) answered: Option<(i64, Outcome)>,
    /// The sealed content of each outgoing message, with its sayings.
    pub(super) outgoing: Vec<(Vec<u8>, String)>,
    pub(super) remember: Vec<(String, Json)>,
    pub(super) at: DateTime<Utc>,
}

impl Prepared {
    /// The revision it makes.
    pub(super) fn revision(&self) -> i64 {
        self.expected + 1
    }

    /// Whether what goes out counts as sent: its guest is right here.
    pub(super) fn is_local(&self) -> bool {
        ChannelName::parse(&self.channel).is_some_and(ChannelName::is_local)
    }
}

impl Database {
    /// The conversation must have been begun with [`Database::conversation`], and the answered message must be in the
    /// inbox and pending: a message that somebody else answered meanwhile is a conflict.
    pub(super) async fn write_turn(&self, commit: Commit<'_, Outgoing>) -> Result<(), CommitError<Fault>> {
        let conversation = commit.conversation.to_owned();
        let known = self.known(&conversation).await.map_err(CommitError::Fault)?;
        // A conversation that was forgotten, or never begun, cannot go on.
        let known = known.ok_or(CommitError::Conflict)?;
        let stands = Stored {
            position: commit.position.clone(),
            revision: commit.expected + 1,
            underway: commit.underway.cloned(),
        };
        let (wakes, over) = (!commit.outgoing.is_empty(), commit.position.is_over());
        let message = match &commit.answered {
            Some(answered) => Some(MessageId::parse(answered.message).ok_or(CommitError::Conflict)?),
            None => None,
        };
        let now = self.clock().now().trunc_subsecs(3);
        let prepared =
            prepared(&known, &commit, message, now, self.0.patience).map_err(CommitError::Fault)?;
        let is_due = prepared.due.is_some();
        let written = match &self.0.group {
            Some(group) => group.write(prepared, stands).await,
            None => self.write_one(prepared, stands).await,
        };
        match written {
            Ok(()) => {
                if over {
                    self.0.known.drop_one(&conversation);
                }
                if wakes {
                    self.outgoing().notify_one();
                }
                if is_due {
                    self.timing().notify_one();
                }
                Ok(())
            }
            Err(refused) => {
                self.0.known.drop_one(&conversation);
                Err(refused)
            }
        }
    }

    /// Writes a commit by itself, as one statement unless something is to be remembered.
    async fn write_one(
        &self,
        prepared: Prepared,
        stands: Stored<Outgoing>,
    ) -> Result<(), CommitError<Fault>> {
        let written = if prepared.remember.is_empty() {
            statement::write(&self.0.writer, &prepared).await.map_err(CommitError::Fault)?
        } else {
            let transaction = self.begin().await.map_err(CommitError::Fault)?;
            let written = statement::write(&transaction, &prepared).await.map_err(CommitError::Fault)?;
            if written {
                let Prepared { guest, remember, at, .. } = &prepared;
                super::guests::remember(&transaction, guest, remember, *at)
                    .await
                    .map_err(CommitError::Fault)?;
            }
            let doing = "committing a turn";
            transaction.commit().await.map_err(Fault::doing(doing)).map_err(CommitError::Fault)?;
            written
        };
        if !written {
            return Err(CommitError::Conflict);
        }
        self.0.known.moved(&prepared.conversation, stands);
        Ok(())
    }

    /// What is known of a conversation; `None` for one that was never begun, or was forgotten.
    pub(super) async fn known(&self, conversation: &str) -> Result<Option<Known>, Fault> {
        if let Some(known) = self.0.known.get(conversation) {
            return Ok(Some(known));
        }
        let Some(row) = self.row(conversation).await? else { return Ok(None) };
        let Some(key) = keys::one(self.reader(), conversation).await? else { return Ok(None) };
        let known = Known { key, guest: row.guest, channel: row.channel, stands: None };
        self.0.known.put(conversation, known.clone());
        Ok(Some(known))
    }
}

fn prepared(
    known: &Known,
    commit: &Commit<'_, Outgoing>,
    message: Option<MessageId>,
    now: DateTime<Utc>,
    patience: Option<Patience>,
) -> Result<Prepared, Fault> {
    let id = commit.conversation;
    let expected = i64::try_from(commit.expected).unwrap_or(i64::MAX - 1);
    let revision = expected + 1;
    let seal = |record, plain: &[u8]| known.key.seal(record, id, revision, plain);
    let underway =
        commit.underway.map(|underway| known.key.seal_json(Record::Underway, id, revision, underway));
    let outgoing = commit.outgoing.iter().map(|message| outbox::sealed(&known.key, id, revision, message));
    let outcome = commit.answered.map(|answered| match answered.outcome {
        MessageOutcome::Answered => Outcome::Answered,
        MessageOutcome::HandedOver => Outcome::HandedOver,
    });
    let channel = ChannelName::parse(&known.channel);
    Ok(Prepared {
        conversation: id.to_owned(),
        guest: known.guest.clone(),
        channel: known.channel.clone(),
        expected,
        position: seal(Record::Position, &commit.position.to_bytes()?)?,
        underway: underway.transpose()?,
        ended: commit.position.is_over(),
        due: due(commit, now, patience.filter(|_| !channel.is_some_and(ChannelName::is_local))),
        heard_at: heard_at(commit),
        entries: seal(Record::Log, &runtime::append(Vec::new(), commit.log)?)?,
        answered: message.map(|message| message.0).zip(outcome),
        outgoing: outgoing.collect::<Result<_, _>>()?,
        remember: commit.remember.to_vec(),
        at: now,
    })
}

/// When a conversation must be woken: at its next delayed transition, or when the guest has been silent for too long
/// after a question.
fn due(
    commit: &Commit<'_, Outgoing>,
    now: DateTime<Utc>,
    patience: Option<Patience>,
) -> Option<DateTime<Utc>> {
    let position = commit.position;
    let asks =
        matches!(position.waiting(), Waiting::Guest { expecting, .. } if *expecting != Expecting::Anything);
    let silence = patience.filter(|_| asks).map(|patience| later(now, patience.after(position.silence())));
    position.due().into_iter().chain(silence).min()
}

/// When the guest was heard in what is committed.
fn heard_at(commit: &Commit<'_, Outgoing>) -> Option<DateTime<Utc>> {
    let is_heard = |entry: &Entry| match entry {
        Entry::Input(Input::Said { .. } | Input::Unreadable) => true,
        Entry::Input(_) | Entry::Mark(_) => false,
    };
    commit
        .log
        .iter()
        .rev()
        .find(|logged| is_heard(&logged.entry))
        .map(|logged| logged.moment.at.trunc_subsecs(3))
}
