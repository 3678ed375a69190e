//! The price of one night by season, room type and view.

use sea_orm::entity::prelude::*;

/// The price of one night by season, room type and view.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "nightly_rates")]
pub struct Model {
    /// Its key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The hotel.
    pub hotel_id: i64,
    /// When it holds.
    pub season_id: i64,
    /// For which kind of room.
    pub room_type_id: i64,
    /// For which view.
    pub view: String,
    /// Price of a night in minor units.
    pub weekday_minor: i64,
    /// Price of a Friday or Saturday night in minor units.
    pub weekend_minor: i64,
}

/// Rows are joined in memory: a hotel has few.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl super::Scoped for Entity {
    const HOTEL: Column = Column::HotelId;
}
