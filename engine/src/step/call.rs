//! Calls of tools: what they are given, what comes of them, and what their results change.

use std::sync::Arc;

use chrono::TimeDelta;
use serde_json::Value as Json;

use super::facts::{arguments_of, is_confirmed, items, made, revisions_of};
use super::walk::Source;
use super::{Machine, Trace};
use crate::effect::{Arguments, Effect};
use crate::facts::item_of;
use crate::flow::{Does, Event, Input, Invoke, ResultId, SlotId, StateId};
use crate::input::Outcome;
use crate::position::{Active, Failure, Open, Saved, Task, Waiting};
use crate::slot::Value;

/// Calls that states may make before anything but an answer comes.
const MOST_CALLS: u32 = 64;

impl<'f> Machine<'f, '_> {
    /// Calls the state's tool. A writing one is called only under a live confirmation of what it sends. True when it
    /// is done without waiting for an answer.
    pub(super) fn invoke(&mut self, state: StateId, invoke: &'f Invoke) -> bool {
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
        if self.position.unasked >= MOST_CALLS {
            self.stopped(state);
            return true;
        }
        self.position.unasked += 1;
        let calls = match self.calls_of(state, invoke) {
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
            self.moved.effects.push(Effect::Call(made(call, invoke, arguments)));
            open.push(Open { call, since, result: None });
        }
        self.set_task(state, Task::Calling(open));
        false
    }

    /// The arguments of every call that an invocation makes.
    fn calls_of(&self, state: StateId, invoke: &Invoke) -> Result<Vec<Arguments>, (&'static str, String)> {
        let Some(view) = self.view() else { return Ok(Vec::new()) };
        if invoke.writes && !is_confirmed(state, &view) {
            return Err(("not_confirmed", "the guest has not said yes to exactly these values".to_owned()));
        }
        let complete =
            |arguments: Arguments| match invoke.required.iter().find(|name| !arguments.contains(name)) {
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
                    Some(case) => self.take_case(Source::State(state), case, None),
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
    pub(super) fn save(
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
                    if self.facts_mut().slots.put(id, Value::Choice(item)) {
                        self.note_filled(id);
                    }
                }
                None => {
                    self.facts_mut().slots.clear(id);
                }
            }
        }
    }

    /// Nothing but calls: the flow goes in a circle that its guest is not in. The root chart answers, which hands over.
    fn stopped(&mut self, state: StateId) {
        self.ignored("endless calls were stopped");
        self.fail("too_many_calls", "the flow calls tools again and again");
        self.set_task(state, Task::Waiting);
        let cases = self.flows.root().and_then(|root| root.on.get(&Event::ToolFailed));
        let case = cases.and_then(|cases| self.pick(cases));
        self.tell(Trace::Event { event: Event::ToolFailed, handled: case.is_some() });
        if let Some(case) = case {
            self.take_case(Source::Root, case, None);
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
            Some(case) => self.take_case(Source::State(state), case, None),
            None => self.dispatch(Event::ToolFailed, None),
        }
    }
}
