//! Properties as written: what must never be, and what must always be.

use super::cases::names;
use super::condition::Condition;
use super::draft::{Demands, Property};
use super::report::{Fields, Report};
use crate::flow::error::Rule;
use crate::flow::raw::{At, Data, Node};

pub(super) const NEVER_KEYS: &[&str] = &["state", "guard", "call", "unless", "because"];
pub(super) const ALWAYS_KEYS: &[&str] = &["state", "holds", "before", "passed", "because"];

/// Reads the properties under `never` or `always`.
pub(super) fn read(report: &mut Report<'_>, node: &Node, key: &str) -> Vec<Property> {
    let items = match &node.data {
        Data::List(items) => items.as_slice(),
        Data::Map(_) => std::slice::from_ref(node),
        Data::Scalar { .. } => {
            report.wrong(node, &format!("`{key}` must be a list of properties"), None);
            return Vec::new();
        }
    };
    let mut properties = Vec::new();
    for item in items {
        let known = if key == "never" { NEVER_KEYS } else { ALWAYS_KEYS };
        let Some(fields) = report.fields(item, &format!("a property of `{key}`"), known) else { continue };
        let because = fields.get("because").and_then(|node| report.text(node, "because"));
        let demands =
            if key == "never" { never(report, item, &fields) } else { always(report, item, &fields) };
        properties.extend(demands.map(|demands| Property {
            at: item.at,
            because: because.map(|text| text.value),
            condition: fields.get("guard").or(fields.get("holds")).and_then(Node::text).map(str::to_owned),
            demands,
        }));
    }
    properties
}

fn never(report: &mut Report<'_>, item: &Node, fields: &Fields<'_>) -> Option<Demands> {
    let guard = match fields.get("guard") {
        Some(node) => Some(Condition::read(report, node, "guard")?),
        None => None,
    };
    let states = listed(report, fields, "state");
    let unless = match fields.get("unless") {
        Some(node) => {
            let word = report.text(node, "unless")?;
            if word.value != "confirmed" {
                let message = format!("`unless` knows no `{}`", word.value);
                report.unknown(&word, Rule::WrongType, message, "words", ["confirmed"]);
                return None;
            }
            true
        }
        None => false,
    };
    match (fields.get("call"), states) {
        (Some(_), Some(_)) => {
            let at = fields.spot("state").unwrap_or(item.at);
            report.add(at, Rule::Conflict, "a property is about a `call` or about a `state`", None);
            None
        }
        (Some(call), None) => {
            let tool = report.text(call, "call")?;
            match (unless, &guard, fields.spot("guard")) {
                (true, Some(_), Some(at)) => {
                    let help = Some("write two properties".to_owned());
                    report.add(at, Rule::Conflict, "`guard` does not go with `unless`", help);
                    None
                }
                (true, ..) => Some(Demands::Confirmed { tool }),
                (false, ..) => Some(Demands::NeverCalled { tool, guard }),
            }
        }
        (None, _) if unless => {
            if let (Some(at), false) = (fields.spot("unless"), fields.strange) {
                report.add(at, Rule::Conflict, "`unless` belongs to `call`", None);
            }
            None
        }
        (None, Some(states)) => Some(Demands::Never { states, guard }),
        (None, None) if fields.get("state").is_some() => None,
        (None, None) if guard.is_some() => Some(Demands::Never { states: Vec::new(), guard }),
        (None, None) => {
            lacks(report, item, fields, "what is never? give it a `state`, a `guard` or a `call`");
            None
        }
    }
}

fn always(report: &mut Report<'_>, item: &Node, fields: &Fields<'_>) -> Option<Demands> {
    let (state, before) = (fields.spot("state"), fields.spot("before"));
    if let (Some(_), Some(at)) = (state, before) {
        report.add(
            at,
            Rule::Conflict,
            "a property is about `state` and `holds`, or about `before` and `passed`",
            None,
        );
        return None;
    }
    for (key, owner) in [("holds", "state"), ("passed", "before")] {
        if let (Some(at), None, true) = (fields.spot(key), fields.spot(owner), state.or(before).is_some()) {
            report.add(at, Rule::Conflict, format!("`{key}` belongs to `{owner}`"), None);
            return None;
        }
    }
    if before.is_some() {
        let before = listed(report, fields, "before")?;
        let Some(passed) = fields.get("passed") else {
            lacks(report, item, fields, "`before` has no `passed`, the state every way goes through");
            return None;
        };
        let passed = names(report, passed, "passed");
        return (!passed.is_empty()).then_some(Demands::Passed { before, passed });
    }
    let holds = match fields.get("holds") {
        Some(node) => Condition::read(report, node, "holds")?,
        None => {
            lacks(report, item, fields, "what is always? give it `holds`, or `before` and `passed`");
            return None;
        }
    };
    let states = match state {
        Some(_) => listed(report, fields, "state")?,
        None => Vec::new(),
    };
    Some(Demands::Holds { states, holds })
}

fn listed(report: &mut Report<'_>, fields: &Fields<'_>, key: &'static str) -> Option<Vec<At<String>>> {
    let names = names(report, fields.get(key)?, key);
    (!names.is_empty()).then_some(names)
}

fn lacks(report: &mut Report<'_>, item: &Node, fields: &Fields<'_>, message: &str) {
    if !fields.strange {
        report.add(item.at, Rule::Missing, message, None);
    }
}
