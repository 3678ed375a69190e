//! Random charts: hierarchies with regions, histories, ends, eventless transitions, guards and raised events, run by the
//! engine and by the algorithm of SCXML's appendix D.

use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value as Json;

use super::appendix_d::{Act, Case, Chart, Form, Guard, Run, State, Why};
use crate::chart;

/// Events with a meaning only to the charts that handle them.
const EVENTS: usize = 3;
/// The first of the events that each lead to one state, so that every state can be reached.
const JUMPS: usize = 10;
const SLOTS: usize = 2;

/// A chart as it is drawn by lot. Whatever makes no sense in its place is left out when it is built.
#[derive(Clone, Debug)]
struct Lot {
    states: Vec<Node>,
    initial: Index,
    wires: Vec<Wire>,
    doings: Vec<Doing>,
}

#[derive(Clone, Debug)]
enum Node {
    Rest,
    Final,
    Compound { states: Vec<Node>, initial: Index, history: Option<(bool, Index)> },
    Parallel(Vec<Node>),
}

/// A transition.
#[derive(Clone, Debug)]
struct Wire {
    source: Index,
    why: Why,
    guard: Option<(bool, Index, bool)>,
    target: Option<Index>,
    second: Option<Index>,
    external: bool,
    raise: Option<usize>,
    set: Option<(usize, bool)>,
}

/// Something done on entering or leaving a state.
#[derive(Clone, Debug)]
struct Doing {
    state: Index,
    entering: bool,
    raise: Option<usize>,
    set: Option<(usize, bool)>,
}

fn node() -> impl Strategy<Value = Node> {
    let leaf = prop_oneof![2 => Just(Node::Rest), 1 => Just(Node::Final)];
    leaf.prop_recursive(3, 14, 3, |inner| {
        let history = || prop::option::of((any::<bool>(), any::<Index>()));
        let compound = |states, initial, history| Node::Compound { states, initial, history };
        let region = (prop::collection::vec(inner.clone(), 2..4), any::<Index>(), history())
            .prop_map(move |(states, initial, history)| compound(states, initial, history));
        let regions = prop::collection::vec(region, 2..4).prop_map(Node::Parallel);
        // Regions that are remembered from outside.
        let remembered = (regions, inner.clone(), any::<bool>(), any::<Index>()).prop_map(
            move |(regions, other, deep, index)| compound(vec![regions, other], index, Some((deep, index))),
        );
        prop_oneof![
            4 => (prop::collection::vec(inner.clone(), 1..4), any::<Index>(), history())
                .prop_map(move |(states, initial, history)| compound(states, initial, history)),
            4 => prop::collection::vec(inner, 2..4).prop_map(Node::Parallel),
            1 => remembered,
        ]
    })
}

fn wire() -> impl Strategy<Value = Wire> {
    let why = prop_oneof![
        6 => (0..EVENTS).prop_map(Why::Event),
        1 => Just(Why::Any),
        2 => Just(Why::Always),
        2 => Just(Why::Done),
    ];
    let guard = prop::option::weighted(0.4, (any::<bool>(), any::<Index>(), any::<bool>()));
    let target = prop::option::weighted(0.8, any::<Index>());
    let second = prop::option::weighted(0.3, any::<Index>());
    let raise = prop::option::weighted(0.15, 0..EVENTS);
    let set = prop::option::weighted(0.3, (0..SLOTS, any::<bool>()));
    (any::<Index>(), why, guard, target, second, any::<bool>(), raise, set).prop_map(
        |(source, why, guard, target, second, external, raise, set)| Wire {
            source,
            why,
            guard,
            target,
            second,
            external,
            raise,
            set,
        },
    )
}

fn doing() -> impl Strategy<Value = Doing> {
    let raise = prop::option::weighted(0.15, 0..EVENTS);
    let set = prop::option::weighted(0.3, (0..SLOTS, any::<bool>()));
    (any::<Index>(), any::<bool>(), raise, set).prop_map(|(state, entering, raise, set)| Doing {
        state,
        entering,
        raise,
        set,
    })
}

fn lot() -> impl Strategy<Value = Lot> {
    let states = prop::collection::vec(node(), 1..4);
    let wires = prop::collection::vec(wire(), 0..14);
    let doings = prop::collection::vec(doing(), 0..8);
    (states, any::<Index>(), wires, doings).prop_map(|(states, initial, wires, doings)| Lot {
        states,
        initial,
        wires,
        doings,
    })
}

