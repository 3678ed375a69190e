//! What guests are known by, so that one guest with an id and a number stays one.

use sea_orm_migration::{prelude::*, schema::*};

/// The table of names.
pub(super) struct GuestNames;

impl MigrationName for GuestNames {
    fn name(&self) -> &'static str {
        "m0020_guest_names"
    }
}

#[expect(elided_lifetimes_in_paths, reason = "the trait elides it, and the two must agree")]
#[async_trait::async_trait]
impl MigrationTrait for GuestNames {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut table = Table::create();
        table
            .table("guest_names")
            .col(text("name").primary_key())
            .col(text("guest"))
            .col(boolean("moved").default(false));
        manager.create_table(table.take()).await?;
        let of_guest = Index::create().name("guest_names_guest").table("guest_names").col("guest").take();
        manager.create_index(of_guest).await?;
        // Whoever was seen before goes on under the key they had.
        let known = "INSERT INTO guest_names (name, guest, moved) \
                     SELECT id, id, false FROM guests WHERE id LIKE 'whatsapp:%'";
        manager.get_connection().execute_unprepared(known).await?;
        Ok(())
    }
}
