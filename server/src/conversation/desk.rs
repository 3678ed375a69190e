//! What the engine wishes, performed: understanding, calls, replies.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use innkeeper_engine::runtime::{Ask, Performer};
use innkeeper_engine::{Call, Expecting, Guest, Moment, Outcome, Question, Say, Understanding};

use super::{Party, Receptionist, note};
use crate::message::Outgoing;
use crate::outbox::fitting;
use crate::reply::{Listener, Medium, Reply, ReplyFault};

/// The receptionist at work for one guest: performs what the engine wishes.
pub(super) struct Desk<'a> {
    receptionist: &'a Receptionist,
    party: &'a Party,
    /// Whether the turn has said already what was heard.
    has_told: AtomicBool,
}

impl<'a> Desk<'a> {
    /// At work for this guest.
    pub(super) fn new(receptionist: &'a Receptionist, party: &'a Party) -> Self {
        Self { receptionist, party, has_told: AtomicBool::new(false) }
    }

    fn rendered(&self, says: &[Say], medium: Medium) -> Result<Vec<Reply>, ReplyFault> {
        let listener = Listener {
            medium,
            language: &self.party.language,
            today: self.receptionist.moment().today,
            house: &self.receptionist.house,
        };
        self.receptionist.replies.render(says, &listener)
    }

    /// What words mean; those that a recogniser wrote may not be those that were said.
    async fn meaning(&self, question: &Question) -> Understanding {
        match &self.party.heard {
            Some(_) => self.receptionist.understander.understand_spoken(question).await,
            None => self.receptionist.understander.understand(question).await,
        }
    }

    /// What is sent as a sound besides the text: the same, in the words for those who listen.
    fn aloud(&self, says: &[Say]) -> Result<Vec<Outgoing>, ReplyFault> {
        let is_wanted = self.receptionist.voice_replies && !self.party.channel.is_local();
        if !is_wanted || self.party.heard.is_none() {
            return Ok(Vec::new());
        }
        let replies = self.rendered(says, Medium::Voice)?;
        Ok(replies
            .into_iter()
            .map(|reply| Outgoing { text: reply.text, spoken: true, ..Outgoing::default() })
            .collect())
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
            Ok(guest) => (known != Some(&guest)).then_some(guest),
            Err(fault) => {
                tracing::error!(error = %crate::fault::chain(&fault), "the guest's record could not be read; the guest counts as known before");
                known.is_none().then(Guest::default)
            }
        }
    }

    async fn understand(&self, ask: Ask<'_>) -> Arc<Understanding> {
        let Some(question) = ask.question() else { return Arc::default() };
        let understood = match (self.party.medium.at_once(), question.page) {
            (Some(at_once), page) if page > 0 => {
                let offered = from_page(question, at_once, page);
                self.meaning(&offered).await
            }
            _ => self.meaning(&question).await,
        };
        Arc::new(understood)
    }

    fn honours_keys(&self, tool: &str) -> bool {
        self.receptionist.tools.honours_keys(tool)
    }

    async fn call(&self, call: &Call, key: &str) -> Outcome {
        if call.writes {
            // What was done says what was understood.
            self.has_told.store(true, Ordering::Relaxed);
        }
        let outcome = self.receptionist.tools.call(call, key).await;
        match &outcome {
            Outcome::Ok { .. } => tracing::debug!(tool = &*call.tool, "called"),
            Outcome::Error { code, .. } => tracing::info!(tool = &*call.tool, code, "the hotel refused"),
            Outcome::Unknown { message } => {
                tracing::error!(tool = &*call.tool, message, "the hotel did not answer")
            }
        }
        outcome
    }

    fn render(&self, says: &[Say]) -> Result<Vec<Outgoing>, ReplyFault> {
        let heard = self.party.heard.as_ref();
        let noted = heard.map(|heard| note::saying(says, heard, &self.has_told));
        let says = noted.as_deref().unwrap_or(says);
        let replies = self.rendered(says, self.party.medium)?;
        let replies = replies.into_iter().map(|reply| Outgoing {
            text: reply.text,
            buttons: reply.buttons,
            says: reply.says.into_iter().filter(|say| *say != note::OURS).collect(),
            spoken: false,
        });
        let mut outgoing: Vec<Outgoing> =
            replies.flat_map(|reply| fitting(self.party.channel, reply)).collect();
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
