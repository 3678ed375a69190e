//! One running flow: its active states, what it knows, and what it waits for.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use smallvec::SmallVec;

use super::{Few, States, few, plain};
use crate::flow::{Does, Flow, FlowId, ResultId, SlotId, StateId};
use crate::saved;
use crate::slot::{Slots, Value};

/// One running flow.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Frame {
    pub(crate) flow: FlowId,
    /// Why it runs.
    pub(crate) caller: Caller,
    /// The active atomic states in document order, one for each region.
    #[serde(with = "saved::few")]
    pub(crate) active: SmallVec<[Active; 1]>,
    /// What history states remember: the states that were active when their parent was left.
    pub(crate) history: Vec<(StateId, Vec<StateId>)>,
    /// Delayed transitions that wait.
    pub(crate) timers: Vec<Timer>,
    /// Its slots.
    pub(crate) slots: Slots,
    /// The saved results.
    #[serde(with = "saved::few")]
    pub(crate) results: SmallVec<[Option<Arc<Saved>>; 4]>,
    /// The atomic states it came through, oldest first, each once.
    #[serde(with = "saved::few")]
    pub(crate) trail: States,
    /// Slots that a default was tried for.
    #[serde(with = "saved::few")]
    pub(crate) defaulted: Few<SlotId>,
    /// Slots that were asked for and not answered yet, oldest first.
    #[serde(with = "saved::few")]
    pub(crate) asked: Few<SlotId>,
    /// The read-back that waits for a yes.
    pub(crate) read_back: Option<ReadBack>,
    /// What the guest said yes to. Emptied by any change.
    pub(crate) confirmed: Option<Confirmed>,
    /// The repair walk under way.
    pub(crate) repair: Option<Repair>,
    /// The first state on the way here that a change makes lead elsewhere: the next repair walk begins there.
    pub(crate) anew: Option<StateId>,
    /// What the guest said in this flow, oldest first: it may hold words for a list that does not exist yet.
    #[serde(with = "saved::few")]
    pub(crate) kept: Few<Arc<str>>,
    /// The slots whose lists the kept words were tried on.
    #[serde(with = "saved::few")]
    pub(crate) tried: Few<SlotId>,
    /// The items of a list that the guest said it is one of.
    pub(crate) among: Option<Arc<Among>>,
    /// The last failure.
    pub(crate) error: Option<Failure>,
    /// How the flow that was run last ended.
    pub(crate) outcome: Option<Arc<str>>,
    /// What the guest can take back, oldest first.
    #[serde(with = "saved::few")]
    pub(crate) changes: SmallVec<[Arc<Change>; 8]>,
}

/// Why a flow runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Caller {
    /// The guest asked for it, or it is the root chart: when it ends, what is beneath goes on where it was.
    Guest,
    /// A state beneath runs it and goes on with its outcome.
    State(StateId),
}

/// An active atomic state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Active {
    pub(crate) state: StateId,
    pub(crate) task: Task,
}

/// How far an active state has come with what it does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Task {
    /// It has not begun, or begins again.
    Fresh,
    /// It rests, or waits for the guest.
    Waiting,
    /// Its calls are out.
    Calling(Vec<Open>),
    /// It runs a flow, for the item of a list with that number; the outputs so far.
    Running {
        item: u32,
        #[serde(with = "saved::json")]
        outputs: Arc<Json>,
    },
}

/// A call of an active state.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Open {
    pub(crate) call: u32,
    /// The newest revision of the flow's values when it was made.
    pub(crate) since: u32,
    /// What it answered, once it has.
    #[serde(with = "saved::maybe_json")]
    pub(crate) result: Option<Arc<Json>>,
}

/// A delayed transition that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Timer {
    #[serde(with = "saved::instant")]
    pub(crate) due: DateTime<Utc>,
    pub(crate) state: StateId,
    /// Its place in the state's `after`.
    pub(crate) after: u16,
}

/// A saved result of a tool or a flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Saved {
    #[serde(with = "saved::json")]
    pub(crate) value: Arc<Json>,
    /// The state that produced it.
    pub(crate) producer: StateId,
    /// The revision of everything it was computed from, in the order of the producer's inputs; 0 for an empty one.
    pub(crate) inputs: Vec<u32>,
    /// Its own revision, for results computed from it.
    pub(crate) revision: u32,
    /// When it stops being fresh by itself, in milliseconds since 1970.
    pub(crate) fresh_until: Option<i64>,
}

/// A choice that the guest has made in part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Among {
    pub(crate) slot: SlotId,
    /// The keys of the items.
    pub(crate) keys: Vec<Arc<str>>,
}

/// A failed call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) code: Arc<str>,
    pub(crate) message: Arc<str>,
}

/// A repair walk: from the first stale result back to where the guest was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Repair {
    /// The state it ends in.
    pub(crate) goal: StateId,
    /// The states the guest came through; they say nothing a second time.
    #[serde(with = "saved::few")]
    pub(crate) path: States,
}

