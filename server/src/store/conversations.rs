//! Where conversations stand: the engine's store, in SQL.

use chrono::{DateTime, Utc};
use innkeeper_engine::runtime::{self, Commit, CommitError, Logged, MessageOutcome, Stored};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde::de::DeserializeOwned;

use super::entity::{conversation, inbox, log};
use super::inbox::Outcome;
use super::{Store, StoreFault, guests, outbox};
use crate::message::{ChannelName, ConversationId, GuestKey, MessageId, Outgoing};

/// A conversation as stored.
pub use super::entity::conversation::Model as ConversationRow;

impl Store {
    /// Begins a conversation. A guest has one that has not ended: where somebody else began another one meanwhile,
    /// this one is not begun, and a commit to it will be a conflict.
    ///
    /// # Errors
    /// The database fails.
    pub async fn begin_conversation(
        &self,
        id: &ConversationId,
        channel: ChannelName,
        guest: &GuestKey,
        at: DateTime<Utc>,
    ) -> Result<(), StoreFault> {
        let row = conversation::ActiveModel {
            id: ActiveValue::Set(id.as_str().to_owned()),
            channel: ActiveValue::Set(channel.as_str().to_owned()),
            guest: ActiveValue::Set(guest.as_str().to_owned()),
            revision: ActiveValue::Set(0),
            position: ActiveValue::Set(None),
            underway: ActiveValue::Set(None),
            ended: ActiveValue::Set(false),
            started_at: ActiveValue::Set(at),
            updated_at: ActiveValue::Set(at),
        };
        conversation::Entity::insert(row)
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .exec_without_returning(&self.0.writer)
            .await
            .map_err(StoreFault::doing("beginning a conversation"))?;
        Ok(())
    }

    /// Ends a conversation from outside: the guest's next message begins another.
    ///
    /// # Errors
    /// The database fails.
    pub async fn end_conversation(&self, id: &ConversationId, at: DateTime<Utc>) -> Result<(), StoreFault> {
        conversation::Entity::update_many()
            .col_expr(conversation::Column::Ended, Expr::value(true))
            .col_expr(conversation::Column::UpdatedAt, Expr::value(at))
            .filter(conversation::Column::Id.eq(id.as_str()))
            .exec(&self.0.writer)
            .await
            .map_err(StoreFault::doing("ending a conversation"))?;
        Ok(())
    }

    /// The guest's conversation that has not ended.
    ///
    /// # Errors
    /// The database fails.
    pub async fn active_conversation(&self, guest: &GuestKey) -> Result<Option<ConversationId>, StoreFault> {
        let row = conversation::Entity::find()
            .filter(conversation::Column::Guest.eq(guest.as_str()))
            .filter(conversation::Column::Ended.eq(false))
            .one(self.reader())
            .await
            .map_err(StoreFault::doing("looking for a conversation"))?;
        Ok(row.map(|row| ConversationId::new(row.id)))
    }

    /// The last conversations, newest first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn conversations(&self, limit: u64) -> Result<Vec<ConversationRow>, StoreFault> {
        conversation::Entity::find()
            .order_by_desc(conversation::Column::UpdatedAt)
            .limit(limit)
            .all(self.reader())
            .await
            .map_err(StoreFault::doing("listing conversations"))
    }

    /// Every input of a conversation, in order: a replay needs nothing else.
    ///
    /// # Errors
    /// The database fails, or holds what cannot be read.
    pub async fn history(&self, conversation: &ConversationId) -> Result<Vec<Logged>, StoreFault> {
        let rows = log::Entity::find()
            .filter(log::Column::Conversation.eq(conversation.as_str()))
            .order_by_asc(log::Column::Revision)
            .all(self.reader())
            .await
            .map_err(StoreFault::doing("reading a conversation's log"))?;
        let mut entries = Vec::new();
        for row in rows {
            entries.extend(read::<Vec<Logged>>("a conversation's log", &row.entries)?);
        }
        Ok(entries)
    }
}

impl runtime::Store for Store {
    type Outgoing = Outgoing;
    type Fault = StoreFault;

    async fn load(&self, conversation: &str) -> Result<Option<Stored>, StoreFault> {
        let row = conversation::Entity::find_by_id(conversation)
            .one(self.reader())
            .await
            .map_err(StoreFault::doing("loading a conversation"))?;
        let Some(row) = row else { return Ok(None) };
        let Some(position) = row.position else { return Ok(None) };
        Ok(Some(Stored {
            position: read("a conversation's position", &position)?,
            revision: row.revision.unsigned_abs(),
            underway: row.underway.as_deref().map(|text| read("a turn under way", text)).transpose()?,
        }))
    }

