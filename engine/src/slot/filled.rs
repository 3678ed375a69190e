//! The slots of one running flow, as filled.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::{Heard, Invalid, Item, Kind, Value};

/// A filled slot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Filled {
    /// The value.
    pub value: Value,
    /// Grows whenever the value changes; results remember it.
    pub revision: u64,
}

/// The slots of one running flow. [`Slots::fill`], [`Slots::put`] and [`Slots::clear`] are the only writers.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Slots {
    filled: BTreeMap<String, Filled>,
    revision: u64,
}

impl Slots {
    /// The value of a slot, if it is filled.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.filled.get(name).map(|filled| &filled.value)
    }

    /// The revision of a slot's present value; an empty slot has none.
    pub fn revision(&self, name: &str) -> Option<u64> {
        self.filled.get(name).map(|filled| filled.revision)
    }

    /// Merges what was heard into the slot `name`. `Ok(true)` when the value changed.
    ///
    /// # Errors
    /// The [`Invalid`] of [`Kind::accept`]; the slot stays as it was.
    pub fn fill(
        &mut self,
        name: &str,
        kind: &Kind,
        heard: &Heard,
        items: &[Item],
        today: NaiveDate,
    ) -> Result<bool, Invalid> {
        let value = kind.accept(self.get(name), heard, items, today)?;
        Ok(self.put(name, value))
    }

    /// Puts a checked value in. True when it differs from the one before.
    pub fn put(&mut self, name: &str, value: Value) -> bool {
        if let Some(filled) = self.filled.get_mut(name)
            && filled.value.json() == value.json()
        {
            // The same to everybody who asks; how it was said may differ.
            filled.value = value;
            return false;
        }
        self.revision += 1;
        self.filled.insert(name.to_owned(), Filled { value, revision: self.revision });
        true
    }

    /// Empties a slot. True when it was filled.
    pub fn clear(&mut self, name: &str) -> bool {
        let was = self.filled.remove(name).is_some();
        if was {
            self.revision += 1;
        }
        was
    }

    /// The next revision number, for something else that is compared with slots.
    pub fn next_revision(&mut self) -> u64 {
        self.revision += 1;
        self.revision
    }

    /// All filled slots by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.filled.iter().map(|(name, filled)| (name.as_str(), &filled.value))
    }

    /// All filled slots as JSON, see [`Value::json`].
    pub fn json(&self) -> IndexMap<String, Json> {
        self.iter().map(|(name, value)| (name.to_owned(), value.json())).collect()
    }
}
