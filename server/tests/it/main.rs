//! What the program promises, checked through its public face.

mod clock;
mod config;
mod lanes;
mod llm;
mod postgres;
mod replays;
mod reply;
mod rig;
mod store;
mod twilio_double;
mod understand;
