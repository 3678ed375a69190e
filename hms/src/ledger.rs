//! The audit log: every change, with the values before and after, and nothing about people.

use chrono::{DateTime, Utc};
use sea_orm::{DatabaseTransaction, EntityTrait, Set};

use crate::Fault;
use crate::entity::audit_entry;

/// Adds an entry in the transaction that makes the change.
pub(crate) async fn add(
    tx: &DatabaseTransaction,
    hotel: i64,
    at: DateTime<Utc>,
    action: &str,
    subject: &str,
    detail: serde_json::Value,
) -> Result<(), Fault> {
    let entry = audit_entry::ActiveModel {
        hotel_id: Set(hotel),
        at: Set(at),
        action: Set(action.to_owned()),
        subject: Set(subject.to_owned()),
        detail: Set(detail.to_string()),
        ..Default::default()
    };
    audit_entry::Entity::insert(entry)
        .exec_without_returning(tx)
        .await
        .map(drop)
        .map_err(Fault::doing("writing the audit log"))
}
