//! What people at the desk have: conversations that wait for a person, and what these write to guests.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue, ColumnTrait, EntityTrait, ExprTrait as _, QueryFilter, QueryOrder};

use super::entity::{conversation, outbox as entity};
use super::{Database, Fault, Status, identity, keys, outbox};
use crate::message::{ChannelName, ConversationId, GuestIds, GuestKey, OutgoingId};

/// A conversation that a person has, or that waits for one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldConversation {
    /// The conversation.
    pub conversation: ConversationId,
    /// Whose it is.
    pub guest: GuestKey,
    /// The way it is held.
    pub channel: ChannelName,
    /// Since when it waits.
    pub since: DateTime<Utc>,
    /// Who has it, by the name they go by; nobody yet.
    pub taken_by: Option<String>,
}

impl HeldConversation {
    fn of(row: conversation::Model) -> Option<Self> {
        Some(Self {
            channel: ChannelName::parse(&row.channel)?,
            since: row.held_since?,
            conversation: ConversationId::new(row.id),
            guest: GuestKey::new(row.guest),
            taken_by: row.taken_by,
        })
    }
}

/// A message that a person typed into the hotel's own telephone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Typed<'a> {
    pub(crate) by: &'a str,
    pub(crate) text: &'a str,
    pub(crate) provider_id: &'a str,
}

/// What became of what a person wrote to a guest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrote {
    /// It is written down, as these messages.
    Down(Vec<OutgoingId>),
    /// No person has the conversation.
    NobodyHas,
    /// A colleague has it, who goes by this name.
    AnotherHas(String),
}

/// What became of a person's taking a conversation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Took {
    /// They have it.
    Taken,
    /// A colleague has it, who goes by this name.
    AnotherHas(String),
    /// It waits for no person.
    WaitsNot,
}

