//! Chaos: the program between a provider that fails, guests who all write at once, a database that restarts, and death
//! at any moment. Judged at the guests' telephones and in the database.
//!
//! Everything follows from a seed but the time that things take. `INNKEEPER_CHAOS` is the number of messages of each
//! run and `INNKEEPER_CHAOS_SEED` repeats one; without them each run is short and its seed is new and printed.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::join_all;
use innkeeper::clock::{Clock as _, SystemClock};
use innkeeper::config::DatabaseUrl;
use innkeeper::message::{GuestKey, MessageId};
use innkeeper::store::{Database, InboxRow, Outcome, Status};
use tokio::process::Command;

use super::program::{Server, WHATSAPP, run};
use crate::postgres::Cluster;
use crate::rig::{Folder, loudly};
use crate::support::dice::Dice;
use crate::support::twilio::deliver::Reports;
use crate::support::twilio::form::field;
use crate::support::twilio::{ACCOUNT, Form, PUBLIC, SENDER, TOKEN, TwilioDouble, message};

/// So many messages each run has by itself.
const SHORT: usize = 24;

/// So many guests write at the same time in a short run, and in a long one.
const AT_ONCE: [usize; 2] = [12, 60];

/// Where a program can be made to die: before and after every commit, and around every call of the provider.
const PLACES: [&str; 8] = [
    "inbox.written",
    "inbox.committed",
    "turn.begun",
    "turn.ready",
    "turn.committed",
    "outbox.claimed",
    "outbox.answered",
    "outbox.recorded",
];

/// A guest who books says these, each after the answer to the one before.
const TALK: [&str; 5] = [
    "Hi, a room with a sea view for two from 12 to 14 December please.",
    "The double, please.",
    "Ana Silva.",
    "Yes, please.",
    "Thank you!",
];

/// What others say, without waiting. They get out of nobody's way.
const QUESTIONS: [&str; 6] =
    ["What time is breakfast?", "Is there parking?", "Hello!", "a room", "When can we check in?", "for two"];

/// How long a guest waits for an answer before they write on.
const ANSWERED_WITHIN: Duration = Duration::from_secs(8);

/// How long it may take until everything is answered and sent once nothing dies any more.
const SETTLED_WITHIN: Duration = Duration::from_secs(180);

/// The world of one run.
struct World {
    twilio: TwilioDouble,
    database: DatabaseUrl,
    folder: Folder,
    cluster: Option<Cluster>,
    /// Where programs listen that live.
    alive: Mutex<Vec<Option<SocketAddr>>>,
    calm: AtomicBool,
    deaths: Mutex<BTreeMap<String, usize>>,
    unheard: AtomicUsize,
}

impl World {
    /// A program on this database, which dies at a place if one is named.
    fn innkeeper(&self, dies_at: Option<&str>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_innkeeper"));
        command.env_clear().current_dir(self.folder.file("")).kill_on_drop(true);
        command.args(["--database", self.database.as_str()]);
        command.env("TWILIO_ACCOUNT_SID", ACCOUNT).env("TWILIO_AUTH_TOKEN", TOKEN);
        command.env("INNKEEPER__TWILIO__BASE_URL", self.twilio.base_url());
        command.env("INNKEEPER__SERVER__PUBLIC_URL", PUBLIC);
        command.env("INNKEEPER__TWILIO__WHATSAPP_FROM", SENDER.trim_start_matches("whatsapp:"));
        for (name, value) in [
            ("PACE__CHAT_FRAGMENT_MS", "10"),
            ("PACE__CHAT_CAP_MS", "10"),
            ("DATABASE__LEASE_MS", "1500"),
            ("TWILIO__TIMEOUT_MS", "2000"),
            ("TWILIO__CATCH_UP_S", "2"),
            ("TWILIO__LINE_PER_S", "100000"),
            ("TWILIO__PAIR_EVERY_MS", "1"),
            ("TWILIO__PAIR_BURST", "1000"),
        ] {
            command.env(format!("INNKEEPER__{name}"), value);
        }
        if let Some(place) = dies_at {
            command.env("INNKEEPER_DIES_AT", place);
        }
        command
    }

    fn is_calm(&self) -> bool {
        self.calm.load(Ordering::Relaxed)
    }

