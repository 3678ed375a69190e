//! The question that a message is understood by: everything it may be about.

use std::sync::Arc;

use crate::effect::{Expecting, Question, ScopedSlot, Startable};
use crate::facts::{foremost, items_of};
use crate::flow::{Flow, Flows, SlotId};
use crate::input::Moment;
use crate::position::{Frame, Position, Standing, Waiting};
use crate::slot::{Item, Kind, Options, Value};

impl Position {
    /// The message that waits to be understood, with everything it may be about; `None` where none does.
    pub fn ask(&self, flows: &Flows, moment: Moment) -> Option<Question> {
        let (said, button, expecting, page, kept) = match &self.waiting {
            Waiting::Meaning { text, button, expecting, page } => {
                (text.to_string(), button.as_ref().map(|id| id.to_string()), expecting.clone(), *page, None)
            }
            Waiting::Kept { slot } => (
                self.frame().kept.iter().map(|words| &**words).collect::<Vec<&str>>().join("\n"),
                None,
                Expecting::Anything,
                0,
                Some(slot),
            ),
            Waiting::Guest { .. } | Waiting::Answers | Waiting::Person | Waiting::Over { .. } => return None,
        };
        let mut scope: Vec<ScopedSlot> = Vec::new();
        // Whether to send something changes nothing of what it is about.
        let is_sending = flows.flow(self.frame().flow).is_some_and(|flow| self.frame().is_sending(flow));
        for frame in self.frames.iter().rev().filter(|_| !is_sending) {
            let Some(flow) = flows.flow(frame.flow) else { continue };
            for slot in scoped(flow, Some(frame)) {
                let wanted = kept.is_none_or(|kept| **kept == slot.name);
                if wanted && scope.iter().all(|known| known.name != slot.name) {
                    scope.push(slot);
                }
            }
        }
        let startable = |flow: &Flow| Startable {
            flow: flow.name.to_string(),
            description: flow.description.clone(),
            examples: flow.examples.clone(),
            slots: scoped(flow, None),
        };
        let active = self.frame();
        let besides = if kept.is_some() { chosen_besides(&mut scope, self, flows) } else { Vec::new() };
        let among = match &expecting {
            Expecting::Slot(slot) => self.among(flows, slot),
            Expecting::Anything | Expecting::Confirmation | Expecting::Change => Vec::new(),
        };
        Some(Question {
            said,
            button,
            today: moment.today,
            unanswered: self.unanswered(flows, &expecting),
            expecting,
            flow: flows
                .flow(active.flow)
                .filter(|flow| flow.id != flows.root)
                .map(|flow| flow.name.to_string()),
            scope,
            starts: if kept.is_some() { Vec::new() } else { flows.iter().map(startable).collect() },
            page,
            among,
            kept: kept.is_some(),
            besides,
        })
    }

    /// The keys of the items that the guest has said a choice is one of.
    fn among(&self, flows: &Flows, slot: &str) -> Vec<String> {
        let asked = self.frames.iter().rev().find_map(|frame| {
            let id = flows.flow(frame.flow)?.slot_id(slot)?;
            Some((frame, id))
        });
        let among = asked.and_then(|(frame, id)| frame.among.as_ref().filter(|among| among.slot == id));
        among.map_or_else(Vec::new, |among| among.keys.iter().map(|key| key.to_string()).collect())
    }

    /// The slots that were asked for and are still empty, but for the one that is asked for now: the active flow's
    /// first, then those of what runs beneath it.
    fn unanswered(&self, flows: &Flows, expecting: &Expecting) -> Vec<String> {
        let mut unanswered: Vec<String> = Vec::new();
        for frame in self.frames.iter().rev() {
            let Some(flow) = flows.flow(frame.flow) else { continue };
            let empty = frame.asked.iter().rev().filter(|slot| frame.slots.get(**slot).is_none());
            for name in empty.filter_map(|slot| flow.slot_name(*slot)) {
                if *expecting != Expecting::Slot(Arc::clone(name))
                    && unanswered.iter().all(|known| **known != **name)
                {
                    unanswered.push(name.to_string());
                }
            }
        }
        unanswered
    }
}

impl Standing {
    /// The keys of what other slots of the active flow have chosen from the list of this one.
    fn chosen_beside<'p>(&'p self, flows: &Flows, name: &str) -> Vec<&'p str> {
        let frame = self.frame();
        let Some(flow) = flows.flow(frame.flow) else { return Vec::new() };
        let Some(wanted) = flow.slots.get(name) else { return Vec::new() };
        let others = flow.slots.iter().enumerate().filter(|(_, (other, slot))| {
            ***other != *name && slot.kind == wanted.kind && matches!(slot.kind, Kind::Choice(_))
        });
        let chosen = others.filter_map(|(index, _)| match frame.slots.get(SlotId::at(index))? {
            Value::Choice(choice) => Some(&*choice.key),
            _ => None,
        });
        chosen.collect()
    }

    /// Whether another slot of the active flow has chosen from the list of this one.
    pub(super) fn has_chosen_beside(&self, flows: &Flows, name: &str) -> bool {
        !self.chosen_beside(flows, name).is_empty()
    }
}

/// Takes away what other slots of the active flow have chosen from the same lists, and tells it.
fn chosen_besides(scope: &mut [ScopedSlot], position: &Position, flows: &Flows) -> Vec<Item> {
    let mut besides = Vec::new();
    for wanted in scope {
        let keys = position.chosen_beside(flows, &wanted.name);
        if let Some(items) = &mut wanted.items {
            besides.extend(items.extract_if(.., |item| keys.contains(&item.key.as_str())));
        }
    }
    besides
}

/// A flow's slots as a message may fill them; with a frame, as they stand in it.
fn scoped(flow: &Flow, frame: Option<&Frame>) -> Vec<ScopedSlot> {
    let scoped = flow.slots.iter().enumerate().map(|(index, (name, slot))| ScopedSlot {
        name: name.to_string(),
        kind: slot.kind.clone(),
        items: match (frame, &slot.kind) {
            (Some(frame), _) => items_of(slot, frame).map(|mut items| {
                foremost(SlotId::at(index), &mut items, frame);
                items
            }),
            (None, Kind::Choice(options @ Options::Fixed(_))) => options.items(None),
            (None, Kind::Choice(Options::From { .. })) => None,
            (None, _) => Some(Vec::new()),
        },
        value: frame.and_then(|frame| frame.slots.get(SlotId::at(index))).cloned(),
        optional: slot.optional,
    });
    scoped.collect()
}
