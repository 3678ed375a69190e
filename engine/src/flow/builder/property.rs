//! What a flow promises about itself.

use super::yaml::{Mapping, Yaml};

/// Something that must never be.
#[derive(Clone, Debug, PartialEq)]
pub struct Never(Mapping);

/// Something that must always be.
#[derive(Clone, Debug, PartialEq)]
pub struct Always(Mapping);

impl Never {
    /// One of these states is active, while what [`guard`](Self::guard) says, if it says something, is so.
    pub fn in_state<'a>(states: impl IntoIterator<Item = &'a str>) -> Self {
        Self(Mapping::of("state", Yaml::one_or_list(states)))
    }

    /// This is so, wherever the conversation stands.
    pub fn when(condition: &str) -> Self {
        Self(Mapping::of("guard", Yaml::text(condition)))
    }

    /// The tool is called, while what [`guard`](Self::guard) says is so.
    pub fn called(tool: &str) -> Self {
        Self(Mapping::of("call", Yaml::text(tool)))
    }

    /// The tool is called without a yes to everything it is sent.
    pub fn unconfirmed(tool: &str) -> Self {
        Self::called(tool).with("unless", Yaml::text("confirmed"))
    }

    /// Only while this is so.
    #[must_use]
    pub fn guard(self, condition: &str) -> Self {
        self.with("guard", Yaml::text(condition))
    }

    /// Why, for whoever violates it.
    #[must_use]
    pub fn because(self, reason: &str) -> Self {
        self.with("because", Yaml::text(reason))
    }

    fn with(self, key: &str, value: Yaml) -> Self {
        Self(self.0.with(key, value))
    }

    pub(super) fn yaml(self) -> Yaml {
        self.0.into()
    }
}

impl Always {
    /// This is so while one of these states is active.
    pub fn in_state<'a>(states: impl IntoIterator<Item = &'a str>, condition: &str) -> Self {
        Self(Mapping::of("state", Yaml::one_or_list(states)).with("holds", Yaml::text(condition)))
    }

    /// This is so wherever the conversation stands.
    pub fn holds(condition: &str) -> Self {
        Self(Mapping::of("holds", Yaml::text(condition)))
    }

    /// Every way to the first states goes through one of the others.
    pub fn passed<'a>(
        before: impl IntoIterator<Item = &'a str>,
        passed: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let before = Mapping::of("before", Yaml::one_or_list(before));
        Self(before.with("passed", Yaml::one_or_list(passed)))
    }

    /// Why, for whoever violates it.
    #[must_use]
    pub fn because(self, reason: &str) -> Self {
        Self(self.0.with("because", Yaml::text(reason)))
    }

    pub(super) fn yaml(self) -> Yaml {
        self.0.into()
    }
}
