//! A quoted price that a guest accepted, with the instant it held until.

use sea_orm::entity::prelude::*;

/// A quoted price that a guest accepted, with the instant it held until.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "quotes")]
pub struct Model {
    /// Part of its key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The hotel.
    pub hotel_id: i64,
    /// The booking made on it.
    pub booking_id: String,
    /// The room.
    pub room_id: i64,
    /// The first night.
    pub arrival: Date,
    /// The day of leaving.
    pub departure: Date,
    /// How many adults.
    pub adults: i32,
    /// How many children.
    pub children: i32,
    /// The price in minor units.
    pub total_minor: i64,
    /// Its currency.
    pub currency: String,
    /// Until when it held.
    pub expires_at: DateTimeUtc,
    /// When it was accepted.
    pub accepted_at: DateTimeUtc,
}

/// Rows are joined in memory: a hotel has few.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl super::Scoped for Entity {
    const HOTEL: Column = Column::HotelId;
}
