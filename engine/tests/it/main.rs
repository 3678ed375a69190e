//! Integration tests.

mod flows;
