//! A connection that is lost anywhere loses no words and doubles none.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::rig::{ALL, Call, Which, is_lost, words};
use crate::support::ears::sound::Speech;
use crate::support::ears::{Ears, End, Mood};

const SAID: &str = "two nights please for my mother and her dog";

/// Shorter than what is kept: the doubles take it faster than anybody speaks.
fn speech() -> Speech {
    let speech = Speech::new().pause(200).say("two nights please").pause(700);
    speech.say("for my mother").pause(200).say("and her dog").pause(900)
}

async fn is_heard_in_spite_of(which: Which, moods: Vec<Mood>) {
    let ears = Ears::start().await;
    ears.moods(moods.clone());
    let mut call = Call::open(which, &ears).await;
    call.says(speech()).await;
    call.until(|heard| words(heard).len() >= SAID.len() || is_lost(heard)).await;
    let heard = call.end().await;
    assert_eq!(words(&heard), SAID, "{which:?} {moods:?}: {heard:#?} {:#?}", ears.visits());
}

#[tokio::test]
async fn a_cut_after_any_sound_loses_nothing_and_doubles_nothing() {
    for which in ALL {
        for ms in (20..4300).step_by(180) {
            is_heard_in_spite_of(which, vec![Mood::CutAfterSound(ms, End::Broken)]).await;
        }
    }
}

#[tokio::test]
async fn a_cut_after_any_message_loses_nothing_and_doubles_nothing() {
    for which in ALL {
        for count in 1..24 {
            let end = if count % 2 == 0 { End::Error(1011) } else { End::Closed(1011, "NET-0000") };
            is_heard_in_spite_of(which, vec![Mood::CutAfterMessages(count, end)]).await;
        }
    }
}

#[test]
fn any_few_cuts_lose_nothing_and_double_nothing() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let end = prop_oneof![
        Just(End::Broken),
        Just(End::Closed(1011, "NET-0001")),
        Just(End::Closed(1008, "DATA-0000")),
        Just(End::Error(1011)),
    ];
    let mood = prop_oneof![
        (20u64..3000, end.clone()).prop_map(|(ms, end)| Mood::CutAfterSound(ms, end)),
        (1usize..16, end).prop_map(|(count, end)| Mood::CutAfterMessages(count, end)),
        Just(Mood::Refused(503)),
    ];
    let scenes = (0usize..3, proptest::collection::vec(mood, 1..4));
    let config = Config { cases: 48, failure_persistence: None, ..Config::default() };
    let checked = TestRunner::new(config).run(&scenes, |(which, mut moods)| {
        // The first connection opens the session.
        moods.insert(0, Mood::CutAfterSound(2000, End::Broken));
        runtime.block_on(is_heard_in_spite_of(ALL[which], moods));
        Ok(())
    });
    checked.unwrap();
}

#[tokio::test]
async fn a_turn_that_is_longer_than_what_is_kept_is_whole_after_a_cut() {
    for which in [Which::Flux, Which::V1] {
        let ears = Ears::start().await;
        ears.moods([Mood::CutAfterSound(13_000, End::Broken)]);
        let mut call = Call::open(which, &ears).await;
        let long: Vec<String> = (0..50).map(|number| format!("word{number}")).collect();
        let long = long.join(" ");
        // What is kept is eight seconds; the words before are known when they are spoken at a speaker's pace.
        for word in long.split(' ') {
            call.says(Speech::new().say(word)).await;
            let heard = call.heard.len();
            if word.ends_with('5') {
                call.until(|now| now.len() > heard).await;
            }
        }
        call.says(Speech::new().pause(2500)).await;
        call.until(|heard| words(heard).ends_with("word49") || is_lost(heard)).await;
        assert_eq!(words(&call.end().await), long, "{which:?}");
        assert_eq!(ears.visits().len(), 2);
    }
}
