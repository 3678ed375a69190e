//! Where a change makes the way here another: a state that was passed would lead elsewhere with the values of now.

use std::sync::Arc;

use super::Machine;
use super::facts::is_stale;
use crate::facts::View;
use crate::flow::{Action, Does, Flow, Form, Go, SlotId, StateId, Transition};
use crate::position::{Frame, States};
use crate::slot::{Merge, Value};

/// Slots that changed, with the values before.
type Changed = [(SlotId, Option<Value>)];

impl<'f> Machine<'f, '_> {
    /// Empties a slot that the guest wants to say anew, so that it is asked for again. False where it is empty, or keeps
    /// its value.
    pub(super) fn emptied(&mut self, id: SlotId) -> bool {
        let keeps = self.flow().and_then(|flow| flow.slot(id)).is_none_or(|slot| slot.merge == Merge::Keep);
        if keeps || !self.facts_mut().slots.clear(id) {
            return false;
        }
        self.frame_mut().asked.retain(|asked| *asked != id);
        true
    }

    /// Notes the first state on the way here that leads elsewhere since these slots changed, or asks again for one that is
    /// empty now: what was decided there is decided anew with the next repair walk. What was written is written: nothing
    /// before that is decided anew. Nor is it by an answer to what is asked for here, which goes where this state says.
    pub(super) fn decide_anew(&mut self, changed: &Changed) {
        let Some(flow) = self.flow() else { return };
        let frame = self.frame();
        let answers = |slot: SlotId, before: &Option<Value>| {
            before.is_none()
                && frame.active.iter().any(|active| {
                    matches!(flow.does(active.state), Some(Does::Collect { slots, .. }) if slots.contains(&slot))
                })
        };
        let corrects =
            |slot: &SlotId| changed.iter().any(|(known, before)| known == slot && !answers(*known, before));
        let writes =
            |state: &StateId| matches!(flow.does(*state), Some(Does::Invoke(invoke)) if invoke.writes);
        let first = frame.trail.iter().rposition(writes).map_or(0, |written| written + 1);
        let is_decided = |state: StateId| flow.deciding(state).iter().any(corrects);
        let emptied = |slot: &SlotId| corrects(slot) && frame.slots.get(*slot).is_none();
        let asks_again = |state: StateId| match flow.does(state) {
            Some(Does::Collect { slots, .. }) => slots.iter().any(emptied),
            _ => false,
        };
        if !frame.trail.iter().skip(first).any(|state| is_decided(*state) || asks_again(*state)) {
            return;
        }
        let mut before = Frame::clone(frame);
        for (slot, value) in changed.iter().rev() {
            match value {
                Some(value) => _ = before.slots.put(*slot, value.clone()),
                None => _ = before.slots.clear(*slot),
            }
        }
        let mut places = (first..frame.trail.len()).zip(frame.trail.iter().skip(first).copied());
        let found = places.find(|(place, state)| {
            Some(*state) == frame.anew
                || asks_again(*state)
                || (is_decided(*state) && self.leads_elsewhere(flow, *place, *state, &before))
        });
        if let Some((_, state)) = found {
            self.frame_mut().anew = Some(state);
        }
    }

    /// Whether the state at that place of the trail led on from there by itself, and would lead elsewhere now.
    fn leads_elsewhere(&self, flow: &'f Arc<Flow>, place: usize, state: StateId, before: &Frame) -> bool {
        let frame = self.frame();
        let mut after = frame.trail.iter().skip(place + 1);
        let Some(next) = after.find(|other| !flow.are_beside(**other, state)) else { return false };
        let Some(then) = self.leads(flow, state, before) else { return false };
        let Some(now) = self.leads(flow, state, frame) else { return true };
        let does_more =
            |case: &Transition| case.actions.iter().any(|action| !matches!(action, Action::Say(_)));
        !std::ptr::eq(then, now)
            && self.entered_by(flow, then).contains(next)
            && (does_more(then) || does_more(now) || !self.entered_by(flow, now).contains(next))
    }

    /// The case by which a state leads on over these facts; `None` where it would not be left.
    fn leads(&self, flow: &'f Arc<Flow>, state: StateId, frame: &Frame) -> Option<&'f Transition> {
        if let Some(Does::Invoke(invoke)) = flow.does(state)
            && let Some(save) = invoke.save
            && is_stale(save, flow, frame, self.moment)
        {
            // It is made again anyway.
            return None;
        }
        let view = View::new(flow, frame, &self.position.guest, self.now());
        flow.onward(state).find_map(|cases| {
            cases.iter().find(|case| case.guard.as_ref().is_none_or(|guard| guard.holds(&view)))
        })
    }

    /// The atomic states that a case enters.
    fn entered_by(&self, flow: &Flow, case: &Transition) -> States {
        let Go::To(targets) = &case.go else { return States::new() };
        let mut entered = States::new();
        for target in targets {
            self.add_descendants(flow, *target, &mut entered);
            self.add_ancestors(flow, *target, None, &mut entered);
        }
        entered.retain(|state| matches!(flow.state(*state).map(|state| &state.form), Some(Form::Atomic(_))));
        entered
    }
}
