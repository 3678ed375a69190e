//! Flow files: what the checker makes of good ones, and what it says about broken ones.
//!
//! A case is a file under `flows/`. Its comments may say `# prompts: ask_stay booked:total,name ask_room@chat`, which
//! are then the only prompts there are (with the variables each uses), `# ways: whatsapp`, and `# === name.yaml`, after which another file
//! begins. A case without a root chart of its own gets the one in `flows/conversation.yaml`.

#![expect(clippy::unwrap_used, reason = "a test stops where it cannot go on")]

mod large;
mod one;
mod slips;
mod summary;

use std::collections::BTreeSet;

use innkeeper_engine::flow::{Mistakes, Rule, Source};
use innkeeper_engine::{Flows, PromptKey, Prompts, Tool, Tools};
use miette::{GraphicalReportHandler, GraphicalTheme};

use self::summary::summary;
use crate::files;

const ROOT_CHART: &str = include_str!("flows/conversation.yaml");
const BOOK_ROOM: &str = include_str!("flows/good/book_room.yaml");
const TOOLS: &str = include_str!("flows/tools.json");

/// The tools of a small hotel.
pub(crate) fn tools() -> Tools {
    let list: serde_json::Value = serde_json::from_str(TOOLS).unwrap();
    list.as_array()
        .unwrap()
        .iter()
        .map(|tool| {
            let tool = Tool {
                name: tool["name"].as_str().unwrap().to_owned(),
                input_schema: tool["input"].clone(),
                output_schema: tool.get("output").cloned(),
                read_only: tool["read_only"].as_bool().unwrap(),
            };
            (tool.name.clone(), tool)
        })
        .collect()
}

/// The files of a case.
pub(crate) fn sources(file: &str, text: &str) -> Vec<Source> {
    let mut sources = vec![Source { file: file.to_owned(), text: String::new() }];
    for line in text.lines() {
        match line.strip_prefix("# === ") {
            Some(name) => sources.push(Source { file: name.to_owned(), text: String::new() }),
            None => {
                let source = sources.last_mut().unwrap();
                source.text.push_str(line);
                source.text.push('\n');
            }
        }
    }
    if !text.lines().any(|line| line.starts_with("flow: conversation") || line == "# no root chart") {
        sources.push(Source { file: "conversation.yaml".to_owned(), text: ROOT_CHART.to_owned() });
    }
    sources
}

/// The prompts of a case; without a word about them, none is required.
pub(crate) fn prompts(text: &str) -> Prompts {
    let lines: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# prompts:")).collect();
    if lines.is_empty() {
        return Prompts::default();
    }
    let channels = ["chat", "voice"];
    let ways = text.lines().filter_map(|line| line.strip_prefix("# ways:")).flat_map(str::split_whitespace);
    let mut prompts = Prompts {
        ways: ways.map(str::to_owned).collect(),
        languages: vec!["en".to_owned()],
        channels: channels.map(str::to_owned).to_vec(),
        ..Prompts::default()
    };
    for word in lines.iter().flat_map(|line| line.split_whitespace()) {
        let (name, variables) = word.split_once(':').unwrap_or((word, ""));
        let (name, only) = match name.split_once('@') {
            Some((name, channel)) => (name, Some(channel)),
            None => (name, None),
        };
        let variables: BTreeSet<String> =
            variables.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect();
        for channel in channels.into_iter().filter(|channel| only.is_none_or(|only| only == *channel)) {
            let key =
                PromptKey { name: name.to_owned(), language: "en".to_owned(), channel: channel.to_owned() };
            prompts.found.insert(key, variables.clone());
        }
    }
    prompts
}

pub(crate) fn check(file: &str, text: &str) -> Result<Flows, Mistakes> {
    Flows::check(&sources(file, text), &tools(), &prompts(text))
}

fn check_text(text: &str) -> Result<Flows, Mistakes> {
    check("flow.yaml", text)
}

fn rules(text: &str) -> Vec<Rule> {
    match check_text(text) {
        Ok(_) => Vec::new(),
        Err(mistakes) => mistakes.0.iter().map(|mistake| mistake.rule).collect(),
    }
}

#[test]
fn good_flows_become_what_they_say() {
    files::each("tests/it/flows/good", |name, text| match check(name, text) {
        Ok(flows) => insta::assert_snapshot!(summary(&flows)),
        Err(mistakes) => panic!("{name} is good, but:\n{mistakes}"),
    });
}

#[test]
fn nothing_is_found_in_the_flows_that_are_shipped() {
    let sources = files::sources("../flows");
    assert!(sources.len() >= 5);
    // Their tools are the hotel's; here all are known by name alone, and whatever is not said to read writes.
    let called = sources.iter().flat_map(|source| source.text.lines()).filter_map(|line| {
        let name = line.split_once("invoke: ")?.1;
        Some(name.split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next()?.to_owned())
    });
    let tools: Tools = called
        .map(|name| {
            let reads = ["get", "find", "quote", "list"].iter().any(|verb| name.starts_with(verb));
            let tool = Tool {
                name: name.clone(),
                input_schema: serde_json::json!({ "type": "object" }),
                output_schema: None,
                read_only: reads,
            };
            (name, tool)
        })
        .collect();
    if let Err(mistakes) = Flows::check(&sources, &tools, &Prompts::default()) {
        panic!("{mistakes}");
    }
}

