//! The async driver: performs what [`step`](crate::step()) wishes, and commits.
//!
//! [`Driver::turn`] takes one message through a conversation: load, step, perform, step …, one commit. Before a
//! writing call there is one more commit: the call is written down under its key, so that after a crash the same turn
//! goes on by repeating the call instead of the conversation. Nothing else drives a conversation.
//!
//! A [`Store`] keeps where conversations stand and every input they had. The inputs are enough to know everything:
//! [`history()`], [`fork`] and [`undo`] go through them once more.

mod against;
mod cache;
mod calls;
mod functions;
mod in_process;
mod log;
mod memory;
mod past;
mod stream;
mod turn;
mod versions;

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

pub use against::{Asked, Called, Change, Difference, Saying, against};
pub use cache::Cache;
pub use functions::{Functions, Key, ToolError};
pub use in_process::InProcess;
pub use log::{Entry, Logged, Mark, append, read};
pub use memory::MemoryStore;
pub use past::{PastFault, Replayed, Revision, fork, history, past, replay, undo};
pub use stream::{Event, Told};
pub use turn::{Arrival, Completed, Driver, Happening, Speculation, TurnFault, Watch};
pub use versions::Versions;

use crate::effect::{Call, Elsewhere, Question, Say};
use crate::flow::Flows;
use crate::input::{Moment, Outcome, Understanding};
use crate::position::{Guest, Position};

/// A conversation as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored<M> {
    /// Where it stands.
    pub position: Position,
    /// Counts commits; the next commit must name it.
    pub revision: u64,
    /// The message whose turn is under way: set by the commit before a writing call, unset by the turn's own.
    pub underway: Option<Underway<M>>,
}

/// A turn that was written down in the middle, before a writing call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Underway<M> {
    /// The id of the message it answers.
    pub message: Option<String>,
    /// What it has to say so far.
    pub outgoing: Vec<M>,
    /// What it has to remember so far.
    pub remember: Vec<(String, Json)>,
}

/// One commit: all of it, or nothing.
#[derive(Clone, Debug)]
pub struct Commit<'a, M> {
    /// The conversation's id.
    pub conversation: &'a str,
    /// The revision it was computed from; 0 for a new conversation.
    pub expected: u64,
    /// Where the conversation stands now. Its [`due`](Position::due) says when it must be woken.
    pub position: &'a Position,
    /// The turn that is under way, before a writing call.
    pub underway: Option<&'a Underway<M>>,
    /// Every input since the last commit, in order: a replay needs nothing else.
    pub log: &'a [Logged],
    /// What goes out to the guest.
    pub outgoing: Vec<M>,
    /// Values kept for the guest's next conversation.
    pub remember: &'a [(String, Json)],
    /// The message this turn answers, with its outcome; absent before a writing call and after a silence.
    pub answered: Option<Answered<'a>>,
}

/// How an inbound message ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answered<'a> {
    /// The message's id.
    pub message: &'a str,
    /// What became of it.
    pub outcome: MessageOutcome,
}

/// What became of an inbound message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageOutcome {
    /// It was answered.
    Answered,
    /// A person has it.
    HandedOver,
}

/// Why a commit was not made.
#[derive(Debug, thiserror::Error)]
pub enum CommitError<E> {
    /// Somebody else committed first: the revision is no longer the expected one.
    #[error("the conversation moved on meanwhile")]
    Conflict,
    /// The store failed.
    #[error(transparent)]
    Fault(E),
}

/// Keeps conversations. A store writes a [`Commit`] in one transaction; it may write several of different
/// conversations in the same one.
pub trait Store: Send + Sync {
    /// A rendered message on its way out.
    type Outgoing: Clone + Send + Sync;
    /// The store's own faults.
    type Fault: std::error::Error + Send + Sync + 'static;

    /// The conversation with that id, if there is one.
    fn load(
        &self,
        conversation: &str,
    ) -> impl Future<Output = Result<Option<Stored<Self::Outgoing>>, Self::Fault>> + Send;

    /// The same for a turn, which goes on from there and commits, or is cut off. A store that can make the position again
    /// from its log, on the flows that `versions` has, may hand out the only copy.
    fn lend(
        &self,
        conversation: &str,
        _versions: &Versions,
    ) -> impl Future<Output = Result<Option<Stored<Self::Outgoing>>, Self::Fault>> + Send {
        self.load(conversation)
    }

    /// Makes the commit if the stored revision is the expected one.
    fn commit(
        &self,
        commit: Commit<'_, Self::Outgoing>,
    ) -> impl Future<Output = Result<(), CommitError<Self::Fault>>> + Send;

    /// Everything a conversation went through, by the revision that wrote it down; empty for none, and for one that was
    /// forgotten.
    fn log(
        &self,
        conversation: &str,
    ) -> impl Future<Output = Result<Vec<(u64, Vec<Logged>)>, Self::Fault>> + Send;

    /// Forgets what a conversation was about: its position and its log can never be read again. True when there was
    /// one.
    fn forget(&self, conversation: &str) -> impl Future<Output = Result<bool, Self::Fault>> + Send;
}

/// A message that is to be understood.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    flows: &'a Flows,
    position: &'a Position,
    moment: Moment,
}

/// Performs what a step wishes for.
pub trait Performer: Send + Sync {
    /// A rendered message, as the [`Store`] takes it.
    type Outgoing: Clone + Send + Sync;
    /// What keeps a message from being rendered.
    type Fault: std::error::Error + Send + Sync + 'static;

    /// The present moment, for answers that come in while a turn runs.
    fn now(&self) -> Moment;

    /// Waits: between repetitions of a call, and for a call's time to run out.
    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send;

    /// Who the guest is, if that is not what is `known` already; a new conversation knows nothing.
    fn guest(&self, known: Option<&Guest>) -> impl Future<Output = Option<Guest>> + Send;

    /// Finds out what words mean. Never fails: at worst nothing was understood.
    fn understand(&self, ask: Ask<'_>) -> impl Future<Output = Arc<Understanding>> + Send;

    /// Calls a tool, once. `key` is the same whenever the same call is repeated.
    fn call(&self, call: &Call, key: &str) -> impl Future<Output = Outcome> + Send;

    /// Whether a writing tool that is called again under the same key does nothing twice. One that does not is never
    /// repeated: its outcome is unknown then.
    fn honours_keys(&self, _tool: &str) -> bool {
        true
    }

    /// Renders what is to be said.
    ///
    /// # Errors
    /// A prompt that cannot be rendered.
    fn render(&self, says: &[Say]) -> impl Future<Output = Result<Vec<Self::Outgoing>, Self::Fault>> + Send;

    /// Renders what is to be sent to the guest elsewhere. Whoever has no other way to them sends nothing.
    ///
    /// # Errors
    /// A prompt that cannot be rendered.
    fn send(
        &self,
        _sends: &[Elsewhere],
    ) -> impl Future<Output = Result<Vec<Self::Outgoing>, Self::Fault>> + Send {
        std::future::ready(Ok(Vec::new()))
    }
}

impl<'a> Ask<'a> {
    /// The message that waits to be understood in `position`.
    pub fn of(flows: &'a Flows, position: &'a Position, moment: Moment) -> Self {
        Self { flows, position, moment }
    }

    /// The words.
    pub fn said(&self) -> &'a str {
        match &self.position.waiting {
            crate::position::Waiting::Meaning { text, .. } => text,
            _ => "",
        }
    }

    /// The message with everything it may be about. Put together when it is asked for.
    pub fn question(&self) -> Option<Question> {
        self.position.ask(self.flows, self.moment)
    }
}
