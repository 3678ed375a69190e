//! A conversation-graph library: typed statecharts, written as YAML or in Rust, say what happens next.
//!
//! [`step()`] is a pure function from checked [`Flows`], a [`Position`], an [`Input`] and its [`Moment`] to the next
//! position and a list of [`Effect`]s. It has no clock, no randomness and no I/O. [`runtime::Driver`] performs the
//! effects and commits what came of them. The modules are in the order data travels.
//!
//! # A small graph
//!
//! Tools are functions with typed arguments and results, or anything else that has a JSON Schema. A flow names them,
//! and the prompts that somebody else puts into words. One that could call a writing tool without the guest's yes to
//! everything it sends, or that has a dead end, is refused before it runs.
//!
//! ```
//! use innkeeper_engine::flow::Source;
//! use innkeeper_engine::runtime::{Arrival, Driver, Functions, InProcess, Key, MemoryStore, ToolError};
//! use innkeeper_engine::{Act, Flows, Heard, Input, Moment, Prompts, Question, Understanding};
//! use schemars::JsonSchema;
//! use serde::{Deserialize, Serialize};
//!
//! #[derive(Deserialize, JsonSchema)]
//! struct Wish {
//!     eggs: u32,
//! }
//!
//! #[derive(Serialize, JsonSchema)]
//! struct Price {
//!     cents: u32,
//! }
//!
//! #[derive(Serialize, JsonSchema)]
//! struct Order {
//!     number: u32,
//! }
//!
//! const BREAKFAST: &str = "
//! flow: breakfast
//! description: The guest wants breakfast.
//! slots:
//!   eggs: { type: integer, min: 1 }
//! states:
//!   asking:     { collect: [eggs], target: pricing }
//!   pricing:    { invoke: price_of, with: { eggs: eggs }, save: price, done: confirming }
//!   confirming: { confirm: [eggs, price.cents], yes: ordering, no: asking }
//!   ordering:
//!     invoke: order
//!     with: { eggs: eggs }
//!     save: order
//!     done: ordered
//!     error: { guard: error.code == 'too_many', say: too_many, clear: [eggs], target: asking }
//!   ordered:    { say: ordered, final: done }
//! ";
//!
//! // The parent of every flow answers what they do not.
//! const CONVERSATION: &str = "
//! flow: conversation
//! on:
//!   start:       { run: requested }
//!   unclear:     { say: pardon }
//!   silence:     { target: closing }
//!   cancel:      { target: idle }
//!   human:       { target: closing }
//!   tool_failed: { say: sorry, target: closing }
//! states:
//!   idle:    { wait: true }
//!   closing: { final: closed }
//! ";
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let functions = Functions::new()
//!     .reads("price_of", |wish: Wish| async move { Ok(Price { cents: 120 * wish.eggs }) })
//!     .writes("order", |wish: Wish, _key: Key| async move {
//!         match wish.eggs {
//!             0..=6 => Ok(Order { number: 1 }),
//!             _ => Err(ToolError::new("too_many", "the kitchen has six eggs")),
//!         }
//!     });
//! let source = |file: &str, text: &str| Source { file: file.to_owned(), text: text.to_owned() };
//! let sources = [source("breakfast.yaml", BREAKFAST), source("conversation.yaml", CONVERSATION)];
//! let flows = Flows::check(&sources, &functions.tools(), &Prompts::default())?;
//!
//! // The same flow in Rust is the same flow.
//! use innkeeper_engine::flow::builder::{FlowBuilder, collect, confirm, end, integer, invoke, to};
//! let breakfast = FlowBuilder::new("breakfast")
//!     .description("The guest wants breakfast.")
//!     .slot("eggs", integer().min(1))
//!     .state("asking", collect(["eggs"]).then("pricing"))
//!     .state("pricing", invoke("price_of").with("eggs", "eggs").save("price").done("confirming"))
//!     .state("confirming", confirm(["eggs", "price.cents"]).yes("ordering").no("asking"))
//!     .state(
//!         "ordering",
//!         invoke("order").with("eggs", "eggs").save("order").done("ordered").error(
//!             to("asking").when("error.code == 'too_many'").say("too_many").clear(["eggs"]),
//!         ),
//!     )
//!     .state("ordered", end("done").say("ordered"));
//! let built = [breakfast.source(), source("conversation.yaml", CONVERSATION)];
//! let same = Flows::check(&built, &functions.tools(), &Prompts::default())?;
//! assert_eq!(same.version(), flows.version());
//!
//! // A conversation. Understanding is anybody's; here it knows four sentences.
//! let understand = |question: &Question| {
//!     let mut meaning = Understanding::default();
//!     match question.said.as_str() {
//!         "breakfast, please" => meaning.acts.push(Act::Start("breakfast".to_owned())),
//!         "two eggs" => drop(meaning.slots.insert("eggs".to_owned(), Heard::Integer(2))),
//!         "three, rather" => drop(meaning.slots.insert("eggs".to_owned(), Heard::Integer(3))),
//!         "yes" => meaning.acts.push(Act::Affirm),
//!         _ => meaning.acts.push(Act::Unclear),
//!     }
//!     meaning
//! };
//! let moment = Moment { at: "2026-12-01T08:00:00Z".parse()?, today: "2026-12-01".parse()? };
//! let (driver, store) = (Driver::new(flows), MemoryStore::default());
//! let performer = InProcess::new(functions, understand, move || moment);
//! let mut said = Vec::new();
//! let mut conveyed = None;
//! for words in ["breakfast, please", "two eggs", "three, rather", "yes"] {
//!     // A yes counts only if what it is said to reached the guest.
//!     let heard = conveyed.map(|say| Input::Conveyed { say });
//!     let words = Input::Said { text: words.to_owned(), button: None };
//!     let inputs = heard.into_iter().chain([words]).collect();
//!     let arrival = Arrival { message: None, inputs, moment };
//!     let turn = driver.turn(&store, &performer, "room 12", arrival, None).await?;
//!     conveyed = turn.outgoing.last().map(|say| say.id);
//!     said.extend(turn.outgoing.iter().map(|say| say.prompt.to_string()));
//! }
//! // The changed number was priced and read back again before it was ordered.
//! assert_eq!(said, ["ask_eggs", "confirm_breakfast", "confirm_breakfast", "ordered"]);
//! # Ok(())
//! # }
//! ```
//!
//! `engine/README.md` says what differs from LangGraph, and what is missing.

mod catalog;
pub mod flow;
mod guard;
mod slot;

mod facts;
mod position;
mod saved;

mod effect;
mod input;
mod step;

pub mod runtime;

pub use catalog::{PromptKey, Prompts, Shown, Tool, Tools};
pub use effect::{
    Arguments, Call, Effect, Elsewhere, Expecting, Question, Retry, Say, ScopedSlot, Startable,
};
pub use flow::Flows;
pub use guard::{BadExpression, Expression};
pub use input::{Act, By, Input, Moment, Outcome, Understanding};
pub use position::{Guest, Position, Reach, SCHEMA, Waiting};
pub use saved::BadForm;
pub use slot::{
    DateBound, DateRange, Filled, Heard, Invalid, Item, Kind, Merge, Options, PHONE_DIGITS_MAX, Party,
    Record, Slots, Value,
};
pub use step::{Carried, Note, Seen, Step, Trace, Way, carry, step};
