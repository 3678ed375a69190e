//! Guests' sentences and what they mean to the embedded extractor: data in `sentences/`, one function to check it.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test that cannot be set up has failed")]

mod anything;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::NaiveDate;
use indexmap::IndexMap;
use innkeeper::understand::{Extractor, Words};
use innkeeper_engine::{
    Act, DateRange, Expecting, Heard, Item, Kind, Options, Party, Question, ScopedSlot, Startable, Value,
};
use serde::Deserialize;
use serde_json::{Value as Json, json};

pub(crate) const WORDS: &str = include_str!("../../../prompts/en/words.yaml");

/// A file of sentences.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sheet {
    /// The day of the conversation.
    today: NaiveDate,
    /// The slots in scope: `book_room`, `cancel_booking`, `unseen`; none while no flow is under way.
    #[serde(default)]
    flow: Option<String>,
    /// What was asked for, unless a sentence says otherwise.
    #[serde(default)]
    asked: Option<String>,
    cases: Vec<Case>,
}

/// A sentence and what it means.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    said: String,
    /// The slot that was asked for, or `confirmation`, or `change`.
    #[serde(default)]
    asked: Option<String>,
    #[serde(default)]
    button: Option<String>,
    /// The slots in scope, where they are others than the sheet's.
    #[serde(default)]
    flow: Option<String>,
    /// Whether a recogniser wrote it.
    #[serde(default)]
    spoken: bool,
    #[serde(default)]
    kept: bool,
    /// Present values by slot, as texts of the form that `hears` has.
    #[serde(default)]
    known: IndexMap<String, String>,
    /// Slots that were asked for before, the last one first.
    #[serde(default)]
    unanswered: Vec<String>,
    /// What is heard, by slot; all of it.
    #[serde(default)]
    hears: IndexMap<String, String>,
    /// All acts, where they matter.
    #[serde(default)]
    acts: Option<Vec<String>>,
    /// Acts that must not be heard.
    #[serde(default)]
    never: Vec<String>,
    #[serde(default)]
    sure: Option<bool>,
}

pub(crate) fn words() -> Words {
    Words::parse(WORDS, "words.yaml").unwrap_or_else(|fault| panic!("{fault}"))
}

pub(crate) fn extractor() -> Extractor {
    Extractor::new(&words())
}

#[test]
fn sentences_mean_what_their_sheets_say() {
    let extractor = extractor();
    let mut report = String::new();
    let mut count = 0;
    for path in sheets() {
        let text = std::fs::read_to_string(&path).unwrap();
        let sheet: Sheet =
            serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for case in &sheet.cases {
            count += 1;
            check(&extractor, &sheet, case, &path, &mut report);
        }
    }
    assert!(count > 0, "there are no sentences");
    assert!(report.is_empty(), "\n{report}");
}

fn check(extractor: &Extractor, sheet: &Sheet, case: &Case, path: &Path, report: &mut String) {
    let mut question = question(sheet, case);
    if let Some(mended) = extractor.mended(&question).filter(|_| case.spoken) {
        question.said = mended;
    }
    let understood = extractor.understand(&question);
    let heard: IndexMap<String, String> =
        understood.slots.iter().map(|(name, heard)| (name.clone(), text(heard))).collect();
    let acts: Vec<String> = understood.acts.iter().map(act_name).collect();
    let mut wrong = Vec::new();
    let mut wanted = case.hears.clone();
    wanted.sort_keys();
    let mut got = heard.clone();
    got.sort_keys();
    if wanted != got {
        wrong.push(format!("hears {got:?}, expected {wanted:?}"));
    }
    if let Some(expected) = &case.acts {
        let sorted = |acts: &[String]| {
            let mut acts = acts.to_vec();
            acts.sort();
            acts
        };
        if sorted(expected) != sorted(&acts) {
            wrong.push(format!("acts {acts:?}, expected {expected:?}"));
        }
    }
    for never in &case.never {
        if acts.contains(never) {
            wrong.push(format!("acts {acts:?}, never {never}"));
        }
    }
    if let Some(sure) = case.sure
        && sure != understood.sure
    {
        wrong.push(format!("sure {}, expected {sure}; acts {acts:?}", understood.sure));
    }
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    for wrong in wrong {
        let _ = writeln!(report, "{file}: {:?}: {wrong}", case.said);
    }
}

