//! A conversation: where it stands.

use sea_orm::entity::prelude::*;

/// A conversation. A guest has at most one that has not ended.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "conversations")]
pub struct Model {
    /// Its key.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    /// The way it is held.
    pub channel: String,
    /// Whose it is.
    pub guest: String,
    /// Counts commits; 0 before the first.
    pub revision: i64,
    /// Where it stands, as the engine saves it, and the end of its log, packed and sealed; none before the first commit.
    pub position: Option<Vec<u8>>,
    /// The turn that is under way before a writing call, JSON, sealed.
    pub underway: Option<Vec<u8>>,
    /// Whether it is over.
    pub ended: bool,
    /// Whether it was forgotten: nothing about it can be read any more.
    pub forgotten: bool,
    /// When it must be woken.
    pub due: Option<DateTimeUtc>,
    /// When the guest was last heard.
    pub heard_at: Option<DateTimeUtc>,
    /// Since when a person has it.
    pub held_since: Option<DateTimeUtc>,
    /// Which person, by the name they go by at the desk.
    pub taken_by: Option<String>,
    /// Whether it was begun in a call and goes on in writing, and nothing was committed since.
    pub went_on: bool,
    /// When it began.
    pub started_at: DateTimeUtc,
    /// When it was last committed.
    pub updated_at: DateTimeUtc,
}

/// Rows are found by guest and conversation, never joined.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
