//! Flows that are edited while the program runs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use innkeeper::app::{App, LOOK_EVERY, Reloaded};
use innkeeper::clock::ManualClock;
use innkeeper::config::{Config, Overrides};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::rig::{Folder, PATIENCE, morning, standing_clock};

/// A program that looks at a folder of flows, with a hand on its clock.
struct Edited {
    app: App,
    folder: PathBuf,
    clock: ManualClock,
    reloaded: watch::Receiver<Reloaded>,
    _stop: tokio_util::sync::DropGuard,
}

impl Edited {
    async fn start(home: &Folder) -> Self {
        let folder = home.file("flows");
        std::fs::create_dir(&folder).expect("a folder");
        std::fs::write(folder.join("book_room.yaml"), shipped()).expect("a flow");
        let overrides = Overrides {
            database: Some(home.database_url().as_str().to_owned()),
            today: Some(morning().date_naive()),
            flows: Some(folder.display().to_string()),
            prompts: None,
        };
        let config = Config::load(Some(Path::new("/dev/null")), [], overrides).expect("a configuration");
        let app = App::open(&config).await.unwrap_or_else(|fault| panic!("{fault}"));
        let (clock, stop) = (standing_clock(), CancellationToken::new());
        let reloaded = app.reload(&config, Arc::new(clock.clone()), &stop);
        Self { app, folder, clock, reloaded, _stop: stop.drop_guard() }
    }

    fn version(&self) -> String {
        self.app.receptionist.driver.versions.current().version().to_owned()
    }

    /// Lets the folder be looked at once.
    async fn look(&self) {
        let waits = tokio::time::timeout(PATIENCE, self.clock.waited_for(1));
        waits.await.expect("somebody who looks");
        self.clock.advance(LOOK_EVERY);
        let waits = tokio::time::timeout(PATIENCE, self.clock.waited_for(1));
        waits.await.expect("a look that ends");
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
    assert_eq!(edited.told(1).await, Reloaded { changes: 1, wrong: None });
    let second = edited.version();
    assert_ne!(second, first);

    std::fs::write(&file, text.replace("target: checking", "target: chekking")).expect("a flow");
    let wrong = edited.told(2).await.wrong.expect("something is wrong");
    assert!(wrong.contains("there is no state `chekking`") && wrong.contains("checking"), "{wrong}");
    assert!(wrong.contains("^"), "the place is pointed at: {wrong}");
    assert_eq!(edited.version(), second, "a broken file changes nothing");

    // An editor that writes another file and renames it.
    let beside = edited.folder.join(".book_room.yaml.swp");
    std::fs::write(&beside, shipped()).expect("a flow");
    edited.look().await;
    edited.look().await;
    assert_eq!(edited.reloaded.borrow().changes, 2, "a copy beside it is no flow");
    std::fs::rename(&beside, &file).expect("a flow");
    assert_eq!(edited.told(3).await, Reloaded { changes: 3, wrong: None });
    assert_eq!(edited.version(), first);
    edited.app.close().await;
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
    assert_eq!(*edited.reloaded.borrow(), Reloaded { changes: 1, wrong: None });
    edited.app.close().await;
}
