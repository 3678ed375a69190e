//! The ways through a flow: from which state to which, what takes them, and what is done on the way.
//!
//! Every state is a node, and so is what is outside of the flow. A way leaves from a state in which something is done or
//! waited for; the handlers of the states it is in are ways of its own. It ends in the state that a target names: from
//! one with states the ways go on to those that are entered with it. Regions of a parallel state are entered by ways
//! side by side.

use std::collections::VecDeque;

use super::draft::{Draft, DraftAction, DraftCase, DraftDoes, DraftState};

/// A flow's states and the ways between them.
pub(super) struct Graph<'g> {
    pub(super) flow: &'g Draft,
    pub(super) states: Vec<(&'g str, &'g DraftState)>,
    pub(super) ways: Vec<Way<'g>>,
    /// The ways out of every node, by their numbers.
    pub(super) out: Vec<Vec<usize>>,
    /// The states above each, the nearest first.
    pub(super) above: Vec<Vec<usize>>,
    pub(super) children: Vec<Vec<usize>>,
}

/// One way out of a state.
pub(super) struct Way<'g> {
    pub(super) from: usize,
    pub(super) to: End,
    pub(super) why: Why<'g>,
    /// The case that is taken; none for what follows from the chart alone.
    pub(super) case: Option<&'g DraftCase>,
    /// The cases that stand before it and whose guards did not hold.
    pub(super) passed: &'g [DraftCase],
    /// What is done: on leaving, on the way, and on entering up to where it ends.
    pub(super) actions: Vec<&'g DraftAction>,
}

/// Where a way ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// In a state of the flow.
    State(usize),
    /// Where it began: nothing is left.
    Stays,
    /// In the root chart.
    Leaves,
    /// Nobody knows: it could not be read.
    Anywhere,
}

