//! A conversation in a test: what the guest means, in a few words, and a small hotel to call.
//!
//! A line is what the message means: `+affirm`, `+start:book_room`, `stay=2026-12-12..2026-12-14`, `guests=2`. The
//! hotel has doubles with a sea and a garden view; the sea one is taken from the 20th of December on.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use indexmap::IndexMap;
use innkeeper_engine::flow::Source;
use innkeeper_engine::{
    Act, By, Effect, Flows, Guest, Heard, Input, Kind, Moment, Outcome, Position, PromptKey, Prompts,
    Question, Say, Tool, Tools, Trace, Understanding, step,
};
use serde_json::{Value as Json, json};

pub(crate) const ROOT: &str = include_str!("talk/conversation.yaml");
pub(crate) const BOOK: &str = include_str!("talk/book.yaml");
pub(crate) const QUESTION: &str = include_str!("talk/question.yaml");

/// A conversation under way.
#[derive(Clone)]
pub(crate) struct Talk {
    pub(crate) flows: Flows,
    pub(crate) position: Position,
    pub(crate) now: DateTime<Utc>,
    /// Every prompt said, oldest first.
    pub(crate) said: Vec<Say>,
    /// Every call made, oldest first: name and arguments.
    pub(crate) calls: Vec<(String, Json)>,
    /// What tools answer instead of the hotel, by name, each once.
    pub(crate) scripted: BTreeMap<String, Vec<Outcome>>,
    pub(crate) remembered: Vec<(String, Json)>,
    pub(crate) trace: Vec<Trace>,
    /// Whether messages reach the guest.
    pub(crate) conveys: bool,
    /// What kept words turn out to mean, by slot.
    pub(crate) kept_means: Option<Heard>,
    pub(crate) kept_asked: Vec<String>,
}

pub(crate) fn flows() -> Flows {
    static CHECKED: LazyLock<Flows> = LazyLock::new(|| flows_with(BOOK));
    CHECKED.clone()
}

/// The flows with another `book.yaml`.
pub(crate) fn flows_with(book: &str) -> Flows {
    let source = |file: &str, text: &str| Source { file: file.to_owned(), text: text.to_owned() };
    let sources =
        [source("conversation.yaml", ROOT), source("book.yaml", book), source("question.yaml", QUESTION)];
    Flows::check(&sources, &tools(), &prompts()).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

pub(crate) fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 12, day).unwrap()
}

impl Talk {
    pub(crate) fn new() -> Self {
        Self::with_guest(Guest::default())
    }

    pub(crate) fn with_guest(guest: Guest) -> Self {
        let flows = flows();
        let position = Position::start(&flows);
        let mut talk = Self {
            flows,
            position,
            now: "2026-12-01T10:00:00Z".parse().unwrap(),
            said: Vec::new(),
            calls: Vec::new(),
            scripted: BTreeMap::new(),
            remembered: Vec::new(),
            trace: Vec::new(),
            conveys: true,
            kept_means: None,
            kept_asked: Vec::new(),
        };
        talk.turn(Input::Guest(guest));
        talk
    }

    /// The guest says something that means `meaning`; returns the prompts said in answer.
    pub(crate) fn guest(&mut self, meaning: &str) -> Vec<String> {
        self.turn(Input::Said { text: meaning.to_owned(), button: None })
    }

    pub(crate) fn all(&mut self, meanings: &[&str]) -> Vec<String> {
        meanings.iter().map(|meaning| self.guest(meaning)).last().unwrap_or_default()
    }

    pub(crate) fn silence(&mut self) -> Vec<String> {
        self.turn(Input::Silence)
    }

    pub(crate) fn later(&mut self, minutes: i64) {
        self.now += TimeDelta::minutes(minutes);
    }

    pub(crate) fn state(&self) -> String {
        self.position.state(&self.flows)
    }

    pub(crate) fn slot(&self, name: &str) -> Json {
        self.position.slots(&self.flows).get(name).cloned().unwrap_or(Json::Null)
    }

    pub(crate) fn called(&self, tool: &str) -> usize {
        self.calls.iter().filter(|(name, _)| name == tool).count()
    }

