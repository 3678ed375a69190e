//! What leads on from a state by itself, once nothing more is needed of the guest, and the slots that decide it.

use super::{Does, Flow, Form, SlotId, StateId, Transition};

/// For every state the slots that the guards on its way on read.
pub(crate) type Deciding = Box<[Box<[SlotId]>]>;

impl Flow {
    /// The lists of cases by which an atomic state is left without an event, in the order they are tried: the eventless
    /// ones of it and of the states around it, then the one that follows what it does.
    pub(crate) fn onward(&self, state: StateId) -> impl Iterator<Item = &[Transition]> {
        let eventless = std::iter::once(state)
            .chain(self.ancestors(state))
            .filter_map(|state| Some(self.state(state)?.always.as_slice()));
        eventless.chain(self.follows(state))
    }

    /// The cases that follow what a state does; those of a final state are the ones of the state that ends with it.
    fn follows(&self, state: StateId) -> Option<&[Transition]> {
        match self.does(state)? {
            Does::Collect { then, .. } | Does::Ask { then, .. } => Some(then),
            Does::Invoke(invoke) => Some(&invoke.done),
            Does::Run(run) => Some(&run.done),
            Does::Final { .. } => {
                self.ancestors(state).find_map(|above| match self.state(above).map(|state| &state.form) {
                    Some(Form::Compound { done, .. } | Form::Parallel { done, .. }) if !done.is_empty() => {
                        Some(done.as_slice())
                    }
                    _ => None,
                })
            }
            // A yes and a no are the guest's.
            Does::Confirm { .. } | Does::Rest | Does::Held => None,
        }
    }

    /// The slots that decide where a state leads to.
    pub(crate) fn deciding(&self, state: StateId) -> &[SlotId] {
        self.deciding.get(state.index()).map_or(&[], |slots| slots)
    }

    /// Looks them up for every state.
    pub(crate) fn all_deciding(&self) -> Deciding {
        let of = |number: usize| {
            let guards = self.onward(StateId::at(number)).flatten().filter_map(|case| case.guard.as_ref());
            let names = guards.flat_map(|guard| guard.paths()).filter_map(|path| path.first());
            let mut slots: Vec<SlotId> = names.filter_map(|name| self.slot_id(name)).collect();
            slots.sort_unstable();
            slots.dedup();
            slots.into_boxed_slice()
        };
        (0..self.states.len()).map(of).collect()
    }
}
