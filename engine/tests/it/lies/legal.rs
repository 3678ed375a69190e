//! Whether a conversation went only where its flows allow: what is left and entered is followed frame by frame and
//! compared with the transitions that are written, each only for its own cause.
//!
//! A frame is a flow that runs. It is put on top by a wish, a transition that runs it or a state that does, and goes
//! when it ends, when a transition of the root chart leaves it, or when a message is about the flow beneath. What is
//! neither is a walk back: to a result that went stale, to a decision that a change reversed, or to where a change was taken back.

mod causes;
mod chart;

use std::collections::BTreeSet;
use std::sync::Arc;

use innkeeper_engine::flow::{Does, Event, Flow, Form, Go, Input as FlowInput};
use innkeeper_engine::{Flows, Input, Position, Step, Trace, Waiting};

use self::causes::{Causes, wished};
use self::chart::{
    above, asks, decides, does_of, id, indices, is_atomic, is_flow, name_of, produces, state_of, within,
};

/// Where a conversation stands, as it follows from what was left and entered.
pub(crate) struct Legal {
    frames: Vec<Frame>,
    /// Flows the guest asked for that wait.
    wishes: BTreeSet<String>,
}

#[derive(Clone, Debug)]
struct Frame {
    flow: String,
    active: BTreeSet<usize>,
    /// Every state that was entered.
    passed: BTreeSet<usize>,
    /// The end of a repair walk that is under way.
    repairing: bool,
    /// What was left in the present move, with what was active before.
    left: Option<Moving>,
}

/// A move within a frame: what was active before, and what was entered so far.
#[derive(Clone, Debug)]
struct Moving {
    before: BTreeSet<usize>,
    entered: BTreeSet<usize>,
    /// States that may be jumped to.
    jump: Option<Jump>,
}

#[derive(Clone, Debug, PartialEq)]
enum Jump {
    /// To the state that makes a stale result.
    Repair(usize),
    /// To anywhere the guest was.
    Undo,
    /// Out of every flow, to one of these states of the root chart.
    Root(BTreeSet<usize>),
}

impl Legal {
    pub(crate) fn new(flows: &Flows, position: &Position) -> Self {
        let frames = position.active(flows).into_iter().map(|(name, states)| {
            let flow = flows.get(&name).unwrap();
            let active: BTreeSet<usize> = states.iter().map(|state| id(flow, state)).collect();
            // The root chart is entered with the first input.
            let begins = Moving {
                before: BTreeSet::new(),
                entered: BTreeSet::new(),
                jump: Some(Jump::Root([flow.initial.index()].into())),
            };
            let left = active.is_empty().then_some(begins);
            Frame { flow: name, passed: active.clone(), active, repairing: false, left }
        });
        Self { frames: frames.collect(), wishes: BTreeSet::new() }
    }

