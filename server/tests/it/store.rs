//! What the server's tables promise, on SQLite and on PostgreSQL.

mod files;
mod forgotten;

use std::collections::BTreeMap;
use std::sync::Arc;

use innkeeper::message::{
    Button, ChannelName, Content, ConversationId, GuestKey, Inbound, MessageId, Outgoing,
};
use innkeeper::store::{Database, Due, Outcome, Received, Status};
use innkeeper_engine::Position;
use innkeeper_engine::runtime::{
    Answered, Commit, CommitError, Logged, MessageOutcome, Store as _, Underway,
};
use serde_json::json;

use self::forgotten::{a_forgotten_conversation_cannot_be_read, a_forgotten_guest_leaves_nothing};
use crate::postgres::Cluster;
use crate::rig::{Folder, ana, ben, database, morning, position, said, standing_clock, text_from};

fn outgoing(text: &str, says: &[u32]) -> Outgoing {
    let buttons = vec![Button { id: "yes".to_owned(), title: "Yes".to_owned() }];
    Outgoing { text: text.to_owned(), buttons, says: says.to_vec(), ..Outgoing::default() }
}

/// A commit of the turn that answers `message`.
fn answering<'a>(
    conversation: &'a ConversationId,
    expected: u64,
    position: &'a Position,
    log: &'a [Logged],
    message: &'a str,
) -> Commit<'a, Outgoing> {
    Commit {
        conversation: conversation.as_str(),
        expected,
        position,
        underway: None,
        log,
        outgoing: vec![outgoing("Good morning", &[1]), outgoing("How many nights?", &[2])],
        remember: &[],
        answered: Some(Answered { message, outcome: MessageOutcome::Answered }),
    }
}

/// The guest's conversation, begun if there is none.
async fn begun(database: &Database, guest: &GuestKey) -> ConversationId {
    database.conversation(guest, ChannelName::Twilio).await.expect("a conversation")
}

/// Everything in a conversation's log, in order.
async fn logged(database: &Database, conversation: &ConversationId) -> Vec<Logged> {
    let revisions = database.log(conversation.as_str()).await.expect("a log");
    revisions.into_iter().flat_map(|(_, entries)| entries).collect()
}

async fn received(database: &Database, inbound: &Inbound) -> MessageId {
    match database.receive(inbound).await.expect("a row") {
        Received::New(id) | Received::Unanswered(id) | Received::Repeat(id) => id,
    }
}

async fn a_commit_is_all_or_nothing(database: Database) {
    let message = received(&database, &text_from(&ana(), "SM1", "hello")).await.to_string();
    let conversation = begun(&database, &ana()).await;
    assert!(
        database.load(conversation.as_str()).await.expect("no fault").is_none(),
        "nothing is committed yet"
    );

    let (standing, log) = (position(false), [said("hello")]);
    let remember = [("name".to_owned(), json!("Ana"))];
    let commit = Commit { remember: &remember, ..answering(&conversation, 0, &standing, &log, &message) };
    database.commit(commit).await.expect("a commit");

    let stored = database.load(conversation.as_str()).await.expect("no fault").expect("a conversation");
    assert_eq!((stored.revision, &stored.position, stored.underway), (1, &standing, None));
    assert_eq!(logged(&database, &conversation).await, log);
    assert_eq!(database.guest(&ana()).await.expect("a guest").remembered.get("name"), Some(&json!("Ana")));
    let rows = database.outgoing_to(&ana()).await.expect("rows");
    assert_eq!(
        rows.iter().map(|row| row.text.as_str()).collect::<Vec<_>>(),
        ["Good morning", "How many nights?"]
    );
    assert_eq!(rows[0].outgoing().expect("a message"), outgoing("Good morning", &[1]));
    assert!(rows.iter().all(|row| row.status == Status::Queued));
    assert_eq!(database.outcomes().await.expect("counts"), BTreeMap::from([(Outcome::Answered, 1)]));

    // The message has its outcome: answering it again is refused, and nothing of that commit stays.
    let again = answering(&conversation, 1, &standing, &log, &message);
    assert!(matches!(database.commit(again).await, Err(CommitError::Conflict)));
    let stored = database.load(conversation.as_str()).await.expect("no fault").expect("a conversation");
    assert_eq!(stored.revision, 1);
    assert_eq!(database.outgoing_to(&ana()).await.expect("rows").len(), 2);
    assert_eq!(logged(&database, &conversation).await.len(), 1);
}

