//! Whether every state can be reached, can be left for an end, and no loop runs without the guest.

use std::collections::{BTreeMap, BTreeSet};

use super::draft::{DraftAction, DraftDoes};
use super::graph::{End, Graph, Way, Why};
use super::report::Report;
use super::world::World;
use crate::flow::ROOT;
use crate::flow::error::Rule;
use crate::flow::raw::Spot;

/// Reports unreachable states, dead ends and loops of one flow.
///
/// `silent` are the flows that may run without a guest's turn.
pub(super) fn check(report: &mut Report<'_>, world: &World<'_>, graph: &Graph<'_>, silent: &BTreeSet<&str>) {
    // An unread flow may lead to any state of the root chart.
    if world.whole || graph.flow.name.value != ROOT {
        unreachable(report, graph);
    }
    dead_ends(report, graph);
    held(report, graph);
    loops(report, world, graph, silent);
}

/// Everything that can be entered from some nodes, the states above included.
fn reachable(graph: &Graph<'_>, from: &[usize]) -> BTreeSet<usize> {
    let everything = || (0..graph.states.len()).collect();
    let mut seen: BTreeSet<usize> = BTreeSet::new();
    let mut queue: Vec<usize> = from.to_vec();
    seen.extend(from);
    while let Some(at) = queue.pop() {
        if matches!(graph.does(at), Some(DraftDoes::Unread)) {
            return everything();
        }
        seen.extend(graph.above(at));
        // A history leads back only to where somebody was, and into what is entered with that.
        let leads_back =
            |way: &Way<'_>| way.why == Why::Restored && matches!(way.to, End::State(to) if graph.is_leaf(to));
        for (_, way) in graph.from(at).filter(|(_, way)| !leads_back(way)) {
            match way.to {
                End::State(next) => {
                    if seen.insert(next) {
                        queue.push(next);
                    }
                }
                End::Anywhere => return everything(),
                End::Stays | End::Leaves => {}
            }
        }
        // What was entered as a state above leads nowhere itself, but its regions end together.
        for above in graph.above(at) {
            for (_, way) in graph.from(*above).filter(|(_, way)| way.why == Why::Joined) {
                if let End::State(next) = way.to
                    && seen.insert(next)
                {
                    queue.push(next);
                }
            }
        }
    }
    seen
}

fn unreachable(report: &mut Report<'_>, graph: &Graph<'_>) {
    let reached = reachable(graph, &[graph.outside()]);
    let rest: Vec<usize> = (0..graph.states.len()).filter(|state| !reached.contains(state)).collect();
    if rest.is_empty() {
        return;
    }
    let next = |node: usize| {
        let anywhere = graph.from(node).any(|(_, way)| way.to == End::Anywhere);
        if anywhere || matches!(graph.does(node), Some(DraftDoes::Unread)) {
            return rest.clone();
        }
        let ways = graph.from(node).filter_map(|(_, way)| way.to.state());
        // What only an unreachable state leads to, or holds, is not told apart from it.
        ways.chain(graph.children(node).iter().copied())
            .filter(|to| !reached.contains(to))
            .collect::<Vec<usize>>()
    };
    let groups = groups(graph.states.len(), &rest, next);
    let group_of: BTreeMap<usize, usize> = groups
        .iter()
        .enumerate()
        .flat_map(|(number, group)| group.iter().map(move |state| (*state, number)))
        .collect();
    let mut led_to: BTreeSet<usize> = BTreeSet::new();
    for state in &rest {
        let own = group_of.get(state);
        led_to.extend(
            next(*state).iter().filter_map(|to| group_of.get(to)).filter(|group| Some(*group) != own),
        );
    }
    for (number, group) in groups.iter().enumerate() {
        let first = group.iter().min().and_then(|first| graph.states.get(*first));
        if let (false, Some((name, state))) = (led_to.contains(&number), first) {
            let message = format!("no way leads to the state `{name}`");
            let help = Some("name it as a `target`, or remove it".to_owned());
            report.add(state.at, Rule::Unreachable, message, help);
        }
    }
}

