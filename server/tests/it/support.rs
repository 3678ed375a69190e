//! The providers, played on this machine: what they are faithful in is what the program is tested against.

pub(crate) mod caller;
pub(crate) mod dice;
pub(crate) mod ears;
pub(crate) mod loss;
pub(crate) mod meta;
pub(crate) mod phone;
pub(crate) mod speech;
pub(crate) mod twilio;
pub(crate) mod voices;
