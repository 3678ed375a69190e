//! Live conversations under random edits of their flows: none ends without a word, no mandatory state is skipped, no
//! value is lost.
//!
//! Every edit is of a flow that the conversation runs; what is counted are the ones that change it.
//!
//! `INNKEEPER_FULL=1` makes it 10,000 conversations and 200 edits of each; `INNKEEPER_SEED` begins with another seed;
//! `INNKEEPER_CASE=conversation/edit` is one case alone, `INNKEEPER_CONVERSATIONS` and `INNKEEPER_EDITS` are other amounts.

mod kinds;
mod slots;
mod tree;
mod ways;

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, LazyLock};

use indexmap::IndexMap;
use innkeeper_engine::flow::{Does, Flow, Form, Source};
use innkeeper_engine::{Act, Flows, Heard, Note, Position, Trace, Value, Waiting, Way, carry};
use serde_json::{Value as Json, json};

use self::kinds::Files;
use self::tree::Node;
use self::ways::mandatory;
use crate::inn::guest::{Dice, known, one_more, says, to_the_end, wavering};
use crate::inn::{Set, Visit, check, filled, sets};
use crate::lies::{scaled, seed};

/// Messages after which a willing guest has come to an end, if there is one.
const PATIENCE: usize = 40;
/// Conversations that share their edits.
const BATCH: usize = 100;

#[derive(Clone, Debug, Default)]
struct Figures {
    conversations: usize,
    edits: usize,
    refused_edits: usize,
    /// Moves to flows of which one that runs changed.
    carried: usize,
    /// Edits that changed nothing that runs.
    same: usize,
    mapped: usize,
    refused: BTreeMap<&'static str, usize>,
    values: usize,
    driven: usize,
    ended: usize,
    mandatory: usize,
    endless: usize,
}

/// Flows after an edit, with what every way through them goes through.
struct Edited {
    flows: Arc<Flows>,
    done: Vec<String>,
    seed: u64,
    mandatory: BTreeMap<String, BTreeMap<String, Vec<String>>>,
}

#[test]
fn under_any_edit_nobody_is_left_without_a_word_and_nothing_mandatory_and_no_value_is_lost() {
    let mut figures = Figures::default();
    let mut failed: Vec<String> = Vec::new();
    if let Some(case) = setting("INNKEEPER_CASE") {
        let (conversation, edit) = case.split_once('/').unwrap();
        let conversation = conversation.parse().unwrap();
        let (set, visit) = live(conversation).unwrap();
        let edited = edited(set, &running(set, &visit, conversation), edit.parse().unwrap()).unwrap();
        println!("{:?}\n{:?}\n{}", edited.done, visit.trace, json!(visit.position));
        println!("{:#?}", carry(&set.flows, &edited.flows, &visit.position, visit.moment()).notes);
        return carried(set, &visit, &edited, &mut figures);
    }
    let (conversations, edits) =
        (amount("INNKEEPER_CONVERSATIONS", scaled(60, 10_000)), amount("INNKEEPER_EDITS", scaled(20, 200)));
    let mut seed = seed() * 1_000_000;
    while figures.conversations < conversations {
        let mut pools: BTreeMap<(&str, String), Pool> = BTreeMap::new();
        for _ in 0..BATCH.min(conversations - figures.conversations) {
            let (set, visit) = loop {
                seed += 1;
                if let Some(live) = live(seed) {
                    break live;
                }
            };
            figures.conversations += 1;
            let file = running(set, &visit, seed);
            let pool = pools.entry((set.name, file.clone())).or_insert_with(|| Pool::new(seed));
            let (before, mut number) = (figures.carried, 0);
            // Of the edits that the checker lets pass some change nothing.
            while figures.carried - before < edits && number < 3 * edits {
                let edited = pool.edited(set, &file, number, &mut figures);
                number += 1;
                let judged = std::panic::catch_unwind(AssertUnwindSafe(|| {
                    let mut seen = Figures::default();
                    carried(set, &visit, edited, &mut seen);
                    seen
                }));
                match judged {
                    Ok(seen) => figures.add(seen),
                    Err(_) => {
                        figures.carried += 1;
                        failed.push(format!(
                            "INNKEEPER_CASE={seed}/{} {} {:?}",
                            edited.seed, set.name, edited.done
                        ));
                        println!("{}", failed[failed.len() - 1]);
                    }
                }
                assert!(failed.len() < 20, "{failed:#?}\n{figures:?}");
            }
        }
        if figures.conversations.is_multiple_of(10 * BATCH) {
            println!("{figures:?}");
        }
    }
    println!("{figures:?}");
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(figures.carried * 10 > 9 * conversations * edits, "too few edits changed anything: {figures:?}");
    assert!(figures.mapped * 2 > figures.carried, "too few were moved to tell: {figures:?}");
    assert!(figures.values > 0 && figures.mandatory > 0, "nothing was there to lose: {figures:?}");
    assert!(figures.ended * 4 > figures.driven, "too few came to an end to tell: {figures:?}");
}

