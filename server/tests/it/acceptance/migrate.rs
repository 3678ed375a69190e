//! Flows that change under live and recorded conversations, from outside.

use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use super::program::{chat, innkeeper, run};
use crate::rig::Folder;

const TALK: [&str; 3] =
    ["I need a room for two from 12 to 14 December, sea view", "the first one", "Ana Lind, +49 30 123456"];

/// The shipped booking flow with one place rewritten, alone in a folder.
fn flows(folder: &Folder, name: &str, from: &str, to: &str) -> PathBuf {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../flows/book_room.yaml");
    let text = std::fs::read_to_string(shipped).expect("the shipped flow");
    assert!(text.contains(from), "{from} is there");
    let path = folder.file(name);
    std::fs::create_dir(&path).expect("a folder");
    std::fs::write(path.join("book_room.yaml"), text.replace(from, to)).expect("a flow");
    path
}

async fn json(folder: &Folder, flows: Option<&Path>, arguments: &[&str]) -> (Option<i32>, Json) {
    let mut command = innkeeper(folder);
    if let Some(flows) = flows {
        command.arg("--flows").arg(flows);
    }
    command.args(arguments);
    let ran = run(command, &[]).await;
    let read = serde_json::from_str(&ran.output);
    (ran.status.code(), read.unwrap_or_else(|error| panic!("{error}: {}{}", ran.output, ran.errors)))
}

#[tokio::test]
async fn a_live_conversation_is_planned_moved_and_put_back() {
    let folder = Folder::new();
    chat(innkeeper(&folder), &[], &TALK).await;
    let edited = flows(&folder, "edited", "confirm: [stay, guests, room,", "confirm: [guests, stay, room,");
    let (code, plan) = json(&folder, Some(&edited), &["flows", "migrate", "--plan", "--json"]).await;
    assert_eq!((code, &plan["counts"]["mapped"]), (Some(0), &1.into()), "{plan:#}");
    assert_eq!(plan["plan"]["conversations"][0]["way"], "mapped");
    let (code, moved) = json(&folder, Some(&edited), &["flows", "migrate", "--json"]).await;
    assert_eq!((code, moved["moved"].as_array().map(Vec::len)), (Some(0), Some(1)), "{moved:#}");
    let (_, plan) = json(&folder, Some(&edited), &["flows", "migrate", "--plan", "--json"]).await;
    assert_eq!(plan["counts"]["already"], 1);
    let (code, back) = json(&folder, Some(&edited), &["flows", "migrate", "--back", "--json"]).await;
    assert_eq!((code, &back[0]["state"]), (Some(0), &"book_room.confirming".into()), "{back:#}");
    let (_, plan) = json(&folder, None, &["flows", "migrate", "--plan", "--json"]).await;
    assert_eq!(plan["counts"]["already"], 1, "it is back on the flows it was on");
    // What was recorded repeats over the move and the way back.
    let (code, again) = json(&folder, None, &["replay", "--json"]).await;
    assert_eq!((code, &again["different"]), (Some(0), &0.into()), "{again:#}");
}

#[tokio::test]
async fn a_conversation_that_knows_what_has_no_place_needs_a_rule() {
    let folder = Folder::new();
    chat(innkeeper(&folder), &[], &TALK[..1]).await;
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../flows/book_room.yaml"))
        .expect("a flow");
    let path = folder.file("edited");
    std::fs::create_dir(&path).expect("a folder");
    let edited = text.replace(
        "  view:   { type: choice, options: [sea, garden, city], optional: true }",
        "  view:   { type: choice, options: [garden, city], optional: true }",
    );
    assert_ne!(edited, text);
    std::fs::write(path.join("book_room.yaml"), edited).expect("a flow");
    let mut command = innkeeper(&folder);
    command.arg("--flows").arg(&path).args(["flows", "migrate"]);
    let ran = run(command, &[]).await;
    assert_eq!(ran.status.code(), Some(1), "{}{}", ran.output, ran.errors);
    assert!(ran.output.contains("needs rule") && ran.output.contains("`view`"), "{}", ran.output);
}

#[tokio::test]
async fn what_was_recorded_repeats_and_a_changed_flow_is_told_with_its_line() {
    let folder = Folder::new();
    let lines = [TALK.as_slice(), &["yes"]].concat();
    chat(innkeeper(&folder), &[], &lines).await;
    chat(innkeeper(&folder), &["--channel", "voice"], &["what time is breakfast?", "thanks, bye"]).await;
    let (code, again) = json(&folder, None, &["replay", "--json"]).await;
    assert_eq!((code, again["conversations"].as_array().map(Vec::len)), (Some(0), Some(2)), "{again:#}");
    let edited = flows(&folder, "edited", "collect: [name, phone]", "collect: [phone, name]");
    let mut command = innkeeper(&folder);
    command.arg("replay").arg("--against").arg(&edited);
    let ran = run(command, &[]).await;
    assert_eq!(ran.status.code(), Some(1), "{}{}", ran.output, ran.errors);
    let text = std::fs::read_to_string(edited.join("book_room.yaml")).expect("a flow");
    let line = text.lines().position(|line| line.contains("collect: [phone, name]")).expect("the line") + 1;
    assert!(ran.output.contains(&format!("book_room.yaml:{line}  who:")), "{}", ran.output);
    assert!(ran.output.contains("- for the guest: asks for name"), "{}", ran.output);
    assert!(ran.output.contains("+ for the guest: asks for phone"), "{}", ran.output);
    assert!(ran.output.contains("2 recorded conversations: 1 the same, 1 differ"), "{}", ran.output);

    // As files they go anywhere, with the flows they were on.
    let exported = folder.file("exported");
    let mut command = innkeeper(&folder);
    command.arg("replay").arg("--export").arg(&exported);
    assert!(run(command, &[]).await.status.success());
    let files: Vec<PathBuf> =
        std::fs::read_dir(&exported).expect("a folder").map(|file| file.expect("a file").path()).collect();
    assert_eq!(files.len(), 2);
    let elsewhere = Folder::new();
    let mut command = innkeeper(&elsewhere);
    command.arg("--flows").arg(&edited).arg("replay").args(&files);
    let ran = run(command, &[]).await;
    assert_eq!(ran.status.code(), Some(0), "{}{}", ran.output, ran.errors);
    assert!(ran.output.contains("2 of 2 recorded conversations repeat exactly"), "{}", ran.output);
}
