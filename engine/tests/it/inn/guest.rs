//! Guests: one who wants to get to an end, and one who says anything.

use indexmap::IndexMap;
use innkeeper_engine::flow::{Does, Event, Form};
use innkeeper_engine::{
    Act, DateRange, Expecting, Flows, Guest, Heard, Input, Item, Kind, Position, Question, ScopedSlot,
    Understanding, Waiting,
};
use serde_json::{Value as Json, json};

use super::Visit;
use crate::talk::day;

/// Numbers from a seed, the same ones every time (splitmix64).
#[derive(Clone, Debug)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(end.max(1)).unwrap()).unwrap()
    }

    /// True so many times in a hundred.
    pub(crate) fn percent(&mut self, times: usize) -> bool {
        self.below(100) < times
    }

    pub(crate) fn pick<'t, T>(&mut self, all: &'t [T]) -> Option<&'t T> {
        if all.is_empty() { None } else { all.get(self.below(all.len())) }
    }
}

/// Guests there are: nobody knows them, they have a booking, they have two and were here before.
pub(crate) fn known(number: usize) -> Guest {
    let remembered = |names: &[(&str, Json)]| {
        names.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
    };
    match number % 4 {
        0 => Guest::default(),
        1 => Guest { phone: Some("+4915100001".to_owned()), ..Guest::default() },
        2 => Guest {
            phone: Some("+4915100002".to_owned()),
            remembered: remembered(&[("name", json!("Ana Lind")), ("payer", json!("Ana Lind"))]),
            ..Guest::default()
        },
        _ => Guest { remembered: remembered(&[("name", json!("Bo Berg"))]), ..Guest::default() },
    }
}

pub(crate) fn nights(from: u32, to: u32) -> Heard {
    Heard::DateRange(DateRange { check_in: Some(day(from)), check_out: Some(day(to)), nights: None })
}

pub(crate) fn people(number: u32) -> Heard {
    Heard::Party { adults: None, children: None, total: Some(number) }
}

pub(crate) fn words(text: &str) -> Heard {
    Heard::Text(text.to_owned())
}

pub(crate) fn says(slots: impl IntoIterator<Item = (String, Heard)>, acts: &[Act]) -> Understanding {
    Understanding {
        slots: slots.into_iter().collect(),
        acts: acts.to_vec(),
        sure: true,
        ..Understanding::default()
    }
}

/// The guest's messages of one booking; the last is the yes.
pub(crate) fn booking() -> [Understanding; 4] {
    let own = [("stay", nights(12, 14)), ("guests", people(2)), ("view", Heard::Choice("sea".to_owned()))];
    let who = [("name", words("Ana Lind")), ("phone", words("+4930123456"))];
    [
        says(named(own), &[Act::Start("book_room".to_owned())]),
        says(named([("room", Heard::Choice("double-sea".to_owned()))]), &[Act::Choose]),
        says(named(who), &[]),
        says([], &[Act::Affirm]),
    ]
}

pub(crate) fn named<const N: usize>(slots: [(&str, Heard); N]) -> IndexMap<String, Heard> {
    slots.into_iter().map(|(name, heard)| (name.to_owned(), heard)).collect()
}

/// Values of a kind that are all right to the hotel; another one for every number.
pub(crate) fn value(kind: &Kind, items: Option<&[Item]>, number: usize) -> Option<Heard> {
    let names = ["Ana Lind", "Eva Roth", "Ben Ode"];
    Some(match kind {
        Kind::DateRange { .. } => [nights(12, 14), nights(13, 16), nights(5, 6)][number % 3].clone(),
        Kind::Date { .. } => Heard::Date(day([12, 13, 5][number % 3])),
        Kind::Party { .. } => people([2, 1, 3][number % 3]),
        Kind::Choice(_) => {
            let items = items?;
            Heard::Choice(items.get(number % items.len().max(1))?.key.clone())
        }
        Kind::Boolean => Heard::Boolean(number.is_multiple_of(2)),
        Kind::Integer { min, max, .. } => {
            let wanted = i64::try_from(number % 3).unwrap() + 1;
            Heard::Integer(wanted.max(min.unwrap_or(wanted)).min(max.unwrap_or(wanted)))
        }
        Kind::Text { .. } => words(["quiet, please", "high up", "a cot"][number % 3]),
        Kind::PersonName => words(names[number % 3]),
        Kind::Phone => words(["+4930123456", "+4930777777", "+4940111111"][number % 3]),
        Kind::Reference => words(["BR7QK2", "BR2AB3", "BR7QK2"][number % 3]),
    })
}

