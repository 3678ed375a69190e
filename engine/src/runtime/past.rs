//! The past of a conversation: its history, a fork of it, a step back, and going through it once more.

use std::sync::Arc;

use super::{Commit, CommitError, Entry, Logged, Mark, Store, Versions};
use crate::effect::{Call, Effect, Say};
use crate::flow::Flows;
use crate::input::{Input, Moment, Outcome};
use crate::position::{Position, Waiting};
use crate::step::{Moved, Seen, Trace, step_in_place};

/// A conversation as it stood after one commit.
#[derive(Clone, Debug)]
pub struct Revision {
    /// Its number.
    pub number: u64,
    /// The flows it stood on.
    pub flows: Arc<Flows>,
    /// What it went through since the one before.
    pub log: Vec<Logged>,
    /// Where it stood then.
    pub position: Position,
    /// What was said since the one before.
    pub says: Vec<Say>,
    /// The calls that were answered since the one before.
    pub calls: Vec<(Call, Outcome)>,
    /// What happened since the one before.
    pub trace: Vec<Trace>,
}

/// What going through a log once more led to.
#[derive(Clone, Debug)]
pub struct Replayed {
    /// The conversation after each commit, oldest first.
    pub revisions: Vec<Revision>,
}

/// Why the past of a conversation cannot be told or changed.
#[derive(Debug, thiserror::Error)]
pub enum PastFault<E: std::error::Error + 'static> {
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] E),
    /// There is no such conversation.
    #[error("there is no such conversation")]
    NoConversation,
    /// The conversation has no such revision.
    #[error("the conversation has no revision {0}")]
    NoRevision(u64),
    /// The revision is one in the middle of a turn: a call was written down and not yet answered.
    #[error("revision {0} is in the middle of a turn")]
    Underway(u64),
    /// There is a conversation of that name already.
    #[error("there is a conversation of that name already")]
    Exists,
    /// Somebody else committed meanwhile.
    #[error("the conversation moved on meanwhile")]
    Conflict,
    /// The flows it ran on are not kept.
    #[error("version {0} of the flows is not here")]
    NoVersion(String),
    /// A tool has written since then.
    #[error("{tool} has written since then, which cannot be taken back")]
    Written {
        /// The tool.
        tool: String,
    },
    /// The log holds a position that cannot be read.
    #[error(transparent)]
    Form(#[from] crate::saved::BadForm),
}

/// Goes through a log once more, from the beginning. A log says everything: the same flows lead to the same positions.
///
/// # Errors
/// [`PastFault::NoVersion`] where the conversation was moved to flows that `versions` does not keep.
pub fn replay<E: std::error::Error>(
    first: &Arc<Flows>,
    versions: Option<&Versions>,
    log: Vec<(u64, Vec<Logged>)>,
) -> Result<Replayed, PastFault<E>> {
    let mut flows = Arc::clone(first);
    let mut revisions: Vec<Revision> = Vec::with_capacity(log.len());
    let mut open: Vec<Call> = Vec::new();
    for (number, log) in log {
        let mut next = Revision {
            number,
            flows: Arc::clone(&flows),
            log: Vec::new(),
            position: revisions.last().map_or_else(|| Position::start(&flows), |last| last.position.clone()),
            says: Vec::new(),
            calls: Vec::new(),
            trace: Vec::new(),
        };
        for logged in &log {
            match &logged.entry {
                Entry::Input(input) => {
                    next.take(&flows, input, logged.moment, &mut open);
                }
                Entry::Mark(Mark::Begun { .. }) => {}
                Entry::Mark(Mark::Rewound { to }) => {
                    let before = revisions.iter().rfind(|revision| revision.number == *to);
                    let before = before.ok_or(PastFault::NoRevision(*to))?;
                    next.position = before.position.clone();
                    // Their numbers are given to other calls now.
                    open.clear();
                    flows = Arc::clone(&before.flows);
                }
                Entry::Mark(Mark::Moved { to, position: saved }) => {
                    let found = versions.and_then(|versions| versions.get(to));
                    flows = found.ok_or_else(|| PastFault::NoVersion(to.clone()))?;
                    next.position = Position::from_bytes(saved)?;
                }
            }
        }
        next.log = log;
        next.flows = Arc::clone(&flows);
        revisions.push(next);
    }
    Ok(Replayed { revisions })
}

impl Revision {
    fn take(&mut self, flows: &Flows, input: &Input, moment: Moment, open: &mut Vec<Call>) {
        if let Some((call, outcome)) = self.position.answer_in(flows, input)
            && let Some(place) = open.iter().position(|known| known.id == call)
        {
            self.calls.push((open.remove(place), outcome));
        }
        let mut moved = Moved { is_told: true, ..Moved::default() };
        step_in_place(flows, &mut self.position, input, moment, &mut moved);
        self.trace.extend(moved.trace.iter().map(Seen::told));
        for effect in moved.effects {
            match effect {
                Effect::Call(call) => open.push(call),
                Effect::Say(say) => self.says.push(say),
                Effect::Understand
                | Effect::Send(_)
                | Effect::Remember { .. }
                | Effect::HandOver
                | Effect::End => {}
            }
        }
    }
}

