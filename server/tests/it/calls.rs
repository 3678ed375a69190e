//! Telephone calls from ringing to hanging up, with the real hotel behind them.

mod booking;
pub(crate) mod rig;
