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
