//! A hotel receptionist.

pub mod llm;
pub mod understand;
