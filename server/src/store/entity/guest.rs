//! A guest: how to reach them, what the channel vouches for, what is remembered.

use sea_orm::entity::prelude::*;

/// A guest.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "guests")]
pub(crate) struct Model {
    /// Who the guest is to the channel.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// Where answers are sent.
    pub address: String,
    /// The address of ours that the guest last wrote to.
    pub line: Option<String>,
    /// The number that the channel vouches for, E.164.
    pub phone: Option<String>,
    /// Values kept for the next conversation by name, JSON, sealed; none while there are none.
    pub remembered: Option<Vec<u8>>,
    /// When the guest last wrote.
    pub seen_at: DateTimeUtc,
}

/// Rows are found by guest and conversation, never joined.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
