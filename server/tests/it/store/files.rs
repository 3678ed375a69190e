//! What the server's tables promise about the files of SQLite.

use std::time::Duration;

use innkeeper::clock::{Clock as _, ManualClock};
use innkeeper_engine::runtime::{Commit, Store as _};
use serde_json::json;

use super::{answering, begun, outgoing, received};
use crate::rig::{Folder, ana, database, morning, position, said, standing_clock, text_from};

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart() {
    let folder = Folder::new();
    let clock: ManualClock = standing_clock();
    let first = database(&folder, &clock).await;
    received(&first, &text_from(&ana(), "SM1", "hello")).await;
    first.close().await.expect("closed");
    clock.advance(Duration::from_secs(60));
    let second = database(&folder, &clock).await;
    let pending = second.pending().await.expect("rows");
    assert_eq!((pending.len(), pending[0].text.as_str()), (1, "hello"));
    assert_eq!(pending[0].received_at, morning());
    assert!(clock.now() > morning());
}

#[tokio::test]
async fn two_programs_share_a_file() {
    let folder = Folder::new();
    let clock = standing_clock();
    let (one, other) = (database(&folder, &clock).await, database(&folder, &clock).await);
    let mut deliveries = tokio::task::JoinSet::new();
    for i in 0..40 {
        let database = if i % 2 == 0 { one.clone() } else { other.clone() };
        deliveries.spawn(async move {
            received(&database, &text_from(&ana(), &format!("SM{}", i / 2), "hello")).await
        });
    }
    deliveries.join_all().await;
    assert_eq!(one.pending().await.expect("rows").len(), 20);
}

#[tokio::test]
async fn two_programs_on_one_file_do_not_lose_each_others_turns() {
    let folder = Folder::new();
    let clock = standing_clock();
    let (one, other) = (database(&folder, &clock).await, database(&folder, &clock).await);
    super::whoever_knows_less_conflicts_and_reads_anew(one, other).await;
}

/// Whether a file holds these bytes anywhere.
fn holds(path: &std::path::Path, words: &str) -> bool {
    let Ok(bytes) = std::fs::read(path) else { return false };
    bytes.windows(words.len()).any(|part| part == words.as_bytes())
}

#[tokio::test]
async fn words_are_in_no_file_and_a_forgotten_guest_is_in_none() {
    const WORDS: &str = "xylophones in the west wing";
    let folder = Folder::new();
    let database = database(&folder, &standing_clock()).await;
    let message = received(&database, &text_from(&ana(), "SM1", WORDS)).await.to_string();
    let conversation = begun(&database, &ana()).await;
    let (standing, log) = (position(false), [said(WORDS)]);
    let remember = [("name".to_owned(), json!(WORDS))];
    let commit = Commit {
        outgoing: vec![outgoing(WORDS, &[1])],
        remember: &remember,
        ..answering(&conversation, 0, &standing, &log, &message)
    };
    database.commit(commit).await.expect("a commit");
    let files = ["it.db", "it.db-wal", "it.db-shm"].map(|name| folder.file(name));
    assert!(files.iter().all(|file| !holds(file, WORDS)), "what guests say is sealed");
    assert!(files.iter().any(|file| holds(file, "+34600000001")), "the test can see what is not");

    database.forget_guest(&ana()).await.expect("no fault");
    database.compact().await.expect("no fault");
    for file in &files {
        assert!(!holds(file, WORDS), "{}", file.display());
        assert!(!holds(file, "+34600000001"), "{}", file.display());
    }
    database.close().await.expect("closed");
}
