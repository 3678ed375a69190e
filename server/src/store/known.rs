//! What this program knows of conversations without asking the database: their keys, and where they stood last.
//!
//! Both may be behind what another program wrote. A key never changes, and a commit names the revision it was computed
//! from, so that nothing wrong can come of it but a conflict; then the conversation is read anew.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::seal::Key;
use super::standing::Standing;

/// This many conversations are known; any one makes room for another.
const MOST: usize = 4096;

/// A conversation as this program knows it. Clones share everything.
#[derive(Clone, Debug)]
pub(super) struct Known {
    pub(super) whose: Arc<Whose>,
    pub(super) stands: Stands,
}

/// Where a conversation stands, as far as it is known.
#[derive(Clone, Debug)]
pub(super) enum Stands {
    /// It must be read.
    Unknown,
    /// Nothing was committed yet.
    Nowhere,
    /// There, after its last commit that is known.
    There(Arc<Standing>),
}

/// What never changes about a conversation.
#[derive(Debug)]
pub(super) struct Whose {
    pub(super) id: String,
    pub(super) key: Key,
    /// The guest who began it, who may have become one with another since.
    pub(super) guest: String,
    pub(super) channel: String,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct AllKnown(Mutex<HashMap<String, Known>>);

impl AllKnown {
    pub(super) fn get(&self, conversation: &str) -> Option<Known> {
        self.lock().get(conversation).cloned()
    }

    pub(super) fn put(&self, conversation: &str, known: Known) {
        let mut all = self.lock();
        if all.len() >= MOST
            && !all.contains_key(conversation)
            && let Some(any) = all.keys().next().cloned()
        {
            all.remove(&any);
        }
        all.insert(conversation.to_owned(), known);
    }

    /// Notes where a conversation stands after a commit.
    pub(super) fn moved(&self, conversation: &str, stands: Arc<Standing>) {
        if let Some(known) = self.lock().get_mut(conversation) {
            known.stands = Stands::There(stands);
        }
    }

    pub(super) fn drop_one(&self, conversation: &str) {
        self.lock().remove(conversation);
    }

    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
