//! Flows in a test with a small hotel to call: the shipped ones, and others that have every construct.
//!
//! A [`Visit`] is a conversation without a driver: every input is stepped, every call answered by [`hotel`], and what
//! was put in is kept, so that it can be gone through once more.

pub(crate) mod guest;
pub(crate) mod hotel;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, TimeDelta, Utc};
use innkeeper_engine::flow::{Mistakes, Source};
use innkeeper_engine::{
    Act, Call, Effect, Flows, Guest, Input, Moment, Outcome, Position, Prompts, Question, Say, Tool, Tools,
    Trace, Understanding, Waiting, step,
};
use serde_json::{Value as Json, json};

use crate::talk::day;
use crate::{files, flows};

/// The hotel's contract: the tools as its own test has them.
const CONTRACT: &str = include_str!("../../../hms/tests/it/snapshots/it__contract__tools.snap");

/// Rounds of calls after one message; more are a circle.
const MOST_ROUNDS: usize = 100;

/// Flows that belong together.
pub(crate) struct Set {
    pub(crate) name: &'static str,
    pub(crate) sources: Vec<Source>,
    pub(crate) flows: Arc<Flows>,
    pub(crate) tools: Tools,
    /// The flow that guests of this set come for, and the ones they may ask for besides.
    pub(crate) wishes: Vec<String>,
}

impl Set {
    fn new(name: &'static str, sources: Vec<Source>, tools: Tools) -> Self {
        let flows = check(&sources, &tools).unwrap_or_else(|mistakes| panic!("{mistakes}"));
        let wishes = flows.iter().map(|flow| flow.name.to_string()).collect();
        Self { name, sources, flows: Arc::new(flows), tools, wishes }
    }
}

/// Checks flows on tools, with whatever prompts they name.
pub(crate) fn check(sources: &[Source], tools: &Tools) -> Result<Flows, Mistakes> {
    Flows::check(sources, tools, &Prompts::default())
}

/// The flows that are shipped.
pub(crate) fn shipped() -> &'static Set {
    static SET: LazyLock<Set> = LazyLock::new(|| Set::new("shipped", files::sources("../flows"), contract()));
    &SET
}

/// The shipped flows with the text of `book_room` rewritten, and that text.
pub(crate) fn rewritten(edit: impl FnOnce(String) -> String) -> (Arc<Flows>, String) {
    let mut sources = shipped().sources.clone();
    let book = sources.iter_mut().find(|source| source.file == "book_room.yaml").unwrap();
    let text = edit(book.text.clone());
    assert_ne!(text, book.text, "the edit changes something");
    book.text.clone_from(&text);
    (Arc::new(check(&sources, &shipped().tools).unwrap_or_else(|mistakes| panic!("{mistakes}"))), text)
}

/// Compound and parallel states, flows that are run, lists, a queue of wishes, undo, delays.
pub(crate) fn wide() -> &'static Set {
    static SET: LazyLock<Set> = LazyLock::new(|| {
        let source = |file: &str, text: &str| Source { file: file.to_owned(), text: text.to_owned() };
        let sources = vec![
            source("conversation.yaml", include_str!("inn/wide/conversation.yaml")),
            source("arrange.yaml", include_str!("inn/wide/arrange.yaml")),
            source("who_pays.yaml", include_str!("inn/wide/who_pays.yaml")),
            source("hotel_question.yaml", include_str!("inn/wide/hotel_question.yaml")),
        ];
        Set::new("wide", sources, contract())
    });
    &SET
}

/// The checker's examples of good flows that can be talked through.
pub(crate) fn good() -> &'static Set {
    static SET: LazyLock<Set> = LazyLock::new(|| {
        let mut sources = flows::sources("statechart.yaml", include_str!("flows/good/statechart.yaml"));
        let together = flows::sources("together.yaml", include_str!("flows/good/together.yaml"));
        sources.extend(together.into_iter().filter(|source| source.file != "conversation.yaml"));
        Set::new("good", sources, flows::tools())
    });
    &SET
}

pub(crate) fn sets() -> [&'static Set; 3] {
    [shipped(), wide(), good()]
}

/// The hotel's tools, and one that no shipped flow calls.
pub(crate) fn contract() -> Tools {
    let json = CONTRACT.splitn(3, "---\n").nth(2).unwrap();
    let list: Json = serde_json::from_str(json).unwrap();
    let tools = list.as_array().unwrap().iter().map(|tool| Tool {
        name: tool["name"].as_str().unwrap().to_owned(),
        input_schema: tool["inputSchema"].clone(),
        output_schema: tool.get("outputSchema").cloned(),
        read_only: tool["annotations"]["readOnlyHint"] == true,
    });
    let breakfast = Tool {
        name: "order_breakfast".to_owned(),
        input_schema: json!({ "type": "object", "required": ["eggs"], "properties": {
            "eggs": { "type": "integer" }, "tea": { "type": "boolean" }, "day": { "type": "string", "format": "date" } } }),
        output_schema: None,
        read_only: false,
    };
    tools.chain([breakfast]).map(|tool| (tool.name.clone(), tool)).collect()
}

