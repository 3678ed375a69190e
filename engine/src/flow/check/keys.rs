//! The words of the language, for whatever explains or draws it.

use super::cases::EVENTS;
use crate::flow::Event;

/// The name that authors write for an event that every conversation has.
pub(crate) fn event_name(event: Event) -> Option<&'static str> {
    EVENTS.iter().find(|(_, known)| *known == event).map(|(name, _)| *name)
}
