//! Calls over a line that carries sound.

use innkeeper::call::Phase;
use innkeeper::message::GuestKey;
use innkeeper::stt::live::{Feed, Heard};
use innkeeper::tts::live::Order;

use super::line::{Handset, Sounding};
use super::rig::{Switch, record};

const ANA: &str = "+34600000001";
const WISH: &str =
    "a double with a sea view for two from the twelfth to the fourteenth of December, my name is Ana Silva";

fn ana() -> GuestKey {
    GuestKey::new(format!("whatsapp:{ANA}"))
}

/// Goes as far as the read-back, of which nothing was played yet.
async fn up_to_read_back(sounding: &Sounding, handset: &mut Handset) {
    handset.hears(&sounding.hotel).await;
    handset.says(WISH).await;
    for _ in 0..4 {
        sounding.hotel.is(Phase::Talking).await;
        handset.settles().await;
        if sounding.voice.texts().last().is_some_and(|text| text.contains("Shall I book it?")) {
            return;
        }
        handset.hears(&sounding.hotel).await;
        handset.says("the first one").await;
    }
    panic!("no read-back: {:#?}", sounding.voice.texts());
}

#[tokio::test]
async fn a_caller_books_a_room_by_voice() {
    let sounding = Sounding::open().await;
    let mut handset = sounding.rings("CA1", ANA);
    up_to_read_back(&sounding, &mut handset).await;
    handset.hears(&sounding.hotel).await;
    assert_eq!(sounding.hotel.bookings().await, [""; 0]);
    handset.says("yes").await;
    handset.hears(&sounding.hotel).await;
    assert_eq!(sounding.hotel.bookings().await.len(), 1);
    assert!(sounding.voice.texts().iter().any(|text| text.contains("booked")));
    let fed = sounding.ears.fed.lock().expect("a list").clone();
    let thresholds = fed.iter().filter(|feed| matches!(feed, Feed::Thresholds(_))).count();
    assert!(thresholds >= 2, "{fed:?}");
    handset.hangs_up().await;
    let rows = hotel_rows(&sounding).await;
    assert!(rows.iter().all(|line| line.starts_with("heard: ")), "{rows:#?}");
}

async fn hotel_rows(sounding: &Sounding) -> Vec<String> {
    record(&sounding.hotel.spoken(&ana()).await)
}

#[tokio::test]
async fn a_yes_into_the_read_back_clears_the_line_and_books_nothing() {
    let sounding = Sounding::open().await;
    let mut handset = sounding.rings("CA1", ANA);
    up_to_read_back(&sounding, &mut handset).await;
    handset.passes(2000).await;
    let cleared = handset.cleared;
    handset.heard(Heard::TurnStarted).await;
    handset.settles().await;
    assert_eq!(handset.cleared, cleared + 1, "at once");
    let told = sounding.voice.told.lock().expect("a list").last().cloned();
    assert!(matches!(told, Some(Order::Cancel { .. })), "{told:?}");
    let played = handset.played;
    handset.passes(500).await;
    assert_eq!(handset.played, played, "nothing stale is played");
    handset.heard(Heard::TurnEnded { words: "yes".to_owned(), confidence: None }).await;
    handset.hears(&sounding.hotel).await;
    assert_eq!(sounding.hotel.bookings().await, [""; 0]);
    handset.says("yes").await;
    handset.hears(&sounding.hotel).await;
    assert_eq!(sounding.hotel.bookings().await.len(), 1);
    handset.hangs_up().await;
}

#[tokio::test]
async fn what_a_noise_interrupted_goes_on_where_it_was() {
    let sounding = Sounding::open().await;
    let mut handset = sounding.rings("CA1", ANA);
    sounding.hotel.is(Phase::Talking).await;
    handset.passes(1000).await;
    let texts = sounding.voice.texts();
    let whole: usize = texts.iter().map(|text| text.len() * 60 * 8).sum();
    handset.heard(Heard::TurnStarted).await;
    handset.passes(200).await;
    sounding.hotel.is(Phase::Held).await;
    handset.passes(1200).await;
    handset.hears(&sounding.hotel).await;
    assert_eq!(sounding.voice.texts(), texts, "nothing is spoken twice");
    let more = handset.played - whole;
    assert!(more <= 2 * 100 * 8, "{more} bytes were played twice");
    handset.hangs_up().await;
    assert!(hotel_rows(&sounding).await[0].starts_with("heard: "));
}

