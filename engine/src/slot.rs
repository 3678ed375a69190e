//! Typed slots: what a guest can be asked for, and the values that fill it.
//!
//! A slot's [`Kind`] is authored; its [`Value`] has exactly one writer, [`Slots::fill`], which merges what
//! was heard into what was known and checks the kind's bounds. Nothing downstream checks a value again.

mod filled;
mod invalid;
mod kind;
mod options;
mod party;
mod range;
mod record;
mod value;

pub use filled::{Filled, Slots};
pub use invalid::Invalid;
pub use kind::{DateBound, Kind, Merge, PHONE_DIGITS_MAX};
pub use options::{Item, Options};
pub use party::Party;
pub use range::DateRange;
pub use record::Record;
pub(crate) use record::{Places, part};
pub use value::{Heard, Value};
pub(crate) use value::{below, found};
