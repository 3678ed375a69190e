//! The statechart itself: which transitions are taken, what they leave and enter, in SCXML's order (SCXML appendix D).

use std::sync::Arc;

use chrono::TimeDelta;
use smallvec::SmallVec;

use super::walk::Source;
use super::{Decider, Machine, Raised, Trace};
use crate::effect::Expecting;
use crate::flow::{Does, Event, EventId, Flow, Form, Go, StateId, Transition};
use crate::position::{Active, States, Task, Timer, in_order};

/// Transitions of one microstep.
type Taken<'f> = SmallVec<[(Source, &'f Transition); 2]>;

impl<'f> Machine<'f, '_> {
    /// Takes eventless transitions, one for each active state. False where none is enabled.
    pub(super) fn eventless(&mut self) -> bool {
        let Some(flow) = self.flow().filter(|flow| flow.has_eventless) else { return false };
        let mut taken = Taken::new();
        for active in &self.frame().active {
            for state in std::iter::once(active.state).chain(flow.ancestors(active.state)) {
                let always = flow.state(state).map_or(&[] as &[_], |state| state.always.as_slice());
                if always.is_empty() {
                    continue;
                }
                if let Some(case) = self.pick(always) {
                    add(&mut taken, Source::State(state), case);
                    break;
                }
            }
        }
        self.take_all(taken)
    }

    /// Gives a named event to every active state: the innermost handler of each region takes it.
    pub(super) fn named(&mut self, event: EventId) {
        let Some(flow) = self.flow() else { return };
        let mut taken = Taken::new();
        for active in &self.frame().active {
            let mut handlers = self.handlers_of(flow, active.state).chain(self.handlers_around(flow));
            let found = handlers.find_map(|(source, on)| {
                let matching = on.iter().filter(|(known, _)| match known {
                    Event::Named(known) => *known == event,
                    Event::Any => true,
                    _ => false,
                });
                matching.into_iter().find_map(|(_, cases)| Some((source, self.pick(cases)?)))
            });
            if let Some((source, case)) = found {
                add(&mut taken, source, case);
            }
        }
        let handled = !taken.is_empty();
        self.tell(Trace::Event { event: Event::Named(event), handled });
        self.take_all(taken);
    }

    /// Takes an internal event.
    pub(super) fn internal(&mut self, raised: Raised) {
        match raised {
            Raised::Named(event) => {
                let name = self.flows.event(event).map(|name| name.to_string());
                let before = self.event.replace(Arc::new(serde_json::json!({ "name": name })));
                self.named(event);
                self.event = before;
            }
            Raised::Done(state) => {
                let Some(flow) = self.flow() else { return };
                if !self.frame().active.iter().any(|active| flow.is_within(active.state, state)) {
                    return;
                }
                let (Some(Form::Compound { done, .. }) | Some(Form::Parallel { done, .. })) =
                    flow.state(state).map(|state| &state.form)
                else {
                    return;
                };
                if let Some(case) = self.pick(done) {
                    self.take_case(Source::State(state), case, None);
                }
            }
        }
    }

    /// Takes several transitions as one microstep: of two that would leave the same state, the one of the inner state,
    /// else the first in document order. False where there is none.
    fn take_all(&mut self, mut taken: Taken<'f>) -> bool {
        if taken.len() > 1
            && let Some(flow) = self.flow()
        {
            self.remove_conflicts(flow, &mut taken);
        }
        match taken.as_slice() {
            [] => return false,
            [(source, case)] => self.take_case(*source, case, None),
            several => {
                // One of the root chart that leaves the flow has left the others only what stays where it is.
                let leaves = |(source, case): &&(Source, &'f Transition)| {
                    *source == Source::Root && matches!(case.go, Go::To(_))
                };
                let within: Vec<_> = several.iter().filter(|taken| !leaves(taken)).copied().collect();
                self.microstep(&within);
                if let Some((source, case)) = several.iter().find(leaves) {
                    self.take_case(*source, case, None);
                }
            }
        }
        true
    }

    fn remove_conflicts(&self, flow: &Flow, taken: &mut Taken<'f>) {
        let mut kept: Vec<(Source, &'f Transition, States)> = Vec::new();
        for (source, case) in taken.drain(..) {
            let leaves = self.exit_set(flow, source, case);
            let collides =
                |other: &(Source, &'f Transition, States)| other.2.iter().any(|state| leaves.contains(state));
            let preempted =
                kept.iter().filter(|other| collides(other)).any(|other| !source.is_within(other.0, flow));
            if !preempted {
                kept.retain(|other| !collides(other));
                kept.push((source, case, leaves));
            }
        }
        taken.extend(kept.into_iter().map(|(source, case, _)| (source, case)));
    }

    /// One microstep of transitions within the active flow: leaves, does what is done on the way, enters.
    pub(super) fn microstep(&mut self, taken: &[(Source, &'f Transition)]) {
        let Some(flow) = self.flow() else { return };
        let mut leaving: States = States::new();
        let mut entering: States = States::new();
        // What history states remember is looked up before it is written anew.
        let mut domains: SmallVec<[Option<StateId>; 2]> = SmallVec::new();
        for (source, case) in taken {
            let domain = self.domain(flow, *source, case);
            domains.push(domain);
            if matches!(case.go, Go::To(_)) {
                leaving.extend_from_slice(&self.within(flow, domain));
            }
        }
        self.leave(flow, leaving);
        for (source, case) in taken {
            self.decided_by_case(*source, case);
            self.act(&case.actions);
        }
        for ((_, case), domain) in taken.iter().zip(domains) {
            if let Go::To(targets) = &case.go {
                for target in targets {
                    self.add_descendants(flow, *target, &mut entering);
                }
                for target in targets {
                    for state in self.resolved(flow, *target) {
                        self.add_ancestors(flow, state, domain, &mut entering);
                    }
                }
            }
        }
        self.enter(flow, entering);
        for (_, case) in taken {
            if !matches!(case.go, Go::To(_)) {
                self.go_on_beside(case);
            }
        }
    }

    /// Goes to a state from wherever the flow is, leaving and entering no more than it must.
    pub(super) fn jump(&mut self, target: StateId) {
        let Some(flow) = self.flow() else { return };
        // The innermost active ancestor in which one state at a time is active.
        let configuration = self.frame().configuration(flow);
        let domain = flow.ancestors(target).find(|above| {
            configuration.contains(above)
                && matches!(flow.state(*above).map(|state| &state.form), Some(Form::Compound { .. }))
        });
        self.leave(flow, self.within(flow, domain));
        let mut entering = States::new();
        self.add_descendants(flow, target, &mut entering);
        self.add_ancestors(flow, target, domain, &mut entering);
        self.enter(flow, entering);
    }

    /// Enters a flow that has no active state yet.
    pub(super) fn enter_first(&mut self, target: StateId) {
        let Some(flow) = self.flow() else { return };
        let mut entering = States::new();
        self.add_descendants(flow, target, &mut entering);
        self.add_ancestors(flow, target, None, &mut entering);
        self.enter(flow, entering);
    }

    /// The active states that a transition leaves.
    fn exit_set(&self, flow: &Flow, source: Source, case: &Transition) -> States {
        match &case.go {
            Go::To(_) => self.within(flow, self.domain(flow, source, case)),
            _ => States::new(),
        }
    }

    /// The active states inside `domain`; all of them where there is none.
    fn within(&self, flow: &Flow, domain: Option<StateId>) -> States {
        let mut inside = self.frame().configuration(flow);
        if let Some(domain) = domain {
            inside.retain(|state| flow.is_within(*state, domain));
        }
        inside
    }

    /// The state that a transition neither leaves nor enters (SCXML's transition domain); `None` is the flow itself.
    fn domain(&self, flow: &Flow, source: Source, case: &Transition) -> Option<StateId> {
        let Go::To(targets) = &case.go else { return None };
        let Source::State(source) = source else { return None };
        let compound = |state: StateId| {
            matches!(flow.state(state).map(|state| &state.form), Some(Form::Compound { .. }))
        };
        if !compound(source) && flow.state(source).is_none_or(|state| state.parent.is_none()) {
            return None;
        }
        let targets: States = targets.iter().flat_map(|target| self.resolved(flow, *target)).collect();
        let holds_all = |state: StateId| targets.iter().all(|target| flow.is_within(*target, state));
        if !case.reenter && compound(source) && holds_all(source) {
            return Some(source);
        }
        flow.ancestors(source).find(|above| compound(*above) && holds_all(*above))
    }

    /// The states a target stands for: itself, or what a history state remembers.
    fn resolved(&self, flow: &Flow, target: StateId) -> States {
        match flow.state(target).map(|state| &state.form) {
            Some(Form::History { default, .. }) => {
                let known = self.frame().history.iter().find(|(history, _)| *history == target);
                match known {
                    Some((_, states)) => states.iter().copied().collect(),
                    None => default.iter().flat_map(|target| self.resolved(flow, *target)).collect(),
                }
            }
            _ => smallvec::smallvec![target],
        }
    }

    pub(super) fn add_descendants(&self, flow: &Flow, target: StateId, entering: &mut States) {
        match flow.state(target).map(|state| &state.form) {
            Some(Form::History { .. }) => {
                let parent = flow.state(target).and_then(|state| state.parent);
                let states = self.resolved(flow, target);
                // All of them first: a region that one of them is in does not begin anew for the sake of another.
                for state in &states {
                    self.add_descendants(flow, *state, entering);
                }
                for state in &states {
                    self.add_ancestors(flow, *state, parent, entering);
                }
            }
            Some(Form::Compound { initial, .. }) => {
                put(entering, target);
                self.add_descendants(flow, *initial, entering);
                self.add_ancestors(flow, *initial, Some(target), entering);
            }
            Some(Form::Parallel { states, .. }) => {
                put(entering, target);
                self.add_regions(flow, states, entering);
            }
            Some(Form::Atomic(_)) => put(entering, target),
            None => {}
        }
    }

    pub(super) fn add_ancestors(
        &self,
        flow: &Flow,
        state: StateId,
        domain: Option<StateId>,
        entering: &mut States,
    ) {
        for above in flow.ancestors(state).take_while(|above| Some(*above) != domain) {
            put(entering, above);
            if let Some(Form::Parallel { states, .. }) = flow.state(above).map(|state| &state.form) {
                self.add_regions(flow, states, entering);
            }
        }
    }

    /// Enters the regions of a parallel state that nothing enters yet.
    fn add_regions(&self, flow: &Flow, regions: &[StateId], entering: &mut States) {
        for region in regions {
            let is_history =
                matches!(flow.state(*region).map(|state| &state.form), Some(Form::History { .. }));
            let entered = entering.iter().any(|state| state == region || flow.is_within(*state, *region));
            if !is_history && !entered {
                self.add_descendants(flow, *region, entering);
            }
        }
    }

    /// Leaves states, the innermost and last first.
    pub(super) fn leave(&mut self, flow: &'f Flow, mut leaving: States) {
        in_order(&mut leaving);
        self.remember_history(flow, &leaving);
        for active in &self.position.frame().active {
            flow.ancestors(active.state).for_each(|above| put(&mut self.between, above));
        }
        for state in leaving.into_iter().rev() {
            let Some(declared) = flow.state(state) else { continue };
            if !declared.exit.is_empty() {
                self.decided(Decider::State(state));
            }
            self.act(&declared.exit);
            let asked = flow.does(state).is_some_and(Does::asks);
            self.between.retain(|between| *between != state);
            let frame = self.frame_mut();
            if !declared.after.is_empty() {
                frame.timers.retain(|timer| timer.state != state);
            }
            let before = frame.active.len();
            frame.active.retain(|active| active.state != state);
            if asked && frame.active.len() < before {
                self.expecting = Expecting::Anything;
            }
            if let Some(name) = flow.state_name(state) {
                self.tell(Trace::Left { flow: &flow.name, state: name });
            }
        }
    }

    /// Notes what was active below every state that is left and has a history.
    fn remember_history(&mut self, flow: &Flow, leaving: &[StateId]) {
        if !flow.has_history {
            return;
        }
        for (index, state) in flow.states.values().enumerate() {
            let (Form::History { deep, .. }, Some(parent)) = (&state.form, state.parent) else { continue };
            if !leaving.contains(&parent) {
                continue;
            }
            let below: Vec<StateId> = if *deep {
                self.leaves().into_iter().filter(|leaf| flow.is_within(*leaf, parent)).collect()
            } else {
                let direct =
                    |state: &StateId| flow.state(*state).and_then(|state| state.parent) == Some(parent);
                self.frame().configuration(flow).into_iter().filter(direct).collect()
            };
            let history = StateId::at(index);
            let frame = self.frame_mut();
            frame.history.retain(|(known, _)| *known != history);
            frame.history.push((history, below));
        }
    }

    /// Enters states, the outermost and first first.
    fn enter(&mut self, flow: &'f Flow, mut entering: States) {
        in_order(&mut entering);
        let mut last: Option<StateId> = None;
        for state in entering {
            let Some(declared) = flow.state(state) else { continue };
            let at = self.moment.at;
            if let Form::Atomic(_) = &declared.form {
                self.pass(flow, state);
                let frame = self.frame_mut();
                let place = frame.active.partition_point(|active| active.state < state);
                frame.active.insert(place, Active { state, task: Task::Fresh });
            } else {
                self.between.push(state);
            }
            for (index, after) in declared.after.iter().enumerate() {
                let delay = TimeDelta::try_milliseconds(after.delay_ms);
                if let Some(due) = delay.and_then(|delay| at.checked_add_signed(delay)) {
                    let after = u16::try_from(index).unwrap_or(u16::MAX);
                    self.frame_mut().timers.push(Timer { due, state, after });
                }
            }
            if let Some(name) = flow.state_name(state) {
                self.tell(Trace::Entered { flow: &flow.name, state: name });
            }
            self.decided(Decider::State(state));
            let repeats = self.repeats(state);
            let passing = std::mem::replace(&mut self.passing, repeats);
            self.act(&declared.entry);
            self.passing = passing;
            if let Form::Atomic(Does::Final { .. }) = &declared.form {
                match declared.parent {
                    Some(parent) => self.ended(flow, state, parent),
                    None => last = Some(state),
                }
            }
        }
        self.between.clear();
        if let Some(state) = last {
            self.finish(state);
        }
    }

    /// Whether a repair walk comes through a state that the guest came through already.
    pub(super) fn repeats(&self, state: StateId) -> bool {
        self.frame()
            .repair
            .as_ref()
            .is_some_and(|repair| repair.goal != state && repair.path.contains(&state))
    }

    /// Notes that the way leads through an atomic state.
    fn pass(&mut self, flow: &Flow, state: StateId) {
        let frame = self.frame_mut();
        if let Some(seen) = frame.trail.iter().position(|passed| *passed == state) {
            // What came after it is no longer on the way; what other regions did is.
            let mut index = 0;
            frame.trail.retain(|passed| {
                index += 1;
                index <= seen || (*passed != state && flow.are_beside(*passed, state))
            });
        }
        frame.trail.push(state);
        if frame.anew == Some(state) {
            frame.anew = None;
        }
        if frame.repair.as_ref().is_some_and(|repair| repair.goal == state) {
            // The goal says and does everything it would.
            frame.repair = None;
        }
    }

    /// A final state was entered: its parent has come to its end, and perhaps the parallel state above.
    fn ended(&mut self, flow: &Flow, state: StateId, parent: StateId) {
        self.set_task(state, Task::Waiting);
        self.raised.push_back(Raised::Done(parent));
        let Some(above) = flow.state(parent).and_then(|parent| parent.parent) else { return };
        if let Some(Form::Parallel { states, .. }) = flow.state(above).map(|state| &state.form)
            && states.iter().all(|region| self.is_final(flow, *region))
        {
            self.raised.push_back(Raised::Done(above));
        }
    }

    /// Whether a region has come to its end.
    fn is_final(&self, flow: &Flow, region: StateId) -> bool {
        match flow.state(region).map(|state| &state.form) {
            Some(Form::Compound { .. }) => self.frame().active.iter().any(|active| {
                flow.state(active.state).and_then(|state| state.parent) == Some(region)
                    && matches!(flow.does(active.state), Some(Does::Final { .. }))
            }),
            Some(Form::Parallel { states, .. }) => states.iter().all(|inner| self.is_final(flow, *inner)),
            Some(Form::History { .. }) => true,
            Some(Form::Atomic(does)) => matches!(does, Does::Final { .. }),
            None => false,
        }
    }
}

impl Flow {
    /// Whether two states are in different regions of one parallel state.
    pub(super) fn are_beside(&self, one: StateId, two: StateId) -> bool {
        let above: States = self.ancestors(two).collect();
        let common = self.ancestors(one).find(|state| above.contains(state));
        common.is_some_and(|common| {
            matches!(self.state(common).map(|state| &state.form), Some(Form::Parallel { .. }))
        })
    }
}

fn put(states: &mut States, state: StateId) {
    if !states.contains(&state) {
        states.push(state);
    }
}

/// Adds a transition that another region has not selected already.
fn add<'f>(taken: &mut Taken<'f>, source: Source, case: &'f Transition) {
    if !taken.iter().any(|(_, known)| std::ptr::eq(*known, case)) {
        taken.push((source, case));
    }
}