fn amount(variable: &str, usual: usize) -> usize {
    setting(variable).and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[expect(clippy::disallowed_methods, reason = "how much is tried is said where the test is started")]
fn setting(variable: &str) -> Option<String> {
    std::env::var(variable).ok()
}

impl Figures {
    fn add(&mut self, other: Self) {
        self.carried += other.carried;
        self.same += other.same;
        self.mapped += other.mapped;
        self.values += other.values;
        self.driven += other.driven;
        self.ended += other.ended;
        self.mandatory += other.mandatory;
        self.endless += other.endless;
        for (why, count) in other.refused {
            *self.refused.entry(why).or_default() += count;
        }
    }
}

/// A conversation that was walked through by chance and waits for somebody; `None` where it is over, and mostly where
/// nothing is under way.
fn live(seed: u64) -> Option<(&'static Set, Visit)> {
    let mut dice = Dice::new(seed);
    let set = sets()[[0, 0, 0, 1, 1, 2][dice.below(6)]];
    let wish = dice.pick(&set.wishes).unwrap().clone();
    let mut visit = Visit::new(&set.flows, known(dice.below(4)));
    for _ in 0..1 + dice.below(14) {
        visit.later(i64::try_from(dice.below(3)).unwrap());
        if dice.percent(85) {
            visit
                .guest(|question, visit| wavering(question, &visit.flows, &visit.position, &wish, &mut dice));
        } else {
            one_more(&mut visit, &wish, &IndexMap::new());
        }
        if visit.position.is_over() {
            return None;
        }
    }
    let waits = matches!(visit.position.waiting(), Waiting::Guest { .. } | Waiting::Person);
    (waits && (visit.is_busy() || dice.percent(3))).then_some((set, visit))
}

/// The file of a flow that the conversation runs: mostly one that is not the root chart.
fn running(set: &Set, visit: &Visit, seed: u64) -> String {
    let mut dice = Dice::new(seed);
    let active = visit.position.active(&set.flows);
    let own = &active[1..];
    let flow = if own.is_empty() || dice.percent(4) { &active[0].0 } else { &dice.pick(own).unwrap().0 };
    let is_its =
        |source: &&Source| Node::read(&source.text).get("flow").and_then(Node::as_str) == Some(&**flow);
    set.sources.iter().find(is_its).unwrap().file.clone()
}

/// Edits of one flow that the checker lets pass.
struct Pool {
    edits: Vec<Edited>,
    seed: u64,
}

impl Pool {
    fn new(seed: u64) -> Self {
        Self { edits: Vec::new(), seed: seed * 1_000 }
    }

    fn edited(&mut self, set: &Set, file: &str, number: usize, figures: &mut Figures) -> &Edited {
        while self.edits.len() <= number {
            self.seed += 1;
            match edited(set, file, self.seed) {
                Some(edited) => {
                    figures.edits += 1;
                    self.edits.push(edited);
                }
                None => figures.refused_edits += 1,
            }
        }
        &self.edits[number]
    }
}

fn edited(set: &Set, file: &str, seed: u64) -> Option<Edited> {
    static FILES: LazyLock<BTreeMap<&'static str, Files>> = LazyLock::new(|| {
        let read = |set: &&Set| {
            let files = set.sources.iter().map(|source| (source.file.clone(), Node::read(&source.text)));
            (set.name, Files { files: files.collect(), done: Vec::new() })
        };
        sets().iter().map(read).collect()
    });
    let files = FILES[set.name].edited(file, &mut Dice::new(seed));
    if files.done.is_empty() {
        return None;
    }
    let sources: Vec<_> = files.files.iter().map(|(file, node)| node.source(file)).collect();
    let flows = check(&sources, &set.tools).ok()?;
    let ways = flows.iter().map(|flow| (flow.name.to_string(), mandatory(flow)));
    let mandatory = ways.collect();
    Some(Edited { flows: Arc::new(flows), done: files.done, seed, mandatory })
}

