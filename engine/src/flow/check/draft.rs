//! A flow as it was written: everything in its place in the text, nothing yet known to exist.

use indexmap::IndexMap;

use super::formula::Formula;
use crate::effect::Retry;
use crate::flow::Event;
use crate::flow::raw::{At, Spot};
use crate::slot::Kind;

/// A flow.
pub(super) struct Draft {
    pub(super) name: At<String>,
    pub(super) description: String,
    pub(super) examples: Vec<String>,
    pub(super) slots: IndexMap<String, DraftSlot>,
    pub(super) initial: Option<At<String>>,
    pub(super) on: DraftHandlers,
    pub(super) states: IndexMap<String, DraftState>,
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
    pub(super) say: Option<At<String>>,
    pub(super) does: DraftDoes,
    /// The name it saves a result under, even when what it does could not be read.
    pub(super) saves: Option<At<String>>,
    pub(super) on: DraftHandlers,
}

/// What a state does.
pub(super) enum DraftDoes {
    Collect {
        slots: Vec<At<String>>,
        then: Vec<DraftCase>,
    },
    Invoke(Box<DraftInvoke>),
    Confirm {
        paths: Vec<At<Vec<String>>>,
        yes: Vec<DraftCase>,
        no: Vec<DraftCase>,
    },
    Ask {
        prompt: At<String>,
        then: Vec<DraftCase>,
    },
    Always(Vec<DraftCase>),
    Wait,
    Final(String),
    /// It could not be read: it may do anything.
    Unread,
}

/// A tool call.
pub(super) struct DraftInvoke {
    pub(super) tool: At<String>,
    pub(super) with: Vec<(At<String>, Formula)>,
    pub(super) fresh_for_ms: Option<i64>,
    pub(super) retry: Retry,
    pub(super) done: Vec<DraftCase>,
    pub(super) error: Vec<DraftCase>,
}

/// Handlers in the order written.
pub(super) type DraftHandlers = Vec<(At<Event>, Vec<DraftCase>)>;

/// One case of a transition.
pub(super) struct DraftCase {
    pub(super) at: Spot,
    pub(super) guard: Option<Formula>,
    pub(super) say: Option<At<String>>,
    pub(super) say_again: bool,
    pub(super) ask_again: Option<bool>,
    pub(super) clear: Vec<At<String>>,
    pub(super) go: DraftGo,
}

/// Where a case goes.
pub(super) enum DraftGo {
    Stay,
    Target(At<String>),
    Run(At<String>),
    NextPage,
    /// It could not be read: it may go anywhere.
    Unread,
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

    /// Whether a result has that name.
    pub(super) fn has_result(&self, name: &str) -> bool {
        self.results().any(|result| result.value == name)
    }

    /// The state it begins in.
    pub(super) fn start(&self) -> Option<&str> {
        match &self.initial {
            Some(initial) => self.states.get_key_value(initial.value.as_str()).map(|(name, _)| name.as_str()),
            None => self.states.first().map(|(name, _)| name.as_str()),
        }
    }
}

impl DraftState {
    /// Its cases, those of its handlers last.
    pub(super) fn cases(&self) -> Vec<&DraftCase> {
        let mut cases: Vec<&DraftCase> = match &self.does {
            DraftDoes::Collect { then, .. } | DraftDoes::Ask { then, .. } | DraftDoes::Always(then) => {
                then.iter().collect()
            }
            DraftDoes::Invoke(invoke) => invoke.done.iter().chain(&invoke.error).collect(),
            DraftDoes::Confirm { yes, no, .. } => yes.iter().chain(no).collect(),
            DraftDoes::Wait | DraftDoes::Final(_) | DraftDoes::Unread => Vec::new(),
        };
        cases.extend(self.on.iter().flat_map(|(_, cases)| cases));
        cases
    }

    /// Whether the guest has a turn in it.
    pub(super) fn waits(&self) -> bool {
        match self.does {
            DraftDoes::Collect { .. }
            | DraftDoes::Confirm { .. }
            | DraftDoes::Ask { .. }
            | DraftDoes::Wait
            | DraftDoes::Unread => true,
            DraftDoes::Invoke(_) | DraftDoes::Always(_) | DraftDoes::Final(_) => false,
        }
    }
}

impl DraftCase {
    /// Where its target is written, or else the case.
    pub(super) fn target_at(&self) -> Spot {
        match &self.go {
            DraftGo::Target(target) => target.at,
            DraftGo::Stay | DraftGo::Run(_) | DraftGo::NextPage | DraftGo::Unread => self.at,
        }
    }
}
