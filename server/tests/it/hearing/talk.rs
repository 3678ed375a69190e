//! What a caller says comes out as turns, whoever hears it; and what is said to each provider is what it understands.

use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use innkeeper::clock::{ManualClock, SystemClock};
use innkeeper::speech::SpeechFault;
use innkeeper::stt::live::{Feed, Heard, Thresholds};
use serde_json::json;

use super::rig::{ALL, Call, LOST, THRESHOLDS, Which, adapter, adapter_with, hints, said, words};
use crate::support::ears::sound::Speech;
use crate::support::ears::{Ears, End, Manner, Mood};

#[tokio::test]
async fn what_a_caller_says_is_heard_turn_by_turn() {
    for which in ALL {
        let ears = Ears::start().await;
        let mut call = Call::open(which, &ears).await;
        call.says(Speech::new().pause(300).say("two nights please").pause(1200)).await;
        call.until(|heard| said(heard).len() == 1).await;
        call.says(Speech::new().say("for my mother, and her dog").pause(1200)).await;
        call.until(|heard| words(heard).ends_with("dog")).await;
        let heard = call.end().await;
        assert_eq!(said(&heard), ["two nights please", "for my mother, and her dog"], "{which:?}");
        assert!(heard.iter().any(|one| matches!(one, Heard::Partial { .. })), "{which:?} tells words early");
        assert!(ears.visits().iter().all(|visit| visit.route == which.route()), "{which:?}");
        let wrongs: Vec<String> = ears.visits().into_iter().flat_map(|visit| visit.wrongs).collect();
        assert!(wrongs.is_empty(), "{which:?}: {wrongs:?}");
    }
}

#[tokio::test]
async fn what_no_client_knows_yet_changes_nothing() {
    for which in ALL {
        let ears = Ears::start().await;
        ears.behave(Manner { is_strange: true, ..Manner::default() });
        let mut call = Call::open(which, &ears).await;
        call.says(Speech::new().pause(400).say("two nights please").pause(1200)).await;
        call.until(|heard| said(heard).len() == 1).await;
        assert_eq!(said(&call.end().await), ["two nights please"], "{which:?}");
    }
}

#[tokio::test]
async fn flux_tells_eager_ends_and_takes_them_back() {
    let ears = Ears::start().await;
    ears.behave(Manner { latency: Duration::from_millis(5), ..Manner::default() });
    let mut call = Call::open(Which::Flux, &ears).await;
    call.says(Speech::new().say("two nights").pause(200)).await;
    call.until(|heard| matches!(heard.last(), Some(Heard::EagerEnd { .. }))).await;
    call.says(Speech::new().say("please").pause(200)).await;
    call.until(|heard| heard.iter().filter(|one| matches!(one, Heard::EagerEnd { .. })).count() == 2).await;
    call.says(Speech::new().pause(400)).await;
    call.until(|heard| said(heard).len() == 1).await;
    let heard = call.end().await;
    let resumed = heard.iter().filter(|one| **one == Heard::Resumed).count();
    assert_eq!((resumed, said(&heard)), (1, vec!["two nights please".to_owned()]));
    let sounds = ears.visits()[0].chunks.clone();
    assert!(sounds[..sounds.len() - 1].iter().all(|chunk| *chunk == 320), "{sounds:?}");
}

#[tokio::test]
async fn sound_that_stalls_is_silence_and_ends_the_turn() {
    for which in ALL {
        let ears = Ears::start().await;
        let mut call = Call::open(which, &ears).await;
        // Not even the chunk is whole.
        call.says(Speech::new().say("two nights please").pause(60)).await;
        call.until(|heard| said(heard).len() == 1).await;
        assert_eq!(said(&call.end().await), ["two nights please"], "{which:?}");
    }
}

#[tokio::test]
async fn a_turn_ends_when_it_is_told_to() {
    for which in ALL {
        let ears = Ears::start().await;
        let mut call = Call::open(which, &ears).await;
        call.says(Speech::new().say("four two")).await;
        call.feed(Feed::EndTurn).await;
        call.until(|heard| said(heard).len() == 1).await;
        // It comes out once, and what follows is another turn.
        call.says(Speech::new().say("thank you").pause(1500)).await;
        call.until(|heard| words(heard).ends_with("you")).await;
        assert_eq!(words(&call.end().await), "four two thank you", "{which:?}");
    }
}

