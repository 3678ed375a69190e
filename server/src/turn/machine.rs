//! The turn machine: `open { listening, gathering, thinking, speaking }` and `closed`. Pure: what it wants is data.
//!
//! Its states are about pace, never about what is talked about. Handlers push wishes; the lane grants them.

use std::collections::VecDeque;

use chrono::{DateTime, Utc};
use statig::prelude::*;

use super::Pace;
use crate::clock::later;
use crate::message::MessageId;

/// So many fragments are one turn at most.
const FRAGMENTS: usize = 20;

/// Something that happens to a chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The guest wrote.
    Heard(Heard),
    /// The conversation must be woken: a time it was to wait for has come.
    Due,
    /// The wait that was wished for is over.
    Waited,
    /// The turn has its outcome.
    Answered,
    /// The reply is on its way.
    Spoken,
    /// Nothing more will come.
    Closed,
}

/// A message as far as its pace is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// The message.
    pub message: MessageId,
    /// When it came.
    pub at: DateTime<Utc>,
    /// Until when it waits for more.
    pub until: DateTime<Utc>,
    /// Whether it is a turn of its own: a button, something other than words, a turn that was begun before.
    pub alone: bool,
}

/// What the machine wants done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Wait until then; an earlier wish to wait is void.
    Wait(DateTime<Utc>),
    /// Have these messages answered, as one turn of which the first is the lead.
    Think(Vec<MessageId>),
    /// Have the conversation woken.
    Wake,
    /// Let the reply go.
    Speak,
    /// Nothing is left to do until the guest writes again.
    Rest,
}

/// What a chat remembers: the messages that wait, in order.
#[derive(Debug)]
pub struct Chat {
    pace: Pace,
    queue: VecDeque<Heard>,
    /// Whether the conversation must be woken.
    due: bool,
}

impl Chat {
    /// A chat in which nobody has said anything yet.
    pub fn new(pace: Pace) -> Self {
        Self { pace, queue: VecDeque::new(), due: false }
    }

    /// Queues a message where it belongs: two that came at once may be told of in either order.
    fn hear(&mut self, heard: Heard) {
        let earlier = self.queue.partition_point(|queued| queued.message < heard.message);
        self.queue.insert(earlier, heard);
    }

    /// The number of messages at the front of the queue that are one turn, and until when that may still grow.
    fn group(&self) -> Option<(usize, DateTime<Utc>)> {
        let first = self.queue.front()?;
        if first.alone {
            return Some((1, first.at));
        }
        let size = self.queue.iter().take_while(|heard| !heard.alone).take(FRAGMENTS).count();
        let last = self.queue.get(size - 1)?;
        let is_cut = size == FRAGMENTS || size < self.queue.len();
        let until = if is_cut { last.at } else { last.until.min(later(first.at, self.pace.cap)) };
        Some((size, until))
    }
}

#[state_machine(
    initial = "State::listening()",
    state(derive(Debug, Clone, PartialEq, Eq)),
    superstate(derive(Debug))
)]
impl Chat {
    /// The guest may write at any time; what no state below cares for ends here.
    #[superstate]
    fn open(&mut self, event: &Event) -> Outcome<State> {
        match event {
            Event::Heard(heard) => {
                self.hear(*heard);
                Handled
            }
            Event::Closed => Transition(State::closed()),
            // A wait that a later message made void, or an outcome that nobody waits for; who talks need not be woken.
            Event::Due | Event::Waited | Event::Answered | Event::Spoken => Handled,
        }
    }

    /// Nothing waits.
    #[state(superstate = "open", entry_action = "rest")]
    fn listening(&mut self, event: &Event) -> Outcome<State> {
        match event {
            Event::Heard(heard) => {
                self.hear(*heard);
                Transition(State::gathering())
            }
            Event::Due => {
                self.due = true;
                Transition(State::thinking())
            }
            Event::Waited | Event::Answered | Event::Spoken | Event::Closed => Super,
        }
    }

    /// The guest may not have finished.
    #[state(superstate = "open", entry_action = "wait")]
    fn gathering(&mut self, event: &Event, context: &mut Vec<Wish>) -> Outcome<State> {
        match event {
            Event::Heard(heard) => {
                self.hear(*heard);
                self.wait(context);
                Handled
            }
            Event::Waited => Transition(State::thinking()),
            Event::Due | Event::Answered | Event::Spoken | Event::Closed => Super,
        }
    }

    /// The turn is being answered; what comes now waits for the next one.
    #[state(superstate = "open", entry_action = "think")]
    fn thinking(&mut self, event: &Event) -> Outcome<State> {
        match event {
            Event::Answered => Transition(State::speaking()),
            Event::Heard(_) | Event::Due | Event::Waited | Event::Spoken | Event::Closed => Super,
        }
    }

    /// The reply is let go.
    #[state(superstate = "open", entry_action = "speak")]
    fn speaking(&mut self, event: &Event) -> Outcome<State> {
        match event {
            Event::Spoken if self.queue.is_empty() => Transition(State::listening()),
            Event::Spoken => Transition(State::gathering()),
            Event::Heard(_) | Event::Due | Event::Waited | Event::Answered | Event::Closed => Super,
        }
    }

    /// Over.
    #[state]
    fn closed(event: &Event) -> Outcome<State> {
        match event {
            Event::Heard(_)
            | Event::Due
            | Event::Waited
            | Event::Answered
            | Event::Spoken
            | Event::Closed => Handled,
        }
    }

    #[action]
    fn rest(context: &mut Vec<Wish>) {
        context.push(Wish::Rest);
    }

    #[action]
    fn wait(&mut self, context: &mut Vec<Wish>) {
        if let Some((_, until)) = self.group() {
            context.push(Wish::Wait(until));
        }
    }

    #[action]
    fn think(&mut self, context: &mut Vec<Wish>) {
        if std::mem::take(&mut self.due) {
            context.push(Wish::Wake);
            return;
        }
        let size = self.group().map_or(0, |(size, _)| size);
        context.push(Wish::Think(self.queue.drain(..size).map(|heard| heard.message).collect()));
    }

    #[action]
    fn speak(context: &mut Vec<Wish>) {
        context.push(Wish::Speak);
    }
}
