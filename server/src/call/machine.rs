//! Whose turn it is: `open { listening, thinking, speaking { talking, held } }` and `closed`. Pure: what it wants is data.
//!
//! Its states are about pace and sound, never about what is talked about. Handlers push wishes; the call's task grants
//! them. A turn that is being thought about is never called off: what it commits stands, and what it wanted to say is
//! said, or not, when it is there.

mod event;
mod next;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use statig::prelude::*;

use super::keys::Keys;
use super::pace::{Asks, Manners};

pub use self::event::{After, Event, Phase, Thought, Turn, Wait, Wish};

impl Phase {
    /// The one that a state is.
    pub(super) fn of(state: &State) -> Self {
        match state {
            State::Listening { .. } => Self::Listening,
            State::Thinking { .. } => Self::Thinking,
            State::Talking { .. } => Self::Talking,
            State::Held { .. } => Self::Held,
            State::Closed { .. } => Self::Closed,
        }
    }
}

/// The prompts that a call says by itself.
pub(super) const APOLOGY: &str = "apology";
/// It takes a moment.
pub(super) const ONE_MOMENT: &str = "one_moment";
/// It takes another one.
pub(super) const STILL_BUSY: &str = "still_busy";
/// It cannot be done here: a person takes over.
pub(super) const PUTTING_THROUGH: &str = "putting_through";
/// Nobody can be heard.
pub(super) const CANNOT_HEAR: &str = "cannot_hear";
/// Nobody is at the front desk.
pub(super) const CALL_BACK: &str = "call_back";

/// What is kept ready for when there is no voice, or none yet.
pub(super) const KEPT: [&str; 6] = [APOLOGY, ONE_MOMENT, STILL_BUSY, PUTTING_THROUGH, CANNOT_HEAR, CALL_BACK];

/// So many turns may fail, one after the other, before a person gets the caller.
const FAILURES: u32 = 2;

/// What a call remembers.
#[derive(Debug)]
pub(super) struct Call {
    manners: Arc<Manners>,
    /// Whether the far end falls silent by itself when it is interrupted.
    stops_itself: bool,
    asks: Asks,
    keys: Keys,
    after: After,
    /// Whether the caller is speaking.
    speaks: bool,
    /// What waits for its turn.
    pending: VecDeque<String>,
    pressed: String,
    silences: u32,
    failures: u32,
    filled: bool,
    /// Whether nobody waits for the reply any more: it is said only if it comes before a person has the caller.
    gave_up: bool,
    /// Whether the time has come that the conversation waits for: that is a turn once nobody speaks.
    is_due: bool,
    /// Whether the reply that is there was given to be said.
    said: bool,
    /// Whether nothing can be said any more: the caller is for a person then, whatever they say.
    is_mute: bool,
}

impl Call {
    /// A call that nobody has said anything in.
    pub(super) fn new(manners: Arc<Manners>, stops_itself: bool) -> Self {
        Self {
            manners,
            stops_itself,
            asks: Asks::default(),
            keys: Keys::default(),
            after: After::Listen,
            speaks: false,
            pending: VecDeque::new(),
            pressed: String::new(),
            silences: 0,
            failures: 0,
            filled: false,
            gave_up: false,
            is_due: false,
            said: false,
            is_mute: false,
        }
    }

    /// Whether words only show that somebody listens.
    fn is_nothing(&self, words: &str) -> bool {
        self.asks != Asks::YesNo && self.manners.is_back_channel(words)
    }

    /// Whether words are no turn while something is said.
    fn is_no_turn(&self, words: &str) -> bool {
        words.trim().is_empty() || self.is_nothing(words)
    }

    fn ended(&mut self, words: &str) {
        self.speaks = false;
        if !words.trim().is_empty() {
            self.pending.push_back(words.trim().to_owned());
        }
    }

    /// Takes a key. True when nothing more is to be waited for.
    fn press(&mut self, digit: char) -> bool {
        self.pressed.push(digit);
        self.keys.is_whole(&self.pressed)
    }

