//! A recorded conversation on other flows: what they would have done with it.
//!
//! The guest says what was recorded, and was understood as it was then. A tool answers what it answered then to the same
//! arguments; what no tool was ever asked has no answer, and the comparison ends there. Words that were kept for a list
//! that nobody tried them on count as not understood.

mod why;

use std::sync::Arc;

use serde::Serialize;

use self::why::Told;
use super::{Entry, Mark, Revision};
use crate::effect::{Arguments, Call, Effect, Expecting};
use crate::flow::{Flows, Place};
use crate::input::{Input, Moment, Outcome, Understanding};
use crate::position::{Position, Waiting};
use crate::step::{step, step_told};

/// A turn in which other flows do something else.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The turn, counted from 1.
    pub turn: usize,
    /// The revision it ended with when it was recorded.
    pub revision: u64,
    /// What the guest said in it.
    pub heard: Option<String>,
    /// What is different.
    pub changes: Vec<Change>,
    /// The state, case or slot of the other flows that made the first difference; only the first difference has one.
    pub decided: Option<Place>,
    /// What decided in its place when it was recorded.
    pub before: Option<Place>,
}

/// Something that is different.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// Something else is said.
    Said {
        /// What was said.
        before: Vec<Saying>,
        /// What would be said.
        now: Vec<Saying>,
    },
    /// Something else is asked: another answer is waited for.
    Asked {
        /// What was waited for.
        before: Asked,
        /// What would be waited for.
        now: Asked,
    },
    /// Something else is called.
    Called {
        /// What was called.
        before: Vec<Called>,
        /// What would be called.
        now: Vec<Called>,
    },
    /// It stands elsewhere.
    Stands {
        /// Where it stood.
        before: String,
        /// Where it would stand.
        now: String,
    },
    /// A tool is called that was never called like this. What it would answer nobody knows: the comparison ends.
    NeverCalled {
        /// The call.
        call: Called,
    },
    /// A message is taken in that nobody tried to understand then. The comparison ends.
    NeverUnderstood,
}

/// Something that is said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Saying {
    /// The prompt.
    pub prompt: Arc<str>,
    /// What it asks for.
    pub expecting: Expecting,
}

/// What a conversation waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum Asked {
    /// The guest.
    Guest {
        /// What was asked.
        expecting: Expecting,
    },
    /// A person of the house.
    Person,
    /// Nothing: it is over.
    Nothing,
    /// Something that is still under way.
    Work,
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Called {
    /// The tool.
    pub tool: Arc<str>,
    /// Its arguments.
    pub arguments: Arguments,
}

/// Goes through a recorded conversation on other flows. Every turn that differs is told, the first with the line that
/// made the difference; none where they do the same.
pub fn against(new: &Flows, revisions: &[Revision]) -> Vec<Difference> {
    let turns = turns(revisions);
    let mut run = Run {
        new,
        recorded: recorded(&turns),
        rewinds: revisions
            .iter()
            .flat_map(|revision| &revision.log)
            .any(|logged| matches!(logged.entry, Entry::Mark(Mark::Rewound { .. }))),
        stood: Vec::new(),
    };
    let mut position = Position::start(new);
    let mut differences: Vec<Difference> = Vec::new();
    for (number, turn) in turns.iter().enumerate() {
        let start = differences.is_empty().then(|| position.clone());
        let mut now = Did::default();
        let (next, ended) = run.turn(number, turn, position, &mut now, None);
        position = next;
        let mut changes = turn.changes(&now, new, &position);
        let over = ended.is_some();
        if over {
            // It did not come to the end of the turn: what it would have said and where it would stand nobody knows.
            changes.retain(|change| matches!(change, Change::Called { .. }));
        }
        changes.extend(ended);
        if !changes.is_empty() {
            let (decided, before) = match start {
                Some(start) => {
                    let mut told = Told::default();
                    run.turn(number, turn, start.clone(), &mut Did::default(), Some(&mut told));
                    let previous =
                        number.checked_sub(1).and_then(|before| turns.get(before)?.revisions.last());
                    told.against(new, &start, &turn.told(previous), turn)
                }
                None => (None, None),
            };
            differences.push(Difference {
                turn: number + 1,
                revision: turn.last().map_or(0, |last| last.number),
                heard: turn.heard(),
                changes,
                decided,
                before,
            });
        }
        if over {
            break;
        }
    }
    differences
}

/// The commits of one turn: one, or more where calls were written down before they were made.
struct Turn<'r> {
    revisions: &'r [Revision],
}

/// What was done in a turn.
#[derive(Default)]
struct Did {
    says: Vec<Saying>,
    calls: Vec<Called>,
}

