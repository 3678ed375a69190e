//! Time: which conversations must be woken, and when.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::entity::conversation::{Column, Entity};
use super::{Database, Fault};
use crate::message::{ChannelName, ConversationId, GuestKey};

/// A conversation that must be woken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The conversation.
    pub conversation: ConversationId,
    /// Whose it is.
    pub guest: GuestKey,
    /// The way it is held.
    pub channel: ChannelName,
    /// When it had to be woken; while it is being woken, when it is looked for again.
    pub at: DateTime<Utc>,
    /// When the guest was last heard.
    pub heard_at: Option<DateTime<Utc>>,
}

impl Database {
    /// When the next conversation must be woken.
    ///
    /// # Errors
    /// The database fails.
    pub async fn next_due(&self, channels: &[ChannelName]) -> Result<Option<DateTime<Utc>>, Fault> {
        let next = Entity::find()
            .select_only()
            .column_as(Column::Due, "due")
            .filter(Column::Due.is_not_null())
            .filter(Column::Channel.is_in(channels.iter().map(|channel| channel.as_str())))
            .order_by_asc(Column::Due)
            .limit(1)
            .into_tuple::<Option<DateTime<Utc>>>()
            .one(self.reader())
            .await
            .map_err(Fault::doing("looking when a conversation must be woken"))?;
        Ok(next.flatten())
    }

    /// The conversations that must be woken by `now`, the most overdue first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn due(
        &self,
        now: DateTime<Utc>,
        channels: &[ChannelName],
        limit: u64,
    ) -> Result<Vec<Due>, Fault> {
        let rows = Entity::find()
            .filter(Column::Due.lte(now))
            .filter(Column::Channel.is_in(channels.iter().map(|channel| channel.as_str())))
            .order_by_asc(Column::Due)
            .limit(limit)
            .all(self.reader())
            .await
            .map_err(Fault::doing("looking for conversations that must be woken"))?;
        let due = rows.into_iter().filter_map(|row| {
            Some(Due {
                at: row.due?,
                channel: ChannelName::parse(&row.channel)?,
                guest: GuestKey::new(row.guest),
                heard_at: row.heard_at,
                conversation: ConversationId::new(row.id),
            })
        });
        Ok(due.collect())
    }

    /// Whether a conversation is still to be woken at the time that `due` says: nothing was committed since.
    ///
    /// # Errors
    /// The database fails.
    pub async fn is_put_off(&self, due: &Due) -> Result<bool, Fault> {
        let row = self.row(due.conversation.as_str()).await?;
        Ok(row.is_some_and(|row| row.due == Some(due.at)))
    }

    /// Lets a conversation be woken at another time than `due` says, or not at all. False, and nothing is changed, where
    /// it moved on meanwhile or somebody else put it off.
    ///
    /// # Errors
    /// The database fails.
    pub async fn put_off(&self, due: &Due, until: Option<DateTime<Utc>>) -> Result<bool, Fault> {
        let put_off = Entity::update_many()
            .col_expr(Column::Due, Expr::value(until))
            .filter(Column::Id.eq(due.conversation.as_str()))
            .filter(Column::Due.eq(due.at))
            .exec(self.writer())
            .await
            .map_err(Fault::doing("putting a conversation off"))?;
        Ok(put_off.rows_affected > 0)
    }
}
