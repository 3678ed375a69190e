//! A store in memory: for tests, and for conversations that nobody needs tomorrow.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

use super::{Commit, CommitError, Logged, MessageOutcome, Store, Stored};

/// Keeps conversations in memory, with everything that was committed.
#[derive(Debug)]
pub struct MemoryStore<M> {
    kept: Mutex<Kept<M>>,
}

#[derive(Debug)]
struct Kept<M> {
    conversations: HashMap<String, Stored>,
    log: HashMap<String, Vec<Logged>>,
    outgoing: Vec<(String, M)>,
    answered: Vec<(String, MessageOutcome)>,
}

impl<M> Default for MemoryStore<M> {
    fn default() -> Self {
        let kept = Kept {
            conversations: HashMap::new(),
            log: HashMap::new(),
            outgoing: Vec::new(),
            answered: Vec::new(),
        };
        Self { kept: Mutex::new(kept) }
    }
}

impl<M: Clone> MemoryStore<M> {
    /// Every message that went out, oldest first, with its conversation.
    pub fn outgoing(&self) -> Vec<(String, M)> {
        self.lock().outgoing.clone()
    }

    /// Every inbound message that has an outcome, oldest first.
    pub fn answered(&self) -> Vec<(String, MessageOutcome)> {
        self.lock().answered.clone()
    }

    /// Every input of a conversation, oldest first.
    pub fn log(&self, conversation: &str) -> Vec<Logged> {
        self.lock().log.get(conversation).cloned().unwrap_or_default()
    }
}

impl<M> MemoryStore<M> {
    fn lock(&self) -> std::sync::MutexGuard<'_, Kept<M>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M: Send> Store for MemoryStore<M> {
    type Outgoing = M;
    type Fault = Infallible;

    async fn load(&self, conversation: &str) -> Result<Option<Stored>, Infallible> {
        Ok(self.lock().conversations.get(conversation).cloned())
    }

    async fn commit(&self, commit: Commit<'_, M>) -> Result<(), CommitError<Infallible>> {
        let mut kept = self.lock();
        let id = commit.conversation.to_owned();
        let revision = kept.conversations.get(&id).map_or(0, |stored| stored.revision);
        if revision != commit.expected {
            return Err(CommitError::Conflict);
        }
        let stored = Stored {
            position: commit.position.clone(),
            revision: revision + 1,
            underway: commit.underway.cloned(),
        };
        kept.conversations.insert(id.clone(), stored);
        kept.log.entry(id.clone()).or_default().extend_from_slice(commit.log);
        kept.outgoing.extend(commit.outgoing.into_iter().map(|message| (id.clone(), message)));
        kept.answered.extend(commit.answered.map(|answered| (answered.message.to_owned(), answered.outcome)));
        Ok(())
    }
}
