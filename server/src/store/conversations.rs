//! Where conversations stand: the engine's store, in SQL.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use innkeeper_engine::runtime::{self, Commit, CommitError, Logged, Stored};
use sea_orm::sea_query::{Expr, OnConflict, SimpleExpr};
use sea_orm::{
    ActiveValue, ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect, Select,
};
use uuid::Uuid;

use super::entity::{conversation, log};
use super::known::{Known, Stands, Whose};
use super::{Database, Fault, keys, standing};
use crate::message::{ChannelName, ConversationId, GuestKey, Outgoing};

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
        // They may have become one with somebody else meanwhile.
        let resolved = self.resolved(guest).await?;
        if resolved != *guest
            && let Some(open) = self.active_conversation(&resolved).await?
        {
            return Ok(open);
        }
        let guest = &resolved;
        let now = self.clock().now();
        let id = new_id(now, Uuid::new_v4().as_u128());
        let row = conversation::ActiveModel {
            id: ActiveValue::Set(id.clone()),
            channel: ActiveValue::Set(channel.as_str().to_owned()),
            guest: ActiveValue::Set(guest.as_str().to_owned()),
            revision: ActiveValue::Set(0),
            position: ActiveValue::Set(None),
            underway: ActiveValue::Set(None),
            ended: ActiveValue::Set(false),
            forgotten: ActiveValue::Set(false),
            due: ActiveValue::Set(None),
            heard_at: ActiveValue::Set(None),
            held_since: ActiveValue::Set(None),
            taken_by: ActiveValue::Set(None),
            went_on: ActiveValue::Set(false),
            started_at: ActiveValue::Set(now),
            updated_at: ActiveValue::Set(now),
        };
        let doing = "beginning a conversation";
        let transaction = self.begin().await?;
        // Where somebody else was faster, theirs is the conversation: the index allows one.
        let begun = conversation::Entity::insert(row)
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .exec_without_returning(&*transaction)
            .await
            .map_err(Fault::doing(doing))?;
        if begun > 0 {
            let key = keys::new(&*transaction, &id).await?;
            transaction.commit().await.map_err(Fault::doing(doing))?;
            let (guest, channel) = (guest.as_str().to_owned(), channel.as_str().to_owned());
            let whose = Arc::new(Whose { id: id.clone(), key, guest, channel });
            self.0.known.put(&id, Known { whose, stands: Stands::Nowhere });
            return Ok(ConversationId::new(id));
        }
        transaction.rollback().await.map_err(Fault::doing(doing))?;
        let begun = self.active_conversation(guest).await?;
        begun.ok_or(Fault::Missing { what: "the conversation that was just begun" })
    }

    /// Ends a conversation from outside, wherever it stands: the guest's next message begins another, and a turn that is
    /// being answered in it is refused.
    ///
    /// # Errors
    /// The database fails.
    pub async fn end_conversation(&self, id: &ConversationId) -> Result<(), Fault> {
        self.end_where(id, conversation::Column::Ended.eq(false)).await.map(drop)
    }

    /// The same, if it stands at this revision. False, and nothing is changed, where it does not, or has ended.
    ///
    /// # Errors
    /// The database fails.
    pub async fn end_conversation_at(&self, id: &ConversationId, revision: u64) -> Result<bool, Fault> {
        let there = conversation::Column::Revision.eq(i64::try_from(revision).unwrap_or(i64::MAX));
        self.end_where(id, there.and(conversation::Column::Ended.eq(false))).await
    }

    async fn end_where(&self, id: &ConversationId, there: SimpleExpr) -> Result<bool, Fault> {
        let ended = conversation::Entity::update_many()
            .col_expr(conversation::Column::Ended, Expr::value(true))
            .col_expr(conversation::Column::Due, Expr::value(None::<DateTime<Utc>>))
            .col_expr(conversation::Column::UpdatedAt, Expr::value(self.clock().now()))
            .filter(conversation::Column::Id.eq(id.as_str()))
            .filter(there)
            .exec(self.writer())
            .await
            .map_err(Fault::doing("ending a conversation"))?;
        self.0.known.drop_one(id.as_str());
        Ok(ended.rows_affected > 0)
    }

    /// The guest's conversation that has not ended.
    ///
    /// # Errors
    /// The database fails.
    pub async fn active_conversation(&self, guest: &GuestKey) -> Result<Option<ConversationId>, Fault> {
        Ok(self.open_conversation(guest).await?.map(|(open, _)| open))
    }

    /// The same, and whether it was begun in a call and goes on in writing, where nothing was committed since.
    pub(crate) async fn open_conversation(
        &self,
        guest: &GuestKey,
    ) -> Result<Option<(ConversationId, bool)>, Fault> {
        let row: Option<(String, bool)> = open_of(guest)
            .select_only()
            .columns([conversation::Column::Id, conversation::Column::WentOn])
            .into_tuple()
            .one(self.reader())
            .await
            .map_err(Fault::doing("looking for a conversation"))?;
        Ok(row.map(|(id, went_on)| (ConversationId::new(id), went_on)))
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

    /// Whose a conversation is, and on which channel; `None` for one that does not exist or was forgotten.
    ///
    /// # Errors
    /// The database fails.
    pub async fn whose(&self, id: &ConversationId) -> Result<Option<(GuestKey, ChannelName)>, Fault> {
        let Some(Known { whose, .. }) = self.known(id.as_str()).await? else { return Ok(None) };
        let Some(channel) = ChannelName::parse(&whose.channel) else { return Ok(None) };
        // They may have become one with somebody else since.
        Ok(Some((self.resolved(&GuestKey::new(whose.guest.clone())).await?, channel)))
    }

    /// All conversations of a guest.
    ///
    /// # Errors
    /// The database fails.
    pub async fn conversations_of(&self, guest: &GuestKey) -> Result<Vec<ConversationId>, Fault> {
        let ids: Vec<String> = conversation::Entity::find()
            .select_only()
            .column(conversation::Column::Id)
            .filter(conversation::Column::Guest.eq(guest.as_str()))
            .into_tuple()
            .all(self.reader())
            .await
            .map_err(Fault::doing("listing a guest's conversations"))?;
        Ok(ids.into_iter().map(ConversationId::new).collect())
    }

    /// Where a conversation stands, as the database has it now; unknown if it is gone.
    pub(super) async fn stands(&self, whose: &Arc<Whose>) -> Result<Stands, Fault> {
        let Some(row) = self.row(&whose.id).await? else { return Ok(Stands::Unknown) };
        let stands = match standing::open(&whose.key, &row)? {
            Some(standing) => Stands::There(Arc::new(standing)),
            None => Stands::Nowhere,
        };
        self.0.known.put(&whose.id, Known { whose: Arc::clone(whose), stands: stands.clone() });
        Ok(stands)
    }

    pub(super) async fn row(&self, id: &str) -> Result<Option<conversation::Model>, Fault> {
        conversation::Entity::find_by_id(id)
            .filter(conversation::Column::Forgotten.eq(false))
            .one(self.reader())
            .await
            .map_err(Fault::doing("reading a conversation"))
    }
}

