//! A hotel: who it is, where it is, and how it keeps time and money.

use sea_orm::entity::prelude::*;

/// A hotel: who it is, where it is, and how it keeps time and money.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "hotels")]
pub struct Model {
    /// Its key.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Short name for programs, unique.
    pub code: String,
    /// What guests call it.
    pub name: String,
    /// Where it stands, on one line.
    pub address: String,
    /// Its telephone number, E.164.
    pub phone: String,
    /// Its e-mail address.
    pub email: String,
    /// ISO 3166 country of two letters; numbers without a country are from here.
    pub country: String,
    /// IANA time zone; the business date is the civil date there.
    pub time_zone: String,
    /// ISO 4217 currency of every price.
    pub currency: String,
    /// From when rooms are ready, HH:MM.
    pub check_in_time: String,
    /// Until when rooms are left, HH:MM.
    pub check_out_time: String,
    /// How long a quoted price holds.
    pub quote_minutes: i32,
    /// How far ahead rooms are sold.
    pub horizon_days: i32,
    /// Counted up by the database with every change to the hotel's rooms, prices and rules.
    pub revision: i64,
    /// What quotes are sealed with.
    pub quote_secret: String,
}

/// Rows are joined in memory: a hotel has few.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
