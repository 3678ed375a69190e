//! What is stale, what is confirmed, and the calls a state makes.

use std::sync::Arc;

use serde_json::Value as Json;

use crate::effect::{Arguments, Call};
use crate::facts::View;
use crate::flow::{Does, Flow, Flows, Input, Invoke, ResultId, StateId};
use crate::guard::{Expression, Path, Root};
use crate::input::{Moment, Outcome};
use crate::position::{Active, Confirmed, Frame, Open, Position, Read, Standing, Task};
use crate::slot::found;

/// Results depend on slots, slots on results; no flow chains more of them than this.
const DEEPEST_CHAIN: u32 = 32;

impl Position {
    /// Whether a call may be made: it is out, and where it writes the guest said yes to a read-back of what it sends.
    /// The driver asks this once more before it calls.
    pub fn permits(&self, flows: &Flows, call: &Call, moment: Moment) -> bool {
        let frame = self.frame();
        let Some(flow) = flows.shared(frame.flow) else { return false };
        let out = frame.active.iter().find_map(|Active { state, task }| match (task, flow.does(*state)) {
            (Task::Calling(open), Some(Does::Invoke(invoke))) => {
                let place = open.iter().position(|open| open.call == call.id && open.result.is_none())?;
                Some((*state, invoke, place))
            }
            _ => None,
        });
        let Some((state, invoke, place)) = out else { return false };
        let mut view = View::new(flow, frame, &self.guest, self.now(flows, moment));
        if invoke.tool != call.tool
            || invoke.writes != call.writes
            || invoke.writes && !is_confirmed(state, &view)
        {
            return false;
        }
        if let Some(each) = &invoke.each {
            let Some(item) = items(invoke, &view).into_iter().nth(place) else { return false };
            view.item = Some((Arc::clone(&each.item), item));
        }
        let asked = invoke.with.iter().filter(|(name, _)| call.arguments.contains(name)).count();
        asked == call.arguments.len()
            && invoke.with.iter().all(|(name, expression)| expression.gives(&view, &call.arguments, name))
    }

    /// The calls that are out and not answered, as they were made: the arguments follow from the position. A writing
    /// call without a live confirmation of what it sends is not among them.
    pub fn open_calls(&self, flows: &Flows, moment: Moment) -> Vec<Call> {
        let frame = self.frame();
        let Some(flow) = flows.shared(frame.flow) else { return Vec::new() };
        let mut calls = Vec::new();
        for Active { state, task } in &frame.active {
            let (Task::Calling(open), Some(Does::Invoke(invoke))) = (task, flow.does(*state)) else {
                continue;
            };
            let mut view = View::new(flow, frame, &self.guest, self.now(flows, moment));
            if invoke.writes && !is_confirmed(*state, &view) {
                continue;
            }
            let items = items(invoke, &view);
            for (index, Open { call, .. }) in
                open.iter().enumerate().filter(|(_, open)| open.result.is_none())
            {
                if let (Some(each), Some(item)) = (&invoke.each, items.get(index)) {
                    view.item = Some((Arc::clone(&each.item), Arc::clone(item)));
                }
                calls.push(made(*call, invoke, arguments_of(invoke, &view)));
            }
        }
        calls
    }
}

impl Standing {
    /// What is saved already where the answer to a call will be saved; `None` for a call that is made for a list.
    pub(crate) fn known_result(&self, flows: &Flows, call: u32) -> Option<&Arc<Json>> {
        let frame = self.frame();
        let flow = flows.flow(frame.flow)?;
        let state = frame.active.iter().find_map(|active| match &active.task {
            Task::Calling(open) if open.iter().any(|open| open.call == call) => Some(active.state),
            _ => None,
        })?;
        match flow.does(state)? {
            Does::Invoke(invoke) if invoke.each.is_none() => Some(&frame.result(invoke.save?)?.value),
            _ => None,
        }
    }
}

impl Position {
    /// The call that an input answers, and what came of it; `None` for an input that answers none.
    pub fn answer_in(&self, flows: &Flows, input: &crate::input::Input) -> Option<(u32, Outcome)> {
        match input {
            crate::input::Input::Answered { call, outcome } => Some((*call, outcome.clone())),
            crate::input::Input::AnsweredSame { call } => {
                let result = Arc::clone(self.known_result(flows, *call)?);
                Some((*call, Outcome::Ok { result }))
            }
            _ => None,
        }
    }
}

/// A call with its arguments.
pub(super) fn made(id: u32, invoke: &Invoke, arguments: Arguments) -> Call {
    Call {
        id,
        tool: Arc::clone(&invoke.tool),
        arguments,
        writes: invoke.writes,
        retry: invoke.retry,
        cache_ms: invoke.cache_ms,
    }
}