    fn turn(&mut self, input: Input) -> Vec<String> {
        let before = self.said.len();
        let mut queue = Vec::new();
        if self.conveys
            && let Some(say) = self.position.unconveyed()
        {
            queue.push(Input::Conveyed { say });
        }
        queue.push(input);
        queue.reverse();
        while let Some(input) = queue.pop() {
            let moment = Moment { at: self.now, today: day(1) };
            let stepped = step(&self.flows, self.position.clone(), input, moment);
            // What is saved and read back must be the same position.
            let saved = stepped.next.to_bytes().unwrap();
            self.position = Position::from_bytes(&saved).unwrap();
            assert_eq!(self.position, stepped.next);
            self.trace.extend(stepped.trace);
            for effect in stepped.effects {
                match effect {
                    Effect::Understand => {
                        let question = self.position.ask(&self.flows, moment).unwrap();
                        queue.push(Input::Understood(self.understand(&question).into()));
                    }
                    Effect::Call(call) => {
                        assert!(
                            self.position.permits(&self.flows, &call, moment),
                            "{} is not permitted",
                            call.tool
                        );
                        let outcome = self.call(&call.tool, &json!(call.arguments));
                        queue.push(Input::Answered { call: call.id, outcome });
                    }
                    Effect::Say(say) => self.said.push(say),
                    Effect::Remember { name, value } => self.remembered.push((name.to_string(), value)),
                    Effect::Send(_) | Effect::HandOver | Effect::End => {}
                }
            }
        }
        self.said[before..].iter().map(|say| say.prompt.to_string()).collect()
    }

    pub(crate) fn call(&mut self, tool: &str, arguments: &Json) -> Outcome {
        self.calls.push((tool.to_owned(), arguments.clone()));
        match self.scripted.get_mut(tool).filter(|answers| !answers.is_empty()) {
            Some(answers) => answers.remove(0),
            None => hotel(tool, arguments),
        }
    }

    pub(crate) fn understand(&mut self, question: &Question) -> Understanding {
        if question.kept {
            let mut understanding = meaning(&self.flows, "");
            understanding.acts.clear();
            self.kept_asked.push(question.said.clone());
            for slot in &question.scope {
                understanding.slots.extend(self.kept_means.clone().map(|heard| (slot.name.clone(), heard)));
            }
            return understanding;
        }
        meaning(&self.flows, &question.said)
    }
}

/// What a line means.
pub(crate) fn meaning(flows: &Flows, line: &str) -> Understanding {
    let mut understanding = Understanding { sure: true, by: By::Rules, ..Understanding::default() };
    for word in line.split_whitespace() {
        if let Some(act) = word.strip_prefix('+') {
            understanding.acts.push(act_of(act));
        } else if let Some((name, value)) = word.split_once('=') {
            let all = flows.iter().chain(flows.root());
            let kind = all.filter_map(|flow| flow.slots.get(name)).map(|slot| slot.kind.clone()).next();
            understanding.slots.insert(name.to_owned(), heard(&kind.expect("a slot"), value));
        }
    }
    if understanding.slots.is_empty() && understanding.acts.is_empty() {
        understanding.acts.push(Act::Unclear);
    }
    understanding
}

fn act_of(word: &str) -> Act {
    match word.strip_prefix("start:") {
        Some(flow) => Act::Start(flow.to_owned()),
        None => serde_json::from_value(json!(word)).expect("an act"),
    }
}

fn heard(kind: &Kind, text: &str) -> Heard {
    if text == "any" {
        return Heard::NoPreference;
    }
    let value = match (kind, text.split_once("..")) {
        (Kind::DateRange { .. }, Some((from, to))) => json!({ "check_in": from, "check_out": to }),
        (Kind::DateRange { .. }, None) => match text.strip_suffix('n') {
            Some(nights) => json!({ "nights": nights.parse::<u32>().unwrap() }),
            None => json!({ "check_in": text }),
        },
        _ => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
    };
    Heard::from_json(kind, &value).expect("a value")
}

