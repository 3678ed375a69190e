//! States, each kind with the keys that go with it.

use std::marker::PhantomData;
use std::time::Duration;

use super::yaml::{Mapping, Yaml};
use super::{Action, Cases, EventName, Formula};
use crate::flow::check::times::written;

/// A state of one kind.
#[derive(Clone, Debug, PartialEq)]
pub struct State<Kind> {
    keys: Mapping,
    of: PhantomData<Kind>,
}

/// A state of any kind.
#[derive(Clone, Debug, PartialEq)]
pub struct AnyState(Mapping);

/// The kinds of states.
pub mod kind {
    macro_rules! kinds {
        ($($(#[$meta:meta])* $name:ident: $($can:ident)*;)*) => {
            $(
                $(#[$meta])*
                #[derive(Clone, Copy, Debug, PartialEq, Eq)]
                pub enum $name {}
                $(impl super::$can for $name {})*
            )*
        };
    }

    kinds! {
        /// Asks for slots.
        Collect: Speaks Listens Moves;
        /// Calls a tool.
        Invoke: Speaks Listens Moves;
        /// Runs another flow.
        Run: Speaks Listens Moves;
        /// Reads values back.
        Confirm: Speaks Listens Moves;
        /// Asks an open question.
        Ask: Speaks Listens Moves;
        /// Waits until something happens.
        Wait: Speaks Listens Moves;
        /// Goes on by itself.
        Rest: Speaks Listens Moves;
        /// A person has the conversation.
        Held: Speaks Listens;
        /// Ends the state it is in.
        End: Speaks;
        /// Has states, one of which is active.
        Compound: Speaks Listens Moves;
        /// Has states that are all active.
        Parallel: Speaks Listens Moves;
        /// Leads back to where the state around it was left.
        Back:;
    }
}

/// Kinds of states that do something on being entered or left.
pub trait Speaks {}

/// Kinds of states that answer events.
pub trait Listens {}

/// Kinds of states that can be left by a condition or by time.
pub trait Moves {}

fn of<Kind>(key: &str, value: Yaml) -> State<Kind> {
    State { keys: Mapping::of(key, value), of: PhantomData }
}

/// A state that asks for what is missing of these slots.
pub fn collect<'a>(slots: impl IntoIterator<Item = &'a str>) -> State<kind::Collect> {
    of("collect", Yaml::texts(slots))
}

/// A state that calls a tool.
pub fn invoke(tool: &str) -> State<kind::Invoke> {
    of("invoke", Yaml::text(tool))
}

/// A state that runs another flow.
pub fn run(flow: &str) -> State<kind::Run> {
    of("run", Yaml::text(flow))
}

/// A state that reads slots and fields of results back and waits for an explicit yes.
pub fn confirm<'a>(paths: impl IntoIterator<Item = &'a str>) -> State<kind::Confirm> {
    of("confirm", Yaml::texts(paths))
}

/// A state that sends a prompt elsewhere, if the guest wants it.
pub fn send(prompt: &str, to: &str) -> State<kind::Confirm> {
    of("send", Yaml::text(prompt)).key("to", Yaml::text(to))
}

/// A state that asks an open question.
pub fn ask(prompt: &str) -> State<kind::Ask> {
    of("ask", Yaml::text(prompt))
}

/// A state that rests until something happens.
pub fn wait() -> State<kind::Wait> {
    of("wait", Yaml::plain(true))
}

/// A state that does nothing itself: it goes on, at once or after some time.
pub fn rest() -> State<kind::Rest> {
    State { keys: Mapping::default(), of: PhantomData }
}

/// A state in which a person has the conversation. Only in the root chart.
pub fn held() -> State<kind::Held> {
    of("held", Yaml::plain(true))
}

/// A state that ends the one it is in, or the flow, with this outcome.
pub fn end(outcome: &str) -> State<kind::End> {
    of("final", Yaml::text(outcome))
}

/// A state with states, one of which is active.
pub fn compound() -> State<kind::Compound> {
    State { keys: Mapping::default(), of: PhantomData }
}

/// A state with states that are all active at once.
pub fn parallel() -> State<kind::Parallel> {
    of("parallel", Yaml::plain(true))
}

/// Leads back to the state that was active when the state around it was left; the first time to these.
pub fn back<'a>(states: impl IntoIterator<Item = &'a str>) -> State<kind::Back> {
    of("history", Yaml::text("shallow")).key("target", Yaml::one_or_list(states))
}

