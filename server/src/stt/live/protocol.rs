//! What a provider of recognition is to a session: a state machine without connections.

use std::time::Duration;

use super::{Thresholds, Turns};
use crate::socket::{Door, Outgoing};

/// How patient a session is with its provider.
#[derive(Clone, Copy, Debug)]
pub(in crate::stt) struct Limits {
    /// How long the first connection may take, repetitions included.
    pub(in crate::stt) open: Duration,
    /// How long there may be no connection in a call.
    pub(in crate::stt) lost: Duration,
}

/// What a provider's message comes to.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::stt) enum Verdict {
    Fine,
    /// It cannot be read.
    Nonsense,
    /// This connection is of no use; another may be.
    Again(String),
    /// No connection will be of use.
    Lost(String),
}

/// What a protocol says on the connection that is open.
#[derive(Debug, Default)]
pub(in crate::stt) struct Link {
    pub(super) out: Vec<Outgoing>,
}

impl Link {
    pub(in crate::stt) fn say(&mut self, message: &serde_json::Value) {
        self.out.push(Outgoing::Text(message.to_string()));
    }
}

/// A provider's protocol, without its connections.
pub(in crate::stt) trait Protocol: Send + 'static {
    /// Bytes of sound in a message.
    const CHUNK: usize;

    /// Silence is sent in place of sound that stalls even while nobody speaks.
    const FILLS_SILENCE: bool;

    /// Its last words are waited for when no more sound comes.
    const LAST_WORDS: bool;

    /// How long after it was sent sound it tells that it has listened, where it does so all the time.
    const TELLS: Option<Duration>;

    /// What is said when nothing was said for a while, and after how long.
    const KEEP_ALIVE: Option<(Duration, &'static str)>;

    /// Where a connection is made, with everything as it is wanted now.
    fn door(&mut self) -> Door;

    /// A connection is open; its sound begins at a place of the call's.
    fn opened(&mut self, begin: u64, link: &mut Link);

    /// Whether it takes sound yet.
    fn is_ready(&self) -> bool;

    /// A message of sound.
    fn sound(&self, chunk: Vec<u8>) -> Outgoing;

    /// The key terms are others from now on.
    fn terms(&mut self, terms: Vec<String>, link: &mut Link);

    /// The thresholds are others from now on.
    fn thresholds(&mut self, thresholds: Thresholds, link: &mut Link);

    /// The caller's turn is to end; sound was sent up to a place.
    fn end_turn(&mut self, sent: u64, link: &mut Link);

    /// No more sound comes.
    fn close(&mut self, link: &mut Link);

    /// Asks something that whoever is there answers, where there is such a thing.
    fn ask(&self, _link: &mut Link) {}

    /// What the provider says.
    fn read(&mut self, message: &str, turns: &mut Turns, link: &mut Link) -> Verdict;

    /// Time has passed; sound was sent up to a place.
    fn tick(&mut self, sent: u64, turns: &mut Turns, link: &mut Link);
}
