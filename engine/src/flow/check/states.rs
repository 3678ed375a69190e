//! States as written: what each does or is, and which keys go with it.

use super::cases::{ONWARD, PERHAPS, Place, actions, delayed, handlers, names, read as read_cases, unread};
use super::doing;
use super::draft::{Draft, DraftAction, DraftCase, DraftDoes, DraftEvent, DraftGo, DraftState};
use super::near::listed;
use super::report::{Fields, Report};
use super::shape::Known;
use crate::flow::Event;
use crate::flow::error::Rule;
use crate::flow::raw::{At, Data, Node, Spot};

pub(super) const KEYS: &[&str] = &[
    "say",
    "collect",
    "invoke",
    "run",
    "with",
    "each",
    "as",
    "save",
    "fresh_for",
    "retry",
    "timeout",
    "cache",
    "done",
    "error",
    "unknown",
    "confirm",
    "send",
    "to",
    "yes",
    "no",
    "ask",
    "wait",
    "held",
    "final",
    "output",
    "target",
    "always",
    "after",
    "on",
    "entry",
    "exit",
    "states",
    "initial",
    "parallel",
    "history",
    "was",
];

/// The keys that say what a state does, or what it is.
pub(super) const DOING: &[&str] =
    &["collect", "invoke", "run", "confirm", "send", "ask", "wait", "held", "final", "history", "states"];

/// The keys that only belong to some of those; the empty one stands for a state with none of them.
pub(super) const BELONGS: &[(&str, &[&str])] = &[
    ("with", &["invoke", "run"]),
    ("each", &["invoke", "run"]),
    ("as", &["invoke", "run"]),
    ("save", &["invoke", "run"]),
    ("fresh_for", &["invoke"]),
    ("retry", &["invoke"]),
    ("timeout", &["invoke"]),
    ("cache", &["invoke"]),
    ("done", &["invoke", "run", "states"]),
    ("error", &["invoke"]),
    ("unknown", &["invoke"]),
    ("to", &["send"]),
    ("yes", &["confirm", "send"]),
    ("no", &["confirm", "send"]),
    ("output", &["final"]),
    ("initial", &["states"]),
    ("parallel", &["states"]),
    ("target", &["collect", "ask", "", "history"]),
];

/// What does not go with states that are left at once, or never by themselves.
pub(super) const FORBIDDEN: &[(&str, &[&str])] = &[
    ("final", &["on", "always", "after"]),
    ("held", &["always", "after"]),
    ("history", &["say", "on", "always", "after", "entry", "exit"]),
];

/// Reads a mapping of states and the states in them, a parent before its children.
pub(super) fn read(
    report: &mut Report<'_>,
    node: &Node,
    known: Known<'_>,
    parent: Option<usize>,
    draft: &mut Draft,
) {
    for (name, node) in report.named(node, "`states`", "state") {
        if let Some(first) = draft.states.get(&name.value) {
            let help =
                format!("the first is at {}; names are unique in a flow", report.whereabouts(first.at));
            let message = format!("there are two states `{}`", name.value);
            report.add(name.at, Rule::Duplicate, message, Some(help));
            draft.strange |=
                matches!(&node.data, Data::Map(keys) if keys.iter().any(|(k, _)| k.value == "states"));
            continue;
        }
        let (state, nested) = state(report, &name, node, known, parent);
        let index = draft.states.len();
        draft.states.insert(name.value.clone(), state);
        let Some(nested) = nested else { continue };
        draft.strange |= !matches!(nested.data, Data::Map(_));
        read(report, nested, known, Some(index), draft);
        if draft.states.len() == index + 1 && matches!(nested.data, Data::Map(_)) {
            report.add(nested.at, Rule::Missing, format!("the state `{}` has no states", name.value), None);
            draft.strange = true;
        }
    }
}

