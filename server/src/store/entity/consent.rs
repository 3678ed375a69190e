//! That a guest wants messages, or none: everything they ever said about it. The last word counts.

use sea_orm::entity::prelude::*;

/// A word about it.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "consents")]
pub(crate) struct Model {
    /// Its key; higher came later.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Whose it is.
    pub guest: String,
    /// Whether they want messages.
    pub wanted: bool,
    /// Where it came from: `words`, `call`, or a provider with its code.
    pub source: String,
    /// When it was noted.
    pub at: DateTimeUtc,
}

/// Rows are found by guest, never joined.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
