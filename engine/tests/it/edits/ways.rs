//! The ways through a flow, read from the checked flow and nothing else: which asking states every way to an end goes
//! through.

use std::collections::{BTreeMap, BTreeSet};

use innkeeper_engine::flow::{Does, Flow, Form, Go, State, StateId, Transition};

/// For every top-level end of a flow: the asking states that all ways to it go through.
pub(crate) fn mandatory(flow: &Flow) -> BTreeMap<String, Vec<String>> {
    let name = |state: usize| flow.states.get_index(state).unwrap().0.to_string();
    let all: Vec<usize> = (0..flow.states.len()).collect();
    let ends = all.iter().filter(|state| {
        let state = &flow.states[**state];
        state.parent.is_none() && matches!(state.form, Form::Atomic(Does::Final { .. }))
    });
    let asks = |state: &usize| matches!(&flow.states[*state].form, Form::Atomic(does) if does.asks());
    let without: Vec<(usize, BTreeSet<usize>)> =
        all.iter().copied().filter(asks).map(|state| (state, reached(flow, Some(state)))).collect();
    let anyway = reached(flow, None);
    let ends = ends.filter(|end| anyway.contains(end)).map(|end| {
        let needed =
            without.iter().filter(|(_, reached)| !reached.contains(end)).map(|(state, _)| name(*state));
        (name(*end), needed.collect())
    });
    ends.collect()
}

/// The atomic states that are come to from the beginning, never through `closed`.
fn reached(flow: &Flow, closed: Option<usize>) -> BTreeSet<usize> {
    let mut seen: BTreeSet<usize> = BTreeSet::new();
    let mut todo = leaves(flow, flow.initial);
    while let Some(state) = todo.pop() {
        if Some(state) != closed && seen.insert(state) {
            todo.extend(next(flow, state));
        }
    }
    seen
}

/// The atomic states that are entered with a state: its own, and those of the regions beside it.
fn leaves(flow: &Flow, state: StateId) -> Vec<usize> {
    let mut all = inside(flow, state);
    for above in around(flow, state.index()) {
        if let Form::Parallel { states, .. } = &flow.states[above.index()].form {
            let is_way =
                |other: &StateId| *other == state || around(flow, state.index()).any(|above| above == *other);
            all.extend(states.iter().filter(|other| !is_way(other)).flat_map(|other| inside(flow, *other)));
        }
    }
    all
}

fn inside(flow: &Flow, state: StateId) -> Vec<usize> {
    match &flow.states[state.index()].form {
        Form::Atomic(_) => vec![state.index()],
        Form::Compound { initial, .. } => inside(flow, *initial),
        Form::Parallel { states, .. } => states.iter().flat_map(|state| inside(flow, *state)).collect(),
        Form::History { default, .. } => {
            let parent = flow.states[state.index()].parent;
            let within = (0..flow.states.len()).filter(|state| {
                matches!(flow.states[*state].form, Form::Atomic(_))
                    && around(flow, *state).any(|above| Some(above) == parent)
            });
            default.iter().flat_map(|state| inside(flow, *state)).chain(within).collect()
        }
    }
}

fn around(flow: &Flow, state: usize) -> impl Iterator<Item = StateId> {
    std::iter::successors(flow.states[state].parent, |above| flow.states[above.index()].parent)
}

fn next(flow: &Flow, state: usize) -> Vec<usize> {
    let own: &State = &flow.states[state];
    let mut cases: Vec<&Transition> = flow.on.values().flatten().collect();
    for state in std::iter::once(own).chain(around(flow, state).map(|above| &flow.states[above.index()])) {
        cases.extend(&state.always);
        cases.extend(state.on.values().flatten());
        cases.extend(state.after.iter().flat_map(|after| &after.cases));
    }
    if let Form::Atomic(does) = &own.form {
        match does {
            Does::Collect { then, .. } | Does::Ask { then, .. } => cases.extend(then),
            Does::Invoke(invoke) => {
                cases.extend(invoke.done.iter().chain(&invoke.error).chain(&invoke.unknown))
            }
            Does::Run(run) => cases.extend(&run.done),
            Does::Confirm { yes, no, .. } => cases.extend(yes.iter().chain(no)),
            Does::Final { .. } => {
                for above in around(flow, state) {
                    if let Form::Compound { done, .. } | Form::Parallel { done, .. } =
                        &flow.states[above.index()].form
                    {
                        cases.extend(done);
                    }
                }
            }
            Does::Rest | Does::Held => {}
        }
    }
    let targets = cases.into_iter().filter_map(|case| match &case.go {
        Go::To(targets) => Some(targets),
        _ => None,
    });
    targets.flatten().flat_map(|target| leaves(flow, *target)).collect()
}
