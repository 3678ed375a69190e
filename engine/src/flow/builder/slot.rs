//! Slots, each type with its own bounds.

use std::marker::PhantomData;

use super::Formula;
use super::yaml::{Mapping, Yaml};
use crate::flow::check::keys::merge_name;
use crate::slot::{DateBound, Merge};

/// A slot of one type.
#[derive(Clone, Debug, PartialEq)]
pub struct SlotBuilder<Type> {
    keys: Mapping,
    of: PhantomData<Type>,
}

/// The types of slots, for [`SlotBuilder`].
pub mod types {
    /// Nights.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum DateRange {}
    /// One day.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Date {}
    /// People.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Party {}
    /// One of a list written in the flow.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Choice {}
    /// One of a list in a result.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum ChoiceFrom {}
    /// A whole number.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Integer {}
    /// Free words.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Text {}
    /// A type without bounds.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub enum Plain {}
}

fn of<Type>(name: &str) -> SlotBuilder<Type> {
    SlotBuilder { keys: Mapping::of("type", Yaml::text(name)), of: PhantomData }
}

/// Nights from an arrival up to a departure.
pub fn date_range() -> SlotBuilder<types::DateRange> {
    of("date_range")
}

/// One day.
pub fn date() -> SlotBuilder<types::Date> {
    of("date")
}

/// Adults and children.
pub fn party() -> SlotBuilder<types::Party> {
    of("party")
}

/// One of these.
pub fn choice<'a>(options: impl IntoIterator<Item = &'a str>) -> SlotBuilder<types::Choice> {
    of("choice").with("options", Yaml::texts(options))
}

/// One of a list in a saved result: the path to the list, the field that identifies an item, and the one that names it.
pub fn choice_from(list: &str, key: &str, label: &str) -> SlotBuilder<types::ChoiceFrom> {
    of("choice").with("from", Yaml::text(list)).with("key", Yaml::text(key)).with("label", Yaml::text(label))
}

/// Yes or no.
pub fn boolean() -> SlotBuilder<types::Plain> {
    of("boolean")
}

/// A whole number.
pub fn integer() -> SlotBuilder<types::Integer> {
    of("integer")
}

/// Free words.
pub fn text() -> SlotBuilder<types::Text> {
    of("text")
}

/// A person's name.
pub fn person_name() -> SlotBuilder<types::Plain> {
    of("person_name")
}

/// A telephone number.
pub fn phone() -> SlotBuilder<types::Plain> {
    of("phone")
}

/// A reference code.
pub fn reference() -> SlotBuilder<types::Plain> {
    of("reference")
}

impl<Type> SlotBuilder<Type> {
    fn with(self, key: &str, value: Yaml) -> Self {
        Self { keys: self.keys.with(key, value), ..self }
    }

    pub(super) fn yaml(self) -> Yaml {
        self.keys.into()
    }

    /// Asked once; without an answer it stays out of calls.
    #[must_use]
    pub fn optional(self) -> Self {
        self.with("optional", Yaml::plain(true))
    }

    /// What is tried before the guest is asked.
    #[must_use]
    pub fn default(self, value: impl Into<Formula>) -> Self {
        self.with("default", value.into().yaml())
    }

    /// Keeps the value for the guest's next conversation.
    #[must_use]
    pub fn remember(self) -> Self {
        self.with("remember", Yaml::plain(true))
    }

    /// What becomes of a value when another is heard.
    #[must_use]
    pub fn merge(self, merge: Merge) -> Self {
        self.with("merge", Yaml::text(merge_name(merge)))
    }

    /// What it was called in earlier versions.
    #[must_use]
    pub fn was<'a>(self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.with("was", Yaml::texts(names))
    }
}

impl SlotBuilder<types::DateRange> {
    /// The earliest arrival.
    #[must_use]
    pub fn min(self, day: DateBound) -> Self {
        self.with("min", bound(day))
    }

    /// The longest stay.
    #[must_use]
    pub fn max_nights(self, nights: u32) -> Self {
        self.with("max_nights", Yaml::plain(nights))
    }
}

impl SlotBuilder<types::Date> {
    /// The earliest day.
    #[must_use]
    pub fn min(self, day: DateBound) -> Self {
        self.with("min", bound(day))
    }

    /// The latest day.
    #[must_use]
    pub fn max(self, day: DateBound) -> Self {
        self.with("max", bound(day))
    }
}

impl SlotBuilder<types::Party> {
    /// The fewest people.
    #[must_use]
    pub fn min(self, people: u32) -> Self {
        self.with("min", Yaml::plain(people))
    }

    /// The most people.
    #[must_use]
    pub fn max(self, people: u32) -> Self {
        self.with("max", Yaml::plain(people))
    }
}

impl SlotBuilder<types::ChoiceFrom> {
    /// Further fields whose words also mean the item.
    #[must_use]
    pub fn words<'a>(self, fields: impl IntoIterator<Item = &'a str>) -> Self {
        self.with("words", Yaml::texts(fields))
    }

    /// Slots that choosing an item fills from its fields of the same name.
    #[must_use]
    pub fn sets<'a>(self, slots: impl IntoIterator<Item = &'a str>) -> Self {
        self.with("sets", Yaml::texts(slots))
    }
}

impl SlotBuilder<types::Integer> {
    /// The smallest allowed.
    #[must_use]
    pub fn min(self, number: i64) -> Self {
        self.with("min", Yaml::plain(number))
    }

    /// The largest allowed.
    #[must_use]
    pub fn max(self, number: i64) -> Self {
        self.with("max", Yaml::plain(number))
    }

    /// The nouns that are counted.
    #[must_use]
    pub fn unit<'a>(self, nouns: impl IntoIterator<Item = &'a str>) -> Self {
        self.with("unit", Yaml::texts(nouns))
    }
}

impl SlotBuilder<types::Text> {
    /// The most characters.
    #[must_use]
    pub fn max_length(self, characters: u32) -> Self {
        self.with("max_length", Yaml::plain(characters))
    }
}

fn bound(day: DateBound) -> Yaml {
    Yaml::text(match day {
        DateBound::Today(0) => "today".to_owned(),
        DateBound::Today(days) => format!("today{days:+}"),
        DateBound::On(day) => day.format("%Y-%m-%d").to_string(),
    })
}
