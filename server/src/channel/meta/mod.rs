//! WhatsApp by Meta's Cloud API: webhooks in, the Graph API out.

mod api;
mod codes;
mod envelope;
mod message;
mod read;
mod signature;
mod webhook;

pub use api::{Meta, Off};
pub use codes::meaning;
pub use read::{Event, Heard, read};
pub use signature::is_signed;
pub use webhook::{Webhooks, refusing, routes, routes_beside};
