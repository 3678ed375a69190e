//! What was called off is not heard any more, whatever is on its way.

use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::mouth::{Booth, End, VENDORS, Vendor};
use crate::rig::until;
use crate::support::voices::{Manner, sound_of};

const LONG: &str = "Here is a sentence that takes so long that it can be interrupted in the middle.";

#[tokio::test]
async fn late_sound_of_what_was_called_off_is_nobodys() {
    for vendor in VENDORS {
        let manner = Manner { stale: 20, ..Manner::at_pace(10) };
        let booth = Booth::open(vendor, manner).await;
        let mut ear = booth.listen().await;
        ear.say(1, LONG).await;
        ear.say(2, "And this is not begun.").await;
        until("its sound is planned", async || !booth.double.said().is_empty()).await;
        booth.clock.advance(Duration::from_millis(40));
        ear.next().await;
        ear.cancel(2).await;
        ear.say(3, "Of course.").await;
        ear.taken().await;
        ear.drain();
        let before = (ear.sound(1).len(), ear.sound(2).len());
        until("the next one is asked for", async || {
            booth.clock.advance(Duration::from_millis(20));
            booth.double.said().iter().any(|text| text == "Of course.")
        })
        .await;
        assert_eq!(ear.end_by(&booth.clock, 3).await, End::Done, "{vendor:?}");
        assert!(ear.sound(3) == sound_of("Of course."), "{vendor:?}");
        assert_eq!((ear.sound(1).len(), ear.sound(2).len()), before, "{vendor:?}");
        assert_eq!(ear.order, [3]);
    }
}

#[tokio::test]
async fn what_comes_after_what_was_called_off_is_said_even_if_it_was_begun_to_be_made() {
    for vendor in VENDORS {
        let booth = Booth::open(vendor, Manner::at_pace(10)).await;
        let mut ear = booth.listen().await;
        ear.say(1, LONG).await;
        ear.say(2, "This stays.").await;
        ear.taken().await;
        until("the first is asked for", async || !booth.double.said().is_empty()).await;
        ear.cancel(1).await;
        ear.taken().await;
        ear.drain();
        let before = ear.sound(1).len();
        assert_eq!(ear.end_by(&booth.clock, 2).await, End::Done, "{vendor:?}");
        assert!(ear.sound(2) == sound_of("This stays."), "{vendor:?}");
        assert_eq!(ear.sound(1).len(), before, "{vendor:?}");
    }
}

#[tokio::test]
async fn elevenlabs_never_has_more_contexts_than_it_allows() {
    let booth = Booth::open(Vendor::ElevenLabs, Manner::at_pace(10)).await;
    let mut ear = booth.listen().await;
    for id in 1..=12 {
        ear.say(id, LONG).await;
        ear.taken().await;
        ear.cancel(id).await;
    }
    ear.say(13, "At last.").await;
    assert_eq!(ear.end_by(&booth.clock, 13).await, End::Done);
    assert_eq!(booth.double.connections().len(), 1, "it was never closed");
}

/// What a call does.
#[derive(Clone, Debug)]
enum Deed {
    Say(usize),
    /// The utterances before the last so many.
    Cancel(u64),
    Hear(usize),
    Rest(usize),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        4 => (1_usize..40).prop_map(Deed::Say),
        2 => (0_u64..3).prop_map(Deed::Cancel),
        4 => (1_usize..12).prop_map(Deed::Hear),
        4 => (1_usize..30).prop_map(Deed::Rest),
    ];
    // So many that there is no pause for flushes: the clock stands still.
    proptest::collection::vec(deed, 1..10)
}

fn text(id: u64, length: usize) -> String {
    format!("{id} {}", "la".repeat(length))
}

/// The property of one call; cancelled utterances may be heard in part before, and never after.
async fn holds(vendor: Vendor, chunk: usize, stale: usize, deeds: &[Deed]) {
    let booth = Booth::open(vendor, Manner { chunk, stale, ..Manner::at_once() }).await;
    let mut ear = booth.listen().await;
    let (mut texts, mut cancelled, mut frozen) = (Vec::new(), 0, Vec::new());
    for deed in deeds {
        match deed {
            Deed::Say(length) => {
                let id = texts.len() as u64 + 1;
                texts.push(text(id, *length));
                ear.say(id, &texts[texts.len() - 1]).await;
            }
            Deed::Cancel(but) => {
                let upto = (texts.len() as u64).saturating_sub(*but);
                ear.cancel(upto).await;
                ear.taken().await;
                ear.drain();
                cancelled = cancelled.max(upto);
                frozen =
                    (1..=cancelled).map(|id| (id, ear.sound(id).len(), ear.ends.get(&id).cloned())).collect();
            }
            Deed::Hear(count) => {
                for _ in 0..*count {
                    if let Ok(Some(_)) = tokio::time::timeout(Duration::from_micros(200), ear.next()).await {}
                }
            }
            Deed::Rest(count) => {
                for _ in 0..*count {
                    tokio::task::yield_now().await;
                }
            }
        }
    }
    let last = texts.len() as u64 + 1;
    ear.say(last, "The end.").await;
    assert_eq!(ear.end_of(last).await, End::Done);
    for (id, text) in (1..).zip(&texts) {
        let whole = sound_of(text);
        if id > cancelled {
            assert_eq!(ear.ends.get(&id), Some(&End::Done), "{vendor:?}: {id} of {deeds:?}");
            assert!(ear.sound(id) == whole, "{vendor:?}: {id} of {deeds:?}");
        } else {
            assert!(whole.starts_with(ear.sound(id)), "{vendor:?}: {id} of {deeds:?}");
        }
    }
    for (id, length, end) in frozen {
        assert_eq!(
            (ear.sound(id).len(), ear.ends.get(&id)),
            (length, end.as_ref()),
            "{vendor:?}: {id} of {deeds:?}"
        );
    }
    assert!(ear.order.is_sorted(), "{:?}", ear.order);
}

#[test]
fn nothing_is_heard_after_it_was_called_off_however_things_interleave() {
    let cases = std::env::var_os("INNKEEPER_SPEAKING_CASES").and_then(|cases| cases.to_str()?.parse().ok());
    let mut runner = TestRunner::new(Config {
        cases: cases.unwrap_or(60),
        failure_persistence: None,
        ..Config::default()
    });
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let vendors = proptest::sample::select(VENDORS.to_vec());
    let cases = (vendors, 40_usize..4000, 0_usize..30, deeds());
    runner
        .run(&cases, |(vendor, chunk, stale, deeds)| {
            runtime.block_on(holds(vendor, chunk, stale, &deeds));
            Ok(())
        })
        .expect("the property");
}
