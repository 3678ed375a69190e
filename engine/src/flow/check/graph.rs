//! The ways through a flow: what can be reached, where it ends, and whether it can run in circles.

use std::collections::{BTreeSet, VecDeque};

use super::draft::{Draft, DraftCase, DraftDoes, DraftGo, DraftState};
use super::near::nearest;
use super::report::Report;
use super::world::World;
use crate::flow::error::Rule;
use crate::flow::{Event, ROOT};

/// A flow's states and the ways between them.
pub(super) struct Graph<'g> {
    pub(super) flow: &'g Draft,
    pub(super) states: Vec<(&'g str, &'g DraftState)>,
    pub(super) ways: Vec<Way<'g>>,
    /// Where it may begin: its initial state, and for the root chart what flows go to.
    pub(super) starts: BTreeSet<usize>,
}

/// One way out of a state.
pub(super) struct Way<'g> {
    pub(super) from: usize,
    pub(super) to: End,
    pub(super) why: Why,
    pub(super) case: &'g DraftCase,
}

/// Where a way ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// In a state of the flow.
    State(usize),
    /// In the root chart.
    Leaves,
    /// Nobody knows: it could not be read.
    Anywhere,
}

/// What takes a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// The state has done what it does.
    Then,
    /// The call was answered.
    Done,
    /// The call failed.
    Failed,
    /// The guest said yes to a read-back.
    Yes,
    /// The guest said something else.
    Said,
}

impl<'g> Graph<'g> {
    /// The graph of a flow. `None` when it could not be read well enough.
    pub(super) fn new(world: &World<'g>, flow: &'g Draft) -> Option<Self> {
        if flow.strange {
            return None;
        }
        let states: Vec<(&str, &DraftState)> =
            flow.states.iter().map(|(name, state)| (name.as_str(), state)).collect();
        let index = |name: &str| states.iter().position(|(known, _)| *known == name);
        let initial = index(flow.start()?)?;
        let mut starts = BTreeSet::from([initial]);
        if flow.name.value == ROOT {
            for other in world.drafts.values().filter(|other| other.name.value != ROOT) {
                let targets = other.cases().filter_map(|(_, case)| match &case.go {
                    DraftGo::Target(target) if !other.states.contains_key(&target.value) => Some(target),
                    _ => None,
                });
                starts.extend(targets.filter_map(|target| index(&target.value)));
            }
        }
        let of_root = |name: &str| world.root().is_some_and(|root| root.states.contains_key(name));
        let end = |case: &DraftCase| match &case.go {
            DraftGo::Target(target) => Some(match index(&target.value) {
                Some(state) => End::State(state),
                None if of_root(&target.value) => End::Leaves,
                // A slip is followed to where it was meant to go.
                None => nearest(&target.value, flow.states.keys().map(String::as_str))
                    .and_then(index)
                    .map_or(End::Anywhere, End::State),
            }),
            DraftGo::Unread => Some(End::Anywhere),
            DraftGo::Stay | DraftGo::Run(_) | DraftGo::NextPage => None,
        };
        let mut ways = Vec::new();
        for (from, (_, state)) in states.iter().enumerate() {
            for (why, case) in taken(flow, state) {
                if let Some(to) = end(case) {
                    ways.push(Way { from, to, why, case });
                }
            }
        }
        Some(Self { flow, states, ways, starts })
    }

    /// Reports unreachable states, dead ends and loops.
    ///
    /// `whole` says that every file could be read, so that no unread flow leads to a state of the root chart.
    pub(super) fn check(&self, report: &mut Report<'_>, whole: bool) {
        if whole || self.flow.name.value != ROOT {
            self.unreachable(report);
        }
        self.dead_ends(report);
        self.loops(report);
    }

    /// Names of states in a row: `a → b`.
    pub(super) fn path(&self, states: &[usize]) -> String {
        let names: Vec<&str> =
            states.iter().filter_map(|state| self.states.get(*state)).map(|s| s.0).collect();
        names.join(" → ")
    }

