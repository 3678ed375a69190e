//! The versions of the flows that conversations are on: written down before the first conversation begins on one, and
//! checked again from what was written down when a program that starts finds a conversation on it.
//!
//! A version is kept as long as anything that was recorded on it; one that no conversation was ever on is dropped
//! after [`UNUSED_FOR`].

mod authored;
mod moving;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use chrono::TimeDelta;
use innkeeper_engine::Flows;
use innkeeper_engine::flow::Mistakes;
use innkeeper_engine::runtime::{Entry, Logged, Mark, Versions};

pub use self::authored::{Authored, AuthoredFault, Exported};
pub use self::moving::{
    Backed, EndedLost, Moved, NotBack, Plan, Planned, back, end_lost, move_planned, plan,
};
use crate::clock::Clock;
use crate::fault::chain;
use crate::store::{Database, Fault};

/// How long a version that no conversation was ever on is kept: whoever began with it may still be about to use it.
pub const UNUSED_FOR: TimeDelta = TimeDelta::days(7);

/// Why a version is not here and cannot be made again.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Lost {
    /// It was never written down in this database.
    #[error("it was never written down in this database")]
    Unknown,
    /// What was written down has mistakes by now.
    #[error("what was written down of it has mistakes for this program: {summary}", summary = .0.summary())]
    Mistakes(Mistakes),
    /// What was written down cannot be read.
    #[error("what was written down of it cannot be read: {}", chain(.0.as_ref()))]
    Unreadable(Arc<AuthoredFault>),
    /// This program checks the same flows to another version.
    #[error("this program makes another version ({}) of what was written down of it", .0.version())]
    Differs(Arc<Flows>),
}

/// A version that open conversations are on and that cannot be made again.
#[derive(Clone, Debug)]
pub struct LostVersion {
    /// The version.
    pub version: String,
    /// Why.
    pub why: Lost,
    /// How many open conversations are on it.
    pub conversations: usize,
}

/// The versions that this program has noted as used.
#[derive(Debug, Default)]
pub struct Used(Mutex<BTreeSet<String>>);

impl Used {
    /// Notes that a conversation is on a version.
    ///
    /// # Errors
    /// The database fails.
    pub async fn note(&self, store: &Database, version: &str) -> Result<(), Fault> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(version);
        if !known {
            store.use_versions([version]).await?;
            self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(version.to_owned());
        }
        Ok(())
    }
}

/// Writes a version down, so that any program on this database can make it again.
///
/// # Errors
/// The database fails.
pub async fn keep(store: &Database, flows: &Flows, authored: &Authored) -> Result<(), AuthoredFault> {
    store.keep_version(flows.version(), authored.texts()?).await?;
    Ok(())
}

/// The flows of a version: kept in memory, or made again from what was written down.
///
/// # Errors
/// The database fails.
pub async fn find(
    store: &Database,
    versions: &Versions,
    version: &str,
) -> Result<Result<Arc<Flows>, Lost>, Fault> {
    if let Some(flows) = versions.get(version) {
        return Ok(Ok(flows));
    }
    let Some(row) = store.flow_version(version).await? else { return Ok(Err(Lost::Unknown)) };
    Ok(again(row.version.as_str(), Authored::of(&row), versions))
}

/// Makes a version again.
fn again(
    version: &str,
    authored: Result<Authored, AuthoredFault>,
    versions: &Versions,
) -> Result<Arc<Flows>, Lost> {
    let authored = authored.map_err(|fault| Lost::Unreadable(Arc::new(fault)))?;
    let flows = authored.check().map_err(Lost::Mistakes)?;
    if flows.version() != version {
        return Err(Lost::Differs(Arc::new(flows)));
    }
    versions.keep(flows);
    versions.get(version).ok_or(Lost::Unknown)
}

/// Makes a version of a recording again, and keeps it in memory.
///
/// # Errors
/// Why it cannot be made.
pub fn rebuilt(version: &str, authored: Authored, versions: &Versions) -> Result<Arc<Flows>, Lost> {
    again(version, Ok(authored), versions)
}

/// Makes every version that an open conversation is on, and drops from memory and from the database what nobody is on.
/// Says which cannot be made.
///
/// # Errors
/// The database fails.
pub async fn load_pinned(
    store: &Database,
    versions: &Versions,
    clock: &dyn Clock,
) -> Result<Vec<LostVersion>, Fault> {
    let lost = pinned(store, versions).await?;
    let since = clock.now().checked_sub_signed(UNUSED_FOR);
    if let Some(since) = since {
        let dropped = store.drop_unused_versions(since).await?;
        if dropped > 0 {
            tracing::info!(dropped, "versions of the flows that no conversation was ever on are dropped");
        }
    }
    Ok(lost)
}

/// The versions that open conversations are on and that cannot be made; the others are in memory afterwards.
///
/// # Errors
/// The database fails.
pub async fn pinned(store: &Database, versions: &Versions) -> Result<Vec<LostVersion>, Fault> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for open in store.open_conversations().await? {
        *counts.entry(open.stands.position.version().to_owned()).or_default() += 1;
    }
    store.use_versions(counts.keys().map(String::as_str)).await?;
    let mut lost = Vec::new();
    for (version, conversations) in counts {
        if let Err(why) = find(store, versions, &version).await? {
            lost.push(LostVersion { version, why, conversations });
        }
    }
    Ok(lost)
}

/// Drops from memory the versions that no open conversation is on. A conversation that comes back to one finds it again.
///
/// # Errors
/// The database fails.
pub async fn leave(store: &Database, versions: &Versions) -> Result<(), Fault> {
    let open = store.open_conversations().await?;
    let pinned: BTreeSet<&str> = open.iter().map(|open| open.stands.position.version()).collect();
    for version in versions.kept().iter().filter(|version| !pinned.contains(version.as_str())) {
        versions.drop_version(version);
    }
    Ok(())
}

/// Makes every version that a log names.
///
/// # Errors
/// The database fails.
pub async fn load_named(
    store: &Database,
    versions: &Versions,
    log: &[(u64, Vec<Logged>)],
) -> Result<Result<(), (String, Lost)>, Fault> {
    for version in named(log) {
        if let Err(why) = find(store, versions, &version).await? {
            return Ok(Err((version, why)));
        }
    }
    Ok(Ok(()))
}

/// The versions that a log names, each once.
pub fn named(log: &[(u64, Vec<Logged>)]) -> BTreeSet<String> {
    let entries = log.iter().flat_map(|(_, entries)| entries);
    let versions = entries.filter_map(|logged| match &logged.entry {
        Entry::Mark(Mark::Begun { version }) => Some(version.clone()),
        Entry::Mark(Mark::Moved { to, .. }) => Some(to.clone()),
        Entry::Mark(Mark::Rewound { .. }) | Entry::Input(_) => None,
    });
    versions.collect()
}
