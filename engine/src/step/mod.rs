//! What happens next: the pure function from a position and an input to the next position and effects.
//!
//! One call is one macrostep in SCXML's sense: transitions are taken until the conversation waits, for the guest,
//! for the meaning of a message, for tools, or for a person. It does not fail: an input that fits nothing changes
//! nothing. In a macrostep eventless transitions come first, then what was raised, and only when neither is left do
//! the active states do what they are for (SCXML starts its invocations at the same point).

mod anew;
mod call;
mod carry;
mod chart;
mod choosing;
mod decided;
mod facts;
mod hear;
mod kept;
mod question;
mod run;
mod saying;
mod task;
mod trace;
mod walk;

use std::borrow::Borrow;
use std::collections::VecDeque;
use std::sync::Arc;

pub use carry::{Carried, Note, Way, carry};
pub(crate) use decided::{Decider, Decision, step_told};
use serde_json::json;
pub use trace::{Seen, Trace};

use crate::effect::{Effect, Expecting};
use crate::facts::{Now, View};
use crate::flow::{Event, EventId, Flow, FlowId, Flows, StateId};
use crate::input::{Input, Moment, Outcome};
use crate::position::{Active, Few, Frame, Position, Standing, States, Task, Waiting, plain};

/// Transitions one input may cause before the walk is called endless.
const LONGEST_WALK: u32 = 1000;

/// What an input led to.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Where the conversation stands now.
    pub next: Position,
    /// What must be done, in order.
    pub effects: Vec<Effect>,
    /// What happened on the way, for people who watch.
    pub trace: Vec<Trace>,
}

/// Decides what happens next. `position` must have been made on these `flows`.
pub fn step(flows: &Flows, mut position: Position, input: impl Borrow<Input>, moment: Moment) -> Step {
    let mut moved = Moved { is_told: true, ..Moved::default() };
    step_in_place(flows, &mut position, input.borrow(), moment, &mut moved);
    Step { next: position, effects: moved.effects, trace: moved.trace.iter().map(Seen::told).collect() }
}

/// The same for whoever goes on from the position; what came of it is put where room may be from the last step.
pub(crate) fn step_in_place<'f>(
    flows: &'f Flows,
    position: &mut Position,
    input: &Input,
    moment: Moment,
    moved: &mut Moved<'f>,
) {
    moved.effects.clear();
    moved.trace.clear();
    let mut machine = Machine::new(flows, position.standing_mut(), moment, moved);
    machine.through(input);
    let Machine { unsettled, .. } = machine;
    saying::settle(flows, position, moment, &unsettled, None, &mut moved.effects);
}

/// What came of a step, beside the position.
#[derive(Default)]
pub(crate) struct Moved<'f> {
    pub(crate) effects: Vec<Effect>,
    /// What happened, where somebody wants to know.
    pub(crate) trace: Vec<Seen<'f>>,
    /// Whether somebody does.
    pub(crate) is_told: bool,
}

/// One macrostep under way.
struct Machine<'f, 'p> {
    flows: &'f Flows,
    position: &'p mut Standing,
    moment: Moment,
    /// What comes of it.
    moved: &'p mut Moved<'f>,
    /// What the open question expects.
    expecting: Expecting,
    /// The page of a list that is being asked for.
    page: u32,
    /// The words this step is about.
    said: Option<Arc<str>>,
    /// The internal queue of the active flow.
    raised: VecDeque<Raised>,
    /// A flow that begins as soon as the queue is empty.
    pending: Option<Pending>,
    /// The named event that is handled.
    event: Option<Arc<serde_json::Value>>,
    /// Whether a repair walk passes over a state: what it would say on the way was said.
    passing: bool,
    /// While states are left and entered: the states with states of their own that are active then. An active atomic
    /// state says that those around it are, and here there may be none.
    between: States,
    /// Whether nothing more can be done: the conversation waits for an understanding, or is over.
    paused: bool,
    /// Whether nothing is said and nothing is called: only where the conversation would stand is wanted.
    dry: bool,
    /// Then: the active flow as it was before the last state that asks more than values was passed over.
    passed_dry: Option<Box<Frame>>,
    /// What was said over facts that have not changed since, by its place among the effects.
    unsettled: Few<(usize, FlowId)>,
    /// What decided, where somebody wants to know.
    decisions: Option<Vec<Decision>>,
}

/// An internal event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Raised {
    /// A named event.
    Named(EventId),
    /// A state has come to its end (SCXML `done.state`).
    Done(StateId),
}

/// A flow that is to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pending {
    Flow(FlowId),
    Root(StateId),
}

