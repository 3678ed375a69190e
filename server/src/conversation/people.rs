//! People: who has a conversation instead of the flows, what they are told about it, and what they write.
//!
//! Why a conversation came to a person, and what the guest wanted then, is nowhere kept: the log is gone through once
//! more, which tells both.

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use innkeeper_engine::flow::Event;
use innkeeper_engine::runtime::{Entry, Logged, Mark, Store as _};
use innkeeper_engine::{Flows, Input, Position, Trace, step};
use serde::Serialize;
use serde_json::{Value as Json, json};

use super::{AnswerFault, GIVEN_BACK, Party, Receptionist, Said, Turned};
use crate::channel::{Colleagues, Echo};
use crate::message::{Button, ConversationId, Outgoing};
use crate::outbox::fitting;
use crate::store::{Fault as StoreFault, HeldConversation, Took, Typed, Wrote};
use crate::versions;

/// The event that tells the flows that a person has taken a conversation.
pub const TAKEN_OVER: &str = "taken_over";

/// Who wrote what was typed into the hotel's own telephone: nobody tells.
const ON_THE_PHONE: &str = "telephone";

/// So many messages of a conversation are shown, the last ones.
const SHOWN: usize = 200;

/// What a person says when they give a conversation back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HandBack {
    /// The name they go by.
    pub by: Option<String>,
    /// What they did for the guest, in a few words that the guest reads.
    pub summary: Option<String>,
}

/// Why a person has a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The guest asked for one.
    AskedForPerson,
    /// The guest was not understood, again and again.
    NotUnderstood,
    /// The hotel's system failed, or did not answer.
    ToolFailed,
    /// A person took it.
    TakenOver,
    /// The flow leads to a person here.
    Flow,
    /// It cannot be told: the flows it came on are not kept, or it was moved to others.
    Unknown,
}

/// A conversation that a person has, in short.
#[derive(Clone, Debug)]
pub struct Handed {
    /// Which it is, since when, and who has it.
    pub held: HeldConversation,
    /// The guest's number, where the channel vouches for it.
    pub phone: Option<String>,
    /// Why.
    pub why: Why,
    /// What the guest was about, in the words of the flow's description.
    pub wants: Option<String>,
    /// The flow and state it came from.
    pub state: Option<String>,
    /// What was known by then, by slot.
    pub slots: IndexMap<String, Json>,
    /// What the guest said last, and when.
    pub last: Option<(String, DateTime<Utc>)>,
    /// How many messages of the guest nobody has answered yet.
    pub unanswered: usize,
}

/// Who said something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// The guest.
    Guest,
    /// The flows.
    Receptionist,
    /// A person of the hotel.
    Staff,
}

/// One message of a conversation, as people at the desk see it.
#[derive(Clone, Debug, Serialize)]
pub struct Spoken {
    /// Who said it.
    pub from: Who,
    /// The name they go by, of a person of the hotel.
    pub by: Option<String>,
    /// The words.
    pub text: String,
    /// What it is made of: `text`, `image`, …
    pub kind: String,
    /// What the guest could press.
    pub buttons: Vec<Button>,
    /// When.
    pub at: DateTime<Utc>,
    /// Of a guest's message what became of it; of another where it stands.
    pub status: String,
    /// How far the provider says it got.
    pub delivery: Option<String>,
    /// Why it did not arrive, or not yet.
    pub error: Option<String>,
}

impl Receptionist {
    /// Gives a conversation that a person has back to the flows, with what the guest is told about it. `None` where no
    /// person has it.
    ///
    /// # Errors
    /// [`AnswerFault`]; then the person has it still.
    pub async fn hand_back(
        &self,
        conversation: &ConversationId,
        back: &HandBack,
    ) -> Result<Option<Turned>, AnswerFault> {
        let stored = self.store.load(conversation.as_str()).await?;
        if !stored.is_some_and(|stored| stored.position.is_held()) {
            return Ok(None);
        }
        let Some((guest, channel)) = self.store.whose(conversation).await? else { return Ok(None) };
        let party = Party::elsewhere(guest, channel, self.clock.now());
        self.turn(&party, back.said(), &mut |_| {}).await.map(Some)
    }

    /// Takes a conversation: it is with this person from now on, and the flows are silent. Nothing is taken from a
    /// colleague but from the one who is named, so that two never believe that they have it. It waits for nobody still
    /// where there is no such conversation, or its flows know nobody who takes it.
    ///
    /// # Errors
    /// [`AnswerFault`]; then nothing was changed.
    pub async fn take(
        &self,
        conversation: &ConversationId,
        by: &str,
        from: Option<&str>,
    ) -> Result<Took, AnswerFault> {
        // Nobody tells who typed into the hotel's telephone: whoever takes that up names nobody.
        let from: Vec<&str> = from.into_iter().chain([ON_THE_PHONE]).collect();
        let took = self.store.taken(conversation, by, &from).await?;
        if took != Took::WaitsNot {
            return Ok(took);
        }
        let Some((guest, channel)) = self.store.whose(conversation).await? else { return Ok(took) };
        if self.store.active_conversation(&guest).await?.as_ref() != Some(conversation) {
            return Ok(took);
        }
        let party = Party::elsewhere(guest, channel, self.clock.now());
        self.turn(&party, taken_over(by), &mut |_| {}).await?;
        Ok(self.store.taken(conversation, by, &from).await?)
    }

