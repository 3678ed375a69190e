//! One commit of a turn: what is written, and how it becomes one transaction.
//!
//! Everything is encoded and sealed by whoever commits; only writing is left to do. On PostgreSQL a commit is one
//! statement, and so one round trip. On SQLite, which has one writer at a time, commits that come together are written
//! in one transaction by one task ([`group`]).

pub(super) mod group;
mod statement;

use std::sync::Arc;

use chrono::{DateTime, SubsecRound as _, Utc};
use innkeeper_engine::runtime::{self, Commit, CommitError, Entry, MessageOutcome, Stored};
use innkeeper_engine::{Expecting, Input, Waiting};
use serde_json::Value as Json;

use super::inbox::Outcome;
use super::known::{Known, Stands, Whose};
use super::seal::Record;
use super::standing::{Run, Standing};
use super::{Database, Fault, Status, keys, outbox, reachable, standing};
use crate::clock::later;
use crate::config::Patience;
use crate::message::{ChannelName, GuestKey, MessageId, Outgoing};
use crate::mortal;

/// A commit, ready to be written.
#[derive(Debug)]
pub(super) struct Prepared {
    pub(super) whose: Arc<Whose>,
    /// The revision it was computed from.
    pub(super) expected: i64,
    /// Where the conversation stands then, with the end of its log.
    pub(super) position: Vec<u8>,
    pub(super) underway: Option<Vec<u8>>,
    pub(super) ended: bool,
    /// Whether a person has it then.
    pub(super) held: bool,
    pub(super) due: Option<DateTime<Utc>>,
    pub(super) heard_at: Option<DateTime<Utc>>,
    /// The run of the log that becomes a row.
    pub(super) run: Option<Vec<u8>>,
    pub(super) answered: Option<(i64, Outcome)>,
    pub(super) outgoing: Vec<Said>,
    /// Who wants what is sent to them, and where that comes from.
    pub(super) consents: Vec<(GuestKey, String)>,
    pub(super) remember: Vec<(String, Json)>,
    pub(super) at: DateTime<Utc>,
}

/// An outgoing message, ready to be written.
#[derive(Debug)]
pub(super) struct Said {
    /// Its sealed content.
    pub(super) content: Vec<u8>,
    /// The sayings it carries.
    pub(super) says: String,
    /// The way it goes.
    pub(super) channel: String,
    /// Who gets it, where not the conversation's guest.
    pub(super) to: Option<GuestKey>,
    /// Whether it counts as sent: its guest is right here.
    pub(super) is_sent: bool,
}

impl Prepared {
    /// The revision it makes.
    pub(super) fn revision(&self) -> i64 {
        self.expected + 1
    }
}

impl Said {
    /// Where it stands when it is written.
    pub(super) fn status(&self) -> Status {
        if self.is_sent { Status::Sent } else { Status::Queued }
    }

    fn of(whose: &Whose, revision: i64, message: &Outgoing) -> Result<Self, Fault> {
        let (content, says) = outbox::sealed(&whose.key, &whose.id, revision, message)?;
        let home = ChannelName::parse(&whose.channel);
        let is_sent = message.via.or(home).is_some_and(ChannelName::is_local);
        let channel = message.via.map_or_else(|| whose.channel.clone(), |via| via.as_str().to_owned());
        Ok(Self { content, says, channel, to: message.to.clone(), is_sent })
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
        let end = self.end(&known, commit.expected).await.map_err(CommitError::Fault)?;
        let end = end.ok_or(CommitError::Conflict)?;
        let (wakes, over) = (!commit.outgoing.is_empty(), commit.position.is_over());
        let message = match &commit.answered {
            Some(answered) => Some(MessageId::parse(answered.message).ok_or(CommitError::Conflict)?),
            None => None,
        };
        let now = self.clock().now().trunc_subsecs(3);
        let is_strangers = !commit.remember.is_empty()
            && self.began_with_a_stranger(&known.whose).await.map_err(CommitError::Fault)?;
        let (mut prepared, stands) = prepared(known.whose, &end, &commit, message, now, self.0.patience)
            .map_err(CommitError::Fault)?;
        if is_strangers {
            prepared.remember.clear();
        }
        let is_due = prepared.due.is_some();
        mortal::passes("turn.ready");
        let written = match &self.0.group {
            Some(group) => group.write(prepared, stands).await,
            None => self.write_one(prepared, stands).await,
        };
        match written {
            Ok(()) => {
                mortal::passes("turn.committed");
                if over {
                    self.0.known.drop_one(&conversation);
                }
                if wakes {
                    self.outgoing().notify_one();
                }
                if is_due {
                    self.timing().notify_one();
                }
                self.changed();
                Ok(())
            }
            Err(refused) => {
                self.0.known.drop_one(&conversation);
                Err(refused)
            }
        }
    }

