//! Inbound messages: written down once, gathered into turns, each with one outcome.

use std::collections::BTreeMap;

use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue, ColumnTrait, Condition, EntityTrait, ExprTrait, PaginatorTrait, QueryFilter, QueryOrder,
    TryInsertResult,
};

use super::conversations::json;
use super::entity::inbox::{Column, Entity};
use super::{Database, Fault, guests, outbox};
use crate::message::{ChannelName, ConversationId, Gathered, GuestKey, Inbound, Kind, MessageId, Outgoing};

/// An inbound message as stored.
pub use super::entity::inbox::Model as InboxRow;
/// What became of an inbound message.
pub use super::entity::inbox::Outcome;

/// What came of writing an inbound message down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// It is new and waits for its turn.
    New(MessageId),
    /// It is new and asks for no answer.
    Unanswered(MessageId),
    /// It was there already; nothing was changed.
    Repeat(MessageId),
}

impl Database {
    /// Writes an inbound message down, once, however often and however simultaneously it comes.
    ///
    /// # Errors
    /// The database fails; then the message is not there.
    pub async fn receive(&self, inbound: &Inbound) -> Result<Received, Fault> {
        let doing = "writing an inbound message down";
        let now = self.clock().now();
        let answerable = inbound.kind != Kind::Reaction;
        let row = super::entity::inbox::ActiveModel {
            id: ActiveValue::NotSet,
            channel: ActiveValue::Set(inbound.channel.as_str().to_owned()),
            provider_id: ActiveValue::Set(inbound.provider_id.clone()),
            guest: ActiveValue::Set(inbound.guest.as_str().to_owned()),
            conversation: ActiveValue::Set(None),
            kind: ActiveValue::Set(inbound.kind.as_str().to_owned()),
            text: ActiveValue::Set(inbound.text.clone()),
            button: ActiveValue::Set(inbound.button.clone()),
            raw: ActiveValue::Set(json("an inbound message", &inbound.raw)?),
            received_at: ActiveValue::Set(now),
            outcome: ActiveValue::Set(if answerable { Outcome::Pending } else { Outcome::Rejected }),
            decided_at: ActiveValue::Set((!answerable).then_some(now)),
            merged_into: ActiveValue::Set(None),
            attempts: ActiveValue::Set(0),
        };
        let transaction = self.begin().await?;
        let inserted = Entity::insert(row)
            .on_conflict(OnConflict::columns([Column::Channel, Column::ProviderId]).do_nothing().to_owned())
            .try_insert()
            .exec(&transaction)
            .await
            .map_err(Fault::doing(doing))?;
        let received = match inserted {
            TryInsertResult::Inserted(row) if answerable => Received::New(MessageId(row.last_insert_id)),
            TryInsertResult::Inserted(row) => Received::Unanswered(MessageId(row.last_insert_id)),
            TryInsertResult::Conflicted | TryInsertResult::Empty => {
                let first = Entity::find()
                    .filter(Column::Channel.eq(inbound.channel.as_str()))
                    .filter(Column::ProviderId.eq(inbound.provider_id.as_str()))
                    .one(&transaction)
                    .await
                    .map_err(Fault::doing(doing))?;
                let row = first.ok_or(Fault::Missing { what: "the first delivery of a message" })?;
                Received::Repeat(MessageId(row.id))
            }
        };
        if !matches!(received, Received::Repeat(_)) {
            guests::seen(&transaction, inbound, now).await?;
        }
        transaction.commit().await.map_err(Fault::doing(doing))?;
        Ok(received)
    }

    /// The messages that have no outcome yet, in the order they came.
    ///
    /// # Errors
    /// The database fails.
    pub async fn pending(&self) -> Result<Vec<InboxRow>, Fault> {
        Entity::find()
            .filter(Column::Outcome.eq(Outcome::Pending))
            .order_by_asc(Column::Id)
            .all(self.reader())
            .await
            .map_err(Fault::doing("listing the messages without an outcome"))
    }

    /// One inbound message.
    ///
    /// # Errors
    /// The database fails.
    pub async fn message(&self, id: MessageId) -> Result<Option<InboxRow>, Fault> {
        Entity::find_by_id(id.0)
            .one(self.reader())
            .await
            .map_err(Fault::doing("looking for an inbound message"))
    }

