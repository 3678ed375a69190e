//! A hotel receptionist.

pub mod reply;
