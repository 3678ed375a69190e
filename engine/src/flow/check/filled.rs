//! Whether what is read was filled on every way there: slots by being collected, results by a call.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::{Draft, DraftDoes};
use super::formula::{Formula, single_path};
use super::graph::{End, Graph, Way, Why};
use super::near::nearest;
use super::report::Report;
use super::schema::Schema;
use super::world::World;
use crate::flow::error::Rule;
use crate::flow::raw::{At, Spot};

/// Checks one flow. Each name is told once.
pub(super) fn check(report: &mut Report<'_>, world: &World<'_>, graph: &Graph<'_>) {
    let unread = graph.states.iter().any(|(_, state)| matches!(state.does, DraftDoes::Unread));
    if unread || graph.flow.slots_unread {
        return;
    }
    let filled = filled(graph);
    let mut told: BTreeSet<String> = BTreeSet::new();
    for (index, known) in &filled {
        for need in needs(world, graph, *index) {
            let name = &need.value.0;
            if known.contains(name.as_str()) || !told.insert(name.clone()) {
                continue;
            }
            let message = match route_without(graph, *index, name) {
                Some(route) => format!("nothing has filled `{name}` on the way {}", graph.path(&route)),
                None => format!("`{name}` may be empty here"),
            };
            let help = match graph.flow.slots.contains_key(name) {
                true => format!("{}: collect `{name}` before", need.value.1),
                false => format!("{}: call the tool whose result is saved as `{name}` before", need.value.1),
            };
            report.add(need.at, Rule::NeverFilled, message, Some(help));
        }
    }
}

/// What is surely filled when a state is entered, for every state that can be.
fn filled<'g>(graph: &Graph<'g>) -> BTreeMap<usize, BTreeSet<&'g str>> {
    let mut filled: BTreeMap<usize, BTreeSet<&str>> =
        graph.starts.iter().map(|start| (*start, BTreeSet::new())).collect();
    let mut queue: Vec<usize> = graph.starts.iter().copied().collect();
    while let Some(at) = queue.pop() {
        let Some(before) = filled.get(&at).cloned() else { continue };
        for way in graph.ways.iter().filter(|way| way.from == at) {
            let End::State(next) = way.to else { continue };
            let mut after = before.clone();
            after.extend(fills(graph, way));
            for slot in &way.case.clear {
                after.remove(slot.value.as_str());
            }
            let merged = match filled.get(&next) {
                Some(known) => known.intersection(&after).copied().collect(),
                None => after,
            };
            if filled.get(&next) != Some(&merged) {
                filled.insert(next, merged);
                queue.push(next);
            }
        }
    }
    filled
}

/// What is filled by the time a way is taken.
fn fills<'g>(graph: &Graph<'g>, way: &Way<'g>) -> BTreeSet<&'g str> {
    let flow: &'g Draft = graph.flow;
    let mut names: BTreeSet<&'g str> = BTreeSet::new();
    let state = graph.states.get(way.from).map(|(_, state)| *state);
    match (state.map(|state| &state.does), way.why) {
        (Some(DraftDoes::Collect { slots, .. }), Why::Then) => {
            for slot in slots {
                let name = match flow.slots.contains_key(&slot.value) {
                    true => Some(slot.value.as_str()),
                    false => nearest(&slot.value, flow.slots.keys().map(String::as_str)),
                };
                match name {
                    Some(name) => {
                        names.insert(name);
                        let list = flow.slots.get(name).and_then(|slot| slot.list.as_ref());
                        names.extend(
                            list.into_iter().flat_map(|list| &list.sets).map(|set| set.value.as_str()),
                        );
                    }
                    None => names.extend(flow.slots.keys().map(String::as_str)),
                }
            }
        }
        (Some(DraftDoes::Invoke(_)), Why::Done) => {
            names.extend(state.and_then(|state| state.saves.as_ref()).map(|saves| saves.value.as_str()));
        }
        _ => {}
    }
    // A condition on something that is not there does not hold, unless it asks just for that.
    if let Some(guard) = &way.case.guard {
        let asks = guard.lines().iter().any(|(_, line)| {
            let words = line.source().split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
            words.into_iter().any(|word| matches!(word, "not" | "or" | "else" | "undefined" | "none"))
        });
        if !asks {
            names.extend(guard.names());
        }
    }
    names
}

/// What a state cannot do without: each name, and what it needs it for.
fn needs(world: &World<'_>, graph: &Graph<'_>, index: usize) -> Vec<At<(String, String)>> {
    let Some((_, state)) = graph.states.get(index) else { return Vec::new() };
    let flow = graph.flow;
    let mut needs: Vec<At<(String, String)>> = Vec::new();
    let mut need = |name: &str, at: Spot, purpose: String| {
        let slot = flow.slots.get(name);
        if slot.is_some_and(|slot| !slot.optional) || (slot.is_none() && flow.has_result(name)) {
            needs.push(At::new((name.to_owned(), purpose), at));
        }
    };
    match &state.does {
        DraftDoes::Collect { slots, .. } => {
            for slot in slots {
                let list = flow.slots.get(&slot.value).and_then(|slot| slot.list.as_ref());
                if let Some(result) = list.and_then(|list| list.from.value.first()) {
                    need(result, slot.at, format!("the list of `{}` is in it", slot.value));
                }
            }
        }
        DraftDoes::Confirm { paths, .. } => {
            for path in paths {
                if let Some(name) = path.value.first() {
                    need(name, path.at, "it is read back".to_owned());
                }
            }
        }
        DraftDoes::Invoke(invoke) => {
            let Some(tool) = world.tool(&invoke.tool.value) else { return needs };
            let required = Schema::of(&tool.input_schema).required();
            for (argument, value) in &invoke.with {
                if required.contains(&argument.value.as_str()) {
                    for (name, at) in plain_names(value) {
                        need(&name, at, format!("`{}` needs `{}`", tool.name, argument.value));
                    }
                }
            }
        }
        DraftDoes::Ask { .. }
        | DraftDoes::Always(_)
        | DraftDoes::Wait
        | DraftDoes::Final(_)
        | DraftDoes::Unread => {}
    }
    needs
}

/// The names that a value is, not those it only looks at.
fn plain_names(value: &Formula) -> Vec<(String, Spot)> {
    value
        .lines()
        .into_iter()
        .filter_map(|(at, line)| Some((single_path(line.source())?.into_iter().next()?, at)))
        .collect()
}

/// A way to a state on which `name` is not filled, or no longer.
fn route_without(graph: &Graph<'_>, to: usize, name: &str) -> Option<Vec<usize>> {
    let passes = |way: &Way<'_>| !fills(graph, way).contains(name);
    let from = |start: usize| match start == to {
        true => Some(vec![to]),
        false => graph.route(start, to, passes),
    };
    graph.starts.iter().copied().find_map(from).or_else(|| {
        let clears = |way: &&Way<'_>| way.case.clear.iter().any(|slot| slot.value == name);
        graph.ways.iter().filter(clears).find_map(|way| match way.to {
            End::State(next) => from(next).map(|rest| [vec![way.from], rest].concat()),
            End::Leaves | End::Anywhere => None,
        })
    })
}
