//! Telephone calls by Twilio, from the webhook to what the caller hears: a caller's double on one side, a scripted
//! callee on the other.

mod after;
mod doors;
mod pump;
mod rig;
mod streams;
mod twiml;
mod words;
