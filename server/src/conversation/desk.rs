//! What the engine wishes, performed: understanding, calls, replies.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use indexmap::IndexMap;
use innkeeper_engine::runtime::{Ask, Performer};
use innkeeper_engine::{Call, Elsewhere, Expecting, Guest, Moment, Outcome, Question, Say, Understanding};

use super::pointed::{Light, Tag};
use super::{NOTICE, Party, Receptionist, WHATSAPP, note};
use crate::message::{ConversationId, Manner, Outgoing};
use crate::mortal;
use crate::outbox::fitting;
use crate::reply::{Listener, Medium, Reply, ReplyFault};

/// The prompt for a guest who pressed something that does not hold any more.
const OFFER_GONE: &str = "offer_gone";

/// The receptionist at work for one guest: performs what the engine wishes.
pub(super) struct Desk<'a> {
    receptionist: &'a Receptionist,
    party: &'a Party,
    /// The conversation that what can be pressed belongs to.
    conversation: Option<&'a ConversationId>,
    /// What the replies are for, where they answer no message of the guest.
    purpose: Option<&'static str>,
    light: Light,
    /// Whether the turn has said already what was heard.
    has_told: AtomicBool,
    /// Whether the guest asked how something is spelled.
    spells: AtomicBool,
    /// Whether the turn has changed something in the hotel, or may have.
    has_changed: AtomicBool,
}

impl<'a> Desk<'a> {
    /// At work outside of any conversation.
    pub(super) fn new(receptionist: &'a Receptionist, party: &'a Party) -> Self {
        Self {
            receptionist,
            party,
            conversation: None,
            purpose: None,
            light: Light::default(),
            has_told: AtomicBool::new(false),
            spells: AtomicBool::new(false),
            has_changed: AtomicBool::new(false),
        }
    }

    /// The same in a conversation.
    pub(super) fn of(
        self,
        conversation: &'a ConversationId,
        purpose: Option<&'static str>,
        light: Light,
    ) -> Self {
        Self { conversation: Some(conversation), purpose, light, ..self }
    }

