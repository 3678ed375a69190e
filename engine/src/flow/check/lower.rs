//! From a draft without mistakes to the checked form, and the version of a set of flows.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};

use super::draft::{Draft, DraftCase, DraftDoes, DraftGo, DraftHandlers, DraftInvoke};
use super::formula::Formula;
use super::schema::Schema;
use super::world::World;
use crate::flow::raw::At;
use crate::flow::{Does, Flow, Flows, Go, Handlers, Invoke, Slot, State, Transition};

/// How many hexadecimal digits of the hash make a version.
const VERSION_DIGITS: usize = 16;

/// The checked form of all flows.
pub(super) fn flows(world: &World<'_>) -> Flows {
    let flows: IndexMap<String, Flow> =
        world.drafts.iter().map(|(name, draft)| (name.clone(), flow(world, draft))).collect();
    let version = version(world, &flows);
    Flows { flows, version }
}

/// The hash of the flows and of the schemas they were checked against. The order of files and keys is no part of it.
fn version(world: &World<'_>, flows: &IndexMap<String, Flow>) -> String {
    let tools: BTreeMap<&str, Json> = world
        .drafts
        .values()
        .flat_map(Draft::invokes)
        .filter_map(|(_, invoke)| world.tool(&invoke.tool.value))
        .map(|tool| (tool.name.as_str(), json!(tool)))
        .collect();
    let canonical = sorted(json!({ "flows": flows, "tools": tools })).to_string();
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

fn flow(world: &World<'_>, draft: &Draft) -> Flow {
    let slots = draft.slots.iter().filter_map(|(name, slot)| {
        let slot = Slot {
            kind: slot.kind.clone()?,
            optional: slot.optional,
            default: slot.default.as_ref().and_then(|default| default.expression.clone()),
            remember: slot.remember,
        };
        Some((name.clone(), slot))
    });
    let states = draft.states.iter().filter_map(|(name, state)| {
        let state = State {
            say: state.say.as_ref().map(|say| say.value.clone()),
            does: does(world, draft, &state.does, state.saves.as_ref())?,
            on: handlers(draft, &state.on),
        };
        Some((name.clone(), state))
    });
    Flow {
        name: draft.name.value.clone(),
        description: draft.description.clone(),
        examples: draft.examples.clone(),
        slots: slots.collect(),
        initial: draft.start().unwrap_or_default().to_owned(),
        on: handlers(draft, &draft.on),
        states: states.collect(),
    }
}

fn does(world: &World<'_>, draft: &Draft, does: &DraftDoes, saves: Option<&At<String>>) -> Option<Does> {
    Some(match does {
        DraftDoes::Collect { slots, then } => {
            Does::Collect { slots: values(slots), then: transitions(draft, then) }
        }
        DraftDoes::Invoke(invoke) => Does::Invoke(Box::new(call(world, draft, invoke, saves))),
        DraftDoes::Confirm { paths, yes, no } => {
            Does::Confirm { paths: values(paths), yes: transitions(draft, yes), no: transitions(draft, no) }
        }
        DraftDoes::Ask { prompt, then } => {
            Does::Ask { prompt: prompt.value.clone(), then: transitions(draft, then) }
        }
        DraftDoes::Always(then) => Does::Always(transitions(draft, then)),
        DraftDoes::Wait => Does::Wait,
        DraftDoes::Final(outcome) => Does::Final(outcome.clone()),
        DraftDoes::Unread => return None,
    })
}

fn call(world: &World<'_>, draft: &Draft, invoke: &DraftInvoke, saves: Option<&At<String>>) -> Invoke {
    let tool = world.tool(&invoke.tool.value);
    let required = tool.map(|tool| Schema::of(&tool.input_schema).required()).unwrap_or_default();
    let with = invoke.with.iter().filter_map(|(name, value): &(At<String>, Formula)| {
        Some((name.value.clone(), value.expression.clone()?))
    });
    Invoke {
        tool: invoke.tool.value.clone(),
        with: with.collect(),
        required: required.into_iter().map(str::to_owned).collect(),
        save: saves.map(|saves| saves.value.clone()),
        fresh_for_ms: invoke.fresh_for_ms,
        retry: invoke.retry,
        writes: tool.is_none_or(|tool| !tool.read_only),
        done: transitions(draft, &invoke.done),
        error: transitions(draft, &invoke.error),
    }
}

fn handlers(draft: &Draft, handlers: &DraftHandlers) -> Handlers {
    handlers.iter().map(|(event, cases)| (event.value, transitions(draft, cases))).collect()
}

fn transitions(draft: &Draft, cases: &[DraftCase]) -> Vec<Transition> {
    cases.iter().filter_map(|case| transition(draft, case)).collect()
}

fn transition(draft: &Draft, case: &DraftCase) -> Option<Transition> {
    let go = match &case.go {
        DraftGo::Stay => Go::Stay,
        DraftGo::NextPage => Go::NextPage,
        DraftGo::Run(flow) if flow.value == "requested" => Go::RunRequested,
        DraftGo::Run(flow) => Go::Run(flow.value.clone()),
        DraftGo::Target(target) if draft.states.contains_key(&target.value) => {
            Go::State(target.value.clone())
        }
        DraftGo::Target(target) => Go::Root(target.value.clone()),
        DraftGo::Unread => return None,
    };
    let stays = go == Go::Stay;
    Some(Transition {
        guard: case.guard.as_ref().and_then(|guard| guard.expression.clone()),
        say: case.say.as_ref().map(|say| say.value.clone()),
        say_again: case.say_again,
        ask_again: case.ask_again.unwrap_or(stays && !case.say_again),
        clear: values(&case.clear),
        go,
    })
}

fn values<T: Clone>(placed: &[At<T>]) -> Vec<T> {
    placed.iter().map(|one| one.value.clone()).collect()
}
