//! Hierarchy: one chart written both ways, as a flow and as a statig machine, leaves and enters the same.
//!
//! statig 0.4 leaves from the active state up to what it and the target have in common; SCXML leaves everything inside
//! the transition's domain, which the state that has the transition decides. The two differ where a superstate's
//! transition leads back into the branch it came from; the last test shows it, the chart here has no such transition.

mod appendix_d;
mod random;

use proptest::prelude::*;
use serde_json::Value as Json;
use statig::blocking::{
    Handled, IntoStateMachine, IntoStateMachineExt as _, Outcome, StateMachine, Super, Transition,
};

use crate::chart::Chart;

const FLOW: &str = "
events: [a, b, c, d, e, f]
on: { bye: over }
states:
  s1:
    on: { c: s221, e: { ask_again: false } }
    states:
      s11:
        on: { b: s121, d: s211 }
        states:
          s111: { wait: true, on: { a: s112, e: s111, f: s211 } }
          s112: { wait: true, on: { a: s111, c: s121 } }
      s12:
        on: { d: s112 }
        states:
          s121: { wait: true, on: { a: s111, b: s122 } }
          s122: { wait: true, on: { b: s122, d: s111 } }
  s2:
    on: { a: s111, f: { ask_again: false } }
    states:
      s21:
        on: { c: s221 }
        states:
          s211: { wait: true, on: { b: s212 } }
          s212: { wait: true, on: { b: s211, d: s221, e: s212 } }
      s22:
        on: { e: s211 }
        states:
          s221: { wait: true, on: { f: s122 } }
  over: { final: done }
";

/// The same chart as a statig machine.
#[derive(Default)]
struct Oracle {
    log: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Event {
    A,
    B,
    C,
    D,
    E,
    F,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Leaf {
    S111,
    S112,
    S121,
    S122,
    S211,
    S212,
    S221,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Above {
    S1,
    S11,
    S12,
    S2,
    S21,
    S22,
    /// Events that nobody handles vanish at the root, so it lists what it ignores: everything.
    Top,
}

impl IntoStateMachine for Oracle {
    type State = Leaf;
    type Superstate<'sub> = Above;
    type Event<'evt> = Event;
    type Context<'ctx> = ();

    fn initial() -> Leaf {
        Leaf::S111
    }
}

impl statig::blocking::State<Oracle> for Leaf {
    fn call_handler(&mut self, _: &mut Oracle, event: &Event, (): &mut ()) -> Outcome<Leaf> {
        match (*self, event) {
            (Self::S111, Event::A) => Transition(Self::S112),
            (Self::S111, Event::E) => Transition(Self::S111),
            (Self::S111, Event::F) => Transition(Self::S211),
            (Self::S112, Event::A) => Transition(Self::S111),
            (Self::S112, Event::C) => Transition(Self::S121),
            (Self::S121, Event::A) => Transition(Self::S111),
            (Self::S121, Event::B) => Transition(Self::S122),
            (Self::S122, Event::B) => Transition(Self::S122),
            (Self::S122, Event::D) => Transition(Self::S111),
            (Self::S211, Event::B) => Transition(Self::S212),
            (Self::S212, Event::B) => Transition(Self::S211),
            (Self::S212, Event::D) => Transition(Self::S221),
            (Self::S212, Event::E) => Transition(Self::S212),
            (Self::S221, Event::F) => Transition(Self::S122),
            _ => Super,
        }
    }

    fn call_entry_action(&mut self, oracle: &mut Oracle, (): &mut ()) {
        oracle.log.push(format!("+{self:?}"));
    }

    fn call_exit_action(&mut self, oracle: &mut Oracle, (): &mut ()) {
        oracle.log.push(format!("-{self:?}"));
    }

    fn superstate(&mut self) -> Option<Above> {
        Some(match self {
            Self::S111 | Self::S112 => Above::S11,
            Self::S121 | Self::S122 => Above::S12,
            Self::S211 | Self::S212 => Above::S21,
            Self::S221 => Above::S22,
        })
    }
}

impl statig::blocking::Superstate<Oracle> for Above {
    fn call_handler(&mut self, _: &mut Oracle, event: &Event, (): &mut ()) -> Outcome<Leaf> {
        match (*self, event) {
            (Self::S11, Event::B) => Transition(Leaf::S121),
            (Self::S11, Event::D) => Transition(Leaf::S211),
            (Self::S12, Event::D) => Transition(Leaf::S112),
            (Self::S1, Event::C) => Transition(Leaf::S221),
            (Self::S21, Event::C) => Transition(Leaf::S221),
            (Self::S22, Event::E) => Transition(Leaf::S211),
            (Self::S2, Event::A) => Transition(Leaf::S111),
            (Self::S1, Event::E) | (Self::S2, Event::F) | (Self::Top, _) => Handled,
            _ => Super,
        }
    }

    fn call_entry_action(&mut self, oracle: &mut Oracle, (): &mut ()) {
        if *self != Self::Top {
            oracle.log.push(format!("+{self:?}"));
        }
    }

    fn call_exit_action(&mut self, oracle: &mut Oracle, (): &mut ()) {
        if *self != Self::Top {
            oracle.log.push(format!("-{self:?}"));
        }
    }

    fn superstate(&mut self) -> Option<Self> {
        match self {
            Self::S11 | Self::S12 => Some(Self::S1),
            Self::S21 | Self::S22 => Some(Self::S2),
            Self::S1 | Self::S2 => Some(Self::Top),
            Self::Top => None,
        }
    }
}

/// What the machine logs for one event more.
fn moved(machine: &mut StateMachine<Oracle>, event: Event) -> String {
    let before = machine.inner().log.len();
    machine.handle(&event);
    machine.inner().log[before..].join(" ").to_lowercase()
}

fn flow_and_machine() -> (Chart, StateMachine<Oracle>) {
    let mut chart = Chart::new(&[FLOW]);
    let mut machine = Oracle::default().state_machine();
    machine.init();
    assert_eq!(chart.start().moves, machine.inner().log.join(" ").to_lowercase());
    (chart, machine)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_flow_and_a_statig_machine_leave_and_enter_the_same(
        events in prop::collection::vec(
            prop::sample::select(vec![Event::A, Event::B, Event::C, Event::D, Event::E, Event::F]), 1..40),
    ) {
        let (mut chart, mut machine) = flow_and_machine();
        for (number, event) in events.iter().enumerate() {
            let name = format!("{event:?}").to_lowercase();
            let moves = chart.event(&name, Json::Null).moves;
            prop_assert_eq!(moves, moved(&mut machine, *event), "event {} of {:?}", number + 1, events);
        }
    }
}

#[test]
fn a_self_transition_leaves_and_enters() {
    let (mut chart, mut machine) = flow_and_machine();
    assert_eq!(chart.event("e", Json::Null).moves, "-s111 +s111");
    assert_eq!(moved(&mut machine, Event::E), "-s111 +s111");
}

#[test]
fn a_transition_of_a_superstate_back_into_its_branch_leaves_the_branch() {
    let flow = "
events: [a]
on: { bye: over }
states:
  s1:
    on: { a: s112 }
    states: { s11: { states: { s111: { wait: true }, s112: { wait: true } } } }
  over: { final: done }
";
    let mut chart = Chart::new(&[flow]);
    chart.start();
    assert_eq!(chart.event("a", Json::Null).moves, "-s111 -s11 +s11 +s112", "statig leaves s111 only");
}