/// Anything a guest might mean for a slot, possible or not.
pub(crate) fn anything(kind: &Kind, items: Option<&[Item]>, dice: &mut Dice) -> Option<Heard> {
    if dice.percent(5) {
        return Some(Heard::NoPreference);
    }
    if dice.percent(75) {
        return value(kind, items, dice.below(6));
    }
    Some(match kind {
        Kind::DateRange { .. } => {
            let from = u32::try_from(dice.below(26)).unwrap() + 1;
            let to = from + u32::try_from(dice.below(4)).unwrap() + 1;
            match dice.below(4) {
                0 => Heard::DateRange(DateRange { check_in: Some(day(from)), check_out: None, nights: None }),
                1 => Heard::DateRange(DateRange { check_in: None, check_out: None, nights: Some(to - from) }),
                _ => nights(from, to),
            }
        }
        Kind::Date { .. } => Heard::Date(day(u32::try_from(dice.below(28)).unwrap() + 1)),
        Kind::Party { .. } => match dice.below(3) {
            0 => Heard::Party { adults: Some(2), children: Some(2), total: None },
            1 => people(8),
            _ => people(u32::try_from(dice.below(15)).unwrap()),
        },
        Kind::Choice(_) => Heard::Choice("what is not there".to_owned()),
        Kind::Boolean => Heard::Boolean(dice.percent(50)),
        Kind::Integer { .. } => Heard::Integer(i64::try_from(dice.below(60)).unwrap() - 5),
        Kind::Text { .. } | Kind::PersonName | Kind::Phone => words("something else"),
        Kind::Reference => words("NOBODY"),
    })
}

fn filled(slot: &ScopedSlot, wants: &IndexMap<String, Heard>) -> Option<(String, Heard)> {
    let offered = |key: &String| slot.items.iter().flatten().any(|item| item.key == *key);
    let wanted = wants.get(&slot.name).filter(|heard| match heard {
        Heard::Choice(key) => offered(key),
        _ => true,
    });
    let heard = wanted.cloned().or_else(|| value(&slot.kind, slot.items.as_deref(), 0))?;
    Some((slot.name.clone(), heard))
}

/// The active flow and its innermost state that asks.
pub(crate) fn place(flows: &Flows, position: &Position) -> (String, String) {
    let all = position.state(flows);
    let mut names = all.split('.');
    let flow = names.next().unwrap_or_default().to_owned();
    (flow, names.next_back().unwrap_or_default().to_owned())
}