/// What a message of a run is: an event, or a jump to a state.
fn message() -> impl Strategy<Value = (usize, Option<Index>)> {
    (0..EVENTS, prop::option::weighted(0.5, any::<Index>()))
}

impl Lot {
    fn chart(&self) -> Chart {
        let mut chart = Chart { states: vec![plain(None, Form::Compound { initial: 0 })] };
        self.states.iter().for_each(|node| chart.add(0, node, false));
        chart.states[0].form = Form::Compound { initial: chart.chosen(self.initial, &chart.inside(0)) };
        chart.states[0].entry = (0..SLOTS).map(|slot| Act::Set(slot, false)).collect();
        let states: Vec<usize> = (0..chart.states.len()).filter(|state| !chart.is_history(*state)).collect();
        for (number, doing) in self.doings.iter().enumerate() {
            let state = &mut chart.states[*doing.state.get(&states)];
            let acts = if doing.entering { &mut state.entry } else { &mut state.exit };
            acts.push(Act::Say(100 + number));
            acts.extend(doing.set.map(|(slot, value)| Act::Set(slot, value)));
            acts.extend(doing.raise.map(Act::Raise));
        }
        for (number, wire) in self.wires.iter().enumerate() {
            chart.wire(number, wire, &states);
        }
        for state in &states {
            chart.go_on(*state, &states);
        }
        for state in 1..chart.states.len() {
            let case = Case { guard: None, acts: vec![], targets: vec![state], external: false };
            chart.states[0].on.push((Why::Event(JUMPS + state), vec![case]));
        }
        chart
    }
}

fn plain(parent: Option<usize>, form: Form) -> State {
    State { parent, form, entry: Vec::new(), exit: Vec::new(), on: Vec::new() }
}

impl Chart {
    fn add(&mut self, parent: usize, node: &Node, may_end: bool) {
        let index = self.states.len();
        match node {
            Node::Final if may_end => self.states.push(plain(Some(parent), Form::Final)),
            Node::Rest | Node::Final => self.states.push(plain(Some(parent), Form::Rest)),
            Node::Compound { states, initial, history } => {
                self.states.push(plain(Some(parent), Form::Rest));
                states.iter().for_each(|node| self.add(index, node, true));
                let within = self.inside(index);
                let begins = self.chosen(*initial, &within);
                self.states[index].form = Form::Compound { initial: begins };
                if let Some((deep, default)) = history {
                    let own = |state: &usize| *deep || self.states[*state].parent == Some(index);
                    let own: Vec<usize> = within.into_iter().filter(own).collect();
                    let default = self.chosen(*default, &own);
                    self.states.push(plain(Some(index), Form::History { deep: *deep, default }));
                }
            }
            Node::Parallel(regions) => {
                self.states.push(plain(Some(parent), Form::Parallel));
                regions.iter().for_each(|node| self.add(index, node, false));
            }
        }
    }

    /// The states inside another, without histories.
    fn inside(&self, outer: usize) -> Vec<usize> {
        (outer + 1..self.states.len())
            .filter(|state| !self.is_history(*state) && self.above(*state).contains(&outer))
            .collect()
    }

    fn chosen(&self, index: Index, among: &[usize]) -> usize {
        *index.get(among)
    }

    fn is_history(&self, state: usize) -> bool {
        matches!(self.states[state].form, Form::History { .. })
    }

    /// The states around one, the nearest first.
    fn above(&self, state: usize) -> Vec<usize> {
        std::iter::successors(self.states[state].parent, |above| self.states[*above].parent).collect()
    }

    fn can_end(&self, state: usize) -> bool {
        let mut children = (0..self.states.len()).filter(|child| self.states[*child].parent == Some(state));
        match self.states[state].form {
            Form::Compound { .. } => children.any(|child| self.states[child].form == Form::Final),
            Form::Parallel => children.all(|child| self.can_end(child)),
            Form::Rest | Form::Final | Form::History { .. } => false,
        }
    }

    /// Whether two states are in different regions of one parallel state.
    fn are_beside(&self, one: usize, two: usize) -> bool {
        let (first, second) = (self.above(one), self.above(two));
        let common = first.iter().find(|state| second.contains(state));
        one != two
            && !first.contains(&two)
            && !second.contains(&one)
            && common.is_some_and(|common| self.states[*common].form == Form::Parallel)
    }

