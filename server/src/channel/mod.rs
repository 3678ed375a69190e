//! The ways a message comes and goes.

pub mod local;
