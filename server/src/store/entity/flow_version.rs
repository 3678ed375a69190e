//! A version of the flows, as it was authored.

use sea_orm::entity::prelude::*;

/// Everything a version was checked from. The same check makes the same version of it again.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "flow_versions")]
pub struct Model {
    /// The hash of the checked flows.
    #[sea_orm(primary_key, auto_increment = false)]
    pub version: String,
    /// The files with their texts, JSON.
    pub sources: String,
    /// The tools with their schemas, JSON.
    pub tools: String,
    /// The prompts with the variables they use, JSON.
    pub prompts: String,
    /// Whether any conversation was ever on it.
    pub used: bool,
    /// When it was seen first.
    pub seen_at: DateTimeUtc,
    /// When it became the one that new conversations begin on, the last time.
    pub current_at: DateTimeUtc,
}

/// Versions are found by their hash.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
