//! From what a message means to what happens: slots first, then what the guest does with it.

use indexmap::IndexMap;

use super::facts::items_of;
use super::walk::pick;
use super::{Machine, Next, Trace};
use crate::effect::{Expecting, Question, ScopedSlot, Startable};
use crate::flow::{Does, Event, Flow, Handlers, ROOT, Transition};
use crate::input::{Act, Understanding};
use crate::position::{Frame, Waiting};
use crate::slot::{Heard, Invalid, Kind, Options, Value};

/// What became of the values in a message.
#[derive(Default)]
struct Filling {
    /// Slots of the active flow that were answered, changed or not.
    answered: Vec<String>,
    /// Whether a value differs from the one before.
    changed: bool,
    /// The first value that was refused.
    refused: Option<(String, Invalid)>,
}

impl<'f> Machine<'f> {
    /// Puts a message to whoever understands, with everything it may be about.
    pub(super) fn question(&self, said: &str, button: Option<String>, expecting: Expecting) -> Question {
        let mut scope: Vec<ScopedSlot> = Vec::new();
        for frame in self.position.frames() {
            for slot in self.flows.get(&frame.flow).map(|flow| scoped(flow, Some(frame))).unwrap_or_default()
            {
                if scope.iter().all(|known| known.name != slot.name) {
                    scope.push(slot);
                }
            }
        }
        let active = &self.frame().flow;
        Question {
            said: said.to_owned(),
            button,
            today: self.moment.today,
            expecting,
            flow: (active != ROOT).then(|| active.clone()),
            scope,
            starts: self
                .flows
                .iter()
                .map(|flow| Startable {
                    flow: flow.name.clone(),
                    description: flow.description.clone(),
                    examples: flow.examples.clone(),
                    slots: scoped(flow, None),
                })
                .collect(),
            page: self.page,
            kept: false,
        }
    }

    /// Takes in what a message means.
    pub(super) fn understood(&mut self, understanding: Understanding) -> Next {
        self.trace.push(Trace::Understood {
            acts: understanding.acts.clone(),
            slots: understanding.slots.keys().cloned().collect(),
            by: understanding.by,
        });
        match self.position.waiting.clone() {
            Waiting::Meaning { text, expecting, page } => {
                self.said = text;
                self.page = page;
                self.heard(understanding, &expecting)
            }
            Waiting::Kept { slot } => {
                let kept = understanding.slots.into_iter().filter(|(name, _)| *name == slot).collect();
                self.fill(kept);
                Next::Resume
            }
            Waiting::Guest { .. } | Waiting::Answer { .. } | Waiting::Over { .. } => {
                self.ignored("a meaning nobody asked for");
                Next::Pause
            }
        }
    }

