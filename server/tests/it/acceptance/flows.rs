//! A flow that nobody built for, from two folders; and one that is full of mistakes.

use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use tokio::process::Command;

use super::program::{buttons, called, chat, innkeeper, run, said};
use crate::rig::Folder;

fn beside(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/acceptance").join(path)
}

/// The program with an appointment in the spa laid over what it can do.
fn with_a_spa(folder: &Folder) -> Command {
    let mut command = innkeeper(folder);
    command.arg("--flows").arg(beside("spa/flows")).arg("--prompts").arg(beside("spa/prompts"));
    command
}

fn slots(turn: &Json) -> [&Json; 5] {
    ["treatment", "day", "people", "robe", "wish"].map(|slot| &turn["slots"][slot])
}

#[tokio::test]
async fn a_new_flow_with_its_own_prompts_is_fine_beside_the_built_in_ones() {
    let folder = Folder::new();
    let mut command = with_a_spa(&folder);
    command.args(["flows", "check"]);
    let ran = run(command, &[]).await;
    assert!(ran.status.success(), "{}", ran.errors);
    for flow in ["book_room", "cancel_booking", "find_booking", "hotel_question", "spa_visit"] {
        assert!(ran.output.contains(flow), "{}", ran.output);
    }
}

#[tokio::test]
async fn a_new_flow_runs_in_a_chat_with_buttons_a_question_in_the_middle_and_corrections() {
    let folder = Folder::new();
    let lines = [
        "An appointment in the spa, please",
        r#"{"button":"slot:treatment:massage"}"#,
        "on Friday",
        "seven",
        "what time is breakfast?",
        "two",
        r#"{"button":"yes"}"#,
        "I have a bad shoulder",
        "actually make it Saturday",
        r#"{"button":"no"}"#,
        "the facial, and for three people",
        "yes",
        "I need a room for two from 12 to 14 December",
    ];
    let turns = chat(with_a_spa(&folder), &[], &lines).await;
    let treatments = ["slot:treatment:massage", "slot:treatment:facial", "slot:treatment:sauna"];
    let read_back = |treatment: &str, day: &str, people: &str| {
        format!(r#"So: *{treatment}* on {day} for {people}, with a robe ("I have a bad shoulder"). Right?"#)
    };
    assert_eq!(buttons(&turns[0]), treatments);
    assert_eq!(said(&turns[1]), "On which day would you like the massage?");
    assert_eq!(said(&turns[2]), "For how many people?");
    assert_eq!(said(&turns[3]), "Our spa has room for 4 at a time. For how many people shall it be?");
    assert_eq!(called(&turns[4..5]), ["get_hotel_info"]);
    let answer = said(&turns[4]);
    assert!(answer.starts_with("Breakfast is") && answer.ends_with("For how many people?"), "{answer}");
    assert_eq!(said(&turns[5]), "Shall we lay out a *robe* for you?");
    assert_eq!(buttons(&turns[5]), ["yes", "no"]);
    assert_eq!(said(&turns[6]), "Is there anything our therapists should know?");
    assert_eq!(said(&turns[7]), read_back("massage", "Fri 4 Dec", "2 people"));
    assert_eq!(said(&turns[8]), read_back("massage", "Sat 5 Dec", "2 people"));
    assert_eq!(said(&turns[9]), "What shall I change?");
    assert_eq!(said(&turns[10]), read_back("facial", "Sat 5 Dec", "3 people"));
    assert_eq!(
        slots(&turns[10]),
        [&json!("facial"), &json!("2026-12-05"), &json!(3), &json!(true), &json!("I have a bad shoulder")]
    );
    assert_eq!(said(&turns[11]), "*Noted.* The spa expects 3 people on Sat 5 Dec.");
    assert_eq!(turns[11]["state"], "conversation.idle");
    assert_eq!(turns[12]["state"], "book_room.details", "the flows of the house are still there");
}

#[tokio::test]
async fn a_new_flow_runs_on_a_call() {
    let folder = Folder::new();
    let lines = [
        "good morning, can I get a massage for two people on Friday",
        "no thank you",
        "do you have parking?",
        "no",
        "no, on Saturday",
        "yes",
    ];
    let turns = chat(with_a_spa(&folder), &["--channel", "voice"], &lines).await;
    assert!(turns.iter().all(|turn| buttons(turn).is_empty() && !said(turn).contains('*')), "{turns:#?}");
    assert!(said(&turns[0]).ends_with("Shall we lay out a robe for you?"), "{}", said(&turns[0]));
    assert_eq!(slots(&turns[0])[..3], [&json!("massage"), &json!("2026-12-04"), &json!(2)]);
    assert_eq!(said(&turns[1]), "Is there anything our therapists should know?");
    assert_eq!(called(&turns[2..3]), ["get_hotel_info"]);
    assert!(
        said(&turns[2]).ends_with("Is there anything our therapists should know?"),
        "{}",
        said(&turns[2])
    );
    let read_back =
        |day: &str| format!("So that is a massage, {day}, for two people, without a robe. Is that right?");
    assert_eq!(said(&turns[3]), read_back("Friday the fourth"));
    assert_eq!(said(&turns[4]), read_back("Saturday the fifth"));
    assert_eq!(said(&turns[5]), "Noted. The spa expects two people, Saturday the fifth.");
}

#[tokio::test]
async fn five_mistakes_in_a_flow_are_five_errors_with_their_places_and_what_was_meant() {
    let folder = Folder::new();
    let mut command = innkeeper(&folder);
    command.args(["flows", "check", "--flows"]).arg(beside("broken"));
    let ran = run(command, &[]).await;
    assert_eq!(ran.status.code(), Some(1), "{}", ran.errors);
    let file = beside("broken/spa_visit.yaml");
    let mistakes = [
        ("5:22", "there is no slot type `choise`", "did you mean `choice`?"),
        ("6:41", "unknown key `max_night` in the slot `stay`", "did you mean `max_nights`?"),
        ("9:39", "there is no state `loking`", "did you mean `looking`?"),
        ("11:13", "there is no tool `get_rooms_availability`", "did you mean `get_room_availability`?"),
        ("15:17", "there is no prompt `that_is_fin`", "did you mean `that_is_fine`?"),
    ];
    let mut rest = ran.errors.as_str();
    for (place, mistake, meant) in mistakes {
        for part in [mistake, &format!("{}:{place}", file.display()), meant] {
            let at = rest
                .find(part)
                .unwrap_or_else(|| panic!("{part} is missing, in order, from\n{}", ran.errors));
            rest = &rest[at + part.len()..];
        }
    }
    assert!(ran.errors.contains("5 mistakes in 1 file"), "{}", ran.errors);
    assert_eq!(ran.errors.matches("Error: ").count(), 5, "{}", ran.errors);
}

/// A file of the repository.
fn shipped(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../flows").join(file)
}

async fn flows(folder: &Folder, arguments: &[&str]) -> super::program::Ran {
    let mut command = innkeeper(folder);
    command.arg("flows").args(arguments);
    run(command, &[]).await
}

#[tokio::test]
async fn mistakes_in_flows_are_a_list_for_editors() {
    let folder = Folder::new();
    let broken = beside("broken");
    let ran = flows(&folder, &["check", "--json", "--flows", broken.to_str().unwrap()]).await;
    assert_eq!((ran.status.code(), ran.errors.as_str()), (Some(1), ""));
    let mistakes: Json = serde_json::from_str(&ran.output).unwrap();
    assert_eq!(mistakes.as_array().unwrap().len(), 5);
    assert_eq!(
        mistakes[1],
        json!({
            "file": beside("broken/spa_visit.yaml").to_str().unwrap(), "line": 6, "column": 41,
            "end": { "line": 6, "column": 50 }, "rule": "unknown_key",
            "message": "unknown key `max_night` in the slot `stay`", "help": "did you mean `max_nights`?",
            "excerpt": " 6 |   stay: { type: date_range, min: today, max_night: 3 }\n   |                                         ^^^^^^^^^",
        })
    );
    let fine = flows(&folder, &["check", "--json"]).await;
    assert_eq!((fine.status.code(), fine.output.as_str()), (Some(0), "[]\n"));
}

#[tokio::test]
async fn mistakes_have_colours_only_where_somebody_sees_them() {
    let folder = Folder::new();
    let broken = beside("broken");
    let ran = flows(&folder, &["check", "--flows", broken.to_str().unwrap()]).await;
    assert!(!ran.errors.contains('\u{1b}'), "{}", ran.errors);
    let coloured = |settings: &'static [(&str, &str)]| {
        let mut command = innkeeper(&folder);
        command.envs(settings.iter().copied()).args(["flows", "check", "--flows"]).arg(&broken);
        run(command, &[])
    };
    assert!(coloured(&[("FORCE_COLOR", "1")]).await.errors.contains('\u{1b}'));
    assert!(!coloured(&[("TERM", "xterm-256color"), ("NO_COLOR", "1")]).await.errors.contains('\u{1b}'));
}

