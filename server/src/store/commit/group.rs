//! Commits of different conversations, written together.
//!
//! SQLite has one writer at a time, and what a transaction costs is mostly its end. So one task writes: whatever has
//! come while it wrote goes into its next transaction, up to [`MOST`] commits. A commit that comes alone is written at
//! once. A conflict fails its own commit and no other. There hardly ever is one, and every row that is read comes over
//! from the thread that SQLite runs on: so what is written says itself what it was computed from, and only when less was
//! changed than there was to change it is taken back, found out which commits can be made, and those are made.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use innkeeper_engine::runtime::CommitError;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, DbBackend, EntityTrait, ExprTrait, QueryFilter,
    QuerySelect, Statement, Value,
};
use tokio::sync::{mpsc, oneshot};

use super::Prepared;
use crate::message::GuestKey;
use crate::store::entity::{conversation, inbox};
use crate::store::inbox::Outcome;
use crate::store::known::AllKnown;
use crate::store::standing::Standing;
use crate::store::writer::Writer;
use crate::store::{Fault, guests, reachable};

/// So many commits are one transaction at most.
const MOST: usize = 256;

/// So many commits may wait.
const QUEUE: usize = 1024;

/// Rows are written so many at a time, so that few statements have to be prepared.
const ROWS: [usize; 5] = [256, 64, 16, 4, 1];

/// The way to the task that writes.
#[derive(Debug)]
pub(in crate::store) struct Group(mpsc::Sender<Job>);

#[derive(Debug)]
struct Job {
    commit: Prepared,
    stands: Arc<Standing>,
    reply: oneshot::Sender<Result<(), CommitError<Fault>>>,
}

impl Group {
    /// Starts the task; it ends when the last way to it is gone.
    pub(in crate::store) fn start(writer: Writer, known: Arc<AllKnown>) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        tokio::spawn(run(writer, known, receiver));
        Self(sender)
    }

    /// Writes a commit, together with whatever else is to be written. It is written even if nobody waits for it.
    pub(super) async fn write(
        &self,
        commit: Prepared,
        stands: Arc<Standing>,
    ) -> Result<(), CommitError<Fault>> {
        let (reply, written) = oneshot::channel();
        let gone = || CommitError::Fault(Fault::Missing { what: "the task that writes" });
        self.0.send(Job { commit, stands, reply }).await.map_err(|_| gone())?;
        written.await.map_err(|_| gone())?
    }
}

async fn run(writer: Writer, known: Arc<AllKnown>, mut jobs: mpsc::Receiver<Job>) {
    let mut kept: Option<Job> = None;
    loop {
        let first = match kept.take() {
            Some(job) => job,
            None => match jobs.recv().await {
                Some(job) => job,
                None => return,
            },
        };
        let mut batch = Batch::default();
        kept = batch.add(first);
        while kept.is_none()
            && batch.jobs.len() < MOST
            && let Ok(job) = jobs.try_recv()
        {
            kept = batch.add(job);
        }
        batch.write(&writer, &known).await;
    }
}

/// Commits that are written together: of different conversations, and of different messages.
#[derive(Default)]
struct Batch {
    jobs: Vec<Job>,
    taken: HashSet<String>,
    messages: HashSet<i64>,
}

impl Batch {
    /// Adds a commit; gives it back where it has to wait for the next batch.
    fn add(&mut self, job: Job) -> Option<Job> {
        let message = job.commit.answered.map(|(message, _)| message);
        if self.taken.contains(&job.commit.whose.id)
            || message.is_some_and(|message| self.messages.contains(&message))
        {
            return Some(job);
        }
        self.taken.insert(job.commit.whose.id.clone());
        self.messages.extend(message);
        self.jobs.push(job);
        None
    }

    /// In the order of their ids, which is that of the table: pages that are written to in a row are filled well.
    async fn write(mut self, writer: &Writer, known: &AllKnown) {
        self.jobs.sort_unstable_by(|one, other| one.commit.whose.id.cmp(&other.commit.whose.id));
        let commits: Vec<&Prepared> = self.jobs.iter().map(|job| &job.commit).collect();
        match write(writer, &commits).await {
            Ok(written) => {
                for (job, written) in self.jobs.into_iter().zip(written) {
                    let answer = if written {
                        known.moved(&job.commit.whose.id, job.stands);
                        Ok(())
                    } else {
                        Err(CommitError::Conflict)
                    };
                    // Nobody may wait for it any more; it is written all the same.
                    let _ = job.reply.send(answer);
                }
            }
            Err(fault) => {
                let fault = Arc::new(fault);
                for job in self.jobs {
                    let _ = job.reply.send(Err(CommitError::Fault(Fault::Together(Arc::clone(&fault)))));
                }
            }
        }
    }
}

