//! Rust functions as tools: what flows are checked against, and what comes of calling them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use innkeeper_engine::flow::builder::{
    FlowBuilder, collect, confirm, end, integer, invoke, run_requested, stay, to, wait,
};
use innkeeper_engine::flow::{Event, Rule, Source};
use innkeeper_engine::runtime::{
    Arrival, Driver, Functions, InProcess, Key, MemoryStore, Performer, ToolError,
};
use innkeeper_engine::{
    Act, Call, Flows, Guest, Heard, Input, Moment, Outcome, Prompts, Question, Retry, Say, Understanding,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Eggs {
    /// How many.
    eggs: u32,
    soft: Option<bool>,
}

#[derive(Serialize, JsonSchema)]
struct Price {
    cents: u32,
}

#[derive(Serialize, JsonSchema)]
struct Nothing {}

/// A number of eggs has a price; thirteen are refused, and nobody knows what becomes of fourteen.
fn kitchen(keys: &Arc<Mutex<Vec<String>>>) -> Functions {
    let keys = Arc::clone(keys);
    Functions::new()
        .reads("price_of", |order: Eggs| async move {
            let soft = order.soft.unwrap_or_default();
            Ok(Price { cents: if soft { 110 * order.eggs } else { 100 * order.eggs } })
        })
        .reads("hours", |(): ()| async move { Ok(vec!["07:00".to_owned(), "10:00".to_owned()]) })
        .writes("order", move |order: Eggs, key: Key| {
            keys.lock().unwrap().push(key.to_string());
            async move {
                match order.eggs {
                    13 => Err(ToolError::new("unlucky", "the kitchen has thirteen only on Fridays")),
                    14 => Err(ToolError::unknown("the kitchen does not answer")),
                    _ => Ok(Nothing {}),
                }
            }
        })
}

fn call(tool: &str, arguments: Json) -> Call {
    let arguments =
        arguments.as_object().unwrap().iter().map(|(name, value)| (name.as_str().into(), value.clone()));
    Call {
        id: 1,
        tool: tool.into(),
        arguments: arguments.collect(),
        writes: false,
        retry: Retry::default(),
        cache_ms: None,
    }
}

async fn answer(functions: &Functions, tool: &str, arguments: Json) -> Outcome {
    functions.call(&call(tool, arguments), "talk/1").await
}

fn code(outcome: Outcome) -> String {
    match outcome {
        Outcome::Error { code, .. } => code,
        other => panic!("{other:?}"),
    }
}

#[test]
fn functions_are_tools_with_the_schemas_of_their_types() {
    let functions = kitchen(&Arc::default());
    insta::assert_json_snapshot!(functions.tools());
}

#[tokio::test]
async fn a_function_is_called_with_its_arguments_and_the_key() {
    let keys = Arc::default();
    let functions = kitchen(&keys);
    let priced = answer(&functions, "price_of", json!({ "eggs": 3, "soft": true })).await;
    assert_eq!(priced, Outcome::Ok { result: Arc::new(json!({ "cents": 330 })) });
    let hours = answer(&functions, "hours", json!({})).await;
    assert_eq!(hours, Outcome::Ok { result: Arc::new(json!(["07:00", "10:00"])) });
    answer(&functions, "order", json!({ "eggs": 2 })).await;
    assert_eq!(*keys.lock().unwrap(), ["talk/1"]);
}

#[tokio::test]
async fn arguments_that_do_not_fit_are_a_failure_with_a_code() {
    let keys = Arc::default();
    let functions = kitchen(&keys);
    for arguments in
        [json!({}), json!({ "eggs": "two" }), json!({ "eggs": -1 }), json!({ "eggs": 1, "ham": 1 })]
    {
        assert_eq!(code(answer(&functions, "order", arguments).await), "bad_arguments");
    }
    assert!(keys.lock().unwrap().is_empty(), "nothing was done");
    assert_eq!(code(answer(&functions, "ordr", json!({})).await), "unknown_tool");
}

#[tokio::test]
async fn a_result_that_cannot_be_told_is_a_failure_of_a_read_and_an_unknown_outcome_of_a_write() {
    let untold = || HashMap::from([((1, 2), 3)]);
    #[derive(Serialize)]
    struct Untold(HashMap<(u8, u8), u8>);
    impl JsonSchema for Untold {
        fn schema_name() -> std::borrow::Cow<'static, str> {
            "Untold".into()
        }
        fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
            schemars::json_schema!({ "type": "object" })
        }
    }
    let functions = Functions::new()
        .reads("look", move |(): ()| async move { Ok(Untold(untold())) })
        .writes("do", move |(): (), _: Key| async move { Ok(Untold(untold())) });
    assert_eq!(code(answer(&functions, "look", json!({})).await), "bad_result");
    assert!(matches!(answer(&functions, "do", json!({})).await, Outcome::Unknown { .. }));
}

