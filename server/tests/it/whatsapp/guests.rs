//! One guest with two ids is one guest, with one conversation, on SQLite and on PostgreSQL.

use std::sync::Arc;
use std::time::Duration;

use innkeeper::clock::ManualClock;
use innkeeper::message::{ChannelName, Content, GuestIds, GuestKey, Inbound, Outgoing};
use innkeeper::store::{Arrived, Database, Forgotten, Outcome, Received, Status};
use innkeeper_engine::runtime::{Answered, Commit, CommitError, MessageOutcome, Store as _};
use serde_json::json;

use super::house::House;
use crate::postgres::Cluster;
use crate::rig::{Fault, position, said, standing_clock, text_from, until};
use crate::support::meta::hook::{change, message};

const PHONE: &str = "+34600000001";
const SCOPED: &str = "ES.77";

/// A message that shows these ids.
fn from(scoped: Option<&str>, phone: Option<&str>, id: &str, text: &str) -> Inbound {
    let guest = GuestIds::on_whatsapp(scoped, phone).expect("an id");
    let address = guest.phone().unwrap_or_else(|| guest.preferred()).as_str().to_owned();
    let base = text_from(guest.preferred(), id, text);
    Inbound { address, phone: phone.map(str::to_owned), guest, ..base }
}

fn key(name: &str) -> GuestKey {
    GuestKey::new(format!("whatsapp:{name}"))
}

async fn receive(database: &Database, inbound: &Inbound) -> (i64, GuestKey, Option<GuestKey>) {
    let Arrived { received, joined, .. } = database.arrive(inbound).await.expect("no fault");
    let (Received::New(id) | Received::Unanswered(id) | Received::Repeat(id)) = received;
    let row = database.message(id).await.expect("no fault").expect("a row");
    (id.0, GuestKey::new(row.guest), joined)
}

/// Answers a message in its guest's conversation.
async fn answer(
    database: &Database,
    message: i64,
    guest: &GuestKey,
    text: &str,
) -> Result<(), CommitError<innkeeper::store::Fault>> {
    let conversation = database.conversation(guest, ChannelName::Meta).await.expect("a conversation");
    let stored = database.load(conversation.as_str()).await.expect("no fault");
    let (standing, log, message) = (position(false), [said(text)], message.to_string());
    let commit = Commit {
        conversation: conversation.as_str(),
        expected: stored.map_or(0, |stored| stored.revision),
        position: &standing,
        underway: None,
        log: &log,
        outgoing: vec![Outgoing { text: format!("You said: {text}"), ..Outgoing::default() }],
        remember: &[],
        answered: Some(Answered { message: &message, outcome: MessageOutcome::Answered }),
    };
    database.commit(commit).await
}

async fn said_to(database: &Database, guest: &GuestKey) -> Vec<String> {
    let rows = database.outgoing_to(guest).await.expect("rows");
    rows.into_iter().map(|row| row.text).collect()
}

async fn either_id_alone_is_enough_and_both_lead_to_one(database: Database, _: ManualClock) {
    let (_, first, _) = receive(&database, &from(None, Some(PHONE), "1", "hello")).await;
    let (_, both, joined) = receive(&database, &from(Some(SCOPED), Some(PHONE), "2", "again")).await;
    let (_, hidden, _) = receive(&database, &from(Some(SCOPED), None, "3", "hidden")).await;
    assert_eq!((&first, &both, &hidden), (&key(PHONE), &key(PHONE), &key(PHONE)));
    assert_eq!(joined, None, "there never were two");
    let ids = GuestIds::Scoped(key(SCOPED));
    assert_eq!(database.guest_of(&ids).await.expect("no fault"), key(PHONE));
    assert_eq!(database.guest(&key(PHONE)).await.expect("a guest").phone, None, "the last message hid it");
}

