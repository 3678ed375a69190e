//! Runs the booking on graph-flow and prints one JSON line a figure.
//!
//! Set by `../run`: `PEERS_CONVERSATION`, `PEERS_POSTGRES` (empty: those rows are skipped), `PEERS_REPEATS`.

mod booking;
mod script;
mod speed;
mod talk;

use std::process::Command;
use std::time::{Duration, Instant};

use script::{Script, Turn};
use speed::{Speeds, Stopwatch, median};
use talk::{Failure, Table, Talk};

/// The allocator that ours has.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const WHO: &str = "graph-flow 0.8.1";
const CONVERSATIONS: usize = 256;
const PROBED: usize = 32;
const LIVE: usize = 10_000;
const LONG_TALKS: usize = 100;
/// Seconds of one run in memory.
const WINDOW: f64 = 0.5;
/// No more repeats after this long.
const PATIENCE: Duration = Duration::from_secs(8);
/// The connections that `PostgresSessionStorage::connect` opens.
const CONNECTIONS: usize = 5;

fn main() -> Result<(), Failure> {
    let script: Script = serde_json::from_slice(&std::fs::read(std::env::var("PEERS_CONVERSATION")?)?)?;
    let repeats = std::env::var("PEERS_REPEATS").ok().map_or(Ok(5), |repeats| repeats.parse())?;
    let address = std::env::var("PEERS_POSTGRES").unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        if std::env::args().nth(1).as_deref() == Some("live") {
            return live(&script).await;
        }
        in_memory(&script, repeats).await?;
        if !address.is_empty() {
            in_postgres(&script, &address, repeats).await?;
        }
        Ok(())
    })
}

fn say(who: &str, store: &str, measure: &str, value: f64, unit: &str, n: usize, note: &str) {
    let line = serde_json::json!({
        "who": who, "store": store, "measure": measure, "value": value, "unit": unit, "n": n, "note": note,
    });
    println!("{line}");
}

fn say_speed(store: &str, how: &str, speeds: &mut Speeds, turns: usize) {
    let (speed, note) = speeds.summary(store, how);
    say(WHO, store, "turns_per_second", speed.round(), "turns/s", turns, &note);
}

/// Talks for 500 turns: what one of the last 20 turns costs in turns 6 to 25, and how many talked. The late turns of
/// an old conversation take turns with the early ones of a young one, so that what else happens on the machine happens
/// to both.
async fn long_talk(talk: &Talk, script: &Script, talks: usize) -> Result<(f64, usize), Failure> {
    let (mut early, mut late) = (Vec::new(), Vec::new());
    let began = Instant::now();
    let mut talked = 0;
    while talked < talks && (talked == 0 || began.elapsed() < PATIENCE) {
        let (old, young) = (format!("old-{talked}"), format!("young-{talked}"));
        talked += 1;
        for number in 1..=480 {
            talk.turn(&old, script.undecided_turn(number)).await?;
        }
        for number in 1..=5 {
            talk.turn(&young, script.undecided_turn(number)).await?;
        }
        for step in 0..20 {
            early.push(timed(talk, &young, script.undecided_turn(6 + step)).await?);
            late.push(timed(talk, &old, script.undecided_turn(481 + step)).await?);
        }
    }
    Ok((median(&mut late) / median(&mut early), talked))
}

async fn timed(talk: &Talk, conversation: &str, turn: &Turn) -> Result<f64, Failure> {
    let began = Instant::now();
    talk.turn(conversation, turn).await?;
    Ok(began.elapsed().as_secs_f64())
}

async fn in_memory(script: &Script, repeats: usize) -> Result<(), Failure> {
    let how = "get, execute_session, save";
    Talk::in_memory(script)?.check(script).await?;
    let mut speeds = Speeds::default();
    let mut turns = 0;
    for repeat in 0..=repeats {
        let talk = Talk::in_memory(script)?;
        let watch = Stopwatch::start();
        let mut batch = 0;
        while watch.clock() < WINDOW {
            let conversations: Vec<_> =
                (0..CONVERSATIONS).map(|number| format!("guest-{batch}-{number}")).collect();
            talk.book(&conversations, script).await?;
            batch += 1;
        }
        let done = batch * CONVERSATIONS * script.booking.len();
        if repeat > 0 {
            speeds.push(done, &watch);
            turns += done;
        }
    }
    say_speed("memory", how, &mut speeds, turns);

    let talk = Talk::in_memory(script)?;
    let kept = format!("{how}; the last state only, as JSON; the store itself keeps objects");
    talk.play("booking", &script.booking).await?;
    say(WHO, "memory", "bytes_6_turns", talk.as_json("booking").await? as f64, "bytes", 1, &kept);
    let (cost, talks) = long_talk(&talk, script, LONG_TALKS).await?;
    let medians = format!("{how}; medians of turns 481-500 and, in between, 6-25 of another");
    say(WHO, "memory", "turn_500_over_10", rounded(cost), "ratio", talks, &medians);
    say(WHO, "memory", "bytes_500_turns", talk.as_json("old-0").await? as f64, "bytes", 1, &kept);

    let child = Command::new(std::env::current_exe()?).arg("live").output()?;
    let added: f64 = String::from_utf8(child.stdout)?.trim().parse()?;
    let note = format!("{how}; growth of the process at the third turn");
    say(WHO, "memory", "live_10000", added, "bytes", LIVE, &note);
    Ok(())
}

