//! Conversations: what was gathered from a guest goes in, one commit and its replies come out.
//!
//! [`Receptionist`] brings together what a turn needs (flows, the hotel's tools, understanding, replies, the store) and
//! gives it to the engine's driver. Everything that talks to guests, channel or console, goes through it: a
//! channel's messages as an [`Answerer`], the console's by [`Receptionist::turn`].

mod across;
mod ahead;
mod desk;
mod line;
mod note;
mod people;
mod pointed;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use indexmap::IndexMap;
use innkeeper_engine::runtime::{Arrival, Completed, Driver, Happening, Store as _, TurnFault};
use innkeeper_engine::{Input, Moment, Say, Waiting};
use serde_json::Value as Json;

use self::desk::Desk;
use self::pointed::{Light, Pointed};
use crate::clock::{Clock, later};
use crate::message::{ChannelName, ConversationId, Gathered, GuestIds, GuestKey, Heard, MessageId, Outgoing};
use crate::reply::{CurrentReplies, Medium, Rephraser, ReplyFault};
use crate::store::{Database, Due, Fault as StoreFault};
use crate::tools::HotelTools;
use crate::turn::{Answerer, Unanswered};
use crate::understand::{MessageWish, MessageWords, Understander};
use crate::versions::{self, Lost, Used};

pub use self::across::{CALLED, Callers, GONE_ON, OnThePhone, WHATSAPP, Written};
pub use self::ahead::Ahead;
pub use self::line::{ReplyLine, ToolLine, TurnLine, arguments_of, outcome_word};
pub use self::people::{HandBack, Handed, Spoken, TAKEN_OVER, Who, Why};

/// The event that tells the flows that a person is done with a conversation.
pub const GIVEN_BACK: &str = "given_back";

/// Nobody is reminded later than this after their last message: WhatsApp delivers nothing after 24 hours.
const WINDOW: Duration = Duration::from_secs(23 * 60 * 60);

/// The prompt for a guest whose message could not be answered.
const APOLOGY: &str = "apology";

/// What a message is for that nobody asked for and that reminds of nothing.
const NOTICE: &str = "notice";

/// The prompts for a guest who wants no more messages, or messages again.
const MESSAGES_STOPPED: &str = "messages_stopped";
const MESSAGES_AGAIN: &str = "messages_again";

/// Where it comes from that a guest wants no more messages: from what they wrote.
const BY_WORDS: &str = "words";

/// Everything a turn needs.
pub struct Receptionist {
    /// The checked flows, and what drives conversations on them.
    pub driver: Driver,
    /// The hotel's tools.
    pub tools: Arc<HotelTools>,
    /// Who finds out what words mean.
    pub understander: Arc<Understander>,
    /// Every sentence a guest can get.
    pub replies: Arc<CurrentReplies>,
    /// Where conversations are kept.
    pub store: Database,
    /// Which versions of the flows are noted as used.
    pub used: Used,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The hotel's time zone.
    pub zone: Tz,
    /// What every prompt may say about the hotel.
    pub house: IndexMap<String, Json>,
    /// What guests write who want no more messages.
    pub message_words: MessageWords,
    /// Puts replies into other words, where that is wanted.
    pub rephraser: Option<Rephraser>,
    /// Whether voice notes are answered by a sound, too.
    pub voice_replies: bool,
    /// The way that guests are first written to on WhatsApp, where it is set up.
    pub writes_by: Option<ChannelName>,
    /// Who is on the telephone now.
    pub callers: Callers,
}

/// Whom a turn is with.
#[derive(Clone, Debug)]
pub struct Party {
    /// Who the guest is to the channel.
    pub guest: GuestKey,
    /// The channel.
    pub channel: ChannelName,
    /// How replies are taken in.
    pub medium: Medium,
    /// The language of replies.
    pub language: String,
    /// When the guest said it: only what was conveyed before can have been answered.
    pub since: DateTime<Utc>,
    /// What came of listening to it, where it is a voice note.
    pub heard: Option<Heard>,
    /// The last message of the turn, where what comes after it may still become part of the turn.
    pub last: Option<MessageId>,
    /// How something can be written to them meanwhile, where they are on the telephone.
    pub written: Option<Written>,
}

/// What the guest did.
#[derive(Clone, Debug)]
pub enum Said {
    /// Words, or a button.
    Message {
        /// The message that the turn answers.
        id: MessageId,
        /// The words.
        text: String,
        /// The button's id.
        button: Option<String>,
    },
    /// Something without words, and nothing made words of it.
    Unreadable {
        /// The message that the turn answers.
        id: MessageId,
    },
    /// Nothing, for too long.
    Silence,
    /// Nothing; a time that the conversation waited for has come.
    Due,
    /// Nothing; something that flows know by name happened elsewhere.
    Event {
        /// Its name.
        name: String,
        /// What flows see as `event.data`.
        data: Json,
    },
}

