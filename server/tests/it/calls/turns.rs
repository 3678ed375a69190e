//! What happens between the sentences: interruptions, hang-ups, silences, keys, and other ways the guest writes.

use std::time::Duration;

use innkeeper::call::Phase;
use innkeeper::channel::line::FromWords;
use innkeeper::message::{ChannelName, GuestKey, MessageId};
use innkeeper::store::{Outcome, Received};
use innkeeper::turn::Answerer as _;

use super::rig::{Hotel, Switch, Telephone, caller, record, stranger};
use crate::rig::text_from;

const ANA: &str = "+34600000001";
const WISH: &str =
    "a double with a sea view for two from the twelfth to the fourteenth of December, my name is Ana Silva";
const READ_BACK: &str = "Shall I book it?";

fn ana() -> GuestKey {
    GuestKey::new(format!("whatsapp:{ANA}"))
}

/// Goes as far as the read-back, of which nothing was played yet.
async fn up_to_read_back(telephone: &mut Telephone) -> String {
    telephone.hears().await;
    telephone.says(WISH).await;
    for _ in 0..4 {
        let said = telephone.gets().await;
        if said.contains(READ_BACK) {
            return said;
        }
        telephone.plays(&said).await;
        telephone.says("the first one").await;
    }
    panic!("no read-back");
}

#[tokio::test]
async fn a_yes_before_the_read_back_was_played_books_nothing_and_asks_again() {
    let hotel = Hotel::open().await;
    let mut telephone = hotel.rings("CA1", ANA);
    let said = up_to_read_back(&mut telephone).await;
    let heard = &said[..said.len() - READ_BACK.len() - 1];
    telephone.interrupts(heard, "yes").await;
    let again = telephone.hears().await;
    assert!(again.contains(READ_BACK), "{again}");
    assert_eq!(hotel.bookings().await, [""; 0]);
    telephone.says("yes").await;
    assert!(telephone.hears().await.contains("It's booked"));
    assert_eq!(hotel.bookings().await.len(), 1);
    telephone.hangs_up().await;
    let cut: Vec<String> =
        record(&hotel.spoken(&ana()).await).into_iter().filter(|line| line.starts_with("cut")).collect();
    assert_eq!(cut.len(), 1, "{cut:?}");
    assert!(cut[0].starts_with(&format!("cut (interrupted): {heard:?}")), "{cut:?}");
}

#[tokio::test]
async fn a_sign_of_listening_stops_nothing_for_good() {
    let hotel = Hotel::open().await;
    let mut telephone = hotel.rings("CA1", ANA);
    let greeting = telephone.gets().await;
    let half = greeting.len() / 2;
    let heard = greeting[..half].rsplit_once(' ').expect("words").0.to_owned();
    telephone.interrupts(&heard, "mhm").await;
    let rest = telephone.hears().await;
    assert_eq!(format!("{heard} {rest}"), greeting, "nothing is repeated and nothing is left out");
    telephone.hangs_up().await;
    assert_eq!(record(&hotel.spoken(&ana()).await), [format!("heard: {greeting}")]);
}

#[tokio::test]
async fn an_interruption_without_words_is_none() {
    let hotel = Hotel::open().await;
    let mut telephone = hotel.rings("CA1", ANA);
    let greeting = telephone.gets().await;
    telephone.signal(FromWords::Interrupted { heard: "Hello".to_owned(), after: None }).await;
    hotel.is(Phase::Held).await;
    telephone.settles().await;
    hotel.clock.advance(Duration::from_millis(1200));
    let rest = telephone.hears().await;
    assert_eq!(rest.split_whitespace().next(), greeting.split_whitespace().nth(1), "{rest}");
    telephone.hangs_up().await;
}

#[tokio::test]
async fn a_yes_that_was_heard_as_a_sign_answers_a_question_for_yes_or_no() {
    let hotel = Hotel::open().await;
    let mut telephone = hotel.rings("CA1", ANA);
    let said = up_to_read_back(&mut telephone).await;
    telephone.plays(&said).await;
    telephone.says("yeah").await;
    assert!(telephone.hears().await.contains("It's booked"));
    telephone.hangs_up().await;
    assert_eq!(hotel.bookings().await.len(), 1);
}

