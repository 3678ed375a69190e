//! A live conversation on another version of the flows: what it knows is carried over, and the way to where it stands is
//! walked again on the new flows.
//!
//! The walk begins where the flow begins. It passes over what is known: filled slots, and results that the new flow
//! would compute from the same arguments. It stops where the guest is needed, so that a state which must be gone
//! through and was put in before the place the guest was at is not skipped. It calls nothing and says nothing.

use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value as Json, json};
use smallvec::SmallVec;

use super::facts::{arguments_of, is_stale, items, revisions_of};
use super::{Machine, Moved};
use crate::effect::Expecting;
use crate::facts::View;
use crate::flow::{Does, Flow, Flows, ResultId, SlotId, StateId};
use crate::input::Moment;
use crate::position::{
    Active, Caller, Frame, Frames, Position, Repair, Saved, Standing, States, Task, Timer, Waiting,
};
use crate::slot::{Heard, Kind, Merge, Value};

/// What becomes of a live conversation on other flows.
#[derive(Clone, Debug, PartialEq)]
pub struct Carried {
    /// How it gets there.
    pub how: Way,
    /// Where it stands on the new flows; `None` where it cannot be moved.
    pub position: Option<Position>,
    /// Why it cannot be moved, or what is different.
    pub notes: Vec<Note>,
}

/// How a live conversation gets to other flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// What it runs did not change.
    Same,
    /// Everything it knows has its place on the new flows.
    Mapped,
    /// Something it knows has no place: the new flows must say what became of it (`was:`).
    NeedsRule,
    /// It is in the middle of something that cannot be moved.
    Impossible,
}

/// Something to know about a conversation that is moved.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "note", rename_all = "snake_case")]
pub enum Note {
    /// A flow it runs does not exist any more.
    FlowGone {
        /// The flow.
        flow: Arc<str>,
    },
    /// A state that runs another flow does not exist any more, or does something else.
    StateGone {
        /// The flow.
        flow: Arc<str>,
        /// The state.
        state: Arc<str>,
    },
    /// A value it knows has no slot any more, or one that cannot hold it.
    SlotLost {
        /// The flow.
        flow: Arc<str>,
        /// The slot.
        slot: Arc<str>,
    },
    /// Something was written, and no state of the new flow says so.
    WriteLost {
        /// The flow.
        flow: Arc<str>,
        /// The result's name.
        result: Arc<str>,
    },
    /// A writing call is out.
    Writing,
    /// It stood in one state, and stands in another.
    Stands {
        /// Before.
        before: String,
        /// Now.
        now: String,
    },
}

/// Moves a conversation to other flows. What it would say and call comes with the guest's next message.
pub fn carry(old: &Flows, new: &Flows, position: &Position, moment: Moment) -> Carried {
    if position.is_over() {
        return Carried { how: Way::Same, position: Some(position.clone()), notes: Vec::new() };
    }
    if !matches!(position.waiting, Waiting::Guest { .. } | Waiting::Person) {
        return Carried { how: Way::Impossible, position: None, notes: vec![Note::Writing] };
    }
    let mut move_ = Move { old, new, moment, notes: Vec::new(), same: true };
    let mut carried = position.clone();
    let moved = carried.standing_mut();
    moved.version = Arc::clone(&new.version);
    let mut frames: SmallVec<[Arc<Frame>; 2]> = SmallVec::new();
    for (depth, frame) in position.frames.iter().enumerate() {
        let above = position.frames.get(depth + 1);
        match move_.frame(position, &frames, frame, above) {
            Some(frame) => frames.push(frame),
            None => return move_.refused(),
        }
    }
    let Some(top) = frames.pop() else { return move_.refused() };
    moved.frames = Frames::new(&frames, Arc::unwrap_or_clone(top));
    moved.wishes = position.wishes.iter().filter_map(|wish| move_.wish(wish)).collect();
    let known = |flow| move_.flow_id(flow);
    moved.last_said = position
        .last_said
        .iter()
        .filter_map(|said| Some(crate::position::Said { flow: known(said.flow)?, ..said.clone() }))
        .collect();
    if !move_.same {
        moved.last_said.clear();
        moved.ended = None;
        moved.waiting = move_.waiting(moved, &position.waiting);
    } else if let Some(ended) = &mut moved.ended {
        match known(ended.flow) {
            Some(flow) => Arc::make_mut(ended).flow = flow,
            None => moved.ended = None,
        }
    }
    if !move_.notes.is_empty() {
        return move_.refused();
    }
    let (before, now) = (position.state(old), carried.state(new));
    let notes = if before == now { Vec::new() } else { vec![Note::Stands { before, now }] };
    let how = if move_.same { Way::Same } else { Way::Mapped };
    Carried { how, position: Some(carried), notes }
}

