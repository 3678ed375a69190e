//! Whether what must never be cannot be reached, and what must always be holds wherever it is reached.
//!
//! The states a flow can be in are explored with slots and results as absent, present, stale or confirmed, and guards
//! free unless they speak of just that. The names of one property are followed together while they are few, otherwise
//! each by itself, and then combinations count that may never meet: checking errs on the side of asking.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

use super::condition::{Condition, Fact};
use super::conversation::{conversation, tell, told};
use super::draft::{Demands, Draft, DraftAction, DraftCase, DraftDoes, Property};
use super::filled::{Filled, demanded, fills, unfills};
use super::formula::single_path;
use super::graph::{End, Graph, Way, Why};
use super::report::Report;
use crate::flow::error::Rule;
use crate::slot::Kind;

/// How many names are followed together.
const TOGETHER: usize = 4;

/// Checks the properties of one flow.
pub(super) fn check(report: &mut Report<'_>, graph: &Graph<'_>, filled: &Filled<'_>) {
    let explorer = Explorer::new(graph, filled);
    for property in &graph.flow.properties {
        let states = |names: &[crate::flow::raw::At<String>]| -> Vec<usize> {
            names.iter().filter_map(|name| graph.flow.states.get_index_of(&name.value)).collect()
        };
        let inside = |within: &[usize], node: usize| within.iter().any(|state| graph.is_in(node, *state));
        match &property.demands {
            Demands::Confirmed { .. } => {}
            Demands::Never { states: names, guard } => {
                let within = states(names);
                if within.len() == names.len() {
                    explorer.never(report, property, guard.as_ref(), true, |node| {
                        names.is_empty() || inside(&within, node)
                    });
                }
            }
            Demands::NeverCalled { tool, guard } => {
                explorer.never(report, property, guard.as_ref(), true, |node| {
                    matches!(graph.does(node), Some(DraftDoes::Invoke(invoke)) if invoke.tool.value == tool.value)
                });
            }
            Demands::Holds { states: names, holds } => {
                let within = states(names);
                if within.len() == names.len() {
                    explorer.never(report, property, Some(holds), false, |node| {
                        names.is_empty() || inside(&within, node)
                    });
                }
            }
            Demands::Passed { before, passed } => {
                let (ends, through) = (states(before), states(passed));
                if ends.len() != before.len() || through.len() != passed.len() {
                    continue;
                }
                let goes_past = |way: &Way<'_>| {
                    way.why != Why::Restored && !matches!(way.to, End::State(to) if inside(&through, to))
                };
                let route = graph.route(graph.outside(), |node| inside(&ends, node), goes_past);
                if let Some(ways) = route {
                    let path = graph.path(&graph.nodes(&ways));
                    let names: Vec<&str> = passed.iter().map(|name| name.value.as_str()).collect();
                    let message =
                        format!("the way {path} does not go through {}", super::near::listed(&names));
                    violated(report, property, message, &conversation(graph, &ways));
                }
            }
        }
    }
}

fn violated(report: &mut Report<'_>, property: &Property, message: String, conversation: &str) {
    let mut help = property.because.clone().unwrap_or_default();
    help.push_str(conversation);
    let help = help.trim_start().to_owned();
    report.add(property.at, Rule::Violated, message, (!help.is_empty()).then_some(help));
}

/// What is known about each followed name: three bits a name.
type Known = u32;

/// A state, and what is known in it.
type Node = (usize, Known);

const PRESENT: Known = 1;
const STALE: Known = 2;
const CONFIRMED: Known = 4;
const BITS: usize = 3;

/// What led to a node.
#[derive(Clone)]
enum Step {
    Way(usize),
    /// Something that happens while the state is active.
    Meanwhile(String),
}

struct Explorer<'e, 'g> {
    graph: &'e Graph<'g>,
    filled: &'e Filled<'g>,
    /// The slots that every result was computed from, through other results too.
    sources: BTreeMap<&'g str, BTreeSet<&'g str>>,
    /// The results that may become too old.
    ages: BTreeSet<&'g str>,
}

