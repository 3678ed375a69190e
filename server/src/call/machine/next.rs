//! What comes next: a turn, more waiting, or what was being said.

use statig::prelude::*;

use super::{After, Call, State, Thought, Turn, Wait, Wish};

impl Call {
    /// Has what waits answered; waits on where nothing does.
    pub(super) fn turn_or_wait(&mut self, context: &mut Vec<Wish>) -> Outcome<State> {
        context.push(Wish::Stop(Wait::Keys));
        let Some(turn) = self.turn() else {
            context.push(Wish::Forget);
            if std::mem::take(&mut self.is_due) {
                context.push(Wish::Think(Turn::Due));
                return Transition(State::thinking());
            }
            context.push(Wish::Wait(Wait::Silence, self.patience()));
            return Handled;
        };
        self.silences = 0;
        context.push(Wish::Think(turn));
        Transition(State::thinking())
    }

    /// Whether the keys that were pressed answer anything; else they are forgotten.
    pub(super) fn answers(&mut self) -> bool {
        let is_answer = self.keys.read(&self.pressed).is_some();
        if !is_answer {
            self.pressed.clear();
        }
        is_answer
    }

    /// The caller said nothing after all: what was being said goes on, unless more keys are waited for.
    pub(super) fn was_nothing(&mut self) -> Outcome<State> {
        self.speaks = false;
        if self.pressed.is_empty() { Transition(State::talking()) } else { Handled }
    }

    /// No more keys are waited for: they are the turn, or what was being said goes on.
    pub(super) fn keys_are_in(&mut self, context: &mut Vec<Wish>) -> Outcome<State> {
        if self.answers() { self.take_turn(context) } else { Transition(State::talking()) }
    }

    /// Has what waits answered in place of what was being said.
    pub(super) fn take_turn(&mut self, context: &mut Vec<Wish>) -> Outcome<State> {
        context.push(Wish::GiveUp);
        self.said = true;
        if self.is_mute {
            self.pending.clear();
            return self.over(context);
        }
        match self.turn() {
            Some(turn) => {
                self.silences = 0;
                self.after = After::Listen;
                context.push(Wish::Think(turn));
                Transition(State::thinking())
            }
            None => self.over(context),
        }
    }

    /// There is a reply.
    pub(super) fn there_is(&mut self, thought: &Thought, context: &mut Vec<Wish>) -> Outcome<State> {
        self.failures = 0;
        if thought.speaks {
            // Where nothing is said, what was asked last still is.
            self.asks = thought.asks;
            self.keys = thought.keys.clone();
        }
        self.after = thought.after;
        self.said = false;
        context.push(Wish::Tune(self.asks));
        if self.is_mute {
            self.after = After::Person;
            self.pending.clear();
            context.push(Wish::GiveUp);
            return self.over(context);
        }
        if let Some(turn) = self.turn() {
            // They went on meanwhile: what they said last counts.
            context.extend([Wish::GiveUp, Wish::Think(turn)]);
            self.after = After::Listen;
            return Transition(State::thinking());
        }
        match (thought.speaks, self.speaks) {
            (true, true) => Transition(State::held()),
            (true, false) => Transition(State::talking()),
            (false, _) => self.over(context),
        }
    }

    /// Everything was said.
    pub(super) fn over(&mut self, context: &mut Vec<Wish>) -> Outcome<State> {
        match self.after {
            After::Listen if self.is_due && !self.speaks && self.pending.is_empty() => {
                self.is_due = false;
                context.push(Wish::Think(Turn::Due));
                Transition(State::thinking())
            }
            After::Listen => Transition(State::listening()),
            After::HangUp => {
                context.push(Wish::HangUp);
                Transition(State::closed())
            }
            After::Person => {
                // Whoever is not reached leaves the caller here.
                self.after = After::HangUp;
                context.push(Wish::Transfer);
                Transition(State::listening())
            }
        }
    }
}