#[tokio::test]
async fn who_hangs_up_in_the_middle_has_heard_the_first_half() {
    let hotel = Hotel::open().await;
    let mut telephone = hotel.rings("CA1", ANA);
    let said = up_to_read_back(&mut telephone).await;
    telephone.signal(FromWords::Played("So that is".to_owned())).await;
    telephone.hangs_up().await;
    let rows = hotel.spoken(&ana()).await;
    let last = rows.last().expect("a read-back");
    assert_eq!(record(std::slice::from_ref(last)), [format!("cut (hung up): \"So that is\" of {said}")]);
    assert_eq!(hotel.bookings().await, [""; 0]);
    assert!(rows.iter().all(|row| row.status.as_str() != "queued"), "{:#?}", record(&rows));
}

#[tokio::test]
async fn who_hangs_up_before_the_answer_has_heard_none_of_it() {
    let hotel = Hotel::open().await;
    let mut telephone = hotel.rings("CA1", ANA);
    telephone.hears().await;
    telephone.says(WISH).await;
    telephone.hangs_up().await;
    let rows = hotel.spoken(&ana()).await;
    let cut = rows.iter().filter(|row| row.status.as_str() == "cut").count();
    assert_eq!(cut, rows.len() - 1, "{:#?}", record(&rows));
    let outcomes = hotel.receptionist.store.outcomes().await.expect("outcomes");
    assert_eq!(outcomes.get(&Outcome::Pending), None, "{outcomes:?}");
}

#[tokio::test]
async fn who_says_yes_and_hangs_up_has_booked() {
    let hotel = Hotel::open().await;
    let mut telephone = hotel.rings("CA1", ANA);
    let said = up_to_read_back(&mut telephone).await;
    telephone.plays(&said).await;
    telephone.says("yes please").await;
    telephone.hangs_up().await;
    assert_eq!(hotel.bookings().await.len(), 1, "what was begun is brought to its end");
}

#[tokio::test]
async fn whoever_interrupts_the_news_hears_them_before_the_answer() {
    let hotel = Hotel::open().await;
    let mut telephone = hotel.rings("CA1", ANA);
    let said = up_to_read_back(&mut telephone).await;
    telephone.plays(&said).await;
    telephone.says("yes").await;
    let booked = telephone.gets().await;
    telephone.interrupts("It's", "what time is breakfast").await;
    let answer = telephone.hears().await;
    assert!(answer.starts_with(&booked), "{answer}");
    assert!(answer.len() > booked.len(), "{answer}");
    telephone.hangs_up().await;
    assert_eq!(hotel.bookings().await.len(), 1);
    assert!(record(&hotel.spoken(&ana()).await).contains(&format!("heard: {booked}")));
}

#[tokio::test]
async fn silence_is_answered_three_times_and_then_the_call_ends() {
    let hotel = Hotel::open().await;
    let mut telephone = hotel.rings("CA1", ANA);
    telephone.hears().await;
    let mut heard = Vec::new();
    for seconds in [8, 6, 6, 6] {
        hotel.is(Phase::Listening).await;
        telephone.settles().await;
        hotel.clock.advance(Duration::from_secs(seconds));
        heard.push(telephone.hears().await);
    }
    assert!(heard[0].starts_with("Are you still there?"), "{heard:#?}");
    assert!(heard[1].len() < heard[0].len(), "{heard:#?}");
    assert!(heard[2].contains("a person") && !heard[2].contains("WhatsApp"), "it is not set up: {heard:#?}");
    assert!(heard[3].contains("Goodbye"), "{heard:#?}");
    assert_eq!(telephone.gets().await, "(the end)");
    let control = std::sync::Arc::clone(&telephone.control);
    telephone.ends().await;
    assert_eq!(*control.done.lock().expect("a list"), ["hung up"]);
}

#[tokio::test]
async fn keys_answer_where_words_would() {
    let hotel = Hotel::open().await;
    let mut telephone = hotel.rings("CA1", ANA);
    telephone.hears().await;
    telephone.says("I would like to book a room").await;
    telephone.hears().await;
    for digit in "12121412".chars() {
        telephone.signal(FromWords::Digit(digit)).await;
    }
    let asked = telephone.hears().await;
    assert!(asked.to_lowercase().contains("how many"), "{asked}");
    for digit in "2#".chars() {
        telephone.signal(FromWords::Digit(digit)).await;
    }
    let views = telephone.hears().await;
    assert!(views.contains("view"), "{views}");
    telephone.signal(FromWords::Digit('1')).await;
    let rooms = telephone.hears().await;
    assert!(rooms.contains('€') || rooms.contains("euros"), "{rooms}");
    telephone.hangs_up().await;
}

