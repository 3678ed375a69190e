//! How values are said, and what cannot be.

use innkeeper::message::Button;
use innkeeper::reply::{Layers, Medium};
use innkeeper_engine::{Item, Say};
use serde_json::{Value as Json, json};

use super::fixture::{
    asking, confirming, facts, inline, items, numbered, options, over, render, replies, say, text,
};

/// `template | chat | voice` for one value called `it`.
fn check(it: Json, cases: &[(&str, &str, &str)]) {
    for (template, chat, voice) in cases {
        let said = |medium| inline(template, &[("it", it.clone())], medium).unwrap();
        assert_eq!(said(Medium::Chat), *chat, "{template} of {it} in a chat");
        assert_eq!(said(Medium::Voice), *voice, "{template} of {it} aloud");
    }
}

#[test]
fn a_day_is_said_with_its_weekday() {
    check(json!("2026-12-12"), &[("{{ it | day }}", "Sat 12 Dec", "Saturday the twelfth")]);
    check(json!("2026-12-31"), &[("{{ it | day }}", "Thu 31 Dec", "Thursday the thirty-first of December")]);
    check(json!("2026-11-30"), &[("{{ it | day }}", "Mon 30 Nov", "Monday the thirtieth")]);
    check(
        json!("2028-02-29"),
        &[(
            "{{ it | day }}",
            "Tue 29 Feb 2028",
            "Tuesday the twenty-ninth of February two thousand twenty-eight",
        )],
    );
}

#[test]
fn a_stay_names_its_months_once_where_once_is_enough() {
    check(
        json!({"check_in": "2026-12-12", "check_out": "2026-12-14"}),
        &[
            ("{{ it | date_range }}", "12–14 Dec", "from Saturday the twelfth to Monday the fourteenth"),
            (
                "{{ it | date_range(long=true) }}",
                "Sat 12 – Mon 14 Dec",
                "from Saturday the twelfth to Monday the fourteenth",
            ),
            ("{{ it | nights | count('night', 'nights') }}", "2 nights", "two nights"),
        ],
    );
    check(
        json!({"check_in": "2027-01-29", "check_out": "2027-01-31"}),
        &[(
            "{{ it | date_range }}",
            "29–31 Jan",
            "from Friday the twenty-ninth to Sunday the thirty-first of January",
        )],
    );
    check(
        json!({"check_in": "2026-12-30", "check_out": "2027-01-02"}),
        &[(
            "{{ it | date_range }}",
            "30 Dec – 2 Jan",
            "from Wednesday the thirtieth of December to Saturday the second of January",
        )],
    );
}

#[test]
fn money_has_cents_only_where_there_are_any() {
    let euros = |minor: i64| json!({"minor": minor, "currency": "EUR"});
    check(euros(28_400), &[("{{ it | money }}", "€ 284", "two hundred eighty-four euros")]);
    check(
        euros(28_450),
        &[("{{ it | money }}", "€ 284.50", "two hundred eighty-four euros and fifty cents")],
    );
    check(euros(100), &[("{{ it | money }}", "€ 1", "one euro")]);
    check(
        euros(123_456_701),
        &[(
            "{{ it | money }}",
            "€ 1,234,567.01",
            "one million two hundred thirty-four thousand five hundred sixty-seven euros and one cent",
        )],
    );
    check(euros(-5_000), &[("{{ it | money }}", "€ -50", "minus fifty euros")]);
    check(
        json!({"minor": 28_400, "currency": "JPY"}),
        &[("{{ it | money }}", "¥ 28,400", "twenty-eight thousand four hundred yen")],
    );
    check(json!({"minor": 1_000, "currency": "ISK"}), &[("{{ it | money }}", "ISK 10", "ten ISK")]);
}

#[test]
fn parties_counts_times_codes_and_lists_follow_the_medium() {
    check(json!(1), &[("{{ it | party }}", "1 guest", "one guest")]);
    check(json!({"adults": 2, "children": 0}), &[("{{ it | party }}", "2 adults", "two adults")]);
    check(
        json!({"adults": 2, "children": 1}),
        &[("{{ it | party }}", "2 adults and 1 child", "two adults and a child")],
    );
    check(
        json!({"adults": 1, "children": 2}),
        &[("{{ it | party }}", "1 adult and 2 children", "one adult and two children")],
    );
    check(json!(1), &[("{{ it | count('night', 'nights') }}", "1 night", "one night")]);
    check(json!(-3), &[("{{ it | count }}", "-3", "minus three")]);
    check(json!("15:00"), &[("{{ it | time }}", "15:00", "three in the afternoon")]);
    check(json!("07:05:00"), &[("{{ it | time }}", "07:05", "seven oh five in the morning")]);
    check(json!("22:30"), &[("{{ it | time }}", "22:30", "ten thirty in the evening")]);
    check(json!("12:00"), &[("{{ it | time }}", "12:00", "noon")]);
    check(json!("BR7Q2"), &[("{{ it | code }}", "BR7Q2", "B, R, seven, Q, two")]);
    check(json!(["a", "b", "c"]), &[("{{ it | list('or') }}", "a, b or c", "a, b or c")]);
    check(json!(["a"]), &[("{{ it | list }}", "a", "a")]);
    check(json!(true), &[("{{ it }}", "yes", "yes")]);
    check(
        json!("+34612345678"),
        &[(
            "{{ it | phone }}",
            "+34 612 34 56 78",
            "plus three four, six one two, three four, five six, seven eight",
        )],
    );
}

