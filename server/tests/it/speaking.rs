//! Voices in calls: every adapter against its vendor, played on this machine.

mod mouth;

mod cancelling;
mod kits;
mod losing;
mod order;
mod realtime;
mod remembering;
mod warming;
