//! The turns of a session so far, told again from what is stored.
//!
//! The log holds every input, and [`step`] is a pure function: going through the inputs once more shows what the
//! engine did in each turn, calls and all. What was said to the guest is in the outbox, word for word.

use std::collections::HashMap;

use indexmap::IndexMap;
use innkeeper_engine::runtime::Logged;
use innkeeper_engine::{Call, Effect, Flows, Guest, Input, Position, step};
use serde::Serialize;
use serde_json::Value as Json;

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

/// All turns of a guest's talks, in order. The guest was unknown before the first one.
pub(super) fn turns(talks: &[Talk], flows: &Flows) -> Vec<PastTurn> {
    let mut turns = Vec::new();
    let mut remembered = IndexMap::new();
    for talk in talks {
        let before = turns.len();
        let mut again = Again::begin(talk, flows, remembered);
        tell(talk, &mut again, &mut turns);
        // Whatever does not lead to where the conversation stands is not what happened.
        if again.is_some_and(|again| Some(&again.position) != talk.position.as_ref()) {
            turns.truncate(before);
            tell(talk, &mut None, &mut turns);
        }
        remembered =
            talk.position.as_ref().map(|position| position.guest.remembered.clone()).unwrap_or_default();
    }
    turns
}

/// Tells one talk, with what the engine did in it if it is gone through again.
fn tell(talk: &Talk, again: &mut Option<Again<'_>>, turns: &mut Vec<PastTurn>) {
    let before = turns.len();
    for commit in &talk.commits {
        for logged in &commit.log {
            match &logged.input {
                Input::Said { text, button } => turns.push(PastTurn::new(turns.len(), text, button.clone())),
                Input::Silence | Input::Unreadable => {
                    turns.push(PastTurn { silent: true, ..PastTurn::new(turns.len(), "", None) })
                }
                // That a read-back was conveyed is noted before the words that answer it, and moves nothing.
                Input::Understood(_) | Input::Answered { .. } | Input::Conveyed { .. } => {}
            }
            if let (Some(again), Some(turn)) = (again.as_mut(), turns[before..].last_mut()) {
                again.take(logged, turn);
            }
        }
        if let Some(turn) = turns[before..].last_mut() {
            let replies = commit.outgoing.iter();
            let replies =
                replies.map(|reply| ReplyLine { text: reply.text.clone(), buttons: reply.buttons.clone() });
            turn.line.replies.extend(replies);
        }
    }
    if let (Some(turn), Some(position)) = (turns[before..].last_mut(), &talk.position) {
        turn.line.ended = position.is_over();
    }
}

fn begins_a_turn(input: &Input) -> bool {
    match input {
        Input::Said { .. } | Input::Silence | Input::Unreadable => true,
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
    /// From the beginning, with what was then remembered of the guest; `None` where nothing was committed, or on other
    /// flows.
    fn begin(talk: &Talk, flows: &'f Flows, remembered: IndexMap<String, Json>) -> Option<Self> {
        let now = talk.position.as_ref().filter(|position| position.version == flows.version())?;
        let guest = Guest { phone: now.guest.phone.clone(), remembered };
        Some(Self { flows, position: Position::start(flows, guest), calls: HashMap::new() })
    }

    fn take(&mut self, logged: &Logged, turn: &mut PastTurn) {
        let Logged { moment, input } = logged;
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
        let stepped = step(self.flows, self.position.clone(), input.clone(), *moment);
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
