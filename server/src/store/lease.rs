//! Which program works on which guest, where several share a database.
//!
//! A program that answers guests enrols: it has a row that says until when it counts as alive, and renews it. The
//! first to take a guest up has them, their turns and what is sent to them, until it is no longer alive; then whoever
//! sees that first takes them over. So two programs never begin turns of one guest at once. One that was only thought
//! dead finds out when it commits: a commit names the revision it was computed from and the message it answers, and
//! only the first one counts.
//!
//! Clocks of programs on one database must not differ by more than a part of the lease. A database that nobody enrolled
//! with is one program's, and that has every guest.

use std::collections::HashSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use sea_orm::sea_query::{Expr, SimpleExpr};
use sea_orm::sqlx::postgres::PgListener;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter, QueryOrder, QuerySelect, Statement,
    Value,
};
use uuid::Uuid;

use super::entity::{inbox, outbox};
use super::inbox::Outcome;
use super::outbox::Status;
use super::{Database, Fault};
use crate::message::{ChannelName, GuestKey, MessageId};

/// What programs tell each other by: a message of another's guest was written down.
const CHANNEL: &str = "innkeeper_inbox";

/// How many times in a lease it is renewed.
const RENEWALS: u32 = 5;

/// The fence of a guest whom nobody had before.
const FIRST: i64 = 1;

/// Rows of programs that died so many leases ago are removed.
const BURIED_AFTER: i64 = 100;

/// How long a broken connection to listen on is left alone.
const DEAF: Duration = Duration::from_secs(1);

/// So many guests are known to be ours at most; which they are is asked anew then.
const MOST: usize = 65_536;

/// Says until when a program counts as alive.
const RENEWED: &str = "INSERT INTO workers (id, until) VALUES ($1, $2) \
                       ON CONFLICT (id) DO UPDATE SET until = excluded.until";

/// This program among those that share the database.
#[derive(Debug)]
pub(super) struct Lease {
    worker: String,
    lasts: Duration,
    /// How long a message that is being sent belongs to its sender, alive or not.
    sending: Duration,
    held: Mutex<Held>,
}

#[derive(Debug, Default)]
struct Held {
    /// Until when we count as alive, in milliseconds.
    until: i64,
    /// How many others are alive.
    others: u32,
    guests: HashSet<String>,
    has_resigned: bool,
}

impl Lease {
    fn held(&self) -> MutexGuard<'_, Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a guest is ours beyond doubt: nobody else may take them before the lease ends, and it does not end soon.
    fn is_sure_of(&self, guest: &str, now: i64) -> bool {
        let held = self.held();
        held.until - millis(self.lasts) / i64::from(RENEWALS) > now && held.guests.contains(guest)
    }
}

impl Database {
    /// Takes part in answering guests, for as long as it is renewed at least this often. `sending` is how long the
    /// provider may take to answer: what a dead program was sending is left alone for so long.
    ///
    /// # Errors
    /// The database fails.
    pub async fn enrol(&self, lasts: Duration, sending: Duration) -> Result<(), Fault> {
        let worker = Uuid::new_v4().simple().to_string();
        // The second time this program takes part already.
        let _ = self.0.lease.set(Lease { worker, lasts, sending, held: Mutex::default() });
        self.renew().await
    }

