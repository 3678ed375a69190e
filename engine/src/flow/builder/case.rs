//! Transitions and what is done on the way.

use std::fmt;

use super::yaml::{Mapping, Yaml};
use crate::flow::Event;
use crate::flow::check::keys;

/// An expression, a value, or a list or mapping of such.
#[derive(Clone, Debug, PartialEq)]
pub struct Formula(Yaml);

/// The name of an event: an [`Event`] that every conversation has, or the name of one that a flow declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventName(pub(super) String);

/// The cases of a transition, in order. The name of a state alone is a case that always goes there.
#[derive(Clone, Debug, PartialEq)]
pub struct Cases(Vec<Yaml>);

/// One case of a transition. Its actions are done in the order they are added.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Case(Mapping);

/// Something done on entering or leaving a state.
#[derive(Clone, Debug, PartialEq)]
pub struct Action(Mapping);

impl Formula {
    /// A list of values.
    pub fn list<F: Into<Self>>(items: impl IntoIterator<Item = F>) -> Self {
        Self(Yaml::List(items.into_iter().map(|item| item.into().0).collect()))
    }

    /// A mapping to values.
    pub fn map<'a, F: Into<Self>>(entries: impl IntoIterator<Item = (&'a str, F)>) -> Self {
        let mut mapping = Mapping::default();
        for (name, value) in entries {
            mapping.put(name, value.into().0);
        }
        Self(mapping.into())
    }

    pub(super) fn yaml(self) -> Yaml {
        self.0
    }
}

impl From<&str> for Formula {
    /// A minijinja expression.
    fn from(expression: &str) -> Self {
        Self(Yaml::text(expression))
    }
}

impl From<i64> for Formula {
    fn from(number: i64) -> Self {
        Self(Yaml::plain(number))
    }
}

impl From<bool> for Formula {
    fn from(truth: bool) -> Self {
        Self(Yaml::plain(truth))
    }
}

impl From<Event> for EventName {
    fn from(event: Event) -> Self {
        match event {
            Event::Any => Self(keys::ANY.to_owned()),
            // A number that some flows gave to a name means nothing to others, and has none here.
            own => Self(keys::event_name(own).to_owned()),
        }
    }
}

impl From<&str> for EventName {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl fmt::Display for EventName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl Cases {
    pub(super) fn yaml(mut self) -> Yaml {
        match self.0.len() {
            1 => self.0.remove(0),
            _ => Yaml::List(self.0),
        }
    }
}

impl From<&str> for Cases {
    fn from(state: &str) -> Self {
        Self(vec![Yaml::text(state)])
    }
}

impl From<Case> for Cases {
    fn from(case: Case) -> Self {
        Self(vec![case.0.into()])
    }
}

impl<const N: usize> From<[Case; N]> for Cases {
    fn from(cases: [Case; N]) -> Self {
        Self(cases.into_iter().map(|case| case.0.into()).collect())
    }
}

impl From<Vec<Case>> for Cases {
    fn from(cases: Vec<Case>) -> Self {
        Self(cases.into_iter().map(|case| case.0.into()).collect())
    }
}

/// A case that goes to a state, of this flow or of the root chart.
pub fn to(state: &str) -> Case {
    Case::default().with("target", Yaml::text(state))
}

/// A case that goes to several states, in different regions of one parallel state.
pub fn to_all<'a>(states: impl IntoIterator<Item = &'a str>) -> Case {
    Case::default().with("target", Yaml::texts(states))
}

/// A case that stays where it is.
pub fn stay() -> Case {
    Case::default()
}

/// A case that says the last messages once more.
pub fn say_again() -> Case {
    Case::default().with("say_again", Yaml::plain(true))
}

/// A case that runs a flow, or a state of the root chart, and comes back.
pub fn run_flow(flow: &str) -> Case {
    Case::default().with("run", Yaml::text(flow))
}

/// A case that runs what the guest asked for. For [`Event::Start`] and [`Event::Wish`] of the root chart.
pub fn run_requested() -> Case {
    run_flow(keys::REQUESTED)
}

/// A case that lets what the guest asked for wait. For [`Event::Start`].
pub fn queue() -> Case {
    Case::default().with("queue", Yaml::plain(true))
}

/// A case that takes back the guest's last change.
pub fn undo() -> Case {
    Case::default().with("undo", Yaml::plain(true))
}

/// A case that says the next page of the list on offer.
pub fn next_page() -> Case {
    Case::default().with("next_page", Yaml::plain(true))
}

/// A case that says the page before of the list on offer.
pub fn previous_page() -> Case {
    Case::default().with("previous_page", Yaml::plain(true))
}

impl Case {
    fn with(self, key: &str, value: Yaml) -> Self {
        Self(self.0.with(key, value))
    }

    /// The condition under which it is taken.
    #[must_use]
    pub fn when(self, guard: &str) -> Self {
        self.with("guard", Yaml::text(guard))
    }

    /// Says a prompt on the way.
    #[must_use]
    pub fn say(self, prompt: &str) -> Self {
        self.with("say", Yaml::text(prompt))
    }

    /// Says the last messages once more.
    #[must_use]
    pub fn say_again(self) -> Self {
        self.with("say_again", Yaml::plain(true))
    }

    /// Whether the open question is asked again afterwards.
    #[must_use]
    pub fn ask_again(self, again: bool) -> Self {
        self.with("ask_again", Yaml::plain(again))
    }

    /// Empties slots on the way.
    #[must_use]
    pub fn clear<'a>(mut self, slots: impl IntoIterator<Item = &'a str>) -> Self {
        self.0.extend("clear", slots.into_iter().map(Yaml::text));
        self
    }

    /// Fills a slot on the way. Several stand together where the first does.
    #[must_use]
    pub fn set(mut self, slot: &str, value: impl Into<Formula>) -> Self {
        self.0.add("set", slot, value.into().yaml());
        self
    }

    /// Lets a named event happen afterwards.
    #[must_use]
    pub fn raise(self, event: &str) -> Self {
        self.with("raise", Yaml::text(event))
    }

    /// Leaves the state and enters it again, where the target is inside it.
    #[must_use]
    pub fn reenter(self) -> Self {
        self.with("reenter", Yaml::plain(true))
    }
}

/// Says a prompt.
pub fn say(prompt: &str) -> Action {
    Action::of("say", Yaml::text(prompt))
}

/// Empties slots.
pub fn clear<'a>(slots: impl IntoIterator<Item = &'a str>) -> Action {
    Action::of("clear", Yaml::texts(slots))
}

/// Fills a slot.
pub fn set(slot: &str, value: impl Into<Formula>) -> Action {
    Action::of("set", Mapping::of(slot, value.into().yaml()).into())
}

/// Lets a named event happen afterwards.
pub fn raise(event: &str) -> Action {
    Action::of("raise", Yaml::text(event))
}

impl Action {
    fn of(key: &str, value: Yaml) -> Self {
        Self(Mapping::of(key, value))
    }

    pub(super) fn yaml(self) -> Yaml {
        self.0.into()
    }
}
