//! A way through a flow, told as the conversation that leads along it.

use super::draft::{DraftAction, DraftDoes};
use super::graph::{Graph, Way, Why};
use super::near::listed;
use super::times::written_ms;

/// The lines of a conversation that takes these ways, to stand below a sentence.
pub(super) fn conversation(graph: &Graph<'_>, ways: &[usize]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for way in ways.iter().filter_map(|way| graph.ways.get(*way)) {
        tell(graph, way, &mut lines);
    }
    told(&lines)
}

/// Lines below a sentence.
pub(super) fn told(lines: &[String]) -> String {
    let mut text = String::new();
    if !lines.is_empty() {
        text.push_str("\na conversation that leads there:");
    }
    for line in lines {
        text.push_str("\n  ");
        text.push_str(line);
    }
    text
}

/// The lines of one way: what it leaves does, what follows, and what is done on the way.
pub(super) fn tell(graph: &Graph<'_>, way: &Way<'_>, lines: &mut Vec<String>) {
    let mut add = |line: String| {
        if lines.last() != Some(&line) {
            lines.push(line);
        }
    };
    let state = graph.states.get(way.from);
    match state.map(|(_, state)| &state.does) {
        Some(DraftDoes::Collect { slots, .. }) if way.why != Why::Always => {
            let slots: Vec<&str> = slots.iter().map(|slot| slot.value.as_str()).collect();
            add(format!("it asks for {}", listed(&slots)));
        }
        Some(DraftDoes::Ask { prompt, .. }) if way.why != Why::Always => {
            add(format!("it asks `{}`", prompt.value))
        }
        Some(DraftDoes::Confirm { sends: Some(sends), .. }) if way.why != Why::Always => {
            add(format!("it asks whether to send `{}` to `{}`", sends.prompt.value, sends.to.value));
        }
        Some(DraftDoes::Confirm { paths, .. }) if way.why != Why::Always => {
            let paths: Vec<String> = paths.iter().map(|path| path.value.join(".")).collect();
            let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
            add(format!("it reads back {}", listed(&paths)));
        }
        _ => {}
    }
    let guard = way.case.and_then(|case| case.guard.as_ref()).and_then(|guard| guard.expression.as_ref());
    let under = guard.map(|guard| format!(", and `{}` holds", guard.source())).unwrap_or_default();
    let calls = |outcome: &str| match state.map(|(_, state)| &state.does) {
        Some(DraftDoes::Invoke(invoke)) => format!("it calls `{}`, {outcome}{under}", invoke.tool.value),
        _ => format!("it goes on{under}"),
    };
    match way.why {
        Why::Begins if graph.flow.name.value == crate::flow::ROOT => {}
        Why::Begins => add(format!("guest: wants `{}`", graph.flow.name.value)),
        Why::Then => add(format!("guest: answers{under}")),
        Why::Yes => add(format!("guest: yes{under}")),
        Why::Said("no") => add(format!("guest: no{under}")),
        Why::Said(event) => add(format!("guest: `{event}`{under}")),
        Why::Event("") => add(format!("any named event comes{under}")),
        Why::Event(event) => add(format!("the event `{event}` comes{under}")),
        Why::After(delay) => add(format!("{} pass{under}", written_ms(delay))),
        Why::Done => add(calls("which answers")),
        Why::Failed => add(calls("which fails")),
        Why::Unknown => add(calls("and nobody knows what came of it")),
        Why::Returned => {
            if let Some(DraftDoes::Run(run)) = state.map(|(_, state)| &state.does) {
                add(format!("it runs `{}`, which ends{under}", run.flow.value));
            }
        }
        Why::Always if guard.is_some() => {
            add(format!(
                "{} goes on at once{under}",
                state.map_or("it".to_owned(), |(name, _)| format!("`{name}`"))
            ));
        }
        Why::Restored => add("a history leads back".to_owned()),
        Why::Always | Why::Ended | Why::Joined | Why::Entered | Why::Unused => {}
    }
    for action in &way.actions {
        match action {
            DraftAction::Say(prompt) => add(format!("it says `{}`", prompt.value)),
            DraftAction::Clear(slots) => {
                let slots: Vec<&str> = slots.iter().map(|slot| slot.value.as_str()).collect();
                add(format!("it forgets {}", listed(&slots)));
            }
            DraftAction::Set(slot, value) => {
                let source = value.expression.as_ref().map_or("…", |value| value.source());
                add(format!("it sets `{}` to `{source}`", slot.value));
            }
            DraftAction::Raise(event) => add(format!("it raises `{}`", event.value)),
        }
    }
}