    /// What waits, as one turn.
    fn turn(&mut self) -> Option<Turn> {
        let pressed = std::mem::take(&mut self.pressed);
        if let Some((text, button)) = self.keys.read(&pressed) {
            self.pending.clear();
            return Some(Turn::Keys { text, button });
        }
        if self.pending.is_empty() {
            return None;
        }
        Some(Turn::Words(self.pending.drain(..).collect::<Vec<_>>().join(" ")))
    }

    fn patience(&self) -> Duration {
        self.manners.pace.silence(self.silences)
    }
}

#[state_machine(
    initial = "State::listening()",
    state(derive(Debug, Clone, PartialEq, Eq)),
    superstate(derive(Debug))
)]
impl Call {
    /// The line is there; what no state below cares for ends here.
    #[superstate]
    fn open(&mut self, context: &mut Vec<Wish>, event: &Event) -> Outcome<State> {
        match event {
            Event::HungUp | Event::Transferred => Transition(State::closed()),
            Event::Unreached => {
                self.after = After::HangUp;
                context.push(Wish::SayKept(CALL_BACK));
                self.said = true;
                Transition(State::talking())
            }
            Event::LostEars => {
                self.speaks = false;
                self.after = After::Person;
                context.extend([Wish::Hush, Wish::GiveUp, Wish::SayKept(CANNOT_HEAR)]);
                self.said = true;
                Transition(State::talking())
            }
            Event::LostVoice => {
                self.is_mute = true;
                self.after = After::Person;
                context.extend([Wish::Hush, Wish::GiveUp, Wish::SayKept(PUTTING_THROUGH)]);
                self.said = true;
                Transition(State::talking())
            }
            Event::Waited(Wait::Due) => {
                self.is_due = true;
                Handled
            }
            Event::TurnStarted | Event::Partial(_) | Event::EagerEnd(_) | Event::Resumed => Handled,
            // An outcome or a wait that nobody waits for any more.
            Event::Answered
            | Event::TurnEnded(_)
            | Event::Digit(_)
            | Event::Interrupted
            | Event::Thought(_)
            | Event::Failed
            | Event::Played
            | Event::Late
            | Event::Waited(_) => Handled,
        }
    }

    /// The caller's turn.
    #[state(superstate = "open", entry_action = "listen", exit_action = "listened")]
    fn listening(&mut self, context: &mut Vec<Wish>, event: &Event) -> Outcome<State> {
        match event {
            Event::Answered => {
                context.push(Wish::Think(Turn::Called));
                Transition(State::thinking())
            }
            Event::TurnStarted | Event::Partial(_) => {
                self.speaks = true;
                context.push(Wish::Wait(Wait::Silence, self.manners.pace.endless));
                Handled
            }
            Event::EagerEnd(words) => {
                context.push(Wish::Suppose(words.clone()));
                Handled
            }
            Event::Resumed => {
                context.push(Wish::Forget);
                Handled
            }
            Event::TurnEnded(words) => {
                self.ended(words);
                self.turn_or_wait(context)
            }
            Event::Digit(digit) => {
                if self.press(*digit) {
                    return self.turn_or_wait(context);
                }
                context.push(Wish::Stop(Wait::Silence));
                context.push(Wish::Wait(Wait::Keys, self.manners.pace.keys));
                Handled
            }
            Event::Late => {
                context.push(Wish::Filler);
                Handled
            }
            Event::Waited(Wait::Keys) => self.turn_or_wait(context),
            Event::Waited(Wait::Silence) => {
                self.speaks = false;
                self.silences += 1;
                context.push(Wish::Think(Turn::Silence(self.silences)));
                Transition(State::thinking())
            }
            Event::Waited(Wait::Due) if !self.speaks && self.pressed.is_empty() => {
                context.push(Wish::Think(Turn::Due));
                Transition(State::thinking())
            }
            _ => Super,
        }
    }

