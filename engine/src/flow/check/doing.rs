//! What a state does, as written: its own keys and their values.

use super::cases::{ANSWER, ONWARD};
use super::draft::{DraftCase, DraftDoes, DraftEach, DraftInvoke, DraftRun, DraftSends};
use super::formula::{Formula, single_path};
use super::report::Report;
use super::states::Reader;
use crate::effect::Retry;
use crate::flow::error::Rule;
use crate::flow::raw::{At, Data, Node};

/// The pause before a first repetition, if none is written.
const BACKOFF_MS: u64 = 300;
pub(super) const MOST_RETRIES: i64 = 10;
pub(super) const RETRY_KEYS: &[&str] = &["times", "backoff"];

/// What the state does, if it can be read.
pub(super) fn read(reader: &mut Reader<'_, '_, '_>) -> Option<DraftDoes> {
    match reader.does {
        "collect" => {
            let node = reader.fields.get("collect")?;
            let slots = reader.report.texts(node, "collect");
            if slots.is_empty() && matches!(&node.data, Data::List(items) if items.is_empty()) {
                let message = format!("{} collects nothing", reader.what);
                reader.report.add(node.at, Rule::Missing, message, None);
            }
            let then = reader.onward("target", ONWARD);
            Some(DraftDoes::Collect { slots, then })
        }
        "ask" => {
            let then = reader.onward("target", ONWARD);
            let prompt = reader.report.text(reader.fields.get("ask")?, "ask")?;
            Some(DraftDoes::Ask { prompt, then })
        }
        "confirm" => {
            let node = reader.fields.get("confirm")?;
            let paths = confirmed(reader.report, node, reader.what);
            let (yes, no) = (reader.onward("yes", ANSWER), reader.onward("no", ANSWER));
            Some(DraftDoes::Confirm { paths, sends: None, yes, no })
        }
        "send" => {
            let prompt = reader.report.text(reader.fields.get("send")?, "send");
            let to = match reader.fields.get("to") {
                Some(node) => reader.report.text(node, "to"),
                None => {
                    let message = format!("{} does not say where it sends `send`", reader.what);
                    let help = Some("`to: <a way to the guest>`, one of those in `guest.reach`".to_owned());
                    reader.report.add(reader.name.at, Rule::Missing, message, help);
                    None
                }
            };
            let (yes, no) = (reader.onward("yes", ANSWER), reader.onward("no", ANSWER));
            let (prompt, to) = (prompt?, to?);
            reader.report.check_name(&to, "way");
            Some(DraftDoes::Confirm { paths: Vec::new(), sends: Some(DraftSends { prompt, to }), yes, no })
        }
        "invoke" => {
            let done = reader.onward("done", ONWARD);
            invoke(reader, done).map(|invoke| DraftDoes::Invoke(Box::new(invoke)))
        }
        "run" => {
            let done = reader.onward("done", ONWARD);
            let each = each(reader);
            let with = with(reader);
            let flow = reader.report.text(reader.fields.get("run")?, "run")?;
            Some(DraftDoes::Run(Box::new(DraftRun { flow, with, each, done })))
        }
        "wait" => only_true(reader).then_some(DraftDoes::Rest { waits: true }),
        "held" => only_true(reader).then_some(DraftDoes::Held),
        "final" => {
            let outcome = reader.report.text(reader.fields.get("final")?, "final")?;
            reader.report.check_name(&outcome, "outcome");
            let output = reader.fields.get("output");
            let output = output.and_then(|node| Formula::read(reader.report, node, "output", true));
            Some(DraftDoes::Final { outcome, output })
        }
        "states" => {
            let parallel = reader.fields.get("parallel");
            let parallel = parallel.and_then(|node| reader.report.truth(node, "parallel")).unwrap_or(false);
            let initial = reader.fields.get("initial");
            let done = match reader.fields.get("done").or(reader.misplaced) {
                Some(_) => reader.onward("done", ONWARD),
                None => Vec::new(),
            };
            if !parallel {
                let initial = initial.and_then(|node| reader.report.text(node, "initial"));
                return Some(DraftDoes::Compound { initial, done });
            }
            if let Some(at) = reader.fields.spot("initial") {
                let help = Some("every region of it is entered".to_owned());
                reader.report.add(at, Rule::Conflict, "`initial` does not go with `parallel`", help);
            }
            Some(DraftDoes::Parallel { done })
        }
        "history" => {
            let kind = reader.report.text(reader.fields.get("history")?, "history")?;
            let deep = match kind.value.as_str() {
                "deep" => true,
                "shallow" => false,
                _ => {
                    let message = format!("there is no history `{}`", kind.value);
                    reader.report.unknown(&kind, Rule::WrongType, message, "histories", ["shallow", "deep"]);
                    return None;
                }
            };
            let Some(default) = reader.names("target") else {
                if !reader.fields.strange {
                    let message = format!("{} has no `target`, where it leads the first time", reader.what);
                    let help = Some("`target: <a state>`".to_owned());
                    reader.report.add(reader.name.at, Rule::Missing, message, help);
                }
                return None;
            };
            (!default.is_empty()).then_some(DraftDoes::History { deep, default })
        }
        _ => None,
    }
}