async fn of_two_commits_on_one_revision_one_wins(database: Database) {
    let conversation = begun(&database, &ana()).await;
    let mut messages = Vec::new();
    for i in 0..8 {
        messages.push(received(&database, &text_from(&ana(), &format!("SM{i}"), "hello")).await.to_string());
    }
    let mut commits = tokio::task::JoinSet::new();
    for message in messages {
        let (database, conversation) = (database.clone(), conversation.clone());
        commits.spawn(async move {
            let (standing, log) = (position(false), [said("hello")]);
            match database.commit(answering(&conversation, 0, &standing, &log, &message)).await {
                Ok(()) => true,
                Err(refused) => {
                    assert!(matches!(refused, CommitError::Conflict), "{refused}");
                    false
                }
            }
        });
    }
    let won = commits.join_all().await.into_iter().filter(|won| *won).count();
    assert_eq!(won, 1);
    assert_eq!(database.outgoing_to(&ana()).await.expect("rows").len(), 2);
    let outcomes = BTreeMap::from([(Outcome::Pending, 7), (Outcome::Answered, 1)]);
    assert_eq!(database.outcomes().await.expect("counts"), outcomes);
}

async fn a_turn_under_way_is_kept_until_its_commit(database: Database) {
    let message = received(&database, &text_from(&ana(), "SM1", "yes")).await.to_string();
    let conversation = begun(&database, &ana()).await;
    let underway = Underway {
        message: Some(message.clone()),
        outgoing: Vec::new(),
        remember: vec![("name".to_owned(), json!("Ana"))],
    };
    let (standing, log) = (position(false), [said("yes")]);
    let ahead = Commit {
        underway: Some(&underway),
        outgoing: Vec::new(),
        answered: None,
        ..answering(&conversation, 0, &standing, &log, &message)
    };
    database.commit(ahead).await.expect("a write-ahead");
    let stored = database.load(conversation.as_str()).await.expect("no fault").expect("a conversation");
    assert_eq!(stored.underway.as_ref(), Some(&underway));
    assert_eq!(database.pending().await.expect("rows").len(), 1, "the message still waits for its outcome");
    database.commit(answering(&conversation, 1, &standing, &[], &message)).await.expect("a commit");
    let stored = database.load(conversation.as_str()).await.expect("no fault").expect("a conversation");
    assert_eq!((stored.revision, stored.underway), (2, None));
}

async fn after_its_end_a_guest_gets_another_conversation(database: Database) {
    let message = received(&database, &text_from(&ana(), "SM1", "bye")).await.to_string();
    let first = begun(&database, &ana()).await;
    assert_eq!(begun(&database, &ana()).await, first, "it goes on");
    assert_ne!(begun(&database, &ben()).await, first, "it is another guest's");
    let (over, log) = (position(true), [said("bye")]);
    database.commit(answering(&first, 0, &over, &log, &message)).await.expect("a commit");
    assert_eq!(database.active_conversation(&ana()).await.expect("no fault"), None);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..8 {
        let database = database.clone();
        tasks.spawn(async move { begun(&database, &ana()).await });
    }
    let second = tasks.join_all().await;
    assert!(second.iter().all(|id| *id == second[0] && *id != first), "everybody gets the same new one");
    database.end_conversation(&second[0]).await.expect("no fault");
    assert_ne!(begun(&database, &ana()).await, second[0]);
}

async fn a_message_is_written_down_once(database: Database) {
    let inbound = text_from(&ana(), "SM1", "hello");
    let mut deliveries = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (database, inbound) = (database.clone(), inbound.clone());
        deliveries.spawn(async move { database.receive(&inbound).await.expect("no fault") });
    }
    let received = deliveries.join_all().await;
    let new = received.iter().filter(|received| matches!(received, Received::New(_))).count();
    assert_eq!((new, received.len()), (1, 16));
    assert_eq!(database.pending().await.expect("rows").len(), 1);
    let other = Inbound { channel: ChannelName::Meta, ..inbound };
    assert!(
        matches!(database.receive(&other).await.expect("no fault"), Received::New(_)),
        "ids are a channel's own"
    );
}

