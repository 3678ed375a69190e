//! Transitions as written: a name, a case, or a list of guarded cases.

use super::draft::{DraftCase, DraftGo, DraftHandlers};
use super::formula::Formula;
use super::near::meant;
use super::report::Report;
use crate::flow::Event;
use crate::flow::error::Rule;
use crate::flow::raw::{At, Data, Node, Spot};

const KEYS: &[&str] = &["guard", "say", "say_again", "ask_again", "clear", "target", "run", "next_page"];

/// Events by the names that authors write.
pub(super) const EVENTS: &[(&str, Event)] = &[
    ("affirm", Event::Affirm),
    ("deny", Event::Deny),
    ("cancel", Event::Cancel),
    ("change", Event::Change),
    ("more", Event::More),
    ("repeat", Event::Repeat),
    ("help", Event::Help),
    ("human", Event::Human),
    ("greet", Event::Greet),
    ("thank", Event::Thank),
    ("bye", Event::Bye),
    ("question", Event::Question),
    ("start", Event::Start),
    ("unclear", Event::Unclear),
    ("unreadable", Event::Unreadable),
    ("silence", Event::Silence),
    ("tool_failed", Event::ToolFailed),
];

/// What a transition may do where it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Whether one case must always hold.
    pub(super) complete: bool,
    /// Whether it may stay where it is, or turn a page.
    pub(super) stays: bool,
    /// Whether it may take up the flow the guest asked for.
    pub(super) requested: bool,
}

/// Where a state goes on by itself.
pub(super) const ONWARD: Place = Place { complete: true, stays: false, requested: false };
/// Where a failure goes; what is not answered goes up as `tool_failed`.
pub(super) const FAILURE: Place = Place { complete: false, stays: false, requested: false };
/// Where an answer to a read-back goes.
pub(super) const ANSWER: Place = Place { complete: true, stays: true, requested: false };

/// Reads the cases of a transition.
pub(super) fn read(report: &mut Report<'_>, node: &Node, what: &str, place: Place) -> Vec<DraftCase> {
    let cases: Vec<DraftCase> = match &node.data {
        Data::List(items) if items.is_empty() => {
            report.add(node.at, Rule::Missing, format!("`{what}` has no cases"), None);
            return vec![unread(node.at)];
        }
        Data::List(items) => items.iter().map(|item| case(report, item, what, place)).collect(),
        Data::Scalar { .. } | Data::Map(_) => vec![case(report, node, what, place)],
    };
    if let (true, Some(last)) = (place.complete, cases.last())
        && last.guard.is_some()
    {
        report.add(
            last.at,
            Rule::NoLastCase,
            format!("no guard of `{what}` may hold, and then it goes nowhere"),
            Some("end with a case that has no `guard`".to_owned()),
        );
    }
    let first_open =
        cases.iter().position(|case| case.guard.is_none() && !matches!(case.go, DraftGo::Unread));
    if let Some(never) = first_open.and_then(|open| cases.get(open + 1)) {
        report.add(
            never.at,
            Rule::Unreachable,
            format!("this case of `{what}` is never taken: the one before it always holds"),
            Some("give the one before a `guard`, or move this one up".to_owned()),
        );
    }
    cases
}

/// Reads handlers. `last` asks for a case that always holds, as nothing is above to answer.
pub(super) fn handlers(report: &mut Report<'_>, node: &Node, root: bool, last: bool) -> DraftHandlers {
    let Data::Map(entries) = &node.data else {
        report.wrong(node, "`on` must be a mapping from events", None);
        return Vec::new();
    };
    let mut handlers: DraftHandlers = Vec::new();
    for (key, value) in entries {
        let names = || EVENTS.iter().map(|(name, _)| *name);
        let known = |name: &str| EVENTS.iter().find(|(known, _)| *known == name).map(|(_, event)| *event);
        let event = known(&key.value).or_else(|| {
            let message = format!("there is no event `{}`", key.value);
            report.add(key.at, Rule::UnknownEvent, message, meant(&key.value, "events", names()));
            let free = names().filter(|name| !entries.iter().any(|(key, _)| key.value == *name));
            super::near::nearest(&key.value, free).and_then(known)
        });
        let place = Place {
            complete: last,
            stays: true,
            requested: root && event.is_none_or(|event| event == Event::Start),
        };
        let cases = read(report, value, &key.value, place);
        let Some(event) = event else { continue };
        if handlers.iter().any(|(known, _)| known.value == event) {
            let message = format!("`{}` is answered twice here", key.value);
            report.add(key.at, Rule::Duplicate, message, None);
            continue;
        }
        handlers.push((At::new(event, key.at), cases));
    }
    handlers
}

