//! The turns of a session so far, told again from what is stored.
//!
//! The log holds every input, and [`step`] is a pure function: going through the inputs once more shows what the
//! engine did in each turn, calls and all. What was said to the guest is in the outbox, word for word.

use std::collections::HashMap;

use indexmap::IndexMap;
use innkeeper_engine::{Call, Effect, Flows, Input, Position, step};
use serde::Serialize;

use super::happened::Happened;
use crate::conversation::{ReplyLine, ToolLine, TurnLine, outcome_word};
use crate::store::Talk;

/// A turn of the past.
#[derive(Debug, Serialize)]
pub(super) struct PastTurn {
    /// The turn as programs see it. Its state is empty where the flows are no longer those it was taken on.
    line: TurnLine,
    /// Whether the guest said nothing.
    silent: bool,
    /// The button that was pressed.
    button: Option<String>,
    /// What happened, but for replies.
    happened: Vec<Happened>,
}

/// The number of turns in some talks.
pub(super) fn count(talks: &[Talk]) -> u64 {
    let inputs = talks.iter().flat_map(|talk| &talk.commits).flat_map(|commit| &commit.log);
    inputs.map(|logged| u64::from(begins_a_turn(&logged.input))).sum()
}

/// All turns of some talks, in order.
pub(super) fn turns(talks: &[Talk], flows: &Flows) -> Vec<PastTurn> {
    let mut turns = Vec::new();
    for talk in talks {
        let again = Again::begin(talk, flows);
        tell(talk, again, &mut turns);
    }
    turns
}

fn tell(talk: &Talk, mut again: Option<Again<'_>>, turns: &mut Vec<PastTurn>) {
    let before = turns.len();
    for commit in &talk.commits {
        for logged in &commit.log {
            match &logged.input {
                Input::Said { text, button } => turns.push(PastTurn::new(turns.len(), text, button.clone())),
                Input::Silence => turns.push(PastTurn { silent: true, ..PastTurn::new(turns.len(), "", None) }),
                Input::Understood(_) | Input::Answered { .. } | Input::Conveyed { .. } => {}
            }
            // A read-back's conveyance is noted before the turn's own words.
            let Some(turn) = turns.get_mut(before..).and_then(<[PastTurn]>::last_mut) else { continue };
            if let Some(again) = &mut again {
                again.take(&logged.input, logged.moment, turn);
            }
        }
        if let Some(turn) = turns.get_mut(before..).and_then(<[PastTurn]>::last_mut) {
            turn.line.replies.extend(
                commit
                    .outgoing
                    .iter()
                    .map(|reply| ReplyLine { text: reply.text.clone(), buttons: reply.buttons.clone() }),
            );
        }
    }
    if let (Some(turn), Some(position)) = (turns.get_mut(before..).and_then(<[PastTurn]>::last_mut), &talk.position) {
        turn.line.ended = position.is_over();
    }
}

fn begins_a_turn(input: &Input) -> bool {
    match input {
        Input::Said { .. } | Input::Silence => true,
        Input::Understood(_) | Input::Answered { .. } | Input::Conveyed { .. } => false,
    }
}

impl PastTurn {
    fn new(before: usize, text: &str, button: Option<String>) -> Self {
        let line = TurnLine {
            turn: before as u64 + 1,
            guest: text.to_owned(),
            replies: Vec::new(),
            state: String::new(),
            slots: IndexMap::new(),
            tools: Vec::new(),
            ended: false,
        };
        Self { line, silent: false, button, happened: Vec::new() }
    }
}

/// A conversation that is gone through again.
struct Again<'f> {
    flows: &'f Flows,
    position: Position,
    /// The calls that were made, by number.
    calls: HashMap<u64, Call>,
}

impl<'f> Again<'f> {
    /// From the beginning; `None` where nothing was committed, or on other flows.
    fn begin(talk: &Talk, flows: &'f Flows) -> Option<Self> {
        let now = talk.position.as_ref().filter(|position| position.version == flows.version())?;
        Some(Self { flows, position: Position::start(flows, now.guest.clone()), calls: HashMap::new() })
    }

    fn take(&mut self, input: &Input, moment: innkeeper_engine::Moment, turn: &mut PastTurn) {
        if let Input::Answered { call, outcome } = input
            && let Some(call) = self.calls.remove(call)
        {
            turn.happened.push(Happened::answered(&call, outcome));
            turn.line.tools.push(ToolLine {
                name: call.tool,
                arguments: call.arguments,
                outcome: outcome_word(outcome).to_owned(),
            });
        }
        let stepped = step(self.flows, self.position.clone(), input.clone(), moment);
        self.position = stepped.next;
        turn.happened.extend(stepped.trace.into_iter().map(Happened::Trace));
        for effect in stepped.effects {
            if let Effect::Call(call) = effect {
                turn.happened.push(Happened::called(&call));
                self.calls.insert(call.id, call);
            }
        }
        turn.line.state = self.position.state();
        turn.line.slots = self.position.slots();
    }
}
