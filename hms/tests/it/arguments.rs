//! What callers get wrong, and what they are told.

use serde_json::{Value, json};

use crate::desk::{Desk, ana, with, without};

#[tokio::test]
async fn a_mistake_is_told_with_field_value_expected_form_and_next_step() {
    let desk = Desk::new().await;
    let stay = json!({ "start_date": "2026-12-12", "end_date": "2026-12-14" });
    let book = ana("204", "2026-12-12", "2026-12-14");
    let cases: Vec<(&str, Value, &str)> = vec![
        (
            "get_room_availability",
            with(stay.clone(), "start_date", "12/40"),
            "invalid_date: start_date \"12/40\" is no date, expected YYYY-MM-DD, today is 2026-12-01; ask the guest for the arrival date",
        ),
        (
            "get_room_availability",
            with(stay.clone(), "end_date", "2026-02-30"),
            "invalid_date: end_date \"2026-02-30\" is no date, expected YYYY-MM-DD, today is 2026-12-01; ask the guest for the departure date",
        ),
        (
            "get_room_availability",
            with(stay.clone(), "start_date", "2026-1-2"),
            "invalid_date: start_date \"2026-1-2\" is no date, expected YYYY-MM-DD, today is 2026-12-01; ask the guest for the arrival date",
        ),
        (
            "get_room_availability",
            with(stay.clone(), "start_date", 20261212),
            "invalid_date: start_date 20261212 is no date, expected YYYY-MM-DD, today is 2026-12-01; ask the guest for the arrival date",
        ),
        (
            "get_room_availability",
            without(stay.clone(), "end_date"),
            "missing_argument: end_date is missing, expected YYYY-MM-DD, today is 2026-12-01; ask the guest for the departure date",
        ),
        (
            "get_room_availability",
            with(stay.clone(), "end_date", "2026-12-12"),
            "invalid_dates: end_date \"2026-12-12\" is not after start_date \"2026-12-12\", expected the day of leaving, at least one night later; ask the guest until when they stay",
        ),
        (
            "get_room_availability",
            with(stay.clone(), "end_date", "2027-02-12"),
            "stay_too_long: start_date \"2026-12-12\" to end_date \"2027-02-12\" is 62 nights, expected at most 30; ask the guest for a shorter stay or book several in a row",
        ),
        (
            "get_room_availability",
            with(stay.clone(), "nights", 2),
            "unknown_argument: \"nights\" is no argument of this tool, expected start_date, end_date, room_type, guests, view; leave it out or correct its name",
        ),
        (
            "get_room_availability",
            with(stay.clone(), "guests", 0),
            "invalid_guests: guests 0 has no adult, expected a number from 1, or {\"adults\": number, \"children\": number}; ask the guest how many people come",
        ),
        (
            "get_room_availability",
            with(stay.clone(), "guests", "a few"),
            "invalid_guests: guests \"a few\" is no number of guests, expected a number from 1, or {\"adults\": number, \"children\": number}; ask the guest how many people come",
        ),
        (
            "get_room_availability",
            with(stay.clone(), "view", json!(["sea"])),
            "invalid_argument: view [\"sea\"] has the wrong type, expected a text; send it again as that",
        ),
        (
            "create_booking",
            with(book.clone(), "phone_number", "call me"),
            "invalid_phone: phone_number \"call me\" is no telephone number, expected digits with + and country, for example +351912345678 (without + a number of PT); ask the guest for the whole number",
        ),
        (
            "create_booking",
            with(book.clone(), "customer_name", "123"),
            "invalid_name: customer_name \"123\" is no name of at most 120 signs with a letter in it, expected the guest's full name; ask the guest for it",
        ),
        (
            "create_booking",
            with(book.clone(), "customer_name", "  "),
            "missing_argument: customer_name is missing, expected a text; ask the guest for their name",
        ),
        (
            "create_booking",
            with(book.clone(), "dates", "tomorrow"),
            "invalid_argument: dates \"tomorrow\" has the wrong type, expected an object with start_date and end_date; send it again as that",
        ),
        (
            "create_booking",
            with(book.clone(), "dates", json!({ "from": "2026-12-12" })),
            "unknown_argument: \"dates.from\" is no argument of this tool, expected start_date, end_date, check_in, check_out; leave it out or correct its name",
        ),
        (
            "create_booking",
            with(book.clone(), "dates", json!({ "check_in": "12 Dec", "check_out": "2026-12-14" })),
            "invalid_date: dates.check_in \"12 Dec\" is no date, expected YYYY-MM-DD, today is 2026-12-01; ask the guest for the arrival date",
        ),
        (
            "create_booking",
            with(book.clone(), "idempotency_key", json!({})),
            "invalid_argument: idempotency_key {} is no key, expected a text of 1 to 200 signs; send another key",
        ),
        (
            "find_bookings",
            json!({ "phone": "+351912345678", "include_past": "maybe" }),
            "invalid_argument: include_past \"maybe\" has the wrong type, expected true or false; send it again as that",
        ),
        (
            "cancel_booking",
            json!({}),
            "missing_argument: booking_id is missing, expected a text; call find_bookings and use the booking_id of the guest's booking",
        ),
    ];
    for (tool, arguments, expected) in cases {
        assert_eq!(desk.call(tool, arguments.clone()).await, Err(expected.to_owned()), "{tool} {arguments}");
    }
    assert_eq!(desk.hotel.bookings().await.unwrap().len(), 0);
}

#[tokio::test]
async fn nulls_and_empty_texts_are_nothing_and_numbers_may_be_spelled() {
    let desk = Desk::new().await;
    let wish = json!({
        "start_date": "2026-12-12", "end_date": "2026-12-14", "room_type": "", "view": null, "guests": "2",
    });
    let found = desk.done("get_room_availability", wish).await;
    assert_eq!(found["rooms"].as_array().unwrap().len(), 10);
    let children = json!({
        "start_date": "2026-12-12", "end_date": "2026-12-14", "guests": { "adults": "2", "children": null },
    });
    desk.done("get_room_availability", children).await;
}

#[tokio::test]
async fn a_long_or_strange_value_is_cut_before_it_is_said_back() {
    let desk = Desk::new().await;
    let wish = json!({ "start_date": format!("{}\u{7}", "x".repeat(5_000)), "end_date": "2026-12-14" });
    let text = desk.refused("invalid_date", "get_room_availability", wish).await;
    assert!(text.len() < 300 && text.contains('…') && !text.contains('\u{7}'), "{text}");
    for (tool, field) in [("cancel_booking", "booking_id"), ("get_hotel_info", "topic")] {
        let endless = json!({ field: "y".repeat(5_000) });
        let text = desk.refused("invalid_argument", tool, endless).await;
        assert!(text.len() < 300 && text.contains("at most 300"), "{text}");
    }
}
