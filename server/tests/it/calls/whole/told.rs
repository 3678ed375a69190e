//! What became of a call, as a hotelier reads it: who said what, what the hotel was asked, what stands in its books.

use std::collections::HashMap;
use std::fmt::Write as _;

use innkeeper::conversation::ToolLine;
use innkeeper::message::GuestKey;
use innkeeper::store::{OutboxRow, Status};
use innkeeper_engine::runtime::Entry;
use innkeeper_engine::{Effect, Input, Position, step};
use serde_json::Value as Json;

use super::Guest;
use super::stage::{Call, Stage};

/// The voice's letters, in milliseconds.
const LETTER_MS: usize = 60;

impl Stage {
    pub(super) async fn told(&self, guest: &Guest, call: &Call) -> String {
        let key = match guest.from.starts_with("whatsapp:") {
            true => GuestKey::new(guest.from.clone()),
            false => GuestKey::displayed(&guest.from).in_call(&call.call.sid),
        };
        let rows = self.receptionist.store.outgoing_to(&key).await.expect("rows");
        assert_eq!(self.wrongs(), [""; 0], "what the recogniser does not take");
        is_what_was_played(&rows, call.call.seen().heard_ms());
        let mut told = self.talk(&key, &rows).await;
        let missed: Vec<&str> =
            guest.turns.iter().filter(|one| one.heard().is_empty()).map(|one| one.said.as_str()).collect();
        writeln!(told, "\nnot a word was heard of: {missed:?}").expect("text");
        for row in self.hotel.bookings().await.expect("bookings") {
            writeln!(
                told,
                "booked: {} {:?}, {} ({}), {} – {}, {}, {}, {}, {}",
                row.reference,
                row.status,
                row.room_name,
                row.room_id,
                row.start_date,
                row.end_date,
                row.guests,
                row.total,
                row.customer_name,
                row.phone_number
            )
            .expect("text");
        }
        told
    }

    /// The turns, gone through once more from what is stored.
    async fn talk(&self, key: &GuestKey, rows: &[OutboxRow]) -> String {
        let mut told = String::new();
        let mut said = rows.iter().filter(|row| !is_patience(row));
        for talk in self.receptionist.store.talks(key).await.expect("talks") {
            let version = talk.position.as_ref().expect("a position").version();
            let flows = self.receptionist.driver.versions.get(version).expect("flows");
            let (mut position, mut calls) = (Position::start(&flows), HashMap::new());
            for commit in &talk.commits {
                for logged in &commit.log {
                    let Entry::Input(input) = &logged.entry else { continue };
                    if let Input::Said { text, .. } = input {
                        writeln!(told, "\nguest        {text}").expect("text");
                    }
                    if let Some((call, outcome)) = position.answer_in(&flows, input) {
                        let line = ToolLine::of(&calls.remove(&call).expect("a call"), &outcome);
                        writeln!(told, "             → {}({}) {}", line.name, brief(&line), line.outcome)
                            .expect("text");
                    }
                    let stepped = step(&flows, position, input, logged.moment);
                    for effect in stepped.effects {
                        if let Effect::Call(call) = effect {
                            calls.insert(call.id, call);
                        }
                    }
                    position = stepped.next;
                }
                for _ in 0..commit.outgoing.len() {
                    let row = said.next().expect("what was said");
                    writeln!(told, "innkeeper    {}", shown(row)).expect("text");
                }
            }
        }
        told
    }
}

/// Whether something only fills a gap: how often depends on the machine.
fn is_patience(row: &OutboxRow) -> bool {
    row.text.starts_with("One moment")
}

/// A saying; where exactly it was cut off is a matter of what was late.
fn shown(row: &OutboxRow) -> String {
    match row.status {
        Status::Sent => row.text.clone(),
        Status::Cut if row.words().is_empty() => format!("{} (nothing of it was heard)", row.text),
        Status::Cut => format!("{} (cut off)", row.text),
        other => panic!("{other:?}: {}", row.text),
    }
}

/// What counts as heard is what was played, but for words that were cut in two and what fills gaps.
fn is_what_was_played(rows: &[OutboxRow], played_ms: usize) {
    let letters = |row: &OutboxRow| match row.status {
        Status::Sent => row.text.len(),
        _ => row.words().len(),
    };
    let heard_ms: usize = rows.iter().map(letters).sum::<usize>() * LETTER_MS;
    let cuts = rows.iter().filter(|row| row.status == Status::Cut).count();
    let doubt = (2 * cuts + 1) * 12 * LETTER_MS;
    assert!(heard_ms <= played_ms + doubt, "{heard_ms} ms count as heard of {played_ms} that were played");
    assert!(
        played_ms <= heard_ms + 4 * doubt,
        "{heard_ms} ms count as heard of {played_ms} that were played"
    );
}

fn brief(line: &ToolLine) -> String {
    let text = |value: &Json| match value {
        Json::String(text) => text.split('.').next().unwrap_or_default().to_owned(),
        other => other.to_string(),
    };
    let arguments: Vec<String> =
        line.arguments.iter().map(|(name, value)| format!("{name}: {}", text(value))).collect();
    arguments.join(", ")
}
