//! Whatever order a provider's events come in, what is told is legal, and no words of a turn are lost.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use super::rig::{Call, Which, legal, said};
use crate::support::ears::sound::Speech;
use crate::support::ears::{Ears, Mood};

/// The last turn of every scene.
const LAST: &str = "that is all";

fn check<S: Strategy>(which: Which, scenes: S, told: impl Fn(S::Value) -> (Vec<Value>, Option<Vec<String>>)) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let config = Config { cases: 96, failure_persistence: None, ..Config::default() };
    let checked = TestRunner::new(config).run(&scenes, |scene| {
        let (messages, expected) = told(scene);
        let heard = runtime.block_on(async {
            let ears = Ears::start().await;
            ears.moods([Mood::Says(messages.clone())]);
            let mut call = Call::open(which, &ears).await;
            call.says(Speech::new().pause(100)).await;
            call.until(|heard| said(heard).last().is_some_and(|last| last.ends_with(LAST))).await;
            call.heard.clone()
        });
        legal(&heard);
        if let Some(expected) = expected {
            let turns: Vec<String> = said(&heard).into_iter().filter(|turn| !turn.is_empty()).collect();
            prop_assert_eq!(turns, expected, "{:#?}", messages);
        }
        Ok(())
    });
    checked.unwrap();
}

fn flux(event: &str, turn: usize, words: &[String], at: f64) -> Value {
    let list: Vec<Value> = words.iter().map(|word| json!({"word": word, "confidence": 0.9})).collect();
    json!({
        "type": "TurnInfo", "request_id": "r1", "sequence_id": 0, "event": event, "turn_index": turn,
        "audio_window_start": 0.0, "audio_window_end": at, "transcript": words.join(" "), "words": list,
        "end_of_turn_confidence": 0.5, "trigger": if event == "EndOfTurn" { json!("model") } else { Value::Null },
    })
}

fn spoken() -> impl Strategy<Value = Vec<String>> {
    proptest::collection::vec("[a-z]{1,6}", 1..5)
}

#[test]
fn every_legal_order_of_flux_is_a_legal_order_of_ours() {
    // Each turn: updates before it, its words, and what happens between: 0 update, 1 eager and resumed, 2 eager at the end.
    let turn = (0usize..3, spoken(), proptest::collection::vec(0u8..2, 0..4), any::<bool>());
    check(Which::Flux, proptest::collection::vec(turn, 0..4), |turns| {
        let mut messages = vec![json!({"type": "Connected", "request_id": "r1", "sequence_id": 0})];
        let mut expected = Vec::new();
        let last = LAST.split(' ').map(str::to_owned).collect();
        let turns = turns.into_iter().chain([(0, last, vec![0], true)]);
        let mut at = 0.0;
        for (index, (before, words, between, eager)) in turns.enumerate() {
            let mut says = |event: &str, words: &[String]| {
                at += 0.25;
                messages.push(flux(event, index, words, at));
            };
            for _ in 0..before {
                says("Update", &[]);
            }
            says("StartOfTurn", &words[..1]);
            for (step, what) in between.iter().enumerate() {
                let so_far = &words[..(step + 1).min(words.len())];
                if *what == 0 {
                    says("Update", so_far);
                } else {
                    says("EagerEndOfTurn", so_far);
                    says("TurnResumed", so_far);
                }
            }
            if eager {
                says("EagerEndOfTurn", &words);
            }
            says("EndOfTurn", &words);
            expected.push(words.join(" "));
        }
        (messages, Some(expected))
    });
}

#[test]
fn every_order_of_flux_however_wrong_is_a_legal_order_of_ours() {
    let event = prop_oneof![
        Just("StartOfTurn"),
        Just("Update"),
        Just("EagerEndOfTurn"),
        Just("TurnResumed"),
        Just("EndOfTurn"),
        Just("Hesitation"),
    ];
    let events = proptest::collection::vec((event, 0usize..4, spoken(), 0u32..40), 0..16);
    check(Which::Flux, events, |events| {
        let mut messages: Vec<Value> = events
            .iter()
            .map(|(event, turn, words, at)| flux(event, *turn, words, f64::from(*at) / 4.0))
            .collect();
        let last: Vec<String> = LAST.split(' ').map(str::to_owned).collect();
        messages.push(flux("StartOfTurn", 9, &last, 11.0));
        messages.push(flux("EndOfTurn", 9, &last, 11.0));
        (messages, None)
    });
}