    /// Says that this program is alive.
    ///
    /// # Errors
    /// The database fails; until it does not, this program gives its guests up when the lease ends.
    pub async fn renew(&self) -> Result<(), Fault> {
        let doing = "renewing a lease";
        let Some(lease) = self.0.lease.get() else { return Ok(()) };
        let now = self.millis();
        let until = now + millis(lease.lasts);
        if lease.held().has_resigned {
            return Ok(());
        }
        self.told(RENEWED, [lease.worker.clone().into(), until.into()]).await.map_err(Fault::doing(doing))?;
        let buried = now - millis(lease.lasts).saturating_mul(BURIED_AFTER);
        self.told("DELETE FROM workers WHERE until < $1", [buried.into()])
            .await
            .map_err(Fault::doing(doing))?;
        let alive = self.statement("SELECT count(*) AS alive FROM workers WHERE until > $1", [now.into()]);
        let row = self.writer().query_one_raw(alive).await.map_err(Fault::doing(doing))?;
        let alive: i64 = row.map_or(Ok(1), |row| row.try_get("", "alive")).map_err(Fault::doing(doing))?;
        let mut held = lease.held();
        if held.until <= now {
            // It had ended: whatever was ours may be another's.
            held.guests.clear();
            drop(held);
            self.0.known.clear();
            held = lease.held();
        }
        held.until = until;
        held.others = u32::try_from(alive - 1).unwrap_or(0);
        Ok(())
    }

    /// Renews the lease, for ever. Without one there is nothing to do.
    pub async fn stay_enrolled(&self) {
        let Some(lease) = self.0.lease.get() else { return };
        loop {
            self.clock().sleep(lease.lasts / RENEWALS).await;
            if let Err(fault) = self.renew().await {
                tracing::error!(error = %crate::fault::chain(&fault), "this program cannot say that it is alive");
            }
        }
    }

    /// Gives every guest up: another program can go on at once.
    ///
    /// # Errors
    /// The database fails; then others go on when the lease ends.
    pub async fn resign(&self) -> Result<(), Fault> {
        let Some(lease) = self.0.lease.get() else { return Ok(()) };
        {
            let mut held = lease.held();
            held.until = 0;
            held.has_resigned = true;
            held.guests.clear();
        }
        self.told("DELETE FROM workers WHERE id = $1", [lease.worker.clone().into()])
            .await
            .map_err(Fault::doing("giving a lease back"))?;
        Ok(())
    }

    /// How often to look for what nobody told of.
    pub fn look_every(&self) -> Option<Duration> {
        self.0.lease.get().map(|lease| lease.lasts / RENEWALS)
    }

    /// How many other programs answer guests, as far as was heard.
    pub fn others(&self) -> u32 {
        self.0.lease.get().map_or(0, |lease| lease.held().others)
    }

    /// How long what is being sent belongs to whoever sends it.
    pub(super) fn sending(&self) -> Option<Duration> {
        self.0.lease.get().map(|lease| lease.sending)
    }

    /// Makes a guest ours, unless another living program has them.
    ///
    /// # Errors
    /// The database fails.
    pub async fn take_guest(&self, guest: &GuestKey) -> Result<bool, Fault> {
        let Some(lease) = self.0.lease.get() else { return Ok(true) };
        if lease.is_sure_of(guest.as_str(), self.millis()) {
            return Ok(true);
        }
        let transaction = self.begin().await?;
        let is_ours = self.take_in(&*transaction, guest.as_str()).await?;
        transaction.commit().await.map_err(Fault::doing("taking a guest up"))?;
        if is_ours {
            self.note_taken(guest.as_str());
        }
        Ok(is_ours)
    }

