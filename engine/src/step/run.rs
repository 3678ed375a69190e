//! Flows that a state runs.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value as Json;

use super::Machine;
use super::task::HeardSlot;
use crate::flow::{Does, Run, SlotId, StateId};
use crate::position::{Caller, Task};
use crate::slot::Heard;

impl<'f> Machine<'f, '_> {
    /// Runs a flow for a state. True when it is done without running anything.
    pub(super) fn run(&mut self, state: StateId, run: &'f Run) -> bool {
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
                && let Err(why) = self.fill_one(&HeardSlot { slot, heard: Cow::Owned(heard), said: false })
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
}
