//! From texts to checked flows: every mistake in every file is found, and none is told twice.
//!
//! A file goes through in this order: a tree with places (`raw`), a draft in which everything is what it must be
//! (`shape`, `states`, `doing`, `slots`, `cases`, `formula`, `properties`), names that exist (`names`, `targets`,
//! `literals`, `arguments`, `values`, `prompts`, `read_back`), and ways through the flow that hold what the language and its author promise
//! (`graph`, `chart`, `history`, `ways`, `filled`, `confirmed`, `explore`, `promises`). What could not be read is never
//! the cause of a second mistake: a slip in a name is followed to the name that was meant, and where that is unknown,
//! what depends on it is not judged. Drafts without mistakes become the checked form (`lower`, `version`).

mod arguments;
mod cases;
mod chart;
mod condition;
mod confirmed;
mod conversation;
mod doing;
mod draft;
mod explore;
mod filled;
mod formula;
mod graph;
mod history;
pub(crate) mod keys;
mod literals;
mod lower;
mod names;
mod names_set;
mod near;
mod promises;
mod prompts;
mod properties;
mod read_back;
mod report;
mod schema;
mod shape;
mod slots;
mod states;
mod targets;
pub(crate) mod times;
mod values;
mod version;
mod ways;
mod world;

use std::collections::{BTreeSet, HashMap};

use indexmap::IndexMap;

use self::draft::{Draft, DraftDoes, DraftEvent, DraftHandlers};
use self::filled::Filled;
use self::graph::Graph;
use self::near::listed;
pub use self::near::nearest;
use self::report::Report;
use self::shape::FileDraft;
use self::world::World;
use super::error::{Mistakes, Rule};
use super::raw::{self, Node, Spot};
use super::{Event, Flows, ROOT};
use crate::catalog::{Prompts, Tools};

/// A flow file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What mistakes call it, usually its path.
    pub file: String,
    /// Its text.
    pub text: String,
}

impl Flows {
    /// Reads and checks a set of flow files, one flow a file, the root chart [`ROOT`] among them.
    ///
    /// # Errors
    /// All [`Mistakes`] in all files.
    pub fn check(sources: &[Source], tools: &Tools, prompts: &Prompts) -> Result<Self, Mistakes> {
        let mut report = Report::new(sources);
        let mut drafts: IndexMap<String, Draft> = IndexMap::new();
        let mut off: HashMap<String, Spot> = HashMap::new();
        let mut doubles: Vec<Draft> = Vec::new();
        let mut root_unread = false;
        let nodes: Vec<Option<Node>> =
            sources.iter().enumerate().map(|(file, source)| read(&mut report, file, source)).collect();
        let mut whole = nodes.iter().all(Option::is_some);
        let events: BTreeSet<String> = nodes.iter().flatten().flat_map(shape::declared).collect();
        for (source, node) in sources.iter().zip(&nodes) {
            let readable = whole;
            match node.as_ref().and_then(|node| shape::file(&mut report, node, &events, readable)) {
                Some(FileDraft::Flow(draft)) => match drafts.get(&draft.name.value) {
                    Some(_) => doubles.push(*draft),
                    None => {
                        drafts.insert(draft.name.value.clone(), *draft);
                    }
                },
                Some(FileDraft::Off(name)) => {
                    off.insert(name.value, name.at);
                }
                None => {
                    whole = false;
                    root_unread |= names_root(&source.text);
                }
            }
        }
        drafts.retain(|name, _| !off.contains_key(name));
        for double in doubles.iter().filter(|double| !off.contains_key(&double.name.value)) {
            let first = drafts.get(&double.name.value).map(|first| report.whereabouts(first.name.at));
            let message = format!("there are two flows `{}`", double.name.value);
            let help = first.map(|first| format!("the first is at {first}"));
            report.add(double.name.at, Rule::Duplicate, message, help);
        }
        if !drafts.contains_key(ROOT) && !root_unread {
            report.add_nowhere(
                Rule::Missing,
                format!("there is no root chart: no file begins with `flow: {ROOT}`"),
                Some(format!("write it, usually as `{ROOT}.yaml`: it is the parent of every flow")),
            );
        }
        drafts.sort_keys();
        let world = World { drafts: &drafts, off: &off, tools, prompts, whole, events: &events };
        judge(&mut report, &world);
        if report.is_clean() { Ok(lower::flows(&world, sources)) } else { Err(report.finish()) }
    }
}

