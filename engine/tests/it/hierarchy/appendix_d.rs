//! SCXML's algorithm (appendix D of the recommendation), set by set, over a plain description of a chart.
//!
//! Nothing here is shared with the engine: it is the other opinion. It is as slow and as literal as it can be.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// The most microsteps one event may cause: a chart that takes more runs in circles.
const MOST: usize = 60;

/// A chart: its states in document order, a parent before its children. The first holds all others.
#[derive(Clone, Debug)]
pub(super) struct Chart {
    pub(super) states: Vec<State>,
}

#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) parent: Option<usize>,
    pub(super) form: Form,
    pub(super) entry: Vec<Act>,
    pub(super) exit: Vec<Act>,
    /// Transitions by what takes them, in document order.
    pub(super) on: Vec<(Why, Vec<Case>)>,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Form {
    Rest,
    Final,
    Compound { initial: usize },
    Parallel,
    History { deep: bool, default: usize },
}

/// What a transition is taken for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Why {
    /// Nothing: it is eventless.
    Always,
    /// An event by number.
    Event(usize),
    /// Any event.
    Any,
    /// The end of the state that has the transition.
    Done,
}

#[derive(Clone, Debug)]
pub(super) struct Case {
    /// A slot and the value that it must have.
    pub(super) guard: Option<Guard>,
    pub(super) acts: Vec<Act>,
    /// None for a transition that stays.
    pub(super) targets: Vec<usize>,
    /// SCXML `type="external"`.
    pub(super) external: bool,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Guard {
    Slot(usize, bool),
    Active(usize, bool),
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    Say(usize),
    Set(usize, bool),
    Raise(usize),
}

/// An event of the internal queue.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Raised {
    Event(usize),
    Done(usize),
}

/// A transition selected: its state, and itself.
type Taken<'c> = (usize, &'c Case);

/// A chart that runs.
#[derive(Debug)]
pub(super) struct Run<'c> {
    chart: &'c Chart,
    configuration: BTreeSet<usize>,
    history: BTreeMap<usize, BTreeSet<usize>>,
    internal: VecDeque<Raised>,
    slots: BTreeMap<usize, bool>,
    /// States left and entered: `(true, state)` is entered.
    pub(super) moves: Vec<(bool, usize)>,
    pub(super) said: Vec<usize>,
}

impl<'c> Run<'c> {
    /// Enters a chart. `None` where it runs in circles.
    pub(super) fn start(chart: &'c Chart) -> Option<Self> {
        let mut run = Self {
            chart,
            configuration: BTreeSet::new(),
            history: BTreeMap::new(),
            internal: VecDeque::new(),
            slots: BTreeMap::new(),
            moves: Vec::new(),
            said: Vec::new(),
        };
        let mut entering = BTreeSet::new();
        run.add_descendants(0, &mut entering);
        run.enter(entering);
        run.macrostep()?;
        Some(run)
    }

    /// Handles an event from outside. `None` where the chart runs in circles.
    pub(super) fn event(&mut self, event: usize) -> Option<()> {
        self.moves.clear();
        self.said.clear();
        let enabled = self.select(Some(Raised::Event(event)));
        self.microstep(&enabled);
        self.macrostep()
    }

    /// The active states, in document order.
    pub(super) fn active(&self) -> Vec<usize> {
        self.configuration.iter().copied().collect()
    }

    fn macrostep(&mut self) -> Option<()> {
        for _ in 0..MOST {
            let mut enabled = self.select(None);
            if enabled.is_empty() {
                let Some(event) = self.internal.pop_front() else { return Some(()) };
                enabled = self.select(Some(event));
            }
            self.microstep(&enabled);
        }
        None
    }

