//! What a conversation was given, many commits a row. The last commits are in the conversation's own row.

use sea_orm::entity::prelude::*;

/// The inputs of a run of commits.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "log")]
pub(crate) struct Model {
    /// The conversation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub conversation: String,
    /// The revision that the last of the commits made.
    #[sea_orm(primary_key, auto_increment = false)]
    pub revision: i64,
    /// The inputs of each commit in order, as the engine saves them, packed and sealed.
    pub entries: Vec<u8>,
}

/// Rows are found by guest and conversation, never joined.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
