//! A writing call that was carried out, and what it answered.

use sea_orm::entity::prelude::*;

/// A writing call that was carried out, and what it answered.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_keys")]
pub struct Model {
    /// Part of its key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub hotel_id: i64,
    /// Part of its key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// Which call it was.
    pub tool: String,
    /// SHA-256 of the canonical arguments.
    pub arguments_hash: String,
    /// The answer, JSON.
    pub response: String,
    /// When.
    pub created_at: DateTimeUtc,
}

/// Rows are joined in memory: a hotel has few.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl super::Scoped for Entity {
    const HOTEL: Column = Column::HotelId;
}
