//! What is true of every run.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use innkeeper::message::{GuestKey, MessageId};
use innkeeper::store::{Database, InboxRow, OutboxRow, Outcome, Status};
use serde_json::Value as Json;

use super::super::program::run;
use super::guests::{BOOKED, NAME, Script};
use super::pause;
use super::provider::key;
use super::world::World;

/// How long it may take until everything is answered and sent once nothing dies any more.
const SETTLED_WITHIN: Duration = Duration::from_secs(180);

/// Waits until everything that was said has an outcome, and everything that is answered is sent.
///
/// # Errors
/// What is lost, or waits for ever.
pub(super) async fn settled(store: &Database, scripts: &[Script]) -> Result<(), String> {
    let count: usize = scripts.iter().map(|script| script.said.len()).sum();
    let count = u64::try_from(count).expect("small");
    let settled = async {
        loop {
            let outcomes = store.outcomes().await.unwrap_or_default();
            if outcomes.values().sum::<u64>() == count && !outcomes.contains_key(&Outcome::Pending) {
                break;
            }
            pause(200).await;
        }
        for script in scripts {
            while said_to(store, script).await.iter().any(|row| !is_over(row)) {
                pause(100).await;
            }
        }
    };
    if tokio::time::timeout(SETTLED_WITHIN, settled).await.is_ok() {
        return Ok(());
    }
    let mut waits = Vec::new();
    for script in scripts {
        let rows = said_to(store, script).await;
        waits.extend(rows.into_iter().filter(|row| !is_over(row)).map(|row| {
            let OutboxRow { id, guest, status, attempts, error, next_try_at, .. } = row;
            format!("{id} to {guest}: {status:?} after {attempts}, {error:?}, next {next_try_at:?}")
        }));
    }
    waits.truncate(10);
    Err(format!(
        "messages are lost or wait for ever: {count} were sent, {:?}; {waits:#?}",
        store.outcomes().await
    ))
}

fn is_over(row: &OutboxRow) -> bool {
    matches!(row.status, Status::Sent | Status::Failed)
}

async fn said_to(store: &Database, script: &Script) -> Vec<OutboxRow> {
    store.outgoing_to(&GuestKey::new(key(&script.guest))).await.expect("rows")
}

/// What a run came to.
///
/// # Errors
/// What is wrong with it.
pub(super) async fn judge(
    world: &World,
    store: &Database,
    scripts: &[Script],
    is_long: bool,
) -> Result<String, String> {
    let mut wrong: Vec<String> = Vec::new();
    let mut of: HashMap<String, Vec<InboxRow>> = HashMap::new();
    let mut id = 0;
    let mut left: usize = scripts.iter().map(|script| script.said.len()).sum();
    while left > 0 {
        id += 1;
        if let Some(row) = store.message(MessageId(id)).await.expect("a row or none") {
            left -= 1;
            of.entry(row.guest.clone()).or_default().push(row);
        }
    }
    let mut sums: BTreeMap<&str, usize> = BTreeMap::new();
    for script in scripts {
        let theirs = of.remove(&key(&script.guest)).unwrap_or_default();
        let said = said_to(store, script).await;
        wrong.extend(heard(script, &theirs));
        let phone = world.provider.phone_of(&script.guest);
        let shown = world.provider.phones().ids(&phone);
        let reads = world.provider.phones().reads(&phone);
        match again(&said, &shown, &reads) {
            Ok(again) if again > 0 && world.provider.can_be_asked() => {
                wrong.push(format!("{}: {again} bubbles twice", script.guest));
            }
            Ok(again) => *sums.entry("shown again after an uncertain send").or_default() += again,
            Err(said) => wrong.push(format!("{}: {said}", script.guest)),
        }
        *sums.entry("bubbles").or_default() += shown.len();
        *sums.entry("tried again").or_default() += said.iter().filter(|row| row.attempts > 1).count();
        *sums.entry("failed").or_default() += said.iter().filter(|row| row.status == Status::Failed).count();
        // Shown again after an uncertain send it is the same booking, by its reference.
        let told: BTreeSet<&String> = reads.iter().filter(|text| text.contains(BOOKED)).collect();
        let told = told.len();
        if told > usize::from(script.books) {
            wrong.push(format!("{}: told of {told} bookings", script.guest));
        }
        *sums.entry("wanted to book").or_default() += usize::from(script.books);
        *sums.entry("told of a booking").or_default() += told;
    }
    let bookings = bookings(world).await;
    *sums.entry("bookings").or_default() += bookings.len();
    wrong.extend(doubled(&bookings));
    let deaths = world.deaths.lock().expect("deaths").clone();
    if deaths.contains_key("by itself") {
        wrong.push("a program died by itself".to_owned());
    }
    if is_long {
        wrong.extend(
            world
                .places()
                .filter(|(place, _)| !deaths.contains_key(*place))
                .map(|(place, _)| format!("nobody died at {place}")),
        );
    }
    let outcomes = store.outcomes().await.expect("outcomes");
    let judged = format!("{outcomes:?}, {sums:?}");
    if wrong.is_empty() { Ok(judged) } else { Err(format!("{} things: {wrong:#?}; {judged}", wrong.len())) }
}

