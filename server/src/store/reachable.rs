//! Whether a guest can be reached, and wants to be: the window for free words, and what they said about messages.
//!
//! A window belongs to a guest and the address of ours that they wrote to. Anything a guest writes opens it for a day;
//! a sign put on a message does not. Consents are only added, each with its source and time; the last word counts.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::sea_query::{Expr, Func, OnConflict, Order, Query, SelectStatement, SimpleExpr};
use sea_orm::{
    ActiveValue, ColumnTrait, ConnectionTrait, EntityTrait, ExprTrait, QueryFilter, QueryOrder, QuerySelect,
};

use super::entity::{consent, guest, window};
use super::{Database, Fault, identity, inbox};
use crate::message::{ConversationId, Gathered, GuestIds, GuestKey, Inbound, Outgoing};

/// How long after a message of a guest free words may be sent (WhatsApp).
const WINDOW: TimeDelta = TimeDelta::hours(24);

const WINDOWS: &str = "looking until when a guest can be written to";
const CONSENTS: &str = "noting whether a guest wants messages";

/// What a guest said about messages, or what was said in their place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consent {
    /// Whether they want messages.
    pub wanted: bool,
    /// Where it came from: `words`, `displayed` for somebody who called and displayed the guest's number, or a provider
    /// with its code.
    pub source: String,
    /// When it was noted.
    pub at: DateTime<Utc>,
}

/// How a guest is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Where answers are sent.
    pub address: String,
    /// The address of ours that the guest last wrote to.
    pub line: Option<String>,
    /// Until when free words reach them from there; none where they never wrote to it.
    pub open_until: Option<DateTime<Utc>>,
    /// Whether they want no messages but answers to their own.
    pub opted_out: bool,
}

/// The columns of [`Reach`], the last consent in its place.
type ReachColumns = (String, Option<String>, Option<DateTime<Utc>>, Option<bool>);

impl From<consent::Model> for Consent {
    fn from(row: consent::Model) -> Self {
        Self { wanted: row.wanted, source: row.source, at: row.at }
    }
}

impl Database {
    /// How a guest is reached now, by the address of ours that they last wrote to; `None` for one who never wrote.
    ///
    /// # Errors
    /// The database fails.
    pub async fn reach(&self, guest: &GuestKey) -> Result<Option<Reach>, Fault> {
        if let Some(reach) = reach(self.reader(), guest.as_str()).await? {
            return Ok(Some(reach));
        }
        match identity::renamed(self.reader(), guest.as_str()).await? {
            Some(guest) => reach(self.reader(), &guest).await,
            None => Ok(None),
        }
    }

    /// Closes a window now: the provider says that it is.
    ///
    /// # Errors
    /// The database fails.
    pub async fn close_window(&self, guest: &GuestKey, line: Option<&str>) -> Result<(), Fault> {
        let (guest, now) = (self.resolved(guest).await?, self.clock().now());
        window::Entity::update_many()
            .col_expr(window::Column::OpenUntil, Expr::value(now))
            .filter(window::Column::Guest.eq(guest.as_str()))
            .filter(window::Column::Line.eq(line.unwrap_or_default()))
            .filter(window::Column::OpenUntil.gt(now))
            .exec(self.writer())
            .await
            .map_err(Fault::doing(WINDOWS))?;
        Ok(())
    }

    /// Whether a guest wants no messages but answers to their own.
    ///
    /// # Errors
    /// The database fails.
    pub async fn is_opted_out(&self, guest: &GuestKey) -> Result<bool, Fault> {
        let guest = self.resolved(guest).await?;
        Ok(last_word(self.reader(), guest.as_str()).await?.is_some_and(|word| !word.wanted))
    }

    /// Everything a guest said about messages, oldest first.
    ///
    /// # Errors
    /// The database fails.
    pub async fn consents(&self, guest: &GuestKey) -> Result<Vec<Consent>, Fault> {
        let guest = self.resolved(guest).await?;
        consent::Entity::find()
            .filter(consent::Column::Guest.eq(guest.as_str()))
            .order_by_asc(consent::Column::Id)
            .all(self.reader())
            .await
            .map(|rows| rows.into_iter().map(Consent::from).collect())
            .map_err(Fault::doing(CONSENTS))
    }

