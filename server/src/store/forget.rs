//! Forgetting: keys are destroyed, and what could tell whose a row was is blanked.
//!
//! What stays says that there was a conversation, and what became of each message; nobody can tell whose or what about.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Condition, Expr, Query};
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, ExprTrait, QueryFilter,
    QuerySelect,
};
use uuid::Uuid;

use super::entity::{conversation, guest, guest_name, inbox, log, missed, outbox};
use super::inbox::Outcome;
use super::outbox::Status;
use super::{Database, Fault, keys, reachable};
use crate::message::GuestKey;

/// What was forgotten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Forgotten {
    /// Conversations.
    pub conversations: u64,
    /// Inbound messages.
    pub messages: u64,
    /// Outgoing messages.
    pub replies: u64,
    /// Guests.
    pub guests: u64,
}

impl std::ops::AddAssign for Forgotten {
    fn add_assign(&mut self, other: Self) {
        self.conversations += other.conversations;
        self.messages += other.messages;
        self.replies += other.replies;
        self.guests += other.guests;
    }
}

const DOING: &str = "forgetting";

impl Database {
    /// Forgets everything about a guest: every conversation, every message, how they are reached and what is remembered
    /// of them. Messages without an outcome count as rejected, and what was still to be sent is not.
    ///
    /// # Errors
    /// The database fails; then nothing is forgotten.
    pub async fn forget_guest(&self, key: &GuestKey) -> Result<Forgotten, Fault> {
        let key = &self.resolved(key).await?;
        let transaction = self.begin().await?;
        let theirs: Vec<String> = conversation::Entity::find()
            .select_only()
            .column(conversation::Column::Id)
            .filter(conversation::Column::Guest.eq(key.as_str()))
            .into_tuple()
            .all(&*transaction)
            .await
            .map_err(Fault::doing(DOING))?;
        let nobody = format!("forgotten:{}", Uuid::new_v4());
        keys::destroy(&*transaction, theirs.iter().map(String::as_str).chain([key.as_str()])).await?;
        log::Entity::delete_many()
            .filter(log::Column::Conversation.is_in(theirs.iter().map(String::as_str)))
            .exec(&*transaction)
            .await
            .map_err(Fault::doing(DOING))?;
        let conversations =
            blank(&transaction, conversation::Column::Guest.eq(key.as_str()).into(), Some(&nobody)).await?;
        let messages = blank_inbox(
            &transaction,
            inbox::Column::Guest.eq(key.as_str()).into(),
            Some(&nobody),
            self.clock().now(),
        )
        .await?;
        let replies =
            blank_outbox(&transaction, outbox::Column::Guest.eq(key.as_str()).into(), Some(&nobody)).await?;
        guest_name::Entity::delete_many()
            .filter(guest_name::Column::Guest.eq(key.as_str()))
            .exec(&*transaction)
            .await
            .map_err(Fault::doing(DOING))?;
        reachable::forget(&*transaction, key.as_str()).await?;
        let guests = guest::Entity::delete_many()
            .filter(guest::Column::Id.eq(key.as_str()))
            .exec(&*transaction)
            .await
            .map_err(Fault::doing(DOING))?
            .rows_affected;
        transaction.commit().await.map_err(Fault::doing(DOING))?;
        self.0.known.clear();
        Ok(Forgotten { conversations, messages, replies, guests })
    }

    /// Forgets one conversation; its guest stays known.
    pub(super) async fn forget_conversation(&self, id: &str) -> Result<bool, Fault> {
        let transaction = self.begin().await?;
        let destroyed = keys::destroy(&*transaction, [id]).await?;
        log::Entity::delete_many()
            .filter(log::Column::Conversation.eq(id))
            .exec(&*transaction)
            .await
            .map_err(Fault::doing(DOING))?;
        blank(&transaction, conversation::Column::Id.eq(id).into(), None).await?;
        let answered = Query::select()
            .column(inbox::Column::Id)
            .from(inbox::Entity)
            .and_where(inbox::Column::Conversation.eq(id))
            .take();
        let said = Condition::any()
            .add(inbox::Column::Conversation.eq(id))
            .add(inbox::Column::MergedInto.in_subquery(answered));
        blank_inbox(&transaction, said, None, self.clock().now()).await?;
        blank_outbox(&transaction, outbox::Column::Conversation.eq(id).into(), None).await?;
        transaction.commit().await.map_err(Fault::doing(DOING))?;
        self.0.known.drop_one(id);
        Ok(destroyed > 0)
    }

