//! Who a guest is: names that lead to one guest, and guests who turn out to be one.
//!
//! A guest on WhatsApp is known by a business-scoped id, by a number, or by both. Either alone leads to the guest; a
//! message that shows both makes one guest of two, with everything they said. A number can come to somebody else: a
//! number that is shown with another id than its guest's goes to the one who shows it, and nothing else goes with it.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ActiveValue, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use uuid::Uuid;

use super::entity::{guest, guest_name};
use super::{Database, Fault, guests, join};
use crate::message::{GuestIds, GuestKey, e164};

const DOING: &str = "finding out who a guest is";

/// A number whose guest was not seen for so long may have come to somebody else.
const RECYCLED: TimeDelta = TimeDelta::days(30);

/// Who a message is from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identified {
    /// The guest.
    pub(super) guest: GuestKey,
    /// Who turned out to be the same guest, and is no more.
    pub(super) joined: Option<GuestKey>,
}

impl Identified {
    fn alone(guest: &str) -> Self {
        Self { guest: GuestKey::new(guest), joined: None }
    }
}

impl Database {
    /// The guest whom these ids lead to; for somebody new, the key that they will have. Nothing is changed.
    ///
    /// # Errors
    /// The database fails.
    pub async fn guest_of(&self, ids: &GuestIds) -> Result<GuestKey, Fault> {
        if let GuestIds::Other(key) = ids {
            return Ok(key.clone());
        }
        let names = find(self.reader(), ids).await?;
        let leads = |name: Option<&GuestKey>| name.and_then(|name| names.get(name.as_str()));
        match (leads(ids.scoped()), leads(ids.phone())) {
            (Some(one), Some(other)) if one.guest != other.guest => {
                // Which of the two goes on is known when they are made one.
                let goes_on = join::survivor(self.reader(), &one.guest, &other.guest).await?;
                Ok(GuestKey::new(goes_on))
            }
            (Some(known), _) | (None, Some(known)) => Ok(GuestKey::new(known.guest.clone())),
            (None, None) => Ok(ids.preferred().clone()),
        }
    }

    /// Who goes by a key that may be an older one of theirs.
    pub(super) async fn resolved(&self, key: &GuestKey) -> Result<GuestKey, Fault> {
        resolved(self.reader(), key.as_str()).await.map(GuestKey::new)
    }
}

/// Who goes by a key that may be an older one of theirs. A guest's own key is theirs, whoever has the number by now.
pub(super) async fn resolved(connection: &impl ConnectionTrait, key: &str) -> Result<String, Fault> {
    if guests::find(connection, key).await?.is_some() {
        return Ok(key.to_owned());
    }
    Ok(renamed(connection, key).await?.unwrap_or_else(|| key.to_owned()))
}

/// The row of a guest who goes by a key that may be an older one of theirs.
pub(super) async fn row(connection: &impl ConnectionTrait, key: &str) -> Result<Option<guest::Model>, Fault> {
    if let Some(row) = guests::find(connection, key).await? {
        return Ok(Some(row));
    }
    match renamed(connection, key).await? {
        Some(key) => guests::find(connection, &key).await,
        None => Ok(None),
    }
}

/// Whom a name leads to that is no guest's own key.
pub(super) async fn renamed(connection: &impl ConnectionTrait, name: &str) -> Result<Option<String>, Fault> {
    let row = guest_name::Entity::find_by_id(name).one(connection).await.map_err(Fault::doing(DOING))?;
    Ok(row.map(|row| row.guest))
}

