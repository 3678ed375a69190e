//! What a guest is known by: an id or a number of a channel.

use sea_orm::entity::prelude::*;

/// A name of a guest.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "guest_names")]
pub(crate) struct Model {
    /// The name, as a key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    /// Whose it is.
    pub guest: String,
    /// The channel said that the guest moved to this number, and nothing came from it yet.
    pub moved: bool,
}

/// Rows are found by name and guest, never joined.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
