//! How a message may reach its guest now: as it is, as an approved template, or by a person.
//!
//! WhatsApp takes free words for a day after the guest's last message. Outside of that it takes templates that were
//! approved beforehand. A guest who wants no messages gets answers to their own and nothing else.

use std::collections::BTreeMap;

use crate::channel::{Body, Sound, Template};
use crate::config::{ApprovedTemplate, Templates};
use crate::message::{Limits, Outgoing};

/// A value that every message has: its words on one line.
const TEXT: &str = "text";

/// What counts about the guest of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// Whether free words reach them.
    pub(super) is_open: bool,
    /// Whether the message has waited for so long that it is about something else by now.
    pub(super) is_stale: bool,
    /// Whether they want answers only.
    pub(super) opted_out: bool,
}

/// How a message may go. The form of one that may not go now is there too: it may have gone already.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Plan {
    /// As this.
    Send(Body),
    /// Only by a person, for this reason.
    Person(Body, &'static str),
    /// Not at all, for this reason.
    Never(Body, &'static str),
}

impl Plan {
    /// The form that an earlier try of it had; which sound it was does not matter.
    pub(super) fn form(&self, spoken: bool) -> Body {
        match self {
            _ if spoken => Body::Sound(Sound::default()),
            Self::Send(body) | Self::Person(body, _) | Self::Never(body, _) => body.clone(),
        }
    }
}

/// How a message may go now.
pub(super) fn plan(
    outgoing: Outgoing,
    standing: Standing,
    templates: Option<&Templates>,
    limits: &Limits,
) -> Plan {
    let Outgoing { text, buttons, manner, .. } = outgoing;
    let template = templates.and_then(|templates| templates.find(&manner.purposes));
    let filled = template.map(|template| filled(template, &text, &manner.values));
    let body = Body::fitting(text, buttons, &manner.opener, limits);
    if manner.unasked && standing.opted_out {
        return Plan::Never(body, "the guest wants no messages but answers");
    }
    if standing.is_open {
        if standing.is_stale {
            return Plan::Person(body, "it was not sent in time, and the guest has written since");
        }
        return Plan::Send(body);
    }
    match filled {
        None => Plan::Person(body, "it is too late for free words, and there is no template for it"),
        Some(None) => Plan::Person(body, "it is too late for free words, and the template lacks a value"),
        Some(Some(template)) => Plan::Send(Body::Template(template)),
    }
}

/// The template with its gaps filled; `None` where there is nothing to fill one with.
fn filled(template: &ApprovedTemplate, text: &str, values: &BTreeMap<String, String>) -> Option<Template> {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let value = |name: &String| {
        let value = if name == TEXT { Some(&line) } else { values.get(name) };
        value.filter(|value| !value.is_empty()).cloned()
    };
    Some(Template {
        name: template.name.clone(),
        language: template.language.clone(),
        values: template.variables.iter().map(value).collect::<Option<_>>()?,
        payloads: Vec::new(),
    })
}