/// What every flow that runs knows, as it is saved, by the names of its slots; in the order of [`Position::active`].
pub(crate) fn filled(flows: &Flows, position: &Position) -> Vec<BTreeMap<String, Json>> {
    let saved = json!(position);
    let frames = saved["frames"].as_array().unwrap().iter().zip(position.active(flows));
    let known = frames.map(|(frame, (flow, _))| {
        let slots = flows.get(&flow).unwrap().slots.keys();
        let filled = slots.zip(frame["slots"]["filled"].as_array().unwrap());
        let filled = filled.filter(|(_, filled)| !filled.is_null());
        filled.map(|(name, filled)| (name.to_string(), filled["value"].clone())).collect()
    });
    known.collect()
}

/// A conversation under way.
#[derive(Clone)]
pub(crate) struct Visit {
    pub(crate) flows: Arc<Flows>,
    pub(crate) position: Position,
    pub(crate) now: DateTime<Utc>,
    pub(crate) said: Vec<Say>,
    pub(crate) calls: Vec<(Call, Outcome)>,
    pub(crate) trace: Vec<Trace>,
    pub(crate) inputs: Vec<(Moment, Input)>,
    /// What words that were kept for a list turn out to mean.
    pub(crate) kept: Understanding,
}

impl Visit {
    pub(crate) fn new(flows: &Arc<Flows>, guest: Guest) -> Self {
        let position = Position::start(flows);
        let mut visit = Self::at(flows, position);
        visit.input(Input::Guest(guest));
        visit
    }

    /// Where a conversation stands already.
    pub(crate) fn at(flows: &Arc<Flows>, position: Position) -> Self {
        Self {
            flows: Arc::clone(flows),
            position,
            now: "2026-12-01T10:00:00Z".parse().unwrap(),
            said: Vec::new(),
            calls: Vec::new(),
            trace: Vec::new(),
            inputs: Vec::new(),
            kept: Understanding::default(),
        }
    }

    pub(crate) fn moment(&self) -> Moment {
        Moment { at: self.now, today: day(1) }
    }

    pub(crate) fn later(&mut self, minutes: i64) {
        self.now += TimeDelta::minutes(minutes);
    }

    /// The active flow and its innermost state that asks.
    pub(crate) fn state(&self) -> (String, String) {
        guest::place(&self.flows, &self.position)
    }

    /// What the last saying asked for.
    pub(crate) fn asked(&self) -> String {
        self.said.last().map(|say| say.prompt.to_string()).unwrap_or_default()
    }

    pub(crate) fn writes(&self) -> Vec<String> {
        let writes = self.calls.iter().filter(|(call, _)| call.writes);
        writes.map(|(call, _)| format!("{} {}", call.tool, json!(call.arguments))).collect()
    }

    /// Whether something of the guest's is under way.
    pub(crate) fn is_busy(&self) -> bool {
        self.state().0 != "conversation"
    }

    /// The guest says something; `understand` says what it means. What is asked was conveyed.
    pub(crate) fn guest(&mut self, understand: impl FnOnce(&Question, &Self) -> Understanding) {
        if let Some(say) = self.position.unconveyed() {
            self.input(Input::Conveyed { say });
        }
        self.step(Input::Said { text: "so".to_owned(), button: None });
        let Some(question) = self.position.ask(&self.flows, self.moment()) else { return };
        let means = understand(&question, self);
        self.input(Input::Understood(means.into()));
    }

    pub(crate) fn means(&mut self, means: Understanding) {
        self.guest(|_, _| means);
    }

    pub(crate) fn acts(&mut self, act: Act) {
        self.means(Understanding { acts: vec![act], sure: true, ..Understanding::default() });
    }

    /// Takes an input and lets the hotel answer until the conversation waits.
    pub(crate) fn input(&mut self, input: Input) {
        let mut effects = self.step(input);
        for _ in 0..MOST_ROUNDS {
            let mut next = Vec::new();
            for effect in effects {
                match effect {
                    Effect::Call(call) => {
                        let outcome = hotel::answer(&call);
                        self.calls.push((call.clone(), outcome.clone()));
                        next.extend(self.step(Input::Answered { call: call.id, outcome }));
                    }
                    Effect::Understand if matches!(self.position.waiting(), Waiting::Kept { .. }) => {
                        let means = self.kept.clone();
                        next.extend(self.step(Input::Understood(means.into())));
                    }
                    Effect::Understand
                    | Effect::Say(_)
                    | Effect::Send(_)
                    | Effect::Remember { .. }
                    | Effect::HandOver
                    | Effect::End => {}
                }
            }
            if next.is_empty() {
                return;
            }
            effects = next;
        }
        panic!("it calls for ever at {:?}", self.state());
    }

    pub(crate) fn step(&mut self, input: Input) -> Vec<Effect> {
        let moment = self.moment();
        let stepped = step(&self.flows, self.position.clone(), &input, moment);
        self.inputs.push((moment, input));
        self.position = stepped.next;
        self.trace.extend(stepped.trace);
        self.said.extend(stepped.effects.iter().filter_map(|effect| match effect {
            Effect::Say(say) => Some(say.clone()),
            _ => None,
        }));
        stepped.effects
    }
}
