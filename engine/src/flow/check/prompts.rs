//! Whether every prompt that flows name exists, for every language and channel, and uses what flows have.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::draft::{Draft, DraftAction, DraftDoes, DraftEvent};
use super::near::nearest;
use super::report::Report;
use super::world::{PROMPT_VARIABLES, World};
use crate::catalog::{PromptKey, Prompts};
use crate::flow::error::Rule;
use crate::flow::raw::{At, Spot};

/// The prompt said to a value that does not fit, where a slot has none of its own.
const INVALID: &str = "invalid";

/// Functions that templates have.
const FUNCTIONS: &[&str] = &["dict", "namespace", "range"];

/// A prompt that a flow names, and the flow.
struct Use<'w> {
    flow: &'w Draft,
    at: Spot,
    /// Whether the author wrote the name, and did not only name a slot.
    written: bool,
}

/// Where a flow says something in answer to a named event: there the event is known.
fn heard(flow: &Draft) -> BTreeSet<Spot> {
    let handlers = flow.states.values().flat_map(|state| &state.on).chain(&flow.on);
    let named = handlers.filter(|(event, _)| matches!(event.value, DraftEvent::Named(_)));
    let actions = named.flat_map(|(_, cases)| cases).flat_map(|case| &case.actions);
    let said = actions.filter_map(|action| match action {
        DraftAction::Say(say) => Some(say.at),
        DraftAction::Clear(_) | DraftAction::Set(..) | DraftAction::Raise(_) => None,
    });
    said.collect()
}

/// The prompt that asks whether to send something in this way.
pub(super) fn consent(to: &str) -> String {
    format!("consent_{to}")
}

/// The prompts that flows name, and those they have only where somebody wrote them.
struct Uses<'w> {
    needed: IndexMap<String, Vec<Use<'w>>>,
    optional: IndexMap<String, Vec<Use<'w>>>,
}

/// The names of all prompts that flows can say.
pub(super) fn names(world: &World<'_>) -> BTreeSet<String> {
    let Uses { needed, optional } = uses(world);
    needed.into_keys().chain(optional.into_keys()).collect()
}

fn uses<'w>(world: &World<'w>) -> Uses<'w> {
    let mut uses: IndexMap<String, Vec<Use<'w>>> = IndexMap::new();
    let mut optional: IndexMap<String, Vec<Use<'w>>> = IndexMap::new();
    for flow in world.drafts.values() {
        let mut add = |name: &str, at, written| {
            uses.entry(name.to_owned()).or_default().push(Use { flow, at, written });
        };
        for action in flow.actions() {
            if let DraftAction::Say(say) = action {
                add(&say.value, say.at, true);
            }
        }
        for state in flow.states.values() {
            match &state.does {
                DraftDoes::Ask { prompt, .. } => add(&prompt.value, prompt.at, true),
                DraftDoes::Confirm { sends: Some(sends), .. } => {
                    add(&sends.prompt.value, sends.prompt.at, true);
                    if is_way(world, &sends.to.value) {
                        add(&consent(&sends.to.value), sends.to.at, false);
                    }
                }
                DraftDoes::Confirm { sends: None, .. } => {
                    add(&format!("confirm_{}", flow.name.value), state.at, false)
                }
                DraftDoes::Collect { slots, .. } => {
                    for slot in slots.iter().filter(|slot| flow.slots.contains_key(&slot.value)) {
                        add(&format!("ask_{}", slot.value), slot.at, false);
                        let name = format!("{INVALID}_{}", slot.value);
                        optional.entry(name).or_default().push(Use { flow, at: slot.at, written: false });
                    }
                }
                DraftDoes::Invoke(_)
                | DraftDoes::Run(_)
                | DraftDoes::Rest { .. }
                | DraftDoes::Held
                | DraftDoes::Final { .. }
                | DraftDoes::Compound { .. }
                | DraftDoes::Parallel { .. }
                | DraftDoes::History { .. }
                | DraftDoes::Unread => {}
            }
        }
    }
    Uses { needed: uses, optional }
}

/// Checks the prompts of all flows.
pub(super) fn check(report: &mut Report<'_>, world: &World<'_>) {
    unknown_ways(report, world);
    let Uses { needed, optional } = uses(world);
    for (name, uses) in &needed {
        if let Some(first) = uses.iter().min_by_key(|used| (!used.written, used.at)) {
            missing(report, world.prompts, name, first);
        }
        variables(report, world, name, uses);
    }
    for (name, uses) in optional.iter().filter(|(name, _)| exists(world.prompts, name)) {
        if let Some(first) = uses.first() {
            missing(report, world.prompts, name, first);
        }
        variables(report, world, name, uses);
    }
    let files = files(world.prompts, INVALID);
    if !optional.is_empty() && !files.is_empty() {
        report.add_nowhere(
            Rule::MissingPrompt,
            format!("there is no prompt `{INVALID}`, which answers a value that does not fit"),
            Some(format!("write {}", files.join(", "))),
        );
    }
}

