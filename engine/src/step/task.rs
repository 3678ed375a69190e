//! What active states are for: asking, calling, running, reading back.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::Value as Json;

use super::facts::{arguments_of, is_confirmed, items, made, read_by, revisions_of, still_holds};
use super::{Decider, Machine, Trace};
use crate::effect::{Effect, Expecting};
use crate::facts::{View, has_items, item_of};
use crate::flow::{Does, Event, Input, Invoke, ResultId, Run, SlotId, StateId, Transition};
use crate::guard::Path;
use crate::input::Outcome;
use crate::position::{Active, Caller, Failure, Open, ReadBack, Saved, Task, Waiting};
use crate::slot::{Heard, Invalid, Kind, Options, Value};

/// The arguments of one call.
type Arguments = indexmap::IndexMap<Arc<str>, Json>;

/// What was heard for a slot.
pub(super) struct HeardSlot {
    pub(super) slot: SlotId,
    pub(super) heard: Heard,
    /// Whether the guest said it, and it does not only follow from what they said.
    pub(super) said: bool,
}

impl<'f> Machine<'f> {
    /// Does what the next active state is for. False when nothing more can be done now.
    pub(super) fn perform_next(&mut self) -> bool {
        let Some(flow) = self.flow() else { return false };
        let mut asks: Option<StateId> = None;
        let mut open = false;
        for place in 0..self.frame().active.len() {
            let Some(Active { state, task }) = self.frame().active.get(place) else { break };
            let Some(does) = flow.does(*state) else { continue };
            let state = *state;
            match (task, does) {
                (Task::Fresh, Does::Rest | Does::Final { .. }) => self.set_task(state, Task::Waiting),
                (Task::Fresh, Does::Held) => {
                    self.set_task(state, Task::Waiting);
                    self.effects.push(Effect::HandOver);
                }
                (Task::Fresh, Does::Invoke(invoke)) => {
                    self.decided(Decider::State(state));
                    if self.invoke(state, invoke) {
                        return true;
                    }
                }
                (Task::Fresh, Does::Collect { slots, then }) => {
                    if slots.iter().all(|slot| self.has(*slot)) {
                        // Nobody need be asked, so nothing has to be waited for.
                        self.follow(state, then);
                        return true;
                    }
                    asks = asks.or(Some(state));
                }
                (Task::Fresh, Does::Confirm { .. } | Does::Ask { .. } | Does::Run(_)) => {
                    asks = asks.or(Some(state));
                }
                (Task::Waiting, does) => open |= does.asks(),
                (Task::Calling(_) | Task::Running { .. }, _) => {}
            }
        }
        if self.dry {
            return match asks.filter(|_| !open) {
                Some(state) => self.pass_dry(state),
                None => false,
            };
        }
        // While calls are out, and while a question is open, nobody else asks.
        if let (Some(state), false, false) = (asks, open, self.frame().is_calling()) {
            return self.ask(state);
        }
        if self.frame().is_calling() {
            return false;
        }
        self.take_up_wish()
    }

    /// Does what a state does that needs the guest. False when it waits for them.
    fn ask(&mut self, state: StateId) -> bool {
        let Some(does) = self.flow().and_then(|flow| flow.does(state)) else { return false };
        self.decided(Decider::State(state));
        match does {
            Does::Collect { slots, then } => self.collect(state, slots, then),
            Does::Confirm { paths, prompt, .. } => self.confirm(state, paths, prompt),
            Does::Ask { then, .. } if self.repeats(state) => {
                self.follow(state, then);
                true
            }
            Does::Ask { prompt, .. } => {
                self.say(prompt, Expecting::Change, None);
                self.wait(state, Expecting::Change);
                false
            }
            Does::Run(run) => self.run(state, run),
            Does::Rest | Does::Held | Does::Final { .. } | Does::Invoke(_) => false,
        }
    }

    /// Passes over a state that needs nothing of the guest any more; else it stays open and unasked. One that collects
    /// what is known already was passed over before.
    fn pass_dry(&mut self, state: StateId) -> bool {
        let Some(does) = self.flow().and_then(|flow| flow.does(state)) else { return false };
        let onward = match does {
            Does::Ask { then, .. } if self.repeats(state) => then,
            Does::Confirm { yes, .. } if self.repeats(state) && self.has_written() => yes,
            Does::Run(run) if self.repeats(state) && self.is_fresh(run.save, false) => &run.done,
            // What is not known yet is asked when the guest is back.
            _ => return false,
        };
        self.passed_dry = Some(Arc::clone(self.frame()));
        self.follow(state, onward);
        true
    }