/// A turn that was committed.
#[derive(Clone, Debug)]
pub struct Turned {
    /// The conversation it belongs to.
    pub conversation: ConversationId,
    /// What the driver did.
    pub completed: Completed<Outgoing>,
}

/// Why a turn was not completed.
#[derive(Debug, thiserror::Error)]
pub enum AnswerFault {
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreFault),
    /// The flows that the conversation is on are lost. It stands where it stood until somebody moves or ends it.
    #[error(
        "the conversation is on version {version} of the flows, which is lost: {why}; `innkeeper flows migrate` moves it or ends it"
    )]
    Lost {
        /// The version.
        version: String,
        /// Why.
        why: Lost,
    },
    /// The driver failed.
    #[error("the turn failed")]
    Turn(#[source] Box<TurnFault<StoreFault, ReplyFault>>),
}

impl Party {
    /// A guest who did not do anything just now.
    fn elsewhere(guest: GuestKey, channel: ChannelName, now: DateTime<Utc>) -> Self {
        Self {
            guest,
            channel,
            medium: Medium::Chat,
            language: "en".to_owned(),
            since: now,
            heard: None,
            last: None,
            written: None,
        }
    }

    /// The channel of a conversation that is begun now: a guest of WhatsApp who calls is written to there afterwards.
    fn home(&self, writes_by: Option<ChannelName>) -> ChannelName {
        match GuestIds::of(&self.guest) {
            GuestIds::Scoped(_) | GuestIds::Phone(_) | GuestIds::Both { .. } if self.channel.is_spoken() => {
                writes_by.unwrap_or(ChannelName::Twilio)
            }
            _ => self.channel,
        }
    }

    /// The guest of a gathered turn, on a channel that is read.
    pub fn of(gathered: &Gathered) -> Self {
        Self {
            guest: gathered.guest.clone(),
            channel: gathered.channel,
            medium: Medium::Chat,
            language: "en".to_owned(),
            since: gathered.received_at,
            heard: gathered.heard.clone(),
            last: gathered.grows().then(|| gathered.last()),
            written: None,
        }
    }
}

impl Said {
    /// The message that the turn answers.
    pub fn message(&self) -> Option<MessageId> {
        match self {
            Self::Message { id, .. } | Self::Unreadable { id } => Some(*id),
            Self::Silence | Self::Due | Self::Event { .. } => None,
        }
    }

    /// What whatever is said without being asked is for; `None` where it answers the guest.
    fn purpose(&self) -> Option<&'static str> {
        match self {
            Self::Message { .. } | Self::Unreadable { .. } => None,
            Self::Silence | Self::Due => Some("reminder"),
            Self::Event { name, .. } if name == GIVEN_BACK => Some("hand_off"),
            Self::Event { .. } => Some(NOTICE),
        }
    }

    /// What the engine is told.
    fn input(self) -> Input {
        match self {
            Self::Message { text, button, .. } => Input::Said { text, button },
            Self::Unreadable { .. } => Input::Unreadable,
            Self::Silence => Input::Silence,
            Self::Due => Input::Due,
            Self::Event { name, data } => Input::Event { name, data },
        }
    }
}

