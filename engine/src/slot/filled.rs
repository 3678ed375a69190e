//! The slots of one running flow, as filled.

use std::sync::Arc;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use super::{Heard, Invalid, Item, Value};
use crate::flow::{Slot, SlotId};

/// A filled slot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Filled {
    /// The value.
    pub value: Value,
    /// Grows whenever the value changes; results remember it. Never 0.
    pub revision: u32,
}

/// The slots of one running flow. [`Slots::fill`], [`Slots::put`] and [`Slots::clear`] are the only writers.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Slots {
    filled: Vec<Option<Filled>>,
    revision: u32,
}

/// Slots are copied by the first change of a turn: there is room for the next few that are filled.
impl Clone for Slots {
    fn clone(&self) -> Self {
        let mut filled = Vec::with_capacity(self.filled.len() + 2);
        filled.extend(self.filled.iter().cloned());
        Self { filled, revision: self.revision }
    }
}

impl Slots {
    /// The value of a slot, if it is filled.
    pub fn get(&self, slot: SlotId) -> Option<&Value> {
        self.filled.get(slot.index())?.as_ref().map(|filled| &filled.value)
    }

    /// The revision of a slot's present value; 0 for an empty slot.
    pub fn revision(&self, slot: SlotId) -> u32 {
        self.filled.get(slot.index()).and_then(Option::as_ref).map_or(0, |filled| filled.revision)
    }

    /// Merges what was heard into a slot. `Ok(true)` when the value changed.
    ///
    /// # Errors
    /// The [`Invalid`] of [`Kind::accept`](super::Kind::accept); the slot stays as it was.
    pub fn fill(
        &mut self,
        slot: SlotId,
        declared: &Slot,
        heard: &Heard,
        offered: impl FnOnce(&str) -> Option<Arc<Item>>,
        today: NaiveDate,
    ) -> Result<bool, Invalid> {
        let value = declared.kind.accept(declared.merge, self.get(slot), heard, offered, today)?;
        Ok(self.put(slot, value))
    }

    /// Puts a checked value in. True when it differs from the one before.
    pub fn put(&mut self, slot: SlotId, value: Value) -> bool {
        if self.filled.len() <= slot.index() {
            self.filled.resize(slot.index() + 1, None);
        }
        let Some(place) = self.filled.get_mut(slot.index()) else { return false };
        if let Some(filled) = place.as_mut().filter(|filled| filled.value.means(&value)) {
            // The same to everybody who asks; how it was said may differ.
            filled.value = value;
            return false;
        }
        self.revision += 1;
        *place = Some(Filled { value, revision: self.revision });
        true
    }

    /// Empties a slot. True when it was filled.
    pub fn clear(&mut self, slot: SlotId) -> bool {
        let was = self.filled.get_mut(slot.index()).and_then(Option::take).is_some();
        if was {
            self.revision += 1;
        }
        was
    }

    /// The newest revision number.
    pub fn newest(&self) -> u32 {
        self.revision
    }

    /// The next revision number, for something else that is compared with slots.
    pub fn next_revision(&mut self) -> u32 {
        self.revision += 1;
        self.revision
    }

    /// All filled slots.
    pub fn iter(&self) -> impl Iterator<Item = (SlotId, &Value)> {
        self.filled
            .iter()
            .enumerate()
            .filter_map(|(index, filled)| Some((SlotId::at(index), &filled.as_ref()?.value)))
    }
}
