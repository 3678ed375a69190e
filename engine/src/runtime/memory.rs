//! A store in memory: for tests, and for conversations that nobody needs tomorrow.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::RandomState;
use indexmap::IndexMap;

use super::{
    Commit, CommitError, Entry, Logged, Mark, MessageOutcome, PastFault, Store, Stored, Underway, Versions,
    log, replay,
};
use crate::flow::Flows;
use crate::position::Position;
use crate::saved::{self, BadForm};

/// How many conversations that moved lately are kept as they are; the others are kept in their saved form.
const HOT: usize = 256;

/// How many messages that went out are kept in one list.
const TOGETHER: usize = 1024;

/// A log of no more bytes is quickly gone through: of a conversation in which nothing is under way it is all that is kept.
const SHORT: usize = 2048;

/// So many bytes of log a debug build goes through whenever it lends a position.
const CHECKED: usize = 4096;

/// Keeps conversations in memory, with everything that was committed. Logs, and the positions of conversations that
/// have not moved for a while, are kept in their compact form.
///
/// A turn is lent the position itself, and no copy of it: it is changed where it is, and comes back with the commit. Where
/// no commit comes, or somebody else asks meanwhile, the position is made again from the log.
#[derive(Debug)]
pub struct MemoryStore<M> {
    kept: Mutex<Kept<M>>,
}

#[derive(Debug)]
struct Kept<M> {
    conversations: IndexMap<Arc<str>, Conversation<M>, RandomState>,
    /// The places of those that are kept as they are. The first is put into its saved form next, unless it has moved
    /// since it came to be the last.
    hot: VecDeque<u32>,
    /// Bytes on their way into a log or a saved form: room that is used again.
    bytes: Vec<u8>,
    /// What went out, with the place of its conversation: in lists of [`TOGETHER`], which need not be moved to grow.
    outgoing: Vec<Vec<(u32, M)>>,
    answered: Vec<(String, MessageOutcome)>,
}

#[derive(Debug)]
struct Conversation<M> {
    position: Form,
    revision: u64,
    underway: Option<Box<Underway<M>>>,
    /// The log, one revision after the other, each behind its length.
    log: Vec<u8>,
    /// Whether its place is among the hot ones.
    is_hot: bool,
    /// Whether it moved since its place came to be the last of them.
    moved: bool,
    /// Whether its log alone leads to its position: nothing was done to it from outside.
    follows: bool,
}

/// A position, in one of its forms.
#[derive(Debug)]
enum Form {
    /// As it is, with the flows that it was lent on.
    Hot(Position, Option<Arc<Flows>>),
    /// Saved.
    Cold(Box<[u8]>),
    /// Not kept: a turn has it, or it is at rest. Going through the log on these flows leads to it.
    Past(Arc<Flows>),
}

impl<M> Default for MemoryStore<M> {
    fn default() -> Self {
        let kept = Kept {
            conversations: IndexMap::default(),
            hot: VecDeque::with_capacity(HOT + 1),
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
        let kept = self.lock();
        let named = kept.outgoing.iter().flatten().filter_map(|(place, message)| {
            let (id, _) = kept.conversations.get_index(*place as usize)?;
            Some((id.to_string(), message.clone()))
        });
        named.collect()
    }

    /// Every inbound message that has an outcome, oldest first.
    pub fn answered(&self) -> Vec<(String, MessageOutcome)> {
        self.lock().answered.clone()
    }

    /// How many bytes a conversation's position and its log take in their saved form; 0 for a position that is not kept,
    /// because the log alone leads to it.
    ///
    /// # Errors
    /// [`BadForm`] when the position cannot be written.
    pub fn size(&self, conversation: &str) -> Result<Option<(usize, usize)>, BadForm> {
        let kept = self.lock();
        let Some(known) = kept.conversations.get(conversation) else { return Ok(None) };
        let position = match &known.position {
            Form::Cold(bytes) => bytes.len(),
            Form::Hot(..) => known.stands()?.to_bytes()?.len(),
            Form::Past(_) => 0,
        };
        Ok(Some((position, known.log.len())))
    }
}

impl<M> MemoryStore<M> {
    fn lock(&self) -> std::sync::MutexGuard<'_, Kept<M>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<M: Clone> Conversation<M> {
    fn stored(&self, position: Position) -> Stored<M> {
        Stored { position, revision: self.revision, underway: self.underway.as_deref().cloned() }
    }
}

impl<M> Conversation<M> {
    /// Puts a revision at the end of the log.
    fn put(&mut self, entries: &[u8]) {
        saved::put_length(&mut self.log, entries.len());
        self.log.extend_from_slice(entries);
    }

