//! One night of one room, taken; the key makes a second booking of it impossible.

use sea_orm::entity::prelude::*;

/// One night of one room, taken; the key makes a second booking of it impossible.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "room_nights")]
pub struct Model {
    /// Part of its key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub room_id: i64,
    /// Part of its key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub night: Date,
    /// The hotel.
    pub hotel_id: i64,
    /// Whose night it is.
    pub booking_id: String,
}

/// Rows are joined in memory: a hotel has few.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl super::Scoped for Entity {
    const HOTEL: Column = Column::HotelId;
}
