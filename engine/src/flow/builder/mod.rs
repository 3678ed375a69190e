//! Flows written in Rust.
//!
//! A [`FlowBuilder`] puts together the same text that an author would write, and the same checker reads it: both become
//! the same [`Flow`](super::Flow) with the same version, and a mistake points into [`FlowBuilder::to_yaml`].
//!
//! ```
//! use innkeeper_engine::flow::Event;
//! use innkeeper_engine::flow::builder::{FlowBuilder, collect, end, integer, rest, to};
//!
//! let flow = FlowBuilder::new("breakfast")
//!     .description("The guest wants breakfast.")
//!     .slot("eggs", integer().min(1).max(6))
//!     .on(Event::Cancel, to("dropped"))
//!     .state("asking", collect(["eggs"]).then([to("many").when("eggs > 4"), to("ordered")]))
//!     .state("many", rest().say("that_is_a_lot").goes_on("ordered"))
//!     .state("ordered", end("done").output("eggs"))
//!     .state("dropped", end("abandoned"));
//! assert!(flow.to_yaml().starts_with("flow: breakfast\n"));
//! ```

mod case;
mod property;
mod slot;
mod state;
mod yaml;

pub use self::case::{
    Action, Case, Cases, EventName, Formula, clear, next_page, previous_page, queue, raise, run_flow,
    run_requested, say, say_again, set, stay, to, to_all, undo,
};
pub use self::property::{Always, Never};
pub use self::slot::{
    SlotBuilder, boolean, choice, choice_from, date, date_range, integer, party, person_name, phone,
    reference, text, types,
};
pub use self::state::{
    AnyState, Listens, Moves, Speaks, State, ask, back, collect, compound, confirm, deep_back, end, held,
    invoke, kind, parallel, rest, run, send, wait,
};
use self::yaml::{Mapping, Yaml};
use super::{ROOT, Source};

/// A flow under way. Nothing is checked before [`Flows::check`](super::Flows::check) is.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowBuilder {
    name: String,
    file: Mapping,
}

impl FlowBuilder {
    /// A flow with this name.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), file: Mapping::of("flow", Yaml::text(name)) }
    }

    /// The root chart, the parent of every flow.
    pub fn root() -> Self {
        Self::new(ROOT)
    }

    /// What the guest wants with it, in one sentence.
    #[must_use]
    pub fn description(mut self, sentence: &str) -> Self {
        self.file.put("description", Yaml::text(sentence));
        self
    }

    /// Sentences a guest asks for it with.
    #[must_use]
    pub fn examples<'a>(mut self, sentences: impl IntoIterator<Item = &'a str>) -> Self {
        self.file.extend("examples", sentences.into_iter().map(Yaml::text));
        self
    }

    /// Declares named events.
    #[must_use]
    pub fn events<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.file.extend("events", names.into_iter().map(Yaml::text));
        self
    }

    /// What it was called in earlier versions.
    #[must_use]
    pub fn was<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.file.extend("was", names.into_iter().map(Yaml::text));
        self
    }

    /// A slot.
    #[must_use]
    pub fn slot<K>(mut self, name: &str, slot: SlotBuilder<K>) -> Self {
        self.file.add("slots", name, slot.yaml());
        self
    }

    /// The state it begins in; without it the first one.
    #[must_use]
    pub fn initial(mut self, state: &str) -> Self {
        self.file.put("initial", Yaml::text(state));
        self
    }

    /// What every state does on an event.
    #[must_use]
    pub fn on(mut self, event: impl Into<EventName>, cases: impl Into<Cases>) -> Self {
        self.file.add("on", &event.into().0, cases.into().yaml());
        self
    }

    /// A state. States stand in the order they are added.
    #[must_use]
    pub fn state(mut self, name: &str, state: impl Into<AnyState>) -> Self {
        self.file.add("states", name, state.into().yaml());
        self
    }

    /// Something that must never be.
    #[must_use]
    pub fn never(mut self, property: Never) -> Self {
        self.file.extend("never", [property.yaml()]);
        self
    }

    /// Something that must always be.
    #[must_use]
    pub fn always(mut self, property: Always) -> Self {
        self.file.extend("always", [property.yaml()]);
        self
    }

    /// The flow as an author would write it.
    pub fn to_yaml(&self) -> String {
        self.file.document()
    }

    /// What [`Flows::check`](super::Flows::check) reads. Mistakes call it by the flow's name.
    pub fn source(&self) -> Source {
        Source { file: self.name.clone(), text: self.to_yaml() }
    }
}

impl From<FlowBuilder> for Source {
    fn from(flow: FlowBuilder) -> Self {
        flow.source()
    }
}
