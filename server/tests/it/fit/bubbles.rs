//! Bubbles and what can be pressed below them.

use innkeeper::channel::Body;
use innkeeper::message::{Button, ChannelName, Limits};
use innkeeper::reply::bubbles;
use proptest::prelude::*;

fn units(text: &str) -> usize {
    Limits::length(text)
}

fn letters(text: &str) -> String {
    text.split_whitespace().collect()
}

fn buttons(titles: &[&str]) -> Vec<Button> {
    let button = |(at, title): (usize, &&str)| Button { id: format!("id{at}"), title: (*title).to_owned() };
    titles.iter().enumerate().map(button).collect()
}

#[test]
fn what_is_read_with_ease_is_one_bubble() {
    let limits = ChannelName::Twilio.limits();
    let list = "Rooms:\n\n1. One: *€ 100*\n2. Two: *€ 200*\n\nWhich one?";
    assert_eq!(bubbles(list, true, limits), [list]);
    let terminal = ChannelName::Terminal.limits();
    let long = "word ".repeat(1000);
    assert_eq!(bubbles(&long, true, terminal), [long], "the terminal takes any length");
}

#[test]
fn a_long_reply_is_two_bubbles_cut_at_a_paragraph() {
    let limits = ChannelName::Meta.limits();
    let line = "This is a line of some length about a room in the house.\n";
    let text = format!("{}\n{}\nWhich one would you like?", line.repeat(5), line.repeat(4));
    let cut = bubbles(&text, true, limits);
    assert_eq!(cut.len(), 2);
    assert_eq!(cut[0], line.repeat(5).trim_end());
}

#[test]
fn few_choices_are_buttons_more_are_a_list_and_many_are_words() {
    let limits = ChannelName::Twilio.limits();
    let fit = |titles: &[&str]| Body::fitting("Which?".to_owned(), buttons(titles), "Choose", limits);
    assert!(matches!(fit(&["a", "b", "c"]), Body::Buttons { .. }));
    let Body::List(list) = fit(&["a", "b", "c", "Double room with balcony, sea view"]) else {
        panic!("a list");
    };
    assert_eq!((list.opener.as_str(), list.rows.len()), ("Choose", 4));
    assert_eq!(list.rows[3].title, "Double room with");
    assert_eq!(list.rows[3].description.as_deref(), Some("Double room with balcony, sea view"));
    assert_eq!(list.rows[0].description, None);
    let eleven: Vec<String> = (0..11).map(|at| at.to_string()).collect();
    let eleven: Vec<&str> = eleven.iter().map(String::as_str).collect();
    assert_eq!(fit(&eleven), Body::Text("Which?".to_owned()));
}

#[test]
fn rows_that_would_read_the_same_are_numbered() {
    let limits = ChannelName::Meta.limits();
    let long = "Junior suite with two bedrooms";
    let Body::List(list) =
        Body::fitting("Which?".to_owned(), buttons(&[long, long, "a", "b"]), "Choose", limits)
    else {
        panic!("a list");
    };
    assert!(list.rows[0].title.starts_with("1. ") && list.rows[1].title.starts_with("2. "), "{list:?}");
}

proptest! {
    #[test]
    fn every_form_fits_and_no_word_is_lost(
        text in "[a-z€ .\n*]{1,2600}",
        titles in prop::collection::vec("[a-zA-Zé ,]{1,60}", 0..13),
        twilio: bool,
    ) {
        let limits = if twilio { ChannelName::Twilio } else { ChannelName::Meta }.limits();
        prop_assume!(!text.trim().is_empty());
        let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
        let pressable = !titles.is_empty();
        let cut = bubbles(&text, pressable, limits);
        prop_assert_eq!(letters(&cut.concat()), letters(&text));
        prop_assert!(cut.len() <= 2 || units(&text) > limits.body, "{} bubbles", cut.len());
        let last = cut.len() - 1;
        for (at, text) in cut.into_iter().enumerate() {
            let pressed = if at == last { buttons(&titles) } else { Vec::new() };
            let body = Body::fitting(text, pressed, "Choose", limits);
            prop_assert_eq!(body.unfit(limits), None);
        }
    }
}
