//! What a guest wrote and was sent is found without looking through everybody's.

use sea_orm_migration::prelude::*;

use super::index;

/// The indexes of messages by guest.
pub(super) struct OfGuest;

impl MigrationName for OfGuest {
    fn name(&self) -> &'static str {
        "m0050_of_guest"
    }
}

#[expect(elided_lifetimes_in_paths, reason = "the trait elides it, and the two must agree")]
#[async_trait::async_trait]
impl MigrationTrait for OfGuest {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_index(index("inbox_guest", "inbox", &["guest", "outcome", "id"])).await?;
        manager.create_index(index("outbox_guest", "outbox", &["guest", "id"])).await
    }
}
