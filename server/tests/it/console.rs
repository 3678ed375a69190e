//! The console: its routes over a real socket with the real hotel, and its page in a real browser.

mod browser;
mod desk;
mod page;
pub(crate) mod rig;
mod talking;
