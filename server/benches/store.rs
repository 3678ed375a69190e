//! How fast turns are written down, and how much room they take.
//!
//! The booking of `engine/benches/peers` on the flows that are shipped: six turns, already understood, with the answers
//! of small tools, nothing rendered. Every turn finds its conversation by its id and is committed as the program does it.
//! One line of JSON a figure. `PEERS_SCRATCH` is an empty folder, `PEERS_POSTGRES` the address of an empty database,
//! `PEERS_REPEATS` how often a speed is measured.
#![expect(clippy::unwrap_used, reason = "a benchmark that cannot be set up has failed")]
#![expect(clippy::disallowed_methods, reason = "a benchmark measures the machine's own time")]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use innkeeper::app;
use innkeeper::clock::{Clock, SystemClock};
use innkeeper::config::{Config, DatabaseUrl, Overrides};
use innkeeper::message::{ChannelName, GuestKey, Outgoing};
use innkeeper::store::{Database, Fault, Options};
use innkeeper_engine::runtime::{
    Arrival, Ask, Commit, CommitError, Driver, Logged, Performer, Store, Stored,
};
use innkeeper_engine::{Act, By, Call, DateRange, Guest, Heard, Input, Moment, Outcome, Say, Understanding};
use sea_orm::ConnectionTrait as _;
use serde_json::{Value as Json, json};

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const CONVERSATIONS: usize = 256;
const LONG: usize = 16;
const LONG_TURNS: usize = 500;

/// What a guest means in one turn.
type Meaning = Vec<(&'static str, Heard)>;

/// Tools and an understanding that are there already.
struct Script {
    moment: Moment,
    means: Understanding,
}

impl Performer for Script {
    type Outgoing = Outgoing;
    type Fault = std::convert::Infallible;

    fn now(&self) -> Moment {
        self.moment
    }

    async fn sleep(&self, _duration: Duration) {}

    async fn guest(&self, known: Option<&Guest>) -> Option<Guest> {
        known.is_none().then(Guest::default)
    }

    async fn understand(&self, ask: Ask<'_>) -> Arc<Understanding> {
        Arc::new(if ask.said().is_empty() { Understanding::default() } else { self.means.clone() })
    }

    async fn call(&self, call: &Call, _key: &str) -> Outcome {
        let money = json!({ "minor": 28400, "currency": "EUR" });
        let result = match &*call.tool {
            "get_room_availability" => json!({ "rooms": [
                { "offer_id": "offer-1", "room_id": "room-204", "name": "Sea double", "view": "sea", "total": money },
                { "offer_id": "offer-2", "room_id": "room-311", "name": "Sea suite", "view": "sea",
                  "total": { "minor": 41200, "currency": "EUR" } },
            ] }),
            "quote_stay" => json!({ "quote_id": "quote-7f3a91", "total": money }),
            "create_booking" => json!({ "booking_id": "booking-52c1e8", "reference": "BR7Q2X" }),
            _ => Json::Null,
        };
        Outcome::Ok { result: Arc::new(result) }
    }

    async fn render(&self, _says: &[Say]) -> Result<Vec<Outgoing>, Self::Fault> {
        Ok(Vec::new())
    }
}

/// What the guest says and means, turn by turn.
fn booking(moment: Moment) -> Vec<(&'static str, Vec<Act>, Meaning)> {
    let first = moment.today + chrono::Days::new(14);
    let stay =
        DateRange { check_in: Some(first), check_out: Some(first + chrono::Days::new(2)), nights: None };
    let start = vec![Act::Start("book_room".to_owned())];
    vec![
        ("12 to 14 December", start, vec![("stay", Heard::DateRange(stay))]),
        ("two", vec![], vec![("guests", party(2))]),
        ("sea view", vec![], vec![("view", Heard::Choice("sea".to_owned()))]),
        ("the first", vec![Act::Choose], vec![("room", Heard::Choice("offer-1".to_owned()))]),
        (
            "Ada Lindqvist, +46701234567",
            vec![],
            vec![
                ("name", Heard::Text("Ada Lindqvist".to_owned())),
                ("phone", Heard::Text("+46701234567".to_owned())),
            ],
        ),
        ("yes", vec![Act::Affirm], vec![]),
    ]
}

fn party(total: u32) -> Heard {
    Heard::Party { adults: None, children: None, total: Some(total) }
}

/// A store that measures its commits.
struct Timed<'a> {
    store: &'a Database,
    took: Mutex<Vec<Duration>>,
}

