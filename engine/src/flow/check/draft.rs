//! A flow as it was written: everything in its place in the text, nothing yet known to exist.

use indexmap::IndexMap;

use super::condition::Condition;
use super::formula::Formula;
use crate::flow::Event;
use crate::flow::raw::{At, Spot};
use crate::slot::{Kind, Merge};

/// A flow.
pub(super) struct Draft {
    pub(super) name: At<String>,
    pub(super) description: String,
    pub(super) examples: Vec<String>,
    pub(super) slots: IndexMap<String, DraftSlot>,
    pub(super) initial: Option<At<String>>,
    pub(super) on: DraftHandlers,
    /// All its states at any depth, a parent before its children.
    pub(super) states: IndexMap<String, DraftState>,
    /// What it was called in earlier versions.
    pub(super) was: Vec<At<String>>,
    /// What must never and what must always be.
    pub(super) properties: Vec<Property>,
    /// Whether its states could not be read, so that states may only seem to be missing.
    pub(super) strange: bool,
    /// Whether its slots could not be read, so that names may only seem to be unknown.
    pub(super) slots_unread: bool,
}

/// A slot.
pub(super) struct DraftSlot {
    pub(super) at: Spot,
    /// What it is; unknown when its type could not be read.
    pub(super) kind: Option<Kind>,
    /// The places of the names in a choice's list.
    pub(super) list: Option<DraftList>,
    pub(super) optional: bool,
    pub(super) default: Option<Formula>,
    pub(super) remember: bool,
    pub(super) merge: Merge,
    /// What it was called in earlier versions.
    pub(super) was: Vec<At<String>>,
}

/// Where a choice's list comes from.
pub(super) struct DraftList {
    /// The result and the path in it.
    pub(super) from: At<Vec<String>>,
    /// Fields that every item must have: its key, its label and its words.
    pub(super) fields: Vec<At<String>>,
    /// Slots that choosing fills.
    pub(super) sets: Vec<At<String>>,
}

/// A state.
pub(super) struct DraftState {
    pub(super) at: Spot,
    /// The state it is in, by its place among the states.
    pub(super) parent: Option<usize>,
    pub(super) does: DraftDoes,
    /// Actions on entering it; its `say` is the last of them.
    pub(super) entry: Vec<DraftAction>,
    pub(super) exit: Vec<DraftAction>,
    /// The name it saves a result under, even when what it does could not be read.
    pub(super) saves: Option<At<String>>,
    pub(super) on: DraftHandlers,
    pub(super) always: Vec<DraftCase>,
    pub(super) after: Vec<DraftAfter>,
    /// What it was called in earlier versions.
    pub(super) was: Vec<At<String>>,
}

/// What a state does, or is.
pub(super) enum DraftDoes {
    Collect {
        slots: Vec<At<String>>,
        then: Vec<DraftCase>,
    },
    Invoke(Box<DraftInvoke>),
    Run(Box<DraftRun>),
    Confirm {
        paths: Vec<At<Vec<String>>>,
        sends: Option<DraftSends>,
        yes: Vec<DraftCase>,
        no: Vec<DraftCase>,
    },
    Ask {
        prompt: At<String>,
        then: Vec<DraftCase>,
    },
    /// Nothing: it waits, or goes on by its `always`.
    Rest {
        waits: bool,
    },
    /// A person has the conversation.
    Held,
    Final {
        outcome: At<String>,
        output: Option<Formula>,
    },
    Compound {
        initial: Option<At<String>>,
        done: Vec<DraftCase>,
    },
    Parallel {
        done: Vec<DraftCase>,
    },
    History {
        deep: bool,
        default: Vec<At<String>>,
    },
    /// It could not be read: it may do anything.
    Unread,
}

/// What a yes sends elsewhere.
pub(super) struct DraftSends {
    pub(super) prompt: At<String>,
    pub(super) to: At<String>,
}

/// A tool call.
pub(super) struct DraftInvoke {
    pub(super) tool: At<String>,
    pub(super) with: Vec<(At<String>, Formula)>,
    pub(super) each: Option<DraftEach>,
    pub(super) fresh_for_ms: Option<i64>,
    pub(super) retry: crate::effect::Retry,
    pub(super) cache: Option<At<i64>>,
    pub(super) done: Vec<DraftCase>,
    pub(super) error: Vec<DraftCase>,
    pub(super) unknown: Vec<DraftCase>,
}