async fn a_turn_is_put_together_from_its_rows(database: Database) {
    let lead = received(&database, &text_from(&ana(), "SM1", "a room")).await;
    let second = received(&database, &text_from(&ana(), "SM2", " for two ")).await;
    let third = received(&database, &text_from(&ana(), "SM3", "please")).await;
    let turn = database.begin_turn(lead, &[second]).await.expect("no fault").expect("a turn");
    assert_eq!((turn.text.as_str(), turn.attempts), ("a room\nfor two", 1));
    assert_eq!((turn.lead, turn.merged.as_slice()), (lead, [second].as_slice()));
    let again = database.begin_turn(lead, &[]).await.expect("no fault").expect("the same turn");
    assert_eq!((again.text.as_str(), again.attempts), ("a room\nfor two", 2));
    let pending: Vec<i64> = database.pending().await.expect("rows").iter().map(|row| row.id).collect();
    assert_eq!(pending, [lead.0, third.0]);
    let apology = [outgoing("Something went wrong", &[])];
    database.give_up(&turn, Outcome::HandedOver, None, &apology).await.expect("no fault");
    database.give_up(&turn, Outcome::HandedOver, None, &apology).await.expect("no fault");
    assert_eq!(database.outgoing_to(&ana()).await.expect("rows").len(), 1, "said once");
    assert!(database.begin_turn(lead, &[third]).await.expect("no fault").is_none(), "it has its outcome");
    let outcomes = BTreeMap::from([(Outcome::Pending, 1), (Outcome::Merged, 1), (Outcome::HandedOver, 1)]);
    assert_eq!(database.outcomes().await.expect("counts"), outcomes);
}

async fn a_reaction_asks_for_no_answer(database: Database) {
    let reaction =
        Inbound { content: Content::Reaction { to: None, emoji: None }, ..text_from(&ana(), "SM1", "👍") };
    assert!(matches!(database.receive(&reaction).await.expect("no fault"), Received::Unanswered(_)));
    assert_eq!(database.outcomes().await.expect("counts"), BTreeMap::from([(Outcome::Rejected, 1)]));
}

async fn a_number_counts_only_as_long_as_the_channel_vouches_for_it(database: Database) {
    received(&database, &text_from(&ana(), "SM1", "hello")).await;
    let hidden =
        Inbound { phone: None, address: "whatsapp:ES.1".to_owned(), ..text_from(&ana(), "SM2", "again") };
    received(&database, &hidden).await;
    let guest = database.guest(&ana()).await.expect("a guest");
    assert_eq!(guest.phone, None);
    assert_eq!(database.guests_with_phone("+34600000001").await.expect("guests"), []);
}

