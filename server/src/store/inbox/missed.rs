//! Messages that nobody answered: they wait for a person.

use std::collections::BTreeMap;

use sea_orm::sea_query::{Condition, Expr};
use sea_orm::{ActiveValue, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::{Column, Entity, gathered, opened};
use crate::message::{Gathered, MessageId};
use crate::store::entity::missed;
use crate::store::{Database, Fault};

/// So many are listed; whoever has seen to them sees the others.
const LISTED: u64 = 200;

impl Database {
    /// The turns that nobody answered and nobody saw to yet, oldest first, at most 200. What was forgotten is not among
    /// them.
    ///
    /// # Errors
    /// The database fails, or holds what cannot be read.
    pub async fn missed(&self) -> Result<Vec<Gathered>, Fault> {
        let doing = "listing what nobody answered";
        let leads: Vec<i64> = missed::Entity::find()
            .select_only()
            .column(missed::Column::Message)
            .filter(missed::Column::AttendedBy.is_null())
            .order_by_asc(missed::Column::Message)
            .limit(LISTED)
            .into_tuple()
            .all(self.reader())
            .await
            .map_err(Fault::doing(doing))?;
        if leads.is_empty() {
            return Ok(Vec::new());
        }
        let is_part = Condition::any()
            .add(Column::Id.is_in(leads.iter().copied()))
            .add(Column::MergedInto.is_in(leads.iter().copied()));
        let rows = Entity::find()
            .filter(is_part)
            .filter(Column::Content.is_not_null())
            .order_by_asc(Column::Id)
            .all(self.reader())
            .await
            .map_err(Fault::doing(doing))?;
        let mut turns: BTreeMap<i64, Vec<_>> = BTreeMap::new();
        for row in opened(self.reader(), rows).await? {
            turns.entry(row.merged_into.unwrap_or(row.id)).or_default().push(row);
        }
        turns.into_iter().map(|(lead, parts)| gathered(MessageId(lead), &parts)).collect()
    }

    /// Notes that a person saw to a message that nobody answered. False where there is no such message.
    ///
    /// # Errors
    /// The database fails.
    pub async fn attended(&self, message: MessageId, by: &str) -> Result<bool, Fault> {
        let attended = missed::Entity::update_many()
            .col_expr(missed::Column::AttendedBy, Expr::value(by))
            .filter(missed::Column::Message.eq(message.0))
            .filter(missed::Column::AttendedBy.is_null())
            .exec(self.writer())
            .await
            .map_err(Fault::doing("noting that a person saw to a message"))?;
        self.changed();
        Ok(attended.rows_affected > 0)
    }
}

/// Notes that nobody answered a message.
pub(super) async fn miss(transaction: &impl ConnectionTrait, message: MessageId) -> Result<(), Fault> {
    let row =
        missed::ActiveModel { message: ActiveValue::Set(message.0), attended_by: ActiveValue::Set(None) };
    missed::Entity::insert(row)
        .exec_without_returning(transaction)
        .await
        .map_err(Fault::doing("noting that nobody answered a message"))?;
    Ok(())
}
