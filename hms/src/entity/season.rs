//! A part of every year with its own prices; the highest priority wins.

use sea_orm::entity::prelude::*;

/// A part of every year with its own prices; the highest priority wins.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "seasons")]
pub struct Model {
    /// Its key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The hotel.
    pub hotel_id: i64,
    /// What the hotel calls it.
    pub name: String,
    /// Month of its first day.
    pub from_month: i32,
    /// Its first day.
    pub from_day: i32,
    /// Month of its last day; may be before the first, over the new year.
    pub to_month: i32,
    /// Its last day.
    pub to_day: i32,
    /// Which season wins where several hold.
    pub priority: i32,
}

/// Rows are joined in memory: a hotel has few.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl super::Scoped for Entity {
    const HOTEL: Column = Column::HotelId;
}
