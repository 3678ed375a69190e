//! A call that was cut off, and the guest who writes afterwards.

use std::time::Duration;

use innkeeper::clock::Clock as _;
use innkeeper::conversation::{Party, Said};
use innkeeper::message::{ChannelName, GuestKey};
use innkeeper::reply::Medium;

use super::letterbox::guest;
use super::rig::{Hotel, Switch, Telephone, stranger};

const ANA: &str = "+34600000001";
const BEN: &str = "+34600000002";
const WISH: &str =
    "a double with a sea view for two from the twelfth to the fourteenth of December, my name is Ana Silva";
const READ_BACK: &str = "Shall I book it?";

/// Goes as far as the question for the party.
async fn up_to_the_party(telephone: &mut Telephone) {
    telephone.hears().await;
    telephone.says("I need a room from the twelfth to the fourteenth of December").await;
    let asked = telephone.hears().await;
    assert!(asked.to_lowercase().contains("how many"), "{asked}");
}

/// Goes as far as the read-back, of which nothing was played yet. A number that is only displayed has to be said.
async fn up_to_read_back(telephone: &mut Telephone) -> String {
    telephone.hears().await;
    telephone.says(WISH).await;
    for _ in 0..6 {
        let said = telephone.gets().await;
        if said.contains(READ_BACK) {
            return said;
        }
        telephone.plays(&said).await;
        let asks_number = said.contains("number");
        telephone
            .says(if asks_number {
                "plus three four six zero zero zero zero zero zero zero one"
            } else {
                "the first one"
            })
            .await;
    }
    panic!("no read-back");
}

async fn open(hotel: &Hotel, key: &GuestKey) -> Option<String> {
    let store = &hotel.receptionist.store;
    store.active_conversation(key).await.expect("no fault").map(|open| open.as_str().to_owned())
}

#[tokio::test]
async fn a_read_back_that_was_cut_off_is_read_again_in_writing_before_a_yes_counts() {
    let hotel = Hotel::on_whatsapp().await;
    let mut telephone = hotel.rings("CA1", ANA);
    let said = up_to_read_back(&mut telephone).await;
    let half = said[..said.len() / 2].rsplit_once(' ').expect("words").0.to_owned();
    telephone.signal(innkeeper::channel::line::FromWords::Played(half)).await;
    telephone.hangs_up().await;
    let answer = hotel.is_written(ANA, "SM1", "yes").await;
    assert!(answer.contains("Ana Silva") && answer.contains("?"), "{answer}");
    assert_eq!(hotel.bookings().await, [""; 0], "a yes to what was not heard to its end books nothing");
    let booked = hotel.is_written(ANA, "SM2", "yes").await;
    assert!(booked.contains("It's booked"), "{booked}");
    assert_eq!(hotel.bookings().await.len(), 1);
}

#[tokio::test]
async fn what_was_asked_in_a_call_is_asked_once_in_writing_and_nothing_else_is_asked_again() {
    let hotel = Hotel::on_whatsapp().await;
    let mut telephone = hotel.rings("CA1", ANA);
    up_to_the_party(&mut telephone).await;
    telephone.hangs_up().await;
    let answer = hotel.is_written(ANA, "SM1", "hello").await;
    assert_eq!(answer.to_lowercase().matches("how many").count(), 1, "{answer}");
    let next = hotel.is_written(ANA, "SM2", "two adults").await;
    assert!(next.contains("view") && !next.contains("until when"), "{next}");
}

#[tokio::test]
async fn a_call_that_displayed_a_number_goes_on_with_whoever_writes_from_it() {
    let hotel = Hotel::on_whatsapp().await;
    let mut telephone = hotel.rings_with("CA1", stranger(ANA), Switch::default());
    up_to_the_party(&mut telephone).await;
    let begun = open(&hotel, &GuestKey::displayed(ANA).in_call("CA1")).await;
    assert!(begun.is_some());
    telephone.hangs_up().await;
    let answer = hotel.is_written(ANA, "SM1", "hello, we were cut off").await;
    assert!(answer.contains("on the telephone just now"), "{answer}");
    assert_eq!(answer.to_lowercase().matches("how many").count(), 1, "{answer}");
    assert_eq!(open(&hotel, &guest(ANA)).await, begun, "the same conversation");
    let next = hotel.is_written(ANA, "SM2", "two adults").await;
    assert!(next.contains("view") && !next.contains("telephone"), "{next}");
}

