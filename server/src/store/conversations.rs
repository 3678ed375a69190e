//! Where conversations stand: the engine's store, in SQL.

use innkeeper_engine::Position;
use innkeeper_engine::runtime::{self, Commit, CommitError, Logged, MessageOutcome, Stored};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde::de::DeserializeOwned;
use uuid::Uuid;

use super::entity::{conversation, inbox, log};
use super::inbox::Outcome;
use super::{Database, Fault, guests, outbox};
use crate::message::{ChannelName, ConversationId, GuestKey, MessageId, Outgoing};

/// A conversation as stored.
pub use super::entity::conversation::Model as ConversationRow;

impl Database {
    /// The guest's conversation that has not ended; a new one where there is none.
    ///
    /// # Errors
    /// The database fails.
    pub async fn conversation(
        &self,
        guest: &GuestKey,
        channel: ChannelName,
    ) -> Result<ConversationId, Fault> {
        if let Some(open) = self.active_conversation(guest).await? {
            return Ok(open);
        }
        let now = self.clock().now();
        let row = conversation::ActiveModel {
            id: ActiveValue::Set(Uuid::new_v4().to_string()),
            channel: ActiveValue::Set(channel.as_str().to_owned()),
            guest: ActiveValue::Set(guest.as_str().to_owned()),
            revision: ActiveValue::Set(0),
            position: ActiveValue::Set(None),
            underway: ActiveValue::Set(None),
            ended: ActiveValue::Set(false),
            started_at: ActiveValue::Set(now),
            updated_at: ActiveValue::Set(now),
        };
        // Where somebody else was faster, theirs is the conversation: the index allows one.
        conversation::Entity::insert(row)
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .exec_without_returning(&self.0.writer)
            .await
            .map_err(Fault::doing("beginning a conversation"))?;
        let begun = self.active_conversation(guest).await?;
        begun.ok_or(Fault::Missing { what: "the conversation that was just begun" })
    }

    /// Ends a conversation from outside: the guest's next message begins another.
    ///
    /// # Errors
    /// The database fails.
    pub async fn end_conversation(&self, id: &ConversationId) -> Result<(), Fault> {
        conversation::Entity::update_many()
            .col_expr(conversation::Column::Ended, Expr::value(true))
            .col_expr(conversation::Column::UpdatedAt, Expr::value(self.clock().now()))
            .filter(conversation::Column::Id.eq(id.as_str()))
            .exec(&self.0.writer)
            .await
            .map_err(Fault::doing("ending a conversation"))?;
        Ok(())
    }

    /// The guest's conversation that has not ended.
    ///
    /// # Errors
    /// The database fails.
    pub async fn active_conversation(&self, guest: &GuestKey) -> Result<Option<ConversationId>, Fault> {
        let row = conversation::Entity::find()
            .filter(conversation::Column::Guest.eq(guest.as_str()))
            .filter(conversation::Column::Ended.eq(false))
            .one(self.reader())
            .await
            .map_err(Fault::doing("looking for a conversation"))?;
        Ok(row.map(|row| ConversationId::new(row.id)))
    }

    /// The last conversations, newest first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn conversations(&self, limit: u64) -> Result<Vec<ConversationRow>, Fault> {
        conversation::Entity::find()
            .order_by_desc(conversation::Column::UpdatedAt)
            .limit(limit)
            .all(self.reader())
            .await
            .map_err(Fault::doing("listing conversations"))
    }

    /// Every input of a conversation, in order: a replay needs nothing else.
    ///
    /// # Errors
    /// The database fails, or holds what cannot be read.
    pub async fn history(&self, conversation: &ConversationId) -> Result<Vec<Logged>, Fault> {
        let rows = log::Entity::find()
            .filter(log::Column::Conversation.eq(conversation.as_str()))
            .order_by_asc(log::Column::Revision)
            .all(self.reader())
            .await
            .map_err(Fault::doing("reading a conversation's log"))?;
        let mut entries = Vec::new();
        for row in rows {
            entries.extend(runtime::read(&row.entries)?);
        }
        Ok(entries)
    }
}