    /// Brings a program up, lets it die at a place or at a moment, and again, until all is calm; then it lives.
    async fn live_and_die(&self, number: usize, mut dice: Dice) -> Server {
        loop {
            let place = dice.chance(60).then(|| PLACES[dice.below(PLACES.len())]);
            let dies_at = place.filter(|_| !self.is_calm()).map(|place| format!("{place}:{}", dice.below(8)));
            let Some(server) = Server::try_start(self.innkeeper(dies_at.as_deref())).await else {
                // The database may just be restarting.
                continue;
            };
            self.alive.lock().expect("programs")[number] = Some(server.address);
            self.twilio.calls(server.address);
            let moment = Duration::from_millis(500 + u64::try_from(dice.below(4000)).expect("small"));
            let (mut server, has_died) = server.lives_for(moment, || self.is_calm()).await;
            if self.is_calm() && !has_died && dies_at.is_none() {
                return server;
            }
            self.alive.lock().expect("programs")[number] = None;
            let place = if has_died { place.unwrap_or("by itself") } else { "any moment" };
            *self.deaths.lock().expect("deaths").entry(place.to_owned()).or_default() += 1;
            if !has_died {
                server.kill().await;
            }
        }
    }

    /// One message of a guest, as a provider brings it: to any program, perhaps twice at once; what nobody took is
    /// brought again or left to be asked for.
    async fn bring(&self, form: &Form, mut dice: Dice) {
        let copies = if dice.chance(25) { 2 } else { 1 };
        let tries = (0..copies).map(|_| {
            let again = dice.chance(60);
            let number = dice.below(16);
            async move {
                for round in 0..100 {
                    let server = {
                        let alive = self.alive.lock().expect("programs");
                        let alive: Vec<SocketAddr> = alive.iter().flatten().copied().collect();
                        (!alive.is_empty()).then(|| alive[(number + round) % alive.len()])
                    };
                    let status = match server {
                        Some(server) => self.twilio.try_post(server, WHATSAPP, form).await,
                        None => None,
                    };
                    if status == Some(200) {
                        return;
                    }
                    if !again {
                        self.unheard.fetch_add(1, Ordering::Relaxed);
                        return;
                    }
                    SystemClock.sleep(Duration::from_millis(100)).await;
                }
            }
        });
        join_all(tries).await;
    }

    /// A guest who says everything at once, up to five places out of order.
    async fn burst(&self, forms: Vec<Form>, mut dice: Dice) {
        let mut forms = forms;
        dice.jostle(&mut forms, 5);
        let mut rest = forms.as_slice();
        while !rest.is_empty() {
            let (now, later) = rest.split_at((1 + dice.below(3)).min(rest.len()));
            for form in now {
                self.twilio.note_heard(form);
            }
            let all = now.iter().map(|form| {
                let dice = Dice::new(dice.roll());
                self.bring(form, dice)
            });
            join_all(all).await;
            rest = later;
        }
    }

    /// A guest who books.
    async fn talk(&self, guest: &str, forms: Vec<Form>, mut dice: Dice) {
        for (turn, form) in forms.iter().enumerate() {
            self.twilio.note_heard(form);
            self.bring(form, Dice::new(dice.roll())).await;
            let asked = SystemClock.now();
            while self.twilio.phone_of(guest).len() <= turn
                && (SystemClock.now() - asked).to_std().unwrap_or_default() < ANSWERED_WITHIN
            {
                SystemClock.sleep(Duration::from_millis(30)).await;
            }
        }
    }
}

/// A guest and what they say.
struct Script {
    guest: String,
    forms: Vec<Form>,
    books: bool,
}

fn scripts(messages: usize, dice: &mut Dice) -> Vec<Script> {
    let mut scripts = Vec::new();
    let mut sid = 0;
    while sid < messages {
        let guest = format!("whatsapp:+346{:08}", scripts.len() + 1);
        let books = dice.chance(30);
        let count = if books { TALK.len() } else { 3 + dice.below(8) }.min(messages - sid);
        let forms = (0..count)
            .map(|turn| {
                sid += 1;
                let text = if books { TALK[turn] } else { QUESTIONS[dice.below(QUESTIONS.len())] };
                message(&sid.to_string(), &guest, text)
            })
            .collect();
        scripts.push(Script { guest, forms, books });
    }
    scripts
}

