//! Turns without sound: what happens goes in, wishes come out.

use std::collections::HashSet;

use statig::blocking::{InitializedStateMachine, IntoStateMachineExt as _};

use super::*;
use crate::config::CallPace;

/// A call that is asked something that keys can answer, and is being told so.
struct Told {
    machine: InitializedStateMachine<Call>,
}

impl Told {
    fn that_asks(asks: Asks, keys: Keys) -> Self {
        let manners = Manners { pace: CallPace::default(), back_channels: HashSet::from(["mhm".to_owned()]) };
        let machine = Call::new(Arc::new(manners), false).uninitialized_state_machine();
        let mut told = Self { machine: machine.init_with_context(&mut Vec::new()) };
        told.then(&Event::Answered);
        told.then(&Event::Thought(Thought { speaks: true, asks, keys, after: After::Listen }));
        assert_eq!(told.phase(), Phase::Talking);
        told
    }

    fn then(&mut self, event: &Event) -> Vec<Wish> {
        let mut wishes = Vec::new();
        self.machine.handle_with_context(event, &mut wishes);
        wishes
    }

    fn phase(&self) -> Phase {
        Phase::of(self.machine.state())
    }
}

fn waits_for(wishes: &[Wish], wait: Wait) -> bool {
    wishes.iter().any(|wish| matches!(wish, Wish::Wait(one, _) if *one == wait))
}

#[test]
fn a_key_that_is_waited_for_is_not_lost_to_a_noise() {
    for noise in [Event::TurnEnded("mhm".to_owned()), Event::Waited(Wait::Words)] {
        let mut told = Told::that_asks(Asks::Short, Keys::Count);
        assert!(waits_for(&told.then(&Event::Digit('2')), Wait::Keys), "for more of them");
        told.then(&Event::TurnStarted);
        told.then(&noise);
        assert_eq!(told.phase(), Phase::Held, "{noise:?}: more keys may come");
        let wishes = told.then(&Event::Waited(Wait::Keys));
        let turn = Wish::Think(Turn::Keys { text: "2".to_owned(), button: None });
        assert!(wishes.contains(&turn), "{noise:?}: {wishes:?}");
    }
}

#[test]
fn keys_from_before_something_was_lost_hold_nothing_up() {
    let mut told = Told::that_asks(Asks::Slow, Keys::Digits);
    told.then(&Event::Digit('1'));
    told.then(&Event::LostVoice);
    assert_eq!(told.phase(), Phase::Talking, "the apology is being said");
    let wishes = told.then(&Event::TurnStarted);
    assert_eq!(told.phase(), Phase::Held);
    assert!(waits_for(&wishes, Wait::Words), "however silent the ears are then, it goes on: {wishes:?}");
}

#[test]
fn a_noise_while_something_is_said_is_waited_out_and_what_was_said_goes_on() {
    let mut told = Told::that_asks(Asks::Anything, Keys::Nothing);
    let wishes = told.then(&Event::TurnStarted);
    assert_eq!(wishes.first(), Some(&Wish::Hush), "the line is cleared before anything else");
    assert!(waits_for(&wishes, Wait::Words));
    let wishes = told.then(&Event::Waited(Wait::Words));
    assert!(wishes.contains(&Wish::GoOn) && told.phase() == Phase::Talking, "{wishes:?}");
}

#[test]
fn what_is_said_while_a_reply_is_thought_of_is_answered_with_the_next() {
    let mut told = Told::that_asks(Asks::Anything, Keys::Nothing);
    told.then(&Event::Played);
    told.then(&Event::TurnEnded("a room".to_owned()));
    assert_eq!(told.phase(), Phase::Thinking);
    assert!(
        told.then(&Event::TurnEnded("for two".to_owned())).iter().all(|wish| !matches!(wish, Wish::Think(_)))
    );
    let reply = Thought { speaks: true, asks: Asks::Anything, keys: Keys::Nothing, after: After::Listen };
    let wishes = told.then(&Event::Thought(reply));
    assert!(wishes.contains(&Wish::Think(Turn::Words("for two".to_owned()))), "{wishes:?}");
}
