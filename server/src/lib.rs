//! A hotel receptionist: people, providers, time.

pub mod clock;
pub mod config;
pub mod message;
pub mod store;