    /// Writes a commit by itself, as one statement unless something is to be remembered.
    async fn write_one(&self, prepared: Prepared, stands: Arc<Standing>) -> Result<(), CommitError<Fault>> {
        let written = if prepared.remember.is_empty() && prepared.consents.is_empty() {
            statement::write(self.writer(), &prepared).await.map_err(CommitError::Fault)?
        } else {
            let transaction = self.begin().await.map_err(CommitError::Fault)?;
            let written = statement::write(&*transaction, &prepared).await.map_err(CommitError::Fault)?;
            if written {
                let Prepared { whose, remember, consents, at, .. } = &prepared;
                for (guest, source) in consents {
                    reachable::consented(&*transaction, guest.as_str(), source, *at)
                        .await
                        .map_err(CommitError::Fault)?;
                }
                super::guests::remember(&*transaction, &whose.guest, remember, *at)
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
        self.0.known.moved(&prepared.whose.id, stands);
        Ok(())
    }

    /// What is known of a conversation; `None` for one that was never begun, or was forgotten.
    pub(super) async fn known(&self, conversation: &str) -> Result<Option<Known>, Fault> {
        if let Some(known) = self.0.known.get(conversation) {
            return Ok(Some(known));
        }
        let Some(row) = self.row(conversation).await? else { return Ok(None) };
        let Some(key) = keys::one(self.reader(), conversation).await? else { return Ok(None) };
        let whose = Whose { id: row.id, key, guest: row.guest, channel: row.channel };
        let known = Known { whose: Arc::new(whose), stands: Stands::Unknown };
        self.0.known.put(conversation, known.clone());
        Ok(Some(known))
    }

    /// The end of a conversation's log as it is at this revision; `None` where the conversation is at another. What is
    /// known may be behind; whatever is written is written only if the database has this revision, too.
    async fn end(&self, known: &Known, revision: u64) -> Result<Option<Arc<Run>>, Fault> {
        let at = |stands: &Stands| match stands {
            Stands::Unknown => None,
            Stands::Nowhere => (revision == 0).then(|| Arc::new(Run::new(1))),
            Stands::There(there) => (there.stored.revision == revision).then(|| Arc::clone(&there.end)),
        };
        match at(&known.stands) {
            Some(end) => Ok(Some(end)),
            None => Ok(at(&self.stands(&known.whose).await?)),
        }
    }
}

/// What is to be written, and where the conversation stands then. `end` is the end of its log before.
fn prepared(
    whose: Arc<Whose>,
    end: &Run,
    commit: &Commit<'_, Outgoing>,
    message: Option<MessageId>,
    now: DateTime<Utc>,
    patience: Option<Patience>,
) -> Result<(Prepared, Arc<Standing>), Fault> {
    let (id, key) = (whose.id.as_str(), &whose.key);
    let expected = i64::try_from(commit.expected).unwrap_or(i64::MAX - 1);
    let revision = expected + 1;
    let mut end = end.with(&runtime::append(Vec::new(), commit.log)?);
    let run = if end.is_full() {
        let full = std::mem::replace(&mut end, Run::new(revision + 1));
        Some(full.seal(key, id, revision)?)
    } else {
        None
    };
    let underway = commit.underway.map(|underway| key.seal_json(Record::Underway, id, revision, underway));
    let outgoing = commit.outgoing.iter().map(|message| Said::of(&whose, revision, message));
    let outcome = commit.answered.map(|answered| match answered.outcome {
        MessageOutcome::Answered => Outcome::Answered,
        MessageOutcome::HandedOver => Outcome::HandedOver,
    });
    let is_local = ChannelName::parse(&whose.channel).is_some_and(ChannelName::is_local);
    // Whoever speaks with a guest notices by themselves when the guest is silent.
    let speaks = commit.outgoing.iter().any(|message| message.via.is_some_and(ChannelName::is_spoken));
    let prepared = Prepared {
        expected,
        position: standing::seal(key, id, revision, &commit.position.to_bytes()?, &end)?,
        underway: underway.transpose()?,
        ended: commit.position.is_over(),
        held: commit.position.is_held(),
        due: due(commit, now, patience.filter(|_| !is_local && !speaks)),
        heard_at: heard_at(commit),
        run,
        answered: message.map(|message| message.0).zip(outcome),
        outgoing: outgoing.collect::<Result<_, _>>()?,
        consents: consents(&whose, &commit.outgoing),
        remember: commit.remember.to_vec(),
        at: now,
        whose,
    };
    let stored = Stored {
        position: commit.position.clone(),
        revision: commit.expected + 1,
        underway: commit.underway.cloned(),
    };
    Ok((prepared, Arc::new(Standing { stored, end: Arc::new(end) })))
}

/// Who wants what is sent to them, and where that comes from.
fn consents(whose: &Whose, outgoing: &[Outgoing]) -> Vec<(GuestKey, String)> {
    let consent = |message: &Outgoing| {
        let guest = message.to.clone().unwrap_or_else(|| GuestKey::new(whose.guest.clone()));
        Some((guest, message.consent.clone()?))
    };
    outgoing.iter().filter_map(consent).collect()
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