/// Finds out who is meant, notes every name that was shown, and makes one guest of two where that is shown.
pub(super) async fn identify(connection: &impl ConnectionTrait, ids: &GuestIds) -> Result<Identified, Fault> {
    let (scoped, phone) = match ids {
        GuestIds::Other(key) => return Ok(Identified::alone(key.as_str())),
        GuestIds::Scoped(name) | GuestIds::Phone(name) => {
            if let Some(row) = find(connection, ids).await?.remove(name.as_str()) {
                return Ok(Identified::alone(&row.guest));
            }
            let key = unused(connection, name).await?;
            if note(connection, name, &key).await? {
                return Ok(Identified::alone(&key));
            }
            // Somebody else was faster: theirs is the guest.
            let row = find(connection, ids).await?.remove(name.as_str());
            return Ok(Identified::alone(&row.map_or(key, |row| row.guest)));
        }
        GuestIds::Both { scoped, phone } => (scoped, phone),
    };
    let mut names = find(connection, ids).await?;
    if !names.contains_key(scoped.as_str()) || !names.contains_key(phone.as_str()) {
        let by_phone = names.get(phone.as_str());
        let owner = match (names.get(scoped.as_str()), by_phone) {
            (Some(known), _) => known.guest.clone(),
            (None, Some(known)) if is_theirs(connection, known, scoped).await? => known.guest.clone(),
            (None, _) => unused(connection, scoped).await?,
        };
        note(connection, scoped, &owner).await?;
        note(connection, phone, &owner).await?;
        names = find(connection, ids).await?;
    }
    let missing = || Fault::Missing { what: "the name that was just noted" };
    let one = names.remove(scoped.as_str()).ok_or_else(missing)?;
    let other = names.remove(phone.as_str()).ok_or_else(missing)?;
    if one.guest == other.guest {
        settle(connection, &other, phone).await?;
        return Ok(Identified::alone(&one.guest));
    }
    if !is_theirs(connection, &other, scoped).await? {
        hand_on(connection, &other, &one.guest).await?;
        settle(connection, &guest_name::Model { guest: one.guest.clone(), ..other }, phone).await?;
        return Ok(Identified::alone(&one.guest));
    }
    let identified = made_one(connection, &one.guest, &other.guest).await?;
    settle(connection, &guest_name::Model { guest: identified.guest.as_str().to_owned(), ..other }, phone)
        .await?;
    Ok(identified)
}

/// Moves a guest to another number, as the channel says they did.
pub(super) async fn moved(
    connection: &impl ConnectionTrait,
    key: &GuestKey,
    number: &str,
    now: DateTime<Utc>,
) -> Result<Identified, Fault> {
    let name = GuestKey::new(format!("whatsapp:{number}"));
    let known = find(connection, &GuestIds::Phone(name.clone())).await?.remove(name.as_str());
    let mut identified = Identified::alone(key.as_str());
    match known {
        Some(known) if known.guest == key.as_str() => {}
        Some(known) => {
            let other = guests::find(connection, &known.guest).await?;
            // Who wrote from that number lately did so after they moved.
            if other.is_some_and(|other| now - other.seen_at < RECYCLED) {
                identified = made_one(connection, key.as_str(), &known.guest).await?;
            } else {
                hand_on(connection, &known, key.as_str()).await?;
            }
        }
        None => {
            note(connection, &name, key.as_str()).await?;
        }
    }
    let guest = identified.guest.as_str();
    drop_other_numbers(connection, guest, &name).await?;
    guest_name::Entity::update_many()
        .col_expr(guest_name::Column::Moved, Expr::value(true))
        .filter(guest_name::Column::Name.eq(name.as_str()))
        .exec(connection)
        .await
        .map_err(Fault::doing(DOING))?;
    guest::Entity::update_many()
        .col_expr(guest::Column::Phone, Expr::value(number))
        .col_expr(guest::Column::Address, Expr::value(name.as_str()))
        .filter(guest::Column::Id.eq(guest))
        .exec(connection)
        .await
        .map_err(Fault::doing(DOING))?;
    Ok(identified)
}

async fn made_one(connection: &impl ConnectionTrait, one: &str, other: &str) -> Result<Identified, Fault> {
    let stays = join::survivor(connection, one, other).await?;
    let goes = if stays == one { other } else { one };
    join::join(connection, goes, &stays).await?;
    guest_name::Entity::update_many()
        .col_expr(guest_name::Column::Guest, Expr::value(stays.as_str()))
        .filter(guest_name::Column::Guest.eq(goes))
        .exec(connection)
        .await
        .map_err(Fault::doing(DOING))?;
    Ok(Identified { guest: GuestKey::new(stays), joined: Some(GuestKey::new(goes)) })
}

