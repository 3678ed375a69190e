//! What goes on in another way than it began: who is on the telephone now, and calls that go on in writing.
//!
//! A guest whom WhatsApp vouches for is the same guest in a call and in writing, and has one conversation. Of whoever
//! calls from a telephone nothing but a number is displayed, which is proof of nothing: they are somebody new, and
//! nothing that is known of the number's guest is heard in such a call. When it is cut off, what was said in it may go on
//! with whoever *writes* from that number within [`WITHIN`], for they are the ones WhatsApp vouches for. Whoever showed a
//! number that is not theirs has given away their own words, and nothing else:
//!
//! - only the conversation goes on, not the guest: what is said in it is not remembered of whoever writes;
//! - one in which a reference was given does not go on: it may have opened somebody's booking;
//! - whoever writes is told that it goes on ([`GONE_ON`]), and nothing counts as conveyed to them that was read back to
//!   the caller: it is read again before a yes counts.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use innkeeper_engine::runtime::{Entry, Store as _};
use innkeeper_engine::{Flows, Input, Kind, Reach};

use super::{AnswerFault, Party, Receptionist};
use crate::channel::line::Caller;
use crate::clock::earlier;
use crate::message::{ChannelName, ConversationId, GuestIds, GuestKey, Outgoing};
use crate::store::Fault as StoreFault;

/// The event that tells the flows that somebody calls.
pub const CALLED: &str = "called";

/// The event that tells the flows that what was begun in a call goes on in writing.
pub const GONE_ON: &str = "gone_on";

/// For so long a call that was cut off may go on in writing.
const WITHIN: Duration = Duration::from_secs(60 * 60);

/// The name that flows have for writing to a guest on WhatsApp: `to: whatsapp`.
pub const WHATSAPP: &str = "whatsapp";

/// Where it comes from that a number wants something written: somebody who called and displayed it said so.
const BY_CALLER: &str = "displayed";

/// How something can be written to a guest who is on the telephone.
///
/// It is sent when they say yes, not when the call is over: they can look at it while somebody is there to put it right,
/// and neither a call that is cut off nor a program that stops can lose it. Whoever calls on WhatsApp is not asked: what
/// is sent comes to the chat that they called from, inside of the window that their call opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// To whom.
    pub to: GuestKey,
    /// In which way.
    pub by: ChannelName,
    /// Whether they must be asked before.
    pub asks: bool,
}

impl Written {
    /// What flows know of it.
    pub(super) fn reach(&self) -> Reach {
        if self.asks { Reach::Ask } else { Reach::Free }
    }

    /// A message on its way there.
    pub(super) fn addressed(&self, message: Outgoing, asked: bool) -> Outgoing {
        let consent = asked.then(|| BY_CALLER.to_owned());
        Outgoing { via: Some(self.by), to: Some(self.to.clone()), consent, ..message }
    }
}

/// Who is on the telephone in this program.
#[derive(Clone, Debug, Default)]
pub struct Callers(Arc<Mutex<HashMap<GuestKey, usize>>>);

/// A guest is on the telephone for as long as this lives.
#[derive(Debug)]
pub struct OnThePhone {
    callers: Callers,
    guest: GuestKey,
}

impl Callers {
    /// A guest calls.
    pub(crate) fn enter(&self, guest: &GuestKey) -> OnThePhone {
        *self.calls().entry(guest.clone()).or_default() += 1;
        OnThePhone { callers: self.clone(), guest: guest.clone() }
    }

    /// Whether a guest is on the telephone.
    pub(crate) fn have(&self, guest: &GuestKey) -> bool {
        self.calls().contains_key(guest)
    }

    fn calls(&self) -> MutexGuard<'_, HashMap<GuestKey, usize>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for OnThePhone {
    fn drop(&mut self) {
        let mut calls = self.callers.calls();
        if let Some(left) = calls.get_mut(&self.guest) {
            *left -= 1;
            if *left == 0 {
                calls.remove(&self.guest);
            }
        }
    }
}

