//! What nobody answered waits for a person.

use sea_orm_migration::{prelude::*, schema::*};

/// The table of messages that nobody answered.
pub(super) struct Missed;

impl MigrationName for Missed {
    fn name(&self) -> &'static str {
        "m0060_missed"
    }
}

#[expect(elided_lifetimes_in_paths, reason = "the trait elides it, and the two must agree")]
#[async_trait::async_trait]
impl MigrationTrait for Missed {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("missed")
            .col(big_integer("message").primary_key())
            .col(text_null("attended_by"))
            .take();
        manager.create_table(table).await?;
        let waiting = "CREATE INDEX missed_waiting ON missed (message) WHERE attended_by IS NULL";
        manager.get_connection().execute_unprepared(waiting).await?;
        Ok(())
    }
}
