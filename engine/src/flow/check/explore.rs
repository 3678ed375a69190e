//! What can be known about slots and results in every state that a flow can be in.
//!
//! They are absent, present, stale or confirmed, and guards are free unless they speak of just that.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::condition::Fact;
use super::conversation::tell;
use super::draft::{Draft, DraftAction, DraftCase, DraftDoes, DraftState};
use super::filled::{Filled, demanded, made, unfills};
use super::graph::{Graph, Way, Why};
use crate::slot::Kind;

/// What is known about each followed name: three bits a name.
pub(super) type Known = u32;

/// A state, and what is known in it.
pub(super) type Node = (usize, Known);

pub(super) const PRESENT: Known = 1;
const STALE: Known = 2;
const CONFIRMED: Known = 4;
const BITS: usize = 3;
const ALL: Known = PRESENT | STALE | CONFIRMED;

/// What led to a node.
#[derive(Clone)]
pub(super) enum Step {
    Begin,
    Way(usize),
    /// Something that happens while the state is active.
    Meanwhile(String),
}

/// What a way does to what is known.
struct Effect<'g> {
    /// What the state that it leaves has filled.
    made: BTreeSet<&'g str>,
    /// What must be there for it to be taken.
    demanded: BTreeSet<&'g str>,
    /// What must not be there.
    refused: BTreeSet<&'g str>,
    /// What was said yes to.
    read_back: BTreeSet<&'g str>,
    /// The choices that may be no longer offered.
    unfilled: Vec<&'g str>,
    actions: Vec<&'g DraftAction>,
}

/// What a region does while another is active.
enum Beside<'g> {
    Fills,
    Does(&'g DraftAction),
}

/// Follows names through a flow.
pub(super) struct Explorer<'e, 'g> {
    pub(super) graph: &'e Graph<'g>,
    filled: &'e Filled<'g>,
    /// The slots that every result was computed from, through other results too.
    sources: BTreeMap<&'g str, BTreeSet<&'g str>>,
    /// The results that may become too old.
    ages: BTreeSet<&'g str>,
    effects: Vec<Effect<'g>>,
}

/// The names that are followed, with what is wanted of each.
pub(super) struct Followed<'n> {
    pub(super) names: Vec<&'n str>,
    pub(super) wanted: Vec<Known>,
}

impl<'e, 'g> Explorer<'e, 'g> {
    pub(super) fn new(graph: &'e Graph<'g>, filled: &'e Filled<'g>) -> Self {
        let flow: &'g Draft = graph.flow;
        let mut sources: BTreeMap<&'g str, BTreeSet<&'g str>> = BTreeMap::new();
        let mut ages = BTreeSet::new();
        for state in flow.states.values() {
            let Some(saves) = &state.saves else { continue };
            let (with, each) = match &state.does {
                DraftDoes::Invoke(invoke) => {
                    if invoke.fresh_for_ms.is_some() {
                        ages.insert(saves.value.as_str());
                    }
                    (&invoke.with, &invoke.each)
                }
                DraftDoes::Run(run) => (&run.with, &run.each),
                _ => continue,
            };
            let formulas = with.iter().map(|(_, value)| value).chain(each.iter().map(|each| &each.list));
            sources
                .entry(saves.value.as_str())
                .or_default()
                .extend(formulas.flat_map(|formula| formula.names()));
        }
        // A result of a result, and a choice on a result, comes from what those came from.
        loop {
            let before: usize = sources.values().map(BTreeSet::len).sum();
            let known = sources.clone();
            for from in sources.values_mut() {
                let more: Vec<&str> = from
                    .iter()
                    .flat_map(|name| {
                        let list = flow.slots.get(*name).and_then(|slot| slot.result());
                        std::iter::once(*name).chain(list)
                    })
                    .filter_map(|name| known.get(name))
                    .flatten()
                    .copied()
                    .collect();
                from.extend(more);
            }
            if sources.values().map(BTreeSet::len).sum::<usize>() == before {
                break;
            }
        }
        let effects = graph.ways.iter().map(|way| effect(graph, way)).collect();
        Self { graph, filled, sources, ages, effects }
    }