impl Database {
    /// The conversations that wait for a person or are with one, the one that waits longest first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn held(&self) -> Result<Vec<HeldConversation>, Fault> {
        let rows = conversation::Entity::find()
            .filter(conversation::Column::HeldSince.is_not_null())
            .filter(conversation::Column::Ended.eq(false))
            .filter(conversation::Column::Forgotten.eq(false))
            .order_by_asc(conversation::Column::HeldSince)
            .order_by_asc(conversation::Column::Id)
            .all(self.reader())
            .await
            .map_err(Fault::doing("listing the conversations that wait for a person"))?;
        Ok(rows.into_iter().filter_map(HeldConversation::of).collect())
    }

    /// One of them.
    ///
    /// # Errors
    /// The database fails.
    pub async fn held_one(&self, id: &ConversationId) -> Result<Option<HeldConversation>, Fault> {
        let row = self.row(id.as_str()).await?;
        Ok(row.filter(|row| !row.ended).and_then(HeldConversation::of))
    }

    /// Notes who has a conversation that waits for a person: one that nobody has, or that one of these has.
    ///
    /// # Errors
    /// The database fails.
    pub async fn taken(&self, id: &ConversationId, by: &str, from: &[&str]) -> Result<Took, Fault> {
        let holder = conversation::Column::TakenBy;
        let free = holder.is_null().or(holder.eq(by)).or(holder.is_in(from.iter().copied()));
        let taken = conversation::Entity::update_many()
            .col_expr(holder, Expr::value(by))
            .filter(conversation::Column::Id.eq(id.as_str()))
            .filter(conversation::Column::HeldSince.is_not_null())
            .filter(conversation::Column::Ended.eq(false))
            .filter(free)
            .exec(self.writer())
            .await
            .map_err(Fault::doing("noting who has a conversation"))?;
        if taken.rows_affected > 0 {
            self.changed();
            return Ok(Took::Taken);
        }
        let holder = self.held_one(id).await?.and_then(|held| held.taken_by);
        Ok(holder.map_or(Took::WaitsNot, Took::AnotherHas))
    }

    /// Puts what a person wrote to a guest behind everything that waits for the guest, in these pieces.
    /// Nothing is written where no person has the conversation, or another than this one. Whoever writes has it.
    ///
    /// # Errors
    /// The database fails.
    pub async fn written(&self, id: &ConversationId, by: &str, pieces: &[String]) -> Result<Wrote, Fault> {
        let doing = "writing down what a person writes to a guest";
        let now = self.clock().now();
        let transaction = self.begin().await?;
        let row = conversation::Entity::find_by_id(id.as_str())
            .filter(conversation::Column::Forgotten.eq(false))
            .filter(conversation::Column::Ended.eq(false))
            .filter(conversation::Column::HeldSince.is_not_null())
            .one(&*transaction)
            .await
            .map_err(Fault::doing(doing))?;
        let key = match &row {
            Some(row) => keys::one(&*transaction, &row.id).await?,
            None => None,
        };
        let Some((row, key)) = row.zip(key) else {
            transaction.rollback().await.map_err(Fault::doing(doing))?;
            return Ok(Wrote::NobodyHas);
        };
        let free = conversation::Column::TakenBy.is_null().or(conversation::Column::TakenBy.eq(by));
        let claimed = conversation::Entity::update_many()
            .col_expr(conversation::Column::TakenBy, Expr::value(by))
            .filter(conversation::Column::Id.eq(row.id.as_str()))
            .filter(free)
            .exec(&*transaction)
            .await
            .map_err(Fault::doing(doing))?;
        if claimed.rows_affected == 0 {
            transaction.rollback().await.map_err(Fault::doing(doing))?;
            let has = self.row(id.as_str()).await?.and_then(|row| row.taken_by);
            return Ok(has.map_or(Wrote::NobodyHas, Wrote::AnotherHas));
        }
        let local = ChannelName::parse(&row.channel).is_some_and(ChannelName::is_local);
        let mut ids = Vec::new();
        for text in pieces {
            let content = outbox::sealed_by(&key, &row.id, row.revision, text, by)?;
            let message = entity::ActiveModel {
                status: ActiveValue::Set(if local { Status::Sent } else { Status::Queued }),
                sent_at: ActiveValue::Set(local.then_some(now)),
                ..message(&row, content, now)
            };
            let inserted =
                entity::Entity::insert(message).exec(&*transaction).await.map_err(Fault::doing(doing))?;
            ids.push(OutgoingId(inserted.last_insert_id));
        }
        transaction.commit().await.map_err(Fault::doing(doing))?;
        self.outgoing().notify_one();
        self.changed();
        Ok(Wrote::Down(ids))
    }

    /// Who the guest is to whom a message went that is not ours; noted where nobody knew them.
    ///
    /// # Errors
    /// The database fails.
    pub(crate) async fn addressed(&self, ids: &GuestIds, address: &str) -> Result<GuestKey, Fault> {
        let phone = crate::message::e164(address);
        self.shown(ids, address, None, phone.as_deref()).await
    }

    /// Who calls this line, from a number that the channel vouches for; noted where nobody knew them.
    ///
    /// # Errors
    /// The database fails.
    pub(crate) async fn called_by(
        &self,
        ids: &GuestIds,
        line: Option<&str>,
        phone: Option<&str>,
    ) -> Result<GuestKey, Fault> {
        self.shown(ids, ids.preferred().as_str(), line, phone).await
    }

    /// Whose ids these are; noted where nobody knew them.
    async fn shown(
        &self,
        ids: &GuestIds,
        address: &str,
        line: Option<&str>,
        phone: Option<&str>,
    ) -> Result<GuestKey, Fault> {
        let transaction = self.begin().await?;
        let identified = identity::identify(&*transaction, ids).await?;
        transaction.commit().await.map_err(Fault::doing("finding out who is meant"))?;
        if identified.joined.is_some() {
            self.0.known.clear();
        }
        self.welcome_at(&identified.guest, address, line, phone).await?;
        Ok(identified.guest)
    }

    /// Writes down what a person typed into the hotel's own telephone: it is with the guest already. False where it is
    /// known: the program sent it, or it was told before.
    ///
    /// # Errors
    /// The database fails.
    pub(crate) async fn typed(&self, id: &ConversationId, typed: &Typed<'_>) -> Result<bool, Fault> {
        let doing = "writing down what a person typed into the telephone";
        let now = self.clock().now();
        let transaction = self.begin().await?;
        let row = conversation::Entity::find_by_id(id.as_str())
            .filter(conversation::Column::Forgotten.eq(false))
            .one(&*transaction)
            .await
            .map_err(Fault::doing(doing))?;
        let row = row.ok_or(Fault::Missing { what: "the conversation of a message" })?;
        let known = entity::Entity::find()
            .filter(entity::Column::ProviderId.eq(typed.provider_id))
            .filter(entity::Column::Channel.eq(row.channel.as_str()))
            .one(&*transaction)
            .await
            .map_err(Fault::doing(doing))?;
        let Some(key) = keys::one(&*transaction, &row.id).await?.filter(|_| known.is_none()) else {
            transaction.rollback().await.map_err(Fault::doing(doing))?;
            return Ok(false);
        };
        let content = outbox::sealed_by(&key, &row.id, row.revision, typed.text, typed.by)?;
        let message = entity::ActiveModel {
            status: ActiveValue::Set(Status::Sent),
            provider_id: ActiveValue::Set(Some(typed.provider_id.to_owned())),
            sent_at: ActiveValue::Set(Some(now)),
            ..message(&row, content, now)
        };
        entity::Entity::insert(message)
            .exec_without_returning(&*transaction)
            .await
            .map_err(Fault::doing(doing))?;
        transaction.commit().await.map_err(Fault::doing(doing))?;
        self.changed();
        Ok(true)
    }

    /// Notes a guest who has not said anything yet, with the address that answers go to.
    async fn welcome_at(
        &self,
        key: &GuestKey,
        address: &str,
        line: Option<&str>,
        phone: Option<&str>,
    ) -> Result<(), Fault> {
        use super::entity::guest;
        let row = guest::ActiveModel {
            id: ActiveValue::Set(key.as_str().to_owned()),
            address: ActiveValue::Set(address.to_owned()),
            line: ActiveValue::Set(line.map(str::to_owned)),
            phone: ActiveValue::Set(phone.map(str::to_owned)),
            remembered: ActiveValue::Set(None),
            seen_at: ActiveValue::Set(self.clock().now()),
        };
        guest::Entity::insert(row)
            .on_conflict(OnConflict::column(guest::Column::Id).do_nothing().to_owned())
            .exec_without_returning(self.writer())
            .await
            .map_err(Fault::doing("noting a guest"))?;
        Ok(())
    }
}

/// A message of a conversation that says nothing of the flows'.
fn message(row: &conversation::Model, content: Vec<u8>, now: DateTime<Utc>) -> entity::ActiveModel {
    entity::ActiveModel {
        id: ActiveValue::NotSet,
        guest: ActiveValue::Set(row.guest.clone()),
        channel: ActiveValue::Set(row.channel.clone()),
        conversation: ActiveValue::Set(Some(row.id.clone())),
        revision: ActiveValue::Set(row.revision),
        content: ActiveValue::Set(Some(content)),
        says: ActiveValue::Set("[]".to_owned()),
        status: ActiveValue::NotSet,
        provider_id: ActiveValue::Set(None),
        delivery: ActiveValue::Set(None),
        error: ActiveValue::Set(None),
        attempts: ActiveValue::Set(0),
        tried_at: ActiveValue::Set(None),
        next_try_at: ActiveValue::Set(None),
        created_at: ActiveValue::Set(now),
        sent_at: ActiveValue::Set(None),
    }
}
