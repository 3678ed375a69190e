//! How long guests can be reached, and whether they want to be.

use sea_orm_migration::{prelude::*, schema::*};

/// The tables of windows and of consents.
pub(super) struct Reachable;

impl MigrationName for Reachable {
    fn name(&self) -> &'static str {
        "m0044_reachable"
    }
}

#[expect(elided_lifetimes_in_paths, reason = "the trait elides it, and the two must agree")]
#[async_trait::async_trait]
impl MigrationTrait for Reachable {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut windows = Table::create();
        windows
            .table("windows")
            .col(text("guest"))
            .col(text("line"))
            .col(timestamp_with_time_zone("open_until"))
            .primary_key(Index::create().col("guest").col("line"));
        manager.create_table(windows.take()).await?;
        let mut consents = Table::create();
        consents
            .table("consents")
            .col(big_pk_auto("id"))
            .col(text("guest"))
            .col(boolean("wanted"))
            .col(text("source"))
            .col(timestamp_with_time_zone("at"));
        manager.create_table(consents.take()).await?;
        let of_guest = Index::create().name("consents_guest").table("consents").col("guest").col("id").take();
        manager.create_index(of_guest).await
    }
}