/// Reads one state; the second is the mapping of the states in it.
fn state<'n>(
    report: &mut Report<'_>,
    name: &At<String>,
    node: &'n Node,
    known: Known<'_>,
    parent: Option<usize>,
) -> (DraftState, Option<&'n Node>) {
    let mut state = DraftState {
        at: name.at,
        parent,
        does: DraftDoes::Unread,
        entry: Vec::new(),
        exit: Vec::new(),
        saves: None,
        on: Vec::new(),
        always: Vec::new(),
        after: Vec::new(),
        was: Vec::new(),
    };
    let what = format!("the state `{}`", name.value);
    let Some(fields) = report.fields(node, &what, KEYS) else { return (state, None) };
    let nested = fields.get("states");
    state.entry = fields.get("entry").map(|node| actions(report, node, "entry")).unwrap_or_default();
    state.entry.extend(fields.get("say").and_then(|node| report.text(node, "say")).map(DraftAction::Say));
    state.exit = fields.get("exit").map(|node| actions(report, node, "exit")).unwrap_or_default();
    state.saves = fields.get("save").and_then(|node| report.text(node, "save"));
    if let Some(save) = &state.saves {
        report.check_name(save, "result");
    }
    state.on = fields.get("on").map(|node| handlers(report, node, known, false)).unwrap_or_default();
    state.was = fields.get("was").map(|node| report.texts(node, "was")).unwrap_or_default();
    state.after = fields.get("after").map(|node| delayed(report, node)).unwrap_or_default();
    let Some(does) = one_thing(report, &fields, &what) else { return (state, nested) };
    let Some(misplaced) = misplaced(report, &fields, does) else { return (state, nested) };
    forbidden(report, &fields, does, &what);
    if does == "held" {
        held(report, name, &state, known);
    }
    let mut reader = Reader { report, fields: &fields, does, misplaced, what: &what, name };
    let always = fields.get("always");
    state.always = match (does, always) {
        // Without a way on of its own, this is meant to be it.
        ("collect" | "invoke" | "run" | "confirm" | "send" | "ask", Some(node)) if reader.lacks_a_way() => {
            let cases = read_cases(reader.report, node, "always", PERHAPS);
            match cases.last() {
                Some(last) if last.guard.is_none() => {
                    let at = fields.spot("always").unwrap_or(name.at);
                    let message = format!("`always` does not go with `{does}`");
                    reader.report.add(at, Rule::Conflict, message, way_of(does));
                    reader.misplaced = Some(node);
                    Vec::new()
                }
                _ => cases,
            }
        }
        ("" | "history" | "held" | "final", _) => Vec::new(),
        (_, Some(node)) => {
            let cases = read_cases(reader.report, node, "always", PERHAPS);
            if let Some(last) = cases.last().filter(|last| leaves_at_once(last)) {
                let message = format!("{what} is left at once: this case of `always` always holds");
                let help = Some("give it a `guard`".to_owned());
                reader.report.add(last.at, Rule::Conflict, message, help);
            }
            cases
        }
        (_, None) => Vec::new(),
    };
    if does.is_empty() {
        match reader.resting(!state.after.is_empty()) {
            Some((always, waits)) => {
                state.always = always;
                state.does = DraftDoes::Rest { waits };
            }
            None => state.does = DraftDoes::Unread,
        }
    } else if let Some(does) = doing::read(&mut reader) {
        state.does = does;
    }
    (state, nested)
}

fn leaves_at_once(case: &DraftCase) -> bool {
    case.guard.is_none() && !matches!(case.go, DraftGo::Unread)
}

/// The one key that says what a state does, or the empty one. `None` where there are several.
fn one_thing(report: &mut Report<'_>, fields: &Fields<'_>, what: &str) -> Option<&'static str> {
    let doing: Vec<(&'static str, Spot)> = fields.keys().filter(|(key, _)| DOING.contains(key)).collect();
    match doing.as_slice() {
        [] => Some(""),
        [(one, _)] => Some(*one),
        [(first, _), (second, at), ..] => {
            let (message, help) = match (*first, *second) {
                ("states", other) | (other, "states") => (
                    format!("{what} has states, and does nothing itself: not `{other}`"),
                    "make it one of its states",
                ),
                (first, second) => (
                    format!("a state does one thing: {what} has `{first}` and `{second}`"),
                    "make two states of it",
                ),
            };
            report.add(*at, Rule::Conflict, message, Some(help.to_owned()));
            None
        }
    }
}

fn way_of(does: &str) -> Option<String> {
    match does {
        "invoke" => Some("after a call: `done:` and `error:`".to_owned()),
        "run" => Some("after a flow: `done:`".to_owned()),
        "states" => Some("after its last state: `done:`".to_owned()),
        "confirm" => Some("after a read-back: `yes:` and `no:`".to_owned()),
        "send" => Some("after the question whether to send it: `yes:` and `no:`".to_owned()),
        "collect" | "ask" => Some(format!("after `{does}`: `target:`")),
        _ => None,
    }
}

/// Reports keys that belong elsewhere. What is found in place of a way on is given back; `None` where nobody knows what
/// the state was meant to do.
fn misplaced<'n>(report: &mut Report<'_>, fields: &Fields<'n>, does: &str) -> Option<Option<&'n Node>> {
    let mut misplaced = None;
    for (key, at) in fields.keys() {
        let Some((_, owners)) = BELONGS.iter().find(|(known, _)| *known == key) else { continue };
        let perhaps = does.is_empty() && fields.strange;
        if perhaps || owners.contains(&does) {
            continue;
        }
        let help = if key == "target" { way_of(does) } else { None };
        let message = match (owners.contains(&""), does) {
            (false, "") => format!("`{key}` belongs to {}", listed(owners)),
            (_, does) => format!("`{key}` does not go with `{does}`"),
        };
        report.add(at, Rule::Conflict, message, help);
        // What it was meant for is unknown, so whatever else seems wrong may not be.
        if does.is_empty() {
            return None;
        }
        if key == "target" {
            misplaced = fields.get(key);
        }
    }
    Some(misplaced)
}

