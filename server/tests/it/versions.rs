//! Versions of the flows: they last, live conversations move between them and back, and what was recorded repeats.

use std::path::Path;
use std::sync::Arc;

use innkeeper::app::App;
use innkeeper::channel::local::{Doing, LocalGuest};
use innkeeper::config::{Config, DatabaseUrl, Overrides};
use innkeeper::conversation::{AnswerFault, Turned};
use innkeeper::message::{ChannelName, GuestKey};
use innkeeper::replay::Recording;
use innkeeper::reply::Medium;
use innkeeper::store::Database;
use innkeeper::versions::{self, EndedLost, Moved};
use innkeeper_engine::runtime::{Commit, Store as _, Versions, against};
use innkeeper_engine::{Moment, Way};

use crate::postgres::Cluster;
use crate::rig::{Folder, morning, standing_clock};

/// The shipped booking flow with one place rewritten, alone in a folder.
fn flows(folder: &Folder, from: &str, to: &str) -> String {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("../flows/book_room.yaml");
    let text = std::fs::read_to_string(shipped).expect("the shipped flow");
    assert!(text.contains(from), "{from} is there");
    let path = folder.file(&format!("flows-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&path).expect("a folder");
    std::fs::write(path.join("book_room.yaml"), text.replace(from, to)).expect("a flow");
    path.display().to_string()
}

/// The state that asks for the name has another name, and says which it had.
const RENAMED: [(&str, &str); 2] =
    [("target: who }", "target: asking_who }"), ("  who: {", "  asking_who: { was: [who],")];

fn renamed(folder: &Folder) -> String {
    let first = flows(folder, RENAMED[0].0, RENAMED[0].1);
    let file = Path::new(&first).join("book_room.yaml");
    let text = std::fs::read_to_string(&file).expect("a flow");
    std::fs::write(&file, text.replace(RENAMED[1].0, RENAMED[1].1)).expect("a flow");
    first
}

fn config(database: &DatabaseUrl, flows: Option<String>) -> Config {
    let overrides = Overrides {
        database: Some(database.as_str().to_owned()),
        today: Some(morning().date_naive()),
        flows,
        prompts: None,
    };
    Config::load(Some(Path::new("/dev/null")), [], overrides).expect("a configuration")
}

/// A guest of a program that was just started.
struct Talking {
    app: App,
    guest: LocalGuest,
}

impl Talking {
    async fn start(config: &Config) -> Self {
        let app = App::open(config).await.unwrap_or_else(|fault| panic!("{fault}"));
        let guest = LocalGuest::new(
            Arc::clone(&app.receptionist),
            GuestKey::new("terminal:ana"),
            ChannelName::Terminal,
            Medium::Chat,
            "en",
            None,
        );
        Self { app, guest }
    }

    async fn tries(&self, text: &str) -> Result<Turned, AnswerFault> {
        let doing = Doing::Message { text: text.to_owned(), button: None };
        self.guest.turn(doing, &mut |_| {}).await.map(|(_, turned)| turned)
    }

    async fn says(&self, text: &str) -> String {
        let turned = self.tries(text).await.unwrap_or_else(|fault| panic!("{text}: {fault}"));
        turned.completed.position.state(&turned.completed.flows)
    }

    fn versions(&self) -> &Versions {
        &self.app.receptionist.driver.versions
    }

    fn store(&self) -> &Database {
        &self.app.receptionist.store
    }

    /// Now, by the program's clock: what it found out is fresh for some minutes.
    fn moment(&self) -> Moment {
        let at = self.app.receptionist.clock.now();
        Moment { at, today: at.date_naive() }
    }
}

/// Comes to the question for the name.
async fn asked_for_the_name(database: &DatabaseUrl) -> String {
    let talking = Talking::start(&config(database, None)).await;
    talking.says("I need a room for two from 12 to 14 December, sea view").await;
    let state = talking.says("the first one").await;
    assert_eq!(state, "book_room.who");
    let version = talking.versions().current().version().to_owned();
    talking.app.close().await;
    version
}

async fn lasting(database: &DatabaseUrl, folder: &Folder) {
    let version = asked_for_the_name(database).await;
    // The same program with other flows: new conversations begin on them, this one stays on its own.
    let talking = Talking::start(&config(database, Some(renamed(folder)))).await;
    assert_ne!(talking.versions().current().version(), version);
    let kept = talking.versions().get(&version).expect("the version is made again");
    assert_eq!(kept.version(), version);
    let turned = talking.tries("Ana Lind, +49 30 123456").await.expect("a turn");
    assert_eq!(turned.completed.flows.version(), version);
    assert_eq!(turned.completed.position.state(&turned.completed.flows), "book_room.confirming");
    talking.app.close().await;
}

async fn moving(database: &DatabaseUrl, folder: &Folder) {
    let old = asked_for_the_name(database).await;
    let talking = Talking::start(&config(database, Some(renamed(folder)))).await;
    let (store, kept) = (talking.store(), talking.versions());
    let new = kept.current();
    let plan = versions::plan(store, kept, &new, talking.moment()).await.expect("a plan");
    let [planned] = plan.conversations.as_slice() else { panic!("one conversation: {plan:?}") };
    assert_eq!((planned.way, planned.state.as_deref()), (Way::Mapped, Some("book_room.asking_who")));
    assert_eq!(planned.differences, [], "a new name is no difference");
    assert_eq!(
        versions::move_planned(store, planned, talking.moment()).await.expect("no fault"),
        Moved::Moved
    );
    // A plan is for where it stood: it cannot be carried out twice.
    assert_eq!(
        versions::move_planned(store, planned, talking.moment()).await.expect("no fault"),
        Moved::MovedOn
    );
    let again = versions::plan(store, kept, &new, talking.moment()).await.expect("a plan");
    assert_eq!((again.already, again.conversations.len()), (1, 0));

    let back = versions::back(store, kept, talking.moment()).await.expect("no fault");
    let [backed] = back.as_slice() else { panic!("one conversation: {back:?}") };
    assert_eq!((backed.version.as_str(), backed.state.as_deref()), (old.as_str(), Some("book_room.who")));
    assert!(
        versions::back(store, kept, talking.moment()).await.expect("no fault").is_empty(),
        "nothing is left to put back"
    );

    let plan = versions::plan(store, kept, &new, talking.moment()).await.expect("a plan");
    versions::move_planned(store, &plan.conversations[0], talking.moment()).await.expect("no fault");
    // It goes on where it was moved to; from then on there is no way back.
    let turned = talking.tries("Ana Lind, +49 30 123456").await.expect("a turn");
    assert_eq!(turned.completed.flows.version(), new.version());
    assert_eq!(turned.completed.position.state(&turned.completed.flows), "book_room.confirming");
    let back = versions::back(store, kept, talking.moment()).await.expect("no fault");
    assert_eq!(back[0].not, Some(versions::NotBack::WentOn));

    // Its whole way, over two versions, repeats.
    let [id] = store.recorded_conversations().await.expect("no fault").try_into().expect("one conversation");
    let fresh = Versions::new((*new).clone());
    let recording = Recording::load(store, &fresh, &id).await.expect("a recording");
    let past = recording.again(&fresh).expect("a past");
    assert_eq!(recording.unlike(&past), None);
    assert_eq!(past.last().expect("revisions").position, turned.completed.position);
    assert_eq!(against(&new, &past), []);
    talking.app.close().await;
}

#[tokio::test]
async fn a_conversation_goes_on_in_its_version_after_a_restart_with_other_flows() {
    let folder = Folder::new();
    lasting(&folder.database_url(), &folder).await;
}

#[tokio::test]
async fn live_conversations_move_once_and_go_back_until_they_go_on() {
    let folder = Folder::new();
    moving(&folder.database_url(), &folder).await;
}

#[tokio::test]
async fn versions_last_and_conversations_move_on_postgresql_too() {
    let Some(cluster) = Cluster::start() else { return };
    let folder = Folder::new();
    lasting(&cluster.database("lasting"), &folder).await;
    moving(&cluster.database("moving"), &folder).await;
}

#[tokio::test]
async fn a_server_goes_on_with_a_conversation_that_another_program_moved() {
    let folder = Folder::new();
    let serving = Talking::start(&config(&folder.database_url(), None)).await;
    serving.says("I need a room for two from 12 to 14 December, sea view").await;
    serving.says("the first one").await;
    let mover = Talking::start(&config(&folder.database_url(), Some(renamed(&folder)))).await;
    let new = mover.versions().current();
    let plan = versions::plan(mover.store(), mover.versions(), &new, mover.moment()).await.expect("a plan");
    let moved = versions::move_planned(mover.store(), &plan.conversations[0], mover.moment()).await;
    assert_eq!(moved.expect("no fault"), Moved::Moved);
    // What the server knew is behind: its commit is refused, and the turn is taken again on the version it has to find.
    let turned = serving.tries("Ana Lind, +49 30 123456").await.expect("a turn");
    assert_eq!(turned.completed.flows.version(), new.version());
    mover.app.close().await;
    serving.app.close().await;
}

#[tokio::test]
async fn a_version_that_nobody_was_ever_on_is_dropped_after_a_while() {
    let folder = Folder::new();
    let clock = standing_clock();
    let database = Database::open(&folder.database_url(), Arc::new(clock.clone())).await.expect("a database");
    let texts = || ["[]".to_owned(), "[]".to_owned(), "{}".to_owned()];
    for version in ["used", "unused"] {
        database.keep_version(version, texts()).await.expect("no fault");
    }
    database.use_versions(["used"]).await.expect("no fault");
    let since = morning() - versions::UNUSED_FOR;
    assert_eq!(
        database.drop_unused_versions(since).await.expect("no fault"),
        0,
        "it may still be begun with"
    );
    assert_eq!(database.drop_unused_versions(morning() + versions::UNUSED_FOR).await.expect("no fault"), 1);
    assert_eq!(database.flow_versions().await.expect("no fault"), ["used"]);
}

#[tokio::test]
async fn a_conversation_on_a_version_that_was_never_written_down_is_not_ended_in_silence() {
    let folder = Folder::new();
    let url = folder.database_url();
    let version = asked_for_the_name(&url).await;
    let clock: Arc<dyn innkeeper::clock::Clock> = Arc::new(standing_clock());
    let database = Database::open(&url, clock).await.expect("a database");
    database.forget_version(&version).await.expect("no fault");
    database.close().await.expect("closed");
    let talking = Talking::start(&config(&url, Some(renamed(&folder)))).await;
    let fault = talking.tries("Ana Lind").await.expect_err("nothing is answered");
    assert!(matches!(&fault, AnswerFault::Lost { version: lost, .. } if *lost == version), "{fault}");
    let (store, kept) = (talking.store(), talking.versions());
    let lost = versions::pinned(store, kept).await.expect("no fault");
    assert_eq!((lost.len(), lost[0].conversations), (1, 1));
    let open = store.open_conversations().await.expect("no fault");
    assert_eq!(open.len(), 1, "it is still open");
    let stood = store.load(open[0].id.as_str()).await.expect("no fault").expect("a conversation");
    let plan = versions::plan(store, kept, &kept.current(), talking.moment()).await.expect("a plan");
    assert_eq!(plan.conversations[0].way, Way::Impossible);
    assert_eq!(store.load(open[0].id.as_str()).await.expect("no fault").expect("a conversation"), stood);
    // It moves on after the plan was made: then it is not ended.
    let moved_on = Commit {
        conversation: open[0].id.as_str(),
        expected: stood.revision,
        position: &stood.position,
        underway: None,
        log: &[],
        outgoing: Vec::new(),
        remember: &[],
        answered: None,
    };
    store.commit(moved_on).await.expect("a commit");
    let ended = versions::end_lost(store, &plan.conversations[0]).await.expect("no fault");
    assert_eq!(ended, EndedLost::WentOn);
    assert_eq!(store.open_conversations().await.expect("no fault").len(), 1, "it is still open");
    let plan = versions::plan(store, kept, &kept.current(), talking.moment()).await.expect("a plan");
    for came in [EndedLost::Ended, EndedLost::WentOn] {
        assert_eq!(versions::end_lost(store, &plan.conversations[0]).await.expect("no fault"), came);
    }
    talking.says("I need a room").await;
    talking.app.close().await;
}
