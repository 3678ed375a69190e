//! Which conversations a person has, and since when.

use sea_orm_migration::{prelude::*, schema::*};

/// The columns of held conversations.
pub(super) struct Held;

impl MigrationName for Held {
    fn name(&self) -> &'static str {
        "m0030_held"
    }
}

#[expect(elided_lifetimes_in_paths, reason = "the trait elides it, and the two must agree")]
#[async_trait::async_trait]
impl MigrationTrait for Held {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time.
        for column in [timestamp_with_time_zone_null("held_since"), text_null("taken_by")] {
            let mut table = Table::alter();
            table.table("conversations").add_column(column);
            manager.alter_table(table.take()).await?;
        }
        let connection = manager.get_connection();
        let index =
            "CREATE INDEX conversations_held ON conversations (held_since) WHERE held_since IS NOT NULL";
        connection.execute_unprepared(index).await?;
        // Whoever reads them looks where they stand: those that were given back since are left out then.
        let held = "UPDATE conversations SET held_since = updated_at WHERE NOT ended AND id IN \
                    (SELECT conversation FROM inbox WHERE outcome = 'handed_over' AND conversation IS NOT NULL)";
        connection.execute_unprepared(held).await?;
        Ok(())
    }
}