    /// A turn is being answered.
    #[state(superstate = "open", entry_action = "think", exit_action = "thought")]
    fn thinking(&mut self, context: &mut Vec<Wish>, event: &Event) -> Outcome<State> {
        match event {
            Event::Thought(thought) => self.there_is(thought, context),
            Event::Failed => {
                self.failures += 1;
                self.said = true;
                if self.failures >= FAILURES {
                    self.after = After::Person;
                }
                context.push(Wish::Say(APOLOGY));
                Transition(State::talking())
            }
            Event::TurnStarted => {
                self.speaks = true;
                if self.filled {
                    context.extend([Wish::Hush, Wish::GiveUp]);
                }
                Handled
            }
            Event::TurnEnded(words) => {
                let words = if self.is_no_turn(words) { "" } else { words };
                self.ended(words);
                context.push(Wish::Wait(Wait::Filler, self.manners.pace.filler));
                Handled
            }
            // What was said meanwhile was heard.
            Event::Played if self.filled => {
                context.push(Wish::Wait(Wait::Filler, self.manners.pace.again));
                Handled
            }
            Event::Digit(digit) => {
                self.press(*digit);
                Handled
            }
            Event::Waited(Wait::Filler) if !self.speaks => {
                let is_first = !std::mem::replace(&mut self.filled, true);
                context.push(if is_first { Wish::Filler } else { Wish::SayKept(STILL_BUSY) });
                context.push(Wish::Wait(Wait::Filler, self.manners.pace.unheard));
                Handled
            }
            Event::Waited(Wait::Reply) => {
                self.after = After::Person;
                (self.said, self.gave_up) = (true, true);
                context.extend([Wish::Hush, Wish::GiveUp, Wish::SayKept(PUTTING_THROUGH)]);
                Transition(State::talking())
            }
            _ => Super,
        }
    }

    /// Something is to be said.
    #[superstate(superstate = "open")]
    fn speaking(&mut self, context: &mut Vec<Wish>, event: &Event) -> Outcome<State> {
        match event {
            Event::Thought(thought) if std::mem::take(&mut self.gave_up) => self.there_is(thought, context),
            Event::Waited(Wait::Stuck) => {
                // Nobody knows whether it was heard; the call goes on.
                context.push(Wish::GiveUp);
                self.over(context)
            }
            _ => Super,
        }
    }

    /// Something is being said.
    #[state(superstate = "speaking", entry_action = "talk", exit_action = "talked")]
    fn talking(&mut self, context: &mut Vec<Wish>, event: &Event) -> Outcome<State> {
        match event {
            Event::TurnStarted => {
                self.speaks = true;
                if self.stops_itself {
                    return Handled;
                }
                context.push(Wish::Hush);
                Transition(State::held())
            }
            Event::Interrupted => {
                context.push(Wish::Hush);
                Transition(State::held())
            }
            Event::TurnEnded(words) => {
                self.speaks = false;
                if self.is_no_turn(words) {
                    return Handled;
                }
                context.push(Wish::Hush);
                self.ended(words);
                self.take_turn(context)
            }
            Event::EagerEnd(words) if !self.is_no_turn(words) => {
                context.push(Wish::Suppose(words.clone()));
                Handled
            }
            Event::Resumed => {
                context.push(Wish::Forget);
                Handled
            }
            Event::Partial(words) if !self.stops_itself && !self.is_no_turn(words) => {
                // The recogniser was slow: what seemed to be nothing was the caller.
                self.speaks = true;
                context.push(Wish::Hush);
                Transition(State::held())
            }
            Event::Digit(digit) => {
                let is_whole = self.press(*digit);
                if is_whole && !self.answers() {
                    return Handled;
                }
                context.push(Wish::Hush);
                if is_whole {
                    return self.take_turn(context);
                }
                context.push(Wish::Wait(Wait::Keys, self.manners.pace.keys));
                Transition(State::held())
            }
            Event::Played => self.over(context),
            _ => Super,
        }
    }

