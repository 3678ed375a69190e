//! What a guest points at: a button below an earlier message, or an earlier message that they answer.
//!
//! What can be pressed carries the conversation and the saying that it was offered with. Pressed late it means what it
//! meant then, if that still holds: the same item is on offer for everything that was known then. Else nothing of it
//! counts; above all, a yes to something is never a yes to what came after it. Words that answer an earlier message are
//! understood as an answer to what that one asked.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use innkeeper_engine::runtime::{PastFault, Store as _, history};
use innkeeper_engine::{
    Act, By, Expecting, Flows, Heard, Input, Item, Kind, Position, Question, Understanding, Waiting, step,
};

use super::{Receptionist, Said};
use crate::message::{Button, ConversationId, Gathered};
use crate::store::{Fault as StoreFault, Offered};

/// Parts an id from what it was offered with.
const MARK: char = '~';

/// The longest typed words that are compared with the titles of buttons, in bytes.
const TITLE_MAX: usize = 80;

/// An id with what it was offered with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tag {
    pub(super) id: String,
    pub(super) conversation: ConversationId,
    pub(super) say: u32,
}

impl Tag {
    /// The id as it goes to the channel.
    pub(super) fn of(id: &str, conversation: &ConversationId, say: u32) -> String {
        format!("{id}{MARK}{conversation}{MARK}{say}")
    }

    pub(super) fn read(id: &str) -> Option<Self> {
        let mut parts = id.rsplitn(3, MARK);
        let say = parts.next()?.parse().ok()?;
        let conversation = ConversationId::new(parts.next()?);
        Some(Self { id: parts.next()?.to_owned(), conversation, say })
    }
}

/// What an earlier message does to the words of this turn.
#[derive(Debug, Default)]
pub(super) enum Pointed {
    /// Nothing: they are about what is asked now.
    #[default]
    Nothing,
    /// They answer what was asked then.
    At(Box<Question>),
    /// They are about something that does not hold any more.
    Gone,
}

/// What is understood in the light of what a guest points at.
#[derive(Debug, Default)]
pub(super) struct Light {
    pointed: Pointed,
    gone: AtomicBool,
}

impl Light {
    pub(super) fn new(pointed: Pointed) -> Self {
        Self { pointed, gone: AtomicBool::new(false) }
    }

    /// Whether it came out that what was pointed at does not hold any more.
    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    /// The question to be understood instead.
    pub(super) fn question(&self, now: &Question) -> Option<Question> {
        let Pointed::At(then) = &self.pointed else { return None };
        let mut question = Question { expecting: then.expecting.clone(), page: then.page, ..now.clone() };
        if let Expecting::Slot(name) = &then.expecting {
            let listed = then.scope.iter().find(|slot| slot.name == **name)?;
            let slot = question.scope.iter_mut().find(|slot| slot.name == **name)?;
            slot.items.clone_from(&listed.items);
        }
        Some(question)
    }

    /// What counts of what was understood.
    pub(super) fn judge(&self, understood: Understanding, now: &Question) -> Understanding {
        match &self.pointed {
            Pointed::Nothing => understood,
            Pointed::Gone => self.asked_again(),
            Pointed::At(then) => {
                let mut understood = understood;
                let picked = |name: &str, heard: &Heard| match heard {
                    Heard::Choice(key) => is_offered(then, now, name, key),
                    _ => true,
                };
                let before = understood.slots.len();
                understood.slots.retain(|name, heard| picked(name, heard));
                let decides = |act: &Act| matches!(act, Act::Affirm | Act::Deny);
                let decided = understood.acts.iter().any(decides);
                // A yes belongs to what was asked then, which a value in its place says, or nothing.
                understood.acts.retain(|act| !decides(act));
                let nothing = understood.slots.is_empty()
                    && understood
                        .acts
                        .iter()
                        .all(|act| matches!(act, Act::Choose | Act::Change | Act::Thank));
                let lost = understood.slots.len() < before;
                if nothing && (decided || lost) { self.asked_again() } else { understood }
            }
        }
    }

