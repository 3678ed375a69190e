//! Read-backs that leave out what a yes to them confirms: each is refused where it is written. And many that do not.

use innkeeper::reply::Layers;
use innkeeper_engine::Flows;
use innkeeper_engine::flow::{Mistakes, Source};

use super::fixture::replies;
use super::flows::{sources, tools};
use super::overlay::Folder;

/// A read-back of `book_room` that shows everything.
const WHOLE: &str = "Shall I book?\n{{ stay | date_range }}, {{ guests | party }}, {{ room.name }}\n{{ quote.total | money }}\n{{ name }}\n{{ phone }}";

/// What the checker says of the shipped flows, and these besides, with prompts laid over the shipped ones.
fn checked(name: &str, files: &[(&str, &str)], flow: Option<&str>) -> Result<Flows, Mistakes> {
    let folder = Folder::new(&format!("read-back-{name}"));
    files.iter().for_each(|(file, text)| folder.put(file, text));
    let prompts = replies(Layers::embedded().with_overlay(&folder.0).unwrap()).catalog();
    let mut sources = sources();
    sources.extend(flow.map(|text| Source { file: "own.yaml".to_owned(), text: text.to_owned() }));
    Flows::check(&sources, &tools(), &prompts)
}

/// `file:line:column fact` of everything that is not shown.
fn left_out(name: &str, files: &[(&str, &str)], flow: Option<&str>) -> Vec<String> {
    let Err(mistakes) = checked(name, files, flow) else { return Vec::new() };
    let told = mistakes.0.iter().map(|mistake| {
        assert_eq!(mistake.rule.name(), "not_shown", "{mistakes}");
        let place = mistake.place.as_ref().unwrap();
        let file = place.file.rsplit('/').next().unwrap();
        let fact = mistake.message.split('`').nth(3).unwrap_or_default();
        format!("{file}:{}:{} {fact}", place.line, place.column)
    });
    told.collect()
}

#[test]
fn a_read_back_that_shows_nothing_is_refused_for_everything_it_confirms() {
    let files = [("confirm_book_room.chat.j2", "\n  Shall I book?\n")];
    let all = ["stay", "guests", "room", "quote.total", "name", "phone"];
    let expected: Vec<String> =
        all.iter().map(|fact| format!("confirm_book_room.chat.j2:2:3 {fact}")).collect();
    assert_eq!(left_out("nothing", &files, None), expected);
    let told = checked("told", &files, None).unwrap_err().to_string();
    let folder = std::env::temp_dir().join(format!("innkeeper-read-back-told-{}", std::process::id()));
    let told = told.replace(&folder.display().to_string(), "DIR");
    insta::assert_snapshot!(told);
}

#[test]
fn a_fact_that_is_not_shown_on_every_way_is_told_where_it_is_read() {
    let name = [
        ("missing", "", "1:1"),
        ("in_a_comment", "{# {{ name }} #}", "1:1"),
        ("only_set", "{% set who = name %}", "4:14"),
        ("only_tested", "{{ name is defined }}", "4:4"),
        ("on_one_way", "{% if spelled %}{{ name }}{% endif %}", "4:20"),
        ("on_one_way_of_a_line", "{{ name if spelled }}", "4:4"),
        (
            "on_one_way_of_three",
            "{% if more %}{{ name }}{% elif spelled %}x{% else %}{{ name }}{% endif %}",
            "4:17",
        ),
        ("its_beginning", "{{ name[:1] }}", "4:4"),
        ("its_first_letter", "{{ name | first }}", "4:4"),
        ("its_length", "{{ name | length }}", "4:4"),
        ("never_looped", "{% for x in [] %}{{ name }}{% endfor %}", "1:1"),
        ("looped_over_another", "{% for x in flows %}{{ name }}{% endfor %}", "4:24"),
        ("macro_not_called", "{% macro who() %}{{ name }}{% endmacro %}", "1:1"),
        ("macro_of_another", "{% macro who(a) %}{{ a }}{% endmacro %}{{ who(phone) }}", "1:1"),
        ("caught", "{% set who %}{{ name }}{% endset %}", "4:17"),
        ("voice_alone", "{% if channel == 'voice' %}{{ name }}{% endif %}", "4:31"),
        ("another_guest", "{{ guest.name }}", "1:1"),
        ("shown_where_it_is_not", "{% if name %}you{% else %}{{ name }}{% endif %}", "4:7"),
        ("hidden", "{% set name = '' %}{{ name }}", "1:1"),
    ];
    for (case, instead, place) in name {
        let text = WHOLE.replace("{{ name }}", instead);
        let told = left_out(case, &[("confirm_book_room.chat.j2", &text)], None);
        assert_eq!(told, [format!("confirm_book_room.chat.j2:{place} name")], "{case}");
    }
    let others = [
        ("nights", "{{ stay | date_range }}", "{{ stay | nights }} nights", "2:4 stay"),
        ("arrival", "{{ stay | date_range }}", "{{ stay.check_in | day }}", "2:4 stay"),
        ("adults", "{{ guests | party }}", "{{ guests.adults }}", "2:29 guests"),
        ("its_id", "{{ room.name }}", "{{ room.room_id }}", "2:51 room"),
        ("its_view", "{{ room.name }}", "{{ room.view }}", "2:51 room"),
        ("currency", "{{ quote.total | money }}", "{{ quote.total.currency }}", "3:4 quote.total"),
        ("other_money", "{{ quote.total | money }}", "{{ quote.nightly }}", "3:4 quote.total"),
        (
            "own_number",
            "{{ phone }}",
            "{% if guest.phone == phone %}{% else %}{{ phone }}{% endif %}",
            "5:22 phone",
        ),
        (
            "other_number",
            "{{ phone }}",
            "{% if guest.phone != phone %}yours{% else %}{{ phone }}{% endif %}",
            "5:22 phone",
        ),
    ];
    for (case, fact, instead, told) in others {
        let text = WHOLE.replace(fact, instead);
        assert_ne!(text, WHOLE);
        let found = left_out(case, &[("confirm_book_room.chat.j2", &text)], None);
        assert_eq!(found, [format!("confirm_book_room.chat.j2:{told}")], "{case}");
    }
}