fn sheets() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/sentences");
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn question(sheet: &Sheet, case: &Case) -> Question {
    let flow = case.flow.as_deref().or(sheet.flow.as_deref());
    let mut scope = flow.map(scope).unwrap_or_default();
    for slot in &mut scope {
        slot.value = case.known.get(&slot.name).map(|known| value(slot, known));
    }
    let expecting = match case.asked.as_deref().or(sheet.asked.as_deref()) {
        None | Some("nothing") => Expecting::Anything,
        Some("confirmation") => Expecting::Confirmation,
        Some("change") => Expecting::Change,
        Some(slot) => Expecting::Slot(slot.into()),
    };
    Question {
        said: case.said.clone(),
        button: case.button.clone(),
        today: sheet.today,
        expecting,
        flow: flow.map(str::to_owned),
        unanswered: case.unanswered.clone(),
        scope,
        starts: starts(),
        page: 0,
        among: Vec::new(),
        kept: case.kept,
        besides: Vec::new(),
    }
}

pub(crate) fn slot(name: &str, kind: Kind) -> ScopedSlot {
    let items = match &kind {
        Kind::Choice(options) => options.items(None),
        _ => Some(Vec::new()),
    };
    ScopedSlot { name: name.to_owned(), kind, items, value: None, optional: false }
}

fn offer(key: &str, label: &str, words: &[&str], total: i64) -> Item {
    Item {
        key: key.to_owned(),
        label: label.to_owned(),
        words: words.iter().map(|word| (*word).to_owned()).collect(),
        record: json!({
            "offer_id": key,
            "name": label,
            "nightly": { "minor": total / 2, "currency": "EUR" },
            "total": { "minor": total, "currency": "EUR" },
        })
        .into(),
    }
}

fn from(result: &str) -> Kind {
    Kind::Choice(Options::From {
        result: result.to_owned(),
        path: vec!["list".to_owned()],
        key: "id".to_owned(),
        label: "name".to_owned(),
        words: Vec::new(),
        sets: Vec::new(),
    })
}

fn fixed(options: &[&str]) -> Kind {
    Kind::Choice(Options::Fixed(options.iter().map(|option| (*option).to_owned()).collect()))
}

pub(crate) fn scope(flow: &str) -> Vec<ScopedSlot> {
    let optional = |slot: ScopedSlot| ScopedSlot { optional: true, ..slot };
    let unit = |nouns: &[&str]| Kind::Integer {
        min: Some(1),
        max: Some(50),
        unit: nouns.iter().map(|noun| (*noun).to_owned()).collect(),
    };
    match flow {
        "book_room" => vec![
            slot("stay", Kind::DateRange { min: None, max_nights: Some(30) }),
            slot("guests", Kind::Party { min: 1, max: 12 }),
            optional(slot("view", fixed(&["sea", "garden", "city"]))),
            optional(slot("rooms", unit(&["room", "rooms"]))),
            ScopedSlot {
                items: Some(vec![
                    offer("double-sea", "Double with sea view", &["double", "sea"], 28_400),
                    offer("double-garden", "Double with garden view", &["double", "garden"], 22_000),
                    offer("suite-sea", "Suite with sea view", &["suite", "sea"], 51_000),
                ]),
                ..slot("room", from("offers"))
            },
            slot("name", Kind::PersonName),
            slot("phone", Kind::Phone),
        ],
        "cancel_booking" => vec![slot("reference", Kind::Reference), slot("surname", Kind::PersonName)],
        "unseen" => vec![
            slot("delivery", Kind::Date { min: None, max: None }),
            slot("gift", Kind::Boolean),
            slot("bottles", unit(&["bottle", "bottles"])),
            slot("wine", fixed(&["red", "white", "sparkling_rose"])),
            optional(slot("message", Kind::Text { max_length: 200 })),
            slot("floor", Kind::Integer { min: None, max: None, unit: Vec::new() }),
        ],
        other => panic!("no scope {other}"),
    }
}

pub(crate) fn starts() -> Vec<Startable> {
    let start = |flow: &str, description: &str, examples: &[&str], slots: Vec<ScopedSlot>| Startable {
        flow: flow.to_owned(),
        description: description.to_owned(),
        examples: examples.iter().map(|example| (*example).to_owned()).collect(),
        slots,
    };
    vec![
        start(
            "book_room",
            "The guest wants a room for some nights, or wants to know what is free and what it costs.",
            &[
                "I need a room for two nights",
                "do you have anything free next weekend",
                "can I book a double with a sea view from the 12th to the 14th",
                "what would a room for three cost tomorrow night",
                "I want to make a reservation",
            ],
            scope("book_room"),
        ),
        start(
            "cancel_booking",
            "The guest wants to cancel a booking that was made before.",
            &[
                "I have to cancel my booking",
                "please cancel my reservation",
                "we can't come after all, call off the room",
            ],
            scope("cancel_booking"),
        ),
        start(
            "find_booking",
            "The guest wants to know about a booking that was made before, without changing it.",
            &["when is my booking", "can you look up my reservation", "is my reservation confirmed"],
            scope("cancel_booking"),
        ),
        start(
            "hotel_question",
            "The guest asks something about the hotel, such as breakfast, parking, pets or the time of check-in.",
            &["what time is breakfast", "do you have parking", "can I bring my dog", "is there wifi"],
            vec![slot("topic", from("info"))],
        ),
    ]
}

