//! What happens next: the pure function from a position and an input to the next position and effects.
//!
//! One call is one macrostep in SCXML's sense: transitions are taken until the conversation waits, for the guest,
//! for the meaning of a message, or for a tool. It does not fail: an input that fits nothing changes nothing.

mod facts;
mod hear;
mod walk;

use serde::Serialize;

use crate::effect::{Effect, Expecting, Say};
use crate::flow::{Event, Flow, Flows, State};
use crate::input::{Act, By, Input, Moment, Outcome};
use crate::position::{Frame, Position, Waiting};
use crate::slot::{Invalid, Item};

/// Transitions one input may cause before the walk is called endless.
const LONGEST_WALK: u32 = 200;

/// What an input led to.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Where the conversation stands now.
    pub next: Position,
    /// What must be done, in order.
    pub effects: Vec<Effect>,
    /// What happened on the way, for people who watch.
    pub trace: Vec<Trace>,
}

/// Something that happened during a step.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "trace", rename_all = "snake_case")]
pub enum Trace {
    /// A state was entered.
    Entered {
        /// The flow.
        flow: String,
        /// The state.
        state: String,
    },
    /// A flow ended.
    Ended {
        /// The flow.
        flow: String,
        /// Its outcome.
        outcome: String,
    },
    /// A message was understood.
    Understood {
        /// What the guest does with it.
        acts: Vec<Act>,
        /// The slots it fills.
        slots: Vec<String>,
        /// Who understood it.
        by: By,
    },
    /// A slot has a new value.
    Filled {
        /// The slot.
        slot: String,
        /// The value, see [`Value::json`](crate::Value::json).
        value: serde_json::Value,
    },
    /// A value was refused.
    Refused {
        /// The slot.
        slot: String,
        /// Why.
        why: Invalid,
    },
    /// An event of the conversation was answered by a handler, or by nobody.
    Event {
        /// The event.
        event: Event,
        /// Whether a handler took it.
        handled: bool,
    },
    /// A result went stale and is made again.
    Repairing {
        /// The state the walk starts at.
        from: String,
        /// The state it ends in.
        to: String,
    },
    /// A read-back was answered with a yes that counts.
    Confirmed {
        /// The flow.
        flow: String,
    },
    /// An input fitted nothing.
    Ignored {
        /// Why.
        why: &'static str,
    },
}

/// Decides what happens next. `position` must have been made on these `flows`.
pub fn step(flows: &Flows, position: Position, input: Input, moment: Moment) -> Step {
    let mut machine = Machine {
        flows,
        position,
        moment,
        effects: Vec::new(),
        trace: Vec::new(),
        page: 0,
        said: String::new(),
    };
    machine.take(input);
    Step { next: machine.position, effects: machine.effects, trace: machine.trace }
}

/// One macrostep under way.
struct Machine<'f> {
    flows: &'f Flows,
    position: Position,
    moment: Moment,
    effects: Vec<Effect>,
    trace: Vec<Trace>,
    /// The page of a list that is being asked for.
    page: u32,
    /// The words this step is about.
    said: String,
}

/// What the walk does next.
enum Next {
    /// Enters a state of the active flow.
    Enter(String),
    /// Does again what the active state does, without its `say`.
    Resume,
    /// Nothing more: the conversation waits.
    Pause,
}

impl<'f> Machine<'f> {
    fn take(&mut self, input: Input) {
        match input {
            Input::Said { text, button } => self.said(text, button),
            Input::Unreadable => self.wordless(Event::Unreadable),
            Input::Understood(understanding) => {
                let next = self.understood(understanding);
                self.walk(next);
            }
            Input::Answered { call, outcome } => {
                let next = self.answered(call, outcome);
                self.walk(next);
            }
            Input::Conveyed { say } => {
                if let Some(read) = self.frame_mut().read_back.as_mut().filter(|read| read.say == say) {
                    read.conveyed = true;
                }
            }
            Input::Silence => {
                self.position.silence = self.position.silence.saturating_add(1);
                self.wordless(Event::Silence);
            }
        }
    }

