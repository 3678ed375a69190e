//! Whose bookings are shown to whom.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::desk::{Desk, ana, with};
use crate::place::Place;

fn references(found: &Value) -> Vec<String> {
    let bookings = found["bookings"].as_array().unwrap();
    bookings.iter().map(|booking| booking["reference"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_number_finds_its_own_bookings_in_any_spelling_and_no_others() {
    for place in Place::all().await {
        let desk = Desk::at(&place).await;
        let later = desk.book("204", "2026-12-20", "2026-12-22").await;
        let sooner = desk.book("204", "2026-12-12", "2026-12-14").await;
        desk.done(
            "create_booking",
            with(ana("203", "2026-12-12", "2026-12-14"), "phone_number", "+351911111111"),
        )
        .await;
        let expected = [&sooner, &later].map(|booking| booking["reference"].as_str().unwrap().to_owned());
        for phone in ["+351 912 345 678", "912345678", "00351 912345678"] {
            let found = desk.done("find_bookings", json!({ "phone": phone })).await;
            assert_eq!(references(&found), expected, "{phone}");
        }
        assert_eq!(
            references(&desk.done("find_bookings", json!({ "phone": "+351933333333" })).await),
            [""; 0]
        );
    }
}

#[tokio::test]
async fn a_reference_opens_a_booking_only_together_with_the_surname() {
    for place in Place::all().await {
        let desk = Desk::at(&place).await;
        let booking = desk.book("204", "2026-12-12", "2026-12-14").await;
        let reference = booking["reference"].as_str().unwrap().to_owned();
        let spoken = reference.to_lowercase().chars().map(|sign| format!("{sign} ")).collect::<String>();
        for surname in ["López", "LOPEZ", "garcia lopez", "García"] {
            let found =
                desk.done("find_bookings", json!({ "reference": spoken.clone(), "surname": surname })).await;
            assert_eq!(references(&found), std::slice::from_ref(&reference), "{surname}");
        }
        for surname in ["Ana", "Alves", "Lo", "%", "-"] {
            let found =
                desk.done("find_bookings", json!({ "reference": reference, "surname": surname })).await;
            assert_eq!(references(&found), [""; 0], "{surname}");
        }
        for too_little in [json!({}), json!({ "reference": reference }), json!({ "surname": "López" })] {
            let text = desk.refused("missing_argument", "find_bookings", too_little).await;
            assert!(text.contains("reference together with surname"), "{text}");
        }
        let other_number = json!({ "phone": "+351911111111", "reference": reference });
        assert_eq!(references(&desk.done("find_bookings", other_number).await), [""; 0]);
    }
}

#[tokio::test]
async fn only_stays_to_come_are_shown_unless_the_past_is_asked_for() {
    let desk = Desk::new().await;
    let over = desk.book("204", "2026-12-02", "2026-12-03").await;
    let given_up = desk.book("204", "2026-12-12", "2026-12-14").await;
    let to_come = desk.book("204", "2026-12-20", "2026-12-22").await;
    desk.done("cancel_booking", json!({ "booking_id": given_up["booking_id"] })).await;
    let by_phone = json!({ "phone": "+351912345678" });
    desk.advance(TimeDelta::days(2));
    assert_eq!(references(&desk.done("find_bookings", by_phone.clone()).await).len(), 2);
    desk.advance(TimeDelta::days(1));
    assert_eq!(
        references(&desk.done("find_bookings", by_phone.clone()).await),
        [to_come["reference"].as_str().unwrap()]
    );
    let all = desk.done("find_bookings", with(by_phone, "include_past", true)).await;
    assert_eq!(references(&all).len(), 3);
    let statuses: Vec<&str> = all["bookings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|booking| booking["status"].as_str().unwrap())
        .collect();
    assert_eq!(statuses, ["confirmed", "cancelled", "confirmed"]);
    assert_eq!(all["bookings"][0]["reference"], over["reference"]);
}

#[tokio::test]
async fn a_found_booking_shows_what_was_booked() {
    let desk = Desk::new().await;
    let booking = desk
        .done(
            "create_booking",
            with(ana("306", "2026-12-12", "2026-12-14"), "guests", json!({ "adults": 2, "children": 2 })),
        )
        .await;
    let found = desk.done("find_bookings", json!({ "phone": "912345678" })).await;
    assert_eq!(
        found["bookings"],
        json!([{
            "booking_id": booking["booking_id"], "reference": booking["reference"],
            "customer_name": "Ana García López", "room_name": "Family, sea view", "room_number": "306",
            "room_type": "family", "view": "sea", "start_date": "2026-12-12", "end_date": "2026-12-14",
            "guests": { "adults": 2, "children": 2 }, "total": { "minor": 38800, "currency": "EUR" },
            "status": "confirmed", "cancellation_fee": { "minor": 0, "currency": "EUR" },
        }])
    );
}
