//! A talk as a hotelier reads it.

use std::fmt::Write as _;

use innkeeper_engine::Outcome;
use serde_json::Value as Json;

use crate::conversation::{Handed, TurnLine, Why, outcome_word};
use crate::message::Button;

/// A voice note by the words that a recogniser writes of it.
pub(super) fn shown_note(words: Option<&str>) -> String {
    match words {
        Some(words) => format!("(voice note) {words}"),
        None => "(voice note without words)".to_owned(),
    }
}

/// Writes a talk down.
#[derive(Debug, Default)]
pub(super) struct Transcript(String);

impl Transcript {
    /// A heading.
    pub(super) fn heading(&mut self, text: &str) {
        let gap = if self.0.is_empty() { "" } else { "\n" };
        self.line(&format!("{gap}# {text}"));
    }

    /// Something that is no turn: staff, power, time.
    pub(super) fn aside(&mut self, text: &str) {
        self.line(&format!("\n    ({text})"));
    }

    /// A turn with everything a hotelier asks about.
    pub(super) fn turn(&mut self, line: &TurnLine) {
        let said = if line.guest.is_empty() { "(says nothing)" } else { line.guest.as_str() };
        self.line("");
        self.block("guest      ", said);
        self.answers(line);
    }

    /// What is said and done without the guest's doing.
    pub(super) fn unasked(&mut self, line: &TurnLine) {
        self.line("");
        self.answers(line);
    }

    fn answers(&mut self, line: &TurnLine) {
        for tool in &line.tools {
            let arguments: Vec<String> =
                tool.arguments.iter().map(|(name, value)| format!("{name}: {}", brief(value))).collect();
            self.line(&format!("             → {}({}) {}", tool.name, arguments.join(", "), tool.outcome));
        }
        for reply in &line.replies {
            self.block("innkeeper  ", &reply.text);
            let buttons: Vec<String> =
                reply.buttons.iter().map(|Button { title, .. }| format!("[{title}]")).collect();
            if !buttons.is_empty() {
                self.line(&format!("             {}", buttons.join(" ")));
            }
        }
        let slots: Vec<String> =
            line.slots.iter().map(|(name, value)| format!("{name} {}", brief(value))).collect();
        let ended = if line.ended { " · ended" } else { "" };
        let slots = if slots.is_empty() { String::new() } else { format!(" · {}", slots.join(" · ")) };
        self.line(&format!("             [{}{slots}{ended}]", line.state));
    }

    /// What a tool called by staff answered.
    pub(super) fn staff(&mut self, tool: &str, outcome: &Outcome) {
        self.aside(&format!("staff: {tool} {}", outcome_word(outcome)));
    }

    /// A person takes the conversation: what they are told about it.
    pub(super) fn taken(&mut self, by: &str, handed: &Handed) {
        let why = match handed.why {
            Why::AskedForPerson => "the guest asked for a person",
            Why::NotUnderstood => "the guest was not understood",
            Why::ToolFailed => "the hotel's system failed",
            Why::TakenOver => "nobody called them",
            Why::Flow => "the flow leads to a person",
            Why::Unknown => "nobody can tell why",
        };
        self.aside(&format!("{by} takes the conversation: {why}"));
        if let Some(wants) = &handed.wants {
            let slots: Vec<String> =
                handed.slots.iter().map(|(name, value)| format!("{name} {}", brief(value))).collect();
            self.line(&format!("    ({wants} {})", slots.join(" · ")));
        }
        if let Some((last, _)) = &handed.last {
            self.line(&format!("    (last words: {last})"));
        }
    }

    /// A person writes to the guest.
    pub(super) fn person(&mut self, by: &str, text: &str) {
        self.line("");
        self.block(&format!("{by:<11}"), text);
    }

    /// The whole text.
    pub(super) fn finish(self) -> String {
        self.0.trim().to_owned()
    }

    pub(super) fn line(&mut self, text: &str) {
        // Writing to a string cannot fail.
        let _ = writeln!(self.0, "{}", text.trim_end());
    }

    fn block(&mut self, label: &str, text: &str) {
        for (number, line) in text.lines().enumerate() {
            let label = if number == 0 { label } else { "           " };
            self.line(&format!("{label}  {line}"));
        }
    }
}

/// A value as people write it: a stay as two dates, money as an amount, a chosen item by its name.
fn brief(value: &Json) -> String {
    let field = |name: &str| value.get(name).and_then(Json::as_str);
    if let (Some(check_in), Some(check_out)) = (field("check_in"), field("check_out")) {
        return format!("{check_in}–{check_out}");
    }
    if let (Some(minor), Some(currency)) = (value.get("minor").and_then(Json::as_i64), field("currency")) {
        return format!("{}.{:02} {currency}", minor / 100, minor % 100);
    }
    if let Some(name) = ["name", "reference", "topic"].into_iter().find_map(field) {
        return name.to_owned();
    }
    match value {
        Json::String(text) => text.clone(),
        Json::Null => "–".to_owned(),
        other => other.to_string(),
    }
}