async fn in_postgres(script: &Script, address: &str, repeats: usize) -> Result<(), Failure> {
    Talk::in_postgres(script, address, 1).await?.check(script).await?;
    let table = Table::at(address).await?;
    let mut bare = table.bare_commits(500).await?;
    let note =
        "one INSERT of 200 bytes in its own transaction, one connection, at the time of graph-flow's run";
    say("PostgreSQL", "postgres", "bare_commit_p50", median(&mut bare).round(), "µs", bare.len(), note);

    let (mut best, mut at_once) = (0.0, 1);
    for tried in [1, CONNECTIONS] {
        let mut speeds = Speeds::default();
        for _ in 0..2 {
            postgres_run(script, address, &table, tried, PROBED, &mut speeds).await?;
        }
        let speed = speeds.best();
        let note = format!("get, execute_session, save; {tried} at once");
        say(WHO, "postgres", "probe_turns_per_second", speed.round(), "turns/s", PROBED * 6, &note);
        if speed > best {
            (best, at_once) = (speed, tried);
        }
    }
    let how = format!("get, execute_session, save; {at_once} at once");
    let (mut speeds, mut stored) = (Speeds::default(), Vec::new());
    let began = Instant::now();
    while stored.len() < repeats && (stored.is_empty() || began.elapsed() < PATIENCE) {
        stored.push(postgres_run(script, address, &table, at_once, CONVERSATIONS, &mut speeds).await?);
    }
    let measured = stored.len();
    say_speed("postgres", &how, &mut speeds, measured * CONVERSATIONS * script.booking.len());
    let kept = "the last state only; table and index after VACUUM FULL";
    say(WHO, "postgres", "bytes_6_turns", median(&mut stored).round(), "bytes", CONVERSATIONS, kept);

    table.clear().await?;
    let talk = Talk::in_postgres(script, address, 1).await?;
    let (cost, talks) = long_talk(&talk, script, 8).await?;
    let medians =
        "get, execute_session, save; 1 at once; medians of turns 481-500 and, in between, 6-25 of another";
    say(WHO, "postgres", "turn_500_over_10", rounded(cost), "ratio", talks, medians);
    let bytes = table.row_bytes("old-0").await?;
    say(WHO, "postgres", "bytes_500_turns", bytes as f64, "bytes", 1, "the last state only; the row alone");
    Ok(())
}

/// Books in that many conversations in an empty table, and gives the bytes that each left there.
async fn postgres_run(
    script: &Script,
    address: &str,
    table: &Table,
    at_once: usize,
    conversations: usize,
    speeds: &mut Speeds,
) -> Result<f64, Failure> {
    let talk = Talk::in_postgres(script, address, at_once).await?;
    let warm: Vec<_> = (0..CONNECTIONS * 2).map(|number| format!("warm-{number}")).collect();
    talk.book(&warm, script).await?;
    let empty = table.clear().await?;
    let names: Vec<_> = (0..conversations).map(|number| format!("guest-{number}")).collect();
    let watch = Stopwatch::start();
    talk.book(&names, script).await?;
    speeds.push(conversations * script.booking.len(), &watch);
    Ok((table.bytes().await? - empty) as f64 / conversations as f64)
}

/// Holds conversations that wait for a room, in a process of its own, and prints the bytes they added.
async fn live(script: &Script) -> Result<(), Failure> {
    let talk = Talk::in_memory(script)?;
    for number in 0..500 {
        talk.play(&format!("warm-{number}"), &script.booking[..3]).await?;
    }
    let before = resident()?;
    for number in 0..LIVE {
        talk.play(&format!("live-{number}"), &script.booking[..3]).await?;
    }
    println!("{}", resident()? - before);
    Ok(())
}

/// The bytes of memory this process holds.
fn resident() -> Result<i64, Failure> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
    let kilobytes: i64 = line.trim().trim_end_matches(" kB").parse()?;
    Ok(kilobytes * 1024)
}

fn rounded(ratio: f64) -> f64 {
    (ratio * 1000.0).round() / 1000.0
}