async fn two_who_turn_out_to_be_one_become_one(database: Database, clock: ManualClock) {
    let (one, scoped, _) = receive(&database, &from(Some(SCOPED), None, "1", "a room")).await;
    answer(&database, one, &scoped, "a room").await.expect("an answer");
    database.remember(&scoped, "name", &json!("Ana")).await.expect("no fault");
    database.remember(&scoped, "bed", &json!("twin")).await.expect("no fault");
    clock.advance(Duration::from_secs(60));
    let (two, phone, _) = receive(&database, &from(None, Some(PHONE), "2", "for two")).await;
    assert_ne!(scoped, phone);
    answer(&database, two, &phone, "for two").await.expect("an answer");
    database.remember(&phone, "name", &json!("Ana Silva")).await.expect("no fault");
    let held = database.conversation(&phone, ChannelName::Meta).await.expect("a conversation");
    let left = database.conversation(&scoped, ChannelName::Meta).await.expect("a conversation");
    let (waits, _, _) = receive(&database, &from(Some(SCOPED), None, "3", "with a view")).await;

    let both = from(Some(SCOPED), Some(PHONE), "4", "it is me");
    assert_eq!(database.guest_of(&both.guest).await.expect("no fault"), phone, "it is told before");
    let (_, guest, joined) = receive(&database, &both).await;
    assert_eq!((&guest, joined.as_ref()), (&phone, Some(&scoped)), "the conversation held last goes on");
    assert_eq!(said_to(&database, &guest).await, ["You said: a room", "You said: for two"]);
    let known = database.guest(&guest).await.expect("a guest");
    assert_eq!(known.phone.as_deref(), Some(PHONE));
    assert_eq!(
        (known.remembered.get("name"), known.remembered.get("bed")),
        (Some(&json!("Ana Silva")), Some(&json!("twin")))
    );
    assert_eq!(database.conversation(&guest, ChannelName::Meta).await.expect("a conversation"), held);
    assert_eq!(database.conversation(&scoped, ChannelName::Meta).await.expect("by an old key"), held);
    assert_eq!(database.conversations_of(&guest).await.expect("conversations").len(), 2);
    let pending = database.pending().await.expect("rows");
    let words: Vec<(&str, &str)> =
        pending.iter().map(|row| (row.guest.as_str(), row.text.as_str())).collect();
    assert_eq!(
        words,
        [(guest.as_str(), "with a view"), (guest.as_str(), "it is me")],
        "in order, and readable"
    );
    assert_eq!(pending[0].id, waits);

    // A turn that was under way in the conversation that ended fails, and is taken again where the guest is now.
    let (standing, log, message) = (position(false), [said("x")], waits.to_string());
    let late = Commit {
        conversation: left.as_str(),
        expected: 1,
        position: &standing,
        underway: None,
        log: &log,
        outgoing: Vec::new(),
        remember: &[],
        answered: Some(Answered { message: &message, outcome: MessageOutcome::Answered }),
    };
    assert!(matches!(database.commit(late).await, Err(CommitError::Conflict)));
    answer(&database, waits, &guest, "with a view").await.expect("an answer");
    assert_eq!(database.talks(&guest).await.expect("both conversations can be read").len(), 2);
    let forgotten = database.forget_guest(&guest).await.expect("no fault");
    assert_eq!(forgotten, Forgotten { conversations: 2, messages: 4, replies: 3, guests: 1 });
    let (_, anew, _) = receive(&database, &from(Some(SCOPED), Some(PHONE), "5", "hello")).await;
    assert_eq!(anew, key(SCOPED), "nobody knows them any more");
}

async fn a_number_that_came_to_somebody_else_brings_nothing_with_it(database: Database, _: ManualClock) {
    let (_, first, _) = receive(&database, &from(Some(SCOPED), Some(PHONE), "1", "hello")).await;
    database.remember(&first, "name", &json!("Ana")).await.expect("no fault");
    let (_, other, joined) = receive(&database, &from(Some("ES.88"), Some(PHONE), "2", "hello")).await;
    assert_eq!((&other, joined), (&key("ES.88"), None));
    assert_eq!(database.guest(&other).await.expect("a guest").remembered.get("name"), None);
    assert_eq!(database.guest(&first).await.expect("a guest").phone, None, "the number is hers no more");
    let (_, still, _) = receive(&database, &from(Some(SCOPED), None, "3", "hello")).await;
    assert_eq!(still, first);
    let (_, phone_alone, _) = receive(&database, &from(None, Some(PHONE), "4", "hello")).await;
    assert_eq!(phone_alone, other);
}

async fn a_guest_who_moves_to_another_number_stays_the_same(database: Database, _: ManualClock) {
    let (_, guest, _) = receive(&database, &from(Some(SCOPED), Some(PHONE), "1", "hello")).await;
    let moved = |id: &str, to: &str| Inbound {
        content: Content::NumberChanged { to: to.to_owned() },
        ..from(None, Some(PHONE), id, "")
    };
    let (message, _, _) = receive(&database, &moved("2", "+34600000009")).await;
    let row =
        database.message(innkeeper::message::MessageId(message)).await.expect("no fault").expect("a row");
    assert_eq!((row.outcome, row.kind.as_str()), (Outcome::Rejected, "number_changed"));
    assert_eq!(database.guest(&guest).await.expect("a guest").phone.as_deref(), Some("+34600000009"));
    // The id changes with the number.
    let (_, after, _) = receive(&database, &from(Some("ES.99"), Some("+34600000009"), "3", "hello")).await;
    assert_eq!(after, guest);
    // The old number may come to somebody else, whose key it then is not.
    let (_, stranger, _) = receive(&database, &from(None, Some(PHONE), "4", "hello")).await;
    assert_ne!(stranger, guest);
    assert_eq!(database.guest(&stranger).await.expect("a guest").phone.as_deref(), Some(PHONE));
}

