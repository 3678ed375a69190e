//! Where a conversation stands, what it waits for, and the form it is saved in.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::effect::{Call, Expecting, Say};
use crate::flow::{Flows, ROOT};
use crate::slot::Slots;

/// The version of the saved form.
pub const SCHEMA: u16 = 1;

/// Where a conversation stands. Everything [`step`](crate::step()) knows about its past is in here.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// The version of this form, [`SCHEMA`].
    pub schema: u16,
    /// The version of the flows it runs on.
    pub version: String,
    /// What is known about the guest.
    pub guest: Guest,
    /// The root chart.
    pub(crate) root: Frame,
    /// The flows that run on it, the active one last.
    pub(crate) over: Vec<Frame>,
    /// What it waits for.
    pub waiting: Waiting,
    /// Messages in a row that were not understood.
    pub unclear: u32,
    /// Silences in a row.
    pub silence: u32,
    /// The number of calls made so far.
    pub(crate) calls: u64,
    /// The number of messages said so far.
    pub(crate) says: u64,
    /// What was said in the last turn that said anything.
    pub(crate) last_said: Vec<Say>,
    /// Whether nothing was said yet in this turn.
    pub(crate) silent: bool,
}

/// What is known about a guest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Guest {
    /// The number the channel verified, E.164. A number that was only typed or displayed is never here.
    pub phone: Option<String>,
    /// Values remembered from earlier conversations, by slot name.
    pub remembered: IndexMap<String, Json>,
}

/// One running flow.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Frame {
    pub(crate) flow: String,
    pub(crate) state: String,
    /// Its slots.
    pub(crate) slots: Slots,
    /// The saved results by name.
    pub(crate) results: BTreeMap<String, Saved>,
    /// The states it came through, oldest first, each once.
    pub(crate) trail: Vec<String>,
    /// Slots that a default was tried for.
    pub(crate) defaulted: BTreeSet<String>,
    /// The read-back that waits for a yes.
    pub(crate) read_back: Option<ReadBack>,
    /// What the guest said yes to, by path. Emptied by any change.
    pub(crate) confirmed: Option<BTreeMap<String, Json>>,
    /// The repair walk under way.
    pub(crate) repair: Option<Repair>,
    /// What the guest said in this flow, oldest first: it may hold words for a list that does not exist yet.
    pub(crate) kept: Vec<String>,
    /// The slots whose lists the kept words were tried on.
    pub(crate) tried: BTreeSet<String>,
    /// The last failure, `{code, message}`.
    pub(crate) error: Option<Json>,
}

/// A saved result of a tool.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Saved {
    pub(crate) value: Json,
    /// The state that produced it.
    pub(crate) producer: String,
    /// The revision of everything it was computed from, by slot or result name; `None` for an empty slot.
    pub(crate) inputs: BTreeMap<String, Option<u64>>,
    /// Its own revision, for results computed from it.
    pub(crate) revision: u64,
    /// When it stops being fresh by itself.
    pub(crate) fresh_until: Option<DateTime<Utc>>,
}

/// A repair walk: from the first stale result back to where the guest was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Repair {
    /// The state it ends in.
    pub(crate) goal: String,
    /// The states the guest came through; they say nothing a second time.
    pub(crate) path: Vec<String>,
}

/// Values read back to the guest.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct ReadBack {
    /// The message that read them.
    pub(crate) say: u64,
    /// The values, by path.
    pub(crate) values: BTreeMap<String, Json>,
    /// Whether the message reached the guest whole.
    pub(crate) conveyed: bool,
}

/// What a conversation waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum Waiting {
    /// The guest's next message.
    Guest {
        /// What was asked.
        expecting: Expecting,
        /// How many times the guest asked for more of the list.
        page: u32,
    },
    /// The meaning of a message.
    Meaning {
        /// The message.
        text: String,
        /// What was asked before it.
        expecting: Expecting,
        /// The page it answers.
        page: u32,
    },
    /// The meaning of kept words for this slot's list.
    Kept {
        /// The slot.
        slot: String,
    },
    /// A tool's answer.
    Answer {
        /// The call.
        call: Call,
    },
    /// Nothing: it is over.
    Over {
        /// The root chart's final outcome.
        outcome: String,
    },
}

