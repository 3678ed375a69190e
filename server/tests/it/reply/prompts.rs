//! Every prompt of the shipped flows, in every medium.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use innkeeper::reply::{Layers, Medium};
use innkeeper_engine::{Invalid, Say};
use serde_json::json;

use super::fixture::{
    asking, confirming, day, items, options, over, paged, refusing, render, replies, say, text,
};

/// What is read back before something is written may take longer: every value has to be in it.
const READ_BACKS: [&str; 2] = ["confirm_book_room", "confirm_cancel_booking"];

/// What is said somewhere in the flows: a heading and the saying.
fn sayings() -> Vec<(String, Say)> {
    let rooms = || items("/offers/rooms", "offer_id", "name");
    let alternatives = || items("/offers/alternatives", "alternative_id", "name");
    let bookings = || items("/found/bookings", "booking_id", "reference");
    let topics = || items("/info/questions", "topic", "question");
    let views = || options(&["sea", "garden", "city"]);
    let with = |say: Say, name: &str, value: serde_json::Value| {
        let mut facts = say.facts();
        facts.insert(name.to_owned(), value);
        over(say, facts)
    };
    let without = |say: Say, names: &[&str]| {
        let mut facts = say.facts();
        facts.retain(|name, _| !names.contains(&name.as_str()));
        over(say, facts)
    };
    let out_of = |value, min, max| Invalid::OutOfRange { value, min, max };
    let mut sayings = vec![
        ("greeting, known guest".to_owned(), say("greeting")),
        ("greeting, new guest".to_owned(), without(say("greeting"), &["guest"])),
        ("goodbye, new guest".to_owned(), without(say("goodbye"), &["guest"])),
        ("unclear_choices, with a list".to_owned(), asking("unclear_choices", views())),
        ("ask_stay, nothing known".to_owned(), without(asking("ask_stay", vec![]), &["stay"])),
        (
            "ask_stay, arrival known".to_owned(),
            with(asking("ask_stay", vec![]), "stay", json!({"check_in": day(12)})),
        ),
        ("ask_stay, nights known".to_owned(), with(asking("ask_stay", vec![]), "stay", json!({"nights": 2}))),
        (
            "ask_stay, departure known".to_owned(),
            with(asking("ask_stay", vec![]), "stay", json!({"check_out": day(14)})),
        ),
        ("ask_guests".to_owned(), asking("ask_guests", vec![])),
        ("ask_view".to_owned(), asking("ask_view", views())),
        ("ask_room, one".to_owned(), asking("ask_room", rooms()[..1].to_vec())),
        ("ask_room, two".to_owned(), asking("ask_room", rooms()[..2].to_vec())),
        ("ask_room, three".to_owned(), asking("ask_room", rooms())),
        ("ask_room, page 1".to_owned(), paged(asking("ask_room", rooms()), 1)),
        ("ask_room, page 2".to_owned(), paged(asking("ask_room", rooms()), 2)),
        ("ask_alternative, one".to_owned(), asking("ask_alternative", alternatives()[..1].to_vec())),
        ("ask_alternative".to_owned(), asking("ask_alternative", alternatives())),
        ("ask_alternative, page 1".to_owned(), paged(asking("ask_alternative", alternatives()), 1)),
        ("ask_name".to_owned(), asking("ask_name", vec![])),
        ("ask_phone".to_owned(), asking("ask_phone", vec![])),
        ("ask_reference".to_owned(), asking("ask_reference", vec![])),
        ("ask_surname".to_owned(), asking("ask_surname", vec![])),
        ("ask_booking".to_owned(), asking("ask_booking", bookings())),
        ("ask_booking, page 1".to_owned(), paged(asking("ask_booking", bookings()), 1)),
        ("ask_topic".to_owned(), asking("ask_topic", topics())),
        ("which_room".to_owned(), asking("which_room", rooms())),
        ("which_alternative".to_owned(), asking("which_alternative", alternatives())),
        ("confirm_book_room".to_owned(), confirming("confirm_book_room")),
        (
            "confirm_book_room, another number".to_owned(),
            with(confirming("confirm_book_room"), "phone", json!("+442079460018")),
        ),
        ("confirm_cancel_booking".to_owned(), confirming("confirm_cancel_booking")),
        (
            "confirm_cancel_booking, free".to_owned(),
            with(confirming("confirm_cancel_booking"), "booking", (*bookings()[0].record).clone()),
        ),
        (
            "your_bookings, one".to_owned(),
            with(say("your_bookings"), "found", json!({"bookings": [*bookings()[0].record]})),
        ),
        (
            "invalid_stay, past".to_owned(),
            refusing("invalid_stay", Invalid::TooEarly { date: day(1), min: day(2) }, vec![]),
        ),
        (
            "invalid_stay, too late".to_owned(),
            refusing("invalid_stay", Invalid::TooLate { date: day(31), max: day(30) }, vec![]),
        ),
        (
            "invalid_stay, backwards".to_owned(),
            refusing("invalid_stay", Invalid::Backwards { check_in: day(14), check_out: day(12) }, vec![]),
        ),
        (
            "invalid_stay, too long".to_owned(),
            refusing("invalid_stay", Invalid::TooLong { nights: 45, max: 30 }, vec![]),
        ),
        (
            "invalid_stay, no nights".to_owned(),
            refusing("invalid_stay", out_of(0, Some(1), Some(30)), vec![]),
        ),
        (
            "invalid_guests, many".to_owned(),
            refusing("invalid_guests", out_of(14, Some(1), Some(12)), vec![]),
        ),
        (
            "invalid_guests, children alone".to_owned(),
            refusing("invalid_guests", out_of(2, Some(1), Some(12)), vec![]),
        ),
        ("invalid_guests, something else".to_owned(), refusing("invalid_guests", Invalid::WrongType, vec![])),
        (
            "invalid_view".to_owned(),
            refusing("invalid_view", Invalid::NotOffered { key: "moon".to_owned() }, views()),
        ),
        ("invalid_room".to_owned(), refusing("invalid_room", Invalid::WrongType, rooms())),
        (
            "invalid_alternative".to_owned(),
            refusing("invalid_alternative", Invalid::WrongType, alternatives()),
        ),
        ("invalid_booking".to_owned(), refusing("invalid_booking", Invalid::WrongType, bookings())),
        ("invalid_topic".to_owned(), refusing("invalid_topic", Invalid::WrongType, topics())),
        ("invalid, too small".to_owned(), refusing("invalid", out_of(0, Some(1), None), vec![])),
        ("invalid, too large".to_owned(), refusing("invalid", out_of(9, None, Some(8)), vec![])),
        (
            "invalid, too early".to_owned(),
            refusing("invalid", Invalid::TooEarly { date: day(1), min: day(2) }, vec![]),
        ),
        (
            "invalid, too late".to_owned(),
            refusing("invalid", Invalid::TooLate { date: day(3), max: day(2) }, vec![]),
        ),
        (
            "invalid, not on the list".to_owned(),
            refusing("invalid", Invalid::NotOffered { key: "x".to_owned() }, views()),
        ),
        ("invalid, something else".to_owned(), refusing("invalid", Invalid::WrongType, vec![])),
    ];
    for reason in ["none_free", "view_unavailable", "restricted"] {
        let offers = json!({ "rooms": [], "alternatives": [], "reason": reason });
        sayings.push((format!("sold_out, {reason}"), with(say("sold_out"), "offers", offers)));
    }
    for slot in ["rooms", "name", "phone", "reference", "surname"] {
        let prompt = format!("invalid_{slot}");
        sayings.push((prompt.clone(), refusing(&prompt, Invalid::WrongType, vec![])));
    }
    let named: BTreeSet<String> = sayings.iter().map(|(_, say)| say.prompt.to_string()).collect();
    let every: BTreeSet<String> =
        replies(Layers::embedded()).catalog().found.into_keys().map(|key| key.name).collect();
    sayings.extend(every.difference(&named).map(|name| (name.clone(), say(name))));
    sayings.sort_by(|one, other| one.0.cmp(&other.0));
    sayings
}

