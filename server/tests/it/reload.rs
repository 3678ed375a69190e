//! Flows that are edited while the program runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use innkeeper::app::LOOK_EVERY;
use innkeeper::clock::ManualClock;
use innkeeper::config::{Config, Overrides};
use innkeeper::mistakes::Reloaded;
use reqwest::StatusCode;
use serde_json::{Value as Json, json};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::console::rig::Console;
use crate::rig::{Folder, PATIENCE, morning, standing_clock};

/// A program that serves and looks at folders of flows and prompts, with a hand on its clock.
struct Edited {
    console: Console,
    folder: PathBuf,
    prompts: PathBuf,
    clock: ManualClock,
    reloaded: watch::Receiver<Reloaded>,
    _stop: tokio_util::sync::DropGuard,
}

impl Edited {
    async fn start(home: &Folder) -> Self {
        let folder = home.file("flows");
        std::fs::create_dir(&folder).expect("a folder");
        let prompts = home.file("prompts");
        std::fs::create_dir_all(prompts.join("en")).expect("a folder");
        std::fs::write(folder.join("book_room.yaml"), shipped()).expect("a flow");
        let overrides = Overrides {
            database: Some(home.database_url().as_str().to_owned()),
            today: Some(morning().date_naive()),
            flows: Some(folder.display().to_string()),
            prompts: Some(prompts.display().to_string()),
        };
        let config = Config::load(Some(Path::new("/dev/null")), [], overrides).expect("a configuration");
        let console = Console::of(&config).await;
        let (clock, stop) = (standing_clock(), CancellationToken::new());
        let reloaded = console.app.reload(&config, Arc::new(clock.clone()), &stop);
        Self { console, folder, prompts, clock, reloaded, _stop: stop.drop_guard() }
    }

    fn version(&self) -> String {
        self.console.app.receptionist.driver.versions.current().version().to_owned()
    }

    /// Lets the folder be looked at once.
    async fn look(&self) {
        let waits = tokio::time::timeout(PATIENCE, self.clock.waited_for(1));
        waits.await.expect("somebody who looks");
        self.clock.advance(LOOK_EVERY);
        let waits = tokio::time::timeout(PATIENCE, self.clock.waited_for(1));
        waits.await.expect("a look that ends");
    }

    /// What the console says about the flows.
    async fn flows(&self) -> Json {
        let response = self.console.get("/api/flows").await;
        assert_eq!(response.status(), StatusCode::OK);
        response.json().await.expect("JSON")
    }

    /// The first words of a new conversation.
    async fn greeted(&self) -> String {
        let id = self.console.begin(&json!({})).await;
        let turn = self.console.say(&id, "Hello").await;
        turn["replies"][0]["text"].as_str().unwrap_or_default().to_owned()
    }

    /// What became of the change with that number.
    async fn told(&mut self, change: u64) -> Reloaded {
        self.look().await;
        self.look().await;
        let told = self.reloaded.wait_for(|reloaded| reloaded.changes >= change);
        tokio::time::timeout(PATIENCE, told).await.expect("in time").expect("a word").clone()
    }
}

fn shipped() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../flows/book_room.yaml");
    std::fs::read_to_string(path).expect("the shipped flow")
}

#[tokio::test]
async fn a_saved_flow_is_used_and_a_broken_one_changes_nothing() {
    let home = Folder::new();
    let mut edited = Edited::start(&home).await;
    let first = edited.version();
    let file = edited.folder.join("book_room.yaml");
    let text = shipped().replace("max_nights: 30", "max_nights: 3");
    std::fs::write(&file, &text).expect("a flow");
    assert_eq!(edited.told(1).await, Reloaded { changes: 1, wrong: vec![] });
    let second = edited.version();
    assert_ne!(second, first);

    std::fs::write(&file, text.replace("target: checking", "target: chekking")).expect("a flow");
    let wrong = edited.told(2).await.wrong;
    let first_wrong = wrong.first().expect("something is wrong");
    assert!(first_wrong.message.contains("there is no state `chekking`"), "{wrong:?}");
    assert!(first_wrong.help.as_ref().is_some_and(|help| help.contains("checking")), "{wrong:?}");
    assert_eq!(edited.version(), second, "a broken file changes nothing");

    // An editor that writes another file and renames it.
    let beside = edited.folder.join(".book_room.yaml.swp");
    std::fs::write(&beside, shipped()).expect("a flow");
    edited.look().await;
    edited.look().await;
    assert_eq!(edited.reloaded.borrow().changes, 2, "a copy beside it is no flow");
    std::fs::rename(&beside, &file).expect("a flow");
    assert_eq!(edited.told(3).await, Reloaded { changes: 3, wrong: vec![] });
    assert_eq!(edited.version(), first);
    edited.console.close().await;
}

