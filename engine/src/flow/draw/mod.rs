//! Drawings of checked flows, as Mermaid state diagrams.
//!
//! States stand in their order, each with what it does; what stays inside a state is a line in it, what leaves it is an
//! arrow. Mermaid moves a state into whatever names it last, so an arrow between states of different parents is drawn
//! outside of all of them. Names of ours begin with a small letter: what begins with a large one is the drawing's own.

mod words;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use indexmap::IndexMap;

use self::words::{Words, escaped, id, id_of_root};
use super::check::times::written_ms;
use super::{Does, Flow, Flows, Form, Go, State, StateId, Transition};
use crate::position::Position;

/// What every state of a flow inherits from.
const ANYWHERE: &str = "Anywhere";

impl Flows {
    /// A flow as a Mermaid `stateDiagram-v2`. The same flow is always drawn the same; `None` where there is no such flow.
    pub fn draw(&self, flow: &str) -> Option<String> {
        Some(Drawing::of(self, self.get(flow)?).finish(&BTreeSet::new()))
    }

    /// The same with the states marked that a conversation is in. `position` must have been made on these flows.
    pub fn draw_at(&self, flow: &str, position: &Position) -> Option<String> {
        let flow = self.get(flow)?;
        let frames = position.frames.iter().filter(|frame| frame.flow == flow.id);
        let here = frames.flat_map(|frame| &frame.active).map(|active| active.state).collect();
        Some(Drawing::of(self, flow).finish(&here))
    }
}

/// A drawing under way.
struct Drawing<'d> {
    flow: &'d Flow,
    words: Words<'d>,
    text: String,
    /// Arrows by the compound state they stay in; the others go through all of them.
    arrows: IndexMap<Option<StateId>, Vec<Arrow>>,
    /// What stays inside each state.
    lines: IndexMap<StateId, Vec<String>>,
    /// The same for every state.
    anywhere: Vec<String>,
    /// States of the root chart that this flow leads to.
    outside: BTreeSet<String>,
    forks: usize,
}

struct Arrow {
    from: String,
    to: String,
    label: String,
}

/// Where an arrow begins.
#[derive(Clone, Copy)]
enum From {
    State(StateId),
    Anywhere,
}

impl<'d> Drawing<'d> {
    fn of(flows: &'d Flows, flow: &'d Flow) -> Self {
        let mut drawing = Self {
            flow,
            words: Words { flows, flow },
            text: String::from("stateDiagram-v2\n"),
            arrows: IndexMap::new(),
            lines: IndexMap::new(),
            anywhere: Vec::new(),
            outside: BTreeSet::new(),
            forks: 0,
        };
        for (number, state) in flow.states.values().enumerate() {
            drawing.ways(StateId::at(number), state);
        }
        for (event, cases) in &flow.on {
            let event = drawing.words.event(*event);
            drawing.cases(From::Anywhere, &event, cases);
        }
        drawing
    }

    /// Collects where a state leads, and what it does without leaving.
    fn ways(&mut self, id: StateId, state: &State) {
        let from = From::State(id);
        match &state.form {
            Form::Compound { done, .. } | Form::Parallel { done, .. } => self.cases(from, "", done),
            Form::History { default, .. } => self.arrow_to(from, default, String::new()),
            Form::Atomic(does) => match does {
                Does::Collect { then, .. } => self.cases(from, "", then),
                Does::Invoke(invoke) => {
                    self.cases(from, "", &invoke.done);
                    self.cases(from, "error", &invoke.error);
                    self.cases(from, "unknown", &invoke.unknown);
                }
                Does::Run(run) => self.cases(from, "", &run.done),
                Does::Confirm { yes, no, .. } => {
                    self.cases(from, "yes", yes);
                    self.cases(from, "no", no);
                }
                Does::Ask { then, .. } => self.cases(from, "answered", then),
                Does::Rest | Does::Held | Does::Final { .. } => {}
            },
        }
        let always = if matches!(state.form, Form::Atomic(Does::Rest)) { "" } else { "always" };
        self.cases(from, always, &state.always);
        for after in &state.after {
            self.cases(from, &format!("after {}", written_ms(after.delay_ms)), &after.cases);
        }
        for (event, cases) in &state.on {
            let event = self.words.event(*event);
            self.cases(from, &event, cases);
        }
    }

    fn cases(&mut self, from: From, trigger: &str, cases: &[Transition]) {
        for (place, case) in cases.iter().enumerate() {
            let label = self.words.case(trigger, case, place > 0);
            match &case.go {
                Go::To(states) => self.arrow_to(from, states, label),
                Go::Root(state) => {
                    let name = self.words.root_state(*state);
                    let to = id_of_root(&name);
                    self.outside.insert(name);
                    self.arrow(None, from, to, label);
                }
                Go::Stay
                | Go::Run(_)
                | Go::RunRoot(_)
                | Go::RunRequested
                | Go::Queue
                | Go::Undo
                | Go::NextPage
                | Go::PreviousPage => match from {
                    From::State(state) => self.lines.entry(state).or_default().push(label),
                    From::Anywhere => self.anywhere.push(label),
                },
            }
        }
    }

    /// An arrow to one state, or to several through a fork.
    fn arrow_to(&mut self, from: From, states: &[StateId], label: String) {
        match states {
            [] => {}
            [state] => self.arrow(self.shared(from, *state), from, self.name(*state), label),
            several => {
                self.forks += 1;
                let fork = format!("Fork{}", self.forks);
                self.arrow(None, from, fork.clone(), label);
                let arrows = several.iter().map(|state| Arrow {
                    from: fork.clone(),
                    to: self.name(*state),
                    label: String::new(),
                });
                let arrows: Vec<Arrow> = arrows.collect();
                self.arrows.entry(None).or_default().extend(arrows);
            }
        }
    }