/// Another flow that is run.
pub(super) struct DraftRun {
    pub(super) flow: At<String>,
    pub(super) with: Vec<(At<String>, Formula)>,
    pub(super) each: Option<DraftEach>,
    pub(super) done: Vec<DraftCase>,
}

/// A list that something is done for.
pub(super) struct DraftEach {
    /// Where the key stands.
    pub(super) at: Spot,
    pub(super) list: Formula,
    pub(super) item: At<String>,
}

/// A delayed transition.
pub(super) struct DraftAfter {
    pub(super) delay: At<i64>,
    pub(super) cases: Vec<DraftCase>,
}

/// An event as it is answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DraftEvent {
    /// One that every conversation has, or any named one.
    Own(Event),
    /// One that a flow declares.
    Named(String),
}

/// Handlers in the order written.
pub(super) type DraftHandlers = Vec<(At<DraftEvent>, Vec<DraftCase>)>;

/// Something done on the way.
pub(super) enum DraftAction {
    Say(At<String>),
    Clear(Vec<At<String>>),
    Set(At<String>, Formula),
    Raise(At<String>),
}

/// One case of a transition.
pub(super) struct DraftCase {
    pub(super) at: Spot,
    pub(super) guard: Option<Formula>,
    /// In the order written.
    pub(super) actions: Vec<DraftAction>,
    pub(super) say_again: bool,
    pub(super) ask_again: Option<bool>,
    pub(super) reenter: bool,
    pub(super) go: DraftGo,
}

/// Where a case goes.
pub(super) enum DraftGo {
    Stay,
    Target(Vec<At<String>>),
    Run(At<String>),
    Queue,
    Undo,
    NextPage,
    PreviousPage,
    /// It could not be read: it may go anywhere.
    Unread,
}

/// Something that must never, or always, be.
pub(super) struct Property {
    pub(super) at: Spot,
    pub(super) because: Option<String>,
    /// Its condition as it is written.
    pub(super) condition: Option<String>,
    pub(super) demands: Demands,
}

/// What a property demands.
pub(super) enum Demands {
    /// No state of these is active while the condition can hold.
    Never { states: Vec<At<String>>, guard: Option<Condition> },
    /// The tool is not called without a yes to what it is sent.
    Confirmed { tool: At<String> },
    /// While the tool is called the condition does not hold.
    NeverCalled { tool: At<String>, guard: Option<Condition> },
    /// While one of the states is active the condition holds.
    Holds { states: Vec<At<String>>, holds: Condition },
    /// Every way to the first states goes through one of the others.
    Passed { before: Vec<At<String>>, passed: Vec<At<String>> },
}

impl Draft {
    /// Every case with the state it stands in, if it stands in one.
    pub(super) fn cases(&self) -> impl Iterator<Item = (Option<&str>, &DraftCase)> {
        let own = self.on.iter().flat_map(|(_, cases)| cases).map(|case| (None, case));
        let of_states = self
            .states
            .iter()
            .flat_map(|(name, state)| state.cases().into_iter().map(move |case| (Some(name.as_str()), case)));
        own.chain(of_states)
    }

    /// Everything that is done on some way, or on entering or leaving a state.
    pub(super) fn actions(&self) -> impl Iterator<Item = &DraftAction> {
        let of_states = self.states.values().flat_map(|state| state.entry.iter().chain(&state.exit));
        self.cases().flat_map(|(_, case)| &case.actions).chain(of_states)
    }

    /// The tool calls with the states that make them.
    pub(super) fn invokes(&self) -> impl Iterator<Item = (&str, &DraftInvoke)> + Clone {
        self.states.iter().filter_map(|(name, state)| match &state.does {
            DraftDoes::Invoke(invoke) => Some((name.as_str(), invoke.as_ref())),
            _ => None,
        })
    }

    /// The names results are saved under.
    pub(super) fn results(&self) -> impl Iterator<Item = &At<String>> + Clone {
        self.states.values().filter_map(|state| state.saves.as_ref())
    }

