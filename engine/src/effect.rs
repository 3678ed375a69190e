//! What a step asks of the world: understand this, call that, say this, remember that.

use std::sync::{Arc, OnceLock};

use chrono::NaiveDate;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::facts::Snapshot;
use crate::guard::Path;
use crate::slot::{Invalid, Item, Kind, Value, below};

/// One wish of a step, in the order they must be performed.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Find out what the guest's words mean; [`Position::ask`](crate::Position::ask) is the question, the answer is
    /// [`Input::Understood`](crate::Input::Understood).
    Understand,
    /// Call a tool; the answer is [`Input::Answered`](crate::Input::Answered).
    Call(Call),
    /// Say something to the guest.
    Say(Say),
    /// Send something to the guest elsewhere than here. They want it.
    Send(Elsewhere),
    /// Keep a value for the guest's next conversation.
    Remember {
        /// What it is, the slot's name.
        name: Arc<str>,
        /// The value, see [`Value::json`].
        value: Json,
    },
    /// A person must take over.
    HandOver,
    /// The conversation is over.
    End,
}

/// A message to be understood, with everything the answer may be about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Question {
    /// The guest's words.
    pub said: String,
    /// The id of the pressed button.
    pub button: Option<String>,
    /// The day relative dates count from.
    pub today: NaiveDate,
    /// What the last message asked for.
    pub expecting: Expecting,
    /// Slots that were asked for before and never answered, the last one first: an answer may come late.
    pub unanswered: Vec<String>,
    /// The flow that is under way.
    pub flow: Option<String>,
    /// The slots of that flow.
    pub scope: Vec<ScopedSlot>,
    /// The flows that can be asked for.
    pub starts: Vec<Startable>,
    /// How many times the guest asked for more of the list that was asked about.
    pub page: u32,
    /// The keys of the items that the guest has said before it is one of, where a choice was asked for; they come first
    /// in its list.
    pub among: Vec<String>,
    /// Whether these are words kept from an earlier message, to be matched against a list that exists only now;
    /// only the rules are asked then.
    pub kept: bool,
    /// Of words that were kept: the items that other slots have chosen from the same list already.
    #[serde(default)]
    pub besides: Vec<Item>,
}

/// What the last question expects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Expecting {
    /// Nothing in particular.
    #[default]
    Anything,
    /// The value of this slot.
    Slot(Arc<str>),
    /// Yes or no to a read-back.
    Confirmation,
    /// What to change.
    Change,
}

/// A slot that a message may fill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ScopedSlot {
    /// The slot's name. Extraction goes by [`kind`](Self::kind), never by name.
    pub name: String,
    /// Its type and bounds.
    pub kind: Kind,
    /// The list of a choice as it stands; `None` while it does not exist yet, empty for other kinds.
    pub items: Option<Vec<Item>>,
    /// The present value.
    pub value: Option<Value>,
    /// Whether "I don't mind" is an answer.
    pub optional: bool,
}

/// A flow that a guest can ask for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Startable {
    /// The flow's name.
    pub flow: String,
    /// What it does, in one sentence.
    pub description: String,
    /// Sentences a guest asks for it with.
    pub examples: Vec<String>,
    /// The slots such a sentence may already fill.
    pub slots: Vec<ScopedSlot>,
}

/// A tool call.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Call {
    /// Numbers the calls of one conversation from 1.
    pub id: u32,
    /// The tool's name.
    pub tool: Arc<str>,
    /// The arguments, typed as the tool's input schema says.
    pub arguments: Arguments,
    /// Whether it changes anything. Such a call is written down before it is made.
    pub writes: bool,
    /// How the call is made.
    pub retry: Retry,
    /// How long an answer to the same arguments may be used again, in milliseconds.
    pub cache_ms: Option<i64>,
}

/// What a tool is given, in the order written. Two are equal when they give the same to the same names.
#[derive(Clone, Debug, Default)]
pub struct Arguments(Vec<(Arc<str>, Argument)>);

/// What a name is given. It is JSON as soon as somebody looks at it.
#[derive(Clone, Debug)]
struct Argument {
    given: Origin,
    json: OnceLock<Json>,
}

/// Where a value that is not null comes from.
#[derive(Clone, Debug)]
pub(crate) enum Origin {
    /// A slot's, or a part of it.
    Slot(Value, Arc<Path>),
    /// A part of a saved result.
    Result(Arc<Json>, Arc<Path>),
    /// What was computed.
    Computed(Json),
}

impl Origin {
    fn json(&self) -> Json {
        match self {
            Self::Slot(value, path) => value.at(&path.fields),
            Self::Result(whole, path) => below(whole, &path.fields),
            Self::Computed(json) => json.clone(),
        }
    }
}

impl Arguments {
    /// The value given to a name.
    pub fn get(&self, name: &str) -> Option<&Json> {
        self.argument(name).map(Argument::json)
    }

