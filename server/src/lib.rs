//! A hotel receptionist that guests reach on WhatsApp.
//!
//! The modules are in the order a message travels: it comes in through a channel, waits in the inbox for its turn, is
//! understood, decided by the engine, answered, and goes out through the outbox. [`app`] puts it all together.

pub mod cli;
pub mod command;
pub mod config;

pub mod app;
pub mod http;
pub mod replay;

pub mod call;
pub mod channel;
pub mod console;
pub mod inbox;
pub mod notes;
pub mod turn;

pub mod conversation;
pub mod llm;
pub mod mistakes;
pub mod outbox;
pub mod reply;
pub mod stt;
pub mod tools;
pub mod tts;
pub mod understand;
pub mod versions;

pub mod store;

pub mod clock;
pub mod fault;
pub mod message;
mod mortal;
mod multipart;
mod socket;
pub mod speech;
