//! The line that made a difference: two runs of one turn are laid side by side, and where they part, what decided last
//! is what made them.

use super::{Called, Saying, Turn};
use crate::effect::Effect;
use crate::flow::{Flow, Flows, Place};
use crate::position::Position;
use crate::step::{Decider, Decision, Step, Trace};

/// A run of a turn with everything that decided in it.
#[derive(Default)]
pub(super) struct Told {
    trace: Vec<Trace>,
    /// What it said and called, by the number of the effect.
    acts: Vec<(usize, Act)>,
    effects: usize,
    decisions: Vec<Decision>,
}

#[derive(PartialEq)]
enum Act {
    Said(Saying),
    Called(Called),
}

impl Told {
    pub(super) fn add(&mut self, step: Step, decisions: Vec<Decision>) {
        let (trace, effects) = (self.trace.len(), self.effects);
        self.decisions.extend(decisions.into_iter().map(|decision| Decision {
            trace: decision.trace + trace,
            effects: decision.effects + effects,
            ..decision
        }));
        self.effects += step.effects.len();
        self.trace.extend(step.trace);
        for (number, effect) in step.effects.into_iter().enumerate() {
            let act = match effect {
                Effect::Say(say) => Act::Said(Saying { prompt: say.prompt, expecting: say.expecting }),
                Effect::Call(call) => Act::Called(Called::of(&call)),
                Effect::Understand
                | Effect::Send(_)
                | Effect::Remember { .. }
                | Effect::HandOver
                | Effect::End => continue,
            };
            self.acts.push((effects + number, act));
        }
    }

    /// What decided where this run, on `new` and from `start`, parts from the recorded one; and what decided there then.
    pub(super) fn against(
        &self,
        new: &Flows,
        start: &Position,
        recorded: &Self,
        turn: &Turn<'_>,
    ) -> (Option<Place>, Option<Place>) {
        let old = turn.last().map(|last| &*last.flows);
        let parts =
            self.trace.iter().zip(&recorded.trace).position(|(now, before)| !same_trace(new, before, now));
        let parts = parts.unwrap_or(self.trace.len().min(recorded.trace.len()));
        let moved = parts < self.trace.len() || parts < recorded.trace.len();
        let acts = self.acts.iter().zip(&recorded.acts).position(|((_, now), (_, before))| now != before);
        let acts = acts.unwrap_or(self.acts.len().min(recorded.acts.len()));
        let acted = acts < self.acts.len() || acts < recorded.acts.len();
        let last = |told: &Self| -> Option<Decision> {
            let by_trace =
                moved.then(|| told.decisions.iter().rposition(|decision| decision.trace <= parts)).flatten();
            let effect = told.acts.get(acts).map_or(told.effects, |(effect, _)| *effect);
            let by_act = acted
                .then(|| told.decisions.iter().rposition(|decision| decision.effects <= effect))
                .flatten();
            let first = by_trace.into_iter().chain(by_act).min()?;
            told.decisions.get(first).copied()
        };
        let now = last(self).and_then(|decision| place(new, decision)).or_else(|| stood(new, start));
        let before = old.and_then(|old| place(old, last(recorded)?));
        (now, before)
    }
}

fn place(flows: &Flows, decision: Decision) -> Option<Place> {
    let flow = flows.flow(decision.flow)?;
    match decision.by {
        Decider::Case(span) => Some(flow.place_at(span)),
        Decider::State(state) => flow.place_of_state(state),
        Decider::Slot(slot) => flow.place_of_slot(slot),
    }
}

/// The state the guest was at.
fn stood(flows: &Flows, position: &Position) -> Option<Place> {
    let frame = position.frame();
    let flow = flows.flow(frame.flow)?;
    match frame.asking(flow) {
        Some(state) => flow.place_of_state(state),
        None => Some(flow.place()),
    }
}

/// Whether two conversations stand in the same states, perhaps under new names.
pub(super) fn same_place(old: &Flows, before: &Position, new: &Flows, now: &Position) -> bool {
    before.frames.len() == now.frames.len()
        && before.frames.iter().zip(now.frames.iter()).all(|(before, now)| {
            let (Some(old), Some(new)) = (old.flow(before.flow), new.flow(now.flow)) else { return false };
            is_called(&old.name, &new.name, &new.was)
                && before.active.len() == now.active.len()
                && before.active.iter().all(|before| {
                    let Some(name) = old.state_name(before.state) else { return false };
                    now.active.iter().any(|now| is_state(new, name, now.state))
                })
        })
}

fn is_state(new: &Flow, name: &str, state: crate::flow::StateId) -> bool {
    new.states.get_index(state.index()).is_some_and(|(now, state)| is_called(name, now, &state.was))
}

fn is_called(before: &str, now: &str, was: &[std::sync::Arc<str>]) -> bool {
    before == now || was.iter().any(|was| **was == *before)
}

/// Whether two things that happened are the same, perhaps in a flow or a state with a new name.
fn same_trace(new: &Flows, before: &Trace, now: &Trace) -> bool {
    let same = |flow: &str, state: &str, new_flow: &str, new_state: &str| {
        let Some(found) = new.get(new_flow) else { return false };
        is_called(flow, new_flow, &found.was)
            && found.states.get(new_state).is_some_and(|found| is_called(state, new_state, &found.was))
    };
    match (before, now) {
        (Trace::Entered { flow, state }, Trace::Entered { flow: new_flow, state: new_state })
        | (Trace::Left { flow, state }, Trace::Left { flow: new_flow, state: new_state }) => {
            same(flow, state, new_flow, new_state)
        }
        (
            Trace::Asked { flow, state, expecting },
            Trace::Asked { flow: new_flow, state: new_state, expecting: new_expecting },
        ) => expecting == new_expecting && same(flow, state, new_flow, new_state),
        (before, now) => before == now,
    }
}
