//! Flows written in Rust: they are the flows that are written in YAML, construct by construct.

mod good;
mod shipped;

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use innkeeper_engine::flow::builder::{
    Always, FlowBuilder, Formula, Never, ask, clear, collect, end, integer, invoke, rest, send, set, stay,
    text, to,
};
use innkeeper_engine::flow::{Event, Rule, Source, flow_schema};
use innkeeper_engine::{Flows, Merge, Prompts, Tool, Tools};
use serde_json::{Value as Json, json};

use crate::flows::{sources, tools};

/// Checks flows without asking for prompts.
fn check(sources: &[Source], tools: &Tools) -> Flows {
    Flows::check(sources, tools, &Prompts::default()).unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// The version of a good case as it is written in YAML.
fn authored(file: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/flows/good").join(file);
    check(&sources(file, &std::fs::read_to_string(path).unwrap()), &tools()).version().to_owned()
}

/// The version of flows that are built.
fn built(flows: &[FlowBuilder]) -> String {
    let sources: Vec<Source> = flows.iter().map(FlowBuilder::source).collect();
    check(&sources, &tools()).version().to_owned()
}

#[test]
fn every_good_flow_built_in_rust_is_the_flow_that_is_written_in_yaml() {
    assert_eq!(built(&[good::book_room(), good::conversation()]), authored("book_room.yaml"));
    assert_eq!(
        built(&[good::every_form(), good::breakfast(), good::conversation()]),
        authored("every_form.yaml")
    );
    assert_eq!(built(&[good::histories(), good::conversation()]), authored("histories.yaml"));
    assert_eq!(built(&[good::statechart(), good::conversation_of_statechart()]), authored("statechart.yaml"));
    assert_eq!(
        built(&[good::together(), good::breakfast_for(), good::conversation()]),
        authored("together.yaml")
    );
}

#[test]
fn no_good_flow_is_left_unbuilt() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/flows/good");
    let mut files: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort();
    assert_eq!(
        files,
        ["book_room.yaml", "every_form.yaml", "histories.yaml", "statechart.yaml", "together.yaml"]
    );
}

#[test]
fn every_word_that_the_schema_of_flow_files_knows_can_be_built() {
    // What no good flow shows.
    let rest = FlowBuilder::new("small")
        .was(["little"])
        .slot("eggs", integer().merge(Merge::Replace).was(["egg"]))
        .on(Event::Greet, stay())
        .on(Event::Unreadable, stay())
        .state("posted", send("letter", "mail").yes("only").no("only"))
        .state("only", end("done").was(["first"]));
    let flows = [
        good::book_room(),
        good::conversation(),
        good::every_form(),
        good::breakfast(),
        good::histories(),
        good::statechart(),
        good::conversation_of_statechart(),
        good::together(),
        good::breakfast_for(),
        rest,
    ];
    let mut written = BTreeSet::new();
    for flow in &flows {
        let read: Json = serde_saphyr::from_str(&flow.to_yaml()).unwrap();
        visit(&read, &mut |key, value| {
            written.extend([Some(key), value.as_str()].into_iter().flatten().map(str::to_owned))
        });
    }
    let schema = flow_schema();
    let mut known = BTreeSet::new();
    visit(&schema, &mut |key, value| {
        if let ("properties", Some(keys)) = (key, value.as_object()) {
            known.extend(keys.keys().cloned());
        }
    });
    // The types of slots and the ways to merge.
    visit(&schema["$defs"]["slot"], &mut |key, value| {
        if let ("const", Some(word)) = (key, value.as_str()) {
            known.insert(word.to_owned());
        }
    });
    // A flow that is switched off is not built at all.
    known.remove("enabled");
    assert!(known.len() > 100, "{}", known.len());
    let missing: Vec<&String> = known.difference(&written).collect();
    assert_eq!(missing, [""; 0]);
}

/// Shows every entry of every mapping.
fn visit(value: &Json, see: &mut impl FnMut(&str, &Json)) {
    match value {
        Json::Object(entries) => entries.iter().for_each(|(key, inner)| {
            see(key, inner);
            visit(inner, see);
        }),
        Json::Array(items) => items.iter().for_each(|inner| visit(inner, see)),
        _ => {}
    }
}

