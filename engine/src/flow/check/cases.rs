//! Transitions as written: a name, a case, or a list of guarded cases; and what is done on the way.

use std::collections::BTreeSet;

use super::draft::{DraftAction, DraftAfter, DraftCase, DraftEvent, DraftGo, DraftHandlers};
use super::formula::Formula;
use super::near::meant;
use super::report::{Fields, Report};
use super::shape::Known;
use crate::flow::Event;
use crate::flow::error::Rule;
use crate::flow::raw::{At, Data, Node, Spot};

pub(super) const KEYS: &[&str] = &[
    "guard",
    "say",
    "say_again",
    "ask_again",
    "clear",
    "set",
    "raise",
    "target",
    "reenter",
    "run",
    "next_page",
    "previous_page",
    "queue",
    "undo",
];

/// The keys that say where a case goes.
pub(super) const WAYS: &[&str] = &["target", "run", "next_page", "previous_page", "queue", "undo"];

pub(super) const ACTION_KEYS: &[&str] = &["say", "clear", "set", "raise"];

/// The flow the guest asked for, where a flow is named.
pub(super) const REQUESTED: &str = "requested";

/// The name of any named event.
pub(super) const ANY: &str = "*";

/// Events by the names that authors write.
pub(super) const EVENTS: &[(&str, Event)] = &[
    ("affirm", Event::Affirm),
    ("deny", Event::Deny),
    ("cancel", Event::Cancel),
    ("change", Event::Change),
    ("undo", Event::Undo),
    ("more", Event::More),
    ("repeat", Event::Repeat),
    ("previous", Event::Previous),
    ("wait", Event::Wait),
    ("price", Event::Price),
    ("help", Event::Help),
    ("human", Event::Human),
    ("greet", Event::Greet),
    ("thank", Event::Thank),
    ("bye", Event::Bye),
    ("question", Event::Question),
    ("start", Event::Start),
    ("wish", Event::Wish),
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
    /// Whether it may stay where it is.
    pub(super) stays: bool,
    /// Whether it may turn a page or take something back, as only an answer to a guest can.
    pub(super) answers: bool,
    /// Whether it may take up the flow the guest asked for.
    pub(super) requested: bool,
    /// Whether it may let the flow the guest asked for wait.
    pub(super) queues: bool,
}

/// Where a state goes on by itself.
pub(super) const ONWARD: Place =
    Place { complete: true, stays: false, answers: false, requested: false, queues: false };
