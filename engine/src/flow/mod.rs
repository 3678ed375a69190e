//! Flows: statecharts as authored, and as checked.
//!
//! YAML is read into a spanned tree (`raw`), every mistake in every file is found (`check`, reported as
//! [`Mistakes`]), and what remains is a [`Flows`]: the only form that [`step`](crate::step()) runs. A checked flow
//! names no state, slot, result, tool or prompt that does not exist: names became numbers, each an index into the
//! table of the flow that declares it. States stand in document order, a parent before its children (SCXML 3.13 orders
//! entry and exit by it).

pub mod builder;
mod check;
mod covering;
mod draw;
mod error;
mod number;
mod onward;
mod places;
mod raw;
mod schema;
mod state;
mod transition;

use std::sync::Arc;

use foldhash::fast::FixedState;
use indexmap::IndexMap;
use serde::Serialize;
use serde_json::Value as Json;

pub use self::check::{Source, nearest};
pub use self::error::{Mistake, Mistakes, Place, Rule, Shown};
pub use self::number::{EventId, FlowId, ResultId, SlotId, StateId};
pub(crate) use self::places::{Places, Span};
pub use self::schema::flow_schema;
pub use self::state::{After, Does, Each, Form, Input, Invoke, Run, Sends, State};
pub use self::transition::{Action, Event, Go, Transition};
use crate::guard::Expression;
use crate::slot::{Item, Kind, Merge};

/// The name of the root chart, the parent of every flow.
pub const ROOT: &str = "conversation";

/// A checked set of flows with their root chart.
#[derive(Clone, Debug)]
pub struct Flows {
    /// All flows by name; the root chart, [`ROOT`], is among them.
    pub(crate) flows: Named<Arc<Flow>>,
    /// The root chart's place.
    pub(crate) root: FlowId,
    /// The events that flows name beside the ones every conversation has.
    pub(crate) events: indexmap::IndexSet<Arc<str>>,
    /// The hash of the checked form, hexadecimal.
    pub(crate) version: Arc<str>,
    /// The prompts they can say.
    pub(crate) prompts: std::collections::BTreeSet<String>,
}

/// One checked flow.
#[derive(Clone, Debug, Serialize)]
pub struct Flow {
    /// Its name, for example `book_room`.
    pub name: Arc<str>,
    /// Its number among its [`Flows`].
    #[serde(skip)]
    pub(crate) id: FlowId,
    /// What it does, in one sentence.
    pub description: String,
    /// Sentences a guest asks for it with.
    pub examples: Vec<String>,
    /// Its slots, in the order written.
    pub slots: Named<Slot>,
    /// What its calls and runs save, in the order of the states; each name once.
    pub results: Named<Produced>,
    /// All its states at any depth, in document order.
    pub states: Named<State>,
    /// The states without a parent, in document order.
    pub top: Vec<StateId>,
    /// The state it begins in.
    pub initial: StateId,
    /// What every state inherits.
    pub on: Handlers,
    /// What it was called in earlier versions.
    pub was: Vec<Arc<str>>,
    /// Whether any state is a history.
    #[serde(skip)]
    pub(crate) has_history: bool,
    /// The slots that decide where each state leads to.
    #[serde(skip)]
    pub(crate) deciding: onward::Deciding,
    /// Whether any state has eventless transitions.
    #[serde(skip)]
    pub(crate) has_eventless: bool,
    /// The read-backs that cover what its writing calls send.
    #[serde(skip)]
    pub(crate) covering: covering::Covering,
    /// The hash of everything it says, for telling it from the same flow of another version.
    #[serde(skip)]
    pub(crate) meaning: Arc<str>,
    /// What its handlers see as `event` when the guest asks for it.
    #[serde(skip)]
    pub(crate) wished: Arc<Json>,
    /// Where it is written.
    #[serde(skip)]
    pub(crate) places: Arc<Places>,
}

/// Where a saved result comes from.
#[derive(Clone, Debug, Serialize)]
pub struct Produced {
    /// The states that save it.
    pub by: Vec<StateId>,
}

