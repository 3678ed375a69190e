//! Who wants messages, and who does not.

use innkeeper::understand::{MessageWish, MessageWords, Words};

fn words() -> MessageWords {
    let words = include_str!("../../../../prompts/en/words.yaml");
    MessageWords::new(&Words::parse(words, "words.yaml").expect("words"))
}

#[test]
fn a_stop_in_any_language_counts_where_it_is_the_whole_message() {
    let words = words();
    for text in [
        "STOP",
        " stop. ",
        "Stop!",
        "Unsubscribe",
        "opt-out",
        "no more messages!",
        "BAJA",
        "No molestar",
        "parar",
        "sair",
        "Stopp",
        "désabonner",
        "DÉSABONNER",
        "إيقاف",
        "停止",
    ] {
        assert_eq!(words.wish(text), Some(MessageWish::Stop), "{text}");
    }
    for text in ["START", "Alta"] {
        assert_eq!(words.wish(text), Some(MessageWish::Start), "{text}");
    }
}

#[test]
fn what_is_about_a_booking_is_no_stop() {
    let words = words();
    for text in [
        "cancel",
        "CANCEL",
        "end",
        "quit",
        "cancel my booking",
        "stop at the reception?",
        "we stop in Palma",
        "no",
        "",
        "👍",
        "starting tomorrow",
    ] {
        assert_eq!(words.wish(text), None, "{text}");
    }
}
