//! What decided: the cases that were taken and the states that did what they are for, in order. It is noted only for
//! whoever asks, because a step has no time for it.

use std::borrow::Borrow;

use super::saying::settle;
use super::walk::Source;
use super::{Machine, Moved, Seen, Step};
use crate::flow::{FlowId, Flows, SlotId, Span, StateId, Transition};
use crate::input::{Input, Moment};
use crate::position::Position;

/// Something that decided what a step did next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    /// How much of the step's trace there was.
    pub(crate) trace: usize,
    /// How many effects there were.
    pub(crate) effects: usize,
    /// The flow it is written in.
    pub(crate) flow: FlowId,
    pub(crate) by: Decider,
}

/// What decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Decider {
    /// The case that is written there.
    Case(Span),
    /// A state, by what it does or what is done on entering or leaving it.
    State(StateId),
    /// A slot, by what it takes.
    Slot(SlotId),
}

/// A step, and what decided in it.
pub(crate) fn step_told(
    flows: &Flows,
    mut position: Position,
    input: impl Borrow<Input>,
    moment: Moment,
) -> (Step, Vec<Decision>) {
    let mut moved = Moved { is_told: true, ..Moved::default() };
    let mut machine = Machine::new(flows, position.standing_mut(), moment, &mut moved);
    machine.decisions = Some(Vec::new());
    machine.through(input.borrow());
    let Machine { decisions, unsettled, .. } = machine;
    settle(flows, &position, moment, &unsettled, None, &mut moved.effects);
    let trace = moved.trace.iter().map(Seen::told).collect();
    (Step { next: position, effects: moved.effects, trace }, decisions.unwrap_or_default())
}

impl<'f> Machine<'f, '_> {
    pub(super) fn decided(&mut self, by: Decider) {
        if self.decisions.is_some() {
            self.note(self.frame().flow, by);
        }
    }

    pub(super) fn decided_by_case(&mut self, source: Source, case: &'f Transition) {
        if self.decisions.is_some() {
            let flow = if source == Source::Root { self.flows.root } else { self.frame().flow };
            self.note(flow, Decider::Case(case.at));
        }
    }

    fn note(&mut self, flow: FlowId, by: Decider) {
        let (trace, effects) = (self.moved.trace.len(), self.moved.effects.len());
        if let Some(decisions) = &mut self.decisions {
            decisions.push(Decision { trace, effects, flow, by });
        }
    }
}