fn dead_ends(report: &mut Report<'_>, graph: &Graph<'_>) {
    if graph.flow.name.value == ROOT {
        return;
    }
    let ends = |node: usize| {
        let Some((_, state)) = graph.states.get(node) else { return false };
        match state.does {
            DraftDoes::Final { .. } if state.parent.is_none() => return true,
            DraftDoes::Unread => return true,
            _ => {}
        }
        graph.from(node).any(|(_, way)| matches!(way.to, End::Leaves | End::Anywhere))
    };
    if !(0..graph.states.len()).any(ends) {
        let message = format!("`{}` never ends", graph.flow.name.value);
        let help = "end it in a state with `final: done`, or in a state of the root chart".to_owned();
        report.add(graph.flow.name.at, Rule::DeadEnd, message, Some(help));
        return;
    }
    let reached: Vec<usize> =
        reachable(graph, &[graph.outside()]).into_iter().filter(|n| *n < graph.states.len()).collect();
    let next = |node: usize| {
        let ways = graph.from(node).filter_map(|(_, way)| way.to.state());
        // One region goes on as long as another does.
        let above = graph.above(node).iter().copied();
        let parallel = above.filter(|above| matches!(graph.does(*above), Some(DraftDoes::Parallel { .. })));
        ways.chain(parallel).collect::<Vec<usize>>()
    };
    // The last states before nowhere are told; what leads into them is not.
    for group in groups(graph.states.len(), &reached, next) {
        let last = group.iter().all(|state| next(*state).iter().all(|to| group.contains(to)));
        let is_finished = group.iter().any(|state| ends(*state) || unfinished(graph, *state));
        let holds_only = group.iter().all(|state| !graph.is_leaf(*state));
        if !last || is_finished || holds_only {
            continue;
        }
        let first = group.iter().filter(|state| graph.is_leaf(**state)).min();
        if let Some((name, state)) = first.and_then(|first| graph.states.get(*first)) {
            let message = format!("from the state `{name}` no way leads to an end");
            let help = "a way to a state with `final`, for example `on: { cancel: … }`".to_owned();
            report.add(state.at, Rule::DeadEnd, message, Some(help));
        }
    }
}

/// Whether the state ends what it is in, and nothing follows there, which is told elsewhere.
fn unfinished(graph: &Graph<'_>, state: usize) -> bool {
    if !matches!(graph.does(state), Some(DraftDoes::Final { .. })) {
        return false;
    }
    let mut above = graph.above(state).iter().filter_map(|above| graph.does(*above));
    let ended = matches!(above.next(), Some(DraftDoes::Compound { done, .. }) if done.is_empty());
    ended && !matches!(above.next(), Some(DraftDoes::Parallel { .. }))
}

/// A state in which a person has the conversation is left by a named event.
fn held(report: &mut Report<'_>, graph: &Graph<'_>) {
    for (index, (name, state)) in graph.states.iter().enumerate() {
        if !matches!(state.does, DraftDoes::Held) {
            continue;
        }
        let left = graph.from(index).any(|(_, way)| {
            matches!(way.why, Why::Event(_)) && matches!(way.to, End::State(_) | End::Anywhere)
        });
        if !left {
            let message = format!("nothing takes the conversation back from the person in `{name}`");
            let help = "a named event does: `events: [given_back]` and `on: { given_back: … }`".to_owned();
            report.add(state.at, Rule::DeadEnd, message, Some(help));
        }
    }
}

