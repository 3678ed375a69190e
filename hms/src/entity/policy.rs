//! A rule of the house; the one called `cancellation` has numbers.

use sea_orm::entity::prelude::*;

/// A rule of the house; the one called `cancellation` has numbers.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "policies")]
pub struct Model {
    /// Its key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The hotel.
    pub hotel_id: i64,
    /// Short name for programs, unique in the hotel.
    pub code: String,
    /// What it is about.
    pub title: String,
    /// The rule in words.
    pub description: String,
    /// Cancellation: free until this many days before arrival.
    pub free_until_days: Option<i32>,
    /// Cancellation: and until this hour of that day.
    pub free_until_hour: Option<i32>,
    /// Cancellation: the nights charged after that.
    pub fee_nights: Option<i32>,
}

/// Rows are joined in memory: a hotel has few.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl super::Scoped for Entity {
    const HOTEL: Column = Column::HotelId;
}
