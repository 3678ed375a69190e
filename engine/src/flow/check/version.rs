//! The version of a set of flows: a hash of everything they say.
//!
//! It is taken over names and not over numbers, and every field of the checked form is named here, so that a new one
//! cannot be forgotten. The order of files and of keys is no part of it; the order of slots and states is, because
//! positions are saved in their numbers.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::draft::Draft;
use super::world::World;
use crate::flow::{
    Action, After, Does, Each, Event, Flow, Flows, Form, Go, Handlers, Input, Invoke, Produced, Run, Slot,
    SlotId, State, StateId, Transition,
};
use crate::guard::Expression;

/// How many hexadecimal digits of the hash make a version.
const VERSION_DIGITS: usize = 16;

/// The hash of the flows and of the schemas they were checked against.
pub(super) fn version(world: &World<'_>, flows: &Flows) -> String {
    let tools: BTreeMap<&str, Json> = world
        .drafts
        .values()
        .flat_map(Draft::invokes)
        .filter_map(|(_, invoke)| world.tool(&invoke.tool.value))
        .map(|tool| (tool.name.as_str(), json!(tool)))
        .collect();
    let written: Vec<Json> = flows.flows.values().map(|flow| Written { flows, flow }.flow()).collect();
    let events: Vec<&str> = flows.events.iter().map(AsRef::as_ref).collect();
    let canonical = sorted(json!({ "flows": written, "events": events, "tools": tools })).to_string();
    digest(&canonical)
}

/// The hash of what one flow says, under the events that all of them name.
pub(super) fn meaning(flows: &Flows, flow: &Flow) -> String {
    digest(&sorted(Written { flows, flow }.flow()).to_string())
}

fn digest(canonical: &str) -> String {
    let digest = Sha256::digest(canonical.as_bytes());
    let digits: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    digits.chars().take(VERSION_DIGITS).collect()
}

fn sorted(value: Json) -> Json {
    match value {
        Json::Object(entries) => {
            let entries: BTreeMap<String, Json> =
                entries.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            entries.into_iter().collect()
        }
        Json::Array(items) => items.into_iter().map(sorted).collect(),
        other => other,
    }
}

struct Written<'v> {
    flows: &'v Flows,
    flow: &'v Flow,
}