/// A call with its answer.
struct Recorded<'r> {
    turn: usize,
    call: &'r Call,
    outcome: &'r Outcome,
    moment: Option<Moment>,
}

struct Run<'r> {
    new: &'r Flows,
    recorded: Vec<Recorded<'r>>,
    /// Whether the conversation was ever put back.
    rewinds: bool,
    /// Where it stood after each revision, if it was.
    stood: Vec<(u64, Position)>,
}

fn turns(revisions: &[Revision]) -> Vec<Turn<'_>> {
    revisions
        .split_inclusive(|revision| {
            !matches!(
                revision.position.waiting(),
                Waiting::Answers | Waiting::Meaning { .. } | Waiting::Kept { .. }
            )
        })
        .map(|revisions| Turn { revisions })
        .collect()
}

fn recorded<'r>(turns: &[Turn<'r>]) -> Vec<Recorded<'r>> {
    let mut all = Vec::new();
    for (number, turn) in turns.iter().enumerate() {
        for revision in turn.revisions {
            let mut moments = revision.log.iter().filter_map(|logged| match logged.input()? {
                Input::Answered { .. } | Input::AnsweredSame { .. } => Some(logged.moment),
                _ => None,
            });
            all.extend(revision.calls.iter().map(|(call, outcome)| Recorded {
                turn: number,
                call,
                outcome,
                moment: moments.next(),
            }));
        }
    }
    all
}

impl<'r> Turn<'r> {
    fn last(&self) -> Option<&'r Revision> {
        self.revisions.last()
    }

    fn heard(&self) -> Option<String> {
        let inputs =
            self.revisions.iter().flat_map(|revision| &revision.log).filter_map(|logged| logged.input());
        inputs.into_iter().find_map(|input| match input {
            Input::Said { text, .. } => Some(text.clone()),
            _ => None,
        })
    }

    /// What is different from what was recorded.
    fn changes(&self, now: &Did, new: &Flows, position: &Position) -> Vec<Change> {
        let Some(last) = self.last() else { return Vec::new() };
        let mut changes = Vec::new();
        let says = || self.revisions.iter().flat_map(|revision| &revision.says);
        let same = says()
            .map(|say| (&say.prompt, &say.expecting))
            .eq(now.says.iter().map(|say| (&say.prompt, &say.expecting)));
        if !same {
            let before = says()
                .map(|say| Saying { prompt: Arc::clone(&say.prompt), expecting: say.expecting.clone() });
            changes.push(Change::Said { before: before.collect(), now: now.says.clone() });
        }
        let (was, is) = (Asked::of(last.position.waiting()), Asked::of(position.waiting()));
        if was != is {
            changes.push(Change::Asked { before: was, now: is });
        }
        let mut calls: Vec<&Call> =
            self.revisions.iter().flat_map(|revision| &revision.calls).map(|(call, _)| call).collect();
        // Answers come in any order; calls are made in the order of their numbers.
        calls.sort_by_key(|call| call.id);
        let same = calls
            .iter()
            .map(|call| (&call.tool, &call.arguments))
            .eq(now.calls.iter().map(|call| (&call.tool, &call.arguments)));
        if !same {
            let before = calls.into_iter().map(Called::of).collect();
            changes.push(Change::Called { before, now: now.calls.clone() });
        }
        if !why::same_place(&last.flows, &last.position, new, position) {
            changes
                .push(Change::Stands { before: last.position.state(&last.flows), now: position.state(new) });
        }
        changes
    }

    /// What was recorded, with what decided. `previous` is the revision before.
    fn told(&self, previous: Option<&Revision>) -> Told {
        let mut told = Told::default();
        let Some(last) = self.last() else { return told };
        let mut position = match previous {
            Some(previous) if previous.flows.version() == last.flows.version() => previous.position.clone(),
            Some(_) => return told,
            None => Position::start(&last.flows),
        };
        for logged in self.revisions.iter().flat_map(|revision| &revision.log) {
            let Some(input) = logged.input() else { continue };
            let (stepped, decisions) = step_told(&last.flows, position, input, logged.moment);
            position = stepped.next.clone();
            told.add(stepped, decisions);
        }
        told
    }
}

