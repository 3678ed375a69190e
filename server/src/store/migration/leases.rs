//! Which program works on which guest, where several share a database.

use sea_orm_migration::{prelude::*, schema::*};

/// The tables of programs and of the guests they have.
pub(super) struct Leases;

impl MigrationName for Leases {
    fn name(&self) -> &'static str {
        "m0040_leases"
    }
}

#[expect(elided_lifetimes_in_paths, reason = "the trait elides it, and the two must agree")]
#[async_trait::async_trait]
impl MigrationTrait for Leases {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let workers = Table::create()
            .table("workers")
            .col(text("id").primary_key())
            // Milliseconds since 1970.
            .col(big_integer("until"))
            .take();
        let lanes = Table::create()
            .table("lanes")
            .col(text("guest").primary_key())
            .col(text("worker"))
            .col(big_integer("fence"))
            .take();
        manager.create_table(workers).await?;
        manager.create_table(lanes).await
    }
}
