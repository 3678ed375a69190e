//! Integration tests.

mod reply;
