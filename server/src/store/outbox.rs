//! Outgoing messages: written with the turn that says them, sent in order, followed until they arrive.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, Query};
use sea_orm::{
    ActiveValue, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};

use super::entity::outbox::{ActiveModel, Column, Entity, Model};
use super::seal::{Key, Record};
use super::{Database, Fault, json, keys, read};
use crate::clock::later;
use crate::message::{Button, ChannelName, ConversationId, GuestKey, Manner, Outgoing, OutgoingId};

/// Where an outgoing message stands.
pub use super::entity::outbox::Status;

/// A say is looked for among this many last messages of its conversation.
const CONVEYED_WITHIN: u64 = 50;

/// What waits, and blocks what comes after it.
const WAITING: [Status; 3] = [Status::Queued, Status::Sending, Status::Uncertain];

/// A message that waits, as far as that is needed to choose it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Its number.
    pub(crate) id: OutgoingId,
    /// Who gets it.
    pub(crate) guest: GuestKey,
    /// The way it goes, where that is known.
    pub(crate) channel: Option<ChannelName>,
    /// Where it stands.
    pub(crate) status: Status,
    /// When it may be tried again.
    pub(crate) next_try_at: Option<DateTime<Utc>>,
}

/// The columns of [`Waiting`].
type WaitingColumns = (i64, String, String, Status, Option<DateTime<Utc>>);

/// What a try of sending came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tried {
    /// The provider took it, under this id; inside a webhook's answer it has none yet.
    Sent(Option<String>),
    /// It did not; try again then.
    Later { at: DateTime<Utc>, error: String },
    /// Nobody knows; find out then.
    Uncertain { at: DateTime<Utc>, error: String },
    /// It will only be taken as the answer to the guest's next message.
    Held { error: String },
    /// It never will.
    Failed { error: String },
}

/// Where outgoing messages come from.
pub(super) struct From<'a> {
    pub(super) guest: &'a str,
    pub(super) channel: &'a str,
    pub(super) conversation: Option<&'a str>,
    pub(super) revision: i64,
    pub(super) at: DateTime<Utc>,
    /// What it is sealed under.
    pub(super) key: &'a Key,
}

/// An outgoing message as stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxRow {
    /// Its key; a guest's messages go out in this order.
    pub id: i64,
    /// Who gets it.
    pub guest: String,
    /// The way it goes.
    pub channel: String,
    /// The conversation that says it.
    pub conversation: Option<String>,
    /// The revision that says it.
    pub revision: i64,
    /// The words; none once it was forgotten.
    pub text: String,
    /// The buttons.
    pub buttons: Vec<Button>,
    /// How it may be shown, and what it is for.
    pub manner: Manner,
    /// Whether the words are sent as a sound.
    pub spoken: bool,
    /// The person who wrote it; none where the receptionist did.
    pub by: Option<String>,
    /// What was heard of it before it was cut off; none where nothing cut it off.
    pub heard: Option<String>,
    /// The ids of the sayings it carries, JSON.
    pub says: String,
    /// Where it stands.
    pub status: Status,
    /// The provider's id for it.
    pub provider_id: Option<String>,
    /// What the provider last said about its delivery.
    pub delivery: Option<String>,
    /// Why it failed, or why the last try did.
    pub error: Option<String>,
    /// The number of tries.
    pub attempts: i32,
    /// When it was tried first.
    pub tried_at: Option<DateTime<Utc>>,
    /// When it may be tried again.
    pub next_try_at: Option<DateTime<Utc>>,
    /// When it was written.
    pub created_at: DateTime<Utc>,
    /// When the provider took it.
    pub sent_at: Option<DateTime<Utc>>,
}

/// What is sealed of an outgoing message.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Content {
    text: String,
    buttons: Vec<Button>,
    #[serde(default)]
    manner: Manner,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    spoken: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    by: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    heard: Option<String>,
}

impl Content {
    fn of(message: &Outgoing) -> Self {
        let Outgoing { text, buttons, manner, spoken, .. } = message.clone();
        Self { text, buttons, manner, spoken, by: None, heard: None }
    }
}

/// An outgoing message as it is stored: its sealed content, and the ids of its sayings. `owner` is whose key it is, the
/// conversation's or the guest's.
pub(super) fn sealed(
    key: &Key,
    owner: &str,
    revision: i64,
    message: &Outgoing,
) -> Result<(Vec<u8>, String), Fault> {
    let content = key.seal_json(Record::Outgoing, owner, revision, &Content::of(message))?;
    Ok((content, json("the sayings of a message", &message.says)?))
}