/// Groups of nodes that lead to each other (strongly connected components, after Tarjan), of those in `nodes`.
fn groups(size: usize, nodes: &[usize], next: impl Fn(usize) -> Vec<usize>) -> Vec<BTreeSet<usize>> {
    struct Visit {
        node: usize,
        rest: Vec<usize>,
    }
    let mut inside = vec![false; size];
    for node in nodes.iter().filter(|node| **node < size) {
        inside[*node] = true;
    }
    let mut number: Vec<Option<usize>> = vec![None; size];
    let mut low = vec![0; size];
    let mut on_stack = vec![false; size];
    let mut stack: Vec<usize> = Vec::new();
    let mut groups = Vec::new();
    let mut count = 0;
    for start in nodes.iter().copied().filter(|node| *node < size) {
        if number[start].is_some() {
            continue;
        }
        let mut visits = vec![Visit { node: start, rest: next(start) }];
        number[start] = Some(count);
        low[start] = count;
        count += 1;
        stack.push(start);
        on_stack[start] = true;
        while let Some(visit) = visits.last_mut() {
            let node = visit.node;
            match visit.rest.pop() {
                Some(to) if to >= size || !inside[to] => {}
                Some(to) => match number[to] {
                    None => {
                        number[to] = Some(count);
                        low[to] = count;
                        count += 1;
                        stack.push(to);
                        on_stack[to] = true;
                        visits.push(Visit { node: to, rest: next(to) });
                    }
                    Some(seen) if on_stack[to] => low[node] = low[node].min(seen),
                    Some(_) => {}
                },
                None => {
                    visits.pop();
                    if let Some(before) = visits.last() {
                        low[before.node] = low[before.node].min(low[node]);
                    }
                    if Some(low[node]) == number[node] {
                        let mut group = BTreeSet::new();
                        while let Some(member) = stack.pop() {
                            on_stack[member] = false;
                            group.insert(member);
                            if member == node {
                                break;
                            }
                        }
                        groups.push(group);
                    }
                }
            }
        }
    }
    groups
}

/// The flows that may run from beginning to end without a guest's turn, and for every flow the flows it may run before
/// the guest has one.
pub(super) struct Silent<'g> {
    pub(super) flows: BTreeSet<&'g str>,
    pub(super) runs: BTreeMap<&'g str, Vec<(&'g str, Spot)>>,
}

/// Finds what happens without the guest, in all flows.
pub(super) fn silent<'g>(graphs: &[Graph<'g>]) -> Silent<'g> {
    let mut flows: BTreeSet<&'g str> = BTreeSet::new();
    loop {
        let before = flows.len();
        let mut runs = BTreeMap::new();
        for graph in graphs {
            let mut ends = false;
            let mut ran = Vec::new();
            let mut seen = BTreeSet::from([graph.outside()]);
            let mut queue = vec![graph.outside()];
            while let Some(at) = queue.pop() {
                match graph.does(at) {
                    Some(DraftDoes::Final { .. }) if graph.above(at).is_empty() => ends = true,
                    Some(DraftDoes::Run(run)) => ran.push((run.flow.value.as_str(), run.flow.at)),
                    _ => {}
                }
                for (_, way) in graph.from(at).filter(|(_, way)| is_automatic(graph, way, &flows)) {
                    match way.to {
                        End::State(next) if seen.insert(next) => queue.push(next),
                        _ => {}
                    }
                }
            }
            if ends {
                flows.insert(graph.flow.name.value.as_str());
            }
            ran.sort_unstable();
            ran.dedup();
            runs.insert(graph.flow.name.value.as_str(), ran);
        }
        if flows.len() == before {
            return Silent { flows, runs };
        }
    }
}