#[tokio::test]
async fn a_known_caller_is_greeted_by_name_and_a_displayed_number_proves_nothing() {
    let hotel = Hotel::open().await;
    let store = &hotel.receptionist.store;
    store.receive(&text_from(&ana(), "SM1", "hello")).await.expect("a message");
    store.remember(&ana(), "name", &serde_json::json!("Ana Silva")).await.expect("remembered");
    let mut known = hotel.rings("CA1", ANA);
    let greeting = known.hears().await;
    assert!(greeting.starts_with("Hello Ana Silva,"), "in the first sentence: {greeting}");
    known.hangs_up().await;
    let mut unknown = hotel.rings_with("CA2", stranger(ANA), Switch::default());
    let greeting = unknown.hears().await;
    assert!(!greeting.contains("Ana"), "{greeting}");
    unknown.says("what have I booked").await;
    assert!(!unknown.hears().await.contains("Ana"));
    unknown.hangs_up().await;
}

#[tokio::test]
async fn a_dropped_call_goes_on_in_writing_from_the_same_state() {
    let hotel = Hotel::open().await;
    let mut telephone = hotel.rings("CA1", ANA);
    let said = up_to_read_back(&mut telephone).await;
    telephone.plays(&said).await;
    telephone.hangs_up().await;
    let store = &hotel.receptionist.store;
    let write = async |id: &str, text: &str| {
        hotel.clock.advance(Duration::from_secs(30));
        let received = store.receive(&text_from(&ana(), id, text)).await.expect("a message");
        let Received::New(MessageId(message)) = received else { panic!("{received:?}") };
        let turn = store.begin_turn(MessageId(message), &[]).await.expect("no fault").expect("a turn");
        hotel.receptionist.answer(&turn).await.expect("an answer");
    };
    write("SM1", "yes").await;
    assert_eq!(hotel.bookings().await.len(), 1, "the read-back was heard to its end");
    let rows = store.outgoing_to(&ana()).await.expect("rows");
    let last = rows.last().expect("a reply");
    assert_eq!((last.channel.as_str(), last.status.as_str()), (ChannelName::Twilio.as_str(), "queued"));
}

/// The answer to a question. Calls of one test share a clock: who waits for the other one may be asked whether they are
/// there.
async fn is_told(telephone: &mut Telephone) -> String {
    loop {
        let said = telephone.is_answered().await;
        if !said.starts_with("Are you still there?") {
            return said;
        }
    }
}

#[tokio::test]
async fn somebody_who_calls_twice_at_once_is_answered_in_both_calls() {
    let hotel = Hotel::open().await;
    let (mut one, mut other) = (hotel.rings("CA1", ANA), hotel.rings("CA2", ANA));
    one.is_answered().await;
    one.says("what time is breakfast").await;
    // Meanwhile the other's greeting waits to be played.
    let first = is_told(&mut one).await;
    other.is_answered().await;
    other.says("do you have parking").await;
    let second = is_told(&mut other).await;
    assert!(first.to_lowercase().contains("breakfast"), "{first}");
    assert!(second.contains("garage"), "{second}");
    one.hangs_up().await;
    other.hangs_up().await;
    let outcomes = hotel.receptionist.store.outcomes().await.expect("outcomes");
    assert_eq!(outcomes.get(&Outcome::Answered), Some(&2), "{outcomes:?}");
}

#[tokio::test]
async fn whoever_wants_a_person_is_connected_or_told_that_nobody_is_there() {
    let hotel = Hotel::open().await;
    let mut reached = hotel.rings_with("CA1", caller(ANA), Switch { has_desk: true, ..Switch::default() });
    reached.hears().await;
    reached.says("can I speak to a person").await;
    assert!(reached.hears().await.contains("colleague"));
    let control = std::sync::Arc::clone(&reached.control);
    reached.ends().await;
    assert_eq!(*control.done.lock().expect("a list"), ["transferred"], "nobody hangs up on the front desk");

    let mut unreached = hotel.rings("CA2", "+34600000002");
    unreached.hears().await;
    unreached.says("can I speak to a person").await;
    unreached.hears().await;
    assert!(unreached.hears().await.contains("get back to you"));
    assert_eq!(unreached.gets().await, "(the end)");
    unreached.ends().await;
}
