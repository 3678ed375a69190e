//! From what a message means to what happens: slots first, then what the guest does with it.

use std::borrow::Cow;
use std::sync::Arc;

use indexmap::IndexMap;

use super::task::{HeardSlot, HeardSlots};
use super::{Machine, Trace};
use crate::effect::Expecting;
use crate::flow::{Does, Event, Sends, SlotId, StateId, Transition};
use crate::input::{Act, Understanding};
use crate::position::{Active, Caller, Few, Frame, Task, Waiting, Wish};
use crate::slot::{Heard, Invalid, Value};

/// What became of the values in a message.
#[derive(Default)]
pub(super) struct Filling {
    /// Slots of the active flow that were answered, changed or not.
    pub(super) answered: Few<SlotId>,
    /// The slots whose values differ from the ones before, with those.
    pub(super) changed: Vec<(SlotId, Option<Value>)>,
    /// The first value that was refused.
    pub(super) refused: Option<(SlotId, Invalid)>,
}

impl<'f> Machine<'f, '_> {
    /// Takes in what a message means. False where nobody asked for it.
    pub(super) fn understood(&mut self, understanding: &Arc<Understanding>) -> bool {
        if self.moved.is_told {
            self.tell(Trace::Understood(Arc::clone(understanding)));
        }
        match &self.position.waiting {
            Waiting::Meaning { text, .. } => {
                self.said = Some(Arc::clone(text));
                let expecting = self.expecting.clone();
                self.heard(understanding, &expecting);
                true
            }
            Waiting::Kept { slot } => {
                let slot = Arc::clone(slot);
                // Of what comes after a first choice from the same list nobody is asked which.
                let narrows = self.position.has_chosen_beside(self.flows, &slot);
                let counts = |heard: &Heard| !(narrows && matches!(heard, Heard::Among(_)));
                let heard =
                    understanding.slots.iter().filter(|(name, heard)| **name == *slot && counts(heard));
                let heard = self.named_slots(heard);
                self.fill(heard);
                true
            }
            Waiting::Guest { .. } | Waiting::Answers | Waiting::Person | Waiting::Over { .. } => {
                self.ignored("a meaning nobody asked for");
                false
            }
        }
    }

    fn heard(&mut self, understanding: &Understanding, expecting: &Expecting) {
        let Understanding { slots, acts, .. } = understanding;
        let does = |act: &Act| acts.contains(act);
        if does(&Act::Human) {
            return self.event(Event::Human);
        }
        if does(&Act::Cancel) {
            return self.event(Event::Cancel);
        }
        if does(&Act::Undo) && slots.is_empty() {
            return self.event(Event::Undo);
        }
        if let Some(wish) = self.requested_again(acts) {
            if acts.len() == 1 && slots.is_empty() {
                self.position.unclear = 0;
                return self.dispatch(Event::Start, Some(&wish));
            }
            self.position.wishes.push(wish);
        }
        if let Some(wishes) = self.requested(acts, slots) {
            self.position.unclear = 0;
            let besides = self.hear_besides(&wishes, slots).then_some(self.position.frames.len());
            for wish in wishes {
                self.dispatch(Event::Start, Some(&wish));
            }
            // "Do you have parking? And a room for two, please": answered first.
            if does(&Act::Question) && self.pending.is_none() {
                self.dispatch(Event::Question, None);
            }
            return self.go_on_besides(besides);
        }
        self.keep_words();
        let mut heard = self.named_slots(slots.iter());
        // What the active flow knows all of is for no other.
        if heard.len() < slots.len() {
            self.return_to(slots);
            if self.fill_beneath(slots) {
                self.position.unclear = 0;
                return self.resume();
            }
            heard = self.named_slots(slots.iter());
        }
        let mut filling = self.fill(heard);
        let changed = !filling.changed.is_empty();
        if changed {
            self.note_change(std::mem::take(&mut filling.changed));
        }
        let denies = does(&Act::Deny);
        if let Some((slot, why)) = filling.refused {
            self.position.unclear = 0;
            if changed {
                self.frame_mut().confirmed = None;
            }
            return self.refuse(slot, why);
        }
        if !filling.answered.is_empty() {
            self.position.unclear = 0;
            let agrees = *expecting == Expecting::Confirmation
                && !changed
                && !denies
                && !does(&Act::Change)
                && does(&Act::Affirm);
            return match self.asked() {
                Some((state, Does::Confirm { yes, sends, .. })) if agrees && !does(&Act::Question) => {
                    self.affirm(state, yes, sends.as_ref());
                }
                _ => self.go_on(&filling.answered, changed, does(&Act::Question), expecting),
            };
        }
        if does(&Act::Wait) {
            return self.event(Event::Wait);
        }
        for (act, event, else_event) in
            [(Act::Price, Event::Price, Event::Question), (Act::Previous, Event::Previous, Event::More)]
        {
            if does(&act) {
                let is_answered = self.handler(event).is_some();
                return self.event(if is_answered { event } else { else_event });
            }
        }
        for (act, event) in [
            (Act::Question, Event::Question),
            (Act::More, Event::More),
            (Act::Repeat, Event::Repeat),
            (Act::Help, Event::Help),
        ] {
            // Where nothing was said yet there is nothing to say again.
            if does(&act) && (event != Event::Repeat || !self.position.last_said.is_empty()) {
                return self.event(event);
            }
        }
        if *expecting == Expecting::Confirmation
            && let Some((state, Does::Confirm { yes, no, sends, .. })) = self.asked()
        {
            if denies || does(&Act::Change) {
                self.position.unclear = 0;
                return self.follow(state, no);
            }
            if does(&Act::Affirm) {
                self.position.unclear = 0;
                return self.affirm(state, yes, sends.as_ref());
            }
        }
        if let Expecting::Slot(slot) = expecting
            && denies
            && self.skip_optional(slot)
        {
            self.position.unclear = 0;
            return self.resume();
        }
        if self.is_unasked() && (denies || does(&Act::Affirm)) {
            // It answers a question that older flows asked; the one of these flows comes now.
            self.position.unclear = 0;
            return;
        }
        for (act, event) in [
            (Act::Change, Event::Change),
            (Act::Bye, Event::Bye),
            (Act::Deny, Event::Deny),
            (Act::Thank, Event::Thank),
            (Act::Affirm, Event::Affirm),
            (Act::Greet, Event::Greet),
        ] {
            if does(&act) {
                return self.event(event);
            }
        }
        if let Expecting::Slot(slot) = expecting
            && self.skip_optional(slot)
        {
            return self.resume();
        }
        self.unclear();
    }

    /// The state whose question is open, with what it does.
    fn asked(&self) -> Option<(StateId, &'f Does)> {
        let flow = self.flow()?;
        let state = self.frame().asking(flow)?;
        Some((state, flow.does(state)?))
    }

    /// Whether the state the guest is at has not asked yet: the conversation was carried there from other flows.
    fn is_unasked(&self) -> bool {
        let Some(flow) = self.flow() else { return false };
        let asks = |active: &&Active| flow.does(active.state).is_some_and(Does::asks);
        let mut asking = self.frame().active.iter().filter(asks).peekable();
        asking.peek().is_some() && asking.all(|active| active.task == Task::Fresh)
    }

    /// After slots were filled: a question in the same message is answered first; then the walk goes on.
    fn go_on(&mut self, answered: &[SlotId], changed: bool, asks: bool, expecting: &Expecting) {
        if let Expecting::Slot(slot) = expecting
            && self.flow().and_then(|flow| flow.slot_id(slot)).is_some_and(|slot| !answered.contains(&slot))
        {
            // The guest was asked for something they need not say, and said something else.
            self.skip_optional(slot);
        }
        if changed {
            let frame = self.frame_mut();
            frame.confirmed = None;
            frame.read_back = None;
        }
        // A flow that answers questions itself has just been given what it asked for.
        if asks && !self.answers_itself(Event::Question) {
            return self.event(Event::Question);
        }
        match self.asked() {
            Some((state, Does::Ask { then, .. }))
                if *expecting == Expecting::Change && self.frame().anew.is_none() =>
            {
                self.follow(state, then)
            }
            _ => self.resume(),
        }
    }

    /// A yes to a read-back. It counts if the read-back reached the guest whole and still says what is true; one to
    /// sending something, if there still is the way.
    fn affirm(&mut self, state: StateId, yes: &'f [Transition], sends: Option<&'f Sends>) {
        let leads_nowhere = sends.is_some_and(|sends| !self.position.guest.reach.contains_key(&*sends.to));
        if leads_nowhere || !self.can_be_affirmed() {
            return self.resume();
        }
        let frame = self.frame_mut();
        frame.confirmed = frame.read_back.take().map(|read| read.what);
        if let Some(flow) = self.flow() {
            self.tell(Trace::Confirmed { flow: &flow.name });
        }
        if let Some(sends) = sends {
            self.send(sends, true);
        }
        self.follow(state, yes);
    }

    /// The flows the guest asks for and that do not run yet, with what the message fills in the first of them that
    /// knows it; `None` where there is none.
    fn requested(&self, acts: &[Act], slots: &IndexMap<String, Heard>) -> Option<Vec<Wish>> {
        let mut wishes: Vec<Wish> = Vec::new();
        for act in acts {
            let Act::Start(name) = act else { continue };
            let Some(flow) = self.flows.get(name).filter(|flow| flow.id != self.flows.root) else { continue };
            let runs = self.position.frames.iter().any(|frame| frame.flow == flow.id);
            let waits = self.position.wishes.iter().any(|wish| wish.flow == flow.id);
            if runs || waits || wishes.iter().any(|wish| wish.flow == flow.id) {
                continue;
            }
            let slots = slots.iter().filter_map(|(name, heard)| Some((flow.slot_id(name)?, heard.clone())));
            wishes.push(Wish {
                flow: flow.id,
                said: self.said.clone().unwrap_or_else(|| "".into()),
                slots: slots.collect(),
            });
        }
        (!wishes.is_empty()).then_some(wishes)
    }

    /// The flow that runs and that the guest wants once more, later. Nothing that was said is for it: all of that is about
    /// what runs.
    fn requested_again(&self, acts: &[Act]) -> Option<Wish> {
        let name = acts.iter().find_map(|act| match act {
            Act::StartAnother(name) => Some(name),
            _ => None,
        })?;
        let flow = self.flows.get(name)?;
        let runs = self.position.frames.iter().any(|frame| frame.flow == flow.id);
        let waits = self.position.wishes.iter().any(|wish| wish.flow == flow.id);
        let said = self.said.clone().unwrap_or_else(|| "".into());
        (runs && !waits).then(|| Wish { flow: flow.id, said, slots: Vec::new() })
    }

    /// Fills what a message with a wish says that is not about the wish: it is for what runs. True when it did.
    fn hear_besides(&mut self, wishes: &[Wish], slots: &IndexMap<String, Heard>) -> bool {
        let is_wished = |name: &str| {
            let mut flows = wishes.iter().filter_map(|wish| self.flows.flow(wish.flow));
            flows.any(|flow| flow.slots.contains_key(name))
        };
        let besides = slots.iter().filter(|(name, _)| !is_wished(name));
        let slots: IndexMap<String, Heard> =
            besides.map(|(name, heard)| (name.clone(), heard.clone())).collect();
        if slots.is_empty() {
            return false;
        }
        self.return_to(&slots);
        if self.fill_beneath(&slots) {
            return true;
        }
        let heard = self.named_slots(slots.iter());
        let mut filling = self.fill(heard);
        if !filling.changed.is_empty() {
            self.note_change(std::mem::take(&mut filling.changed));
            let frame = self.frame_mut();
            frame.confirmed = None;
            frame.read_back = None;
        }
        if let Some((slot, why)) = filling.refused {
            self.refuse(slot, why);
            return false;
        }
        !filling.answered.is_empty()
    }

    /// What runs goes on with what was said besides a wish, unless the wish's transition has seen to it: `depth` is how
    /// many flows ran.
    fn go_on_besides(&mut self, depth: Option<usize>) {
        let Some(flow) = self.flow() else { return };
        let is_open =
            |active: &Active| active.task == Task::Waiting && flow.does(active.state).is_some_and(Does::asks);
        if depth == Some(self.position.frames.len())
            && self.pending.is_none()
            && self.frame().repair.is_none()
            && self.frame().active.iter().any(is_open)
        {
            self.resume();
        }
    }

    /// Leaves a digression when the message fills only slots of the flow beneath it.
    fn return_to(&mut self, slots: &IndexMap<String, Heard>) {
        let knows = |frame: &Frame| {
            self.flows
                .flow(frame.flow)
                .is_some_and(|flow| slots.keys().any(|name| flow.slots.contains_key(name.as_str())))
        };
        let frames = &self.position.frames;
        let depth = frames.iter().rev().position(knows).unwrap_or_default();
        // A flow that a state runs is no digression: it is not left by the way.
        let leaves =
            frames.iter().rev().take(depth).all(|frame| frame.caller == crate::position::Caller::Guest);
        if depth > 0 && leaves {
            for _ in 0..depth {
                self.abandon();
            }
        }
    }

    /// Fills what a message says for a flow that runs the active one. True when that changed what the active flow was
    /// given, or the message said nothing for the active flow itself; what it was given anew it is run for again.
    fn fill_beneath(&mut self, slots: &IndexMap<String, Heard>) -> bool {
        let knows = |flow: crate::flow::FlowId, name: &str| {
            self.flows.flow(flow).is_some_and(|flow| flow.slots.contains_key(name))
        };
        let frames = &self.position.frames;
        let top = frames.len() - 1;
        let own = slots.keys().any(|name| knows(frames.top().flow, name));
        let runs = frames.iter().rev().take_while(|frame| frame.caller != Caller::Guest).count();
        let beneath = (top.saturating_sub(runs)..top).rev();
        let found = beneath.into_iter().find(|depth| {
            let unknown = |name: &String| !frames.iter().skip(depth + 1).any(|frame| knows(frame.flow, name));
            let here = |name: &String| frames.get(*depth).is_some_and(|frame| knows(frame.flow, name));
            slots.keys().any(|name| unknown(name) && here(name))
        });
        let Some(depth) = found else { return false };
        let above: Vec<crate::flow::FlowId> = frames.iter().skip(depth + 1).map(|frame| frame.flow).collect();
        let heard = slots.iter().filter(|(name, _)| !above.iter().any(|flow| knows(*flow, name)));
        let heard: Vec<(String, Heard)> = heard.map(|(name, heard)| (name.clone(), heard.clone())).collect();
        self.settle_says();
        let held: Vec<Frame> = above.iter().map_while(|_| self.position.frames.pop()).collect();
        let heard = self.named_slots(heard.iter().map(|(name, heard)| (name, heard)));
        let filling = self.fill(heard);
        let refused = filling.refused.is_some();
        if let Some((slot, why)) = filling.refused
            && let Some(declared) = self.flow().and_then(|flow| flow.slot(slot))
            && let Some(name) = self.flow().and_then(|flow| flow.slot_name(slot))
        {
            // It is about the flow beneath; what the one above asks is asked again.
            self.say(&declared.invalid, Expecting::Slot(Arc::clone(name)), Some(why));
        }
        let changed: Vec<SlotId> = filling.changed.iter().map(|(slot, _)| *slot).collect();
        if !changed.is_empty() {
            self.note_change(filling.changed);
            let frame = self.frame_mut();
            frame.confirmed = None;
            frame.read_back = None;
        }
        let running = self.frame().active.iter().find(|active| matches!(active.task, Task::Running { .. }));
        let running = running.map(|active| active.state);
        let runs_anew = self.frame().anew.is_some();
        let given = match running.and_then(|state| self.flow()?.does(state)) {
            Some(Does::Run(run)) => {
                changed.iter().any(|slot| run.inputs.contains(&crate::flow::Input::Slot(*slot)))
            }
            _ => false,
        };
        held.into_iter().rev().for_each(|frame| self.position.frames.push(frame));
        if refused && self.frame().read_back.is_some() {
            // Something else was said since: a yes that came with it is none to the read-back.
            self.frame_mut().read_back = None;
        }
        if given || runs_anew {
            while self.position.frames.len() > depth + 1 {
                self.abandon();
            }
            if let Some(state) = running {
                self.set_task(state, Task::Fresh);
            }
            return true;
        }
        !own && (refused || !filling.answered.is_empty())
    }

    /// What was heard, by the active flow's slots.
    fn named_slots<'h>(&self, heard: impl Iterator<Item = (&'h String, &'h Heard)>) -> HeardSlots<'h> {
        let Some(flow) = self.flow() else { return HeardSlots::new() };
        let known = heard.filter_map(|(name, heard)| Some((flow.slot_id(name)?, heard)));
        known.map(|(slot, heard)| HeardSlot { slot, heard: Cow::Borrowed(heard), said: true }).collect()
    }

    /// Fills slots of the active flow with what was heard; choosing an item fills the slots it `sets`.
    pub(super) fn fill(&mut self, heard: HeardSlots<'_>) -> Filling {
        let mut filling = Filling::default();
        let mut todo = heard;
        todo.reverse();
        while let Some(next) = todo.pop() {
            let id = next.slot;
            let Some(slot) = self.flow().and_then(|flow| flow.slot(id)) else { continue };
            if *next.heard == Heard::NoPreference && !slot.optional {
                continue;
            }
            let before = self.frame().slots.get(id).cloned();
            if *next.heard == Heard::Anew {
                if self.emptied(id) {
                    filling.answered.push(id);
                    filling.changed.push((id, before));
                }
                continue;
            }
            if let Heard::Among(keys) = &*next.heard {
                if self.narrowed(id, keys) {
                    filling.answered.push(id);
                    if before.is_some() && self.facts_mut().slots.clear(id) {
                        filling.changed.push((id, before));
                    }
                }
                continue;
            }
            match self.fill_one(&next) {
                Ok(changed) => {
                    if changed {
                        filling.changed.push((id, before));
                    }
                    self.set_by_choice(id, &mut todo);
                    if next.said {
                        filling.answered.push(id);
                        if self.frame().asked.contains(&id) {
                            self.frame_mut().asked.retain(|asked| *asked != id);
                        }
                    }
                }
                Err(why) => {
                    self.refused(id, why.clone());
                    filling.refused.get_or_insert((id, why));
                }
            }
        }
        filling
    }

    /// Leaves an optional slot that was asked for without a value. True when there was one to leave.
    fn skip_optional(&mut self, slot: &str) -> bool {
        let Some(flow) = self.flow() else { return false };
        let Some(id) = flow.slot_id(slot) else { return false };
        flow.slot(id).is_some_and(|slot| slot.optional)
            && self.frame().slots.get(id).is_none()
            && self.facts_mut().slots.put(id, Value::NoPreference)
    }

    pub(super) fn unclear(&mut self) {
        self.position.unclear = self.position.unclear.saturating_add(1);
        self.dispatch(Event::Unclear, None);
    }

    /// Something was understood: the ladder for unclear messages begins anew.
    fn event(&mut self, event: Event) {
        self.position.unclear = 0;
        self.dispatch(event, None);
    }
}