/// Leads back to the innermost states that were active when the state around it was left; the first time to these.
pub fn deep_back<'a>(states: impl IntoIterator<Item = &'a str>) -> State<kind::Back> {
    of("history", Yaml::text("deep")).key("target", Yaml::one_or_list(states))
}

impl<Kind> State<Kind> {
    fn key(self, key: &str, value: Yaml) -> Self {
        Self { keys: self.keys.with(key, value), ..self }
    }

    fn cases(self, key: &str, cases: impl Into<Cases>) -> Self {
        self.key(key, cases.into().yaml())
    }

    fn given(mut self, name: &str, value: impl Into<Formula>) -> Self {
        self.keys.add("with", name, value.into().yaml());
        self
    }

    fn for_each(self, list: impl Into<Formula>, item: &str) -> Self {
        self.key("each", list.into().yaml()).key("as", Yaml::text(item))
    }

    fn inside(mut self, name: &str, state: AnyState) -> Self {
        self.keys.add("states", name, state.yaml());
        self
    }

    /// What it was called in earlier versions.
    #[must_use]
    pub fn was<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.key("was", Yaml::texts(names))
    }
}

impl<Kind: Speaks> State<Kind> {
    /// Says a prompt on being entered, after what [`entry`](Self::entry) does.
    #[must_use]
    pub fn say(self, prompt: &str) -> Self {
        self.key("say", Yaml::text(prompt))
    }

    /// What is done on entering, in this order.
    #[must_use]
    pub fn entry(mut self, actions: impl IntoIterator<Item = Action>) -> Self {
        self.keys.extend("entry", actions.into_iter().map(Action::yaml));
        self
    }

    /// What is done on leaving, in this order.
    #[must_use]
    pub fn exit(mut self, actions: impl IntoIterator<Item = Action>) -> Self {
        self.keys.extend("exit", actions.into_iter().map(Action::yaml));
        self
    }
}

impl<Kind: Listens> State<Kind> {
    /// What happens on an event.
    #[must_use]
    pub fn on(mut self, event: impl Into<EventName>, cases: impl Into<Cases>) -> Self {
        self.keys.add("on", &event.into().0, cases.into().yaml());
        self
    }
}

impl<Kind: Moves> State<Kind> {
    /// Cases that are taken as soon as their guard holds.
    #[must_use]
    pub fn always(self, cases: impl Into<Cases>) -> Self {
        self.cases("always", cases)
    }

    /// What happens after some time, counted from entering.
    #[must_use]
    pub fn after(mut self, delay: Duration, cases: impl Into<Cases>) -> Self {
        self.keys.add("after", &written(delay), cases.into().yaml());
        self
    }
}

impl State<kind::Collect> {
    /// Where it goes when nothing is missing.
    #[must_use]
    pub fn then(self, cases: impl Into<Cases>) -> Self {
        self.cases("target", cases)
    }
}

impl State<kind::Ask> {
    /// Where it goes once answered.
    #[must_use]
    pub fn then(self, cases: impl Into<Cases>) -> Self {
        self.cases("target", cases)
    }
}

impl State<kind::Rest> {
    /// Where it goes, at once.
    #[must_use]
    pub fn goes_on(self, cases: impl Into<Cases>) -> Self {
        self.cases("target", cases)
    }
}

impl State<kind::Confirm> {
    /// Where a yes goes.
    #[must_use]
    pub fn yes(self, cases: impl Into<Cases>) -> Self {
        self.cases("yes", cases)
    }

    /// Where a no goes.
    #[must_use]
    pub fn no(self, cases: impl Into<Cases>) -> Self {
        self.cases("no", cases)
    }
}

impl State<kind::Invoke> {
    /// An argument.
    #[must_use]
    pub fn with(self, name: &str, value: impl Into<Formula>) -> Self {
        self.given(name, value)
    }

