//! The tables, as they came to be.

mod calls;
mod flow_versions;
mod guest_names;
mod held;
mod leases;
mod missed;
mod of_guest;
mod reachable;
mod standing;

use sea_orm_migration::{prelude::*, schema::*};

/// Brings the server's tables up to date. What was done is remembered in a table of its own: the hotel's tables may
/// live in the same database.
pub(super) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(Messages),
            Box::new(flow_versions::FlowVersions),
            Box::new(guest_names::GuestNames),
            // These two before the next one, which reads conversations with all their columns.
            Box::new(held::Held),
            Box::new(calls::WentOn),
            Box::new(standing::Standing),
            Box::new(reachable::Reachable),
            Box::new(leases::Leases),
            Box::new(of_guest::OfGuest),
            Box::new(missed::Missed),
            Box::new(calls::Phone),
        ]
    }

    fn migration_table_name() -> DynIden {
        "server_migrations".into_iden()
    }
}

/// Conversations and the messages they are made of.
struct Messages;

impl MigrationName for Messages {
    fn name(&self) -> &'static str {
        "m0001_messages"
    }
}

#[expect(elided_lifetimes_in_paths, reason = "the trait elides it, and the two must agree")]
#[async_trait::async_trait]
impl MigrationTrait for Messages {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for mut table in [keys(), conversations(), log(), inbox(), outbox(), guests()] {
            manager.create_table(table.take()).await?;
        }
        // The query builder has no partial indexes; both databases have them and spell them alike.
        let one_each = "CREATE UNIQUE INDEX conversations_open ON conversations (guest) WHERE NOT ended";
        manager.get_connection().execute_unprepared(one_each).await?;
        let due = "CREATE INDEX conversations_due ON conversations (due) WHERE due IS NOT NULL";
        manager.get_connection().execute_unprepared(due).await?;
        manager
            .create_index(index("inbox_provider", "inbox", &["channel", "provider_id"]).unique().take())
            .await?;
        manager.create_index(index("inbox_outcome", "inbox", &["outcome", "id"])).await?;
        manager.create_index(index("inbox_merged", "inbox", &["merged_into"])).await?;
        manager.create_index(index("outbox_waiting", "outbox", &["status", "guest", "id"])).await?;
        manager.create_index(index("outbox_conversation", "outbox", &["conversation", "id"])).await?;
        manager.create_index(index("outbox_provider", "outbox", &["provider_id"])).await
    }
}

fn keys() -> TableCreateStatement {
    Table::create().table("keys").col(text("id").primary_key()).col(blob("secret")).take()
}

fn conversations() -> TableCreateStatement {
    Table::create()
        .table("conversations")
        .col(text("id").primary_key())
        .col(string_len("channel", 16))
        .col(text("guest"))
        .col(big_integer("revision"))
        .col(blob_null("position"))
        .col(blob_null("underway"))
        .col(boolean("ended"))
        .col(boolean("forgotten"))
        .col(timestamp_with_time_zone_null("due"))
        .col(timestamp_with_time_zone_null("heard_at"))
        .col(timestamp_with_time_zone("started_at"))
        .col(timestamp_with_time_zone("updated_at"))
        .take()
}

fn log() -> TableCreateStatement {
    Table::create()
        .table("log")
        .col(text("conversation"))
        .col(big_integer("revision"))
        .col(blob("entries"))
        .primary_key(Index::create().col("conversation").col("revision"))
        .take()
}

fn inbox() -> TableCreateStatement {
    Table::create()
        .table("inbox")
        .col(big_pk_auto("id"))
        .col(string_len("channel", 16))
        .col(text("provider_id"))
        .col(text("guest"))
        .col(text_null("conversation"))
        .col(string_len("kind", 16))
        .col(blob_null("content"))
        .col(timestamp_with_time_zone("received_at"))
        .col(string_len("outcome", 16))
        .col(timestamp_with_time_zone_null("decided_at"))
        .col(big_integer_null("merged_into"))
        .col(integer("attempts"))
        .take()
}

fn outbox() -> TableCreateStatement {
    Table::create()
        .table("outbox")
        .col(big_pk_auto("id"))
        .col(text("guest"))
        .col(string_len("channel", 16))
        .col(text_null("conversation"))
        .col(big_integer("revision"))
        .col(blob_null("content"))
        .col(text("says"))
        .col(string_len("status", 16))
        .col(text_null("provider_id"))
        .col(text_null("delivery"))
        .col(text_null("error"))
        .col(integer("attempts"))
        .col(timestamp_with_time_zone_null("tried_at"))
        .col(timestamp_with_time_zone_null("next_try_at"))
        .col(timestamp_with_time_zone("created_at"))
        .col(timestamp_with_time_zone_null("sent_at"))
        .take()
}

fn guests() -> TableCreateStatement {
    Table::create()
        .table("guests")
        .col(text("id").primary_key())
        .col(text("address"))
        .col(text_null("line"))
        .col(text_null("phone"))
        .col(blob_null("remembered"))
        .col(timestamp_with_time_zone("seen_at"))
        .take()
}

fn index(name: &str, table: &'static str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create().name(name).table(table).to_owned();
    for column in columns {
        index.col(*column);
    }
    index
}
