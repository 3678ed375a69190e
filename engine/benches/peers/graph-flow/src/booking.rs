//! The booking as a graph-flow graph: one task hears what the guest said, conditional edges lead to the tool that is
//! due, and its task leads back. The conversation's context holds the slots and results.

use std::sync::Arc;

use async_trait::async_trait;
use graph_flow::{Context, Graph, GraphBuilder, GraphError, NextAction, Result, Task, TaskResult};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use crate::script::{Hotel, Stay};

/// The task that a conversation waits in.
pub const LISTENING: &str = "listening";

/// The graph.
pub fn graph(hotel: &Arc<Hotel>) -> Result<Graph> {
    GraphBuilder::new("booking")
        .add_task(Arc::new(Listening))
        .add_task(Arc::new(Checking(hotel.clone())))
        .add_task(Arc::new(Quoting(hotel.clone())))
        .add_task(Arc::new(Booking(hotel.clone())))
        .add_conditional_edge(LISTENING, |context| !has(context, "offers"), "checking", "booking")
        .add_conditional_edge(LISTENING, |context| !has(context, "quote"), "quoting", "booking")
        .add_edge("checking", LISTENING)
        .add_edge("quoting", LISTENING)
        .build()
}

/// Whether the context has a value under that key; nothing is copied to find out.
fn has(context: &Context, key: &str) -> bool {
    context.get::<IgnoredAny>(key).is_some()
}

/// The value under a key that an earlier task filled.
fn filled<T: serde::de::DeserializeOwned>(context: &Context, key: &str) -> Result<T> {
    context.get(key).ok_or_else(|| GraphError::ContextError(format!("{key} is not filled")))
}

/// The free rooms, as far as asking needs them.
#[derive(Deserialize)]
struct Offers {
    rooms: Vec<IgnoredAny>,
}

/// A chosen room, as far as the tools need it.
#[derive(Deserialize)]
struct Room {
    room_id: String,
}

/// A quote, as far as booking needs it.
#[derive(Deserialize)]
struct Quote {
    quote_id: String,
}

/// The question that the context leads to; none where a tool is due first.
fn question(context: &Context) -> Option<&'static str> {
    if let Some(slot) = ["stay", "guests", "view"].into_iter().find(|slot| !has(context, slot)) {
        return Some(slot);
    }
    let offers: Offers = context.get("offers")?;
    if offers.rooms.is_empty() {
        return Some("sold_out");
    }
    if !has(context, "room") {
        return Some("room");
    }
    if !has(context, "quote") {
        return None;
    }
    Some(["name", "phone"].into_iter().find(|slot| !has(context, slot)).unwrap_or("confirm"))
}

/// Writes what a message changes; results that came from an older value are dropped. Says whether anything changed.
fn hear(context: &Context, slots: serde_json::Map<String, Value>) -> Result<bool> {
    let mut changed = false;
    let mut chosen = None;
    for (slot, value) in slots {
        match slot.as_str() {
            "stay" | "guests" | "view" => {
                if context.get::<Value>(&slot).as_ref() != Some(&value) {
                    context.set(slot, value)?;
                    for result in ["offers", "room", "quote"] {
                        context.remove(result);
                    }
                    changed = true;
                }
            }
            "room" => chosen = Some(value),
            _ => {
                context.set(slot, value)?;
                changed = true;
            }
        }
    }
    let Some(chosen) = chosen else { return Ok(changed) };
    let Some(offers) = context.get::<Value>("offers") else { return Ok(changed) };
    let rooms = offers["rooms"].as_array().map_or(&[][..], Vec::as_slice);
    if let Some(room) = rooms.iter().find(|room| room["offer_id"] == chosen) {
        context.set("room", room)?;
        context.remove("quote");
        changed = true;
    }
    Ok(changed)
}

/// Ends the turn with a question, which the next turn finds in the context.
fn ask(context: &Context, asks: &str, next: NextAction) -> Result<TaskResult> {
    context.set("asks", asks)?;
    Ok(TaskResult::new(Some(asks.to_owned()), next))
}

struct Listening;

#[async_trait]
impl Task for Listening {
    fn id(&self) -> &str {
        LISTENING
    }

    async fn run(&self, context: Context) -> Result<TaskResult> {
        let Some(Value::Object(mut said)) = context.remove("said") else {
            return Err(GraphError::ContextError("nothing was said".to_owned()));
        };
        let changed = match said.remove("slots") {
            Some(Value::Object(slots)) => hear(&context, slots)?,
            _ => false,
        };
        let intent = said.get("intent").and_then(Value::as_str);
        if !changed && intent.is_some() && context.get::<String>("asks").as_deref() == Some("confirm") {
            match intent {
                Some("yes") => return Ok(TaskResult::move_to_next_direct()),
                Some("no") => return ask(&context, "what_to_change", NextAction::WaitForInput),
                _ => {}
            }
        }
        match question(&context) {
            Some(asks) => ask(&context, asks, NextAction::WaitForInput),
            None => Ok(TaskResult::move_to_next_direct()),
        }
    }
}

struct Checking(Arc<Hotel>);

#[async_trait]
impl Task for Checking {
    fn id(&self) -> &str {
        "checking"
    }

    async fn run(&self, context: Context) -> Result<TaskResult> {
        let stay: Stay = filled(&context, "stay")?;
        let view: String = filled(&context, "view")?;
        let guests = filled(&context, "guests")?;
        let offers = self.0.get_room_availability(&stay.check_in, &stay.check_out, guests, &view);
        let asks = if offers["rooms"].as_array().is_some_and(Vec::is_empty) { "sold_out" } else { "room" };
        context.set("offers", offers)?;
        ask(&context, asks, NextAction::Continue)
    }
}

struct Quoting(Arc<Hotel>);

#[async_trait]
impl Task for Quoting {
    fn id(&self) -> &str {
        "quoting"
    }

    async fn run(&self, context: Context) -> Result<TaskResult> {
        let room: Room = filled(&context, "room")?;
        let stay: Stay = filled(&context, "stay")?;
        let guests = filled(&context, "guests")?;
        let quote = self.0.quote_stay(&room.room_id, &stay.check_in, &stay.check_out, guests);
        context.set("quote", quote)?;
        let asks = ["name", "phone"].into_iter().find(|slot| !has(&context, slot)).unwrap_or("confirm");
        ask(&context, asks, NextAction::Continue)
    }
}

struct Booking(Arc<Hotel>);

#[async_trait]
impl Task for Booking {
    fn id(&self) -> &str {
        "booking"
    }

    async fn run(&self, context: Context) -> Result<TaskResult> {
        let room: Room = filled(&context, "room")?;
        let quote: Quote = filled(&context, "quote")?;
        let dates: Stay = filled(&context, "stay")?;
        let name: String = filled(&context, "name")?;
        let phone: String = filled(&context, "phone")?;
        let guests = filled(&context, "guests")?;
        let booking = self.0.create_booking(&room.room_id, &dates, &name, &phone, guests, &quote.quote_id);
        context.set("booking", booking)?;
        ask(&context, "booked", NextAction::End)
    }
}
