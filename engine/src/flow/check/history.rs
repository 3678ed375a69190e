//! Where history states lead: the first time, and later, when what they are about was left.

use std::collections::BTreeSet;

use super::draft::DraftDoes;
use super::graph::{End, Graph, Way, Why};
use super::world::World;

/// Where one history leads.
pub(super) struct Led {
    pub(super) history: usize,
    /// The state it is about.
    pub(super) about: usize,
    /// The states it leads to as long as that was never left.
    pub(super) first: Vec<usize>,
    /// Whether it can be reached before that was left.
    pub(super) begins: bool,
    /// The states that may have been active when that was left last.
    pub(super) later: BTreeSet<usize>,
}

/// Where a state leads that is a history.
pub(super) fn led(world: &World<'_>, graph: &Graph<'_>, history: usize) -> Option<Led> {
    let (_, state) = graph.states.get(history)?;
    let (DraftDoes::History { deep, default }, Some(about)) = (&state.does, state.parent) else {
        return None;
    };
    let first: Vec<usize> = default
        .iter()
        .filter_map(|target| graph.flow.states.get_index_of(&target.value))
        .filter(|target| graph.above(*target).contains(&about))
        .collect();
    let begins = before_anything(graph, history, about);
    let mut later = BTreeSet::new();
    let outside = leading_to(graph, history, about);
    for from in (0..graph.states.len()).filter(|from| graph.is_in(*from, about)) {
        let remembered = graph.from(from).any(|(_, way)| {
            let to_history = way.to == End::State(history);
            let outside = matches!(way.to, End::State(to) if outside.contains(&to));
            (to_history || outside) && !is_unheard(world, graph, way)
        });
        if remembered && *deep {
            later.insert(from);
        } else if remembered {
            later.extend(graph.up(from).take_while(|state| *state != about).last());
        }
    }
    Some(Led { history, about, first, begins, later })
}

/// Whether the history can be reached before what it is about was entered.
fn before_anything(graph: &Graph<'_>, history: usize, about: usize) -> bool {
    let passes = |way: &Way<'_>| matches!(way.to, End::State(to) if to == history || !graph.is_in(to, about));
    graph.route(graph.outside(), |node| node == history, passes).is_some()
}

/// The states outside of what the history is about from which it is reached without entering that again.
fn leading_to(graph: &Graph<'_>, history: usize, about: usize) -> BTreeSet<usize> {
    let mut before: Vec<Vec<usize>> = vec![Vec::new(); graph.states.len()];
    for (from, way) in
        (0..graph.states.len()).flat_map(|from| graph.from(from).map(move |(_, way)| (from, way)))
    {
        if let End::State(to) = way.to
            && !graph.is_in(from, about)
        {
            before[to].push(from);
        }
    }
    // Where another history leads is not known yet: perhaps to all that it is about.
    for (other, (_, state)) in graph.states.iter().enumerate() {
        if let (DraftDoes::History { .. }, Some(parent)) = (&state.does, state.parent)
            && !graph.is_in(other, about)
        {
            for inside in (0..graph.states.len()).filter(|inside| graph.is_in(*inside, parent)) {
                before[inside].push(other);
            }
        }
    }
    let mut seen = BTreeSet::new();
    let mut queue = vec![history];
    while let Some(at) = queue.pop() {
        for from in before.get(at).into_iter().flatten() {
            if !graph.is_in(*from, about) && seen.insert(*from) {
                queue.push(*from);
            }
        }
    }
    seen
}

/// Whether a way is not taken while a call that writes is out, when nothing else is heard.
fn is_unheard(world: &World<'_>, graph: &Graph<'_>, way: &Way<'_>) -> bool {
    let writes = graph.does(way.from).is_some_and(|does| world.writes(does));
    writes && matches!(way.why, Why::Said(_) | Why::After(_) | Why::Event(_))
}

/// A route on which a history leads back to where it was left: one that comes to the last such state first.
pub(super) fn credible(graph: &Graph<'_>, route: &[usize]) -> Vec<usize> {
    let back = route.iter().rposition(|way| graph.ways.get(*way).is_some_and(|way| way.why == Why::Restored));
    let before = || {
        let way = graph.ways.get(*route.get(back?)?)?;
        let End::State(to) = way.to else { return None };
        let about = graph.above(way.from).first().copied()?;
        let straight = |way: &Way<'_>| !matches!(way.why, Why::Restored | Why::Unused);
        let there = graph.route(graph.outside(), |node| node == to, straight)?;
        let left = |way: &Way<'_>| way.from == to || !graph.is_in(way.from, about);
        let again = graph.route(to, |node| node == way.from, left)?;
        Some([there, again, route.get(back?..)?.to_vec()].concat())
    };
    before().unwrap_or_else(|| route.to_vec())
}
