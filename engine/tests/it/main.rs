//! What the engine promises, checked through its public face.

mod flows;
mod runtime;
mod steps;
mod talk;
