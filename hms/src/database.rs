//! The database connections: one writer and several readers on SQLite, one pool on PostgreSQL.

use std::time::Duration;

use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database as SeaOrm, DatabaseConnection, DatabaseTransaction, DbBackend,
    DbErr, RuntimeErr, SqliteTransactionMode, TransactionOptions, TransactionTrait,
};
use sea_orm_migration::MigratorTrait;

use crate::Fault;
use crate::migration::Migrator;

const SQLITE_READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 12;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a database server may take to answer when the program starts.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(3);
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
/// SQLite's number for a file that somebody else has.
const SQLITE_BUSY: &str = "5";
/// So often a file is opened that others open for the first time just now.
const OPENED_MOST: usize = 1000;

/// Any number that nothing else in the database locks.
const MIGRATION_LOCK: i64 = 0x686d_735f_6d69_6772;

/// Where the hotel's rows are.
#[derive(Clone, Debug)]
pub(crate) struct Database {
    reader: DatabaseConnection,
    writer: DatabaseConnection,
}

impl Database {
    /// Connects and brings the tables up to date. The address is `sqlite://file`,
    /// `sqlite::memory:` or `postgres://…`; a missing SQLite file is made.
    pub(crate) async fn open(url: &str) -> Result<Self, Fault> {
        let database = Self::connect(url).await.map_err(Fault::Open)?;
        database.migrate().await?;
        Ok(database)
    }

    /// Brings the tables up to date in one transaction: programs that start at the same moment take
    /// turns.
    async fn migrate(&self) -> Result<(), Fault> {
        const DOING: &str = "updating the tables";
        let tx = self.begin().await?;
        if tx.get_database_backend() == DbBackend::Postgres {
            let take_turns = format!("SELECT pg_advisory_xact_lock({MIGRATION_LOCK})");
            tx.execute_unprepared(&take_turns).await.map_err(Fault::doing(DOING))?;
        }
        Migrator::up(&tx, None).await.map_err(Fault::doing(DOING))?;
        tx.commit().await.map_err(Fault::doing(DOING))
    }

    async fn connect(url: &str) -> Result<Self, DbErr> {
        if !url.starts_with("sqlite:") {
            // A pool would ask an address where nothing listens again and again; the start should not.
            let mut once = quiet(url);
            once.max_connections(1).acquire_timeout(ANSWER_TIMEOUT);
            SeaOrm::connect(once).await?.close().await?;
            let mut options = quiet(url);
            options.max_connections(POSTGRES_CONNECTIONS).acquire_timeout(ACQUIRE_TIMEOUT);
            let pool = SeaOrm::connect(options).await?;
            return Ok(Self { reader: pool.clone(), writer: pool });
        }
        if url.contains(":memory:") || url.contains("mode=memory") {
            // The database is the connection: it must never be closed and opened again.
            let mut options = quiet(url);
            options.max_connections(1).min_connections(1).acquire_timeout(ACQUIRE_TIMEOUT);
            options.idle_timeout(None).max_lifetime(None);
            let only = SeaOrm::connect(options).await?;
            return Ok(Self { reader: only.clone(), writer: only });
        }
        let mut writing = quiet(url);
        writing.max_connections(1).acquire_timeout(ACQUIRE_TIMEOUT);
        writing.map_sqlx_sqlite_opts(|sqlite| {
            sqlite
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(BUSY_TIMEOUT)
        });
        let writer = opened(writing).await?;
        let mut reading = quiet(url);
        reading.max_connections(SQLITE_READERS).acquire_timeout(ACQUIRE_TIMEOUT);
        reading.map_sqlx_sqlite_opts(|sqlite| sqlite.busy_timeout(BUSY_TIMEOUT).pragma("query_only", "ON"));
        Ok(Self { reader: SeaOrm::connect(reading).await?, writer })
    }

    /// What questions are asked of. Never used while a transaction is open: in memory the two share
    /// one connection.
    pub(crate) fn reader(&self) -> &DatabaseConnection {
        &self.reader
    }

    /// Begins a writing transaction; on SQLite the write lock is taken at once.
    pub(crate) async fn begin(&self) -> Result<DatabaseTransaction, Fault> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        self.writer.begin_with_options(options).await.map_err(Fault::doing("beginning to write"))
    }

    /// Closes every connection.
    pub(crate) async fn close(&self) -> Result<(), DbErr> {
        self.reader.close_by_ref().await?;
        self.writer.close_by_ref().await
    }
}

/// A connection to a SQLite file. While another program gives a new file its write-ahead log, SQLite refuses at once,
/// whatever the busy timeout (<https://www.sqlite.org/wal.html>, "Sometimes queries return SQLITE_BUSY").
async fn opened(options: ConnectOptions) -> Result<DatabaseConnection, DbErr> {
    let mut tries = 1;
    loop {
        match SeaOrm::connect(options.clone()).await {
            Err(error) if is_busy(&error) && tries < OPENED_MOST => {
                tries += 1;
                tokio::task::yield_now().await;
            }
            connected => return connected,
        }
    }
}

fn is_busy(error: &DbErr) -> bool {
    let DbErr::Conn(RuntimeErr::SqlxError(error)) = error else { return false };
    error.as_database_error().and_then(|error| error.code()).is_some_and(|code| code == SQLITE_BUSY)
}

/// Options that keep statements, and with them guests' names and numbers, out of the logs.
fn quiet(url: &str) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options.sqlx_logging(false).record_stmt_in_spans(false);
    options
}
