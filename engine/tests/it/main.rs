//! What the engine promises, checked through its public face.

mod runtime;
mod steps;
mod talk;
