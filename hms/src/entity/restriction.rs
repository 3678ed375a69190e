//! A rule on arrivals in a part of every year.

use sea_orm::entity::prelude::*;

/// A rule on arrivals in a part of every year.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "restrictions")]
pub struct Model {
    /// Its key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The hotel.
    pub hotel_id: i64,
    /// For which kind of room; none means all.
    pub room_type_id: Option<i64>,
    /// Month of its first day.
    pub from_month: i32,
    /// Its first day.
    pub from_day: i32,
    /// Month of its last day.
    pub to_month: i32,
    /// Its last day.
    pub to_day: i32,
    /// The fewest nights of a stay that arrives then.
    pub min_nights: i32,
    /// Whether no stay may begin then.
    pub closed_to_arrival: bool,
}

/// Rows are joined in memory: a hotel has few.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl super::Scoped for Entity {
    const HOTEL: Column = Column::HotelId;
}