#[tokio::test]
async fn an_answer_in_writing_to_what_a_caller_was_asked_is_taken_at_once() {
    let hotel = Hotel::on_whatsapp().await;
    let mut telephone = hotel.rings_with("CA1", stranger(ANA), Switch::default());
    up_to_the_party(&mut telephone).await;
    telephone.hangs_up().await;
    let answer = hotel.is_written(ANA, "SM1", "two adults").await;
    assert!(answer.contains("telephone just now") && answer.contains("view"), "{answer}");
    assert!(!answer.to_lowercase().contains("how many"), "{answer}");
}

#[tokio::test]
async fn what_was_read_back_to_a_caller_is_read_again_to_whoever_writes() {
    let hotel = Hotel::on_whatsapp().await;
    let mut telephone = hotel.rings_with("CA1", stranger(ANA), Switch::default());
    let said = up_to_read_back(&mut telephone).await;
    telephone.plays(&said).await;
    telephone.hangs_up().await;
    let answer = hotel.is_written(ANA, "SM1", "yes").await;
    assert!(answer.contains("Ana Silva"), "it is read again: {answer}");
    assert_eq!(hotel.bookings().await, [""; 0], "it was heard by nobody whom WhatsApp vouches for");
    let booked = hotel.is_written(ANA, "SM2", "yes").await;
    assert!(booked.contains("It's booked"), "{booked}");
    assert_eq!(hotel.bookings().await.len(), 1);
}

#[tokio::test]
async fn what_a_caller_said_of_themselves_is_not_remembered_of_the_numbers_guest() {
    let hotel = Hotel::on_whatsapp().await;
    let store = &hotel.receptionist.store;
    let mut telephone = hotel.rings_with("CA1", stranger(ANA), Switch::default());
    up_to_read_back(&mut telephone).await;
    telephone.hangs_up().await;
    hotel.is_written(ANA, "SM1", "no, cancel that").await;
    let remembered = store.guest(&guest(ANA)).await.expect("a guest").remembered;
    assert!(remembered.is_empty(), "{remembered:?}");
    let mut again = hotel.rings("CA2", ANA);
    let greeting = again.hears().await;
    assert!(!greeting.contains("Ana"), "{greeting}");
    again.hangs_up().await;
}

#[tokio::test]
async fn nobody_else_goes_on_with_a_call_and_nobody_does_later() {
    let hotel = Hotel::on_whatsapp().await;
    let mut telephone = hotel.rings_with("CA1", stranger(ANA), Switch::default());
    up_to_the_party(&mut telephone).await;
    let during = hotel.is_written(ANA, "SM1", "hello").await;
    assert!(!during.contains("telephone"), "the call still goes on: {during}");
    telephone.hangs_up().await;
    let mut again = hotel.rings_with("CA2", stranger(ANA), Switch::default());
    let greeting = again.hears().await;
    assert!(greeting.starts_with("Hello, this is"), "a call gets nothing of another: {greeting}");
    again.hangs_up().await;
    let other = hotel.is_written(BEN, "SM2", "hello").await;
    assert!(!other.contains("telephone"), "{other}");

    let mut late = hotel.rings_with("CA3", stranger("+34600000003"), Switch::default());
    up_to_the_party(&mut late).await;
    late.hangs_up().await;
    hotel.clock.advance(Duration::from_secs(60 * 60));
    let later = hotel.is_written("+34600000003", "SM3", "hello").await;
    assert!(!later.contains("telephone"), "{later}");
}

