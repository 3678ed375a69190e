//! Who books: one customer for each number and name.

use std::fmt;

use chrono::{DateTime, Utc};
use sea_orm::sea_query::OnConflict;
use sea_orm::{ColumnTrait, DatabaseTransaction, EntityTrait, QueryFilter, Set};

use crate::entity::{Scoped, customer};
use crate::words::folded_line;
use crate::{Fault, Phone};

const LONGEST_NAME: usize = 120;
const DOING: &str = "noting a customer";

/// A person's name: one line with at least one letter.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PersonName(String);

/// The text is no name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no name of at most {LONGEST_NAME} signs with a letter in it")]
pub struct NameError;

impl PersonName {
    /// Reads a name, with single gaps between its words.
    pub fn parse(written: &str) -> Result<Self, NameError> {
        let name = written.split_whitespace().collect::<Vec<_>>().join(" ");
        let fits = name.chars().count() <= LONGEST_NAME;
        let readable = name.chars().any(char::is_alphabetic) && !name.chars().any(char::is_control);
        (fits && readable).then_some(Self(name)).ok_or(NameError)
    }
}

impl fmt::Display for PersonName {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(&self.0)
    }
}

/// The customer of this number and name, noted now if new.
pub(crate) async fn known_or_new(
    tx: &DatabaseTransaction,
    hotel: i64,
    name: &PersonName,
    phone: &Phone,
    now: DateTime<Utc>,
) -> Result<i64, Fault> {
    let key = folded_line(&name.0);
    let new = customer::ActiveModel {
        hotel_id: Set(hotel),
        phone: Set(phone.to_string()),
        name: Set(name.0.clone()),
        name_key: Set(key.clone()),
        created_at: Set(now),
        ..Default::default()
    };
    let known = [customer::Column::HotelId, customer::Column::Phone, customer::Column::NameKey];
    customer::Entity::insert(new)
        .on_conflict(OnConflict::columns(known).do_nothing().to_owned())
        .try_insert()
        .exec_without_returning(tx)
        .await
        .map_err(Fault::doing(DOING))?;
    customer::Entity::of(hotel)
        .filter(customer::Column::Phone.eq(phone.as_str()))
        .filter(customer::Column::NameKey.eq(key))
        .one(tx)
        .await
        .map_err(Fault::doing(DOING))?
        .map(|customer| customer.id)
        .ok_or_else(|| Fault::Unreadable { what: "customer", value: "just noted".to_owned() })
}