#[tokio::test]
async fn the_schema_in_the_repository_is_the_one_that_the_program_prints() {
    let ran = flows(&Folder::new(), &["schema"]).await;
    let kept = std::fs::read_to_string(shipped("flow.schema.json")).unwrap();
    assert!(ran.output == kept, "run `innkeeper flows schema > flows/flow.schema.json`");
}

#[tokio::test]
async fn the_drawings_in_the_repository_are_the_ones_that_the_program_makes() {
    let folder = Folder::new();
    let mut drawn = 0;
    for entry in std::fs::read_dir(shipped("")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        match path.extension().and_then(|end| end.to_str()) {
            Some("yaml") => {
                let ran = flows(&folder, &["draw", &name]).await;
                let kept = std::fs::read_to_string(path.with_extension("mmd")).unwrap_or_default();
                assert!(ran.output == kept, "{name} differs: run `innkeeper flows draw --write`");
                drawn += 1;
            }
            Some("mmd") => {
                assert!(path.with_extension("yaml").exists(), "nothing is drawn in {}", path.display())
            }
            _ => {}
        }
    }
    assert_eq!(drawn, 5);
}

#[tokio::test]
async fn drawings_are_written_beside_the_flows_of_a_folder() {
    let folder = Folder::new();
    let own = folder.file("own");
    std::fs::create_dir(&own).unwrap();
    std::fs::copy(beside("spa/flows/spa_visit.yaml"), own.join("visit.yaml")).unwrap();
    let prompts = beside("spa/prompts");
    let common = ["--flows", own.to_str().unwrap(), "--prompts", prompts.to_str().unwrap()];
    let ran = flows(&folder, &[&["draw", "--write"], common.as_slice()].concat()).await;
    assert!(ran.status.success(), "{}", ran.errors);
    assert_eq!(ran.output, format!("{}\n", own.join("visit.mmd").display()));
    let printed = flows(&folder, &[&["draw", "spa_visit"], common.as_slice()].concat()).await;
    assert_eq!(printed.output, std::fs::read_to_string(own.join("visit.mmd")).unwrap());
    assert!(printed.output.starts_with("stateDiagram-v2\n"));
    let all = flows(&folder, &[&["draw"], common.as_slice()].concat()).await;
    assert!(all.output.contains("%% conversation\n") && all.output.contains(&printed.output));
    let nobody = flows(&folder, &[&["draw", "spa_visitt"], common.as_slice()].concat()).await;
    assert_eq!(nobody.status.code(), Some(2));
    assert!(
        nobody.errors.contains("there is no flow `spa_visitt`; there are conversation, "),
        "{}",
        nobody.errors
    );
    let elsewhere = flows(&folder, &[&["draw", "book_room", "--write"], common.as_slice()].concat()).await;
    assert_eq!(elsewhere.status.code(), Some(2));
}

