//! A tax or levy on a stay.

use sea_orm::entity::prelude::*;

/// A tax or levy on a stay.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "taxes")]
pub struct Model {
    /// Its key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The hotel.
    pub hotel_id: i64,
    /// Short name for programs.
    pub code: String,
    /// What the bill calls it.
    pub name: String,
    /// What it is counted on.
    pub basis: Basis,
    /// Basis points of the price, or minor units, as the basis says.
    pub amount: i64,
    /// Whether the room price contains it already.
    pub included: bool,
    /// The most nights of a stay it is charged for.
    pub max_nights: Option<i32>,
}

/// What a tax is counted on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "snake_case")]
pub enum Basis {
    /// Basis points of the room price.
    Percent,
    /// Minor units for each adult and night.
    AdultNight,
}

/// Rows are joined in memory: a hotel has few.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl super::Scoped for Entity {
    const HOTEL: Column = Column::HotelId;
}
