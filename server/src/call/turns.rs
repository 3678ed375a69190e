//! Turns of a call: written down, taken, and what was heard of them recorded.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use innkeeper_engine::runtime::Happening;
use innkeeper_engine::{Expecting, Say};
use serde_json::json;

use super::keys::Keys;
use super::machine::{After, Thought, Turn};
use super::pace::Asks;
use super::script::{LineId, Much, Told};
use crate::channel::line::Caller;
use crate::conversation::{
    Ahead, AnswerFault, CALLED, OnThePhone, Party, Receptionist, Said, Turned, Written,
};
use crate::message::{
    ChannelName, Content, ConversationId, GuestIds, GuestKey, Inbound, MessageId, Outgoing, OutgoingId,
};
use crate::reply::Medium;
use crate::store::{Fault as StoreFault, Listened, Received};

/// The event that tells the flows that a caller says nothing.
const QUIET: &str = "quiet";

/// A turn of which nothing was committed is taken so many times: somebody may write while they call.
const TRIES: usize = 4;

/// Takes the turns of one call.
#[derive(Clone)]
pub(super) struct Turns {
    receptionist: Arc<Receptionist>,
    /// The provider's id of the call.
    call: String,
    caller: Caller,
    guest: GuestKey,
    /// How something can be written to them.
    written: Option<Written>,
    language: String,
}

/// The reply of a turn, and where it is in the books.
#[derive(Clone, Debug)]
pub(super) struct Reply {
    /// What is said, a message each.
    pub(super) texts: Vec<String>,
    /// Where those messages are.
    pub(super) at: Place,
    /// What comes of it for the pace of the call.
    pub(super) thought: Thought,
    /// What the answer is likely to have in it.
    pub(super) terms: Vec<String>,
    /// Whether the turn changed something at the hotel: the guest must hear of it.
    pub(super) is_news: bool,
    /// When the conversation must be woken next.
    pub(super) due: Option<DateTime<Utc>>,
}

/// Where the messages of a turn are.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) conversation: ConversationId,
    pub(super) revision: u64,
    pub(super) count: usize,
}

/// Which message a line says.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// Where its turn's messages are.
    pub(super) at: Place,
    /// Which of them.
    pub(super) which: usize,
}

/// What was heard, to be recorded.
#[derive(Clone, Debug)]
pub(super) struct Record {
    pub(super) entry: Entry,
    pub(super) listened: Listened,
}

impl Record {
    /// What was told of a line.
    pub(super) fn of(entry: &Entry, told: &Told, why: &'static str) -> Self {
        let listened = match &told.much {
            Much::Whole(at) => Listened::Whole(*at),
            Much::Part(heard) => Listened::Part { heard: heard.clone(), why },
        };
        Self { entry: entry.clone(), listened }
    }

    /// Nothing of it was said.
    pub(super) fn unsaid(at: &Place, which: usize, why: &'static str) -> Self {
        let entry = Entry { at: at.clone(), which };
        Self { entry, listened: Listened::Part { heard: String::new(), why } }
    }
}

impl Reply {
    /// Where each of its messages is.
    pub(super) fn entries(&self) -> impl Iterator<Item = (Entry, &String)> {
        let entry = |which| Entry { at: self.at.clone(), which };
        self.texts.iter().enumerate().map(move |(which, text)| (entry(which), text))
    }
}

impl Turns {
    /// For this caller. A number that is only displayed proves nothing: such a caller is nobody who was here before.
    ///
    /// # Errors
    /// The database fails.
    pub(super) async fn of(
        receptionist: Arc<Receptionist>,
        call: &str,
        caller: Caller,
        language: &str,
    ) -> Result<Self, StoreFault> {
        let guest = match &caller.guest {
            GuestIds::Other(key) if caller.verified.is_none() && caller.displayed.is_some() => {
                key.in_call(call)
            }
            GuestIds::Other(key) => {
                receptionist.store.welcome(key, caller.verified.as_deref()).await?;
                key.clone()
            }
            known => {
                let (line, phone) = (caller.line.as_deref(), caller.verified.as_deref());
                receptionist.store.called_by(known, line, phone).await?
            }
        };
        let written = receptionist.written(&caller).await?;
        let (call, language) = (call.to_owned(), language.to_owned());
        Ok(Self { receptionist, call, caller, guest, written, language })
    }