struct Move<'a> {
    old: &'a Flows,
    new: &'a Flows,
    moment: Moment,
    notes: Vec<Note>,
    /// Whether nothing that runs changed.
    same: bool,
}

impl Move<'_> {
    fn refused(self) -> Carried {
        Carried { how: Way::NeedsRule, position: None, notes: self.notes }
    }

    /// One running flow on the new flows; `below` are the ones beneath it, already there.
    fn frame(
        &mut self,
        position: &Position,
        below: &[Arc<Frame>],
        frame: &Frame,
        above: Option<&Frame>,
    ) -> Option<Arc<Frame>> {
        let old = self.old.shared(frame.flow)?;
        let Some(new) = self.flow_id(frame.flow).and_then(|id| self.new.shared(id)) else {
            self.notes.push(Note::FlowGone { flow: Arc::clone(&old.name) });
            return None;
        };
        if old.meaning == new.meaning && self.runs_same() {
            let mut same = frame.clone();
            same.flow = new.id;
            same.caller = self.caller(frame, below)?;
            return Some(Arc::new(same));
        }
        self.same = false;
        let mut next = Frame::new(new.id, self.caller(frame, below)?);
        self.carry_slots(old, new, frame, &mut next);
        self.carry_results(position, old, new, frame, &mut next);
        next.kept.clone_from(&frame.kept);
        next.error.clone_from(&frame.error);
        next.outcome.clone_from(&frame.outcome);
        let by_name = |state: &StateId| self.state_id(old, new, *state);
        let path: States = frame.trail.iter().filter_map(by_name).collect();
        if above.is_some_and(|above| matches!(above.caller, Caller::State(_))) {
            // It stands where it runs the flow above; that one is moved by itself.
            next.trail = path;
            next.anew = frame.anew.as_ref().and_then(by_name);
            next.active = self.running(old, new, frame)?;
            self.carry_timers(old, new, frame, &mut next);
            return Some(Arc::new(next));
        }
        if new.id == self.new.root {
            next.trail.clone_from(&path);
            let stands = |active: &Active| by_name(&active.state).filter(|state| new.does(*state).is_some());
            let active = frame.active.iter();
            next.active = active
                .filter_map(|active| Some(Active { state: stands(active)?, task: Task::Waiting }))
                .collect();
            if next.active.len() == frame.active.len() {
                self.carry_timers(old, new, frame, &mut next);
                return Some(Arc::new(next));
            }
            if let Some(gone) = frame.active.iter().find(|active| stands(active).is_none())
                && !below.is_empty()
            {
                // Something on top of the root chart, such as a person who has the conversation, is not left by itself.
                let state = old.state_name(gone.state).cloned().unwrap_or_else(|| "".into());
                self.notes.push(Note::StateGone { flow: Arc::clone(&old.name), state });
                return None;
            }
            next.active.clear();
        }
        let mut walked = self.walked(position, below, next, path);
        self.carry_timers(old, new, frame, Arc::make_mut(&mut walked));
        Some(walked)
    }

    /// Delays that wait go on from when they began. One that ran out already does not begin again.
    fn carry_timers(&self, old: &Flow, new: &Flow, frame: &Frame, next: &mut Frame) {
        let before: Vec<(StateId, StateId)> = frame
            .configuration(old)
            .into_iter()
            .filter_map(|state| Some((state, self.state_id(old, new, state)?)))
            .collect();
        let mut timers = Vec::new();
        for state in next.configuration(new) {
            let was = before.iter().find(|(_, now)| *now == state).map(|(was, _)| *was);
            for (index, after) in
                new.state(state).into_iter().flat_map(|state| state.after.iter().enumerate())
            {
                let index = u16::try_from(index).unwrap_or(u16::MAX);
                let of = |timer: &&Timer| Some(timer.state) == was && timer.after == index;
                let known = frame.timers.iter().find(of).map(|timer| timer.due);
                let had = was
                    .and_then(|was| old.state(was))
                    .is_some_and(|was| was.after.len() > usize::from(index));
                let begins = || {
                    let delay = chrono::TimeDelta::try_milliseconds(after.delay_ms).filter(|_| !had)?;
                    self.moment.at.checked_add_signed(delay)
                };
                timers.extend(known.or_else(begins).map(|due| Timer { due, state, after: index }));
            }
        }
        next.timers = timers;
    }

    /// A frame whose flow is walked from its beginning to where the guest is needed.
    fn walked(&self, position: &Position, below: &[Arc<Frame>], frame: Frame, path: States) -> Arc<Frame> {
        let Some(initial) = self.new.flow(frame.flow).map(|flow| flow.initial) else {
            return Arc::new(frame);
        };
        let (depth, flow) = (below.len(), frame.flow);
        // No state is the goal: the whole way repeats what the guest went through already.
        let frame = Frame { repair: Some(Repair { goal: StateId(u16::MAX), path }), ..frame };
        let mut here = Standing {
            version: Arc::clone(&self.new.version),
            frames: Frames::new(below, frame),
            wishes: Vec::new(),
            ..Standing::clone(position)
        };
        let mut moved = Moved::default();
        let mut machine = Machine::new(self.new, &mut here, self.moment, &mut moved);
        machine.dry = true;
        machine.enter_first(initial);
        let begun = machine.position.frame().clone();
        machine.settle();
        let arrived = machine
            .position
            .frames
            .get(depth)
            .filter(|frame| frame.flow == flow && !machine.position.is_over());
        let mut walked = match (arrived, machine.passed_dry) {
            (Some(arrived), _) => arrived.clone(),
            // The way leads out of the flow: that is for the guest to hear. It stands where it last could have asked.
            (None, Some(before)) => *before,
            (None, None) => begun,
        };
        walked.repair = None;
        walked.read_back = None;
        walked.confirmed = None;
        Arc::new(walked)
    }

    /// What a carried conversation waits for. The answer to a question that is asked here too is still one; any other
    /// state asks when the guest is back.
    fn waiting(&self, moved: &mut Standing, before: &Waiting) -> Waiting {
        let anything = Waiting::Guest { expecting: Expecting::Anything, page: 0 };
        let Some(flow) = self.new.flow(moved.frame().flow) else { return before.clone() };
        let held = |active: &Active| matches!(flow.does(active.state), Some(Does::Held));
        if moved.frame().active.iter().any(held) {
            return Waiting::Person;
        }
        let Waiting::Guest { expecting: Expecting::Slot(slot), page } = before else { return anything };
        let asks = |active: &Active| match flow.does(active.state) {
            Some(Does::Collect { slots, .. }) => flow.slot_id(slot).is_some_and(|slot| slots.contains(&slot)),
            _ => false,
        };
        let Some(place) = moved.frame().active.iter().position(asks) else { return anything };
        if let Some(active) = moved.frame_mut().active.get_mut(place) {
            active.task = Task::Waiting;
        }
        Waiting::Guest { expecting: Expecting::Slot(Arc::clone(slot)), page: *page }
    }

    fn caller(&mut self, frame: &Frame, below: &[Arc<Frame>]) -> Option<Caller> {
        match frame.caller {
            Caller::Guest => Some(Caller::Guest),
            Caller::State(_) => {
                let below = below.last()?;
                let runs = below.active.iter().find(|active| matches!(active.task, Task::Running { .. }))?;
                Some(Caller::State(runs.state))
            }
        }
    }

    /// The active states of a frame that runs the one above it.
    fn running(&mut self, old: &Flow, new: &Flow, frame: &Frame) -> Option<SmallVec<[Active; 1]>> {
        let mut all: SmallVec<[Active; 1]> = SmallVec::new();
        for active in &frame.active {
            let state = self.state_id(old, new, active.state);
            let runs = match (&active.task, state.and_then(|state| new.does(state))) {
                (Task::Running { .. }, Some(Does::Run(_))) => true,
                (Task::Running { .. }, _) => false,
                _ => state.is_some(),
            };
            match state.filter(|_| runs) {
                Some(state) => all.push(Active { state, task: active.task.clone() }),
                None => {
                    let state = old.state_name(active.state).cloned().unwrap_or_else(|| "".into());
                    self.notes.push(Note::StateGone { flow: Arc::clone(&old.name), state });
                    return None;
                }
            }
        }
        all.sort_by_key(|active| active.state);
        Some(all)
    }

    fn carry_slots(&mut self, old: &Flow, new: &Flow, frame: &Frame, next: &mut Frame) {
        for (id, value) in frame.slots.iter() {
            let Some(name) = old.slot_name(id) else { continue };
            let place = new.slot_id(name).or_else(|| renamed_slot(new, name));
            let kept = place.and_then(|place| {
                let (before, now) = (old.slot(id)?, new.slot(place)?);
                if before.kind == now.kind {
                    return Some((place, value.clone()));
                }
                Some((place, self.accepted(&now.kind, now.optional, value)?))
            });
            match kept {
                Some((place, value)) => {
                    next.slots.put(place, value);
                    if frame.defaulted.contains(&id) {
                        next.defaulted.push(place);
                    }
                    if frame.tried.contains(&id) {
                        next.tried.push(place);
                    }
                }
                // "I don't mind" is no value that could be lost.
                None if *value == Value::NoPreference => {}
                None => {
                    self.notes.push(Note::SlotLost { flow: Arc::clone(&old.name), slot: Arc::clone(name) })
                }
            }
        }
    }

    fn accepted(&self, kind: &Kind, optional: bool, value: &Value) -> Option<Value> {
        match (kind, value) {
            (_, Value::NoPreference) => optional.then_some(Value::NoPreference),
            (Kind::Choice(options), Value::Choice(item)) => match options {
                crate::slot::Options::Fixed(_) => {
                    options.item_of(&item.key, None).map(|item| Value::Choice(Arc::new(item)))
                }
                // Whether it is still offered is seen when the list is made again.
                crate::slot::Options::From { .. } => Some(value.clone()),
            },
            _ => {
                let heard = Heard::from_json(kind, &value.json())?;
                let now = kind.accept(Merge::Replace, None, &heard, |_| None, self.moment.today).ok()?;
                // As it was said: "one night from the 12th" is one night from the 13th, if that is corrected.
                Some(if now.means(value) { value.clone() } else { now })
            }
        }
    }

    fn carry_results(
        &mut self,
        position: &Position,
        old: &Arc<Flow>,
        new: &Arc<Flow>,
        frame: &Frame,
        next: &mut Frame,
    ) {
        for (index, saved) in frame.results.iter().enumerate() {
            let (Some(saved), Some(name)) = (saved, old.result_name(ResultId::at(index))) else { continue };
            let written = matches!(old.does(saved.producer), Some(Does::Invoke(invoke)) if invoke.writes);
            let place = new.results.get_index_of(&**name);
            let producer =
                place.and_then(|place| self.producer(old, new, saved.producer, ResultId::at(place)));
            let (Some(place), Some(producer)) = (place, producer) else {
                if written {
                    self.notes
                        .push(Note::WriteLost { flow: Arc::clone(&old.name), result: Arc::clone(name) });
                }
                continue;
            };
            let id = ResultId::at(index);
            let carried = written
                || (!is_stale(id, old, frame, self.moment)
                    && self.computed(self.old, position, old, frame, saved.producer)
                        == self.computed(self.new, position, new, &Arc::new(next.clone()), producer));
            if carried {
                let inputs = match new.does(producer) {
                    Some(Does::Invoke(invoke)) => revisions_of(&invoke.inputs, next),
                    Some(Does::Run(run)) => revisions_of(&run.inputs, next),
                    _ => Vec::new(),
                };
                let revision = next.slots.next_revision();
                next.save(
                    ResultId::at(place),
                    Arc::new(Saved { producer, inputs, revision, ..(**saved).clone() }),
                );
            }
        }
    }

    /// The state of the new flow that saves what an old state saved, by the same means.
    fn producer(&self, old: &Flow, new: &Flow, state: StateId, result: ResultId) -> Option<StateId> {
        let same = |candidate: &StateId| match (old.does(state), new.does(*candidate)) {
            (Some(Does::Invoke(before)), Some(Does::Invoke(now))) => {
                before.tool == now.tool && before.each.is_some() == now.each.is_some()
            }
            (Some(Does::Run(before)), Some(Does::Run(now))) => {
                self.flow_id(before.flow) == Some(now.flow) && before.each.is_some() == now.each.is_some()
            }
            _ => false,
        };
        let by_name = self.state_id(old, new, state);
        let all = new.results.get_index(result.index()).map(|(_, produced)| produced.by.as_slice());
        let all = all.unwrap_or_default();
        by_name.filter(|state| all.contains(state) && same(state)).or_else(|| all.iter().copied().find(same))
    }

    /// What a state's result is computed from, as values.
    fn computed(
        &self,
        flows: &Flows,
        position: &Position,
        flow: &Arc<Flow>,
        frame: &Frame,
        state: StateId,
    ) -> Json {
        let view = View::new(flow, frame, &position.guest, position.now(flows, self.moment));
        match flow.does(state) {
            Some(Does::Invoke(invoke)) => {
                let list: Vec<Arc<Json>> = items(invoke, &view);
                json!({ "with": arguments_of(invoke, &view), "each": list })
            }
            Some(Does::Run(run)) => {
                let values = run.with.iter().map(|(_, expression)| expression.evaluate(&view));
                json!(values.collect::<Vec<Json>>())
            }
            _ => Json::Null,
        }
    }

    fn wish(&self, wish: &crate::position::Wish) -> Option<crate::position::Wish> {
        let (old, id) = (self.old.flow(wish.flow)?, self.flow_id(wish.flow)?);
        let new = self.new.flow(id)?;
        let slots = wish
            .slots
            .iter()
            .filter_map(|(slot, heard)| Some((new.slot_id(old.slot_name(*slot)?)?, heard.clone())));
        Some(crate::position::Wish { flow: id, said: Arc::clone(&wish.said), slots: slots.collect() })
    }

    /// Whether what a flow runs has the same numbers on both sides.
    fn runs_same(&self) -> bool {
        self.old.flows.keys().eq(self.new.flows.keys()) && self.old.events == self.new.events
    }

    fn flow_id(&self, flow: crate::flow::FlowId) -> Option<crate::flow::FlowId> {
        let name = &self.old.flow(flow)?.name;
        let same = self.new.get(name).map(|flow| flow.id);
        same.or_else(|| self.new.flows.values().find(|flow| flow.was.contains(name)).map(|flow| flow.id))
    }

    fn state_id(&self, old: &Flow, new: &Flow, state: StateId) -> Option<StateId> {
        let name = old.state_name(state)?;
        let same = new.states.get_index_of(&**name);
        same.or_else(|| new.states.values().position(|state| state.was.contains(name))).map(StateId::at)
    }
}

fn renamed_slot(new: &Flow, name: &Arc<str>) -> Option<SlotId> {
    new.slots.values().position(|slot| slot.was.contains(name)).map(SlotId::at)
}
