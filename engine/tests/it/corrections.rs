//! Every slot corrected at every state in which a guest can be: the result is that of a fresh conversation in which the
//! corrected values were said at once.
//!
//! `INNKEEPER_FULL=1` takes every place instead of every sixth.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use innkeeper_engine::flow::{Does, Form, Input};
use innkeeper_engine::{Act, Expecting, Heard, Item, Kind, Options, Question, Value, Waiting};
use serde_json::{Value as Json, json};

use crate::inn::guest::{known, named, nights, people, says, to_the_end, value, willing, words};
use crate::inn::{Set, Visit, filled, shipped, wide};
use crate::lies::scaled;

/// The most messages to a state.
const DEEPEST: usize = 14;

/// What a guest said of their own, the last of each.
type Told = IndexMap<String, Heard>;

/// A place where a conversation waits, and what was said on the way.
#[derive(Clone)]
struct Stop {
    visit: Visit,
    told: Told,
    guest: usize,
}

/// A difference from a fresh conversation: where, what, and the two.
struct Difference {
    place: String,
    slot: String,
    what: String,
}

/// Guests with different wishes, so that every state is come to.
fn wishes() -> Vec<Told> {
    vec![
        named([]),
        named([("stay", nights(20, 22)), ("view", Heard::Choice("sea".to_owned()))]),
        named([("stay", nights(25, 27))]),
        named([("guests", people(8))]),
        named([("reference", words("NOBODY"))]),
        named([("room", Heard::Choice("suite-sea".to_owned()))]),
    ]
}

#[test]
fn a_correction_anywhere_in_the_shipped_flows_leads_where_a_fresh_conversation_leads() {
    for flow in shipped().flows.iter().filter(|flow| *flow.name != *"hotel_question") {
        check(shipped(), &flow.name);
    }
}

#[test]
fn a_question_about_the_hotel_waits_nowhere_so_that_nothing_in_it_can_be_corrected() {
    // What the guest wants to know is in the words it is begun with.
    let places: Vec<(String, String)> =
        stops(shipped(), "hotel_question").iter().map(|stop| stop.visit.state()).collect();
    assert!(places.iter().all(|(flow, _)| flow != "hotel_question"), "{places:?}");
}

#[test]
fn a_correction_anywhere_in_compound_parallel_and_run_flows_leads_where_a_fresh_conversation_leads() {
    check(wide(), "arrange");
}

fn check(set: &Set, flow: &str) {
    let stops = stops(set, flow);
    let seen: BTreeSet<String> = stops
        .iter()
        .map(|stop| stop.visit.state())
        .filter(|place| place.0 == flow)
        .map(|place| place.1)
        .collect();
    let asks: BTreeSet<String> = set
        .flows
        .get(flow)
        .unwrap()
        .states
        .iter()
        .filter(
            |(_, state)| matches!(&state.form, Form::Atomic(does) if does.asks() && does.sends().is_none()),
        )
        .map(|(name, _)| name.to_string())
        .collect();
    assert_eq!(seen, asks, "every state of {flow} that asks is come to");
    let mut differences: Vec<Difference> = Vec::new();
    let mut count = 0;
    for stop in stops.iter().step_by(scaled(6, 1)) {
        // A digression's slots are its own; those of the flow beneath are corrected through it.
        let declared = set.flows.get(flow).unwrap();
        for (name, slot) in &declared.slots {
            for heard in alternatives(stop, name, &slot.kind) {
                count += 1;
                differences.extend(corrected(set, flow, stop, name, &heard));
            }
        }
    }
    println!("{flow}: {count} corrections at {} places, {} differences", stops.len(), differences.len());
    assert!(count > 10, "too few corrections to tell");
    let mut kinds: BTreeMap<(&str, &str), (usize, &str)> = BTreeMap::new();
    for difference in &differences {
        kinds.entry((&difference.place, &difference.slot)).or_insert((0, &difference.what)).0 += 1;
    }
    let lines: Vec<String> = kinds
        .iter()
        .map(|((place, slot), (count, what))| format!("{place} {slot} ({count} times): {what}"))
        .collect();
    assert!(
        lines.is_empty(),
        "{} of {count} corrections of {flow} differ:\n{}",
        differences.len(),
        lines.join("\n")
    );
}

