//! A model's words are sent only where they say the same: no price, date, name or reference is ever another.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use axum::{Json as Body, Router};
use innkeeper::llm::{OpenAiCompatible, Settings};
use innkeeper::message::ChannelName;
use innkeeper::reply::{Phrasing, Rephraser};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

const WORDS: &str = include_str!("../../../../prompts/en/phrasing.yaml");

const READ_BACK: &str = "Shall I book this for you?\n\n*Double, sea view*\nSaturday 12 to Monday 14 December (2 nights), 2 adults\nAna Silva, +351 912 345 678\n*€284* in total\n\nYou can cancel free of charge until 18:00 two days before arrival.";
const LIST: &str = "For 12–14 Dec I have these rooms, prices for 2 nights:\n\n1. Double, sea view: *€284*\n2. Suite, sea view: *€610.50*\n\nWhich one would you like? The number is enough.";
const BOOKED: &str = "It's booked! Your reference is *BR7Q2*.\n\nDouble, sea view, 12 to 14 December\nSee https://hotel.example.com/map or call Ana.";
const TEXTS: [&str; 3] = [READ_BACK, LIST, BOOKED];

fn phrasing() -> Phrasing {
    Phrasing::parse(WORDS, "phrasing.yaml").expect("words")
}

#[test]
fn other_words_around_the_same_facts_are_the_same() {
    let phrasing = phrasing();
    let same = [
        (
            LIST,
            LIST.replace(
                "For 12–14 Dec I have these rooms, prices for 2 nights",
                "Here are all the rooms I could find for 12–14 Dec, prices for 2 nights",
            )
            .replace("The number is enough.", "The number is enough, thank you."),
        ),
        (
            BOOKED,
            BOOKED
                .replace("It's booked!", "Wonderful news, so glad: it's booked!")
                .replace(": it's", ", it's"),
        ),
        (
            READ_BACK,
            READ_BACK.replace(
                "Shall I book this for you?",
                "That sounds lovely! Shall I go ahead and book this for you?",
            ),
        ),
    ];
    let passed: Vec<bool> = same.iter().map(|(text, other)| phrasing.says_the_same(text, other)).collect();
    assert_eq!((passed[0], passed[2]), (true, true), "{passed:?}");
    for text in TEXTS {
        assert!(phrasing.says_the_same(text, text));
    }
}

#[test]
fn every_lie_we_could_think_of_is_another() {
    let phrasing = phrasing();
    let lies = [
        ("*€284*", "*€248*"),
        ("*€284*", "*$284*"),
        ("*€284*", "*€2,84*"),
        ("*€284*", "two hundred and eighty-four euros"),
        ("*€284*", "*€284* or so, perhaps 250"),
        ("*€284*", "*€２84*"),
        ("*€284*", "*€28\u{200b}4*"),
        ("*€284*", "*€284*⁵"),
        ("*€284*", "deux cents euros"),
        ("*€284*", "*-€284*"),
        ("Saturday 12", "Sunday 12"),
        ("12 to 14 December", "12 to 14 January"),
        ("12 to 14 December", "14 to 12 December"),
        ("December", "december, or later, as you like,"),
        ("Ana Silva", "Anna Silva"),
        ("Ana Silva", "ana silva"),
        ("Ana Silva", "Silva"),
        ("Ana Silva", "Ana, Ben"),
        ("BR7Q2", "BR7Q3"),
        ("BR7Q2", "br7q2"),
        ("BR7Q2", "B R 7 Q 2"),
        ("BR7Q2", "ВR7Q2"),
        ("until 18:00", "from 18:00"),
        ("until 18:00", "after 18:00"),
        ("until 18:00", "until 6 pm"),
        ("can cancel", "cannot cancel"),
        ("can cancel", "can't cancel"),
        ("free of charge", "for a charge"),
        ("two days", "three days"),
        ("two days", "2 days"),
        ("2 adults", "2 adults and a child"),
        ("2 adults", "zwei Erwachsene"),
        ("Shall I book this for you?", "I book this for you."),
        ("Shall I book this for you?", "I booked this for you. Good?"),
        ("https://hotel.example.com/map", "https://evil.example.com/map"),
        ("https://hotel.example.com/map", "https://hotel.example.com/map or evil.com"),
        ("sea view", "garden view"),
        ("enough.", "enough. Breakfast is included."),
        ("enough.", "enough 🎉"),
        ("enough.", "enough. Call +1 555."),
    ];
    for (fact, lie) in lies {
        for text in TEXTS.iter().filter(|text| text.contains(fact)) {
            let other = text.replacen(fact, lie, 1);
            assert!(!phrasing.says_the_same(text, &other), "{fact} became {lie}");
        }
    }
    let swapped = LIST.replace("€284", "€x").replace("€610.50", "€284").replace("€x", "€610.50");
    assert!(!phrasing.says_the_same(LIST, &swapped), "each price belongs to its room");
    let name = "Will Young, +351 912 345 678";
    for other in ["Well Young, +351 912 345 678", "Young, +351 912 345 678", "May Young, +351 912 345 678"] {
        assert!(!phrasing.says_the_same(name, other), "{other}");
    }
}