/// Whether a key is `true`, the only thing it can be.
fn only_true(reader: &mut Reader<'_, '_, '_>) -> bool {
    let key = reader.does;
    let Some(node) = reader.fields.get(key) else { return false };
    match reader.report.truth(node, key) {
        Some(true) => true,
        Some(false) => {
            let help = Some("or leave it out".to_owned());
            reader.report.wrong(node, &format!("`{key}` must be `true`"), help);
            false
        }
        None => false,
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

fn invoke(reader: &mut Reader<'_, '_, '_>, done: Vec<DraftCase>) -> Option<DraftInvoke> {
    let (error, unknown) = (reader.perhaps("error"), reader.perhaps("unknown"));
    let with = with(reader);
    let each = each(reader);
    let fields = reader.fields;
    let report = &mut *reader.report;
    let fresh_for_ms = fields.get("fresh_for").and_then(|node| report.duration(node, "fresh_for"));
    if let (Some(at), None) = (fields.spot("fresh_for"), fields.get("save")) {
        let help = Some("name the result: `save: …`".to_owned());
        report.add(at, Rule::Conflict, "`fresh_for` is about a result that is not saved", help);
    }
    let mut retry = fields.get("retry").map(|node| retry(report, node)).unwrap_or_default();
    let timeout = fields.get("timeout").and_then(|node| positive(report, node, "timeout"));
    retry.timeout_ms = timeout.and_then(|time| u64::try_from(time).ok());
    let cache = fields.get("cache").and_then(|node| positive(report, node, "cache"));
    let cache = cache.zip(fields.spot("cache")).map(|(time, at)| At::new(time, at));
    let tool = report.text(fields.get("invoke")?, "invoke")?;
    Some(DraftInvoke { tool, with, each, fresh_for_ms, retry, cache, done, error, unknown })
}

/// A time that is longer than nothing.
fn positive(report: &mut Report<'_>, node: &Node, what: &str) -> Option<i64> {
    let time = report.duration(node, what)?;
    if time == 0 {
        report.add(node.at, Rule::WrongType, format!("`{what}` must be longer than nothing"), None);
        return None;
    }
    Some(time)
}

/// The list something is done for, and what its item is called.
fn each(reader: &mut Reader<'_, '_, '_>) -> Option<DraftEach> {
    let fields = reader.fields;
    let (list, item) = (fields.get("each"), fields.get("as"));
    match (fields.spot("each"), fields.spot("as")) {
        (Some(at), None) if !fields.strange => {
            let help = Some("`as: item`, and `with` may say `item.…`".to_owned());
            reader.report.add(at, Rule::Missing, "`each` has no `as`, the name of an item", help);
        }
        (None, Some(at)) if !fields.strange => {
            let help = Some("`each: offers.rooms`, for example".to_owned());
            reader.report.add(at, Rule::Missing, "`as` names an item, and there is no `each`", help);
        }
        _ => {}
    }
    let item = reader.report.text(item?, "as")?;
    reader.report.check_name(&item, "item");
    let at = fields.spot("each")?;
    let list = Formula::read(reader.report, list?, "each", true)?;
    Some(DraftEach { at, list, item })
}

/// The arguments by name; a tool's names need not be ours.
fn with(reader: &mut Reader<'_, '_, '_>) -> Vec<(At<String>, Formula)> {
    let Some(node) = reader.fields.get("with") else { return Vec::new() };
    let Data::Map(entries) = &node.data else {
        reader.report.wrong(node, "`with` must be a mapping from arguments", None);
        return Vec::new();
    };
    let mut names: Vec<&str> = Vec::new();
    let mut with = Vec::new();
    for (name, value) in entries {
        if names.contains(&name.value.as_str()) {
            let message = format!("the argument `{}` is given twice", name.value);
            reader.report.add(name.at, Rule::Duplicate, message, None);
            continue;
        }
        names.push(&name.value);
        if let Some(formula) = Formula::read(reader.report, value, &name.value, true) {
            with.push((name.clone(), formula));
        }
    }
    with
}

fn retry(report: &mut Report<'_>, node: &Node) -> Retry {
    let Some(fields) = report.fields(node, "`retry`", RETRY_KEYS) else { return Retry::default() };
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
        timeout_ms: None,
    }
}
