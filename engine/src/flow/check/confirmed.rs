//! Whether every call that writes comes after a yes to a read-back of everything it sends.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::conversation::conversation;
use super::draft::{Demands, Draft, DraftAction, DraftDoes, DraftInvoke, Property};
use super::filled::actions_in;
use super::graph::{End, Graph, Way, Why};
use super::history::credible;
use super::report::Report;
use super::world::{Scope, World};
use crate::flow::error::Rule;
use crate::flow::raw::Spot;

/// A yes that may still count: what happened since it was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Since<'g> {
    /// What was made anew.
    made: BTreeSet<&'g str>,
    /// The calls that were made on it and failed.
    failed: BTreeSet<usize>,
    /// The calls that it was used up by: they wrote, or nobody knows.
    spent: BTreeSet<usize>,
}

/// A state with the read-back whose yes counts in it.
type Place = (usize, Option<usize>);

/// Every state with every yes that may count in it.
struct Counts<'g> {
    since: BTreeMap<Place, Since<'g>>,
    /// How each was reached first.
    before: BTreeMap<Place, (Place, usize)>,
}

/// Checks one flow.
pub(super) fn check(report: &mut Report<'_>, world: &World<'_>, graph: &Graph<'_>) {
    let counts = counts(world, graph);
    let mut told: BTreeSet<(usize, Option<String>)> = BTreeSet::new();
    for (place, since) in &counts.since {
        let Some(DraftDoes::Invoke(invoke)) = graph.does(place.0) else { continue };
        let Some(demand) = demand(world, graph.flow, invoke) else { continue };
        let Some(confirm) = place.1 else {
            if told.insert((place.0, None)) {
                without_yes(report, graph, &counts, *place, invoke, demand);
            }
            continue;
        };
        let confirming = graph.name(confirm);
        let used = since.spent.iter().next().or_else(|| since.failed.get(&place.0));
        if let Some(used) = used {
            if told.insert((place.0, None)) {
                used_up(report, graph, place.0, *used, confirming, invoke);
            }
            continue;
        }
        for (argument, value) in &invoke.with {
            for path in value.paths(report) {
                let Some(why) = unread(graph, confirm, since, &path.value) else { continue };
                let path_name = path.value.join(".");
                if !told.insert((place.0, Some(path_name.clone()))) {
                    continue;
                }
                let (message, help) = match why {
                    Unread::NotSaid => (
                        format!(
                            "`{}` {} `{path_name}` as `{}`, and `{confirming}` does not read it back",
                            invoke.tool.value,
                            if demand.is_none() { "writes" } else { "is sent" },
                            argument.value
                        ),
                        format!("add {} to `confirm` of `{confirming}`", suggestion(graph.flow, &path.value)),
                    ),
                    Unread::MadeAnew => (
                        format!("`{path_name}` is made anew after the yes in `{confirming}`"),
                        "call that tool before the read-back".to_owned(),
                    ),
                };
                let (at, rule) =
                    demand.map_or((path.at, Rule::Unconfirmed), |property| (property.at, Rule::Violated));
                report.add(at, rule, message, Some(help));
            }
        }
    }
}

/// Whether a call needs a yes: it writes, or a property says so. The property is told when it is the only reason.
fn demand<'w>(world: &World<'w>, flow: &'w Draft, invoke: &DraftInvoke) -> Option<Option<&'w Property>> {
    if !world.tool(&invoke.tool.value)?.read_only {
        return Some(None);
    }
    let property = flow.properties.iter().find(|property| {
        matches!(&property.demands, Demands::Confirmed { tool } if tool.value == invoke.tool.value)
    });
    property.map(Some)
}

