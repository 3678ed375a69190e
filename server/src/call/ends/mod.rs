//! The two kinds of lines, as one: what happens on them, and what is said on them.

mod kept;
mod outlet;
mod sound;
mod sounding;
mod words;

use std::sync::Arc;

use super::machine::Event;
use super::pace::Asks;
use super::script::{Line, LineId, Told};

pub(super) use self::kept::Kept;
pub(super) use self::outlet::Outlet;
pub(super) use self::sound::{Hearing, SoundEnd};
#[cfg(test)]
pub(super) use self::sounding::Sounding;
pub(super) use self::words::WordsEnd;

/// Our end of a call's line.
pub(super) enum End {
    /// One that carries words.
    Words(Box<WordsEnd>),
    /// One that carries sound.
    Sound(Box<SoundEnd>),
}

impl End {
    /// What happens next. Nothing is lost when the waiting is given up.
    pub(super) async fn next(&mut self) -> Event {
        match self {
            Self::Words(end) => end.next().await,
            Self::Sound(end) => end.next().await,
        }
    }

    /// Says lines, after whatever is being said.
    pub(super) fn say(&mut self, lines: &[Line]) {
        match self {
            Self::Words(end) => end.say(lines),
            Self::Sound(end) => end.say(lines),
        }
    }

    /// Says a line with a sound that is kept ready, where there is one.
    pub(super) fn say_kept(&mut self, line: &Line, kept: Option<&Arc<[u8]>>) {
        match (self, kept) {
            (Self::Words(end), _) => end.say(std::slice::from_ref(line)),
            (Self::Sound(end), Some(kept)) => end.say_kept(line, kept),
            (Self::Sound(end), None) => end.say(std::slice::from_ref(line)),
        }
    }

    /// Makes ready what may be said next.
    pub(super) fn prepare(&mut self, lines: &[String]) {
        match self {
            Self::Words(_) => {}
            Self::Sound(end) => end.prepare(lines),
        }
    }

    /// What was made ready is not needed.
    pub(super) fn forget(&mut self) {
        match self {
            Self::Words(_) => {}
            Self::Sound(end) => end.forget(),
        }
    }

    /// Is silent at once.
    pub(super) fn hush(&mut self) {
        match self {
            Self::Words(end) => end.hush(),
            Self::Sound(end) => end.hush(),
        }
    }

    /// Says what was not heard yet.
    pub(super) fn go_on(&mut self) {
        match self {
            Self::Words(end) => end.go_on(),
            Self::Sound(end) => end.go_on(),
        }
    }

    /// Says nothing more of what is left. Returns the lines that were not heard to their end.
    pub(super) fn give_up(&mut self) -> Vec<LineId> {
        match self {
            Self::Words(end) => end.give_up(),
            Self::Sound(end) => end.give_up(),
        }
    }

    /// What became known of what was heard since this was asked last.
    pub(super) fn told(&mut self) -> Vec<Told> {
        match self {
            Self::Words(end) => end.told(),
            Self::Sound(end) => end.told(),
        }
    }

    /// Hears as what is asked needs it; these words are likely.
    pub(super) fn tune(&mut self, asks: Asks, terms: Vec<String>) {
        match self {
            Self::Words(_) => {}
            Self::Sound(end) => end.tune(asks, terms),
        }
    }

    /// Ends the line, once what was ordered is out.
    pub(super) async fn close(&mut self) {
        match self {
            Self::Words(end) => end.close().await,
            Self::Sound(end) => end.close().await,
        }
    }
}