    /// Lets go of the room that forgotten rows took, so that not even their sealed form is left in the files.
    ///
    /// # Errors
    /// The database fails, for example because another program uses it.
    pub async fn compact(&self) -> Result<(), Fault> {
        let statements: &[&str] = match self.writer().get_database_backend() {
            DbBackend::Sqlite => &["VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"],
            _ => &[
                "VACUUM conversations",
                "VACUUM log",
                "VACUUM inbox",
                "VACUUM outbox",
                "VACUUM guests",
                "VACUUM guest_names",
                "VACUUM windows",
                "VACUUM consents",
                "VACUUM keys",
            ],
        };
        for statement in statements {
            self.writer().execute_unprepared(statement).await.map_err(Fault::doing("letting go of room"))?;
        }
        Ok(())
    }
}

async fn blank(
    transaction: &DatabaseTransaction,
    which: Condition,
    nobody: Option<&str>,
) -> Result<u64, Fault> {
    use conversation::Column;
    let mut update = conversation::Entity::update_many()
        .col_expr(Column::Position, Expr::value(None::<Vec<u8>>))
        .col_expr(Column::Underway, Expr::value(None::<Vec<u8>>))
        .col_expr(Column::Due, Expr::value(None::<DateTime<Utc>>))
        .col_expr(Column::HeardAt, Expr::value(None::<DateTime<Utc>>))
        .col_expr(Column::Ended, Expr::value(true))
        .col_expr(Column::Forgotten, Expr::value(true))
        .col_expr(Column::Revision, Expr::col(Column::Revision).add(1));
    if let Some(nobody) = nobody {
        update = update.col_expr(Column::Guest, Expr::value(nobody));
    }
    let blanked = update.filter(which).exec(transaction).await.map_err(Fault::doing(DOING))?;
    Ok(blanked.rows_affected)
}

async fn blank_inbox(
    transaction: &DatabaseTransaction,
    which: Condition,
    nobody: Option<&str>,
    now: DateTime<Utc>,
) -> Result<u64, Fault> {
    use inbox::Column;
    inbox::Entity::update_many()
        .col_expr(Column::Outcome, Expr::value(Outcome::Rejected))
        .col_expr(Column::DecidedAt, Expr::value(now))
        .filter(which.clone())
        .filter(Column::Outcome.eq(Outcome::Pending))
        .exec(transaction)
        .await
        .map_err(Fault::doing(DOING))?;
    let theirs = Query::select().column(Column::Id).from(inbox::Entity).cond_where(which.clone()).take();
    missed::Entity::delete_many()
        .filter(missed::Column::Message.in_subquery(theirs))
        .exec(transaction)
        .await
        .map_err(Fault::doing(DOING))?;
    let mut update = inbox::Entity::update_many().col_expr(Column::Content, Expr::value(None::<Vec<u8>>));
    if let Some(nobody) = nobody {
        update = update.col_expr(Column::Guest, Expr::value(nobody));
    }
    let blanked = update.filter(which).exec(transaction).await.map_err(Fault::doing(DOING))?;
    Ok(blanked.rows_affected)
}

async fn blank_outbox(
    transaction: &DatabaseTransaction,
    which: Condition,
    nobody: Option<&str>,
) -> Result<u64, Fault> {
    use outbox::Column;
    outbox::Entity::update_many()
        .col_expr(Column::Status, Expr::value(Status::Failed))
        .filter(which.clone())
        .filter(Column::Status.ne(Status::Sent))
        .exec(transaction)
        .await
        .map_err(Fault::doing(DOING))?;
    let mut update = outbox::Entity::update_many()
        .col_expr(Column::Content, Expr::value(None::<Vec<u8>>))
        .col_expr(Column::ProviderId, Expr::value(None::<String>))
        .col_expr(Column::Error, Expr::value(None::<String>));
    if let Some(nobody) = nobody {
        update = update.col_expr(Column::Guest, Expr::value(nobody));
    }
    let blanked = update.filter(which).exec(transaction).await.map_err(Fault::doing(DOING))?;
    Ok(blanked.rows_affected)
}
