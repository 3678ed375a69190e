//! A key that records are sealed under.

use sea_orm::entity::prelude::*;

/// A key. Without its row everything that was sealed under it is gone.
#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "keys")]
pub(crate) struct Model {
    /// The conversation, or the guest, whose key it is.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The key.
    pub secret: Vec<u8>,
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Rows are found by their id, never joined.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
