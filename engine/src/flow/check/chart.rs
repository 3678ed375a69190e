//! How the ways through a flow follow from its chart: what each state does, is told and inherits, and what transitions
//! leave and enter (SCXML's rules).

use std::collections::BTreeSet;

use super::draft::{Draft, DraftAction, DraftCase, DraftDoes, DraftEvent, DraftGo, DraftState};
use super::graph::{End, Graph, Way, Why};
use super::history;
use super::keys::event_name;
use super::near::nearest;
use super::world::World;
use crate::flow::{Event, ROOT};

impl<'g> Graph<'g> {
    /// The graph of a flow. `None` when it could not be read well enough.
    pub(super) fn new(world: &World<'g>, flow: &'g Draft) -> Option<Self> {
        if flow.strange {
            return None;
        }
        let states: Vec<(&str, &DraftState)> =
            flow.states.iter().map(|(name, state)| (name.as_str(), state)).collect();
        let initial = flow.start()?;
        let above = (0..states.len()).map(|state| flow.ancestors(state).collect()).collect();
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); states.len()];
        for (index, (_, state)) in states.iter().enumerate() {
            if let Some(inside) = state.parent.and_then(|parent| children.get_mut(parent)) {
                inside.push(index);
            }
        }
        let out = vec![Vec::new(); states.len() + 1];
        let mut graph = Self { flow, states, ways: Vec::new(), out, above, children };
        let outside = graph.outside();
        graph.enter(outside, Why::Begins, None, &[], None, &[initial], Vec::new());
        if flow.name.value == ROOT {
            for index in named_from_outside(world, flow) {
                graph.enter(outside, Why::Begins, None, &[], None, &[index], Vec::new());
            }
        }
        for index in 0..graph.states.len() {
            graph.ways_of(world, index);
        }
        // Where histories lead follows from how what they are about is left.
        let led: Vec<_> =
            (0..graph.states.len()).filter_map(|index| history::led(world, &graph, index)).collect();
        for led in led {
            graph.history(led);
        }
        graph.only_raised();
        Some(graph)
    }

    fn add(&mut self, way: Way<'g>) {
        if let Some(out) = self.out.get_mut(way.from) {
            out.push(self.ways.len());
            self.ways.push(way);
        }
    }

    /// Everything that leads out of a state.
    fn ways_of(&mut self, world: &World<'g>, index: usize) {
        let (_, state): (&str, &'g DraftState) = self.states[index];
        let own = Some(index);
        match &state.does {
            DraftDoes::Compound { initial, .. } => {
                let initial = match initial {
                    Some(initial) => self.flow.states.get_index_of(&initial.value),
                    None => self.flow.first_of(own),
                };
                match initial.filter(|initial| self.above(*initial).contains(&index)) {
                    Some(initial) => self.enter(index, Why::Entered, None, &[], own, &[initial], Vec::new()),
                    None => {
                        let (to, why) = (End::Anywhere, Why::Entered);
                        self.add(Way { from: index, to, why, case: None, passed: &[], actions: Vec::new() });
                    }
                }
                return;
            }
            DraftDoes::Parallel { done } => {
                for region in self.children(index).to_vec() {
                    if !matches!(self.does(region), Some(DraftDoes::History { .. })) {
                        self.enter(index, Why::Entered, None, &[], own, &[region], Vec::new());
                    }
                }
                self.cases(world, index, own, Why::Joined, done);
                return;
            }
            DraftDoes::History { .. } => return,
            DraftDoes::Collect { then, .. } | DraftDoes::Ask { then, .. } => {
                self.cases(world, index, own, Why::Then, then);
            }
            DraftDoes::Invoke(invoke) => {
                self.cases(world, index, own, Why::Done, &invoke.done);
                self.cases(world, index, own, Why::Failed, &invoke.error);
                self.cases(world, index, own, Why::Unknown, &invoke.unknown);
                if invoke.error.last().is_none_or(|last| last.guard.is_some()) {
                    self.handled(world, index, |event| match event {
                        DraftEvent::Own(Event::ToolFailed) => Some(Why::Failed),
                        _ => None,
                    });
                }
            }
            DraftDoes::Run(run) => self.cases(world, index, own, Why::Returned, &run.done),
            DraftDoes::Confirm { sends, yes, no, .. } => {
                if sends.is_some() {
                    // Where nobody has to be asked, or nothing can be sent, the guest has no turn in it.
                    self.cases(world, index, own, Why::Then, yes);
                    self.cases(world, index, own, Why::Then, no);
                } else {
                    self.cases(world, index, own, Why::Yes, yes);
                    self.cases(world, index, own, Why::Said("no"), no);
                }
            }
            DraftDoes::Final { .. } => {
                if let Some(parent) = state.parent
                    && let Some(DraftDoes::Compound { done, .. }) = self.does(parent)
                {
                    self.cases(world, index, Some(parent), Why::Ended, done);
                }
            }
            DraftDoes::Rest { .. } | DraftDoes::Held | DraftDoes::Unread => {}
        }
        self.eventful(world, index);
    }

    /// What happens to a state and the states it is in besides its own business.
    fn eventful(&mut self, world: &World<'g>, index: usize) {
        let (_, state) = self.states[index];
        let sources: Vec<usize> = self.up(index).collect();
        for source in &sources {
            let (_, from) = self.states[*source];
            self.cases(world, index, Some(*source), Why::Always, &from.always);
        }
        // While something is written, nothing else is answered; and nobody hears what is said in a state that goes on
        // by itself, but events that were raised on the way there.
        let writes = world.writes(&state.does);
        // A final state is left at once, unless nothing follows yet.
        let nested_final = matches!(state.does, DraftDoes::Final { .. })
            && state
                .parent
                .and_then(|parent| self.does(parent))
                .is_some_and(|above| matches!(above, DraftDoes::Compound { done, .. } if done.is_empty()));
        let resting = (state.waits() && !matches!(state.does, DraftDoes::Held)) || nested_final;
        let hears = resting || (matches!(state.does, DraftDoes::Invoke(_)) && !writes);
        if resting {
            for source in &sources {
                let (_, from) = self.states[*source];
                for after in &from.after {
                    self.cases(world, index, Some(*source), Why::After(after.delay.value), &after.cases);
                }
            }
        }
        let top_final = matches!(state.does, DraftDoes::Final { .. }) && state.parent.is_none();
        self.handled(world, index, |event| match event {
            DraftEvent::Own(Event::ToolFailed) => None,
            DraftEvent::Own(Event::Any) => (!top_final).then_some(Why::Event("")),
            DraftEvent::Named(name) => (!top_final).then_some(Why::Event(name)),
            DraftEvent::Own(event) => hears.then(|| Why::Said(event_name(*event))),
        });
    }

    /// The handlers of a state, of the states it is in, and of the flow.
    fn handled(&mut self, world: &World<'g>, index: usize, why: impl Fn(&'g DraftEvent) -> Option<Why<'g>>) {
        let sources: Vec<usize> = self.up(index).collect();
        for source in sources {
            let (_, state): (&str, &'g DraftState) = self.states[source];
            for (event, cases) in &state.on {
                if let Some(why) = why(&event.value) {
                    self.cases(world, index, Some(source), why, cases);
                }
            }
        }
        let flow: &'g Draft = self.flow;
        for (event, cases) in &flow.on {
            if let Some(why) = why(&event.value) {
                self.cases(world, index, None, why, cases);
            }
        }
    }

    /// Adds the ways of cases that `source` has and that are taken in the state `from`.
    fn cases(
        &mut self,
        world: &World<'g>,
        from: usize,
        source: Option<usize>,
        why: Why<'g>,
        cases: &'g [DraftCase],
    ) {
        for (number, case) in cases.iter().enumerate() {
            let passed = cases.get(..number).unwrap_or_default();
            let end = match &case.go {
                DraftGo::Target(targets) => {
                    let known: Vec<usize> =
                        targets.iter().filter_map(|target| self.meant(&target.value)).collect();
                    let of_root = |name: &str| {
                        !self.flow.states.contains_key(name)
                            && world.root().is_some_and(|root| root.states.contains_key(name))
                    };
                    if targets.iter().any(|target| of_root(&target.value)) {
                        End::Leaves
                    } else if known.is_empty() {
                        End::Anywhere
                    } else {
                        self.transition(from, source, why, case, passed, &known);
                        continue;
                    }
                }
                DraftGo::Unread => End::Anywhere,
                DraftGo::Stay
                | DraftGo::Run(_)
                | DraftGo::Queue
                | DraftGo::Undo
                | DraftGo::NextPage
                | DraftGo::PreviousPage => End::Stays,
            };
            if end != End::Stays || !case.actions.is_empty() {
                let actions = case.actions.iter().collect();
                self.add(Way { from, to: end, why, case: Some(case), passed, actions });
            }
        }
    }

    /// The state of that name; a slip is followed to where it was meant to go.
    fn meant(&self, name: &str) -> Option<usize> {
        let index = |name: &str| self.flow.states.get_index_of(name);
        index(name).or_else(|| nearest(name, self.flow.states.keys().map(String::as_str)).and_then(index))
    }

    /// A transition that leaves and enters.
    fn transition(
        &mut self,
        from: usize,
        source: Option<usize>,
        why: Why<'g>,
        case: &'g DraftCase,
        passed: &'g [DraftCase],
        targets: &[usize],
    ) {
        let domain = self.domain(source, case.reenter, targets);
        let mut actions: Vec<&'g DraftAction> = Vec::new();
        for state in self.up(from).take_while(|state| Some(*state) != domain) {
            actions.extend(&self.states[state].1.exit);
        }
        actions.extend(&case.actions);
        self.enter(from, why, Some(case), passed, domain, targets, actions);
    }

    /// The state that a transition neither leaves nor enters (SCXML's transition domain); none is the flow itself.
    fn domain(&self, source: Option<usize>, reenter: bool, targets: &[usize]) -> Option<usize> {
        let compound = |state: usize| matches!(self.does(state), Some(DraftDoes::Compound { .. }));
        let holds = |state: usize| targets.iter().all(|target| self.above(*target).contains(&state));
        let source = source?;
        if !reenter && compound(source) && holds(source) {
            return Some(source);
        }
        self.above(source).iter().copied().find(|above| compound(*above) && holds(*above))
    }

    /// What is done on entering a state from within `domain`, the outermost state first.
    fn entering(&self, state: usize, domain: Option<usize>) -> Vec<&'g DraftAction> {
        let entered: Vec<usize> = self.up(state).take_while(|state| Some(*state) != domain).collect();
        entered.into_iter().rev().flat_map(|state| &self.states[state].1.entry).collect()
    }

    /// Adds the ways that enter targets from within `domain`, and the regions beside them.
    #[expect(clippy::too_many_arguments, reason = "everything a way is made of")]
    fn enter(
        &mut self,
        from: usize,
        why: Why<'g>,
        case: Option<&'g DraftCase>,
        passed: &'g [DraftCase],
        domain: Option<usize>,
        targets: &[usize],
        done: Vec<&'g DraftAction>,
    ) {
        let mut ends: Vec<usize> = targets.to_vec();
        for target in targets {
            let mut inner = *target;
            for above in self.above(*target) {
                if Some(*above) == domain {
                    break;
                }
                if matches!(self.does(*above), Some(DraftDoes::Parallel { .. })) {
                    let beside = self.children(*above).iter().copied().filter(|region| {
                        *region != inner && !matches!(self.does(*region), Some(DraftDoes::History { .. }))
                    });
                    ends.extend(beside);
                }
                inner = *above;
            }
        }
        // A region that a target is in is not entered by default.
        ends.retain(|end| targets.contains(end) || !targets.iter().any(|target| self.is_in(*target, *end)));
        ends.sort_unstable();
        ends.dedup();
        for end in ends {
            let mut actions = done.clone();
            actions.extend(self.entering(end, domain));
            self.add(Way { from, to: End::State(end), why, case, passed, actions });
        }
    }

    /// In a state that goes on by itself nothing is heard but what was raised on the way there: other ways of named
    /// events are taken out.
    fn only_raised(&mut self) {
        let mut heard: BTreeSet<(usize, &'g str)> = BTreeSet::new();
        let mut queue: Vec<(usize, &'g str)> = Vec::new();
        for way in &self.ways {
            let Some(end) = way.leads() else { continue };
            for action in &way.actions {
                if let DraftAction::Raise(event) = action {
                    queue.push((end, event.value.as_str()));
                }
            }
        }
        while let Some((node, event)) = queue.pop() {
            if !heard.insert((node, event)) {
                continue;
            }
            for region in self.beside(node) {
                let inside = (0..self.states.len()).filter(|other| self.is_in(*other, region));
                queue.extend(inside.map(|other| (other, event)));
            }
            let at_once = self.from(node).filter(|(_, way)| way.why.is_at_once());
            queue.extend(at_once.filter_map(|(_, way)| Some((way.to.state()?, event))));
        }
        let kept = std::mem::take(&mut self.ways).into_iter().filter(|way| {
            let waits = self.states.get(way.from).is_none_or(|(_, state)| state.waits());
            match way.why {
                Why::Event(_) if waits => true,
                Why::Event("") => heard.iter().any(|(node, _)| *node == way.from),
                Why::Event(event) => heard.contains(&(way.from, event)),
                _ => true,
            }
        });
        let kept: Vec<Way<'g>> = kept.collect();
        self.out.iter_mut().for_each(Vec::clear);
        for way in kept {
            self.add(way);
        }
    }

    /// Where a history leads: the first time, and later.
    fn history(&mut self, led: history::Led) {
        if !led.first.is_empty() {
            let why = if led.begins { Why::Entered } else { Why::Unused };
            self.enter(led.history, why, None, &[], Some(led.about), &led.first, Vec::new());
        }
        for state in led.later {
            let actions = self.entering(state, Some(led.about));
            let to = End::State(state);
            self.add(Way { from: led.history, to, why: Why::Restored, case: None, passed: &[], actions });
        }
    }
}

/// The states of the root chart that other flows go to.
fn named_from_outside(world: &World<'_>, root: &Draft) -> BTreeSet<usize> {
    let others = world.drafts.values().filter(|other| other.name.value != ROOT);
    let mut named = BTreeSet::new();
    for (other, (_, case)) in others.flat_map(|other| other.cases().map(move |case| (other, case))) {
        match &case.go {
            DraftGo::Target(targets) => {
                let of_root = targets.iter().filter(|target| !other.states.contains_key(&target.value));
                named.extend(of_root.filter_map(|target| root.states.get_index_of(&target.value)));
            }
            DraftGo::Run(state) if !world.drafts.contains_key(&state.value) => {
                named.extend(root.states.get_index_of(&state.value));
            }
            _ => {}
        }
    }
    let own = root.cases().filter_map(|(_, case)| match &case.go {
        DraftGo::Run(state) if !world.drafts.contains_key(&state.value) => {
            root.states.get_index_of(&state.value)
        }
        _ => None,
    });
    named.extend(own);
    named
}
