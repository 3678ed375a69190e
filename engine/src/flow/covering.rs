//! Which read-backs cover what a call sends: looked up when a flow is loaded, so that a turn only compares values.

use super::{Does, Flow, Form, Invoke, StateId};
use crate::guard::Path;

/// Every state that calls a writing tool, with the states that read back everything it sends.
pub(crate) type Covering = Box<[(StateId, Box<[StateId]>)]>;

impl Flow {
    /// Whether everything that a state's call sends is among what another reads back.
    pub(crate) fn is_covered(&self, call: StateId, read_back: StateId) -> bool {
        let known = self.covering.iter().find(|(state, _)| *state == call);
        known.is_some_and(|(_, states)| states.contains(&read_back))
    }

    /// Looks it up for every state that calls a writing tool.
    pub(crate) fn all_covering(&self) -> Covering {
        let atomic = || {
            self.states.values().enumerate().filter_map(|(index, state)| match &state.form {
                Form::Atomic(does) => Some((StateId::at(index), does)),
                Form::Compound { .. } | Form::Parallel { .. } | Form::History { .. } => None,
            })
        };
        let calls = atomic().filter_map(|(state, does)| {
            if let Does::Invoke(invoke) = does { invoke.writes.then_some((state, invoke)) } else { None }
        });
        let of = |state: StateId, invoke: &Invoke| {
            let reads = atomic().filter(|(_, does)| {
                matches!(does, Does::Confirm { paths, sends: None, .. } if covers(paths, invoke, self))
            });
            (state, reads.map(|(state, _)| state).collect())
        };
        calls.map(|(state, invoke)| of(state, invoke)).collect()
    }
}

/// Whether everything that a call sends is among what is read back.
///
/// A path is covered by a confirmed path that is its beginning (a choice confirms its whole record), and an id of a
/// result by any confirmed field of the same result.
fn covers(paths: &[Path], invoke: &Invoke, flow: &Flow) -> bool {
    invoke.with.iter().flat_map(|(_, expression)| expression.paths()).all(|path| {
        let is_result = path.first().is_some_and(|root| flow.results.contains_key(root.as_str()));
        paths.iter().any(|read| {
            read.covers(path)
                || (is_result
                    && is_id(path.last().map_or("", String::as_str))
                    && path.first().is_some_and(|root| **root == *read.name))
        })
    })
}

/// Whether a field's name says that it is an opaque id.
fn is_id(field: &str) -> bool {
    field == "id" || field.ends_with("_id")
}