    /// The colleague who has a conversation that this person would do something with; nobody where nobody has it.
    ///
    /// # Errors
    /// The database fails.
    pub async fn anothers(&self, id: &ConversationId, by: &str) -> Result<Option<String>, StoreFault> {
        let holder = self.store.held_one(id).await?.and_then(|held| held.taken_by);
        Ok(holder.filter(|holder| holder != by && holder != ON_THE_PHONE))
    }

    /// Writes to a guest in a person's name, behind everything that waits for the guest. Nothing is written
    /// where no person has the conversation, or another than this one.
    ///
    /// # Errors
    /// The database fails.
    pub async fn write(
        &self,
        conversation: &ConversationId,
        by: &str,
        text: &str,
    ) -> Result<Wrote, StoreFault> {
        let Some(held) = self.store.held_one(conversation).await? else { return Ok(Wrote::NobodyHas) };
        let message = Outgoing { text: text.to_owned(), ..Outgoing::default() };
        let pieces: Vec<String> =
            fitting(held.channel, message).into_iter().map(|piece| piece.text).collect();
        self.store.written(conversation, by, &pieces).await
    }

    /// The conversations that wait for a person or are with one, the one that waits longest first.
    ///
    /// # Errors
    /// The database fails, or holds what cannot be read.
    pub async fn queue(&self) -> Result<Vec<Handed>, StoreFault> {
        let mut queue = Vec::new();
        for held in self.store.held().await? {
            queue.extend(self.told(held).await?);
        }
        Ok(queue)
    }

    /// One of them, with what was said.
    ///
    /// # Errors
    /// The database fails, or holds what cannot be read.
    pub async fn handed(
        &self,
        conversation: &ConversationId,
    ) -> Result<Option<(Handed, Vec<Spoken>)>, StoreFault> {
        let Some(held) = self.store.held_one(conversation).await? else { return Ok(None) };
        let guest = held.guest.clone();
        let Some(handed) = self.told(held).await? else { return Ok(None) };
        let mut spoken = Vec::new();
        for row in self.store.messages_of(&guest).await? {
            spoken.push(Spoken {
                from: Who::Guest,
                by: None,
                text: row.text,
                kind: row.kind,
                buttons: Vec::new(),
                at: row.received_at,
                status: row.outcome.as_str().to_owned(),
                delivery: None,
                error: None,
            });
        }
        for row in self.store.outgoing_to(&guest).await? {
            let text = row.words().to_owned();
            spoken.push(Spoken {
                from: if row.by.is_some() { Who::Staff } else { Who::Receptionist },
                by: row.by,
                text,
                kind: "text".to_owned(),
                buttons: row.buttons,
                at: row.created_at,
                status: row.status.as_str().to_owned(),
                delivery: row.delivery,
                error: row.error,
            });
        }
        // What came and went at one instant came first.
        spoken.sort_by_key(|spoken| spoken.at);
        let first = spoken.len().saturating_sub(SHOWN);
        Ok(Some((handed, spoken.split_off(first))))
    }

    /// What is told about a conversation; `None` where it is with no person any more.
    async fn told(&self, held: HeldConversation) -> Result<Option<Handed>, StoreFault> {
        let id = held.conversation.as_str();
        let Some(stored) = self.store.load(id).await? else { return Ok(None) };
        if !stored.position.is_held() {
            return Ok(None);
        }
        let log: Vec<Logged> = self.store.log(id).await?.into_iter().flat_map(|(_, logged)| logged).collect();
        let flows = versions::find(&self.store, &self.driver.versions, stored.position.version()).await?.ok();
        let story = flows.and_then(|flows| Story::of(&flows, &log));
        let said = |logged: &&Logged| matches!(logged.entry, Entry::Input(Input::Said { .. }));
        let last = log.iter().rev().find(said).and_then(|logged| match &logged.entry {
            Entry::Input(Input::Said { text, .. }) => Some((text.clone(), logged.moment.at)),
            Entry::Input(_) | Entry::Mark(_) => None,
        });
        let answered_at = self
            .store
            .outgoing_to(&held.guest)
            .await?
            .iter()
            .filter(|row| row.by.is_some())
            .map(|row| row.created_at)
            .max();
        let is_waiting = |logged: &&Logged| {
            let heard = matches!(logged.entry, Entry::Input(Input::Said { .. } | Input::Unreadable));
            heard && logged.moment.at >= held.since && answered_at.is_none_or(|at| logged.moment.at > at)
        };
        let unanswered = log.iter().filter(is_waiting).count();
        let Story { why, wants, state, slots } = story.unwrap_or_default();
        let phone = stored.position.guest().phone.clone();
        Ok(Some(Handed { held, phone, why, wants, state, slots, last, unanswered }))
    }
}

