//! Providers that are gone, say nothing, or are not listened to.

use std::sync::Arc;
use std::time::Duration;

use innkeeper::clock::SystemClock;
use innkeeper::stt::live::{Feed, Heard};

use super::rig::{ALL, Call, Which, adapter_with, hints, is_lost, said, words};
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
        call.feed(Feed::Sound(vec![0xFF; 1600])).await;
        drop(call);
        ears.until(|visits| visits[0].ended.is_some()).await;
    }
}