#[test]
fn each_medium_and_what_a_prompt_includes_is_looked_at() {
    let voice = left_out("voice", &[("confirm_book_room.voice.j2", &WHOLE.replace("{{ phone }}", ""))], None);
    assert_eq!(voice, ["confirm_book_room.voice.j2:1:1 phone"]);
    let both = left_out("both", &[("confirm_book_room.j2", &WHOLE.replace("{{ phone }}", ""))], None);
    assert_eq!(both, ["confirm_book_room.j2:1:1 phone"], "a file for both media is told once");
    let offer = left_out("offer", &[("_offer.j2", "a room")], None);
    assert_eq!(
        offer,
        ["confirm_book_room.chat.j2:1:16 room", "confirm_book_room.voice.j2:1:16 room"],
        "of what includes it"
    );
    let cancel =
        left_out("cancel", &[("confirm_cancel_booking.j2", "Cancel {{ booking.room_name }}?")], None);
    assert_eq!(cancel, ["confirm_cancel_booking.j2:1:11 booking"], "a guest knows a choice by its label");
}

#[test]
fn what_is_shown_in_any_way_is_shown() {
    let good = [
        ("{{ name }}", "{{ name | upper }}"),
        ("{{ name }}", "{{ name | title | trim }}"),
        ("{{ name }}", "{{ 'For ' ~ name ~ '.' }}"),
        ("{{ name }}", "{% set who = name %}{{ who }}"),
        ("{{ name }}", "{% set who %}for {{ name }}{% endset %}{{ who }}"),
        ("{{ name }}", "{% with who = name %}{{ who }}{% endwith %}"),
        ("{{ name }}", "{% filter upper %}{{ name }}{% endfilter %}"),
        ("{{ name }}", "{% macro who(a, b='x') %}{{ b }}{{ a }}{% endmacro %}{{ who(name) }}"),
        (
            "{{ name }}",
            "{% macro who(a) %}{{ a }}{{ caller() }}{% endmacro %}{% call who(1) %}{{ name }}{% endcall %}",
        ),
        ("{{ name }}", "{% import '_lines.j2' as lines %}{{ lines.who(name) }}"),
        ("{{ name }}", "{% from '_lines.j2' import who as line %}{{ line(a=name) }}"),
        ("{{ name }}", "{% if spelled %}{{ name | letters }}{% else %}{{ name }}{% endif %}"),
        ("{{ name }}", "{% if name %}{{ name }}{% endif %}"),
        ("{{ name }}", "{% if not name %}{% else %}{{ name }}{% endif %}"),
        ("{{ name }}", "{{ name if name else 'nobody' }}"),
        ("{{ name }}", "{{ name or 'nobody' }}"),
        ("{{ name }}", "{{ name | default('nobody') }}"),
        ("{{ name }}", "{% if channel == 'chat' %}{{ name }}{% endif %}"),
        ("{{ name }}\n{{ phone }}", "{% for x in [name, phone] %}{{ x }}{% endfor %}"),
        ("{{ name }}\n{{ phone }}", "{{ [name, phone] | join(', ') }}"),
        ("{{ name }}", "{% set guests2 = {'who': name} %}{{ guests2.who }}"),
        ("{{ stay | date_range }}", "{{ stay.check_in | day }} to {{ stay['check_out'] | day }}"),
        (
            "{{ stay | date_range }}",
            "{{ dict(check_in=stay.check_in, check_out=stay.check_out) | date_range }}",
        ),
        ("{{ guests | party }}", "{{ guests.adults }} and {{ guests.children }}"),
        (
            "{{ guests | party }}",
            "{{ guests.adults }}{% if guests.children > 0 %} and {{ guests.children }}{% endif %}",
        ),
        ("{{ room.name }}", "{% set offer = room %}{% include '_offer.j2' %}"),
        ("{{ room.name }}", "{{ room['name'] }}"),
        ("{{ quote.total | money }}", "{% set q = quote %}{{ q.total | money }}"),
        ("{{ phone }}", "{% if phone == guest.phone %}your number{% else %}{{ phone | phone }}{% endif %}"),
    ];
    for (fact, instead) in good {
        let text = WHOLE.replace(fact, instead);
        assert_ne!(text, WHOLE);
        let lines = "{% macro who(a) %}for {{ a }}{% endmacro %}";
        let files = [("confirm_book_room.chat.j2", text.as_str()), ("_lines.j2", lines)];
        assert_eq!(left_out("good", &files, None), [""; 0], "{instead}");
    }
    let child = "{% extends '_frame.j2' %}{% block facts %}{{ stay | date_range }} {{ guests | party }}{% endblock %}";
    let frame =
        WHOLE.replacen("{{ stay | date_range }}, {{ guests | party }}", "{% block facts %}{% endblock %}", 1);
    assert_eq!(
        left_out("extends", &[("confirm_book_room.chat.j2", child), ("_frame.j2", &frame)], None),
        [""; 0]
    );
}

