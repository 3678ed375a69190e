//! The states of a flow by their numbers: what they do, what they are in, and what is entered with them.

use std::collections::BTreeSet;

use innkeeper_engine::Flows;
use innkeeper_engine::flow::{Does, Flow, FlowId, Form, State, StateId, Transition};

pub(super) fn id(flow: &Flow, name: &str) -> usize {
    flow.states.get_index_of(name).unwrap()
}

pub(super) fn state_of(flow: &Flow, state: usize) -> &State {
    &flow.states[state]
}

pub(super) fn does_of(flow: &Flow, state: usize) -> Option<&Does> {
    match &state_of(flow, state).form {
        Form::Atomic(does) => Some(does),
        Form::Compound { .. } | Form::Parallel { .. } | Form::History { .. } => None,
    }
}

pub(super) fn name_of(flow: &Flow, state: usize) -> String {
    flow.states.get_index(state).unwrap().0.to_string()
}

/// What a state is in, the nearest first.
pub(super) fn above(flow: &Flow, state: usize) -> impl Iterator<Item = usize> {
    std::iter::successors(state_of(flow, state).parent, |state| state_of(flow, state.index()).parent)
        .map(|state| state.index())
}

/// Whether a number is that of a flow: flows are numbered by their names.
pub(super) fn is_flow(flows: &Flows, id: FlowId, name: &str) -> bool {
    let mut names: Vec<&str> = flows.iter().chain(flows.root()).map(|flow| &*flow.name).collect();
    names.sort_unstable();
    names[id.index()] == name
}

pub(super) fn indices<'t>(targets: impl IntoIterator<Item = &'t StateId>) -> Vec<usize> {
    targets.into_iter().map(|state| state.index()).collect()
}

pub(super) fn is_atomic(flow: &Flow, state: usize) -> bool {
    does_of(flow, state).is_some()
}

/// Whether a state saves a result that may be made again.
pub(super) fn produces(flow: &Flow, state: usize) -> bool {
    match does_of(flow, state) {
        Some(Does::Invoke(invoke)) => invoke.save.is_some() && !invoke.writes,
        Some(Does::Run(run)) => run.save.is_some(),
        _ => false,
    }
}

/// Whether it depends on a slot where a state leads to by itself.
pub(super) fn decides(flow: &Flow, state: usize) -> bool {
    let around = std::iter::once(state).chain(above(flow, state));
    let mut cases: Vec<&Transition> = Vec::new();
    for state in around {
        let state = state_of(flow, state);
        cases.extend(&state.always);
        match &state.form {
            Form::Atomic(Does::Collect { then, .. } | Does::Ask { then, .. }) => cases.extend(then),
            Form::Atomic(Does::Invoke(invoke)) => cases.extend(&invoke.done),
            Form::Atomic(Does::Run(run)) => cases.extend(&run.done),
            Form::Compound { done, .. } | Form::Parallel { done, .. } => cases.extend(done),
            Form::Atomic(_) | Form::History { .. } => {}
        }
    }
    let names = cases.iter().filter_map(|case| case.guard.as_ref()).flat_map(|guard| guard.paths());
    names.filter_map(|path| path.first()).any(|name| flow.slots.contains_key(name.as_str()))
}

/// Whether a state asks for values, which may be empty again.
pub(super) fn asks(flow: &Flow, state: usize) -> bool {
    matches!(state_of(flow, state).form, Form::Atomic(Does::Collect { .. }))
}

/// Everything that is entered with one of these states: what is around it, and what it begins in.
pub(super) fn within(flow: &Flow, targets: &BTreeSet<usize>, passed: &BTreeSet<usize>) -> BTreeSet<usize> {
    let mut all = BTreeSet::new();
    let mut todo: Vec<usize> = targets.iter().copied().collect();
    while let Some(state) = todo.pop() {
        if !all.insert(state) {
            continue;
        }
        match &state_of(flow, state).form {
            Form::Compound { initial, .. } => todo.push(initial.index()),
            Form::Parallel { states, .. } => todo.extend(indices(states)),
            Form::History { default, .. } => {
                todo.extend(indices(default));
                let parent = state_of(flow, state).parent.unwrap().index();
                todo.extend(
                    passed.iter().filter(|state| above(flow, **state).any(|around| around == parent)),
                );
            }
            Form::Atomic(_) => {}
        }
        for around in above(flow, state) {
            if all.insert(around)
                && let Form::Parallel { states, .. } = &state_of(flow, around).form
            {
                todo.extend(indices(states));
            }
        }
    }
    all
}