    /// Checks every move of a step; how many there were.
    pub(crate) fn follow(&mut self, flows: &Flows, input: &Input, stepped: &Step) -> usize {
        let mut causes =
            Causes { flows, input, events: Vec::new(), confirmed: false, returned: false, jump: None };
        let mut moves = 0;
        for trace in &stepped.trace {
            match trace {
                Trace::Left { flow, state } => {
                    self.left(flow, state, &mut causes);
                    moves += 1;
                }
                Trace::Entered { flow, state } => {
                    self.entered(flow, state, &mut causes);
                    moves += 1;
                }
                Trace::Ended { flow, .. } => self.ended(flow, &mut causes),
                Trace::Event { event, handled } => {
                    self.done_moving(&mut causes);
                    self.settle(&mut causes);
                    if *handled {
                        causes.events.push(*event);
                    }
                }
                Trace::Confirmed { .. } => causes.confirmed = true,
                Trace::Repairing { from, .. } => {
                    self.done_moving(&mut causes);
                    self.settle(&mut causes);
                    let top = self.frames.last_mut().unwrap();
                    let flow = flows.get(&top.flow).unwrap();
                    let from = id(flow, from);
                    assert!(top.passed.contains(&from), "a repair walk begins where the guest never was");
                    assert!(
                        produces(flow, from) || decides(flow, from) || asks(flow, from),
                        "a repair walk begins where nothing is made again, decided by what the guest said, or asked again"
                    );
                    top.repairing = true;
                    causes.jump = Some(Jump::Repair(from));
                }
                Trace::Undone { .. } => {
                    self.done_moving(&mut causes);
                    self.settle(&mut causes);
                    causes.jump = Some(Jump::Undo);
                }
                Trace::Asked { flow, .. } => {
                    self.done_moving(&mut causes);
                    if let Some(frame) = self.frames.iter_mut().rfind(|frame| frame.flow == **flow) {
                        frame.repairing = false;
                    }
                }
                Trace::Understood { .. }
                | Trace::Filled { .. }
                | Trace::Refused { .. }
                | Trace::Ignored { .. } => {}
            }
        }
        self.done_moving(&mut causes);
        self.settle(&mut causes);
        if !matches!(
            stepped.next.waiting(),
            Waiting::Answers | Waiting::Kept { .. } | Waiting::Meaning { .. }
        ) {
            self.frames.iter_mut().for_each(|frame| frame.repairing = false);
        }
        let stands: Vec<(String, Vec<String>)> = self.frames.iter().map(|frame| frame.shown(flows)).collect();
        if !stepped.next.is_over() {
            assert_eq!(stands, stepped.next.active(flows), "it stands where it went; {:#?}", stepped.trace);
        }
        if let Input::Understood(means) = input {
            self.wishes.extend(means.acts.iter().filter_map(wished));
        }
        moves
    }

    fn left(&mut self, flow: &Arc<str>, state: &Arc<str>, causes: &mut Causes<'_>) {
        self.next_move(flow, causes);
        while self.frames.last().is_some_and(|top| top.active.is_empty()) {
            self.abandoned(causes);
        }
        let top = self.frames.last_mut().unwrap();
        assert_eq!(top.flow, **flow, "a flow is left that is not the one that runs");
        let declared = causes.flows.get(flow).unwrap();
        let state = id(declared, state);
        let before = top.active.clone();
        let jump = causes.jump.take_if(|jump| **flow == *"conversation" || !matches!(jump, Jump::Root(_)));
        let moving = top.left.get_or_insert(Moving { before, entered: BTreeSet::new(), jump: None });
        if jump.is_some() {
            moving.jump = jump;
        }
        assert!(
            top.active.remove(&state),
            "a state is left that was not active: {flow}.{}",
            name_of(declared, state)
        );
    }

    /// Ends the move under way where something begins that is none of it.
    fn next_move(&mut self, flow: &Arc<str>, causes: &mut Causes<'_>) {
        let ends = self.frames.last().is_some_and(|top| {
            top.left.as_ref().is_some_and(|moving| top.flow != **flow || !moving.entered.is_empty())
        });
        if ends {
            self.done_moving(causes);
        }
    }

    fn entered(&mut self, flow: &Arc<str>, state: &Arc<str>, causes: &mut Causes<'_>) {
        let declared = causes.flows.get(flow).unwrap();
        let state = id(declared, state);
        let goes_on = self.frames.last().is_some_and(|top| {
            let moves = top
                .left
                .as_ref()
                .is_some_and(|moving| !moving.entered.is_empty() || !moving.before.is_empty());
            top.flow == **flow && moves && (!is_atomic(declared, state) || top.has_room(declared, state))
        });
        if !goes_on {
            self.done_moving(causes);
            // Flows that were left by the way go first.
            while self.frames.len() > 1 && self.frames.last().is_some_and(|top| top.active.is_empty()) {
                self.abandoned(causes);
            }
            let below = self.frames.last();
            let jumps = below.is_some_and(|below| below.flow == **flow && below.active.is_empty());
            if !jumps {
                self.pushed(flow, state, causes);
            }
        }
        let top = self.frames.last_mut().unwrap();
        top.active.insert(state);
        top.passed.insert(state);
        let before = BTreeSet::new();
        top.left.get_or_insert(Moving { before, entered: BTreeSet::new(), jump: None }).entered.insert(state);
    }

