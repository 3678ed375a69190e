//! Going from state to state: cases and their actions, flows that begin and end, the repair walk.

use std::borrow::Cow;
use std::sync::Arc;

use super::facts::is_stale;
use super::task::HeardSlot;
use super::{Machine, Pending, Trace};
use crate::effect::{Effect, Expecting};
use crate::flow::{Action, Does, Event, Flow, FlowId, Go, Handlers, ResultId, SlotId, StateId, Transition};
use crate::guard::Root;
use crate::position::{Caller, Frame, Repair, Task, Waiting, Wish};
use crate::slot::Heard;

/// Whose transition it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A state's.
    State(StateId),
    /// The active flow's.
    Flow,
    /// The root chart's, while another flow is active.
    Root,
}

impl Source {
    /// Whether it is inside the other.
    pub(super) fn is_within(self, other: Self, flow: &Flow) -> bool {
        match (self, other) {
            (Self::State(inner), Self::State(outer)) => flow.is_within(inner, outer),
            (Self::State(_), Self::Flow | Self::Root) | (Self::Flow, Self::Root) => true,
            (Self::Flow | Self::Root, _) => false,
        }
    }
}

impl<'f> Machine<'f, '_> {
    /// The first case whose guard holds.
    pub(super) fn pick(&self, cases: &'f [Transition]) -> Option<&'f Transition> {
        if let [first, ..] = cases
            && first.guard.is_none()
        {
            return Some(first);
        }
        let view = self.view()?;
        cases.iter().find(|case| case.guard.as_ref().is_none_or(|guard| guard.holds(&view)))
    }

    /// Takes the first case of a state whose guard holds.
    pub(super) fn follow(&mut self, state: StateId, cases: &'f [Transition]) {
        match self.pick(cases) {
            Some(case) => self.take_case(Source::State(state), case, None),
            None => {
                self.ignored("no case of a guarded list holds");
                self.set_task(state, Task::Waiting);
            }
        }
    }

    /// Takes one case of a transition. `requested` is the flow the guest asked for.
    pub(super) fn take_case(&mut self, source: Source, case: &'f Transition, requested: Option<&Wish>) {
        self.decided_by_case(source, case);
        if let (Go::To(targets), true) = (&case.go, source == Source::Root) {
            self.act(&case.actions);
            if let [target, ..] = targets.as_slice() {
                self.leave_for_root(*target);
            }
            return;
        }
        if matches!(case.go, Go::To(_)) {
            return self.microstep(&[(source, case)]);
        }
        self.act(&case.actions);
        match (&case.go, requested) {
            (Go::RunRequested, Some(wish)) => self.begin_wish(wish),
            (Go::Queue, Some(wish)) => {
                self.position.wishes.push(wish.clone());
                self.go_on_beside(case);
            }
            _ => self.go_on_beside(case),
        }
    }

    /// Where a case leads that leaves nothing of its flow, after its actions.
    pub(super) fn go_on_beside(&mut self, case: &'f Transition) {
        if case.say_again {
            self.say_again();
        }
        match &case.go {
            Go::To(_) | Go::RunRequested => {}
            Go::Stay | Go::Queue => {
                if !case.say_again && self.frame().read_back.is_some() {
                    // A read-back is confirmed only while it is the last thing that happened.
                    self.frame_mut().read_back = None;
                }
                if case.ask_again {
                    self.resume();
                }
            }
            Go::Root(target) => self.leave_for_root(*target),
            Go::Run(flow) => self.pending = Some(Pending::Flow(*flow)),
            Go::RunRoot(state) => self.pending = Some(Pending::Root(*state)),
            Go::Undo => self.undo(),
            Go::NextPage => {
                self.page += 1;
                self.resume();
            }
            Go::PreviousPage => {
                self.page = self.page.saturating_sub(1);
                self.resume();
            }
        }
    }

    /// Leaves every flow for a state of the root chart. One in which a person has the conversation is entered on top
    /// of the root chart, so that what was there is there when it is given back.
    fn leave_for_root(&mut self, target: StateId) {
        while self.position.frames.len() > 1 {
            self.abandon();
        }
        self.raised.clear();
        self.expecting = Expecting::Anything;
        self.page = 0;
        let held = self.flow().is_some_and(|flow| matches!(flow.does(target), Some(Does::Held)));
        if held { self.pending = Some(Pending::Root(target)) } else { self.jump(target) }
    }

    /// Leaves the active flow, which has not come to its end.
    pub(super) fn abandon(&mut self) {
        if let Some(flow) = self.flow() {
            let all = self.frame().configuration(flow);
            self.leave(flow, all);
        }
        self.raised.clear();
        self.settle_says();
        if let Some(left) = self.position.pop() {
            self.position.keep_ended(left);
        }
    }

    /// Does what is done on the way.
    pub(super) fn act(&mut self, actions: &'f [Action]) {
        for action in actions {
            match action {
                Action::Say(prompt) => {
                    if !self.passing {
                        self.say(prompt, Expecting::Anything, None);
                    }
                }
                // A conversation that is moved keeps what it knows: what is done on the way was done.
                Action::Clear(_) if self.dry => {}
                Action::Set { slot, .. } if self.dry && self.frame().slots.get(*slot).is_some() => {}
                Action::Clear(slots) => {
                    for slot in slots {
                        let frame = self.facts_mut();
                        frame.slots.clear(*slot);
                        frame.confirmed = None;
                    }
                }
                Action::Set { slot, value } => self.set(*slot, value),
                Action::Raise(event) => self.raised.push_back(super::Raised::Named(*event)),
            }
        }
    }

    fn set(&mut self, slot: crate::flow::SlotId, value: &crate::guard::Expression) {
        let Some(declared) = self.flow().and_then(|flow| flow.slot(slot)) else { return };
        let json = self.view().map(|view| value.evaluate(&view)).unwrap_or_default();
        if json.is_null() {
            if self.frame().slots.get(slot).is_some() {
                let frame = self.facts_mut();
                frame.slots.clear(slot);
                frame.confirmed = None;
            }
            return;
        }
        match Heard::from_json(&declared.kind, &json) {
            Some(heard) => match self.fill_one(&HeardSlot { slot, heard: Cow::Owned(heard), said: false }) {
                Ok(true) => self.frame_mut().confirmed = None,
                Ok(false) => {}
                Err(why) => self.refused(slot, why),
            },
            None => self.ignored("a computed value is none of its slot's kind"),
        }
    }

    /// Gives an event of the guest to the state whose question is open, the other active states, the flow and the root
    /// chart, in this order; the first case whose guard holds is taken, once. An event nobody handles counts as unclear.
    pub(super) fn dispatch(&mut self, event: Event, requested: Option<&Wish>) {
        let before = self.event.clone();
        if let Some(flow) = requested.and_then(|wish| self.flows.flow(wish.flow)) {
            self.event = Some(Arc::clone(&flow.wished));
        }
        let taken = self.handler(event);
        self.tell(Trace::Event { event, handled: taken.is_some() });
        match (taken, event) {
            (Some((source, case)), _) => self.take_case(source, case, requested),
            (None, Event::Unclear | Event::Silence | Event::Unreadable) => self.resume(),
            (None, Event::ToolFailed | Event::Wish) => {}
            (None, _) => self.unclear(),
        }
        self.event = before;
    }

    pub(super) fn handler(&self, event: Event) -> Option<(Source, &'f Transition)> {
        let flow = self.flow()?;
        let frame = self.frame();
        let asking = frame.asking(flow);
        let leaves = asking.into_iter().chain(frame.active.iter().map(|active| active.state));
        let mut handlers =
            leaves.flat_map(|leaf| self.handlers_of(flow, leaf)).chain(self.handlers_around(flow));
        handlers.find_map(|(source, on)| Some((source, self.pick(on.get(&event)?)?)))
    }

    /// The handlers of a state and of those it is in, the innermost first.
    pub(super) fn handlers_of(
        &self,
        flow: &'f Flow,
        state: StateId,
    ) -> impl Iterator<Item = (Source, &'f Handlers)> + use<'f> {
        std::iter::once(state)
            .chain(flow.ancestors(state))
            .filter_map(|state| Some((Source::State(state), &flow.state(state)?.on)))
    }

    /// The handlers around every state: the flow's and, around another flow, the root chart's.
    pub(super) fn handlers_around(
        &self,
        flow: &'f Flow,
    ) -> impl Iterator<Item = (Source, &'f Handlers)> + use<'f> {
        let root = self.flows.root().filter(|root| root.id != flow.id);
        std::iter::once((Source::Flow, &flow.on)).chain(root.map(|root| (Source::Root, &root.on)))
    }

    /// Whether the flow itself, and not only the root chart, may answer an event now.
    pub(super) fn answers_itself(&self, event: Event) -> bool {
        let Some(flow) = self.flow() else { return false };
        flow.on.contains_key(&event)
            || self
                .frame()
                .configuration(flow)
                .into_iter()
                .any(|state| flow.state(state).is_some_and(|state| state.on.contains_key(&event)))
    }

    /// Does again what the active states that wait for the guest do, after something changed or a digression ended.
    /// A result that went stale on the way here is made again first.
    pub(super) fn resume(&mut self) {
        // In another region than the one that is repaired the question is still open.
        self.repair();
        let Some(flow) = self.flow() else { return };
        let asks = |state: StateId| flow.does(state).is_some_and(Does::asks);
        if self.frame().active.iter().any(|active| active.task == Task::Waiting && asks(active.state)) {
            for active in &mut self.frame_mut().active {
                if active.task == Task::Waiting && asks(active.state) {
                    active.task = Task::Fresh;
                }
            }
        }
    }

    /// Begins a repair walk if a result on the way here went stale, or the way itself is another since a change.
    pub(super) fn repair(&mut self) -> bool {
        let Some(from) = self.first_stale() else { return false };
        let Some(flow) = self.flow() else { return false };
        let Some(goal) = self.frame().asking(flow) else { return false };
        let frame = self.frame_mut();
        let path = frame.trail.clone();
        frame.repair = Some(Repair { goal, path });
        frame.anew = None;
        frame.read_back = None;
        frame.confirmed = None;
        if let (Some(from), Some(to)) = (flow.state_name(from), flow.state_name(goal)) {
            self.tell(Trace::Repairing { from, to });
        }
        self.jump(from);
        true
    }

    /// The first state on the way here whose saved result is stale or which leads elsewhere since a change; else the one
    /// that made a stale result which the state that asks now is about, by whatever way the guest came. A write is never
    /// repaired.
    pub(super) fn first_stale(&self) -> Option<StateId> {
        let flow = self.flow()?;
        let frame = self.frame();
        let is_old = |result: usize| {
            frame.results.get(result).is_some_and(Option::is_some)
                && is_stale(ResultId::at(result), flow, frame, self.moment)
        };
        if frame.anew.is_none() && !(0..frame.results.len()).any(is_old) {
            return None;
        }
        if frame.is_sending(flow) {
            // What is sent is what was done, however long ago.
            return None;
        }
        let is_made = |state: StateId, result: ResultId| {
            let writes = matches!(flow.does(state), Some(Does::Invoke(invoke)) if invoke.writes);
            !writes
                && frame.result(result).is_some_and(|saved| saved.producer == state)
                && is_stale(result, flow, frame, self.moment)
        };
        let on_the_way = frame.trail.iter().copied().find(|state| {
            let saves = match flow.does(*state) {
                Some(Does::Invoke(invoke)) => invoke.save,
                Some(Does::Run(run)) => run.save,
                _ => None,
            };
            frame.anew == Some(*state) || saves.is_some_and(|result| is_made(*state, result))
        });
        on_the_way.or_else(|| {
            let list = |slot: SlotId| flow.slot(slot).and_then(|slot| slot.list);
            let makes = |result: ResultId| {
                let state = frame.result(result)?.producer;
                is_made(state, result).then_some(state)
            };
            match flow.does(frame.asking(flow)?)? {
                Does::Collect { slots, .. } => slots.iter().filter_map(|slot| list(*slot)).find_map(makes),
                Does::Confirm { paths, .. } => paths
                    .iter()
                    .filter_map(|path| match path.root {
                        Root::Result(result) => Some(result),
                        Root::Slot(slot) => list(slot),
                        _ => None,
                    })
                    .find_map(makes),
                _ => None,
            }
        })
    }

    /// Whether a repair walk can pass over what a state produces: it is there and still follows from its inputs.
    pub(super) fn is_fresh(&self, result: Option<ResultId>, writes: bool) -> bool {
        let (Some(result), Some(flow)) = (result, self.flow()) else { return false };
        self.frame().result(result).is_some()
            && (writes || !is_stale(result, flow, self.frame(), self.moment))
    }

    /// Begins what is to begin on top of what runs; when it ends, the guest is back there.
    pub(super) fn push(&mut self, pending: Pending) {
        let (flow, state) = match pending {
            Pending::Flow(flow) => (flow, None),
            Pending::Root(state) => (self.flows.root, Some(state)),
        };
        let Some(declared) = self.flows.flow(flow) else { return };
        self.begin(flow, Caller::Guest);
        self.enter_first(state.unwrap_or(declared.initial));
    }

    /// Puts an empty frame on top.
    pub(super) fn begin(&mut self, flow: FlowId, caller: Caller) {
        if self.frame().read_back.is_some() {
            self.frame_mut().read_back = None;
        }
        self.page = 0;
        self.expecting = Expecting::Anything;
        let mut frame = Frame::new(flow, caller);
        frame.kept.extend(self.said.clone().filter(|said| !said.is_empty()));
        self.position.frames.push(frame);
    }

    /// Begins a flow the guest asked for, with what the same words fill.
    fn begin_wish(&mut self, wish: &Wish) {
        let Some(declared) = self.flows.flow(wish.flow) else { return };
        let said = self.said.replace(Arc::clone(&wish.said));
        self.begin(wish.flow, Caller::Guest);
        self.said = said;
        let heard = wish.slots.iter();
        let heard =
            heard.map(|(slot, heard)| HeardSlot { slot: *slot, heard: Cow::Borrowed(heard), said: true });
        let filling = self.fill(heard.collect());
        self.enter_first(declared.initial);
        if let Some((slot, why)) = filling.refused
            && self.frame().flow == wish.flow
        {
            self.refuse(slot, why);
        }
    }

    /// Takes up the oldest wish that waits, once only the root chart runs.
    pub(super) fn take_up_wish(&mut self) -> bool {
        if self.position.frames.len() > 1 || self.position.wishes.is_empty() || self.position.is_over() {
            return false;
        }
        let wish = self.position.wishes.remove(0);
        self.dispatch(Event::Wish, Some(&wish));
        true
    }

    /// A top-level final state was entered: the flow ends, in the root chart the conversation.
    pub(super) fn finish(&mut self, state: StateId) {
        let Some(flow) = self.flow() else { return };
        let Some(Does::Final { outcome, output }) = flow.does(state) else { return };
        if let Some(declared) = flow.state(state) {
            self.act(&declared.exit);
        }
        self.remember();
        let output = match (output, self.view()) {
            (Some(output), Some(view)) => output.evaluate(&view),
            _ => serde_json::Value::Null,
        };
        self.tell(Trace::Ended { flow: &flow.name, outcome });
        self.page = 0;
        self.expecting = Expecting::Anything;
        self.raised.clear();
        self.settle_says();
        let Some(ended) = self.position.pop() else {
            self.moved.effects.push(Effect::End);
            self.position.waiting = Waiting::Over { outcome: Arc::clone(outcome) };
            self.paused = true;
            return;
        };
        let caller = ended.caller;
        self.position.keep_ended(ended);
        match caller {
            Caller::State(state) => self.returned(state, outcome, output),
            Caller::Guest => self.resume(),
        }
    }
}