/// Follows every way with every yes.
fn counts<'g>(world: &World<'g>, graph: &Graph<'g>) -> Counts<'g> {
    let mut of_region: BTreeMap<usize, BTreeSet<&str>> = BTreeMap::new();
    let mut beside: Vec<BTreeSet<&str>> = Vec::new();
    for state in 0..graph.states.len() {
        let regions = graph
            .beside(state)
            .into_iter()
            .flat_map(|region| of_region.entry(region).or_insert_with(|| made_in(graph, region)).clone());
        beside.push(regions.collect());
    }
    let start = (graph.outside(), None);
    let mut counts = Counts { since: BTreeMap::from([(start, Since::default())]), before: BTreeMap::new() };
    let mut queue = VecDeque::from([start]);
    while let Some(place) = queue.pop_front() {
        let Some(since) = counts.since.get(&place).cloned() else { continue };
        for (number, way) in graph.from(place.0).filter(|(_, way)| way.why != Why::Unused) {
            let state = match way.to {
                End::State(state) => state,
                End::Stays if place.1.is_some() && way.changes() => place.0,
                End::Stays | End::Leaves | End::Anywhere => continue,
            };
            for (confirm, mut since) in after(world, graph, way, place.1, &since) {
                let next = (state, confirm);
                if confirm.is_some() {
                    since.made.extend(beside.get(state).into_iter().flatten());
                }
                match counts.since.get_mut(&next) {
                    None => {
                        counts.since.insert(next, since);
                        counts.before.insert(next, (place, number));
                        queue.push_back(next);
                    }
                    Some(known) => {
                        let before = known.clone();
                        known.made.extend(since.made);
                        known.failed.extend(since.failed);
                        known.spent.extend(since.spent);
                        if *known != before {
                            queue.push_back(next);
                        }
                    }
                }
            }
        }
    }
    counts
}

/// What still counts after a way.
fn after<'g>(
    world: &World<'g>,
    graph: &Graph<'g>,
    way: &Way<'g>,
    yes: Option<usize>,
    since: &Since<'g>,
) -> Vec<(Option<usize>, Since<'g>)> {
    let none = || vec![(None, Since::default())];
    if way.changes() {
        return none();
    }
    let mut since = since.clone();
    match (graph.does(way.from), way.why) {
        (Some(DraftDoes::Confirm { .. }), Why::Yes) => return vec![(Some(way.from), Since::default())],
        // A state that waits may be left at once, or after the guest had a turn.
        (_, Why::Always) => {
            let waits = graph.states.get(way.from).is_some_and(|(_, state)| state.waits());
            let mut both = vec![(yes, since)];
            if waits && yes.is_some() {
                both.extend(none());
            }
            return both;
        }
        (Some(DraftDoes::Invoke(invoke)), Why::Done) => {
            let saves = graph.states.get(way.from).and_then(|(_, state)| state.saves.as_ref());
            since.made.extend(saves.map(|saves| saves.value.as_str()));
            if world.call_writes(invoke) {
                since.spent.insert(way.from);
            }
        }
        (Some(DraftDoes::Invoke(invoke)), Why::Unknown) if world.call_writes(invoke) => {
            since.spent.insert(way.from);
        }
        (Some(DraftDoes::Invoke(invoke)), Why::Failed | Why::Unknown) => {
            if world.call_writes(invoke) {
                since.failed.insert(way.from);
            }
        }
        (_, Why::Entered | Why::Restored | Why::Ended) => {}
        (
            _,
            Why::Begins
            | Why::Then
            | Why::Done
            | Why::Failed
            | Why::Unknown
            | Why::Returned
            | Why::Yes
            | Why::Said(_)
            | Why::Event(_)
            | Why::After(_)
            | Why::Joined
            | Why::Unused,
        ) => return none(),
    }
    if yes.is_none() { none() } else { vec![(yes, since)] }
}