    /// The caller interrupted, or seems to have. Nothing is said until it is known.
    #[state(superstate = "speaking", entry_action = "hold", exit_action = "let_go")]
    fn held(&mut self, context: &mut Vec<Wish>, event: &Event) -> Outcome<State> {
        match event {
            Event::TurnStarted => {
                self.speaks = true;
                context.push(Wish::Wait(Wait::Words, self.manners.pace.words));
                Handled
            }
            Event::Partial(words) => {
                if !self.is_no_turn(words) {
                    context.push(Wish::Wait(Wait::Words, self.manners.pace.endless));
                }
                Handled
            }
            Event::EagerEnd(words) => {
                if !self.is_no_turn(words) {
                    context.push(Wish::Suppose(words.clone()));
                }
                Handled
            }
            Event::Resumed => {
                context.push(Wish::Forget);
                Handled
            }
            Event::TurnEnded(words) => {
                if self.is_no_turn(words) {
                    return self.was_nothing();
                }
                self.ended(words);
                self.take_turn(context)
            }
            Event::Digit(digit) => {
                if self.press(*digit) {
                    return self.keys_are_in(context);
                }
                context.push(Wish::Stop(Wait::Words));
                context.push(Wish::Wait(Wait::Keys, self.manners.pace.keys));
                Handled
            }
            Event::Waited(Wait::Keys) => self.keys_are_in(context),
            Event::Waited(Wait::Words) => self.was_nothing(),
            Event::Played => Handled,
            _ => Super,
        }
    }

    /// Over.
    #[state]
    fn closed(event: &Event) -> Outcome<State> {
        match event {
            Event::Answered
            | Event::TurnStarted
            | Event::Partial(_)
            | Event::EagerEnd(_)
            | Event::Resumed
            | Event::TurnEnded(_)
            | Event::Digit(_)
            | Event::Interrupted
            | Event::Thought(_)
            | Event::Failed
            | Event::Played
            | Event::Waited(_)
            | Event::Late
            | Event::LostEars
            | Event::LostVoice
            | Event::Transferred
            | Event::Unreached
            | Event::HungUp => Handled,
        }
    }

    #[action]
    fn listen(&mut self, context: &mut Vec<Wish>) {
        let patience = if self.speaks { self.manners.pace.endless } else { self.patience() };
        context.push(Wish::Wait(Wait::Silence, patience));
    }

    #[action]
    fn listened(context: &mut Vec<Wish>) {
        context.extend([Wish::Stop(Wait::Silence), Wish::Stop(Wait::Keys)]);
    }

    #[action]
    fn think(&mut self, context: &mut Vec<Wish>) {
        (self.filled, self.gave_up) = (false, false);
        context.push(Wish::Wait(Wait::Filler, self.manners.pace.filler));
        context.push(Wish::Wait(Wait::Reply, self.manners.pace.reply));
    }

    #[action]
    fn thought(context: &mut Vec<Wish>) {
        context.extend([Wish::Stop(Wait::Filler), Wish::Stop(Wait::Reply)]);
    }

    #[action]
    fn talk(&mut self, context: &mut Vec<Wish>) {
        // Nobody waits for more keys any more.
        self.pressed.clear();
        context.push(if std::mem::replace(&mut self.said, true) { Wish::GoOn } else { Wish::Speak });
        context.push(Wish::Wait(Wait::Stuck, self.manners.pace.stuck));
    }

    #[action]
    fn talked(context: &mut Vec<Wish>) {
        context.push(Wish::Stop(Wait::Stuck));
    }

    #[action]
    fn hold(&mut self, context: &mut Vec<Wish>) {
        if self.pressed.is_empty() {
            context.push(Wish::Wait(Wait::Words, self.manners.pace.words));
        }
    }

    #[action]
    fn let_go(context: &mut Vec<Wish>) {
        context.extend([Wish::Stop(Wait::Words), Wish::Stop(Wait::Keys)]);
    }
}

#[cfg(test)]
mod tests;
