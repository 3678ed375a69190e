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
    ana_calls.ends().await;
    let rows = hotel.spoken(&ana()).await;
    assert!(record(&rows).iter().all(|line| line.starts_with("heard: ")), "{:#?}", record(&rows));
}

#[tokio::test]
async fn a_whole_call_with_an_interruption_a_correction_and_a_noise_on_the_way() {
    let hotel = Hotel::open().await;
    let mut telephone = hotel.rings("CA1", ANA);
    let mut lines = Vec::new();
    let mut said = telephone.hears().await;
    lines.push(format!("hotel: {said}"));
    for words in [
        "hello I need a room from the twelfth to the fourteenth of December",
        "for two adults",
        "with a sea view please",
        "the first one",
        "my name is Ana Silva",
        "no wait make it three nights",
        "the first one",
        "yes please",
        "thank you goodbye",
    ] {
        let is_corrected = words.starts_with("no wait");
        if words == "the first one" && !said.contains(" or ") && !said.contains("Would you like it") {
            continue;
        }
        lines.push(format!("guest: {words}"));
        telephone.says(words).await;
        let next = telephone.gets().await;
        if is_corrected {
            let heard = next.split_inclusive(' ').take(3).collect::<String>();
            lines.push(format!("hotel: {heard}"));
            lines.push("guest: (a noise)".to_owned());
            telephone.interrupts(&heard, "").await;
            let rest = telephone.gets().await;
            lines.push(format!("hotel: {rest}"));
            telephone.plays(&rest).await;
        } else {
            lines.push(format!("hotel: {next}"));
            telephone.plays(&next).await;
        }
        said = next;
    }
    assert_eq!(telephone.gets().await, "(the end)");
    telephone.ends().await;
    lines.push(String::new());
    lines.extend(record(&hotel.spoken(&ana()).await));
    lines.extend(hotel.bookings().await.iter().map(|booking| format!("booked: {booking}")));
    insta::assert_snapshot!(lines.join("\n"));
}
