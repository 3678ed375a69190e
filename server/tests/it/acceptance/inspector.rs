//! An MCP client that nobody here wrote lists and calls the hotel's tools.
//!
//! It is the command line of the MCP Inspector, in `tests/mcp`. It checks every result against the tool's output schema.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use tokio::process::Command;

use super::program::{Ran, Server, TODAY, innkeeper, run};
use crate::rig::{Folder, loudly};

/// Set to `1` where the client must be there, so that its absence cannot go unnoticed.
const REQUIRE: &str = "INNKEEPER_REQUIRE_INSPECTOR";

const HOW: &str = "Install Node.js with npm, then: npm ci --prefix server/tests/mcp";

const CLIENT: &str = "node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js";

/// What `node` is at least for the client, so that the machine's own may be older.
const NODE: &str = "node_modules/node/bin/node";

const ERAS: [&str; 2] = ["legacy", "modern"];

const TOOLS: [&str; 6] = [
    "cancel_booking",
    "create_booking",
    "find_bookings",
    "get_hotel_info",
    "get_room_availability",
    "quote_stay",
];

/// How the client reaches the hotel.
#[derive(Clone, Copy)]
enum Way<'a> {
    /// It starts `innkeeper mcp` on this folder's database.
    Stdio(&'a Folder),
    /// It calls `/mcp`.
    Http(&'a Server),
}

struct Client<'a> {
    way: Way<'a>,
    era: &'static str,
}

impl Client<'_> {
    async fn ask(&self, arguments: &[&str]) -> Ran {
        let mut command = Command::new(installed(NODE));
        command.arg(installed(CLIENT)).arg("--cli").kill_on_drop(true);
        match self.way {
            Way::Stdio(folder) => {
                command.arg(env!("CARGO_BIN_EXE_innkeeper"));
                command.args(["--database", folder.database_url().as_str(), "--today", TODAY, "mcp"]);
                command.current_dir(folder.file(""));
            }
            Way::Http(server) => {
                command.arg(server.url("/mcp"));
            }
        }
        command.args(["--protocol-era", self.era, "--connect-timeout", "60000", "--format", "json"]);
        command.args(arguments);
        run(command, &[]).await
    }

    /// The result of a method.
    async fn result(&self, arguments: &[&str]) -> Json {
        let ran = self.ask(&[arguments, &["-q"]].concat()).await;
        assert!(ran.status.success(), "{arguments:?} in the {} era: {}{}", self.era, ran.output, ran.errors);
        let mut answer: Json = serde_json::from_str(&ran.output).expect("JSON");
        answer["result"].take()
    }

    /// What a tool answers.
    async fn call(&self, tool: &str, arguments: &Json) -> Json {
        let arguments = arguments.to_string();
        let call = ["--method", "tools/call", "--tool-name", tool, "--tool-args-json", &arguments];
        let mut result = self.result(&call).await;
        assert_ne!(result["isError"], true, "{result:#}");
        result["structuredContent"].take()
    }
}

fn installed(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mcp").join(file)
}

/// Whether the client is there; says loudly where it is not.
fn is_there() -> bool {
    if installed(CLIENT).exists() && installed(NODE).exists() {
        return true;
    }
    let required = std::env::var_os(REQUIRE).is_some_and(|value| value == "1");
    assert!(!required, "{REQUIRE}=1, but the MCP Inspector is not installed. {HOW}");
    loudly(&format!(
        "SKIPPED: no MCP client of others called the tools: the MCP Inspector is not installed. {HOW}"
    ));
    false
}

/// Lists the tools and calls each, as a guest's whole business: look, price, book, find, cancel.
async fn does_everything(client: &Client<'_>, nights: [&str; 2]) {
    let era = client.era;
    let listed = client.result(&["--method", "tools/list"]).await;
    let mut names: Vec<&str> =
        listed["tools"].as_array().expect("tools").iter().filter_map(|tool| tool["name"].as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, TOOLS, "{era}");

    let info = client.call("get_hotel_info", &json!({"topic": "breakfast"})).await;
    assert_eq!(
        (&info["business_date"], &info["questions"][0]["topic"]),
        (&json!(TODAY), &json!("breakfast")),
        "{era}"
    );
    let [start_date, end_date] = nights;
    let free = json!({"start_date": start_date, "end_date": end_date, "room_type": "suite"});
    let free = client.call("get_room_availability", &free).await;
    let room_id = &free["rooms"][0]["room_id"];
    assert!(room_id.is_string(), "{era}: {free:#}");
    let stay = json!({"room_id": room_id, "start_date": start_date, "end_date": end_date, "guests": 2});
    let quote = client.call("quote_stay", &stay).await;
    assert_eq!(quote["total"]["currency"], "EUR", "{era}: {quote:#}");
    let wanted = json!({
        "customer_name": "Ana Silva", "phone_number": "+34600000001", "room_id": room_id, "guests": 2,
        "dates": {"start_date": start_date, "end_date": end_date}, "quote_id": quote["quote_id"],
        "idempotency_key": format!("{era}-{start_date}"),
    });
    let booking = client.call("create_booking", &wanted).await;
    assert_eq!(booking["total"], quote["total"], "{era}");
    assert_eq!(
        client.call("create_booking", &wanted).await,
        booking,
        "{era}: a repetition under the same key"
    );
    let found =
        client.call("find_bookings", &json!({"reference": booking["reference"], "surname": "Silva"})).await;
    assert_eq!(found["bookings"][0]["booking_id"], booking["booking_id"], "{era}: {found:#}");
    let cancelled = client.call("cancel_booking", &json!({"booking_id": booking["booking_id"]})).await;
    assert_eq!(cancelled["reference"], booking["reference"], "{era}: {cancelled:#}");

    // A refusal is a text with a code, and fits the schemas too.
    let past = json!({"start_date": "2020-01-01", "end_date": "2020-01-03"}).to_string();
    let call =
        ["--method", "tools/call", "--tool-name", "get_room_availability", "--tool-args-json", &past, "-q"];
    let refused = client.ask(&call).await;
    let text = refused.output + &refused.errors;
    assert!(text.contains("past_date: "), "{era}: {text}");
    assert!(!text.contains("must have required property"), "{era}: {text}");

    let strict = client.ask(&["--method", "tools/list", "--strict"]).await;
    assert!(strict.status.success(), "{era}: {}", strict.errors);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_others_does_everything_over_standard_input_and_output() {
    if !is_there() {
        return;
    }
    let folder = Folder::new();
    for (era, nights) in ERAS.into_iter().zip([["2026-12-10", "2026-12-12"], ["2026-12-11", "2026-12-14"]]) {
        does_everything(&Client { way: Way::Stdio(&folder), era }, nights).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_of_others_does_everything_over_http() {
    if !is_there() {
        return;
    }
    let folder = Folder::new();
    let server = Server::start(innkeeper(&folder)).await;
    for (era, nights) in ERAS.into_iter().zip([["2026-12-10", "2026-12-12"], ["2026-12-11", "2026-12-14"]]) {
        does_everything(&Client { way: Way::Http(&server), era }, nights).await;
    }
}