/// A case that could not be read.
pub(super) fn unread(at: Spot) -> DraftCase {
    DraftCase {
        at,
        guard: None,
        say: None,
        say_again: false,
        ask_again: None,
        clear: Vec::new(),
        go: DraftGo::Unread,
    }
}

fn case(report: &mut Report<'_>, node: &Node, what: &str, place: Place) -> DraftCase {
    let mut case = unread(node.at);
    match &node.data {
        Data::Scalar { .. } => {
            if let Some(target) = report.text(node, what) {
                case.go = DraftGo::Target(target);
            }
        }
        Data::List(_) => report.wrong(node, &format!("a case of `{what}` must be a mapping"), None),
        Data::Map(_) => {
            let Some(fields) = report.fields(node, &format!("a case of `{what}`"), KEYS) else { return case };
            // A guard that cannot be read is still a guard: the case does not always hold.
            case.guard = fields.get("guard").map(|node| {
                Formula::read(report, node, "guard", false).unwrap_or_else(|| Formula::unread(node.at))
            });
            case.say = fields.get("say").and_then(|node| report.text(node, "say"));
            case.say_again =
                fields.get("say_again").and_then(|node| report.truth(node, "say_again")).unwrap_or(false);
            case.ask_again = fields.get("ask_again").and_then(|node| report.truth(node, "ask_again"));
            case.clear = fields.get("clear").map(|node| report.texts(node, "clear")).unwrap_or_default();
            let next_page = fields.get("next_page").and_then(|node| report.truth(node, "next_page"));
            let ways: Vec<_> =
                fields.keys().filter(|(key, _)| ["target", "run", "next_page"].contains(key)).collect();
            if let [(first, _), (second, at), ..] = ways.as_slice() {
                report.add(
                    *at,
                    Rule::Conflict,
                    format!("a case goes one way: `{first}` or `{second}`"),
                    None,
                );
                return case;
            }
            case.go = match (fields.get("target"), fields.get("run")) {
                (Some(target), _) => match report.text(target, "target") {
                    Some(target) => DraftGo::Target(target),
                    None => DraftGo::Unread,
                },
                (None, Some(run)) => match report.text(run, "run") {
                    Some(run) => DraftGo::Run(run),
                    None => DraftGo::Unread,
                },
                (None, None) if next_page == Some(true) => DraftGo::NextPage,
                (None, None) if next_page == Some(false) => DraftGo::Stay,
                (None, None) if fields.get("next_page").is_some() || fields.strange => DraftGo::Unread,
                (None, None) => DraftGo::Stay,
            };
        }
    }
    limit(report, &case, what, place);
    case
}

/// Reports what a case may not do where it stands.
fn limit(report: &mut Report<'_>, case: &DraftCase, what: &str, place: Place) {
    match &case.go {
        DraftGo::Stay if !place.stays => report.add(
            case.at,
            Rule::Missing,
            format!("this case of `{what}` goes nowhere"),
            Some("name a state: `target: …`".to_owned()),
        ),
        DraftGo::NextPage if !place.stays => report.add(
            case.at,
            Rule::Conflict,
            format!("`next_page` answers what a guest says; it cannot stand in `{what}`"),
            None,
        ),
        DraftGo::Run(flow) if flow.value == "requested" && !place.requested => report.add(
            flow.at,
            Rule::Conflict,
            "`run: requested` belongs to `on: start` of the root chart",
            Some("name a flow".to_owned()),
        ),
        DraftGo::Stay | DraftGo::NextPage | DraftGo::Run(_) | DraftGo::Target(_) | DraftGo::Unread => {}
    }
    if case.ask_again == Some(true) && matches!(case.go, DraftGo::Target(_)) {
        report.add(
            case.at,
            Rule::Conflict,
            "`ask_again` is for a case that stays: a new state asks its own question",
            None,
        );
    }
}
