//! Where a conversation stands and the end of its log become one record.
//!
//! Before, each commit was a row of the log, and a position had a record of its own. Everything is opened under its key
//! and sealed again in the new form; what has no key any more was forgotten and is left alone.

use sea_orm_migration::sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect,
    TransactionTrait,
};
use sea_orm_migration::{prelude::*, sea_orm};

use super::super::entity::{conversation, log};
use super::super::seal::{Key, Record};
use super::super::standing::{self, Run};
use super::super::{Fault, keys};

/// So many conversations are read at once.
const PAGE: u64 = 200;

/// Carries every conversation into the new form.
pub(super) struct Standing;

impl MigrationName for Standing {
    fn name(&self) -> &'static str {
        "m0020_standing"
    }
}

#[expect(elided_lifetimes_in_paths, reason = "the trait elides it, and the two must agree")]
#[async_trait::async_trait]
impl MigrationTrait for Standing {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let transaction = manager.get_connection().begin().await?;
        if transaction.get_database_backend() == DbBackend::Sqlite {
            // A key is found by its id and by nothing else: it needs no number of its own.
            for statement in [
                "CREATE TABLE keys_by_id (id TEXT NOT NULL PRIMARY KEY, secret BLOB NOT NULL) WITHOUT ROWID",
                "INSERT INTO keys_by_id SELECT id, secret FROM keys ORDER BY id",
                "DROP TABLE keys",
                "ALTER TABLE keys_by_id RENAME TO keys",
            ] {
                transaction.execute_unprepared(statement).await?;
            }
        }
        let mut after = String::new();
        loop {
            let rows = conversation::Entity::find()
                .filter(conversation::Column::Id.gt(after.as_str()))
                .filter(conversation::Column::Position.is_not_null())
                .order_by_asc(conversation::Column::Id)
                .limit(PAGE)
                .all(&transaction)
                .await?;
            let Some(last) = rows.last() else { break };
            after.clone_from(&last.id);
            let ids = rows.iter().map(|row| row.id.as_str());
            let keys = keys::find(&transaction, ids).await.map_err(|fault| told(&fault))?;
            for row in rows {
                if let Some(key) = keys.get(&row.id) {
                    carry(&transaction, key, &row).await?;
                }
            }
        }
        transaction.commit().await
    }
}

/// Carries one conversation.
async fn carry(connection: &impl ConnectionTrait, key: &Key, row: &conversation::Model) -> Result<(), DbErr> {
    let Some(sealed) = &row.position else { return Ok(()) };
    let position = key.open(Record::Position, &row.id, row.revision, sealed).map_err(|fault| told(&fault))?;
    let logged = log::Entity::find()
        .filter(log::Column::Conversation.eq(row.id.as_str()))
        .order_by_asc(log::Column::Revision)
        .all(connection)
        .await?;
    log::Entity::delete_many().filter(log::Column::Conversation.eq(row.id.as_str())).exec(connection).await?;
    let mut end = Run::new(1);
    for commit in &logged {
        let opened = key.open(Record::Log, &commit.conversation, commit.revision, &commit.entries);
        end = end.with(&opened.map_err(|fault| told(&fault))?);
        if end.is_full() {
            let entries = end.seal(key, &row.id, commit.revision).map_err(|fault| told(&fault))?;
            let run = log::ActiveModel {
                conversation: sea_orm::ActiveValue::Set(row.id.clone()),
                revision: sea_orm::ActiveValue::Set(commit.revision),
                entries: sea_orm::ActiveValue::Set(entries),
            };
            log::Entity::insert(run).exec_without_returning(connection).await?;
            end = Run::new(commit.revision + 1);
        }
    }
    let standing =
        standing::seal(key, &row.id, row.revision, &position, &end).map_err(|fault| told(&fault))?;
    conversation::Entity::update_many()
        .col_expr(conversation::Column::Position, Expr::value(standing))
        .filter(conversation::Column::Id.eq(row.id.as_str()))
        .exec(connection)
        .await?;
    Ok(())
}