impl<'f, 'p> Machine<'f, 'p> {
    fn new(flows: &'f Flows, position: &'p mut Standing, moment: Moment, moved: &'p mut Moved<'f>) -> Self {
        Self {
            flows,
            position,
            moment,
            moved,
            expecting: Expecting::Anything,
            page: 0,
            said: None,
            raised: VecDeque::new(),
            pending: None,
            event: None,
            passing: false,
            between: States::new(),
            paused: false,
            dry: false,
            passed_dry: None,
            unsettled: Few::new(),
            decisions: None,
        }
    }

    /// Takes one input to its end.
    fn through(&mut self, input: &Input) {
        self.begin_conversation(input);
        self.take(input);
    }

    /// Tells whoever wants to know what happens.
    fn tell(&mut self, trace: Seen<'f>) {
        if self.moved.is_told {
            self.moved.trace.push(trace);
        }
    }

    /// Enters the root chart with the first input. Who the guest is, is known then.
    fn begin_conversation(&mut self, first: &Input) {
        if self.position.frames.len() == 1
            && self.frame().active.is_empty()
            && let Some(root) = self.flows.root()
        {
            if let Input::Guest(guest) = first {
                self.position.guest = Arc::new(guest.clone());
            }
            self.enter_first(root.initial);
            self.settle();
        }
    }

    fn take(&mut self, input: &Input) {
        match &self.position.waiting {
            Waiting::Guest { expecting, page } | Waiting::Meaning { expecting, page, .. } => {
                self.expecting = expecting.clone();
                self.page = *page;
            }
            Waiting::Kept { .. } | Waiting::Answers | Waiting::Person | Waiting::Over { .. } => {}
        }
        if !matches!(
            input,
            Input::Answered { .. }
                | Input::AnsweredSame { .. }
                | Input::Understood(_)
                | Input::Conveyed { .. }
        ) {
            self.position.unasked = 0;
        }
        match input {
            Input::Guest(guest) => {
                if *self.position.guest != *guest {
                    self.position.guest = Arc::new(guest.clone());
                }
                return;
            }
            Input::Said { text, button } => return self.said(text, button.as_deref()),
            Input::Conveyed { say } => return self.conveyed(*say),
            Input::Unreadable => {
                if !self.wordless(Event::Unreadable) {
                    return;
                }
            }
            Input::Silence => {
                if !matches!(self.position.waiting, Waiting::Guest { .. }) {
                    return self.ignored("silence while not waiting for the guest");
                }
                self.position.silence = self.position.silence.saturating_add(1);
                self.wordless(Event::Silence);
            }
            Input::Understood(understanding) => {
                if !self.understood(understanding) {
                    return;
                }
            }
            Input::Answered { call, outcome } => {
                if !self.answered(*call, outcome) {
                    return;
                }
            }
            Input::AnsweredSame { call } => {
                let Some(result) = self.position.known_result(self.flows, *call).cloned() else {
                    return self.ignored("an answer to no open call");
                };
                if !self.answered(*call, &Outcome::Ok { result }) {
                    return;
                }
            }
            Input::Due => {
                if !self.due() {
                    return;
                }
            }
            Input::Event { name, data } => {
                if !self.happened(name, data) {
                    return;
                }
            }
        }
        self.settle();
    }

    fn conveyed(&mut self, say: u32) {
        if self.frame().read_back.as_ref().is_some_and(|read| read.say == say && !read.conveyed)
            && let Some(read) = self.frame_mut().read_back.as_mut()
        {
            read.conveyed = true;
        }
    }

    /// Answers something that needs no understanding. False where nobody listens.
    fn wordless(&mut self, event: Event) -> bool {
        if !matches!(self.position.waiting, Waiting::Guest { .. }) {
            self.ignored("nothing was waited for from the guest");
            return false;
        }
        self.position.silent = true;
        self.dispatch(event, None);
        true
    }

    fn said(&mut self, text: &str, button: Option<&str>) {
        if !matches!(self.position.waiting, Waiting::Guest { .. }) {
            return self.ignored("a message while not waiting for the guest");
        }
        self.position.silence = 0;
        self.position.silent = true;
        self.moved.effects.push(Effect::Understand);
        self.position.waiting = Waiting::Meaning {
            text: text.into(),
            button: button.map(Into::into),
            expecting: self.expecting.clone(),
            page: self.page,
        };
    }

