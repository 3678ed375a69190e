//! A simulated hotel management system.