    /// Notes that a guest wants messages, or none, unless that is known. `source` is where it came from. Says whether it
    /// is new.
    ///
    /// # Errors
    /// The database fails.
    pub async fn note_consent(&self, guest: &GuestKey, wanted: bool, source: &str) -> Result<bool, Fault> {
        let guest = self.resolved(guest).await?;
        let transaction = self.begin().await?;
        let is_new = note(&*transaction, guest.as_str(), wanted, source, self.clock().now()).await?;
        transaction.commit().await.map_err(Fault::doing(CONSENTS))?;
        Ok(is_new)
    }

    /// Ends a message in which a guest said that they want messages, or none, with what is said to that, in one
    /// transaction.
    ///
    /// # Errors
    /// The database fails; then nothing was changed.
    pub async fn answer_consent(
        &self,
        turn: &Gathered,
        wanted: bool,
        source: &str,
        conversation: Option<&ConversationId>,
        outgoing: &[Outgoing],
    ) -> Result<(), Fault> {
        let guest = self.resolved(&turn.guest).await?;
        let now = self.clock().now();
        let transaction = self.begin().await?;
        let is_new = note(&*transaction, guest.as_str(), wanted, source, now).await?;
        // One confirmation is enough.
        let said = if is_new { outgoing } else { &[] };
        inbox::end(&*transaction, turn, inbox::Outcome::Answered, conversation, said, now).await?;
        transaction.commit().await.map_err(Fault::doing(CONSENTS))?;
        self.outgoing().notify_one();
        Ok(())
    }
}

/// Opens a guest's window for what they just sent.
pub(super) async fn heard(
    connection: &impl ConnectionTrait,
    guest: &GuestKey,
    inbound: &Inbound,
    now: DateTime<Utc>,
) -> Result<(), Fault> {
    let calls_by_number = inbound.channel.is_spoken() && matches!(inbound.guest, GuestIds::Other(_));
    if calls_by_number || inbound.channel.is_local() || !inbound.is_answerable() {
        return Ok(());
    }
    // What comes late was sent before; and no clock but ours says that something was sent later than now.
    let sent = inbound.sent_at.map_or(now, |sent| Ord::min(sent, now));
    prolong(connection, guest.as_str(), inbound.line.as_deref().unwrap_or_default(), sent + WINDOW).await
}

/// Makes what is known of one guest another's: the longer window of each address, and everything they said.
pub(super) async fn join(connection: &impl ConnectionTrait, from: &str, to: &str) -> Result<(), Fault> {
    let windows = window::Entity::find()
        .filter(window::Column::Guest.eq(from))
        .all(connection)
        .await
        .map_err(Fault::doing(WINDOWS))?;
    for window in windows {
        prolong(connection, to, &window.line, window.open_until).await?;
    }
    // Who wanted no messages under either name wants none.
    let (ours, theirs) = (last_word(connection, to).await?, last_word(connection, from).await?);
    consent::Entity::update_many()
        .col_expr(consent::Column::Guest, Expr::value(to))
        .filter(consent::Column::Guest.eq(from))
        .exec(connection)
        .await
        .map_err(Fault::doing(CONSENTS))?;
    let words = [ours, theirs];
    if let Some(out) = words.iter().flatten().find(|word| !word.wanted) {
        note(connection, to, false, &out.source, out.at).await?;
    }
    forget(connection, from).await
}

/// Forgets all of it.
pub(super) async fn forget(connection: &impl ConnectionTrait, guest: &str) -> Result<(), Fault> {
    window::Entity::delete_many()
        .filter(window::Column::Guest.eq(guest))
        .exec(connection)
        .await
        .map_err(Fault::doing(WINDOWS))?;
    consent::Entity::delete_many()
        .filter(consent::Column::Guest.eq(guest))
        .exec(connection)
        .await
        .map_err(Fault::doing(CONSENTS))?;
    Ok(())
}