    /// The conversation must have been begun with [`Store::begin_conversation`], and the answered message must be in the
    /// inbox and pending: a message that somebody else answered meanwhile is a conflict.
    async fn commit(&self, commit: Commit<'_, Outgoing>) -> Result<(), CommitError<StoreFault>> {
        let wakes = !commit.outgoing.is_empty();
        let transaction = self.begin().await.map_err(CommitError::Fault)?;
        match self.write(&transaction, commit).await {
            Ok(()) => {
                let committed = transaction.commit().await;
                committed.map_err(StoreFault::doing("committing a turn")).map_err(CommitError::Fault)?;
                if wakes {
                    self.outgoing().notify_one();
                }
                Ok(())
            }
            Err(refused) => {
                // What matters is why it was refused; a transaction that cannot roll back is gone all the same.
                let _ = transaction.rollback().await;
                Err(refused)
            }
        }
    }
}

impl Store {
    async fn write(
        &self,
        transaction: &impl ConnectionTrait,
        commit: Commit<'_, Outgoing>,
    ) -> Result<(), CommitError<StoreFault>> {
        let now = self.clock().now();
        let fault = |doing| move |source| CommitError::Fault(StoreFault::Database { doing, source });
        let revision = signed(commit.expected) + 1;
        let position = json("a conversation's position", commit.position).map_err(CommitError::Fault)?;
        let underway = commit
            .underway
            .map(|underway| json("a turn under way", underway))
            .transpose()
            .map_err(CommitError::Fault)?;

        let moved = conversation::Entity::update_many()
            .col_expr(conversation::Column::Revision, Expr::value(revision))
            .col_expr(conversation::Column::Position, Expr::value(position))
            .col_expr(conversation::Column::Underway, Expr::value(underway))
            .col_expr(conversation::Column::Ended, Expr::value(commit.position.is_over()))
            .col_expr(conversation::Column::UpdatedAt, Expr::value(now))
            .filter(conversation::Column::Id.eq(commit.conversation))
            .filter(conversation::Column::Revision.eq(signed(commit.expected)))
            .exec(transaction)
            .await
            .map_err(fault("moving a conversation on"))?;
        if moved.rows_affected == 0 {
            return Err(CommitError::Conflict);
        }
        let row = conversation::Entity::find_by_id(commit.conversation)
            .one(transaction)
            .await
            .map_err(fault("reading a conversation back"))?
            .ok_or(CommitError::Fault(StoreFault::Missing {
                what: "the conversation that was just moved on",
            }))?;

        let entries = json("a conversation's log", commit.log).map_err(CommitError::Fault)?;
        let entry = log::ActiveModel {
            conversation: ActiveValue::Set(row.id.clone()),
            revision: ActiveValue::Set(revision),
            entries: ActiveValue::Set(entries),
            written_at: ActiveValue::Set(now),
        };
        entry.insert(transaction).await.map_err(fault("writing a conversation's log"))?;

        if let Some(answered) = commit.answered {
            let outcome = match answered.outcome {
                MessageOutcome::Answered => Outcome::Answered,
                MessageOutcome::HandedOver => Outcome::HandedOver,
            };
            let message = MessageId::parse(answered.message).ok_or(CommitError::Conflict)?;
            let decided = inbox::Entity::update_many()
                .col_expr(inbox::Column::Outcome, Expr::value(outcome))
                .col_expr(inbox::Column::DecidedAt, Expr::value(now))
                .col_expr(inbox::Column::Conversation, Expr::value(commit.conversation))
                .filter(inbox::Column::Id.eq(message.0))
                .filter(inbox::Column::Outcome.eq(Outcome::Pending))
                .exec(transaction)
                .await
                .map_err(fault("recording a message's outcome"))?;
            if decided.rows_affected == 0 {
                return Err(CommitError::Conflict);
            }
        }
        let from = outbox::From {
            guest: &row.guest,
            channel: &row.channel,
            conversation: Some(&row.id),
            revision,
            at: now,
        };
        outbox::put(transaction, &from, &commit.outgoing).await.map_err(CommitError::Fault)?;
        guests::remember(transaction, &row.guest, commit.remember, now).await.map_err(CommitError::Fault)
    }
}

/// Something to be stored, as JSON text.
pub(super) fn json<T: serde::Serialize + ?Sized>(
    what: &'static str,
    value: &T,
) -> Result<String, StoreFault> {
    serde_json::to_string(value).map_err(StoreFault::shape(what))
}

/// Something stored, from JSON text.
pub(super) fn read<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, StoreFault> {
    serde_json::from_str(text).map_err(StoreFault::shape(what))
}

fn signed(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}
