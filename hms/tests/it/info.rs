//! What there is to know.

use serde_json::{Value, json};

use crate::desk::Desk;

fn topics(info: &Value) -> Vec<&str> {
    info["questions"].as_array().unwrap().iter().map(|question| question["topic"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_hotel_tells_who_where_and_when_it_is() {
    let desk = Desk::new().await;
    let info = desk.done("get_hotel_info", json!({})).await;
    assert_eq!(info["name"], "Lantern Bay Hotel");
    assert_eq!(info["time_zone"], "Europe/Lisbon");
    assert_eq!(info["currency"], "EUR");
    assert_eq!(info["business_date"], "2026-12-01");
    assert_eq!((&info["check_in_time"], &info["check_out_time"]), (&json!("15:00"), &json!("11:00")));
    let types: Vec<(&str, u64)> = info["room_types"]
        .as_array()
        .unwrap()
        .iter()
        .map(|kind| (kind["code"].as_str().unwrap(), kind["rooms"].as_u64().unwrap()))
        .collect();
    assert_eq!(types, [("single", 5), ("double", 8), ("twin", 5), ("family", 4), ("suite", 2)]);
    assert!(topics(&info).len() >= 25);
}

#[tokio::test]
async fn a_topic_finds_its_answer_by_name_or_by_the_guests_words() {
    let desk = Desk::new().await;
    for (asked, topic) in [
        ("parking", "parking"),
        ("Pets", "pets"),
        ("can I bring my dog?", "pets"),
        ("what time is breakfast", "breakfast"),
        ("Wi-Fi", "wifi"),
        ("where can I leave my suitcase", "luggage"),
        ("late checkout", "late_check_out"),
        ("early check-in", "early_check_in"),
        ("is there a lift", "accessibility"),
        ("do you have room service", "room_service"),
    ] {
        let info = desk.done("get_hotel_info", json!({ "topic": asked })).await;
        assert_eq!(topics(&info).first(), Some(&topic), "{asked}: {:?}", topics(&info));
        let answer = &info["questions"][0];
        assert!(answer["short_answer"].as_str().unwrap().split(' ').count() < 30, "{answer}");
    }
    let unknown = desk.done("get_hotel_info", json!({ "topic": "helicopters" })).await;
    assert_eq!(topics(&unknown), [""; 0]);
    assert_eq!(unknown["name"], "Lantern Bay Hotel");
}

#[tokio::test]
async fn the_house_has_twenty_four_rooms_with_all_their_facts() {
    let desk = Desk::new().await;
    let listing = desk.hotel.listing().await.unwrap();
    assert_eq!(listing.rooms.len(), 24);
    let mut views: Vec<&str> = listing.rooms.iter().map(|room| room.view.as_str()).collect();
    views.sort_unstable();
    views.dedup();
    assert_eq!(views, ["city", "garden", "sea"]);
    assert!(listing.rooms.iter().all(|room| room.number.starts_with(&room.floor.to_string())));
    let accessible: Vec<&str> =
        listing.rooms.iter().filter(|room| room.accessible).map(|room| room.number.as_str()).collect();
    assert_eq!(accessible, ["103", "105", "203"]);
    let json = serde_json::to_value(&listing).unwrap();
    assert_eq!(json["rooms"][0]["room_id"], "101");
}
