//! Making one guest of two: everything of the one becomes the other's.
//!
//! What was sealed under the key of the one who goes is sealed again under the other's, and that key is destroyed. Of
//! two open conversations the one that was held last goes on. The other ends at a revision of its own, so that a turn
//! that is under way in it fails and is taken again where the guest is now.

use chrono::{DateTime, Utc};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};

use super::entity::{conversation, guest, inbox, outbox};
use super::seal::Record;
use super::{Fault, guests, keys, lease, reachable, standing};

const DOING: &str = "making one guest of two";

/// Which of two guests goes on: the one whose open conversation was held last, else the first.
pub(super) async fn survivor(
    connection: &impl ConnectionTrait,
    one: &str,
    other: &str,
) -> Result<String, Fault> {
    let (ours, theirs) = (open(connection, one).await?, open(connection, other).await?);
    let held = |row: &Option<conversation::Model>| row.as_ref().map(|row| row.updated_at);
    Ok(if held(&theirs) > held(&ours) { other } else { one }.to_owned())
}

/// Makes everything of one guest another's.
pub(super) async fn join(connection: &impl ConnectionTrait, from: &str, to: &str) -> Result<(), Fault> {
    end_second(connection, from, to).await?;
    conversation::Entity::update_many()
        .col_expr(conversation::Column::Guest, Expr::value(to))
        .filter(conversation::Column::Guest.eq(from))
        .exec(connection)
        .await
        .map_err(Fault::doing(DOING))?;
    move_inbox(connection, from, to).await?;
    move_outbox(connection, from, to).await?;
    move_guest(connection, from, to).await?;
    reachable::join(connection, from, to).await?;
    lease::join(connection, from, to).await?;
    keys::destroy(connection, [from]).await?;
    Ok(())
}

async fn open(connection: &impl ConnectionTrait, guest: &str) -> Result<Option<conversation::Model>, Fault> {
    conversation::Entity::find()
        .filter(conversation::Column::Guest.eq(guest))
        .filter(conversation::Column::Ended.eq(false))
        .one(connection)
        .await
        .map_err(Fault::doing(DOING))
}

/// Ends the open conversation of the one who goes, where the other has one too.
async fn end_second(connection: &impl ConnectionTrait, from: &str, to: &str) -> Result<(), Fault> {
    let (Some(row), Some(_)) = (open(connection, from).await?, open(connection, to).await?) else {
        return Ok(());
    };
    let key = keys::one(connection, &row.id).await?;
    let position = match &key {
        Some(key) => match standing::open(key, &row)? {
            Some(standing::Standing { stored, end }) => {
                let position = stored.position.to_bytes()?;
                Some(standing::seal(key, &row.id, row.revision + 1, &position, &end)?)
            }
            None => None,
        },
        None => None,
    };
    conversation::Entity::update_many()
        .col_expr(conversation::Column::Ended, Expr::value(true))
        .col_expr(conversation::Column::Revision, Expr::value(row.revision + 1))
        .col_expr(conversation::Column::Position, Expr::value(position))
        .col_expr(conversation::Column::Underway, Expr::value(None::<Vec<u8>>))
        .col_expr(conversation::Column::Due, Expr::value(None::<DateTime<Utc>>))
        .filter(conversation::Column::Id.eq(row.id.as_str()))
        .exec(connection)
        .await
        .map_err(Fault::doing(DOING))?;
    Ok(())
}

/// What a guest wrote is sealed under the guest's key.
async fn move_inbox(connection: &impl ConnectionTrait, from: &str, to: &str) -> Result<(), Fault> {
    let rows = inbox::Entity::find()
        .filter(inbox::Column::Guest.eq(from))
        .all(connection)
        .await
        .map_err(Fault::doing(DOING))?;
    if rows.is_empty() {
        return Ok(());
    }
    let old = keys::one(connection, from).await?;
    let new = keys::made(connection, to).await?;
    for row in rows {
        let content = match (&row.content, &old) {
            (Some(sealed), Some(old)) => {
                let plain = old.open(Record::Inbound, &row.provider_id, 0, sealed)?;
                Some(new.seal(Record::Inbound, &row.provider_id, 0, &plain)?)
            }
            (None, _) | (_, None) => None,
        };
        inbox::Entity::update_many()
            .col_expr(inbox::Column::Guest, Expr::value(to))
            .col_expr(inbox::Column::Content, Expr::value(content))
            .filter(inbox::Column::Id.eq(row.id))
            .exec(connection)
            .await
            .map_err(Fault::doing(DOING))?;
    }
    Ok(())
}

/// What was said to a guest is sealed under the conversation's key, and under the guest's where there is none.
async fn move_outbox(connection: &impl ConnectionTrait, from: &str, to: &str) -> Result<(), Fault> {
    let rows = outbox::Entity::find()
        .filter(outbox::Column::Guest.eq(from))
        .filter(outbox::Column::Conversation.is_null())
        .filter(outbox::Column::Content.is_not_null())
        .all(connection)
        .await
        .map_err(Fault::doing(DOING))?;
    if !rows.is_empty() {
        let old = keys::one(connection, from).await?;
        let new = keys::made(connection, to).await?;
        for row in rows {
            let (Some(sealed), Some(old)) = (&row.content, &old) else { continue };
            let plain = old.open(Record::Outgoing, from, row.revision, sealed)?;
            let content = new.seal(Record::Outgoing, to, row.revision, &plain)?;
            outbox::Entity::update_many()
                .col_expr(outbox::Column::Content, Expr::value(content))
                .filter(outbox::Column::Id.eq(row.id))
                .exec(connection)
                .await
                .map_err(Fault::doing(DOING))?;
        }
    }
    outbox::Entity::update_many()
        .col_expr(outbox::Column::Guest, Expr::value(to))
        .filter(outbox::Column::Guest.eq(from))
        .exec(connection)
        .await
        .map_err(Fault::doing(DOING))?;
    Ok(())
}

/// What is remembered of both; where they differ, what the one who goes on has.
async fn move_guest(connection: &impl ConnectionTrait, from: &str, to: &str) -> Result<(), Fault> {
    let Some(gone) = guests::find(connection, from).await? else { return Ok(()) };
    guest::Entity::delete_by_id(from).exec(connection).await.map_err(Fault::doing(DOING))?;
    let theirs = guests::remembered(connection, &gone).await?;
    let ours = match guests::find(connection, to).await? {
        Some(row) => guests::remembered(connection, &row).await?,
        None => {
            let row = guest::ActiveModel::from(guest::Model {
                id: to.to_owned(),
                remembered: None,
                ..gone.clone()
            });
            guest::Entity::insert(row)
                .exec_without_returning(connection)
                .await
                .map_err(Fault::doing(DOING))?;
            indexmap::IndexMap::new()
        }
    };
    let new: Vec<_> = theirs.into_iter().filter(|(name, _)| !ours.contains_key(name)).collect();
    guests::remember(connection, to, &new, gone.seen_at).await
}