impl runtime::Store for Database {
    type Outgoing = Outgoing;
    type Fault = Fault;

    async fn load(&self, conversation: &str) -> Result<Option<Stored<Outgoing>>, Fault> {
        let row = conversation::Entity::find_by_id(conversation)
            .one(self.reader())
            .await
            .map_err(Fault::doing("loading a conversation"))?;
        let Some(row) = row else { return Ok(None) };
        let Some(position) = row.position else { return Ok(None) };
        Ok(Some(Stored {
            position: Position::from_bytes(&position)?,
            revision: row.revision.unsigned_abs(),
            underway: row.underway.as_deref().map(|bytes| unpacked("a turn under way", bytes)).transpose()?,
        }))
    }

    /// The conversation must have been begun with [`Database::conversation`], and the answered message must be in the
    /// inbox and pending: a message that somebody else answered meanwhile is a conflict.
    async fn commit(&self, commit: Commit<'_, Outgoing>) -> Result<(), CommitError<Fault>> {
        let wakes = !commit.outgoing.is_empty();
        let transaction = self.begin().await.map_err(CommitError::Fault)?;
        match self.write(&transaction, commit).await {
            Ok(()) => {
                let committed = transaction.commit().await;
                committed.map_err(Fault::doing("committing a turn")).map_err(CommitError::Fault)?;
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

    async fn log(&self, conversation: &str) -> Result<Vec<(u64, Vec<Logged>)>, Fault> {
        let rows = log::Entity::find()
            .filter(log::Column::Conversation.eq(conversation))
            .order_by_asc(log::Column::Revision)
            .all(self.reader())
            .await
            .map_err(Fault::doing("reading a conversation's log"))?;
        let entries = |row: log::Model| Ok((row.revision.unsigned_abs(), runtime::read(&row.entries)?));
        rows.into_iter().map(entries).collect()
    }

    async fn forget(&self, _conversation: &str) -> Result<bool, Fault> {
        Ok(false)
    }
}

impl Database {
    async fn write(
        &self,
        transaction: &impl ConnectionTrait,
        commit: Commit<'_, Outgoing>,
    ) -> Result<(), CommitError<Fault>> {
        let now = self.clock().now();
        let fault = |doing| move |source| CommitError::Fault(Fault::Database { doing, source });
        let revision = signed(commit.expected) + 1;
        let position = commit.position.to_bytes().map_err(Fault::from).map_err(CommitError::Fault)?;
        let underway = commit
            .underway
            .map(|underway| packed("a turn under way", underway))
            .transpose()
            .map_err(CommitError::Fault)?;

        let before = conversation::Entity::find_by_id(commit.conversation)
            .one(transaction)
            .await
            .map_err(fault("reading a conversation"))?;
        let resumes = before.is_some_and(|row| row.underway.is_some());
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
            .ok_or(CommitError::Fault(Fault::Missing { what: "the conversation that was just moved on" }))?;

        let entries =
            runtime::append(Vec::new(), commit.log).map_err(Fault::from).map_err(CommitError::Fault)?;
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
            // A turn that goes on after its write-ahead may answer a message that was given up meanwhile.
            if decided.rows_affected == 0 && !resumes {
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

fn packed<T: serde::Serialize>(what: &'static str, value: &T) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec(value).map_err(Fault::shape(what))
}

fn unpacked<T: DeserializeOwned>(what: &'static str, bytes: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(bytes).map_err(Fault::shape(what))
}

/// Something to be stored, as JSON text.
pub(super) fn json<T: serde::Serialize + ?Sized>(what: &'static str, value: &T) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(Fault::shape(what))
}

/// Something stored, from JSON text.
pub(super) fn read<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(Fault::shape(what))
}

fn signed(revision: u64) -> i64 {
    i64::try_from(revision).unwrap_or(i64::MAX)
}
