//! A store in memory: for tests, and for conversations that nobody needs tomorrow.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use super::{Commit, CommitError, Logged, MessageOutcome, Store, Stored, log};
use crate::saved::BadForm;

/// Keeps conversations in memory, with everything that was committed. Logs are kept in their compact form.
#[derive(Debug)]
pub struct MemoryStore<M> {
    kept: Mutex<Kept<M>>,
}

#[derive(Debug)]
struct Kept<M> {
    conversations: HashMap<String, Conversation<M>>,
    outgoing: Vec<(String, M)>,
    answered: Vec<(String, MessageOutcome)>,
}

#[derive(Debug)]
struct Conversation<M> {
    stored: Stored<M>,
    /// The log, and where each revision ends in it.
    log: Vec<u8>,
    ends: Vec<(u64, u32)>,
}

impl<M> Default for MemoryStore<M> {
    fn default() -> Self {
        let kept = Kept { conversations: HashMap::new(), outgoing: Vec::new(), answered: Vec::new() };
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

    /// How many bytes a conversation's position and log take in their saved form.
    ///
    /// # Errors
    /// [`BadForm`] when the position cannot be written.
    pub fn size(&self, conversation: &str) -> Result<Option<usize>, BadForm> {
        let kept = self.lock();
        let Some(known) = kept.conversations.get(conversation) else { return Ok(None) };
        Ok(Some(known.log.len() + known.stored.position.to_bytes()?.len()))
    }
}

impl<M> MemoryStore<M> {
    fn lock(&self) -> std::sync::MutexGuard<'_, Kept<M>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M: Clone + Send + Sync> Store for MemoryStore<M> {
    type Outgoing = M;
    type Fault = BadForm;

    async fn load(&self, conversation: &str) -> Result<Option<Stored<M>>, BadForm> {
        Ok(self.lock().conversations.get(conversation).map(|known| known.stored.clone()))
    }

    async fn commit(&self, commit: Commit<'_, M>) -> Result<(), CommitError<BadForm>> {
        let mut guard = self.lock();
        let kept = &mut *guard;
        let revision = kept.conversations.get(commit.conversation).map_or(0, |known| known.stored.revision);
        if revision != commit.expected {
            return Err(CommitError::Conflict);
        }
        let stored = Stored {
            position: commit.position.clone(),
            revision: revision + 1,
            underway: commit.underway.cloned(),
        };
        let end = |log: &[u8]| (revision + 1, u32::try_from(log.len()).unwrap_or(u32::MAX));
        match kept.conversations.get_mut(commit.conversation) {
            Some(known) => {
                known.log =
                    log::append(std::mem::take(&mut known.log), commit.log).map_err(CommitError::Fault)?;
                known.ends.push(end(&known.log));
                known.stored = stored;
            }
            None => {
                let log = log::append(Vec::new(), commit.log).map_err(CommitError::Fault)?;
                let ends = vec![end(&log)];
                let conversation = Conversation { stored, log, ends };
                kept.conversations.insert(commit.conversation.to_owned(), conversation);
            }
        }
        let id = commit.conversation;
        kept.outgoing.extend(commit.outgoing.into_iter().map(|message| (id.to_owned(), message)));
        kept.answered.extend(commit.answered.map(|answered| (answered.message.to_owned(), answered.outcome)));
        Ok(())
    }

    async fn log(&self, conversation: &str) -> Result<Vec<(u64, Vec<Logged>)>, BadForm> {
        let kept = self.lock();
        let Some(known) = kept.conversations.get(conversation) else { return Ok(Vec::new()) };
        let mut begin = 0;
        let mut revisions = Vec::with_capacity(known.ends.len());
        for (revision, end) in &known.ends {
            let end = usize::try_from(*end).unwrap_or(usize::MAX);
            revisions.push((*revision, log::read(known.log.get(begin..end).unwrap_or_default())?));
            begin = end;
        }
        Ok(revisions)
    }

    async fn forget(&self, conversation: &str) -> Result<bool, BadForm> {
        let mut kept = self.lock();
        kept.outgoing.retain(|(id, _)| id != conversation);
        Ok(kept.conversations.remove(conversation).is_some())
    }
}
