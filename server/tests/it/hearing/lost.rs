//! Providers that are gone, say nothing, or are not listened to.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use innkeeper::clock::{ManualClock, SystemClock};
use innkeeper::speech::SpeechFault;
use innkeeper::stt::Flux;
use innkeeper::stt::live::{Feed, Heard, LiveRecogniser as _};
use tokio::io::AsyncWriteExt as _;
use tokio::sync::watch;

use super::rig::{ALL, Call, THRESHOLDS, Which, adapter_with, hints, is_lost, said, words};
use crate::support::ears::sound::Speech;
use crate::support::ears::{Ears, End, KEY, Mood};

async fn impatient(which: Which, ears: &Ears) -> Call {
    let lost = Duration::from_millis(400);
    Call::of(adapter_with(which, ears, KEY, lost, Arc::new(SystemClock)).open(&hints()).await).await
}

#[tokio::test]
async fn a_provider_that_does_not_come_back_is_lost_after_a_while() {
    for which in ALL {
        let ears = Ears::start().await;
        ears.moods([Mood::CutAfterSound(500, End::Broken)]);
        ears.moods(std::iter::repeat_n(Mood::Refused(503), 20));
        let mut call = impatient(which, &ears).await;
        call.says(Speech::new().say("two nights please").pause(600)).await;
        call.until(is_lost).await;
        assert!((2..8).contains(&ears.visits().len()), "{which:?} asked {} times", ears.visits().len());
        assert!(call.end().await.iter().filter(|one| matches!(one, Heard::Lost { .. })).count() == 1);
    }
}

#[tokio::test]
async fn a_provider_that_wants_another_key_is_lost_at_once() {
    let ears = Ears::start().await;
    ears.moods([Mood::CutAfterSound(500, End::Closed(1008, "DATA-0000")), Mood::Refused(401)]);
    let mut call = Call::open(Which::Flux, &ears).await;
    call.says(Speech::new().say("two nights please").pause(600)).await;
    call.until(is_lost).await;
    assert_eq!(ears.visits().len(), 2);
}

#[tokio::test]
async fn a_provider_that_takes_every_connection_and_breaks_it_is_lost() {
    for which in ALL {
        let ears = Ears::start().await;
        ears.moods(std::iter::repeat_n(Mood::CutAfterSound(20, End::Broken), 40));
        let mut call = Call::open(which, &ears).await;
        call.says(Speech::new().say("two nights please").pause(600)).await;
        call.until(is_lost).await;
        assert!(ears.visits().len() < 12, "{which:?} connected {} times", ears.visits().len());
    }
}

#[tokio::test]
async fn a_recogniser_that_says_nothing_holds_nobody_up() {
    for which in [Which::Flux, Which::V1] {
        let ears = Ears::start().await;
        ears.moods([Mood::Mute]);
        let call = Call::open(which, &ears).await;
        for _ in 0..20 {
            call.says(Speech::new().say("is anybody there").pause(300)).await;
        }
        assert_eq!(call.end().await, []);
    }
}

#[tokio::test]
async fn openai_that_never_gets_ready_is_lost() {
    let ears = Ears::start().await;
    ears.moods([Mood::Mute]);
    let mut call = impatient(Which::Realtime, &ears).await;
    call.says(Speech::new().say("two nights please").pause(600)).await;
    call.until(is_lost).await;
}

#[tokio::test]
async fn whoever_listens_slowly_misses_partial_words_and_nothing_else() {
    for which in ALL {
        let ears = Ears::start().await;
        let mut call = Call::open(which, &ears).await;
        let mut all = Vec::new();
        for turn in 0..30 {
            // Nobody listens while all this is said.
            let words = format!("turn{turn} one two three");
            call.says(Speech::new().say(&words).pause(1100)).await;
            all.push(words);
        }
        let last = all.last().unwrap().clone();
        call.until(|heard| words(heard).ends_with(&last)).await;
        let heard = call.end().await;
        assert_eq!(said(&heard), all, "{which:?}");
    }
}

#[tokio::test]
async fn a_call_that_is_dropped_ends_its_connection() {
    for which in ALL {
        let ears = Ears::start().await;
        let call = Call::open(which, &ears).await;
        call.feed(Feed::Sound(Speech::new().pause(200).sound())).await;
        drop(call);
        ears.until(|visits| visits[0].ended.is_some()).await;
    }
}

#[tokio::test]
async fn a_network_that_swallows_everything_is_found_dead() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (came, mut coming) = watch::channel(0);
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            // Nobody reads what comes on it, and nobody answers.
            held.push(tokio_tungstenite::accept_async(stream).await.unwrap());
            came.send_replace(held.len());
        }
    });
    let clock = ManualClock::new(DateTime::UNIX_EPOCH);
    let times = (Duration::from_secs(60), Duration::from_secs(60));
    let flux = Flux::new(&address, KEY.into(), "flux-general-en", THRESHOLDS, times, Arc::new(clock.clone()))
        .unwrap();
    let call = Call::of(flux.open(&hints()).await).await;
    let mut seconds = 0;
    while *coming.borrow() < 2 {
        clock.waited_for(2).await;
        clock.advance(Duration::from_secs(1));
        seconds += 1;
        assert!(seconds < 40, "it is not found dead");
        let _ = tokio::time::timeout(Duration::from_millis(50), coming.changed()).await;
    }
    assert!(seconds >= 8, "after {seconds} seconds already");
    drop(call);
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_asked_again_until_the_time_is_over() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("https://{}", listener.local_addr().unwrap());
    let (came, coming) = watch::channel(0);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            came.send_modify(|count| *count += 1);
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        }
    });
    let times = (Duration::from_millis(500), Duration::from_millis(500));
    let clock = Arc::new(SystemClock);
    let flux = Flux::new(&address, KEY.into(), "flux-general-en", THRESHOLDS, times, clock).unwrap();
    let fault = flux.open(&hints()).await;
    let Err(SpeechFault::Unanswered { limit_ms: 500, last }) = fault else { panic!("{fault:?}") };
    assert!(["TLS failed", "time-out"].contains(&last.as_str()), "{last}");
    assert!(*coming.borrow() > 1);
}
