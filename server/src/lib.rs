//! A hotel receptionist.

pub mod understand;
