//! A store in memory: for tests, and for conversations that nobody needs tomorrow.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::RandomState;

use super::{Commit, CommitError, Logged, MessageOutcome, Store, Stored, Underway, log};
use crate::position::Position;
use crate::saved::{self, BadForm};

/// How many conversations that moved last are kept as they are; the others are kept in their saved form.
const HOT: usize = 256;

/// Keeps conversations in memory, with everything that was committed. Logs, and the positions of conversations that
/// have not moved for a while, are kept in their compact form.
#[derive(Debug)]
pub struct MemoryStore<M> {
    kept: Mutex<Kept<M>>,
}

#[derive(Debug)]
struct Kept<M> {
    conversations: HashMap<Arc<str>, Conversation<M>, RandomState>,
    /// The conversations that moved, the longest ago first, each with the revision it moved to.
    moved: VecDeque<(Arc<str>, u64)>,
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
    Hot(Box<Position>),
    Cold(Box<[u8]>),
}

impl<M> Default for MemoryStore<M> {
    fn default() -> Self {
        let kept = Kept {
            conversations: HashMap::default(),
            moved: VecDeque::new(),
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

impl<M> Kept<M> {
    /// Puts the conversations that have not moved for the longest time into their saved form.
    fn cool(&mut self) -> Result<(), BadForm> {
        while self.moved.len() > HOT {
            let Some((id, revision)) = self.moved.pop_front() else { break };
            let known = self.conversations.get_mut(&id).filter(|known| known.revision == revision);
            if let Some(known) = known
                && let Form::Hot(position) = &known.position
            {
                known.position = Form::Cold(position.to_bytes()?.into_boxed_slice());
                known.log.shrink_to_fit();
            }
        }
        Ok(())
    }
}

/// Puts a revision at the end of a log.
fn put(log: &mut Vec<u8>, entries: &[Logged]) -> Result<(), BadForm> {
    let entries = log::append(Vec::new(), entries)?;
    log.extend(saved::bytes("a length", &entries.len())?);
    log.extend(entries);
    Ok(())
}

impl<M: Clone + Send + Sync> Store for MemoryStore<M> {
    type Outgoing = M;
    type Fault = BadForm;

    async fn load(&self, conversation: &str) -> Result<Option<Stored<M>>, BadForm> {
        let kept = self.lock();
        let Some(known) = kept.conversations.get(conversation) else { return Ok(None) };
        let position = match &known.position {
            Form::Hot(position) => (**position).clone(),
            Form::Cold(bytes) => Position::from_bytes(bytes)?,
        };
        Ok(Some(Stored { position, revision: known.revision, underway: known.underway.as_deref().cloned() }))
    }

    async fn commit(&self, commit: Commit<'_, M>) -> Result<(), CommitError<BadForm>> {
        let mut guard = self.lock();
        let kept = &mut *guard;
        let revision = commit.expected + 1;
        let position = Form::Hot(Box::new(commit.position.clone()));
        let underway = commit.underway.cloned().map(Box::new);
        let known = kept.conversations.get_mut(commit.conversation);
        if known.as_ref().map_or(0, |known| known.revision) != commit.expected {
            return Err(CommitError::Conflict);
        }
        let id = match known {
            Some(known) => {
                put(&mut known.log, commit.log).map_err(CommitError::Fault)?;
                (known.position, known.revision, known.underway) = (position, revision, underway);
                Arc::clone(&known.id)
            }
            None => {
                let mut log = Vec::new();
                put(&mut log, commit.log).map_err(CommitError::Fault)?;
                let id: Arc<str> = commit.conversation.into();
                let conversation = Conversation { id: Arc::clone(&id), position, revision, underway, log };
                kept.conversations.insert(Arc::clone(&id), conversation);
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
        Ok(kept.conversations.remove(conversation).is_some())
    }
}