/// Where it may go by itself, or not.
pub(super) const PERHAPS: Place = Place { complete: false, ..ONWARD };
/// Where an answer to a read-back goes.
pub(super) const ANSWER: Place = Place { stays: true, answers: true, ..ONWARD };
/// What is done after some time.
const DELAYED: Place = Place { complete: false, stays: true, ..ONWARD };

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
pub(super) fn handlers(report: &mut Report<'_>, node: &Node, known: Known<'_>, last: bool) -> DraftHandlers {
    let Data::Map(entries) = &node.data else {
        report.wrong(node, "`on` must be a mapping from events", None);
        return Vec::new();
    };
    let mut handlers: DraftHandlers = Vec::new();
    for (key, value) in entries {
        let event = event_of(&key.value, known).or_else(|| unknown_event(report, key, entries, known));
        let own = |wanted: &[Event]| {
            event
                .as_ref()
                .is_none_or(|event| matches!(event, DraftEvent::Own(event) if wanted.contains(event)))
        };
        let named = matches!(event, Some(DraftEvent::Named(_) | DraftEvent::Own(Event::Any)));
        let place = Place {
            // A named event and a wish that nobody takes up are over.
            complete: last && !named && !own(&[Event::Wish]),
            stays: true,
            answers: !named && !own(&[Event::Wish]),
            requested: known.root && own(&[Event::Start, Event::Wish]),
            queues: own(&[Event::Start]),
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

fn event_of(name: &str, known: Known<'_>) -> Option<DraftEvent> {
    if name == ANY {
        return Some(DraftEvent::Own(Event::Any));
    }
    let own = EVENTS.iter().find(|(known, _)| *known == name).map(|(_, event)| DraftEvent::Own(*event));
    own.or_else(|| known.events.contains(name).then(|| DraftEvent::Named(name.to_owned())))
}

/// Reports an event that nobody declares, and finds the one that was meant.
fn unknown_event(
    report: &mut Report<'_>,
    key: &At<String>,
    entries: &[(At<String>, Node)],
    known: Known<'_>,
) -> Option<DraftEvent> {
    let names = || EVENTS.iter().map(|(name, _)| *name).chain(known.events.iter().map(String::as_str));
    let free = || names().filter(|name| !entries.iter().any(|(key, _)| key.value == *name));
    let near = super::near::nearest(&key.value, free()).and_then(|near| event_of(near, known));
    if known.whole || near.is_some() {
        let message = format!("there is no event `{}`", key.value);
        let help = super::near::nearest(&key.value, names())
            .map(|near| format!("did you mean `{near}`?"))
            .unwrap_or_else(|| format!("declare it, `events: [{}]`, if it is one of your own", key.value));
        report.add(key.at, Rule::UnknownEvent, message, Some(help));
    }
    near
}

/// Reads delayed transitions.
pub(super) fn delayed(report: &mut Report<'_>, node: &Node) -> Vec<DraftAfter> {
    let Data::Map(entries) = &node.data else {
        let help = Some("for example `after: { 10m: <a state> }`".to_owned());
        report.wrong(node, "`after` must be a mapping from times", help);
        return Vec::new();
    };
    let mut delayed: Vec<DraftAfter> = Vec::new();
    for (key, value) in entries {
        let written = Node { at: key.at, data: Data::Scalar { text: key.value.clone(), plain: true } };
        let delay = report.duration(&written, "after");
        let cases = read(report, value, &format!("after {}", key.value), DELAYED);
        let Some(delay) = delay else { continue };
        if delay == 0 {
            let help = Some("what is to be done at once is an `always`".to_owned());
            report.add(key.at, Rule::WrongType, "a delay must be longer than nothing", help);
        } else if delayed.iter().any(|known| known.delay.value == delay) {
            let message = format!("`{}` stands twice in `after`", key.value);
            report.add(key.at, Rule::Duplicate, message, Some("make it one list of cases".to_owned()));
            continue;
        }
        delayed.push(DraftAfter { delay: At::new(delay, key.at), cases });
    }
    delayed
}

/// Reads what is done on entering or leaving a state: a mapping, or a list of them.
pub(super) fn actions(report: &mut Report<'_>, node: &Node, what: &str) -> Vec<DraftAction> {
    let items = match &node.data {
        Data::List(items) => items.as_slice(),
        Data::Scalar { .. } | Data::Map(_) => std::slice::from_ref(node),
    };
    let mut all = Vec::new();
    for item in items {
        let Data::Map(_) = &item.data else {
            let help = item.text().map(|text| format!("to say it: `{{ say: {text} }}`"));
            report.wrong(item, &format!("an action of `{what}` must be a mapping"), help);
            continue;
        };
        let Some(fields) = report.fields(item, &format!("an action of `{what}`"), ACTION_KEYS) else {
            continue;
        };
        if fields.keys().next().is_none() && !fields.strange {
            report.add(item.at, Rule::Missing, format!("this action of `{what}` does nothing"), None);
        }
        all.extend(actions_of(report, &fields));
    }
    all
}

/// The actions among the keys of a mapping, in the order written.
fn actions_of(report: &mut Report<'_>, fields: &Fields<'_>) -> Vec<DraftAction> {
    let mut actions = Vec::new();
    let keys: Vec<&'static str> = fields.keys().map(|(key, _)| key).collect();
    for key in keys {
        let Some(node) = fields.get(key) else { continue };
        match key {
            "say" => actions.extend(report.text(node, "say").map(DraftAction::Say)),
            "clear" => actions.push(DraftAction::Clear(report.texts(node, "clear"))),
            "raise" => actions.extend(report.text(node, "raise").map(DraftAction::Raise)),
            "set" => {
                let Data::Map(entries) = &node.data else {
                    let help = Some("for example `set: { nights: 2 }`".to_owned());
                    report.wrong(node, "`set` must be a mapping from slots", help);
                    continue;
                };
                let mut seen: Vec<&str> = Vec::new();
                for (slot, value) in entries {
                    if seen.contains(&slot.value.as_str()) {
                        let message = format!("`{}` is set twice here", slot.value);
                        report.add(slot.at, Rule::Duplicate, message, None);
                        continue;
                    }
                    seen.push(&slot.value);
                    if let Some(value) = Formula::read(report, value, &slot.value, true) {
                        actions.push(DraftAction::Set(slot.clone(), value));
                    }
                }
            }
            _ => {}
        }
    }
    actions
}

/// A case that could not be read.
pub(super) fn unread(at: Spot) -> DraftCase {
    DraftCase {
        at,
        guard: None,
        actions: Vec::new(),
        say_again: false,
        ask_again: None,
        reenter: false,
        go: DraftGo::Unread,
    }
}

fn case(report: &mut Report<'_>, node: &Node, what: &str, place: Place) -> DraftCase {
    let mut case = unread(node.at);
    match &node.data {
        Data::Scalar { .. } => {
            if let Some(target) = report.text(node, what) {
                case.go = DraftGo::Target(vec![target]);
            }
        }
        Data::List(_) => report.wrong(node, &format!("a case of `{what}` must be a mapping"), None),
        Data::Map(_) => {
            let Some(fields) = report.fields(node, &format!("a case of `{what}`"), KEYS) else { return case };
            // A guard that cannot be read is still a guard: the case does not always hold.
            case.guard = fields.get("guard").map(|node| {
                Formula::read(report, node, "guard", false).unwrap_or_else(|| Formula::unread(node.at))
            });
            case.actions = actions_of(report, &fields);
            let mut truth = |key: &'static str| fields.get(key).and_then(|node| report.truth(node, key));
            case.say_again = truth("say_again").unwrap_or(false);
            case.ask_again = truth("ask_again");
            case.reenter = truth("reenter").unwrap_or(false);
            let flags = ["next_page", "previous_page", "queue", "undo"].map(|key| (key, truth(key)));
            let ways: Vec<_> = fields.keys().filter(|(key, _)| WAYS.contains(key)).collect();
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
                (Some(node), _) => targets(report, node),
                (None, Some(run)) => report.text(run, "run").map_or(DraftGo::Unread, DraftGo::Run),
                (None, None) => match flags.iter().find(|(key, _)| fields.get(key).is_some()) {
                    Some((_, None)) => DraftGo::Unread,
                    Some(("next_page", Some(true))) => DraftGo::NextPage,
                    Some(("previous_page", Some(true))) => DraftGo::PreviousPage,
                    Some(("queue", Some(true))) => DraftGo::Queue,
                    Some(("undo", Some(true))) => DraftGo::Undo,
                    None if fields.strange => DraftGo::Unread,
                    _ => DraftGo::Stay,
                },
            };
            if let (true, Some(at)) = (case.reenter, fields.spot("reenter"))
                && !matches!(case.go, DraftGo::Target(_) | DraftGo::Unread)
            {
                let help = Some("a case without a `target` leaves nothing".to_owned());
                report.add(at, Rule::Conflict, "`reenter` is about a `target`", help);
            }
        }
    }
    limit(report, &case, what, place);
    case
}

/// Reads one target, or several in different regions.
fn targets(report: &mut Report<'_>, node: &Node) -> DraftGo {
    let targets = names(report, node, "target");
    if targets.is_empty() { DraftGo::Unread } else { DraftGo::Target(targets) }
}

/// Reads a name or a list of names.
pub(super) fn names(report: &mut Report<'_>, node: &Node, what: &str) -> Vec<At<String>> {
    match &node.data {
        Data::List(items) if items.is_empty() => {
            report.add(node.at, Rule::Missing, format!("`{what}` names nothing"), None);
            Vec::new()
        }
        Data::List(_) => report.texts(node, what),
        Data::Scalar { .. } | Data::Map(_) => report.text(node, what).into_iter().collect(),
    }
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
        DraftGo::NextPage if !place.answers => report.add(
            case.at,
            Rule::Conflict,
            format!("`next_page` answers what a guest says; it cannot stand in `{what}`"),
            None,
        ),
        DraftGo::PreviousPage if !place.answers => report.add(
            case.at,
            Rule::Conflict,
            format!("`previous_page` answers what a guest says; it cannot stand in `{what}`"),
            None,
        ),
        DraftGo::Undo if !place.answers => report.add(
            case.at,
            Rule::Conflict,
            format!("`undo` answers what a guest says; it cannot stand in `{what}`"),
            None,
        ),
        DraftGo::Queue if !place.queues => report.add(
            case.at,
            Rule::Conflict,
            "`queue` belongs to `on: start`: it is the wish that waits",
            None,
        ),
        DraftGo::Run(flow) if flow.value == REQUESTED && !place.requested => report.add(
            flow.at,
            Rule::Conflict,
            "`run: requested` belongs to `on: start` of the root chart",
            Some("name a flow".to_owned()),
        ),
        DraftGo::Run(flow) if !place.stays => report.add(
            flow.at,
            Rule::Conflict,
            format!("`run` comes back to where it was, and `{what}` goes on"),
            Some(format!("make a state of it: `{{ run: {}, done: … }}`", flow.value)),
        ),
        DraftGo::Stay
        | DraftGo::NextPage
        | DraftGo::PreviousPage
        | DraftGo::Undo
        | DraftGo::Queue
        | DraftGo::Run(_)
        | DraftGo::Target(_)
        | DraftGo::Unread => {}
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

/// Where an event is not known: what it may be.
pub(super) fn meant_event(name: &str, events: &BTreeSet<String>) -> Option<String> {
    match meant(name, "events", events.iter().map(String::as_str)) {
        Some(help) if !events.is_empty() => Some(help),
        _ => Some(format!("declare it: `events: [{name}]`")),
    }
}
