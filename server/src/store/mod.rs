//! The server's own tables: conversations and their log, inbox, outbox, guests.
//!
//! They may share a database with the hotel's tables and another process. Everything that must be true together is
//! written in one transaction; on SQLite it takes the write lock when it begins, so that it waits instead of failing
//! half-way.

mod callers;
mod commit;
mod conversations;
mod delivered;
mod desk;
mod due;
mod entity;
mod flow_versions;
mod forget;
mod guests;
mod identity;
mod inbox;
mod join;
mod keys;
mod known;
mod lease;
mod left;
mod migration;
mod offers;
mod outbox;
mod pack;
mod reachable;
mod seal;
mod spoken;
mod standing;
mod talk;
mod told;
mod writer;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use innkeeper_engine::BadForm;
use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database as SeaOrm, DatabaseConnection, DbBackend, DbErr,
    TransactionTrait,
};
use sea_orm_migration::MigratorTrait;
use serde::de::DeserializeOwned;
use tokio::sync::{Notify, watch};

pub use conversations::ConversationRow;
pub(crate) use delivered::Delivered;
pub(crate) use desk::Typed;
pub use desk::{HeldConversation, Took, Wrote};
pub use due::Due;
pub use flow_versions::{FlowVersionRow, OpenConversation};
pub use forget::Forgotten;
pub use inbox::{Arrived, Begun, InboxRow, Outcome, Received};
pub use offers::Offered;
pub(crate) use outbox::Tried;
pub use outbox::{OutboxRow, Status};
pub use reachable::{Consent, Reach};
pub use spoken::Listened;
pub use talk::{Talk, TalkCommit, Told, Welcomed};

use self::commit::group::Group;
use self::known::AllKnown;
use self::lease::Lease;
use self::writer::{Writer, Writing};
use crate::clock::Clock;
use crate::config::{DatabaseUrl, Patience};

/// The number of the lock under which tables are changed.
const MIGRATING: i64 = 0x11ae_e9e2;

const READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 10;
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);

/// The server's tables. Clones share everything.
#[derive(Clone, Debug)]
pub struct Database(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    reader: DatabaseConnection,
    writer: Writer,
    clock: Arc<dyn Clock>,
    outgoing: Notify,
    timing: Notify,
    arriving: Notify,
    /// This program among others, once it takes part.
    lease: OnceLock<Lease>,
    /// Counts what people at the desk may want to see.
    changes: watch::Sender<u64>,
    known: Arc<AllKnown>,
    /// Writes turns together, where there is one writer at a time.
    group: Option<Group>,
    patience: Option<Patience>,
}

/// How a database is used.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// When guests on channels that are written to are reminded; never without it.
    pub patience: Option<Patience>,
    /// Whether a commit on SQLite may be told of before it is on the disk: much faster, but the last ones may be lost
    /// with the power. Only for what nobody needs tomorrow.
    pub hasty: bool,
}

