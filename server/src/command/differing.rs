//! Turns that other flows would have taken otherwise, as people read them.

use std::fmt::Write as _;

use innkeeper_engine::Expecting;
use innkeeper_engine::flow::Place;
use innkeeper_engine::runtime::{Asked, Called, Change, Difference, Saying};
use similar::{ChangeTag, TextDiff};

/// A turn that differs: what the guest said, the line that made it, and what is different.
pub(super) fn told(difference: &Difference, indent: &str) -> String {
    let mut text = String::new();
    let mut line = |line: &str| {
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{indent}{}", line.trim_end());
    };
    let heard = difference.heard.as_deref().map_or(String::new(), |heard| format!(", {heard:?}"));
    line(&format!("turn {}{heard}", difference.turn));
    if let Some(place) = &difference.decided {
        line(&format!("  by  {}", at(place)));
    }
    if let Some(place) = &difference.before {
        line(&format!("  was {}", at(place)));
    }
    for change in &difference.changes {
        match change {
            Change::Said { before, now } => {
                diff(&mut line, "says", &sayings(before), &sayings(now));
            }
            Change::Asked { before, now } => diff(&mut line, "waits", &[asked(before)], &[asked(now)]),
            Change::Called { before, now } => {
                diff(&mut line, "calls", &calls(before), &calls(now));
            }
            Change::Stands { before, now } => {
                diff(&mut line, "stands", std::slice::from_ref(before), std::slice::from_ref(now));
            }
            Change::NeverCalled { call } => {
                line(&format!(
                    "  what {} would answer was never recorded; nothing is known from here on",
                    call_of(call)
                ));
            }
            Change::NeverUnderstood => {
                line("  nobody tried to understand this message then; nothing is known from here on");
            }
        }
    }
    text
}

fn at(place: &Place) -> String {
    format!("{}:{}  {}", place.file, place.line, place.source_line().trim())
}

fn diff(line: &mut impl FnMut(&str), what: &str, before: &[String], now: &[String]) {
    let before: Vec<&str> = before.iter().map(String::as_str).collect();
    let now: Vec<&str> = now.iter().map(String::as_str).collect();
    for change in TextDiff::from_slices(&before, &now).iter_all_changes() {
        let sign = match change.tag() {
            ChangeTag::Equal => ' ',
            ChangeTag::Delete => '-',
            ChangeTag::Insert => '+',
        };
        line(&format!("  {what:<6} {sign} {}", change.value()));
    }
}

fn sayings(says: &[Saying]) -> Vec<String> {
    let saying = |say: &Saying| match expecting(&say.expecting) {
        Some(expecting) => format!("{} ({expecting})", say.prompt),
        None => say.prompt.to_string(),
    };
    says.iter().map(saying).collect()
}

fn asked(asked: &Asked) -> String {
    match asked {
        Asked::Guest { expecting: asked } => {
            format!("for the guest{}", expecting(asked).map_or(String::new(), |asked| format!(": {asked}")))
        }
        Asked::Person => "for a person".to_owned(),
        Asked::Nothing => "for nothing: it is over".to_owned(),
        Asked::Work => "for something under way".to_owned(),
    }
}

fn expecting(expecting: &Expecting) -> Option<String> {
    match expecting {
        Expecting::Anything => None,
        Expecting::Slot(slot) => Some(format!("asks for {slot}")),
        Expecting::Confirmation => Some("asks for a yes".to_owned()),
        Expecting::Change => Some("asks an open question".to_owned()),
    }
}

fn calls(calls: &[Called]) -> Vec<String> {
    calls.iter().map(call_of).collect()
}

fn call_of(call: &Called) -> String {
    let arguments: Vec<String> =
        call.arguments.iter().map(|(name, value)| format!("{name}: {value}")).collect();
    format!("{}({})", call.tool, arguments.join(", "))
}