    /// Adds a transition, if it makes sense.
    fn wire(&mut self, number: usize, wire: &Wire, states: &[usize]) {
        let source = *wire.source.get(states);
        let target = wire.target.map(|target| target.index(self.states.len()));
        let guard = wire.guard.map(|(slot, which, value)| match slot {
            true => Guard::Slot(which.index(SLOTS), value),
            false => Guard::Active(*which.get(states), value),
        });
        // What is not asked for by an event leads onwards, so that few charts run in circles.
        let onward = |target: usize| target > source && !self.above(target).contains(&source);
        let makes_sense = match wire.why {
            _ if self.states[source].form == Form::Final => false,
            Why::Always => guard.is_some() && target.is_some_and(onward),
            Why::Done => guard.is_none() && self.can_end(source) && target.is_some_and(onward),
            Why::Event(_) | Why::Any => true,
        };
        if !makes_sense {
            return;
        }
        let mut targets: Vec<usize> = target.into_iter().collect();
        if let (Some(target), Some(second)) = (target, wire.second.map(|second| *second.get(states)))
            && !self.is_history(target)
            && self.are_beside(target, second)
        {
            targets.push(second);
        }
        let mut acts = vec![Act::Say(number)];
        acts.extend(wire.set.map(|(slot, value)| Act::Set(slot, value)));
        acts.extend(wire.raise.map(Act::Raise));
        let external = wire.external && !targets.is_empty();
        let case = Case { guard, acts, targets, external };
        let on = &mut self.states[source].on;
        match on.iter_mut().find(|(why, _)| *why == wire.why) {
            // What comes after a case that always holds is never taken.
            Some((_, cases)) if cases.iter().any(|case| case.guard.is_none()) => {}
            Some((_, cases)) => cases.push(case),
            None => on.push((wire.why, vec![case])),
        }
    }

    /// A state that ends and is no region goes on somewhere.
    fn go_on(&mut self, state: usize, states: &[usize]) {
        let region =
            self.states[state].parent.is_some_and(|parent| self.states[parent].form == Form::Parallel);
        let compound = matches!(self.states[state].form, Form::Compound { .. });
        let goes_on = self.states[state].on.iter().any(|(why, _)| *why == Why::Done);
        if goes_on || !self.can_end(state) || (region && compound) {
            return;
        }
        let outside = states.iter().rfind(|other| **other > state && !self.above(**other).contains(&state));
        let inside = states
            .iter()
            .find(|other| self.above(**other).contains(&state) && self.states[**other].form == Form::Rest);
        let target = outside.or(inside).copied().unwrap_or(1);
        let case = Case { guard: None, acts: vec![], targets: vec![target], external: false };
        self.states[state].on.push((Why::Done, vec![case]));
    }

    fn name(state: usize) -> String {
        format!("s{state}")
    }

    /// The chart in our language.
    fn yaml(&self) -> String {
        let mut yaml = "flow: case\ndescription: A chart under test.\n".to_owned();
        let jumps = (1..self.states.len()).map(|state| JUMPS + state);
        let events: Vec<String> = (0..EVENTS).chain(jumps).map(|event| format!("e{event}")).collect();
        writeln!(yaml, "events: [{}]", events.join(", ")).unwrap();
        let slots: Vec<String> = (0..SLOTS).map(|slot| format!("b{slot}: boolean")).collect();
        writeln!(yaml, "slots: {{ {} }}\non: {{ bye: over }}\nstates:", slots.join(", ")).unwrap();
        self.write(&mut yaml, 0, 1);
        yaml.push_str("  over: { final: done }\n");
        yaml
    }

