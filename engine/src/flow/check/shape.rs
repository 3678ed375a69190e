//! Files as written: their keys, and what belongs together.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::cases::{EVENTS, handlers};
use super::draft::Draft;
use super::report::Report;
use super::{properties, slots, states};
use crate::flow::ROOT;
use crate::flow::error::Rule;
use crate::flow::raw::{At, Data, Node};

pub(super) const FILE_KEYS: &[&str] = &[
    "flow",
    "description",
    "examples",
    "events",
    "slots",
    "initial",
    "on",
    "states",
    "enabled",
    "was",
    "never",
    "always",
];

/// What a file is.
pub(super) enum FileDraft {
    /// A flow.
    Flow(Box<Draft>),
    /// It switches a flow off.
    Off(At<String>),
}

/// What is known about all files while one is read.
#[derive(Clone, Copy)]
pub(super) struct Known<'k> {
    /// Whether this is the root chart.
    pub(super) root: bool,
    /// The named events that flows declare.
    pub(super) events: &'k BTreeSet<String>,
    /// Whether every file could be read.
    pub(super) whole: bool,
}

/// The named events that a file declares.
pub(super) fn declared(node: &Node) -> Vec<String> {
    let Data::Map(entries) = &node.data else { return Vec::new() };
    let events = entries.iter().find(|(key, _)| key.value == "events").map(|(_, node)| &node.data);
    match events {
        Some(Data::List(items)) => items.iter().filter_map(|item| item.text().map(str::to_owned)).collect(),
        _ => Vec::new(),
    }
}

/// Reads a file. `None` when not even its flow's name can be read.
pub(super) fn file(
    report: &mut Report<'_>,
    node: &Node,
    events: &BTreeSet<String>,
    whole: bool,
) -> Option<FileDraft> {
    let fields = report.fields(node, "a flow file", FILE_KEYS)?;
    let Some(name_node) = fields.get("flow") else {
        if !fields.strange {
            let help = Some("`flow: book_room`, for example, in the first line".to_owned());
            report.add(node.at, Rule::Missing, "the file has no `flow`, the flow's name", help);
        }
        return None;
    };
    let name = report.text(name_node, "flow")?;
    report.check_name(&name, "flow");
    if fields.get("enabled").and_then(|node| report.truth(node, "enabled")) == Some(false) {
        return Some(FileDraft::Off(name));
    }
    let known = Known { root: name.value == ROOT, events, whole };
    let description = match fields.get("description") {
        Some(node) => report.text(node, "description").map(|text| text.value).unwrap_or_default(),
        None => {
            if !known.root && !fields.strange {
                let help = Some("one sentence: what the guest wants with it".to_owned());
                report.add(name.at, Rule::Missing, format!("`{}` has no `description`", name.value), help);
            }
            String::new()
        }
    };
    let examples = fields.get("examples").map(|node| report.texts(node, "examples")).unwrap_or_default();
    if let Some(node) = fields.get("events") {
        own_events(report, node);
    }
    let mut draft = Draft {
        description,
        examples: examples.into_iter().map(|text| text.value).collect(),
        slots: IndexMap::new(),
        was: fields.get("was").map(|node| report.texts(node, "was")).unwrap_or_default(),
        initial: fields.get("initial").and_then(|node| report.text(node, "initial")),
        on: fields.get("on").map(|node| handlers(report, node, known, known.root)).unwrap_or_default(),
        states: IndexMap::new(),
        properties: Vec::new(),
        strange: false,
        slots_unread: false,
        name,
    };
    if let Some(node) = fields.get("slots") {
        for (name, node) in report.named(node, "`slots`", "slot") {
            let slot = slots::read(report, &name, node);
            draft.slots.insert(name.value, slot);
        }
    }
    match fields.get("states") {
        Some(node) => {
            draft.strange |= !matches!(node.data, Data::Map(_));
            states::read(report, node, known, None, &mut draft);
            if draft.states.is_empty() && !draft.strange {
                report.add(node.at, Rule::Missing, format!("`{}` has no states", draft.name.value), None);
                draft.strange = true;
            }
        }
        None => {
            if !fields.strange {
                let at = draft.name.at;
                report.add(at, Rule::Missing, format!("`{}` has no `states`", draft.name.value), None);
            }
            draft.strange = true;
        }
    }
    draft.slots_unread = match fields.get("slots") {
        Some(node) => !matches!(node.data, Data::Map(_)),
        None => fields.strange,
    };
    for key in ["never", "always"] {
        if let Some(node) = fields.get(key) {
            draft.properties.extend(properties::read(report, node, key));
        }
    }
    Some(FileDraft::Flow(Box::new(draft)))
}

/// An event of a flow's own has a name that no other event has.
fn own_events(report: &mut Report<'_>, node: &Node) {
    for event in report.texts(node, "events") {
        if EVENTS.iter().any(|(name, _)| *name == event.value) {
            let message = format!("`{}` is an event that every conversation has", event.value);
            report.add(event.at, Rule::BadName, message, Some("choose another name".to_owned()));
        } else {
            report.check_name(&event, "event");
        }
    }
}