/// Opens a window until then, unless it is open for longer.
async fn prolong(
    connection: &impl ConnectionTrait,
    guest: &str,
    line: &str,
    until: DateTime<Utc>,
) -> Result<(), Fault> {
    let row = window::ActiveModel {
        guest: ActiveValue::Set(guest.to_owned()),
        line: ActiveValue::Set(line.to_owned()),
        open_until: ActiveValue::Set(until),
    };
    let longer = OnConflict::columns([window::Column::Guest, window::Column::Line])
        .update_column(window::Column::OpenUntil)
        .action_and_where(Expr::col((window::Entity, window::Column::OpenUntil)).lt(until))
        .to_owned();
    window::Entity::insert(row)
        .on_conflict(longer)
        .exec_without_returning(connection)
        .await
        .map_err(Fault::doing(WINDOWS))?;
    Ok(())
}

async fn note(
    connection: &impl ConnectionTrait,
    guest: &str,
    wanted: bool,
    source: &str,
    at: DateTime<Utc>,
) -> Result<bool, Fault> {
    // Whoever said nothing wants messages.
    if last_word(connection, guest).await?.map_or(wanted, |word| word.wanted == wanted) {
        return Ok(false);
    }
    add(connection, guest, wanted, source, at).await?;
    Ok(true)
}

async fn add(
    connection: &impl ConnectionTrait,
    guest: &str,
    wanted: bool,
    source: &str,
    at: DateTime<Utc>,
) -> Result<(), Fault> {
    let row = consent::ActiveModel {
        id: ActiveValue::NotSet,
        guest: ActiveValue::Set(guest.to_owned()),
        wanted: ActiveValue::Set(wanted),
        source: ActiveValue::Set(source.to_owned()),
        at: ActiveValue::Set(at),
    };
    consent::Entity::insert(row).exec_without_returning(connection).await.map_err(Fault::doing(CONSENTS))?;
    Ok(())
}

/// Notes that a guest said that they want what is sent to them. Whoever wanted no messages before wants none still: only
/// what they write themselves takes that back.
pub(super) async fn consented(
    connection: &impl ConnectionTrait,
    guest: &str,
    source: &str,
    at: DateTime<Utc>,
) -> Result<(), Fault> {
    let guest = identity::resolved(connection, guest).await?;
    if last_word(connection, &guest).await?.is_some_and(|word| !word.wanted) {
        return Ok(());
    }
    add(connection, &guest, true, source, at).await
}

/// Everything about it in one question: it is asked before every message that is sent.
async fn reach(connection: &impl ConnectionTrait, guest: &str) -> Result<Option<Reach>, Fault> {
    let its = |column: guest::Column| Expr::col((guest::Entity, column));
    let window = Query::select()
        .column(window::Column::OpenUntil)
        .from(window::Entity)
        .and_where(Expr::col(window::Column::Guest).eq(guest))
        .and_where(
            Expr::col(window::Column::Line).eq(Func::coalesce([its(guest::Column::Line), Expr::val("")])),
        )
        .take();
    let word = Query::select()
        .column(consent::Column::Wanted)
        .from(consent::Entity)
        .and_where(Expr::col(consent::Column::Guest).eq(guest))
        .order_by(consent::Column::Id, Order::Desc)
        .limit(1)
        .take();
    let row: Option<ReachColumns> = guest::Entity::find_by_id(guest)
        .select_only()
        .columns([guest::Column::Address, guest::Column::Line])
        .expr_as(subquery(window), "open_until")
        .expr_as(subquery(word), "wanted")
        .into_tuple()
        .one(connection)
        .await
        .map_err(Fault::doing("looking how a guest is reached"))?;
    Ok(row.map(|(address, line, open_until, wanted)| Reach {
        address,
        line,
        open_until,
        opted_out: wanted == Some(false),
    }))
}

/// The value that a question of one row and column gives.
fn subquery(question: SelectStatement) -> SimpleExpr {
    SimpleExpr::SubQuery(None, Box::new(question.into()))
}

async fn last_word(connection: &impl ConnectionTrait, guest: &str) -> Result<Option<Consent>, Fault> {
    consent::Entity::find()
        .filter(consent::Column::Guest.eq(guest))
        .order_by_desc(consent::Column::Id)
        .one(connection)
        .await
        .map(|row| row.map(Consent::from))
        .map_err(Fault::doing(CONSENTS))
}