#[tokio::test]
async fn what_was_thought_ahead_is_kept_or_leaves_no_trace() {
    let sounding = Sounding::open().await;
    let mut handset = sounding.rings("CA1", ANA);
    handset.hears(&sounding.hotel).await;
    let store = sounding.hotel.receptionist.store.clone();
    let open = store.active_conversation(&ana()).await.expect("no fault").expect("a conversation");
    let before = store.conversations(1).await.expect("rows");
    let said = sounding.voice.texts().len();
    handset.heard(Heard::TurnStarted).await;
    handset.heard(Heard::EagerEnd { words: "I want to book a room".to_owned() }).await;
    crate::rig::until("the voice makes it ready", async || sounding.voice.texts().len() > said).await;
    assert_eq!(store.conversations(1).await.expect("rows"), before, "no trace");
    assert_eq!(sounding.hotel.spoken(&ana()).await.len(), 1, "no trace");
    handset.heard(Heard::Resumed).await;
    handset.passes(100).await;
    assert!(matches!(sounding.voice.told.lock().expect("a list").last(), Some(Order::Cancel { .. })));
    let words = "I want to book a room for two";
    let said = sounding.voice.texts().len();
    handset.heard(Heard::EagerEnd { words: words.to_owned() }).await;
    crate::rig::until("the voice makes it ready", async || sounding.voice.texts().len() > said).await;
    let ready = sounding.voice.texts();
    handset.heard(Heard::TurnEnded { words: words.to_owned(), confidence: None }).await;
    handset.hears(&sounding.hotel).await;
    assert_eq!(sounding.voice.texts(), ready, "it was said as it was made ready");
    assert_eq!(store.messages_of(&ana()).await.expect("rows").len(), 1);
    assert_eq!(store.active_conversation(&ana()).await.expect("no fault"), Some(open));
    handset.hangs_up().await;
}

#[tokio::test]
async fn a_call_that_is_not_heard_any_more_is_told_so_and_ends() {
    let sounding = Sounding::open().await;
    let mut handset = sounding.rings_with("CA1", ANA, Switch { has_desk: true, ..Switch::default() });
    handset.hears(&sounding.hotel).await;
    handset.goes_deaf();
    let played = handset.played;
    sounding.hotel.is(Phase::Talking).await;
    handset.passes(1200).await;
    assert!(handset.played > played, "something is to be heard");
    let control = std::sync::Arc::clone(&handset.control);
    for _ in 0..100 {
        handset.passes(100).await;
        if sounding.hotel.phase() == Phase::Closed {
            break;
        }
    }
    handset.hangs_up().await;
    assert_eq!(*control.done.lock().expect("a list"), ["transferred"]);
}

#[tokio::test]
async fn a_voice_that_goes_away_leaves_an_apology_behind() {
    let sounding = Sounding::open().await;
    let mut handset = sounding.rings_with("CA1", ANA, Switch { has_desk: true, ..Switch::default() });
    handset.hears(&sounding.hotel).await;
    sounding.voice.goes_away().await;
    let played = handset.played;
    sounding.hotel.is(Phase::Talking).await;
    handset.passes(1200).await;
    assert!(handset.played > played, "something is to be heard");
    for _ in 0..100 {
        handset.passes(100).await;
        if sounding.hotel.phase() == Phase::Closed {
            break;
        }
    }
    let control = std::sync::Arc::clone(&handset.control);
    handset.hangs_up().await;
    assert_eq!(*control.done.lock().expect("a list"), ["transferred"]);
}
