//! The versions of the flows that conversations are on.

use sea_orm_migration::{prelude::*, schema::*};

/// The table of versions.
pub(super) struct FlowVersions;

impl MigrationName for FlowVersions {
    fn name(&self) -> &'static str {
        "m0010_flow_versions"
    }
}

#[expect(elided_lifetimes_in_paths, reason = "the trait elides it, and the two must agree")]
#[async_trait::async_trait]
impl MigrationTrait for FlowVersions {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut table = Table::create();
        table
            .table("flow_versions")
            .col(text("version").primary_key())
            .col(text("sources"))
            .col(text("tools"))
            .col(text("prompts"))
            .col(boolean("used"))
            .col(timestamp_with_time_zone("seen_at"))
            .col(timestamp_with_time_zone("current_at"));
        manager.create_table(table.take()).await
    }
}