    /// Whether a call of the active flow has written already: what was confirmed for it was confirmed.
    fn has_written(&self) -> bool {
        let Some(flow) = self.flow() else { return false };
        self.frame()
            .results
            .iter()
            .flatten()
            .any(|saved| matches!(flow.does(saved.producer), Some(Does::Invoke(invoke)) if invoke.writes))
    }

    /// The state's question is open now.
    pub(super) fn wait(&mut self, state: StateId, expecting: Expecting) {
        self.set_task(state, Task::Waiting);
        if self.frame().repair.is_some() {
            self.frame_mut().repair = None;
        }
        if let Some(flow) = self.flow()
            && let Some(name) = flow.state_name(state)
        {
            let (flow, state) = (Arc::clone(&flow.name), Arc::clone(name));
            self.trace.push(Trace::Asked { flow, state, expecting: expecting.clone() });
        }
        self.expecting = expecting;
    }

    /// Asks for the first slot that is missing; goes on when none is.
    fn collect(&mut self, state: StateId, slots: &[SlotId], then: &'f [Transition]) -> bool {
        let Some(flow) = self.flow() else { return false };
        for &id in slots {
            if self.has(id) {
                continue;
            }
            let (Some(slot), Some(name)) = (flow.slot(id), flow.slot_name(id)) else { continue };
            let from_result = matches!(slot.kind, Kind::Choice(Options::From { .. }));
            let tried = self.frame().tried.contains(&id);
            if from_result && slot.optional && tried {
                // What the guest said already was tried on the list: asking for less than that is no help.
                self.facts_mut().slots.put(id, Value::NoPreference);
                continue;
            }
            if from_result && !self.frame().kept.is_empty() && !tried {
                self.frame_mut().tried.push(id);
                self.effects.push(Effect::Understand);
                self.position.waiting = Waiting::Kept { slot: Arc::clone(name) };
                self.paused = true;
                return false;
            }
            let frame = self.frame_mut();
            frame.asked.retain(|asked| *asked != id);
            frame.asked.push(id);
            let expecting = Expecting::Slot(Arc::clone(name));
            self.say(&slot.ask, expecting.clone(), None);
            self.wait(state, expecting);
            return false;
        }
        self.follow(state, then);
        true
    }

    /// Whether a slot has a value, if need be its default.
    fn has(&mut self, id: SlotId) -> bool {
        self.frame().slots.get(id).is_some_and(Value::is_complete) || self.take_default(id)
    }

    /// Fills an empty slot from its default, once. True when that worked.
    fn take_default(&mut self, id: SlotId) -> bool {
        let Some(slot) = self.flow().and_then(|flow| flow.slot(id)) else { return false };
        let Some(default) = &slot.default else { return false };
        let frame = self.frame();
        if frame.slots.get(id).is_some() || frame.defaulted.contains(&id) || !has_items(slot, frame) {
            return false;
        }
        let json = self.view().map(|view| default.evaluate(&view)).unwrap_or_default();
        self.frame_mut().defaulted.push(id);
        let Some(heard) = Heard::from_json(&slot.kind, &json) else { return false };
        let filled = self.fill_one(&HeardSlot { slot: id, heard, said: false }).is_ok();
        filled && self.frame().slots.get(id).is_some_and(Value::is_complete)
    }

    /// Fills one slot of the active flow. `Ok(true)` when its value changed.
    pub(super) fn fill_one(&mut self, heard: &HeardSlot) -> Result<bool, Invalid> {
        let Some(slot) = self.flow().and_then(|flow| flow.slot(heard.slot)) else {
            return Err(Invalid::WrongType);
        };
        let item = match &heard.heard {
            Heard::Choice(key) => item_of(slot, self.frame(), key),
            _ => None,
        };
        let today = self.moment.today;
        let changed = self.facts_mut().slots.fill(heard.slot, slot, &heard.heard, |_| item, today)?;
        if changed {
            self.note_filled(heard.slot);
        }
        Ok(changed)
    }

