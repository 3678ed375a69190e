//! Replies that fit: bubbles, words that say the same, who may be sent what.

mod bubbles;
mod phrasing;
mod reaching;
mod wishes;
