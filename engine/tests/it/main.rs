//! What the engine promises, checked through its public face.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops where something it needs is missing")]

mod against;
mod anew;
mod builder;
mod chart;
mod corrections;
mod draw;
mod edits;
mod files;
mod flows;
mod functions;
mod hierarchy;
mod inn;
mod lies;
mod live;
mod narrowing;
mod parallel;
mod past;
mod results;
mod runtime;
mod schema;
mod scxml;
mod sending;
mod speculating;
mod steps;
mod stream;
mod talk;
mod timers;
mod wishes;
