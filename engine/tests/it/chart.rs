//! A chart in a test: flows on a plain root chart, driven input by input; what each leads to is told in a few words.
//!
//! The first flow of a chart is called `case`, by [`case`], and is begun by [`Chart::start`]. Moves are `+state` and
//! `-state`; those of another flow have its name before them, those of the root chart are left out.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_engine::flow::Source;
use innkeeper_engine::{
    Act, By, Call, Effect, Flows, Input, Moment, Outcome, Position, Prompts, Tool, Tools, Trace,
    Understanding, Waiting, step,
};
use serde_json::{Value as Json, json};

use crate::talk::{day, meaning};

/// The root chart beneath a chart under test.
pub(crate) const ROOT: &str = include_str!("scxml/root/conversation.yaml");

/// A chart that runs.
#[derive(Clone)]
pub(crate) struct Chart {
    pub(crate) flows: Flows,
    pub(crate) position: Position,
    pub(crate) now: DateTime<Utc>,
}

/// What an input led to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Seen {
    /// States entered and left, in order.
    pub(crate) moves: String,
    /// Prompts said, in order.
    pub(crate) said: String,
    /// How the flow `case` ended.
    pub(crate) ends: Option<String>,
    /// Calls made.
    pub(crate) calls: Vec<Call>,
    /// Everything that was traced.
    pub(crate) trace: Vec<Trace>,
    /// Whether a person must take over.
    pub(crate) hands_over: bool,
}

impl Seen {
    /// The tools called, each with its arguments.
    pub(crate) fn called(&self) -> Vec<String> {
        self.calls.iter().map(|call| format!("{} {}", call.tool, json!(call.arguments))).collect()
    }
}

/// The flow `case`, of everything but its name and its description.
pub(crate) fn case(rest: &str) -> String {
    format!("flow: case\ndescription: A chart under test.{rest}")
}

/// Checks flows on the root chart of this module.
pub(crate) fn check(flows: &[&str]) -> Flows {
    with_root(ROOT, flows)
}

/// Checks flows on another root chart.
pub(crate) fn with_root(root: &str, flows: &[&str]) -> Flows {
    try_check(root, flows).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

pub(crate) fn try_check(root: &str, flows: &[&str]) -> Result<Flows, innkeeper_engine::flow::Mistakes> {
    let mut sources = vec![Source { file: "conversation.yaml".to_owned(), text: root.to_owned() }];
    sources.extend(
        flows
            .iter()
            .enumerate()
            .map(|(index, text)| Source { file: format!("flow_{index}.yaml"), text: (*text).to_owned() }),
    );
    Flows::check(&sources, &tools(), &Prompts::default())
}

/// `look` reads for an item, `list` reads a list of items, `write` writes.
fn tools() -> Tools {
    let item = json!({ "type": "object", "properties": { "item": {} } });
    let tool = |name: &str, read_only: bool, required: Json| {
        let mut input_schema = item.clone();
        input_schema["required"] = required;
        (name.to_owned(), Tool { name: name.to_owned(), input_schema, output_schema: None, read_only })
    };
    [
        tool("look", true, json!([])),
        tool("list", true, json!([])),
        tool("need", true, json!(["item"])),
        tool("write", false, json!([])),
    ]
    .into_iter()
    .collect()
}

impl Chart {
    /// The first flow goes without the lines that every case would begin with.
    pub(crate) fn new(flows: &[&str]) -> Self {
        let first = case(flows[0]);
        Self::on(check(&[&[first.as_str()], &flows[1..]].concat()))
    }

    pub(crate) fn on(flows: Flows) -> Self {
        let position = Position::start(&flows);
        Self { flows, position, now: "2026-12-01T10:00:00Z".parse().unwrap() }
    }

    /// Begins the flow `case`.
    pub(crate) fn start(&mut self) -> Seen {
        self.means(Understanding { acts: vec![Act::Start("case".to_owned())], ..sure() })
    }

    /// The guest says something that means this, in the words of [`meaning`].
    pub(crate) fn guest(&mut self, words: &str) -> Seen {
        if let Some(say) = self.position.unconveyed() {
            self.input(Input::Conveyed { say });
        }
        let means = meaning(&self.flows, words);
        self.means(means)
    }

    fn means(&mut self, means: Understanding) -> Seen {
        let heard = self.input(Input::Said { text: "so".to_owned(), button: None });
        assert!(matches!(self.position.waiting(), Waiting::Meaning { .. }), "nobody listens: {heard:?}");
        self.input(Input::Understood(means.into()))
    }

    /// A named event from outside.
    pub(crate) fn event(&mut self, name: &str, data: Json) -> Seen {
        self.input(Input::Event { name: name.to_owned(), data })
    }

    /// Time passes, and whoever keeps time says so.
    pub(crate) fn later(&mut self, seconds: i64) -> Seen {
        self.now += TimeDelta::seconds(seconds);
        self.input(Input::Due)
    }

    /// The answer to a call.
    pub(crate) fn answer(&mut self, call: u32, result: Json) -> Seen {
        self.input(Input::Answered { call, outcome: Outcome::Ok { result: Arc::new(result) } })
    }

    /// Takes one input; what is saved and read back must be the same position.
    pub(crate) fn input(&mut self, input: Input) -> Seen {
        let moment = Moment { at: self.now, today: day(1) };
        let stepped = step(&self.flows, self.position.clone(), input, moment);
        let saved = stepped.next.to_bytes().unwrap();
        self.position = Position::from_bytes(&saved).unwrap();
        assert_eq!(self.position, stepped.next);
        let mut seen = Seen { trace: stepped.trace, ..Seen::default() };
        let mut moves: Vec<String> = Vec::new();
        for trace in &seen.trace {
            match trace {
                Trace::Entered { flow, state } => moves.extend(shown('+', flow, state)),
                Trace::Left { flow, state } => moves.extend(shown('-', flow, state)),
                Trace::Ended { flow, outcome } if &**flow == "case" => seen.ends = Some(outcome.to_string()),
                _ => {}
            }
        }
        seen.moves = moves.join(" ");
        let mut said: Vec<&str> = Vec::new();
        for effect in &stepped.effects {
            match effect {
                Effect::Say(say) => said.push(&say.prompt),
                Effect::Call(call) => {
                    assert!(
                        self.position.permits(&self.flows, call, moment),
                        "{} is not permitted",
                        call.tool
                    );
                    seen.calls.push(call.clone());
                }
                Effect::HandOver => seen.hands_over = true,
                Effect::Understand | Effect::Send(_) | Effect::Remember { .. } | Effect::End => {}
            }
        }
        seen.said = said.join(" ");
        seen
    }

    /// The active states of the flow `case`, ancestors included; empty when it does not run.
    pub(crate) fn at(&self) -> String {
        let active = self.position.active(&self.flows);
        active
            .into_iter()
            .find(|(flow, _)| flow == "case")
            .map(|(_, states)| states.join(" "))
            .unwrap_or_default()
    }

    /// A slot of the active flow.
    pub(crate) fn slot(&self, name: &str) -> Json {
        self.position.slots(&self.flows).get(name).cloned().unwrap_or(Json::Null)
    }
}

fn shown(sign: char, flow: &str, state: &str) -> Option<String> {
    match flow {
        "case" => Some(format!("{sign}{state}")),
        "conversation" => None,
        other => Some(format!("{sign}{other}.{state}")),
    }
}

fn sure() -> Understanding {
    Understanding { sure: true, by: By::Rules, ..Understanding::default() }
}