/// Every place where a conversation about `flow` can wait for the guest: what is known there, and by whom.
fn stops(set: &Set, flow: &str) -> Vec<Stop> {
    let mut stops: Vec<Stop> = Vec::new();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for guest in 0..4 {
        for (number, wants) in wishes().iter().enumerate() {
            let visit = Visit::new(&set.flows, known(guest));
            let mut todo = vec![(Stop { visit, told: Told::new(), guest }, 0, false)];
            while let Some((stop, depth, denied)) = todo.pop() {
                // A no to a read-back goes on; any other is a decision that no value tells of.
                let reads = matches!(
                    stop.visit.position.waiting(),
                    Waiting::Guest { expecting: Expecting::Confirmation, .. }
                );
                for act in [None, Some(Act::Deny)].into_iter().take(if denied || !reads { 1 } else { 2 }) {
                    let next = moved(&stop, flow, wants, act.as_ref());
                    let busy = next.visit.is_busy()
                        && matches!(next.visit.position.waiting(), Waiting::Guest { .. });
                    if !busy || depth >= DEEPEST {
                        continue;
                    }
                    let denied = denied || act.is_some();
                    let slots = next.visit.position.slots(&set.flows);
                    let here = format!(
                        "{guest} {:?} {:?} {slots:?}",
                        next.visit.state(),
                        next.visit.position.waiting()
                    );
                    if seen.insert(here.clone()) {
                        stops.push(next.clone());
                    }
                    if seen.insert(format!("{here} {number} {denied}")) {
                        todo.push((next, depth + 1, denied));
                    }
                }
            }
        }
    }
    stops
}

fn moved(stop: &Stop, flow: &str, wants: &Told, act: Option<&Act>) -> Stop {
    let mut next = stop.clone();
    let mut told = next.told.clone();
    next.visit.guest(|question, visit| {
        let means = match act {
            Some(act) => says([], std::slice::from_ref(act)),
            None => willing(question, &visit.flows, &visit.position, flow, wants),
        };
        leave_open(&mut told, question);
        tell(&mut told, question, &means.slots);
        means
    });
    next.told = told;
    next
}

/// Whoever is asked for something that need not be said, and says something else, does not mind.
fn leave_open(told: &mut Told, question: &Question) {
    if let Expecting::Slot(name) = &question.expecting
        && question.scope.iter().any(|slot| *slot.name == **name && slot.optional)
    {
        told.insert(name.to_string(), Heard::NoPreference);
    }
}

/// Notes what was said; choosing something that stands for other values says those.
fn tell(told: &mut Told, question: &Question, slots: &Told) {
    for (name, heard) in slots {
        let slot = question.scope.iter().find(|slot| slot.name == *name).unwrap();
        match (&slot.kind, heard) {
            (Kind::Choice(Options::From { sets, .. }), Heard::Choice(key)) if !sets.is_empty() => {
                let item = slot.items.iter().flatten().find(|item| item.key == *key);
                for set in sets {
                    let kind = &question.scope.iter().find(|slot| slot.name == *set).unwrap().kind;
                    let heard = item.and_then(|item| Heard::from_json(kind, item.record.get(set)?));
                    told.extend(heard.map(|heard| (set.clone(), heard)));
                }
            }
            _ => _ = told.insert(name.clone(), heard.clone()),
        }
    }
}