async fn many_conversations_are_committed_at_once_and_each_by_itself(database: Database) {
    let guest = |i: usize| GuestKey::new(format!("whatsapp:+3460000{i:04}"));
    let mut turns = tokio::task::JoinSet::new();
    for i in 0..100 {
        let database = database.clone();
        turns.spawn(async move {
            let conversation = begun(&database, &guest(i)).await;
            let mut committed = 0;
            for turn in 0..4 {
                let text = format!("{i}, {turn}");
                let id = format!("SM{i}-{turn}");
                let message = received(&database, &text_from(&guest(i), &id, &text)).await.to_string();
                let (standing, log) = (position(turn == 3), [said(&text)]);
                // Every third guest's second turn is computed from a revision that is not the last one.
                let stale = i % 3 == 0 && turn == 1;
                let expected = if stale { 7 } else { committed };
                let commit = Commit {
                    outgoing: vec![outgoing(&text, &[1]), outgoing("and more", &[2])],
                    ..answering(&conversation, expected, &standing, &log, &message)
                };
                match database.commit(commit).await {
                    Ok(()) => committed += 1,
                    Err(refused) => assert!(stale && matches!(refused, CommitError::Conflict), "{refused}"),
                }
            }
            (i, conversation, committed)
        });
    }
    for (i, conversation, committed) in turns.join_all().await {
        let turns: Vec<usize> = (0..4).filter(|turn| i % 3 != 0 || *turn != 1).collect();
        assert_eq!(usize::try_from(committed).expect("few"), turns.len());
        let log: Vec<Logged> = turns.iter().map(|turn| said(&format!("{i}, {turn}"))).collect();
        assert_eq!(logged(&database, &conversation).await, log);
        let stored = database.load(conversation.as_str()).await.expect("no fault").expect("a conversation");
        assert_eq!((stored.revision, stored.position), (committed, position(true)));
        let rows = database.outgoing_to(&guest(i)).await.expect("rows");
        let said: Vec<&str> = rows.iter().map(|row| row.text.as_str()).collect();
        let expected: Vec<String> =
            turns.iter().flat_map(|turn| [format!("{i}, {turn}"), "and more".to_owned()]).collect();
        assert_eq!(said, expected, "in order");
    }
    let outcomes = BTreeMap::from([(Outcome::Pending, 34), (Outcome::Answered, 366)]);
    assert_eq!(database.outcomes().await.expect("counts"), outcomes);
}

async fn of_two_who_answer_a_message_in_two_conversations_one_wins(database: Database) {
    let message = received(&database, &text_from(&ana(), "SM1", "hello")).await.to_string();
    let mut commits = tokio::task::JoinSet::new();
    for i in 0..8 {
        let (database, message) = (database.clone(), message.clone());
        commits.spawn(async move {
            let guest = GuestKey::new(format!("whatsapp:+3460000{i:04}"));
            let conversation = begun(&database, &guest).await;
            let (standing, log) = (position(false), [said("hello")]);
            let written =
                database.commit(answering(&conversation, 0, &standing, &log, &message)).await.is_ok();
            (conversation, written)
        });
    }
    let mut won = 0;
    for (conversation, written) in commits.join_all().await {
        won += usize::from(written);
        assert_eq!(database.load(conversation.as_str()).await.expect("no fault").is_some(), written);
        assert_eq!(
            logged(&database, &conversation).await.len(),
            usize::from(written),
            "all of it or nothing"
        );
    }
    assert_eq!(won, 1);
}

async fn what_another_program_committed_is_seen_after_the_conflict(database: Database) {
    let conversation = begun(&database, &ana()).await;
    let (standing, log) = (position(false), [said("hello")]);
    let commit =
        |expected| Commit { answered: None, ..answering(&conversation, expected, &standing, &log, "") };
    database.commit(commit(0)).await.expect("a commit");
    assert!(matches!(database.commit(commit(0)).await, Err(CommitError::Conflict)));
    let stored = database.load(conversation.as_str()).await.expect("no fault").expect("a conversation");
    assert_eq!(stored.revision, 1);
    database.commit(commit(1)).await.expect("a commit");
}

async fn a_conversation_is_put_off_by_one_who_looks(database: Database) {
    let channels = [ChannelName::Twilio];
    let conversation = begun(&database, &ana()).await;
    let (standing, log) = (position(false), [said("hello")]);
    let commit =
        |expected| Commit { answered: None, ..answering(&conversation, expected, &standing, &log, "") };
    database.commit(commit(0)).await.expect("a commit");
    assert_eq!(database.next_due(&channels).await.expect("no fault"), None, "nothing waits for a time");
    let due = Due {
        conversation: conversation.clone(),
        guest: ana(),
        channel: ChannelName::Twilio,
        at: morning(),
        heard_at: Some(morning()),
    };
    assert!(!database.put_off(&due, Some(morning())).await.expect("no fault"), "it is not due then");
}

