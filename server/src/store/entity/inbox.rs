//! An inbound message and what became of it.

use sea_orm::entity::prelude::*;

/// An inbound message.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "inbox")]
pub(crate) struct Model {
    /// Its key; higher came later.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// The way it came.
    pub channel: String,
    /// The provider's id, unique in the channel.
    pub provider_id: String,
    /// Whose it is.
    pub guest: String,
    /// The conversation that answered it.
    pub conversation: Option<String>,
    /// What it is made of.
    pub kind: String,
    /// Its words, its button and everything the provider said, JSON, sealed under the guest's key; none once it was
    /// forgotten.
    pub content: Option<Vec<u8>>,
    /// When it came.
    pub received_at: DateTimeUtc,
    /// What became of it.
    pub outcome: Outcome,
    /// When that was decided.
    pub decided_at: Option<DateTimeUtc>,
    /// The message it is a fragment of.
    pub merged_into: Option<i64>,
    /// The number of times its turn was begun.
    pub attempts: i32,
}

/// What became of an inbound message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))")]
pub enum Outcome {
    /// Nothing yet.
    #[sea_orm(string_value = "pending")]
    Pending,
    /// It was answered.
    #[sea_orm(string_value = "answered")]
    Answered,
    /// It is a fragment of another one and was answered with it.
    #[sea_orm(string_value = "merged")]
    Merged,
    /// A person has it.
    #[sea_orm(string_value = "handed_over")]
    HandedOver,
    /// It asks for no answer.
    #[sea_orm(string_value = "rejected")]
    Rejected,
}

impl Outcome {
    /// Its stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Answered => "answered",
            Self::Merged => "merged",
            Self::HandedOver => "handed_over",
            Self::Rejected => "rejected",
        }
    }
}

/// Rows are found by guest and conversation, never joined.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