/// Reports flows that run themselves before the guest has a turn.
pub(super) fn run_circles(report: &mut Report<'_>, silent: &Silent<'_>) {
    let names: Vec<&str> = silent.runs.keys().copied().collect();
    let all: Vec<usize> = (0..names.len()).collect();
    let place = |name: &str| names.iter().position(|known| *known == name);
    let next = |flow: usize| {
        let ran = names.get(flow).and_then(|name| silent.runs.get(name));
        ran.into_iter().flatten().filter_map(|(other, _)| place(other)).collect::<Vec<usize>>()
    };
    for group in groups(names.len(), &all, next) {
        let circle = group.len() > 1 || group.iter().any(|flow| next(*flow).contains(flow));
        let Some(first) = group.iter().min().filter(|_| circle) else { continue };
        let ran = names.get(*first).and_then(|name| silent.runs.get(name)).into_iter().flatten();
        let back = ran
            .filter(|(other, _)| place(other).is_some_and(|other| group.contains(&other)))
            .min_by_key(|(_, at)| *at);
        if let (Some((_, at)), Some(name)) = (back, names.get(*first)) {
            let message = format!("`{name}` runs itself again before the guest has a turn");
            let help = "ask something first, or run another flow".to_owned();
            report.add(*at, Rule::Loop, message, Some(help));
        }
    }
}

/// Whether a way is taken without the guest, and without waiting for time to pass.
fn is_automatic(graph: &Graph<'_>, way: &Way<'_>, silent: &BTreeSet<&str>) -> bool {
    match way.why {
        Why::Begins | Why::Always | Why::Entered | Why::Restored | Why::Ended => true,
        Why::Done | Why::Failed | Why::Unknown => true,
        Why::Returned => match graph.does(way.from) {
            Some(DraftDoes::Run(run)) => silent.contains(run.flow.value.as_str()),
            _ => false,
        },
        Why::Joined => graph.children(way.from).iter().all(|region| ends_alone(graph, *region, silent)),
        // Where nobody has to be asked, or nothing can be sent, the guest has no turn in it.
        Why::Then => matches!(graph.does(way.from), Some(DraftDoes::Confirm { sends: Some(_), .. })),
        Why::Yes | Why::Said(_) | Why::Event(_) | Why::After(_) | Why::Unused => false,
    }
}

/// Whether a region may come to its end without the guest.
fn ends_alone(graph: &Graph<'_>, region: usize, silent: &BTreeSet<&str>) -> bool {
    let mut seen = BTreeSet::from([region]);
    let mut queue = vec![region];
    while let Some(at) = queue.pop() {
        if matches!(graph.does(at), Some(DraftDoes::Final { .. })) && graph.above(at).first() == Some(&region)
        {
            return true;
        }
        for (_, way) in graph.from(at) {
            if let End::State(next) = way.to
                && graph.is_in(next, region)
                && is_automatic(graph, way, silent)
                && seen.insert(next)
            {
                queue.push(next);
            }
        }
    }
    matches!(graph.does(region), Some(DraftDoes::History { .. }))
}

