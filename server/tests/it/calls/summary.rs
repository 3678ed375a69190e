//! The details of what was done in a call, on WhatsApp: to whoever said yes to that, and to nobody else.

use std::sync::Arc;

use innkeeper::config::{ApprovedTemplate, Templates};
use innkeeper::message::GuestKey;

use super::letterbox::{Letterbox, guest};
use super::rig::{Hotel, Switch, Telephone, caller, stranger};
use crate::rig::text_from;

const ANA: &str = "+34600000001";
const WISH: &str =
    "a double with a sea view for two from the twelfth to the fourteenth of December, my name is Ana Silva";
const QUESTION: &str = "Shall I send the details to this number on WhatsApp?";

/// Goes on until the read-back was heard and answered with yes. What is said to that, before any of it is played.
async fn books(telephone: &mut Telephone) -> String {
    telephone.hears().await;
    telephone.says(WISH).await;
    for _ in 0..8 {
        let said = telephone.gets().await;
        if said.contains("It's booked") {
            return said;
        }
        telephone.plays(&said).await;
        let words = match said {
            said if said.contains("Shall I book it?") => "yes",
            said if said.contains("number") => "plus three four six zero zero zero zero zero zero zero one",
            _ => "the first one",
        };
        telephone.says(words).await;
    }
    panic!("it is never booked");
}

/// The same, and everything was heard.
async fn hears_booked(telephone: &mut Telephone) -> String {
    let said = books(telephone).await;
    telephone.plays(&said).await;
    said
}

async fn arrived(hotel: &Hotel) -> Vec<String> {
    let letterbox = Arc::new(Letterbox::default());
    letterbox.fills(hotel, ANA, Templates::default()).await;
    letterbox.at(ANA)
}

async fn consents(hotel: &Hotel) -> Vec<(bool, String)> {
    let consents = hotel.receptionist.store.consents(&guest(ANA)).await.expect("consents");
    consents.into_iter().map(|consent| (consent.wanted, consent.source)).collect()
}

fn template() -> Templates {
    let variables = vec!["text".to_owned()];
    let template = ApprovedTemplate { name: "HX1".to_owned(), language: "en".to_owned(), variables };
    Templates::of([("booking_details".to_owned(), template)])
}

#[tokio::test]
async fn whoever_says_yes_gets_the_details_while_they_are_still_on_the_telephone() {
    let hotel = Hotel::on_whatsapp().await;
    hotel.is_written(ANA, "SM1", "hello").await;
    let mut telephone = hotel.rings_with("CA1", stranger(ANA), Switch::default());
    let booked = hears_booked(&mut telephone).await;
    assert!(booked.ends_with(QUESTION) && !booked.contains("anything else"), "{booked}");
    assert_eq!(arrived(&hotel).await, [""; 0], "nothing before a yes");
    telephone.says("yes please").await;
    let said = telephone.hears().await;
    assert!(said.contains("on their way") && said.contains("anything else"), "{said}");
    let sent = arrived(&hotel).await;
    assert_eq!(sent.len(), 1, "{sent:#?}");
    assert!(sent[0].contains("Ana Silva") && sent[0].contains("Sat 12 – Mon 14 Dec"), "{sent:#?}");
    assert_eq!(consents(&hotel).await, [(true, "displayed".to_owned())]);
    telephone.says("no thanks, goodbye").await;
    telephone.hears().await;
    telephone.ends().await;
    assert_eq!(arrived(&hotel).await, [""; 0], "and nothing a second time");
    assert_eq!(hotel.bookings().await.len(), 1);
}

#[tokio::test]
async fn a_no_or_anything_else_but_a_yes_sends_nothing_and_is_not_asked_again() {
    for words in ["no thank you", "thank you", "banana helicopter"] {
        let hotel = Hotel::on_whatsapp().await;
        let mut telephone = hotel.rings_with("CA1", stranger(ANA), Switch::default());
        hears_booked(&mut telephone).await;
        telephone.says(words).await;
        let said = telephone.hears().await;
        assert!(said.contains("anything else") && !said.contains("WhatsApp"), "{words}: {said}");
        telephone.hangs_up().await;
        assert_eq!(arrived(&hotel).await, [""; 0], "{words}");
        assert_eq!(consents(&hotel).await, []);
    }
}

#[tokio::test]
async fn a_yes_into_the_question_is_asked_again() {
    let hotel = Hotel::on_whatsapp().await;
    hotel.is_written(ANA, "SM1", "hello").await;
    let mut telephone = hotel.rings_with("CA1", stranger(ANA), Switch::default());
    let booked = books(&mut telephone).await;
    let heard = &booked[..booked.len() - " on WhatsApp?".len()];
    telephone.interrupts(heard, "yes").await;
    let again = telephone.hears().await;
    assert_eq!(again.matches(QUESTION).count(), 1, "{again}");
    assert_eq!(arrived(&hotel).await, [""; 0]);
    telephone.says("yes").await;
    telephone.hears().await;
    assert_eq!(arrived(&hotel).await.len(), 1);
    telephone.hangs_up().await;
}

