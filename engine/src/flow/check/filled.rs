//! Whether what is read was filled on every way there: slots by being collected, results by a call.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::conversation::conversation;
use super::draft::{Draft, DraftAction, DraftDoes, DraftState};
use super::formula::{Formula, single_path};
use super::graph::{End, Graph, Way, Why};
use super::names_set::Names;
use super::near::nearest;
use super::report::Report;
use super::schema::Schema;
use super::world::World;
use crate::flow::error::Rule;
use crate::flow::raw::{At, Spot};

/// What is surely there when each state is entered.
pub(super) struct Filled<'g> {
    names: BTreeMap<&'g str, usize>,
    at: Vec<Option<Names>>,
}

/// What one way does to what is there, apart from its actions.
struct Effect {
    fills: Names,
    unfills: Names,
}

impl<'g> Filled<'g> {
    /// Follows every way.
    pub(super) fn new(graph: &Graph<'g>) -> Self {
        let flow: &'g Draft = graph.flow;
        let mut names: BTreeMap<&'g str, usize> = BTreeMap::new();
        for name in flow.names() {
            let next = names.len();
            names.entry(name.as_str()).or_insert(next);
        }
        let mut filled = Self { names, at: vec![None; graph.states.len() + 1] };
        let lost = filled.lost(graph);
        let effects: Vec<Effect> = graph.ways.iter().map(|way| filled.effect(graph, way)).collect();
        let outside = graph.outside();
        filled.at[outside] = Some(Names::none(filled.names.len()));
        let mut queue = VecDeque::from([outside]);
        let mut queued = vec![false; graph.states.len() + 1];
        while let Some(at) = queue.pop_front() {
            queued[at] = false;
            for (number, way) in graph.from(at) {
                let Some(next) = way.leads() else { continue };
                let Some(effect) = effects.get(number) else { continue };
                // What a history leads back to was entered another way; but not what is entered with it.
                if way.why == Why::Unused || (way.why == Why::Restored && graph.is_leaf(next)) {
                    continue;
                }
                let Some(mut after) = filled.after(graph, way, effect) else { continue };
                if let Some(lost) = lost.get(next) {
                    after.drop(lost);
                }
                if let Some(known) = &filled.at[next] {
                    after.keep(known);
                }
                if filled.at[next].as_ref() == Some(&after) {
                    continue;
                }
                filled.at[next] = Some(after);
                // What a region ends with counts for all of them.
                // And a history leads back to whatever was there in the states that it remembers.
                let joined = matches!(graph.does(next), Some(DraftDoes::Final { .. }));
                let above = graph.above(next).iter().copied();
                let remembering =
                    above.clone().flat_map(|above| graph.children(above)).copied().filter(|child| {
                        matches!(graph.does(*child), Some(DraftDoes::History { deep: false, .. }))
                    });
                for node in std::iter::once(next).chain(above.filter(|_| joined)).chain(remembering) {
                    if !queued[node] && filled.at[node].is_some() {
                        queued[node] = true;
                        queue.push_back(node);
                    }
                }
            }
        }
        filled
    }

    /// Whether a name is surely there when a state is entered; in a state that is never entered everything is.
    pub(super) fn surely(&self, state: usize, name: &str) -> bool {
        match (self.at.get(state), self.names.get(name)) {
            (Some(Some(known)), Some(name)) => known.contains(*name),
            (Some(None), _) => true,
            _ => false,
        }
    }

    /// What is there after a way. `None` while its regions were not followed to their ends.
    fn after(&self, graph: &Graph<'g>, way: &Way<'g>, effect: &Effect) -> Option<Names> {
        let mut after = self.at.get(way.from)?.clone()?;
        if way.why == Why::Joined {
            for region in graph.children(way.from) {
                after.add(&self.ended(graph, *region)?);
            }
        }
        if let (Why::Restored, End::State(to), Some(about)) = (way.why, way.to, graph.above(way.from).first())
        {
            let inside =
                (0..graph.states.len()).filter(|state| graph.is_leaf(*state) && graph.is_in(*state, to));
            if let Some(mut kept) = self.common(inside) {
                kept.drop(&self.lost_away(graph, *about));
                after.add(&kept);
            }
        }
        after.add(&effect.fills);
        after.drop(&effect.unfills);
        for action in &way.actions {
            match action {
                DraftAction::Clear(slots) => {
                    for slot in slots.iter().filter_map(|slot| self.names.get(slot.value.as_str())) {
                        after.remove(*slot);
                    }
                }
                DraftAction::Set(slot, value) => {
                    let Some(slot) = self.names.get(slot.value.as_str()) else { continue };
                    // What is computed from something that is not there is not there.
                    let known = |name: &str| self.names.get(name).is_none_or(|name| after.contains(*name));
                    if value.names().into_iter().all(known) {
                        after.insert(*slot);
                    } else {
                        after.remove(*slot);
                    }
                }
                DraftAction::Say(_) | DraftAction::Raise(_) => {}
            }
        }
        Some(after)
    }