/// Everything that came in, once nothing waits any more.
async fn settled(store: &Database, count: usize, guests: &[Script]) -> Vec<InboxRow> {
    let settled = async {
        loop {
            let outcomes = store.outcomes().await.unwrap_or_default();
            let all: u64 = outcomes.values().sum();
            let is_heard =
                all == u64::try_from(count).expect("small") && !outcomes.contains_key(&Outcome::Pending);
            if is_heard {
                let mut waits = false;
                for script in guests {
                    let rows = store.outgoing_to(&GuestKey::new(script.guest.clone())).await.expect("rows");
                    waits |= rows.iter().any(|row| !matches!(row.status, Status::Sent | Status::Failed));
                }
                if !waits {
                    return;
                }
            }
            SystemClock.sleep(Duration::from_millis(300)).await;
        }
    };
    if tokio::time::timeout(SETTLED_WITHIN, settled).await.is_err() {
        let outcomes = store.outcomes().await;
        panic!("messages are lost or wait for ever: {count} were sent, {outcomes:?}");
    }
    let mut rows = Vec::new();
    let mut id = 0;
    while rows.len() < count {
        id += 1;
        rows.extend(store.message(MessageId(id)).await.expect("a row or none"));
    }
    rows
}

/// One run.
async fn chaos(name: &str, cluster: Option<Cluster>, programs: usize, messages: usize, seed: u64) {
    let mut dice = Dice::new(seed);
    let folder = Folder::new();
    let database =
        cluster.as_ref().map_or_else(|| folder.database_url(), |cluster| cluster.database("chaos"));
    let twilio = TwilioDouble::start(SystemClock.now()).await;
    twilio.rules(|rules| {
        rules.weather = Some(Dice::new(dice.roll()));
        if dice.chance(50) {
            rules.reports = Reports::Wild(Dice::new(dice.roll()));
        }
    });
    let world = World {
        twilio,
        database,
        folder,
        cluster,
        alive: Mutex::new(vec![None; programs]),
        calm: AtomicBool::new(false),
        deaths: Mutex::default(),
        unheard: AtomicUsize::new(0),
    };
    let scripts = scripts(messages, &mut dice);
    let began = SystemClock.now();
    let ticking = async {
        // The provider's clock goes on with the machine's.
        loop {
            SystemClock.sleep(Duration::from_millis(50)).await;
            world.twilio.set_now(SystemClock.now().max(world.twilio.clock.now()));
        }
    };
    let restarting = async {
        let mut dice = Dice::new(seed ^ 0xdb);
        loop {
            SystemClock
                .sleep(Duration::from_millis(5000 + u64::try_from(dice.below(10_000)).expect("small")))
                .await;
            if let (Some(cluster), false) = (&world.cluster, world.is_calm()) {
                tokio::task::block_in_place(|| cluster.restart());
                *world.deaths.lock().expect("deaths").entry("the database".to_owned()).or_default() += 1;
            }
        }
    };
    let writing = async {
        let mut waiting: Vec<&Script> = scripts.iter().collect();
        waiting.reverse();
        let waiting = Mutex::new(waiting);
        let writers = (0..AT_ONCE[usize::from(messages > 500)]).map(|writer| {
            let mut dice = Dice::new(seed ^ (u64::try_from(writer).expect("small") + 1));
            let (waiting, world) = (&waiting, &world);
            async move {
                loop {
                    let next = waiting.lock().expect("guests").pop();
                    let Some(script) = next else { return };
                    let dice = Dice::new(dice.roll());
                    if script.books {
                        world.talk(&script.guest, script.forms.clone(), dice).await;
                    } else {
                        world.burst(script.forms.clone(), dice).await;
                    }
                }
            }
        });
        join_all(writers).await;
        world.calm.store(true, Ordering::Relaxed);
    };
    let living = join_all((0..programs).map(|number| {
        let dice = Dice::new(seed ^ (0x100 + u64::try_from(number).expect("small")));
        world.live_and_die(number, dice)
    }));
    let rows = {
        let judging = async {
            let (servers, ()) = tokio::join!(living, writing);
            let store = Database::open(&world.database, Arc::new(SystemClock)).await.expect("the database");
            let rows = settled(&store, messages, &scripts).await;
            (servers, store, rows)
        };
        tokio::select! {
            judged = judging => judged,
            () = ticking => unreachable!("time goes on"),
            () = restarting => unreachable!("restarts go on"),
        }
    };
    let (servers, store, rows) = rows;
    let took = (SystemClock.now() - began).num_milliseconds();
    let judged = judge(&world, &store, &rows, &scripts).await;
    drop(servers);
    let deaths = world.deaths.lock().expect("deaths").clone();
    let unheard = world.unheard.load(Ordering::Relaxed);
    loudly(&format!(
        "chaos {name}: seed {seed}, {messages} messages in {took} ms, {programs} programs, deaths {deaths:?}, \
         {unheard} deliveries given up by the provider; {judged}"
    ));
    store.close().await.expect("a closed database");
}

