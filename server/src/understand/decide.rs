//! From values and acts to an understanding, in the light of what was asked.

use indexmap::IndexMap;
use innkeeper_engine::{
    Act, By, DateRange, Expecting, Heard, Item, Kind, Party, Question, ScopedSlot, Understanding, Value,
};

use super::act::ActsSaid;
use super::choice::amounts;
use super::extract::Reading;

/// The most words that nobody understood in a message that the rules are sure of.
pub(super) const LEFT_OVER_MAX: usize = 1;

/// What was read, with what an understanding has no room for.
#[derive(Clone, Debug, Default)]
pub(super) struct ReadOut {
    pub(super) understanding: Understanding,
    /// All days that were said.
    pub(super) days: Vec<chrono::NaiveDate>,
    /// Approval without the word "yes".
    pub(super) approve: bool,
    /// The word "yes" itself.
    pub(super) yes: bool,
    /// The word "yes", or approval.
    pub(super) agreed: bool,
    pub(super) started: bool,
    /// The word "no", or refusal.
    pub(super) refused: bool,
    /// Whether the days' places in a stay were said.
    pub(super) placed: bool,
}

/// The values of a message, before its acts are known.
#[derive(Clone, Debug, Default)]
pub(super) struct HeardValues {
    pub(super) slots: IndexMap<String, Heard>,
    pub(super) expected: Option<ScopedSlot>,
    pub(super) days: Vec<chrono::NaiveDate>,
    pub(super) placed: bool,
    /// Something was said that fits several ways.
    pub(super) ambiguous: bool,
    /// The only day is one that may be said in passing: "thanks for your help today".
    pub(super) in_passing: bool,
    /// A value differs from one that was known.
    pub(super) changed: bool,
}

impl HeardValues {
    pub(super) fn put(&mut self, slot: &ScopedSlot, heard: Heard) {
        let same = slot.value.as_ref().is_some_and(|known| says_the_same(known, &heard));
        self.changed |= slot.value.is_some() && !same;
        self.slots.insert(slot.name.clone(), heard);
    }

    pub(super) fn has(&self, slot: &ScopedSlot) -> bool {
        self.slots.contains_key(&slot.name)
    }
}

/// Whether what was heard adds nothing to what is known.
fn says_the_same(known: &Value, heard: &Heard) -> bool {
    match (known, heard) {
        (Value::DateRange(known), Heard::DateRange(said)) => DateRange::merge(Some(*known), *said) == *known,
        (Value::Date(known), Heard::Date(said)) => known == said,
        (Value::Party(known), Heard::Party { adults, children, total }) => {
            adults.is_none_or(|adults| adults == known.adults)
                && children.is_none_or(|children| children == known.children)
                && total.is_none_or(|total| total == Party::total(known))
        }
        (Value::Choice(known), Heard::Choice(key)) => known.key == *key,
        (Value::Boolean(known), Heard::Boolean(said)) => known == said,
        (Value::Integer(known), Heard::Integer(said)) => known == said,
        (Value::Text(known), Heard::Text(said)) => known == said,
        (Value::NoPreference, Heard::NoPreference) => true,
        _ => false,
    }
}

/// What a pressed button means; its id is exact.
pub(super) fn button(question: &Question) -> Option<Understanding> {
    let id = question.button.as_deref()?;
    let mut slots = IndexMap::new();
    let act = match id {
        "yes" => Act::Affirm,
        "no" => Act::Deny,
        _ => {
            if let Some(flow) = id.strip_prefix("start:") {
                let start = question.starts.iter().find(|start| start.flow == flow)?;
                Act::Start(start.flow.clone())
            } else {
                let (name, key) = id.strip_prefix("slot:")?.split_once(':')?;
                let slot = question.scope.iter().find(|slot| slot.name == name)?;
                slots.insert(name.to_owned(), picked(slot, key)?);
                Act::Choose
            }
        }
    };
    if let (Act::Affirm | Act::Deny, Expecting::Slot(name)) = (&act, &question.expecting)
        && question.scope.iter().any(|slot| slot.name == **name && slot.kind == Kind::Boolean)
    {
        slots.insert(name.to_string(), Heard::Boolean(act == Act::Affirm));
    }
    Some(Understanding { slots, acts: vec![act], sure: true, by: By::Rules })
}