/// What was heard, as the sheets write it.
fn text(heard: &Heard) -> String {
    let parts = |parts: Vec<(&str, Option<String>)>| {
        let said: Vec<String> =
            parts.into_iter().filter_map(|(name, part)| Some(format!("{name} {}", part?))).collect();
        said.join(", ")
    };
    match heard {
        Heard::DateRange(DateRange { check_in, check_out, nights }) => parts(vec![
            ("in", check_in.map(|day| day.to_string())),
            ("out", check_out.map(|day| day.to_string())),
            ("nights", nights.map(|nights| nights.to_string())),
        ]),
        Heard::Date(day) => day.to_string(),
        Heard::Party { adults, children, total } => parts(vec![
            ("adults", adults.map(|count| count.to_string())),
            ("children", children.map(|count| count.to_string())),
            ("total", total.map(|count| count.to_string())),
        ]),
        Heard::Choice(text) | Heard::Text(text) => text.clone(),
        Heard::Among(keys) => keys.join(" or "),
        Heard::Boolean(yes) => yes.to_string(),
        Heard::Integer(number) => number.to_string(),
        Heard::NoPreference => "no preference".to_owned(),
        Heard::Anew => "another".to_owned(),
        Heard::NoSuchDay { day, last } => format!("no day {day} after {last}"),
    }
}

/// A present value from the same writing.
fn value(slot: &ScopedSlot, text: &str) -> Value {
    let part = |name: &str| {
        text.split(", ").find_map(|part| part.strip_prefix(name)).map(|part| part.trim().to_owned())
    };
    match &slot.kind {
        Kind::DateRange { .. } => Value::DateRange(DateRange {
            check_in: part("in").map(|day| day.parse().unwrap()),
            check_out: part("out").map(|day| day.parse().unwrap()),
            nights: part("nights").map(|nights| nights.parse().unwrap()),
        }),
        Kind::Party { .. } => Value::Party(Party {
            adults: part("adults").unwrap().parse().unwrap(),
            children: part("children").map_or(0, |count| count.parse().unwrap()),
        }),
        Kind::Choice(_) => {
            let items = slot.items.as_ref().unwrap();
            Value::Choice(Arc::new(items.iter().find(|item| item.key == text).unwrap().clone()))
        }
        Kind::Integer { .. } => Value::Integer(text.parse().unwrap()),
        Kind::Date { .. } => Value::Date(text.parse().unwrap()),
        Kind::Boolean => Value::Boolean(text == "true"),
        Kind::Text { .. } | Kind::PersonName | Kind::Phone | Kind::Reference => Value::Text(text.to_owned()),
    }
}

fn act_name(act: &Act) -> String {
    match act {
        Act::Start(flow) => format!("start:{flow}"),
        Act::StartAnother(flow) => format!("another:{flow}"),
        act => {
            let Json::String(name) = serde_json::to_value(act).unwrap() else { panic!("{act:?}") };
            name
        }
    }
}

#[test]
fn a_mistake_in_the_words_is_told_with_its_place() {
    let broken = WORDS.replace("  the: [the]", "  thee: [the]");
    let fault = Words::parse(&broken, "words.yaml").unwrap_err();
    let line = 1 + broken.lines().position(|line| line.contains("thee")).unwrap();
    assert_eq!(fault.line, u64::try_from(line).unwrap());
    assert!(fault.to_string().starts_with(&format!("words.yaml:{line}:")), "{fault}");
    assert!(fault.message.contains("thee"), "{fault}");
}

#[test]
fn a_button_title_longer_than_twenty_characters_is_refused() {
    let broken = WORDS.replace("\"Yes, book it\"", "\"Yes, please do book it for me\"");
    let fault = Words::parse(&broken, "words.yaml").unwrap_err();
    assert!(fault.message.contains("Yes, please do book it for me"), "{fault}");
    assert!(fault.line > 0);
}

#[test]
fn a_number_is_from_the_country_of_the_house() {
    let mut question = open("07400 123456");
    question.expecting = Expecting::Slot("phone".into());
    let british = extractor().in_region("GB").understand(&question);
    assert_eq!(british.slots["phone"], Heard::Text("+447400123456".to_owned()));
}

fn open(said: &str) -> Question {
    Question {
        said: said.to_owned(),
        button: None,
        today: NaiveDate::from_ymd_opt(2026, 12, 1).unwrap(),
        expecting: Expecting::Anything,
        flow: Some("book_room".to_owned()),
        unanswered: Vec::new(),
        scope: scope("book_room"),
        starts: starts(),
        page: 0,
        among: Vec::new(),
        kept: false,
        besides: Vec::new(),
    }
}