#[tokio::test]
async fn a_mistake_in_a_prompt_hides_none_in_the_flows() {
    let folder = Folder::new();
    let prompts = folder.file("prompts");
    std::fs::create_dir_all(prompts.join("en")).expect("a folder");
    std::fs::write(prompts.join("en/booked.j2"), "Booked.\n{% if %}").expect("a prompt");
    let check = |arguments: &[&str]| {
        let mut command = innkeeper(&folder);
        command.args(["flows", "check", "--flows"]).arg(beside("broken"));
        command.arg("--prompts").arg(&prompts).args(arguments);
        run(command, &[])
    };
    let ran = check(&[]).await;
    assert_eq!(ran.status.code(), Some(1), "{}", ran.errors);
    let broken = prompts.join("en/booked.j2");
    assert!(ran.errors.contains(&format!("{} line 2: syntax error", broken.display())), "{}", ran.errors);
    assert!(ran.errors.contains(" 2 | {% if %}\n   | "), "{}", ran.errors);
    assert!(ran.errors.contains("there is no state `loking`"), "{}", ran.errors);
    assert!(ran.errors.contains("5 mistakes in 1 file"), "{}", ran.errors);

    let ran = check(&["--json"]).await;
    assert_eq!(ran.status.code(), Some(1), "{}", ran.errors);
    let listed: Vec<Json> = serde_json::from_str(&ran.output).expect("a list");
    let rules: Vec<&Json> = listed.iter().map(|mistake| &mistake["rule"]).collect();
    assert_eq!(
        rules,
        ["prompt", "unknown_type", "unknown_key", "unknown_state", "unknown_tool", "missing_prompt"]
    );
    assert_eq!((&listed[0]["file"], &listed[0]["line"]), (&json!(broken), &json!(2)));
    assert!(listed[0]["excerpt"].as_str().is_some_and(|excerpt| excerpt.contains("{% if %}")), "{listed:#?}");
    assert!(listed[1]["excerpt"].as_str().is_some_and(|excerpt| excerpt.ends_with("^^^^^^")), "{listed:#?}");
}