    /// A flow is put on top.
    fn pushed(&mut self, flow: &Arc<str>, state: usize, causes: &mut Causes<'_>) {
        let declared = causes.flows.get(flow).unwrap();
        let mut targets: BTreeSet<usize> = BTreeSet::new();
        let requested = matches!(causes.input, Input::Understood(means) if means.acts.iter().any(|act| wished(act).as_deref() == Some(&**flow)));
        let wished = self.wishes.contains(&**flow) && causes.events.contains(&Event::Wish);
        let below = self.frames.last().unwrap();
        let runs = |frame: &Frame| {
            let under = causes.flows.get(&frame.flow).unwrap();
            frame.active.iter().any(|state| {
                matches!(does_of(under, *state), Some(Does::Run(run)) if is_flow(causes.flows, run.flow, flow))
            })
        };
        if (requested && causes.events.contains(&Event::Start)) || wished || runs(below) {
            targets.insert(declared.initial.index());
        }
        if wished {
            self.wishes.remove(&**flow);
        }
        for case in causes.allowed(below).chain(causes.root_cases()) {
            match &case.go {
                Go::Run(run) if is_flow(causes.flows, *run, flow) => {
                    _ = targets.insert(declared.initial.index())
                }
                Go::RunRoot(state) | Go::Root(state) if &**flow == "conversation" => {
                    _ = targets.insert(state.index())
                }
                _ => {}
            }
        }
        // A state of the root chart in which a person has the conversation is entered on top of it.
        for case in causes.root_cases().filter(|_| &**flow == "conversation") {
            if let Go::To(states) = &case.go {
                targets.extend(indices(states));
            }
        }
        if below.flow == **flow {
            for case in causes.allowed(below) {
                if let Go::To(states) = &case.go {
                    targets.extend(indices(states));
                }
            }
        }
        if let Some(Jump::Root(states)) = causes.jump.take() {
            targets.extend(states);
        }
        let may = within(declared, &targets, &BTreeSet::new());
        assert!(
            may.contains(&state),
            "{flow} begins in {}, and nobody asked for it",
            name_of(declared, state)
        );
        let frame = Frame {
            flow: flow.to_string(),
            active: BTreeSet::new(),
            passed: BTreeSet::new(),
            repairing: false,
            left: Some(Moving {
                before: BTreeSet::new(),
                entered: BTreeSet::new(),
                jump: Some(Jump::Root(targets)),
            }),
        };
        self.frames.push(frame);
    }

    fn ended(&mut self, flow: &Arc<str>, causes: &mut Causes<'_>) {
        self.done_moving(causes);
        let top = self.frames.last().unwrap();
        assert_eq!(top.flow, **flow, "a flow ends that is not the one that runs");
        let declared = causes.flows.get(flow).unwrap();
        let is_end = |state: &usize| {
            matches!(does_of(declared, *state), Some(Does::Final { .. }))
                && state_of(declared, *state).parent.is_none()
        };
        assert!(top.active.iter().any(is_end), "{flow} ends, and is in no final state");
        if self.frames.len() > 1 {
            self.frames.pop();
            causes.returned = true;
        }
    }

    /// The top flow went without an end.
    fn abandoned(&mut self, causes: &mut Causes<'_>) {
        let gone = self.frames.pop().unwrap();
        let was = gone.left.clone().map(|moving| moving.before).unwrap_or_default();
        let was = Frame { active: was, left: None, ..gone };
        let targets: BTreeSet<usize> = causes
            .allowed(&was)
            .filter_map(|case| match &case.go {
                Go::Root(state) => Some(vec![state.index()]),
                _ => None,
            })
            .chain(causes.root_cases().filter_map(|case| match &case.go {
                Go::To(states) => Some(indices(states)),
                _ => None,
            }))
            .flatten()
            .collect();
        let about_below = match causes.input {
            Input::Understood(means) => {
                let mut beneath = self.frames.iter().filter_map(|frame| causes.flows.get(&frame.flow));
                beneath.any(|flow| means.slots.keys().any(|slot| flow.slots.contains_key(slot.as_str())))
            }
            _ => false,
        };
        let known = matches!(causes.jump, Some(Jump::Root(_)));
        assert!(
            !targets.is_empty() || about_below || known,
            "{} went without an end and without a reason",
            was.flow
        );
        if !targets.is_empty() {
            causes.jump = Some(Jump::Root(targets));
        }
    }