    /// Nothing changes, and what is asked now is asked again.
    fn asked_again(&self) -> Understanding {
        self.gone.store(true, Ordering::Relaxed);
        let acts = vec![Act::Repeat, Act::Help];
        Understanding { acts, sure: true, by: By::Rules, ..Understanding::default() }
    }
}

impl Receptionist {
    /// What a guest did in a turn, with what they point at.
    pub(super) async fn said(&self, gathered: &Gathered) -> Result<(Said, Pointed), StoreFault> {
        let id = gathered.lead;
        let words = |button: Option<String>| Said::Message { id, text: gathered.text.clone(), button };
        if gathered.unsupported.is_some() && gathered.text.trim().is_empty() {
            return Ok((Said::Unreadable { id }, Pointed::Nothing));
        }
        let answered = gathered.parts.iter().find_map(|part| part.reply_to.as_deref());
        let Some(open) = self.store.active_conversation(&gathered.guest).await? else {
            return Ok(match &gathered.button {
                Some(_) => (words(None), Pointed::Gone),
                None => (words(None), Pointed::Nothing),
            });
        };
        if let Some(button) = &gathered.button {
            return self.pressed(gathered, button, answered, &open).await;
        }
        let pointed = match answered {
            Some(provider_id) => self.answered(gathered, provider_id, &open).await?,
            None => Pointed::Nothing,
        };
        let typed = match pointed {
            Pointed::Nothing => self.typed(&gathered.text, &open).await?,
            Pointed::At(_) | Pointed::Gone => None,
        };
        Ok((words(typed), pointed))
    }

    async fn pressed(
        &self,
        gathered: &Gathered,
        button: &str,
        answered: Option<&str>,
        open: &ConversationId,
    ) -> Result<(Said, Pointed), StoreFault> {
        let id = gathered.lead;
        let words = |button: Option<String>| Said::Message { id, text: gathered.text.clone(), button };
        let (plain, offered) = match Tag::read(button) {
            Some(tag) => {
                let offered = self.store.offered(&gathered.guest, &tag.conversation, tag.say).await?;
                (tag.id, offered)
            }
            None => {
                let offered = match answered {
                    Some(id) => self.store.offered_under(&gathered.guest, gathered.channel, id).await?,
                    None => None,
                };
                (button.to_owned(), offered)
            }
        };
        let Some(offered) = offered.filter(|offered| offered.conversation == *open) else {
            return Ok((words(None), Pointed::Gone));
        };
        if offered.is_last {
            return Ok((words(Some(plain)), Pointed::Nothing));
        }
        let Some((then, now)) = self.then_and_now(&offered).await? else {
            return Ok((words(None), Pointed::Gone));
        };
        let meant = match (plain.as_str(), &then.expecting) {
            // Yes and no to a question that is no read-back are the value it asked for.
            ("yes" | "no", Expecting::Slot(slot)) => Some((slot.to_string(), plain.clone())),
            ("yes" | "no", _) => None,
            (slot, _) => slot
                .strip_prefix("slot:")
                .and_then(|slot| slot.split_once(':'))
                .map(|(slot, key)| (slot.to_owned(), key.to_owned())),
        };
        Ok(match meant {
            Some((slot, key)) if is_offered(&then, &now, &slot, &key) => {
                (words(Some(format!("slot:{slot}:{key}"))), Pointed::Nothing)
            }
            Some(_) | None => (words(None), Pointed::Gone),
        })
    }

    async fn answered(
        &self,
        gathered: &Gathered,
        provider_id: &str,
        open: &ConversationId,
    ) -> Result<Pointed, StoreFault> {
        let offered = self.store.offered_under(&gathered.guest, gathered.channel, provider_id).await?;
        let Some(offered) = offered.filter(|offered| offered.conversation == *open && !offered.is_last)
        else {
            return Ok(Pointed::Nothing);
        };
        let Some((then, now)) = self.then_and_now(&offered).await? else { return Ok(Pointed::Nothing) };
        let asks = matches!(then.expecting, Expecting::Slot(_) | Expecting::Confirmation);
        let about = match &then.expecting {
            Expecting::Slot(name) => now.scope.iter().any(|slot| slot.name == **name),
            Expecting::Confirmation => true,
            Expecting::Anything | Expecting::Change => false,
        };
        Ok(if asks && about { Pointed::At(Box::new(then)) } else { Pointed::Nothing })
    }

