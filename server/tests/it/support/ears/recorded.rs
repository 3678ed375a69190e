//! What a recogniser heard of a recording: told again by where in the sound it was told then.

use std::collections::VecDeque;

use serde::Deserialize;

use super::sound::{Step, Word};

/// Something that is said, and what was heard of it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Recording {
    /// How long the sound is.
    pub(crate) length_ms: u64,
    /// What was told, in order.
    pub(crate) events: Vec<Told>,
}

/// Something that was told.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Told {
    /// When, in milliseconds after the sound began.
    pub(crate) at: u64,
    pub(crate) event: Event,
    /// All words of the turn so far.
    pub(crate) heard: String,
}

/// What was told, as Flux calls it.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
pub(crate) enum Event {
    StartOfTurn,
    Update,
    EagerEndOfTurn,
    TurnResumed,
    EndOfTurn,
}

impl Recording {
    /// How many turns end in it.
    pub(crate) fn turns(&self) -> usize {
        self.events.iter().filter(|told| told.event == Event::EndOfTurn).count()
    }
}

impl Told {
    /// The words, at the end of what was heard by then.
    pub(super) fn words(&self, at: u64) -> Vec<Word> {
        let word = |text: &str| Word { text: text.to_owned(), from: at, to: at };
        self.heard.split_whitespace().map(word).collect()
    }
}

/// Recordings, the next of which begins where something is heard after the last one.
pub(super) struct Reel {
    recordings: VecDeque<Recording>,
    /// Where the one that is played began, in bytes of sound, and what of it was not told yet.
    begun: Option<(u64, u64, VecDeque<Told>)>,
}

impl Reel {
    pub(super) fn new(recordings: Vec<Recording>) -> Option<Self> {
        (!recordings.is_empty()).then(|| Self { recordings: recordings.into(), begun: None })
    }

    /// What is told now.
    pub(super) fn turns(&mut self, step: &Step) -> Vec<Told> {
        if self.begun.is_none() && step.is_speech {
            let next = self.recordings.pop_front();
            // The frame that is heard first has been said by now.
            self.begun = next.map(|next| (step.at - 160, next.length_ms, next.events.into()));
        }
        let Some((from, length_ms, events)) = &mut self.begun else { return Vec::new() };
        let ms = (step.at - *from) / 8;
        let mut due = Vec::new();
        while events.front().is_some_and(|told| told.at <= ms) {
            due.extend(events.pop_front());
        }
        if events.is_empty() && ms > *length_ms {
            self.begun = None;
        }
        due
    }
}
