//! The way to write: on SQLite, which has one writer at a time, what comes together shares a transaction.
//!
//! What a transaction on SQLite costs is mostly its end, when the disk is waited for. So whoever begins to write while
//! others wait to leaves the end to a task that waits behind them: each of them writes within a savepoint of its own,
//! and all of them are told when the one transaction is on the disk. What fails takes back only what it wrote itself.
//! Whoever writes alone waits for nobody.
//!
//! What others have written in a shared transaction is seen before it is on the disk. Whoever tells of it without writing
//! anything ends with [`Writing::rollback`], which waits for the disk; dropping a [`Writing`] does not.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbBackend, DbErr, RuntimeErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};
use tokio::sync::{Mutex, OwnedMutexGuard, oneshot};

use super::Fault;

/// The way to write to a database. Clones share everything.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    connection: DatabaseConnection,
    /// The transaction that is open, where there is one writer at a time.
    shared: Option<Arc<Mutex<Shared>>>,
}

/// A transaction that several write in, one after the other.
#[derive(Default)]
struct Shared {
    /// It, while nobody writes in it.
    open: Option<DatabaseTransaction>,
    /// Whoever has written in it and waits for its end.
    waiting: Vec<oneshot::Sender<Result<(), String>>>,
}

/// A transaction, or a part of one. Dropped, it is taken back.
#[derive(Debug)]
pub(super) struct Writing {
    /// Dropped before its place is: what is taken back is taken back before anybody else writes.
    transaction: DatabaseTransaction,
    place: Place,
}

/// Where something is written.
#[derive(Debug)]
enum Place {
    /// In a transaction of its own.
    Own,
    /// At the beginning of one that others may go on with.
    First(OwnedMutexGuard<Shared>),
    /// In a savepoint of one that others have begun.
    Further(OwnedMutexGuard<Shared>),
}

impl Writer {
    /// Writes through a connection; on SQLite it must be the only one that does.
    pub(super) fn new(connection: DatabaseConnection) -> Self {
        let is_alone = connection.get_database_backend() == DbBackend::Sqlite;
        Self { connection, shared: is_alone.then(Arc::default) }
    }

    /// What single statements are written through.
    pub(super) fn connection(&self) -> &DatabaseConnection {
        &self.connection
    }

    /// Begins to write. On SQLite the write lock is taken at once.
    ///
    /// # Errors
    /// The database fails.
    pub(super) async fn begin(&self) -> Result<Writing, Fault> {
        let fault = Fault::doing("beginning to write");
        let Some(shared) = &self.shared else {
            let transaction = self.connection.begin().await.map_err(fault)?;
            return Ok(Writing { transaction, place: Place::Own });
        };
        let guard = Arc::clone(shared).lock_owned().await;
        if let Some(open) = &guard.open {
            let transaction = open.begin().await.map_err(fault)?;
            return Ok(Writing { transaction, place: Place::Further(guard) });
        }
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        let transaction = self.connection.begin_with_options(options).await.map_err(fault)?;
        tokio::spawn(close(Arc::clone(shared)));
        Ok(Writing { transaction, place: Place::First(guard) })
    }
}

impl Writing {
    /// Writes it: when this returns, it is on the disk.
    ///
    /// # Errors
    /// The database fails; then nothing of it was written.
    pub(super) async fn commit(self) -> Result<(), DbErr> {
        match self.place {
            Place::Own => self.transaction.commit().await,
            Place::First(mut shared) => {
                shared.open = Some(self.transaction);
                ended(shared).await
            }
            Place::Further(shared) => {
                self.transaction.commit().await?;
                ended(shared).await
            }
        }
    }

    /// Takes it back. What was seen of others on the way is on the disk when this returns.
    ///
    /// # Errors
    /// The database fails.
    pub(super) async fn rollback(self) -> Result<(), DbErr> {
        self.transaction.rollback().await?;
        match self.place {
            Place::Own | Place::First(_) => Ok(()),
            Place::Further(shared) => ended(shared).await,
        }
    }
}

/// Lets others write, and waits for the end of the transaction.
async fn ended(mut shared: OwnedMutexGuard<Shared>) -> Result<(), DbErr> {
    let (sender, ended) = oneshot::channel();
    shared.waiting.push(sender);
    drop(shared);
    let failed = |why: String| DbErr::Conn(RuntimeErr::Internal(why));
    ended.await.map_err(|_| failed("the task that ends transactions is gone".to_owned()))?.map_err(failed)
}

impl Deref for Writing {
    type Target = DatabaseTransaction;

