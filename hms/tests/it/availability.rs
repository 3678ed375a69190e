//! What is free, and what is near.

use chrono::TimeDelta;
use serde_json::{Value, json};

use crate::desk::{Desk, with};

fn december(from: u32, to: u32) -> Value {
    json!({ "start_date": format!("2026-12-{from:02}"), "end_date": format!("2026-12-{to:02}") })
}

#[tokio::test]
async fn an_empty_hotel_offers_every_type_and_view_once() {
    let desk = Desk::new().await;
    let found = desk.done("get_room_availability", december(12, 14)).await;
    let rooms = found["rooms"].as_array().unwrap();
    let ids: Vec<&str> = rooms.iter().map(|room| room["offer_id"].as_str().unwrap()).collect();
    assert_eq!(
        ids,
        [
            "single-city",
            "single-garden",
            "single-sea",
            "double-city",
            "double-garden",
            "double-sea",
            "twin-city",
            "twin-garden",
            "twin-sea",
            "family-garden",
            "family-sea",
            "suite-garden",
            "suite-sea",
        ]
    );
    let free: u64 = rooms.iter().map(|room| room["free"].as_u64().unwrap()).sum();
    assert_eq!(free, 24);
    assert_eq!(found["alternatives"], json!([]));
    assert_eq!(found.get("reason"), None);
    assert_eq!(
        rooms[5],
        json!({
            "offer_id": "double-sea", "room_id": "203", "room_type": "double", "name": "Double, sea view",
            "view": "sea", "max_guests": 2, "free": 4, "nightly": { "minor": 14400, "currency": "EUR" },
            "total": { "minor": 28800, "currency": "EUR" },
        })
    );
}

#[tokio::test]
async fn a_room_type_and_a_view_are_understood_as_people_say_them() {
    let desk = Desk::new().await;
    for (room_type, view) in
        [("double", "sea"), ("Double room", "Sea view"), ("DOUBLES", "SEA"), ("double", "sea views")]
    {
        let wish = with(with(december(12, 14), "room_type", room_type), "view", view);
        let found = desk.done("get_room_availability", wish).await;
        assert_eq!(found["rooms"].as_array().unwrap().len(), 1, "{room_type} {view}");
        assert_eq!(found["rooms"][0]["offer_id"], "double-sea");
    }
    let text = desk
        .refused("unknown_room_type", "get_room_availability", with(december(12, 14), "room_type", "igloo"))
        .await;
    assert!(text.contains("\"igloo\"") && text.contains("single, double, twin, family, suite"), "{text}");
    let text =
        desk.refused("unknown_view", "get_room_availability", with(december(12, 14), "view", "moon")).await;
    assert!(text.contains("city, garden, sea"), "{text}");
}

