//! Giving bookings up.

use chrono::TimeDelta;
use serde_json::json;

use crate::desk::{Desk, ana, with};
use crate::place::Place;

#[tokio::test]
async fn a_cancellation_frees_exactly_its_nights() {
    for place in Place::all().await {
        let desk = Desk::at(&place).await;
        let before = desk.free("2026-12-10", "2026-12-16").await;
        desk.book("204", "2026-12-10", "2026-12-12").await;
        let with_one = desk.free("2026-12-10", "2026-12-16").await;
        let second = desk.book("204", "2026-12-12", "2026-12-14").await;
        let cancelled = desk.done("cancel_booking", json!({ "booking_id": second["booking_id"] })).await;
        assert_eq!(cancelled["status"], "cancelled");
        assert_eq!(cancelled["reference"], second["reference"]);
        assert_eq!(cancelled["fee"], json!({ "minor": 0, "currency": "EUR" }));
        assert_eq!(desk.free("2026-12-10", "2026-12-16").await, with_one);
        assert_ne!(with_one, before);
        desk.book("204", "2026-12-12", "2026-12-14").await;
    }
}

#[tokio::test]
async fn cancelling_twice_answers_the_same_and_is_recorded_once() {
    for place in Place::all().await {
        let desk = Desk::at(&place).await;
        let booking = desk.book("204", "2026-12-12", "2026-12-14").await;
        let cancel = json!({ "booking_id": booking["booking_id"] });
        let first = desk.done("cancel_booking", cancel.clone()).await;
        desk.advance(TimeDelta::days(10));
        assert_eq!(desk.done("cancel_booking", cancel.clone()).await, first);
        assert_eq!(desk.done("cancel_booking", with(cancel, "idempotency_key", "c-1")).await, first);
        assert_eq!(crate::storage::count(&place, "audit_log", &desk).await, 2);
    }
}

#[tokio::test]
async fn cancelling_costs_the_first_night_after_the_free_time_and_find_says_so_before() {
    let desk = Desk::new().await;
    let booking = desk.book("204", "2026-12-12", "2026-12-15").await;
    let fee_found = async || {
        let found = desk.done("find_bookings", json!({ "phone": "+351912345678" })).await;
        found["bookings"][0]["cancellation_fee"]["minor"].as_i64().unwrap()
    };
    let until = "2026-12-10T18:00:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap();
    desk.advance(until - crate::desk::nine_o_clock());
    assert_eq!(fee_found().await, 0);
    desk.advance(TimeDelta::seconds(1));
    assert_eq!(fee_found().await, 14_000);
    let cancelled = desk.done("cancel_booking", json!({ "booking_id": booking["booking_id"] })).await;
    assert_eq!(cancelled["fee"]["minor"], 14_000);
}

#[tokio::test]
async fn a_stay_that_began_is_not_cancelled_by_a_tool() {
    let desk = Desk::new().await;
    let booking = desk.book("204", "2026-12-02", "2026-12-05").await;
    let cancel = json!({ "booking_id": booking["booking_id"] });
    desk.advance(TimeDelta::days(2));
    let text = desk.refused("stay_started", "cancel_booking", cancel).await;
    assert!(
        text.contains(booking["reference"].as_str().unwrap()) && text.contains("+351210009124"),
        "{text}"
    );
}

#[tokio::test]
async fn a_booking_nobody_made_is_not_found_and_a_reference_is_no_id() {
    let desk = Desk::new().await;
    let booking = desk.book("204", "2026-12-12", "2026-12-14").await;
    for id in [json!("bk_0"), booking["reference"].clone(), json!("' OR 1=1 --")] {
        let text = desk.refused("booking_not_found", "cancel_booking", json!({ "booking_id": id })).await;
        assert!(text.contains("find_bookings"), "{text}");
    }
    assert_eq!(desk.hotel.bookings().await.unwrap()[0].status, innkeeper_hms::BookingStatus::Confirmed);
}

#[tokio::test]
async fn a_key_repeats_a_cancellation_and_another_booking_under_it_is_a_conflict() {
    let desk = Desk::new().await;
    let one = desk.book("204", "2026-12-12", "2026-12-14").await;
    let other = desk.done("create_booking", ana("203", "2026-12-12", "2026-12-14")).await;
    let cancel = json!({ "booking_id": one["booking_id"], "idempotency_key": "c-1" });
    let first = desk.done("cancel_booking", cancel.clone()).await;
    assert_eq!(desk.done("cancel_booking", cancel.clone()).await, first);
    let conflict = with(cancel, "booking_id", other["booking_id"].clone());
    desk.refused("idempotency_conflict", "cancel_booking", conflict).await;
}
