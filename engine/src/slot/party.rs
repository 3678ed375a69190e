//! Adults and children, merged from what was known and what was said now.

use serde::{Deserialize, Serialize};

/// Adults and children.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// Grown-ups.
    pub adults: u32,
    /// Children.
    pub children: u32,
}

impl Party {
    /// Everybody.
    pub fn total(&self) -> u32 {
        self.adults.saturating_add(self.children)
    }

    pub(super) fn merge(
        known: Option<Self>,
        adults: Option<u32>,
        children: Option<u32>,
        total: Option<u32>,
    ) -> Option<Self> {
        match (adults, children, total) {
            (Some(adults), Some(children), _) => Some(Self { adults, children }),
            (Some(adults), None, Some(total)) if total > adults => {
                Some(Self { adults, children: total - adults })
            }
            (Some(adults), None, _) => {
                Some(Self { adults, children: known.map_or(0, |party| party.children) })
            }
            (None, Some(children), Some(total)) if total >= children => {
                Some(Self { adults: total - children, children })
            }
            (None, Some(children), _) => known.map(|party| Self { adults: party.adults, children }),
            (None, None, Some(total)) => Some(Self { adults: total, children: 0 }),
            (None, None, None) => None,
        }
    }
}