    fn listener(&self) -> Listener<'a> {
        let Self { receptionist, party, .. } = self;
        Listener {
            medium: party.medium,
            language: &party.language,
            today: receptionist.moment().today,
            house: &receptionist.house,
            limits: party.channel.limits(),
            spelled: self.spells.load(Ordering::Relaxed),
        }
    }

    /// What is to be said, in bubbles.
    pub(super) fn rendered(&self, says: &[Say]) -> Result<Vec<Outgoing>, ReplyFault> {
        Ok(self.worded(says)?.into_iter().flat_map(|reply| fitting(self.party.channel, reply)).collect())
    }

    /// What is to be said, in the prompts' words.
    fn worded(&self, says: &[Say]) -> Result<Vec<Outgoing>, ReplyFault> {
        let gone = self.light.is_gone().then(|| Say::given(OFFER_GONE, IndexMap::new()));
        let heard = self.party.heard.as_ref();
        let noted = heard.map(|heard| note::saying(says, heard, &self.has_told));
        let says = noted.as_deref().unwrap_or(says);
        let says: Vec<Say> = gone.into_iter().chain(says.iter().cloned()).collect();
        if self.party.channel.is_spoken() {
            return self.one_by_one(&says);
        }
        let replies = self.receptionist.replies.now().render(&says, &self.listener())?;
        Ok(replies.into_iter().map(|reply| self.outgoing(reply, says.last())).collect())
    }

    /// Refuses to say what the guest's next words may have made wrong. What changed something is told in any case.
    async fn is_up_to_date(&self) -> Result<(), ReplyFault> {
        let Some(last) = self.party.last.filter(|_| !self.has_changed.load(Ordering::Relaxed)) else {
            return Ok(());
        };
        let more = self.receptionist.store.said_after(&self.party.guest, self.party.channel, last).await;
        match more {
            Ok(more) if more.is_empty() => Ok(()),
            Ok(_) => Err(ReplyFault::Overtaken),
            Err(fault) => Err(ReplyFault::Unread(Box::new(fault))),
        }
    }

    /// What is spoken is one message a saying: each counts by itself as heard or not.
    fn one_by_one(&self, says: &[Say]) -> Result<Vec<Outgoing>, ReplyFault> {
        let mut spoken: Vec<Outgoing> = Vec::new();
        for say in says {
            for reply in
                self.receptionist.replies.now().render(std::slice::from_ref(say), &self.listener())?
            {
                let outgoing = self.outgoing(reply, Some(say));
                match spoken.iter_mut().find(|before| before.text == outgoing.text) {
                    Some(before) => before.says.extend(outgoing.says),
                    None => spoken.push(outgoing),
                }
            }
        }
        Ok(spoken)
    }

    /// What words mean; those that a recogniser wrote may not be those that were said.
    async fn meaning(&self, question: &Question) -> Understanding {
        if self.party.heard.is_some() || self.party.medium == Medium::Voice {
            let at_once = self.party.medium.at_once();
            self.receptionist.understander.understand_spoken(question, at_once).await
        } else {
            self.receptionist.understander.understand(question).await
        }
    }

    /// What is sent as a sound besides the text: the same, in the words for those who listen.
    fn aloud(&self, says: &[Say]) -> Result<Vec<Outgoing>, ReplyFault> {
        let is_wanted = self.receptionist.voice_replies && !self.party.channel.is_local();
        if !is_wanted || self.party.heard.is_none() {
            return Ok(Vec::new());
        }
        let listener = Listener { medium: Medium::Voice, ..self.listener() };
        let replies = self.receptionist.replies.now().render(says, &listener)?;
        let spoken = |reply: Reply| Outgoing { text: reply.text, spoken: true, ..Outgoing::default() };
        Ok(replies.into_iter().map(spoken).collect())
    }

    fn outgoing(&self, reply: Reply, last: Option<&Say>) -> Outgoing {
        let Reply { text, mut buttons, opener, mut says } = reply;
        // What is said beside a conversation has no number.
        says.retain(|say| *say > 0);
        if self.party.channel.is_spoken() {
            return Outgoing { text, says, via: Some(self.party.channel), ..Outgoing::default() };
        }
        if self.party.channel.is_local() {
            return Outgoing { text, buttons, says, ..Outgoing::default() };
        }
        if let (Some(conversation), Some(say)) = (self.conversation, says.last()) {
            for button in &mut buttons {
                button.id = Tag::of(&button.id, conversation, *say);
            }
        }
        let purpose = self.purpose.unwrap_or("answer").to_owned();
        let prompt = last.map(|say| say.prompt.to_string());
        let values = match (self.purpose, last) {
            (Some(_), Some(say)) => self.receptionist.replies.now().values(say, &self.listener()),
            (None, _) | (_, None) => BTreeMap::new(),
        };
        let opener = if buttons.is_empty() { String::new() } else { opener };
        let purposes = prompt.into_iter().chain([purpose]).collect();
        let manner = Manner { opener, unasked: self.purpose.is_some(), purposes, values };
        Outgoing { text, buttons, says, manner, ..Outgoing::default() }
    }
}