fn told(fault: &Fault) -> DbErr {
    DbErr::Migration(format!("a conversation cannot be carried into another form: {fault}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use innkeeper_engine::flow::Source;
    use innkeeper_engine::runtime::{self, Logged, Store as _};
    use innkeeper_engine::{Flows, Guest, Input, Moment, Position, Prompts, Tools, step};
    use sea_orm_migration::MigratorTrait as _;
    use sea_orm_migration::sea_orm::{ActiveValue, Database as SeaOrm, EntityTrait as _};

    use super::super::Migrator;
    use super::{Key, Record, conversation, log};
    use crate::clock::ManualClock;
    use crate::config::DatabaseUrl;
    use crate::store::Database;
    use crate::store::entity::key;

    const FLOWS: &str = "flow: conversation\ndescription: Rests.\ninitial: open\non:\n  cancel: { target: open }\n  human: { target: open }\n  unclear: { target: open }\n  silence: { target: open }\nstates:\n  open: { wait: true }\n";

    #[tokio::test]
    async fn what_the_first_releases_wrote_is_carried_over() {
        let path = std::env::temp_dir().join(format!("innkeeper-{}.db", uuid::Uuid::new_v4()));
        let address = format!("sqlite://{}?mode=rwc", path.display());
        let old = SeaOrm::connect(&address).await.expect("a database");
        Migrator::up(&old, Some(2)).await.expect("the old tables");

        let at = "2026-12-01T09:00:00Z".parse().expect("an instant");
        let moment = Moment { at, today: at.date_naive() };
        let source = Source { file: "conversation.yaml".to_owned(), text: FLOWS.to_owned() };
        let flows = Flows::check(&[source], &Tools::default(), &Prompts::default()).expect("flows");
        let position = step(&flows, Position::start(&flows), Input::Guest(Guest::default()), moment).next;
        let said = |text: String| [Logged::new(moment, Input::Said { text, button: None })];
        let (secret, revisions) = (Key::random(), 50_i64);
        let row = key::ActiveModel {
            id: ActiveValue::Set("c1".to_owned()),
            secret: ActiveValue::Set(secret.bytes()),
        };
        key::Entity::insert(row).exec_without_returning(&old).await.expect("a key");
        for forgotten in [false, true] {
            let id = if forgotten { "c0" } else { "c1" };
            let bytes = position.to_bytes().expect("bytes");
            let sealed = secret.seal(Record::Position, id, revisions, &bytes).expect("sealed");
            let row = conversation::ActiveModel {
                id: ActiveValue::Set(id.to_owned()),
                channel: ActiveValue::Set("twilio".to_owned()),
                guest: ActiveValue::Set(format!("guest of {id}")),
                revision: ActiveValue::Set(revisions),
                position: ActiveValue::Set((!forgotten).then_some(sealed)),
                underway: ActiveValue::Set(None),
                ended: ActiveValue::Set(forgotten),
                forgotten: ActiveValue::Set(forgotten),
                due: ActiveValue::Set(None),
                heard_at: ActiveValue::Set(None),
                held_since: ActiveValue::NotSet,
                taken_by: ActiveValue::NotSet,
                went_on: ActiveValue::NotSet,
                started_at: ActiveValue::Set(at),
                updated_at: ActiveValue::Set(at),
            };
            conversation::Entity::insert(row).exec_without_returning(&old).await.expect("a conversation");
        }
        let words = |revision: i64| format!("{revision}: {}", "a double room, please ".repeat(9));
        for revision in 1..=revisions {
            let entries = runtime::append(Vec::new(), &said(words(revision))).expect("bytes");
            let row = log::ActiveModel {
                conversation: ActiveValue::Set("c1".to_owned()),
                revision: ActiveValue::Set(revision),
                entries: ActiveValue::Set(
                    secret.seal(Record::Log, "c1", revision, &entries).expect("sealed"),
                ),
            };
            log::Entity::insert(row).exec_without_returning(&old).await.expect("a log");
        }
        old.close().await.expect("closed");

        let url = DatabaseUrl::parse(&address).expect("an address");
        let new = Database::open(&url, Arc::new(ManualClock::new(at))).await.expect("the same database");
        let stands = new.load("c1").await.expect("no fault").expect("a conversation");
        assert_eq!((stands.revision, stands.position), (50, position));
        let all: Vec<(u64, Vec<Logged>)> = (1..=revisions)
            .map(|revision| (revision.unsigned_abs(), said(words(revision)).to_vec()))
            .collect();
        assert_eq!(new.log("c1").await.expect("a log"), all);
        let rows = log::Entity::find().all(new.reader()).await.expect("rows").len();
        assert!((1..10).contains(&rows), "most of it is in few rows: {rows}");
        assert!(new.load("c0").await.expect("no fault").is_none());
        new.close().await.expect("closed");
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", path.display()));
        }
    }
}
