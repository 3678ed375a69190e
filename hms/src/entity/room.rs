//! One physical room.

use sea_orm::entity::prelude::*;

/// One physical room.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "rooms")]
pub struct Model {
    /// Its key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The hotel.
    pub hotel_id: i64,
    /// What kind of room it is.
    pub room_type_id: i64,
    /// The number on the door, unique in the hotel.
    pub number: String,
    /// The floor it is on.
    pub floor: i32,
    /// What its windows look at.
    pub view: String,
    /// The beds in it, in words.
    pub beds: String,
    /// Its size in square metres.
    pub size_m2: i32,
    /// Whether it is step-free with a roll-in shower.
    pub accessible: bool,
}

/// Rows are joined in memory: a hotel has few.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl super::Scoped for Entity {
    const HOTEL: Column = Column::HotelId;
}
