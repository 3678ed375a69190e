//! What the console serves from the binary, and the document of its routes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use reqwest::StatusCode;
use serde_json::{Value as Json, json};

use super::rig::{Console, WISH, documented};
use crate::rig::Folder;

fn assets() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("assets")
}

fn openapi() -> Json {
    let text = std::fs::read_to_string(assets().join("openapi.json")).expect("the document");
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_comes_whole_from_the_binary() {
    let folder = Folder::new();
    let console = Console::open(&folder).await;
    let mut paths = vec!["/".to_owned(), "/call".to_owned(), "/queue".to_owned()];
    for entry in std::fs::read_dir(assets()).expect("a folder") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(assets().join(&name)).expect("a text");
        let foreign = text.replace("http://www.w3.org/2000/svg", "").contains("://");
        assert!(!foreign, "{name} names no other place");
        if !name.ends_with(".html") {
            paths.push(format!("/assets/{name}"));
        }
    }
    for path in &paths {
        let response = console.get(path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let headers = response.headers().clone();
        let kind = headers["content-type"].to_str().expect("a type");
        let expected = match path.rsplit_once('.').map_or("html", |(_, ending)| ending) {
            "html" => "text/html; charset=utf-8",
            "js" => "text/javascript; charset=utf-8",
            "css" => "text/css; charset=utf-8",
            "svg" => "image/svg+xml",
            _ => "application/json",
        };
        assert_eq!(kind, expected, "{path}");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["cache-control"], "no-cache");
        let policy = headers["content-security-policy"].to_str().expect("a policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        let tag = headers["etag"].clone();
        let again = console.client.get(console.url(path)).header("if-none-match", &tag).send().await;
        let again = again.expect("an answer");
        assert_eq!((again.status(), &again.headers()["etag"]), (StatusCode::NOT_MODIFIED, &tag));
        assert!(again.bytes().await.expect("a body").is_empty());
    }
    for path in [
        "/assets/index.html",
        "/assets/queue.html",
        "/assets/call.html",
        "/assets/none.js",
        "/assets/..%2fCargo.toml",
        "/nothing",
    ] {
        assert_eq!(console.get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
    console.close().await;
}

#[test]
fn the_document_has_every_route_and_no_other() {
    let document = openapi();
    let paths = document["paths"].as_object().expect("paths");
    let written: BTreeSet<String> = paths
        .iter()
        .flat_map(|(path, item)| {
            let methods = item.as_object().expect("an item").keys().filter(|key| *key != "parameters");
            methods.map(move |method| format!("{method} {path}"))
        })
        .collect();
    assert_eq!(written, documented().into_iter().collect::<BTreeSet<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_have_the_documented_fields() {
    let folder = Folder::new();
    let console = Console::open(&folder).await;
    let served: Json = console.get("/api/openapi.json").await.json().await.expect("JSON");
    assert_eq!(served, openapi());
    let schemas = &served["components"]["schemas"];
    // Required fields are there, and what is there is documented.
    let fits = |name: &str, value: &Json| {
        let schema = &schemas[name];
        let has: BTreeSet<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
        let required = schema["required"].as_array().expect("required fields");
        let required: BTreeSet<&str> = required.iter().filter_map(Json::as_str).collect();
        let properties = schema["properties"].as_object().expect("properties");
        assert!(required.is_subset(&has), "{name} lacks a field: {value}");
        if name != "Trace" {
            assert!(has.iter().all(|field| properties.contains_key(*field)), "{name} has more: {value}");
        }
    };
    fits("Hotel", &console.get("/api/hotel").await.json().await.expect("JSON"));
    fits("Flows", &console.get("/api/flows").await.json().await.expect("JSON"));
    let begun = console.post("/api/conversations", &json!({})).send().await.expect("an answer");
    let place = begun.headers()["location"].to_str().expect("a place").to_owned();
    let begun: Json = begun.json().await.expect("JSON");
    fits("Begun", &begun);
    let id = begun["id"].as_str().expect("an id");
    assert_eq!(place, format!("/api/conversations/{id}"));
    for event in console.take(id, &json!({"text": WISH})).await {
        let name = match event.name.as_str() {
            "trace" => "Trace",
            "called" => "Called",
            "answered" => "Answered",
            "reply" => "Piece",
            "turn" => "Turn",
            other => panic!("an event that is not documented: {other}"),
        };
        fits(name, &event.data);
        if name == "Trace" {
            let known = schemas["Trace"]["properties"]["trace"]["enum"].as_array().expect("names");
            assert!(known.contains(&event.data["trace"]), "{}", event.data);
        }
    }
    let talk = console.talk(id).await;
    fits("Talk", &talk);
    fits("PastTurn", &talk["turns"][0]);
    fits("Turn", &talk["turns"][0]["line"]);
    fits("Fault", &console.get("/api/conversations/x").await.json().await.expect("JSON"));
    console.close().await;
}