/// What keeps the store from doing something. The guest hears none of this.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The database cannot be opened.
    #[error("the database cannot be opened")]
    Open(#[source] DbErr),
    /// The database refused.
    #[error("{doing} failed in the database")]
    Database {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        source: DbErr,
    },
    /// Something stored cannot be read, or something cannot be stored.
    #[error("{what} cannot be read or written")]
    Shape {
        /// What it is.
        what: &'static str,
        /// Why.
        source: serde_json::Error,
    },
    /// What a conversation saved cannot be read or written.
    #[error("a conversation cannot be read or written")]
    Form(#[from] BadForm),
    /// What was sealed cannot be opened.
    #[error("{what} cannot be opened: it was not sealed under this key, in this place")]
    Sealed {
        /// What it is.
        what: &'static str,
    },
    /// What was sealed is not what it has to be.
    #[error("{what} cannot be read: its packed form is broken")]
    Packed {
        /// What it is.
        what: &'static str,
    },
    /// Several turns that were written together failed together.
    #[error("turns could not be written")]
    Together(#[source] Arc<Fault>),
    /// A row that must be there is not.
    #[error("{what} is not in the database")]
    Missing {
        /// What it is.
        what: &'static str,
    },
}

impl Fault {
    /// Names what was being done.
    fn doing(doing: &'static str) -> impl FnOnce(DbErr) -> Self {
        move |source| Self::Database { doing, source }
    }

    /// Names what was being read or written.
    fn shape(what: &'static str) -> impl FnOnce(serde_json::Error) -> Self {
        move |source| Self::Shape { what, source }
    }
}

impl Database {
    /// Opens a database and brings the tables up to date. A missing SQLite file is made.
    ///
    /// # Errors
    /// It cannot be reached, or its tables cannot be brought up to date.
    pub async fn open(url: &DatabaseUrl, clock: Arc<dyn Clock>) -> Result<Self, Fault> {
        Self::open_with(url, clock, Options::default()).await
    }

    /// The same, used as the options say.
    ///
    /// # Errors
    /// It cannot be reached, or its tables cannot be brought up to date.
    pub async fn open_with(
        url: &DatabaseUrl,
        clock: Arc<dyn Clock>,
        options: Options,
    ) -> Result<Self, Fault> {
        let (reader, writer) = connect(url.as_str(), options.hasty).await.map_err(Fault::Open)?;
        migrate(&writer).await.map_err(Fault::doing("bringing the tables up to date"))?;
        let known = Arc::new(AllKnown::default());
        let backend = writer.get_database_backend();
        let writer = Writer::new(writer);
        let group = match backend {
            DbBackend::Sqlite => Some(Group::start(writer.clone(), Arc::clone(&known))),
            DbBackend::Postgres | DbBackend::MySql => None,
            other => {
                return Err(Fault::Open(DbErr::Custom(format!("{other:?} is not a database that is used"))));
            }
        };
        let (outgoing, timing, arriving) = (Notify::new(), Notify::new(), Notify::new());
        let Options { patience, .. } = options;
        let (lease, changes) = (OnceLock::new(), watch::Sender::default());
        Ok(Self(Arc::new(Inner {
            reader,
            writer,
            clock,
            outgoing,
            timing,
            arriving,
            lease,
            changes,
            known,
            group,
            patience,
        })))
    }

    /// Asks the database something trivial, to know whether it is there.
    ///
    /// # Errors
    /// It is not.
    pub async fn ready(&self) -> Result<(), Fault> {
        self.reader()
            .execute_unprepared("SELECT 1")
            .await
            .map_err(Fault::doing("asking whether it is there"))?;
        Ok(())
    }

    /// Told after every commit that wrote outgoing messages.
    pub fn outgoing(&self) -> &Notify {
        &self.0.outgoing
    }

    /// Told after every commit of a conversation that has to be woken some time.
    pub fn timing(&self) -> &Notify {
        &self.0.timing
    }

    /// Told after everything that people at the desk may want to see: what came in, what was said, what became of it.
    /// What another program on the same database does is not among it.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.0.changes.subscribe()
    }

    fn changed(&self) {
        self.0.changes.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Closes every connection.
    ///
    /// # Errors
    /// The database does not let go.
    pub async fn close(&self) -> Result<(), Fault> {
        let doing = "closing it";
        self.0.reader.close_by_ref().await.map_err(Fault::doing(doing))?;
        self.writer().close_by_ref().await.map_err(Fault::doing(doing))
    }

    /// What is read from. Never used while a transaction of the same task is open: in memory both are one connection.
    fn reader(&self) -> &DatabaseConnection {
        &self.0.reader
    }

    fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    /// What single statements are written through.
    fn writer(&self) -> &DatabaseConnection {
        self.0.writer.connection()
    }

    /// Begins to write.
    async fn begin(&self) -> Result<Writing, Fault> {
        self.0.writer.begin().await
    }
}

/// Brings the tables up to date. Of several programs that begin at once one does it and the others wait; on SQLite they
/// wait for the write lock.
async fn migrate(writer: &DatabaseConnection) -> Result<(), DbErr> {
    if writer.get_database_backend() != DbBackend::Postgres {
        return migration::Migrator::up(writer, None).await;
    }
    let turn = writer.begin().await?;
    turn.execute_unprepared(&format!("SELECT pg_advisory_xact_lock({MIGRATING})")).await?;
    migration::Migrator::up(writer, None).await?;
    turn.commit().await
}

/// A connection to read with and one to write with.
///
/// SQLite files are in WAL mode with `synchronous=FULL`: a commit is on the disk before anybody is told of it. `NORMAL`
/// is a hundred times faster but may lose the last commits with the power, and with them a message that its provider
/// was told we have, or the note of a booking under way. A turn has about four commits, a few milliseconds.
async fn connect(url: &str, hasty: bool) -> Result<(DatabaseConnection, DatabaseConnection), DbErr> {
    if !url.starts_with("sqlite:") {
        let mut options = quiet(url);
        options.max_connections(POSTGRES_CONNECTIONS);
        let pool = SeaOrm::connect(options).await?;
        return Ok((pool.clone(), pool));
    }
    if url.contains(":memory:") || url.contains("mode=memory") {
        // It lives as long as its only connection.
        let mut options = quiet(url);
        options.max_connections(1).min_connections(1).idle_timeout(None).max_lifetime(None);
        let only = SeaOrm::connect(options).await?;
        return Ok((only.clone(), only));
    }
    let mut writing = quiet(url);
    writing.max_connections(1).map_sqlx_sqlite_opts(move |sqlite| {
        sqlite
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(if hasty { SqliteSynchronous::Normal } else { SqliteSynchronous::Full })
            // What is deleted is overwritten where its page is written anyway; [`Database::compact`] does the rest.
            .pragma("secure_delete", "FAST")
            // What is written to at one time stays at hand.
            .pragma("cache_size", "-16000")
            .pragma("wal_autocheckpoint", "4000")
            .busy_timeout(BUSY_TIMEOUT)
    });
    let writer = SeaOrm::connect(writing).await?;
    let mut reading = quiet(url);
    reading
        .max_connections(READERS)
        .map_sqlx_sqlite_opts(|sqlite| sqlite.busy_timeout(BUSY_TIMEOUT).pragma("query_only", "ON"));
    Ok((SeaOrm::connect(reading).await?, writer))
}

/// Options that keep statements, and the guests' words in them, out of the log.
fn quiet(url: &str) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options.sqlx_logging(false).record_stmt_in_spans(false).acquire_timeout(ACQUIRE_TIMEOUT);
    options
}

/// Something to be stored, as JSON text.
fn json<T: serde::Serialize + ?Sized>(what: &'static str, value: &T) -> Result<String, Fault> {
    serde_json::to_string(value).map_err(Fault::shape(what))
}

/// Something stored, from JSON text.
fn read<T: DeserializeOwned>(what: &'static str, text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(Fault::shape(what))
}