#[tokio::test]
async fn a_file_that_is_still_written_is_waited_for() {
    let home = Folder::new();
    let edited = Edited::start(&home).await;
    let file = edited.folder.join("book_room.yaml");
    let half = shipped();
    std::fs::write(&file, &half[..half.len() / 2]).expect("half a flow");
    edited.look().await;
    std::fs::write(&file, half.replace("max_nights: 30", "max_nights: 4")).expect("a flow");
    edited.look().await;
    assert_eq!(edited.reloaded.borrow().changes, 0, "it changed between the looks");
    edited.look().await;
    assert_eq!(*edited.reloaded.borrow(), Reloaded { changes: 1, wrong: vec![] });
    edited.console.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_console_has_every_mistake_of_a_saved_file_until_it_is_mended() {
    let home = Folder::new();
    let mut edited = Edited::start(&home).await;
    let first = edited.version();
    assert_eq!(edited.flows().await, json!({ "version": first, "mistakes": [] }));

    let file = edited.folder.join("book_room.yaml");
    let text = shipped();
    let line = text.lines().position(|line| line.contains("target: checking")).expect("a line") + 1;
    let before = text.lines().nth(line - 1).expect("a line");
    let column = before.find("checking").expect("a target") + 1;
    std::fs::write(&file, text.replacen("target: checking", "target: chekking", 1)).expect("a flow");
    edited.told(1).await;
    let told = edited.flows().await;
    assert_eq!(told["version"], json!(first), "new conversations use what was right");
    let wrong = &told["mistakes"][0];
    assert_eq!(wrong["file"], json!(file.display().to_string()));
    assert_eq!((&wrong["line"], &wrong["column"]), (&json!(line), &json!(column)));
    assert_eq!(wrong["end"], json!({ "line": line, "column": column + "chekking".len() }));
    assert_eq!(wrong["rule"], "unknown_state");
    let excerpt = wrong["excerpt"].as_str().expect("an excerpt");
    let lines: Vec<&str> = excerpt.lines().collect();
    assert!(lines[0].contains(&before.replacen("checking", "chekking", 1)), "{excerpt}");
    assert_eq!(lines[1].trim_start_matches([' ', '|']), "^^^^^^^^", "{excerpt}");
    assert_eq!(lines[1].find('^'), lines[0].find("chekking"), "the pointer stands below: {excerpt}");

    let id = edited.console.begin(&json!({})).await;
    let turn = edited.console.say(&id, "Hello").await;
    assert_ne!(turn["replies"], json!([]), "guests are answered meanwhile");

    std::fs::write(&file, text).expect("a flow");
    edited.told(2).await;
    assert_eq!(edited.flows().await, json!({ "version": first, "mistakes": [] }));
    edited.console.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mistake_in_a_prompt_hides_none_in_the_flows_or_the_vocabulary() {
    let home = Folder::new();
    let mut edited = Edited::start(&home).await;
    let file = edited.folder.join("book_room.yaml");
    std::fs::write(&file, shipped().replace("target: checking", "target: chekking")).expect("a flow");
    std::fs::write(edited.prompts.join("en/booked.j2"), "Booked.\n{% if %}").expect("a prompt");
    std::fs::write(edited.prompts.join("en/words.yaml"), "weekdays: [monday\n").expect("words");
    edited.told(1).await;
    let told = edited.flows().await;
    let mistakes = told["mistakes"].as_array().expect("a list");
    let of = |rule: &str| mistakes.iter().find(|mistake| mistake["rule"] == rule);
    let prompt = of("prompt").unwrap_or_else(|| panic!("the prompt's: {told}"));
    assert_eq!((&prompt["file"], &prompt["line"]), (&json!(edited.prompts.join("en/booked.j2")), &json!(2)));
    assert!(
        of("words").is_some_and(|words| words["file"] == json!(edited.prompts.join("en/words.yaml"))),
        "{told}"
    );
    let flow = of("unknown_state").unwrap_or_else(|| panic!("the flow's: {told}"));
    assert_eq!(flow["file"], json!(file.display().to_string()));
    assert!(of("missing_prompt").is_none(), "a prompt with a mistake is there all the same: {told}");
    edited.console.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_went_away_is_told_without_a_place() {
    let home = Folder::new();
    let mut edited = Edited::start(&home).await;
    std::fs::remove_dir_all(&edited.folder).expect("a folder");
    edited.told(1).await;
    let told = edited.flows().await;
    let [only] = told["mistakes"].as_array().expect("a list").as_slice() else { panic!("{told}") };
    assert_eq!((&only["rule"], &only["line"]), (&json!("fault"), &Json::Null));
    let message = only["message"].as_str().expect("a sentence");
    assert!(message.contains("flows") && message.contains("cannot be read"), "{message}");
    edited.console.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_saved_prompt_is_said_once_all_is_right_and_a_read_back_that_shows_nothing_never_is() {
    let home = Folder::new();
    let mut edited = Edited::start(&home).await;
    let file = |name: &str| edited.prompts.join("en").join(name);
    let (greeting, read_back) = (file("greeting.chat.j2"), file("confirm_book_room.chat.j2"));
    std::fs::write(&greeting, "Welcome to the garden.").expect("a prompt");
    assert_eq!(edited.told(1).await, Reloaded { changes: 1, wrong: vec![] });
    assert_eq!(edited.greeted().await, "Welcome to the garden.");

    std::fs::write(&read_back, "Shall I book?").expect("a prompt");
    std::fs::write(&greeting, "Welcome to the sea.").expect("a prompt");
    let wrong = edited.told(2).await.wrong;
    assert_eq!(wrong.len(), 6, "{wrong:?}");
    assert!(wrong.iter().all(|wrong| wrong.rule == "not_shown"), "{wrong:?}");
    assert_eq!(wrong[0].file, Some(read_back.display().to_string()));
    assert_eq!((wrong[0].line, wrong[0].column), (Some(1), Some(1)));
    assert!(wrong[0].excerpt.as_ref().is_some_and(|excerpt| excerpt.contains("Shall I book?")), "{wrong:?}");
    assert_eq!(edited.greeted().await, "Welcome to the garden.", "nothing of it is taken over");

    std::fs::remove_file(&read_back).expect("a prompt");
    assert_eq!(edited.told(3).await, Reloaded { changes: 3, wrong: vec![] });
    assert_eq!(edited.greeted().await, "Welcome to the sea.");
    edited.console.close().await;
}