/// Moves a conversation and judges what became of it.
fn carried(set: &Set, visit: &Visit, edited: &Edited, figures: &mut Figures) {
    let carried = carry(&set.flows, &edited.flows, &visit.position, visit.moment());
    figures.carried += usize::from(carried.how != Way::Same);
    let Some(position) = carried.position else {
        assert!(!carried.notes.is_empty(), "refused without a reason");
        for note in &carried.notes {
            *figures.refused.entry(reason(note, edited)).or_default() += 1;
        }
        return;
    };
    assert!(!position.is_over(), "it ended without a word");
    assert_eq!(position.version(), edited.flows.version());
    assert_eq!(Position::from_bytes(&position.to_bytes().unwrap()).unwrap(), position);
    match carried.how {
        Way::Same => figures.same += 1,
        Way::Mapped => figures.mapped += 1,
        Way::NeedsRule | Way::Impossible => panic!("moved, although it is {:?}", carried.how),
    }
    let (before, now) = (visit.position.active(&set.flows), position.active(&edited.flows));
    assert_eq!(before.len(), now.len(), "a flow is lost: {before:?} {now:?}");
    for ((was, _), (is, states)) in before.iter().zip(&now) {
        let renamed = edited.flows.get(is).unwrap().was.iter().any(|old| **old == **was);
        assert!(was == is || renamed, "{was} became {is}");
        assert!(!states.is_empty(), "{is} runs and is nowhere");
    }
    assert_eq!(position.is_held(), visit.position.is_held(), "whether a person has it");
    figures.values += values_are_kept(visit, &position, set, edited);
    let mut moved = Visit { now: visit.now, ..Visit::at(&edited.flows, position) };
    if moved.is_busy() {
        driven(visit, &mut moved, edited, figures);
    }
}

/// Why it was refused. A flow that is said to be gone must be.
fn reason(note: &Note, edited: &Edited) -> &'static str {
    let new = &edited.flows;
    let of = |name: &str| {
        new.iter()
            .chain(new.root())
            .find(|flow| *flow.name == *name || flow.was.iter().any(|old| **old == *name))
    };
    match note {
        Note::FlowGone { flow } => {
            assert!(of(flow).is_none(), "{flow} is there");
            "a flow is gone"
        }
        Note::StateGone { .. } => "a state that runs another flow is gone",
        Note::SlotLost { .. } => "a value has no place",
        Note::WriteLost { .. } => "what was written has no place",
        Note::Writing => "a call is out",
        Note::Stands { .. } => panic!("refused, and yet it stands somewhere"),
    }
}

/// Every value that was known is known under its name or its new one. How many there are.
fn values_are_kept(visit: &Visit, position: &Position, set: &Set, edited: &Edited) -> usize {
    let (before, now) = (filled(&set.flows, &visit.position), filled(&edited.flows, position));
    let mut count = 0;
    for ((before, now), (flow, _)) in before.iter().zip(&now).zip(position.active(&edited.flows)) {
        let flow = edited.flows.get(&flow).unwrap();
        for (name, value) in before {
            count += 1;
            let renamed = || {
                flow.slots
                    .iter()
                    .find(|(_, slot)| slot.was.iter().any(|old| **old == **name))
                    .map(|(name, _)| name.to_string())
            };
            let place = if flow.slots.contains_key(name.as_str()) { Some(name.clone()) } else { renamed() };
            let kept = place.and_then(|place| now.get(&place));
            assert!(
                kept == Some(value) || *value == json!("no_preference"),
                "{name} was {value}, and is {kept:?}"
            );
        }
    }
    count
}