/// Other values for a slot than the one it has, all of them possible here.
fn alternatives(stop: &Stop, name: &str, kind: &Kind) -> Vec<Heard> {
    let visit = &stop.visit;
    let mut probe = visit.clone();
    let mut items: Option<Vec<Item>> = None;
    probe.guest(|question, _| {
        items = question.scope.iter().find(|slot| slot.name == name).and_then(|slot| slot.items.clone());
        says([], &[])
    });
    let count = match kind {
        Kind::Choice(_) => items.as_ref().map_or(0, Vec::len),
        _ => 3,
    };
    let mut all: Vec<Heard> = (0..count).filter_map(|number| value(kind, items.as_deref(), number)).collect();
    if matches!(kind, Kind::DateRange { .. }) {
        all.extend([nights(20, 22), nights(25, 27)]);
    }
    if matches!(kind, Kind::Party { .. }) {
        all.extend([people(8), people(5)]);
    }
    all
}

/// Corrects one value and compares with a fresh conversation.
fn corrected(set: &Set, flow: &str, stop: &Stop, name: &str, heard: &Heard) -> Option<Difference> {
    let mut visit = stop.visit.clone();
    let place = format!("{}.{}", visit.state().0, visit.state().1);
    let mut told = stop.told.clone();
    // What the flow took back was never said.
    let held: BTreeSet<String> =
        filled(&set.flows, &visit.position).into_iter().flat_map(BTreeMap::into_keys).collect();
    let declared = set.flows.get(flow).unwrap();
    // A flow that is run is run again for other values, and asks again.
    let runs_again = told.get(name) != Some(heard)
        && declared.states.values().any(|state| match &state.form {
            Form::Atomic(Does::Run(run)) => run
                .inputs
                .iter()
                .any(|input| matches!(input, Input::Slot(slot) if Some(*slot) == declared.slot_id(name))),
            _ => false,
        });
    told.retain(
        |name, _| if declared.slots.contains_key(name.as_str()) { held.contains(name) } else { !runs_again },
    );
    visit.guest(|question, _| {
        let slots = [(name.to_owned(), heard.clone())];
        leave_open(&mut told, question);
        tell(&mut told, question, &slots.clone().into_iter().collect());
        says(slots, &[])
    });
    let mut fresh = fresh(set, flow, stop.guest, &told, &visit);
    let (ours, theirs) = (shown(&visit, &fresh, &told), shown(&fresh, &fresh, &told));
    let differs = |what: &str, ours: &Json, theirs: &Json| {
        Some(Difference {
            place: place.clone(),
            slot: name.to_owned(),
            what: format!("{heard:?} {what}\n    {ours}\n  fresh\n    {theirs}\n  told {told:?}"),
        })
    };
    // In a flow that is run, what its caller needs made again is made again when it is back there.
    let elsewhere = visit.position.active(&set.flows).len() > 2;
    if let Some((name, ours, theirs)) = first_difference(&ours, &theirs).filter(|_| !elsewhere) {
        return differs(&name, &ours, &theirs);
    }
    let before = stop.visit.writes().len();
    to_the_end(&mut visit, flow, &told, 30);
    to_the_end(&mut fresh, flow, &told, 30);
    let (ours, theirs) =
        (json!([visit.writes()[before..], visit.asked()]), json!([fresh.writes(), fresh.asked()]));
    if ours == theirs { None } else { differs("ends", &ours, &theirs) }
}

fn first_difference(ours: &Json, theirs: &Json) -> Option<(String, Json, Json)> {
    let (ours, theirs) = (ours.as_object().unwrap(), theirs.as_object().unwrap());
    let differs = ours.iter().find(|(name, ours)| theirs[*name] != **ours);
    differs.map(|(name, ours)| (name.clone(), ours.clone(), theirs[name].clone()))
}