/// The same of a message that a person wrote.
pub(super) fn sealed_by(
    key: &Key,
    owner: &str,
    revision: i64,
    text: &str,
    by: &str,
) -> Result<Vec<u8>, Fault> {
    let outgoing = Outgoing { text: text.to_owned(), ..Outgoing::default() };
    let content = Content { by: Some(by.to_owned()), ..Content::of(&outgoing) };
    key.seal_json(Record::Outgoing, owner, revision, &content)
}

/// Writes outgoing messages, in order. To a guest who is right here they count as sent.
pub(super) async fn put(
    connection: &impl ConnectionTrait,
    from: &From<'_>,
    outgoing: &[Outgoing],
) -> Result<(), Fault> {
    // One by one: the order of the keys is the order in which they are sent.
    for message in outgoing {
        let channel = message.via.map_or(from.channel, |via| via.as_str());
        let local = ChannelName::parse(channel).is_some_and(ChannelName::is_local);
        let owner = from.conversation.unwrap_or(from.guest);
        let (content, says) = sealed(from.key, owner, from.revision, message)?;
        let row = ActiveModel {
            id: ActiveValue::NotSet,
            guest: ActiveValue::Set(from.guest.to_owned()),
            channel: ActiveValue::Set(channel.to_owned()),
            conversation: ActiveValue::Set(from.conversation.map(str::to_owned)),
            revision: ActiveValue::Set(from.revision),
            content: ActiveValue::Set(Some(content)),
            says: ActiveValue::Set(says),
            status: ActiveValue::Set(if local { Status::Sent } else { Status::Queued }),
            provider_id: ActiveValue::Set(None),
            delivery: ActiveValue::Set(None),
            error: ActiveValue::Set(None),
            attempts: ActiveValue::Set(0),
            tried_at: ActiveValue::Set(None),
            next_try_at: ActiveValue::Set(None),
            created_at: ActiveValue::Set(from.at),
            sent_at: ActiveValue::Set(local.then_some(from.at)),
        };
        Entity::insert(row)
            .exec_without_returning(connection)
            .await
            .map_err(Fault::doing("writing an outgoing message"))?;
    }
    Ok(())
}

impl OutboxRow {
    /// Its number.
    pub fn number(&self) -> OutgoingId {
        OutgoingId(self.id)
    }

    /// What it says.
    ///
    /// # Errors
    /// What is stored cannot be read.
    pub fn outgoing(&self) -> Result<Outgoing, Fault> {
        Ok(Outgoing {
            text: self.text.clone(),
            buttons: self.buttons.clone(),
            says: read("the sayings of a message", &self.says)?,
            manner: self.manner.clone(),
            spoken: self.spoken,
            via: ChannelName::parse(&self.channel).filter(|channel| channel.is_spoken()),
            to: None,
            consent: None,
        })
    }
}

impl Database {
    /// Whether a saying reached the guest whole before an instant: every message that carries it was taken by the
    /// provider before, and none came back.
    ///
    /// # Errors
    /// The database fails, or holds what cannot be read.
    pub async fn conveyed(
        &self,
        conversation: &ConversationId,
        say: u32,
        before: DateTime<Utc>,
    ) -> Result<bool, Fault> {
        let rows = Entity::find()
            .filter(Column::Conversation.eq(conversation.as_str()))
            .order_by_desc(Column::Id)
            .limit(CONVEYED_WITHIN)
            .all(self.reader())
            .await
            .map_err(Fault::doing("looking whether something was said"))?;
        let mut carried = false;
        for row in rows {
            if read::<Vec<u32>>("the sayings of a message", &row.says)?.contains(&say) {
                carried = true;
                if row.status != Status::Sent || row.sent_at.is_none_or(|sent| sent > before) {
                    return Ok(false);
                }
            }
        }
        Ok(carried)
    }

    /// The messages of a guest, in order.
    ///
    /// # Errors
    /// The database fails.
    pub async fn outgoing_to(&self, guest: &GuestKey) -> Result<Vec<OutboxRow>, Fault> {
        let rows = Entity::find()
            .filter(Column::Guest.eq(guest.as_str()))
            .order_by_asc(Column::Id)
            .all(self.reader())
            .await
            .map_err(Fault::doing("listing outgoing messages"))?;
        opened(self.reader(), rows).await
    }