    fn write(&self, yaml: &mut String, index: usize, depth: usize) {
        let state = &self.states[index];
        let pad = "  ".repeat(depth);
        writeln!(yaml, "{pad}{}:", Self::name(index)).unwrap();
        match &state.form {
            Form::Rest => writeln!(yaml, "{pad}  wait: true"),
            Form::Final => writeln!(yaml, "{pad}  final: f{index}"),
            Form::Compound { initial } => writeln!(yaml, "{pad}  initial: {}", Self::name(*initial)),
            Form::Parallel => writeln!(yaml, "{pad}  parallel: true"),
            Form::History { deep, default } => {
                let kind = if *deep { "deep" } else { "shallow" };
                writeln!(yaml, "{pad}  history: {kind}\n{pad}  target: {}", Self::name(*default))
            }
        }
        .unwrap();
        for (key, acts) in [("entry", &state.entry), ("exit", &state.exit)] {
            if !acts.is_empty() {
                let acts: Vec<String> = acts.iter().map(|act| format!("{{ {} }}", Self::act(*act))).collect();
                writeln!(yaml, "{pad}  {key}: [{}]", acts.join(", ")).unwrap();
            }
        }
        let mut handlers: Vec<String> = Vec::new();
        let mut jumps: Vec<String> = Vec::new();
        for (why, cases) in &state.on {
            let cases: Vec<String> = cases.iter().map(Self::case).collect();
            let cases = format!("[{}]", cases.join(", "));
            match why {
                Why::Always => writeln!(yaml, "{pad}  always: {cases}").unwrap(),
                Why::Done => writeln!(yaml, "{pad}  done: {cases}").unwrap(),
                Why::Event(event) if *event > JUMPS => {
                    jumps.push(format!("e{event}: {}", Self::name(event - JUMPS)))
                }
                Why::Event(event) => handlers.push(format!("{pad}    e{event}: {cases}\n")),
                Why::Any => handlers.push(format!("{pad}    \"*\": {cases}\n")),
            }
        }
        if !jumps.is_empty() && handlers.is_empty() {
            writeln!(yaml, "{pad}  on: {{ {} }}", jumps.join(", ")).unwrap();
        } else if !handlers.is_empty() {
            handlers.extend(jumps.into_iter().map(|jump| format!("{pad}    {jump}\n")));
            write!(yaml, "{pad}  on:\n{}", handlers.concat()).unwrap();
        }
        let mut children =
            (0..self.states.len()).filter(|child| self.states[*child].parent == Some(index)).peekable();
        if children.peek().is_some() {
            writeln!(yaml, "{pad}  states:").unwrap();
            children.for_each(|child| self.write(yaml, child, depth + 2));
        }
    }

    fn case(case: &Case) -> String {
        let mut keys: Vec<String> = Vec::new();
        keys.extend(case.guard.map(|guard| match guard {
            Guard::Slot(slot, true) => format!("guard: b{slot}"),
            Guard::Slot(slot, false) => format!("guard: not b{slot}"),
            Guard::Active(state, true) => format!("guard: \"'{}' in active\"", Self::name(state)),
            Guard::Active(state, false) => format!("guard: \"'{}' not in active\"", Self::name(state)),
        }));
        keys.extend(case.acts.iter().map(|act| Self::act(*act)));
        if !case.targets.is_empty() {
            let targets: Vec<String> = case.targets.iter().map(|target| Self::name(*target)).collect();
            keys.push(format!("target: [{}]", targets.join(", ")));
        }
        keys.extend(case.external.then(|| "reenter: true".to_owned()));
        if keys.is_empty() { "{ ask_again: false }".to_owned() } else { format!("{{ {} }}", keys.join(", ")) }
    }

    fn act(act: Act) -> String {
        match act {
            Act::Say(what) => format!("say: a{what}"),
            Act::Set(slot, value) => format!("set: {{ b{slot}: {value} }}"),
            Act::Raise(event) => format!("raise: e{event}"),
        }
    }
}

/// What a run says of one event: moves, what is said, the active states.
fn told(run: &Run<'_>) -> (String, String, String) {
    let moves = run.moves.iter();
    let moves = moves.map(|(entered, state)| format!("{}s{state}", if *entered { '+' } else { '-' }));
    let said = run.said.iter().map(|said| format!("a{said}"));
    let active = run.active().into_iter().map(Chart::name);
    let line = |words: Vec<String>| words.join(" ");
    (line(moves.collect()), line(said.collect()), line(active.collect()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 384, failure_persistence: None, max_shrink_iters: 20_000, max_global_rejects: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn a_random_chart_does_what_scxmls_algorithm_does(
        lot in lot(),
        messages in prop::collection::vec(message(), 1..20),
    ) {
        let described = lot.chart();
        let yaml = described.yaml();
        let flows = match chart::try_check(chart::ROOT, &[&yaml]) {
            Ok(flows) => flows,
            Err(mistakes) => return Err(TestCaseError::reject(format!("{mistakes}\n{yaml}"))),
        };
        let mut ours = chart::Chart::on(flows);
        let seen = ours.start();
        let Some(mut run) = Run::start(&described) else { return Ok(()) };
        let found = (seen.moves, seen.said, ours.at());
        prop_assert_eq!(found, told(&run), "on entering\n{}", yaml);
        let states: Vec<usize> = (1..described.states.len()).collect();
        for (event, jump) in messages {
            let event = jump.map_or(event, |jump| JUMPS + jump.get(&states));
            let seen = ours.event(&format!("e{event}"), Json::Null);
            if run.event(event).is_none() {
                return Ok(());
            }
            let found = (seen.moves, seen.said, ours.at());
            prop_assert_eq!(found, told(&run), "after e{}\n{}", event, yaml);
        }
    }
}