#[tokio::test]
async fn an_utterance_that_is_never_final_ends_with_its_silence() {
    let ears = Ears::start().await;
    ears.behave(Manner { is_noisy: true, ..Manner::default() });
    let mut call = Call::open(Which::V1, &ears).await;
    call.says(Speech::new().say("two nights please and a cot").pause(3000)).await;
    call.until(|heard| said(heard).len() == 1).await;
    assert_eq!(said(&call.end().await), ["two nights please and a cot"]);
}

#[tokio::test]
async fn words_that_are_written_down_late_or_not_at_all_keep_their_order() {
    let ears = Ears::start().await;
    ears.behave(Manner { swaps_items: true, fails_items: vec![2], ..Manner::default() });
    let mut call = Call::open(Which::Realtime, &ears).await;
    // The first is written down after the second.
    call.says(Speech::new().say("two nights").pause(900).say("for Ana").pause(2500)).await;
    call.until(|heard| !said(heard).is_empty()).await;
    assert_eq!(said(&call.heard), ["two nights for Ana"]);
    call.says(Speech::new().say("hm").pause(2500).say("goodbye").pause(2500)).await;
    call.until(|heard| words(heard).ends_with("goodbye")).await;
    assert_eq!(words(&call.end().await), "two nights for Ana goodbye");
}

#[tokio::test]
async fn flux_is_told_only_what_changed_and_one_thing_at_a_time() {
    let ears = Ears::start().await;
    let mut call = Call::open(Which::Flux, &ears).await;
    call.feed(Feed::Terms(vec!["Lindqvist".to_owned(), " lindqvist ".to_owned()])).await;
    call.feed(Feed::Thresholds(Thresholds { end: 0.8, ..THRESHOLDS })).await;
    call.feed(Feed::Thresholds(Thresholds { end: 0.8, silence_ms: 99_000, ..THRESHOLDS })).await;
    ears.until(|visits| visits[0].received.len() == 2).await;
    let visit = ears.visits().remove(0);
    assert_eq!(visit.query["keyterm"], ["Garden Room"]);
    assert_eq!(visit.query["eager_eot_threshold"], ["0.5"]);
    let first = json!({"type": "Configure", "keyterms": ["Lindqvist"]});
    let thresholds = json!({"eot_threshold": 0.8, "eot_timeout_ms": 10_000});
    assert_eq!(visit.received, [first, json!({"type": "Configure", "thresholds": thresholds})]);
    // What it was told is part of the address of another connection.
    ears.moods([]);
    call.says(Speech::new().say("two nights").pause(600)).await;
    call.until(|heard| said(heard).len() == 1).await;
    assert_eq!(ears.visits()[0].wrongs, [] as [String; 0]);
}

#[tokio::test]
async fn a_configuration_that_is_refused_is_not_asked_for_again() {
    for which in [Which::Flux, Which::V1] {
        let ears = Ears::start().await;
        ears.behave(Manner { refuses_configurations: true, ..Manner::default() });
        let mut call = Call::open(which, &ears).await;
        call.feed(Feed::Terms(vec!["Lindqvist".to_owned()])).await;
        call.feed(Feed::Terms(vec!["Lindqvist".to_owned()])).await;
        call.says(Speech::new().say("two nights").pause(1500)).await;
        call.until(|heard| said(heard).len() == 1).await;
        assert_eq!(ears.visits()[0].received.len(), 1, "{which:?}: {:?}", ears.visits()[0].received);
        assert_eq!(said(&call.end().await), ["two nights"]);
    }
}

#[tokio::test]
async fn openai_is_told_its_settings_before_any_sound_and_is_never_asked_to_answer() {
    let ears = Ears::start().await;
    let mut call = Call::open(Which::Realtime, &ears).await;
    call.says(Speech::new().say("two nights").pause(900)).await;
    call.until(|heard| said(heard).len() == 1).await;
    call.feed(Feed::Terms(vec!["Lindqvist".to_owned()])).await;
    ears.until(|visits| visits[0].received.len() == 2).await;
    let visit = ears.visits().remove(0);
    let input = &visit.received[0]["session"]["audio"]["input"];
    assert_eq!(visit.query["model"], ["gpt-realtime"]);
    assert_eq!(input["format"], json!({"type": "audio/pcmu"}));
    assert_eq!(input["turn_detection"]["create_response"], json!(false));
    assert_eq!(input["transcription"]["keywords"], json!(["Garden Room"]));
    assert_eq!(
        visit.received[1]["session"]["audio"]["input"]["transcription"]["keywords"],
        json!(["Lindqvist"])
    );
}

