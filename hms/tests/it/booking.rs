//! Selling rooms, once.

use serde_json::{Value, json};

use crate::desk::{Desk, ana, with, without};
use crate::place::Place;

#[tokio::test]
async fn a_booking_says_everything_the_guest_must_know() {
    for place in Place::all().await {
        let desk = Desk::at(&place).await;
        let booking =
            desk.done("create_booking", with(ana("204", "2026-12-12", "2026-12-14"), "guests", 2)).await;
        assert_eq!(booking["status"], "confirmed");
        assert_eq!(booking["customer_name"], "Ana García López");
        assert_eq!(booking["phone_number"], "+351912345678");
        assert_eq!(booking["room_name"], "Double, sea view");
        assert_eq!((&booking["room_id"], &booking["room_number"]), (&json!("204"), &json!("204")));
        assert_eq!(
            (&booking["start_date"], &booking["end_date"]),
            (&json!("2026-12-12"), &json!("2026-12-14"))
        );
        assert_eq!(booking["total"], json!({ "minor": 28800, "currency": "EUR" }));
        assert_eq!(booking["guests"], json!({ "adults": 2, "children": 0 }));
        assert_eq!(booking["reference"].as_str().unwrap().len(), 6);
        let listed = desk.hotel.bookings().await.unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!(json!(listed[0].booking_id), booking["booking_id"]);
        assert_eq!(listed[0].nights, 2);
    }
}

#[tokio::test]
async fn dates_may_be_given_in_three_ways() {
    let desk = Desk::new().await;
    let plain = without(ana("203", "x", "x"), "dates");
    let fields = with(with(plain.clone(), "start_date", "2026-12-02"), "end_date", "2026-12-03");
    assert_eq!(desk.done("create_booking", fields).await["nights"], 1);
    let stay = with(plain.clone(), "dates", json!({ "check_in": "2026-12-03", "check_out": "2026-12-04" }));
    assert_eq!(desk.done("create_booking", stay).await["start_date"], "2026-12-03");
    let text = desk.refused("missing_argument", "create_booking", plain.clone()).await;
    assert!(text.contains("start_date") && text.contains("today is 2026-12-01"), "{text}");
    let both = with(ana("203", "2026-12-05", "2026-12-06"), "start_date", "2026-12-05");
    desk.refused("invalid_argument", "create_booking", both).await;
    let twice = with(
        plain,
        "dates",
        json!({ "check_in": "2026-12-05", "start_date": "2026-12-06", "end_date": "2026-12-07" }),
    );
    desk.refused("invalid_argument", "create_booking", twice).await;
}

#[tokio::test]
async fn back_to_back_stays_share_a_day_and_overlapping_ones_do_not() {
    for place in Place::all().await {
        let desk = Desk::at(&place).await;
        desk.book("204", "2026-12-12", "2026-12-14").await;
        desk.book("204", "2026-12-14", "2026-12-15").await;
        desk.book("204", "2026-12-10", "2026-12-12").await;
        for (start, end) in
            [("2026-12-11", "2026-12-13"), ("2026-12-13", "2026-12-20"), ("2026-12-09", "2026-12-18")]
        {
            let text = desk.refused("room_unavailable", "create_booking", ana("204", start, end)).await;
            assert!(text.contains("room_id \"204\" (Double, sea view) is taken"), "{text}");
            assert!(text.contains("room_id \"203\" (Double, sea view, EUR "), "{text}");
        }
        assert_eq!(desk.hotel.bookings().await.unwrap().len(), 3);
    }
}

#[tokio::test]
async fn a_refusal_names_near_dates_when_the_house_is_full() {
    let desk = Desk::new().await;
    for room in desk.hotel.listing().await.unwrap().rooms {
        desk.book(&room.room_id, "2026-12-12", "2026-12-13").await;
    }
    let text =
        desk.refused("room_unavailable", "create_booking", ana("204", "2026-12-12", "2026-12-13")).await;
    assert!(text.contains("nothing else is free for these dates, but: "), "{text}");
    assert!(text.contains("13–14 Dec (EUR "), "{text}");
}

