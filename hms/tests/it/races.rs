//! Many callers at once.

use std::collections::HashSet;

use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::desk::{Desk, ana, checked, request, with};
use crate::place::Place;

const CALLERS: usize = 64;
const HOUSES: usize = 4;

/// The results of the same tool called by everybody at once, over several programs' connections.
async fn at_once(
    place: &Place,
    calls: Vec<(&'static str, Value)>,
) -> (Vec<Desk>, Vec<Result<Value, String>>) {
    let mut desks = Vec::new();
    for seed in 0..HOUSES as u64 {
        desks.push(Desk::seeded(place, seed).await);
    }
    let mut racing = JoinSet::new();
    for (place, (tool, arguments)) in calls.into_iter().enumerate() {
        let desk = &desks[place % HOUSES];
        let promised = desk.tools.iter().find(|known| known.name == tool).unwrap().clone();
        let peer = desk.peer();
        racing.spawn(
            async move { checked(&promised, peer.call_tool(request(tool, arguments)).await.unwrap()) },
        );
    }
    (desks, racing.join_all().await)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn sixty_four_callers_for_one_room_and_exactly_one_gets_it() {
    for place in Place::all().await {
        let caller = |number| {
            let wanted = with(
                ana("204", "2026-12-12", "2026-12-14"),
                "phone_number",
                format!("+3519123456{number:02}"),
            );
            ("create_booking", with(wanted, "idempotency_key", format!("caller-{number}")))
        };
        let (desks, results) = at_once(&place, (0..CALLERS).map(caller).collect()).await;
        let won = results.iter().filter(|result| result.is_ok()).count();
        assert_eq!((results.len(), won), (CALLERS, 1), "{:?}", place.kind);
        for text in results.into_iter().filter_map(Result::err) {
            assert!(text.starts_with("room_unavailable: room_id \"204\""), "{text}");
            assert!(text.contains("room_id \"203\" (Double, sea view, EUR 288.00)"), "no way on: {text}");
        }
        assert_eq!(desks[0].hotel.bookings().await.unwrap().len(), 1);
        assert_eq!(crate::storage::count(&place, "room_nights", &desks[0]).await, 2);
        assert_eq!(crate::storage::count(&place, "audit_log", &desks[0]).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn overlapping_stays_of_one_room_never_share_a_night() {
    for place in Place::all().await {
        let caller = |number: usize| {
            let (start, nights) = (2 + number % 12, 1 + number % 4);
            let (start, end) = (format!("2026-12-{start:02}"), format!("2026-12-{:02}", start + nights));
            ("create_booking", ana("204", &start, &end))
        };
        let (desks, _) = at_once(&place, (0..CALLERS).map(caller).collect()).await;
        let bookings = desks[0].hotel.bookings().await.unwrap();
        let nights: Vec<_> = bookings
            .iter()
            .flat_map(|booking| booking.start_date.iter_days().take(booking.nights as usize))
            .collect();
        assert_eq!(nights.iter().collect::<HashSet<_>>().len(), nights.len());
        assert!(!bookings.is_empty());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_key_sent_by_many_at_once_books_once_and_answers_all_the_same() {
    for place in Place::all().await {
        let wanted = with(ana("204", "2026-12-12", "2026-12-14"), "idempotency_key", "one");
        let calls = (0..CALLERS).map(|_| ("create_booking", wanted.clone())).collect();
        let (desks, results) = at_once(&place, calls).await;
        let answers: HashSet<String> =
            results.into_iter().map(|result| result.unwrap().to_string()).collect();
        assert_eq!(answers.len(), 1);
        assert_eq!(desks[0].hotel.bookings().await.unwrap().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_guest_booking_every_room_at_once_is_one_customer_with_all_of_them() {
    for place in Place::all().await {
        let rooms = Desk::at(&place).await.hotel.listing().await.unwrap().rooms;
        let calls: Vec<_> = rooms
            .iter()
            .map(|room| ("create_booking", ana(&room.room_id, "2026-12-12", "2026-12-14")))
            .collect();
        let (desks, results) = at_once(&place, calls).await;
        assert!(results.iter().all(Result::is_ok), "{results:?}");
        assert_eq!(crate::storage::count(&place, "customers", &desks[0]).await, 1);
        let found = desks[0]
            .done("get_room_availability", json!({ "start_date": "2026-12-12", "end_date": "2026-12-14" }))
            .await;
        assert_eq!(found["reason"], "none_free");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_cancelling_one_booking_at_once_answer_the_same_and_record_it_once() {
    for place in Place::all().await {
        let booking = Desk::seeded(&place, 99).await.book("204", "2026-12-12", "2026-12-14").await;
        let cancel = json!({ "booking_id": booking["booking_id"] });
        let calls = (0..CALLERS).map(|_| ("cancel_booking", cancel.clone())).collect();
        let (desks, results) = at_once(&place, calls).await;
        let answers: HashSet<String> =
            results.into_iter().map(|result| result.unwrap().to_string()).collect();
        assert_eq!(answers.len(), 1);
        assert_eq!(crate::storage::count(&place, "audit_log", &desks[0]).await, 2);
    }
}