/// What a guest says who wants to come to an end, and wants these values where they can be had.
pub(crate) fn willing(
    question: &Question,
    flows: &Flows,
    position: &Position,
    wish: &str,
    wants: &IndexMap<String, Heard>,
) -> Understanding {
    let (flow, state) = place(flows, position);
    let slot = |name: &str| question.scope.iter().find(|slot| slot.name == name);
    let answer = |name: &str| match slot(name).and_then(|slot| filled(slot, wants)) {
        Some(filled) => says([filled], &[]),
        None => says([], &[Act::Help]),
    };
    match &question.expecting {
        Expecting::Slot(name) => answer(name),
        Expecting::Confirmation => says([], &[Act::Affirm]),
        Expecting::Change => {
            // Whatever can be said of oneself; it may have been what stood in the way.
            let own = flows
                .get(&flow)
                .map(|flow| flow.slots.keys().cloned().collect::<Vec<_>>())
                .unwrap_or_default();
            let plain = question.scope.iter().filter(|slot| {
                own.iter().any(|own| **own == slot.name) && slot.items.as_ref().is_some_and(Vec::is_empty)
            });
            says(plain.filter_map(|slot| filled(slot, wants)), &[])
        }
        Expecting::Anything if flow == "conversation" => says([], &[Act::Start(wish.to_owned())]),
        Expecting::Anything => {
            let does = flows.get(&flow).and_then(|flow| flow.states.get(&*state)).map(|state| &state.form);
            let Some(Form::Atomic(Does::Collect { slots, .. })) = does else { return says([], &[Act::Help]) };
            let flow = flows.get(&flow).unwrap();
            let missing = slots.iter().filter_map(|slot| flow.slot_name(*slot)).find(|name| {
                slot(name).is_some_and(|slot| slot.value.as_ref().is_none_or(|value| !value.is_complete()))
            });
            match missing {
                Some(name) => answer(name),
                None => says([], &[Act::Help]),
            }
        }
    }
}

/// Goes on with a willing guest until what is under way has ended. False where it does not within so many messages.
pub(crate) fn to_the_end(
    visit: &mut Visit,
    wish: &str,
    wants: &IndexMap<String, Heard>,
    most: usize,
) -> bool {
    for _ in 0..most {
        if visit.position.is_over() || visit.position.is_held() || !visit.is_busy() {
            return true;
        }
        one_more(visit, wish, wants);
    }
    visit.position.is_over() || visit.position.is_held() || !visit.is_busy()
}

/// One message of a willing guest, or whatever it is that the conversation waits for.
pub(crate) fn one_more(visit: &mut Visit, wish: &str, wants: &IndexMap<String, Heard>) {
    let (flow, state) = visit.state();
    let flow = visit.flows.get(&flow);
    let rests = flow.and_then(|flow| flow.states.get(&*state)).filter(|state| {
        matches!(state.form, Form::Atomic(Does::Rest))
            && matches!(visit.position.waiting(), Waiting::Guest { .. })
    });
    let named = rests.and_then(|state| {
        state.on.keys().find_map(|event| match event {
            Event::Named(event) => visit.flows.event(*event).map(|name| name.to_string()),
            _ => None,
        })
    });
    match named {
        Some(name) => visit.input(Input::Event { name, data: json!({ "ok": true }) }),
        None => visit.guest(|question, visit| willing(question, &visit.flows, &visit.position, wish, wants)),
    }
}

/// What a guest says who may say anything, but wants to come to an end more often than not.
pub(crate) fn wavering(
    question: &Question,
    flows: &Flows,
    position: &Position,
    wish: &str,
    dice: &mut Dice,
) -> Understanding {
    if dice.percent(60) {
        return willing(question, flows, position, wish, &IndexMap::new());
    }
    let mut means = Understanding { sure: true, ..Understanding::default() };
    for _ in 0..dice.below(3) {
        if let Some(slot) = dice.pick(&question.scope)
            && let Some(heard) = anything(&slot.kind, slot.items.as_deref(), dice)
        {
            means.slots.insert(slot.name.clone(), heard);
        }
    }
    if means.slots.is_empty() || dice.percent(30) {
        let starts: Vec<&String> = question.starts.iter().map(|start| &start.flow).collect();
        let start = dice.pick(&starts).map(|flow| Act::Start((*flow).clone()));
        let acts = [
            Act::Affirm,
            Act::Deny,
            Act::Change,
            Act::Undo,
            Act::More,
            Act::Repeat,
            Act::Help,
            Act::Greet,
            Act::Thank,
            Act::Question,
            Act::Unclear,
            Act::Affirm,
            Act::Deny,
            Act::Question,
        ];
        let rare = [Act::Cancel, Act::Human, Act::Bye];
        let act = match dice.below(10) {
            0 => start,
            1 if dice.percent(30) => dice.pick(&rare).cloned(),
            _ => dice.pick(&acts).cloned(),
        };
        means.acts.extend(act);
    }
    means
}