#[tokio::test]
async fn the_same_key_books_once_and_answers_the_same() {
    for place in Place::all().await {
        let desk = Desk::at(&place).await;
        let wanted = with(ana("204", "2026-12-12", "2026-12-14"), "idempotency_key", "call-1");
        let first = desk.done("create_booking", wanted.clone()).await;
        assert_eq!(desk.done("create_booking", wanted.clone()).await, first);
        // The same wish in other words is the same call.
        let same = with(
            with(without(wanted.clone(), "dates"), "start_date", "2026-12-12"),
            "end_date",
            "2026-12-14",
        );
        let same = with(same, "phone_number", "912 345 678");
        assert_eq!(desk.done("create_booking", same).await, first);
        // And the key may come with the request instead.
        let plain = ana("204", "2026-12-12", "2026-12-14");
        let meta = json!({ "idempotency_key": "call-1" });
        assert_eq!(desk.call_with_meta("create_booking", plain, Some(meta)).await.unwrap(), first);
        // A cancellation in between does not make the repetition book again.
        desk.done("cancel_booking", json!({ "booking_id": first["booking_id"] })).await;
        assert_eq!(desk.done("create_booking", wanted).await, first);
        assert_eq!(desk.hotel.bookings().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn the_same_key_for_another_wish_is_a_conflict() {
    for place in Place::all().await {
        let desk = Desk::at(&place).await;
        let wanted = with(ana("204", "2026-12-12", "2026-12-14"), "idempotency_key", "call-1");
        let booked = desk.done("create_booking", wanted.clone()).await;
        let text =
            desk.refused("idempotency_conflict", "create_booking", with(wanted, "room_id", "203")).await;
        assert!(text.contains("\"call-1\""), "{text}");
        let cancel = json!({ "booking_id": booked["booking_id"], "idempotency_key": "call-1" });
        desk.refused("idempotency_conflict", "cancel_booking", cancel).await;
        assert_eq!(desk.hotel.bookings().await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_refused_call_leaves_its_key_free() {
    let desk = Desk::new().await;
    let first = desk.book("204", "2026-12-12", "2026-12-14").await;
    let wanted = with(ana("204", "2026-12-12", "2026-12-14"), "idempotency_key", "call-2");
    desk.refused("room_unavailable", "create_booking", wanted.clone()).await;
    desk.done("cancel_booking", json!({ "booking_id": first["booking_id"] })).await;
    desk.done("create_booking", wanted).await;
}

#[tokio::test]
async fn a_room_is_not_sold_to_more_people_than_it_holds() {
    let desk = Desk::new().await;
    let text = desk
        .refused(
            "party_too_large",
            "create_booking",
            with(ana("204", "2026-12-12", "2026-12-14"), "guests", 3),
        )
        .await;
    assert!(
        text.contains("3 adults") && text.contains("at most 2") && text.contains("family or suite"),
        "{text}"
    );
    let text = desk
        .refused(
            "party_too_large",
            "quote_stay",
            json!({
                "room_id": "306", "start_date": "2026-12-12", "end_date": "2026-12-14", "guests": 6,
            }),
        )
        .await;
    assert!(text.contains("no room is large enough"), "{text}");
}

#[tokio::test]
async fn one_number_and_name_is_one_customer_in_any_spelling() {
    for place in Place::all().await {
        let desk = Desk::at(&place).await;
        desk.book("204", "2026-12-12", "2026-12-14").await;
        let again = with(
            with(ana("203", "2026-12-12", "2026-12-14"), "customer_name", "ANA  GARCIA LOPEZ"),
            "phone_number",
            "912345678",
        );
        desk.done("create_booking", again).await;
        desk.done(
            "create_booking",
            with(ana("303", "2026-12-12", "2026-12-14"), "customer_name", "Rui Alves"),
        )
        .await;
        let found = desk.done("find_bookings", json!({ "phone": "+351912345678" })).await;
        assert_eq!(found["bookings"].as_array().unwrap().len(), 3);
        assert_eq!(crate::storage::count(&place, "customers", &desk).await, 2);
    }
}

#[tokio::test]
async fn a_room_nobody_has_is_unknown_and_said_so() {
    let desk = Desk::new().await;
    let text = desk.refused("unknown_room", "create_booking", ana("999", "2026-12-12", "2026-12-14")).await;
    assert!(text.contains("\"999\"") && text.contains("101 to 406"), "{text}");
    let number = with(ana("204", "2026-12-12", "2026-12-14"), "room_id", Value::from(204));
    assert_eq!(desk.done("create_booking", number).await["room_id"], "204");
}
