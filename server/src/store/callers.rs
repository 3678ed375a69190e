//! Callers of whom nothing but a number is displayed: somebody new in each call, found by the number.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Condition, Expr};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect};

use super::entity::{conversation, guest, inbox, outbox};
use super::known::Whose;
use super::{Database, Fault};
use crate::message::{ChannelName, ConversationId, GuestIds, GuestKey};

const DOING: &str = "looking for calls from a number";

impl Database {
    /// The conversations of calls that displayed a number, are over and were not ended since, the last one first.
    pub(crate) async fn calls_cut_off(
        &self,
        number: &str,
        since: DateTime<Utc>,
    ) -> Result<Vec<(GuestKey, ConversationId)>, Fault> {
        use conversation::Column;
        let rows: Vec<(String, String)> = conversation::Entity::find()
            .select_only()
            .columns([Column::Guest, Column::Id])
            .filter(within(Column::Guest, number))
            .filter(Expr::col(Column::Ended).not())
            .filter(Column::UpdatedAt.gte(since))
            .order_by_desc(Column::UpdatedAt)
            .into_tuple()
            .all(self.reader())
            .await
            .map_err(Fault::doing(DOING))?;
        Ok(rows.into_iter().map(|(guest, id)| (GuestKey::new(guest), ConversationId::new(id))).collect())
    }

    /// Makes a caller's conversation a guest's, who goes on with it on this channel. What was said in the call stays the
    /// caller's, and counts as conveyed to nobody. False, and nothing is changed, where it is not the caller's any more,
    /// or the guest has another.
    pub(crate) async fn go_on(
        &self,
        conversation: &ConversationId,
        caller: &GuestKey,
        guest: &GuestKey,
        channel: ChannelName,
    ) -> Result<bool, Fault> {
        use conversation::Column;
        let doing = "going on with a call in writing";
        let guest = self.resolved(guest).await?;
        let transaction = self.begin().await?;
        let has_one = conversation::Entity::find()
            .filter(Column::Guest.eq(guest.as_str()))
            .filter(Expr::col(Column::Ended).not())
            .one(&*transaction)
            .await
            .map_err(Fault::doing(doing))?
            .is_some();
        let moved = if has_one {
            0
        } else {
            conversation::Entity::update_many()
                .col_expr(Column::Guest, Expr::value(guest.as_str()))
                .col_expr(Column::Channel, Expr::value(channel.as_str()))
                .col_expr(Column::WentOn, Expr::value(true))
                .filter(Column::Id.eq(conversation.as_str()))
                .filter(Column::Guest.eq(caller.as_str()))
                .filter(Expr::col(Column::Ended).not())
                .exec(&*transaction)
                .await
                .map_err(Fault::doing(doing))?
                .rows_affected
        };
        if moved == 0 {
            transaction.rollback().await.map_err(Fault::doing(doing))?;
            return Ok(false);
        }
        outbox::Entity::update_many()
            .col_expr(outbox::Column::Says, Expr::value("[]"))
            .filter(outbox::Column::Conversation.eq(conversation.as_str()))
            .exec(&*transaction)
            .await
            .map_err(Fault::doing(doing))?;
        transaction.commit().await.map_err(Fault::doing(doing))?;
        self.0.known.drop_one(conversation.as_str());
        Ok(true)
    }

    /// Whether a conversation goes on that was begun in a call which only displayed its guest's number: nobody knows which
    /// of the two said what is to be remembered.
    pub(super) async fn began_with_a_stranger(&self, whose: &Whose) -> Result<bool, Fault> {
        use outbox::Column;
        if whose.guest.starts_with(GuestKey::DISPLAYED) {
            return Ok(false);
        }
        let spoken = outbox::Entity::find()
            .select_only()
            .column(Column::Id)
            .filter(Column::Conversation.eq(whose.id.as_str()))
            .filter(Column::Guest.starts_with(GuestKey::DISPLAYED))
            .into_tuple::<i64>()
            .one(self.reader())
            .await
            .map_err(Fault::doing(DOING))?;
        Ok(spoken.is_some())
    }

    /// Ends the conversations of calls that nobody went on with since.
    pub(crate) async fn end_calls_before(&self, before: DateTime<Utc>) -> Result<(), Fault> {
        use conversation::Column;
        conversation::Entity::update_many()
            .col_expr(Column::Ended, Expr::value(true))
            .col_expr(Column::Due, Expr::value(None::<DateTime<Utc>>))
            .filter(Column::Channel.eq(ChannelName::Call.as_str()))
            .filter(Column::Guest.starts_with(GuestKey::DISPLAYED))
            .filter(Expr::col(Column::Ended).not())
            .filter(Column::HeldSince.is_null())
            .filter(Column::UpdatedAt.lt(before))
            .exec(self.writer())
            .await
            .map_err(Fault::doing("ending calls that were cut off"))?;
        Ok(())
    }

    /// Everybody that a number leads to: guests whom the channel vouches for it, and whoever called or was written to
    /// while nothing but the number was known.
    ///
    /// # Errors
    /// The database fails.
    pub async fn everybody_with(&self, number: &str) -> Result<Vec<GuestKey>, Fault> {
        let mut guests = self.guests_with_phone(number).await?;
        let reader = self.reader();
        let mut keys = column::<conversation::Entity>(reader, conversation::Column::Guest, number).await?;
        keys.extend(column::<inbox::Entity>(reader, inbox::Column::Guest, number).await?);
        keys.extend(column::<outbox::Entity>(reader, outbox::Column::Guest, number).await?);
        keys.extend(column::<guest::Entity>(reader, guest::Column::Id, number).await?);
        guests.extend(keys.into_iter().map(GuestKey::new));
        guests.sort();
        guests.dedup();
        Ok(guests)
    }
}

/// The keys in a column that a number leads to.
async fn column<E: EntityTrait>(
    connection: &impl ConnectionTrait,
    column: E::Column,
    number: &str,
) -> Result<Vec<String>, Fault> {
    let written = GuestIds::on_whatsapp(None, Some(number));
    let mut theirs = within(column, number);
    if let Some(written) = written.as_ref().and_then(GuestIds::phone) {
        theirs = theirs.add(column.eq(written.as_str()));
    }
    let keys = E::find().select_only().column(column).filter(theirs).distinct().into_tuple().all(connection);
    keys.await.map_err(Fault::doing(DOING))
}

/// Whether a key is of a caller who displayed a number: between the first and the last of those, which an index finds.
fn within(column: impl ColumnTrait, number: &str) -> Condition {
    let displayed = GuestKey::displayed(number);
    // What follows a number is a `/`; `0` is the next sign.
    let (from, to) = (format!("{displayed}/"), format!("{displayed}0"));
    Condition::any()
        .add(column.eq(displayed.as_str()))
        .add(Condition::all().add(column.gte(from)).add(column.lt(to)))
}
