//! A hotel receptionist.
