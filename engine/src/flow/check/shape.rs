//! Files and states as written: their keys, and what belongs together.

use indexmap::IndexMap;

use super::cases::{ANSWER, FAILURE, ONWARD, handlers, read as read_cases, unread};
use super::draft::{Draft, DraftCase, DraftDoes, DraftInvoke, DraftState};
use super::formula::{Formula, single_path};
use super::near::listed;
use super::report::{Fields, Report};
use super::slots;
use crate::effect::Retry;
use crate::flow::ROOT;
use crate::flow::error::Rule;
use crate::flow::raw::{At, Data, Node};

const FILE_KEYS: &[&str] =
    &["flow", "description", "examples", "slots", "initial", "on", "states", "enabled"];

const STATE_KEYS: &[&str] = &[
    "say",
    "collect",
    "invoke",
    "with",
    "save",
    "fresh_for",
    "retry",
    "done",
    "error",
    "confirm",
    "yes",
    "no",
    "ask",
    "wait",
    "final",
    "target",
    "always",
    "on",
];

/// The keys that say what a state does.
const DOING: &[&str] = &["collect", "invoke", "confirm", "ask", "wait", "final"];

/// The keys that only belong to some of those.
const BELONGS: &[(&str, &[&str])] = &[
    ("with", &["invoke"]),
    ("save", &["invoke"]),
    ("fresh_for", &["invoke"]),
    ("retry", &["invoke"]),
    ("done", &["invoke"]),
    ("error", &["invoke"]),
    ("yes", &["confirm"]),
    ("no", &["confirm"]),
    ("target", &["collect", "ask", ""]),
    ("always", &[""]),
];

/// The pause before a first repetition, if none is written.
const BACKOFF_MS: u64 = 300;
const MOST_RETRIES: i64 = 10;

/// What a file is.
pub(super) enum FileDraft {
    /// A flow.
    Flow(Box<Draft>),
    /// It switches a flow off.
    Off(At<String>),
}