fn transcript(medium: Medium) -> String {
    let replies = replies(Layers::embedded());
    sayings().iter().fold(String::new(), |mut all, (heading, say)| {
        for reply in render(&replies, std::slice::from_ref(say), medium).unwrap() {
            let buttons: Vec<_> =
                reply.buttons.iter().map(|button| format!("[{} = {}]", button.title, button.id)).collect();
            write!(all, "## {heading}\n{}\n{}\n\n", reply.text, buttons.join(" ")).unwrap();
        }
        all
    })
}

#[test]
fn every_prompt_reads_well_in_a_chat() {
    insta::assert_snapshot!(transcript(Medium::Chat));
}

#[test]
fn every_prompt_sounds_well_on_a_call() {
    insta::assert_snapshot!(transcript(Medium::Voice));
}

#[test]
fn every_prompt_exists_for_both_media() {
    let found = replies(Layers::embedded()).catalog().found;
    for key in found.keys() {
        for channel in ["chat", "voice"] {
            let mut other = key.clone();
            channel.clone_into(&mut other.channel);
            assert!(found.contains_key(&other), "{other:?}");
        }
    }
}

#[test]
fn a_voice_says_fewer_than_thirty_words_and_no_signs() {
    let replies = replies(Layers::embedded());
    let signs = |sign: char| "*_~`€–\n()[]#@&%+".contains(sign) || sign.is_ascii_digit();
    let wrong: Vec<String> = sayings()
        .into_iter()
        .map(|(heading, say)| (heading, text(&replies, &say, Medium::Voice), say.prompt))
        .filter(|(_, said, prompt)| {
            let limit = if READ_BACKS.contains(&&**prompt) { 60 } else { 30 };
            let gaps = [" ,", " .", " ?", " :"].iter().any(|gap| said.contains(gap));
            said.split_whitespace().count() >= limit || said.contains(signs) || gaps
        })
        .map(|(heading, said, _)| format!("{heading} ({} words): {said}", said.split_whitespace().count()))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_chat_message_is_short() {
    let replies = replies(Layers::embedded());
    for (heading, say) in sayings() {
        let said = text(&replies, &say, Medium::Chat);
        assert!(said.chars().count() <= 350, "{heading} has {} characters: {said}", said.chars().count());
    }
}