fn picked(slot: &ScopedSlot, key: &str) -> Option<Heard> {
    match &slot.kind {
        Kind::Choice(_) => {
            let item = slot.items.as_ref()?.iter().find(|item| item.key == key)?;
            Some(Heard::Choice(item.key.clone()))
        }
        Kind::Boolean => match key {
            "yes" | "true" => Some(Heard::Boolean(true)),
            "no" | "false" => Some(Heard::Boolean(false)),
            _ => None,
        },
        Kind::Integer { .. } => key.parse().ok().map(Heard::Integer),
        Kind::Date { .. } => key.parse().ok().map(Heard::Date),
        Kind::Text { .. } => Some(Heard::Text(key.to_owned())),
        Kind::DateRange { .. } | Kind::Party { .. } | Kind::PersonName | Kind::Phone | Kind::Reference => {
            None
        }
    }
}

/// Puts values and acts together in the light of what was asked.
pub(super) fn finish(
    question: &Question,
    reading: Reading,
    mut heard: HeardValues,
    said: &ActsSaid,
    wishes: Vec<String>,
) -> ReadOut {
    let agreed = said.yes || said.approve;
    let wishes_nothing = wishes.is_empty();
    answer_without_value(question, &mut heard, said, agreed);
    // "How much is the second one?" does not choose it.
    let price = said.price && said.left_over == 0 && wishes_nothing && !reading.everything;
    if price {
        heard.slots.retain(|_, heard| !matches!(heard, Heard::Choice(_)));
    }
    // The days of "what time is breakfast tomorrow?" are no stay, and "how big is the suite?" does not take it.
    let asks = said.question && !price;
    if asks && wishes_nothing && !reading.everything {
        let offered = heard.expected.as_ref().filter(|slot| is_offer(slot)).map(|slot| slot.name.clone());
        heard
            .slots
            .retain(|name, value| Some(name) != offered.as_ref() || !matches!(value, Heard::Choice(_)));
    }
    let aside = asks && wishes_nothing && !reading.everything && !answers(&heard);
    if aside {
        heard.slots.clear();
        heard.changed = false;
    }
    // "Thanks for your help today", "I'll confirm tomorrow, bye".
    let parts = (said.thank || said.bye) && heard.in_passing && wishes_nothing && !answers(&heard);
    if parts && !reading.everything {
        heard.slots.retain(|_, heard| !matches!(heard, Heard::DateRange(_) | Heard::Date(_)));
        heard.changed = false;
    }
    let busy = question.flow.is_some();
    let mut acts = Vec::new();
    let deciding =
        matches!(question.expecting, Expecting::Confirmation | Expecting::Slot(_)) || wishes_nothing;
    if agreed && deciding && !said.no && !(parts && question.expecting == Expecting::Confirmation) {
        acts.push(Act::Affirm);
    }
    let no_preference = heard.slots.values().any(|heard| matches!(heard, Heard::NoPreference));
    let answered = heard.expected.as_ref().is_some_and(|slot| heard.has(slot) && slot.kind != Kind::Boolean);
    // "Not yet" to a read-back.
    let puts_off = said.later && question.expecting == Expecting::Confirmation && !reading.everything;
    if said.no && !puts_off && !no_preference && !answered {
        acts.push(Act::Deny);
    }
    if said.cancel && (busy || wishes_nothing) {
        acts.push(Act::Cancel);
    }
    if heard.changed || (said.change && wishes_nothing) {
        acts.push(Act::Change);
    }
    // "Scratch that, three nights" says what is meant instead.
    if said.undo && wishes_nothing && heard.slots.is_empty() {
        acts.push(Act::Undo);
    }
    if heard.expected.as_ref().is_some_and(|slot| matches!(slot.kind, Kind::Choice(_)) && heard.has(slot))
        && !no_preference
    {
        acts.push(Act::Choose);
    }
    // "What does a room cost?" wishes for it; programs that want everything hear of both.
    let asks_for_it = said.wh_question && reading.everything;
    let flags = [
        (said.more && !heard.slots.values().any(|heard| matches!(heard, Heard::Choice(_))), Act::More),
        (said.repeat || said.recall && busy, Act::Repeat),
        (said.help && wishes_nothing, Act::Help),
        (said.human, Act::Human),
        (price, Act::Price),
        (asks && !said.more && !said.human && (wishes_nothing || asks_for_it), Act::Question),
        (said.greet, Act::Greet),
        (said.thank, Act::Thank),
        (said.bye, Act::Bye),
    ];
    acts.extend(flags.into_iter().filter(|(is, _)| *is).map(|(_, act)| act));
    let waits = (said.wait || puts_off) && wishes_nothing && heard.slots.is_empty();
    if waits && acts.iter().all(|act| matches!(act, Act::Affirm | Act::Thank | Act::Greet)) {
        // "Yes, hold on" is no yes yet.
        acts.retain(|act| *act != Act::Affirm);
        acts.push(Act::Wait);
    }
    let started = !wishes_nothing;
    acts.extend(wishes.into_iter().map(Act::Start));
    let unanswered = heard.expected.as_ref().is_some_and(|slot| !heard.has(slot));
    let decided = acts.iter().any(|act| !matches!(act, Act::Greet | Act::Thank | Act::Change));
    let nothing = acts.is_empty() && heard.slots.is_empty();
    let sure = !nothing
        && !heard.ambiguous
        && (said.left_over <= LEFT_OVER_MAX || said.question || acts.contains(&Act::Wait))
        && (!unanswered || decided || !heard.slots.is_empty());
    if nothing {
        acts.push(Act::Unclear);
    }
    ReadOut {
        days: heard.days,
        approve: said.approve,
        yes: said.yes,
        agreed,
        started,
        refused: said.no,
        placed: heard.placed,
        understanding: Understanding { slots: heard.slots, acts, sure, by: By::Rules },
    }
}

