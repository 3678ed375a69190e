//! Which conversations go on in writing that were begun in a call, and which guests are on the telephone.

use sea_orm_migration::{prelude::*, schema::*};

/// The column of conversations that go on in writing.
pub(super) struct WentOn;

impl MigrationName for WentOn {
    fn name(&self) -> &'static str {
        "m0070_went_on"
    }
}

#[expect(elided_lifetimes_in_paths, reason = "the trait elides it, and the two must agree")]
#[async_trait::async_trait]
impl MigrationTrait for WentOn {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut conversations = Table::alter();
        conversations.table("conversations").add_column(boolean("went_on").default(false));
        manager.alter_table(conversations.take()).await
    }
}

/// The column of who has a guest on the telephone.
pub(super) struct Phone;

impl MigrationName for Phone {
    fn name(&self) -> &'static str {
        "m0071_phone"
    }
}

#[expect(elided_lifetimes_in_paths, reason = "the trait elides it, and the two must agree")]
#[async_trait::async_trait]
impl MigrationTrait for Phone {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut lanes = Table::alter();
        // A program, by its row among the workers.
        lanes.table("lanes").add_column(text_null("phone"));
        manager.alter_table(lanes.take()).await
    }
}
