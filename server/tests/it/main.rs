//! What the program promises, checked through its public face.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test stops where something it needs is missing")]

mod acceptance;
mod alarm;
mod borders;
mod calls;
mod clock;
mod config;
mod console;
mod desk;
mod fit;
mod hearing;
mod lanes;
mod lease;
mod llm;
mod notes;
mod outbox;
mod overtaken;
mod postgres;
mod reload;
mod replays;
mod reply;
mod rig;
mod speaking;
mod store;
mod support;
mod telephone;
mod twilio;

mod understand;
mod versions;
mod whatsapp;