/// A flow that reads back a truth, a number, an optional text and options of its own.
const OWN: &str = "flow: own
description: Something of one's own.
slots:
  robe:  { type: boolean }
  many:  { type: integer }
  wish:  { type: text, optional: true }
  drink: { type: choice, options: [tea, milk] }
states:
  first: { collect: [robe, many, wish, drink], target: last }
  last:  { confirm: [robe, many, wish, drink], yes: { target: over }, no: { target: over } }
  over:  { say: goodbye, final: done }
";

/// The same with questions.
fn own(case: &str, read_back: &str, ask: &str) -> Vec<String> {
    let files = [
        ("confirm_own.j2", read_back),
        ("ask_robe.j2", "Robe?"),
        ("ask_many.j2", "Many?"),
        ("ask_wish.j2", "Wish?"),
        ("ask_drink.j2", ask),
    ];
    left_out(case, &files, Some(OWN))
}

#[test]
fn a_truth_needs_words_for_both_its_ways_and_an_option_needs_its_own() {
    let rest = "{{ many | count('cup', 'cups') }}{% if wish %} {{ wish }}{% endif %}";
    let kinds = ["{{ drink }}", "{% if drink == 'tea' %}green tea{% else %}{{ drink }}{% endif %}"];
    let robes = [
        "{% if robe %}with{% else %}without{% endif %}",
        "{{ 'with' if robe else 'without' }}",
        "{{ robe }}",
    ];
    for (kind, robe) in kinds.iter().flat_map(|kind| robes.iter().map(move |robe| (kind, robe))) {
        assert_eq!(own("truths", &format!("{rest} {kind} {robe}"), "Drink?"), [""; 0], "{kind} {robe}");
    }
    let half = format!("{rest} {{{{ drink }}}} {{% if robe %}}with a robe{{% endif %}}");
    assert_eq!(own("half", &half, "Drink?"), ["confirm_own.j2:1:88 robe"]);
    let known = format!("{rest} {{% if drink == 'tea' %}}tea{{% endif %}} {{{{ robe }}}}");
    assert_eq!(own("known", &known, "Drink?"), ["confirm_own.j2:1:76 drink"]);
    let none = "{{ many }} {{ drink }} {{ robe }} {% if wish %}, as you wish{% endif %}";
    assert_eq!(own("wish", none, "Drink?"), ["confirm_own.j2:1:41 wish"]);
}

#[test]
fn a_question_without_words_is_refused() {
    let whole = "{{ many }} {{ drink }} {{ robe }} {{ wish }}";
    for (case, empty) in [("empty", ""), ("blank", " \n\n"), ("comment", "{# later #}"), ("signs", "...")] {
        assert_eq!(own(case, whole, empty).len(), 1, "{case}");
        assert_eq!(left_out(case, &[("consent_whatsapp.j2", empty)], None).len(), 1, "{case}: a consent");
        assert_eq!(left_out(case, &[("confirm_book_room.j2", empty)], None).len(), 1, "{case}: a read-back");
    }
}