    /// Pops the flows that were left for good.
    fn settle(&mut self, causes: &mut Causes<'_>) {
        while self.frames.len() > 1 && self.frames.last().is_some_and(|top| top.active.is_empty()) {
            self.abandoned(causes);
        }
    }

    /// Whether the message says something else of what the flow on top was given by the one that runs it: it is run
    /// once more, for the new values.
    fn is_given_anew(&self, causes: &Causes<'_>) -> bool {
        let ([.., below, top], Input::Understood(means)) = (self.frames.as_slice(), causes.input) else {
            return false;
        };
        let under = causes.flows.get(&below.flow).unwrap();
        let said: Vec<FlowInput> =
            means.slots.keys().filter_map(|name| Some(FlowInput::Slot(under.slot_id(name)?))).collect();
        below.active.iter().any(|state| {
            matches!(does_of(under, *state), Some(Does::Run(run))
                if is_flow(causes.flows, run.flow, &top.flow) && run.inputs.iter().any(|input| said.contains(input)))
        })
    }

    /// Judges the move under way, if it entered anything.
    fn done_moving(&mut self, causes: &mut Causes<'_>) {
        let begins_again = self.is_given_anew(causes);
        let Some(top) = self.frames.last_mut() else { return };
        let Some(moving) = top.left.as_ref().filter(|moving| !moving.entered.is_empty()).cloned() else {
            return;
        };
        top.left = None;
        let flow = causes.flows.get(&top.flow).unwrap();
        let was = Frame { active: moving.before.clone(), ..top.clone() };
        let mut targets: BTreeSet<usize> = causes
            .allowed(&was)
            .filter_map(|case| match &case.go {
                Go::To(states) => Some(indices(states)),
                Go::Root(state) if &*flow.name == "conversation" => Some(vec![state.index()]),
                _ => None,
            })
            .flatten()
            .collect();
        if begins_again && top.active == moving.entered {
            targets.insert(flow.initial.index());
        }
        match moving.jump {
            Some(Jump::Repair(from)) => targets = [from].into(),
            Some(Jump::Undo) => targets = top.passed.clone(),
            Some(Jump::Root(states)) => targets.extend(states),
            None => {}
        }
        if let Some(Jump::Root(states)) =
            causes.jump.take_if(|jump| &*flow.name == "conversation" && matches!(jump, Jump::Root(_)))
        {
            targets.extend(states);
        }
        let may = within(flow, &targets, &top.passed);
        let name = |state: &usize| name_of(flow, *state);
        for state in &moving.entered {
            assert!(
                may.contains(state),
                "{}: from {:?} to {:?}; allowed were {:?} after {:?}, events {:?}",
                flow.name,
                moving.before.iter().map(name).collect::<Vec<_>>(),
                moving.entered.iter().map(name).collect::<Vec<_>>(),
                targets.iter().map(name).collect::<Vec<_>>(),
                causes.input,
                causes.events,
            );
        }
        causes.confirmed &=
            !moving.before.iter().any(|state| matches!(does_of(flow, *state), Some(Does::Confirm { .. })));
    }
}

impl Frame {
    fn shown(&self, flows: &Flows) -> (String, Vec<String>) {
        let flow = flows.get(&self.flow).unwrap();
        (self.flow.clone(), self.active.iter().map(|state| name_of(flow, *state)).collect())
    }

    /// Whether an atomic state can become active besides the ones that are: in another region.
    fn has_room(&self, flow: &Flow, state: usize) -> bool {
        let mut others = self.active.iter().filter(|other| is_atomic(flow, **other));
        others.all(|other| {
            let around: Vec<usize> = above(flow, *other).collect();
            let common = above(flow, state).find(|state| around.contains(state));
            common.is_some_and(|common| matches!(state_of(flow, common).form, Form::Parallel { .. }))
        })
    }
}