impl HandBack {
    /// What the flows are told.
    pub(crate) fn said(&self) -> Said {
        let data = json!({ "by": self.by, "summary": self.summary });
        Said::Event { name: GIVEN_BACK.to_owned(), data }
    }
}

#[async_trait]
impl Colleagues for Receptionist {
    async fn wrote(&self, echo: &Echo) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let guest = self.store.addressed(&echo.guest, &echo.address).await?;
        let conversation = self.store.conversation(&guest, echo.channel).await?;
        // What was told before takes nothing again: the conversation may have been given back since.
        if self.store.outgoing_by_provider(echo.channel, &echo.provider_id).await?.is_some() {
            return Ok(());
        }
        // Where a colleague has it, it stays theirs, and what was typed is shown to them.
        if self.take(&conversation, ON_THE_PHONE, None).await? == Took::WaitsNot {
            tracing::warn!(%conversation, "a person writes to a guest, and the flows have no `taken_over` that makes room");
        }
        let typed = Typed { by: ON_THE_PHONE, text: &echo.text, provider_id: &echo.provider_id };
        self.store.typed(&conversation, &typed).await?;
        Ok(())
    }
}

fn taken_over(by: &str) -> Said {
    Said::Event { name: TAKEN_OVER.to_owned(), data: json!({ "by": by }) }
}

/// How a conversation came to a person.
struct Story {
    why: Why,
    wants: Option<String>,
    state: Option<String>,
    slots: IndexMap<String, Json>,
}

impl Default for Story {
    fn default() -> Self {
        Self { why: Why::Unknown, wants: None, state: None, slots: IndexMap::new() }
    }
}

impl Story {
    /// Goes through a log once more. `None` where that does not lead to a person: it was recorded on other flows.
    fn of(flows: &Flows, log: &[Logged]) -> Option<Self> {
        let mut position = Position::start(flows);
        let (mut story, mut about, mut events) = (None, Self::default(), Vec::new());
        for logged in log {
            let input = match &logged.entry {
                Entry::Input(input) => input,
                Entry::Mark(Mark::Begun { .. }) => continue,
                Entry::Mark(Mark::Rewound { .. } | Mark::Moved { .. }) => return None,
            };
            let was_held = position.is_held();
            if !was_held {
                match input {
                    Input::Said { .. }
                    | Input::Silence
                    | Input::Unreadable
                    | Input::Due
                    | Input::Event { .. } => {
                        events.clear();
                        about = Self::about(&position, flows);
                    }
                    Input::Understood(_)
                    | Input::Answered { .. }
                    | Input::AnsweredSame { .. }
                    | Input::Conveyed { .. }
                    | Input::Guest(_) => {
                        let now = Self::about(&position, flows);
                        if now.state.is_some() {
                            about = now;
                        }
                    }
                }
            }
            let stepped = step(flows, position, input, logged.moment);
            events.extend(stepped.trace.iter().filter_map(|trace| match trace {
                Trace::Event { event, .. } => Some(*event),
                _ => None,
            }));
            position = stepped.next;
            if position.is_held() && !was_held {
                let about = std::mem::take(&mut about);
                story = Some(Self { why: why(&events, input), ..about });
            }
        }
        story.filter(|_| position.is_held())
    }

    /// What is under way.
    fn about(position: &Position, flows: &Flows) -> Self {
        let active = position.active(flows).pop().map(|(flow, _)| flow);
        let root = flows.root().map(|root| root.name.to_string());
        let Some(flow) = active.filter(|flow| Some(flow) != root.as_ref()) else { return Self::default() };
        Self {
            why: Why::Unknown,
            wants: flows.get(&flow).map(|flow| flow.description.to_string()),
            state: Some(position.state(flows)),
            slots: position.slots(flows),
        }
    }
}

/// Why the last of these events, or this input, led to a person.
fn why(events: &[Event], input: &Input) -> Why {
    if matches!(input, Input::Event { name, .. } if name == TAKEN_OVER) {
        return Why::TakenOver;
    }
    let of = |event: &Event| match event {
        Event::ToolFailed => Some(Why::ToolFailed),
        Event::Human => Some(Why::AskedForPerson),
        Event::Unclear => Some(Why::NotUnderstood),
        _ => None,
    };
    events.iter().rev().find_map(of).unwrap_or(Why::Flow)
}