    /// Begins a turn, or begins it again: makes `fragments` part of `lead` and puts together what was said. The parts
    /// are read back from the rows, so that a turn that is begun again after a crash is the same turn. `None` where
    /// the lead has an outcome already.
    ///
    /// # Errors
    /// The database fails.
    pub async fn begin_turn(
        &self,
        lead: MessageId,
        fragments: &[MessageId],
    ) -> Result<Option<Gathered>, Fault> {
        let doing = "beginning a turn";
        let transaction = self.begin().await?;
        let begun = Entity::update_many()
            .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
            .filter(Column::Id.eq(lead.0))
            .filter(Column::Outcome.eq(Outcome::Pending))
            .exec(&transaction)
            .await
            .map_err(Fault::doing(doing))?;
        if begun.rows_affected == 0 {
            return Ok(None);
        }
        if !fragments.is_empty() {
            Entity::update_many()
                .col_expr(Column::Outcome, Expr::value(Outcome::Merged))
                .col_expr(Column::MergedInto, Expr::value(lead.0))
                .col_expr(Column::DecidedAt, Expr::value(self.clock().now()))
                .filter(Column::Id.is_in(fragments.iter().map(|fragment| fragment.0)))
                .filter(Column::Outcome.eq(Outcome::Pending))
                .exec(&transaction)
                .await
                .map_err(Fault::doing(doing))?;
        }
        let parts = Entity::find()
            .filter(Condition::any().add(Column::Id.eq(lead.0)).add(Column::MergedInto.eq(lead.0)))
            .order_by_asc(Column::Id)
            .all(&transaction)
            .await
            .map_err(Fault::doing(doing))?;
        transaction.commit().await.map_err(Fault::doing(doing))?;
        gathered(lead, &parts).map(Some)
    }

    /// Ends a message that could not be answered, with what is said to the guest about it.
    ///
    /// # Errors
    /// The database fails; then nothing was changed.
    pub async fn give_up(
        &self,
        turn: &Gathered,
        outcome: Outcome,
        conversation: Option<&ConversationId>,
        outgoing: &[Outgoing],
    ) -> Result<(), Fault> {
        let doing = "ending a message that could not be answered";
        let now = self.clock().now();
        let transaction = self.begin().await?;
        let decided = Entity::update_many()
            .col_expr(Column::Outcome, Expr::value(outcome))
            .col_expr(Column::DecidedAt, Expr::value(now))
            .filter(Column::Id.eq(turn.lead.0))
            .filter(Column::Outcome.eq(Outcome::Pending))
            .exec(&transaction)
            .await
            .map_err(Fault::doing(doing))?;
        if decided.rows_affected > 0 {
            let from = outbox::From {
                guest: turn.guest.as_str(),
                channel: turn.channel.as_str(),
                conversation: conversation.map(ConversationId::as_str),
                revision: 0,
                at: now,
            };
            outbox::put(&transaction, &from, outgoing).await?;
        }
        transaction.commit().await.map_err(Fault::doing(doing))?;
        self.outgoing().notify_one();
        Ok(())
    }

    /// How many messages have which outcome.
    ///
    /// # Errors
    /// The database fails.
    pub async fn outcomes(&self) -> Result<BTreeMap<Outcome, u64>, Fault> {
        let mut counts = BTreeMap::new();
        for outcome in
            [Outcome::Pending, Outcome::Answered, Outcome::Merged, Outcome::HandedOver, Outcome::Rejected]
        {
            let count = Entity::find()
                .filter(Column::Outcome.eq(outcome))
                .count(self.reader())
                .await
                .map_err(Fault::doing("counting outcomes"))?;
            if count > 0 {
                counts.insert(outcome, count);
            }
        }
        Ok(counts)
    }
}

/// Puts the parts of a turn together.
fn gathered(lead: MessageId, parts: &[InboxRow]) -> Result<Gathered, Fault> {
    let first = parts.first().ok_or(Fault::Missing { what: "the message that a turn answers" })?;
    let channel =
        ChannelName::parse(&first.channel).ok_or(Fault::Missing { what: "the channel of a message" })?;
    let texts: Vec<&str> =
        parts.iter().map(|part| part.text.trim()).filter(|text| !text.is_empty()).collect();
    let other = parts.iter().filter_map(|part| Kind::parse(&part.kind)).find(|kind| *kind != Kind::Text);
    Ok(Gathered {
        guest: GuestKey::new(first.guest.clone()),
        channel,
        lead,
        merged: parts.iter().map(|part| MessageId(part.id)).filter(|id| *id != lead).collect(),
        text: texts.join("\n"),
        button: parts.iter().find_map(|part| part.button.clone()),
        unsupported: other,
        received_at: first.received_at,
        attempts: parts.iter().find(|part| part.id == lead.0).map_or(0, |part| part.attempts.unsigned_abs()),
    })
}
