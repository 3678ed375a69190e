//! What was noted at this end of the wire, and when.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// A turn of a caller, and the reply to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Turn {
    /// Which of the call's it is.
    pub(crate) number: usize,
    /// Whether something was being said when the caller began.
    pub(crate) interrupts: bool,
    /// When the last frame of speech was sent.
    pub(crate) spoken: Option<Instant>,
    /// When the recogniser told that it began.
    pub(crate) started: Option<Instant>,
    /// When the recogniser told that it is over.
    pub(crate) ended: Option<Instant>,
    /// When the line was cleared.
    pub(crate) cleared: Option<Instant>,
    /// When the first frame of the reply came.
    pub(crate) answered: Option<Instant>,
    /// Whether the sound of that frame was made for this turn.
    pub(crate) is_made: bool,
}

/// The turns of all calls.
#[derive(Debug)]
pub(crate) struct Book {
    calls: Vec<Mutex<Vec<Turn>>>,
    /// When each sound was ordered from the voice, in order.
    made: Mutex<Vec<Instant>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Book {
    pub(crate) fn new(calls: usize) -> Self {
        Self { calls: (0..calls).map(|_| Mutex::default()).collect(), made: Mutex::default() }
    }

    /// A call's next turn begins.
    pub(crate) fn turn(&self, call: usize, turn: Turn) {
        lock(&self.calls[call]).push(turn);
    }

    /// Notes something of a call's last turn.
    pub(crate) fn note(&self, call: usize, note: impl FnOnce(&mut Turn)) {
        if let Some(turns) = self.calls.get(call)
            && let Some(turn) = lock(turns).last_mut()
        {
            note(turn);
        }
    }

    /// A call's last turn.
    pub(crate) fn last(&self, call: usize) -> Option<Turn> {
        lock(self.calls.get(call)?).last().cloned()
    }

    /// All turns that began after an instant and were over.
    pub(crate) fn turns(&self, from: Instant) -> Vec<Turn> {
        let all = self.calls.iter().skip(1).flat_map(|turns| lock(turns).clone());
        all.filter(|turn| turn.started.is_some_and(|started| started >= from) && turn.ended.is_some())
            .collect()
    }

    /// A sound is ordered; its number.
    pub(crate) fn order(&self, at: Instant) -> usize {
        let mut made = lock(&self.made);
        made.push(at);
        made.len() - 1
    }

    /// When the sound with this number was ordered.
    pub(crate) fn ordered(&self, number: usize) -> Option<Instant> {
        lock(&self.made).get(number).copied()
    }
}