    /// Every state with everything that can be known about the followed names in it.
    pub(super) fn explore(&self, followed: &Followed<'_>) -> Seen {
        let names = &followed.names;
        let touched: Vec<bool> =
            self.effects.iter().map(|effect| names.iter().any(|name| self.touches(effect, name))).collect();
        let width = names.len() * BITS;
        let mut known_before = vec![false; (self.graph.states.len() + 1) << width];
        let start = (self.graph.outside(), 0);
        let mut seen = Seen { order: vec![(start, 0, Step::Begin)] };
        let mut beside: HashMap<(usize, usize), Vec<(&str, Beside<'g>)>> = HashMap::new();
        let mut number = 0;
        while let Some((node, ..)) = seen.order.get(number) {
            let node = *node;
            let mut next: Vec<(Node, Step)> = Vec::new();
            let ways = self.graph.from(node.0).filter(|(_, way)| way.why != Why::Unused);
            for (way_number, way) in ways {
                let Some(state) = way.leads() else { continue };
                match (touched.get(way_number), self.effects.get(way_number)) {
                    (Some(true), Some(effect)) => {
                        let after = self.after(followed, effect, node.1);
                        next.extend(after.into_iter().map(|known| ((state, known), Step::Way(way_number))));
                    }
                    _ => next.push(((state, node.1), Step::Way(way_number))),
                }
            }
            self.meanwhile(followed, node, &mut beside, &mut next);
            for (to, step) in next {
                let place = (to.0 << width) | to.1 as usize;
                if known_before.get(place).is_some_and(|known| !known) && self.is_possible(names, to) {
                    known_before[place] = true;
                    seen.order.push((to, number, step));
                }
            }
            number += 1;
        }
        seen
    }

    /// Whether what every way has filled is there.
    fn is_possible(&self, names: &[&str], node: Node) -> bool {
        names.iter().enumerate().all(|(place, name)| {
            node.1 & (PRESENT << (place * BITS)) != 0
                || self.graph.flow.slots.get(*name).is_some_and(|slot| slot.optional)
                || !self.filled.surely(node.0, name)
        })
    }

    /// Whether a way says anything about a name.
    fn touches(&self, effect: &Effect<'g>, name: &str) -> bool {
        effect.made.contains(name)
            || effect.demanded.contains(name)
            || effect.refused.contains(name)
            || effect.read_back.contains(name)
            || effect.unfilled.contains(&name)
            || effect.actions.iter().any(|action| self.changes(name, action))
    }

    /// Whether an action may change what is known about a name.
    fn changes(&self, name: &str, action: &DraftAction) -> bool {
        (0..=ALL).any(|known| self.acted(name, action, known) != [known])
    }

    /// What can be known after a way, from what is known before.
    fn after(&self, followed: &Followed<'_>, effect: &Effect<'g>, known: Known) -> Vec<Known> {
        let mut all = vec![known];
        for (place, (name, wanted)) in followed.names.iter().zip(&followed.wanted).enumerate() {
            let shift = place * BITS;
            all = all
                .into_iter()
                .flat_map(|known| {
                    let rest = known & !(ALL << shift);
                    let own = self.after_one(name, effect, (known >> shift) & ALL);
                    own.into_iter().map(move |own| rest | ((own & wanted) << shift))
                })
                .collect();
        }
        all
    }

    /// The same for one name; nothing where the way cannot be taken so.
    fn after_one(&self, name: &str, effect: &Effect<'g>, known: Known) -> Vec<Known> {
        let slot = self.graph.flow.slots.get(name);
        let demanded = effect.demanded.contains(name);
        let mut all = vec![known];
        if effect.made.contains(name) {
            match slot {
                None => all = vec![PRESENT],
                Some(slot) if known & PRESENT == 0 => {
                    all = if slot.optional { vec![0, PRESENT] } else { vec![PRESENT] };
                }
                Some(_) => {}
            }
        }
        if effect.unfilled.contains(&name) {
            all.push(0);
        }
        all.retain(|known| {
            let there = known & PRESENT != 0;
            (there || !demanded) && !(there && effect.refused.contains(name))
        });
        if effect.read_back.contains(name) {
            // A yes counts only while everything that was read back is fresh.
            for known in all.iter_mut().filter(|known| **known & PRESENT != 0) {
                *known = PRESENT | CONFIRMED;
            }
        }
        for action in &effect.actions {
            all = all.into_iter().flat_map(|known| self.acted(name, action, known)).collect();
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    fn acted(&self, name: &str, action: &DraftAction, known: Known) -> Vec<Known> {
        let comes_from = |slot: &str| self.sources.get(name).is_some_and(|sources| sources.contains(slot));
        match action {
            DraftAction::Clear(slots) if slots.iter().any(|slot| slot.value == name) => vec![0],
            DraftAction::Clear(slots) if slots.iter().any(|slot| comes_from(&slot.value)) => {
                vec![if known & PRESENT != 0 { PRESENT | STALE } else { known }]
            }
            DraftAction::Set(slot, value) if slot.value == name => {
                if value.names().is_empty() {
                    vec![PRESENT]
                } else {
                    vec![0, PRESENT]
                }
            }
            DraftAction::Set(slot, _) if comes_from(&slot.value) => {
                vec![if known & PRESENT != 0 { PRESENT | STALE } else { known }]
            }
            _ => vec![known],
        }
    }

    /// What can become known, or no longer be so, while a state is active.
    fn meanwhile(
        &self,
        followed: &Followed<'_>,
        node: Node,
        beside: &mut HashMap<(usize, usize), Vec<(&'g str, Beside<'g>)>>,
        next: &mut Vec<(Node, Step)>,
    ) {
        let (state, known) = node;
        let Some((_, draft)) = self.graph.states.get(state) else {
            // The wish itself may say something, and a flow that runs this one may give it something.
            let slots = followed.names.iter().enumerate();
            let absent = slots.filter(|(place, name)| {
                self.graph.flow.slots.contains_key(**name) && !holds(Fact::Present, known, *place)
            });
            next.extend(absent.map(|(place, name)| {
                let known = known | (PRESENT << (place * BITS));
                ((state, known), Step::Meanwhile(format!("guest: says `{name}` at once")))
            }));
            return;
        };
        let regions = self.graph.beside(state);
        for (place, (name, wanted)) in followed.names.iter().zip(&followed.wanted).enumerate() {
            let shift = place * BITS;
            let own = (known >> shift) & ALL;
            let mut turns = |turned: Known, why: &dyn Fn() -> String| {
                if turned & wanted != own {
                    let known = (known & !(ALL << shift)) | ((turned & wanted) << shift);
                    next.push(((state, known), Step::Meanwhile(why())));
                }
            };
            let is_slot = self.graph.flow.slots.contains_key(*name);
            if draft.waits() && !matches!(draft.does, DraftDoes::Held) {
                if is_slot && own & PRESENT == 0 {
                    turns(PRESENT, &|| format!("guest: says `{name}`"));
                }
                if is_slot && own & CONFIRMED != 0 {
                    turns(PRESENT, &|| format!("guest: changes `{name}`"));
                }
                if !is_slot && self.ages.contains(name) && own & PRESENT != 0 {
                    turns(own | STALE, &|| format!("`{name}` becomes too old"));
                }
                if !is_slot && own & CONFIRMED != 0 {
                    turns(PRESENT, &|| format!("`{name}` is made anew"));
                }
            }
            for region in &regions {
                let does = beside.entry((*region, place)).or_insert_with(|| self.beside(*region, name));
                for (other, does) in does {
                    match does {
                        Beside::Fills => turns(PRESENT, &|| format!("meanwhile `{other}` fills `{name}`")),
                        Beside::Does(action) => {
                            for after in self.acted(name, action, own) {
                                turns(after, &|| format!("meanwhile `{other}` changes `{name}`"));
                            }
                        }
                    }
                }
            }
        }
    }

    /// What a region may do to a name, and which of its states.
    fn beside(&self, region: usize, name: &str) -> Vec<(&'g str, Beside<'g>)> {
        let mut beside = Vec::new();
        let inside = (0..self.graph.states.len()).filter(|other| self.graph.is_in(*other, region));
        for (other_name, other) in inside.filter_map(|other| self.graph.states.get(other)) {
            let other: &'g DraftState = other;
            let saves = other.saves.as_ref().is_some_and(|saves| saves.value == name);
            let collects = matches!(
                &other.does,
                DraftDoes::Collect { slots, .. } if slots.iter().any(|slot| slot.value == name)
            );
            if saves || collects {
                beside.push((*other_name, Beside::Fills));
            }
            let touching = other.actions().filter(|action| self.changes(name, action));
            beside.extend(touching.map(|action| (*other_name, Beside::Does(action))));
        }
        beside
    }
}

/// What a way does to what is known.
fn effect<'g>(graph: &Graph<'g>, way: &Way<'g>) -> Effect<'g> {
    let read_back = match graph.does(way.from) {
        Some(DraftDoes::Confirm { paths, .. }) if way.why == Why::Yes => {
            paths.iter().filter_map(|path| path.value.first()).map(String::as_str).collect()
        }
        _ => BTreeSet::new(),
    };
    Effect {
        made: made(graph, way),
        demanded: demanded(way),
        refused: refused(graph.flow, way),
        read_back,
        unfilled: unfills(graph, way),
        actions: way.actions.clone(),
    }
}

/// The names that are not there when a way is taken: its guard says `not name`, or an earlier case says `name`.
fn refused<'g>(flow: &'g Draft, way: &Way<'g>) -> BTreeSet<&'g str> {
    // Only a value that is never empty, zero or false holds by being there.
    let holds_by_being = |name: &str| {
        let (name, slot) = flow.slots.get_key_value(name)?;
        matches!(
            slot.kind,
            Some(
                Kind::DateRange { .. }
                    | Kind::Date { .. }
                    | Kind::Party { .. }
                    | Kind::Choice(_)
                    | Kind::Text { .. }
                    | Kind::PersonName
                    | Kind::Phone
                    | Kind::Reference
            )
        )
        .then_some(name.as_str())
    };
    let source = |case: &'g DraftCase| {
        case.guard.as_ref().and_then(|guard| guard.expression.as_ref()).map(|guard| guard.source().trim())
    };
    let not = way.case.and_then(source).and_then(|text| text.strip_prefix("not ")).map(str::trim);
    not.into_iter().chain(way.passed.iter().filter_map(source)).filter_map(holds_by_being).collect()
}

pub(super) fn place(names: &[&str], name: &str) -> Option<usize> {
    names.iter().position(|known| *known == name)
}

pub(super) fn bit(fact: Fact) -> Known {
    match fact {
        Fact::Present => PRESENT,
        Fact::Stale => STALE,
        Fact::Confirmed => CONFIRMED,
    }
}

/// Whether a fact holds about the name in that place.
pub(super) fn holds(fact: Fact, known: Known, place: usize) -> bool {
    known & (bit(fact) << (place * BITS)) != 0
}

/// What was seen, in the order it was: each node with the place of the one before and what led from there.
pub(super) struct Seen {
    pub(super) order: Vec<(Node, usize, Step)>,
}

impl Seen {
    pub(super) fn first(&self, wanted: impl Fn(&Node) -> bool) -> Option<usize> {
        self.order.iter().position(|(node, ..)| wanted(node))
    }

    pub(super) fn known(&self, state: usize) -> impl Iterator<Item = Known> {
        self.order.iter().filter(move |((other, _), ..)| *other == state).map(|((_, known), ..)| *known)
    }

    /// The conversation that leads to what was seen in that place.
    pub(super) fn lines(&self, graph: &Graph<'_>, place: usize) -> Vec<String> {
        let mut steps = Vec::new();
        let mut current = place;
        while let Some((_, before, step)) = self.order.get(current) {
            if matches!(step, Step::Begin) {
                break;
            }
            steps.push(step);
            current = *before;
        }
        let mut lines = Vec::new();
        for step in steps.into_iter().rev() {
            match step {
                Step::Begin => {}
                Step::Way(way) => {
                    if let Some(way) = graph.ways.get(*way) {
                        tell(graph, way, &mut lines);
                    }
                }
                Step::Meanwhile(line) => lines.push(line.clone()),
            }
        }
        lines
    }
}
