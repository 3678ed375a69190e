//! Sending something elsewhere: only to somebody who wants it, and once.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use innkeeper_engine::flow::Source;
use innkeeper_engine::{
    Act, By, Effect, Expecting, Flows, Guest, Input, Moment, Position, Prompts, Reach, Tools, Understanding,
    step,
};
use serde_json::Value as Json;

const ROOT: &str = "
flow: conversation
description: Offers to send something.
initial: idle
events: [go]
on:
  cancel:  { target: idle }
  human:   { target: idle }
  repeat:  { say_again: true, ask_again: false }
  unclear: { say: pardon }
  silence: { say: still_there }
states:
  idle:     { wait: true, on: { go: { target: offering } } }
  offering: { send: details, to: letter, yes: { target: sent }, no: { target: kept } }
  sent:     { say: is_sent, target: idle }
  kept:     { say: is_kept, target: idle }
";

struct Talk {
    flows: Flows,
    position: Position,
    /// The last question, until something else is said.
    question: Option<u32>,
    conveyed: bool,
}

/// What a guest's message came to: what was said, and what was sent, with whether they had been asked.
type Came = (Vec<String>, Vec<(String, bool)>);

fn moment() -> Moment {
    let at: DateTime<Utc> = "2026-12-01T09:00:00Z".parse().unwrap();
    Moment { at, today: at.date_naive() }
}

fn checked(text: &str) -> Result<Flows, String> {
    let source = Source { file: "conversation.yaml".to_owned(), text: text.to_owned() };
    Flows::check(&[source], &Tools::default(), &Prompts::default()).map_err(|mistakes| mistakes.to_string())
}

impl Talk {
    fn with(reach: Option<Reach>) -> Self {
        let flows = checked(ROOT).unwrap();
        let position = Position::start(&flows);
        let mut talk = Self { flows, position, question: None, conveyed: false };
        let reach: IndexMap<String, Reach> =
            reach.into_iter().map(|reach| ("letter".to_owned(), reach)).collect();
        talk.input(Input::Guest(Guest { reach, ..Guest::default() }));
        talk
    }

    fn input(&mut self, input: Input) -> Came {
        let (mut said, mut sent) = (Vec::new(), Vec::new());
        let stepped = step(&self.flows, self.position.clone(), input, moment());
        self.position = stepped.next;
        for effect in stepped.effects {
            match effect {
                Effect::Say(say) => {
                    let asks = say.expecting == Expecting::Confirmation;
                    (self.question, self.conveyed) = (asks.then_some(say.id), false);
                    said.push(say.prompt.to_string());
                }
                Effect::Send(elsewhere) => {
                    assert_eq!(&*elsewhere.to, "letter");
                    assert!(elsewhere.say.facts()["guest"]["reach"]["letter"].is_string());
                    sent.push((elsewhere.say.prompt.to_string(), elsewhere.asked));
                }
                Effect::Understand
                | Effect::Call(_)
                | Effect::Remember { .. }
                | Effect::HandOver
                | Effect::End => {}
            }
        }
        (said, sent)
    }

    fn go(&mut self) -> Came {
        self.input(Input::Event { name: "go".to_owned(), data: Json::Null })
    }

    fn hears_it(&mut self) {
        if let Some(say) = self.question {
            self.input(Input::Conveyed { say });
            self.conveyed = true;
        }
    }

    fn means(&mut self, acts: &[Act]) -> Came {
        self.input(Input::Said { text: "something".to_owned(), button: None });
        let acts = acts.to_vec();
        let understood = Understanding { slots: IndexMap::new(), acts, sure: true, by: By::Rules };
        self.input(Input::Understood(Arc::new(understood)))
    }
}

#[test]
fn a_yes_to_the_question_sends_once() {
    let mut talk = Talk::with(Some(Reach::Ask));
    assert_eq!(talk.go(), (vec!["consent_letter".to_owned()], Vec::new()));
    talk.hears_it();
    let sent = vec![("details".to_owned(), true)];
    assert_eq!(talk.means(&[Act::Affirm]), (vec!["is_sent".to_owned()], sent));
    assert_eq!(talk.means(&[Act::Affirm]).1, [], "and not again");
}

