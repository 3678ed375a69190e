//! What the program promises, checked through its public face.

mod acceptance;
mod borders;
mod clock;
mod config;
mod console;
mod lanes;
mod outbox;
mod postgres;
mod replays;
mod reply;
mod rig;
mod store;
mod twilio;
mod twilio_double;
