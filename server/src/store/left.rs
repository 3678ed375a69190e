//! What only a person can get to its guest: messages that came too late for their channel.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};

use super::entity::outbox::{Column, Entity};
use super::{Database, Fault, OutboxRow, Status, outbox};
use crate::message::OutgoingId;

impl Database {
    /// Leaves a message that is as it was read to a person: it cannot be sent, and must not be lost.
    pub(crate) async fn for_person(&self, row: &OutboxRow, error: &str) -> Result<(), Fault> {
        self.put_aside(row, Status::ForPerson, error).await
    }

    /// The messages that only a person can get to their guests, oldest first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn left_to_persons(&self) -> Result<Vec<OutboxRow>, Fault> {
        let rows = Entity::find()
            .filter(Column::Status.eq(Status::ForPerson))
            .order_by_asc(Column::Id)
            .all(self.reader())
            .await
            .map_err(Fault::doing("listing what is left to persons"))?;
        outbox::opened(self.reader(), rows).await
    }

    /// Notes that a person saw to a message that was left to one. False where it is not.
    ///
    /// # Errors
    /// The database fails.
    pub async fn seen_to(&self, id: OutgoingId, by: &str) -> Result<bool, Fault> {
        let seen = Entity::update_many()
            .col_expr(Column::Status, Expr::value(Status::Failed))
            .col_expr(Column::Error, Expr::value(format!("not sent; {by} saw to it")))
            .filter(Column::Id.eq(id.0))
            .filter(Column::Status.eq(Status::ForPerson))
            .exec(self.writer())
            .await
            .map_err(Fault::doing("noting that a person saw to a message"))?;
        self.changed();
        Ok(seen.rows_affected > 0)
    }
}