impl Store for Timed<'_> {
    type Outgoing = Outgoing;
    type Fault = Fault;

    async fn load(&self, conversation: &str) -> Result<Option<Stored<Outgoing>>, Fault> {
        self.store.load(conversation).await
    }

    async fn commit(&self, commit: Commit<'_, Outgoing>) -> Result<(), CommitError<Fault>> {
        let begun = Instant::now();
        let committed = self.store.commit(commit).await;
        self.took.lock().unwrap().push(begun.elapsed());
        committed
    }

    async fn log(&self, conversation: &str) -> Result<Vec<(u64, Vec<Logged>)>, Fault> {
        self.store.log(conversation).await
    }

    async fn forget(&self, conversation: &str) -> Result<bool, Fault> {
        self.store.forget(conversation).await
    }
}

/// One turn of one conversation.
async fn turn<S: Store<Outgoing = Outgoing, Fault = Fault>>(
    driver: &Driver,
    store: &S,
    conversation: &str,
    moment: Moment,
    (said, acts, slots): &(&'static str, Vec<Act>, Meaning),
) -> String {
    let mut inputs = Vec::with_capacity(2);
    let standing = store.load(conversation).await.unwrap();
    inputs
        .extend(standing.and_then(|stored| stored.position.unconveyed()).map(|say| Input::Conveyed { say }));
    inputs.push(Input::Said { text: (*said).to_owned(), button: None });
    let slots = slots.iter().map(|(name, heard)| ((*name).to_owned(), heard.clone())).collect();
    let means = Understanding { slots, acts: acts.clone(), sure: true, by: By::Rules };
    let script = Script { moment, means };
    let arrival = Arrival { message: None, inputs, moment };
    let completed = driver.turn(store, &script, conversation, arrival, None).await.unwrap();
    completed.position.state(&completed.flows)
}

struct Bench {
    driver: Arc<Driver>,
    moment: Moment,
    guests: usize,
}

impl Bench {
    async fn begun(&mut self, store: &Database, count: usize) -> Vec<Arc<str>> {
        let mut ids = Vec::with_capacity(count);
        for _ in 0..count {
            self.guests += 1;
            let guest = GuestKey::new(format!("whatsapp:+4670{:07}", self.guests));
            let id = store.conversation(&guest, ChannelName::Twilio).await.unwrap();
            ids.push(Arc::from(id.as_str()));
        }
        ids
    }

    /// A turn of a guest who cannot decide how many they are, by the clock.
    async fn undecided(&self, store: &Database, id: &str, number: usize) -> Duration {
        let script = booking(self.moment);
        let again =
            ("three of us", vec![Act::Change], vec![("guests", party(2 + u32::from(number % 2 == 1)))]);
        let step = script.get(number).filter(|_| number < 3).unwrap_or(&again);
        let begun = Instant::now();
        let state = turn(&self.driver, store, id, self.moment, step).await;
        let took = begun.elapsed();
        assert!(number < 2 || state == "book_room.choosing", "a room is chosen, not {state}");
        took
    }

    /// Turn 1 in all conversations, then turn 2 …
    async fn wave(&self, store: &Database, ids: &[Arc<str>]) -> Duration {
        let begun = Instant::now();
        for (number, step) in booking(self.moment).into_iter().enumerate() {
            let step = Arc::new(step);
            let mut turns = tokio::task::JoinSet::new();
            for id in ids {
                let (driver, store, id, step) =
                    (Arc::clone(&self.driver), store.clone(), Arc::clone(id), Arc::clone(&step));
                let moment = self.moment;
                turns.spawn(async move { turn(&driver, &store, &id, moment, &step).await });
            }
            for state in turns.join_all().await {
                assert!(number < 5 || state == "conversation.idle", "it is booked, not {state}");
            }
        }
        begun.elapsed()
    }
}

/// Prints a figure. A row is a store and, after a comma, how it differs from the row that others are compared with.
fn figure(row: &str, measure: &str, value: f64, unit: &str, n: usize, note: &str) {
    let (store, how) = row.split_at(row.find(',').unwrap_or(row.len()));
    let line = json!({
        "who": format!("Innkeeper{how}"), "store": store, "measure": measure, "value": value, "unit": unit, "n": n, "note": note,
    });
    println!("{line}");
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

fn micros(durations: &[Duration]) -> Vec<f64> {
    durations.iter().map(|duration| duration.as_secs_f64() * 1e6).collect()
}

fn repeats() -> usize {
    std::env::var("PEERS_REPEATS").ok().and_then(|text| text.parse().ok()).unwrap_or(5)
}

/// The seconds that this process had of all cores so far; on Linux only.
fn cpu() -> Option<f64> {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) / TICKS_PER_SECOND)
}

