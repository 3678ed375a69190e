//! A question guests ask, with its answer.

use sea_orm::entity::prelude::*;

/// A question guests ask, with its answer.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "questions")]
pub struct Model {
    /// Its key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The hotel.
    pub hotel_id: i64,
    /// What it is about, unique in the hotel.
    pub topic: String,
    /// The question as a guest asks it.
    pub question: String,
    /// The answer to read.
    pub answer: String,
    /// The answer to say aloud.
    pub short_answer: String,
    /// Words and phrases that mean it, one a line.
    pub keywords: String,
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
