//! Voices in calls: every adapter against its vendor, played on this machine.

mod mouth;

mod cancelling;
mod losing;
mod order;
mod realtime;
mod remembering;
mod warming;