/// What a region may make anew or change while another is active.
fn made_in<'g>(graph: &Graph<'g>, region: usize) -> BTreeSet<&'g str> {
    let mut made = BTreeSet::new();
    for action in actions_in(graph, |other| graph.is_in(other, region)) {
        match action {
            DraftAction::Clear(slots) => made.extend(slots.iter().map(|slot| slot.value.as_str())),
            DraftAction::Set(slot, _) => {
                made.insert(slot.value.as_str());
            }
            DraftAction::Say(_) | DraftAction::Raise(_) => {}
        }
    }
    let inside = graph.states.iter().enumerate().filter(|(other, _)| graph.is_in(*other, region));
    made.extend(inside.filter_map(|(_, (_, other))| other.saves.as_ref()).map(|saves| saves.value.as_str()));
    made
}

fn without_yes(
    report: &mut Report<'_>,
    graph: &Graph<'_>,
    counts: &Counts<'_>,
    place: Place,
    invoke: &DraftInvoke,
    demand: Option<&Property>,
) {
    let mut ways = Vec::new();
    let mut said_yes = None;
    let mut current = place;
    while let Some((before, way)) = counts.before.get(&current) {
        ways.push(*way);
        current = *before;
        said_yes = said_yes.or(current.1);
    }
    ways.reverse();
    let ways = credible(graph, &ways);
    let path = graph.path(&graph.nodes(&ways));
    let tool = &invoke.tool;
    let verb = if demand.is_none() { "writes" } else { "needs a yes" };
    let message = match said_yes.and_then(|confirm| graph.states.get(confirm)) {
        Some((name, _)) => {
            format!("`{}` {verb}, and the yes in `{name}` no longer counts on the way {path}", tool.value)
        }
        None => format!("`{}` {verb}, and the way {path} asks for no yes", tool.value),
    };
    let mut help =
        "go there straight from the `yes` of a state that confirms everything it is sent".to_owned();
    if let Some(because) = demand.and_then(|property| property.because.as_ref()) {
        help = because.clone();
    }
    help.push_str(&conversation(graph, &ways));
    let (at, rule): (Spot, Rule) =
        demand.map_or((tool.at, Rule::Unconfirmed), |property| (property.at, Rule::Violated));
    report.add(at, rule, message, Some(help));
}

/// Reports a call on a yes that another call, or itself, was made on before.
fn used_up(
    report: &mut Report<'_>,
    graph: &Graph<'_>,
    call: usize,
    used: usize,
    confirming: &str,
    invoke: &DraftInvoke,
) {
    let to = |node: usize| node == call;
    let back = graph.route(used, to, |way| {
        !matches!(graph.does(way.from), Some(DraftDoes::Confirm { .. })) && way.why != Why::Restored
    });
    let path = back.map(|ways| graph.path(&graph.nodes(&ways))).unwrap_or_default();
    let message = match used == call {
        true => format!(
            "`{}` is called again on the way {path}, and the yes in `{confirming}` was for once",
            invoke.tool.value
        ),
        false => format!(
            "`{}` is called on the way {path}, and the yes in `{confirming}` was used up",
            invoke.tool.value
        ),
    };
    let help = "go back to the read-back first, and let the guest say yes again".to_owned();
    report.add(invoke.tool.at, Rule::Unconfirmed, message, Some(help));
}

/// Why a path is not covered by a read-back.
enum Unread {
    /// It is not in it.
    NotSaid,
    /// It was made anew since.
    MadeAnew,
}

fn unread(graph: &Graph<'_>, confirm: usize, since: &Since<'_>, path: &[String]) -> Option<Unread> {
    let flow = graph.flow;
    let name = path.first()?;
    let everything = Scope { error: true, outcome: true, event: true, item: None };
    if !flow.has_name(name) && !everything.knows(name) {
        return None;
    }
    let Some(DraftDoes::Confirm { paths, .. }) = graph.does(confirm) else { return None };
    let listed = paths.iter().any(|listed| path.starts_with(&listed.value));
    let opaque = flow.has_result(name) && is_opaque(path);
    let shown_beside = opaque && paths.iter().any(|listed| listed.value.first() == Some(name));
    if !listed && !shown_beside {
        return Some(Unread::NotSaid);
    }
    since.made.contains(name.as_str()).then_some(Unread::MadeAnew)
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
