//! Integration tests.

mod clock;
mod config;
mod postgres;
mod rig;
mod store;
