//! The answer to words before it is known whether they are all: taken on a copy, kept or dropped.

use innkeeper_engine::runtime::{Arrival, Happening, Speculation, TurnFault};

use super::desk::Desk;
use super::pointed::{Light, Pointed};
use super::{AnswerFault, Party, Receptionist, Said, Turned};
use crate::message::{ChannelName, ConversationId, Outgoing};

/// The answer to something that a guest has perhaps not finished saying. Dropping it leaves no trace.
#[derive(Debug)]
pub struct Ahead {
    conversation: ConversationId,
    taken: Speculation<Outgoing>,
}

impl Ahead {
    /// What would be spoken.
    pub fn spoken(&self) -> Vec<String> {
        let is_spoken = |message: &&Outgoing| message.via.is_some_and(ChannelName::is_spoken);
        self.taken.outgoing().iter().filter(is_spoken).map(|message| message.text.clone()).collect()
    }
}

impl Receptionist {
    /// Takes a turn on a copy, with tools that only read. Nothing is written down. `None` where that leads to a call
    /// that writes, or to nowhere; then the turn is taken when it is one.
    pub async fn suppose(&self, party: &Party, said: Said) -> Option<Ahead> {
        // A conversation is begun by a turn, never by a guess.
        let conversation = self.store.active_conversation(&party.guest).await.ok()??;
        self.flows_of(&conversation).await.ok()?;
        let inputs = self.inputs(&conversation, party, said).await.ok()?;
        let desk = Desk::new(self, party).of(&conversation, None, Light::new(Pointed::Nothing));
        let arrival = Arrival { message: None, inputs, moment: self.moment() };
        let taken = self.driver.speculate(&self.store, &desk, conversation.as_str(), arrival).await?;
        Some(Ahead { conversation, taken })
    }

    /// Takes the turn that was supposed, if it still is the answer: the same was said, on the same day, and nothing
    /// happened in between. Otherwise the turn is taken as any other.
    ///
    /// # Errors
    /// [`AnswerFault`]; the message has no outcome then and may be tried again.
    pub async fn keep(
        &self,
        ahead: Ahead,
        party: &Party,
        said: Said,
        watch: &mut (dyn FnMut(Happening<'_>) + Send),
    ) -> Result<Turned, AnswerFault> {
        let Ahead { conversation, taken } = ahead;
        let inputs = self.inputs(&conversation, party, said.clone()).await?;
        let message = said.message().map(|id| id.to_string());
        let arrival = Arrival { message, inputs, moment: self.moment() };
        match self.driver.keep(&self.store, taken, conversation.as_str(), &arrival, Some(&mut *watch)).await {
            Ok(Some(completed)) => {
                self.used.note(&self.store, completed.flows.version()).await?;
                Ok(Turned { conversation, completed })
            }
            // It is not the answer any more.
            Ok(None) | Err(TurnFault::Conflict) => self.turn(party, said, watch).await,
            Err(fault) => Err(AnswerFault::Turn(Box::new(fault))),
        }
    }
}
