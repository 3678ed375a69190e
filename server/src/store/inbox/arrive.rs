//! An inbound message is written down.

use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue, ColumnTrait, EntityTrait, QueryFilter, TryInsertResult};

use super::{Column, Content, Entity, Outcome};
use crate::message::{self, GuestKey, Inbound, MessageId};
use crate::mortal;
use crate::store::entity::inbox::ActiveModel;
use crate::store::seal::Record;
use crate::store::{Database, Fault, guests, identity, keys, reachable};

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

/// A message that was written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrived {
    /// What came of it.
    pub received: Received,
    /// The guest who turned out by it to be the same as its own, and is no more.
    pub joined: Option<GuestKey>,
    /// Whether its guest is this program's to answer.
    pub is_ours: bool,
}

impl Database {
    /// Writes an inbound message down, once, however often and however simultaneously it comes.
    ///
    /// # Errors
    /// The database fails; then the message is not there.
    pub async fn receive(&self, inbound: &Inbound) -> Result<Received, Fault> {
        self.arrive(inbound).await.map(|arrived| arrived.received)
    }

    /// The same; makes its guest this program's, unless another has them, and tells that one.
    ///
    /// # Errors
    /// The database fails; then the message is not there.
    pub async fn arrive(&self, inbound: &Inbound) -> Result<Arrived, Fault> {
        let doing = "writing an inbound message down";
        let now = self.clock().now();
        let answerable = inbound.is_answerable();
        let transaction = self.begin().await?;
        let mut from = identity::identify(&transaction, &inbound.guest).await?;
        let key = keys::made(&transaction, from.guest.as_str()).await?;
        // The guest's row is locked from here on: a guest's messages get their numbers in the order they are committed.
        guests::seen(&transaction, &from.guest, inbound, now).await?;
        let content = Content {
            text: inbound.text.clone(),
            button: inbound.content.pressed().map(str::to_owned),
            content: inbound.content.clone(),
            reply_to: inbound.reply_to.clone(),
            heard: None,
            raw: inbound.raw.clone(),
        };
        let content = key.seal_json(Record::Inbound, &inbound.provider_id, 0, &content)?;
        let row = ActiveModel {
            id: ActiveValue::NotSet,
            channel: ActiveValue::Set(inbound.channel.as_str().to_owned()),
            provider_id: ActiveValue::Set(inbound.provider_id.clone()),
            guest: ActiveValue::Set(from.guest.as_str().to_owned()),
            conversation: ActiveValue::Set(None),
            kind: ActiveValue::Set(inbound.kind().as_str().to_owned()),
            content: ActiveValue::Set(Some(content)),
            received_at: ActiveValue::Set(now),
            outcome: ActiveValue::Set(if answerable { Outcome::Pending } else { Outcome::Rejected }),
            decided_at: ActiveValue::Set((!answerable).then_some(now)),
            merged_into: ActiveValue::Set(None),
            attempts: ActiveValue::Set(0),
        };
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
                transaction.rollback().await.map_err(Fault::doing(doing))?;
                return Ok(Arrived {
                    received: Received::Repeat(MessageId(row.id)),
                    joined: None,
                    is_ours: false,
                });
            }
        };
        reachable::heard(&transaction, &from.guest, inbound, now).await?;
        if let message::Content::NumberChanged { to } = &inbound.content {
            let moved = identity::moved(&transaction, &from.guest, to, now).await?;
            from = identity::Identified { joined: moved.joined.or(from.joined), guest: moved.guest };
        }
        let is_ours = answerable && self.take_in(&transaction, from.guest.as_str()).await?;
        if answerable && !is_ours {
            self.tell_others(&transaction).await?;
        }
        mortal::passes("inbox.written");
        transaction.commit().await.map_err(Fault::doing(doing))?;
        mortal::passes("inbox.committed");
        if is_ours {
            self.note_taken(from.guest.as_str());
        }
        self.changed();
        if from.joined.is_some() {
            self.0.known.clear();
        }
        Ok(Arrived { received, joined: from.joined, is_ours })
    }
}