/// Values read back to the guest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReadBack {
    /// The message that read them.
    pub(crate) say: u32,
    /// What was read.
    pub(crate) what: Confirmed,
    /// Whether the message reached the guest whole.
    pub(crate) conveyed: bool,
}

/// The values a read-back is about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Confirmed {
    /// The state that reads them back: it says which values.
    pub(crate) by: StateId,
    /// The values, in the order of the state's paths.
    pub(crate) values: Arc<[Read]>,
}

/// A value that was read back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Read {
    /// A whole slot's.
    Slot(Option<Value>),
    /// A field of something.
    Field(#[serde(with = "saved::json")] Json),
}

/// A change that a message of the guest made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Change {
    /// The states the guest was in.
    #[serde(with = "saved::few")]
    pub(crate) at: States,
    /// The slots that changed, with the values before.
    pub(crate) before: Vec<(SlotId, Option<Value>)>,
}

/// The active flow's frame is copied by the first step of a turn.
impl Clone for Frame {
    fn clone(&self) -> Self {
        Self {
            flow: self.flow,
            caller: self.caller,
            active: few(&self.active),
            history: self.history.clone(),
            timers: self.timers.clone(),
            slots: self.slots.clone(),
            results: few(&self.results),
            trail: plain(&self.trail),
            defaulted: plain(&self.defaulted),
            asked: plain(&self.asked),
            read_back: self.read_back.clone(),
            confirmed: self.confirmed.clone(),
            repair: self.repair.clone(),
            anew: self.anew,
            kept: few(&self.kept),
            tried: plain(&self.tried),
            among: self.among.clone(),
            error: self.error.clone(),
            outcome: self.outcome.clone(),
            changes: few(&self.changes),
        }
    }
}

/// Puts states into document order, each once.
pub(crate) fn in_order(states: &mut States) {
    if states.len() > 1 {
        states.sort_unstable();
        states.dedup();
    }
}

impl Frame {
    pub(crate) fn new(flow: FlowId, caller: Caller) -> Self {
        Self {
            flow,
            caller,
            active: SmallVec::new(),
            history: Vec::new(),
            timers: Vec::new(),
            slots: Slots::default(),
            results: SmallVec::new(),
            trail: SmallVec::new(),
            defaulted: SmallVec::new(),
            asked: SmallVec::new(),
            read_back: None,
            confirmed: None,
            repair: None,
            anew: None,
            kept: SmallVec::new(),
            tried: SmallVec::new(),
            among: None,
            error: None,
            outcome: None,
            changes: SmallVec::new(),
        }
    }

    /// Drops everything but what expressions and prompts see.
    pub(crate) fn keep_facts(&mut self) {
        let Self {
            history,
            timers,
            trail,
            defaulted,
            asked,
            read_back,
            confirmed,
            repair,
            kept,
            tried,
            among,
            changes,
            ..
        } = self;
        history.clear();
        timers.clear();
        trail.clear();
        (*read_back, *confirmed, *repair, *among) = (None, None, None, None);
        kept.clear();
        changes.clear();
        [defaulted, asked, tried].into_iter().for_each(SmallVec::clear);
    }

    /// A saved result.
    pub(crate) fn result(&self, id: ResultId) -> Option<&Saved> {
        self.results.get(id.index()).and_then(Option::as_deref)
    }

    pub(crate) fn save(&mut self, id: ResultId, saved: Arc<Saved>) {
        if self.results.len() <= id.index() {
            self.results.resize(id.index() + 1, None);
        }
        if let Some(place) = self.results.get_mut(id.index()) {
            *place = Some(saved);
        }
    }

    /// The active atomic state whose question is open; where none is, the first one.
    pub(crate) fn asking(&self, flow: &Flow) -> Option<StateId> {
        let asks = |active: &&Active| {
            active.task == Task::Waiting && flow.does(active.state).is_some_and(Does::asks)
        };
        self.active.iter().find(asks).or_else(|| self.active.first()).map(|active| active.state)
    }

    /// Whether the question that is open, or comes next, is whether to send something elsewhere.
    pub(crate) fn is_sending(&self, flow: &Flow) -> bool {
        let state = self.asking(flow).and_then(|state| flow.does(state));
        state.is_some_and(|does| does.sends().is_some())
    }

    /// The active states with their ancestors, in document order (SCXML's configuration).
    pub(crate) fn configuration(&self, flow: &Flow) -> States {
        let mut all = States::new();
        for active in &self.active {
            all.push(active.state);
            all.extend(flow.ancestors(active.state));
        }
        in_order(&mut all);
        all
    }

    /// Whether a call is out.
    pub(crate) fn is_calling(&self) -> bool {
        self.active.iter().any(|active| matches!(active.task, Task::Calling(_)))
    }
}
