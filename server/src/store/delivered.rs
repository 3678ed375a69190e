//! What providers say of messages that they took: under which id, and how far they got.

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

use super::entity::outbox::{Column, Entity};
use super::outbox::opened;
use super::{Database, Fault, OutboxRow, Status};
use crate::message::{ChannelName, GuestKey, OutgoingId};
use crate::mortal;

/// What a status report says about a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Delivered {
    /// Where the message stands now.
    pub(crate) status: Status,
    /// The provider's last word.
    pub(crate) delivery: String,
    /// The provider's id.
    pub(crate) provider_id: Option<String>,
    /// Why it failed.
    pub(crate) error: Option<String>,
}

impl Database {
    /// The message that a provider has an id for.
    pub(crate) async fn outgoing_by_provider(
        &self,
        channel: ChannelName,
        provider_id: &str,
    ) -> Result<Option<OutgoingId>, Fault> {
        let id = Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::ProviderId.eq(provider_id))
            .filter(Column::Channel.eq(channel.as_str()))
            .into_tuple::<i64>()
            .one(self.reader())
            .await
            .map_err(Fault::doing("looking for a message by its provider's id"))?;
        Ok(id.map(OutgoingId))
    }

    /// The provider's ids of the messages that a guest was sent.
    pub(crate) async fn provider_ids(&self, guest: &GuestKey) -> Result<Vec<String>, Fault> {
        let ids = Entity::find()
            .select_only()
            .column(Column::ProviderId)
            .filter(Column::Guest.eq(guest.as_str()))
            .filter(Column::ProviderId.is_not_null())
            .into_tuple::<Option<String>>()
            .all(self.reader())
            .await
            .map_err(Fault::doing("listing what a guest was sent"))?;
        Ok(ids.into_iter().flatten().collect())
    }

    /// Changes what is known about a message's delivery by what `merge` makes of the row. Gives the message back, as
    /// it is then.
    pub(crate) async fn deliver(
        &self,
        id: OutgoingId,
        merge: impl FnOnce(&OutboxRow) -> Option<Delivered> + Send,
    ) -> Result<Option<OutboxRow>, Fault> {
        let doing = "recording a delivery";
        let transaction = self.begin().await?;
        let row = Entity::find_by_id(id.0).one(&*transaction).await.map_err(Fault::doing(doing))?;
        let row = opened(&*transaction, row).await?.pop();
        let Some((row, new)) = row.as_ref().and_then(|row| Some((row.clone(), merge(row)?))) else {
            transaction.rollback().await.map_err(Fault::doing(doing))?;
            return Ok(row);
        };
        let sent_at = row.sent_at.or_else(|| (new.status == Status::Sent).then(|| self.clock().now()));
        Entity::update_many()
            .col_expr(Column::Status, Expr::value(new.status))
            .col_expr(Column::Delivery, Expr::value(new.delivery.clone()))
            .col_expr(Column::ProviderId, Expr::value(new.provider_id.clone()))
            .col_expr(Column::Error, Expr::value(new.error.clone()))
            .col_expr(Column::SentAt, Expr::value(sent_at))
            .filter(Column::Id.eq(id.0))
            .exec(&*transaction)
            .await
            .map_err(Fault::doing(doing))?;
        mortal::passes("report.written");
        transaction.commit().await.map_err(Fault::doing(doing))?;
        mortal::passes("report.committed");
        self.changed();
        let Delivered { status, delivery, provider_id, error } = new;
        Ok(Some(OutboxRow { status, delivery: Some(delivery), provider_id, error, sent_at, ..row }))
    }
}