#[test]
fn signs_in_a_value_are_words_aloud() {
    check(
        json!("Bed & breakfast, € 18.50, 10 % off"),
        &[(
            "{{ it }}",
            "Bed & breakfast, € 18.50, 10 % off",
            "Bed and breakfast, 18.50 euros, 10 percent off",
        )],
    );
}

#[test]
fn a_name_cannot_format_the_message_around_it() {
    let names = [
        ("*Ana*", "*Hello Ana, welcome*"),
        ("_Ana_Maria_", "*Hello Ana Maria, welcome*"),
        ("```Ana```\n\n> ~Lima~", "*Hello Ana > Lima, welcome*"),
        ("> Ana", "*Hello Ana, welcome*"),
        ("Ana\u{202e}Lima\u{200b}", "*Hello AnaLima, welcome*"),
        ("{{ 7 * 7 }}", "*Hello {{ 7 7 }}, welcome*"),
        ("https://example.com/a_b~c", "*Hello https://example.com/a_b~c, welcome*"),
    ];
    for (name, said) in names {
        let rendered = inline("*Hello {{ name }}, welcome*", &[("name", json!(name))], Medium::Chat);
        assert_eq!(rendered.unwrap(), said);
    }
}

#[test]
fn a_name_with_stars_leaves_the_confirmation_as_it_is() {
    let replies = replies(Layers::embedded());
    let mut facts = self::facts();
    facts.insert("name".to_owned(), json!("*Ana* _Lima_"));
    let starred = over(say("confirm_book_room"), facts);
    assert_eq!(
        text(&replies, &starred, Medium::Chat),
        text(&replies, &say("confirm_book_room"), Medium::Chat)
    );
}

#[test]
fn a_missing_fact_is_a_fault_with_its_line() {
    let fault = |template: &str| {
        inline(template, &[("stay", json!({"nights": 2}))], Medium::Chat).unwrap_err().to_string()
    };
    assert_eq!(
        fault("Hello\n{{ nobody }}"),
        "prompts/en/inline.j2 line 2: undefined value: `nobody` is undefined"
    );
    assert_eq!(
        fault("{{ stay.check_in | day }}"),
        "prompts/en/inline.j2 line 1: undefined value: expected a date, there is nothing"
    );
    assert_eq!(
        fault("{{ none }}"),
        "prompts/en/inline.j2 line 1: undefined value: there is nothing to say here"
    );
    assert_eq!(
        fault("\n\n{{ stay }}"),
        "prompts/en/inline.j2 line 3: invalid operation: a map cannot be said; name what is in it"
    );
    assert_eq!(
        fault("{{ stay | date_range }}"),
        "prompts/en/inline.j2 line 1: invalid operation: a stay needs both its dates here"
    );
}

#[test]
fn a_turn_is_one_message_with_the_buttons_of_its_last_saying() {
    let replies = replies(Layers::embedded());
    let turn = [
        numbered(7, say("unclear_rephrase")),
        numbered(8, asking("ask_view", options(&["sea", "garden", "city"]))),
    ];
    let said = render(&replies, &turn, Medium::Chat).unwrap();
    assert_eq!(said.len(), 1);
    assert_eq!(
        said[0].text,
        "Sorry, I didn't quite get that.\n\nWould you like a view of the sea, garden or city? If you don't mind, just say so."
    );
    assert_eq!(said[0].says, [7, 8]);
    let button = |id: &str, title: &str| Button { id: id.to_owned(), title: title.to_owned() };
    assert_eq!(
        said[0].buttons,
        [
            button("slot:view:sea", "Sea"),
            button("slot:view:garden", "Garden"),
            button("slot:view:city", "City")
        ]
    );
    let aloud = render(&replies, &turn, Medium::Voice).unwrap();
    assert!(aloud[0].buttons.is_empty());
    assert!(!aloud[0].text.contains('\n'));
    assert_eq!(render(&replies, &[], Medium::Chat).unwrap(), []);
}

#[test]
fn buttons_are_few_short_and_different() {
    let replies = replies(Layers::embedded());
    let titles = |say: Say| -> Vec<String> {
        let said = render(&replies, &[say], Medium::Chat).unwrap();
        said[0].buttons.iter().map(|button| button.title.clone()).collect()
    };
    let labelled = |labels: &[&str]| -> Vec<Item> {
        let rooms = items("/offers/rooms", "offer_id", "name");
        rooms
            .into_iter()
            .zip(labels)
            .map(|(item, label)| Item { label: (*label).to_owned(), ..item })
            .collect()
    };
    assert_eq!(
        titles(asking(
            "ask_room",
            labelled(&["Double, garden view, balcony", "Donaudampfschifffahrtsgesellschaft", "*Suite*"])
        )),
        ["Double, garden view", "Donaudampfschifffahr", "Suite"]
    );
    assert_eq!(
        titles(asking(
            "ask_room",
            labelled(&["Double room with a view of the sea", "Double room with a view of the park"])
        )),
        ["1. Double room with", "2. Double room with"]
    );
    assert_eq!(titles(asking("ask_view", options(&["a", "b", "c", "d"]))), ["A", "B", "C", "D"], "a list");
    assert_eq!(titles(asking("ask_view", options(&["a"; 11]))), [""; 0], "no list is so long");
    assert_eq!(titles(confirming("confirm_book_room")), ["Yes, book it", "Change something"]);
    assert_eq!(titles(confirming("confirm_cancel_booking")), ["Yes", "No"]);
    let boolean = asking("ask_name", Vec::new());
    let mut facts = boolean.facts();
    facts.insert("kind".to_owned(), json!("boolean"));
    let boolean = over(boolean, facts);
    assert_eq!(titles(boolean), ["Yes", "No"]);
}
