//! Whether every call that writes comes after a yes to a read-back of everything it sends.

use std::collections::{BTreeSet, VecDeque};

use super::draft::{Draft, DraftDoes, DraftInvoke};
use super::graph::{End, Graph, Way, Why};
use super::report::Report;
use super::world::{ERROR, FACTS, World};
use crate::flow::error::Rule;
use crate::flow::raw::At;

/// The yes that still counts in a state: where it was said, and the results that were made since.
type Yes<'g> = Option<(usize, BTreeSet<&'g str>)>;

/// A state as it is reached: what counts in it, and the step before.
struct Step<'g> {
    state: usize,
    yes: Yes<'g>,
    before: Option<usize>,
}

/// Checks one flow.
pub(super) fn check(report: &mut Report<'_>, world: &World<'_>, graph: &Graph<'_>) {
    let steps = steps(graph);
    let mut told: BTreeSet<(usize, Option<String>)> = BTreeSet::new();
    for (number, step) in steps.iter().enumerate() {
        let Some((_, state)) = graph.states.get(step.state) else { continue };
        let DraftDoes::Invoke(invoke) = &state.does else { continue };
        if world.tool(&invoke.tool.value).is_none_or(|tool| tool.read_only) {
            continue;
        }
        let Some((confirm, since)) = &step.yes else {
            if told.insert((step.state, None)) {
                without_yes(report, graph, &steps, number, invoke);
            }
            continue;
        };
        for (argument, value) in &invoke.with {
            for path in value.paths(report) {
                let Some(why) = unread(graph, *confirm, since, &path.value) else { continue };
                if !told.insert((step.state, Some(path.value.join(".")))) {
                    continue;
                }
                let confirming = graph.states.get(*confirm).map_or("", |(name, _)| name);
                let path_name = path.value.join(".");
                let (message, help) = match why {
                    Why::Then => (
                        format!(
                            "`{}` writes `{path_name}` as `{}`, and `{confirming}` does not read it back",
                            invoke.tool.value, argument.value
                        ),
                        format!("add {} to `confirm` of `{confirming}`", suggestion(graph.flow, &path.value)),
                    ),
                    _ => (
                        format!("`{path_name}` is made anew after the yes in `{confirming}`"),
                        "call that tool before the read-back".to_owned(),
                    ),
                };
                report.add(path.at, Rule::Unconfirmed, message, Some(help));
            }
        }
    }
}

/// Every state with every yes that may count in it.
fn steps<'g>(graph: &Graph<'g>) -> Vec<Step<'g>> {
    let mut steps: Vec<Step<'g>> =
        graph.starts.iter().map(|start| Step { state: *start, yes: None, before: None }).collect();
    let mut queue: VecDeque<usize> = (0..steps.len()).collect();
    while let Some(number) = queue.pop_front() {
        let Some((at, yes)) = steps.get(number).map(|step| (step.state, step.yes.clone())) else { continue };
        for way in graph.ways.iter().filter(|way| way.from == at) {
            let End::State(state) = way.to else { continue };
            let yes = after(graph, way, yes.clone());
            if steps.iter().any(|step| step.state == state && step.yes == yes) {
                continue;
            }
            queue.push_back(steps.len());
            steps.push(Step { state, yes, before: Some(number) });
        }
    }
    steps
}

/// What still counts after a way.
fn after<'g>(graph: &Graph<'g>, way: &Way<'g>, yes: Yes<'g>) -> Yes<'g> {
    if !way.case.clear.is_empty() {
        return None;
    }
    let (_, state) = graph.states.get(way.from)?;
    match (&state.does, way.why) {
        (DraftDoes::Confirm { .. }, Why::Yes) => Some((way.from, BTreeSet::new())),
        (DraftDoes::Invoke(_), Why::Done) => yes.map(|(confirm, mut since)| {
            since.extend(state.saves.iter().map(|saves| saves.value.as_str()));
            (confirm, since)
        }),
        (DraftDoes::Invoke(_), Why::Failed) | (DraftDoes::Always(_), _) => yes,
        (
            DraftDoes::Invoke(_)
            | DraftDoes::Collect { .. }
            | DraftDoes::Confirm { .. }
            | DraftDoes::Ask { .. }
            | DraftDoes::Wait
            | DraftDoes::Final(_)
            | DraftDoes::Unread,
            _,
        ) => None,
    }
}

fn without_yes(
    report: &mut Report<'_>,
    graph: &Graph<'_>,
    steps: &[Step<'_>],
    number: usize,
    invoke: &DraftInvoke,
) {
    let mut route = Vec::new();
    let mut said_yes = None;
    let mut current = steps.get(number);
    while let Some(step) = current {
        route.push(step.state);
        if let (None, Some((confirm, _))) = (said_yes, &step.yes) {
            said_yes = Some(*confirm);
        }
        current = step.before.and_then(|before| steps.get(before));
    }
    route.reverse();
    let tool = &invoke.tool;
    let message = match said_yes.and_then(|confirm| graph.states.get(confirm)) {
        Some((name, _)) => format!(
            "`{}` writes, and the yes in `{name}` no longer counts on the way {}",
            tool.value,
            graph.path(&route)
        ),
        None => format!("`{}` writes, and the way {} asks for no yes", tool.value, graph.path(&route)),
    };
    let help = "go there straight from the `yes` of a state that confirms everything it is sent".to_owned();
    report.add(At::new((), tool.at).at, Rule::Unconfirmed, message, Some(help));
}

/// Why a path is not covered by a read-back: it is not in it (`Then`), or was made anew since (`Done`).
fn unread(graph: &Graph<'_>, confirm: usize, since: &BTreeSet<&str>, path: &[String]) -> Option<Why> {
    let flow = graph.flow;
    let name = path.first()?;
    let is_known = flow.slots.contains_key(name)
        || flow.has_result(name)
        || name == ERROR
        || FACTS.contains(&name.as_str());
    if !is_known {
        return None;
    }
    let Some(DraftDoes::Confirm { paths, .. }) = graph.states.get(confirm).map(|(_, state)| &state.does)
    else {
        return None;
    };
    let listed = paths.iter().any(|listed| path.starts_with(&listed.value));
    let opaque = flow.has_result(name) && is_opaque(path);
    let shown_beside = opaque && paths.iter().any(|listed| listed.value.first() == Some(name));
    if !listed && !shown_beside {
        return Some(Why::Then);
    }
    since.contains(name.as_str()).then_some(Why::Done)
}

/// What to add to a read-back so that a path is in it: a guest understands a choice by its label, and an id of a
/// result by what stands beside it.
fn suggestion(flow: &Draft, path: &[String]) -> String {
    match path.first() {
        Some(name) if flow.slots.contains_key(name) => format!("`{name}`"),
        Some(name) if flow.has_result(name) && is_opaque(path) => format!("another field of `{name}`"),
        _ => format!("`{}`", path.join(".")),
    }
}

/// Whether a path ends in the id of a thing.
fn is_opaque(path: &[String]) -> bool {
    path.len() > 1 && path.last().is_some_and(|last| last == "id" || last.ends_with("_id"))
}