/// Whether a number's guest can be the one with this id: they have no other, or just moved to the number.
async fn is_theirs(
    connection: &impl ConnectionTrait,
    number: &guest_name::Model,
    scoped: &GuestKey,
) -> Result<bool, Fault> {
    let names = guest_name::Entity::find()
        .filter(guest_name::Column::Guest.eq(number.guest.as_str()))
        .all(connection)
        .await
        .map_err(Fault::doing(DOING))?;
    let is_another = |name: &guest_name::Model| name.name != scoped.as_str() && e164(&name.name).is_none();
    Ok(number.moved || !names.iter().any(is_another))
}

/// Gives a number to another guest: the one who had it is not known by it any more.
async fn hand_on(
    connection: &impl ConnectionTrait,
    number: &guest_name::Model,
    to: &str,
) -> Result<(), Fault> {
    guest::Entity::update_many()
        .col_expr(guest::Column::Phone, Expr::value(None::<String>))
        .filter(guest::Column::Id.eq(number.guest.as_str()))
        .filter(guest::Column::Phone.eq(e164(&number.name)))
        .exec(connection)
        .await
        .map_err(Fault::doing(DOING))?;
    guest_name::Entity::update_many()
        .col_expr(guest_name::Column::Guest, Expr::value(to))
        .filter(guest_name::Column::Name.eq(number.name.as_str()))
        .exec(connection)
        .await
        .map_err(Fault::doing(DOING))?;
    Ok(())
}

/// Notes that a guest writes from a number: it is the one they have.
async fn settle(
    connection: &impl ConnectionTrait,
    number: &guest_name::Model,
    phone: &GuestKey,
) -> Result<(), Fault> {
    if number.moved {
        guest_name::Entity::update_many()
            .col_expr(guest_name::Column::Moved, Expr::value(false))
            .filter(guest_name::Column::Name.eq(phone.as_str()))
            .exec(connection)
            .await
            .map_err(Fault::doing(DOING))?;
    }
    drop_other_numbers(connection, &number.guest, phone).await
}

/// A guest has one number; the others may come to somebody else.
async fn drop_other_numbers(
    connection: &impl ConnectionTrait,
    guest: &str,
    phone: &GuestKey,
) -> Result<(), Fault> {
    guest_name::Entity::delete_many()
        .filter(guest_name::Column::Guest.eq(guest))
        .filter(guest_name::Column::Name.starts_with("whatsapp:+"))
        .filter(guest_name::Column::Name.ne(phone.as_str()))
        .exec(connection)
        .await
        .map_err(Fault::doing(DOING))?;
    Ok(())
}

/// The key of somebody new. A name may have been somebody else's, whose key it still is.
async fn unused(connection: &impl ConnectionTrait, name: &GuestKey) -> Result<String, Fault> {
    let taken = guests::find(connection, name.as_str()).await?.is_some();
    Ok(if taken { format!("{name}#{}", Uuid::new_v4().simple()) } else { name.as_str().to_owned() })
}

/// Notes whose a name is, unless that is known. Says whether it was noted.
async fn note(connection: &impl ConnectionTrait, name: &GuestKey, guest: &str) -> Result<bool, Fault> {
    let row = guest_name::ActiveModel {
        name: ActiveValue::Set(name.as_str().to_owned()),
        guest: ActiveValue::Set(guest.to_owned()),
        moved: ActiveValue::Set(false),
    };
    let noted = guest_name::Entity::insert(row)
        .on_conflict(OnConflict::column(guest_name::Column::Name).do_nothing().to_owned())
        .exec_without_returning(connection)
        .await
        .map_err(Fault::doing(DOING))?;
    Ok(noted > 0)
}

/// What is known of the names that were shown.
async fn find(
    connection: &impl ConnectionTrait,
    ids: &GuestIds,
) -> Result<HashMap<String, guest_name::Model>, Fault> {
    let names = [ids.scoped(), ids.phone()];
    let rows = guest_name::Entity::find()
        .filter(guest_name::Column::Name.is_in(names.into_iter().flatten().map(GuestKey::as_str)))
        .all(connection)
        .await
        .map_err(Fault::doing(DOING))?;
    Ok(rows.into_iter().map(|row| (row.name.clone(), row)).collect())
}