    /// `selectTransitions`, and with no event `selectEventlessTransitions`.
    fn select(&self, event: Option<Raised>) -> Vec<Taken<'c>> {
        let chart = self.chart;
        let atomic = self.configuration.iter().copied().filter(|state| self.is_atomic(*state));
        let mut enabled: Vec<Taken<'c>> = Vec::new();
        for leaf in atomic {
            let chain = std::iter::once(leaf).chain(self.ancestors(leaf));
            let first = chain
                .flat_map(|state| chart.states[state].on.iter().map(move |on| (state, on)))
                .find_map(|(state, (why, cases))| {
                    let matches = match (why, event) {
                        (Why::Always, None) | (Why::Any, Some(Raised::Event(_))) => true,
                        (Why::Event(known), Some(Raised::Event(event))) => *known == event,
                        (Why::Done, Some(Raised::Done(done))) => done == state,
                        _ => false,
                    };
                    let case = cases.iter().find(|case| case.guard.is_none_or(|guard| self.holds(guard)));
                    case.filter(|_| matches).map(|case| (state, case))
                });
            if let Some((state, case)) = first
                && !enabled.iter().any(|(_, known)| std::ptr::eq(*known, case))
            {
                enabled.push((state, case));
            }
        }
        self.remove_conflicts(enabled)
    }

    fn remove_conflicts(&self, enabled: Vec<Taken<'c>>) -> Vec<Taken<'c>> {
        let mut filtered: Vec<Taken<'c>> = Vec::new();
        for one in enabled {
            let mut preempted = false;
            let mut remove: Vec<Taken<'c>> = Vec::new();
            for other in &filtered {
                if self.exit_set(one).is_disjoint(&self.exit_set(*other)) {
                    continue;
                }
                if self.is_within(one.0, other.0) {
                    remove.push(*other);
                } else {
                    preempted = true;
                    break;
                }
            }
            if !preempted {
                filtered.retain(|known| !remove.iter().any(|removed| std::ptr::eq(removed.1, known.1)));
                filtered.push(one);
            }
        }
        filtered
    }

    fn microstep(&mut self, enabled: &[Taken<'c>]) {
        // exitStates
        let exits: BTreeSet<usize> = enabled.iter().flat_map(|taken| self.exit_set(*taken)).collect();
        let before = self.configuration.clone();
        for state in &exits {
            for (index, history) in self.chart.states.iter().enumerate() {
                let Form::History { deep, .. } = history.form else { continue };
                if history.parent != Some(*state) {
                    continue;
                }
                let kept = before.iter().copied().filter(|active| match deep {
                    true => self.is_atomic(*active) && self.is_within(*active, *state),
                    false => self.chart.states[*active].parent == Some(*state),
                });
                self.history.insert(index, kept.collect());
            }
        }
        for state in exits.into_iter().rev() {
            self.perform(&self.chart.states[state].exit);
            self.configuration.remove(&state);
            self.moves.push((false, state));
        }
        // executeTransitionContent
        for (_, case) in enabled {
            self.perform(&case.acts);
        }
        // enterStates
        let mut entering = BTreeSet::new();
        for taken in enabled {
            for target in &taken.1.targets {
                self.add_descendants(*target, &mut entering);
            }
            let ancestor = self.domain(*taken);
            for state in self.effective(&taken.1.targets) {
                self.add_ancestors(state, ancestor, &mut entering);
            }
        }
        self.enter(entering);
    }

    fn enter(&mut self, entering: BTreeSet<usize>) {
        for state in entering {
            self.configuration.insert(state);
            self.moves.push((true, state));
            self.perform(&self.chart.states[state].entry);
            if self.chart.states[state].form != Form::Final {
                continue;
            }
            let Some(parent) = self.chart.states[state].parent else { continue };
            self.internal.push_back(Raised::Done(parent));
            let Some(above) = self.chart.states[parent].parent else { continue };
            if self.chart.states[above].form == Form::Parallel
                && self.children(above).into_iter().all(|region| self.is_in_final(region))
            {
                self.internal.push_back(Raised::Done(above));
            }
        }
    }

    fn perform(&mut self, acts: &[Act]) {
        for act in acts {
            match *act {
                Act::Say(what) => self.said.push(what),
                Act::Set(slot, value) => _ = self.slots.insert(slot, value),
                Act::Raise(event) => self.internal.push_back(Raised::Event(event)),
            }
        }
    }

    fn holds(&self, guard: Guard) -> bool {
        match guard {
            Guard::Slot(slot, value) => self.slots.get(&slot).copied().unwrap_or_default() == value,
            Guard::Active(state, is) => self.configuration.contains(&state) == is,
        }
    }

    /// `computeExitSet` of one transition.
    fn exit_set(&self, taken: Taken<'c>) -> BTreeSet<usize> {
        if taken.1.targets.is_empty() {
            return BTreeSet::new();
        }
        let domain = self.domain(taken);
        let inside = |state: &usize| domain.is_none_or(|domain| self.is_within(*state, domain));
        self.configuration.iter().copied().filter(inside).collect()
    }

    /// `getTransitionDomain`; `None` is the chart itself.
    fn domain(&self, (source, case): Taken<'c>) -> Option<usize> {
        let states = self.effective(&case.targets);
        let compound = |state: usize| matches!(self.chart.states[state].form, Form::Compound { .. });
        let holds_all = |state: usize| states.iter().all(|target| self.is_within(*target, state));
        if !case.external && compound(source) && holds_all(source) {
            return Some(source);
        }
        self.ancestors(source).find(|above| compound(*above) && holds_all(*above))
    }

    /// `getEffectiveTargetStates`.
    fn effective(&self, targets: &[usize]) -> BTreeSet<usize> {
        let mut states = BTreeSet::new();
        for target in targets {
            match (&self.chart.states[*target].form, self.history.get(target)) {
                (Form::History { .. }, Some(kept)) => states.extend(kept),
                (Form::History { default, .. }, None) => states.extend(self.effective(&[*default])),
                _ => _ = states.insert(*target),
            }
        }
        states
    }

    /// `addDescendantStatesToEnter`.
    fn add_descendants(&self, state: usize, entering: &mut BTreeSet<usize>) {
        match (&self.chart.states[state].form, self.history.get(&state)) {
            (Form::History { .. }, Some(kept)) => {
                kept.iter().for_each(|kept| self.add_descendants(*kept, entering));
                kept.iter()
                    .for_each(|kept| self.add_ancestors(*kept, self.chart.states[state].parent, entering));
            }
            (Form::History { default, .. }, None) => {
                self.add_descendants(*default, entering);
                self.add_ancestors(*default, self.chart.states[state].parent, entering);
            }
            (Form::Compound { initial }, _) => {
                entering.insert(state);
                self.add_descendants(*initial, entering);
                self.add_ancestors(*initial, Some(state), entering);
            }
            (Form::Parallel, _) => {
                entering.insert(state);
                self.add_regions(state, entering);
            }
            (Form::Rest | Form::Final, _) => _ = entering.insert(state),
        }
    }

    /// `addAncestorStatesToEnter`.
    fn add_ancestors(&self, state: usize, ancestor: Option<usize>, entering: &mut BTreeSet<usize>) {
        for above in self.ancestors(state).take_while(|above| Some(*above) != ancestor) {
            entering.insert(above);
            if self.chart.states[above].form == Form::Parallel {
                self.add_regions(above, entering);
            }
        }
    }

    fn add_regions(&self, parallel: usize, entering: &mut BTreeSet<usize>) {
        for region in self.children(parallel) {
            if !entering.iter().any(|state| self.is_within(*state, region)) {
                self.add_descendants(region, entering);
            }
        }
    }

    /// `isInFinalState`.
    fn is_in_final(&self, state: usize) -> bool {
        let children = self.children(state);
        match self.chart.states[state].form {
            Form::Compound { .. } => children.into_iter().any(|child| {
                self.chart.states[child].form == Form::Final && self.configuration.contains(&child)
            }),
            Form::Parallel => children.into_iter().all(|child| self.is_in_final(child)),
            Form::Rest | Form::Final | Form::History { .. } => false,
        }
    }

    /// `getChildStates`: without pseudo-states.
    fn children(&self, state: usize) -> Vec<usize> {
        let states = self.chart.states.iter().enumerate();
        let children = states
            .filter(|(_, child)| child.parent == Some(state) && !matches!(child.form, Form::History { .. }));
        children.map(|(index, _)| index).collect()
    }

    fn is_atomic(&self, state: usize) -> bool {
        matches!(self.chart.states[state].form, Form::Rest | Form::Final)
    }

    fn ancestors(&self, state: usize) -> impl Iterator<Item = usize> + use<'c> {
        let chart = self.chart;
        std::iter::successors(chart.states[state].parent, |above| chart.states[*above].parent)
    }

    fn is_within(&self, inner: usize, outer: usize) -> bool {
        self.ancestors(inner).any(|above| above == outer)
    }
}