#[tokio::test]
async fn nobody_goes_on_in_writing_with_a_call_that_another_program_still_has() {
    let hotel = Hotel::on_whatsapp().await;
    let ours = &hotel.receptionist.store;
    let mut telephone = hotel.rings_with("CA1", stranger(ANA), Switch::default());
    up_to_the_party(&mut telephone).await;
    telephone.hangs_up().await;
    let another = hotel.another_program().await;
    for program in [ours, &another] {
        program.enrol(Duration::from_secs(300), Duration::from_secs(300)).await.expect("no fault");
    }
    let caller = GuestKey::displayed(ANA).in_call("CA1");
    another.is_called_by(&caller).await.expect("no fault");
    let during = hotel.is_written(ANA, "SM1", "hello").await;
    assert!(!during.contains("telephone"), "{during}");
    let open = ours.active_conversation(&guest(ANA)).await.expect("no fault").expect("a new one");
    ours.end_conversation(&open).await.expect("no fault");
    another.has_hung_up(&caller).await.expect("no fault");
    let after = hotel.is_written(ANA, "SM2", "hello").await;
    assert!(after.contains("on the telephone just now"), "{after}");
}

#[tokio::test]
async fn only_whoever_writes_goes_on_with_a_call() {
    let hotel = Hotel::on_whatsapp().await;
    let store = &hotel.receptionist.store;
    hotel.is_written(ANA, "SM1", "hello").await;
    let known = store.active_conversation(&guest(ANA)).await.expect("no fault").expect("one");
    store.end_conversation(&known).await.expect("no fault");
    let mut telephone = hotel.rings_with("CA1", stranger(ANA), Switch::default());
    up_to_the_party(&mut telephone).await;
    telephone.hangs_up().await;
    let party = Party {
        guest: guest(ANA),
        channel: ChannelName::Twilio,
        medium: Medium::Chat,
        language: "en".to_owned(),
        since: hotel.clock.now(),
        heard: None,
        last: None,
        written: None,
    };
    let said = Said::Event { name: "given_back".to_owned(), data: serde_json::Value::Null };
    let turned = hotel.receptionist.turn(&party, said, &mut |_| {}).await.expect("a turn");
    let begun = open(&hotel, &GuestKey::displayed(ANA).in_call("CA1")).await;
    assert!(begun.is_some_and(|begun| begun != turned.conversation.as_str()), "the call waits still");
}

#[tokio::test]
async fn what_a_reference_opened_in_a_call_stays_in_it() {
    let hotel = Hotel::on_whatsapp().await;
    let mut telephone = hotel.rings_with("CA1", stranger(ANA), Switch::default());
    telephone.hears().await;
    telephone.says("cancel my booking").await;
    telephone.hears().await;
    telephone.says("B R seven Q two").await;
    let asked = telephone.hears().await;
    assert!(asked.contains("name"), "{asked}");
    telephone.hangs_up().await;
    assert_eq!(open(&hotel, &GuestKey::displayed(ANA).in_call("CA1")).await, None, "it is over");
    let answer = hotel.is_written(ANA, "SM1", "hello").await;
    assert!(!answer.contains("telephone"), "{answer}");
}

#[tokio::test]
async fn a_call_is_over_for_good_where_nobody_can_write_or_nothing_was_begun() {
    let hotel = Hotel::open().await;
    let mut telephone = hotel.rings_with("CA1", stranger(ANA), Switch::default());
    up_to_the_party(&mut telephone).await;
    telephone.hangs_up().await;
    assert_eq!(open(&hotel, &GuestKey::displayed(ANA).in_call("CA1")).await, None, "WhatsApp is not set up");

    let hotel = Hotel::on_whatsapp().await;
    let mut telephone = hotel.rings_with("CA1", stranger(ANA), Switch::default());
    telephone.hears().await;
    telephone.hangs_up().await;
    assert_eq!(open(&hotel, &GuestKey::displayed(ANA).in_call("CA1")).await, None, "nothing was begun");
}
