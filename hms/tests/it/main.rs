//! The hotel as its callers see it: a real MCP client, on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, clippy::panic, reason = "in a test, what cannot be is a failure")]

mod arguments;
mod availability;
mod booking;
mod cancelling;
mod contract;
mod desk;
mod finding;
mod http;
mod info;
mod model;
mod place;
mod postgres;
mod quoting;
mod races;
mod same_on_both;
mod schema_check;
mod storage;