/// Whether a slot is chosen from things that have a price.
fn is_offer(slot: &ScopedSlot) -> bool {
    let priced = |item: &Item| !amounts(&item.record).is_empty();
    slot.items.as_deref().is_some_and(|items| items.iter().any(priced))
}

/// Whether the expected slot got its value.
fn answers(heard: &HeardValues) -> bool {
    heard.expected.as_ref().is_some_and(|slot| heard.has(slot))
}

/// Fills the asked slot from an answer that is no value by itself: yes, no, "I don't mind", free words.
fn answer_without_value(question: &Question, heard: &mut HeardValues, said: &ActsSaid, agreed: bool) {
    let Some(slot) = heard.expected.clone() else { return };
    if heard.has(&slot) {
        return;
    }
    let refused = said.no && said.left_over == 0 && heard.slots.is_empty();
    let stepped_out = said.cancel || said.undo || said.repeat || said.help || said.human || said.question;
    match &slot.kind {
        Kind::Boolean if agreed != said.no => heard.put(&slot, Heard::Boolean(agreed)),
        _ if slot.optional && (said.no_preference || refused) && !stepped_out => {
            heard.put(&slot, Heard::NoPreference)
        }
        Kind::Choice(_) if agreed && !said.no => {
            if let Some([only]) = slot.items.as_deref() {
                let key = only.key.clone();
                heard.put(&slot, Heard::Choice(key));
            }
        }
        Kind::Text { .. }
            if !stepped_out && !said.greet
                || matches!(slot.kind, Kind::Text { .. }) && said.left_over > 0 && !stepped_out =>
        {
            let text = question.said.trim();
            if !text.is_empty() {
                heard.put(&slot, Heard::Text(text.to_owned()));
            }
        }
        _ => {}
    }
}