impl Receptionist {
    /// Takes one turn: everything it changes is committed when this returns, or nothing is.
    ///
    /// # Errors
    /// [`AnswerFault`]; the message has no outcome then and may be tried again.
    pub async fn turn(
        &self,
        party: &Party,
        said: Said,
        watch: &mut (dyn FnMut(Happening<'_>) + Send),
    ) -> Result<Turned, AnswerFault> {
        match self.attempt(party, said.clone(), Pointed::Nothing, watch).await {
            // Somebody else committed meanwhile, and nothing of this turn was: once more, on what they left.
            Err(AnswerFault::Turn(fault)) if matches!(*fault, TurnFault::Conflict) => {
                self.attempt(party, said, Pointed::Nothing, watch).await
            }
            taken => taken,
        }
    }

    /// The words of a prompt that belongs to no conversation; nothing where it cannot be said.
    pub fn phrase(&self, prompt: &str, medium: Medium, language: &str) -> String {
        let channel = if medium == Medium::Voice { ChannelName::Call } else { ChannelName::Console };
        let nobody = Party::elsewhere(GuestKey::new("nobody"), channel, self.clock.now());
        let party = Party { medium, language: language.to_owned(), ..nobody };
        let said = Desk::new(self, &party).rendered(&[Say::given(prompt, IndexMap::new())]);
        let said = said.unwrap_or_else(|fault| {
            tracing::error!(prompt, error = %crate::fault::chain(&fault), "something could not be said");
            Vec::new()
        });
        said.into_iter().map(|reply| reply.text).collect::<Vec<_>>().join(" ")
    }

    /// Takes a turn of a guest on a channel where earlier messages stay in sight.
    async fn gathered(&self, gathered: &Gathered) -> Result<(), AnswerFault> {
        let party = Party::of(gathered);
        for last_try in [false, true] {
            // What the guest points at depends on where the conversation stands.
            let (said, pointed) = self.said(gathered).await?;
            match self.attempt(&party, said, pointed, &mut |_| {}).await {
                Err(AnswerFault::Turn(fault)) if matches!(*fault, TurnFault::Conflict) && !last_try => {}
                taken => return taken.map(|_| ()),
            }
        }
        Ok(())
    }

    /// Answers a guest who says nothing but that they want no more messages, or messages again. False for all others.
    async fn answers_consent(&self, gathered: &Gathered) -> Result<bool, StoreFault> {
        let plain = gathered.button.is_none() && gathered.unsupported.is_none();
        let wish = self.message_words.wish(&gathered.text);
        let Some(wish) = wish.filter(|_| plain && !gathered.channel.is_local()) else { return Ok(false) };
        let wanted = wish == MessageWish::Start;
        // "Start" is a greeting unless they stopped before.
        if wanted && !self.store.is_opted_out(&gathered.guest).await? {
            return Ok(false);
        }
        let open = self.store.active_conversation(&gathered.guest).await?;
        let prompt = if wanted { MESSAGES_AGAIN } else { MESSAGES_STOPPED };
        let said = self.aside(gathered, prompt);
        self.store.answer_consent(gathered, wanted, BY_WORDS, open.as_ref(), &said).await?;
        Ok(true)
    }

    /// What is said beside the conversation; nothing where it cannot be rendered.
    fn aside(&self, gathered: &Gathered, prompt: &str) -> Vec<Outgoing> {
        let say = Say::given(prompt, IndexMap::new());
        let party = Party::of(gathered);
        let said = Desk::new(self, &party).rendered(&[say]).unwrap_or_else(|fault| {
            tracing::error!(prompt, error = %crate::fault::chain(&fault), "something could not be said");
            Vec::new()
        });
        said.into_iter().map(|reply| Outgoing { says: Vec::new(), ..reply }).collect()
    }

    async fn attempt(
        &self,
        party: &Party,
        said: Said,
        pointed: Pointed,
        watch: &mut (dyn FnMut(Happening<'_>) + Send),
    ) -> Result<Turned, AnswerFault> {
        let (conversation, gone_on) = self.conversation(party, said.message().is_some()).await?;
        let message = said.message().map(|id| id.to_string());
        let purpose = said.purpose();
        let mut inputs = self.inputs(&conversation, party, said).await?;
        if gone_on {
            inputs.insert(0, Input::Event { name: GONE_ON.to_owned(), data: Json::Null });
        }
        let desk = Desk::new(self, party).of(&conversation, purpose, Light::new(pointed));
        let arrival = Arrival { message, inputs, moment: self.moment() };
        let completed = self
            .driver
            .turn(&self.store, &desk, conversation.as_str(), arrival, Some(watch))
            .await
            .map_err(|fault| AnswerFault::Turn(Box::new(fault)))?;
        self.used.note(&self.store, completed.flows.version()).await?;
        if completed.handed_over {
            tracing::warn!(%conversation, channel = party.channel.as_str(), "a guest waits for a person");
        }
        Ok(Turned { conversation, completed })
    }

    /// What the engine is told: that a read-back was conveyed before the guest spoke, then what they did.
    async fn inputs(
        &self,
        conversation: &ConversationId,
        party: &Party,
        said: Said,
    ) -> Result<Vec<Input>, StoreFault> {
        let mut inputs = Vec::new();
        if let Some(stored) = self.store.load(conversation.as_str()).await?
            && let Some(say) = stored.position.unconveyed()
            && self.store.conveyed(conversation, say, party.since).await?
        {
            inputs.push(Input::Conveyed { say });
        }
        inputs.push(said.input());
        Ok(inputs)
    }

    /// What a conversation that is due is woken with; `None` where it moved on, or must not be.
    async fn wakes(&self, due: &Due) -> Result<Option<Said>, StoreFault> {
        let now = self.clock.now();
        let Some(stored) = self.store.load(due.conversation.as_str()).await? else { return Ok(None) };
        let position = &stored.position;
        if position.due().is_some_and(|at| at <= now) {
            return Ok(Some(Said::Due));
        }
        let is_late = due.heard_at.is_none_or(|heard| now > later(heard, WINDOW));
        let wants_none = self.store.is_opted_out(&due.guest).await?;
        if is_late || wants_none || !matches!(position.waiting(), Waiting::Guest { .. }) {
            self.store.put_off(due, position.due()).await?;
            return Ok(None);
        }
        Ok(Some(Said::Silence))
    }

    /// The guest's open conversation, or a new one after the last one ended; and whether it was begun in a call and
    /// goes on here from now. Only whoever writes goes on with a call. The flows it is on are here then.
    async fn conversation(
        &self,
        party: &Party,
        is_written: bool,
    ) -> Result<(ConversationId, bool), AnswerFault> {
        if let Some((open, went_on)) = self.store.open_conversation(&party.guest).await? {
            self.flows_of(&open).await?;
            return Ok((open, went_on));
        }
        if is_written && let Some(gone_on) = self.gone_on(party).await? {
            return Ok((gone_on, true));
        }
        let open = self.store.conversation(&party.guest, party.home(self.writes_by)).await?;
        self.flows_of(&open).await?;
        Ok((open, false))
    }

    /// Sees to it that the flows that a conversation is on are here.
    async fn flows_of(&self, conversation: &ConversationId) -> Result<(), AnswerFault> {
        if let Some(stored) = self.store.load(conversation.as_str()).await? {
            let version = stored.position.version();
            let found = versions::find(&self.store, &self.driver.versions, version).await?;
            found.map_err(|why| AnswerFault::Lost { version: version.to_owned(), why })?;
        }
        Ok(())
    }

    fn moment(&self) -> Moment {
        Moment { at: self.clock.now(), today: self.clock.today(self.zone) }
    }
}

#[async_trait]
impl Answerer for Receptionist {
    async fn answer(&self, gathered: &Gathered) -> Result<(), Unanswered> {
        match self.answers_consent(gathered).await {
            Ok(true) => return Ok(()),
            Ok(false) => {}
            Err(fault) => return Err(Unanswered::Passing(Box::new(fault))),
        }
        match self.gathered(gathered).await {
            Ok(()) => Ok(()),
            Err(fault) if fault.is_overtaken() => Err(Unanswered::Overtaken),
            Err(fault) if fault.is_passing() => Err(Unanswered::Passing(Box::new(fault))),
            Err(fault) => Err(Unanswered::Lasting(Box::new(fault))),
        }
    }

    async fn wake(&self, due: &Due) -> Result<(), Unanswered> {
        let passing = |fault: StoreFault| Unanswered::Passing(Box::new(fault));
        if !self.store.is_put_off(due).await.map_err(passing)? {
            // The guest was faster.
            return Ok(());
        }
        if self.calls_now(&due.guest).await.map_err(passing)? {
            // They are told on the telephone; if they hang up before, this is looked at again.
            return Ok(());
        }
        let Some(said) = self.wakes(due).await.map_err(passing)? else { return Ok(()) };
        let party = Party::elsewhere(due.guest.clone(), due.channel, self.clock.now());
        match self.attempt(&party, said, Pointed::Nothing, &mut |_| {}).await {
            Ok(_) => Ok(()),
            Err(AnswerFault::Turn(fault)) if matches!(*fault, TurnFault::Conflict) => Ok(()),
            Err(fault) if fault.is_passing() => Err(Unanswered::Passing(Box::new(fault))),
            Err(fault) => {
                self.store.put_off(due, None).await.map_err(passing)?;
                Err(Unanswered::Lasting(Box::new(fault)))
            }
        }
    }

    fn apology(&self, gathered: &Gathered) -> Vec<Outgoing> {
        self.aside(gathered, APOLOGY)
    }
}

impl AnswerFault {
    /// Whether the guest has said more meanwhile.
    fn is_overtaken(&self) -> bool {
        matches!(self, Self::Turn(fault) if matches!(**fault, TurnFault::Render(ReplyFault::Overtaken)))
    }

    /// Whether the same message may be answered when it is tried again.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Store(_) => true,
            Self::Lost { .. } => false,
            Self::Turn(fault) => match **fault {
                TurnFault::Store(_)
                | TurnFault::Conflict
                | TurnFault::Render(ReplyFault::Unread(_) | ReplyFault::Overtaken) => true,
                TurnFault::Render(_) | TurnFault::NotConfirmed { .. } | TurnFault::OtherVersion { .. } => {
                    false
                }
            },
        }
    }
}