impl Receptionist {
    /// How something can be written to a caller: where WhatsApp is set up, they have a number, and they did not ask for
    /// no messages.
    ///
    /// # Errors
    /// The database fails.
    pub(crate) async fn written(&self, caller: &Caller) -> Result<Option<Written>, StoreFault> {
        let Some(by) = self.writes_by else { return Ok(None) };
        let (ids, asks) = match &caller.guest {
            GuestIds::Other(_) => {
                let number = caller.displayed.as_deref();
                let Some(ids) = number.and_then(|number| GuestIds::on_whatsapp(None, Some(number))) else {
                    return Ok(None);
                };
                (ids, true)
            }
            known => (known.clone(), false),
        };
        let to = self.store.guest_of(&ids).await?;
        Ok((!self.store.is_opted_out(&to).await?).then_some(Written { to, by, asks }))
    }

    /// A call of somebody who was new in it is over. What is under way waits for whoever writes from the number that was
    /// displayed; else the conversation ends with the call, unless a person has it.
    ///
    /// # Errors
    /// The database fails.
    pub(crate) async fn hung_up(&self, caller: &GuestKey, displayed: Option<&str>) -> Result<(), StoreFault> {
        self.store.end_calls_before(earlier(self.clock.now(), WITHIN)).await?;
        let Some(open) = self.store.active_conversation(caller).await? else { return Ok(()) };
        if self.store.held_one(&open).await?.is_some() {
            return Ok(());
        }
        if displayed.is_some() && self.writes_by.is_some() && self.may_go_on(&open).await? {
            return Ok(());
        }
        self.store.end_conversation(&open).await
    }

    /// Whether a guest is on the telephone, here or with another program.
    pub(super) async fn calls_now(&self, guest: &GuestKey) -> Result<bool, StoreFault> {
        Ok(self.callers.have(guest) || self.store.calls_elsewhere(guest).await?)
    }

    /// The conversation that a guest without one goes on with: the last call that was cut off and displayed their number.
    pub(super) async fn gone_on(&self, party: &Party) -> Result<Option<ConversationId>, AnswerFault> {
        if party.channel.is_local() || party.channel.is_spoken() {
            return Ok(None);
        }
        let Some(phone) = self.store.guest(&party.guest).await?.phone else { return Ok(None) };
        let since = earlier(self.clock.now(), WITHIN);
        for (caller, conversation) in self.store.calls_cut_off(&phone, since).await? {
            if self.calls_now(&caller).await? || self.store.held_one(&conversation).await?.is_some() {
                continue;
            }
            match self.flows_of(&conversation).await {
                Ok(()) => {}
                Err(fault @ AnswerFault::Lost { .. }) => {
                    tracing::warn!(%conversation, %fault, "a call cannot go on in writing");
                    continue;
                }
                Err(fault) => return Err(fault),
            }
            if self.may_go_on(&conversation).await?
                && self.store.go_on(&conversation, &caller, &party.guest, party.channel).await?
            {
                return Ok(Some(conversation));
            }
        }
        Ok(None)
    }

    /// Whether what was said in a call may be shown to whoever has its number: something is under way, and no reference
    /// was given.
    async fn may_go_on(&self, conversation: &ConversationId) -> Result<bool, StoreFault> {
        let Some(stored) = self.store.load(conversation.as_str()).await? else { return Ok(false) };
        let position = &stored.position;
        let Some(flows) = self.driver.versions.get(position.version()) else { return Ok(false) };
        if position.is_over() || position.active(&flows).len() < 2 || stored.underway.is_some() {
            return Ok(false);
        }
        let log = self.store.log(conversation.as_str()).await?;
        let inputs = log.iter().flat_map(|(_, logged)| logged).filter_map(|logged| match &logged.entry {
            Entry::Input(Input::Understood(understood)) => Some(understood),
            Entry::Input(_) | Entry::Mark(_) => None,
        });
        Ok(!inputs.flat_map(|understood| understood.slots.keys()).any(|slot| is_reference(&flows, slot)))
    }
}

/// Whether a slot of that name is a reference anywhere.
fn is_reference(flows: &Flows, slot: &str) -> bool {
    flows.iter().any(|flow| flow.slots.get(slot).is_some_and(|slot| matches!(slot.kind, Kind::Reference)))
}
