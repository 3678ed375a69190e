//! Prices that are promised and kept.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::desk::{Desk, ana, with, without};
use crate::place::Place;

fn stay(room: &str) -> Value {
    json!({ "room_id": room, "start_date": "2026-12-12", "end_date": "2026-12-14", "guests": 2 })
}

#[tokio::test]
async fn a_quote_is_the_sum_of_its_nights_and_the_taxes_on_top() {
    let desk = Desk::new().await;
    let quote = desk.done("quote_stay", stay("204")).await;
    let minor = |money: &Value| money["minor"].as_i64().unwrap();
    let nights: i64 = quote["lines"].as_array().unwrap().iter().map(|line| minor(&line["price"])).sum();
    assert_eq!(nights, 28_000);
    assert_eq!(minor(&quote["accommodation"]), nights);
    assert_eq!(
        quote["taxes"],
        json!([
            { "code": "vat", "name": "VAT 6 %", "amount": { "minor": 1585, "currency": "EUR" }, "included": true },
            {
                "code": "city_tax", "name": "City tax, 2 euros per adult and night",
                "amount": { "minor": 800, "currency": "EUR" }, "included": false,
            },
        ])
    );
    assert_eq!(minor(&quote["total"]), nights + 800);
    assert_eq!(minor(&quote["nightly"]), (nights + 800) / 2);
    assert_eq!(quote["currency"], "EUR");
    assert_eq!(quote["expires_at"], "2026-12-01T09:30:00Z");
    assert_eq!(quote["cancellation"]["free_until"], "2026-12-10T18:00:00Z");
    assert_eq!(minor(&quote["cancellation"]["fee_after"]), 14_000);
}

#[tokio::test]
async fn what_is_offered_is_what_is_quoted_is_what_is_booked() {
    let desk = Desk::new().await;
    let wish = json!({ "start_date": "2027-06-12", "end_date": "2027-06-22", "guests": { "adults": 2, "children": 1 } });
    let found = desk.done("get_room_availability", wish.clone()).await;
    assert!(!found["rooms"].as_array().unwrap().is_empty());
    for offer in found["rooms"].as_array().unwrap() {
        let asked = with(wish.clone(), "room_id", offer["room_id"].clone());
        let quote = desk.done("quote_stay", asked.clone()).await;
        assert_eq!((&quote["total"], &quote["nightly"]), (&offer["total"], &offer["nightly"]));
        let booking = with(with(asked, "customer_name", "Rui Alves"), "phone_number", "+351911111111");
        let booking = desk.done("create_booking", with(booking, "quote_id", quote["quote_id"].clone())).await;
        assert_eq!(booking["total"], offer["total"]);
        assert_eq!(booking["guests"], json!({ "adults": 2, "children": 1 }));
    }
}

#[tokio::test]
async fn the_city_tax_ends_after_seven_nights() {
    let desk = Desk::new().await;
    let tax = async |end: &str| {
        let asked = json!({ "room_id": "101", "start_date": "2027-02-01", "end_date": end });
        desk.done("quote_stay", asked).await["taxes"][1]["amount"]["minor"].as_i64().unwrap()
    };
    assert_eq!(tax("2027-02-07").await, 6 * 200);
    assert_eq!(tax("2027-02-08").await, 7 * 200);
    assert_eq!(tax("2027-02-15").await, 7 * 200);
}

#[tokio::test]
async fn a_quote_without_guests_is_for_two_or_for_one_in_a_single() {
    let desk = Desk::new().await;
    assert_eq!(desk.done("quote_stay", without(stay("204"), "guests")).await["guests"]["adults"], 2);
    assert_eq!(desk.done("quote_stay", without(stay("101"), "guests")).await["guests"]["adults"], 1);
}

#[tokio::test]
async fn an_expired_quote_books_nothing_and_says_to_ask_again() {
    for place in Place::all().await {
        let desk = Desk::at(&place).await;
        let quote = desk.done("quote_stay", stay("204")).await;
        let wanted = with(ana("204", "2026-12-12", "2026-12-14"), "quote_id", quote["quote_id"].clone());
        desk.advance(TimeDelta::seconds(30 * 60 + 1));
        let text = desk.refused("quote_expired", "create_booking", wanted.clone()).await;
        assert!(text.contains("2026-12-01T09:30:00Z") && text.contains("quote_stay"), "{text}");
        assert_eq!(desk.hotel.bookings().await.unwrap().len(), 0);
        desk.advance(TimeDelta::seconds(-1));
        desk.done("create_booking", wanted).await;
    }
}

#[tokio::test]
async fn a_quote_for_something_else_is_a_mismatch_that_names_the_field() {
    let desk = Desk::new().await;
    let quote = desk.done("quote_stay", stay("204")).await["quote_id"].clone();
    let wanted = |room: &str, start: &str, end: &str| with(ana(room, start, end), "quote_id", quote.clone());
    let cases = [
        ("room_id", wanted("203", "2026-12-12", "2026-12-14")),
        ("start_date", wanted("204", "2026-12-11", "2026-12-14")),
        ("end_date", wanted("204", "2026-12-12", "2026-12-15")),
        ("guests", with(wanted("204", "2026-12-12", "2026-12-14"), "guests", 1)),
    ];
    for (field, arguments) in cases {
        let text = desk.refused("quote_mismatch", "create_booking", arguments).await;
        assert!(text.starts_with(&format!("quote_mismatch: {field} ")), "{text}");
    }
    assert_eq!(desk.hotel.bookings().await.unwrap().len(), 0);
}

#[tokio::test]
async fn an_invented_or_altered_quote_is_unknown() {
    let desk = Desk::new().await;
    let quote = desk.done("quote_stay", stay("204")).await["quote_id"].as_str().unwrap().to_owned();
    assert!(quote.contains(".28800."), "{quote}");
    for forged in [quote.replace(".28800.", ".00100."), "q-1".to_owned(), format!("{quote}0")] {
        let wanted = with(ana("204", "2026-12-12", "2026-12-14"), "quote_id", forged);
        desk.refused("unknown_quote", "create_booking", wanted).await;
    }
}

#[tokio::test]
async fn a_quote_works_once_for_one_room() {
    let desk = Desk::new().await;
    let quote = desk.done("quote_stay", stay("204")).await["quote_id"].clone();
    let wanted = with(ana("204", "2026-12-12", "2026-12-14"), "quote_id", quote);
    let booked = desk.done("create_booking", wanted.clone()).await;
    desk.refused("room_unavailable", "create_booking", wanted.clone()).await;
    desk.done("cancel_booking", json!({ "booking_id": booked["booking_id"] })).await;
    let text = desk.refused("quote_used", "create_booking", wanted).await;
    assert!(text.contains("quote_stay"), "{text}");
}

#[tokio::test]
async fn a_taken_room_is_not_quoted_but_another_is_named() {
    let desk = Desk::new().await;
    desk.book("204", "2026-12-13", "2026-12-14").await;
    let text = desk.refused("room_unavailable", "quote_stay", stay("204")).await;
    assert!(text.contains("room_id \"203\" (Double, sea view, EUR 288.00)"), "{text}");
}