    pub(super) fn note_filled(&mut self, slot: SlotId) {
        if let (Some(flow), Some(value)) = (self.flow(), self.frame().slots.get(slot).cloned())
            && let Some(name) = flow.slot_name(slot)
        {
            self.trace.push(Trace::Filled { slot: Arc::clone(name), value });
        }
    }

    pub(super) fn refused(&mut self, slot: SlotId, why: Invalid) {
        if let Some(name) = self.flow().and_then(|flow| flow.slot_name(slot)) {
            self.trace.push(Trace::Refused { slot: Arc::clone(name), why });
        }
    }

    /// Calls the state's tool. A writing one is called only under a live confirmation of what it sends. True when it
    /// is done without waiting for an answer.
    fn invoke(&mut self, state: StateId, invoke: &'f Invoke) -> bool {
        let known = invoke.save.and_then(|save| self.frame().result(save));
        let carried = self.dry && known.is_some_and(|saved| saved.producer == state);
        if (self.repeats(state) || carried) && self.is_fresh(invoke.save, invoke.writes) {
            let passing = std::mem::replace(&mut self.passing, true);
            self.follow(state, &invoke.done);
            self.passing = passing;
            return true;
        }
        if self.dry {
            return false;
        }
        let calls = match self.calls_of(invoke) {
            Ok(calls) => calls,
            Err((code, message)) => {
                self.failed(state, code, &message);
                return true;
            }
        };
        if calls.is_empty() {
            let since = self.frame().slots.newest();
            self.succeeded(state, invoke, Arc::new(Json::Array(Vec::new())), since);
            return true;
        }
        let mut open = Vec::with_capacity(calls.len());
        let since = self.frame().slots.newest();
        for arguments in calls {
            self.position.calls += 1;
            let call = self.position.calls;
            self.effects.push(Effect::Call(made(call, invoke, arguments)));
            open.push(Open { call, since, result: None });
        }
        self.set_task(state, Task::Calling(open));
        false
    }

    /// The arguments of every call that an invocation makes.
    fn calls_of(&self, invoke: &Invoke) -> Result<Vec<Arguments>, (&'static str, String)> {
        let Some(view) = self.view() else { return Ok(Vec::new()) };
        if invoke.writes && !is_confirmed(invoke, &view) {
            return Err(("not_confirmed", "the guest has not said yes to exactly these values".to_owned()));
        }
        let complete =
            |arguments: Arguments| match invoke.required.iter().find(|name| !arguments.contains_key(&**name))
            {
                Some(missing) => Err(("missing_argument", format!("{missing} has no value"))),
                None => Ok(arguments),
            };
        match &invoke.each {
            None => Ok(vec![complete(arguments_of(invoke, &view))?]),
            Some(each) => {
                let mut calls = Vec::new();
                for item in items(invoke, &view) {
                    let Some(view) = self.view_of(&each.item, item) else { continue };
                    calls.push(complete(arguments_of(invoke, &view))?);
                }
                Ok(calls)
            }
        }
    }

