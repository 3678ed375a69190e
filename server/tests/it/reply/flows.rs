//! The shipped flows, proved against the hotel's tools and the shipped prompts.

use std::path::Path;

use innkeeper::reply::Layers;
use innkeeper_engine::flow::Source;
use innkeeper_engine::{Flows, Tool, Tools};
use serde_json::Value as Json;

use super::fixture::replies;

/// The hotel's tools as its contract has them.
const TOOLS: &str = include_str!("../../../../hms/tests/it/snapshots/it__contract__tools.snap");

pub(super) fn tools() -> Tools {
    let (_, json) = TOOLS.split_once("\n---\n").unwrap();
    let list: Vec<Json> = serde_json::from_str(json).unwrap();
    list.into_iter()
        .map(|tool| {
            let name = tool["name"].as_str().unwrap().to_owned();
            let tool = Tool {
                name: name.clone(),
                input_schema: tool["inputSchema"].clone(),
                output_schema: tool.get("outputSchema").cloned(),
                read_only: tool["annotations"]["readOnlyHint"] == true,
            };
            (name, tool)
        })
        .collect()
}

pub(super) fn sources() -> Vec<Source> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../flows");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    files.sort();
    files
        .iter()
        .map(|path| Source {
            file: path.file_name().unwrap().to_string_lossy().into_owned(),
            text: std::fs::read_to_string(path).unwrap(),
        })
        .collect()
}

#[test]
fn the_shipped_flows_hold_what_the_language_promises() {
    let prompts = replies(Layers::embedded()).catalog();
    let checked = Flows::check(&sources(), &tools(), &prompts);
    assert_eq!(checked.as_ref().err().map(ToString::to_string).unwrap_or_default(), "");
    let names: Vec<String> = checked.iter().flat_map(Flows::iter).map(|flow| flow.name.to_string()).collect();
    assert_eq!(names, ["book_room", "cancel_booking", "find_booking", "hotel_question"]);
}