    /// The log by revisions.
    fn revisions(&self) -> Result<Vec<(u64, Vec<Logged>)>, BadForm> {
        let mut revisions = Vec::new();
        let mut rest = self.log.as_slice();
        while !rest.is_empty() {
            let (length, after) = saved::first::<usize>("a length", rest)?;
            let (entries, after) = after.split_at_checked(length).unwrap_or((after, &[]));
            revisions.push(((revisions.len() as u64) + 1, log::read(entries)?));
            rest = after;
        }
        Ok(revisions)
    }

    /// The position that the log leads to.
    fn made_again(&self, flows: &Arc<Flows>) -> Result<Position, BadForm> {
        let bad = || BadForm { what: "a log", source: postcard::Error::DeserializeBadEncoding };
        let replayed = replay::<BadForm>(flows, None, self.revisions()?);
        let mut revisions = replayed.map_err(|_: PastFault<BadForm>| bad())?.revisions;
        Ok(revisions.pop().ok_or_else(bad)?.position)
    }

    /// Where it stands.
    fn stands(&self) -> Result<Position, BadForm> {
        match &self.position {
            Form::Hot(position, _) => Ok(position.clone()),
            Form::Cold(bytes) => Position::from_bytes(bytes),
            Form::Past(flows) => self.made_again(flows),
        }
    }

    /// The same for a turn, which is lent what is kept where it can be made again.
    fn lend(&mut self, versions: &Versions) -> Result<Position, BadForm> {
        let stands = self.stands()?;
        let is_kept = self.follows && matches!(self.position, Form::Hot(..));
        if let Some(flows) = is_kept.then(|| versions.get(stands.version())).flatten() {
            debug_assert!(
                self.log.len() > CHECKED || self.made_again(&flows).is_ok_and(|again| again == stands),
                "the log leads elsewhere"
            );
            self.position = Form::Past(flows);
        }
        Ok(stands)
    }
}

impl<M> Kept<M> {
    /// Puts conversations that have not moved for a while into their saved form.
    fn cool(&mut self) -> Result<(), BadForm> {
        while self.hot.len() > HOT {
            let Some(place) = self.hot.pop_front() else { break };
            let Some((_, known)) = self.conversations.get_index_mut(place as usize) else { continue };
            if std::mem::take(&mut known.moved) {
                self.hot.push_back(place);
                continue;
            }
            known.is_hot = false;
            if let Form::Hot(position, flows) = &mut known.position {
                let is_short = known.follows && known.log.len() <= SHORT && !position.is_busy();
                known.position = match flows.take().filter(|_| is_short) {
                    Some(flows) => Form::Past(flows),
                    None => {
                        self.bytes.clear();
                        saved::put(&mut self.bytes, "a position", position)?;
                        Form::Cold(self.bytes.as_slice().into())
                    }
                };
                known.log.shrink_to_fit();
            }
        }
        Ok(())
    }

    /// Takes down what goes out.
    fn send(&mut self, place: u32, messages: Vec<M>) {
        for message in messages {
            match self.outgoing.last_mut().filter(|list| list.len() < TOGETHER) {
                Some(list) => list.push((place, message)),
                None => {
                    let mut list = Vec::with_capacity(TOGETHER);
                    list.push((place, message));
                    self.outgoing.push(list);
                }
            }
        }
    }

