//! A provider that is lost in the middle: what was begun has failed, what was not is said once.

use chrono::TimeDelta;
use innkeeper::clock::Clock as _;

use super::mouth::{Booth, End, VENDORS};
use crate::rig::until;
use crate::support::voices::{Manner, Trouble, sound_of};

const TEXTS: [&str; 3] = ["This is the first sentence.", "This is the second one.", "And the last."];

#[tokio::test]
async fn a_connection_that_breaks_costs_only_what_was_begun() {
    for vendor in VENDORS {
        for trouble in
            [Trouble::Cut { after: 480 }, Trouble::Close { after: 480, code: 1011, reason: "NET-0000" }]
        {
            let booth = Booth::open(vendor, Manner::at_once()).await;
            booth.double.troubles([trouble.clone()]);
            let mut ear = booth.listen().await;
            for (id, text) in (1..).zip(TEXTS) {
                ear.say(id, text).await;
            }
            assert_eq!(ear.end_of(3).await, End::Done, "{vendor:?}");
            assert!(matches!(&ear.ends[&1], End::Failed(_)), "{vendor:?} {trouble:?}: {:?}", ear.ends);
            assert!(sound_of(TEXTS[0]).starts_with(ear.sound(1)) && !ear.sound(1).is_empty());
            assert_eq!(ear.ends[&2], End::Done);
            assert!(ear.sound(2) == sound_of(TEXTS[1]) && ear.sound(3) == sound_of(TEXTS[2]), "{vendor:?}");
            assert_eq!(booth.double.connections().len(), 2);
        }
    }
}

#[tokio::test]
async fn a_connection_that_breaks_before_any_sound_costs_nothing() {
    for vendor in VENDORS {
        for trouble in
            [Trouble::Cut { after: 0 }, Trouble::Close { after: 0, code: 1008, reason: "DATA-0000" }]
        {
            let booth = Booth::open(vendor, Manner::at_once()).await;
            booth.double.troubles([trouble]);
            let mut ear = booth.listen().await;
            for (id, text) in (1..).zip(TEXTS) {
                ear.say(id, text).await;
            }
            assert_eq!(ear.end_of(3).await, End::Done);
            for (id, text) in (1..).zip(TEXTS) {
                assert_eq!(ear.ends[&id], End::Done, "{vendor:?}");
                assert!(ear.sound(id) == sound_of(text), "{vendor:?}: {id}");
            }
        }
    }
}

#[tokio::test]
async fn what_breaks_every_connection_fails_and_the_rest_is_said() {
    for vendor in VENDORS {
        let booth = Booth::open(vendor, Manner::at_once()).await;
        booth.double.troubles([Trouble::Cut { after: 0 }, Trouble::Cut { after: 0 }]);
        let mut ear = booth.listen().await;
        ear.say(1, TEXTS[0]).await;
        assert!(matches!(ear.end_of(1).await, End::Failed(_)), "{vendor:?}");
        ear.say(2, TEXTS[1]).await;
        assert_eq!(ear.end_of(2).await, End::Done, "{vendor:?}");
        assert!(ear.sound(1).is_empty() && ear.sound(2) == sound_of(TEXTS[1]));
    }
}

#[tokio::test]
async fn a_provider_that_says_nothing_has_failed_after_the_limit() {
    for vendor in VENDORS {
        let booth = Booth::open(vendor, Manner::at_once()).await;
        booth.double.troubles([Trouble::Silent]);
        let mut ear = booth.listen().await;
        ear.say(1, TEXTS[0]).await;
        let begun = booth.clock.now();
        let End::Failed(reason) = ear.end_by(&booth.clock, 1).await else { panic!("{vendor:?}: it failed") };
        assert!(booth.clock.now() - begun >= TimeDelta::milliseconds(1000), "{vendor:?}");
        assert!(reason.contains("1000 ms"), "{reason}");
        ear.say(2, TEXTS[1]).await;
        assert_eq!(ear.end_of(2).await, End::Done);
        assert!(ear.sound(2) == sound_of(TEXTS[1]), "{vendor:?}");
        assert_eq!(booth.double.connections().len(), 2);
    }
}

#[tokio::test]
async fn a_provider_that_refuses_for_good_fails_at_once_and_is_asked_again_for_the_next_utterance() {
    for vendor in VENDORS {
        let booth = Booth::open(vendor, Manner::at_once()).await;
        booth.double.troubles([Trouble::Cut { after: 0 }]);
        let mut ear = booth.listen().await;
        booth.double.refuses([402]);
        ear.say(1, TEXTS[0]).await;
        ear.say(2, TEXTS[1]).await;
        assert!(matches!(ear.end_of(1).await, End::Failed(_)), "{vendor:?}");
        assert!(matches!(ear.end_of(2).await, End::Failed(_)), "{vendor:?}");
        ear.say(3, TEXTS[2]).await;
        assert_eq!(ear.end_of(3).await, End::Done, "{vendor:?}");
    }
}

#[tokio::test]
async fn a_provider_that_is_busy_is_tried_again_until_the_limit() {
    for vendor in VENDORS {
        let booth = Booth::open(vendor, Manner::at_once()).await;
        booth.double.troubles([Trouble::Cut { after: 0 }]);
        let mut ear = booth.listen().await;
        booth.double.refuses([503]);
        ear.say(1, TEXTS[0]).await;
        until("it was refused", async || booth.double.connections().len() == 2).await;
        assert_eq!(ear.end_by(&booth.clock, 1).await, End::Done, "{vendor:?}");
        assert!(ear.sound(1) == sound_of(TEXTS[0]));
        assert_eq!(booth.double.connections().len(), 3);
    }
}

#[tokio::test]
async fn a_session_that_was_lost_while_nothing_was_said_is_ready_for_what_is_said_next() {
    for vendor in VENDORS {
        let booth = Booth::open(vendor, Manner::at_once()).await;
        let close = Trouble::Close { after: usize::MAX, code: 1000, reason: "" };
        booth.double.troubles([close]);
        let mut ear = booth.listen().await;
        ear.say(1, TEXTS[0]).await;
        // All its sound came, and no word of its end.
        assert!(matches!(ear.end_of(1).await, End::Failed(_)), "{vendor:?}");
        assert!(sound_of(TEXTS[0]).starts_with(ear.sound(1)) && !ear.sound(1).is_empty());
        until("another connection is made", async || booth.double.connections().len() == 2).await;
        ear.say(2, TEXTS[1]).await;
        assert_eq!(ear.end_of(2).await, End::Done, "{vendor:?}");
    }
}