    /// The same within a transaction; [`Database::note_taken`] has to be told of it when that is committed. Until then
    /// nobody else can take the guest.
    pub(super) async fn take_in(
        &self,
        connection: &impl ConnectionTrait,
        guest: &str,
    ) -> Result<bool, Fault> {
        let doing = "taking a guest up";
        let Some(lease) = self.0.lease.get() else { return Ok(true) };
        let now = self.millis();
        if lease.is_sure_of(guest, now) {
            return Ok(true);
        }
        let (until, has_resigned) = {
            let held = lease.held();
            (held.until, held.has_resigned)
        };
        if has_resigned {
            return Ok(false);
        }
        if until <= now {
            // The lease ended before it could be renewed. Whoever writes is alive; what others took meanwhile is theirs.
            let until = now + millis(lease.lasts);
            let renewed = self.statement(RENEWED, [lease.worker.clone().into(), until.into()]);
            connection.execute_raw(renewed).await.map_err(Fault::doing(doing))?;
        }
        let taken = self.statement(
            "INSERT INTO lanes (guest, worker, fence) VALUES ($1, $2, 1) \
             ON CONFLICT (guest) DO UPDATE SET worker = excluded.worker, fence = lanes.fence + 1 \
             WHERE lanes.worker = excluded.worker \
             OR NOT EXISTS (SELECT 1 FROM workers w WHERE w.id = lanes.worker AND w.until > $3) \
             RETURNING fence",
            [guest.to_owned().into(), lease.worker.clone().into(), now.into()],
        );
        let Some(row) = connection.query_one_raw(taken).await.map_err(Fault::doing(doing))? else {
            return Ok(false);
        };
        let fence: i64 = row.try_get("", "fence").map_err(Fault::doing(doing))?;
        if fence == FIRST {
            return Ok(true);
        }
        // What somebody was sending when they died may have been sent.
        outbox::Entity::update_many()
            .col_expr(outbox::Column::Status, Expr::value(Status::Uncertain))
            .filter(outbox::Column::Guest.eq(guest))
            .filter(outbox::Column::Status.eq(Status::Sending))
            .exec(connection)
            .await
            .map_err(Fault::doing(doing))?;
        Ok(true)
    }

    /// Notes that a guest is on the telephone with this program, for as long as it is alive.
    ///
    /// # Errors
    /// The database fails.
    pub async fn is_called_by(&self, guest: &GuestKey) -> Result<(), Fault> {
        let Some(lease) = self.0.lease.get() else { return Ok(()) };
        let called = "INSERT INTO lanes (guest, worker, fence, phone) VALUES ($1, $2, 1, $2) \
                      ON CONFLICT (guest) DO UPDATE SET phone = excluded.phone";
        self.told(called, [guest.as_str().into(), lease.worker.clone().into()])
            .await
            .map_err(Fault::doing("noting that a guest calls"))
    }

    /// Notes that a guest is not on the telephone with this program any more.
    ///
    /// # Errors
    /// The database fails; until this program resigns, others take the guest to be on the telephone.
    pub async fn has_hung_up(&self, guest: &GuestKey) -> Result<(), Fault> {
        let Some(lease) = self.0.lease.get() else { return Ok(()) };
        let over = "UPDATE lanes SET phone = NULL WHERE guest = $1 AND phone = $2";
        self.told(over, [guest.as_str().into(), lease.worker.clone().into()])
            .await
            .map_err(Fault::doing("noting that a call is over"))
    }

    /// Whether a guest is on the telephone with another program that is alive.
    ///
    /// # Errors
    /// The database fails.
    pub async fn calls_elsewhere(&self, guest: &GuestKey) -> Result<bool, Fault> {
        let Some(lease) = self.0.lease.get() else { return Ok(false) };
        let calling = self.statement(
            "SELECT 1 FROM lanes l JOIN workers w ON w.id = l.phone \
             WHERE l.guest = $1 AND l.phone <> $2 AND w.until > $3",
            [guest.as_str().into(), lease.worker.clone().into(), self.millis().into()],
        );
        let row = self.writer().query_one_raw(calling).await;
        Ok(row.map_err(Fault::doing("looking who is on the telephone"))?.is_some())
    }

    /// Notes that a guest is ours: it was committed.
    pub(super) fn note_taken(&self, guest: &str) {
        let Some(lease) = self.0.lease.get() else { return };
        let mut held = lease.held();
        if held.guests.contains(guest) {
            return;
        }
        if held.guests.len() >= MOST {
            held.guests.clear();
        }
        held.guests.insert(guest.to_owned());
    }

    /// Tells the other programs that something came for a guest of theirs, when the transaction is committed.
    pub(super) async fn tell_others(&self, connection: &impl ConnectionTrait) -> Result<(), Fault> {
        if self.writer().get_database_backend() == DbBackend::Postgres {
            connection
                .execute_unprepared(&format!("NOTIFY {CHANNEL}"))
                .await
                .map_err(Fault::doing("telling the other programs"))?;
        }
        Ok(())
    }

