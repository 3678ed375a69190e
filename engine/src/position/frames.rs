//! What runs: a flow on the other, the root chart beneath them all.

use std::sync::Arc;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smallvec::SmallVec;

use super::{Frame, few};

/// What runs. There always is an active flow: the root chart is never popped. Those beneath it are shared until they are
/// active again; the active one is written to at every step, and is copied with the position.
#[derive(Debug, PartialEq)]
pub(crate) struct Frames {
    /// The root chart first.
    below: SmallVec<[Arc<Frame>; 1]>,
    top: Frame,
}

impl Frames {
    pub(crate) fn new(below: &[Arc<Frame>], top: Frame) -> Self {
        Self { below: below.iter().cloned().collect(), top }
    }

    /// The active flow.
    pub(crate) fn top(&self) -> &Frame {
        &self.top
    }

    pub(crate) fn top_mut(&mut self) -> &mut Frame {
        &mut self.top
    }

    /// How many there are, never none.
    pub(crate) fn len(&self) -> usize {
        self.below.len() + 1
    }

    /// All of them, the root chart first and the active flow last.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &Frame> + Clone {
        self.below.iter().map(|frame| &**frame).chain(std::iter::once(&self.top))
    }

    pub(crate) fn get(&self, depth: usize) -> Option<&Frame> {
        self.iter().nth(depth)
    }

    pub(crate) fn push(&mut self, frame: Frame) {
        self.below.push(Arc::new(std::mem::replace(&mut self.top, frame)));
    }

    /// Ends the active flow. `None` when only the root chart runs.
    pub(crate) fn pop(&mut self) -> Option<Frame> {
        let below = self.below.pop()?;
        Some(std::mem::replace(&mut self.top, Arc::unwrap_or_clone(below)))
    }
}

impl Clone for Frames {
    fn clone(&self) -> Self {
        Self { below: few(&self.below), top: self.top.clone() }
    }
}

/// Saved as a list.
impl Serialize for Frames {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de> Deserialize<'de> for Frames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut all: Vec<Frame> = Vec::deserialize(deserializer)?;
        let top = all.pop().ok_or_else(|| D::Error::custom("nothing runs"))?;
        Ok(Self { below: all.into_iter().map(Arc::new).collect(), top })
    }
}