/// Reads one file as a tree.
fn read(report: &mut Report<'_>, file: usize, source: &Source) -> Option<Node> {
    match raw::read(file, &source.text) {
        Ok(Some(node)) => Some(node),
        Ok(None) => {
            let start = Spot { file, start: 0, end: 0 };
            report.add(
                start,
                Rule::Missing,
                "the file is empty",
                Some("remove it, or write a flow".to_owned()),
            );
            None
        }
        Err(refused) => {
            report.refuse(refused);
            None
        }
    }
}

/// Whether a file that cannot be read is meant to be the root chart.
fn names_root(text: &str) -> bool {
    text.lines().filter_map(|line| line.strip_prefix("flow:")).any(|name| name.trim().starts_with(ROOT))
}

fn judge(report: &mut Report<'_>, world: &World<'_>) {
    for flow in world.drafts.values() {
        names::check(report, world, flow);
    }
    let graphs: Vec<Graph<'_>> = world.drafts.values().filter_map(|flow| Graph::new(world, flow)).collect();
    let silent = ways::silent(&graphs);
    ways::run_circles(report, &silent);
    for graph in &graphs {
        ways::check(report, world, graph, &silent.flows);
        let unread = graph.states.iter().any(|(_, state)| matches!(state.does, DraftDoes::Unread));
        if !unread && !graph.flow.slots_unread {
            let filled = Filled::new(graph);
            filled::check(report, world, graph, &filled);
            promises::check(report, graph, &filled);
        }
        confirmed::check(report, world, graph);
    }
    unanswered(report, world);
    prompts::check(report, world);
    read_back::check(report, world);
}

/// Whether handlers answer an event.
fn answers(handlers: &DraftHandlers, event: Event) -> bool {
    handlers.iter().any(|(known, _)| known.value == DraftEvent::Own(event))
}

/// Every waiting state has a way out, and every failure an answer, if nowhere else in the root chart.
fn unanswered(report: &mut Report<'_>, world: &World<'_>) {
    let Some(root) = world.root().filter(|root| !root.strange) else { return };
    let mut missing: Vec<&'static str> = Vec::new();
    for (name, event) in cases::EVENTS {
        if answers(&root.on, *event) {
            continue;
        }
        let needed = world.drafts.values().any(|flow| {
            !answers(&flow.on, *event)
                && flow.states.iter().enumerate().any(|(index, (_, state))| {
                    let asks = match event {
                        Event::Cancel | Event::Human | Event::Unclear | Event::Silence => {
                            state.waits() && !matches!(state.does, DraftDoes::Unread | DraftDoes::Held)
                        }
                        Event::ToolFailed => match &state.does {
                            DraftDoes::Invoke(invoke) => {
                                invoke.error.last().is_none_or(|last| last.guard.is_some())
                            }
                            _ => false,
                        },
                        _ => false,
                    };
                    asks && !answers(&state.on, *event)
                        && !flow.ancestors(index).any(|above| answers(&flow.states[above].on, *event))
                })
        });
        if needed {
            missing.push(name);
        }
    }
    if !missing.is_empty() {
        let message = format!("the root chart does not answer {}", listed(&missing));
        let help = "without it a state that waits, or a call that fails, has no way out".to_owned();
        report.add(root.name.at, Rule::DeadEnd, message, Some(help));
    }
}
