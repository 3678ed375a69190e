//! The tables, as sea-orm sees them.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select};

pub(crate) mod audit_entry;
pub(crate) mod booking;
pub(crate) mod customer;
pub(crate) mod hotel;
pub(crate) mod idempotency_key;
pub(crate) mod nightly_rate;
pub(crate) mod policy;
pub(crate) mod question;
pub(crate) mod quote;
pub(crate) mod restriction;
pub(crate) mod room;
pub(crate) mod room_night;
pub(crate) mod room_type;
pub(crate) mod season;
pub(crate) mod tax;

/// Rows that belong to a hotel, and are only ever asked for as that hotel's.
pub(crate) trait Scoped: EntityTrait {
    /// The column that names the hotel.
    const HOTEL: Self::Column;

    /// The hotel's own rows.
    fn of(hotel: i64) -> Select<Self> {
        Self::find().filter(Self::HOTEL.eq(hotel))
    }
}
