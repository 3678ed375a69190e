//! What is kept of what the guest said: the words, what they changed, which can be taken back, and values for their next
//! conversation.

use std::sync::Arc;

use super::{Machine, Trace};
use crate::effect::Effect;
use crate::facts::has_items;
use crate::flow::{SlotId, StateId};
use crate::position::{Change, Repair};
use crate::slot::Value;

/// The most words and changes that are kept of a flow.
const MOST_KEPT: usize = 8;

impl Machine<'_, '_> {
    /// Hands out the values the flow wants kept for the guest's next conversation.
    pub(super) fn remember(&mut self) {
        let Some(flow) = self.flow() else { return };
        for (index, (name, slot)) in flow.slots.iter().enumerate() {
            if !slot.remember {
                continue;
            }
            let id = SlotId::at(index);
            let Some(value) = self.frame().slots.get(id).map(Value::json).filter(|value| !value.is_null())
            else {
                continue;
            };
            if self.position.guest.remembered.get(&**name) != Some(&value) {
                self.settle_says();
                let guest = Arc::make_mut(&mut self.position.guest);
                guest.remembered.insert(name.to_string(), value.clone());
                self.moved.effects.push(Effect::Remember { name: Arc::clone(name), value });
            }
        }
    }

    /// Notes what a message of the guest changed: it can be taken back, and what was decided by it is decided anew.
    pub(super) fn note_change(&mut self, before: Vec<(SlotId, Option<Value>)>) {
        self.decide_anew(&before);
        let at = self.leaves();
        let frame = self.frame_mut();
        if frame.changes.len() >= MOST_KEPT {
            frame.changes.remove(0);
        }
        frame.changes.push(Arc::new(Change { at, before }));
    }

    /// Takes back the guest's last change: the slots have their values of before, and the guest is where they were.
    pub(super) fn undo(&mut self) {
        let Some(flow) = self.flow() else { return };
        let Some(change) = self.frame_mut().changes.pop() else {
            return self.resume();
        };
        let mut slots = Vec::new();
        let mut taken = Vec::new();
        let change = Arc::unwrap_or_clone(change);
        for (slot, before) in change.before {
            let frame = self.facts_mut();
            taken.push((slot, frame.slots.get(slot).cloned()));
            match before {
                Some(value) => _ = frame.slots.put(slot, value),
                None => _ = frame.slots.clear(slot),
            }
            slots.extend(flow.slot_name(slot));
        }
        let frame = self.frame_mut();
        frame.confirmed = None;
        frame.read_back = None;
        self.decide_anew(&taken);
        self.tell(Trace::Undone { slots });
        let here = self.leaves();
        let goes_back = change.at.iter().find(|state| !here.contains(state)).copied();
        match goes_back {
            Some(state) => {
                // The state says nothing that it said before; its question is asked again.
                let path = smallvec::smallvec![state];
                self.frame_mut().repair = Some(Repair { goal: StateId(u16::MAX), path });
                self.jump(state);
                self.frame_mut().repair = None;
                self.repair();
            }
            None => self.resume(),
        }
    }

    /// Keeps the words of this message for lists that do not exist yet.
    pub(super) fn keep_words(&mut self) {
        let Some(said) = self.said.clone().filter(|said| !said.is_empty()) else { return };
        let Some(flow) = self.flow() else { return };
        let waits_for_list = flow.slots.values().any(|slot| !has_items(slot, self.frame()));
        if waits_for_list {
            let frame = self.frame_mut();
            if frame.kept.len() >= MOST_KEPT {
                frame.kept.remove(0);
            }
            frame.kept.push(said);
        }
    }
}
