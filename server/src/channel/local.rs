//! A guest who is right here: at the terminal, or on the console's chat page.
//!
//! Messages go the same way as everybody's, through inbox, conversation and outbox; only that nothing is sent: what a
//! turn says is conveyed when the turn returns.

use std::sync::Arc;

use innkeeper_engine::runtime::Happening;
use serde_json::json;
use tokio::sync::Mutex;
use uuid::Uuid;

use crate::conversation::{AnswerFault, HandBack, Party, Receptionist, Said, Turned};
use crate::message::{ChannelName, Content, GuestIds, GuestKey, Heard, Inbound, MessageId, Transcript};
use crate::reply::Medium;
use crate::store::{Database, Fault as StoreFault, Received};

/// One session of a guest who is right here. Turns are taken one after the other.
pub struct LocalGuest {
    receptionist: Arc<Receptionist>,
    key: GuestKey,
    channel: ChannelName,
    medium: Medium,
    language: String,
    phone: Option<String>,
    turns: Mutex<u64>,
}

/// What a guest who is right here can do.
#[derive(Clone, Debug)]
pub enum Doing {
    /// Say something, or press a button.
    Message {
        /// The words; with a button, its title.
        text: String,
        /// The button's id.
        button: Option<String>,
    },
    /// Say something in a voice note.
    Note {
        /// What a recogniser wrote; nothing where it heard no words.
        heard: Heard,
    },
    /// Say nothing for too long.
    Silence,
    /// Nothing; a time that the conversation waited for has come.
    Due,
    /// Nothing; the person who had the conversation is done with it.
    GivenBack(HandBack),
}

/// Gives messages of local guests that a stop or a crash left over their outcome: nobody sits there any more.
///
/// # Errors
/// The database fails.
pub async fn reject_left_over(store: &Database) -> Result<(), StoreFault> {
    if store.others() > 0 {
        // They may be answering them.
        return Ok(());
    }
    for row in store.pending().await? {
        if ChannelName::parse(&row.channel).is_some_and(ChannelName::is_local) {
            store.reject(MessageId(row.id)).await?;
        }
    }
    Ok(())
}

impl LocalGuest {
    /// A guest on a local channel. `phone` counts as verified: whoever sits here vouches for it.
    pub fn new(
        receptionist: Arc<Receptionist>,
        key: GuestKey,
        channel: ChannelName,
        medium: Medium,
        language: &str,
        phone: Option<String>,
    ) -> Self {
        let language = language.to_owned();
        Self { receptionist, key, channel, medium, language, phone, turns: Mutex::new(0) }
    }

    /// Leaves whatever conversation was open before: this session begins anew.
    ///
    /// # Errors
    /// The database fails.
    pub async fn begin(&self) -> Result<(), StoreFault> {
        if let Some(open) = self.receptionist.store.active_conversation(&self.key).await? {
            self.receptionist.store.end_conversation(&open).await?;
        }
        Ok(())
    }

    /// Takes one turn. Returns its number in this session with what it did.
    ///
    /// # Errors
    /// [`AnswerFault`]; the message was not answered then.
    pub async fn turn(
        &self,
        doing: Doing,
        watch: &mut (dyn FnMut(Happening<'_>) + Send),
    ) -> Result<(u64, Turned), AnswerFault> {
        let mut turns = self.turns.lock().await;
        let heard = match &doing {
            Doing::Note { heard } => Some(heard.clone()),
            Doing::Message { .. } | Doing::Silence | Doing::Due | Doing::GivenBack(_) => None,
        };
        let said = match doing {
            Doing::Silence => Said::Silence,
            Doing::Due => Said::Due,
            Doing::GivenBack(back) => back.said(),
            Doing::Note { heard } => match heard {
                Heard::Words(Transcript { words, .. }) => {
                    Said::Message { id: self.receive(&words, None).await?, text: words, button: None }
                }
                Heard::Nothing { .. } => Said::Unreadable { id: self.receive("", None).await? },
            },
            Doing::Message { text, button } => {
                Said::Message { id: self.receive(&text, button.clone()).await?, text, button }
            }
        };
        let party = Party {
            guest: self.key.clone(),
            channel: self.channel,
            medium: self.medium,
            language: self.language.clone(),
            since: self.receptionist.clock.now(),
            heard,
            last: None,
            written: None,
        };
        let message = said.message();
        match self.receptionist.turn(&party, said, watch).await {
            Ok(turned) => {
                *turns += 1;
                Ok((*turns, turned))
            }
            Err(fault) => {
                if let Some(id) = message {
                    // Whoever sits here is told at once and may say it again.
                    self.receptionist.store.reject(id).await?;
                }
                Err(fault)
            }
        }
    }

    /// Writes down what was said.
    async fn receive(&self, text: &str, button: Option<String>) -> Result<MessageId, StoreFault> {
        let inbound = Inbound {
            channel: self.channel,
            provider_id: Uuid::new_v4().to_string(),
            guest: GuestIds::Other(self.key.clone()),
            address: self.key.as_str().to_owned(),
            line: None,
            phone: self.phone.clone(),
            name: None,
            text: text.to_owned(),
            content: match button {
                Some(id) => Content::Button { id, title: text.to_owned() },
                None => Content::Text,
            },
            reply_to: None,
            referral: None,
            sent_at: None,
            raw: json!({}),
        };
        let (Received::New(id) | Received::Unanswered(id) | Received::Repeat(id)) =
            self.receptionist.store.receive(&inbound).await?;
        Ok(id)
    }
}
