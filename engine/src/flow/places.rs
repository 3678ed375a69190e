//! Where the things of a checked flow are written. No part of a flow's version.

use std::sync::Arc;

use super::error::Place;
use super::{Flow, SlotId, StateId, Transition};

/// Bytes of a flow's file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

/// Where a flow and everything in it is written.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    pub(crate) file: Arc<str>,
    pub(crate) text: Arc<str>,
    /// The flow's name.
    pub(crate) flow: Span,
    /// The names of its slots, in their order.
    pub(crate) slots: Vec<Span>,
    /// The names of its states, in their order.
    pub(crate) states: Vec<Span>,
}

impl Places {
    fn place(&self, span: Span) -> Place {
        let byte = |at: u32| usize::try_from(at).unwrap_or(usize::MAX);
        Place::new(&self.file, &self.text, byte(span.start), byte(span.end))
    }
}

impl Flow {
    /// Where it is written.
    pub fn place(&self) -> Place {
        self.places.place(self.places.flow)
    }

    /// Where a state is written.
    pub fn place_of_state(&self, state: StateId) -> Option<Place> {
        self.places.states.get(state.index()).map(|span| self.places.place(*span))
    }

    /// Where a slot is written.
    pub fn place_of_slot(&self, slot: SlotId) -> Option<Place> {
        self.places.slots.get(slot.index()).map(|span| self.places.place(*span))
    }

    pub(crate) fn place_at(&self, span: Span) -> Place {
        self.places.place(span)
    }

    /// Where one of its cases is written.
    pub fn place_of(&self, case: &Transition) -> Place {
        self.places.place(case.at)
    }
}