#[test]
fn broken_flows_are_told_every_mistake_with_its_place() {
    files::each("tests/it/flows/broken", |name, text| match check(name, text) {
        Ok(_) => panic!("{name} is broken, and nothing was found"),
        Err(mistakes) => {
            let rules: Vec<&str> = mistakes.0.iter().map(|mistake| mistake.rule.name()).collect();
            insta::assert_snapshot!(format!("{mistakes}\n\n{}", rules.join(" ")));
        }
    });
}

/// A flow of states, for a test that is about one of them.
fn flow(slots: &str, states: &str) -> String {
    format!("flow: small\ndescription: A small flow.\nslots: {{ {slots} }}\nstates:\n{states}\n")
}

#[test]
fn a_file_with_five_mistakes_has_five() {
    let text = include_str!("flows/broken/five_mistakes.yaml");
    let expected =
        [Rule::UnknownType, Rule::UnknownKey, Rule::UnknownState, Rule::UnknownSlot, Rule::UnknownField];
    assert_eq!(rules(text), expected);
}

#[test]
fn mistakes_come_in_the_order_of_files_and_lines() {
    let text = include_str!("flows/broken/syntax.yaml");
    let mistakes = check_text(text).unwrap_err();
    let files: Vec<&str> = mistakes.0.iter().map(|m| m.place.as_ref().unwrap().file.as_str()).collect();
    assert_eq!(files, ["flow.yaml", "other.yaml", "alias.yaml", "empty.yaml", "two.yaml", "list.yaml"]);
    for pair in check_text(include_str!("flows/broken/arguments.yaml")).unwrap_err().0.windows(2) {
        assert!(pair[0].place.as_ref().unwrap().start <= pair[1].place.as_ref().unwrap().start);
    }
}

#[test]
fn a_mistake_points_at_the_characters_that_are_wrong() {
    let text = flow("näme: boolean", "  only: { final: done }")
        .replace("only", "ä: { say: é, targt: only }\n  only");
    let mistakes = check_text(&text).unwrap_err();
    let pointed: Vec<(usize, usize, &str)> = mistakes
        .0
        .iter()
        .map(|mistake| {
            let place = mistake.place.as_ref().unwrap();
            (place.line, place.column, &text[place.start..place.end])
        })
        .collect();
    assert_eq!(pointed, [(3, 10, "näme"), (5, 3, "ä"), (5, 16, "targt")]);
}

#[test]
fn a_program_reads_mistakes_as_json() {
    let mistakes = check_text(&flow("", "  only: { final: done, targe: only }")).unwrap_err();
    insta::assert_json_snapshot!(mistakes);
}

#[test]
fn a_terminal_shows_mistakes_with_their_lines() {
    let mistakes =
        check_text(&flow("", "  first: { ask: what, target: onyl }\n  only: { final: done }")).unwrap_err();
    let mut shown = String::new();
    let theme = GraphicalTheme::unicode_nocolor();
    GraphicalReportHandler::new_themed(theme)
        .with_width(100)
        .render_report(&mut shown, &mistakes.into_shown())
        .unwrap();
    insta::assert_snapshot!(shown);
}

#[test]
fn the_version_is_that_of_the_meaning_not_of_the_spelling() {
    let version = |text: &str| check_text(text).unwrap().version().to_owned();
    let first = flow("a: boolean, b: date", "  x: { collect: [a, b], target: y }\n  y: { final: done }");
    let spelled = flow(
        "a: { optional: false, type: boolean }, b: { type: date }",
        "  x:   # the same\n    target: { target: y }\n    collect: [a, b]\n  y: { final: done }\n",
    );
    assert_eq!(version(&first), version(&spelled));
    assert_ne!(version(&first), version(&first.replace("[a, b]", "[b, a]")));
    // Positions are saved in the numbers of slots and states.
    assert_ne!(version(&first), version(&first.replace("a: boolean, b: date", "b: date, a: boolean")));
    assert_ne!(version(&first), version(&first.replace("final: done", "final: over")));
    assert_eq!(version(&first).len(), 16);
    assert!(version(&first).chars().all(|digit| digit.is_ascii_hexdigit()));
}

#[test]
fn the_version_changes_with_the_schema_of_a_tool_that_is_used() {
    let sources = sources("flow.yaml", BOOK_ROOM);
    let version =
        |tools: &Tools| Flows::check(&sources, tools, &Prompts::default()).unwrap().version().to_owned();
    let before = version(&tools());
    let mut used = tools();
    used["quote_stay"].input_schema["properties"]["board"] = serde_json::json!({ "type": "string" });
    assert_ne!(before, version(&used));
    let mut unused = tools();
    unused["order_breakfast"].input_schema["properties"]["jam"] = serde_json::json!({ "type": "string" });
    assert_eq!(before, version(&unused));
}

