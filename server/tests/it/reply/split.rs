//! Cutting long messages.

use innkeeper::reply::split;
use proptest::prelude::*;

fn units(text: &str) -> usize {
    text.encode_utf16().count()
}

fn letters(text: &str) -> String {
    text.split_whitespace().collect()
}

#[test]
fn a_message_that_fits_is_one_piece_and_an_empty_one_none() {
    assert_eq!(split(" Hello. ", 1600), ["Hello."]);
    assert_eq!(split("  ", 1600), [""; 0]);
}

#[test]
fn paragraphs_go_before_sentences_and_sentences_before_words() {
    assert_eq!(
        split("One two. Three four.\n\nFive six. Seven.", 30),
        ["One two. Three four.", "Five six. Seven."]
    );
    assert_eq!(split("One two. Three four five.", 20), ["One two.", "Three four five."]);
    assert_eq!(split("one two three four", 10), ["one two", "three four"]);
}

#[test]
fn numbers_pairs_of_marks_and_pages_addresses_stay_whole() {
    assert_eq!(split("costs about € 284", 15), ["costs about", "€ 284"]);
    assert_eq!(split("call us on +34 971 123 456", 22), ["call us on", "+34 971 123 456"]);
    assert_eq!(split("the *Sea View Double* is free", 15), ["the *Sea View", "Double* is free"]);
    assert_eq!(split("the *Sea View* is free", 12), ["the", "*Sea View*", "is free"]);
    assert_eq!(split("see https://example.com/rooms now", 26), ["see", "https://example.com/rooms", "now"]);
}

#[test]
fn letters_of_two_units_are_counted_as_two_and_never_torn() {
    assert_eq!(split("😀😀😀", 4), ["😀😀", "😀"]);
    assert_eq!(split("😀😀😀", 3), ["😀", "😀", "😀"]);
}

#[test]
fn the_marks_of_an_address_format_nothing() {
    let text = "https://a.example/_a *bb bb* cc https://b.example/__";
    for piece in split(text, 26) {
        assert_eq!(piece.matches('*').count() % 2, 0, "{piece}");
    }
}

fn message() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => "[a-zé]{1,9}[.,!?]?",
        1 => "[0-9]{1,4}",
        1 => Just("€".to_owned()),
        1 => "https://[a-z]{3,20}\\.example/[a-z_]{1,12}",
        1 => "\\*[a-z]{1,6} [a-z]{1,6}\\*",
        1 => "[😀🎉🛏]{1,5}",
        1 => Just("\n\n".to_owned()),
        1 => Just("\n".to_owned()),
    ];
    prop::collection::vec(word, 0..60).prop_map(|words| words.join(" "))
}

proptest! {
    #[test]
    fn every_letter_is_kept_and_every_piece_fits(text in message(), limit in 2_usize..200) {
        let pieces = split(&text, limit);
        prop_assert_eq!(letters(&pieces.concat()), letters(&text));
        for piece in &pieces {
            prop_assert!(!piece.is_empty() && piece.trim() == piece);
            prop_assert!(units(piece) <= limit, "{} in {}", piece, limit);
        }
    }

    #[test]
    fn what_fits_into_a_piece_is_not_torn(text in message(), limit in 40_usize..200) {
        let pieces = split(&text, limit);
        for word in text.split_whitespace().filter(|word| units(word) <= limit) {
            prop_assert!(pieces.iter().any(|piece| piece.split_whitespace().any(|other| other == word)), "{word}");
        }
        for piece in &pieces {
            prop_assert!(piece.matches('*').count() % 2 == 0, "{piece}");
        }
    }
}