#[test]
fn the_shipped_flow_for_booking_built_in_rust_is_the_shipped_flow() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../flows");
    let names = ["book_room", "cancel_booking", "conversation", "find_booking", "hotel_question"];
    let mut sources: Vec<Source> = names
        .iter()
        .map(|name| {
            let file = format!("{name}.yaml");
            Source { text: std::fs::read_to_string(folder.join(&file)).unwrap(), file }
        })
        .collect();
    let writes = ["create_booking", "cancel_booking"];
    let reads = ["get_room_availability", "quote_stay", "find_bookings", "get_hotel_info"];
    let tool = |name: &str| Tool {
        name: name.to_owned(),
        input_schema: json!({ "type": "object" }),
        output_schema: None,
        read_only: reads.contains(&name),
    };
    let tools: Tools = writes.iter().chain(&reads).map(|name| ((*name).to_owned(), tool(name))).collect();
    let authored = check(&sources, &tools);
    sources[0] = shipped::book_room().source();
    let built = check(&sources, &tools);
    assert_eq!(built.version(), authored.version());
    sources[0] = shipped::book_room().slot("pets", integer().optional()).source();
    assert_ne!(check(&sources, &tools).version(), authored.version());
}

#[test]
fn a_mistake_points_into_the_text_that_the_builder_made() {
    let flow = FlowBuilder::new("small")
        .description("A small flow.")
        .slot("eggs", integer())
        .state("asking", collect(["eggs"]).then("oredred"))
        .state("ordered", end("done"));
    let sources = [flow.source(), good::conversation().source()];
    let mistakes = Flows::check(&sources, &tools(), &Prompts::default()).unwrap_err();
    let unknown = mistakes.0.iter().find(|mistake| mistake.rule == Rule::UnknownState).unwrap();
    let place = unknown.place.as_ref().unwrap();
    assert_eq!((place.file.as_str(), &flow.to_yaml()[place.start..place.end]), ("small", "oredred"));
    assert_eq!(place.source_line().trim(), "target: oredred");
}

#[test]
fn what_is_built_reads_like_what_an_author_writes() {
    let flow = FlowBuilder::new("small")
        .description("It says: \"no\" #1")
        .examples(["two eggs", "it's\n\tlate \u{2028}\u{7f}"])
        .slot("eggs", integer().min(-1).default("guest.eggs or 2"))
        .slot("remarks", text().optional())
        .on(Event::Cancel, to("no"))
        .never(Never::in_state(["no"]).guard("eggs").because("there is no way"))
        .always(Always::passed(["no"], ["asking"]))
        .state(
            "asking",
            collect(["eggs"])
                .entry([clear(["remarks"]), set("eggs", 1)])
                .then([to("calling").when("eggs > 3").set("eggs", "eggs + 1").say("many"), to("no")])
                .on("paid", stay().say("thanks"))
                .after(Duration::from_secs(90), to("no"))
                .after(Duration::from_millis(1500), to("no")),
        )
        .state(
            "calling",
            invoke("tool")
                .with("a", Formula::map([("b", Formula::list(["1", "c.d"])), ("e", Formula::from(true))]))
                .retry_after(2, Duration::from_millis(300))
                .done("no"),
        )
        .state("other", ask("what").then("wherever"))
        .state("wherever", rest().goes_on([to("no").when("true"), to("asking")]))
        .state("no", end("done"));
    insta::assert_snapshot!(flow.to_yaml());
}

#[test]
fn texts_come_back_from_yaml_as_they_were() {
    proptest::proptest!(|(text in "\\PC*|[ \\t\\n\"\\\\:#{}\\[\\]*&!|>%@`'-]{0,12}|(yes|no|y|N|~|null|1|1.5|0x1|on|true)")| {
        let flow = FlowBuilder::new("x").examples([text.as_str()]).slot("a", integer().default(text.as_str()));
        let read: Json = serde_saphyr::from_str(&flow.to_yaml()).unwrap();
        proptest::prop_assert_eq!(&read["examples"][0], &json!(text));
        proptest::prop_assert_eq!(&read["slots"]["a"]["default"], &json!(text));
    });
}