impl Performer for Desk<'_> {
    type Outgoing = Outgoing;
    type Fault = ReplyFault;

    fn now(&self) -> Moment {
        self.receptionist.moment()
    }

    async fn sleep(&self, duration: Duration) {
        self.receptionist.clock.sleep(duration).await;
    }

    async fn guest(&self, known: Option<&Guest>) -> Option<Guest> {
        match self.receptionist.store.guest(&self.party.guest).await {
            Ok(guest) => {
                let written = self.party.written.as_ref();
                let reach =
                    written.map(|written| (WHATSAPP.to_owned(), written.reach())).into_iter().collect();
                let guest = Guest { reach, ..guest };
                (known != Some(&guest)).then_some(guest)
            }
            Err(fault) => {
                tracing::error!(error = %crate::fault::chain(&fault), "the guest's record could not be read; the guest counts as known before");
                known.is_none().then(Guest::default)
            }
        }
    }

    async fn understand(&self, ask: Ask<'_>) -> Arc<Understanding> {
        let Some(question) = ask.question() else { return Arc::default() };
        if self.receptionist.understander.asks_to_spell(&question.said) {
            self.spells.store(true, Ordering::Relaxed);
        }
        let in_light = self.light.question(&question);
        let asked = in_light.as_ref().unwrap_or(&question).clone();
        let understood = match (self.party.medium.at_once(), asked.page) {
            (Some(at_once), page) if page > 0 => {
                let offered = from_page(asked, at_once, page);
                self.meaning(&offered).await
            }
            _ => self.meaning(&asked).await,
        };
        let understood = if question.kept { understood } else { self.light.judge(understood, &question) };
        Arc::new(understood)
    }

    fn honours_keys(&self, tool: &str) -> bool {
        self.receptionist.tools.honours_keys(tool)
    }

    async fn call(&self, call: &Call, key: &str) -> Outcome {
        if call.writes {
            // What was done says what was understood.
            self.has_told.store(true, Ordering::Relaxed);
            self.has_changed.store(true, Ordering::Relaxed);
        }
        if call.writes {
            mortal::passes("call.written_down");
        }
        let outcome = self.receptionist.tools.call(call, key).await;
        if call.writes {
            mortal::passes("call.answered");
        }
        match &outcome {
            Outcome::Ok { .. } => tracing::debug!(tool = &*call.tool, "called"),
            Outcome::Error { code, .. } => tracing::info!(tool = &*call.tool, code, "the hotel refused"),
            Outcome::Unknown { message } => {
                tracing::error!(tool = &*call.tool, message, "the hotel did not answer")
            }
        }
        outcome
    }

    async fn send(&self, sends: &[Elsewhere]) -> Result<Vec<Outgoing>, ReplyFault> {
        let Some(written) = &self.party.written else { return Ok(Vec::new()) };
        let listener =
            Listener { medium: Medium::Chat, limits: written.by.limits(), spelled: false, ..self.listener() };
        let mut sent = Vec::new();
        for Elsewhere { to, say, asked } in sends.iter().filter(|elsewhere| *elsewhere.to == *WHATSAPP) {
            let mut asked = *asked;
            for reply in self.receptionist.replies.now().render(std::slice::from_ref(say), &listener)? {
                let manner = Manner {
                    unasked: true,
                    purposes: vec![say.prompt.to_string(), NOTICE.to_owned()],
                    values: self.receptionist.replies.now().values(say, &listener),
                    ..Manner::default()
                };
                let message = Outgoing { text: reply.text, manner, ..Outgoing::default() };
                let message = written.addressed(message, std::mem::take(&mut asked));
                sent.extend(fitting(written.by, message));
            }
            tracing::debug!(to = &**to, "something is sent to a caller");
        }
        Ok(sent)
    }

    async fn render(&self, says: &[Say]) -> Result<Vec<Outgoing>, ReplyFault> {
        self.is_up_to_date().await?;
        let mut replies = self.worded(says)?;
        if let Some(rephraser) =
            self.receptionist.rephraser.as_ref().filter(|_| self.party.medium == Medium::Chat)
        {
            for reply in &mut replies {
                let pressable = !reply.buttons.is_empty();
                let limits = self.party.channel.limits();
                if let Some(text) = rephraser.rephrased(&reply.text, pressable, limits).await {
                    reply.text = text;
                }
            }
        }
        let mut outgoing: Vec<Outgoing> =
            replies.into_iter().flat_map(|reply| fitting(self.party.channel, reply)).collect();
        outgoing.extend(self.aloud(says)?);
        Ok(outgoing)
    }
}

/// The question as the guest heard it: "the second one" is the second of the page that was offered last, so its items
/// come first.
fn from_page(mut question: Question, at_once: usize, page: u32) -> Question {
    let Expecting::Slot(asked) = &question.expecting else { return question };
    for slot in question.scope.iter_mut().filter(|slot| *slot.name == **asked) {
        if let Some(items) = slot.items.as_mut().filter(|items| !items.is_empty()) {
            let pages = items.len().div_ceil(at_once);
            let first = usize::try_from(page).unwrap_or_default() % pages * at_once;
            items.rotate_left(first);
        }
    }
    question
}