    /// Answers something that needs no understanding.
    fn wordless(&mut self, event: Event) {
        let Waiting::Guest { page, .. } = self.position.waiting else {
            return self.ignored("nothing was waited for from the guest");
        };
        self.page = page;
        self.position.silent = true;
        let next = self.dispatch(event, None);
        self.walk(next);
    }

    fn said(&mut self, text: String, button: Option<String>) {
        let Waiting::Guest { expecting, page } = self.position.waiting.clone() else {
            return self.ignored("a message while not waiting for the guest");
        };
        self.position.silence = 0;
        self.position.silent = true;
        self.page = page;
        let question = self.question(&text, button, expecting.clone());
        self.effects.push(Effect::Understand(question));
        self.position.waiting = Waiting::Meaning { text, expecting, page };
    }

    fn answered(&mut self, id: u64, outcome: Outcome) -> Next {
        match &self.position.waiting {
            Waiting::Answer { call } if call.id == id => {}
            Waiting::Answer { .. }
            | Waiting::Guest { .. }
            | Waiting::Meaning { .. }
            | Waiting::Kept { .. }
            | Waiting::Over { .. } => {
                self.ignored("an answer to no open call");
                return Next::Pause;
            }
        }
        match outcome {
            Outcome::Ok { result } => self.succeeded(result),
            Outcome::Error { code, message } => self.failed(&code, &message),
            Outcome::Unknown { message } => {
                // What may have happened must not be done again on the same yes.
                self.frame_mut().confirmed = None;
                self.failed("outcome_unknown", &message)
            }
        }
    }

    /// Takes transitions until the conversation waits.
    fn walk(&mut self, first: Next) {
        let mut next = first;
        let mut left = LONGEST_WALK;
        loop {
            next = match next {
                Next::Pause => return,
                Next::Enter(state) => self.enter(&state),
                Next::Resume => self.resume(),
            };
            left -= 1;
            if left == 0 {
                self.ignored("an endless walk was stopped");
                self.wait(Expecting::Anything);
                return;
            }
        }
    }

    fn wait(&mut self, expecting: Expecting) -> Next {
        self.frame_mut().repair = None;
        self.position.waiting = Waiting::Guest { expecting, page: self.page };
        Next::Pause
    }

    /// Says a prompt over the active flow's facts.
    fn say(&mut self, prompt: &str, expecting: Expecting, items: Vec<Item>, invalid: Option<Invalid>) -> u64 {
        self.position.says += 1;
        let mut facts = self.facts();
        if let Expecting::Slot(name) = &expecting {
            let kind = self.flow().and_then(|flow| flow.slots.get(name)).map(|slot| slot.kind.name());
            facts.insert("slot".to_owned(), name.as_str().into());
            facts.insert("kind".to_owned(), kind.into());
        }
        let say = Say {
            id: self.position.says,
            prompt: prompt.to_owned(),
            expecting,
            items,
            page: self.page,
            facts,
            invalid,
        };
        let id = say.id;
        self.utter(say);
        id
    }

    /// Says the last turn's messages once more.
    fn say_again(&mut self) {
        for mut say in std::mem::take(&mut self.position.last_said) {
            self.position.says += 1;
            let before = std::mem::replace(&mut say.id, self.position.says);
            if let Some(read) = self.frame_mut().read_back.as_mut().filter(|read| read.say == before) {
                read.say = say.id;
                read.conveyed = false;
            }
            self.utter(say);
        }
    }

    fn utter(&mut self, say: Say) {
        if std::mem::take(&mut self.position.silent) {
            self.position.last_said.clear();
        }
        self.position.last_said.push(say.clone());
        self.effects.push(Effect::Say(say));
    }

    fn ignored(&mut self, why: &'static str) {
        self.trace.push(Trace::Ignored { why });
    }

    fn frame(&self) -> &Frame {
        self.position.frame()
    }

    fn frame_mut(&mut self) -> &mut Frame {
        self.position.frame_mut()
    }

    fn flow(&self) -> Option<&'f Flow> {
        self.flows.get(&self.frame().flow)
    }

    fn state(&self) -> Option<&'f State> {
        self.flow()?.states.get(&self.frame().state)
    }
}
