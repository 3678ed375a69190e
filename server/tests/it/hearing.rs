//! Recognisers for calls: every adapter against its provider, played on this machine.

mod cuts;
mod lost;
mod orders;
mod rig;
mod sdks;
mod talk;