impl Written<'_> {
    fn flow(&self) -> Json {
        let Flow {
            name,
            id: _,
            description,
            examples,
            slots,
            results,
            states,
            top: _,
            initial,
            has_history: _,
            deciding: _,
            has_eventless: _,
            covering: _,
            meaning: _,
            wished: _,
            places: _,
            on,
            was: _,
        } = self.flow;
        let slots: Vec<Json> =
            slots.iter().map(|(name, slot)| json!([name.as_ref(), self.slot_declared(slot)])).collect();
        let results: Vec<Json> =
            results.iter().map(|(name, Produced { by })| json!([name.as_ref(), self.states(by)])).collect();
        let states: Vec<Json> =
            states.iter().map(|(name, state)| json!([name.as_ref(), self.state_declared(state)])).collect();
        json!({
            "flow": name.as_ref(), "description": description, "examples": examples, "slots": slots,
            "results": results, "states": states, "initial": self.state(*initial), "on": self.handlers(on),
        })
    }

    fn slot_declared(&self, slot: &Slot) -> Json {
        let Slot {
            kind,
            optional,
            default,
            remember,
            merge,
            list: _,
            fixed: _,
            sets: _,
            ask,
            invalid,
            was: _,
        } = slot;
        json!({
            "kind": kind, "optional": optional, "default": default, "remember": remember, "merge": merge,
            "ask": ask.as_ref(), "invalid": invalid.as_ref(),
        })
    }

    fn state_declared(&self, state: &State) -> Json {
        let State { parent, form, entry, exit, on, always, after, was: _ } = state;
        let after: Vec<Json> = after
            .iter()
            .map(|After { delay_ms, cases }| json!([delay_ms, self.transitions(cases)]))
            .collect();
        json!({
            "parent": parent.map(|parent| self.state(parent)), "form": self.form(form), "on": self.handlers(on),
            "entry": self.actions(entry), "exit": self.actions(exit), "always": self.transitions(always),
            "after": after,
        })
    }

    fn form(&self, form: &Form) -> Json {
        match form {
            Form::Atomic(does) => self.does(does),
            Form::Compound { states: _, initial, done } => {
                json!({ "initial": self.state(*initial), "done": self.transitions(done) })
            }
            Form::Parallel { states: _, done } => json!({ "parallel": true, "done": self.transitions(done) }),
            Form::History { deep, default } => json!({ "deep": deep, "default": self.states(default) }),
        }
    }

    fn does(&self, does: &Does) -> Json {
        match does {
            Does::Rest => json!("rest"),
            Does::Held => json!("held"),
            Does::Collect { slots, then } => {
                json!({ "collect": self.slots(slots), "then": self.transitions(then) })
            }
            Does::Invoke(invoke) => self.invoke(invoke),
            Does::Run(run) => self.run(run),
            Does::Confirm { paths: _, prompt, sends: Some(sends), yes, no } => json!({
                "send": sends, "prompt": prompt.as_ref(), "yes": self.transitions(yes),
                "no": self.transitions(no),
            }),
            Does::Confirm { paths, prompt, sends: None, yes, no } => json!({
                "confirm": paths, "prompt": prompt.as_ref(), "yes": self.transitions(yes),
                "no": self.transitions(no),
            }),
            Does::Ask { prompt, then } => {
                json!({ "ask": prompt.as_ref(), "then": self.transitions(then) })
            }
            Does::Final { outcome, output } => json!({ "final": outcome.as_ref(), "output": output }),
        }
    }

    fn invoke(&self, invoke: &Invoke) -> Json {
        let Invoke {
            tool,
            with,
            required,
            inputs,
            each,
            save,
            fresh_for_ms,
            retry,
            cache_ms,
            writes,
            done,
            error,
            unknown,
        } = invoke;
        let with: BTreeMap<&str, &Expression> =
            with.iter().map(|(name, value)| (name.as_ref(), value)).collect();
        let required: Vec<&str> = required.iter().map(AsRef::as_ref).collect();
        json!({
            "invoke": tool.as_ref(), "with": with, "required": required, "inputs": self.inputs(inputs),
            "each": each.as_ref().map(each_of),
            "save": save.and_then(|save| self.flow.result_name(save)).map(AsRef::<str>::as_ref),
            "fresh_for": fresh_for_ms, "retry": retry, "cache": cache_ms, "writes": writes,
            "done": self.transitions(done), "error": self.transitions(error),
            "unknown": self.transitions(unknown),
        })
    }

    fn run(&self, run: &Run) -> Json {
        let Run { flow, with, inputs, each, save, done } = run;
        let other = self.flows.flow(*flow);
        let with: BTreeMap<&str, &Expression> = with
            .iter()
            .filter_map(|(slot, value)| Some((other?.slot_name(*slot)?.as_ref(), value)))
            .collect();
        json!({
            "run": other.map(|flow| flow.name.as_ref()), "with": with, "inputs": self.inputs(inputs),
            "each": each.as_ref().map(each_of),
            "save": save.and_then(|save| self.flow.result_name(save)).map(AsRef::<str>::as_ref),
            "done": self.transitions(done),
        })
    }

    /// Everything something is computed from, whatever the order.
    fn inputs(&self, inputs: &[Input]) -> Vec<String> {
        let mut names: Vec<String> = inputs
            .iter()
            .filter_map(|input| match input {
                Input::Slot(slot) => self.flow.slot_name(*slot),
                Input::Result(result) => self.flow.result_name(*result),
            })
            .map(|name| name.to_string())
            .collect();
        names.sort();
        names
    }

    fn handlers(&self, handlers: &Handlers) -> Json {
        let named = handlers.iter().map(|(event, cases)| {
            let name = match event {
                Event::Named(event) => {
                    format!("named {}", self.flows.event(*event).map_or("", |name| name.as_ref()))
                }
                event => format!("{event:?}"),
            };
            (name, self.transitions(cases))
        });
        json!(named.collect::<BTreeMap<String, Json>>())
    }

    fn transitions(&self, transitions: &[Transition]) -> Json {
        transitions.iter().map(|transition| self.transition(transition)).collect()
    }

    fn transition(&self, transition: &Transition) -> Json {
        let Transition { guard, actions, say_again, ask_again, reenter, go, at: _ } = transition;
        json!({
            "guard": guard, "actions": self.actions(actions), "say_again": say_again, "ask_again": ask_again,
            "reenter": reenter, "go": self.go(go),
        })
    }

    fn go(&self, go: &Go) -> Json {
        let of_root = |state: &StateId| {
            self.flows.root().and_then(|root| root.state_name(*state)).map(|name| name.to_string())
        };
        match go {
            Go::Stay => json!("stay"),
            Go::To(states) => json!({ "to": self.states(states) }),
            Go::Root(state) => json!({ "root": of_root(state) }),
            Go::Run(flow) => json!({ "run": self.flows.flow(*flow).map(|flow| flow.name.as_ref()) }),
            Go::RunRoot(state) => json!({ "run_root": of_root(state) }),
            Go::RunRequested => json!("run_requested"),
            Go::Queue => json!("queue"),
            Go::Undo => json!("undo"),
            Go::NextPage => json!("next_page"),
            Go::PreviousPage => json!("previous_page"),
        }
    }

    fn actions(&self, actions: &[Action]) -> Json {
        let action = |action: &Action| match action {
            Action::Say(prompt) => json!({ "say": prompt.as_ref() }),
            Action::Clear(slots) => json!({ "clear": self.slots(slots) }),
            Action::Set { slot, value } => json!({ "set": self.slots(&[*slot]), "value": value }),
            Action::Raise(event) => {
                json!({ "raise": self.flows.event(*event).map(AsRef::<str>::as_ref) })
            }
        };
        actions.iter().map(action).collect()
    }

    fn slots(&self, slots: &[SlotId]) -> Vec<&str> {
        slots.iter().filter_map(|slot| self.flow.slot_name(*slot)).map(AsRef::as_ref).collect()
    }

    fn state(&self, state: StateId) -> &str {
        self.flow.state_name(state).map_or("", |name| name.as_ref())
    }

    fn states(&self, states: &[StateId]) -> Vec<&str> {
        states.iter().map(|state| self.state(*state)).collect()
    }
}

fn each_of(each: &Each) -> Json {
    let Each { list, item } = each;
    json!({ "list": list, "item": item.as_ref() })
}