    /// Hears, for ever, when other programs wrote down what came for our guests. Only PostgreSQL tells; elsewhere one
    /// has to look.
    pub async fn listen(&self) {
        if self.writer().get_database_backend() != DbBackend::Postgres {
            return;
        }
        loop {
            if let Err(error) = self.listen_once().await {
                tracing::warn!(%error, "other programs are not heard; trying again");
            }
            self.clock().sleep(DEAF).await;
        }
    }

    async fn listen_once(&self) -> Result<(), sea_orm::sqlx::Error> {
        let mut listener = PgListener::connect_with(self.writer().get_postgres_connection_pool()).await?;
        listener.listen(CHANNEL).await?;
        loop {
            listener.recv().await?;
            self.0.arriving.notify_one();
        }
    }

    /// Told when another program wrote a message down that may be of a guest of ours.
    pub fn arriving(&self) -> &tokio::sync::Notify {
        &self.0.arriving
    }

    /// The messages without an outcome that no other living program has, in the order they came.
    ///
    /// # Errors
    /// The database fails.
    pub async fn waiting(&self, channels: &[ChannelName]) -> Result<Vec<MessageId>, Fault> {
        let ids: Vec<i64> = inbox::Entity::find()
            .select_only()
            .column(inbox::Column::Id)
            .filter(inbox::Column::Outcome.eq(Outcome::Pending))
            .filter(inbox::Column::Channel.is_in(channels.iter().map(|channel| channel.as_str())))
            .filter(self.nobody_elses("inbox.guest"))
            .order_by_asc(inbox::Column::Id)
            .into_tuple()
            .all(self.reader())
            .await
            .map_err(Fault::doing("listing the messages without an outcome"))?;
        Ok(ids.into_iter().map(MessageId).collect())
    }

    /// A condition on rows with a guest: that no other living program has them.
    pub(super) fn nobody_elses(&self, guest: &'static str) -> SimpleExpr {
        let Some(lease) = self.0.lease.get() else { return Expr::value(true) };
        let (worker, now) = match self.writer().get_database_backend() {
            DbBackend::Postgres => ("$1", "$2"),
            _ => ("?", "?"),
        };
        Expr::cust_with_values(
            format!(
                "NOT EXISTS (SELECT 1 FROM lanes l JOIN workers w ON w.id = l.worker \
                 WHERE l.guest = {guest} AND l.worker <> {worker} AND w.until > {now})"
            ),
            [Value::from(lease.worker.clone()), Value::from(self.millis())],
        )
    }

    fn millis(&self) -> i64 {
        self.clock().now().timestamp_millis()
    }

    fn statement(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
        Statement::from_sql_and_values(self.writer().get_database_backend(), sql, values)
    }

    async fn told(&self, sql: &str, values: impl IntoIterator<Item = Value>) -> Result<(), sea_orm::DbErr> {
        self.writer().execute_raw(self.statement(sql, values)).await.map(|_| ())
    }
}

/// Who has one guest has whom they became one with, unless somebody has those already.
pub(super) async fn join(connection: &impl ConnectionTrait, from: &str, to: &str) -> Result<(), Fault> {
    let doing = "making one guest of two";
    let backend = connection.get_database_backend();
    for sql in [
        "UPDATE lanes SET guest = $2, phone = NULL WHERE guest = $1 AND NOT EXISTS (SELECT 1 FROM lanes l WHERE l.guest = $2)",
        "DELETE FROM lanes WHERE guest = $1 AND $2 <> $1",
    ] {
        let values = [Value::from(from.to_owned()), Value::from(to.to_owned())];
        let statement = Statement::from_sql_and_values(backend, sql, values);
        connection.execute_raw(statement).await.map_err(Fault::doing(doing))?;
    }
    Ok(())
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