#[test]
fn every_legal_order_of_segments_is_a_legal_order_of_ours() {
    // Each turn: whether speech was noticed, its segments with how often they were told before they were final, and
    // what ends it.
    let segment = (spoken(), 0usize..3);
    let turn = (any::<bool>(), proptest::collection::vec(segment, 1..4), 0u8..3);
    check(Which::V1, proptest::collection::vec(turn, 0..4), |turns| {
        let mut messages = Vec::new();
        let mut expected = Vec::new();
        let last = LAST.split(' ').map(str::to_owned).collect();
        let turns = turns.into_iter().chain([(true, vec![(last, 1)], 0)]);
        let mut at = 0.0;
        for (noticed, segments, ends) in turns {
            if noticed {
                messages.push(json!({"type": "SpeechStarted", "channel": [0], "timestamp": at}));
            }
            let count = segments.len();
            let mut whole = Vec::new();
            for (number, (words, interims)) in segments.into_iter().enumerate() {
                let start = at;
                let mut says = |words: &[String], is_final: bool, speech_final: bool| {
                    let list: Vec<Value> = words
                        .iter()
                        .enumerate()
                        .map(|(place, word)| {
                            let from = start + 0.2 * place as f64;
                            json!({"word": word, "start": from, "end": from + 0.2, "confidence": 0.9})
                        })
                        .collect();
                    let best = json!({"transcript": words.join(" "), "confidence": 0.9, "words": list});
                    messages.push(json!({
                        "type": "Results", "channel_index": [0, 1], "start": start, "duration": 2.0,
                        "is_final": is_final, "speech_final": speech_final, "channel": {"alternatives": [best]},
                    }));
                };
                for interim in 0..interims {
                    says(&words[..(interim + 1).min(words.len())], false, false);
                }
                says(&words, true, ends == 0 && number + 1 == count);
                whole.extend(words);
                at += 2.0;
            }
            match ends {
                0 => {}
                // The speech is final without words of its own.
                1 => messages.push(json!({
                    "type": "Results", "channel_index": [0, 1], "start": at, "duration": 0.3, "is_final": true,
                    "speech_final": true,
                    "channel": {"alternatives": [{"transcript": "", "confidence": 0.0, "words": []}]},
                })),
                _ => {
                    messages.push(json!({"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": at}));
                    messages.push(json!({"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": -1}));
                }
            }
            at += 1.0;
            expected.push(whole.join(" "));
        }
        (messages, Some(expected))
    });
}

#[test]
fn items_that_are_written_down_in_any_order_are_told_in_theirs() {
    // Each item: its words; and an order in which they are written down.
    let scenes = proptest::collection::vec(spoken(), 0..5).prop_flat_map(|items| {
        let order: Vec<usize> = (0..items.len()).collect();
        (Just(items), Just(order).prop_shuffle())
    });
    check(Which::Realtime, scenes, |(items, order)| {
        let mut messages = vec![json!({"type": "session.created", "session": {}})];
        messages.push(json!({"type": "session.updated", "session": {}}));
        let spoken = |number: usize, messages: &mut Vec<Value>| {
            let (item, begin) = (format!("item_{number}"), number * 2000);
            let before = number.checked_sub(1).map(|before| format!("item_{before}"));
            let kind = |end: &str| format!("input_audio_buffer.{end}");
            messages.push(json!({"type": kind("speech_started"), "item_id": item, "audio_start_ms": begin}));
            messages
                .push(json!({"type": kind("speech_stopped"), "item_id": item, "audio_end_ms": begin + 1000}));
            messages.push(json!({"type": kind("committed"), "item_id": item, "previous_item_id": before}));
        };
        let written = |number: usize, words: &str, messages: &mut Vec<Value>| {
            let kind = |end: &str| format!("conversation.item.input_audio_transcription.{end}");
            let item = format!("item_{number}");
            messages
                .push(json!({"type": kind("delta"), "item_id": item, "delta": words, "content_index": 0}));
            messages.push(
                json!({"type": kind("completed"), "item_id": item, "transcript": words, "content_index": 0}),
            );
        };
        // Nothing is over before everything is written down: it is one turn.
        (0..items.len()).for_each(|number| spoken(number, &mut messages));
        for number in order {
            written(number, &items[number].join(" "), &mut messages);
        }
        let mut expected = Vec::new();
        if !items.is_empty() {
            expected.push(items.iter().map(|words| words.join(" ")).collect::<Vec<_>>().join(" "));
        }
        spoken(items.len(), &mut messages);
        written(items.len(), LAST, &mut messages);
        expected.push(LAST.to_owned());
        (messages, Some(expected))
    });
}
