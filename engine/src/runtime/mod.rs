//! The async driver: performs what [`step`](crate::step()) wishes, and commits.
//!
//! [`turn`] takes one message through a conversation: load, step, perform, step …, one commit. Before a writing
//! call there is one more commit: the call is written down under its key, so that after a crash the same turn goes
//! on by repeating the call instead of the conversation. Nothing else drives a conversation.

mod memory;
mod turn;

use std::future::Future;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

pub use memory::MemoryStore;
pub use turn::{Arrival, Completed, Happening, TurnFault, turn};

use crate::effect::{Call, Question, Say};
use crate::input::{Input, Moment, Outcome, Understanding};
use crate::position::{Guest, Position};

/// A conversation as stored.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Where it stands.
    pub position: Position,
    /// Counts commits; the next commit must name it.
    pub revision: u64,
    /// The message whose turn is under way: set by the commit before a writing call, unset by the turn's own.
    pub underway: Option<Underway>,
}

/// A turn that was written down in the middle, before a writing call.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Underway {
    /// The id of the message it answers.
    pub message: Option<String>,
    /// What it has to say so far.
    pub says: Vec<Say>,
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
    /// Where the conversation stands now.
    pub position: &'a Position,
    /// The turn that is under way, before a writing call.
    pub underway: Option<&'a Underway>,
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

/// One input with its time.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Logged {
    /// When.
    pub moment: Moment,
    /// What.
    pub input: Input,
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

/// Keeps conversations. A store writes a [`Commit`] in one transaction.
pub trait Store: Send + Sync {
    /// A rendered message on its way out.
    type Outgoing: Send;
    /// The store's own faults.
    type Fault: std::error::Error + Send + Sync + 'static;

    /// The conversation with that id, if there is one.
    fn load(&self, conversation: &str) -> impl Future<Output = Result<Option<Stored>, Self::Fault>> + Send;

    /// Makes the commit if the stored revision is the expected one.
    fn commit(
        &self,
        commit: Commit<'_, Self::Outgoing>,
    ) -> impl Future<Output = Result<(), CommitError<Self::Fault>>> + Send;
}

/// Performs what a step wishes for.
pub trait Performer: Send + Sync {
    /// A rendered message, as the [`Store`] takes it.
    type Outgoing: Clone + Send;
    /// What keeps a message from being rendered.
    type Fault: std::error::Error + Send + Sync + 'static;

    /// The present moment, for answers that come in while a turn runs.
    fn now(&self) -> Moment;

    /// What is known about the guest, for a new conversation.
    fn guest(&self) -> impl Future<Output = Guest> + Send;

    /// Finds out what words mean. Never fails: at worst nothing was understood.
    fn understand(&self, question: &Question) -> impl Future<Output = Understanding> + Send;

    /// Calls a tool, with the retries the call asks for. `key` is the same whenever the same call is repeated.
    fn call(&self, call: &Call, key: &str) -> impl Future<Output = Outcome> + Send;

    /// Renders what is to be said.
    ///
    /// # Errors
    /// A prompt that cannot be rendered.
    fn render(&self, says: &[Say]) -> Result<Vec<Self::Outgoing>, Self::Fault>;
}