async fn a_long_log_is_read_back_whole(database: Database) {
    let conversation = begun(&database, &ana()).await;
    let standing = position(false);
    let mut all = Vec::new();
    for number in 0..60_u64 {
        // One commit is much longer than all others, and one has nothing in it.
        let text = format!("{number}: {}", "a room with a view ".repeat(if number == 30 { 900 } else { 9 }));
        let log: Vec<Logged> = if number == 40 { Vec::new() } else { vec![said(&text)] };
        let commit = Commit { answered: None, ..answering(&conversation, number, &standing, &log, "") };
        database.commit(commit).await.expect("a commit");
        all.push((number + 1, log));
        if number % 20 == 0 {
            assert_eq!(database.log(conversation.as_str()).await.expect("a log"), all);
        }
    }
    assert_eq!(database.log(conversation.as_str()).await.expect("a log"), all);
    let talks = database.talks(&ana()).await.expect("talks");
    let of_talks: Vec<Vec<Logged>> = talks[0].commits.iter().map(|commit| commit.log.clone()).collect();
    assert_eq!(of_talks, all.iter().map(|(_, log)| log.clone()).collect::<Vec<_>>());
    assert!(talks[0].commits.iter().all(|commit| commit.outgoing.len() == 2), "each with what it said");
    assert!(database.forget(conversation.as_str()).await.expect("no fault"));
    assert!(database.log(conversation.as_str()).await.expect("a log").is_empty());
}

async fn nothing_goes_on_that_was_ended(database: Database) {
    let message = received(&database, &text_from(&ana(), "SM1", "hello")).await.to_string();
    let conversation = begun(&database, &ana()).await;
    let (standing, log) = (position(false), [said("hello")]);
    let commit =
        |expected| Commit { answered: None, ..answering(&conversation, expected, &standing, &log, "") };
    database.commit(commit(0)).await.expect("a commit");
    assert!(!database.end_conversation_at(&conversation, 0).await.expect("no fault"), "it is at another");
    assert_eq!(begun(&database, &ana()).await, conversation, "it goes on");
    assert!(database.end_conversation_at(&conversation, 1).await.expect("no fault"));
    assert!(!database.end_conversation_at(&conversation, 1).await.expect("no fault"), "it has ended");
    assert!(matches!(database.commit(commit(1)).await, Err(CommitError::Conflict)));
    let answer = answering(&conversation, 1, &standing, &log, &message);
    assert!(matches!(database.commit(answer).await, Err(CommitError::Conflict)));
    assert_eq!(database.pending().await.expect("rows").len(), 1, "the message waits for another turn");
    assert_ne!(begun(&database, &ana()).await, conversation);
}

/// Two programs on one database: what one knows is behind what the other committed.
async fn whoever_knows_less_conflicts_and_reads_anew(one: Database, other: Database) {
    let conversation = begun(&one, &ana()).await;
    let standing = position(false);
    let log = |number: u64| [said(&format!("{number}"))];
    let commit = async |database: &Database, expected: u64| {
        let log = log(expected);
        let commit = Commit { answered: None, ..answering(&conversation, expected, &standing, &log, "") };
        database.commit(commit).await
    };
    commit(&one, 0).await.expect("a commit");
    let known = other.load(conversation.as_str()).await.expect("no fault").expect("a conversation");
    assert_eq!(known.revision, 1);
    commit(&one, 1).await.expect("a commit");
    // The other program stands at 1 still.
    assert!(matches!(commit(&other, 1).await, Err(CommitError::Conflict)));
    let known = other.load(conversation.as_str()).await.expect("no fault").expect("a conversation");
    assert_eq!(known.revision, 2, "it reads anew");
    commit(&other, 2).await.expect("a commit");
    // Now the first one is behind; who computed from what the database has is not held up by it.
    commit(&one, 3).await.expect("a commit");
    let all: Vec<(u64, Vec<Logged>)> = (0..4).map(|number| (number + 1, log(number).to_vec())).collect();
    assert_eq!(one.log(conversation.as_str()).await.expect("a log"), all, "nobody's words are lost");
    assert_eq!(other.log(conversation.as_str()).await.expect("a log"), all);
}

