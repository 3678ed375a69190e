//! The replies that are in use: exchanged whole, when everything that was saved is right.

use std::sync::{Arc, PoisonError, RwLock};

use super::Replies;

/// The replies as they are now.
#[derive(Debug)]
pub struct CurrentReplies(RwLock<Arc<Replies>>);

impl CurrentReplies {
    /// Begins with these.
    pub fn new(replies: Replies) -> Self {
        Self(RwLock::new(Arc::new(replies)))
    }

    /// Those of now.
    pub fn now(&self) -> Arc<Replies> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// From now on these.
    pub fn publish(&self, replies: Replies) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(replies);
    }
}
