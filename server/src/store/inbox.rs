//! Inbound messages: written down once, gathered into turns, each with one outcome.

mod arrive;
mod missed;
mod notes;

use std::collections::{BTreeMap, HashSet};

use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::entity::inbox::{Column, Entity, Model};
use super::seal::Record;
use super::{Database, Fault, keys, outbox};
use crate::message::{
    self, ChannelName, ConversationId, Gathered, GuestKey, Heard, Kind, MessageId, Outgoing, Part,
};
use crate::mortal;

pub use self::arrive::{Arrived, Received};
/// What became of an inbound message.
pub use super::entity::inbox::Outcome;

/// So many messages are looked for in one question.
const AT_ONCE: usize = 500;

/// An inbound message as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct InboxRow {
    /// Its key; higher came later.
    pub id: i64,
    /// The way it came.
    pub channel: String,
    /// The provider's id, unique in the channel.
    pub provider_id: String,
    /// Whose it is.
    pub guest: String,
    /// The conversation that answered it.
    pub conversation: Option<String>,
    /// What it is made of.
    pub kind: String,
    /// The words; none once it was forgotten.
    pub text: String,
    /// The id of the pressed button.
    pub button: Option<String>,
    /// What it is made of.
    pub content: message::Content,
    /// The provider's id of the message of ours that it answers.
    pub reply_to: Option<String>,
    /// What came of listening to it.
    pub heard: Option<Heard>,
    /// Everything the provider said.
    pub raw: Json,
    /// When it came.
    pub received_at: DateTime<Utc>,
    /// What became of it.
    pub outcome: Outcome,
    /// When that was decided.
    pub decided_at: Option<DateTime<Utc>>,
    /// The message it is a fragment of.
    pub merged_into: Option<i64>,
    /// The number of times its turn was begun.
    pub attempts: i32,
}

/// What is sealed of an inbound message.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Content {
    text: String,
    button: Option<String>,
    #[serde(default)]
    content: message::Content,
    #[serde(default)]
    reply_to: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    heard: Option<Heard>,
    raw: Json,
}

/// What came of beginning a turn.
#[derive(Clone, Debug, PartialEq)]
pub enum Begun {
    /// It is begun.
    Turn(Gathered),
    /// Its message has an outcome already.
    Decided,
    /// These came before, and have no outcome yet.
    Behind(Vec<MessageId>),
    /// Another program has the guest.
    Elsewhere,
}

impl Database {
    /// Whether a message was ever taken, by its provider's id.
    ///
    /// # Errors
    /// The database fails.
    pub async fn is_known(&self, channel: ChannelName, provider_id: &str) -> Result<bool, Fault> {
        Ok(!self.known_of(channel, [provider_id]).await?.is_empty())
    }

    /// The messages that have no outcome yet, in the order they came.
    ///
    /// # Errors
    /// The database fails.
    pub async fn pending(&self) -> Result<Vec<InboxRow>, Fault> {
        let rows = Entity::find()
            .filter(Column::Outcome.eq(Outcome::Pending))
            .order_by_asc(Column::Id)
            .all(self.reader())
            .await
            .map_err(Fault::doing("listing the messages without an outcome"))?;
        opened(self.reader(), rows).await
    }

    /// When a message last came on a channel.
    ///
    /// # Errors
    /// The database fails.
    pub async fn last_received(&self, channel: ChannelName) -> Result<Option<DateTime<Utc>>, Fault> {
        Entity::find()
            .select_only()
            .column(Column::ReceivedAt)
            .filter(Column::Channel.eq(channel.as_str()))
            .order_by_desc(Column::Id)
            .limit(1)
            .into_tuple()
            .one(self.reader())
            .await
            .map_err(Fault::doing("looking when a message last came"))
    }

