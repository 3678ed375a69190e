//! What is spoken to a guest in a call: written un-sent with the turn that says it, and decided by what was heard.
//!
//! A message that is spoken counts as sent only when it was heard to its end. One that was cut off keeps beside its
//! words those that were heard, and nothing of it is ever sent later.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::entity::{inbox, outbox};
use super::inbox::Outcome;
use super::outbox::{Status, heard_only};
use super::{Database, Fault, OutboxRow};
use crate::message::{ChannelName, ConversationId, OutgoingId};

const DOING: &str = "recording what was heard";

/// How much of something spoken was heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listened {
    /// All of it, at this instant.
    Whole(DateTime<Utc>),
    /// These words from its beginning, possibly none, and no more will be.
    Part {
        /// The words.
        heard: String,
        /// Why it ended there: `interrupted`, `hung up`.
        why: &'static str,
    },
}

impl Database {
    /// The messages that a turn speaks, in order, by the revision it made and how many they are.
    ///
    /// # Errors
    /// The database fails.
    pub(crate) async fn spoken_in(
        &self,
        conversation: &ConversationId,
        revision: u64,
        count: usize,
    ) -> Result<Vec<OutgoingId>, Fault> {
        let ids: Vec<i64> = outbox::Entity::find()
            .select_only()
            .column(outbox::Column::Id)
            .filter(outbox::Column::Conversation.eq(conversation.as_str()))
            .filter(outbox::Column::Channel.eq(ChannelName::Call.as_str()))
            .filter(outbox::Column::Revision.lte(i64::try_from(revision).unwrap_or(i64::MAX)))
            .order_by_desc(outbox::Column::Id)
            .limit(count as u64)
            .into_tuple()
            .all(self.reader())
            .await
            .map_err(Fault::doing(DOING))?;
        Ok(ids.into_iter().rev().map(OutgoingId).collect())
    }

    /// Records how much of something spoken was heard. What is decided stays so.
    ///
    /// # Errors
    /// The database fails.
    pub(crate) async fn listened(&self, id: OutgoingId, listened: &Listened) -> Result<(), Fault> {
        match listened {
            Listened::Whole(at) => {
                outbox::Entity::update_many()
                    .col_expr(outbox::Column::Status, Expr::value(Status::Sent))
                    .col_expr(outbox::Column::SentAt, Expr::value(*at))
                    .filter(outbox::Column::Id.eq(id.0))
                    .filter(outbox::Column::Status.eq(Status::Queued))
                    .exec(&self.0.writer)
                    .await
                    .map_err(Fault::doing(DOING))?;
            }
            Listened::Part { heard, why } => {
                let transaction = self.begin().await?;
                let row = outbox::Entity::find_by_id(id.0)
                    .filter(outbox::Column::Status.eq(Status::Queued))
                    .one(&transaction)
                    .await
                    .map_err(Fault::doing(DOING))?;
                if let Some(row) = row {
                    let content = heard_only(&transaction, &row, heard).await?;
                    cut(&transaction, id, content, why).await?;
                }
                transaction.commit().await.map_err(Fault::doing(DOING))?;
            }
        }
        self.changed();
        Ok(())
    }

    /// What is to be spoken to nobody any more: the program stopped in the middle of a call. Says how many messages
    /// there were, in both directions.
    ///
    /// # Errors
    /// The database fails.
    pub async fn end_left_over_calls(&self) -> Result<usize, Fault> {
        let spoken = outbox::Entity::find()
            .filter(outbox::Column::Channel.eq(ChannelName::Call.as_str()))
            .filter(outbox::Column::Status.eq(Status::Queued))
            .filter(self.nobody_elses("outbox.guest"))
            .all(self.reader())
            .await
            .map_err(Fault::doing(DOING))?;
        for row in &spoken {
            let listened = Listened::Part { heard: String::new(), why: "the program stopped" };
            self.listened(OutgoingId(row.id), &listened).await?;
        }
        let said = inbox::Entity::update_many()
            .col_expr(inbox::Column::Outcome, Expr::value(Outcome::Rejected))
            .col_expr(inbox::Column::DecidedAt, Expr::value(self.clock().now()))
            .filter(inbox::Column::Channel.eq(ChannelName::Call.as_str()))
            .filter(inbox::Column::Outcome.eq(Outcome::Pending))
            .filter(self.nobody_elses("inbox.guest"))
            .exec(&self.0.writer)
            .await
            .map_err(Fault::doing(DOING))?;
        Ok(spoken.len() + usize::try_from(said.rows_affected).unwrap_or(0))
    }
}

impl OutboxRow {
    /// The words that the guest got: of what was cut off those that were heard.
    pub fn words(&self) -> &str {
        self.heard.as_deref().unwrap_or(&self.text)
    }
}

async fn cut(
    connection: &impl ConnectionTrait,
    id: OutgoingId,
    content: Option<Vec<u8>>,
    why: &str,
) -> Result<(), Fault> {
    let mut cut = outbox::Entity::update_many()
        .col_expr(outbox::Column::Status, Expr::value(Status::Cut))
        .col_expr(outbox::Column::Error, Expr::value(why))
        .filter(outbox::Column::Id.eq(id.0));
    if let Some(content) = content {
        cut = cut.col_expr(outbox::Column::Content, Expr::value(content));
    }
    cut.exec(connection).await.map_err(Fault::doing(DOING))?;
    Ok(())
}