    /// What is surely there when a region has ended.
    fn ended(&self, graph: &Graph<'g>, region: usize) -> Option<Names> {
        let none = Names::none(self.names.len());
        match graph.does(region) {
            Some(DraftDoes::Compound { .. }) => {
                let finals = graph
                    .children(region)
                    .iter()
                    .filter(|child| matches!(graph.does(**child), Some(DraftDoes::Final { .. })));
                self.common(finals.copied())
            }
            Some(DraftDoes::Parallel { .. }) => {
                let mut all = none;
                for region in graph.children(region) {
                    all.add(&self.ended(graph, *region)?);
                }
                Some(all)
            }
            _ => Some(none),
        }
    }

    /// What is there in all of these states that can be entered; `None` while none of them can be.
    fn common(&self, states: impl Iterator<Item = usize>) -> Option<Names> {
        states.filter_map(|state| self.at.get(state)?.clone()).reduce(|mut common, known| {
            common.keep(&known);
            common
        })
    }

    fn set<'n>(&self, names: impl IntoIterator<Item = &'n str>) -> Names {
        let mut set = Names::none(self.names.len());
        for name in names.into_iter().filter_map(|name| self.names.get(name)) {
            set.insert(*name);
        }
        set
    }

    fn effect(&self, graph: &Graph<'g>, way: &Way<'g>) -> Effect {
        Effect { fills: self.set(fills(graph, way)), unfills: self.set(unfills(graph, way)) }
    }

    /// What may be emptied behind each state's back: by the regions beside it, and, where a history may lead back to
    /// it, by what happens outside of what the history is about.
    fn lost(&self, graph: &Graph<'g>) -> Vec<Names> {
        let mut of_region: BTreeMap<usize, Names> = BTreeMap::new();
        let mut of_history: BTreeMap<usize, Names> = BTreeMap::new();
        let mut lost = vec![Names::none(self.names.len()); graph.states.len()];
        for (state, lost) in lost.iter_mut().enumerate() {
            for region in graph.beside(state) {
                let of_region = of_region.entry(region).or_insert_with(|| {
                    self.set(actions_in(graph, |other| graph.is_in(other, region)).flat_map(emptied))
                });
                lost.add(of_region);
            }
            for above in graph.above(state) {
                let mut inside = graph.children(*above).iter().filter_map(|child| graph.does(*child));
                let nearest = graph.above(state).first() == Some(above);
                let remembered =
                    inside.any(|does| matches!(does, DraftDoes::History { deep, .. } if *deep || nearest));
                if remembered {
                    let of_history =
                        of_history.entry(*above).or_insert_with(|| self.lost_away(graph, *above));
                    lost.add(of_history);
                }
            }
        }
        lost
    }

    /// What may be emptied from when a state is left until a history leads back into it.
    fn lost_away(&self, graph: &Graph<'g>, about: usize) -> Names {
        let away = graph.ways.iter().filter(|way| {
            let stays_inside = match way.to {
                End::State(to) => {
                    graph.is_in(to, about) && !matches!(graph.does(to), Some(DraftDoes::History { .. }))
                }
                End::Stays => true,
                End::Leaves | End::Anywhere => false,
            };
            let restores = matches!(graph.does(way.from), Some(DraftDoes::History { .. }));
            !graph.is_in(way.from, about) || !stays_inside || restores
        });
        self.set(away.flat_map(|way| &way.actions).flat_map(|action| emptied(action)))
    }
}

/// Everything that some states do, on their ways and on entering and leaving.
pub(super) fn actions_in<'g>(
    graph: &Graph<'g>,
    inside: impl Fn(usize) -> bool,
) -> impl Iterator<Item = &'g DraftAction> {
    let states = graph.states.iter().enumerate().filter(move |(number, _)| inside(*number));
    states.flat_map(|(_, (_, state))| {
        let state: &'g DraftState = state;
        state.actions()
    })
}

/// The slots that an action may empty.
fn emptied(action: &DraftAction) -> Vec<&str> {
    match action {
        DraftAction::Clear(slots) => slots.iter().map(|slot| slot.value.as_str()).collect(),
        DraftAction::Set(slot, value) if !value.names().is_empty() => vec![slot.value.as_str()],
        DraftAction::Set(..) | DraftAction::Say(_) | DraftAction::Raise(_) => Vec::new(),
    }
}

/// Checks one flow. Each name is told once.
pub(super) fn check(report: &mut Report<'_>, world: &World<'_>, graph: &Graph<'_>, filled: &Filled<'_>) {
    let mut told: BTreeSet<String> = BTreeSet::new();
    for index in 0..graph.states.len() {
        if filled.at.get(index).is_none_or(Option::is_none) {
            continue;
        }
        for need in needs(world, graph, index) {
            let name = &need.value.0;
            if filled.surely(index, name) || !told.insert(name.clone()) {
                continue;
            }
            let route = route_without(graph, filled, index, name);
            let message = match &route {
                Some((_, nodes)) => format!("nothing has filled `{name}` on the way {}", graph.path(nodes)),
                None => format!("`{name}` may be empty here"),
            };
            let mut help = match graph.flow.slots.contains_key(name) {
                true => format!("{}: collect `{name}` before", need.value.1),
                false => format!("{}: call the tool whose result is saved as `{name}` before", need.value.1),
            };
            if let Some((ways, _)) = &route {
                help.push_str(&conversation(graph, ways));
            }
            report.add(need.at, Rule::NeverFilled, message, Some(help));
        }
    }
}

