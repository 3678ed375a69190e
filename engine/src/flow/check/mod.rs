//! From texts to checked flows: every mistake in every file is found, and none is told twice.
//!
//! A file goes through in this order: a tree with places (`raw`), a draft in which everything is what it must be
//! (`shape`, `slots`, `cases`, `formula`), names that exist (`names`, `arguments`, `prompts`), and ways through the
//! flow that hold what the language promises (`graph`, `filled`, `confirmed`). What could not be read is never the
//! cause of a second mistake: a slip in a name is followed to the name that was meant, and where that is unknown, what
//! depends on it is not judged.

mod arguments;
mod cases;
mod confirmed;
mod draft;
mod filled;
mod formula;
mod graph;
mod lower;
mod names;
mod near;
mod prompts;
mod report;
mod schema;
mod shape;
mod slots;
mod world;

use std::collections::HashMap;

use indexmap::IndexMap;

use self::draft::{Draft, DraftDoes};
use self::graph::Graph;
use self::near::listed;
use self::report::Report;
use self::shape::FileDraft;
use self::world::World;
use super::error::{Mistakes, Rule};
use super::raw::{self, Spot};
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
        let mut whole = true;
        let mut root_unread = false;
        for (file, source) in sources.iter().enumerate() {
            match read(&mut report, file, source) {
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
        let world = World { drafts: &drafts, off: &off, tools, prompts, whole };
        judge(&mut report, &world);
        if report.is_clean() { Ok(lower::flows(&world)) } else { Err(report.finish()) }
    }
}

/// Reads one file as far as it can be.
fn read(report: &mut Report<'_>, file: usize, source: &Source) -> Option<FileDraft> {
    match raw::read(file, &source.text) {
        Ok(Some(node)) => shape::file(report, &node),
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
        if let Some(graph) = Graph::new(world, flow) {
            graph.check(report, world.whole);
            filled::check(report, world, &graph);
            confirmed::check(report, world, &graph);
        }
    }
    unanswered(report, world);
    prompts::check(report, world);
}

/// Every waiting state has a way out, and every failure an answer, if nowhere else in the root chart.
fn unanswered(report: &mut Report<'_>, world: &World<'_>) {
    let Some(root) = world.root().filter(|root| !root.strange) else { return };
    let mut missing: Vec<&'static str> = Vec::new();
    for (name, event) in cases::EVENTS {
        if root.on.iter().any(|(known, _)| known.value == *event) {
            continue;
        }
        let needed = world.drafts.values().any(|flow| {
            let by_flow = flow.on.iter().any(|(known, _)| known.value == *event);
            !by_flow
                && flow.states.values().any(|state| {
                    let by_state = state.on.iter().any(|(known, _)| known.value == *event);
                    !by_state
                        && match event {
                            Event::Cancel | Event::Human | Event::Unclear | Event::Silence => {
                                state.waits() && !matches!(state.does, DraftDoes::Unread)
                            }
                            Event::ToolFailed => match &state.does {
                                DraftDoes::Invoke(invoke) => {
                                    invoke.error.last().is_none_or(|last| last.guard.is_some())
                                }
                                _ => false,
                            },
                            _ => false,
                        }
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
