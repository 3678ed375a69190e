//! Whose turn it is in a chat, and how fast: guests write in fragments, and are answered one turn at a time.
//!
//! A guest has one lane while anything of theirs is pending. A lane is a task that drives the turn machine: it waits
//! for the guest to finish, has the turn answered, and starts over with what came meanwhile. Lanes of different guests
//! run side by side; within one nothing overtakes. The machine dies with its lane: everything that must survive is in
//! the inbox.

mod alarm;
mod lane;
mod machine;
mod pace;

use async_trait::async_trait;

pub use alarm::Alarm;
pub use lane::{Lanes, Receipt};
pub use machine::{Chat, Event, Heard, Wish};
pub use pace::Pace;

use crate::message::{Gathered, Outgoing};
use crate::store::Due;

/// Answers turns.
#[async_trait]
pub trait Answerer: Send + Sync {
    /// Answers a turn: when this returns `Ok`, the outcome of its message is committed with the replies.
    ///
    /// # Errors
    /// [`Unanswered`]; then nothing is committed, or only a turn under way that the next try goes on with.
    async fn answer(&self, turn: &Gathered) -> Result<(), Unanswered>;

    /// Wakes a conversation: its delayed transitions are taken, or the guest's silence is noted. Where neither is true
    /// any more, nothing happens.
    ///
    /// # Errors
    /// [`Unanswered`]; then nothing is committed.
    async fn wake(&self, due: &Due) -> Result<(), Unanswered>;

    /// What is said to a guest whose message cannot be answered.
    fn apology(&self, turn: &Gathered) -> Vec<Outgoing>;
}

/// Why a turn was not answered.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// It may work the next time.
    #[error("the turn was not answered this time")]
    Passing(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The guest has said more meanwhile, and what was about to be said is not what they need to hear any more.
    #[error("the guest has said more")]
    Overtaken,
    /// It will not.
    #[error("the turn cannot be answered")]
    Lasting(#[source] Box<dyn std::error::Error + Send + Sync>),
}
