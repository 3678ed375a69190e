//! What a conversation was given, a row a commit.

use sea_orm::entity::prelude::*;

/// The inputs of one commit.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "log")]
pub(crate) struct Model {
    /// The conversation.
    #[sea_orm(primary_key, auto_increment = false)]
    pub conversation: String,
    /// The revision that the commit made.
    #[sea_orm(primary_key, auto_increment = false)]
    pub revision: i64,
    /// The inputs in order, as the engine saves them, sealed.
    pub entries: Vec<u8>,
}

/// Rows are found by guest and conversation, never joined.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
