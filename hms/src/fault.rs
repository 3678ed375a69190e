//! Faults: what the operator must hear, and a guest never.

use sea_orm::{DbErr, RuntimeErr, SqlErr};

/// Why the hotel could not answer at all.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The database could not be opened.
    #[error("opening the hotel's database")]
    Open(#[source] DbErr),
    /// The database did not do what was asked.
    #[error("{doing} in the hotel's database")]
    Database {
        /// What the hotel was doing.
        doing: &'static str,
        /// What the database said.
        #[source]
        source: DbErr,
    },
    /// The database holds no hotel, and seeding was not asked for.
    #[error("the database holds no hotel; run `innkeeper hotel seed`")]
    NoHotel,
    /// The database holds a value that the hotel cannot have written.
    #[error("the hotel's database holds {what} \"{value}\", which cannot be read")]
    Unreadable {
        /// Which value.
        what: &'static str,
        /// What it holds.
        value: String,
    },
    /// Other writers came first too many times in a row.
    #[error("gave up {doing} after {attempts} conflicts with other writers")]
    Contended {
        /// What the hotel was doing.
        doing: &'static str,
        /// How often it was tried.
        attempts: u32,
    },
}

impl Fault {
    /// Names what was being done when the database failed; for `map_err`.
    pub(crate) fn doing(doing: &'static str) -> impl FnOnce(DbErr) -> Self {
        move |source| Self::Database { doing, source }
    }

    /// Whether doing the same again can end differently: another writer was faster.
    pub(crate) fn is_conflict(&self) -> bool {
        let Self::Database { source, .. } = self else {
            return false;
        };
        matches!(source.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
            || sql_state(source).is_some_and(|state| {
                // Serialization failure and deadlock on PostgreSQL; busy and locked on SQLite.
                ["40001", "40P01", "5", "6", "517"].contains(&state.as_str())
            })
    }
}

fn sql_state(error: &DbErr) -> Option<String> {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(error)) | DbErr::Query(RuntimeErr::SqlxError(error)) => {
            error.as_database_error()?.code().map(|code| code.into_owned())
        }
        _ => None,
    }
}
