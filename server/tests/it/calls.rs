//! Telephone calls from ringing to hanging up, with the real hotel behind them.

mod booking;
pub(crate) mod line;
mod moments;
pub(crate) mod rig;
mod sound;
mod turns;
