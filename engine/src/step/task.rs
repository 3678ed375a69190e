//! What active states are for: asking and reading back here, calling in `call`, running flows in `run`.

use std::borrow::Cow;
use std::sync::Arc;

use smallvec::SmallVec;

use super::facts::{read_by, still_holds};
use super::{Decider, Machine, Trace};
use crate::effect::{Effect, Expecting};
use crate::facts::{has_items, item_of};
use crate::flow::{Does, SlotId, StateId, Transition};
use crate::guard::Path;
use crate::position::{Active, Reach, ReadBack, Task, Waiting};
use crate::slot::{Heard, Invalid, Kind, Options, Value};

/// What was heard for a slot.
pub(super) struct HeardSlot<'h> {
    pub(super) slot: SlotId,
    pub(super) heard: Cow<'h, Heard>,
    /// Whether the guest said it, and it does not only follow from what they said.
    pub(super) said: bool,
}

/// What a message says of slots, usually of one or two.
pub(super) type HeardSlots<'h> = SmallVec<[HeardSlot<'h>; 2]>;

impl<'f> Machine<'f, '_> {
    /// Does what the next active state is for. False when nothing more can be done now.
    pub(super) fn perform_next(&mut self) -> bool {
        let Some(flow) = self.flow() else { return false };
        let mut asks: Option<StateId> = None;
        let mut open = false;
        for place in 0..self.frame().active.len() {
            let Some(Active { state, task }) = self.frame().active.get(place) else { break };
            let Some(does) = flow.does(*state) else { continue };
            let state = *state;
            match (task, does) {
                (Task::Fresh, Does::Rest | Does::Final { .. }) => self.set_task(state, Task::Waiting),
                (Task::Fresh, Does::Held) => {
                    self.set_task(state, Task::Waiting);
                    self.moved.effects.push(Effect::HandOver);
                }
                (Task::Fresh, Does::Invoke(invoke)) => {
                    self.decided(Decider::State(state));
                    if self.invoke(state, invoke) {
                        return true;
                    }
                }
                (Task::Fresh, Does::Collect { slots, then }) => {
                    if slots.iter().all(|slot| self.has(*slot)) {
                        // Nobody need be asked, so nothing has to be waited for.
                        self.follow(state, then);
                        return true;
                    }
                    asks = asks.or(Some(state));
                }
                (Task::Fresh, Does::Confirm { .. } | Does::Ask { .. } | Does::Run(_)) => {
                    asks = asks.or(Some(state));
                }
                (Task::Waiting, does) => open |= does.asks(),
                (Task::Calling(_) | Task::Running { .. }, _) => {}
            }
        }
        if self.dry {
            return match asks.filter(|_| !open) {
                Some(state) => self.pass_dry(state),
                None => false,
            };
        }
        // While calls are out, and while a question is open, nobody else asks.
        if let (Some(state), false, false) = (asks, open, self.frame().is_calling()) {
            return self.ask(state);
        }
        if self.frame().is_calling() {
            return false;
        }
        self.take_up_wish()
    }

    /// Does what a state does that needs the guest. False when it waits for them.
    fn ask(&mut self, state: StateId) -> bool {
        let Some(does) = self.flow().and_then(|flow| flow.does(state)) else { return false };
        self.decided(Decider::State(state));
        match does {
            Does::Collect { slots, then } => self.collect(state, slots, then),
            Does::Confirm { sends: Some(sends), prompt, yes, no, .. } => {
                match self.position.guest.reach.get(&*sends.to) {
                    Some(Reach::Ask) => self.confirm(state, &[], prompt),
                    Some(Reach::Free) => {
                        self.send(sends, false);
                        self.follow(state, yes);
                        true
                    }
                    None => {
                        self.follow(state, no);
                        true
                    }
                }
            }
            Does::Confirm { paths, prompt, .. } => self.confirm(state, paths, prompt),
            Does::Ask { then, .. } if self.repeats(state) => {
                self.passed_once(state);
                self.follow(state, then);
                true
            }
            Does::Ask { prompt, .. } => {
                self.say(prompt, Expecting::Change, None);
                self.wait(state, Expecting::Change);
                false
            }
            Does::Run(run) => self.run(state, run),
            Does::Rest | Does::Held | Does::Final { .. } | Does::Invoke(_) => false,
        }
    }

    /// Passes over a state that needs nothing of the guest any more; else it stays open and unasked. One that collects
    /// what is known already was passed over before.
    fn pass_dry(&mut self, state: StateId) -> bool {
        let Some(does) = self.flow().and_then(|flow| flow.does(state)) else { return false };
        let onward = match does {
            Does::Ask { then, .. } if self.repeats(state) => {
                self.passed_once(state);
                then
            }
            Does::Confirm { yes, .. } if self.repeats(state) && self.has_written() => yes,
            Does::Run(run) if self.repeats(state) && self.is_fresh(run.save, false) => &run.done,
            // What is not known yet is asked when the guest is back.
            _ => return false,
        };
        self.passed_dry = Some(Box::new(self.frame().clone()));
        self.follow(state, onward);
        true
    }

    /// A walk passes over an open question once: it leads back to it where the answer did not help.
    fn passed_once(&mut self, state: StateId) {
        if let Some(repair) = &mut self.frame_mut().repair {
            repair.path.retain(|passed| *passed != state);
        }
    }

    /// Whether a call of the active flow has written already: what was confirmed for it was confirmed.
    fn has_written(&self) -> bool {
        let Some(flow) = self.flow() else { return false };
        self.frame()
            .results
            .iter()
            .flatten()
            .any(|saved| matches!(flow.does(saved.producer), Some(Does::Invoke(invoke)) if invoke.writes))
    }

    /// The state's question is open now.
    pub(super) fn wait(&mut self, state: StateId, expecting: Expecting) {
        self.set_task(state, Task::Waiting);
        if self.frame().repair.is_some() {
            self.frame_mut().repair = None;
        }
        if self.moved.is_told
            && let Some(flow) = self.flow()
            && let Some(name) = flow.state_name(state)
        {
            let expecting = expecting.clone();
            self.tell(Trace::Asked { flow: &flow.name, state: name, expecting });
        }
        self.expecting = expecting;
    }

    /// Asks for the first slot that is missing; goes on when none is.
    fn collect(&mut self, state: StateId, slots: &[SlotId], then: &'f [Transition]) -> bool {
        let Some(flow) = self.flow() else { return false };
        for &id in slots {
            if self.has(id) {
                continue;
            }
            let (Some(slot), Some(name)) = (flow.slot(id), flow.slot_name(id)) else { continue };
            let from_result = matches!(slot.kind, Kind::Choice(Options::From { .. }));
            let tried = self.frame().tried.contains(&id);
            let further = self.frame().kept.is_empty() && self.position.has_chosen_beside(self.flows, name);
            if from_result && slot.optional && (tried || further) {
                // One more choice from a list is never asked for: there is one if it was said.
                // What the guest said already was tried on the list: asking for less than that is no help.
                self.facts_mut().slots.put(id, Value::NoPreference);
                continue;
            }
            if from_result && !self.frame().kept.is_empty() && !tried {
                self.frame_mut().tried.push(id);
                self.moved.effects.push(Effect::Understand);
                self.position.waiting = Waiting::Kept { slot: Arc::clone(name) };
                self.paused = true;
                return false;
            }
            let frame = self.frame_mut();
            frame.asked.retain(|asked| *asked != id);
            frame.asked.push(id);
            let expecting = Expecting::Slot(Arc::clone(name));
            self.say(&slot.ask, expecting.clone(), None);
            self.wait(state, expecting);
            return false;
        }
        self.follow(state, then);
        true
    }

    /// Whether a slot has a value, if need be its default.
    fn has(&mut self, id: SlotId) -> bool {
        self.frame().slots.get(id).is_some_and(Value::is_complete) || self.take_default(id)
    }

    /// Fills an empty slot from its default, once. True when that worked.
    fn take_default(&mut self, id: SlotId) -> bool {
        let Some(slot) = self.flow().and_then(|flow| flow.slot(id)) else { return false };
        let Some(default) = &slot.default else { return false };
        let frame = self.frame();
        if frame.slots.get(id).is_some() || frame.defaulted.contains(&id) || !has_items(slot, frame) {
            return false;
        }
        let json = self.view().map(|view| default.evaluate(&view)).unwrap_or_default();
        self.frame_mut().defaulted.push(id);
        let Some(heard) = Heard::from_json(&slot.kind, &json) else { return false };
        let filled = self.fill_one(&HeardSlot { slot: id, heard: Cow::Owned(heard), said: false }).is_ok();
        filled && self.frame().slots.get(id).is_some_and(Value::is_complete)
    }

    /// Fills one slot of the active flow. `Ok(true)` when its value changed.
    pub(super) fn fill_one(&mut self, heard: &HeardSlot<'_>) -> Result<bool, Invalid> {
        let Some(slot) = self.flow().and_then(|flow| flow.slot(heard.slot)) else {
            return Err(Invalid::WrongType);
        };
        let item = match &*heard.heard {
            Heard::Choice(key) => item_of(slot, self.frame(), key),
            _ => None,
        };
        let today = self.moment.today;
        let changed = self.facts_mut().slots.fill(heard.slot, slot, &heard.heard, |_| item, today)?;
        if self.frame().among.as_ref().is_some_and(|among| among.slot == heard.slot) {
            self.frame_mut().among = None;
        }
        if changed {
            self.note_filled(heard.slot);
        }
        Ok(changed)
    }

    pub(super) fn note_filled(&mut self, slot: SlotId) {
        if self.moved.is_told
            && let (Some(flow), Some(value)) = (self.flow(), self.frame().slots.get(slot).cloned())
            && let Some(name) = flow.slot_name(slot)
        {
            self.tell(Trace::Filled { slot: name, value });
        }
    }

    pub(super) fn refused(&mut self, slot: SlotId, why: Invalid) {
        if let Some(name) = self.flow().and_then(|flow| flow.slot_name(slot)) {
            self.tell(Trace::Refused { slot: name, why });
        }
    }

    /// Reads the values back. Results they come from are made again first if they went stale.
    fn confirm(&mut self, state: StateId, paths: &[Path], prompt: &Arc<str>) -> bool {
        if self.repair() {
            return true;
        }
        let Some(what) = self.view().map(|view| read_by(state, paths, &view)) else { return false };
        self.frame_mut().confirmed = None;
        let say = self.say(prompt, Expecting::Confirmation, None);
        self.frame_mut().read_back = Some(ReadBack { say, what, conveyed: false });
        self.wait(state, Expecting::Confirmation);
        false
    }

    /// Whether the open read-back is one that a yes may count for now.
    pub(super) fn can_be_affirmed(&self) -> bool {
        self.first_stale().is_none()
            && self.frame().read_back.as_ref().is_some_and(|read| {
                read.conveyed && self.view().is_some_and(|view| still_holds(&read.what, &view))
            })
    }

    /// Says why a value can't be, and waits for another.
    pub(super) fn refuse(&mut self, slot: SlotId, why: Invalid) {
        let Some(flow) = self.flow() else { return };
        let (Some(declared), Some(name)) = (flow.slot(slot), flow.slot_name(slot)) else { return };
        let expecting = Expecting::Slot(Arc::clone(name));
        self.decided(Decider::Slot(slot));
        self.say(&declared.invalid, expecting.clone(), Some(why));
        // The question is open in whichever state asks; none asks anything else meanwhile.
        for active in &mut self.frame_mut().active {
            if active.task == Task::Fresh && flow.does(active.state).is_some_and(Does::asks) {
                active.task = Task::Waiting;
            }
        }
        self.expecting = expecting;
    }
}