#[test]
fn a_yes_before_the_question_was_heard_sends_nothing_and_asks_again() {
    let mut talk = Talk::with(Some(Reach::Ask));
    talk.go();
    assert_eq!(talk.means(&[Act::Affirm]), (vec!["consent_letter".to_owned()], Vec::new()));
    talk.hears_it();
    assert_eq!(talk.means(&[Act::Affirm]).1.len(), 1);
}

#[test]
fn a_yes_after_the_way_is_gone_sends_nothing_and_says_so() {
    let mut talk = Talk::with(Some(Reach::Ask));
    talk.go();
    talk.hears_it();
    talk.input(Input::Guest(Guest::default()));
    assert_eq!(talk.means(&[Act::Affirm]), (vec!["is_kept".to_owned()], Vec::new()));
}

#[test]
fn a_no_sends_nothing() {
    let mut talk = Talk::with(Some(Reach::Ask));
    talk.go();
    talk.hears_it();
    assert_eq!(talk.means(&[Act::Deny]), (vec!["is_kept".to_owned()], Vec::new()));
    assert_eq!(talk.means(&[Act::Affirm]).1, [], "a yes later is to something else");
}

#[test]
fn where_nothing_can_be_sent_nobody_is_asked() {
    let mut talk = Talk::with(None);
    assert_eq!(talk.go(), (vec!["is_kept".to_owned()], Vec::new()));
}

#[test]
fn where_nobody_has_to_be_asked_it_is_sent_at_once() {
    let mut talk = Talk::with(Some(Reach::Free));
    assert_eq!(talk.go(), (vec!["is_sent".to_owned()], vec![("details".to_owned(), false)]));
}

#[test]
fn nothing_is_ever_sent_without_an_explicit_yes_to_a_question_that_was_heard() {
    let acts = [
        vec![Act::Affirm],
        vec![Act::Deny],
        vec![Act::Affirm, Act::Deny],
        vec![Act::Affirm, Act::Change],
        vec![Act::Unclear],
        vec![Act::Repeat],
        vec![Act::Cancel],
        vec![Act::Thank],
    ];
    let mut chance: u64 = 0x5eed;
    let mut below = |count: usize| {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(chance >> 33).unwrap() % count
    };
    let (mut talk, mut sent) = (Talk::with(Some(Reach::Ask)), 0);
    for _ in 0..20_000 {
        match below(4) {
            0 => assert_eq!(talk.go().1, []),
            1 => talk.hears_it(),
            _ => {
                let (could, heard) = (talk.question.is_some(), talk.conveyed);
                let acts = &acts[below(acts.len())];
                let came = talk.means(acts).1;
                if !came.is_empty() {
                    sent += 1;
                    assert!(could && heard && acts.as_slice() == [Act::Affirm], "{acts:?} sent something");
                    assert_eq!(came, [("details".to_owned(), true)]);
                }
            }
        }
    }
    assert!(sent > 100, "{sent}");
}

#[test]
fn a_guest_with_other_ways_is_saved_and_read_as_they_are() {
    let talk = Talk::with(Some(Reach::Ask));
    let saved = Position::from_bytes(&talk.position.to_bytes().unwrap()).unwrap();
    assert_eq!(saved.guest().reach.get("letter"), Some(&Reach::Ask));
    assert!(saved.guest().remembered.is_empty());
}

#[test]
fn mistakes_about_sending_are_explained() {
    let said = |from: &str, to: &str| {
        let text = ROOT.replace(from, to);
        assert_ne!(text, ROOT);
        checked(&text).unwrap_err()
    };
    let nowhere = said("send: details, to: letter,", "send: details,");
    assert!(nowhere.contains("does not say where it sends"), "{nowhere}");
    let beside = said("sent:     { say: is_sent,", "sent:     { to: letter, say: is_sent,");
    assert!(beside.contains("`to` belongs to `send`"), "{beside}");
    let unasked = said("on: { go: { target: offering } }", "on: { go: { send: details, target: offering } }");
    assert!(unasked.contains("send"), "{unasked}");
    let for_ever = said("no: { target: kept }", "no: { target: offering }");
    assert!(for_ever.contains("the guest has no turn in the loop"), "{for_ever}");
    let unanswered = said(", no: { target: kept }", "");
    assert!(unanswered.contains("`no`"), "{unanswered}");
}