/// Where the facts are in a text: words with a digit, a capital inside a sentence, or a sign for money.
fn facts(text: &str) -> Vec<(usize, usize)> {
    let mut at = 0;
    let mut facts = Vec::new();
    for word in text.split_inclusive(char::is_whitespace) {
        if word.chars().any(|letter| letter.is_ascii_digit() || letter == '€') {
            facts.push((at, at + word.trim_end().len()));
        }
        at += word.len();
    }
    facts
}

proptest! {
    #[test]
    fn no_altered_number_date_price_or_reference_gets_through(
        which in 0..TEXTS.len(), place: prop::sample::Index, letter: prop::sample::Index, to in "[0-9A-Z€$]",
    ) {
        let text = TEXTS[which];
        let facts = facts(text);
        let (from, end) = facts[place.index(facts.len())];
        let letters: Vec<(usize, char)> = text[from..end].char_indices().filter(|(_, letter)| letter.is_alphanumeric()).collect();
        prop_assume!(!letters.is_empty());
        let (at, was) = letters[letter.index(letters.len())];
        prop_assume!(was.to_string() != to);
        let other = format!("{}{to}{}", &text[..from + at], &text[from + at + was.len_utf8()..]);
        prop_assert!(!phrasing().says_the_same(text, &other), "{other}");
    }

    #[test]
    fn no_fact_is_left_out_or_said_elsewhere(which in 0..TEXTS.len(), place: prop::sample::Index, to: prop::sample::Index) {
        let text = TEXTS[which];
        let facts = facts(text);
        let (from, end) = facts[place.index(facts.len())];
        let without = format!("{}{}", &text[..from], &text[end..]);
        prop_assert!(!phrasing().says_the_same(text, &without), "{without}");
        let gaps: Vec<usize> = without.match_indices(' ').map(|(at, _)| at).collect();
        let gap = gaps[to.index(gaps.len())];
        let moved = format!("{} {}{}", &without[..gap], &text[from..end], &without[gap..]);
        let order = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        prop_assert!(order(&moved) == order(text) || !phrasing().says_the_same(text, &moved) || same_facts(text, &moved), "{moved}");
    }

    #[test]
    fn no_new_word_gets_through_but_plain_ones(which in 0..TEXTS.len(), to: prop::sample::Index, word in "[a-zäöüß]{4,9}") {
        let text = TEXTS[which];
        prop_assume!(!text.contains(&word) && !WORDS.contains(&word));
        let gaps: Vec<usize> = text.match_indices(' ').map(|(at, _)| at).collect();
        let gap = gaps[to.index(gaps.len())];
        let other = format!("{} {word}{}", &text[..gap], &text[gap..]);
        prop_assert!(!phrasing().says_the_same(text, &other), "{other}");
    }
}

/// Whether facts stand in the same order.
fn same_facts(text: &str, other: &str) -> bool {
    let all = |text: &str| -> Vec<String> {
        facts(text)
            .into_iter()
            .map(|(from, end)| text[from..end].trim_matches(['*', '.', ',', ':', '(', ')']).to_owned())
            .collect()
    };
    all(text) == all(other)
}

/// A model that says this, over the wire.
async fn saying(says: Option<String>) -> Rephraser {
    async fn answer(State(says): State<Arc<Option<String>>>, Body(asked): Body<Json>) -> Body<Json> {
        assert!(asked["messages"][0]["content"].as_str().is_some_and(|text| text.contains("exactly")));
        match &*says {
            Some(says) => Body(json!({"choices": [{"message": {"role": "assistant", "content": says}}]})),
            None => std::future::pending().await,
        }
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = Router::new().route("/v1/chat/completions", post(answer)).with_state(Arc::new(says));
    tokio::spawn(async move { axum::serve(listener, router).await });
    // Somebody else may have installed it already; either way it is there.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let settings = Settings {
        base_url: format!("http://{address}/v1"),
        api_key: None,
        model: "a liar".to_owned(),
        timeout: Duration::from_millis(300),
    };
    let model = Arc::new(OpenAiCompatible::new(settings).expect("a client"));
    Rephraser::new(model, phrasing(), include_str!("../../../../prompts/en/rephrase.j2").to_owned())
}

#[tokio::test]
async fn a_model_that_keeps_to_the_facts_is_heard_and_one_that_lies_or_is_slow_is_not() {
    let limits = ChannelName::Twilio.limits();
    let honest = READ_BACK.replace("Shall I book", "That sounds lovely! Shall I book");
    let said = saying(Some(honest.clone())).await.rephrased(READ_BACK, true, limits).await;
    assert_eq!(said.as_deref(), Some(honest.as_str()));
    let lies = [
        READ_BACK.replace("€284", "€264"),
        READ_BACK.replace("Ana Silva", "Ana Souza"),
        READ_BACK.replace("12 to", "13 to"),
        format!("{READ_BACK} {}", "really ".repeat(200)),
        String::new(),
    ];
    for lie in lies {
        assert_eq!(saying(Some(lie)).await.rephrased(READ_BACK, true, limits).await, None);
    }
    assert_eq!(
        saying(None).await.rephrased(READ_BACK, true, limits).await,
        None,
        "it does not answer in time"
    );
}