#[tokio::test]
async fn a_key_that_does_not_open_is_the_operators_business() {
    for which in ALL {
        let ears = Ears::start().await;
        let fault =
            adapter_with(which, &ears, "another key", LOST, Arc::new(SystemClock)).open(&hints()).await;
        let Err(SpeechFault::Operator { status, code }) = fault else { panic!("{which:?}: {fault:?}") };
        assert_eq!(status, 401);
        assert!(["INVALID_AUTH", "invalid_api_key"].contains(&code.as_str()), "{code}");
    }
}

#[tokio::test]
async fn what_may_pass_is_waited_for_and_what_may_not_is_not() {
    for which in ALL {
        let ears = Ears::start().await;
        ears.moods([Mood::Refused(429), Mood::Refused(503)]);
        let mut call = Call::open(which, &ears).await;
        call.says(Speech::new().say("hello").pause(1200)).await;
        call.until(|heard| said(heard).len() == 1).await;
        assert_eq!(ears.visits().len(), 3);
        ears.moods([Mood::Refused(402)]);
        let fault = adapter(which, &ears, Arc::new(SystemClock)).open(&hints()).await;
        assert!(matches!(fault, Err(SpeechFault::Operator { status: 402, .. })), "{which:?}: {fault:?}");
    }
}

#[tokio::test]
async fn a_recogniser_before_flux_is_kept_alive_only_while_there_is_no_sound() {
    let clock = ManualClock::new(DateTime::UNIX_EPOCH);
    let ears = Ears::start().await;
    let call = Call::of(adapter(Which::V1, &ears, Arc::new(clock.clone())).open(&hints()).await).await;
    let alive = json!({"type": "KeepAlive"});
    for second in 1..=9 {
        clock.waited_for(2).await;
        clock.advance(Duration::from_secs(1));
        call.says(Speech::new().pause(40)).await;
        ears.until(|visits| visits[0].chunks.len() == second).await;
    }
    assert!(ears.visits()[0].received.is_empty(), "there was sound");
    for _ in 0..9 {
        clock.waited_for(2).await;
        clock.advance(Duration::from_secs(1));
    }
    ears.until(|visits| visits[0].received.contains(&alive)).await;
    assert_eq!(ears.visits().len(), 1);
}

#[tokio::test]
async fn a_session_ends_with_its_call_and_its_last_words() {
    for which in ALL {
        let ears = Ears::start().await;
        let mut call = Call::open(which, &ears).await;
        call.says(Speech::new().say("goodbye then").pause(80)).await;
        call.until(|heard| !heard.is_empty()).await;
        let heard = call.end().await;
        if which == Which::Realtime {
            // It has no word for hanging up.
            assert!(words(&heard).len() <= "goodbye then".len());
        } else {
            assert_eq!(words(&heard), "goodbye then", "{which:?}");
        }
        ears.until(|visits| visits[0].ended.is_some()).await;
        assert!(ears.visits()[0].wrongs.is_empty());
    }
}

#[tokio::test]
async fn a_script_is_heard_in_any_sound_and_goes_on_where_it_was_cut() {
    let ears = Ears::start().await;
    ears.hears([("two", 400, 600), ("nights", 640, 900), ("please", 940, 1300)]);
    ears.moods([Mood::CutAfterSound(700, End::Broken)]);
    let mut call = Call::open(Which::Flux, &ears).await;
    // Any sound that is not the same everywhere.
    let sound: Vec<u8> =
        (0..24_000u32).map(|at| 0x20 + (at.wrapping_mul(2_654_435_761) >> 26) as u8).collect();
    for frame in sound.chunks(160) {
        call.feed(Feed::Sound(frame.to_vec())).await;
    }
    call.until(|heard| words(heard).ends_with("please")).await;
    assert_eq!(words(&call.end().await), "two nights please");
    assert_eq!(ears.visits().len(), 2);
}