fn flows(functions: &Functions, argument: &str) -> Result<Flows, innkeeper_engine::flow::Mistakes> {
    let breakfast = FlowBuilder::new("breakfast")
        .description("The guest wants breakfast.")
        .slot("eggs", integer().min(1))
        .state("asking", collect(["eggs"]).then("pricing"))
        .state("pricing", invoke("price_of").with(argument, "eggs").save("price").done("confirming"))
        .state("confirming", confirm(["eggs", "price.cents"]).yes("ordering").no("asking"))
        .state(
            "ordering",
            invoke("order")
                .with("eggs", "eggs")
                .retry_after(2, Duration::ZERO)
                .done("ordered")
                .error(to("asking").when("error.code == 'unlucky'").say("not_that_many").clear(["eggs"]))
                .unknown("unsure"),
        )
        .state("ordered", end("done").say("ordered"))
        .state("unsure", end("unsure").say("unsure"));
    let root = FlowBuilder::root()
        .on(Event::Start, run_requested())
        .on(Event::Unclear, stay().say("pardon"))
        .on(Event::Silence, "closing")
        .on(Event::Cancel, "idle")
        .on(Event::Human, "closing")
        .on(Event::ToolFailed, to("closing").say("sorry"))
        .state("idle", wait())
        .state("closing", end("closed"));
    Flows::check(&[Source::from(breakfast), root.source()], &functions.tools(), &Prompts::default())
}

#[test]
fn a_flow_is_checked_against_the_types_of_functions() {
    let functions = kitchen(&Arc::default());
    assert!(flows(&functions, "eggs").is_ok());
    let mistakes = flows(&functions, "egs").unwrap_err();
    let rules: Vec<Rule> = mistakes.0.iter().map(|mistake| mistake.rule).collect();
    assert_eq!(rules, [Rule::UnknownArgument], "{mistakes}");
}

/// Orders that many eggs; what was said.
async fn order(functions: Functions, eggs: i64) -> Vec<String> {
    let driver = Driver::new(flows(&functions, "eggs").unwrap_or_else(|mistakes| panic!("{mistakes}")));
    let understand = move |question: &Question| {
        let mut meaning = Understanding::default();
        match question.said.as_str() {
            "breakfast" => meaning.acts.push(Act::Start("breakfast".to_owned())),
            "eggs" => drop(meaning.slots.insert("eggs".to_owned(), Heard::Integer(eggs))),
            _ => meaning.acts.push(Act::Affirm),
        }
        meaning
    };
    let moment = Moment { at: "2026-12-01T08:00:00Z".parse().unwrap(), today: "2026-12-01".parse().unwrap() };
    let performer = InProcess::new(functions, understand, move || moment);
    let store: MemoryStore<Say> = MemoryStore::default();
    let mut said = Vec::new();
    let mut last = None;
    for words in ["breakfast", "eggs", "yes"] {
        let conveyed = last.map(|say| Input::Conveyed { say }).into_iter();
        let inputs = conveyed.chain([Input::Said { text: words.to_owned(), button: None }]).collect();
        let arrival = Arrival { message: None, inputs, moment };
        let turn = driver.turn(&store, &performer, "talk", arrival, None).await.unwrap();
        last = turn.outgoing.last().map(|say| say.id);
        said.extend(turn.outgoing.iter().map(|say| say.prompt.to_string()));
    }
    said
}

#[tokio::test]
async fn a_library_user_needs_functions_flows_and_a_store_in_memory() {
    let keys = Arc::default();
    assert_eq!(order(kitchen(&keys), 2).await, ["ask_eggs", "confirm_breakfast", "ordered"]);
    assert_eq!(*keys.lock().unwrap(), ["talk/2"]);
}

#[tokio::test]
async fn the_code_of_a_refusal_is_what_a_flow_sees() {
    let said = order(kitchen(&Arc::default()), 13).await;
    assert_eq!(said, ["ask_eggs", "confirm_breakfast", "not_that_many", "ask_eggs"]);
}

#[tokio::test]
async fn a_call_whose_outcome_nobody_knows_is_repeated_under_its_key() {
    let keys = Arc::default();
    assert_eq!(order(kitchen(&keys), 14).await, ["ask_eggs", "confirm_breakfast", "unsure"]);
    assert_eq!(*keys.lock().unwrap(), ["talk/2", "talk/2", "talk/2"]);
}

#[tokio::test]
async fn the_guest_is_told_once() {
    let guest = Guest { phone: Some("+34600000001".to_owned()), ..Guest::default() };
    let moment = Moment { at: "2026-12-01T08:00:00Z".parse().unwrap(), today: "2026-12-01".parse().unwrap() };
    let performer = InProcess::new(Functions::new(), |_: &Question| Understanding::default(), move || moment)
        .with_guest(guest.clone());
    assert_eq!(performer.guest(None).await, Some(guest.clone()));
    assert_eq!(performer.guest(Some(&guest)).await, None);
    performer.sleep(Duration::ZERO).await;
}
