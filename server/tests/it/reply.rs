//! Replies: every prompt in every medium, values as they are said, what cannot be said, cutting.

#![expect(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

mod fixture;
mod flows;
mod overlay;
mod prompts;
mod read_back;
mod split;
mod values;