/// Reads a file. `None` when not even its flow's name can be read.
pub(super) fn file(report: &mut Report<'_>, node: &Node) -> Option<FileDraft> {
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
    let root = name.value == ROOT;
    let description = match fields.get("description") {
        Some(node) => report.text(node, "description").map(|text| text.value).unwrap_or_default(),
        None => {
            if !root && !fields.strange {
                let help = Some("one sentence: what the guest wants with it".to_owned());
                report.add(name.at, Rule::Missing, format!("`{}` has no `description`", name.value), help);
            }
            String::new()
        }
    };
    let examples = fields.get("examples").map(|node| report.texts(node, "examples")).unwrap_or_default();
    let mut draft = Draft {
        description,
        examples: examples.into_iter().map(|text| text.value).collect(),
        slots: IndexMap::new(),
        initial: fields.get("initial").and_then(|node| report.text(node, "initial")),
        on: fields.get("on").map(|node| handlers(report, node, root, root)).unwrap_or_default(),
        states: IndexMap::new(),
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
            for (name, node) in report.named(node, "`states`", "state") {
                let state = state(report, &name, node, root);
                draft.states.insert(name.value, state);
            }
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
    Some(FileDraft::Flow(Box::new(draft)))
}

fn state(report: &mut Report<'_>, name: &At<String>, node: &Node, root: bool) -> DraftState {
    let mut state =
        DraftState { at: name.at, say: None, does: DraftDoes::Unread, saves: None, on: Vec::new() };
    let what = format!("the state `{}`", name.value);
    let Some(fields) = report.fields(node, &what, STATE_KEYS) else { return state };
    state.say = fields.get("say").and_then(|node| report.text(node, "say"));
    state.saves = fields.get("save").and_then(|node| report.text(node, "save"));
    if let Some(save) = &state.saves {
        report.check_name(save, "result");
    }
    state.on = fields.get("on").map(|node| handlers(report, node, root, false)).unwrap_or_default();
    let doing: Vec<_> = fields.keys().filter(|(key, _)| DOING.contains(key)).collect();
    let does = match doing.as_slice() {
        [] => "",
        [(one, _)] => *one,
        [(first, _), (second, at), ..] => {
            report.add(
                *at,
                Rule::Conflict,
                format!("a state does one thing: {what} has `{first}` and `{second}`"),
                Some("make two states of it".to_owned()),
            );
            return state;
        }
    };
    let mut misplaced = None;
    for (key, at) in fields.keys() {
        let Some((_, owners)) = BELONGS.iter().find(|(known, _)| *known == key) else { continue };
        let perhaps = does.is_empty() && fields.strange;
        if !perhaps && !owners.contains(&does) {
            let help = match (key, does) {
                ("target" | "always", "invoke") => Some("after a call: `done:` and `error:`".to_owned()),
                ("target" | "always", "confirm") => Some("after a read-back: `yes:` and `no:`".to_owned()),
                ("always", "collect" | "ask") => Some(format!("after `{does}`: `target:`")),
                _ => None,
            };
            let message = match (owners.contains(&""), does) {
                (false, "") => format!("`{key}` belongs to {}", listed(owners)),
                (_, does) => format!("`{key}` does not go with `{does}`"),
            };
            report.add(at, Rule::Conflict, message, help);
            // What it was meant for is unknown, so whatever else seems wrong may not be.
            if does.is_empty() {
                return state;
            }
            if matches!(key, "target" | "always") {
                misplaced = fields.get(key);
            }
        }
    }
    if let Some(does) = doing_of(report, does, &fields, misplaced, &what, name) {
        state.does = does;
    }
    state
}

/// What the state does, if it can be read. A `misplaced` way on is read as the one that is missing.
fn doing_of(
    report: &mut Report<'_>,
    does: &str,
    fields: &Fields<'_>,
    misplaced: Option<&Node>,
    what: &str,
    name: &At<String>,
) -> Option<DraftDoes> {
    let onward = |report: &mut Report<'_>, key: &'static str, place| match fields.get(key).or(misplaced) {
        Some(node) => read_cases(report, node, key, place),
        None => {
            if !fields.strange {
                let message = format!("{what} has no `{key}`, so nothing follows");
                report.add(name.at, Rule::Missing, message, Some(format!("`{key}: <a state>`")));
            }
            vec![unread(name.at)]
        }
    };
    match does {
        "collect" => {
            let node = fields.get("collect")?;
            let slots = report.texts(node, "collect");
            if slots.is_empty() && matches!(&node.data, Data::List(items) if items.is_empty()) {
                report.add(node.at, Rule::Missing, format!("{what} collects nothing"), None);
            }
            let then = onward(report, "target", ONWARD);
            Some(DraftDoes::Collect { slots, then })
        }
        "ask" => {
            let then = onward(report, "target", ONWARD);
            let prompt = report.text(fields.get("ask")?, "ask")?;
            Some(DraftDoes::Ask { prompt, then })
        }
        "confirm" => {
            let node = fields.get("confirm")?;
            let paths = confirmed(report, node, what);
            let (yes, no) = (onward(report, "yes", ANSWER), onward(report, "no", ANSWER));
            Some(DraftDoes::Confirm { paths, yes, no })
        }
        "invoke" => {
            let done = onward(report, "done", ONWARD);
            invoke(report, fields, done).map(|invoke| DraftDoes::Invoke(Box::new(invoke)))
        }
        "wait" => {
            let node = fields.get("wait")?;
            match report.truth(node, "wait") {
                Some(true) => Some(DraftDoes::Wait),
                Some(false) => {
                    report.wrong(node, "`wait` must be `true`", Some("or leave it out".to_owned()));
                    None
                }
                None => None,
            }
        }
        "final" => {
            let outcome = report.text(fields.get("final")?, "final")?;
            report.check_name(&outcome, "outcome");
            Some(DraftDoes::Final(outcome.value))
        }
        _ => match (fields.get("target"), fields.get("always")) {
            (Some(_), Some(always)) => {
                let message = format!("{what} has `target` and `always`, which mean the same here");
                report.add(always.at, Rule::Conflict, message, None);
                None
            }
            (Some(_), None) => Some(DraftDoes::Always(onward(report, "target", ONWARD))),
            (None, Some(_)) => Some(DraftDoes::Always(onward(report, "always", ONWARD))),
            (None, None) => {
                if !fields.strange {
                    let help = format!("give it a `target`, or one of {}", listed(DOING));
                    report.add(name.at, Rule::Missing, format!("{what} does nothing"), Some(help));
                }
                None
            }
        },
    }
}

fn confirmed(report: &mut Report<'_>, node: &Node, what: &str) -> Vec<At<Vec<String>>> {
    let texts = report.texts(node, "confirm");
    if texts.is_empty() && matches!(&node.data, Data::List(items) if items.is_empty()) {
        report.add(node.at, Rule::Missing, format!("{what} reads nothing back"), None);
    }
    let mut paths = Vec::new();
    for text in texts {
        match single_path(&text.value) {
            Some(path) => paths.push(At::new(path, text.at)),
            None => report.add(
                text.at,
                Rule::BadExpression,
                format!("`{}` is not a slot or a field of a result", text.value),
                Some("for example `stay` or `quote.total`".to_owned()),
            ),
        }
    }
    paths
}

fn invoke(report: &mut Report<'_>, fields: &Fields<'_>, done: Vec<DraftCase>) -> Option<DraftInvoke> {
    let error =
        fields.get("error").map(|node| read_cases(report, node, "error", FAILURE)).unwrap_or_default();
    let mut with = Vec::new();
    if let Some(node) = fields.get("with") {
        for (name, value) in arguments(report, node) {
            if let Some(formula) = Formula::read(report, value, &name.value, true) {
                with.push((name, formula));
            }
        }
    }
    let fresh_for_ms = fields.get("fresh_for").and_then(|node| report.duration(node, "fresh_for"));
    if let (Some(at), None) = (fields.spot("fresh_for"), fields.get("save")) {
        let help = Some("name the result: `save: …`".to_owned());
        report.add(at, Rule::Conflict, "`fresh_for` is about a result that is not saved", help);
    }
    let retry = fields.get("retry").map(|node| retry(report, node)).unwrap_or_default();
    let tool = report.text(fields.get("invoke")?, "invoke")?;
    Some(DraftInvoke { tool, with, fresh_for_ms, retry, done, error })
}

/// The arguments by name; a tool's names need not be ours.
fn arguments<'n>(report: &mut Report<'_>, node: &'n Node) -> Vec<(At<String>, &'n Node)> {
    let Data::Map(entries) = &node.data else {
        report.wrong(node, "`with` must be a mapping from arguments", None);
        return Vec::new();
    };
    let mut arguments: Vec<(At<String>, &'n Node)> = Vec::new();
    for (name, value) in entries {
        if arguments.iter().any(|(known, _)| known.value == name.value) {
            let message = format!("the argument `{}` is given twice", name.value);
            report.add(name.at, Rule::Duplicate, message, None);
            continue;
        }
        arguments.push((name.clone(), value));
    }
    arguments
}

fn retry(report: &mut Report<'_>, node: &Node) -> Retry {
    let Some(fields) = report.fields(node, "`retry`", &["times", "backoff"]) else { return Retry::default() };
    let times = match fields.get("times") {
        Some(node) => {
            let times = report.number(node, "times", 0).unwrap_or_default();
            if times > MOST_RETRIES {
                let message = format!("{times} repetitions keep a guest waiting for too long");
                report.add(node.at, Rule::WrongType, message, Some(format!("at most {MOST_RETRIES}")));
            }
            times.min(MOST_RETRIES)
        }
        None => {
            if !fields.strange {
                report.add(node.at, Rule::Missing, "`retry` has no `times`", None);
            }
            0
        }
    };
    let backoff = fields.get("backoff").and_then(|node| report.duration(node, "backoff"));
    Retry {
        times: u32::try_from(times).unwrap_or_default(),
        backoff_ms: backoff.and_then(|pause| u64::try_from(pause).ok()).unwrap_or(BACKOFF_MS),
    }
}
