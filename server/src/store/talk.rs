//! What was said with a guest who is right here, as it is stored: for showing it again.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use innkeeper_engine::Position;
use innkeeper_engine::runtime::Logged;
use sea_orm::{ActiveValue, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::entity::{conversation, guest, log, outbox};
use super::{Database, Fault, guests, keys, standing};
use crate::message::{ConversationId, GuestKey, Outgoing, OutgoingId};

/// A guest who was welcomed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcomed {
    /// The number that counts as verified, E.164.
    pub phone: Option<String>,
    /// When the guest came, or last wrote.
    pub seen_at: DateTime<Utc>,
}

/// A conversation with everything that went in and out.
#[derive(Clone, Debug)]
pub struct Talk {
    /// Its id.
    pub conversation: ConversationId,
    /// Where it stands; none before its first commit.
    pub position: Option<Position>,
    /// Its commits, in order.
    pub commits: Vec<TalkCommit>,
}

/// What one commit wrote.
#[derive(Clone, Debug)]
pub struct TalkCommit {
    /// The inputs.
    pub log: Vec<Logged>,
    /// What went out to the guest, from here to the next commit.
    pub outgoing: Vec<Told>,
}

/// A message that went out to the guest.
#[derive(Clone, Debug, PartialEq)]
pub struct Told {
    /// The message; of what was cut off only what was heard.
    pub message: Outgoing,
    /// The person who wrote it; none where the receptionist did.
    pub by: Option<String>,
}

impl Database {
    /// Notes a guest who has not said anything yet. Who is known already stays as known.
    ///
    /// # Errors
    /// The database fails.
    pub async fn welcome(&self, key: &GuestKey, phone: Option<&str>) -> Result<(), Fault> {
        let row = guest::ActiveModel {
            id: ActiveValue::Set(key.as_str().to_owned()),
            address: ActiveValue::Set(key.as_str().to_owned()),
            line: ActiveValue::Set(None),
            phone: ActiveValue::Set(phone.map(str::to_owned)),
            remembered: ActiveValue::Set(None),
            seen_at: ActiveValue::Set(self.clock().now()),
        };
        guest::Entity::insert(row)
            .on_conflict_do_nothing_on([guest::Column::Id])
            .exec_without_returning(self.writer())
            .await
            .map_err(Fault::doing("welcoming a guest"))?;
        Ok(())
    }

    /// A guest who was welcomed, or wrote.
    ///
    /// # Errors
    /// The database fails.
    pub async fn welcomed(&self, key: &GuestKey) -> Result<Option<Welcomed>, Fault> {
        let row = guests::find(self.reader(), key.as_str()).await?;
        Ok(row.map(|row| Welcomed { phone: row.phone, seen_at: row.seen_at }))
    }

    /// The number of the last message to a guest.
    ///
    /// # Errors
    /// The database fails.
    pub async fn last_said_to(&self, guest: &GuestKey) -> Result<Option<OutgoingId>, Fault> {
        let last: Option<i64> = outbox::Entity::find()
            .select_only()
            .column(outbox::Column::Id)
            .filter(outbox::Column::Guest.eq(guest.as_str()))
            .order_by_desc(outbox::Column::Id)
            .limit(1)
            .into_tuple()
            .one(self.reader())
            .await
            .map_err(Fault::doing("looking for the last message to a guest"))?;
        Ok(last.map(OutgoingId))
    }

    /// Everything that was said with a guest, oldest first.
    ///
    /// # Errors
    /// The database fails, or holds what cannot be read.
    pub async fn talks(&self, key: &GuestKey) -> Result<Vec<Talk>, Fault> {
        let doing = "reading what was said with a guest";
        let mut rows = conversation::Entity::find()
            .filter(conversation::Column::Guest.eq(key.as_str()))
            .order_by_asc(conversation::Column::StartedAt)
            .all(self.reader())
            .await
            .map_err(Fault::doing(doing))?;
        let entries = log::Entity::find()
            .filter(log::Column::Conversation.is_in(rows.iter().map(|row| row.id.as_str())))
            .order_by_asc(log::Column::Revision)
            .all(self.reader())
            .await
            .map_err(Fault::doing(doing))?;
        let mut said: HashMap<(String, i64), Vec<Told>> = HashMap::new();
        let mut spoken: HashMap<String, i64> = HashMap::new();
        for row in self.outgoing_to(key).await? {
            let Some(id) = row.conversation.clone() else { continue };
            spoken.entry(id.clone()).or_insert(row.id);
            let text = row.words().to_owned();
            let heard = Outgoing { text, ..row.outgoing()? };
            if heard.text.is_empty() && row.heard.is_some() {
                continue;
            }
            let told = Told { message: heard, by: row.by.clone() };
            said.entry((id, row.revision)).or_default().push(told);
        }
        // Of two that began at the same instant, the one that spoke first was first.
        rows.sort_by_key(|row| (row.started_at, spoken.get(&row.id).copied().unwrap_or(i64::MAX)));
        let keys = keys::find(self.reader(), rows.iter().map(|row| row.id.as_str())).await?;
        let mut talks = Vec::new();
        for row in rows {
            let Some(key) = keys.get(&row.id) else { continue };
            let rows = entries.iter().filter(|entry| entry.conversation == row.id);
            let commits = standing::commits(key, &row, rows)?.into_iter().map(|(revision, log)| {
                let said = said.remove(&(row.id.clone(), revision.cast_signed()));
                TalkCommit { log, outgoing: said.unwrap_or_default() }
            });
            talks.push(Talk {
                commits: commits.collect(),
                position: standing::open(key, &row)?.map(|stands| stands.stored.position),
                conversation: ConversationId::new(row.id),
            });
        }
        Ok(talks)
    }
}