impl Run<'_> {
    /// Takes one recorded turn on the other flows. Where something is missing to go on, that is what ends it.
    fn turn(
        &mut self,
        number: usize,
        turn: &Turn<'_>,
        mut position: Position,
        did: &mut Did,
        mut told: Option<&mut Told>,
    ) -> (Position, Option<Change>) {
        let log: Vec<_> = turn.revisions.iter().flat_map(|revision| &revision.log).collect();
        let mut answered: Vec<usize> = Vec::new();
        for (place, logged) in log.iter().enumerate() {
            let input = match &logged.entry {
                Entry::Mark(Mark::Rewound { to }) => {
                    if let Some((_, before)) = self.stood.iter().rfind(|(number, _)| number == to) {
                        position = before.clone();
                    }
                    continue;
                }
                Entry::Mark(Mark::Begun { .. } | Mark::Moved { .. }) => continue,
                // What the world answers comes when it is asked for.
                Entry::Input(Input::Understood(_) | Input::Answered { .. } | Input::AnsweredSame { .. }) => {
                    continue;
                }
                Entry::Input(input) => input,
            };
            // The meanings that were found before the guest did something else.
            let mut meanings = log
                .iter()
                .skip(place + 1)
                .map_while(|later| match later.input() {
                    Some(Input::Understood(meaning)) => Some(Some((meaning, later.moment))),
                    Some(Input::Answered { .. } | Input::AnsweredSame { .. }) => Some(None),
                    _ => None,
                })
                .flatten();
            let mut first = matches!(input, Input::Said { .. }).then(|| meanings.next()).flatten();
            let mut waiting: Vec<(Input, Moment)> = Vec::new();
            let mut next = Some((input.clone(), logged.moment));
            while let Some((input, moment)) = next.take() {
                let stepped = match told.as_deref_mut() {
                    None => step(self.new, position, &input, moment),
                    Some(told) => {
                        let (stepped, decisions) = step_told(self.new, position, &input, moment);
                        told.add(stepped.clone(), decisions);
                        stepped
                    }
                };
                position = stepped.next;
                let mut unanswered: Option<Called> = None;
                for effect in stepped.effects {
                    match effect {
                        Effect::Say(say) => {
                            did.says.push(Saying { prompt: say.prompt, expecting: say.expecting })
                        }
                        Effect::Understand => {
                            let meaning = match position.waiting() {
                                Waiting::Kept { .. } => match meanings.next() {
                                    Some((meaning, at)) => Some((Arc::clone(meaning), at)),
                                    None => Some((Arc::<Understanding>::default(), moment)),
                                },
                                _ => first.take().map(|(meaning, at)| (Arc::clone(meaning), at)),
                            };
                            let Some((meaning, at)) = meaning else {
                                return (position, Some(Change::NeverUnderstood));
                            };
                            waiting.push((Input::Understood(meaning), at));
                        }
                        Effect::Call(call) => {
                            did.calls.push(Called::of(&call));
                            match self.answer(number, &call, &mut answered) {
                                Some((outcome, at)) => waiting
                                    .push((Input::Answered { call: call.id, outcome }, at.unwrap_or(moment))),
                                None => unanswered = unanswered.or(Some(Called::of(&call))),
                            }
                        }
                        Effect::Send(_) | Effect::Remember { .. } | Effect::HandOver | Effect::End => {}
                    }
                }
                if let Some(call) = unanswered {
                    return (position, Some(Change::NeverCalled { call }));
                }
                if !waiting.is_empty() {
                    next = Some(waiting.remove(0));
                }
            }
        }
        if self.rewinds
            && told.is_none()
            && let Some(last) = turn.last()
        {
            self.stood.push((last.number, position.clone()));
        }
        (position, None)
    }

    /// What a tool answered to these arguments: in this turn, else the last time before, else the first time after.
    fn answer(
        &self,
        turn: usize,
        call: &Call,
        answered: &mut Vec<usize>,
    ) -> Option<(Outcome, Option<Moment>)> {
        let same = |(_, recorded): &(usize, &Recorded<'_>)| {
            recorded.call.tool == call.tool && recorded.call.arguments == call.arguments
        };
        let all = || self.recorded.iter().enumerate().filter(same);
        let here = all().find(|(place, recorded)| recorded.turn == turn && !answered.contains(place));
        if let Some((place, recorded)) = here {
            answered.push(place);
            return Some((recorded.outcome.clone(), recorded.moment));
        }
        let before = all().rfind(|(_, recorded)| recorded.turn <= turn);
        let (_, recorded) = before.or_else(|| all().next())?;
        Some((recorded.outcome.clone(), None))
    }
}

impl Asked {
    fn of(waiting: &Waiting) -> Self {
        match waiting {
            Waiting::Guest { expecting, .. } => Self::Guest { expecting: expecting.clone() },
            Waiting::Person => Self::Person,
            Waiting::Over { .. } => Self::Nothing,
            Waiting::Meaning { .. } | Waiting::Kept { .. } | Waiting::Answers => Self::Work,
        }
    }
}

impl Called {
    fn of(call: &Call) -> Self {
        Self { tool: Arc::clone(&call.tool), arguments: call.arguments.clone() }
    }
}
