//! What a flow waits for comes while its guest is on the telephone.

use std::sync::Arc;
use std::time::Duration;

use innkeeper::call::Phase;
use innkeeper::channel::line::FromWords;
use innkeeper::clock::Clock;
use innkeeper::message::ChannelName;
use innkeeper::turn::{Alarm, Answerer};

use super::letterbox::guest;
use super::rig::{Hotel, WHATSAPP};

const ANA: &str = "+34600000001";

/// A hotel that says something, twelve seconds after the call began.
async fn waiting() -> Hotel {
    let chart = include_str!("../../../../flows/conversation.yaml");
    let waiting =
        chart.replace("    wait: true\n", "    wait: true\n    after: { 12s: { say: that_is_all } }\n");
    assert_ne!(waiting, chart);
    Hotel::with_flows(|address| address, WHATSAPP, Some(("conversation.yaml", &waiting))).await
}

/// Rings whatever an alarm would ring now.
async fn rings(hotel: &Hotel) {
    let answerer: Arc<dyn Answerer> =
        Arc::<innkeeper::conversation::Receptionist>::clone(&hotel.receptionist);
    let clock: Arc<dyn Clock> = Arc::new(hotel.clock.clone());
    let channels = [ChannelName::Twilio];
    let alarm = Alarm::new(hotel.receptionist.store.clone(), clock, answerer, &channels);
    alarm.ring().await.expect("no fault");
}

async fn texts(hotel: &Hotel) -> Vec<(String, String)> {
    let rows = hotel.receptionist.store.outgoing_to(&guest(ANA)).await.expect("rows");
    rows.into_iter().map(|row| (row.channel, row.text)).collect()
}

#[tokio::test]
async fn a_time_that_comes_while_the_caller_listens_to_nothing_is_spoken_at_once_and_once() {
    let hotel = waiting().await;
    let mut telephone = hotel.rings("CA1", ANA);
    telephone.hears().await;
    hotel.is(Phase::Listening).await;
    telephone.settles().await;
    hotel.clock.advance(Duration::from_secs(5));
    rings(&hotel).await;
    let said = telephone.hears().await;
    assert!(said.starts_with("All right."), "{said}");
    rings(&hotel).await;
    hotel.is(Phase::Listening).await;
    telephone.hangs_up().await;
    hotel.clock.advance(Duration::from_secs(120));
    rings(&hotel).await;
    let said = texts(&hotel).await;
    let times = said.iter().filter(|(_, text)| text.starts_with("All right.")).count();
    assert_eq!(times, 1, "{said:#?}");
    assert!(said.iter().all(|(channel, _)| channel == "call"), "nothing is written meanwhile: {said:#?}");
}

#[tokio::test]
async fn a_time_that_comes_while_something_is_said_waits_until_it_was_said() {
    let hotel = waiting().await;
    let mut telephone = hotel.rings("CA1", ANA);
    let greeting = telephone.gets().await;
    telephone.signal(FromWords::Speaking(true)).await;
    hotel.is(Phase::Talking).await;
    telephone.settles().await;
    hotel.clock.advance(Duration::from_secs(13));
    rings(&hotel).await;
    telephone.settles().await;
    assert_eq!(hotel.phase(), Phase::Talking, "nobody is interrupted");
    assert_eq!(texts(&hotel).await.len(), 1, "and nothing is decided before");
    telephone.signal(FromWords::Played(greeting)).await;
    telephone.signal(FromWords::Speaking(false)).await;
    let said = telephone.hears().await;
    assert!(said.starts_with("All right."), "{said}");
    telephone.hangs_up().await;
}

#[tokio::test]
async fn a_time_that_comes_while_the_caller_speaks_waits_for_the_answer_to_what_they_say() {
    let hotel = waiting().await;
    let mut telephone = hotel.rings("CA1", ANA);
    telephone.hears().await;
    hotel.is(Phase::Listening).await;
    telephone.signal(FromWords::Said { text: "what time is".to_owned(), last: false }).await;
    telephone.settles().await;
    hotel.clock.advance(Duration::from_secs(6));
    telephone.settles().await;
    assert_eq!(texts(&hotel).await.len(), 1, "nobody is interrupted: {:#?}", texts(&hotel).await);
    telephone.signal(FromWords::Said { text: "what time is breakfast".to_owned(), last: true }).await;
    let answer = telephone.hears().await;
    assert!(answer.to_lowercase().contains("breakfast"), "{answer}");
    let said = telephone.hears().await;
    assert!(said.starts_with("All right."), "{said}");
    telephone.hangs_up().await;
}

#[tokio::test]
async fn a_time_that_comes_after_the_call_is_for_the_one_who_writes() {
    let hotel = waiting().await;
    let mut telephone = hotel.rings("CA1", ANA);
    telephone.hears().await;
    telephone.hangs_up().await;
    hotel.clock.advance(Duration::from_secs(6));
    rings(&hotel).await;
    let said = texts(&hotel).await;
    assert_eq!(said.last().map(|(channel, _)| channel.as_str()), Some("twilio"), "{said:#?}");
    assert!(said.last().is_some_and(|(_, text)| text.starts_with("All right.")), "{said:#?}");
}
