//! Chaos: the program between a provider that fails, guests who all write at once, a database that restarts, and death
//! at any moment. Judged at the guests' telephones and in the database.
//!
//! Everything follows from a seed but the time that things take. `INNKEEPER_CHAOS` is the number of messages of each
//! run and `INNKEEPER_CHAOS_SEED` repeats one; without them each run is short and its seed is new and printed.
//! `INNKEEPER_CHAOS_LOG` names a file that what the programs say is added to.

mod guests;
mod judge;
mod provider;
mod world;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use futures::future::join_all;
use innkeeper::clock::{Clock as _, SystemClock};
use innkeeper::store::Database;

use self::guests::Guests;
use self::provider::Provider;
use self::world::World;
use crate::postgres::Cluster;
use crate::rig::loudly;
use crate::support::dice::Dice;

/// So many messages each run has by itself.
const SHORT: usize = 40;

/// From so many messages on a run is long: every place of death is reached.
const LONG: usize = 500;

/// So many guests write at the same time in a short run, and in a long one.
const AT_ONCE: [usize; 2] = [12, 96];

/// Who is between the guests and the program.
#[derive(Clone, Copy, Debug)]
enum By {
    Twilio,
    Meta,
}

/// One run.
async fn chaos(name: &str, by: By, cluster: Option<Cluster>, programs: usize) {
    let (messages, seed) = wanted();
    let mut dice = Dice::new(seed);
    let provider = match by {
        By::Twilio => Provider::twilio(&mut dice).await,
        By::Meta => Provider::meta(&mut dice).await,
    };
    let is_long = messages >= LONG;
    let world = World::new(provider, cluster, programs, seed, if is_long { 60 } else { 6 });
    let guests = Guests::new(&world, messages, seed);
    let began = SystemClock.now();
    let writing = async {
        join_all((0..AT_ONCE[usize::from(is_long)]).map(|_| guests.write())).await;
        world.calm.store(true, Ordering::Relaxed);
    };
    let living = join_all((0..programs).map(|number| {
        let dice = Dice::new(seed ^ (0x100 + u64::try_from(number).expect("small")));
        world.live_and_die(number, dice)
    }));
    let judging = async {
        let (servers, ()) = tokio::join!(living, writing);
        let calm = SystemClock.now();
        let store = Database::open(&world.database, Arc::new(SystemClock)).await.expect("the database");
        let scripts = guests.scripts();
        let settled = judge::settled(&store, &scripts).await;
        (servers, store, scripts, settled, calm)
    };
    let (servers, store, scripts, settled, calm) = tokio::select! {
        judged = judging => judged,
        () = world.ticks() => unreachable!("time goes on"),
        () = world.restarts() => unreachable!("restarts go on"),
    };
    let (wrote, took) = ((calm - began).num_milliseconds(), (SystemClock.now() - began).num_milliseconds());
    let sent: usize = scripts.iter().map(|script| script.said.len()).sum();
    let deaths = world.deaths.lock().expect("deaths").clone();
    let unheard = world.unheard.load(Ordering::Relaxed);
    loudly(&format!(
        "chaos {name}: seed {seed}, {sent} messages of {} guests in {wrote} + {} ms, {programs} programs, \
         deaths {deaths:?}, {unheard} deliveries given up by the provider",
        scripts.len(),
        took - wrote,
    ));
    settled.expect("everything has an outcome and is sent");
    let judged = judge::judge(&world, &store, &scripts, is_long).await;
    drop(servers);
    loudly(&format!("chaos {name}: seed {seed}: {}", judged.expect("nothing goes wrong")));
    store.close().await.expect("a closed database");
}

/// The number of messages and the seed.
fn wanted() -> (usize, u64) {
    let number = |name: &str| std::env::var_os(name).and_then(|text| text.to_str()?.parse::<u64>().ok());
    let messages = number("INNKEEPER_CHAOS").and_then(|count| usize::try_from(count).ok()).unwrap_or(SHORT);
    let seed = number("INNKEEPER_CHAOS_SEED").unwrap_or_else(|| uuid::Uuid::new_v4().as_u64_pair().0 >> 16);
    loudly(&format!("chaos: INNKEEPER_CHAOS_SEED={seed}"));
    (messages, seed)
}

/// A pause of the test itself.
async fn pause(milliseconds: usize) {
    SystemClock.sleep(Duration::from_millis(u64::try_from(milliseconds).expect("small"))).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_said_twice_on_sqlite() {
    chaos("Twilio, SQLite", By::Twilio, None, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_said_twice_on_postgresql() {
    let Some(cluster) = Cluster::start() else { return };
    chaos("Twilio, PostgreSQL", By::Twilio, Some(cluster), 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_said_twice_by_three_programs_on_one_postgresql() {
    let Some(cluster) = Cluster::start() else { return };
    chaos("Twilio, PostgreSQL, three", By::Twilio, Some(cluster), 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_said_twice_with_meta_on_sqlite() {
    chaos("Meta, SQLite", By::Meta, None, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_said_twice_with_meta_on_postgresql() {
    let Some(cluster) = Cluster::start() else { return };
    chaos("Meta, PostgreSQL", By::Meta, Some(cluster), 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_or_said_twice_with_meta_by_three_programs_on_one_postgresql() {
    let Some(cluster) = Cluster::start() else { return };
    chaos("Meta, PostgreSQL, three", By::Meta, Some(cluster), 3).await;
}