async fn speed(bench: &mut Bench, store: &Database, name: &str, note: &str) {
    let (mut speeds, mut costs) = (Vec::new(), Vec::new());
    for _ in 0..repeats() {
        let ids = bench.begun(store, CONVERSATIONS).await;
        let before = cpu();
        let took = bench.wave(store, &ids).await;
        let turns = (CONVERSATIONS * 6) as f64;
        speeds.push(turns / took.as_secs_f64());
        costs.extend(cpu().zip(before).map(|(after, before)| (after - before) / turns * 1e6));
    }
    let n = speeds.len() * CONVERSATIONS * 6;
    figure(name, "turns_per_second", median(speeds), "turns/s", n, note);
    if !costs.is_empty() {
        let note = "time of all the program's threads together, user and system";
        figure(name, "cpu_per_turn", median(costs), "µs", n, note);
    }
}

/// The size of conversations, by what `size` says of the whole store before and after.
async fn sizes<F: Future<Output = u64>>(
    bench: &mut Bench,
    store: &Database,
    name: &str,
    note: &str,
    size: impl Fn() -> F,
) {
    let before = size().await;
    let ids = bench.begun(store, CONVERSATIONS).await;
    bench.wave(store, &ids).await;
    let each = (size().await - before) as f64 / CONVERSATIONS as f64;
    figure(name, "bytes_6_turns", each, "bytes", CONVERSATIONS, note);

    let before = size().await;
    let ids = bench.begun(store, LONG).await;
    for number in 0..LONG_TURNS {
        for id in &ids {
            bench.undecided(store, id, number).await;
        }
    }
    let each = (size().await - before) as f64 / LONG as f64;
    figure(name, "bytes_500_turns", each, "bytes", LONG, note);
    late_over_early(bench, store, name, &ids).await;
}