    /// Which of these messages, by the provider's ids, were written down.
    ///
    /// # Errors
    /// The database fails.
    pub async fn known_of<'a>(
        &self,
        channel: ChannelName,
        provider_ids: impl IntoIterator<Item = &'a str>,
    ) -> Result<HashSet<String>, Fault> {
        let ids: Vec<&str> = provider_ids.into_iter().collect();
        let mut known = HashSet::new();
        for some in ids.chunks(AT_ONCE) {
            let found: Vec<String> = Entity::find()
                .select_only()
                .column(Column::ProviderId)
                .filter(Column::Channel.eq(channel.as_str()))
                .filter(Column::ProviderId.is_in(some.iter().copied()))
                .into_tuple()
                .all(self.reader())
                .await
                .map_err(Fault::doing("looking for messages by their provider's ids"))?;
            known.extend(found);
        }
        Ok(known)
    }

    /// One inbound message.
    ///
    /// # Errors
    /// The database fails.
    pub async fn message(&self, id: MessageId) -> Result<Option<InboxRow>, Fault> {
        let row = Entity::find_by_id(id.0)
            .one(self.reader())
            .await
            .map_err(Fault::doing("looking for an inbound message"))?;
        Ok(opened(self.reader(), row).await?.pop())
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
        match self.begin_any(lead, fragments, false).await? {
            Begun::Turn(turn) => Ok(Some(turn)),
            Begun::Decided | Begun::Behind(_) | Begun::Elsewhere => Ok(None),
        }
    }

    /// The same where it is this program's turn, and no message that came before is still without an outcome.
    ///
    /// # Errors
    /// The database fails.
    pub async fn begin_next_turn(&self, lead: MessageId, fragments: &[MessageId]) -> Result<Begun, Fault> {
        self.begin_any(lead, fragments, true).await
    }

    async fn begin_any(
        &self,
        lead: MessageId,
        fragments: &[MessageId],
        in_order: bool,
    ) -> Result<Begun, Fault> {
        let doing = "beginning a turn";
        let transaction = self.begin().await?;
        let begun = Entity::update_many()
            .col_expr(Column::Attempts, Expr::col(Column::Attempts).add(1))
            .filter(Column::Id.eq(lead.0))
            .filter(Column::Outcome.eq(Outcome::Pending))
            .exec(&*transaction)
            .await
            .map_err(Fault::doing(doing))?;
        if begun.rows_affected == 0 {
            transaction.rollback().await.map_err(Fault::doing(doing))?;
            return Ok(Begun::Decided);
        }
        if !fragments.is_empty() {
            Entity::update_many()
                .col_expr(Column::Outcome, Expr::value(Outcome::Merged))
                .col_expr(Column::MergedInto, Expr::value(lead.0))
                .col_expr(Column::DecidedAt, Expr::value(self.clock().now()))
                .filter(Column::Id.is_in(fragments.iter().map(|fragment| fragment.0)))
                .filter(Column::Outcome.eq(Outcome::Pending))
                .exec(&*transaction)
                .await
                .map_err(Fault::doing(doing))?;
        }
        let parts = Entity::find()
            .filter(Condition::any().add(Column::Id.eq(lead.0)).add(Column::MergedInto.eq(lead.0)))
            .order_by_asc(Column::Id)
            .all(&*transaction)
            .await
            .map_err(Fault::doing(doing))?;
        let parts = opened(&*transaction, parts).await?;
        let turn = gathered(lead, &parts)?;
        if in_order {
            let is_ours = self.take_in(&*transaction, turn.guest.as_str()).await?;
            let earlier = if is_ours { earlier(&*transaction, &turn.guest, lead).await? } else { Vec::new() };
            if !is_ours || !earlier.is_empty() {
                transaction.rollback().await.map_err(Fault::doing(doing))?;
                return Ok(if is_ours { Begun::Behind(earlier) } else { Begun::Elsewhere });
            }
        }
        transaction.commit().await.map_err(Fault::doing(doing))?;
        mortal::passes("turn.begun");
        if in_order {
            self.note_taken(turn.guest.as_str());
        }
        Ok(Begun::Turn(turn))
    }

    /// Ends a message that nobody answers: whoever said it is right here and may say it again.
    ///
    /// # Errors
    /// The database fails; then nothing was changed.
    pub async fn reject(&self, message: MessageId) -> Result<(), Fault> {
        match self.begin_turn(message, &[]).await? {
            Some(turn) => self.give_up(&turn, Outcome::Rejected, None, &[]).await,
            None => Ok(()),
        }
    }

    /// Ends a message that could not be answered, with what is said to the guest about it. What is handed over waits for a
    /// person then, with [`Database::missed`].
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
        end(&*transaction, turn, outcome, conversation, outgoing, now).await?;
        transaction.commit().await.map_err(Fault::doing(doing))?;
        self.outgoing().notify_one();
        self.changed();
        Ok(())
    }

    /// The words that a guest added after a message and that have no outcome yet, up to the first message that is a
    /// turn of its own.
    ///
    /// # Errors
    /// The database fails.
    pub async fn said_after(
        &self,
        guest: &GuestKey,
        channel: ChannelName,
        message: MessageId,
    ) -> Result<Vec<MessageId>, Fault> {
        let rows = Entity::find()
            .filter(Column::Outcome.eq(Outcome::Pending))
            .filter(Column::Guest.eq(guest.as_str()))
            .filter(Column::Channel.eq(channel.as_str()))
            .filter(Column::Id.gt(message.0))
            .order_by_asc(Column::Id)
            .all(self.reader())
            .await
            .map_err(Fault::doing("looking for what a guest added"))?;
        let is_added = |row: &InboxRow| {
            row.kind == Kind::Text.as_str()
                && row.button.is_none()
                && row.reply_to.is_none()
                && row.attempts == 0
        };
        let rows = opened(self.reader(), rows).await?;
        Ok(rows.iter().take_while(|row| is_added(row)).map(|row| MessageId(row.id)).collect())
    }

    /// Everything that a guest sent, in the order it came.
    ///
    /// # Errors
    /// The database fails.
    pub async fn messages_of(&self, guest: &GuestKey) -> Result<Vec<InboxRow>, Fault> {
        let rows = Entity::find()
            .filter(Column::Guest.eq(guest.as_str()))
            .order_by_asc(Column::Id)
            .all(self.reader())
            .await
            .map_err(Fault::doing("listing what a guest sent"))?;
        opened(self.reader(), rows).await
    }

    /// How many messages have which outcome.
    ///
    /// # Errors
    /// The database fails.
    pub async fn outcomes(&self) -> Result<BTreeMap<Outcome, u64>, Fault> {
        // All at one instant: a message that gets its outcome meanwhile counts once.
        let counts = Entity::find()
            .select_only()
            .column(Column::Outcome)
            .column_as(Column::Id.count(), "count")
            .group_by(Column::Outcome)
            .into_tuple::<(Outcome, i64)>()
            .all(self.reader())
            .await
            .map_err(Fault::doing("counting outcomes"))?;
        Ok(counts.into_iter().map(|(outcome, count)| (outcome, count.unsigned_abs())).collect())
    }
}