fn is_way(world: &World<'_>, way: &str) -> bool {
    world.prompts.ways.is_empty() || world.prompts.ways.contains(way)
}

/// Reports ways by which nothing can be sent, whatever prompt asks for it.
fn unknown_ways(report: &mut Report<'_>, world: &World<'_>) {
    for state in world.drafts.values().flat_map(|flow| flow.states.values()) {
        let DraftDoes::Confirm { sends: Some(sends), .. } = &state.does else { continue };
        if !is_way(world, &sends.to.value) {
            let message = format!("nothing can be sent by `{}`", sends.to.value);
            let ways = world.prompts.ways.iter().map(String::as_str);
            report.unknown(&sends.to, Rule::UnknownWay, message, "ways", ways);
        }
    }
}

fn exists(prompts: &Prompts, name: &str) -> bool {
    prompts.found.keys().any(|key| key.name == name)
}

/// Reports a prompt that some language or channel lacks.
fn missing(report: &mut Report<'_>, prompts: &Prompts, name: &str, used: &Use<'_>) {
    let files = files(prompts, name);
    if files.is_empty() {
        return;
    }
    let names: BTreeSet<&str> = prompts.found.keys().map(|key| key.name.as_str()).collect();
    let near = if used.written && !exists(prompts, name) { nearest(name, names) } else { None };
    let write = format!("write {}", files.join(", "));
    let help = match near {
        Some(near) => format!("did you mean `{near}`? Otherwise {write}"),
        None => write,
    };
    let message = match exists(prompts, name) {
        true => format!("the prompt `{name}` is not complete"),
        false => format!("there is no prompt `{name}`"),
    };
    report.add(used.at, Rule::MissingPrompt, message, Some(help));
}

/// The files to write so that a prompt is complete.
fn files(prompts: &Prompts, name: &str) -> Vec<String> {
    let mut files = Vec::new();
    for language in &prompts.languages {
        let lacking: Vec<&String> = prompts
            .channels
            .iter()
            .filter(|channel| {
                let key = PromptKey {
                    name: name.to_owned(),
                    language: language.clone(),
                    channel: (*channel).clone(),
                };
                !prompts.found.contains_key(&key)
            })
            .collect();
        if lacking.len() == prompts.channels.len() && lacking.len() > 1 {
            files.push(format!("`prompts/{language}/{name}.j2`"));
        } else {
            files.extend(lacking.iter().map(|channel| format!("`prompts/{language}/{name}.{channel}.j2`")));
        }
    }
    files
}

/// Reports variables that a flow cannot have.
fn variables(report: &mut Report<'_>, world: &World<'_>, name: &str, uses: &[Use<'_>]) {
    let mut told: BTreeSet<(&str, &str)> = BTreeSet::new();
    for used in uses {
        let flow = used.flow;
        if flow.strange || flow.slots_unread {
            continue;
        }
        let known: BTreeSet<&str> = flow
            .names()
            .map(String::as_str)
            .chain(world.prompts.given.iter().map(String::as_str))
            .chain(PROMPT_VARIABLES.iter().copied())
            .chain(FUNCTIONS.iter().copied())
            .chain(heard(flow).contains(&used.at).then_some("event"))
            .collect();
        let of_name = || world.prompts.found.iter().filter(|(key, _)| key.name == name);
        let unknown: BTreeSet<&str> = of_name()
            .flat_map(|(_, variables)| variables.iter().map(String::as_str))
            .filter(|variable| !known.contains(variable))
            .collect();
        for variable in unknown {
            if !told.insert((&flow.name.value, variable)) {
                continue;
            }
            let places: BTreeSet<String> = of_name()
                .filter(|(_, variables)| variables.contains(variable))
                .map(|(key, _)| format!("{} {}", key.language, key.channel))
                .collect();
            let places: Vec<String> = places.into_iter().collect();
            let message = format!(
                "the prompt `{name}` ({}) uses `{variable}`, which `{}` never has",
                places.join(", "),
                flow.name.value
            );
            let at = At::new(variable.to_owned(), used.at);
            report.unknown(&at, Rule::PromptVariable, message, "known there", known.iter().copied());
        }
    }
}