/// Writes commits in one transaction. Says which of them were written; the others are conflicts.
async fn write(writer: &Writer, commits: &[&Prepared]) -> Result<Vec<bool>, Fault> {
    let doing = "committing turns";
    let transaction = writer.begin().await?;
    if rows(&transaction, commits).await? {
        remember(&transaction, commits).await?;
        transaction.commit().await.map_err(Fault::doing(doing))?;
        return Ok(vec![true; commits.len()]);
    }
    transaction.rollback().await.map_err(Fault::doing(doing))?;
    let transaction = writer.begin().await?;
    let can = possible(&transaction, commits).await?;
    let made: Vec<&Prepared> =
        commits.iter().zip(&can).filter(|(_, can)| **can).map(|(commit, _)| *commit).collect();
    rows(&transaction, &made).await?;
    remember(&transaction, &made).await?;
    transaction.commit().await.map_err(Fault::doing(doing))?;
    Ok(can)
}

async fn remember(transaction: &DatabaseTransaction, commits: &[&Prepared]) -> Result<(), Fault> {
    for commit in commits {
        for (guest, source) in &commit.consents {
            reachable::consented(transaction, guest.as_str(), source, commit.at).await?;
        }
    }
    for commit in commits.iter().filter(|commit| !commit.remember.is_empty()) {
        guests::remember(transaction, &commit.whose.guest, &commit.remember, commit.at).await?;
    }
    Ok(())
}

/// Which commits can be made: their conversations stand where they were computed from, and their messages have no
/// outcome yet.
async fn possible(transaction: &DatabaseTransaction, commits: &[&Prepared]) -> Result<Vec<bool>, Fault> {
    let doing = "reading conversations";
    let rows: Vec<(String, i64, bool)> = conversation::Entity::find()
        .select_only()
        .column(conversation::Column::Id)
        .column(conversation::Column::Revision)
        .column_as(Expr::col(conversation::Column::Underway).is_not_null(), "resumes")
        .filter(conversation::Column::Id.is_in(commits.iter().map(|commit| commit.whose.id.as_str())))
        .filter(conversation::Column::Forgotten.eq(false))
        .filter(conversation::Column::Ended.eq(false))
        .into_tuple()
        .all(transaction)
        .await
        .map_err(Fault::doing(doing))?;
    let standing: HashMap<&str, (i64, bool)> =
        rows.iter().map(|(id, revision, resumes)| (id.as_str(), (*revision, *resumes))).collect();
    let messages: Vec<i64> = commits.iter().filter_map(|commit| Some(commit.answered?.0)).collect();
    let pending: HashSet<i64> = if messages.is_empty() {
        HashSet::new()
    } else {
        let pending = inbox::Entity::find()
            .select_only()
            .column(inbox::Column::Id)
            .filter(inbox::Column::Id.is_in(messages))
            .filter(inbox::Column::Outcome.eq(Outcome::Pending))
            .into_tuple::<i64>()
            .all(transaction)
            .await
            .map_err(Fault::doing(doing))?;
        pending.into_iter().collect()
    };
    let can = |commit: &&Prepared| match standing.get(commit.whose.id.as_str()) {
        Some((revision, resumes)) if *revision == commit.expected => {
            // A turn that goes on after its write-ahead may answer a message that was given up meanwhile.
            commit.answered.is_none_or(|(message, _)| *resumes || pending.contains(&message))
        }
        Some(_) | None => false,
    };
    Ok(commits.iter().map(can).collect())
}

