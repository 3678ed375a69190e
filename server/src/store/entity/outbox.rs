//! An outgoing message and how far it got.

use sea_orm::entity::prelude::*;

/// An outgoing message.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "outbox")]
pub(crate) struct Model {
    /// Its key; a guest's messages go out in this order.
    #[sea_orm(primary_key)]
    pub id: i64,
    /// Who gets it.
    pub guest: String,
    /// The way it goes.
    pub channel: String,
    /// The conversation that says it.
    pub conversation: Option<String>,
    /// The revision that says it.
    pub revision: i64,
    /// The words and the buttons, JSON, sealed under the conversation's key, or the guest's where there is none; none
    /// once it was forgotten.
    pub content: Option<Vec<u8>>,
    /// The ids of the sayings it carries, JSON.
    pub says: String,
    /// Where it stands.
    pub status: Status,
    /// The provider's id for it.
    pub provider_id: Option<String>,
    /// What the provider last said about its delivery.
    pub delivery: Option<String>,
    /// Why it failed, or why the last try did.
    pub error: Option<String>,
    /// The number of tries.
    pub attempts: i32,
    /// When it was tried first.
    pub tried_at: Option<DateTimeUtc>,
    /// When it may be tried again.
    pub next_try_at: Option<DateTimeUtc>,
    /// When it was written.
    pub created_at: DateTimeUtc,
    /// When the provider took it.
    pub sent_at: Option<DateTimeUtc>,
}

/// Where an outgoing message stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum)]
#[sea_orm(rs_type = "String", db_type = "String(StringLen::N(16))")]
pub enum Status {
    /// Waits to be sent.
    #[sea_orm(string_value = "queued")]
    Queued,
    /// A try is under way.
    #[sea_orm(string_value = "sending")]
    Sending,
    /// Nobody knows whether the last try succeeded: that must be found out before another.
    #[sea_orm(string_value = "uncertain")]
    Uncertain,
    /// The provider takes it only as the answer to the guest's next message.
    #[sea_orm(string_value = "held")]
    Held,
    /// Only a person can get it to the guest.
    #[sea_orm(string_value = "for_person")]
    ForPerson,
    /// The provider took it.
    #[sea_orm(string_value = "sent")]
    Sent,
    /// It did not and will not.
    #[sea_orm(string_value = "failed")]
    Failed,
    /// It was spoken, and the guest did not hear it to its end.
    #[sea_orm(string_value = "cut")]
    Cut,
}

impl Status {
    /// Its stored name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Uncertain => "uncertain",
            Self::Held => "held",
            Self::ForPerson => "for_person",
            Self::Sent => "sent",
            Self::Failed => "failed",
            Self::Cut => "cut",
        }
    }
}

/// Rows are found by guest and conversation, never joined.
#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
