//! A choice that is made in part: the words fit several items, and only those are offered next.

use innkeeper_engine::{Act, Heard, Item};

use crate::inn::guest::{Dice, known, named, nights, people, says, words};
use crate::inn::{Visit, filled, shipped};

fn among(keys: &[&str]) -> Heard {
    Heard::Among(keys.iter().map(|key| (*key).to_owned()).collect())
}

fn chosen(key: &str) -> Heard {
    Heard::Choice(key.to_owned())
}

/// A guest who was just asked which room it shall be.
fn choosing() -> Visit {
    let mut visit = Visit::new(&shipped().flows, known(0));
    let wish = [("stay", nights(12, 14)), ("guests", people(2)), ("view", Heard::NoPreference)];
    visit.means(says(named(wish), &[Act::Start("book_room".to_owned())]));
    assert_eq!(visit.asked(), "ask_room");
    visit
}

/// The keys that were offered last.
fn offered(visit: &Visit) -> Vec<String> {
    let items: Vec<Item> = visit.said.last().expect("something was said").items();
    items.into_iter().map(|item| item.key).collect()
}

#[test]
fn words_for_several_rooms_offer_those_and_no_other() {
    let mut visit = choosing();
    assert_eq!(offered(&visit).len(), 5);
    visit.means(says(named([("room", among(&["family-garden", "family-sea"]))]), &[Act::Choose]));
    assert_eq!(
        (visit.asked().as_str(), offered(&visit)),
        ("ask_room", vec!["family-garden".to_owned(), "family-sea".to_owned()])
    );
    visit.guest(|question, _| {
        assert_eq!(question.among, ["family-garden", "family-sea"]);
        let room = question.scope.iter().find(|slot| slot.name == "room").expect("the slot");
        let keys: Vec<&str> =
            room.items.as_ref().expect("a list").iter().map(|item| item.key.as_str()).collect();
        assert_eq!(
            keys,
            ["family-garden", "family-sea", "double-garden", "double-sea", "suite-sea"],
            "what was offered comes first, so that the second is the second"
        );
        says(named([("room", chosen("family-sea"))]), &[Act::Choose])
    });
    visit.means(says(named([("name", words("Ana Lind")), ("phone", words("+4930123456"))]), &[]));
    assert_eq!(visit.asked(), "confirm_book_room");
    visit.acts(Act::Affirm);
    assert!(visit.writes()[0].contains("family-sea"), "{:?}", visit.writes());
}

#[test]
fn whoever_wants_more_gets_all_the_others_too() {
    let mut visit = choosing();
    visit.means(says(named([("room", among(&["family-garden", "family-sea"]))]), &[Act::Choose]));
    visit.acts(Act::More);
    assert_eq!(offered(&visit), ["family-garden", "family-sea", "double-garden", "double-sea", "suite-sea"]);
}

#[test]
fn another_room_can_be_named_all_the_same() {
    let mut visit = choosing();
    visit.means(says(named([("room", among(&["family-garden", "family-sea"]))]), &[Act::Choose]));
    visit.means(says(named([("room", chosen("double-sea"))]), &[Act::Choose]));
    assert_eq!(visit.asked(), "ask_name");
}

#[test]
fn keys_that_nobody_offered_say_nothing() {
    let mut visit = choosing();
    visit.means(says(named([("room", among(&["attic", "cellar"]))]), &[Act::Choose]));
    assert_eq!(offered(&visit).len(), 5);
    assert!(visit.writes().is_empty());
}

#[test]
fn a_room_that_is_changed_to_one_of_several_is_asked_for_again_and_leads_back_to_the_read_back() {
    let mut visit = choosing();
    visit.means(says(named([("room", chosen("double-sea"))]), &[Act::Choose]));
    visit.means(says(named([("name", words("Ana Lind")), ("phone", words("+4930123456"))]), &[]));
    assert_eq!(visit.asked(), "confirm_book_room");
    let several = among(&["family-garden", "family-sea"]);
    visit.means(says(named([("room", several)]), &[Act::Change, Act::Affirm]));
    assert_eq!(
        (visit.asked().as_str(), offered(&visit).len()),
        ("ask_room", 2),
        "a yes beside it books nothing"
    );
    visit.means(says(named([("room", chosen("family-garden"))]), &[Act::Choose]));
    assert_eq!(visit.asked(), "confirm_book_room", "the name is known");
    visit.acts(Act::Affirm);
    assert!(visit.writes()[0].contains("family-garden"), "{:?}", visit.writes());
}

#[test]
fn what_was_chosen_already_stays_where_the_words_fit_it_too() {
    let mut visit = choosing();
    visit.means(says(named([("room", chosen("double-sea"))]), &[Act::Choose]));
    visit.means(says(named([("room", among(&["double-garden", "double-sea"]))]), &[Act::Choose]));
    let known = filled(&visit.flows, &visit.position);
    assert!(
        known
            .iter()
            .any(|slots| slots.get("room").is_some_and(|room| room.to_string().contains("double-sea")))
    );
}

#[test]
fn no_words_for_several_ever_book_by_themselves() {
    for seed in 0..200 {
        let mut dice = Dice::new(seed);
        let mut visit = choosing();
        for _ in 0..6 {
            let all = ["double-garden", "double-sea", "family-garden", "family-sea", "suite-sea"];
            let keys: Vec<&str> = all.into_iter().filter(|_| dice.percent(50)).collect();
            let acts: &[Act] = if dice.percent(50) { &[Act::Affirm] } else { &[Act::Choose] };
            visit.means(says(named([("room", among(&keys))]), acts));
            assert!(visit.writes().is_empty(), "seed {seed}");
        }
    }
}
