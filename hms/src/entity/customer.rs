//! Somebody who books, known by number and name.

use sea_orm::entity::prelude::*;

/// Somebody who books, known by number and name.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "customers")]
pub struct Model {
    /// Its key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The hotel.
    pub hotel_id: i64,
    /// Telephone number, E.164.
    pub phone: String,
    /// The name as it was given first.
    pub name: String,
    /// The name without case and accents; one customer per phone and key.
    pub name_key: String,
    /// When the customer first booked.
    pub created_at: DateTimeUtc,
}

/// Rows are joined in memory: a hotel has few.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl super::Scoped for Entity {
    const HOTEL: Column = Column::HotelId;
}