    /// Each guest's first message that waits, on the channels named. What it says is not read: many may wait.
    pub(crate) async fn first_waiting(&self, channels: &[ChannelName]) -> Result<Vec<Waiting>, Fault> {
        let names = channels.iter().map(|channel| channel.as_str());
        let firsts = Query::select()
            .expr(Expr::col(Column::Id).min())
            .from(Entity)
            .and_where(Column::Status.is_in(WAITING))
            .and_where(Column::Channel.is_in(names))
            .and_where(self.nobody_elses("outbox.guest"))
            .group_by_col(Column::Guest)
            .take();
        let rows: Vec<WaitingColumns> = Entity::find()
            .select_only()
            .columns([Column::Id, Column::Guest, Column::Channel, Column::Status, Column::NextTryAt])
            .filter(Column::Id.in_subquery(firsts))
            .order_by_asc(Column::Id)
            .into_tuple()
            .all(self.reader())
            .await
            .map_err(Fault::doing("looking for what is to be sent"))?;
        let waiting = |(id, guest, channel, status, next_try_at): WaitingColumns| Waiting {
            id: OutgoingId(id),
            guest: GuestKey::new(guest),
            channel: ChannelName::parse(&channel),
            status,
            next_try_at,
        };
        Ok(rows.into_iter().map(waiting).collect())
    }

    /// One message.
    pub(crate) async fn outgoing_message(&self, id: OutgoingId) -> Result<Option<OutboxRow>, Fault> {
        let row = Entity::find_by_id(id.0)
            .one(self.reader())
            .await
            .map_err(Fault::doing("looking for a message that is to be sent"))?;
        Ok(opened(self.reader(), row).await?.pop())
    }

    /// Takes a message to send it; `false` where it is no longer as it was read.
    pub(crate) async fn claim(&self, row: &OutboxRow) -> Result<bool, Fault> {
        let now = self.clock().now();
        let claimed = Entity::update_many()
            .col_expr(Column::Status, Expr::value(Status::Sending))
            .col_expr(Column::Attempts, Expr::value(row.attempts + 1))
            .col_expr(Column::TriedAt, Expr::value(row.tried_at.unwrap_or(now)))
            // Whoever takes the guest over leaves it alone for so long: it may still be on its way.
            .col_expr(Column::NextTryAt, Expr::value(self.sending().map(|sending| later(now, sending))))
            .filter(Column::Id.eq(row.id))
            .filter(Column::Status.eq(row.status))
            .filter(Column::Attempts.eq(row.attempts))
            .exec(self.writer())
            .await
            .map_err(Fault::doing("taking a message to send it"))?;
        Ok(claimed.rows_affected > 0)
    }

    /// Records what a try came to.
    pub(crate) async fn tried(&self, id: OutgoingId, tried: &Tried) -> Result<(), Fault> {
        let (status, provider_id, error, next, sent) = match tried {
            Tried::Sent(provider_id) => {
                (Status::Sent, provider_id.clone(), None, None, Some(self.clock().now()))
            }
            Tried::Later { at, error } => (Status::Queued, None, Some(error), Some(*at), None),
            Tried::Uncertain { at, error } => (Status::Uncertain, None, Some(error), Some(*at), None),
            Tried::Held { error } => (Status::Held, None, Some(error), None, None),
            Tried::Failed { error } => (Status::Failed, None, Some(error), None, None),
        };
        Entity::update_many()
            .col_expr(Column::Status, Expr::value(status))
            .col_expr(Column::ProviderId, Expr::value(provider_id))
            // What was told of an earlier try says nothing about this one.
            .col_expr(Column::Delivery, Expr::value(None::<String>))
            .col_expr(Column::Error, Expr::value(error.cloned()))
            .col_expr(Column::NextTryAt, Expr::value(next))
            .col_expr(Column::SentAt, Expr::value(sent))
            .filter(Column::Id.eq(id.0))
            // A status report may have said before what became of it; nothing takes that back.
            .filter(Column::Status.is_in([Status::Sending, Status::Uncertain]))
            .exec(self.writer())
            .await
            .map_err(Fault::doing("recording how sending went"))?;
        self.changed();
        Ok(())
    }

    /// Gives a message up that is as it was read.
    pub(crate) async fn fail(&self, row: &OutboxRow, error: &str) -> Result<(), Fault> {
        self.put_aside(row, Status::Failed, error).await
    }

    /// Ends a message that is as it was read.
    pub(super) async fn put_aside(&self, row: &OutboxRow, status: Status, error: &str) -> Result<(), Fault> {
        Entity::update_many()
            .col_expr(Column::Status, Expr::value(status))
            .col_expr(Column::Error, Expr::value(error))
            .filter(Column::Id.eq(row.id))
            .filter(Column::Status.eq(row.status))
            .exec(self.writer())
            .await
            .map_err(Fault::doing("giving a message up"))?;
        self.changed();
        Ok(())
    }

