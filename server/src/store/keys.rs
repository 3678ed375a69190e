//! The keys of conversations and guests, as rows.

use std::collections::HashMap;

use sea_orm::sea_query::OnConflict;
use sea_orm::{ActiveValue, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::Fault;
use super::entity::key;
use super::seal::Key;

/// The keys that exist, by their ids.
pub(super) async fn find<'a>(
    connection: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = &'a str>,
) -> Result<HashMap<String, Key>, Fault> {
    let rows = key::Entity::find()
        .filter(key::Column::Id.is_in(ids))
        .all(connection)
        .await
        .map_err(Fault::doing("looking for keys"))?;
    Ok(rows.into_iter().filter_map(|row| Some((row.id, Key::stored(&row.secret)?))).collect())
}

/// The key with that id, if there is one.
pub(super) async fn one(connection: &impl ConnectionTrait, id: &str) -> Result<Option<Key>, Fault> {
    Ok(find(connection, [id]).await?.remove(id))
}

/// The key with that id, made where there is none.
pub(super) async fn made(connection: &impl ConnectionTrait, id: &str) -> Result<Key, Fault> {
    if let Some(known) = one(connection, id).await? {
        return Ok(known);
    }
    let key = Key::random();
    let row = key::ActiveModel { id: ActiveValue::Set(id.to_owned()), secret: ActiveValue::Set(key.bytes()) };
    let made = key::Entity::insert(row)
        .on_conflict(OnConflict::column(key::Column::Id).do_nothing().to_owned())
        .exec_without_returning(connection)
        .await
        .map_err(Fault::doing("writing a key down"))?;
    if made > 0 {
        return Ok(key);
    }
    // Somebody else was faster: theirs is the key.
    one(connection, id).await?.ok_or(Fault::Missing { what: "the key that was just made" })
}

/// A new key for something that was just made.
pub(super) async fn new(connection: &impl ConnectionTrait, id: &str) -> Result<Key, Fault> {
    let key = Key::random();
    let row = key::ActiveModel { id: ActiveValue::Set(id.to_owned()), secret: ActiveValue::Set(key.bytes()) };
    key::Entity::insert(row)
        .exec_without_returning(connection)
        .await
        .map_err(Fault::doing("writing a key down"))?;
    Ok(key)
}

/// Destroys keys: what was sealed under them can never be opened again.
pub(super) async fn destroy<'a>(
    connection: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = &'a str>,
) -> Result<u64, Fault> {
    let destroyed = key::Entity::delete_many()
        .filter(key::Column::Id.is_in(ids))
        .exec(connection)
        .await
        .map_err(Fault::doing("destroying keys"))?;
    Ok(destroyed.rows_affected)
}
