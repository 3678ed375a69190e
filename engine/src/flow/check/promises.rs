//! Whether what must never be cannot be reached, and what must always be holds wherever it is reached.
//!
//! The names of one property are followed together while they are few, otherwise each by itself, and then combinations
//! count that may never meet: checking errs on the side of asking.

use std::collections::BTreeMap;

use super::condition::Condition;
use super::conversation::{conversation, told};
use super::draft::{Demands, DraftDoes, Property};
use super::explore::{Explorer, Followed, Known, PRESENT, Seen, bit, holds, place};
use super::filled::Filled;
use super::graph::{End, Graph, Way, Why};
use super::near::listed;
use super::report::Report;
use crate::flow::error::Rule;
use crate::flow::raw::At;

/// How many names are followed together.
const TOGETHER: usize = 4;

/// Checks the properties of one flow.
pub(super) fn check(report: &mut Report<'_>, graph: &Graph<'_>, filled: &Filled<'_>) {
    if graph.flow.properties.is_empty() {
        return;
    }
    let explorer = Explorer::new(graph, filled);
    for property in &graph.flow.properties {
        let states = |names: &[At<String>]| -> Vec<usize> {
            names.iter().filter_map(|name| graph.flow.states.get_index_of(&name.value)).collect()
        };
        let inside = |within: &[usize], node: usize| within.iter().any(|state| graph.is_in(node, *state));
        match &property.demands {
            Demands::Confirmed { .. } => {}
            Demands::Never { states: names, guard } => {
                let within = states(names);
                if within.len() == names.len() {
                    never(&explorer, report, property, guard.as_ref(), true, |node| {
                        names.is_empty() || inside(&within, node)
                    });
                }
            }
            Demands::NeverCalled { tool, guard } => {
                never(
                    &explorer,
                    report,
                    property,
                    guard.as_ref(),
                    true,
                    |node| matches!(graph.does(node), Some(DraftDoes::Invoke(invoke)) if invoke.tool.value == tool.value),
                );
            }
            Demands::Holds { states: names, holds } => {
                let within = states(names);
                if within.len() == names.len() {
                    never(&explorer, report, property, Some(holds), false, |node| {
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
                    !matches!(way.why, Why::Restored | Why::Unused)
                        && !matches!(way.to, End::State(to) if inside(&through, to))
                };
                let route = graph.route(graph.outside(), |node| inside(&ends, node), goes_past);
                if let Some(ways) = route {
                    let path = graph.path(&graph.nodes(&ways));
                    let names: Vec<&str> = passed.iter().map(|name| name.value.as_str()).collect();
                    let message = format!("the way {path} does not go through {}", listed(&names));
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

/// Reports a state that `concerns` in which the condition can be `bad`.
fn never(
    explorer: &Explorer<'_, '_>,
    report: &mut Report<'_>,
    property: &Property,
    condition: Option<&Condition>,
    bad: bool,
    concerns: impl Fn(usize) -> bool,
) {
    let flow = explorer.graph.flow;
    let facts = condition.map(Condition::facts).unwrap_or_default();
    if facts.iter().any(|(_, name)| !flow.has_name(&name.value)) {
        return;
    }
    let mut wanted: BTreeMap<&str, Known> = BTreeMap::new();
    for (fact, name) in &facts {
        *wanted.entry(name.value.as_str()).or_insert(PRESENT) |= bit(*fact);
    }
    let (names, wanted): (Vec<&str>, Vec<Known>) = wanted.into_iter().unzip();
    let followed = Followed { names, wanted };
    let concerned = |node: usize| explorer.graph.is_leaf(node) && concerns(node);
    let found = if followed.names.len() <= TOGETHER {
        let seen = explorer.explore(&followed);
        seen.first(|(state, known)| {
            concerned(*state)
                && condition.is_none_or(|condition| {
                    let can = condition.can(&|fact, name| {
                        let holds =
                            place(&followed.names, name).is_some_and(|place| holds(fact, *known, place));
                        (holds, !holds)
                    });
                    if bad { can.0 } else { can.1 }
                })
        })
        .map(|found| (seen.order[found].0.0, seen.lines(explorer.graph, found)))
    } else {
        each_by_itself(explorer, &followed, condition, bad, concerned)
    };
    let Some((state, lines)) = found else { return };
    let state_name = explorer.graph.name(state);
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
    explorer: &Explorer<'_, '_>,
    followed: &Followed<'_>,
    condition: Option<&Condition>,
    bad: bool,
    concerned: impl Fn(usize) -> bool,
) -> Option<(usize, Vec<String>)> {
    let each = followed.names.iter().zip(&followed.wanted);
    let all: Vec<Seen> = each
        .map(|(name, wanted)| explorer.explore(&Followed { names: vec![name], wanted: vec![*wanted] }))
        .collect();
    for state in (0..explorer.graph.states.len()).filter(|state| concerned(*state)) {
        if !all.iter().all(|seen| seen.known(state).next().is_some()) {
            continue;
        }
        let can = condition?.can(&|fact, name| {
            let seen = place(&followed.names, name).and_then(|place| all.get(place));
            let known: Vec<bool> = seen
                .into_iter()
                .flat_map(|seen| seen.known(state))
                .map(|known| holds(fact, known, 0))
                .collect();
            (known.contains(&true), known.contains(&false))
        });
        if (bad && can.0) || (!bad && can.1) {
            let seen = all.first()?;
            let found = seen.order.iter().position(|((other, _), ..)| *other == state)?;
            return Some((state, seen.lines(explorer.graph, found)));
        }
    }
    None
}