    /// A shortest path, both ends included, over the ways that `passes` lets through.
    pub(super) fn route(
        &self,
        from: usize,
        to: usize,
        passes: impl Fn(&Way<'g>) -> bool,
    ) -> Option<Vec<usize>> {
        let mut before: Vec<Option<usize>> = vec![None; self.states.len()];
        let mut seen = BTreeSet::new();
        let mut queue = VecDeque::from([from]);
        while let Some(at) = queue.pop_front() {
            for way in self.ways.iter().filter(|way| way.from == at && passes(way)) {
                let End::State(next) = way.to else { continue };
                if seen.insert(next) {
                    before[next] = Some(at);
                    if next == to {
                        let mut route = vec![to];
                        let mut current = before[to];
                        while let Some(state) = current {
                            route.push(state);
                            current = if state == from { None } else { before[state] };
                        }
                        route.reverse();
                        return Some(route);
                    }
                    queue.push_back(next);
                }
            }
        }
        None
    }

    fn reachable(&self, from: &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut seen = from.clone();
        let mut queue: Vec<usize> = from.iter().copied().collect();
        while let Some(at) = queue.pop() {
            if self.states.get(at).is_some_and(|(_, state)| matches!(state.does, DraftDoes::Unread)) {
                return (0..self.states.len()).collect();
            }
            for way in self.ways.iter().filter(|way| way.from == at) {
                match way.to {
                    End::State(next) if seen.insert(next) => queue.push(next),
                    End::Anywhere => return (0..self.states.len()).collect(),
                    End::State(_) | End::Leaves => {}
                }
            }
        }
        seen
    }

    fn unreachable(&self, report: &mut Report<'_>) {
        let reachable = self.reachable(&self.starts);
        let mut rest: BTreeSet<usize> = (0..self.states.len()).filter(|s| !reachable.contains(s)).collect();
        // What only an unreachable state leads to is not told apart from it.
        let sources: Vec<usize> = rest
            .iter()
            .copied()
            .filter(|state| {
                rest.iter().all(|other| {
                    !self.reachable(&BTreeSet::from([*other])).contains(state)
                        || self.reachable(&BTreeSet::from([*state])).contains(other)
                })
            })
            .collect();
        for source in sources {
            if !rest.contains(&source) {
                continue;
            }
            for state in self.reachable(&BTreeSet::from([source])) {
                rest.remove(&state);
            }
            let Some((name, state)) = self.states.get(source) else { continue };
            let message = format!("no way leads to the state `{name}`");
            report.add(
                state.at,
                Rule::Unreachable,
                message,
                Some("name it as a `target`, or remove it".to_owned()),
            );
        }
    }

    fn dead_ends(&self, report: &mut Report<'_>) {
        if self.flow.name.value == ROOT {
            return;
        }
        let ends = |state: usize| {
            self.states
                .get(state)
                .is_some_and(|(_, s)| matches!(s.does, DraftDoes::Final(_) | DraftDoes::Unread))
                || self.ways.iter().any(|way| way.from == state && !matches!(way.to, End::State(_)))
        };
        if !(0..self.states.len()).any(ends) {
            let message = format!("`{}` never ends", self.flow.name.value);
            let help = "end it in a state with `final: done`, or in a state of the root chart".to_owned();
            report.add(self.flow.name.at, Rule::DeadEnd, message, Some(help));
            return;
        }
        let mut told: BTreeSet<usize> = BTreeSet::new();
        for state in self.reachable(&self.starts) {
            let ahead = self.reachable(&BTreeSet::from([state]));
            // The last states before nowhere are told; what leads into them is not.
            let last = ahead.iter().all(|next| self.reachable(&BTreeSet::from([*next])).contains(&state));
            if !last || ahead.iter().any(|next| ends(*next) || told.contains(next)) {
                continue;
            }
            told.extend(ahead);
            if let Some((name, state)) = self.states.get(state) {
                let message = format!("from the state `{name}` no way leads to an end");
                let help = "a way to a state with `final`, for example `on: { cancel: … }`".to_owned();
                report.add(state.at, Rule::DeadEnd, message, Some(help));
            }
        }
    }

    fn loops(&self, report: &mut Report<'_>) {
        let automatic = |way: &Way<'g>| {
            way.why != Why::Said
                && self.states.get(way.from).is_some_and(|(_, state)| !state.waits())
                && matches!(way.to, End::State(to) if self.states.get(to).is_some_and(|(_, s)| !s.waits()))
        };
        let mut told: BTreeSet<usize> = BTreeSet::new();
        for start in 0..self.states.len() {
            if told.contains(&start) {
                continue;
            }
            let Some(circle) = self.route(start, start, automatic) else { continue };
            told.extend(&circle);
            let last = circle.get(circle.len().saturating_sub(2)).copied().unwrap_or(start);
            let back = self
                .ways
                .iter()
                .find(|way| way.from == last && way.to == End::State(start))
                .map_or_else(|| self.states[start].1.at, |way| way.case.target_at());
            let message = format!("the guest has no turn in the loop {}", self.path(&circle));
            let help = "put a state between that collects, asks, confirms or waits".to_owned();
            report.add(back, Rule::Loop, message, Some(help));
        }
    }
}

/// The cases that may be taken in a state, with what takes them.
fn taken<'g>(flow: &'g Draft, state: &'g DraftState) -> Vec<(Why, &'g DraftCase)> {
    let mut taken = Vec::new();
    let mut add = |why, cases: &'g [DraftCase]| taken.extend(cases.iter().map(|case| (why, case)));
    let handlers = || state.on.iter().chain(&flow.on);
    match &state.does {
        DraftDoes::Collect { then, .. } | DraftDoes::Ask { then, .. } | DraftDoes::Always(then) => {
            add(Why::Then, then);
        }
        DraftDoes::Invoke(invoke) => {
            add(Why::Done, &invoke.done);
            add(Why::Failed, &invoke.error);
            if invoke.error.last().is_none_or(|last| last.guard.is_some()) {
                for (_, cases) in handlers().filter(|(event, _)| event.value == Event::ToolFailed) {
                    add(Why::Failed, cases);
                }
            }
        }
        DraftDoes::Confirm { yes, no, .. } => {
            add(Why::Yes, yes);
            add(Why::Said, no);
        }
        DraftDoes::Wait | DraftDoes::Final(_) | DraftDoes::Unread => {}
    }
    // What a guest says while a tool is asked is answered too.
    if state.waits() || matches!(state.does, DraftDoes::Invoke(_)) {
        for (_, cases) in handlers().filter(|(event, _)| event.value != Event::ToolFailed) {
            add(Why::Said, cases);
        }
    }
    taken
}
