//! Where a conversation stands, what it waits for, and the form it is saved in.
//!
//! A position is a stack of running flows on the root chart. It is shared and copied when it is written to, so that
//! what is said can hold on to the facts it is about, and a position is cheap to keep and to try out.

mod frame;
mod frames;
mod guest;

use std::ops::Deref;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use smallvec::SmallVec;

pub(crate) use self::frame::{
    Active, Among, Caller, Change, Confirmed, Failure, Frame, Open, Read, ReadBack, Repair, Saved, Task,
    Timer, in_order,
};
pub(crate) use self::frames::Frames;
use crate::effect::Expecting;
use crate::flow::{FlowId, Flows, SlotId, StateId};
use crate::saved::{self, BadForm};
use crate::slot::{Heard, Invalid};

/// Some states, usually few.
pub(crate) type States = SmallVec<[StateId; 12]>;

/// Some of anything small, usually very few.
pub(crate) type Few<T> = SmallVec<[T; 4]>;

/// The version of the saved form.
pub const SCHEMA: u16 = 4;

/// Where a conversation stands. Everything [`step`](crate::step()) knows about its past is in here. Copies share it until
/// one of them goes on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Position(Arc<Standing>);

/// What is in a [`Position`].
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Standing {
    /// The version of this form, [`SCHEMA`].
    pub(crate) schema: u16,
    /// The version of the flows it runs on.
    pub(crate) version: Arc<str>,
    /// What is known about the guest.
    pub(crate) guest: Arc<Guest>,
    /// What runs, the root chart first and the active flow last. Never empty.
    pub(crate) frames: Frames,
    /// What it waits for.
    pub(crate) waiting: Waiting,
    /// Messages in a row that were not understood.
    pub(crate) unclear: u32,
    /// Silences in a row.
    pub(crate) silence: u32,
    /// The number of calls made so far.
    pub(crate) calls: u32,
    /// The calls that states made since something else than an answer came.
    pub(crate) unasked: u32,
    /// The number of messages said so far.
    pub(crate) says: u32,
    /// What was said in the last turn that said anything.
    #[serde(with = "saved::few")]
    pub(crate) last_said: SmallVec<[Said; 1]>,
    /// The flow that ended last, while something of it was among what was said last.
    pub(crate) ended: Option<Arc<Frame>>,
    /// Whether nothing was said yet in this turn.
    pub(crate) silent: bool,
    /// Flows the guest asked for while another one ran, oldest first.
    pub(crate) wishes: Vec<Wish>,
}

/// What is known about a guest.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(from = "guest::Saved", into = "guest::Saved")]
pub struct Guest {
    /// The number the channel verified, E.164. A number that was only typed or displayed is never here.
    pub phone: Option<String>,
    /// Values remembered from earlier conversations, by slot name.
    pub remembered: IndexMap<String, Json>,
    /// The other ways than this one that something can be sent to them now, by name.
    pub reach: IndexMap<String, Reach>,
}

/// Whether something may be sent to a guest in another way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// If they say yes when they are asked.
    Ask,
    /// Without asking.
    Free,
}

/// Something that was said, so that it can be said again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Said {
    pub(crate) say: u32,
    pub(crate) prompt: Arc<str>,
    pub(crate) expecting: Expecting,
    pub(crate) page: u32,
    pub(crate) invalid: Option<Invalid>,
    /// The flow it was about.
    pub(crate) flow: FlowId,
}

/// A flow that the guest asked for and that waits.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Wish {
    pub(crate) flow: FlowId,
    /// The words it was asked for with.
    pub(crate) said: Arc<str>,
    /// What they fill.
    pub(crate) slots: Vec<(SlotId, Heard)>,
}

/// What a conversation waits for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Waiting {
    /// The guest.
    Guest {
        /// What was asked.
        expecting: Expecting,
        /// How many times the guest asked for more of the list.
        page: u32,
    },
    /// The meaning of a message.
    Meaning {
        /// The message.
        text: Arc<str>,
        /// The button that was pressed.
        button: Option<Arc<str>>,
        /// What was asked before it.
        expecting: Expecting,
        /// The page it answers.
        page: u32,
    },
    /// The meaning of kept words for this slot's list.
    Kept {
        /// The slot.
        slot: Arc<str>,
    },
    /// The answers of tools.
    Answers,
    /// A person, who has the conversation.
    Person,
    /// Nothing: it is over.
    Over {
        /// The root chart's final outcome.
        outcome: Arc<str>,
    },
}

