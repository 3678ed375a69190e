//! A kind of room that is sold.

use sea_orm::entity::prelude::*;

/// A kind of room that is sold.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "room_types")]
pub struct Model {
    /// Its key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The hotel.
    pub hotel_id: i64,
    /// Short name for programs, unique in the hotel.
    pub code: String,
    /// What guests call it.
    pub name: String,
    /// A sentence about it.
    pub description: String,
    /// How many people may sleep in it.
    pub max_guests: i32,
    /// Its place in lists.
    pub position: i32,
}

/// Rows are joined in memory: a hotel has few.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl super::Scoped for Entity {
    const HOTEL: Column = Column::HotelId;
}
