//! Twilio: WhatsApp (webhooks in, REST or TwiML out), and telephone calls.

mod api;
mod codes;
mod content;
mod form;
mod hosts;
mod missed;
mod read;
mod signature;
mod sounds;
mod twiml;
pub mod voice;
mod webhook;

pub use api::{Off, Twilio};
pub use codes::meaning;
pub use missed::{Missed, MissedFault};
pub use read::{Incomplete, read};
pub use signature::{Content, Keys, Refusal, is_signed};
pub use webhook::{Webhooks, refusing, routes};