    /// Every name with what it is given.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Arc<str>, &Json)> {
        self.0.iter().map(|(name, argument)| (name, argument.json()))
    }

    /// Whether a name is given anything.
    pub fn contains(&self, name: &str) -> bool {
        self.argument(name).is_some()
    }

    /// Where the value of a name comes from.
    pub(crate) fn given(&self, name: &str) -> Option<&Origin> {
        self.argument(name).map(|argument| &argument.given)
    }

    fn argument(&self, name: &str) -> Option<&Argument> {
        self.0.iter().find(|(known, _)| **known == *name).map(|(_, argument)| argument)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Argument {
    fn json(&self) -> &Json {
        self.json.get_or_init(|| self.given.json())
    }
}

/// Of two values for one name the first counts.
impl FromIterator<(Arc<str>, Origin)> for Arguments {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, Origin)>>(given: I) -> Self {
        let given = given.into_iter();
        let mut arguments = Self(Vec::with_capacity(given.size_hint().1.unwrap_or_default()));
        for (name, given) in given {
            if !arguments.contains(&name) {
                arguments.0.push((name, Argument { given, json: OnceLock::new() }));
            }
        }
        arguments
    }
}

/// Of two values for one name the first counts.
impl FromIterator<(Arc<str>, Json)> for Arguments {
    fn from_iter<I: IntoIterator<Item = (Arc<str>, Json)>>(given: I) -> Self {
        given.into_iter().map(|(name, json)| (name, Origin::Computed(json))).collect()
    }
}

impl PartialEq for Arguments {
    fn eq(&self, other: &Self) -> bool {
        self.len() == other.len() && self.iter().all(|(name, value)| other.get(name) == Some(value))
    }
}

impl Serialize for Arguments {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

/// How patiently a call is made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Repetitions after the first try.
    pub times: u32,
    /// The pause before the first repetition; it doubles.
    pub backoff_ms: u64,
    /// How long an answer is waited for, each time; without it as long as whoever calls waits.
    pub timeout_ms: Option<u64>,
}

/// Something to send to the guest elsewhere than where they are: they said yes when they were asked, or nobody has to ask.
#[derive(Clone, Debug, PartialEq)]
pub struct Elsewhere {
    /// The other way to them, by its name.
    pub to: Arc<str>,
    /// What is said there. It has no number: nothing here is answered by it.
    pub say: Say,
    /// Whether they were asked just now, and said yes.
    pub asked: bool,
}

/// Something to say: a prompt by name and the facts it may use, as they were when it was said.
#[derive(Clone, Debug, PartialEq)]
pub struct Say {
    /// Numbers the sayings of one conversation from 1.
    pub id: u32,
    /// The prompt's name.
    pub prompt: Arc<str>,
    /// What it asks for, if it asks.
    pub expecting: Expecting,
    /// How many times the guest asked for more of the list.
    pub page: u32,
    /// Why the last answer was refused.
    pub invalid: Option<Invalid>,
    pub(crate) facts: SaidOf,
}

/// What a saying is about.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SaidOf {
    /// Not known yet.
    Nothing,
    /// A flow as it stood.
    Flow(Box<Snapshot>),
    /// Facts given by whoever made it.
    Given(Box<Given>),
}

/// Facts of a saying that is about no flow.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Given {
    facts: IndexMap<String, Json>,
    items: Vec<Item>,
}

impl Say {
    /// A saying outside any conversation, over given facts.
    pub fn given(prompt: &str, facts: IndexMap<String, Json>) -> Self {
        Self {
            id: 0,
            prompt: prompt.into(),
            expecting: Expecting::Anything,
            page: 0,
            invalid: None,
            facts: SaidOf::Given(Box::new(Given { facts, items: Vec::new() })),
        }
    }

    /// The same over other items of the list it asks about.
    #[must_use]
    pub fn offering(mut self, offered: Vec<Item>) -> Self {
        let facts = self.facts();
        self.facts = SaidOf::Given(Box::new(Given { facts, items: offered }));
        self
    }

    /// The facts: slots and results by name, `guest`, `error`, `today`, `unclear`, `silence`; for a question also
    /// `slot` and `kind`.
    pub fn facts(&self) -> IndexMap<String, Json> {
        match &self.facts {
            SaidOf::Flow(snapshot) => snapshot.json(&self.expecting),
            SaidOf::Given(given) => given.facts.clone(),
            SaidOf::Nothing => IndexMap::new(),
        }
    }

    /// The kind of the slot it asks for, as flows name it (`date_range`, `choice` …); `None` where it asks for none.
    pub fn kind(&self) -> Option<&str> {
        match (&self.facts, &self.expecting) {
            (SaidOf::Flow(snapshot), Expecting::Slot(slot)) => snapshot.kind(slot),
            (SaidOf::Given(given), _) => given.facts.get("kind").and_then(Json::as_str),
            (SaidOf::Flow(_) | SaidOf::Nothing, _) => None,
        }
    }

    /// The list a guest can pick from, when it asks for a choice; "yes" and "no" are the channel's own for a
    /// [`Expecting::Confirmation`] and a boolean.
    pub fn items(&self) -> Vec<Item> {
        match (&self.facts, &self.expecting) {
            (SaidOf::Flow(snapshot), Expecting::Slot(slot)) => snapshot.items(slot, self.page),
            (SaidOf::Flow(_) | SaidOf::Nothing, _) => Vec::new(),
            (SaidOf::Given(given), _) => given.items.clone(),
        }
    }
}