    /// The facts with the item of a list.
    fn view_of(&self, name: &Arc<str>, item: Arc<Json>) -> Option<View<'_>> {
        let mut view = self.view()?;
        view.item = Some((Arc::clone(name), item));
        Some(view)
    }

    /// Takes in a tool's answer. False where no call waits for it.
    pub(super) fn answered(&mut self, call: u32, outcome: &Outcome) -> bool {
        let Some(flow) = self.flow() else { return false };
        let asked = self.frame().active.iter().find_map(|Active { state, task }| match task {
            Task::Calling(open) => {
                let asked = open.iter().find(|open| open.call == call && open.result.is_none())?;
                Some((*state, asked.since))
            }
            _ => None,
        });
        let (Some((state, since)), Waiting::Answers) = (asked, &self.position.waiting) else {
            self.ignored("an answer to no open call");
            return false;
        };
        let Some(Does::Invoke(invoke)) = flow.does(state) else { return false };
        match outcome {
            Outcome::Ok { result } => {
                if let Some(all) = self.gather(state, call, Arc::clone(result), invoke.each.is_some()) {
                    self.succeeded(state, invoke, all, since);
                }
            }
            Outcome::Error { code, message } => self.failed(state, code, message),
            Outcome::Unknown { message } => {
                // What may have happened must not be done again on the same yes.
                self.frame_mut().confirmed = None;
                self.fail("outcome_unknown", message);
                match self.pick(&invoke.unknown) {
                    Some(case) => self.take_case(super::walk::Source::State(state), case, None),
                    None => self.failed(state, "outcome_unknown", message),
                }
            }
        }
        true
    }

    /// Puts an answer to its call; the whole result once every call has one.
    fn gather(&mut self, state: StateId, call: u32, result: Arc<Json>, many: bool) -> Option<Arc<Json>> {
        if !many {
            return Some(result);
        }
        let active = self.frame_mut().active.iter_mut().find(|active| active.state == state)?;
        let Task::Calling(open) = &mut active.task else { return None };
        open.iter_mut().find(|open| open.call == call)?.result = Some(result);
        let all: Option<Vec<Json>> = open.iter().map(|open| open.result.as_deref().cloned()).collect();
        all.map(|all| Arc::new(Json::Array(all)))
    }

    /// Saves a tool's result and goes on. `since` is the newest revision it can have been computed from.
    fn succeeded(&mut self, state: StateId, invoke: &'f Invoke, result: Arc<Json>, since: u32) {
        let frame = self.facts_mut();
        frame.error = None;
        if invoke.writes {
            frame.confirmed = None;
            // What was written cannot be taken back by taking back words.
            frame.changes.clear();
        }
        self.set_task(state, Task::Waiting);
        if let Some(save) = invoke.save {
            let fresh = invoke.fresh_for_ms;
            self.save(save, state, result, &invoke.inputs, since, fresh);
        }
        self.follow(state, &invoke.done);
    }

    /// Keeps a result. What another region changed after `since` it was not computed from: it is stale at once then.
    fn save(
        &mut self,
        id: ResultId,
        producer: StateId,
        value: Arc<Json>,
        inputs: &[Input],
        since: u32,
        fresh: Option<i64>,
    ) {
        let mut inputs = revisions_of(inputs, self.frame());
        inputs.iter_mut().filter(|revision| **revision > since).for_each(|revision| *revision = 0);
        let fresh_until = fresh
            .and_then(|ms| self.moment.at.checked_add_signed(TimeDelta::try_milliseconds(ms)?))
            .map(|until| until.timestamp_millis());
        let frame = self.facts_mut();
        let revision = frame.slots.next_revision();
        frame.save(id, Arc::new(Saved { value, producer, inputs, revision, fresh_until }));
        self.keep_choices(id);
    }

    /// After a list was made again: a choice made on it stays if it is still offered, as it is offered now.
    fn keep_choices(&mut self, list: ResultId) {
        let Some(flow) = self.flow() else { return };
        for (index, slot) in flow.slots.values().enumerate() {
            if slot.list != Some(list) {
                continue;
            }
            let id = SlotId::at(index);
            if self.frame().defaulted.contains(&id) {
                self.frame_mut().defaulted.retain(|slot| *slot != id);
            }
            let Some(Value::Choice(chosen)) = self.frame().slots.get(id) else { continue };
            match item_of(slot, self.frame(), &chosen.key) {
                Some(item) => {
                    if self.facts_mut().slots.put(id, Value::Choice(Arc::new(item))) {
                        self.note_filled(id);
                    }
                }
                None => {
                    self.facts_mut().slots.clear(id);
                }
            }
        }
    }

    fn fail(&mut self, code: &str, message: &str) {
        let frame = self.facts_mut();
        frame.error = Some(Failure { code: code.into(), message: message.into() });
        frame.repair = None;
    }

    /// Goes where a failed call goes.
    fn failed(&mut self, state: StateId, code: &str, message: &str) {
        self.fail(code, message);
        self.set_task(state, Task::Waiting);
        let cases = match self.flow().and_then(|flow| flow.does(state)) {
            Some(Does::Invoke(invoke)) => invoke.error.as_slice(),
            _ => &[],
        };
        match self.pick(cases) {
            Some(case) => self.take_case(super::walk::Source::State(state), case, None),
            None => self.dispatch(Event::ToolFailed, None),
        }
    }

    /// Runs a flow for a state. True when it is done without running anything.
    fn run(&mut self, state: StateId, run: &'f Run) -> bool {
        if self.repeats(state) && self.is_fresh(run.save, false) {
            self.follow(state, &run.done);
            return true;
        }
        match &run.each {
            None => self.run_item(state, run, 0, Json::Null, None),
            Some(_) => self.run_next(state, run, 0, Json::Array(Vec::new())),
        }
        true
    }

    /// Runs the flow for the next item of its list, or is done.
    fn run_next(&mut self, state: StateId, run: &'f Run, item: u32, outputs: Json) {
        let list = run.each.as_ref().and_then(|each| Some(each.list.evaluate(&self.view()?)));
        let next =
            list.as_ref().and_then(Json::as_array).and_then(|list| list.get(usize::try_from(item).ok()?));
        match next {
            Some(next) => self.run_item(state, run, item, outputs, Some(Arc::new(next.clone()))),
            None => self.ran(state, run, Arc::new(outputs)),
        }
    }

    fn run_item(&mut self, state: StateId, run: &'f Run, item: u32, outputs: Json, value: Option<Arc<Json>>) {
        let Some(declared) = self.flows.flow(run.flow) else { return };
        let given: Vec<(SlotId, Json)> = {
            let view = match (&run.each, value) {
                (Some(each), Some(value)) => self.view_of(&each.item, value),
                _ => self.view(),
            };
            let Some(view) = view else { return };
            run.with.iter().map(|(slot, expression)| (*slot, expression.evaluate(&view))).collect()
        };
        self.set_task(state, Task::Running { item, outputs: Arc::new(outputs) });
        self.begin(run.flow, Caller::State(state));
        for (slot, json) in given {
            let heard = declared.slot(slot).and_then(|slot| Heard::from_json(&slot.kind, &json));
            if let Some(heard) = heard
                && let Err(why) = self.fill_one(&HeardSlot { slot, heard, said: false })
            {
                self.refused(slot, why);
            }
        }
        self.enter_first(declared.initial);
    }

    /// A flow that a state ran has ended.
    pub(super) fn returned(&mut self, state: StateId, outcome: &Arc<str>, output: Json) {
        self.facts_mut().outcome = Some(Arc::clone(outcome));
        let Some(Does::Run(run)) = self.flow().and_then(|flow| flow.does(state)) else {
            return self.resume();
        };
        let task =
            self.frame().active.iter().find(|active| active.state == state).map(|active| active.task.clone());
        match task {
            Some(Task::Running { item, outputs }) if run.each.is_some() => {
                let mut outputs = outputs.as_array().cloned().unwrap_or_default();
                outputs.push(output);
                self.run_next(state, run, item.saturating_add(1), Json::Array(outputs));
            }
            _ => self.ran(state, run, Arc::new(output)),
        }
    }

    fn ran(&mut self, state: StateId, run: &'f Run, output: Arc<Json>) {
        self.set_task(state, Task::Waiting);
        if let Some(save) = run.save {
            let since = self.frame().slots.newest();
            self.save(save, state, output, &run.inputs, since, None);
        }
        self.follow(state, &run.done);
    }

    /// Reads the values back. Results they come from are made again first if they went stale.
    fn confirm(&mut self, state: StateId, paths: &[Path], prompt: &Arc<str>) -> bool {
        if self.repair() {
            return true;
        }
        let Some(what) = self.view().map(|view| read_by(state, paths, &view)) else { return false };
        self.frame_mut().confirmed = None;
        let say = self.say(prompt, Expecting::Confirmation, None);
        self.frame_mut().read_back = Some(ReadBack { say, what, conveyed: false });
        self.wait(state, Expecting::Confirmation);
        false
    }

    /// Whether the open read-back is one that a yes may count for now.
    pub(super) fn can_be_affirmed(&self) -> bool {
        self.first_stale().is_none()
            && self.frame().read_back.as_ref().is_some_and(|read| {
                read.conveyed && self.view().is_some_and(|view| still_holds(&read.what, &view))
            })
    }

    /// Says why a value can't be, and waits for another.
    pub(super) fn refuse(&mut self, slot: SlotId, why: Invalid) {
        let Some(flow) = self.flow() else { return };
        let (Some(declared), Some(name)) = (flow.slot(slot), flow.slot_name(slot)) else { return };
        let expecting = Expecting::Slot(Arc::clone(name));
        self.decided(Decider::Slot(slot));
        self.say(&declared.invalid, expecting.clone(), Some(why));
        // The question is open in whichever state asks; none asks anything else meanwhile.
        for active in &mut self.frame_mut().active {
            if active.task == Task::Fresh && flow.does(active.state).is_some_and(Does::asks) {
                active.task = Task::Waiting;
            }
        }
        self.expecting = expecting;
    }
}