/// What is filled by the time a way is taken.
fn fills<'g>(graph: &Graph<'g>, way: &Way<'g>) -> BTreeSet<&'g str> {
    let mut names = made(graph, way);
    names.extend(demanded(way));
    names
}

/// What the state that a way leaves has filled.
pub(super) fn made<'g>(graph: &Graph<'g>, way: &Way<'g>) -> BTreeSet<&'g str> {
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
        (Some(DraftDoes::Invoke(_)), Why::Done) | (Some(DraftDoes::Run(_)), Why::Returned) => {
            names.extend(state.and_then(|state| state.saves.as_ref()).map(|saves| saves.value.as_str()));
        }
        _ => {}
    }
    names
}

/// The names that must be there for the guard of a way to hold.
pub(super) fn demanded<'g>(way: &Way<'g>) -> BTreeSet<&'g str> {
    // A condition on something that is not there does not hold, unless it asks just for that.
    let Some(guard) = way.case.and_then(|case| case.guard.as_ref()) else { return BTreeSet::new() };
    let asks = guard.lines().iter().any(|(_, line)| {
        let words = line.source().split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        words.into_iter().any(|word| matches!(word, "not" | "or" | "else" | "undefined" | "none" | "default"))
    });
    if asks { BTreeSet::new() } else { guard.names() }
}

/// The choices that may be no longer offered, as their list is made again.
pub(super) fn unfills<'g>(graph: &Graph<'g>, way: &Way<'g>) -> Vec<&'g str> {
    let saves = match way.why {
        Why::Done | Why::Returned => graph.states.get(way.from).and_then(|(_, state)| state.saves.as_ref()),
        _ => None,
    };
    let Some(saves) = saves else { return Vec::new() };
    let of_list = graph.flow.slots.iter().filter(|(_, slot)| slot.result() == Some(saves.value.as_str()));
    of_list.map(|(name, _)| name.as_str()).collect()
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
                if let Some(result) = flow.slots.get(&slot.value).and_then(|slot| slot.result()) {
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
            if let Some(each) = &invoke.each {
                for (name, at) in plain_names(&each.list) {
                    need(&name, at, "the list of `each` is in it".to_owned());
                }
            }
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
        DraftDoes::Run(run) => {
            if let Some(each) = &run.each {
                for (name, at) in plain_names(&each.list) {
                    need(&name, at, "the list of `each` is in it".to_owned());
                }
            }
        }
        DraftDoes::Ask { .. }
        | DraftDoes::Rest { .. }
        | DraftDoes::Held
        | DraftDoes::Final { .. }
        | DraftDoes::Compound { .. }
        | DraftDoes::Parallel { .. }
        | DraftDoes::History { .. }
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

/// A way to a state on which `name` is not filled, or no longer: its ways, and the states to name.
fn route_without(
    graph: &Graph<'_>,
    filled: &Filled<'_>,
    to: usize,
    name: &str,
) -> Option<(Vec<usize>, Vec<usize>)> {
    // On such a way nothing fills it, and no state on it is sure of it.
    let passes = |way: &Way<'_>| {
        !matches!(way.why, Why::Restored | Why::Unused)
            && !fills(graph, way).contains(name)
            && !sets(way, name)
            && !matches!(way.to, End::State(next) if filled.surely(next, name))
    };
    let direct = graph.route(graph.outside(), |node| node == to, passes);
    if let Some(ways) = direct {
        let nodes = graph.nodes(&ways);
        return Some((ways, nodes));
    }
    let mut emptying = graph.ways.iter().enumerate().filter(|(_, way)| {
        unfills(graph, way).contains(&name)
            || way.actions.iter().any(|action| emptied(action).contains(&name))
    });
    emptying.find_map(|(number, way)| {
        let End::State(next) = way.to else { return None };
        let rest = if next == to { Vec::new() } else { graph.route(next, |node| node == to, passes)? };
        let ways = [vec![number], rest].concat();
        let nodes = graph.nodes(&ways);
        let before = graph.route(
            graph.outside(),
            |node| node == way.from,
            |way| !matches!(way.why, Why::Restored | Why::Unused),
        );
        Some(([before.unwrap_or_default(), ways].concat(), nodes))
    })
}

/// Whether a way gives a slot a value.
fn sets(way: &Way<'_>, name: &str) -> bool {
    way.actions.iter().any(|action| matches!(action, DraftAction::Set(slot, _) if slot.value == name))
}