async fn what_goes_elsewhere_is_written_with_the_consent_and_the_turn_or_not_at_all(database: Database) {
    let caller = GuestKey::displayed("+34600000001").in_call("CA1");
    let conversation = database.conversation(&caller, ChannelName::Call).await.expect("a conversation");
    let (standing, log) = (position(false), [said("yes")]);
    let spoken = Outgoing { via: Some(ChannelName::Call), ..outgoing("They are on their way", &[1]) };
    let sent = |to: &GuestKey| Outgoing {
        via: Some(ChannelName::Twilio),
        to: Some(to.clone()),
        consent: Some("call".to_owned()),
        ..outgoing("Your booking", &[])
    };
    let commit = |expected: u64, to: &GuestKey| Commit {
        answered: None,
        outgoing: vec![spoken.clone(), sent(to)],
        ..answering(&conversation, expected, &standing, &log, "")
    };
    database.commit(commit(0, &ana())).await.expect("a commit");
    assert!(matches!(database.commit(commit(0, &ana())).await, Err(CommitError::Conflict)), "not twice");
    let texts = async |guest: &GuestKey| {
        let rows = database.outgoing_to(guest).await.expect("rows");
        rows.into_iter().map(|row| (row.channel, row.text)).collect::<Vec<_>>()
    };
    assert_eq!(texts(&caller).await, [("call".to_owned(), "They are on their way".to_owned())]);
    assert_eq!(texts(&ana()).await, [("twilio".to_owned(), "Your booking".to_owned())]);
    let consents = database.consents(&ana()).await.expect("consents");
    let consents: Vec<(bool, &str)> =
        consents.iter().map(|consent| (consent.wanted, consent.source.as_str())).collect();
    assert_eq!(consents, [(true, "call")]);
    // Whoever stopped messages has stopped them, whatever is said in a call that displays their number.
    database.note_consent(&ben(), false, "words").await.expect("noted");
    database.commit(commit(1, &ben())).await.expect("a commit");
    assert!(database.is_opted_out(&ben()).await.expect("no fault"));
}

/// Runs a promise on a fresh SQLite file, in memory and, through the list, on PostgreSQL.
macro_rules! promises {
    ($($promise:ident),* $(,)?) => {
        mod on_a_sqlite_file {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    let folder = super::Folder::new();
                    super::$promise(super::database(&folder, &super::standing_clock()).await).await;
                }
            )*
        }

        mod in_memory {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    super::$promise(super::database_in_memory().await).await;
                }
            )*
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgresql_keeps_the_same_promises() {
            let Some(cluster) = Cluster::start() else { return };
            $(
                let url = cluster.database(stringify!($promise));
                let database = Database::open(&url, Arc::new(standing_clock())).await.expect("a database");
                $promise(database.clone()).await;
                database.close().await.expect("closed");
            )*
            let url = cluster.database("two_programs");
            let open = || Database::open(&url, Arc::new(standing_clock()));
            let (one, other) = (open().await.expect("a database"), open().await.expect("the same"));
            whoever_knows_less_conflicts_and_reads_anew(one.clone(), other.clone()).await;
            one.close().await.expect("closed");
            other.close().await.expect("closed");
        }
    };
}

promises! {
    what_goes_elsewhere_is_written_with_the_consent_and_the_turn_or_not_at_all,
    a_commit_is_all_or_nothing,
    of_two_commits_on_one_revision_one_wins,
    a_turn_under_way_is_kept_until_its_commit,
    after_its_end_a_guest_gets_another_conversation,
    a_message_is_written_down_once,
    a_turn_is_put_together_from_its_rows,
    a_reaction_asks_for_no_answer,
    a_number_counts_only_as_long_as_the_channel_vouches_for_it,
    a_forgotten_guest_leaves_nothing,
    a_forgotten_conversation_cannot_be_read,
    many_conversations_are_committed_at_once_and_each_by_itself,
    of_two_who_answer_a_message_in_two_conversations_one_wins,
    what_another_program_committed_is_seen_after_the_conflict,
    a_conversation_is_put_off_by_one_who_looks,
    a_long_log_is_read_back_whole,
    nothing_goes_on_that_was_ended,
}

async fn database_in_memory() -> Database {
    let url = innkeeper::config::DatabaseUrl::parse("sqlite::memory:").expect("an address");
    Database::open(&url, Arc::new(standing_clock())).await.expect("a database")
}