fn hotel(tool: &str, arguments: &Json) -> Outcome {
    let result = match tool {
        "get_room_availability" => {
            let late = arguments["start_date"].as_str().unwrap() >= "2026-12-20";
            let nights = (arguments["end_date"].as_str().unwrap()[8..].parse::<i64>().unwrap())
                - arguments["start_date"].as_str().unwrap()[8..].parse::<i64>().unwrap();
            let offer = |view: &str, price: i64| {
                json!({ "offer_id": format!("double-{view}"), "room_id": format!("r-{view}"), "name": format!("Double, {view} view"),
                    "view": view, "total": { "minor": price * nights, "currency": "EUR" } })
            };
            let mut rooms = vec![offer("garden", 10_000)];
            if !late {
                rooms.insert(0, offer("sea", 14_000));
            }
            if let Some(view) = arguments["view"].as_str() {
                rooms.retain(|room| room["view"] == view);
            }
            let alternatives = vec![json!({ "alternative_id": "alt-1", "name": "Double, garden view",
                "view": Json::Null, "stay": { "check_in": "2026-12-10", "check_out": "2026-12-12" } })];
            json!({ "rooms": rooms, "alternatives": alternatives })
        }
        "quote_stay" => json!({ "quote_id": format!("q-{}-{}-{}", arguments["room_id"].as_str().unwrap(),
                arguments["start_date"].as_str().unwrap(), arguments["guests"]),
            "total": { "minor": 28_400, "currency": "EUR" } }),
        "create_booking" => json!({ "booking_id": "b-1", "reference": "BR7QK" }),
        "get_hotel_info" => {
            json!({ "questions": [{ "topic": "parking", "question": "Is there parking?", "answer": "Yes." }] })
        }
        other => panic!("no tool {other}"),
    };
    Outcome::Ok { result: Arc::new(result) }
}

fn tools() -> Tools {
    let text = || json!({ "type": "string" });
    let money =
        || json!({ "type": "object", "properties": { "minor": { "type": "integer" }, "currency": text() } });
    let object = |properties: Json, required: Json| json!({ "type": "object", "properties": properties, "required": required });
    let list = |item: Json| json!({ "type": "array", "items": item });
    let tool = |name: &str, read_only: bool, input: Json, output: Json| Tool {
        name: name.to_owned(),
        input_schema: input,
        output_schema: Some(output),
        read_only,
    };
    let guests = || json!({ "type": "integer" });
    [
        tool(
            "get_room_availability",
            true,
            object(
                json!({ "start_date": text(), "end_date": text(), "guests": guests(), "view": text() }),
                json!(["start_date", "end_date"]),
            ),
            object(
                json!({
                    "rooms": list(object(json!({ "offer_id": text(), "room_id": text(), "name": text(), "view": text(), "total": money() }), json!([]))),
                    "alternatives": list(object(json!({ "alternative_id": text(), "name": text(), "view": text(),
                        "stay": object(json!({ "check_in": text(), "check_out": text() }), json!([])) }), json!([]))),
                }),
                json!(["rooms"]),
            ),
        ),
        tool(
            "quote_stay",
            true,
            object(
                json!({ "room_id": text(), "start_date": text(), "end_date": text(), "guests": guests() }),
                json!(["room_id", "start_date", "end_date"]),
            ),
            object(json!({ "quote_id": text(), "total": money() }), json!(["quote_id", "total"])),
        ),
        tool(
            "create_booking",
            false,
            object(
                json!({ "customer_name": text(), "room_id": text(), "guests": guests(), "quote_id": text(),
                    "start_date": text(), "end_date": text() }),
                json!(["customer_name", "room_id"]),
            ),
            object(json!({ "booking_id": text(), "reference": text() }), json!(["booking_id"])),
        ),
        tool(
            "get_hotel_info",
            true,
            object(json!({}), json!([])),
            object(
                json!({ "questions": list(object(json!({ "topic": text(), "question": text(), "answer": text() }), json!([]))) }),
                json!([]),
            ),
        ),
    ]
    .into_iter()
    .map(|tool| (tool.name.clone(), tool))
    .collect::<IndexMap<_, _>>()
}

/// Every prompt the three flows name, using no variable.
fn prompts() -> Prompts {
    let names = "greeting help rephrase examples person handing_over welcome goodbye nudge dropped tool_failed ask_stay \
        ask_guests ask_view ask_room ask_name ask_alternative confirm_book sold_out just_taken booked what_to_change \
        hotel_answer invalid ask_topic trouble";
    let mut prompts =
        Prompts { languages: vec!["en".to_owned()], channels: vec!["chat".to_owned()], ..Prompts::default() };
    for name in names.split_whitespace() {
        let key = PromptKey { name: name.to_owned(), language: "en".to_owned(), channel: "chat".to_owned() };
        prompts.found.insert(key, Default::default());
    }
    prompts
}
