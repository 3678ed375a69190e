//! What a drawing says about states and transitions, in words that Mermaid reads as words.

use crate::flow::check::keys::event_name;
use crate::flow::{
    Action, Does, Each, Event, Flow, Flows, Form, Go, ResultId, Sends, SlotId, State, StateId, Transition,
};
use crate::guard::Expression;

/// The most characters of an expression in a drawing.
const LONGEST: usize = 48;

/// Words that mean something to Mermaid where a state is named.
const RESERVED: &[&str] = &[
    "accdescr",
    "acctitle",
    "class",
    "classdef",
    "click",
    "default",
    "direction",
    "end",
    "hide",
    "href",
    "note",
    "root",
    "scale",
    "state",
    "statediagram",
    "style",
];

/// A state's name as Mermaid takes it: one that would mean something else to it has a `_` behind.
pub(super) fn id(name: &str) -> String {
    // Mermaid itself names the start and the end of a state after it.
    let taken = RESERVED.contains(&name) || ["_start", "_end", "_"].iter().any(|end| name.ends_with(end));
    if taken { format!("{name}_") } else { name.to_owned() }
}

/// A state of the root chart in the drawing of another flow.
pub(super) fn id_of_root(name: &str) -> String {
    format!("Root_{name}")
}

/// Text in which nothing means anything to Mermaid.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' => escaped.push_str("#quot;"),
            '<' => escaped.push_str("#lt;"),
            '>' => escaped.push_str("#gt;"),
            '&' => escaped.push_str("#amp;"),
            ':' | ';' | '#' | '%' | '\\' | '`' | '*' | '{' | '}' | '$' | '~' => {
                escaped.push_str(&format!("#{};", u32::from(character)));
            }
            // A word before a name of a direction would turn the whole drawing.
            ' ' if escaped.to_lowercase().ends_with("direction") => escaped.push_str("#32;"),
            other if other.is_whitespace() || other.is_control() => escaped.push(' '),
            other => escaped.push(other),
        }
    }
    escaped
}

/// A flow's names.
#[derive(Clone, Copy)]
pub(super) struct Words<'d> {
    pub(super) flows: &'d Flows,
    pub(super) flow: &'d Flow,
}