/// Writes the rows of commits. False where a conversation stands elsewhere than a commit was computed from, or a message
/// has an outcome already: then not all is written.
async fn rows(transaction: &DatabaseTransaction, commits: &[&Prepared]) -> Result<bool, Fault> {
    let moved = |commit: &&Prepared| -> Vec<Value> {
        vec![
            commit.whose.id.clone().into(),
            commit.revision().into(),
            commit.position.clone().into(),
            commit.underway.clone().into(),
            commit.due.into(),
            commit.heard_at.into(),
            commit.at.into(),
            commit.held.into(),
            commit.expected.into(),
        ]
    };
    if many(transaction, commits.iter().map(moved).collect(), MOVED).await? < commits.len() as u64 {
        return Ok(false);
    }
    let ended =
        commits.iter().filter(|commit| commit.ended).map(|commit| vec![commit.whose.id.clone().into()]);
    many(transaction, ended.collect(), ENDED).await?;
    let logged = commits.iter().filter_map(|commit| {
        Some(vec![commit.whose.id.clone().into(), commit.revision().into(), commit.run.clone()?.into()])
    });
    many(transaction, logged.collect(), LOGGED).await?;
    let decided = commits.iter().filter_map(|commit| {
        let (message, outcome) = commit.answered?;
        let outcome = outcome.as_str().to_owned();
        Some(vec![message.into(), outcome.into(), commit.at.into(), commit.whose.id.clone().into()])
    });
    let decided: Vec<Vec<Value>> = decided.collect();
    let messages = decided.len() as u64;
    let all_pending = many(transaction, decided, DECIDED).await? == messages;
    let mut said: Vec<Vec<Value>> = Vec::new();
    for commit in commits {
        for message in &commit.outgoing {
            said.push(vec![
                message.to.as_ref().map(GuestKey::to_string).into(),
                commit.whose.id.clone().into(),
                message.channel.clone().into(),
                commit.whose.id.clone().into(),
                commit.revision().into(),
                message.content.clone().into(),
                message.says.clone().into(),
                message.status().as_str().to_owned().into(),
                commit.at.into(),
                message.is_sent.then_some(commit.at).into(),
            ]);
        }
    }
    many(transaction, said, SAID).await?;
    Ok(all_pending)
}

/// A statement over many rows: what stands before and after them.
struct Many {
    before: &'static str,
    row: &'static str,
    after: &'static str,
}

/// Whether it ended is not among what is set: the index of open conversations would be written anew each time.
const MOVED: Many = Many {
    before: "UPDATE conversations SET revision = v.column2, position = v.column3, underway = v.column4, \
             due = v.column5, heard_at = COALESCE(v.column6, heard_at), updated_at = v.column7, \
             went_on = FALSE, held_since = CASE WHEN v.column8 THEN COALESCE(held_since, v.column7) END, \
             taken_by = CASE WHEN v.column8 THEN taken_by END FROM (VALUES ",
    row: "(?, ?, ?, ?, ?, ?, ?, ?, ?)",
    after: ") AS v WHERE conversations.id = v.column1 AND conversations.revision = v.column9 \
            AND NOT conversations.forgotten AND NOT conversations.ended",
};

/// Nothing goes on that has ended, so it is never taken back.
const ENDED: Many =
    Many { before: "UPDATE conversations SET ended = TRUE WHERE id IN (", row: "?", after: ")" };

const LOGGED: Many =
    Many { before: "INSERT INTO log (conversation, revision, entries) VALUES ", row: "(?, ?, ?)", after: "" };

const DECIDED: Many = Many {
    before: "UPDATE inbox SET outcome = v.column2, decided_at = v.column3, conversation = v.column4 FROM (VALUES ",
    row: "(?, ?, ?, ?)",
    after: ") AS v WHERE inbox.id = v.column1 AND inbox.outcome = 'pending'",
};

/// The order of the rows is the order of their keys, in which they are sent. Whose a conversation is may have changed
/// since it was read: two guests can turn out to be one.
const SAID: Many = Many {
    before: "INSERT INTO outbox (guest, channel, conversation, revision, content, says, status, attempts, created_at, \
             sent_at) VALUES ",
    row: "(COALESCE(?, (SELECT guest FROM conversations WHERE id = ?)), ?, ?, ?, ?, ?, ?, 0, ?, ?)",
    after: "",
};

/// Writes rows; how many were changed.
async fn many(transaction: &DatabaseTransaction, rows: Vec<Vec<Value>>, many: Many) -> Result<u64, Fault> {
    let (mut left, mut changed) = (rows.len(), 0);
    let mut rows = rows.into_iter();
    for size in ROWS {
        while left >= size {
            let values: Vec<Value> = rows.by_ref().take(size).flatten().collect();
            left -= size;
            let sql = format!("{}{}{}", many.before, vec![many.row; size].join(", "), many.after);
            let statement = Statement::from_sql_and_values(DbBackend::Sqlite, sql, values);
            let written = transaction.execute_raw(statement).await;
            changed += written.map_err(Fault::doing("writing turns"))?.rows_affected();
        }
    }
    Ok(changed)
}
