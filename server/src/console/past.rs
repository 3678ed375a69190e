//! The turns of a session so far, told again from what is stored.
//!
//! The log holds every input, and [`step`] is a pure function: going through the inputs once more shows what the
//! engine did in each turn, calls and all. What was said to the guest is in the outbox, word for word.

use std::collections::HashMap;
use std::sync::Arc;

use indexmap::IndexMap;
use innkeeper_engine::runtime::{Entry, Logged, Mark, Versions};
use innkeeper_engine::{Call, Effect, Flows, Input, Moment, Position, step};
use serde::Serialize;

use super::happened::Happened;
use crate::conversation::{ReplyLine, ToolLine, TurnLine};
use crate::store::Talk;

/// A turn of the past.
#[derive(Debug, Serialize)]
pub(super) struct PastTurn {
    /// The turn as programs see it. Its state is empty where the flows it was taken on are not kept any more.
    line: TurnLine,
    /// Whether the guest said nothing: they were silent, or something else happened.
    silent: bool,
    /// Whether the guest did nothing at all: a time came, or something happened elsewhere.
    elsewhere: bool,
    /// The button that was pressed.
    button: Option<String>,
    /// What happened, but for replies.
    happened: Vec<Happened>,
}

/// The number of turns in some talks.
pub(super) fn count(talks: &[Talk]) -> u64 {
    let entries = talks.iter().flat_map(|talk| &talk.commits).flat_map(|commit| &commit.log);
    entries.filter_map(Logged::input).map(|input| u64::from(begins_a_turn(input))).sum()
}

/// All turns of a guest's talks, in order.
pub(super) fn turns(talks: &[Talk], versions: &Versions) -> Vec<PastTurn> {
    let mut turns = Vec::new();
    for talk in talks {
        let before = turns.len();
        let mut again = Again::begin(talk, versions);
        tell(talk, &mut again, &mut turns);
        // Whatever does not lead to where the conversation stands is not what happened.
        if again.is_none_or(|again| Some(&again.position) != talk.position.as_ref()) {
            turns.truncate(before);
            tell(talk, &mut None, &mut turns);
        }
    }
    turns
}

/// Tells one talk, with what the engine did in it if it is gone through again.
fn tell(talk: &Talk, again: &mut Option<Again>, turns: &mut Vec<PastTurn>) {
    let before = turns.len();
    for commit in &talk.commits {
        for logged in &commit.log {
            let input = match &logged.entry {
                Entry::Input(input) => input,
                Entry::Mark(Mark::Begun { .. }) => continue,
                Entry::Mark(Mark::Rewound { .. } | Mark::Moved { .. }) => {
                    *again = None;
                    continue;
                }
            };
            if let Input::Said { text, button } = input {
                turns.push(PastTurn::new(turns.len(), text, button.clone()));
            } else if begins_a_turn(input) {
                let elsewhere = matches!(input, Input::Due | Input::Event { .. });
                turns.push(PastTurn { silent: true, elsewhere, ..PastTurn::new(turns.len(), "", None) });
            }
            if let Some(again) = again.as_mut() {
                again.take(input, logged.moment, turns[before..].last_mut());
            }
        }
        if let Some(turn) = turns[before..].last_mut() {
            turn.line.replies.extend(commit.outgoing.iter().map(ReplyLine::told));
        }
    }
    if let (Some(turn), Some(position)) = (turns[before..].last_mut(), &talk.position) {
        turn.line.ended = position.is_over();
    }
}

fn begins_a_turn(input: &Input) -> bool {
    match input {
        Input::Said { .. } | Input::Silence | Input::Unreadable | Input::Due | Input::Event { .. } => true,
        // Who the guest is, and that a read-back was conveyed, is noted before what is said, and moves nothing.
        Input::Understood(_)
        | Input::Answered { .. }
        | Input::AnsweredSame { .. }
        | Input::Conveyed { .. }
        | Input::Guest(_) => false,
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
        Self { line, silent: false, elsewhere: false, button, happened: Vec::new() }
    }
}

/// A conversation that is gone through again.
struct Again {
    flows: Arc<Flows>,
    position: Position,
    /// The calls that were made, by number.
    calls: HashMap<u32, Call>,
    /// What happened before the first turn.
    before: Vec<Happened>,
}

impl Again {
    /// From the beginning; `None` where nothing was committed, or its flows are not kept.
    fn begin(talk: &Talk, versions: &Versions) -> Option<Self> {
        let flows = versions.get(talk.position.as_ref()?.version())?;
        Some(Self { position: Position::start(&flows), flows, calls: HashMap::new(), before: Vec::new() })
    }

    fn take(&mut self, input: &Input, moment: Moment, turn: Option<&mut PastTurn>) {
        let answered = self.position.answer_in(&self.flows, input);
        let answered = answered.and_then(|(call, outcome)| Some((self.calls.remove(&call)?, outcome)));
        let stepped = step(&self.flows, self.position.clone(), input, moment);
        self.position = stepped.next;
        let Some(turn) = turn else {
            self.before.extend(stepped.trace.into_iter().map(Happened::Trace));
            return;
        };
        turn.happened.append(&mut self.before);
        if let Some((call, outcome)) = answered {
            turn.happened.push(Happened::answered(&call, &outcome));
            turn.line.tools.push(ToolLine::of(&call, &outcome));
        }
        turn.happened.extend(stepped.trace.into_iter().map(Happened::Trace));
        for effect in stepped.effects {
            if let Effect::Call(call) = effect {
                turn.happened.push(Happened::called(&call));
                self.calls.insert(call.id, call);
            }
        }
        turn.line.state = self.position.state(&self.flows);
        turn.line.slots = self.position.slots(&self.flows);
        turn.line.slots.sort_keys();
    }
}
