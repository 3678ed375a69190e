//! Versions of the flows, and the conversations that are on them.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use innkeeper_engine::runtime::Stored;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue, ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};

use super::entity::{conversation, flow_version, outbox};
use super::{Database, Fault, keys, standing};
use crate::message::{ConversationId, Outgoing};

/// A version of the flows as it is stored.
pub use super::entity::flow_version::Model as FlowVersionRow;

/// So many conversations are read at once.
const PAGE: u64 = 500;

/// A conversation that has not ended, as it stands.
#[derive(Clone, Debug)]
pub struct OpenConversation {
    /// Its key.
    pub id: ConversationId,
    /// The way it is held.
    pub channel: String,
    /// Where it stands.
    pub stands: Stored<Outgoing>,
}

impl Database {
    /// Writes a version down, unless it is. It is the one that new conversations begin on now.
    ///
    /// # Errors
    /// The database fails.
    pub async fn keep_version(
        &self,
        version: &str,
        [sources, tools, prompts]: [String; 3],
    ) -> Result<(), Fault> {
        let now = self.clock().now();
        let row = flow_version::ActiveModel {
            version: ActiveValue::Set(version.to_owned()),
            sources: ActiveValue::Set(sources),
            tools: ActiveValue::Set(tools),
            prompts: ActiveValue::Set(prompts),
            used: ActiveValue::Set(false),
            seen_at: ActiveValue::Set(now),
            current_at: ActiveValue::Set(now),
        };
        let known = OnConflict::column(flow_version::Column::Version)
            .update_column(flow_version::Column::CurrentAt)
            .to_owned();
        flow_version::Entity::insert(row)
            .on_conflict(known)
            .exec_without_returning(self.writer())
            .await
            .map_err(Fault::doing("writing a version of the flows down"))?;
        Ok(())
    }

    /// A version, if it was written down.
    ///
    /// # Errors
    /// The database fails.
    pub async fn flow_version(&self, version: &str) -> Result<Option<FlowVersionRow>, Fault> {
        flow_version::Entity::find_by_id(version)
            .one(self.reader())
            .await
            .map_err(Fault::doing("reading a version of the flows"))
    }

    /// The versions that are written down, the first seen first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn flow_versions(&self) -> Result<Vec<String>, Fault> {
        flow_version::Entity::find()
            .select_only()
            .column(flow_version::Column::Version)
            .order_by_asc(flow_version::Column::SeenAt)
            .into_tuple()
            .all(self.reader())
            .await
            .map_err(Fault::doing("listing the versions of the flows"))
    }

    /// Notes that conversations are on these versions: what they went through can be repeated as long as they are kept.
    ///
    /// # Errors
    /// The database fails.
    pub async fn use_versions(&self, versions: impl IntoIterator<Item = &str>) -> Result<(), Fault> {
        flow_version::Entity::update_many()
            .col_expr(flow_version::Column::Used, Expr::value(true))
            .filter(flow_version::Column::Version.is_in(versions))
            .filter(flow_version::Column::Used.eq(false))
            .exec(self.writer())
            .await
            .map_err(Fault::doing("noting which versions of the flows are used"))?;
        Ok(())
    }

    /// Drops a version, whoever is on it.
    ///
    /// # Errors
    /// The database fails.
    pub async fn forget_version(&self, version: &str) -> Result<(), Fault> {
        flow_version::Entity::delete_by_id(version)
            .exec(self.writer())
            .await
            .map_err(Fault::doing("dropping a version of the flows"))?;
        Ok(())
    }

    /// Drops the versions that no conversation was ever on and that have not been current since. Says how many.
    ///
    /// # Errors
    /// The database fails.
    pub async fn drop_unused_versions(&self, since: DateTime<Utc>) -> Result<u64, Fault> {
        let dropped = flow_version::Entity::delete_many()
            .filter(flow_version::Column::Used.eq(false))
            .filter(flow_version::Column::CurrentAt.lt(since))
            .exec(self.writer())
            .await
            .map_err(Fault::doing("dropping versions of the flows"))?;
        Ok(dropped.rows_affected)
    }

    /// The conversations that have not ended and have begun, in the order of their keys.
    ///
    /// # Errors
    /// The database fails, or a position cannot be read.
    pub async fn open_conversations(&self) -> Result<Vec<OpenConversation>, Fault> {
        let mut all = Vec::new();
        let mut after = String::new();
        loop {
            let rows = conversation::Entity::find()
                .filter(conversation::Column::Id.gt(after.as_str()))
                .filter(conversation::Column::Ended.eq(false))
                .filter(conversation::Column::Forgotten.eq(false))
                .filter(conversation::Column::Position.is_not_null())
                .order_by_asc(conversation::Column::Id)
                .limit(PAGE)
                .all(self.reader())
                .await
                .map_err(Fault::doing("listing the open conversations"))?;
            let Some(last) = rows.last() else { return Ok(all) };
            after.clone_from(&last.id);
            let keys = keys::find(self.reader(), rows.iter().map(|row| row.id.as_str())).await?;
            for row in rows {
                let Some(key) = keys.get(&row.id) else { continue };
                let Some(stands) = standing::open(key, &row)? else { continue };
                let stands = stands.stored;
                all.push(OpenConversation { id: ConversationId::new(row.id), channel: row.channel, stands });
            }
        }
    }

    /// The conversations that were recorded and not forgotten, ended or not, the oldest first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn recorded_conversations(&self) -> Result<Vec<ConversationId>, Fault> {
        let ids: Vec<String> = conversation::Entity::find()
            .select_only()
            .column(conversation::Column::Id)
            .filter(conversation::Column::Forgotten.eq(false))
            .filter(conversation::Column::Position.is_not_null())
            .order_by_asc(conversation::Column::StartedAt)
            .order_by_asc(conversation::Column::Id)
            .into_tuple()
            .all(self.reader())
            .await
            .map_err(Fault::doing("listing what was recorded"))?;
        Ok(ids.into_iter().map(ConversationId::new).collect())
    }

    /// The ids of everything a conversation said and that went out, in order, each once.
    ///
    /// # Errors
    /// The database fails.
    pub async fn said_in(&self, conversation: &ConversationId) -> Result<Vec<u32>, Fault> {
        let rows: Vec<String> = outbox::Entity::find()
            .select_only()
            .column(outbox::Column::Says)
            .filter(outbox::Column::Conversation.eq(conversation.as_str()))
            .order_by_asc(outbox::Column::Id)
            .into_tuple()
            .all(self.reader())
            .await
            .map_err(Fault::doing("reading what a conversation said"))?;
        let mut said = BTreeSet::new();
        for row in rows {
            said.extend(super::read::<Vec<u32>>("the sayings of a message", &row)?);
        }
        Ok(said.into_iter().collect())
    }
}
