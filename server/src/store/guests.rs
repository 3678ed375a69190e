//! What is known about guests beyond one conversation.

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use innkeeper_engine::Guest;
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use serde_json::Value as Json;

use super::entity::guest;
use super::seal::{Key, Record};
use super::{Database, Fault, identity, keys};
use crate::message::{GuestKey, Inbound};

impl Database {
    /// What is known about a guest; nothing about one who never wrote.
    ///
    /// # Errors
    /// The database fails, or holds what cannot be read.
    pub async fn guest(&self, key: &GuestKey) -> Result<Guest, Fault> {
        let Some(row) = identity::row(self.reader(), key.as_str()).await? else {
            return Ok(Guest::default());
        };
        let remembered = remembered(self.reader(), &row).await?;
        Ok(Guest { phone: row.phone, remembered, ..Guest::default() })
    }

    /// Keeps a value for a guest's next conversation, as a turn would.
    ///
    /// # Errors
    /// The database fails, or holds what cannot be read.
    pub async fn remember(&self, key: &GuestKey, name: &str, value: &Json) -> Result<(), Fault> {
        let transaction = self.begin().await?;
        remember(&*transaction, key.as_str(), &[(name.to_owned(), value.clone())], self.clock().now())
            .await?;
        transaction.commit().await.map_err(Fault::doing("remembering something of a guest"))
    }

    /// The guests with a verified number.
    ///
    /// # Errors
    /// The database fails.
    pub async fn guests_with_phone(&self, phone: &str) -> Result<Vec<GuestKey>, Fault> {
        let rows = guest::Entity::find()
            .filter(guest::Column::Phone.eq(phone))
            .all(self.reader())
            .await
            .map_err(Fault::doing("looking for a guest by number"))?;
        Ok(rows.into_iter().map(|row| GuestKey::new(row.id)).collect())
    }
}

/// Notes that a guest wrote: how to reach them, and their number where the channel vouches for one.
pub(super) async fn seen(
    connection: &impl ConnectionTrait,
    guest: &GuestKey,
    inbound: &Inbound,
    at: DateTime<Utc>,
) -> Result<(), Fault> {
    let row = guest::ActiveModel {
        id: ActiveValue::Set(guest.as_str().to_owned()),
        address: ActiveValue::Set(inbound.address.clone()),
        line: ActiveValue::Set(inbound.line.clone()),
        phone: ActiveValue::Set(inbound.phone.clone()),
        remembered: ActiveValue::Set(None),
        seen_at: ActiveValue::Set(at),
    };
    // A number counts as verified only as long as the channel vouches for it.
    let mut again = OnConflict::column(guest::Column::Id);
    if inbound.channel.is_spoken() {
        // Who calls is still written to where they wrote from.
        again.update_columns([guest::Column::Phone, guest::Column::SeenAt]);
    } else {
        again.update_columns([
            guest::Column::Address,
            guest::Column::Line,
            guest::Column::Phone,
            guest::Column::SeenAt,
        ]);
    }
    guest::Entity::insert(row)
        .on_conflict(again)
        .exec_without_returning(connection)
        .await
        .map_err(Fault::doing("noting that a guest wrote"))?;
    Ok(())
}

/// Keeps values for a guest's next conversation.
pub(super) async fn remember(
    connection: &impl ConnectionTrait,
    key: &str,
    values: &[(String, Json)],
    at: DateTime<Utc>,
) -> Result<(), Fault> {
    if values.is_empty() {
        return Ok(());
    }
    let key = &*identity::resolved(connection, key).await?;
    let known = find(connection, key).await?;
    let secret = keys::made(connection, key).await?;
    let mut remembered = match known.as_ref().and_then(|row| row.remembered.as_ref()) {
        Some(sealed) => remembered_of(Some(&secret), key, sealed)?,
        None => IndexMap::new(),
    };
    remembered.extend(values.iter().cloned());
    let sealed = secret.seal_json(Record::Remembered, key, 0, &remembered)?;
    let doing = "remembering something of a guest";
    if known.is_some() {
        guest::Entity::update_many()
            .col_expr(guest::Column::Remembered, Expr::value(sealed))
            .filter(guest::Column::Id.eq(key))
            .exec(connection)
            .await
            .map_err(Fault::doing(doing))?;
    } else {
        let row = guest::ActiveModel {
            id: ActiveValue::Set(key.to_owned()),
            address: ActiveValue::Set(key.to_owned()),
            line: ActiveValue::Set(None),
            phone: ActiveValue::Set(None),
            remembered: ActiveValue::Set(Some(sealed)),
            seen_at: ActiveValue::Set(at),
        };
        guest::Entity::insert(row).exec_without_returning(connection).await.map_err(Fault::doing(doing))?;
    }
    Ok(())
}

/// What is remembered of a guest.
pub(super) async fn remembered(
    connection: &impl ConnectionTrait,
    row: &guest::Model,
) -> Result<IndexMap<String, Json>, Fault> {
    match &row.remembered {
        Some(sealed) => remembered_of(keys::one(connection, &row.id).await?.as_ref(), &row.id, sealed),
        None => Ok(IndexMap::new()),
    }
}

fn remembered_of(key: Option<&Key>, id: &str, sealed: &[u8]) -> Result<IndexMap<String, Json>, Fault> {
    let Some(key) = key else { return Ok(IndexMap::new()) };
    key.open_json(Record::Remembered, id, 0, sealed)
}

/// A guest's row.
pub(super) async fn find(
    connection: &impl ConnectionTrait,
    key: &str,
) -> Result<Option<guest::Model>, Fault> {
    guest::Entity::find_by_id(key).one(connection).await.map_err(Fault::doing("looking for a guest"))
}
