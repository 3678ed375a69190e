//! WhatsApp by Twilio: webhooks in, REST or TwiML out.

mod api;
mod form;
mod signature;
mod twiml;
mod webhook;

pub use api::{Off, Twilio};
pub use signature::{Content, Keys, Refusal, is_signed};
pub use webhook::{Webhooks, refusing, routes};
