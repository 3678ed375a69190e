//! Every version of the flows that a conversation may be pinned to.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use crate::flow::Flows;

/// The flows that new conversations begin on, and the ones that older conversations go on with.
#[derive(Debug)]
pub struct Versions {
    kept: RwLock<Kept>,
}

#[derive(Debug)]
struct Kept {
    current: Arc<Flows>,
    all: HashMap<String, Arc<Flows>>,
}

impl Versions {
    /// Only these flows.
    pub fn new(current: Flows) -> Self {
        let current = Arc::new(current);
        let all = HashMap::from([(current.version().to_owned(), Arc::clone(&current))]);
        Self { kept: RwLock::new(Kept { current, all }) }
    }

    /// What new conversations begin on.
    pub fn current(&self) -> Arc<Flows> {
        Arc::clone(&self.read().current)
    }

    /// Every version that is kept.
    pub fn kept(&self) -> Vec<String> {
        self.read().all.keys().cloned().collect()
    }

    /// The flows of a version, if they are kept.
    pub fn get(&self, version: &str) -> Option<Arc<Flows>> {
        let kept = self.read();
        if kept.current.version() == version {
            return Some(Arc::clone(&kept.current));
        }
        kept.all.get(version).cloned()
    }

    /// Lets new conversations begin on `flows`; the ones that run stay where they are. True when they are others than
    /// before.
    pub fn publish(&self, flows: Flows) -> bool {
        let flows = Arc::new(flows);
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        let new = kept.current.version() != flows.version();
        kept.all.insert(flows.version().to_owned(), Arc::clone(&flows));
        kept.current = flows;
        new
    }

    /// Keeps an older version for the conversations that are pinned to it.
    pub fn keep(&self, flows: Flows) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        kept.all.insert(flows.version().to_owned(), Arc::new(flows));
    }

    /// Drops an older version that no conversation is pinned to any more.
    pub fn drop_version(&self, version: &str) {
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if kept.current.version() != version {
            kept.all.remove(version);
        }
    }

    fn read(&self) -> RwLockReadGuard<'_, Kept> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner)
    }
}