#[test]
fn the_order_of_the_files_changes_nothing() {
    let mut sources = sources("flow.yaml", include_str!("flows/good/every_form.yaml"));
    let first = Flows::check(&sources, &tools(), &Prompts::default()).unwrap();
    sources.reverse();
    let last = Flows::check(&sources, &tools(), &Prompts::default()).unwrap();
    assert_eq!(first.version(), last.version());
}

#[test]
fn a_call_that_writes_needs_a_yes_to_all_it_sends() {
    let states = |confirm: &str| {
        format!(
            "  ask: {{ collect: [eggs, vegan], target: read }}\n  read: {{ confirm: [{confirm}], yes: order, no: ask }}\n  \
             order: {{ invoke: order_breakfast, with: {{ eggs: eggs, vegan: vegan }}, done: end }}\n  \
             end: {{ final: done }}"
        )
    };
    let slots = "eggs: integer, vegan: boolean";
    assert_eq!(rules(&flow(slots, &states("eggs, vegan"))), []);
    assert_eq!(rules(&flow(slots, &states("eggs"))), [Rule::Unconfirmed]);
    let past =
        states("eggs, vegan").replace("target: read", "target: [{ guard: vegan, target: order }, read]");
    assert_eq!(rules(&flow(slots, &past)), [Rule::Unconfirmed]);
    let cleared = states("eggs, vegan").replace("yes: order", "yes: { clear: [vegan], target: order }");
    assert_eq!(rules(&flow(slots, &cleared)), [Rule::Unconfirmed]);
    let after_no = states("eggs, vegan").replace("no: ask", "no: order");
    assert_eq!(rules(&flow(slots, &after_no)), [Rule::Unconfirmed]);
    let by_handler = states("eggs, vegan").replace("no: ask", "no: ask, on: { thank: order }");
    assert_eq!(rules(&flow(slots, &by_handler)), [Rule::Unconfirmed]);
    let between = states("eggs, vegan")
        .replace("yes: order", "yes: wish")
        .replace("  end:", "  wish: { ask: anything_else, target: order }\n  end:");
    assert_eq!(rules(&flow(slots, &between)), [Rule::Unconfirmed]);
}

#[test]
fn an_opaque_id_is_confirmed_by_what_was_read_beside_it() {
    let states = |confirm: &str, sent: &str| {
        format!(
            "  quote: {{ invoke: quote_stay, with: {{ room_id: 1, start_date: today, end_date: today }}, save: quote, done: ask }}\n  \
             ask: {{ collect: [eggs], target: read }}\n  \
             read: {{ confirm: [{confirm}], yes: order, no: ask }}\n  \
             order: {{ invoke: order_breakfast, with: {{ eggs: eggs, remarks: {sent} }}, done: end }}\n  \
             end: {{ final: done }}"
        )
    };
    let rules = |confirm, sent| rules(&flow("eggs: integer", &states(confirm, sent)));
    assert_eq!(rules("eggs, quote.total", "quote.quote_id"), []);
    assert_eq!(rules("eggs, quote", "quote.quote_id"), []);
    assert_eq!(rules("eggs", "quote.quote_id"), [Rule::Unconfirmed]);
    assert_eq!(rules("eggs, quote.quote_id", "quote.total.currency"), [Rule::Unconfirmed]);
    assert_eq!(rules("eggs, quote.total", "quote.total.currency"), []);
}

#[test]
fn a_tool_without_a_schema_is_taken_at_its_word() {
    let states = "  ask: { invoke: get_hotel_info, save: info, done: pick }\n  \
                  pick: { collect: [topic], target: [{ guard: info.anything.at.all, target: end }, end] }\n  \
                  end: { final: done }";
    let slots = "topic: { type: choice, from: info.topics, key: topic, label: question }";
    assert_eq!(rules(&flow(slots, states)), []);
}

#[test]
fn a_guard_on_a_result_is_enough_to_use_it() {
    let states = |guard: &str| {
        format!(
            "  ask: {{ collect: [eggs], target: [{{ guard: eggs > 3, target: call }}, judge] }}\n  \
             call: {{ invoke: quote_stay, with: {{ room_id: 1, start_date: today, end_date: today }}, save: quote, done: judge }}\n  \
             judge: {{ always: [{{ guard: {guard}, target: read }}, end] }}\n  \
             read: {{ confirm: [quote.total], yes: end, no: end }}\n  \
             end: {{ final: done }}"
        )
    };
    assert_eq!(rules(&flow("eggs: integer", &states("quote.total"))), []);
    assert_eq!(rules(&flow("eggs: integer", &states("eggs > 4"))), [Rule::NeverFilled]);
    assert_eq!(rules(&flow("eggs: integer", &states("not quote"))), [Rule::NeverFilled]);
}

#[test]
fn a_missing_root_chart_is_told_once_and_blamed_for_nothing() {
    let text = format!("# no root chart\n{BOOK_ROOM}").replace("# prompts:", "#");
    let mistakes = check_text(&text).unwrap_err();
    assert_eq!(mistakes.0.len(), 1, "{mistakes}");
    assert_eq!(mistakes.0[0].rule, Rule::Missing);
    assert_eq!(mistakes.0[0].place, None);
}
