//! A conversation-graph library: typed statecharts, written as YAML, say what happens next.
//!
//! [`step()`] is a pure function from checked [`Flows`], a [`Position`], an [`Input`] and its [`Moment`] to the next
//! position and a list of [`Effect`]s. It has no clock, no randomness and no I/O. The modules are in the order data travels.

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

pub use catalog::{PromptKey, Prompts, Tool, Tools};
pub use effect::{Call, Effect, Expecting, Question, Retry, Say, ScopedSlot, Startable};
pub use flow::Flows;
pub use guard::{BadExpression, Expression};
pub use input::{Act, By, Input, Moment, Outcome, Understanding};
pub use position::{Guest, Position, SCHEMA, Waiting};
pub use saved::BadForm;
pub use slot::{
    DateBound, DateRange, Filled, Heard, Invalid, Item, Kind, Merge, Options, Party, Slots, Value,
};
pub use step::{Carried, Note, Step, Trace, Way, carry, step};
