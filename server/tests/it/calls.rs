//! Telephone calls from ringing to hanging up, with the real hotel behind them.

mod across;
mod booking;
mod forgetting;
mod letterbox;
pub(crate) mod line;
mod losses;
mod moments;
pub(crate) mod rig;
mod sound;
mod summary;
mod timers;
mod turns;
mod whole;