/// What the turns after the 500th cost beside those around the tenth of other conversations: one of each in turns, so that
/// whatever else the machine does is the same to both. As many turns as become a row of the log and more.
async fn late_over_early(bench: &mut Bench, store: &Database, name: &str, late: &[Arc<str>]) {
    const FIRST: usize = 5;
    const TURNS: usize = 60;
    let early = bench.begun(store, late.len()).await;
    for number in 0..FIRST {
        for id in &early {
            bench.undecided(store, id, number).await;
        }
    }
    let (mut at_first, mut at_last, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..TURNS {
        for (place, (early, late)) in early.iter().zip(late).enumerate() {
            let (mut short, mut long) = (Duration::ZERO, Duration::ZERO);
            for first in [(place + number) % 2 == 0, (place + number) % 2 == 1] {
                if first {
                    short = bench.undecided(store, early, FIRST + number).await;
                } else {
                    long = bench.undecided(store, late, LONG_TURNS + number).await;
                }
            }
            at_first.push(short);
            at_last.push(long);
            ratios.push(long.as_secs_f64() / short.as_secs_f64());
        }
    }
    let n = ratios.len();
    let note = format!(
        "turns {}-{} in turns with turns {}-{} of others, median over median; median of the ratios {:.3}",
        LONG_TURNS + 1,
        LONG_TURNS + TURNS,
        FIRST + 1,
        FIRST + TURNS,
        median(ratios)
    );
    let ratio = median(micros(&at_last)) / median(micros(&at_first));
    figure(name, "turn_500_over_10", ratio, "ratio", n, &note);
}

async fn sqlite(bench: &mut Bench, folder: &std::path::Path, clock: &Arc<dyn Clock>) {
    let open = |name: &str, hasty: bool| {
        let url = DatabaseUrl::parse(&format!("sqlite://{}", folder.join(name).display())).unwrap();
        let clock = Arc::clone(clock);
        async move { Database::open_with(&url, clock, Options { hasty, ..Options::default() }).await.unwrap() }
    };
    let store = open("normal.db", true).await;
    speed(bench, &store, "sqlite", "WAL, synchronous=NORMAL, sealed; 256 begun before the clock starts")
        .await;
    store.close().await.unwrap();
    let store = open("full.db", false).await;
    speed(bench, &store, "sqlite, synchronous=FULL", "as the program runs").await;
    store.close().await.unwrap();

    let store = open("size.db", true).await;
    let file = folder.join("size.db");
    let own = sea_orm::Database::connect(format!("sqlite://{}", file.display())).await.unwrap();
    let size = || async {
        own.execute_unprepared("PRAGMA wal_checkpoint(TRUNCATE)").await.unwrap();
        std::fs::metadata(&file).unwrap().len()
    };
    let note = "growth of the file after a checkpoint, per conversation, keys and indexes included";
    sizes(bench, &store, "sqlite", note, size).await;
    own.clone().close().await.unwrap();
    store.close().await.unwrap();
}

async fn postgres(bench: &mut Bench, url: &str, clock: &Arc<dyn Clock>) {
    let url = DatabaseUrl::parse(url).unwrap();
    let store = Database::open(&url, Arc::clone(clock)).await.unwrap();
    let mut options = sea_orm::ConnectOptions::new(url.as_str());
    options.max_connections(1).sqlx_logging(false);
    let own = sea_orm::Database::connect(options).await.unwrap();

    // One turn after the other, and beside each commit a bare transaction of one statement that writes one row.
    own.execute_unprepared("CREATE TABLE bare (id bigint PRIMARY KEY, n bigint, body bytea)").await.unwrap();
    own.execute_unprepared("INSERT INTO bare VALUES (1, 0, ''::bytea)").await.unwrap();
    let sql = "UPDATE bare SET n = n + 1, body = $1 WHERE id = 1";
    let body = vec![7_u8; 700];
    let timed = Timed { store: &store, took: Mutex::default() };
    let mut bare = Vec::new();
    for id in bench.begun(&store, 50 * repeats()).await {
        for step in booking(bench.moment) {
            turn(&bench.driver, &timed, &id, bench.moment, &step).await;
            let statement = sea_orm::Statement::from_sql_and_values(
                sea_orm::DbBackend::Postgres,
                sql,
                [body.clone().into()],
            );
            let begun = Instant::now();
            own.execute_raw(statement).await.unwrap();
            bare.push(begun.elapsed());
        }
    }
    let took = timed.took.into_inner().unwrap();
    let (ours, theirs) = (median(micros(&took)), median(micros(&bare)));
    let n = took.len();
    figure("postgres", "commit_p50", ours, "µs", n, "a turn's commit, synchronous, one after the other");
    figure(
        "postgres",
        "bare_commit_p50",
        theirs,
        "µs",
        bare.len(),
        "a transaction of one UPDATE beside each",
    );
    figure("postgres", "commit_over_bare", ours / theirs, "ratio", n, "p50 over p50");

    speed(bench, &store, "postgres", "synchronous, 10 connections; 256 begun before the clock starts").await;
    let size = || async {
        own.execute_unprepared("VACUUM FULL").await.unwrap();
        let sql = "SELECT pg_total_relation_size('conversations') + pg_total_relation_size('log') \
                   + pg_total_relation_size('keys') + pg_total_relation_size('guests') AS size";
        let statement = sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, sql);
        let row = own.query_one_raw(statement).await.unwrap().unwrap();
        row.try_get::<i64>("", "size").unwrap().unsigned_abs()
    };
    let note = "growth of tables and indexes after VACUUM FULL, per conversation";
    sizes(bench, &store, "postgres", note, size).await;
    store.close().await.unwrap();
}

#[tokio::main]
async fn main() {
    let config = Config::load(None, [], Overrides::default()).unwrap();
    let (flows, _) = app::checked(&config).await.unwrap();
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let at = clock.now();
    let mut bench = Bench {
        driver: Arc::new(Driver::new(flows)),
        moment: Moment { at, today: at.date_naive() },
        guests: 0,
    };
    let scratch = std::env::var_os("PEERS_SCRATCH").map_or_else(std::env::temp_dir, PathBuf::from);
    let folder = scratch.join(format!("store-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir_all(&folder).unwrap();
    sqlite(&mut bench, &folder, &clock).await;
    std::fs::remove_dir_all(&folder).unwrap();
    match std::env::var("PEERS_POSTGRES").ok().filter(|url| !url.is_empty()) {
        Some(url) => postgres(&mut bench, &url, &clock).await,
        None => eprintln!("PostgreSQL is left out: PEERS_POSTGRES names no database"),
    }
}
