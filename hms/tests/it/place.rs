//! Where a test's hotel keeps its rows: a file, memory, or a PostgreSQL database of its own.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::postgres;

/// A database for one test; a file is removed at the end.
pub(crate) struct Place {
    pub(crate) url: String,
    pub(crate) kind: Kind,
    file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Sqlite,
    Postgres,
}

impl Place {
    /// SQLite in memory.
    pub(crate) fn memory() -> Self {
        Self { url: "sqlite::memory:".to_owned(), kind: Kind::Sqlite, file: None }
    }

    /// A SQLite file.
    pub(crate) fn file() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let file = std::env::temp_dir().join(format!("innkeeper-hms-{}-{count}.db", std::process::id()));
        Self { url: format!("sqlite://{}", file.display()), kind: Kind::Sqlite, file: Some(file) }
    }

    /// Every kind of database that is to be had here.
    pub(crate) async fn all() -> Vec<Self> {
        let mut places = vec![Self::file()];
        if let Some(url) = postgres::new_database().await {
            places.push(Self { url, kind: Kind::Postgres, file: None });
        }
        places
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let Some(file) = &self.file else { return };
        for ending in ["", "-wal", "-shm"] {
            let mut name = file.clone().into_os_string();
            name.push(ending);
            // The file may never have been made.
            drop(std::fs::remove_file(name));
        }
    }
}
