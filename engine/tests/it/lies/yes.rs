//! Whether the guest said yes to what is written: the last question was a read-back, it reached the guest, the message
//! says yes and nothing against it, and every argument is what the read-back was about, and still fresh.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use indexmap::IndexMap;
use innkeeper_engine::flow::{Does, Flow, Form, Invoke};
use innkeeper_engine::{Act, Call, Effect, Expecting, Flows, Input, Moment, Outcome, Position, Step};
use serde_json::{Value as Json, json};

/// What an observer knows who hears what is said and sees what is called.
#[derive(Default)]
pub(crate) struct Yes {
    read: Option<Read>,
    /// When results were made, by flow and name.
    made: BTreeMap<(String, String), DateTime<Utc>>,
    /// The calls that are out.
    open: BTreeMap<u32, (String, String)>,
}

/// The last saying, where it was a read-back.
struct Read {
    say: u32,
    flow: String,
    facts: IndexMap<String, Json>,
    conveyed: bool,
}

impl Yes {
    /// Checks the writing calls of a step; how many there are.
    pub(crate) fn follow(
        &mut self,
        flows: &Flows,
        before: &Position,
        input: &Input,
        stepped: &Step,
        moment: Moment,
    ) -> usize {
        match input {
            Input::Conveyed { say } => {
                if let Some(read) = self.read.as_mut().filter(|read| read.say == *say) {
                    read.conveyed = true;
                }
            }
            Input::Answered { call, outcome } => {
                let answered = self.open.remove(call);
                if let (Some(result), Outcome::Ok { .. }) = (answered, outcome) {
                    self.made.insert(result, moment.at);
                }
            }
            _ => {}
        }
        let mut writes = 0;
        for effect in &stepped.effects {
            match effect {
                Effect::Call(call) => {
                    let (flow, invoke) = of(flows, call, &stepped.next);
                    if call.writes {
                        writes += 1;
                        self.check(flow, invoke, call, before, input, moment);
                    }
                    if let Some(result) = invoke.save.and_then(|save| flow.result_name(save)) {
                        self.open.insert(call.id, (flow.name.to_string(), result.to_string()));
                    }
                }
                Effect::Say(say) => {
                    self.read = (say.expecting == Expecting::Confirmation).then(|| Read {
                        say: say.id,
                        flow: top(flows, &stepped.next),
                        facts: say.facts(),
                        conveyed: false,
                    });
                }
                Effect::Understand
                | Effect::Send(_)
                | Effect::Remember { .. }
                | Effect::HandOver
                | Effect::End => {}
            }
        }
        writes
    }

    fn check(
        &self,
        flow: &Flow,
        invoke: &Invoke,
        call: &Call,
        before: &Position,
        input: &Input,
        moment: Moment,
    ) {
        let Input::Understood(means) = input else { panic!("{call:?} without a message, after {input:?}") };
        assert!(means.acts.contains(&Act::Affirm), "{call:?} without a yes: {means:?}");
        for act in [Act::Deny, Act::Cancel, Act::Change, Act::Human] {
            assert!(!means.acts.contains(&act), "{call:?} although the guest says {act:?} too");
        }
        let expected = match before.waiting() {
            innkeeper_engine::Waiting::Meaning { expecting, .. } => expecting.clone(),
            other => panic!("{call:?} while it waits for {other:?}"),
        };
        assert_eq!(expected, Expecting::Confirmation, "{call:?} to a yes nobody asked for");
        let Some(read) = &self.read else { panic!("{call:?} and the last saying was no read-back") };
        assert!(read.conveyed, "{call:?} and the read-back never reached the guest");
        assert_eq!(read.flow, *flow.name, "another flow was read back");
        for (name, expression) in &invoke.with {
            let fact =
                expression.source().split('.').fold(&json!(read.facts), |json, field| &json[field]).clone();
            let sent = call.arguments.get(name).cloned().unwrap_or(Json::Null);
            assert_eq!(sent, fact, "`{name}` of {call:?} is not what was read back");
        }
        assert!(call.arguments.iter().all(|(name, _)| invoke.with.iter().any(|(known, _)| known == name)));
        self.is_fresh(flow, invoke, moment);
    }

    /// Every result that what is sent comes from is within its time.
    fn is_fresh(&self, flow: &Flow, invoke: &Invoke, moment: Moment) {
        for (_, expression) in &invoke.with {
            let root = expression.source().split('.').next().unwrap();
            let list =
                flow.slots.get(root).and_then(|slot| slot.list).and_then(|list| flow.result_name(list));
            let result = list.map_or(root, |name| &**name);
            let Some(produced) = flow.results.get(result) else { continue };
            for state in &produced.by {
                let Some(Does::Invoke(made)) = flow.does(*state) else { continue };
                let Some(fresh) = made.fresh_for_ms else { continue };
                let at = self.made[&(flow.name.to_string(), result.to_owned())];
                assert!(
                    moment.at - at <= TimeDelta::milliseconds(fresh),
                    "`{result}` is too old to be booked"
                );
            }
        }
    }
}

fn top(flows: &Flows, position: &Position) -> String {
    position.active(flows).pop().map(|(flow, _)| flow).unwrap_or_default()
}

/// The state that makes a call.
fn of<'f>(flows: &'f Flows, call: &Call, position: &Position) -> (&'f Flow, &'f Invoke) {
    let (flow, states) = position.active(flows).pop().unwrap();
    let flow = flows.get(&flow).unwrap();
    let invoke = states.iter().find_map(|state| match &flow.states[&**state].form {
        Form::Atomic(Does::Invoke(invoke)) if invoke.tool == call.tool => Some(&**invoke),
        _ => None,
    });
    (flow, invoke.unwrap_or_else(|| panic!("no active state makes {call:?}")))
}