/// Goes on with a willing guest: what every way goes through was gone through, before or after.
fn driven(before: &Visit, moved: &mut Visit, edited: &Edited, figures: &mut Figures) {
    figures.driven += 1;
    let stack = moved.position.active(&edited.flows);
    let known = filled(&edited.flows, &moved.position);
    let bottom = stack.get(1).map_or("conversation", |(flow, _)| flow).to_owned();
    let held = moved.position.is_held();
    if !held {
        one_more(moved, &bottom, &IndexMap::new());
        let acted = !moved.said.is_empty() || !moved.calls.is_empty() || moved.trace.len() > 1;
        assert!(acted, "the guest's next message was not answered: {:?}", moved.trace);
    }
    if !to_the_end(moved, &bottom, &IndexMap::new(), PATIENCE) {
        // So does a fresh conversation about it, a flow that was under way or a wish that waited: with what was known, or
        // with what the guest has said since.
        let running = moved.position.active(&edited.flows);
        let goes_round = running.iter().skip(1).any(|(flow, _)| {
            let place = stack.iter().position(|(known, _)| known == flow);
            let told = place.map_or_else(IndexMap::new, |place| said(&edited.flows, flow, &known[place]));
            [told, IndexMap::new()].iter().any(|told| {
                let mut fresh = Visit::new(&edited.flows, before.position.guest().clone());
                fresh.means(says(told.clone(), &[Act::Start(flow.clone())]));
                !to_the_end(&mut fresh, flow, told, PATIENCE)
            })
        });
        assert!(goes_round, "it goes round for ever at {:?}", moved.state());
        figures.endless += 1;
        return;
    }
    let mut entered: BTreeMap<&str, (BTreeSet<&str>, &str)> = BTreeMap::new();
    for seen in &moved.trace {
        match seen {
            Trace::Entered { flow, state } => {
                let flow = entered.entry(flow).or_default();
                flow.0.insert(state);
                flow.1 = state;
            }
            Trace::Ended { flow, .. } => {
                let Some(place) =
                    stack.iter().position(|(running, _)| *running == **flow).filter(|place| *place > 0)
                else {
                    continue;
                };
                figures.ended += 1;
                let declared = edited.flows.get(flow).unwrap();
                let (entered, end) = entered.remove(&**flow).unwrap_or_default();
                for needed in edited.mandatory[&**flow].get(end).into_iter().flatten() {
                    figures.mandatory += 1;
                    let is_there = stack[place].1.contains(needed) || entered.contains(&**needed);
                    assert!(
                        is_there || was_passed(before, declared, needed, &known[place]),
                        "{flow} came to {end} and never through {needed}"
                    );
                }
                // A second time it is another one.
                return;
            }
            _ => {}
        }
    }
}

/// What a guest would say who wants what is known.
fn said(flows: &Flows, flow: &str, known: &BTreeMap<String, Json>) -> IndexMap<String, Heard> {
    let declared = flows.get(flow).unwrap();
    let heard = known.iter().filter_map(|(name, saved)| {
        let heard = match serde_json::from_value(saved.clone()).unwrap() {
            Value::Choice(item) => Some(Heard::Choice(item.key.clone())),
            Value::NoPreference => Some(Heard::NoPreference),
            value => Heard::from_json(&declared.slots.get(&**name)?.kind, &value.json()),
        };
        Some((name.clone(), heard?))
    });
    heard.collect()
}

/// Whether a state needs nothing of the guest, or was gone through under its name or an older one.
fn was_passed(before: &Visit, flow: &Flow, state: &str, known: &BTreeMap<String, Json>) -> bool {
    let declared = &flow.states[state];
    if let Form::Atomic(Does::Collect { slots, .. }) = &declared.form {
        return slots.iter().all(|slot| known.contains_key(&**flow.slot_name(*slot).unwrap()));
    }
    let is_named = |name: &str| name == state || declared.was.iter().any(|old| **old == *name);
    let is_flow = |name: &str| *name == *flow.name || flow.was.iter().any(|old| **old == *name);
    let mut passed = false;
    for trace in &before.trace {
        match trace {
            Trace::Left { flow, state } if is_flow(flow) && is_named(state) => passed = true,
            Trace::Ended { flow, .. } if is_flow(flow) => passed = false,
            _ => {}
        }
    }
    passed
}