/// A conversation in which everything was said as soon as it could be.
///
/// What a flow that is run reads back is agreed to, unless `other` stands there.
fn fresh(set: &Set, flow: &str, guest: usize, told: &Told, other: &Visit) -> Visit {
    let mut visit = Visit::new(&set.flows, known(guest));
    let declared = set.flows.get(flow).unwrap();
    let is_listed = |name: &String| {
        declared
            .slots
            .get(&**name)
            .is_some_and(|slot| matches!(slot.kind, Kind::Choice(Options::From { .. })))
    };
    let plain: Told = told
        .iter()
        .filter(|(name, _)| declared.slots.contains_key(name.as_str()) && !is_listed(name))
        .map(|(name, heard)| (name.clone(), heard.clone()))
        .collect();
    visit.means(says(plain, &[Act::Start(flow.to_owned())]));
    let mut asked: BTreeSet<String> = BTreeSet::new();
    loop {
        let Waiting::Guest { expecting, .. } = visit.position.waiting().clone() else { return visit };
        if expecting == Expecting::Confirmation && visit.state().0 != flow && visit.state() != other.state() {
            visit.acts(Act::Affirm);
            continue;
        }
        let Expecting::Slot(slot) = expecting else { return visit };
        let mut answered = false;
        let mut next = visit.clone();
        next.guest(|question, _| {
            let known = told.get(&*slot).filter(|heard| match heard {
                Heard::Choice(key) => {
                    let items = question
                        .scope
                        .iter()
                        .find(|known| *known.name == *slot)
                        .and_then(|slot| slot.items.as_deref());
                    items.is_some_and(|items| items.iter().any(|item| item.key == *key))
                }
                _ => true,
            });
            answered = known.is_some();
            says(known.map(|heard| (slot.to_string(), heard.clone())), &[])
        });
        if !answered || !asked.insert(slot.to_string()) {
            return visit;
        }
        visit = next;
    }
}

/// What can be compared with `fresh`: where it stands, what it knows, what it asked last. What comes from a default that
/// `fresh` did not need yet, and choices from lists that it does not have, are left out.
fn shown(visit: &Visit, fresh: &Visit, told: &Told) -> Json {
    let active = visit.position.active(&visit.flows);
    let lists = live_results(fresh);
    let needed = filled(&fresh.flows, &fresh.position);
    let is_needed = |name: &str| needed.iter().any(|filled| filled.contains_key(name));
    let known =
        filled(&visit.flows, &visit.position).into_iter().zip(&active).map(|(filled, (flow, states))| {
            let declared = visit.flows.get(flow).unwrap();
            let counts = |name: &str| {
                let slot = &declared.slots[name];
                let listed = slot
                    .list
                    .and_then(|list| declared.result_name(list))
                    .is_none_or(|list| lists.get(&**list).is_some());
                listed && (slot.default.is_none() || told.contains_key(name) || is_needed(name))
            };
            let counted = filled.into_iter().filter(|(name, _)| counts(name));
            let values: BTreeMap<String, Json> =
                counted.map(|(name, value)| (name, meaning(&value))).collect();
            json!({ "flow": flow, "states": states, "slots": values })
        });
    let question = visit.said.last().map(|say| {
        (say.prompt.to_string(), say.items().iter().map(|item| item.label.clone()).collect::<Vec<_>>())
    });
    json!({ "frames": known.collect::<Vec<_>>(), "waiting": visit.position.waiting(), "question": question,
        "results": live_results(visit) })
}

/// A saved value as everybody sees it.
fn meaning(saved: &Json) -> Json {
    let value: Value = serde_json::from_value(saved.clone()).unwrap();
    value.json()
}

/// The results that what is asked now can be about: of the states the conversation came through.
fn live_results(visit: &Visit) -> Json {
    let saved = json!(visit.position);
    let frame = saved["frames"].as_array().unwrap().last().unwrap();
    let flow = visit.flows.get(&visit.state().0).unwrap();
    let trail: Vec<u64> =
        frame["trail"].as_array().unwrap().iter().map(|state| state.as_u64().unwrap()).collect();
    let results = frame["results"].as_array().unwrap().iter().zip(flow.results.keys());
    let live =
        results.filter(|(saved, _)| !saved.is_null() && trail.contains(&saved["producer"].as_u64().unwrap()));
    live.map(|(saved, name)| (name.to_string(), saved["value"].clone()))
        .collect::<BTreeMap<_, _>>()
        .into_iter()
        .collect::<serde_json::Map<_, _>>()
        .into()
}