    /// The words of a prompt that belongs to no conversation; nothing where it cannot be said.
    pub(super) fn phrase(&self, prompt: &str) -> String {
        self.receptionist.phrase(prompt, Medium::Voice, &self.language)
    }

    fn party(&self, since: DateTime<Utc>) -> Party {
        Party {
            guest: self.guest.clone(),
            channel: ChannelName::Call,
            medium: Medium::Voice,
            language: self.language.clone(),
            since,
            heard: None,
            last: None,
            written: self.written.clone(),
        }
    }

    /// What the answer to these words would be. Nothing is written down, and nothing is changed anywhere.
    pub(super) async fn suppose(self, words: String, since: DateTime<Utc>) -> Option<Ahead> {
        // It answers no message yet.
        let said = Said::Message { id: MessageId(0), text: words, button: None };
        self.receptionist.suppose(&self.party(since), said).await
    }

    /// Records what was heard before, then takes a turn, which began then.
    ///
    /// # Errors
    /// [`AnswerFault`]: nothing was answered.
    pub(super) async fn take(
        self,
        records: Vec<Record>,
        number: u64,
        turn: Turn,
        since: DateTime<Utc>,
        ahead: Option<Ahead>,
    ) -> Result<Reply, AnswerFault> {
        self.record(records).await;
        let said = match turn {
            Turn::Called => Said::Event { name: CALLED.to_owned(), data: json!({}) },
            Turn::Due => Said::Due,
            Turn::Silence(times) => Said::Event { name: QUIET.to_owned(), data: json!({ "times": times }) },
            Turn::Words(text) => {
                Said::Message { id: self.receive(number, &text, None).await?, text, button: None }
            }
            Turn::Keys { text, button } => {
                let id = self.receive(number, &text, button.clone()).await?;
                Said::Message { id, text, button }
            }
        };
        let message = said.message();
        match self.answered(since, said, ahead).await {
            Ok(reply) => Ok(reply),
            Err(fault) => {
                if let Some(id) = message {
                    // The caller is told at once and may say it again.
                    self.receptionist.store.reject(id).await?;
                }
                Err(fault)
            }
        }
    }

