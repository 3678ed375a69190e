//! Something that was changed; entries are added and never altered.

use sea_orm::entity::prelude::*;

/// Something that was changed; entries are added and never altered.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_log")]
pub struct Model {
    /// Its key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The hotel.
    pub hotel_id: i64,
    /// When.
    pub at: DateTimeUtc,
    /// What was done.
    pub action: String,
    /// What it was done to: a booking id.
    pub subject: String,
    /// The values before and after, JSON without names or numbers of people.
    pub detail: String,
}

/// Rows are joined in memory: a hotel has few.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl super::Scoped for Entity {
    const HOTEL: Column = Column::HotelId;
}