#[tokio::test]
async fn guests_are_a_number_or_adults_and_children_and_decide_size_and_price() {
    let desk = Desk::new().await;
    let four = desk.done("get_room_availability", with(december(12, 14), "guests", 4)).await;
    let family = desk
        .done(
            "get_room_availability",
            with(december(12, 14), "guests", json!({ "adults": 2, "children": 2 })),
        )
        .await;
    let names = |found: &Value| -> Vec<String> {
        found["rooms"]
            .as_array()
            .unwrap()
            .iter()
            .map(|room| room["offer_id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&four), ["family-garden", "family-sea", "suite-garden", "suite-sea"]);
    assert_eq!(names(&family), names(&four));
    // Children pay no city tax: two adults less for two nights of two euros.
    let total = |found: &Value| found["rooms"][0]["total"]["minor"].as_i64().unwrap();
    assert_eq!(total(&four) - total(&family), 2 * 2 * 200);
}

#[tokio::test]
async fn a_taken_room_is_not_counted_and_another_is_named() {
    let desk = Desk::new().await;
    desk.book("203", "2026-12-12", "2026-12-14").await;
    let wish = with(with(december(13, 15), "room_type", "double"), "view", "sea");
    let found = desk.done("get_room_availability", wish).await;
    assert_eq!(found["rooms"][0]["free"], 3);
    assert_eq!(found["rooms"][0]["room_id"], "204");
}

#[tokio::test]
async fn a_sold_out_view_is_a_reason_and_other_views_come_first() {
    let desk = Desk::new().await;
    for room in ["203", "204", "303", "304"] {
        desk.book(room, "2026-12-12", "2026-12-14").await;
    }
    let wish = with(with(december(12, 14), "room_type", "double"), "view", "sea");
    let found = desk.done("get_room_availability", wish).await;
    assert_eq!(found["rooms"], json!([]));
    assert_eq!(found["reason"], "view_unavailable");
    let names: Vec<&str> =
        found["alternatives"].as_array().unwrap().iter().map(|near| near["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "Double, city view, 12–14 Dec",
            "Double, garden view, 12–14 Dec",
            "Twin, sea view, 12–14 Dec",
            "Double, sea view, 14–16 Dec",
            "Double, sea view, 10–12 Dec",
            "Double, sea view, 15–17 Dec",
        ]
    );
    assert_eq!(
        found["alternatives"][3],
        json!({
            "alternative_id": "double-sea:2026-12-14:2026-12-16", "name": "Double, sea view, 14–16 Dec",
            "room_type": "double", "view": "sea", "stay": { "check_in": "2026-12-14", "check_out": "2026-12-16" },
            "max_guests": 2, "free": 4, "nightly": { "minor": 14400, "currency": "EUR" },
            "total": { "minor": 28800, "currency": "EUR" },
        })
    );
}

#[tokio::test]
async fn a_sold_out_type_says_none_free_and_never_names_the_past() {
    let desk = Desk::new().await;
    for room in ["405", "406"] {
        desk.book(room, "2026-12-02", "2026-12-12").await;
    }
    let found = desk.done("get_room_availability", with(december(2, 4), "room_type", "suite")).await;
    assert_eq!(found["reason"], "none_free");
    let stays: Vec<(&str, &str)> = found["alternatives"]
        .as_array()
        .unwrap()
        .iter()
        .map(|near| (near["room_type"].as_str().unwrap(), near["stay"]["check_in"].as_str().unwrap()))
        .collect();
    assert!(stays.contains(&("suite", "2026-12-12")), "{stays:?}");
    assert!(stays.iter().all(|(_, check_in)| *check_in >= "2026-12-01"), "{stays:?}");
}

#[tokio::test]
async fn a_party_that_fits_no_room_of_the_type_is_shown_larger_ones() {
    let desk = Desk::new().await;
    let wish = with(with(december(12, 14), "room_type", "double"), "guests", 3);
    let found = desk.done("get_room_availability", wish).await;
    assert_eq!(found["reason"], "party_too_large");
    assert_eq!(found["alternatives"][0]["room_type"], "family");
    let nowhere = desk.done("get_room_availability", with(december(12, 14), "guests", 12)).await;
    assert_eq!(nowhere["reason"], "party_too_large");
    assert_eq!(nowhere["alternatives"], json!([]));
}

#[tokio::test]
async fn a_view_that_no_such_room_has_is_view_unavailable() {
    let desk = Desk::new().await;
    let found = desk
        .done("get_room_availability", with(with(december(12, 14), "room_type", "suite"), "view", "city"))
        .await;
    assert_eq!(found["reason"], "view_unavailable");
    assert_eq!(found["alternatives"][0]["room_type"], "suite");
}

#[tokio::test]
async fn nobody_arrives_at_christmas_and_new_year_takes_two_nights() {
    let desk = Desk::new().await;
    let christmas = desk.done("get_room_availability", december(25, 27)).await;
    assert_eq!(christmas["reason"], "restricted");
    assert!(!christmas["alternatives"].as_array().unwrap().is_empty());
    let eve =
        json!({ "start_date": "2026-12-31", "end_date": "2027-01-01", "room_type": "double", "view": "sea" });
    let new_year = desk.done("get_room_availability", eve).await;
    assert_eq!(new_year["reason"], "restricted");
    assert_eq!(new_year["alternatives"][0]["name"], "Double, sea view, 31 Dec–2 Jan");
    let over_christmas = desk.done("get_room_availability", december(24, 27)).await;
    assert_eq!(over_christmas["rooms"].as_array().unwrap().len(), 13);
    let text = desk
        .refused(
            "restricted",
            "quote_stay",
            json!({ "room_id": "203", "start_date": "2026-12-31", "end_date": "2027-01-01" }),
        )
        .await;
    assert!(text.contains("at least 2 nights, not 1"), "{text}");
}

#[tokio::test]
async fn a_season_and_its_weekends_have_their_own_prices() {
    let desk = Desk::new().await;
    let nightly = async |start: &str, end: &str| {
        let wish = json!({ "start_date": start, "end_date": end, "room_type": "double", "view": "sea", "guests": 1 });
        desk.done("get_room_availability", wish).await["rooms"][0]["nightly"]["minor"].as_i64().unwrap()
    };
    assert_eq!(nightly("2027-02-01", "2027-02-02").await, 14_000 + 200);
    assert_eq!(nightly("2027-07-05", "2027-07-06").await, 21_000 + 200);
    assert_eq!(nightly("2027-07-09", "2027-07-10").await, 23_000 + 200);
    // A Thursday, a Friday and a Sunday-less third share 21000 + 23000 + 23000 and three levies.
    assert_eq!(nightly("2027-07-08", "2027-07-11").await, (67_000 + 600 + 1) / 3);
}

#[tokio::test]
async fn the_business_date_is_the_hotels_and_yesterday_is_past() {
    let desk = Desk::new().await;
    desk.done("get_room_availability", december(1, 2)).await;
    let text = desk
        .refused(
            "past_date",
            "get_room_availability",
            json!({ "start_date": "2026-11-30", "end_date": "2026-12-02" }),
        )
        .await;
    assert!(text.contains("\"2026-11-30\"") && text.contains("2026-12-01 (today"), "{text}");
    // In July Lisbon is an hour ahead: half past eleven at night in UTC is tomorrow.
    desk.advance(
        "2027-07-01T23:30:00Z".parse::<chrono::DateTime<chrono::Utc>>().unwrap()
            - crate::desk::nine_o_clock(),
    );
    assert_eq!(desk.done("get_hotel_info", json!({})).await["business_date"], "2027-07-02");
    desk.advance(TimeDelta::hours(-1));
    assert_eq!(desk.done("get_hotel_info", json!({})).await["business_date"], "2027-07-01");
}

#[tokio::test]
async fn any_year_has_prices_as_far_ahead_as_rooms_are_sold() {
    let desk = Desk::new().await;
    desk.done("get_room_availability", json!({ "start_date": "2028-02-28", "end_date": "2028-03-01" })).await;
    let far = json!({ "start_date": "2031-01-01", "end_date": "2031-01-02" });
    desk.refused("too_far_ahead", "get_room_availability", far.clone()).await;
    desk.advance(TimeDelta::days(3 * 365));
    let found = desk.done("get_room_availability", far).await;
    assert_eq!(found["rooms"].as_array().unwrap().len(), 13);
}