impl Words<'_> {
    /// What a state is and does, in lines.
    pub(super) fn state(&self, state: &State) -> Vec<String> {
        let mut lines = Vec::new();
        match &state.form {
            Form::Atomic(does) => lines.extend(self.does(does, &state.always)),
            Form::History { deep: true, .. } => lines.push("deep history".to_owned()),
            Form::History { deep: false, .. } => lines.push("history".to_owned()),
            Form::Compound { .. } | Form::Parallel { .. } => {}
        }
        // What is said on entering comes before what is done there.
        if !state.entry.is_empty() {
            lines.insert(0, self.entry(&state.entry));
        }
        if !state.exit.is_empty() {
            lines.push(format!("exit / {}", self.actions(&state.exit)));
        }
        lines
    }

    fn entry(&self, actions: &[Action]) -> String {
        let says: Option<Vec<&str>> = actions
            .iter()
            .map(|action| match action {
                Action::Say(prompt) => Some(&**prompt),
                Action::Clear(_) | Action::Set { .. } | Action::Raise(_) => None,
            })
            .collect();
        match says {
            Some(says) => format!("says {}", says.join(", ")),
            None => format!("entry / {}", self.actions(actions)),
        }
    }

    fn does(&self, does: &Does, always: &[Transition]) -> Option<String> {
        Some(match does {
            Does::Rest if always.last().is_some_and(|last| last.guard.is_none()) => return None,
            Does::Rest => "waits".to_owned(),
            Does::Collect { slots, .. } => format!("asks {}", self.slots(slots)),
            Does::Invoke(invoke) => format!(
                "calls {}{}{}{}",
                invoke.tool,
                if invoke.writes { " (writes)" } else { "" },
                each(invoke.each.as_ref()),
                self.saved(invoke.save),
            ),
            Does::Run(run) => {
                let name = self.flows.flow(run.flow).map_or("", |flow| &*flow.name);
                format!("runs {name}{}{}", each(run.each.as_ref()), self.saved(run.save))
            }
            Does::Confirm { sends: Some(Sends { prompt, to }), .. } => {
                format!("sends {prompt} to {to}, if the guest wants it")
            }
            Does::Confirm { paths, .. } => {
                let paths: Vec<String> = paths.iter().map(ToString::to_string).collect();
                format!("reads back {}", paths.join(", "))
            }
            Does::Ask { prompt, .. } => format!("asks {prompt}"),
            Does::Held => "a person has it".to_owned(),
            Does::Final { output, .. } => format!("returns {}", short(output.as_ref()?)),
        })
    }

    fn saved(&self, save: Option<ResultId>) -> String {
        let name = save.and_then(|save| self.flow.result_name(save));
        name.map(|name| format!(" → {name}")).unwrap_or_default()
    }

    /// A case: what makes it happen, when, and what is done on the way.
    pub(super) fn case(&self, trigger: &str, case: &Transition, last: bool) -> String {
        let mut parts: Vec<String> = Vec::new();
        if !trigger.is_empty() {
            parts.push(trigger.to_owned());
        }
        match &case.guard {
            Some(guard) => parts.push(format!("[{}]", short(guard))),
            None if last => parts.push("[else]".to_owned()),
            None => {}
        }
        let mut done = Vec::new();
        if !case.actions.is_empty() {
            done.push(self.actions(&case.actions));
        }
        if case.say_again {
            done.push("say it again".to_owned());
        }
        if case.reenter {
            done.push("reenter".to_owned());
        }
        done.extend(self.way(&case.go, done.is_empty()));
        if !done.is_empty() {
            parts.push(format!("/ {}", done.join(", ")));
        }
        parts.join(" ")
    }

    /// Where a case goes that no arrow shows.
    fn way(&self, go: &Go, alone: bool) -> Option<String> {
        let name = |flow| self.flows.flow(flow).map_or("", |flow| &*flow.name);
        match go {
            Go::To(_) | Go::Root(_) => None,
            Go::Stay => alone.then(|| "stay".to_owned()),
            Go::Run(flow) => Some(format!("run {}", name(*flow))),
            Go::RunRoot(state) => Some(format!("run {}", self.root_state(*state))),
            Go::RunRequested => Some("run what is asked for".to_owned()),
            Go::Queue => Some("let it wait".to_owned()),
            Go::Undo => Some("undo".to_owned()),
            Go::NextPage => Some("next page".to_owned()),
            Go::PreviousPage => Some("previous page".to_owned()),
        }
    }

    fn actions(&self, actions: &[Action]) -> String {
        let action = |action: &Action| match action {
            Action::Say(prompt) => format!("say {prompt}"),
            Action::Clear(slots) => format!("clear {}", self.slots(slots)),
            Action::Set { slot, value } => {
                format!("set {} = {}", self.flow.slot_name(*slot).map_or("", |name| name), short(value))
            }
            Action::Raise(event) => format!("raise {}", self.event(Event::Named(*event))),
        };
        actions.iter().map(action).collect::<Vec<_>>().join(", ")
    }

    pub(super) fn event(&self, event: Event) -> String {
        match event {
            Event::Named(event) => self.flows.event(event).map(ToString::to_string).unwrap_or_default(),
            Event::Any => "any event".to_owned(),
            own => event_name(own).to_owned(),
        }
    }

    /// The name of a state of the root chart.
    pub(super) fn root_state(&self, state: StateId) -> String {
        let name = self.flows.root().and_then(|root| root.state_name(state));
        name.map(ToString::to_string).unwrap_or_default()
    }

    fn slots(&self, slots: &[SlotId]) -> String {
        let names: Vec<&str> =
            slots.iter().filter_map(|slot| self.flow.slot_name(*slot)).map(|name| &**name).collect();
        names.join(", ")
    }
}

fn each(each: Option<&Each>) -> String {
    each.map(|each| format!(" for each {} of {}", each.item, short(&each.list))).unwrap_or_default()
}

/// An expression in one line that is not too long.
fn short(expression: &Expression) -> String {
    let line = expression.source().split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", line[..end].trim_end()),
        None => line,
    }
}