    fn heard(&mut self, understanding: Understanding, expecting: &Expecting) -> Next {
        let Understanding { slots, acts, .. } = understanding;
        let does = |act: &Act| acts.contains(act);
        if does(&Act::Human) {
            return self.event(Event::Human, None);
        }
        if does(&Act::Cancel) {
            return self.event(Event::Cancel, None);
        }
        if let Some(flow) = self.requested(&acts) {
            let next = self.event(Event::Start, Some(&flow));
            if self.frame().flow == flow {
                self.page = 0;
                let filling = self.fill(slots);
                if let Some((slot, why)) = filling.refused {
                    return self.refuse(&slot, why);
                }
            }
            return next;
        }
        self.keep_words();
        self.return_to(&slots);
        let filling = self.fill(slots);
        let denies = does(&Act::Deny);
        if let Some((slot, why)) = filling.refused {
            self.position.unclear = 0;
            return self.refuse(&slot, why);
        }
        if !filling.answered.is_empty() {
            self.position.unclear = 0;
            let agrees =
                *expecting == Expecting::Confirmation && !filling.changed && !denies && does(&Act::Affirm);
            return match self.state().map(|state| &state.does) {
                Some(Does::Confirm { yes, .. }) if agrees && !does(&Act::Question) => self.affirm(yes),
                _ => self.go_on(&filling, does(&Act::Question), expecting),
            };
        }
        for (act, event) in [
            (Act::Question, Event::Question),
            (Act::More, Event::More),
            (Act::Repeat, Event::Repeat),
            (Act::Help, Event::Help),
        ] {
            if does(&act) {
                return self.event(event, None);
            }
        }
        if *expecting == Expecting::Confirmation
            && let Some(Does::Confirm { yes, no, .. }) = self.state().map(|state| &state.does)
        {
            if denies || does(&Act::Change) {
                self.position.unclear = 0;
                return self.follow(no);
            }
            if does(&Act::Affirm) {
                self.position.unclear = 0;
                return self.affirm(yes);
            }
        }
        if let Expecting::Slot(slot) = expecting
            && denies
            && self.skip_optional(slot)
        {
            self.position.unclear = 0;
            return Next::Resume;
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
                return self.event(event, None);
            }
        }
        if let Expecting::Slot(slot) = expecting
            && self.skip_optional(slot)
        {
            return Next::Resume;
        }
        self.unclear()
    }

    /// After slots were filled: a question in the same message is answered first; then the walk goes on.
    fn go_on(&mut self, filling: &Filling, asks: bool, expecting: &Expecting) -> Next {
        if let Expecting::Slot(slot) = expecting
            && !filling.answered.contains(slot)
        {
            // The guest was asked for something they need not say, and said something else.
            self.skip_optional(slot);
        }
        if filling.changed {
            self.frame_mut().confirmed = None;
            self.frame_mut().read_back = None;
        }
        // A flow that answers questions itself has just been given what it asked for.
        let answers_itself =
            self.handlers().into_iter().any(|(by_root, on)| !by_root && on.contains_key(&Event::Question));
        if asks && !answers_itself {
            return self.event(Event::Question, None);
        }
        match self.state().map(|state| &state.does) {
            Some(Does::Ask { then, .. }) if *expecting == Expecting::Change => self.follow(then),
            _ => Next::Resume,
        }
    }

    /// A yes to a read-back. It counts if the read-back reached the guest whole and still says what is true.
    fn affirm(&mut self, yes: &[Transition]) -> Next {
        if !self.can_be_affirmed() {
            return Next::Resume;
        }
        let flow = self.frame().flow.clone();
        let frame = self.frame_mut();
        frame.confirmed = frame.read_back.take().map(|read| read.values);
        self.trace.push(Trace::Confirmed { flow });
        self.follow(yes)
    }

    /// The flow the guest asks for, unless it runs already.
    fn requested(&self, acts: &[Act]) -> Option<String> {
        acts.iter().find_map(|act| match act {
            Act::Start(flow) if self.position.frames().all(|frame| frame.flow != *flow) => Some(flow.clone()),
            _ => None,
        })
    }

    /// Keeps the words of this message for lists that do not exist yet.
    fn keep_words(&mut self) {
        let waits_for_list = self.flow().is_some_and(|flow| {
            flow.slots.values().any(|slot| {
                matches!(slot.kind, Kind::Choice(Options::From { .. }))
                    && items_of(self.frame(), &slot.kind).is_none()
            })
        });
        if waits_for_list {
            let said = self.said.clone();
            self.frame_mut().kept.push(said);
        }
    }

    /// Leaves a digression when the message fills only slots of the flow beneath it.
    fn return_to(&mut self, slots: &IndexMap<String, Heard>) {
        let knows = |frame: &Frame| {
            self.flows
                .get(&frame.flow)
                .is_some_and(|flow| slots.keys().any(|name| flow.slots.contains_key(name)))
        };
        let depth = self.position.frames().position(knows).unwrap_or_default();
        for _ in 0..depth {
            self.position.pop();
        }
    }

    /// Fills slots of the active flow with what was heard; choosing an item fills the slots it `sets`.
    fn fill(&mut self, heard: IndexMap<String, Heard>) -> Filling {
        let mut filling = Filling::default();
        let mut todo: Vec<(String, Heard, bool)> =
            heard.into_iter().map(|(name, heard)| (name, heard, true)).collect();
        todo.reverse();
        while let Some((name, heard, said)) = todo.pop() {
            let Some(slot) = self.flow().and_then(|flow| flow.slots.get(&name)) else {
                continue;
            };
            if heard == Heard::NoPreference && !slot.optional {
                continue;
            }
            let items = self.items(&name);
            let today = self.moment.today;
            match self.frame_mut().slots.fill(&name, &slot.kind, &heard, &items, today) {
                Ok(changed) => {
                    filling.changed |= changed;
                    if changed {
                        self.note_filled(&name);
                    }
                    if let (Kind::Choice(Options::From { sets, .. }), Some(Value::Choice(item))) =
                        (&slot.kind, self.frame().slots.get(&name))
                    {
                        let (record, label) = (item.record.clone(), item.label.clone());
                        if !sets.is_empty() {
                            // The guest has said what they want by choosing it: lists made again are matched by it.
                            let frame = self.frame_mut();
                            frame.kept = vec![label];
                            frame.tried.clear();
                        }
                        todo.extend(sets.iter().filter_map(|set| {
                            let kind = &self.flow()?.slots.get(set)?.kind;
                            let field = record.get(set).unwrap_or(&serde_json::Value::Null);
                            let heard = match field {
                                serde_json::Value::Null => Heard::NoPreference,
                                field => Heard::from_json(kind, field)?,
                            };
                            Some((set.clone(), heard, false))
                        }));
                    }
                    if said {
                        filling.answered.push(name);
                    }
                }
                Err(why) => {
                    self.trace.push(Trace::Refused { slot: name.clone(), why: why.clone() });
                    filling.refused.get_or_insert((name, why));
                }
            }
        }
        filling
    }

    /// Says why a value can't be, and waits for another.
    fn refuse(&mut self, slot: &str, why: Invalid) -> Next {
        self.frame_mut().read_back = None;
        let expecting = Expecting::Slot(slot.to_owned());
        let items = self.items(slot);
        self.say(&format!("invalid_{slot}"), expecting.clone(), items, Some(why));
        self.wait(expecting)
    }

    /// Leaves an optional slot that was asked for without a value. True when there was one to leave.
    fn skip_optional(&mut self, slot: &str) -> bool {
        let optional = self.flow().and_then(|flow| flow.slots.get(slot)).is_some_and(|slot| slot.optional);
        optional
            && self.frame().slots.get(slot).is_none()
            && self.frame_mut().slots.put(slot, Value::NoPreference)
    }

    fn unclear(&mut self) -> Next {
        self.position.unclear = self.position.unclear.saturating_add(1);
        self.dispatch(Event::Unclear, None)
    }

    /// Something was understood: the ladder for unclear messages begins anew.
    fn event(&mut self, event: Event, requested: Option<&str>) -> Next {
        self.position.unclear = 0;
        self.dispatch(event, requested)
    }

    /// Gives an event to the state, its flow and the root chart, in this order; the first case whose guard holds is
    /// taken. An event nobody handles counts as unclear.
    pub(super) fn dispatch(&mut self, event: Event, requested: Option<&str>) -> Next {
        let facts = self.facts();
        let taken = self
            .handlers()
            .into_iter()
            .find_map(|(by_root, on)| Some((by_root, pick(on.get(&event)?, &facts)?)));
        self.trace.push(Trace::Event { event, handled: taken.is_some() });
        match (taken, event) {
            (Some((by_root, case)), _) => self.take_case(case, by_root, requested),
            (None, Event::Unclear | Event::Silence | Event::Unreadable) => Next::Resume,
            (None, Event::ToolFailed) => self.wait(Expecting::Anything),
            (None, _) => self.unclear(),
        }
    }

    /// The handlers that may answer an event now, innermost first; true for the root chart's. A running flow is a
    /// child of the root chart, not of the state the root chart rests in.
    fn handlers(&self) -> Vec<(bool, &'f Handlers)> {
        let mut levels = Vec::new();
        if let Some(flow) = self.flow() {
            let by_root = flow.name == ROOT;
            levels.extend(self.state().map(|state| (by_root, &state.on)));
            levels.push((by_root, &flow.on));
            levels.extend(self.flows.get(ROOT).filter(|_| !by_root).map(|root| (true, &root.on)));
        }
        levels
    }
}

/// A flow's slots as a message may fill them; with a frame, as they stand in it.
fn scoped(flow: &Flow, frame: Option<&Frame>) -> Vec<ScopedSlot> {
    flow.slots
        .iter()
        .map(|(name, slot)| ScopedSlot {
            name: name.clone(),
            kind: slot.kind.clone(),
            items: match (frame, &slot.kind) {
                (Some(frame), kind) => items_of(frame, kind),
                (None, Kind::Choice(options @ Options::Fixed(_))) => options.items(|_| None),
                (None, Kind::Choice(Options::From { .. })) => None,
                (None, _) => Some(Vec::new()),
            },
            value: frame.and_then(|frame| frame.slots.get(name)).cloned(),
            optional: slot.optional,
        })
        .collect()
}
