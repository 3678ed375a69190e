//! Choices: made in part, and what a whole one fills besides.

use std::borrow::Cow;
use std::sync::Arc;

use super::Machine;
use super::task::{HeardSlot, HeardSlots};
use crate::facts::item_of;
use crate::flow::SlotId;
use crate::position::Among;
use crate::slot::{Heard, Value};

impl Machine<'_, '_> {
    /// Notes which items of a list a choice is one of. False where that says nothing new.
    pub(super) fn narrowed(&mut self, id: SlotId, keys: &[String]) -> bool {
        let Some(slot) = self.flow().and_then(|flow| flow.slot(id)) else { return false };
        let keys: Vec<Arc<str>> = keys
            .iter()
            .filter(|key| item_of(slot, self.frame(), key).is_some())
            .map(|key| key.as_str().into())
            .collect();
        let is_chosen = match self.frame().slots.get(id) {
            Some(Value::Choice(item)) => keys.iter().any(|key| **key == item.key),
            _ => false,
        };
        let is_known =
            self.frame().among.as_ref().is_some_and(|among| among.slot == id && among.keys == keys);
        if keys.is_empty() || is_chosen || is_known {
            return false;
        }
        self.page = 0;
        self.facts_mut().among = Some(Arc::new(Among { slot: id, keys }));
        true
    }

    /// What choosing an item fills besides.
    pub(super) fn set_by_choice(&mut self, chosen: SlotId, todo: &mut HeardSlots<'_>) {
        let Some(flow) = self.flow() else { return };
        let Some(sets) = flow.slot(chosen).map(|slot| &slot.sets).filter(|sets| !sets.is_empty()) else {
            return;
        };
        let Some(Value::Choice(item)) = self.frame().slots.get(chosen).cloned() else { return };
        // The guest has said what they want by choosing it: lists made again are matched by it.
        let frame = self.frame_mut();
        frame.kept = smallvec::smallvec![item.label.as_str().into()];
        frame.tried.clear();
        todo.extend(sets.iter().filter_map(|set| {
            let kind = &flow.slot(*set)?.kind;
            let heard = match item.record.get(&**flow.slot_name(*set)?) {
                None | Some(serde_json::Value::Null) => Heard::NoPreference,
                Some(field) => Heard::from_json(kind, field)?,
            };
            Some(HeardSlot { slot: *set, heard: Cow::Owned(heard), said: false })
        }));
    }
}