impl<'e, 'g> Explorer<'e, 'g> {
    fn new(graph: &'e Graph<'g>, filled: &'e Filled<'g>) -> Self {
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
                        let list = flow.slots.get(*name).and_then(|slot| slot.list.as_ref());
                        let list = list.and_then(|list| list.from.value.first()).map(String::as_str);
                        [Some(*name), list]
                    })
                    .flatten()
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
        Self { graph, filled, sources, ages }
    }

    /// Reports a state that `concerns` in which the condition can be `bad`.
    fn never(
        &self,
        report: &mut Report<'_>,
        property: &Property,
        condition: Option<&Condition>,
        bad: bool,
        concerns: impl Fn(usize) -> bool,
    ) {
        let flow = self.graph.flow;
        let facts = condition.map(Condition::facts).unwrap_or_default();
        let is_known = |name: &str| flow.slots.contains_key(name) || flow.has_result(name);
        if facts.iter().any(|(_, name)| !is_known(&name.value)) {
            return;
        }
        let names: BTreeSet<&str> = facts.iter().map(|(_, name)| name.value.as_str()).collect();
        let names: Vec<&str> = names.into_iter().collect();
        let concerned = |node: usize| self.graph.is_leaf(node) && concerns(node);
        let found = if names.len() <= TOGETHER {
            let seen = self.explore(&names);
            seen.first(|(state, known)| {
                concerned(*state)
                    && condition.is_none_or(|condition| {
                        let can = condition.can(&|fact, name| {
                            let holds = place(&names, name).is_some_and(|place| holds(fact, *known, place));
                            (holds, !holds)
                        });
                        if bad { can.0 } else { can.1 }
                    })
            })
            .map(|node| (node.0, seen.lines(self.graph, node)))
        } else {
            self.each_by_itself(&names, condition, bad, concerned)
        };
        let Some((state, lines)) = found else { return };
        let state_name = self.graph.states.get(state).map_or("", |(name, _)| *name);
        let said = property.condition.as_deref().unwrap_or_default();
        let message = match (condition, bad) {
            (None, _) => format!("`{state_name}` can be reached"),
            (Some(_), true) => format!("in `{state_name}` this can be: `{said}`"),
            (Some(_), false) => format!("in `{state_name}` this need not hold: `{said}`"),
        };
        violated(report, property, message, &told(&lines));
    }

    /// The first state in which the condition can be bad if its names have nothing to do with each other.
    fn each_by_itself(
        &self,
        names: &[&str],
        condition: Option<&Condition>,
        bad: bool,
        concerned: impl Fn(usize) -> bool,
    ) -> Option<(usize, Vec<String>)> {
        let all: Vec<Seen> = names.iter().map(|name| self.explore(&[name])).collect();
        for state in (0..self.graph.states.len()).filter(|state| concerned(*state)) {
            if !all.iter().all(|seen| seen.known(state).next().is_some()) {
                continue;
            }
            let can = condition?.can(&|fact, name| {
                let seen = place(names, name).and_then(|place| all.get(place));
                let known: Vec<bool> = seen
                    .into_iter()
                    .flat_map(|seen| seen.known(state))
                    .map(|known| holds(fact, known, 0))
                    .collect();
                (known.contains(&true), known.contains(&false))
            });
            if (bad && can.0) || (!bad && can.1) {
                let seen = all.first()?;
                let known = seen.known(state).next()?;
                return Some((state, seen.lines(self.graph, (state, known))));
            }
        }
        None
    }

    /// Every state with everything that can be known about `names` in it.
    fn explore(&self, names: &[&str]) -> Seen {
        let start = (self.graph.outside(), 0);
        let mut seen = Seen { before: HashMap::from([(start, None)]), order: vec![start] };
        let mut queue = VecDeque::from([start]);
        while let Some(node) = queue.pop_front() {
            let mut next: Vec<(Node, Step)> = Vec::new();
            for (number, way) in self.graph.from(node.0) {
                let state = match way.to {
                    End::State(state) => state,
                    End::Stays => node.0,
                    End::Leaves | End::Anywhere => continue,
                };
                for known in self.after(names, way, node.1) {
                    next.push(((state, known), Step::Way(number)));
                }
            }
            self.meanwhile(names, node, &mut next);
            for (to, step) in next {
                let possible = names.iter().enumerate().all(|(place, name)| {
                    let optional = self.graph.flow.slots.get(*name).is_some_and(|slot| slot.optional);
                    to.1 & (PRESENT << (place * BITS)) != 0 || optional || !self.filled.surely(to.0, name)
                });
                if possible && !seen.before.contains_key(&to) {
                    seen.before.insert(to, Some((node, step)));
                    seen.order.push(to);
                    queue.push_back(to);
                }
            }
        }
        seen
    }

    /// What can be known after a way, from what is known before.
    fn after(&self, names: &[&str], way: &Way<'g>, known: Known) -> Vec<Known> {
        let mut all = vec![known];
        for (place, name) in names.iter().enumerate() {
            let shift = place * BITS;
            all = all
                .into_iter()
                .flat_map(|known| {
                    let own = (known >> shift) & 7;
                    let rest = known & !(7 << shift);
                    self.after_one(name, way, own).into_iter().map(move |own| rest | (own << shift))
                })
                .collect();
        }
        all
    }

    /// The same for one name; nothing where the way cannot be taken so.
    fn after_one(&self, name: &str, way: &Way<'g>, known: Known) -> Vec<Known> {
        let flow = self.graph.flow;
        let mut known = known;
        let completes = fills(self.graph, way).contains(name);
        let optional = flow.slots.get(name).is_some_and(|slot| slot.optional);
        let is_result = !flow.slots.contains_key(name);
        let demanded = demanded(way).contains(name);
        if demanded
            && !(completes && matches!(way.why, Why::Then | Why::Done | Why::Returned))
            && known & PRESENT == 0
        {
            return Vec::new();
        }
        if known & PRESENT != 0 && way.is_refused_by(flow, name) {
            return Vec::new();
        }
        let mut all = Vec::new();
        if completes && is_result {
            if matches!(way.why, Why::Done | Why::Returned) {
                known = PRESENT;
            }
        } else if completes && known & PRESENT == 0 {
            if optional && !demanded {
                all.push(known);
            }
            known = PRESENT;
        }
        if way.why == Why::Yes
            && let Some(DraftDoes::Confirm { paths, .. }) = self.graph.does(way.from)
            && known & PRESENT != 0
            && paths.iter().any(|path| path.value.first().is_some_and(|first| first == name))
        {
            // A yes counts only while everything that was read back is fresh.
            known = PRESENT | CONFIRMED;
        }
        all.push(known);
        if unfills(self.graph, way).contains(&name) {
            all.push(0);
        }
        for action in &way.actions {
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
    fn meanwhile(&self, names: &[&str], node: Node, next: &mut Vec<(Node, Step)>) {
        let (state, known) = node;
        let Some((_, draft)) = self.graph.states.get(state) else { return };
        let beside = self.graph.beside(state);
        for (place, name) in names.iter().enumerate() {
            let shift = place * BITS;
            let own = (known >> shift) & 7;
            let mut turns = |own: Known, why: String| {
                next.push(((state, (known & !(7 << shift)) | (own << shift)), Step::Meanwhile(why)));
            };
            let is_slot = self.graph.flow.slots.contains_key(*name);
            if draft.waits() && !matches!(draft.does, DraftDoes::Held) {
                if is_slot && own & PRESENT == 0 {
                    turns(PRESENT, format!("guest: says `{name}`"));
                }
                if is_slot && own & CONFIRMED != 0 {
                    turns(PRESENT, format!("guest: changes `{name}`"));
                }
                let aged = self.ages.contains(name);
                if !is_slot && aged && own & PRESENT != 0 && own & STALE == 0 {
                    turns(PRESENT | STALE, format!("`{name}` becomes too old"));
                }
                if !is_slot && own & CONFIRMED != 0 {
                    turns(PRESENT, format!("`{name}` is made anew"));
                }
            }
            for region in &beside {
                let inside = (0..self.graph.states.len()).filter(|other| self.graph.is_in(*other, *region));
                for (other_name, other) in inside.filter_map(|other| self.graph.states.get(other)) {
                    let saves = other.saves.as_ref().is_some_and(|saves| saves.value == *name);
                    let collects = matches!(&other.does, DraftDoes::Collect { slots, .. } if slots.iter().any(|slot| slot.value == *name));
                    if (saves || collects) && own != PRESENT {
                        turns(PRESENT, format!("meanwhile `{other_name}` fills `{name}`"));
                    }
                    let of_cases = other.cases().into_iter().flat_map(|case| &case.actions);
                    for action in of_cases.chain(&other.entry).chain(&other.exit) {
                        for after in self.acted(name, action, own).into_iter().filter(|after| *after != own) {
                            turns(after, format!("meanwhile `{other_name}` changes `{name}`"));
                        }
                    }
                }
            }
        }
    }
}

fn place(names: &[&str], name: &str) -> Option<usize> {
    names.iter().position(|known| *known == name)
}

/// Whether a fact holds about the name in that place.
fn holds(fact: Fact, known: Known, place: usize) -> bool {
    let bit = match fact {
        Fact::Present => PRESENT,
        Fact::Stale => STALE,
        Fact::Confirmed => CONFIRMED,
    };
    known & (bit << (place * BITS)) != 0
}

/// What was seen, in the order it was.
struct Seen {
    before: HashMap<Node, Option<(Node, Step)>>,
    order: Vec<Node>,
}

impl Seen {
    fn first(&self, wanted: impl Fn(&Node) -> bool) -> Option<Node> {
        self.order.iter().copied().find(|node| wanted(node))
    }

    fn known(&self, state: usize) -> impl Iterator<Item = Known> {
        self.order.iter().filter(move |(other, _)| *other == state).map(|(_, known)| *known)
    }

    /// The conversation that leads to a node.
    fn lines(&self, graph: &Graph<'_>, node: Node) -> Vec<String> {
        let mut steps = Vec::new();
        let mut current = node;
        while let Some(Some((before, step))) = self.before.get(&current) {
            steps.push(step.clone());
            current = *before;
        }
        let mut lines = Vec::new();
        for step in steps.into_iter().rev() {
            match step {
                Step::Way(way) => {
                    if let Some(way) = graph.ways.get(way) {
                        tell(graph, way, &mut lines);
                    }
                }
                Step::Meanwhile(line) => lines.push(line),
            }
        }
        lines
    }
}

impl Way<'_> {
    /// Whether a way is not taken while `name` is there: its guard says `not name`, or an earlier case would have been.
    fn is_refused_by(&self, flow: &Draft, name: &str) -> bool {
        // Only a value that is never empty, zero or false holds by being there.
        let holds_by_being = flow.slots.get(name).and_then(|slot| slot.kind.as_ref()).is_some_and(|kind| {
            matches!(
                kind,
                Kind::DateRange { .. }
                    | Kind::Date { .. }
                    | Kind::Party { .. }
                    | Kind::Choice(_)
                    | Kind::Text { .. }
                    | Kind::PersonName
                    | Kind::Phone
                    | Kind::Reference
            )
        });
        let source = |case: &DraftCase| {
            case.guard
                .as_ref()
                .and_then(|guard| guard.expression.as_ref())
                .map(|guard| guard.source().trim().to_owned())
        };
        let says = |text: &str| single_path(text).is_some_and(|path| path.len() == 1 && path[0] == name);
        let not = self.case.and_then(source).is_some_and(|text| text.strip_prefix("not ").is_some_and(says));
        let passed = self.passed.iter().filter_map(source).any(|text| says(&text));
        // What the guest has just filled by answering is there.
        holds_by_being && (not || passed)
    }
}