#[tokio::test]
async fn a_read_back_that_shows_nothing_is_refused_at_its_place() {
    let folder = Folder::new();
    let prompts = folder.file("prompts");
    std::fs::create_dir_all(prompts.join("en")).expect("a folder");
    let file = prompts.join("en/confirm_book_room.chat.j2");
    std::fs::write(&file, "Shall I book?").expect("a prompt");
    let ran = flows(&folder, &["check", "--json", "--prompts", prompts.to_str().unwrap()]).await;
    assert_eq!(ran.status.code(), Some(1), "{}", ran.errors);
    let listed: Vec<Json> = serde_json::from_str(&ran.output).expect("a list");
    assert_eq!(listed.len(), 6, "{listed:#?}");
    assert_eq!((&listed[0]["rule"], &listed[0]["file"]), (&json!("not_shown"), &json!(file)));
    assert_eq!((&listed[0]["line"], &listed[0]["column"]), (&json!(1), &json!(1)));
    let ran = flows(&folder, &["check", "--prompts", prompts.to_str().unwrap()]).await;
    assert!(ran.errors.contains("does not show `quote.total`"), "{}", ran.errors);
    assert!(ran.errors.contains("Shall I book?"), "{}", ran.errors);
}

#[tokio::test]
async fn a_folder_of_prompts_that_is_not_there_is_told_and_so_is_a_prompt_that_nothing_says() {
    let folder = Folder::new();
    let gone = folder.file("gone");
    let ran = flows(&folder, &["check", "--prompts", gone.to_str().unwrap()]).await;
    assert_eq!(ran.status.code(), Some(2), "{}", ran.output);
    assert!(ran.errors.contains(&format!("{} cannot be read", gone.display())), "{}", ran.errors);

    let prompts = folder.file("prompts");
    std::fs::create_dir_all(prompts.join("en")).expect("a folder");
    std::fs::write(prompts.join("en/boked.j2"), "Booked.").expect("a prompt");
    let ran = flows(&folder, &["check", "--prompts", prompts.to_str().unwrap()]).await;
    assert_eq!(ran.status.code(), Some(0), "{}", ran.errors);
    let warning = format!(
        "warning: {}: no flow says it; did you mean `booked`?",
        prompts.join("en/boked.j2").display()
    );
    assert!(ran.errors.contains(&warning), "{}", ran.errors);
    assert!(ran.output.starts_with("4 flows are fine"), "{}", ran.output);
}

#[tokio::test]
async fn a_flow_with_the_other_end_of_its_name_replaces_the_built_in_one_too() {
    let folder = Folder::new();
    let own = folder.file("own");
    std::fs::create_dir(&own).expect("a folder");
    let text = std::fs::read_to_string(shipped("book_room.yaml")).expect("the flow");
    std::fs::write(own.join("book_room.yml"), text.replace("max_nights: 30", "max_nights: 3"))
        .expect("a flow");
    let ran = flows(&folder, &["check", "--flows", own.to_str().unwrap()]).await;
    assert_eq!(ran.status.code(), Some(0), "{}", ran.errors);
    let plain = flows(&folder, &["check"]).await;
    assert_ne!(ran.output, plain.output, "it is another version");
    std::fs::write(own.join("book_room.yaml"), text).expect("a flow");
    let ran = flows(&folder, &["check", "--flows", own.to_str().unwrap()]).await;
    assert_eq!(ran.status.code(), Some(1), "both in one folder are two flows: {}", ran.output);
    assert!(ran.errors.contains("there are two flows `book_room`"), "{}", ran.errors);
}

#[tokio::test]
async fn the_readme_shows_mistakes_as_the_program_tells_them() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let flow = std::fs::read_to_string(root.join("flows/book_room.yaml")).expect("the flow");
    let misspelt = flow.replacen("target: choosing }", "target: chosing }", 1);
    let unread = misspelt.replacen("quote.total, name, phone]", "quote.total, name]", 1);
    assert_ne!(misspelt, flow);
    assert_ne!(unread, misspelt);
    let folder = Folder::new();
    std::fs::create_dir(folder.file("mine")).expect("a folder");
    std::fs::write(folder.file("mine/book_room.yaml"), unread).expect("a file");
    let mut command = innkeeper(&folder);
    command.current_dir(folder.file("mine").parent().expect("a folder"));
    command.args(["flows", "check", "--flows", "mine"]);
    let ran = run(command, &[]).await;
    let told = format!("{}{}", ran.output, ran.errors);
    let readme = std::fs::read_to_string(root.join("README.md")).expect("the readme");
    let shown = readme.split("```text\n").find(|block| block.contains("chosing")).expect("the sample");
    let shown = shown.split("```").next().expect("the end of the sample");
    assert!(told.contains(shown.trim_end()), "the program tells:\n{told}");
}
