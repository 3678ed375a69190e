//! Time: which conversations must be woken, and when.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::entity::conversation::{Column, Entity};
use super::{Database, Fault};
use crate::message::{ChannelName, ConversationId, GuestKey};

/// How long a guest who was asked something may say nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Before the first reminder.
    pub first: Duration,
    /// After every reminder.
    pub then: Duration,
}

/// A conversation that must be woken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Due {
    /// The conversation.
    pub conversation: ConversationId,
    /// Whose it is.
    pub guest: GuestKey,
    /// The way it is held.
    pub channel: ChannelName,
    /// When it had to be woken.
    pub at: DateTime<Utc>,
    /// When the guest was last heard.
    pub heard_at: Option<DateTime<Utc>>,
}

impl Patience {
    /// How long is waited after so many silences in a row.
    pub fn after(self, silences: u32) -> Duration {
        if silences == 0 { self.first } else { self.then }
    }
}

impl Database {
    /// When the next conversation must be woken.
    ///
    /// # Errors
    /// The database fails.
    pub async fn next_due(&self) -> Result<Option<DateTime<Utc>>, Fault> {
        let next = Entity::find()
            .select_only()
            .column_as(Column::Due, "due")
            .filter(Column::Due.is_not_null())
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
    pub async fn due(&self, now: DateTime<Utc>, limit: u64) -> Result<Vec<Due>, Fault> {
        let rows = Entity::find()
            .filter(Column::Due.lte(now))
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

    /// Lets a conversation be woken at another time than `due` says, or not at all. A conversation that moved on
    /// meanwhile stays as it is.
    ///
    /// # Errors
    /// The database fails.
    pub async fn put_off(&self, due: &Due, until: Option<DateTime<Utc>>) -> Result<(), Fault> {
        Entity::update_many()
            .col_expr(Column::Due, Expr::value(until))
            .filter(Column::Id.eq(due.conversation.as_str()))
            .filter(Column::Due.eq(due.at))
            .exec(&self.0.writer)
            .await
            .map_err(Fault::doing("putting a conversation off"))?;
        Ok(())
    }
}