impl runtime::Store for Database {
    type Outgoing = Outgoing;
    type Fault = Fault;

    async fn load(&self, conversation: &str) -> Result<Option<Stored<Outgoing>>, Fault> {
        let Some(known) = self.known(conversation).await? else { return Ok(None) };
        let stands = match known.stands {
            Stands::Unknown => self.stands(&known.whose).await?,
            stands => stands,
        };
        Ok(match stands {
            Stands::There(standing) => Some(standing.stored.clone()),
            Stands::Nowhere | Stands::Unknown => None,
        })
    }

    async fn commit(&self, commit: Commit<'_, Outgoing>) -> Result<(), CommitError<Fault>> {
        self.write_turn(commit).await
    }

    async fn log(&self, conversation: &str) -> Result<Vec<(u64, Vec<Logged>)>, Fault> {
        let Some(known) = self.known(conversation).await? else { return Ok(Vec::new()) };
        // The row first: what becomes a row of the log after it was read is left out.
        let Some(row) = self.row(conversation).await? else { return Ok(Vec::new()) };
        let rows = log::Entity::find()
            .filter(log::Column::Conversation.eq(conversation))
            .order_by_asc(log::Column::Revision)
            .all(self.reader())
            .await
            .map_err(Fault::doing("reading a conversation's log"))?;
        standing::commits(&known.whose.key, &row, &rows)
    }

    async fn forget(&self, conversation: &str) -> Result<bool, Fault> {
        self.forget_conversation(conversation).await
    }
}

/// A guest's conversation that has not ended, as the index of those says it: SQLite does not see that `ended = ?` is the
/// same, and would go through all conversations.
fn open_of(guest: &GuestKey) -> Select<conversation::Entity> {
    conversation::Entity::find()
        .filter(conversation::Column::Guest.eq(guest.as_str()))
        .filter(Expr::col(conversation::Column::Ended).not())
}

/// A new conversation's id: when it began, then chance, in digits that sort by time. What is written to at one time is
/// close together in the indexes, and an id takes half the room of a UUID in every row of the log.
fn new_id(now: DateTime<Utc>, chance: u128) -> String {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    const CHANCE_BITS: u32 = 35;
    let millis = u128::from(now.timestamp_millis().unsigned_abs());
    let bits = (millis << CHANCE_BITS) | (chance & ((1 << CHANCE_BITS) - 1));
    (0..16).rev().map(|digit| char::from(DIGITS[(bits >> (5 * digit)) as usize & 31])).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;
    use std::sync::Arc;

    use sea_orm::{ConnectionTrait as _, DbBackend, QueryTrait as _, Statement};

    use super::{Database, GuestKey, new_id, open_of};
    use crate::clock::SystemClock;
    use crate::config::DatabaseUrl;

    #[tokio::test]
    async fn an_open_conversation_is_found_by_its_index() {
        let url = DatabaseUrl::parse("sqlite::memory:").expect("an address");
        let database = Database::open(&url, Arc::new(SystemClock)).await.expect("a database");
        let Statement { sql, values, .. } = open_of(&GuestKey::new("g")).build(DbBackend::Sqlite);
        let values = values.into_iter().flat_map(|values| values.0);
        let explain =
            Statement::from_sql_and_values(DbBackend::Sqlite, format!("EXPLAIN QUERY PLAN {sql}"), values);
        let rows = database.reader().query_all_raw(explain).await.expect("a plan");
        let plan: Vec<String> = rows.iter().map(|row| row.try_get("", "detail").expect("text")).collect();
        assert_eq!(plan, ["SEARCH conversations USING INDEX conversations_open (guest=?)"]);
    }

    #[test]
    fn ids_sort_by_time_and_differ_by_chance() {
        let at = |text: &str| text.parse().expect("an instant");
        let (early, late) = (at("2026-12-01T09:00:00.001Z"), at("2026-12-01T09:00:00.002Z"));
        assert!(new_id(early, u128::MAX) < new_id(late, 0));
        assert_eq!(new_id(early, 7).len(), 16);
        let ids: HashSet<String> = (0..1000).map(|chance| new_id(early, chance)).collect();
        assert_eq!(ids.len(), 1000);
    }
}