/// What is wrong with what was heard of a guest.
fn heard(script: &Script, rows: &[InboxRow]) -> Vec<String> {
    let mut wrong = Vec::new();
    for said in &script.said {
        if rows.iter().filter(|row| row.provider_id == said.id).count() != 1 {
            wrong.push(format!("{}: {} is not there once", script.guest, said.id));
        }
    }
    let leads: Vec<&InboxRow> = rows.iter().filter(|row| row.merged_into.is_none()).collect();
    if leads.windows(2).any(|pair| pair[0].decided_at > pair[1].decided_at) {
        wrong.push(format!("{}: messages are answered out of order", script.guest));
    }
    wrong
}

/// How many bubbles are shown more than once: each of a message that was tried more than once.
///
/// # Errors
/// The telephone shows something else than what was written, or in another order.
fn again(said: &[OutboxRow], shown: &[String], reads: &[String]) -> Result<usize, String> {
    let mut written = said.iter().filter(|row| row.provider_id.is_some()).peekable();
    let mut again = 0;
    let mut before: Option<&OutboxRow> = None;
    for (id, text) in shown.iter().zip(reads) {
        if let Some(row) = written.next_if(|row| row.provider_id.as_ref() == Some(id)) {
            before = Some(row);
            continue;
        }
        let is_try = |row: &&OutboxRow| row.attempts > 1 && text.starts_with(&row.text);
        if !before.as_ref().is_some_and(is_try) && !written.peek().is_some_and(is_try) {
            let all: Vec<_> = said.iter().map(|row| (row.provider_id.as_deref(), row.attempts)).collect();
            return Err(format!("written {all:?}, shown {shown:?}"));
        }
        again += 1;
    }
    match written.next() {
        Some(row) => Err(format!("{:?} is sent and not shown", row.provider_id)),
        None => Ok(again),
    }
}

async fn bookings(world: &World) -> Vec<Json> {
    let mut command = world.innkeeper(None);
    command.args(["hotel", "bookings", "--json"]);
    let ran = run(command, &[]).await;
    let bookings: Vec<Json> = serde_json::from_str(&ran.output).expect("bookings");
    bookings.into_iter().filter(|booking| booking["customer_name"] == NAME).collect()
}

/// Guests who booked twice, and rooms that two have at a time.
fn doubled(bookings: &[Json]) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut by_phone: HashMap<String, usize> = HashMap::new();
    let mut by_room: HashMap<String, Vec<(String, String)>> = HashMap::new();
    let text = |booking: &Json, name: &str| booking[name].as_str().unwrap_or_default().to_owned();
    for booking in bookings {
        *by_phone.entry(text(booking, "phone_number")).or_default() += 1;
        let nights = (text(booking, "start_date"), text(booking, "end_date"));
        by_room.entry(text(booking, "room_id")).or_default().push(nights);
    }
    wrong.extend(
        by_phone.iter().filter(|(_, count)| **count > 1).map(|(phone, _)| format!("{phone} booked twice")),
    );
    for (room, mut stays) in by_room {
        stays.sort();
        // Days in their ISO form are in the order of time.
        if stays.windows(2).any(|pair| pair[1].0 < pair[0].1) {
            wrong.push(format!("room {room} is given to two at once"));
        }
    }
    wrong
}