/// Ends the message that a turn answers, where it has no outcome yet, with what is said to the guest about it.
pub(super) async fn end(
    transaction: &impl ConnectionTrait,
    turn: &Gathered,
    outcome: Outcome,
    conversation: Option<&ConversationId>,
    outgoing: &[Outgoing],
    now: DateTime<Utc>,
) -> Result<(), Fault> {
    let doing = "ending a message";
    let decided = Entity::update_many()
        .col_expr(Column::Outcome, Expr::value(outcome))
        .col_expr(Column::DecidedAt, Expr::value(now))
        .filter(Column::Id.eq(turn.lead.0))
        .filter(Column::Outcome.eq(Outcome::Pending))
        .exec(transaction)
        .await
        .map_err(Fault::doing(doing))?;
    if decided.rows_affected > 0 {
        let key = match conversation {
            Some(id) => keys::one(transaction, id.as_str()).await?.map(|key| (Some(id.as_str()), key)),
            None => None,
        };
        let (conversation, key) = match key {
            Some(known) => known,
            None => (None, keys::made(transaction, turn.guest.as_str()).await?),
        };
        let from = outbox::From {
            guest: turn.guest.as_str(),
            channel: turn.channel.as_str(),
            conversation,
            revision: 0,
            at: now,
            key: &key,
        };
        outbox::put(transaction, &from, outgoing).await?;
        if outcome == Outcome::HandedOver {
            missed::miss(transaction, turn.lead).await?;
        }
    }
    Ok(())
}

