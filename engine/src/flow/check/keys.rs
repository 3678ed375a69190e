//! The words of the language, for whatever explains or draws it.

#[cfg(test)]
use super::properties;
use super::{cases, doing, shape, slots, states};
use crate::flow::Event;
use crate::slot::Merge;

/// The keys of a flow file.
pub(crate) const FILE: &[&str] = shape::FILE_KEYS;
/// The keys of a state.
pub(crate) const STATE: &[&str] = states::KEYS;
/// The keys of a state that say what it does or is. A state has one of them, or none and goes on by itself.
pub(crate) const DOING: &[&str] = states::DOING;
/// The keys of a case.
pub(crate) const CASE: &[&str] = cases::KEYS;
/// The keys of a case that say where it goes. It goes one way.
pub(crate) const WAYS: &[&str] = cases::WAYS;
/// The flow that the guest asked for, where a flow is named.
pub(crate) const REQUESTED: &str = cases::REQUESTED;
/// The keys of an action.
pub(crate) const ACTION: &[&str] = cases::ACTION_KEYS;
/// The keys under `retry`.
pub(crate) const RETRY: &[&str] = doing::RETRY_KEYS;
/// The largest number under `retry`.
pub(crate) const MOST_RETRIES: i64 = doing::MOST_RETRIES;
/// The keys of something that must never be.
#[cfg(test)]
pub(crate) const NEVER: &[&str] = properties::NEVER_KEYS;
/// The keys of something that must always be.
#[cfg(test)]
pub(crate) const ALWAYS: &[&str] = properties::ALWAYS_KEYS;
/// The keys of a slot of any type.
pub(crate) const SLOT: &[&str] = slots::KEYS_OF_ALL;
/// The types of slots, with the keys each has besides.
pub(crate) const TYPES: &[(&str, &[&str])] = slots::TYPES;
/// The name of any named event.
pub(crate) const ANY: &str = cases::ANY;

/// The name that authors write for an event that every conversation has; none for others.
pub(crate) fn event_name(event: Event) -> &'static str {
    cases::EVENTS.iter().find(|(_, known)| *known == event).map_or("", |(name, _)| *name)
}

/// The events that every conversation has.
pub(crate) fn events() -> impl Iterator<Item = &'static str> {
    cases::EVENTS.iter().map(|(name, _)| *name)
}

/// The keys of a state that does this; `""` stands for a state that goes on by itself.
pub(crate) fn of_state(does: &str) -> impl Iterator<Item = &'static str> {
    let belongs = move |key: &&str| match states::BELONGS.iter().find(|(known, _)| known == key) {
        Some((_, owners)) => owners.contains(&does),
        None => !DOING.contains(key) || *key == does,
    };
    let forbidden =
        states::FORBIDDEN.iter().find(|(known, _)| *known == does).map_or(&[][..], |(_, keys)| keys);
    STATE.iter().copied().filter(belongs).filter(move |key| !forbidden.contains(key))
}

/// The ways a slot of that type can be merged.
pub(crate) fn merges(type_name: &str) -> impl Iterator<Item = &'static str> {
    let fits = move |types: &[&str]| types.is_empty() || types.contains(&type_name);
    slots::MERGES.iter().filter(move |(_, _, types)| fits(types)).map(|(name, _, _)| *name)
}

/// The name that authors write for a way to merge.
pub(crate) fn merge_name(merge: Merge) -> &'static str {
    slots::MERGES.iter().find(|(_, known, _)| *known == merge).map_or("", |(name, _, _)| *name)
}
