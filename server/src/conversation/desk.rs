//! What the engine wishes, performed: understanding, calls, replies.

use std::sync::Arc;
use std::time::Duration;

use innkeeper_engine::runtime::{Ask, Performer};
use innkeeper_engine::{Call, Expecting, Guest, Moment, Outcome, Question, Say, Understanding};

use super::{Party, Receptionist};
use crate::message::Outgoing;
use crate::outbox::fitting;
use crate::reply::{Listener, ReplyFault};

/// The receptionist at work for one guest: performs what the engine wishes.
pub(super) struct Desk<'a> {
    pub(super) receptionist: &'a Receptionist,
    pub(super) party: &'a Party,
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
                self.receptionist.understander.understand(&offered).await
            }
            _ => self.receptionist.understander.understand(&question).await,
        };
        Arc::new(understood)
    }

    fn honours_keys(&self, tool: &str) -> bool {
        self.receptionist.tools.honours_keys(tool)
    }

    async fn call(&self, call: &Call, key: &str) -> Outcome {
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
        let listener = Listener {
            medium: self.party.medium,
            language: &self.party.language,
            today: self.receptionist.moment().today,
            house: &self.receptionist.house,
        };
        let replies = self.receptionist.replies.render(says, &listener)?;
        Ok(replies
            .into_iter()
            .map(|reply| Outgoing { text: reply.text, buttons: reply.buttons, says: reply.says })
            .flat_map(|reply| fitting(self.party.channel, reply))
            .collect())
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