    /// Takes the delayed transitions that are due, in the order they are due. False where none is.
    fn due(&mut self) -> bool {
        if !matches!(self.position.waiting, Waiting::Guest { .. } | Waiting::Person) {
            self.ignored("time passed while a turn was under way");
            return false;
        }
        self.position.silent = true;
        let now = self.moment.at;
        let mut any = false;
        // The first may have begun something that others wait for.
        while !self.paused && matches!(self.position.waiting, Waiting::Guest { .. } | Waiting::Person) {
            let timers = &self.frame().timers;
            let Some(next) =
                timers.iter().filter(|timer| timer.due <= now).min_by_key(|timer| timer.due).copied()
            else {
                return any;
            };
            self.frame_mut().timers.retain(|timer| *timer != next);
            any = true;
            let Some(flow) = self.flow() else { return any };
            let cases = flow.state(next.state).and_then(|state| state.after.get(usize::from(next.after)));
            if let Some(after) = cases
                && let Some(case) = self.pick(&after.cases)
            {
                self.take_case(walk::Source::State(next.state), case, None);
                self.settle();
            }
        }
        any
    }

    /// Something happened outside. False where no flow knows its name or the conversation does not listen.
    fn happened(&mut self, name: &str, data: &serde_json::Value) -> bool {
        if !matches!(self.position.waiting, Waiting::Guest { .. } | Waiting::Person) {
            self.ignored("an event while a turn was under way");
            return false;
        }
        let Some(event) = self.flows.events.get_index_of(name).map(EventId::at) else {
            self.ignored("an event no flow knows");
            return false;
        };
        self.position.silent = true;
        self.event = Some(Arc::new(json!({ "name": name, "data": data })));
        self.named(event);
        self.settle();
        self.event = None;
        true
    }

    /// Takes transitions and does what the active states are for until the conversation waits.
    fn settle(&mut self) {
        let mut left = LONGEST_WALK;
        while !self.paused {
            left -= 1;
            if left == 0 {
                self.ignored("an endless walk was stopped");
                break;
            }
            if self.eventless() {
                continue;
            }
            if let Some(raised) = self.raised.pop_front() {
                self.internal(raised);
                continue;
            }
            if let Some(pending) = self.pending.take() {
                self.push(pending);
                continue;
            }
            if !self.perform_next() {
                break;
            }
        }
        if !self.paused {
            self.rest();
        }
    }

    /// Nothing is left to do: waits for whoever comes next.
    fn rest(&mut self) {
        if self.frame().repair.is_some() && !self.frame().is_calling() {
            self.frame_mut().repair = None;
        }
        let held = self.flow().is_some_and(|flow| {
            let frame = self.frame();
            frame.active.iter().any(|active| matches!(flow.does(active.state), Some(crate::flow::Does::Held)))
        });
        self.position.waiting = if self.frame().is_calling() {
            Waiting::Answers
        } else if held {
            Waiting::Person
        } else {
            Waiting::Guest { expecting: self.expecting.clone(), page: self.page }
        };
    }

    fn ignored(&mut self, why: &'static str) {
        self.tell(Trace::Ignored { why });
    }

    #[inline]
    fn frame(&self) -> &Frame {
        self.position.frame()
    }

    #[inline]
    fn frame_mut(&mut self) -> &mut Frame {
        self.position.frame_mut()
    }

    fn flow(&self) -> Option<&'f Arc<Flow>> {
        self.flows.shared(self.frame().flow)
    }

    /// The facts of the active flow.
    fn view(&self) -> Option<View<'_>> {
        let mut view = View::new(self.flow()?, self.frame(), &self.position.guest, self.now());
        view.event.clone_from(&self.event);
        view.between = plain(&self.between);
        Some(view)
    }

    /// The facts with the item of a list.
    fn view_of(&self, name: &Arc<str>, item: Arc<serde_json::Value>) -> Option<View<'_>> {
        let mut view = self.view()?;
        view.item = Some((Arc::clone(name), item));
        Some(view)
    }

    fn now(&self) -> Now {
        self.position.now(self.flows, self.moment)
    }

    /// Marks an active state's task.
    fn set_task(&mut self, state: StateId, task: Task) {
        if let Some(active) = self.frame_mut().active.iter_mut().find(|active| active.state == state) {
            active.task = task;
        }
    }

    /// The active states, in document order.
    fn leaves(&self) -> States {
        self.frame().active.iter().map(|Active { state, .. }| *state).collect()
    }
}

impl Standing {
    /// The facts that change from turn to turn.
    pub(crate) fn now(&self, flows: &Flows, moment: Moment) -> Now {
        Now {
            today: moment.today,
            unclear: self.unclear,
            silence: self.silence,
            busy: self.frames.iter().any(|frame| frame.flow != flows.root),
            undoable: !self.frame().changes.is_empty(),
            waiting: self.wishes.len(),
        }
    }
}