    /// Calls the tool for every item of a list, all at once.
    #[must_use]
    pub fn each(self, list: impl Into<Formula>, item: &str) -> Self {
        self.for_each(list, item)
    }

    /// The name of the result.
    #[must_use]
    pub fn save(self, result: &str) -> Self {
        self.key("save", Yaml::text(result))
    }

    /// How long the result is fresh.
    #[must_use]
    pub fn fresh_for(self, time: Duration) -> Self {
        self.key("fresh_for", Yaml::text(written(time)))
    }

    /// Repetitions when no answer comes.
    #[must_use]
    pub fn retry(self, times: u32) -> Self {
        self.key("retry", Mapping::of("times", Yaml::plain(times)).into())
    }

    /// Repetitions when no answer comes, the first after this pause, which doubles.
    #[must_use]
    pub fn retry_after(self, times: u32, pause: Duration) -> Self {
        let retry = Mapping::of("times", Yaml::plain(times)).with("backoff", Yaml::text(written(pause)));
        self.key("retry", retry.into())
    }

    /// How long an answer is waited for, each time.
    #[must_use]
    pub fn timeout(self, time: Duration) -> Self {
        self.key("timeout", Yaml::text(written(time)))
    }

    /// How long an answer to the same arguments may be used again.
    #[must_use]
    pub fn cache(self, time: Duration) -> Self {
        self.key("cache", Yaml::text(written(time)))
    }

    /// Where an answer goes.
    #[must_use]
    pub fn done(self, cases: impl Into<Cases>) -> Self {
        self.cases("done", cases)
    }

    /// Where a failure goes.
    #[must_use]
    pub fn error(self, cases: impl Into<Cases>) -> Self {
        self.cases("error", cases)
    }

    /// Where a call goes whose outcome nobody knows.
    #[must_use]
    pub fn unknown(self, cases: impl Into<Cases>) -> Self {
        self.cases("unknown", cases)
    }
}

impl State<kind::Run> {
    /// A slot of that flow that is filled before it begins.
    #[must_use]
    pub fn with(self, slot: &str, value: impl Into<Formula>) -> Self {
        self.given(slot, value)
    }

    /// Runs the flow for every item of a list, one after the other.
    #[must_use]
    pub fn each(self, list: impl Into<Formula>, item: &str) -> Self {
        self.for_each(list, item)
    }

    /// The name under which the flow's output is saved.
    #[must_use]
    pub fn save(self, result: &str) -> Self {
        self.key("save", Yaml::text(result))
    }

    /// Where it goes when the flow has ended.
    #[must_use]
    pub fn done(self, cases: impl Into<Cases>) -> Self {
        self.cases("done", cases)
    }
}

impl State<kind::End> {
    /// What the flow returns to the one that ran it.
    #[must_use]
    pub fn output(self, value: impl Into<Formula>) -> Self {
        self.key("output", value.into().yaml())
    }
}

impl State<kind::Compound> {
    /// A state in it.
    #[must_use]
    pub fn state(self, name: &str, state: impl Into<AnyState>) -> Self {
        self.inside(name, state.into())
    }

    /// The state that is entered with it, at any depth; without it the first one.
    #[must_use]
    pub fn initial(self, state: &str) -> Self {
        self.key("initial", Yaml::text(state))
    }

    /// Where it goes when one of its final states is entered.
    #[must_use]
    pub fn done(self, cases: impl Into<Cases>) -> Self {
        self.cases("done", cases)
    }
}

impl State<kind::Parallel> {
    /// A region.
    #[must_use]
    pub fn state(self, name: &str, state: impl Into<AnyState>) -> Self {
        self.inside(name, state.into())
    }

    /// Where it goes when all of its regions are in final states.
    #[must_use]
    pub fn done(self, cases: impl Into<Cases>) -> Self {
        self.cases("done", cases)
    }
}

impl<Kind> From<State<Kind>> for AnyState {
    fn from(state: State<Kind>) -> Self {
        Self(state.keys)
    }
}

impl AnyState {
    pub(super) fn yaml(self) -> Yaml {
        self.0.into()
    }
}
