//! A store in memory: for tests, and for conversations that nobody needs tomorrow.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::RandomState;

use super::{Commit, CommitError, Logged, MessageOutcome, Store, Stored, Underway, log};
use crate::position::Position;
use crate::saved::{self, BadForm};

/// How many conversations that moved last are kept as they are; the others are kept in their saved form.
const HOT: usize = 256;

/// The most moves that are noted of them.
const MOST_NOTED: usize = 8 * HOT;

/// Keeps conversations in memory, with everything that was committed. Logs, and the positions of conversations that
/// have not moved for a while, are kept in their compact form.
#[derive(Debug)]
pub struct MemoryStore<M> {
    kept: Mutex<Kept<M>>,
}

#[derive(Debug)]
struct Kept<M> {
    conversations: HashMap<Arc<str>, Conversation<M>, RandomState>,
    /// The conversations that moved, the longest ago first, each with the revision it moved to; it may have moved on.
    moved: VecDeque<(Arc<str>, u64)>,
    /// How many are kept as they are.
    hot: usize,
    /// Bytes on their way into a log or a saved form: room that is used again.
    bytes: Vec<u8>,
    outgoing: Vec<(Arc<str>, M)>,
    answered: Vec<(String, MessageOutcome)>,
}

#[derive(Debug)]
struct Conversation<M> {
    id: Arc<str>,
    position: Form,
    revision: u64,
    underway: Option<Box<Underway<M>>>,
    /// The log, one revision after the other, each behind its length.
    log: Vec<u8>,
}

/// A position, in either form.
#[derive(Debug)]
enum Form {
    Hot(Position),
    Cold(Box<[u8]>),
}

impl<M> Default for MemoryStore<M> {
    fn default() -> Self {
        let kept = Kept {
            conversations: HashMap::default(),
            moved: VecDeque::new(),
            hot: 0,
            bytes: Vec::new(),
            outgoing: Vec::new(),
            answered: Vec::new(),
        };
        Self { kept: Mutex::new(kept) }
    }
}

impl<M: Clone> MemoryStore<M> {
    /// Every message that went out, oldest first, with its conversation.
    pub fn outgoing(&self) -> Vec<(String, M)> {
        self.lock().outgoing.iter().map(|(id, message)| (id.to_string(), message.clone())).collect()
    }

    /// Every inbound message that has an outcome, oldest first.
    pub fn answered(&self) -> Vec<(String, MessageOutcome)> {
        self.lock().answered.clone()
    }

    /// How many bytes a conversation's position and its log take in their saved form.
    ///
    /// # Errors
    /// [`BadForm`] when the position cannot be written.
    pub fn size(&self, conversation: &str) -> Result<Option<(usize, usize)>, BadForm> {
        let kept = self.lock();
        let Some(known) = kept.conversations.get(conversation) else { return Ok(None) };
        let position = match &known.position {
            Form::Hot(position) => position.to_bytes()?.len(),
            Form::Cold(bytes) => bytes.len(),
        };
        Ok(Some((position, known.log.len())))
    }
}

impl<M> MemoryStore<M> {
    fn lock(&self) -> std::sync::MutexGuard<'_, Kept<M>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M> Conversation<M> {
    /// Puts a revision at the end of the log.
    fn put(&mut self, entries: &[u8]) {
        saved::put_length(&mut self.log, entries.len());
        self.log.extend_from_slice(entries);
    }
}

impl<M> Kept<M> {
    /// Puts the conversations that have not moved for the longest time into their saved form.
    fn cool(&mut self) -> Result<(), BadForm> {
        if self.moved.len() > MOST_NOTED {
            let known = &self.conversations;
            self.moved
                .retain(|(id, revision)| known.get(id).is_some_and(|known| known.revision == *revision));
        }
        while self.hot > HOT {
            let Some((id, revision)) = self.moved.pop_front() else { break };
            let known = self.conversations.get_mut(&id).filter(|known| known.revision == revision);
            if let Some(known) = known
                && let Form::Hot(position) = &known.position
            {
                self.bytes.clear();
                saved::put(&mut self.bytes, "a position", position)?;
                known.position = Form::Cold(self.bytes.as_slice().into());
                known.log.shrink_to_fit();
                self.hot -= 1;
            }
        }
        Ok(())
    }
}

impl<M: Clone + Send + Sync> Store for MemoryStore<M> {
    type Outgoing = M;
    type Fault = BadForm;

    async fn load(&self, conversation: &str) -> Result<Option<Stored<M>>, BadForm> {
        let kept = self.lock();
        let Some(known) = kept.conversations.get(conversation) else { return Ok(None) };
        let position = match &known.position {
            Form::Hot(position) => position.clone(),
            Form::Cold(bytes) => Position::from_bytes(bytes)?,
        };
        Ok(Some(Stored { position, revision: known.revision, underway: known.underway.as_deref().cloned() }))
    }

    async fn commit(&self, commit: Commit<'_, M>) -> Result<(), CommitError<BadForm>> {
        let mut guard = self.lock();
        let kept = &mut *guard;
        let revision = commit.expected + 1;
        let known = kept.conversations.get_mut(commit.conversation);
        if known.as_ref().map_or(0, |known| known.revision) != commit.expected {
            return Err(CommitError::Conflict);
        }
        kept.bytes.clear();
        log::put(&mut kept.bytes, commit.log).map_err(CommitError::Fault)?;
        let underway = commit.underway.cloned().map(Box::new);
        let id = match known {
            Some(known) => {
                kept.hot += usize::from(matches!(known.position, Form::Cold(_)));
                known.position = Form::Hot(commit.position.clone());
                (known.revision, known.underway) = (revision, underway);
                known.put(&kept.bytes);
                Arc::clone(&known.id)
            }
            None => {
                let id: Arc<str> = commit.conversation.into();
                let position = Form::Hot(commit.position.clone());
                kept.hot += 1;
                let log = Vec::with_capacity(kept.bytes.len() + 2);
                let mut known = Conversation { id: Arc::clone(&id), position, revision, underway, log };
                known.put(&kept.bytes);
                kept.conversations.insert(Arc::clone(&id), known);
                id
            }
        };
        let sent = commit.outgoing.into_iter().map(|message| (Arc::clone(&id), message));
        kept.outgoing.extend(sent);
        kept.answered.extend(commit.answered.map(|answered| (answered.message.to_owned(), answered.outcome)));
        kept.moved.push_back((id, revision));
        kept.cool().map_err(CommitError::Fault)
    }

    async fn log(&self, conversation: &str) -> Result<Vec<(u64, Vec<Logged>)>, BadForm> {
        let kept = self.lock();
        let Some(known) = kept.conversations.get(conversation) else { return Ok(Vec::new()) };
        let mut revisions = Vec::new();
        let mut rest = known.log.as_slice();
        while !rest.is_empty() {
            let (length, after) = saved::first::<usize>("a length", rest)?;
            let (entries, after) = after.split_at_checked(length).unwrap_or((after, &[]));
            revisions.push(((revisions.len() as u64) + 1, log::read(entries)?));
            rest = after;
        }
        Ok(revisions)
    }

    async fn forget(&self, conversation: &str) -> Result<bool, BadForm> {
        let mut kept = self.lock();
        kept.outgoing.retain(|(id, _)| &**id != conversation);
        let forgotten = kept.conversations.remove(conversation);
        if forgotten.as_ref().is_some_and(|known| matches!(known.position, Form::Hot(_))) {
            kept.hot -= 1;
        }
        Ok(forgotten.is_some())
    }
}