async fn a_guest_who_wrote_from_the_new_number_first_is_joined(database: Database, clock: ManualClock) {
    let (_, old, _) = receive(&database, &from(None, Some(PHONE), "1", "hello")).await;
    let (_, new, _) = receive(&database, &from(None, Some("+34600000009"), "2", "new telephone")).await;
    let (_, stale, _) = receive(&database, &from(None, Some("+34600000008"), "3", "long ago")).await;
    clock.advance(Duration::from_secs(3600));
    let moved = |id: &str, number: &str, to: &str| Inbound {
        content: Content::NumberChanged { to: to.to_owned() },
        ..from(None, Some(number), id, "")
    };
    let (_, _, joined) = receive(&database, &moved("4", PHONE, "+34600000009")).await;
    assert_eq!(joined, Some(new));
    let (_, guest, _) = receive(&database, &from(None, Some("+34600000009"), "5", "hello")).await;
    assert_eq!(guest, old);
    // Who had the number two months ago is somebody else.
    clock.advance(Duration::from_secs(60 * 24 * 3600));
    let (_, _, joined) = receive(&database, &moved("6", "+34600000009", "+34600000008")).await;
    assert_eq!(joined, None);
    let (_, guest, _) = receive(&database, &from(None, Some("+34600000008"), "7", "hello")).await;
    assert_eq!(guest, old);
    assert_eq!(database.guest(&stale).await.expect("a guest").phone, None);
}

async fn a_repeat_changes_nothing_about_who_a_guest_is(database: Database, _: ManualClock) {
    receive(&database, &from(Some(SCOPED), None, "1", "hello")).await;
    receive(&database, &from(None, Some(PHONE), "2", "hello")).await;
    let repeat = from(Some(SCOPED), Some(PHONE), "1", "hello");
    let Arrived { received, joined, .. } = database.arrive(&repeat).await.expect("no fault");
    assert!(matches!((received, joined), (Received::Repeat(_), None)));
    let (_, guest, _) = receive(&database, &from(None, Some(PHONE), "3", "hello")).await;
    assert_eq!(guest, key(PHONE));
}

async fn everybody_finds_the_same_guest_at_once(database: Database, _: ManualClock) {
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..12 {
        let database = database.clone();
        tasks.spawn(async move {
            let inbound = from(Some(SCOPED), Some(PHONE), &number.to_string(), "hello");
            receive(&database, &inbound).await.1
        });
    }
    let guests = tasks.join_all().await;
    assert!(guests.iter().all(|guest| *guest == key(SCOPED)), "{guests:?}");
}

#[tokio::test]
async fn messages_of_two_who_become_one_stay_in_order() {
    let house = House::open().await;
    let text = |id: &str, number: Option<&str>, scoped: Option<&str>, body: &str| {
        change(&[message(id, number, scoped, json!({"type": "text", "text": {"body": body}}))], &[])
    };
    let number = PHONE.trim_start_matches('+');
    house.meta.deliver(&[text("wamid.1", Some(number), None, "Hello.")]).await;
    house.becomes(&key(PHONE), &[Status::Sent]).await;
    house.parrot.close_gate();
    house.meta.deliver(&[text("wamid.2", None, Some(SCOPED), "One.")]).await;
    house.parrot.turns(2).await;
    // While her message is being answered it turns out that she is somebody who wrote before.
    house.meta.deliver(&[text("wamid.3", Some(number), Some(SCOPED), "Two.")]).await;
    // Her message is not answered at the first try; what she wrote after it waits for the second.
    house.parrot.faults.lock().expect("faults").push_back(Fault::Passing);
    house.parrot.let_go(3);
    until("everything is answered", async || {
        house.clock.advance(Duration::from_millis(100));
        house.rows(&key(PHONE)).await.iter().filter(|row| row.status == Status::Sent).count() == 3
    })
    .await;
    assert_eq!(house.meta.phones.reads(number), ["You said: Hello.", "You said: One.", "You said: Two."]);
}

macro_rules! promises {
    ($($promise:ident),* $(,)?) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $promise() {
                    let clock = super::standing_clock();
                    let url = innkeeper::config::DatabaseUrl::in_memory();
                    let database = super::Database::open(&url, std::sync::Arc::new(clock.clone())).await;
                    super::$promise(database.expect("a database"), clock).await;
                }
            )*
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn postgresql_keeps_the_same_promises() {
            let Some(cluster) = Cluster::start() else { return };
            $(
                let (url, clock) = (cluster.database(stringify!($promise)), standing_clock());
                let database = Database::open(&url, Arc::new(clock.clone())).await.expect("a database");
                $promise(database.clone(), clock).await;
                database.close().await.expect("closed");
            )*
        }
    };
}

promises! {
    either_id_alone_is_enough_and_both_lead_to_one,
    two_who_turn_out_to_be_one_become_one,
    a_number_that_came_to_somebody_else_brings_nothing_with_it,
    a_guest_who_moves_to_another_number_stays_the_same,
    a_guest_who_wrote_from_the_new_number_first_is_joined,
    a_repeat_changes_nothing_about_who_a_guest_is,
    everybody_finds_the_same_guest_at_once,
}
