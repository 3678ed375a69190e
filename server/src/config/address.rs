//! Addresses that a configuration names.

use std::fmt;
use std::path::PathBuf;

/// An http or https address without a slash at its end, a query or a fragment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BaseUrl(String);

impl BaseUrl {
    /// Reads an address.
    pub fn parse(text: &str) -> Option<Self> {
        let url = reqwest::Url::parse(text).ok()?;
        let plain = url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
        let known = matches!(url.scheme(), "http" | "https") && url.has_host();
        (plain && known).then(|| Self(text.trim_end_matches('/').to_owned()))
    }

    /// The address as it was written, without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The address of a database. It may hold a password and is never shown.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct DatabaseUrl(String);

impl DatabaseUrl {
    /// Reads an address of a SQLite file, of a database in memory or of a PostgreSQL database.
    pub fn parse(text: &str) -> Option<Self> {
        let file = text.strip_prefix("sqlite://").is_some_and(|file| !file.is_empty());
        let server = ["postgres://", "postgresql://"]
            .iter()
            .any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()));
        (file || server || text == "sqlite::memory:").then(|| Self(text.to_owned()))
    }

    /// A database in memory, gone with its last connection.
    pub fn in_memory() -> Self {
        Self("sqlite::memory:".to_owned())
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The file it is in, for a SQLite file.
    pub fn file(&self) -> Option<PathBuf> {
        let file = self.0.strip_prefix("sqlite://")?;
        Some(PathBuf::from(file.split('?').next().unwrap_or(file)))
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}…", self.0.split(':').next().unwrap_or_default())
    }
}
