//! A machine that stops in the middle of a turn.

use std::sync::Mutex;

use innkeeper_engine::runtime::{Commit, CommitError, Logged, MemoryStore, Store, Stored, Versions};
use innkeeper_engine::{BadForm, Position};

/// A store whose machine stops after so many commits.
pub(crate) struct Crashing<'s> {
    store: &'s MemoryStore<String>,
    commits_left: Mutex<usize>,
    committed: Mutex<Vec<Position>>,
}

impl<'s> Crashing<'s> {
    pub(crate) fn new(store: &'s MemoryStore<String>, commits: usize) -> Self {
        Self { store, commits_left: Mutex::new(commits), committed: Mutex::default() }
    }

    /// A machine that does not stop.
    pub(crate) fn never(store: &'s MemoryStore<String>) -> Self {
        Self::new(store, usize::MAX)
    }

    /// Every position that was committed, oldest first.
    pub(crate) fn committed(&self) -> Vec<Position> {
        self.committed.lock().unwrap().clone()
    }

    pub(crate) fn is_up_again(&self) {
        *self.commits_left.lock().unwrap() = usize::MAX;
    }
}

#[derive(Debug, thiserror::Error)]
#[error("the machine stopped")]
pub(crate) struct Stopped;

impl From<BadForm> for Stopped {
    fn from(_: BadForm) -> Self {
        Self
    }
}

impl Store for Crashing<'_> {
    type Outgoing = String;
    type Fault = Stopped;

    async fn load(&self, conversation: &str) -> Result<Option<Stored<String>>, Stopped> {
        Ok(self.store.load(conversation).await?)
    }

    async fn lend(&self, conversation: &str, versions: &Versions) -> Result<Option<Stored<String>>, Stopped> {
        Ok(self.store.lend(conversation, versions).await?)
    }

    async fn commit(&self, commit: Commit<'_, String>) -> Result<(), CommitError<Stopped>> {
        {
            let mut left = self.commits_left.lock().unwrap();
            *left = left.checked_sub(1).ok_or(CommitError::Fault(Stopped))?;
        }
        let position = commit.position.clone();
        self.store.commit(commit).await.map_err(|error| match error {
            CommitError::Conflict => CommitError::Conflict,
            CommitError::Fault(fault) => CommitError::Fault(fault.into()),
        })?;
        self.committed.lock().unwrap().push(position);
        Ok(())
    }

    async fn log(&self, conversation: &str) -> Result<Vec<(u64, Vec<Logged>)>, Stopped> {
        Ok(self.store.log(conversation).await?)
    }

    async fn forget(&self, conversation: &str) -> Result<bool, Stopped> {
        Ok(self.store.forget(conversation).await?)
    }
}