    fn deref(&self) -> &DatabaseTransaction {
        &self.transaction
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { open, waiting } = self;
        formatter
            .debug_struct("Shared")
            .field("open", &open.is_some())
            .field("waiting", &waiting.len())
            .finish()
    }
}

/// Ends a shared transaction, after everybody who waited to write in it.
async fn close(shared: Arc<Mutex<Shared>>) {
    let mut shared = shared.lock_owned().await;
    // What began it may have taken it back.
    let Some(open) = shared.open.take() else { return };
    let ended = open.commit().await.map_err(|error| error.to_string());
    for waiting in shared.waiting.drain(..) {
        // Nobody may wait for it any more; it is written all the same.
        let _ = waiting.send(ended.clone());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use sea_orm::ConnectionTrait as _;
    use tokio::task::JoinSet;

    use crate::clock::SystemClock;
    use crate::config::DatabaseUrl;
    use crate::store::Database;

    /// What a task that writes does in the end.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum End {
        Commits,
        TakesBack,
        LetsGo,
        Fails,
    }

    const ENDS: [End; 4] = [End::Commits, End::TakesBack, End::LetsGo, End::Fails];

    async fn writes(database: Database, number: usize) -> Option<i64> {
        let end = ENDS[(number / 3) % ENDS.len()];
        let number = i64::try_from(number).expect("a number");
        let transaction = database.begin().await.expect("a transaction");
        let insert = format!("INSERT INTO written (number) VALUES ({number})");
        transaction.execute_unprepared(&insert).await.expect("written");
        match end {
            End::Commits => transaction.commit().await.map(|()| Some(number)).expect("committed"),
            End::TakesBack => transaction.rollback().await.map(|()| None).expect("taken back"),
            End::LetsGo => None,
            End::Fails => {
                transaction.execute_unprepared(&insert).await.expect_err("it is there already");
                None
            }
        }
    }

    async fn numbers(database: &Database) -> Vec<i64> {
        let rows = database.reader().query_all_raw(sea_orm::Statement::from_string(
            sea_orm::DbBackend::Sqlite,
            "SELECT number FROM written ORDER BY number",
        ));
        let rows = rows.await.expect("rows");
        rows.iter().map(|row| row.try_get("", "number").expect("a number")).collect()
    }

    /// Tries to write what somebody else writes too; whoever was faster, it is on the disk then.
    async fn writes_the_same(database: Database) {
        let transaction = database.begin().await.expect("a transaction");
        let insert = "INSERT INTO written (number) VALUES (5000) ON CONFLICT DO NOTHING";
        let written = transaction.execute_unprepared(insert).await.expect("no fault").rows_affected();
        let ended = if written > 0 { transaction.commit().await } else { transaction.rollback().await };
        ended.expect("no fault");
        assert!(numbers(&database).await.contains(&5000));
    }

    async fn many_write(url: &str) {
        let url = DatabaseUrl::parse(url).expect("an address");
        let database = Database::open(&url, Arc::new(SystemClock)).await.expect("a database");
        let table = "CREATE TABLE written (number INTEGER PRIMARY KEY)";
        database.writer().execute_unprepared(table).await.expect("a table");
        let mut writing = JoinSet::new();
        for number in 0..240 {
            writing.spawn(writes(database.clone(), number));
        }
        // Somebody who stops waiting keeps nobody else from anything.
        for number in 1000..1020 {
            writing.spawn(writes(database.clone(), number)).abort();
        }
        let mut same = JoinSet::new();
        (0..20).for_each(|_| drop(same.spawn(writes_the_same(database.clone()))));
        same.join_all().await;
        let mut told: Vec<i64> = Vec::new();
        while let Some(ended) = writing.join_next().await {
            if let Ok(Some(number)) = ended {
                told.push(number);
                assert!(numbers(&database).await.contains(&number), "{number} was told of too early");
            }
        }
        told.sort_unstable();
        assert_eq!(told.iter().filter(|number| **number < 240).count(), 60, "every fourth commits");
        let mut there = numbers(&database).await;
        there.retain(|number| *number < 240 || told.contains(number));
        assert_eq!(there, told);
    }

    #[tokio::test]
    async fn of_many_who_write_at_once_everybody_keeps_or_takes_back_their_own() {
        many_write("sqlite::memory:").await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn the_same_in_a_file_and_on_several_threads() {
        let folder = std::env::temp_dir().join(format!("innkeeper-writer-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&folder).expect("a folder");
        many_write(&format!("sqlite://{}", folder.join("w.db").display())).await;
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
