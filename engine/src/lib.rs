//! A conversation-graph library.