/// A slot as declared.
#[derive(Clone, Debug, Serialize)]
pub struct Slot {
    /// Its type and bounds.
    pub kind: Kind,
    /// Asked once; unanswered, it stays out of calls.
    pub optional: bool,
    /// Where a value comes from before the guest is asked.
    pub default: Option<Expression>,
    /// Whether the value is kept for the guest's next conversation.
    pub remember: bool,
    /// What becomes of a value when another is heard.
    pub merge: Merge,
    /// The saved result that a choice's list is in.
    pub list: Option<ResultId>,
    /// The items of a choice that is written in the flow.
    #[serde(skip)]
    pub(crate) fixed: Vec<Arc<Item>>,
    /// Slots that choosing an item fills from the item's fields of the same name.
    pub sets: Vec<SlotId>,
    /// The prompt that asks for it, `ask_<slot>`.
    pub ask: Arc<str>,
    /// The prompt that refuses a value, `invalid_<slot>`.
    pub invalid: Arc<str>,
    /// What it was called in earlier versions.
    pub was: Vec<Arc<str>>,
}

/// Handlers by event. The first transition whose guard holds is taken; if none does, the event goes up.
pub type Handlers = IndexMap<Event, Vec<Transition>, FixedState>;

/// Things by name, in the order written.
pub type Named<T> = IndexMap<Arc<str>, T, FixedState>;

impl Flows {
    /// The flow of that name.
    pub fn get(&self, name: &str) -> Option<&Flow> {
        self.flows.get(name).map(Arc::as_ref)
    }

    /// All flows but the root chart.
    pub fn iter(&self) -> impl Iterator<Item = &Flow> {
        self.flows.values().map(Arc::as_ref).filter(|flow| flow.id != self.root)
    }

    /// The root chart.
    pub fn root(&self) -> Option<&Flow> {
        self.flow(self.root)
    }

    /// The hash of the checked form, hexadecimal. A conversation is pinned to it.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// The names of the prompts that they can say.
    pub fn prompts(&self) -> &std::collections::BTreeSet<String> {
        &self.prompts
    }

    /// The name of a named event.
    pub fn event(&self, event: EventId) -> Option<&Arc<str>> {
        self.events.get_index(event.index())
    }

    pub(crate) fn flow(&self, id: FlowId) -> Option<&Flow> {
        self.shared(id).map(Arc::as_ref)
    }

    pub(crate) fn shared(&self, id: FlowId) -> Option<&Arc<Flow>> {
        self.flows.get_index(id.index()).map(|(_, flow)| flow)
    }
}

impl Flow {
    /// A state by its number.
    pub fn state(&self, id: StateId) -> Option<&State> {
        self.states.get_index(id.index()).map(|(_, state)| state)
    }

    /// A state's name.
    pub fn state_name(&self, id: StateId) -> Option<&Arc<str>> {
        self.states.get_index(id.index()).map(|(name, _)| name)
    }

    /// A slot by its number.
    pub fn slot(&self, id: SlotId) -> Option<&Slot> {
        self.slots.get_index(id.index()).map(|(_, slot)| slot)
    }

    /// A slot's name.
    pub fn slot_name(&self, id: SlotId) -> Option<&Arc<str>> {
        self.slots.get_index(id.index()).map(|(name, _)| name)
    }

    /// The number of the slot with that name.
    pub fn slot_id(&self, name: &str) -> Option<SlotId> {
        self.slots.get_index_of(name).map(SlotId::at)
    }

    /// A result's name.
    pub fn result_name(&self, id: ResultId) -> Option<&Arc<str>> {
        self.results.get_index(id.index()).map(|(name, _)| name)
    }

    /// A state's ancestors, the nearest first.
    pub fn ancestors(&self, id: StateId) -> impl Iterator<Item = StateId> {
        std::iter::successors(self.state(id).and_then(|state| state.parent), |above| {
            self.state(*above).and_then(|state| state.parent)
        })
    }

    /// Whether `inner` is inside `outer`; no state is inside itself.
    pub fn is_within(&self, inner: StateId, outer: StateId) -> bool {
        self.ancestors(inner).any(|above| above == outer)
    }

    /// What an atomic state does.
    pub fn does(&self, id: StateId) -> Option<&Does> {
        match self.state(id).map(|state| &state.form) {
            Some(Form::Atomic(does)) => Some(does),
            _ => None,
        }
    }
}