    fn arrow(&mut self, within: Option<StateId>, from: From, to: String, label: String) {
        let from = match from {
            From::State(state) => self.name(state),
            From::Anywhere => ANYWHERE.to_owned(),
        };
        self.arrows.entry(within).or_default().push(Arrow { from, to, label });
    }

    /// The compound state that both ends of an arrow stand in.
    fn shared(&self, from: From, to: StateId) -> Option<StateId> {
        let parent = |state: StateId| self.flow.state(state).and_then(|state| state.parent);
        let From::State(from) = from else { return None };
        let shared = parent(from).filter(|shared| parent(to) == Some(*shared))?;
        let compound = matches!(self.flow.state(shared)?.form, Form::Compound { .. });
        compound.then_some(shared)
    }

    fn name(&self, state: StateId) -> String {
        self.flow.state_name(state).map(|name| id(name)).unwrap_or_default()
    }

    /// The whole drawing.
    fn finish(mut self, here: &BTreeSet<StateId>) -> String {
        let top = self.flow.top.clone();
        self.line(1, &format!("[*] --> {}", self.name(self.flow.initial)));
        for state in top {
            self.state(1, state);
        }
        if self.arrows.get(&None).into_iter().flatten().any(|arrow| arrow.from == ANYWHERE)
            || !self.anywhere.is_empty()
        {
            let lines = std::mem::take(&mut self.anywhere);
            self.described(1, ANYWHERE, "anywhere", &lines);
        }
        for fork in 1..=self.forks {
            self.line(1, &format!("state Fork{fork} <<fork>>"));
        }
        let outside = std::mem::take(&mut self.outside);
        for name in &outside {
            let root = super::ROOT;
            self.line(1, &format!("state \"{root}.{name}\" as {}", id_of_root(name)));
            self.line(1, &format!("class {} outside", id_of_root(name)));
        }
        self.arrows_in(1, None);
        if !outside.is_empty() {
            self.line(1, "classDef outside stroke-dasharray:4");
        }
        if !here.is_empty() {
            let names: Vec<String> = here.iter().map(|state| self.name(*state)).collect();
            self.line(1, "classDef here fill:#ffd86b,stroke:#8a6100,stroke-width:3px,color:#000");
            self.line(1, &format!("class {} here", names.join(",")));
        }
        self.text
    }

    /// A state with everything in it.
    fn state(&mut self, depth: usize, number: StateId) {
        let Some((name, state)) = self.flow.states.get_index(number.index()) else { return };
        let id = id(name);
        let mut lines = self.words.state(state);
        lines.extend(self.lines.swap_remove(&number).unwrap_or_default());
        match &state.form {
            Form::Atomic(does) => {
                self.described(depth, &id, name, &lines);
                if let Does::Final { outcome, .. } = does {
                    self.line(depth, &format!("{id} --> [*] : {outcome}"));
                }
            }
            Form::History { .. } => self.described(depth, &id, name, &lines),
            Form::Compound { states, initial, .. } => {
                self.open(depth, &id, name, &lines);
                let first =
                    states.iter().find(|state| **state == *initial || self.flow.is_within(*initial, **state));
                if let Some(first) = first {
                    // A start that names a state further down would move it up.
                    let deep = if first == initial {
                        String::new()
                    } else {
                        format!(" : to {}", self.flow.state_name(*initial).map_or("", |name| name))
                    };
                    self.line(depth + 1, &format!("[*] --> {}{deep}", self.name(*first)));
                }
                for inner in states {
                    self.state(depth + 1, *inner);
                }
                self.arrows_in(depth + 1, Some(number));
                self.line(depth, "}");
            }
            Form::Parallel { states, .. } => {
                self.open(depth, &id, name, &lines);
                for (place, region) in states.iter().enumerate() {
                    if place > 0 {
                        self.line(depth + 1, "--");
                    }
                    self.state(depth + 1, *region);
                }
                self.line(depth, "}");
            }
        }
    }

    /// Opens a state that has states; what it does itself stands in its title.
    fn open(&mut self, depth: usize, id: &str, name: &str, lines: &[String]) {
        let title: Vec<String> =
            std::iter::once(name.to_owned()).chain(lines.iter().map(|line| escaped(line))).collect();
        self.line(depth, &format!("state \"{}\" as {id} {{", title.join(" · ")));
    }

    /// A state with its name and lines below it.
    fn described(&mut self, depth: usize, id: &str, name: &str, lines: &[String]) {
        if lines.is_empty() && id == name {
            return self.line(depth, id);
        }
        self.line(depth, &format!("{id} : {name}"));
        for line in lines {
            self.line(depth, &format!("{id} : {}", escaped(line)));
        }
    }

    fn arrows_in(&mut self, depth: usize, within: Option<StateId>) {
        for Arrow { from, to, label } in self.arrows.swap_remove(&within).unwrap_or_default() {
            let label = if label.is_empty() { label } else { format!(" : {}", escaped(&label)) };
            self.line(depth, &format!("{from} --> {to}{label}"));
        }
    }

    fn line(&mut self, depth: usize, line: &str) {
        // Writing to a `String` does not fail.
        let _ = writeln!(self.text, "{:indent$}{line}", "", indent = depth * 4);
    }
}
