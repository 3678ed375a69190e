//! What guards, arguments and prompts see; what is stale; what is confirmed.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde_json::{Value as Json, json};

use super::Machine;
use crate::effect::Call;
use crate::flow::{Does, Flow, Flows, Invoke};
use crate::guard::Expression;
use crate::input::Moment;
use crate::position::{Frame, Guest, Position};
use crate::slot::{Item, Kind, Options};

/// Results depend on slots, slots on results; no flow chains more of them than this.
const DEEPEST_CHAIN: u32 = 32;

impl Machine<'_> {
    /// Everything the active flow's expressions and prompts may read.
    pub(super) fn facts(&self) -> IndexMap<String, Json> {
        let mut facts = facts_of(self.frame(), &self.position.guest);
        facts.insert("unclear".to_owned(), json!(self.position.unclear));
        facts.insert("silence".to_owned(), json!(self.position.silence));
        facts.insert("today".to_owned(), json!(self.moment.today));
        facts
    }

    /// The list of a choice slot of the active flow; empty for other kinds.
    pub(super) fn items(&self, slot: &str) -> Vec<Item> {
        self.flow()
            .and_then(|flow| flow.slots.get(slot))
            .and_then(|slot| items_of(self.frame(), &slot.kind))
            .unwrap_or_default()
    }
}

impl Position {
    /// Whether a call may be made: the active state declares it with exactly these arguments, and where it writes the
    /// guest said yes to a read-back of what it sends. The driver asks this once more before it calls.
    pub fn permits(&self, flows: &Flows, call: &Call) -> bool {
        let frame = self.frame();
        let state = flows.get(&frame.flow).and_then(|flow| flow.states.get(&frame.state));
        match state.map(|state| &state.does) {
            Some(Does::Invoke(invoke)) if invoke.tool == call.tool => {
                !invoke.writes
                    || (is_confirmed(invoke, frame, &self.guest)
                        && arguments_of(invoke, &facts_of(frame, &self.guest)) == call.arguments)
            }
            _ => false,
        }
    }
}

/// The arguments of an invocation: what has no value is left out.
pub(super) fn arguments_of(invoke: &Invoke, facts: &IndexMap<String, Json>) -> IndexMap<String, Json> {
    let values = invoke.with.iter().map(|(name, expression)| (name.clone(), expression.evaluate(facts)));
    values.filter(|(_, value)| !value.is_null()).collect()
}

/// Slots and results by name, `guest` and `error`.
pub(super) fn facts_of(frame: &Frame, guest: &Guest) -> IndexMap<String, Json> {
    let mut facts: IndexMap<String, Json> =
        frame.results.iter().map(|(name, saved)| (name.clone(), saved.value.clone())).collect();
    facts.extend(frame.slots.json());
    facts.insert("guest".to_owned(), guest.json());
    if let Some(error) = &frame.error {
        facts.insert("error".to_owned(), error.clone());
    }
    facts
}

/// The list of a choice as it stands: `None` while its result does not exist; empty for other kinds.
pub(super) fn items_of(frame: &Frame, kind: &Kind) -> Option<Vec<Item>> {
    match kind {
        Kind::Choice(options) => options.items(|name| frame.results.get(name).map(|saved| &saved.value)),
        Kind::DateRange { .. }
        | Kind::Date { .. }
        | Kind::Party { .. }
        | Kind::Boolean
        | Kind::Integer { .. }
        | Kind::Text { .. }
        | Kind::PersonName
        | Kind::Phone
        | Kind::Reference => Some(Vec::new()),
    }
}

/// The revisions of everything an invocation reads.
pub(super) fn inputs_of(invoke: &Invoke, frame: &Frame) -> BTreeMap<String, Option<u64>> {
    invoke
        .with
        .values()
        .flat_map(Expression::paths)
        .filter_map(|path| path.first())
        .map(|name| (name.clone(), revision_of(name, frame)))
        .collect()
}

/// Whether the saved result `name` no longer follows from the slots and results it was computed from, or expired.
pub(super) fn is_stale(name: &str, flow: &Flow, frame: &Frame, moment: Moment) -> bool {
    stale_within(name, flow, frame, moment, DEEPEST_CHAIN)
}

fn stale_within(name: &str, flow: &Flow, frame: &Frame, moment: Moment, depth: u32) -> bool {
    let Some(saved) = frame.results.get(name) else {
        return false;
    };
    if depth == 0 || saved.fresh_until.is_some_and(|until| moment.at > until) {
        return true;
    }
    saved.inputs.iter().any(|(input, revision)| {
        *revision != revision_of(input, frame)
            || match flow.slots.get(input).map(|slot| &slot.kind) {
                Some(Kind::Choice(Options::From { result, .. })) if result != name => {
                    stale_within(result, flow, frame, moment, depth - 1)
                }
                Some(_) => false,
                None => input != name && stale_within(input, flow, frame, moment, depth - 1),
            }
    })
}

fn revision_of(name: &str, frame: &Frame) -> Option<u64> {
    frame.slots.revision(name).or_else(|| frame.results.get(name).map(|saved| saved.revision))
}

/// The value at a path of facts; [`Json::Null`] where there is none.
pub(super) fn value_at(facts: &IndexMap<String, Json>, path: &[String]) -> Json {
    let mut parts = path.iter();
    let root = parts.next().and_then(|root| facts.get(root));
    parts
        .fold(root, |value, part| match value {
            Some(Json::Array(list)) => part.parse::<usize>().ok().and_then(|index| list.get(index)),
            Some(value) => value.get(part),
            None => None,
        })
        .cloned()
        .unwrap_or(Json::Null)
}

/// Whether every argument of a writing call was read back and said yes to, and still has that value.
///
/// A path is covered by a confirmed path that is its beginning (a choice confirms its whole record), and an id of a
/// result by any confirmed field of the same result.
pub(super) fn is_confirmed(invoke: &Invoke, frame: &Frame, guest: &Guest) -> bool {
    let Some(confirmed) = &frame.confirmed else {
        return false;
    };
    let facts = facts_of(frame, guest);
    invoke.with.values().flat_map(Expression::paths).all(|path| {
        let is_result = path.first().is_some_and(|root| frame.results.contains_key(root));
        confirmed.iter().any(|(read, value)| {
            let read: Vec<String> = read.split('.').map(str::to_owned).collect();
            let covers = path.starts_with(&read)
                || (is_result
                    && is_id(path.last().map_or("", String::as_str))
                    && path.first() == read.first());
            covers && *value == value_at(&facts, &read)
        })
    })
}

/// Whether a field's name says that it is an opaque id.
fn is_id(field: &str) -> bool {
    field == "id" || field.ends_with("_id")
}