    async fn answered(
        &self,
        since: DateTime<Utc>,
        said: Said,
        mut ahead: Option<Ahead>,
    ) -> Result<Reply, AnswerFault> {
        let party = self.party(since);
        let mut tries = 0;
        loop {
            let mut asked = None;
            let mut watch = |happening: Happening<'_>| {
                if let Happening::Said(say) = happening
                    && say.expecting != Expecting::Anything
                {
                    asked = Some(say.clone());
                }
            };
            let taken = match ahead.take() {
                Some(ahead) => self.receptionist.keep(ahead, &party, said.clone(), &mut watch).await,
                None => self.receptionist.turn(&party, said.clone(), &mut watch).await,
            };
            match taken {
                Ok(turned) => return Ok(self.reply(turned, asked.as_ref())),
                Err(fault) if fault.is_passing() && tries < TRIES => tries += 1,
                Err(fault) => return Err(fault),
            }
        }
    }

    fn reply(&self, turned: Turned, asked: Option<&Say>) -> Reply {
        let Turned { conversation, completed } = turned;
        let is_spoken = |message: &Outgoing| message.via.is_some_and(ChannelName::is_spoken);
        let texts: Vec<String> =
            completed.outgoing.into_iter().filter(is_spoken).map(|message| message.text).collect();
        let today = self.receptionist.clock.today(self.receptionist.zone);
        let at_once = Medium::Voice.at_once().unwrap_or(1);
        let after = if completed.position.is_over() {
            After::HangUp
        } else if completed.position.is_held() {
            After::Person
        } else {
            After::Listen
        };
        let terms = asked.map(|say| say.items().into_iter().map(|item| item.label).collect());
        let thought = Thought {
            speaks: !texts.is_empty(),
            asks: asked.map(Asks::of).unwrap_or_default(),
            keys: asked.map(|say| Keys::of(say, at_once, today)).unwrap_or_default(),
            after,
        };
        Reply {
            at: Place { conversation, revision: completed.revision, count: texts.len() },
            texts,
            thought,
            terms: terms.unwrap_or_default(),
            is_news: completed.calls.iter().any(|(call, _)| call.writes),
            due: completed.position.due(),
        }
    }

    /// Records what was heard.
    pub(super) async fn record(&self, records: Vec<Record>) {
        let store = &self.receptionist.store;
        let mut found: HashMap<Place, Vec<OutgoingId>> = HashMap::new();
        for Record { entry: Entry { at, which }, listened } in records {
            if !found.contains_key(&at) {
                match store.spoken_in(&at.conversation, at.revision, at.count).await {
                    Ok(ids) => _ = found.insert(at.clone(), ids),
                    Err(fault) => {
                        let error = crate::fault::chain(&fault);
                        tracing::error!(error, "what was heard cannot be recorded; it counts as not heard");
                        continue;
                    }
                }
            }
            let Some(id) = found.get(&at).and_then(|ids| ids.get(which)) else { continue };
            if let Err(fault) = store.listened(*id, &listened).await {
                let error = crate::fault::chain(&fault);
                tracing::error!(message = %id, error, "what was heard cannot be recorded; it counts as not heard");
            }
        }
    }

    /// The caller is on the telephone for as long as this is kept.
    pub(super) fn enter(&self) -> OnThePhone {
        self.receptionist.callers.enter(&self.guest)
    }

    /// The call is over. Who was new in it will never be the same guest again: their conversation ends with it, unless a
    /// person has it, or somebody may go on with it in writing.
    pub(super) async fn end(&self) {
        let Receptionist { callers, store, .. } = &*self.receptionist;
        if !callers.have(&self.guest)
            && let Err(fault) = store.has_hung_up(&self.guest).await
        {
            let error = crate::fault::chain(&fault);
            tracing::warn!(call = self.call, error, "other programs take a caller to be on the telephone");
        }
        if !self.caller.is_new() {
            return;
        }
        if let Err(fault) = self.receptionist.hung_up(&self.guest, self.caller.displayed.as_deref()).await {
            tracing::error!(call = self.call, error = %crate::fault::chain(&fault), "a conversation is left open");
        }
    }

    /// Tells other programs that the guest is on the telephone here, and makes them this program's for the call, where no
    /// other has them.
    pub(super) async fn hold_guest(&self) {
        match self.receptionist.store.take_guest(&self.guest).await {
            Ok(true) => {}
            // Whoever has them answers what they write. What they say is answered here; of two turns at once one
            // waits for the other.
            Ok(false) => tracing::info!(call = self.call, "a caller's messages are another program's"),
            Err(fault) => {
                let error = crate::fault::chain(&fault);
                tracing::warn!(call = self.call, error, "whose a caller is cannot be read");
            }
        }
        if let Err(fault) = self.receptionist.store.is_called_by(&self.guest).await {
            let error = crate::fault::chain(&fault);
            tracing::warn!(call = self.call, error, "other programs do not know of a caller");
        }
    }

    /// Writes down what was said.
    async fn receive(
        &self,
        number: u64,
        text: &str,
        button: Option<String>,
    ) -> Result<MessageId, StoreFault> {
        let ids = match &self.caller.guest {
            GuestIds::Other(_) => GuestIds::Other(self.guest.clone()),
            known => known.clone(),
        };
        let address = match &self.caller.guest {
            GuestIds::Other(_) => self.caller.displayed.as_deref().unwrap_or(self.guest.as_str()),
            known => known.preferred().as_str(),
        };
        let inbound = Inbound {
            channel: ChannelName::Call,
            provider_id: format!("{}:{number}", self.call),
            guest: ids,
            address: address.to_owned(),
            line: self.caller.line.clone(),
            phone: self.caller.verified.clone(),
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

/// The lines of a call, by what they are in the books.
pub(super) type Book = HashMap<LineId, Entry>;