    /// The names of its slots and results.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> + Clone {
        self.slots.keys().chain(self.results().map(|result| &result.value))
    }

    /// Whether a slot or a result has that name.
    pub(super) fn has_name(&self, name: &str) -> bool {
        self.slots.contains_key(name) || self.has_result(name)
    }

    /// Whether a result has that name.
    pub(super) fn has_result(&self, name: &str) -> bool {
        self.results().any(|result| result.value == name)
    }

    /// The state it begins in.
    pub(super) fn start(&self) -> Option<usize> {
        match &self.initial {
            Some(initial) => self.states.get_index_of(initial.value.as_str()),
            None => self.first_of(None),
        }
    }

    /// The first state in `parent` that is no pseudo-state.
    pub(super) fn first_of(&self, parent: Option<usize>) -> Option<usize> {
        self.states
            .values()
            .position(|state| state.parent == parent && !matches!(state.does, DraftDoes::History { .. }))
    }

    /// The states directly in `parent`.
    pub(super) fn children(&self, parent: Option<usize>) -> impl Iterator<Item = usize> {
        self.states
            .values()
            .enumerate()
            .filter(move |(_, state)| state.parent == parent)
            .map(|(index, _)| index)
    }

    /// A state's ancestors, the nearest first.
    pub(super) fn ancestors(&self, state: usize) -> impl Iterator<Item = usize> {
        let parent = |state: usize| self.states.get_index(state).and_then(|(_, state)| state.parent);
        std::iter::successors(parent(state), move |above| parent(*above))
    }

    /// A state's name.
    pub(super) fn state_name(&self, state: usize) -> &str {
        self.states.get_index(state).map_or("", |(name, _)| name)
    }

    /// What a state does.
    pub(super) fn does(&self, state: usize) -> Option<&DraftDoes> {
        self.states.get_index(state).map(|(_, state)| &state.does)
    }
}

impl DraftSlot {
    /// The result that a choice's list is in.
    pub(super) fn result(&self) -> Option<&str> {
        self.list.as_ref()?.from.value.first().map(String::as_str)
    }
}

impl DraftState {
    /// Its cases, those of its handlers last.
    pub(super) fn cases(&self) -> Vec<&DraftCase> {
        let mut cases: Vec<&DraftCase> = self.always.iter().collect();
        match &self.does {
            DraftDoes::Collect { then, .. } | DraftDoes::Ask { then, .. } => cases.extend(then),
            DraftDoes::Invoke(invoke) => {
                cases.extend(invoke.done.iter().chain(&invoke.error).chain(&invoke.unknown));
            }
            DraftDoes::Run(run) => cases.extend(&run.done),
            DraftDoes::Confirm { yes, no, .. } => cases.extend(yes.iter().chain(no)),
            DraftDoes::Compound { done, .. } | DraftDoes::Parallel { done } => cases.extend(done),
            DraftDoes::Rest { .. }
            | DraftDoes::Held
            | DraftDoes::Final { .. }
            | DraftDoes::History { .. }
            | DraftDoes::Unread => {}
        }
        cases.extend(self.after.iter().flat_map(|after| &after.cases));
        cases.extend(self.on.iter().flat_map(|(_, cases)| cases));
        cases
    }

    /// Everything that is done on its ways, and on entering and leaving it.
    pub(super) fn actions(&self) -> impl Iterator<Item = &DraftAction> {
        let of_cases = self.cases().into_iter().flat_map(|case| &case.actions);
        of_cases.chain(&self.entry).chain(&self.exit)
    }

    /// Whether the guest has a turn in it.
    pub(super) fn waits(&self) -> bool {
        match self.does {
            DraftDoes::Collect { .. }
            | DraftDoes::Confirm { .. }
            | DraftDoes::Ask { .. }
            | DraftDoes::Rest { waits: true }
            | DraftDoes::Held
            | DraftDoes::Unread => true,
            DraftDoes::Rest { waits: false }
            | DraftDoes::Invoke(_)
            | DraftDoes::Run(_)
            | DraftDoes::Final { .. }
            | DraftDoes::Compound { .. }
            | DraftDoes::Parallel { .. }
            | DraftDoes::History { .. } => false,
        }
    }

    /// Whether it has states of its own.
    pub(super) fn is_above(&self) -> bool {
        matches!(self.does, DraftDoes::Compound { .. } | DraftDoes::Parallel { .. })
    }
}

impl DraftCase {
    /// Where its first target is written, or else the case.
    pub(super) fn target_at(&self) -> Spot {
        match &self.go {
            DraftGo::Target(targets) => targets.first().map_or(self.at, |target| target.at),
            DraftGo::Stay
            | DraftGo::Run(_)
            | DraftGo::Queue
            | DraftGo::Undo
            | DraftGo::NextPage
            | DraftGo::PreviousPage
            | DraftGo::Unread => self.at,
        }
    }
}
