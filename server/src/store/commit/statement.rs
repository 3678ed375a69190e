//! A commit as one statement.
//!
//! Its parts see one snapshot, and happen all together or, where the conversation moved on or the answered message has
//! an outcome, not at all. Works on PostgreSQL only: SQLite has no writing `WITH`.

use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};

use super::Prepared;
use crate::message::GuestKey;
use crate::store::Fault;

/// Writes a commit. False on a conflict.
pub(super) async fn write(connection: &impl ConnectionTrait, commit: &Prepared) -> Result<bool, Fault> {
    let (message, outcome) = match commit.answered {
        Some((message, outcome)) => (Some(message), Some(outcome.as_str())),
        None => (None, None),
    };
    let mut values: Vec<Value> = vec![
        commit.whose.id.clone().into(),
        commit.expected.into(),
        commit.position.clone().into(),
        commit.underway.clone().into(),
        commit.ended.into(),
        commit.due.into(),
        commit.heard_at.into(),
        commit.at.into(),
        message.into(),
        outcome.map(str::to_owned).into(),
        commit.held.into(),
    ];
    let mut sql = MOVED.to_owned();
    if let Some(run) = &commit.run {
        values.push(run.clone().into());
        sql.push_str(&format!(
            ", logged AS (INSERT INTO log (conversation, revision, entries) SELECT id, $2 + 1, ${}::bytea FROM moved)",
            values.len()
        ));
    }
    if !commit.outgoing.is_empty() {
        sql.push_str(SAID);
        for (order, message) in commit.outgoing.iter().enumerate() {
            values.push(message.content.clone().into());
            values.push(message.says.clone().into());
            values.push(message.channel.clone().into());
            values.push(message.status().as_str().to_owned().into());
            values.push(message.is_sent.then_some(commit.at).into());
            values.push(message.to.as_ref().map(GuestKey::to_string).into());
            let comma = if order > 0 { ", " } else { "" };
            let first = values.len() - 5;
            sql.push_str(&format!(
                "{comma}({order}, ${}::bytea, ${}::text, ${}::text, ${}::text, ${}::timestamptz, ${}::text)",
                first,
                first + 1,
                first + 2,
                first + 3,
                first + 4,
                first + 5
            ));
        }
        sql.push_str(SAID_END);
    }
    sql.push_str(" SELECT count(*) AS moved FROM moved");
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let row = connection.query_one_raw(statement).await.map_err(Fault::doing("committing a turn"))?;
    let moved: Option<i64> =
        row.map(|row| row.try_get("", "moved")).transpose().map_err(Fault::doing("committing a turn"))?;
    Ok(moved == Some(1))
}

/// The message is locked first, so that of two who answer it one waits and then finds it answered. A turn that goes on
/// after its write-ahead may answer a message that was given up meanwhile.
const MOVED: &str = "\
WITH pending AS (
  SELECT id FROM inbox WHERE id = $9 AND outcome = 'pending' FOR UPDATE
), moved AS (
  UPDATE conversations c
  SET revision = $2 + 1, position = $3, underway = $4, ended = $5, due = $6,
      heard_at = COALESCE($7, c.heard_at), updated_at = $8, went_on = FALSE,
      held_since = CASE WHEN $11 THEN COALESCE(c.held_since, $8) END,
      taken_by = CASE WHEN $11 THEN c.taken_by END
  FROM conversations o
  WHERE c.id = $1 AND o.id = c.id AND c.revision = $2 AND NOT c.forgotten AND NOT c.ended
    AND ($9::bigint IS NULL OR o.underway IS NOT NULL OR EXISTS (SELECT 1 FROM pending))
  RETURNING c.id, c.guest, c.channel
), decided AS (
  UPDATE inbox SET outcome = $10, decided_at = $8, conversation = $1
  WHERE id IN (SELECT id FROM pending) AND EXISTS (SELECT 1 FROM moved)
)";

const SAID: &str = ", said AS (
  INSERT INTO outbox (guest, channel, conversation, revision, content, says, status, attempts, created_at, sent_at)
  SELECT COALESCE(s.whom, m.guest), s.channel, m.id, $2 + 1, s.content, s.says, s.status, 0, $8, s.sent_at
  FROM moved m CROSS JOIN (VALUES ";

const SAID_END: &str = ") AS s (ord, content, says, channel, status, sent_at, whom) ORDER BY s.ord
)";