/// A conversation after each of its commits, oldest first.
///
/// # Errors
/// [`PastFault`].
pub async fn history<S: Store>(
    versions: &Versions,
    store: &S,
    conversation: &str,
) -> Result<Vec<Revision>, PastFault<S::Fault>> {
    let stored = store.load(conversation).await.map_err(PastFault::Store)?;
    let stored = stored.ok_or(PastFault::NoConversation)?;
    let log = store.log(conversation).await.map_err(PastFault::Store)?;
    past(versions, &stored.position, log)
}

/// The same of a log that was read already, of a conversation that stands at `stands` now.
///
/// # Errors
/// [`PastFault`].
pub fn past<E: std::error::Error>(
    versions: &Versions,
    stands: &Position,
    log: Vec<(u64, Vec<Logged>)>,
) -> Result<Vec<Revision>, PastFault<E>> {
    let first = first_version(&log).unwrap_or_else(|| stands.version().to_owned());
    let flows = versions.get(&first).ok_or(PastFault::NoVersion(first))?;
    Ok(replay(&flows, Some(versions), log)?.revisions)
}

/// The version a conversation began on, where its log says so.
fn first_version(log: &[(u64, Vec<Logged>)]) -> Option<String> {
    log.iter().flat_map(|(_, entries)| entries).find_map(|logged| match &logged.entry {
        Entry::Mark(Mark::Begun { version }) => Some(version.clone()),
        _ => None,
    })
}

/// Begins another conversation where one stood at an earlier revision. The first goes on as if nothing was.
///
/// # Errors
/// [`PastFault`].
pub async fn fork<S: Store>(
    versions: &Versions,
    store: &S,
    conversation: &str,
    revision: u64,
    fork: &str,
) -> Result<Position, PastFault<S::Fault>> {
    if store.load(fork).await.map_err(PastFault::Store)?.is_some() {
        return Err(PastFault::Exists);
    }
    let revisions = history(versions, store, conversation).await?;
    let position = stood(&revisions, revision)?.clone();
    // What was put back in the log names revisions, so the fork has the same ones.
    for known in revisions.iter().take_while(|known| known.number <= revision) {
        commit(store, fork, known.number - 1, &known.position, &known.log).await?;
    }
    Ok(position)
}

/// Where a conversation stood after a turn.
fn stood<E: std::error::Error>(revisions: &[Revision], number: u64) -> Result<&Position, PastFault<E>> {
    let found = revisions.iter().find(|revision| revision.number == number);
    after_turn(found.ok_or(PastFault::NoRevision(number))?)
}

fn after_turn<E: std::error::Error>(revision: &Revision) -> Result<&Position, PastFault<E>> {
    match &revision.position {
        position if *position.waiting() == Waiting::Answers => Err(PastFault::Underway(revision.number)),
        position => Ok(position),
    }
}

/// Puts a conversation back where it stood at an earlier revision.
///
/// # Errors
/// [`PastFault::Written`] when a tool has written since then, [`PastFault::Underway`] when it may be about to: a turn that
/// was cut off after its write-ahead is finished first. And every other [`PastFault`].
pub async fn undo<S: Store>(
    versions: &Versions,
    store: &S,
    conversation: &str,
    to: u64,
    moment: Moment,
) -> Result<Position, PastFault<S::Fault>> {
    let revisions = history(versions, store, conversation).await?;
    let last = revisions.last().ok_or(PastFault::NoConversation)?;
    after_turn(last)?;
    let since = revisions.iter().filter(|revision| revision.number > to);
    let mut calls = since.flat_map(|revision| &revision.calls);
    if let Some((call, _)) =
        calls.find(|(call, outcome)| call.writes && !matches!(outcome, Outcome::Error { .. }))
    {
        return Err(PastFault::Written { tool: call.tool.to_string() });
    }
    let before = stood(&revisions, to)?;
    let log = [Logged { moment, entry: Entry::Mark(Mark::Rewound { to }) }];
    commit(store, conversation, last.number, before, &log).await?;
    Ok(before.clone())
}

async fn commit<S: Store>(
    store: &S,
    conversation: &str,
    expected: u64,
    position: &Position,
    log: &[Logged],
) -> Result<(), PastFault<S::Fault>> {
    let commit = Commit {
        conversation,
        expected,
        position,
        underway: None,
        log,
        outgoing: Vec::new(),
        remember: &[],
        answered: None,
    };
    store.commit(commit).await.map_err(|error| match error {
        CommitError::Conflict => PastFault::Conflict,
        CommitError::Fault(fault) => PastFault::Store(fault),
    })
}
