//! A small hotel that answers every tool the flows name, the same to the same question.
//!
//! Rooms with a sea view are taken from the 20th of December on, all rooms from the 25th to the 27th; nobody has more
//! than six beds. A room is a room of its dates: whoever asks for it under others is refused. The suite is always
//! taken when it is booked at last.

use std::sync::Arc;

use chrono::NaiveDate;
use innkeeper_engine::{Call, Outcome};
use serde_json::{Value as Json, json};

/// What becomes of a call.
pub(crate) fn answer(call: &Call) -> Outcome {
    let arguments = json!(call.arguments);
    match of(&call.tool, &arguments) {
        Ok(result) => Outcome::Ok { result: Arc::new(result) },
        Err(code) => Outcome::Error { code: code.to_owned(), message: "it is so".to_owned() },
    }
}

fn of(tool: &str, arguments: &Json) -> Result<Json, &'static str> {
    match tool {
        "get_room_availability" => availability(arguments),
        "quote_stay" => quote(arguments),
        "create_booking" => book(arguments),
        "find_bookings" => Ok(json!({ "bookings": bookings(arguments) })),
        "cancel_booking" if arguments["booking_id"] == "b-2" => Err("stay_started"),
        "cancel_booking" => Ok(json!({ "booking_id": arguments["booking_id"], "status": "cancelled",
            "fee": { "minor": 0, "currency": "EUR" }, "reference": "BR7QK2" })),
        "order_breakfast" if arguments["eggs"] == 13 => Err("no_hens"),
        "order_breakfast" => Ok(json!({ "order_id": "o-1", "eggs": arguments["eggs"] })),
        "get_hotel_info" => Ok(json!({ "questions": [
            { "topic": "parking", "question": "Is there parking?", "answer": "Yes.", "keywords": ["car"] },
            { "topic": "breakfast", "question": "When is breakfast?", "answer": "From 7.", "keywords": ["eat"] },
        ] })),
        other => panic!("the hotel has no {other}"),
    }
}

fn date(json: &Json) -> NaiveDate {
    json.as_str().unwrap().parse().unwrap()
}

fn people(json: &Json) -> u64 {
    json.as_u64().unwrap_or(json["adults"].as_u64().unwrap_or(1) + json["children"].as_u64().unwrap_or(0))
}

fn on(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 12, day).unwrap()
}

/// The rooms there are: offer, view, price of a night, beds.
const ROOMS: [(&str, &str, i64, u64); 5] = [
    ("double-garden", "garden", 10_000, 2),
    ("double-sea", "sea", 14_000, 2),
    ("family-garden", "garden", 18_000, 4),
    ("family-sea", "sea", 21_000, 4),
    ("suite-sea", "sea", 40_000, 6),
];

fn availability(arguments: &Json) -> Result<Json, &'static str> {
    let (from, to) = (date(&arguments["start_date"]), date(&arguments["end_date"]));
    if from < on(1) {
        return Err("past_date");
    }
    if to > NaiveDate::from_ymd_opt(2027, 6, 30).unwrap() {
        return Err("too_far_ahead");
    }
    let view = arguments["view"].as_str();
    if view == Some("city") {
        return Err("unknown_view");
    }
    let people = people(&arguments["guests"]);
    if people > 6 {
        return Ok(json!({ "rooms": [], "alternatives": [], "reason": "party_too_large" }));
    }
    if from < on(28) && to > on(25) {
        return Ok(json!({ "rooms": [], "alternatives": [], "reason": "none_free" }));
    }
    let late = |of: &str| of == "sea" && from >= on(20) && from < on(28);
    let rooms: Vec<Json> = ROOMS
        .iter()
        .filter(|(_, of, _, beds)| *beds >= people && !late(of) && view.is_none_or(|view| view == *of))
        .map(|(offer, of, price, beds)| {
            json!({ "offer_id": offer, "room_id": format!("{offer}-{from}"), "name": offer.replace('-', " "), "view": of,
                "room_type": offer.split('-').next(), "max_guests": beds,
                "total": { "minor": price * (to - from).num_days(), "currency": "EUR" } })
        })
        .collect();
    if !rooms.is_empty() {
        return Ok(json!({ "rooms": rooms, "alternatives": [] }));
    }
    let alternative = |id: &str, view: &str, from: NaiveDate, to: NaiveDate| {
        json!({ "alternative_id": id, "name": format!("double {view}"), "room_type": "double", "view": view,
            "stay": { "check_in": from, "check_out": to } })
    };
    // Only what would be free if it was asked for.
    let mut alternatives = vec![alternative("earlier", "sea", on(10), on(12))];
    if people <= 4 && view == Some("sea") {
        alternatives.insert(0, alternative("same-days", "garden", from, to));
    }
    Ok(json!({ "rooms": [], "alternatives": alternatives, "reason": "view_unavailable" }))
}

fn quote(arguments: &Json) -> Result<Json, &'static str> {
    let (from, to) = (date(&arguments["start_date"]), date(&arguments["end_date"]));
    let room = arguments["room_id"].as_str().unwrap();
    let offer = room.strip_suffix(&format!("-{from}")).ok_or("room_unavailable")?;
    let (_, _, price, _) = ROOMS.iter().find(|known| known.0 == offer).ok_or("room_unavailable")?;
    Ok(json!({ "quote_id": format!("q-{room}-{to}-{}", people(&arguments["guests"])),
        "total": { "minor": price * (to - from).num_days(), "currency": "EUR" } }))
}

fn book(arguments: &Json) -> Result<Json, &'static str> {
    let stay = &arguments["dates"];
    let to = date(if stay.is_null() { &arguments["end_date"] } else { &stay["check_out"] });
    let room = arguments["room_id"].as_str().unwrap();
    if room.starts_with("suite") {
        return Err("room_unavailable");
    }
    let quoted = format!("q-{room}-{to}-{}", people(&arguments["guests"]));
    if arguments["quote_id"] != json!(quoted) {
        return Err("quote_mismatch");
    }
    Ok(json!({ "booking_id": "b-9", "reference": "BR9ZZ9", "room_id": room }))
}

fn bookings(arguments: &Json) -> Vec<Json> {
    let booking = |id: &str, reference: &str| {
        json!({ "booking_id": id, "reference": reference, "room_name": "double sea", "view": "sea",
            "start_date": "2026-12-12", "end_date": "2026-12-14", "status": "confirmed" })
    };
    match (arguments["phone"].as_str(), arguments["reference"].as_str()) {
        (Some("+4915100001"), _) | (_, Some("BR7QK2")) => vec![booking("b-1", "BR7QK2")],
        (_, Some("BR2AB3")) => vec![booking("b-2", "BR2AB3")],
        (Some("+4915100002"), _) => vec![booking("b-1", "BR7QK2"), booking("b-2", "BR2AB3")],
        _ => Vec::new(),
    }
}