/// What takes a way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why<'g> {
    /// The flow begins.
    Begins,
    /// The state has done what it does.
    Then,
    /// A guard held before anything else happened.
    Always,
    /// The call was answered.
    Done,
    /// The call failed.
    Failed,
    /// Nobody knows what came of the call.
    Unknown,
    /// The flow that was run has ended.
    Returned,
    /// The guest said yes to a read-back.
    Yes,
    /// The guest said something else.
    Said(&'g str),
    /// A named event came; the empty one is any.
    Event(&'g str),
    /// Time passed, in milliseconds.
    After(i64),
    /// A final state was entered.
    Ended,
    /// All regions are in final states.
    Joined,
    /// It is entered with the state that it is in.
    Entered,
    /// A history led back to it.
    Restored,
    /// A history would lead there if what it is about was never left, and it always was.
    Unused,
}

impl<'g> Graph<'g> {
    /// What is outside of the flow: where it begins from.
    pub(super) fn outside(&self) -> usize {
        self.states.len()
    }

    /// The ways out of a node.
    pub(super) fn from(&self, node: usize) -> impl Iterator<Item = (usize, &Way<'g>)> {
        let out = self.out.get(node).map(Vec::as_slice).unwrap_or_default();
        out.iter().filter_map(|way| Some((*way, self.ways.get(*way)?)))
    }

    /// What a node is called; nothing is outside.
    pub(super) fn name(&self, node: usize) -> &'g str {
        self.states.get(node).map_or("", |(name, _)| *name)
    }

    /// What a node does; nothing is outside.
    pub(super) fn does(&self, node: usize) -> Option<&'g DraftDoes> {
        self.states.get(node).map(|(_, state)| &state.does)
    }

    /// The states above a node, the nearest first.
    pub(super) fn above(&self, node: usize) -> &[usize] {
        self.above.get(node).map(Vec::as_slice).unwrap_or_default()
    }

    /// A node and the states above it, the nearest first.
    pub(super) fn up(&self, node: usize) -> impl DoubleEndedIterator<Item = usize> + Clone {
        std::iter::once(node).chain(self.above(node).iter().copied())
    }

    /// The states directly in a node.
    pub(super) fn children(&self, node: usize) -> &[usize] {
        self.children.get(node).map(Vec::as_slice).unwrap_or_default()
    }

    /// Whether a node is a state or inside it.
    pub(super) fn is_in(&self, node: usize, state: usize) -> bool {
        node == state || self.above(node).contains(&state)
    }

    /// Whether a node is one in which something is done or waited for.
    pub(super) fn is_leaf(&self, node: usize) -> bool {
        self.states
            .get(node)
            .is_some_and(|(_, state)| !state.is_above() && !matches!(state.does, DraftDoes::History { .. }))
    }

    /// The regions beside the ones a node is in, of all parallel states that it is in.
    pub(super) fn beside(&self, node: usize) -> Vec<usize> {
        let mut beside = Vec::new();
        let mut inner = node;
        for above in self.above(node) {
            if matches!(self.does(*above), Some(DraftDoes::Parallel { .. })) {
                beside.extend(self.children(*above).iter().copied().filter(|region| *region != inner));
            }
            inner = *above;
        }
        beside
    }

    /// Names of states in a row: `a → b`. States that only hold others are left out.
    pub(super) fn path(&self, nodes: &[usize]) -> String {
        let mut names: Vec<&str> = Vec::new();
        for node in nodes.iter().filter(|node| self.is_leaf(**node)) {
            names.extend(self.states.get(*node).map(|(name, _)| *name));
        }
        names.join(" → ")
    }

    /// A shortest route over the ways that `passes` lets through, as the numbers of ways.
    pub(super) fn route(
        &self,
        from: usize,
        to: impl Fn(usize) -> bool,
        passes: impl Fn(&Way<'g>) -> bool,
    ) -> Option<Vec<usize>> {
        let mut before: Vec<Option<usize>> = vec![None; self.states.len() + 1];
        let mut queue = VecDeque::from([from]);
        while let Some(at) = queue.pop_front() {
            for (number, way) in self.from(at) {
                let End::State(next) = way.to else { continue };
                if !passes(way) || before[next].is_some() {
                    continue;
                }
                before[next] = Some(number);
                if to(next) {
                    return Some(self.walked(from, next, &before));
                }
                queue.push_back(next);
            }
        }
        None
    }

    /// The ways from `from` to `to`, each found by the way before it.
    fn walked(&self, from: usize, to: usize, before: &[Option<usize>]) -> Vec<usize> {
        let mut route = Vec::new();
        let mut current = before.get(to).copied().flatten();
        while let Some(number) = current {
            route.push(number);
            let Some(way) = self.ways.get(number) else { break };
            current = if way.from == from { None } else { before.get(way.from).copied().flatten() };
        }
        route.reverse();
        route
    }

    /// The nodes that a route passes, its ends included.
    pub(super) fn nodes(&self, route: &[usize]) -> Vec<usize> {
        let ways = || route.iter().filter_map(|way| self.ways.get(*way));
        let mut nodes: Vec<usize> = ways().take(1).map(|way| way.from).collect();
        nodes.extend(ways().filter_map(|way| way.to.state()));
        nodes
    }
}

impl Why<'_> {
    /// Whether it is taken before anything that waits is heard.
    pub(super) fn is_at_once(self) -> bool {
        match self {
            Self::Begins | Self::Always | Self::Ended | Self::Joined | Self::Entered | Self::Restored => true,
            Self::Then
            | Self::Done
            | Self::Failed
            | Self::Unknown
            | Self::Returned
            | Self::Yes
            | Self::Said(_)
            | Self::Event(_)
            | Self::After(_)
            | Self::Unused => false,
        }
    }
}

impl End {
    /// The state that is entered, if one is known.
    pub(super) fn state(self) -> Option<usize> {
        match self {
            Self::State(state) => Some(state),
            Self::Stays | Self::Leaves | Self::Anywhere => None,
        }
    }
}

impl Way<'_> {
    /// Where one stands after it, if that is in the flow and known.
    pub(super) fn leads(&self) -> Option<usize> {
        match self.to {
            End::State(state) => Some(state),
            End::Stays => Some(self.from),
            End::Leaves | End::Anywhere => None,
        }
    }

    /// Whether something is done on it that empties or fills a slot.
    pub(super) fn changes(&self) -> bool {
        self.actions.iter().any(|action| matches!(action, DraftAction::Clear(_) | DraftAction::Set(..)))
    }
}
