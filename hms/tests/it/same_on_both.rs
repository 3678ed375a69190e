//! One script of calls, with the same answers from both databases.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::desk::{Desk, ana, with};
use crate::place::Place;

/// Everything the tools answer to a morning's work.
async fn morning(place: &Place) -> Vec<Value> {
    let desk = Desk::seeded(place, 7).await;
    let mut transcript = Vec::new();
    let mut step = async |tool: &str, arguments: Value| {
        let answer = desk.call(tool, arguments.clone()).await;
        let answer = answer.unwrap_or_else(Value::String);
        transcript.push(json!({ "tool": tool, "arguments": arguments, "answer": answer.clone() }));
        answer
    };
    let stay = json!({ "start_date": "2026-12-12", "end_date": "2026-12-14" });
    step("get_hotel_info", json!({})).await;
    step("get_hotel_info", json!({ "topic": "breakfast time" })).await;
    step("get_room_availability", with(stay.clone(), "guests", 2)).await;
    let quote = step("quote_stay", with(stay.clone(), "room_id", "203")).await;
    let wanted = with(ana("203", "2026-12-12", "2026-12-14"), "quote_id", quote["quote_id"].clone());
    let booked = step("create_booking", with(wanted, "idempotency_key", "k")).await;
    for room in ["203", "204", "303", "304"] {
        step("create_booking", ana(room, "2026-12-12", "2026-12-14")).await;
    }
    step("get_room_availability", with(with(stay.clone(), "room_type", "double"), "view", "sea")).await;
    step("quote_stay", with(stay.clone(), "room_id", "203")).await;
    step("find_bookings", json!({ "phone": "912345678" })).await;
    step("find_bookings", json!({ "reference": booked["reference"], "surname": "lopez" })).await;
    desk.advance(TimeDelta::days(10));
    step("cancel_booking", json!({ "booking_id": booked["booking_id"], "idempotency_key": "c" })).await;
    step("cancel_booking", json!({ "booking_id": booked["booking_id"] })).await;
    step("cancel_booking", json!({ "booking_id": "bk_none" })).await;
    step("find_bookings", json!({ "phone": "912345678", "include_past": true })).await;
    step("get_room_availability", json!({ "start_date": "2026-12-25", "end_date": "2026-12-26" })).await;
    let listed = desk.hotel.bookings().await.unwrap();
    transcript.push(serde_json::to_value(listed).unwrap());
    transcript
}

#[tokio::test]
async fn sqlite_and_postgresql_give_the_same_answers() {
    let mut mornings = Vec::new();
    for place in Place::all().await.iter().chain([&Place::memory()]) {
        mornings.push(morning(place).await);
    }
    for other in &mornings[1..] {
        assert_eq!(other.len(), mornings[0].len());
        for (one, other) in mornings[0].iter().zip(other) {
            assert_eq!(one, other);
        }
    }
}