/// The messages of a guest before this one that have no outcome.
async fn earlier(
    connection: &impl ConnectionTrait,
    guest: &GuestKey,
    before: MessageId,
) -> Result<Vec<MessageId>, Fault> {
    let ids: Vec<i64> = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::Outcome.eq(Outcome::Pending))
        .filter(Column::Guest.eq(guest.as_str()))
        .filter(Column::Id.lt(before.0))
        // What was said in a call is answered there.
        .filter(Column::Channel.ne(ChannelName::Call.as_str()))
        .order_by_asc(Column::Id)
        .into_tuple()
        .all(connection)
        .await
        .map_err(Fault::doing("looking for what came before"))?;
    Ok(ids.into_iter().map(MessageId).collect())
}

/// Stored messages with what they say; those that were forgotten say nothing.
async fn opened(
    connection: &impl ConnectionTrait,
    rows: impl IntoIterator<Item = Model>,
) -> Result<Vec<InboxRow>, Fault> {
    let rows: Vec<Model> = rows.into_iter().collect();
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let keys = keys::find(connection, rows.iter().map(|row| row.guest.as_str())).await?;
    let open = |row: Model| {
        let content = match (&row.content, keys.get(&row.guest)) {
            (Some(sealed), Some(key)) => key.open_json(Record::Inbound, &row.provider_id, 0, sealed)?,
            (None, _) | (_, None) => Content::default(),
        };
        Ok(InboxRow {
            id: row.id,
            channel: row.channel,
            provider_id: row.provider_id,
            guest: row.guest,
            conversation: row.conversation,
            kind: row.kind,
            text: content.text,
            button: content.button,
            content: content.content,
            reply_to: content.reply_to,
            heard: content.heard,
            raw: content.raw,
            received_at: row.received_at,
            outcome: row.outcome,
            decided_at: row.decided_at,
            merged_into: row.merged_into,
            attempts: row.attempts,
        })
    };
    rows.into_iter().map(open).collect()
}

/// Puts the parts of a turn together.
fn gathered(lead: MessageId, parts: &[InboxRow]) -> Result<Gathered, Fault> {
    let first = parts.first().ok_or(Fault::Missing { what: "the message that a turn answers" })?;
    let channel =
        ChannelName::parse(&first.channel).ok_or(Fault::Missing { what: "the channel of a message" })?;
    let texts =
        parts.iter().flat_map(|part| [Some(part.text.as_str()), part.heard.as_ref().and_then(Heard::words)]);
    let texts: Vec<&str> = texts.flatten().map(str::trim).filter(|text| !text.is_empty()).collect();
    let other = parts.iter().filter_map(|part| Kind::parse(&part.kind)).find(|kind| *kind != Kind::Text);
    Ok(Gathered {
        guest: GuestKey::new(first.guest.clone()),
        channel,
        lead,
        merged: parts.iter().map(|part| MessageId(part.id)).filter(|id| *id != lead).collect(),
        text: texts.join("\n"),
        button: parts.iter().find_map(|part| part.button.clone()),
        unsupported: other,
        heard: parts.iter().find_map(|part| part.heard.clone()),
        parts: parts.iter().map(Part::from).collect(),
        received_at: first.received_at,
        attempts: parts.iter().find(|part| part.id == lead.0).map_or(0, |part| part.attempts.unsigned_abs()),
    })
}

impl From<&InboxRow> for Part {
    fn from(row: &InboxRow) -> Self {
        Self {
            message: MessageId(row.id),
            provider_id: row.provider_id.clone(),
            text: row.text.clone(),
            content: row.content.clone(),
            reply_to: row.reply_to.clone(),
        }
    }
}