    /// Drops a conversation. The last one takes its place.
    fn forget(&mut self, conversation: &str) -> bool {
        let Some((place, ..)) = self.conversations.swap_remove_full(conversation) else { return false };
        let last = self.conversations.len();
        let moves = |known: &mut u32| {
            let is_other = *known as usize != place;
            if *known as usize == last {
                *known = place as u32;
            }
            is_other
        };
        self.hot.retain_mut(moves);
        self.outgoing.iter_mut().for_each(|list| list.retain_mut(|(known, _)| moves(known)));
        true
    }
}

impl<M: Clone + Send + Sync> Store for MemoryStore<M> {
    type Outgoing = M;
    type Fault = BadForm;

    async fn load(&self, conversation: &str) -> Result<Option<Stored<M>>, BadForm> {
        let kept = self.lock();
        let Some(known) = kept.conversations.get(conversation) else { return Ok(None) };
        Ok(Some(known.stored(known.stands()?)))
    }

    async fn lend(&self, conversation: &str, versions: &Versions) -> Result<Option<Stored<M>>, BadForm> {
        let mut kept = self.lock();
        let Some(known) = kept.conversations.get_mut(conversation) else { return Ok(None) };
        let position = known.lend(versions)?;
        Ok(Some(known.stored(position)))
    }

    async fn commit(&self, commit: Commit<'_, M>) -> Result<(), CommitError<BadForm>> {
        let mut guard = self.lock();
        let kept = &mut *guard;
        let revision = commit.expected + 1;
        let known = kept.conversations.get_full_mut(commit.conversation);
        if known.as_ref().map_or(0, |(.., known)| known.revision) != commit.expected {
            return Err(CommitError::Conflict);
        }
        kept.bytes.clear();
        log::put(&mut kept.bytes, commit.log).map_err(CommitError::Fault)?;
        let underway = commit.underway.cloned().map(Box::new);
        let follows = is_whole(commit.log, commit.expected);
        let place = match known {
            Some((place, _, known)) => {
                known.moved = known.is_hot;
                if !known.is_hot {
                    known.is_hot = true;
                    kept.hot.push_back(place as u32);
                }
                known.follows &= follows;
                known.position = match std::mem::replace(&mut known.position, Form::Cold(Box::default())) {
                    // A turn that is under way goes on with the position it was lent.
                    Form::Past(flows) if underway.is_some() && known.follows => Form::Past(flows),
                    Form::Past(flows) => Form::Hot(commit.position.clone(), Some(flows)),
                    Form::Hot(_, flows) => Form::Hot(commit.position.clone(), flows),
                    Form::Cold(_) => Form::Hot(commit.position.clone(), None),
                };
                (known.revision, known.underway) = (revision, underway);
                known.put(&kept.bytes);
                place
            }
            None => {
                let log = Vec::with_capacity(kept.bytes.len() + 2);
                let position = Form::Hot(commit.position.clone(), None);
                let (is_hot, moved) = (true, false);
                let mut known = Conversation { position, revision, underway, log, is_hot, moved, follows };
                known.put(&kept.bytes);
                let (place, _) = kept.conversations.insert_full(commit.conversation.into(), known);
                kept.hot.push_back(place as u32);
                place
            }
        };
        kept.send(place as u32, commit.outgoing);
        kept.answered.extend(commit.answered.map(|answered| (answered.message.to_owned(), answered.outcome)));
        kept.cool().map_err(CommitError::Fault)
    }

    async fn log(&self, conversation: &str) -> Result<Vec<(u64, Vec<Logged>)>, BadForm> {
        self.lock().conversations.get(conversation).map_or_else(|| Ok(Vec::new()), Conversation::revisions)
    }

    async fn forget(&self, conversation: &str) -> Result<bool, BadForm> {
        Ok(self.lock().forget(conversation))
    }
}

/// Whether a log tells all there is to know of what it leads to: inputs, from the beginning of a conversation.
fn is_whole(log: &[Logged], expected: u64) -> bool {
    let from = match log {
        [Logged { entry: Entry::Mark(Mark::Begun { .. }), .. }, ..] if expected == 0 => 1,
        _ if expected == 0 => return false,
        _ => 0,
    };
    !log.is_empty() && log.iter().skip(from).all(|logged| logged.input().is_some())
}