/// Reports loops in which nobody waits. A node is a state, or a state with an event that was raised and not yet taken.
///
/// A loop through a call that writes is told as the call without a new yes that it is.
fn loops(report: &mut Report<'_>, world: &World<'_>, graph: &Graph<'_>, silent: &BTreeSet<&str>) {
    let raised: Vec<&str> = {
        let all: BTreeSet<&str> = graph
            .flow
            .actions()
            .filter_map(|action| match action {
                DraftAction::Raise(event) => Some(event.value.as_str()),
                _ => None,
            })
            .collect();
        all.into_iter().collect()
    };
    let states = graph.states.len();
    // Node `state` is the state alone; `states * (1 + event) + state` has that event to take.
    let steps = |node: usize| {
        let (state, event) = (node % states, (node / states).checked_sub(1));
        let mut steps: Vec<(usize, usize)> = Vec::new();
        if graph.does(state).is_some_and(|does| world.writes(does)) {
            return steps;
        }
        for (number, way) in graph.from(state) {
            let by_event = match (way.why, event.and_then(|event| raised.get(event))) {
                (Why::Event(name), Some(event)) => name.is_empty() || name == *event,
                _ => false,
            };
            // What goes on at once takes a raised event with it.
            let at_once = matches!(way.why, Why::Always | Why::Entered | Why::Restored);
            if !by_event && !at_once && (event.is_some() || !is_automatic(graph, way, silent)) {
                continue;
            }
            let to = match way.to {
                End::State(to) => to,
                End::Stays if by_event => state,
                End::Stays | End::Leaves | End::Anywhere => continue,
            };
            let raises = way.actions.iter().filter_map(|action| match action {
                DraftAction::Raise(event) => raised.iter().position(|known| *known == event.value),
                _ => None,
            });
            for event in raises {
                steps.push((states * (1 + event) + to, number));
                // Another region may be the one that takes it.
                for region in graph.beside(to) {
                    let inside =
                        (0..states).filter(|other| graph.is_leaf(*other) && graph.is_in(*other, region));
                    steps.extend(inside.map(|other| (states * (1 + event) + other, number)));
                }
            }
            if way.to != End::Stays {
                steps.push((if at_once { node - state + to } else { to }, number));
            }
        }
        steps
    };
    let nodes: Vec<usize> = (0..states * (1 + raised.len())).collect();
    let all: Vec<Vec<(usize, usize)>> = nodes.iter().map(|node| steps(*node)).collect();
    let next = |node: usize| all[node].iter().map(|(to, _)| *to).collect::<Vec<usize>>();
    let mut told: BTreeSet<usize> = BTreeSet::new();
    let mut circles = groups(nodes.len(), &nodes, next);
    circles.retain(|group| {
        group.len() > 1 || group.iter().any(|node| all[*node].iter().any(|(to, _)| group.contains(to)))
    });
    circles.sort_by_key(|group| group.iter().map(|node| (node % states, *node)).min());
    for group in circles {
        if group.iter().any(|node| told.contains(&(node % states))) {
            continue;
        }
        told.extend(group.iter().map(|node| node % states));
        let Some(circle) = circle(&group, &all) else { continue };
        let passed: Vec<usize> = circle.iter().map(|(node, _)| node % states).collect();
        let leaves: Vec<usize> = passed.iter().copied().filter(|state| graph.is_leaf(*state)).collect();
        let told_of = if leaves.is_empty() { &passed } else { &leaves };
        let Some(first) = told_of.first().and_then(|first| graph.states.get(*first)) else { continue };
        let names = told_of.iter().filter_map(|state| graph.states.get(*state)).map(|(name, _)| *name);
        let named: Vec<&str> = names.chain([first.0]).collect();
        let named = named.join(" → ");
        // The last way that somebody wrote is what closes it.
        let back = circle.iter().rev().find_map(|(_, way)| graph.ways.get(*way)?.case);
        let at = back.map_or(first.1.at, |case| case.target_at());
        let message = format!("the guest has no turn in the loop {named}");
        let help = "put a state between that collects, asks, confirms or waits".to_owned();
        report.add(at, Rule::Loop, message, Some(help));
    }
}

/// A shortest circle in a group: its nodes, each with the way that leads on from it.
fn circle(group: &BTreeSet<usize>, steps: &[Vec<(usize, usize)>]) -> Option<Vec<(usize, usize)>> {
    let start = *group.first()?;
    let mut before: BTreeMap<usize, (usize, usize)> = BTreeMap::new();
    let mut queue = std::collections::VecDeque::from([start]);
    while let Some(at) = queue.pop_front() {
        for (to, way) in steps.get(at)?.iter().filter(|(to, _)| group.contains(to)) {
            if before.contains_key(to) {
                continue;
            }
            before.insert(*to, (at, *way));
            if *to == start {
                let mut circle = Vec::new();
                let mut current = start;
                while let Some((from, way)) = before.get(&current) {
                    circle.push((*from, *way));
                    current = *from;
                    if current == start {
                        break;
                    }
                }
                circle.reverse();
                return Some(circle);
            }
            queue.push_back(*to);
        }
    }
    None
}
