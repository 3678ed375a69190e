//! A message that nobody answered, and whether a person saw to it.

use sea_orm::entity::prelude::*;

/// A message that nobody answered.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "missed")]
pub(crate) struct Model {
    /// The inbound message.
    #[sea_orm(primary_key, auto_increment = false)]
    pub message: i64,
    /// The person who saw to it, by the name they go by; nobody yet.
    pub attended_by: Option<String>,
}

/// Rows are found by message, never joined.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