impl Position {
    /// The beginning of a conversation.
    pub fn start(flows: &Flows, guest: Guest) -> Self {
        let initial = flows.get(ROOT).map_or_else(String::new, |root| root.initial.clone());
        Self {
            schema: SCHEMA,
            version: flows.version().to_owned(),
            guest,
            root: Frame::new(ROOT, &initial),
            over: Vec::new(),
            waiting: Waiting::Guest { expecting: Expecting::Anything, page: 0 },
            unclear: 0,
            silence: 0,
            calls: 0,
            says: 0,
            last_said: Vec::new(),
            silent: true,
        }
    }

    /// The active flow and its state, for example `book_room.confirming`.
    pub fn state(&self) -> String {
        format!("{}.{}", self.frame().flow, self.frame().state)
    }

    /// The filled slots of the active flow, see [`Value::json`](crate::Value::json).
    pub fn slots(&self) -> IndexMap<String, Json> {
        self.frame().slots.json()
    }

    /// Whether the conversation is over; the next message begins another.
    pub fn is_over(&self) -> bool {
        matches!(self.waiting, Waiting::Over { .. })
    }

    /// The id of the read-back that waits to be conveyed, if one does.
    pub fn unconveyed(&self) -> Option<u64> {
        self.frame().read_back.as_ref().filter(|read| !read.conveyed).map(|read| read.say)
    }
}

impl Position {
    /// The active flow's frame. There always is one: the root chart's is never popped.
    pub(crate) fn frame(&self) -> &Frame {
        self.over.last().unwrap_or(&self.root)
    }

    pub(crate) fn frame_mut(&mut self) -> &mut Frame {
        self.over.last_mut().unwrap_or(&mut self.root)
    }

    /// All frames, the active one first, the root chart's last.
    pub(crate) fn frames(&self) -> impl Iterator<Item = &Frame> {
        self.over.iter().rev().chain(std::iter::once(&self.root))
    }

    pub(crate) fn push(&mut self, frame: Frame) {
        self.over.push(frame);
    }

    /// Ends the active flow. False when only the root chart runs.
    pub(crate) fn pop(&mut self) -> bool {
        self.over.pop().is_some()
    }

    /// Ends every flow but the root chart.
    pub(crate) fn leave_flows(&mut self) {
        self.over.clear();
    }
}

impl Frame {
    pub(crate) fn new(flow: &str, state: &str) -> Self {
        Self {
            flow: flow.to_owned(),
            state: state.to_owned(),
            slots: Slots::default(),
            results: BTreeMap::new(),
            trail: Vec::new(),
            defaulted: BTreeSet::new(),
            read_back: None,
            confirmed: None,
            repair: None,
            kept: Vec::new(),
            tried: BTreeSet::new(),
            error: None,
        }
    }
}

impl Guest {
    /// As expressions and prompts see it: `phone` is the verified number and nothing else, `remembered` is all that
    /// earlier conversations kept, and each remembered value but a phone also stands under its own name.
    pub(crate) fn json(&self) -> Json {
        let mut json: serde_json::Map<String, Json> = self
            .remembered
            .iter()
            .filter(|(name, _)| name.as_str() != "phone")
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        json.insert("phone".to_owned(), self.phone.clone().map_or(Json::Null, Json::String));
        json.insert("known".to_owned(), Json::Bool(!self.remembered.is_empty()));
        json.insert(
            "remembered".to_owned(),
            Json::Object(self.remembered.iter().map(|(name, value)| (name.clone(), value.clone())).collect()),
        );
        Json::Object(json)
    }
}