#[tokio::test]
async fn what_is_decided_in_a_call_is_sent_even_if_it_is_cut_off() {
    let hotel = Hotel::on_whatsapp().await;
    let mut telephone = hotel.rings_with("CA1", stranger(ANA), Switch::default());
    hears_booked(&mut telephone).await;
    telephone.says("yes").await;
    telephone.hangs_up().await;
    let letterbox = Arc::new(Letterbox::default());
    letterbox.fills(&hotel, ANA, template()).await;
    let sent = letterbox.at(ANA);
    assert!(sent.len() == 1 && sent[0].starts_with("(HX1: Your booking"), "the approved template: {sent:#?}");
}

#[tokio::test]
async fn outside_of_the_window_and_without_a_template_it_is_left_to_a_person() {
    let hotel = Hotel::on_whatsapp().await;
    let mut telephone = hotel.rings_with("CA1", stranger(ANA), Switch::default());
    hears_booked(&mut telephone).await;
    telephone.says("yes").await;
    telephone.hears().await;
    telephone.hangs_up().await;
    assert_eq!(arrived(&hotel).await, [""; 0]);
    let rows = hotel.receptionist.store.outgoing_to(&guest(ANA)).await.expect("rows");
    let stands: Vec<&str> = rows.iter().map(|row| row.status.as_str()).collect();
    assert_eq!(stands, ["for_person"]);
}

#[tokio::test]
async fn whoever_wants_no_messages_is_not_asked_and_not_written_to() {
    let hotel = Hotel::on_whatsapp().await;
    let store = &hotel.receptionist.store;
    hotel.is_written(ANA, "SM1", "hello").await;
    store.note_consent(&guest(ANA), false, "words").await.expect("noted");
    let mut telephone = hotel.rings_with("CA1", stranger(ANA), Switch::default());
    let booked = hears_booked(&mut telephone).await;
    assert!(booked.contains("anything else"), "{booked}");
    telephone.hangs_up().await;
    assert_eq!(arrived(&hotel).await, [""; 0]);

    // They said so while they were being asked: what was said in a call takes nothing back.
    let other = "+34600000009";
    store.receive(&text_from(&guest(other), "SM9", "hello")).await.expect("a message");
    let mut telephone = hotel.rings_with("CA2", stranger(other), Switch::default());
    hears_booked(&mut telephone).await;
    store.note_consent(&guest(other), false, "words").await.expect("noted");
    telephone.says("yes").await;
    telephone.hears().await;
    telephone.hangs_up().await;
    let letterbox = Arc::new(Letterbox::default());
    letterbox.fills(&hotel, other, template()).await;
    assert_eq!(letterbox.at(other), [""; 0]);
    assert!(store.is_opted_out(&guest(other)).await.expect("no fault"));
}

#[tokio::test]
async fn nobody_is_asked_where_nothing_can_be_sent() {
    let without = Hotel::open().await;
    let mut telephone = without.rings_with("CA1", stranger(ANA), Switch::default());
    let booked = hears_booked(&mut telephone).await;
    assert!(booked.contains("anything else"), "WhatsApp is not set up: {booked}");
    telephone.hangs_up().await;

    let hotel = Hotel::on_whatsapp().await;
    let mut withheld = stranger(ANA);
    withheld.displayed = None;
    withheld.guest = innkeeper::message::GuestIds::Other(GuestKey::new("call:CA2"));
    let mut telephone = hotel.rings_with("CA2", withheld, Switch::default());
    let booked = hears_booked(&mut telephone).await;
    assert!(booked.contains("anything else"), "the number is withheld: {booked}");
    telephone.hangs_up().await;
    assert_eq!(arrived(&hotel).await, [""; 0]);
}

#[tokio::test]
async fn whoever_calls_on_whatsapp_gets_the_details_there_without_being_asked() {
    let hotel = Hotel::on_whatsapp().await;
    let mut telephone = hotel.rings_with("CA1", caller(ANA), Switch::default());
    let said = hears_booked(&mut telephone).await;
    assert!(said.contains("on their way") && !said.contains(QUESTION), "{said}");
    let sent = arrived(&hotel).await;
    assert!(sent.len() == 1 && sent[0].contains("Ana Silva"), "{sent:#?}");
    assert_eq!(consents(&hotel).await, [], "nothing was said about messages");
    telephone.hangs_up().await;
}

#[tokio::test]
async fn a_cancellation_is_confirmed_there_too() {
    let hotel = Hotel::on_whatsapp().await;
    let mut telephone = hotel.rings_with("CA1", caller(ANA), Switch::default());
    hears_booked(&mut telephone).await;
    telephone.says("please cancel my booking").await;
    let mut said = telephone.hears().await;
    for _ in 0..3 {
        if said.contains("It's cancelled") {
            break;
        }
        telephone.says("yes").await;
        said = telephone.hears().await;
    }
    assert!(said.contains("It's cancelled") && said.contains("on their way"), "{said}");
    telephone.hangs_up().await;
    let sent = arrived(&hotel).await;
    assert!(sent.len() == 2 && sent[1].contains("is cancelled"), "{sent:#?}");
}
