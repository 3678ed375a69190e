//! What happened in a step so far, and the transitions that it allows.

use innkeeper_engine::flow::{Does, Event, Form, Handlers, State, Transition};
use innkeeper_engine::{Act, Flows, Input, Outcome};

use super::chart::state_of;
use super::{Frame, Jump};

/// What happened in a step so far.
pub(super) struct Causes<'s> {
    pub(super) flows: &'s Flows,
    pub(super) input: &'s Input,
    pub(super) events: Vec<Event>,
    pub(super) confirmed: bool,
    /// Whether a flow that a state ran has ended.
    pub(super) returned: bool,
    pub(super) jump: Option<Jump>,
}

impl<'s> Causes<'s> {
    /// The transitions that what happened allows a frame to take.
    pub(super) fn allowed<'c>(&'c self, frame: &'c Frame) -> impl Iterator<Item = &'s Transition> + 'c {
        let flow = self.flows.get(&frame.flow).unwrap();
        let states = frame.active.iter().map(|state| state_of(flow, *state));
        let own = states.flat_map(move |state| self.of_state(state, frame));
        own.chain(self.handlers(&flow.on))
    }

    pub(super) fn root_cases(&self) -> impl Iterator<Item = &'s Transition> + '_ {
        self.handlers(&self.flows.root().unwrap().on)
    }

    fn handlers<'c>(&'c self, on: &'s Handlers) -> impl Iterator<Item = &'s Transition> + 'c {
        let named = |event: &Event| matches!(event, Event::Named(_));
        let happened = move |event: &Event| match event {
            Event::Any => self.events.iter().any(named),
            event => self.events.contains(event),
        };
        on.iter().filter(move |(event, _)| happened(event)).flat_map(|(_, cases)| cases)
    }

    fn of_state(&self, state: &'s State, frame: &Frame) -> Vec<&'s Transition> {
        let mut cases: Vec<&Transition> = self.handlers(&state.on).chain(&state.always).collect();
        if matches!(self.input, Input::Due) {
            cases.extend(state.after.iter().flat_map(|after| &after.cases));
        }
        let answered = |ok: bool| match self.input {
            Input::Answered { outcome, .. } => matches!(outcome, Outcome::Ok { .. }) == ok,
            _ => false,
        };
        let unknown = matches!(self.input, Input::Answered { outcome: Outcome::Unknown { .. }, .. });
        let denied = matches!(self.input, Input::Understood(means)
            if means.acts.iter().any(|act| matches!(act, Act::Deny | Act::Change)));
        let answers = matches!(self.input, Input::Understood(means) if !means.slots.is_empty());
        match &state.form {
            Form::Compound { done, .. } | Form::Parallel { done, .. } => cases.extend(done),
            Form::History { .. } => {}
            Form::Atomic(does) => match does {
                Does::Rest | Does::Held | Does::Final { .. } => {}
                Does::Collect { then, .. } => cases.extend(then),
                Does::Ask { then, .. } => {
                    if answers || frame.repairing {
                        cases.extend(then);
                    }
                }
                Does::Confirm { yes, no, .. } => {
                    if self.confirmed {
                        cases.extend(yes);
                    }
                    if denied {
                        cases.extend(no);
                    }
                }
                Does::Run(run) => {
                    if self.returned || frame.repairing || run.each.is_some() {
                        cases.extend(&run.done);
                    }
                }
                Does::Invoke(invoke) => {
                    if answered(true) || frame.repairing || invoke.each.is_some() {
                        cases.extend(&invoke.done);
                    }
                    if unknown {
                        cases.extend(&invoke.unknown);
                    }
                    // A call that lacks an argument fails before it is made.
                    cases.extend(&invoke.error);
                }
            },
        }
        cases
    }
}

pub(super) fn wished(act: &Act) -> Option<String> {
    match act {
        Act::Start(flow) => Some(flow.clone()),
        _ => None,
    }
}
