//! What is left of what was forgotten: nothing that says whose it was or what about.

use std::collections::BTreeMap;

use innkeeper::store::{Database, Forgotten, Outcome, Received, Status};
use innkeeper_engine::Guest;
use innkeeper_engine::runtime::{Commit, CommitError, Store as _};
use serde_json::json;

use super::{answering, begun, logged, received};
use crate::rig::{ana, ben, position, said, text_from};

pub(super) async fn a_forgotten_guest_leaves_nothing(database: Database) {
    for guest in [ana(), ben()] {
        let message = received(&database, &text_from(&guest, guest.as_str(), "hello")).await.to_string();
        let conversation = begun(&database, &guest).await;
        let (standing, log) = (position(false), [said("hello")]);
        database.commit(answering(&conversation, 0, &standing, &log, &message)).await.expect("a commit");
    }
    let waiting = received(&database, &text_from(&ana(), "SM9", "and a cot")).await;
    database.remember(&ana(), "name", &json!("Ana")).await.expect("no fault");
    let conversation = begun(&database, &ana()).await;
    let (standing, log) = (position(false), [said("hello")]);

    let forgotten = database.forget_guest(&ana()).await.expect("no fault");
    assert_eq!(forgotten, Forgotten { conversations: 1, messages: 2, replies: 2, guests: 1 });
    assert!(logged(&database, &conversation).await.is_empty());
    assert!(database.load(conversation.as_str()).await.expect("no fault").is_none());
    assert!(database.outgoing_to(&ana()).await.expect("rows").is_empty());
    assert_eq!(database.guest(&ana()).await.expect("nobody"), Guest::default());
    let message = database.message(waiting).await.expect("no fault").expect("a row");
    assert_eq!((message.text.as_str(), message.outcome), ("", Outcome::Rejected));
    assert_ne!(message.guest, ana().as_str());
    let late = Commit { answered: None, ..answering(&conversation, 1, &standing, &log, "") };
    assert!(matches!(database.commit(late).await, Err(CommitError::Conflict)), "nothing is written into it");
    let outcomes = BTreeMap::from([(Outcome::Answered, 2), (Outcome::Rejected, 1)]);
    assert_eq!(database.outcomes().await.expect("counts"), outcomes, "every message has its outcome still");
    assert!(
        matches!(database.receive(&text_from(&ana(), "SM9", "and a cot")).await, Ok(Received::Repeat(_))),
        "a late delivery of the same message is still none"
    );

    assert_eq!(database.outgoing_to(&ben()).await.expect("rows").len(), 2);
    assert_eq!(logged(&database, &begun(&database, &ben()).await).await, log, "others are remembered");
    assert_eq!(database.forget_guest(&ana()).await.expect("no fault"), Forgotten::default());
    assert_ne!(begun(&database, &ana()).await, conversation, "who comes back is a stranger");
}

pub(super) async fn a_forgotten_conversation_cannot_be_read(database: Database) {
    let message = received(&database, &text_from(&ana(), "SM1", "hello")).await;
    let conversation = begun(&database, &ana()).await;
    let (standing, log) = (position(false), [said("hello")]);
    database
        .commit(answering(&conversation, 0, &standing, &log, &message.to_string()))
        .await
        .expect("a commit");
    assert!(database.forget(conversation.as_str()).await.expect("no fault"));
    assert!(
        !database.forget(conversation.as_str()).await.expect("no fault"),
        "there is nothing left to forget"
    );
    assert!(database.load(conversation.as_str()).await.expect("no fault").is_none());
    assert!(logged(&database, &conversation).await.is_empty());
    let rows = database.outgoing_to(&ana()).await.expect("rows");
    assert!(rows.iter().all(|row| row.text.is_empty() && row.status == Status::Failed));
    assert_eq!(database.message(message).await.expect("no fault").expect("a row").text, "");
    assert_eq!(database.guest(&ana()).await.expect("a guest").phone.as_deref(), Some("+34600000001"));
    let late = Commit { answered: None, ..answering(&conversation, 1, &standing, &log, "") };
    assert!(matches!(database.commit(late).await, Err(CommitError::Conflict)));
}