    /// The button that is meant by the words on it, where yes or no was asked for: nobody sees numbers there. What is
    /// chosen from lists is understood by the rules for lists.
    async fn typed(&self, text: &str, open: &ConversationId) -> Result<Option<String>, StoreFault> {
        let text = text.trim();
        if text.is_empty() || text.len() > TITLE_MAX {
            return Ok(None);
        }
        let Some(stored) = self.store.load(open.as_str()).await? else { return Ok(None) };
        if !matches!(
            stored.position.waiting(),
            Waiting::Guest { expecting: Expecting::Confirmation | Expecting::Slot(_), .. }
        ) {
            return Ok(None);
        }
        let Some(last) = self.store.last_outgoing(open).await? else { return Ok(None) };
        let said = text.trim_end_matches(['.', '!']).to_lowercase();
        let is_meant = |button: &&Button| button.title.to_lowercase() == said;
        let meant = last.buttons.iter().filter(is_meant).find_map(|button| Some(Tag::read(&button.id)?.id));
        Ok(meant.filter(|id| matches!(id.as_str(), "yes" | "no")))
    }

    /// What the guest could be understood to answer then, and now. `None` where that cannot be told any more.
    async fn then_and_now(&self, offered: &Offered) -> Result<Option<(Question, Question)>, StoreFault> {
        let id = offered.conversation.as_str();
        let then = match history(&self.driver.versions, &self.store, id).await {
            Ok(revisions) => revisions.into_iter().find(|revision| revision.number == offered.revision),
            Err(PastFault::Store(fault)) => return Err(fault),
            Err(fault) => {
                tracing::warn!(conversation = id, error = %crate::fault::chain(&fault), "what was offered cannot be told any more");
                return Ok(None);
            }
        };
        let (Some(then), Some(stored)) = (then, self.store.load(id).await?) else { return Ok(None) };
        let Some(flows) = self.driver.versions.get(stored.position.version()) else { return Ok(None) };
        let then = self.asked(&then.flows, &then.position);
        let now = self.asked(&flows, &stored.position);
        Ok(then.zip(now))
    }

    /// What a message would be understood to answer.
    fn asked(&self, flows: &Arc<Flows>, position: &Position) -> Option<Question> {
        let moment = self.moment();
        let said = Input::Said { text: String::new(), button: None };
        step(flows, position.clone(), said, moment).next.ask(flows, moment)
    }
}

/// Whether an item of then is on offer now, as it was, for everything that was known then.
fn is_offered(then: &Question, now: &Question, slot: &str, key: &str) -> bool {
    let find = |question: &Question| question.scope.iter().find(|known| known.name == slot).cloned();
    let (Some(was), Some(is)) = (find(then), find(now)) else { return false };
    let same_item = match &was.kind {
        Kind::Choice(_) => {
            let item =
                |items: Option<Vec<Item>>| items.unwrap_or_default().into_iter().find(|item| item.key == key);
            let (was, is) = (item(was.items), item(is.items));
            was.is_some() && was == is
        }
        _ => was.kind == is.kind,
    };
    let asks = Expecting::Slot(slot.into());
    same_item && holds(then, now, &asks)
}

/// Whether everything that was known then is as it was, but for what was asked for.
fn holds(then: &Question, now: &Question, asked: &Expecting) -> bool {
    let is_asked = |name: &str| matches!(asked, Expecting::Slot(slot) if **slot == *name);
    then.flow == now.flow
        && then
            .scope
            .iter()
            .filter(|slot| slot.value.is_some() && !is_asked(&slot.name))
            .all(|slot| now.scope.iter().any(|other| other.name == slot.name && other.value == slot.value))
}
