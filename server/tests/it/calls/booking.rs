//! Whole bookings over a line that carries words.

use innkeeper::message::GuestKey;

use super::rig::{Hotel, record};

const ANA: &str = "+34600000001";
const WISH: &str =
    "a double with a sea view for two from the twelfth to the fourteenth of December, my name is Ana Silva";

fn ana() -> GuestKey {
    GuestKey::new(format!("whatsapp:{ANA}"))
}

#[tokio::test]
async fn a_caller_books_a_room() {
    let hotel = Hotel::open().await;
    let mut ana_calls = hotel.rings("CA1", ANA);
    let greeting = ana_calls.hears().await;
    assert!(greeting.contains("How may I help you?"), "{greeting}");
    ana_calls.says(WISH).await;
    let mut said = ana_calls.hears().await;
    for _ in 0..4 {
        if said.contains("Shall I book it?") {
            break;
        }
        ana_calls.says("the first one").await;
        said = ana_calls.hears().await;
    }
    assert!(said.contains("Shall I book it?"), "{said}");
    assert_eq!(hotel.bookings().await, [""; 0]);
    ana_calls.says("yes").await;
    let booked = ana_calls.hears().await;
    assert!(booked.contains("It's booked."), "{booked}");
    assert_eq!(hotel.bookings().await.len(), 1);
    ana_calls.says("no thanks, goodbye").await;
    let goodbye = ana_calls.hears().await;
    assert!(goodbye.contains("Goodbye"), "{goodbye}");
    assert_eq!(ana_calls.gets().await, "(the end)");
    ana_calls.is_over().await;
    let rows = hotel.spoken(&ana()).await;
    assert!(record(&rows).iter().all(|line| line.starts_with("heard: ")), "{:#?}", record(&rows));
}
