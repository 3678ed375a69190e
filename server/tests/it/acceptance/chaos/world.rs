//! The world of a run: programs that are brought up and die, and a database that restarts.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::process::Stdio;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use futures::future::join_all;
use innkeeper::clock::{Clock as _, SystemClock};
use innkeeper::config::DatabaseUrl;
use tokio::process::Command;

use super::super::program::Server;
use super::pause;
use super::provider::{Provider, Said};
use crate::postgres::Cluster;
use crate::rig::Folder;
use crate::support::dice::Dice;

/// Where a program can be made to die: before and after every commit, and around every call of the provider and every
/// call that changes something in the hotel. Places that are passed seldom have a yes.
const PLACES: [(&str, bool); 13] = [
    ("inbox.written", false),
    ("inbox.committed", false),
    ("turn.begun", false),
    ("turn.ready", false),
    ("turn.committed", false),
    ("call.written_down", true),
    ("call.answered", true),
    ("outbox.claimed", false),
    ("outbox.answered", false),
    ("outbox.recorded", false),
    ("outbox.settled", true),
    ("report.written", false),
    ("report.committed", false),
];

/// A place, and whether it is passed seldom.
type Place = (&'static str, bool);

/// How long a program lives at most that is to die at a place.
const REACHED_WITHIN: Duration = Duration::from_secs(6);

/// What is brought is brought so often at most.
const TRIES: usize = 600;

pub(super) struct World {
    pub(super) provider: Provider,
    pub(super) database: DatabaseUrl,
    folder: Folder,
    cluster: Option<Cluster>,
    /// Where programs listen that live.
    alive: Mutex<Vec<Option<SocketAddr>>>,
    pub(super) calm: AtomicBool,
    pub(super) deaths: Mutex<BTreeMap<String, usize>>,
    pub(super) unheard: AtomicUsize,
    /// The places at which somebody has to die before any comes up again.
    deck: Mutex<(Vec<Place>, Dice)>,
    /// A place is passed less than so often before somebody dies there.
    passes: usize,
    seed: u64,
}

impl World {
    pub(super) fn new(
        provider: Provider,
        cluster: Option<Cluster>,
        programs: usize,
        seed: u64,
        passes: usize,
    ) -> Self {
        let folder = Folder::new();
        let database =
            cluster.as_ref().map_or_else(|| folder.database_url(), |cluster| cluster.database("chaos"));
        Self {
            provider,
            database,
            folder,
            cluster,
            alive: Mutex::new(vec![None; programs]),
            calm: AtomicBool::new(false),
            deaths: Mutex::default(),
            unheard: AtomicUsize::new(0),
            deck: Mutex::new((Vec::new(), Dice::new(seed ^ 0xdec))),
            passes,
            seed,
        }
    }

    /// A program on this database, which dies at a place if one is named.
    pub(super) fn innkeeper(&self, dies_at: Option<&str>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_innkeeper"));
        command.env_clear().current_dir(self.folder.file("")).kill_on_drop(true);
        command.args(["--database", self.database.as_str()]);
        self.provider.configure(&mut command);
        for (name, value) in
            [("PACE__CHAT_FRAGMENT_MS", "10"), ("PACE__CHAT_CAP_MS", "10"), ("DATABASE__LEASE_MS", "1000")]
        {
            command.env(format!("INNKEEPER__{name}"), value);
        }
        if let Some(place) = dies_at {
            command.env("INNKEEPER_DIES_AT", place);
        }
        command
    }

    pub(super) fn is_calm(&self) -> bool {
        self.calm.load(Ordering::Relaxed)
    }

    /// Brings a program up, lets it die at a place or at a moment, and again, until all is calm; then it lives.
    pub(super) async fn live_and_die(&self, number: usize, mut dice: Dice) -> Server {
        loop {
            let place = (!self.is_calm() && dice.chance(70)).then(|| self.next_place());
            let dies_at = place.map(|(place, is_seldom)| {
                format!("{place}:{}", dice.below(if is_seldom { 2 } else { self.passes }))
            });
            let Some(server) = Server::try_start_telling(self.innkeeper(dies_at.as_deref()), log()).await
            else {
                // The database may just be restarting.
                self.put_back(place);
                pause(50).await;
                continue;
            };
            self.alive.lock().expect("programs")[number] = Some(server.address);
            self.provider.calls(server.address);
            let moment = match place {
                Some(_) => REACHED_WITHIN,
                None => Duration::from_millis(300 + u64::try_from(dice.below(3000)).expect("small")),
            };
            let (mut server, has_died) = server.lives_for(moment, || self.is_calm()).await;
            if self.is_calm() && !has_died && dies_at.is_none() {
                return server;
            }
            self.alive.lock().expect("programs")[number] = None;
            if has_died {
                self.note_death(place.map_or("by itself", |(place, _)| place));
            } else {
                self.put_back(place);
                self.note_death("any moment");
                server.kill().await;
            }
        }
    }

    /// Everybody's clock goes on.
    pub(super) async fn ticks(&self) {
        loop {
            pause(50).await;
            self.provider.tick();
        }
    }

    /// The database restarts now and then, as after a crash.
    pub(super) async fn restarts(&self) {
        let mut dice = Dice::new(self.seed ^ 0xdb);
        loop {
            pause(5000 + dice.below(10_000)).await;
            if let (Some(cluster), false) = (&self.cluster, self.is_calm()) {
                tokio::task::block_in_place(|| cluster.restart());
                self.note_death("the database");
            }
        }
    }

    /// What a guest said, as a provider brings it: to any program, perhaps twice at once; what nobody took is brought
    /// again or left to be asked for.
    pub(super) async fn bring(&self, said: &[Said], mut dice: Dice) {
        let copies = if dice.chance(25) { 2 } else { 1 };
        let tries = (0..copies).map(|_| {
            let again = dice.chance(60) || self.provider.never_gives_up();
            let number = dice.below(16);
            async move {
                for round in 0..TRIES {
                    let server = {
                        let alive = self.alive.lock().expect("programs");
                        let alive: Vec<SocketAddr> = alive.iter().flatten().copied().collect();
                        (!alive.is_empty()).then(|| alive[(number + round) % alive.len()])
                    };
                    if let Some(server) = server
                        && self.provider.brings(server, said).await
                    {
                        return;
                    }
                    if !again {
                        break;
                    }
                    pause(50).await;
                }
                self.unheard.fetch_add(1, Ordering::Relaxed);
            }
        });
        join_all(tries).await;
    }

    /// How long it is since an instant.
    pub(super) fn since(&self, instant: chrono::DateTime<chrono::Utc>) -> Duration {
        (SystemClock.now() - instant).to_std().unwrap_or_default()
    }

    /// Where a program can die in this run. Only who can be asked settles what is uncertain by an answer.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> + use<> {
        let can_be_asked = self.provider.can_be_asked();
        PLACES.into_iter().filter(move |(place, _)| can_be_asked || *place != "outbox.settled")
    }

    fn next_place(&self) -> Place {
        let mut deck = self.deck.lock().expect("places");
        let (places, dice) = &mut *deck;
        if places.is_empty() {
            places.extend(self.places());
            dice.shuffle(places);
        }
        places.pop().expect("a place")
    }

    fn put_back(&self, place: Option<Place>) {
        if let Some(place) = place {
            self.deck.lock().expect("places").0.insert(0, place);
        }
    }

    fn note_death(&self, how: &str) {
        *self.deaths.lock().expect("deaths").entry(how.to_owned()).or_default() += 1;
    }
}

/// Where programs tell what happens to them.
fn log() -> Stdio {
    let Some(name) = std::env::var_os("INNKEEPER_CHAOS_LOG") else { return Stdio::null() };
    let file = std::fs::OpenOptions::new().create(true).append(true).open(name);
    file.expect("a file for what the programs say").into()
}
