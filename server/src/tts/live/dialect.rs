//! What a vendor of voices says on its connection, without a clock and without I/O.

use std::time::Duration;

use chrono::{DateTime, Utc};

use super::UtteranceId;
use crate::socket::Incoming;

/// What a vendor says on its connection.
pub(in crate::tts) trait Dialect: Send + 'static {
    /// A new connection: all about the one before is forgotten. What is sent first.
    fn opened(&mut self, send: &mut Vec<String>);

    /// Whether another utterance can be given now.
    fn room(&mut self, now: DateTime<Utc>) -> Room;

    /// Gives an utterance.
    fn say(&mut self, utterance: UtteranceId, text: &str, now: DateTime<Utc>, send: &mut Vec<String>);

    /// Calls utterances off that were given.
    fn cancel(&mut self, upto: UtteranceId, send: &mut Vec<String>) -> Rest;

    /// Reads a message.
    fn take(&mut self, message: Incoming, took: &mut Vec<Took>);

    /// What is sent after such a silence of ours, so that the connection stays.
    fn still_here(&self) -> Option<(Duration, String)>;

    /// What is sent last.
    fn bye(&self) -> Option<String>;
}

/// Whether a provider takes another utterance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tts) enum Room {
    /// It does.
    Now,
    /// Not before this instant.
    At(DateTime<Utc>),
    /// Not before something else is over.
    Full,
}

/// What became of the utterances that were given and not called off.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::tts) enum Rest {
    /// They go on.
    GoesOn,
    /// They are lost with the others, and must be given again.
    GivenAgain,
}

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::tts) enum Took {
    /// Sound.
    Sound(UtteranceId, Vec<u8>),
    /// All of it was here.
    Done(UtteranceId),
    /// It will not be said, or not rightly.
    Failed(UtteranceId, String),
    /// It was not taken and can be given once more when there is room.
    Again(UtteranceId),
    /// This is to be sent.
    Send(String),
    /// The connection is of no more use.
    Lost(String),
}