impl Deref for Position {
    type Target = Standing;

    fn deref(&self) -> &Standing {
        &self.0
    }
}

/// It is copied by the first step of a turn.
impl Clone for Standing {
    fn clone(&self) -> Self {
        Self {
            schema: self.schema,
            version: Arc::clone(&self.version),
            guest: Arc::clone(&self.guest),
            frames: self.frames.clone(),
            waiting: self.waiting.clone(),
            unclear: self.unclear,
            silence: self.silence,
            calls: self.calls,
            unasked: self.unasked,
            says: self.says,
            last_said: few(&self.last_said),
            ended: self.ended.clone(),
            silent: self.silent,
            wishes: self.wishes.clone(),
        }
    }
}

/// A copy of a short list: what it is for is usually to have room for all of it.
pub(crate) fn few<A: smallvec::Array>(list: &SmallVec<A>) -> SmallVec<A>
where
    A::Item: Clone,
{
    match list.as_slice() {
        [] => SmallVec::new(),
        [one] => smallvec::smallvec![one.clone()],
        several => several.iter().cloned().collect(),
    }
}

/// The same of what is copied as it is.
pub(crate) fn plain<A: smallvec::Array>(list: &SmallVec<A>) -> SmallVec<A>
where
    A::Item: Copy,
{
    if list.is_empty() { SmallVec::new() } else { SmallVec::from_slice(list) }
}

impl Position {
    /// The beginning of a conversation. The first input says who the guest is; with it the root chart is entered.
    pub fn start(flows: &Flows) -> Self {
        let root = Frame::new(flows.root, Caller::Guest);
        let standing = Standing {
            schema: SCHEMA,
            version: Arc::clone(&flows.version),
            guest: Arc::default(),
            frames: Frames::new(&[], root),
            waiting: Waiting::Guest { expecting: Expecting::Anything, page: 0 },
            unclear: 0,
            silence: 0,
            calls: 0,
            unasked: 0,
            says: 0,
            last_said: SmallVec::new(),
            ended: None,
            silent: true,
            wishes: Vec::new(),
        };
        Self(Arc::new(standing))
    }

    /// A position of its own that stands where another does now.
    pub(crate) fn copy_of(standing: &Standing) -> Self {
        Self(Arc::new(standing.clone()))
    }

    /// What is in it, to be changed.
    pub(crate) fn standing_mut(&mut self) -> &mut Standing {
        Arc::make_mut(&mut self.0)
    }

    /// The version of the flows it runs on.
    pub fn version(&self) -> &str {
        &self.version
    }

    /// What is known about the guest.
    pub fn guest(&self) -> &Guest {
        &self.guest
    }

    /// What it waits for.
    pub fn waiting(&self) -> &Waiting {
        &self.waiting
    }

    /// Messages in a row that were not understood.
    pub fn unclear(&self) -> u32 {
        self.unclear
    }

    /// Silences in a row.
    pub fn silence(&self) -> u32 {
        self.silence
    }

    /// The active flow and its state with the states it is in, for example `book_room.confirming`. In parallel regions
    /// it is the state whose question is open, else the first.
    pub fn state(&self, flows: &Flows) -> String {
        let frame = self.frame();
        let Some(flow) = flows.flow(frame.flow) else { return String::new() };
        let mut names: Vec<&str> = Vec::new();
        if let Some(leaf) = frame.asking(flow) {
            names.extend(flow.state_name(leaf).map(|name| &**name));
            names.extend(flow.ancestors(leaf).filter_map(|above| flow.state_name(above)).map(|name| &**name));
        }
        names.push(&flow.name);
        names.reverse();
        names.join(".")
    }

