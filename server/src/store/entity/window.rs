//! Until when a guest can be sent free words.

use sea_orm::entity::prelude::*;

/// A window.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "windows")]
pub(crate) struct Model {
    /// The guest.
    #[sea_orm(primary_key, auto_increment = false)]
    pub guest: String,
    /// The address of ours that the guest wrote to; empty where the channel has one.
    #[sea_orm(primary_key, auto_increment = false)]
    pub line: String,
    /// When it closes.
    pub open_until: DateTimeUtc,
}

/// Rows are found by guest, never joined.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
