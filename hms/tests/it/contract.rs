//! What the tools promise: names, schemas, annotations.

use rmcp::model::Tool;
use serde_json::{Value, json};

use crate::desk::{Desk, ana, with};
use crate::place::Place;
use crate::storage::fingerprint;

#[tokio::test]
async fn the_tools_are_the_checked_in_ones() {
    let desk = Desk::new().await;
    let tools = serde_json::to_value(&desk.tools).unwrap();
    insta::with_settings!({ sort_maps => true }, { insta::assert_json_snapshot!("tools", tools) });
}

#[tokio::test]
async fn every_schema_is_plain_and_every_argument_described() {
    let desk = Desk::new().await;
    for tool in &desk.tools {
        let input = serde_json::to_string(&tool.input_schema).unwrap();
        let output = serde_json::to_string(&tool.output_schema).unwrap();
        for word in ["\"null\"", "$ref", "$defs", "int64", "uint", "double\"}"] {
            assert!(!input.contains(word) && !output.contains(word), "{} says {word}", tool.name);
        }
        assert_eq!(tool.input_schema["additionalProperties"], false);
        for (name, argument) in tool.input_schema["properties"].as_object().unwrap() {
            assert!(
                argument["description"].as_str().is_some_and(|text| text.len() > 20),
                "{} {name}",
                tool.name
            );
        }
        assert_eq!(tool.output_schema.as_ref().unwrap()["type"], "object", "{}", tool.name);
    }
}

#[tokio::test]
async fn an_argument_in_the_schema_is_never_called_unknown() {
    let desk = Desk::new().await;
    for tool in &desk.tools {
        for name in tool.input_schema["properties"].as_object().unwrap().keys() {
            if let Err(text) = desk.call(&tool.name, json!({ name.as_str(): "x" })).await {
                assert!(!text.starts_with("unknown_argument"), "{} {name}: {text}", tool.name);
            }
        }
    }
}

#[tokio::test]
async fn only_booking_and_cancelling_write_and_only_cancelling_destroys() {
    let desk = Desk::new().await;
    let hints = |tool: &Tool| {
        let hints = tool.annotations.clone().unwrap();
        assert_eq!((hints.open_world_hint, hints.idempotent_hint), (Some(false), Some(true)));
        (tool.name.to_string(), hints.read_only_hint.unwrap(), hints.destructive_hint.unwrap())
    };
    let hints: Vec<(String, bool, bool)> = desk.tools.iter().map(hints).collect();
    let expected = [
        ("cancel_booking", false, true),
        ("create_booking", false, false),
        ("find_bookings", true, false),
        ("get_hotel_info", true, false),
        ("get_room_availability", true, false),
        ("quote_stay", true, false),
    ];
    assert_eq!(hints, expected.map(|(name, reads, destroys)| (name.to_owned(), reads, destroys)));
}

#[tokio::test]
async fn read_only_tools_change_no_row_and_writing_ones_reach_a_rest() {
    for place in Place::all().await {
        let desk = Desk::at(&place).await;
        let booking = desk.book("203", "2026-12-12", "2026-12-14").await;
        let before = fingerprint(&place).await;
        let stay = json!({ "start_date": "2026-12-12", "end_date": "2026-12-14" });
        let reads: [(&str, Value); 6] = [
            ("get_room_availability", stay.clone()),
            ("quote_stay", with(stay.clone(), "room_id", "204")),
            ("quote_stay", with(stay, "room_id", "203")),
            ("find_bookings", json!({ "phone": "+351912345678" })),
            ("get_hotel_info", json!({})),
            ("get_hotel_info", json!({ "topic": "parking" })),
        ];
        for (tool, arguments) in reads {
            drop(desk.call(tool, arguments).await);
        }
        assert_eq!(fingerprint(&place).await, before);
        drop(desk.call("create_booking", ana("203", "2026-12-12", "2026-12-14")).await);
        assert_eq!(fingerprint(&place).await, before, "the same booking again changes nothing");
        let cancel = json!({ "booking_id": booking["booking_id"] });
        desk.done("cancel_booking", cancel.clone()).await;
        let after = fingerprint(&place).await;
        assert_ne!(after, before);
        desk.done("cancel_booking", cancel).await;
        assert_eq!(fingerprint(&place).await, after);
    }
}

#[tokio::test]
async fn an_unknown_tool_is_a_protocol_error() {
    let desk = Desk::new().await;
    let error = desk.peer().call_tool(crate::desk::request("open_the_safe", json!({}))).await.unwrap_err();
    assert!(error.to_string().contains("-32602"), "{error}");
}
