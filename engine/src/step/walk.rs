//! Going through states: entering, asking, calling, reading back, ending; and the repair walk.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::{Value as Json, json};

use super::facts::{arguments_of, inputs_of, is_confirmed, is_stale, items_of, value_at};
use super::{Machine, Next, Trace};
use crate::effect::{Call, Effect, Expecting};
use crate::flow::{Does, Event, Flow, Go, Invoke, Transition};
use crate::position::{Frame, ReadBack, Repair, Saved, Waiting};
use crate::slot::{Heard, Kind, Options, Value};

/// The outcome of the root chart that means a person takes over.
const HANDED_OVER: &str = "handed_over";

impl Machine<'_> {
    /// Enters a state of the active flow: says what it says and does what it does.
    pub(super) fn enter(&mut self, state: &str) -> Next {
        let frame = self.frame_mut();
        state.clone_into(&mut frame.state);
        if let Some(seen) = frame.trail.iter().position(|passed| passed == state) {
            frame.trail.truncate(seen);
        }
        frame.trail.push(state.to_owned());
        let repeats = match &frame.repair {
            Some(repair) if repair.goal == state => {
                frame.repair = None;
                false
            }
            Some(repair) => repair.path.iter().any(|passed| passed == state),
            None => false,
        };
        let flow = frame.flow.clone();
        self.trace.push(Trace::Entered { flow, state: state.to_owned() });
        let Some(state) = self.state() else {
            self.ignored("a state that does not exist");
            return self.wait(Expecting::Anything);
        };
        if let Some(prompt) = state.say.as_ref().filter(|_| !repeats) {
            self.say(prompt, Expecting::Anything, Vec::new(), None);
        }
        match &state.does {
            Does::Invoke(invoke) if repeats && self.may_skip(invoke) => self.follow(&invoke.done),
            Does::Ask { then, .. } if repeats => self.follow(then),
            does => self.perform(does),
        }
    }

    /// Does again what the active state does, after something changed or a digression ended. A result that went
    /// stale on the way here is made again first.
    pub(super) fn resume(&mut self) -> Next {
        if let Some(next) = self.repair() {
            return next;
        }
        match self.state() {
            Some(state) => self.perform(&state.does),
            None => self.wait(Expecting::Anything),
        }
    }

    fn perform(&mut self, does: &Does) -> Next {
        match does {
            Does::Collect { slots, then } => self.collect(slots, then),
            Does::Invoke(invoke) => self.invoke(invoke),
            Does::Confirm { paths, .. } => self.confirm(paths),
            Does::Ask { prompt, .. } => {
                self.say(prompt, Expecting::Change, Vec::new(), None);
                self.wait(Expecting::Change)
            }
            Does::Always(cases) => self.follow(cases),
            Does::Wait => self.wait(Expecting::Anything),
            Does::Final(outcome) => self.finish(outcome),
        }
    }

    /// Asks for the first slot that is missing; goes on when none is.
    fn collect(&mut self, slots: &[String], then: &[Transition]) -> Next {
        for name in slots {
            if self.frame().slots.get(name).is_some_and(Value::is_complete) || self.take_default(name) {
                continue;
            }
            let Some(slot) = self.flow().and_then(|flow| flow.slots.get(name)) else {
                continue;
            };
            let from_result = matches!(slot.kind, Kind::Choice(Options::From { .. }));
            if from_result && slot.optional && self.frame().tried.contains(name) {
                // What the guest said already was tried on the list: asking for less than that is no help.
                self.frame_mut().slots.put(name, Value::NoPreference);
                continue;
            }
            if from_result && !self.frame().kept.is_empty() && self.frame_mut().tried.insert(name.clone()) {
                let mut question = self.question(&self.frame().kept.join("\n"), None, Expecting::Anything);
                question.scope.retain(|scoped| &scoped.name == name);
                question.starts.clear();
                question.kept = true;
                self.effects.push(Effect::Understand(question));
                self.position.waiting = Waiting::Kept { slot: name.clone() };
                return Next::Pause;
            }
            return self.ask_for(name);
        }
        self.follow(then)
    }

    fn ask_for(&mut self, name: &str) -> Next {
        let expecting = Expecting::Slot(name.to_owned());
        let items = self.items(name);
        self.say(&format!("ask_{name}"), expecting.clone(), items, None);
        self.wait(expecting)
    }

    /// Fills an empty slot from its default, once. True when that worked.
    fn take_default(&mut self, name: &str) -> bool {
        let Some(slot) = self.flow().and_then(|flow| flow.slots.get(name)) else {
            return false;
        };
        let Some(default) = &slot.default else {
            return false;
        };
        let items = items_of(self.frame(), &slot.kind);
        if self.frame().slots.get(name).is_some() || items.is_none() {
            return false;
        }
        if !self.frame_mut().defaulted.insert(name.to_owned()) {
            return false;
        }
        let Some(heard) = Heard::from_json(&slot.kind, &default.evaluate(&self.facts())) else {
            return false;
        };
        let today = self.moment.today;
        let filled =
            self.frame_mut().slots.fill(name, &slot.kind, &heard, &items.unwrap_or_default(), today).is_ok();
        if filled {
            self.note_filled(name);
        }
        filled && self.frame().slots.get(name).is_some_and(Value::is_complete)
    }

    pub(super) fn note_filled(&mut self, name: &str) {
        if let Some(value) = self.frame().slots.get(name) {
            let value = value.json();
            self.trace.push(Trace::Filled { slot: name.to_owned(), value });
        }
    }

    /// Calls the state's tool. A writing one is called only under a live confirmation of what it sends.
    fn invoke(&mut self, invoke: &Invoke) -> Next {
        let facts = self.facts();
        let arguments = arguments_of(invoke, &facts);
        if let Some(missing) = invoke.required.iter().find(|name| !arguments.contains_key(*name)) {
            return self.failed("missing_argument", &format!("{missing} has no value"));
        }
        if invoke.writes && !is_confirmed(invoke, self.frame(), &self.position.guest) {
            return self.failed("not_confirmed", "the guest has not said yes to exactly these values");
        }
        self.position.calls += 1;
        let call = Call {
            id: self.position.calls,
            tool: invoke.tool.clone(),
            arguments,
            writes: invoke.writes,
            retry: invoke.retry,
        };
        self.effects.push(Effect::Call(call.clone()));
        self.position.waiting = Waiting::Answer { call };
        Next::Pause
    }

    fn may_skip(&self, invoke: &Invoke) -> bool {
        let saved = invoke.save.as_ref().is_some_and(|name| self.frame().results.contains_key(name));
        let fresh = invoke.save.as_ref().is_some_and(|name| {
            self.flow().is_some_and(|flow| !is_stale(name, flow, self.frame(), self.moment))
        });
        saved && (invoke.writes || fresh)
    }

    /// Saves a tool's result and goes on.
    pub(super) fn succeeded(&mut self, result: Json) -> Next {
        let Some(Does::Invoke(invoke)) = self.state().map(|state| &state.does) else {
            self.ignored("an answer in a state that calls nothing");
            return self.wait(Expecting::Anything);
        };
        let inputs = inputs_of(invoke, self.frame());
        let fresh_until = invoke
            .fresh_for_ms
            .and_then(|ms| self.moment.at.checked_add_signed(TimeDelta::try_milliseconds(ms)?));
        self.frame_mut().error = None;
        if invoke.writes {
            self.frame_mut().confirmed = None;
        }
        if let Some(name) = &invoke.save {
            let frame = self.frame_mut();
            let revision = frame.slots.next_revision();
            let producer = frame.state.clone();
            frame
                .results
                .insert(name.clone(), Saved { value: result, producer, inputs, revision, fresh_until });
            self.keep_choices(name);
        }
        self.follow(&invoke.done)
    }

    /// After a list was made again: a choice made on it stays if it is still offered, as it is offered now.
    fn keep_choices(&mut self, result: &str) {
        let Some(flow) = self.flow() else {
            return;
        };
        for (name, slot) in &flow.slots {
            let Kind::Choice(Options::From { result: list, .. }) = &slot.kind else {
                continue;
            };
            if list != result {
                continue;
            }
            self.frame_mut().defaulted.remove(name);
            let Some(Value::Choice(chosen)) = self.frame().slots.get(name) else {
                continue;
            };
            let again = self.items(name).into_iter().find(|item| item.key == chosen.key);
            match again {
                Some(item) => {
                    if self.frame_mut().slots.put(name, Value::Choice(item)) {
                        self.note_filled(name);
                    }
                }
                None => {
                    self.frame_mut().slots.clear(name);
                }
            }
        }
    }

    /// Goes where a failed call goes.
    pub(super) fn failed(&mut self, code: &str, message: &str) -> Next {
        self.frame_mut().error = Some(json!({ "code": code, "message": message }));
        self.frame_mut().repair = None;
        let facts = self.facts();
        let cases = match self.state().map(|state| &state.does) {
            Some(Does::Invoke(invoke)) => invoke.error.as_slice(),
            _ => &[],
        };
        match pick(cases, &facts) {
            Some(case) => self.take_case(case, false, None),
            None => self.dispatch(Event::ToolFailed, None),
        }
    }

    /// Reads the values back. Results they come from are made again first if they went stale.
    fn confirm(&mut self, paths: &[Vec<String>]) -> Next {
        if let Some(next) = self.repair() {
            return next;
        }
        let facts = self.facts();
        let values: BTreeMap<String, Json> =
            paths.iter().map(|path| (path.join("."), value_at(&facts, path))).collect();
        let prompt = format!("confirm_{}", self.frame().flow);
        self.frame_mut().confirmed = None;
        let say = self.say(&prompt, Expecting::Confirmation, Vec::new(), None);
        self.frame_mut().read_back = Some(ReadBack { say, values, conveyed: false });
        self.wait(Expecting::Confirmation)
    }

    /// Whether the state's read-back is one that a yes may count for now.
    pub(super) fn can_be_affirmed(&self) -> bool {
        let facts = self.facts();
        self.first_stale().is_none()
            && self.frame().read_back.as_ref().is_some_and(|read| {
                read.conveyed
                    && read.values.iter().all(|(path, value)| {
                        let path: Vec<String> = path.split('.').map(str::to_owned).collect();
                        *value == value_at(&facts, &path)
                    })
            })
    }

    /// Begins a repair walk if a result on the way here went stale.
    fn repair(&mut self) -> Option<Next> {
        let from = self.first_stale()?;
        let frame = self.frame_mut();
        let goal = frame.state.clone();
        frame.repair = Some(Repair { goal: goal.clone(), path: frame.trail.clone() });
        frame.read_back = None;
        frame.confirmed = None;
        self.trace.push(Trace::Repairing { from: from.clone(), to: goal });
        Some(Next::Enter(from))
    }

    /// The first state on the way here whose saved result is stale. A write is never repaired.
    fn first_stale(&self) -> Option<String> {
        let flow: &Flow = self.flow()?;
        let frame: &Frame = self.frame();
        let is_stale_producer = |state: &&String| match flow.states.get(*state).map(|state| &state.does) {
            Some(Does::Invoke(invoke)) if !invoke.writes => invoke.save.as_ref().is_some_and(|name| {
                frame.results.get(name).is_some_and(|saved| saved.producer == **state)
                    && is_stale(name, flow, frame, self.moment)
            }),
            _ => false,
        };
        frame.trail.iter().find(is_stale_producer).cloned()
    }

    /// Takes the first case whose guard holds.
    pub(super) fn follow(&mut self, cases: &[Transition]) -> Next {
        let facts = self.facts();
        match pick(cases, &facts) {
            Some(case) => self.take_case(case, false, None),
            None => {
                self.ignored("no case of a guarded list holds");
                self.wait(Expecting::Anything)
            }
        }
    }

    /// Takes one case of a transition. `by_root`: it was the root chart's; `requested`: the flow the guest asked for.
    pub(super) fn take_case(&mut self, case: &Transition, by_root: bool, requested: Option<&str>) -> Next {
        for slot in &case.clear {
            self.frame_mut().slots.clear(slot);
            self.frame_mut().confirmed = None;
        }
        if case.say_again {
            self.say_again();
        } else if case.say.is_some() || case.go == Go::Stay {
            // A read-back is confirmed only while it is the last thing said.
            self.frame_mut().read_back = None;
        }
        if let Some(prompt) = &case.say {
            self.say(prompt, Expecting::Anything, Vec::new(), None);
        }
        match &case.go {
            Go::Stay if case.ask_again => Next::Resume,
            Go::Stay => self.wait_as_before(),
            Go::State(state) => {
                if by_root {
                    self.position.leave_flows();
                }
                Next::Enter(state.clone())
            }
            Go::Root(state) => {
                self.position.leave_flows();
                Next::Enter(state.clone())
            }
            Go::Run(flow) => self.begin(flow),
            Go::RunRequested => match requested {
                Some(flow) => self.begin(flow),
                None => self.wait_as_before(),
            },
            Go::NextPage => {
                self.page += 1;
                Next::Resume
            }
        }
    }

    /// Waits for what it waited for before this turn.
    fn wait_as_before(&mut self) -> Next {
        let expecting = match &self.position.waiting {
            Waiting::Guest { expecting, .. } | Waiting::Meaning { expecting, .. } => expecting.clone(),
            Waiting::Kept { .. } | Waiting::Answer { .. } | Waiting::Over { .. } => Expecting::Anything,
        };
        self.wait(expecting)
    }

    /// Begins a flow on top of what runs; when it ends, the guest is back there.
    fn begin(&mut self, name: &str) -> Next {
        let Some(flow) = self.flows.get(name) else {
            self.ignored("a flow that does not exist");
            return Next::Resume;
        };
        self.frame_mut().read_back = None;
        self.page = 0;
        let mut frame = Frame::new(&flow.name, &flow.initial);
        frame.trail.push(flow.initial.clone());
        if !self.said.is_empty() {
            frame.kept.push(self.said.clone());
        }
        self.position.push(frame);
        Next::Enter(flow.initial.clone())
    }

    fn finish(&mut self, outcome: &str) -> Next {
        self.remember();
        let flow = self.frame().flow.clone();
        self.trace.push(Trace::Ended { flow, outcome: outcome.to_owned() });
        self.page = 0;
        if self.position.pop() {
            return Next::Resume;
        }
        if outcome == HANDED_OVER {
            self.effects.push(Effect::HandOver);
        }
        self.effects.push(Effect::End);
        self.position.waiting = Waiting::Over { outcome: outcome.to_owned() };
        Next::Pause
    }

    /// Hands out the values the flow wants kept for the guest's next conversation.
    fn remember(&mut self) {
        let Some(flow) = self.flow() else {
            return;
        };
        for (name, _) in flow.slots.iter().filter(|(_, slot)| slot.remember) {
            let Some(value) = self.frame().slots.get(name).map(Value::json).filter(|value| !value.is_null())
            else {
                continue;
            };
            if self.position.guest.remembered.get(name) != Some(&value) {
                self.position.guest.remembered.insert(name.clone(), value.clone());
                self.effects.push(Effect::Remember { name: name.clone(), value });
            }
        }
    }
}

/// The first case whose guard holds.
pub(super) fn pick<'t>(
    cases: &'t [Transition],
    facts: &indexmap::IndexMap<String, Json>,
) -> Option<&'t Transition> {
    cases.iter().find(|case| case.guard.as_ref().is_none_or(|guard| guard.holds(facts)))
}