/// What is true of every run.
async fn judge(world: &World, store: &Database, rows: &[InboxRow], scripts: &[Script]) -> String {
    let mut wrong: Vec<String> = Vec::new();
    let mut of: HashMap<&str, Vec<&InboxRow>> = HashMap::new();
    for row in rows {
        of.entry(row.guest.as_str()).or_default().push(row);
    }
    let (mut bubbles, mut failed) = (0, 0);
    for Script { guest, forms, books } in scripts {
        let theirs = of.get(guest.as_str()).cloned().unwrap_or_default();
        let heard: Vec<&str> = theirs.iter().map(|row| row.provider_id.as_str()).collect();
        for form in forms {
            let sid = field(form, "MessageSid");
            if heard.iter().filter(|heard| **heard == sid).count() != 1 {
                wrong.push(format!("{guest}: {sid} is not there once"));
            }
        }
        let leads: Vec<&&InboxRow> = theirs.iter().filter(|row| row.merged_into.is_none()).collect();
        if leads.windows(2).any(|pair| pair[0].decided_at > pair[1].decided_at) {
            wrong.push(format!("{guest}: messages are answered out of order"));
        }
        let said = store.outgoing_to(&GuestKey::new(guest.clone())).await.expect("rows");
        failed += said.iter().filter(|row| row.status == Status::Failed).count();
        let written: Vec<&str> = said.iter().filter_map(|row| row.provider_id.as_deref()).collect();
        let shown = world.twilio.phones.ids(guest);
        bubbles += shown.len();
        if written != shown {
            wrong.push(format!("{guest}: written {written:?}, shown {shown:?}"));
        }
        let confirmed =
            world.twilio.phone_of(guest).iter().filter(|text| text.contains("Your reference is")).count();
        if confirmed > usize::from(*books) {
            wrong.push(format!("{guest}: told of {confirmed} bookings"));
        }
    }
    let mut command = world.innkeeper(None);
    command.args(["hotel", "bookings", "--json"]);
    let ran = run(command, &[]).await;
    let bookings: Vec<serde_json::Value> = serde_json::from_str(&ran.output).expect("bookings");
    let mut by_phone: HashMap<String, usize> = HashMap::new();
    for booking in bookings.iter().filter(|booking| booking["customer_name"] == "Ana Silva") {
        *by_phone.entry(booking["phone"].to_string()).or_default() += 1;
    }
    wrong.extend(
        by_phone.iter().filter(|(_, count)| **count > 1).map(|(phone, _)| format!("{phone} booked twice")),
    );
    let outcomes = store.outcomes().await.expect("outcomes");
    assert!(wrong.is_empty(), "{} of {} guests: {wrong:#?}; {outcomes:?}", wrong.len(), scripts.len());
    format!("{outcomes:?}, {bubbles} bubbles, {failed} failed, {} bookings", by_phone.len())
}

/// The number of messages and the seed.
fn wanted() -> (usize, u64) {
    let number = |name: &str| std::env::var_os(name).and_then(|text| text.to_str()?.parse::<u64>().ok());
    let messages = number("INNKEEPER_CHAOS").and_then(|count| usize::try_from(count).ok()).unwrap_or(SHORT);
    let seed = number("INNKEEPER_CHAOS_SEED").unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0 >> 16);
    loudly(&format!("chaos: INNKEEPER_CHAOS_SEED={seed}"));
    (messages, seed)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_said_twice_on_sqlite() {
    let (messages, seed) = wanted();
    chaos("SQLite", None, 1, messages, seed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_said_twice_on_postgresql() {
    let Some(cluster) = Cluster::start() else { return };
    let (messages, seed) = wanted();
    chaos("PostgreSQL", Some(cluster), 1, messages, seed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_said_twice_by_three_programs_on_one_postgresql() {
    let Some(cluster) = Cluster::start() else { return };
    let (messages, seed) = wanted();
    chaos("PostgreSQL, three", Some(cluster), 3, messages, seed).await;
}
