//! One room for one stay, sold to one customer.

use sea_orm::entity::prelude::*;

/// One room for one stay, sold to one customer.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "bookings")]
pub struct Model {
    /// Part of its key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The hotel.
    pub hotel_id: i64,
    /// What the guest is told, unique in the hotel.
    pub reference: String,
    /// Who booked.
    pub customer_id: i64,
    /// The name on the booking.
    pub customer_name: String,
    /// The number the booking was made under, E.164.
    pub phone: String,
    /// The room.
    pub room_id: i64,
    /// The first night.
    pub arrival: Date,
    /// The day of leaving.
    pub departure: Date,
    /// How many adults.
    pub adults: i32,
    /// How many children.
    pub children: i32,
    /// Where it stands.
    pub status: BookingStatus,
    /// What the stay costs, all taxes in, in minor units.
    pub total_minor: i64,
    /// The currency of the amounts.
    pub currency: String,
    /// Until when cancelling is free.
    pub free_until: DateTimeUtc,
    /// What cancelling costs after that, in minor units.
    pub late_fee_minor: i64,
    /// What cancelling did cost, in minor units.
    pub charged_fee_minor: Option<i64>,
    /// The quote that was accepted.
    pub quote_id: Option<String>,
    /// When it was made.
    pub created_at: DateTimeUtc,
    /// When it was cancelled.
    pub cancelled_at: Option<DateTimeUtc>,
}

/// Where a booking stands.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    EnumIter,
    DeriveActiveEnum,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))", rename_all = "snake_case")]
pub enum BookingStatus {
    /// The room is kept for the guest.
    Confirmed,
    /// It was given up; nothing leaves this state.
    Cancelled,
}

/// Rows are joined in memory: a hotel has few.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

impl super::Scoped for Entity {
    const HOTEL: Column = Column::HotelId;
}