fn forbidden(report: &mut Report<'_>, fields: &Fields<'_>, does: &str, what: &str) {
    let Some((_, keys)) = FORBIDDEN.iter().find(|(known, _)| *known == does) else { return };
    for (key, at) in fields.keys().filter(|(key, _)| keys.contains(key)) {
        let help = match does {
            "final" => "nothing follows in a final state".to_owned(),
            "held" => "a person has the conversation: only a named event, `on: …`, leaves it".to_owned(),
            _ => "a history state only has a `target`, where it leads the first time".to_owned(),
        };
        report.add(at, Rule::Conflict, format!("`{key}` does not go with `{does}`: {what}"), Some(help));
    }
}

/// What a state that a person has can be left by.
fn held(report: &mut Report<'_>, name: &At<String>, state: &DraftState, known: Known<'_>) {
    if !known.root {
        let message = format!("`{}` is held, and only the root chart can be", name.value);
        let help = "go to a state of the root chart that is held: `target: …`".to_owned();
        report.add(name.at, Rule::Conflict, message, Some(help));
    }
    for (event, _) in &state.on {
        if !matches!(event.value, DraftEvent::Named(_) | DraftEvent::Own(Event::Any)) {
            let help = Some("only named events are heard there".to_owned());
            report.add(
                event.at,
                Rule::Conflict,
                "a person has the conversation: nothing else is answered",
                help,
            );
        }
    }
}

/// Reads what a state does from its keys.
pub(super) struct Reader<'r, 's, 'n> {
    pub(super) report: &'r mut Report<'s>,
    pub(super) fields: &'r Fields<'n>,
    pub(super) does: &'static str,
    /// A way on that was written under another key.
    pub(super) misplaced: Option<&'n Node>,
    /// The state, for a sentence.
    pub(super) what: &'r str,
    pub(super) name: &'r At<String>,
}

impl Reader<'_, '_, '_> {
    /// Whether the key that says where it goes on is missing.
    fn lacks_a_way(&self) -> bool {
        let key = match self.does {
            "collect" | "ask" => "target",
            "confirm" | "send" => "yes",
            _ => "done",
        };
        self.fields.get(key).is_none() && self.misplaced.is_none()
    }

    /// The cases under a key that must be there.
    pub(super) fn onward(&mut self, key: &'static str, place: Place) -> Vec<DraftCase> {
        match self.fields.get(key).or(self.misplaced) {
            Some(node) => read_cases(self.report, node, key, place),
            None => {
                if !self.fields.strange {
                    let message = format!("{} has no `{key}`, so nothing follows", self.what);
                    let help = Some(format!("`{key}: <a state>`"));
                    self.report.add(self.name.at, Rule::Missing, message, help);
                }
                vec![unread(self.name.at)]
            }
        }
    }

    /// The cases under a key that may be there.
    pub(super) fn perhaps(&mut self, key: &'static str) -> Vec<DraftCase> {
        self.fields.get(key).map(|node| read_cases(self.report, node, key, PERHAPS)).unwrap_or_default()
    }

    /// The names under a key.
    pub(super) fn names(&mut self, key: &'static str) -> Option<Vec<At<String>>> {
        self.fields.get(key).map(|node| names(self.report, node, key))
    }

    /// A state that does nothing: where it goes on by itself, and whether it stays until something happens.
    fn resting(&mut self, delayed: bool) -> Option<(Vec<DraftCase>, bool)> {
        match (self.fields.get("target"), self.fields.get("always")) {
            (Some(_), Some(always)) => {
                let message = format!("{} has `target` and `always`, which mean the same here", self.what);
                self.report.add(always.at, Rule::Conflict, message, None);
                None
            }
            (Some(_), None) => Some((self.onward("target", ONWARD), false)),
            (None, Some(node)) if delayed => Some((read_cases(self.report, node, "always", PERHAPS), true)),
            (None, Some(_)) => Some((self.onward("always", ONWARD), false)),
            (None, None) if delayed => Some((Vec::new(), true)),
            (None, None) => {
                if !self.fields.strange {
                    let help = format!("give it a `target`, or one of {}", listed(DOING));
                    let message = format!("{} does nothing", self.what);
                    self.report.add(self.name.at, Rule::Missing, message, Some(help));
                }
                None
            }
        }
    }
}