    /// Every running flow with the names of its active states, ancestors included, the root chart first.
    pub fn active(&self, flows: &Flows) -> Vec<(String, Vec<String>)> {
        let of = |frame: &Frame| {
            let flow = flows.flow(frame.flow)?;
            let names = frame.configuration(flow).into_iter().filter_map(|state| flow.state_name(state));
            Some((flow.name.to_string(), names.map(|name| name.to_string()).collect()))
        };
        self.frames.iter().filter_map(of).collect()
    }

    /// The filled slots of the active flow, see [`Value::json`](crate::Value::json).
    pub fn slots(&self, flows: &Flows) -> IndexMap<String, Json> {
        let frame = self.frame();
        let Some(flow) = flows.flow(frame.flow) else { return IndexMap::new() };
        let named = frame
            .slots
            .iter()
            .filter_map(|(slot, value)| Some((flow.slot_name(slot)?.to_string(), value.json())));
        named.collect()
    }

    /// Whether the conversation is over; the next message begins another.
    pub fn is_over(&self) -> bool {
        self.0.is_over()
    }

    /// Whether a flow runs on the root chart.
    pub(crate) fn is_busy(&self) -> bool {
        self.frames.len() > 1
    }

    /// Whether a person has the conversation: what the guest says is not answered.
    pub fn is_held(&self) -> bool {
        matches!(self.waiting, Waiting::Person)
    }

    /// The id of the read-back that waits to be conveyed, if one does.
    pub fn unconveyed(&self) -> Option<u32> {
        self.frame().read_back.as_ref().filter(|read| !read.conveyed).map(|read| read.say)
    }

    /// When the next delayed transition is due: whoever keeps time then sends [`Input::Due`](crate::Input::Due).
    pub fn due(&self) -> Option<DateTime<Utc>> {
        if self.is_over() {
            return None;
        }
        self.frame().timers.iter().map(|timer| timer.due).min()
    }

    /// The compact saved form.
    ///
    /// # Errors
    /// [`BadForm`] when it cannot be written.
    pub fn to_bytes(&self) -> Result<Vec<u8>, BadForm> {
        saved::bytes("a position", &*self.0)
    }

    /// A position from its saved form.
    ///
    /// # Errors
    /// [`BadForm`] for bytes that are no position of this [`SCHEMA`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BadForm> {
        let position: Self = saved::value("a position", bytes)?;
        if position.schema != SCHEMA {
            return Err(BadForm { what: "a position", source: postcard::Error::DeserializeBadEncoding });
        }
        Ok(position)
    }
}

impl Standing {
    /// Whether the conversation is over.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.waiting, Waiting::Over { .. })
    }

    /// The active flow's frame. There always is one: the root chart's is never popped.
    #[inline]
    pub(crate) fn frame(&self) -> &Frame {
        self.frames.top()
    }

    #[inline]
    pub(crate) fn frame_mut(&mut self) -> &mut Frame {
        self.frames.top_mut()
    }

    /// The frame of a flow that runs, or has just ended.
    pub(crate) fn about(&self, flow: FlowId) -> Option<&Frame> {
        let running = self.frames.iter().rev().find(|frame| frame.flow == flow);
        running.or_else(|| self.ended.as_deref().filter(|frame| frame.flow == flow))
    }

    /// Keeps what can be said of a flow that has ended, if something of it was among what was said last.
    pub(crate) fn keep_ended(&mut self, mut ended: Frame) {
        if self.last_said.iter().any(|said| said.flow == ended.flow) {
            ended.keep_facts();
            self.ended = Some(Arc::new(ended));
        }
    }

    /// Ends the active flow. `None` when only the root chart runs.
    pub(crate) fn pop(&mut self) -> Option<Frame> {
        self.frames.pop()
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
        let reach = self.reach.iter().map(|(to, reach)| (to.clone(), Json::from(reach.as_str())));
        json.insert("reach".to_owned(), Json::Object(reach.collect()));
        json.insert(
            "remembered".to_owned(),
            Json::Object(self.remembered.iter().map(|(name, value)| (name.clone(), value.clone())).collect()),
        );
        Json::Object(json)
    }
}