    /// Makes tries that a crash interrupted uncertain, those of other living programs excepted.
    pub(crate) async fn interrupted(&self) -> Result<u64, Fault> {
        let interrupted = Entity::update_many()
            .col_expr(Column::Status, Expr::value(Status::Uncertain))
            .filter(Column::Status.eq(Status::Sending))
            .filter(self.nobody_elses("outbox.guest"))
            .exec(self.writer())
            .await
            .map_err(Fault::doing("looking for interrupted tries"))?;
        Ok(interrupted.rows_affected)
    }

    /// Makes a try uncertain that was to be over by now, where no other living program makes it.
    pub(crate) async fn cut_off(&self, id: OutgoingId, now: DateTime<Utc>) -> Result<(), Fault> {
        Entity::update_many()
            .col_expr(Column::Status, Expr::value(Status::Uncertain))
            .filter(Column::Id.eq(id.0))
            .filter(Column::Status.eq(Status::Sending))
            .filter(Column::NextTryAt.lte(now))
            .filter(self.nobody_elses("outbox.guest"))
            .exec(self.writer())
            .await
            .map_err(Fault::doing("looking for interrupted tries"))?;
        Ok(())
    }

    /// Takes what waits for a guest on a channel to say it in the answer to a webhook: it counts as sent from now on.
    /// Nothing overtakes a message that is being sent or may have been.
    pub(crate) async fn take_for_answer(
        &self,
        guest: &GuestKey,
        channel: ChannelName,
    ) -> Result<Vec<OutboxRow>, Fault> {
        let doing = "taking what is said in the answer to a webhook";
        let transaction = self.begin().await?;
        let waiting = Entity::find()
            .filter(Column::Guest.eq(guest.as_str()))
            .filter(Column::Channel.eq(channel.as_str()))
            .filter(Column::Status.is_in(WAITING.into_iter().chain([Status::Held])))
            .order_by_asc(Column::Id)
            .all(&*transaction)
            .await
            .map_err(Fault::doing(doing))?;
        let free = |row: &Model| matches!(row.status, Status::Queued | Status::Held);
        let taken = opened(&*transaction, waiting.into_iter().take_while(free)).await?;
        if !taken.is_empty() {
            Entity::update_many()
                .col_expr(Column::Status, Expr::value(Status::Sent))
                .col_expr(Column::SentAt, Expr::value(self.clock().now()))
                .filter(Column::Id.is_in(taken.iter().map(|row| row.id)))
                .exec(&*transaction)
                .await
                .map_err(Fault::doing(doing))?;
        }
        transaction.commit().await.map_err(Fault::doing(doing))?;
        self.changed();
        Ok(taken)
    }
}

/// A spoken message's sealed content with what was heard of it beside its words; `None` where it was forgotten.
pub(super) async fn heard_only(
    connection: &impl ConnectionTrait,
    row: &Model,
    heard: &str,
) -> Result<Option<Vec<u8>>, Fault> {
    let owner = row.conversation.as_deref().unwrap_or(&row.guest);
    let Some(key) = keys::one(connection, owner).await? else { return Ok(None) };
    let Some(sealed) = &row.content else { return Ok(None) };
    let content: Content = key.open_json(Record::Outgoing, owner, row.revision, sealed)?;
    let content = Content { heard: Some(heard.to_owned()), ..content };
    key.seal_json(Record::Outgoing, owner, row.revision, &content).map(Some)
}

/// Stored messages with what they say; those that were forgotten say nothing.
pub(super) async fn opened(
    connection: &impl ConnectionTrait,
    rows: impl IntoIterator<Item = Model>,
) -> Result<Vec<OutboxRow>, Fault> {
    let rows: Vec<Model> = rows.into_iter().collect();
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let owner = |row: &Model| row.conversation.clone().unwrap_or_else(|| row.guest.clone());
    let owners: Vec<String> = rows.iter().map(owner).collect();
    let keys = keys::find(connection, owners.iter().map(String::as_str)).await?;
    let open = |(row, owner): (Model, String)| {
        let content: Content = match (&row.content, keys.get(&owner)) {
            (Some(sealed), Some(key)) => key.open_json(Record::Outgoing, &owner, row.revision, sealed)?,
            (None, _) | (_, None) => Content::default(),
        };
        Ok(OutboxRow {
            id: row.id,
            guest: row.guest,
            channel: row.channel,
            conversation: row.conversation,
            revision: row.revision,
            text: content.text,
            buttons: content.buttons,
            manner: content.manner,
            spoken: content.spoken,
            by: content.by,
            heard: content.heard,
            says: row.says,
            status: row.status,
            provider_id: row.provider_id,
            delivery: row.delivery,
            error: row.error,
            attempts: row.attempts,
            tried_at: row.tried_at,
            next_try_at: row.next_try_at,
            created_at: row.created_at,
            sent_at: row.sent_at,
        })
    };
    rows.into_iter().zip(owners).map(open).collect()
}