/// The items of the list an invocation is made for.
pub(super) fn items(invoke: &Invoke, view: &View<'_>) -> Vec<Arc<Json>> {
    let list = invoke.each.as_ref().map(|each| each.list.evaluate(view));
    match list {
        Some(Json::Array(items)) => items.into_iter().map(Arc::new).collect(),
        _ => Vec::new(),
    }
}

/// The arguments of an invocation: what has no value is left out.
pub(super) fn arguments_of(invoke: &Invoke, view: &View<'_>) -> Arguments {
    let given =
        |(name, expression): &(Arc<str>, Expression)| Some((Arc::clone(name), expression.give(view)?));
    invoke.with.iter().filter_map(given).collect()
}

/// The revisions of everything a result is computed from.
pub(super) fn revisions_of(inputs: &[Input], frame: &Frame) -> Vec<u32> {
    inputs.iter().map(|input| revision_of(*input, frame)).collect()
}

fn revision_of(input: Input, frame: &Frame) -> u32 {
    match input {
        Input::Slot(slot) => frame.slots.revision(slot),
        Input::Result(result) => frame.result(result).map_or(0, |saved| saved.revision),
    }
}

/// What a state's result is computed from.
fn inputs_of(flow: &Flow, producer: StateId) -> &[Input] {
    match flow.does(producer) {
        Some(Does::Invoke(invoke)) => &invoke.inputs,
        Some(Does::Run(run)) => &run.inputs,
        _ => &[],
    }
}

/// Whether a saved result no longer follows from the slots and results it was computed from, or expired.
pub(super) fn is_stale(id: ResultId, flow: &Flow, frame: &Frame, moment: Moment) -> bool {
    stale_within(id, flow, frame, moment, DEEPEST_CHAIN)
}

fn stale_within(id: ResultId, flow: &Flow, frame: &Frame, moment: Moment, depth: u32) -> bool {
    let Some(saved) = frame.result(id) else {
        return false;
    };
    if depth == 0 || saved.fresh_until.is_some_and(|until| moment.at.timestamp_millis() > until) {
        return true;
    }
    let inputs = inputs_of(flow, saved.producer);
    saved.inputs.len() != inputs.len()
        || inputs.iter().zip(&saved.inputs).any(|(input, revision)| {
            let below = match input {
                Input::Slot(slot) => flow.slot(*slot).and_then(|slot| slot.list),
                Input::Result(result) => Some(*result),
            };
            *revision != revision_of(*input, frame)
                || below
                    .is_some_and(|below| below != id && stale_within(below, flow, frame, moment, depth - 1))
        })
}

/// The values that a state reads back.
pub(super) fn read_by(by: StateId, paths: &[Path], view: &View<'_>) -> Confirmed {
    Confirmed { by, values: paths.iter().map(|path| read(path, view)).collect() }
}

fn read(path: &Path, view: &View<'_>) -> Read {
    match path.root {
        Root::Slot(slot) if path.fields.is_empty() => Read::Slot(view.frame.slots.get(slot).cloned()),
        _ => Read::Field(view.at(path)),
    }
}

/// Whether what was read back is still true.
pub(super) fn still_holds(known: &Confirmed, view: &View<'_>) -> bool {
    match view.flow.does(known.by) {
        Some(Does::Confirm { paths, .. }) => {
            paths.len() == known.values.len()
                && paths.iter().zip(known.values.iter()).all(|(path, known)| is_still(path, known, view))
        }
        _ => false,
    }
}

fn is_still(path: &Path, known: &Read, view: &View<'_>) -> bool {
    match (path.root, known) {
        (Root::Slot(slot), Read::Slot(known)) => match (known, view.frame.slots.get(slot)) {
            (Some(known), Some(now)) => known.means(now),
            (known, now) => known.is_none() && now.is_none(),
        },
        (Root::Result(result), Read::Field(known)) => {
            let now = view.frame.result(result).and_then(|saved| found(&saved.value, &path.fields));
            now.unwrap_or(&Json::Null) == known
        }
        (_, known) => read(path, view) == *known,
    }
}

/// Whether everything that a writing call of this state sends was read back and said yes to, and still has that value.
pub(super) fn is_confirmed(call: StateId, view: &View<'_>) -> bool {
    let confirmed = view.frame.confirmed.as_ref();
    confirmed
        .is_some_and(|confirmed| view.flow.is_covered(call, confirmed.by) && still_holds(confirmed, view))
}
