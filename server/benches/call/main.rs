//! How fast calls are answered, and what they cost: the program itself, with Twilio and Deepgram played in another
//! process, this one.
//!
//! Callers ring over Twilio's webhook, stream a frame of 20 ms every 20 ms, hear what is sent at eight bytes a
//! millisecond, give marks back and interrupt every third reply. Flux ends a turn when it was given 260 ms of sound
//! after the last of the speech; where early ends are wanted it tells one after 110 ms. The voice makes the first sound
//! 120 ms after it was asked. All instants are those of these ends of the wire, so that whatever this process is late
//! counts against the program.
//!
//! `cargo bench --workspace --bench call` prints a row for each kind of reply and number of calls:
//!
//! | column | |
//! |---|---|
//! | `share` | from the end of the caller's turn, as Flux sends it, to the first frame of the reply |
//! | `clear` | from the beginning of the caller's turn, as Flux sends it, to the `clear`, where something is being said |
//! | `voice to voice` | from the caller's last frame of speech to the first frame of the reply |
//! | `CPU` | of the program, in percent of a core, for a call |
//! | `KiB` | of the program's resident memory, for a call, beyond what it had after one; and what grew while calls went on |
//! | `none` | turns without a reply, and interruptions without a `clear` |
//! | `load` | the machine's load average of the last minute, at the end |
//!
//! | variable | default | |
//! |---|---|---|
//! | `INNKEEPER_BENCH_CALLS` | `1,50,100,200,500` | how many calls at once |
//! | `INNKEEPER_BENCH_SECONDS` | `20` | how long they go on after the last has begun; 600 shows whether memory grows |
//! | `INNKEEPER_BENCH_REPLIES` | `known,known-early,made,made-early` | replies whose sound is known or has to be made, without and with early ends |
//! | `INNKEEPER_BENCH_RINGS` | `50` | calls that begin in a second |
//! | `INNKEEPER_BENCH_PROGRAM` | | another build of the program |
//! | `INNKEEPER_BENCH_AGAINST` | | a command that starts another bot, which prints `http://address/` when it answers `POST /twilio/voice`; Deepgram is at `DEEPGRAM_BASE_URL` |
//! | `INNKEEPER_BENCH_LOG` | | a file for what the program says on standard error |
//!
//! `server/benches/pipecat/run` uses it to put the same calls through Pipecat.
#![expect(clippy::disallowed_methods, reason = "a benchmark measures the machine's own time")]

mod book;
mod caller;
mod ears;
mod figures;
mod phrases;
mod program;
mod voice;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::Path;
use axum::routing::{get, post};

use self::book::Book;
use self::figures::Row;
use self::phrases::Replies;
use self::program::Program;

/// What is measured.
struct Settings {
    calls: Vec<usize>,
    seconds: u64,
    rings: u32,
    replies: Vec<Replies>,
}

/// Everybody at this end of the wire.
pub(crate) struct World {
    pub(crate) book: Book,
    pub(crate) replies: Replies,
    /// The calls are to end.
    pub(crate) is_over: AtomicBool,
    /// What is measured begins here, and ends there.
    pub(crate) from: std::sync::OnceLock<Instant>,
}

fn setting(name: &str, or: &str) -> String {
    std::env::var(name).ok().filter(|text| !text.is_empty()).unwrap_or_else(|| or.to_owned())
}

impl Settings {
    fn read() -> Self {
        let list = |name: &str, or: &str| {
            setting(name, or).split(',').map(|one| one.trim().to_owned()).collect::<Vec<_>>()
        };
        let number = |text: &str| text.parse().expect("a number");
        Self {
            calls: list("INNKEEPER_BENCH_CALLS", "1,50,100,200,500").iter().map(|one| number(one)).collect(),
            seconds: setting("INNKEEPER_BENCH_SECONDS", "20").parse().expect("seconds"),
            rings: setting("INNKEEPER_BENCH_RINGS", "50").parse().expect("calls a second"),
            replies: list("INNKEEPER_BENCH_REPLIES", "known,known-early,made,made-early")
                .iter()
                .map(|name| Replies::named(name).expect("a kind of reply"))
                .collect(),
        }
    }
}

/// Deepgram, and Twilio's REST API.
async fn providers(world: &Arc<World>) -> String {
    let gone = |Path((_, _)): Path<(String, String)>| async { "{}" };
    let routes = Router::new()
        .route("/v2/listen", get(ears::listen))
        .route("/v1/speak", get(voice::speak))
        .route("/2010-04-01/Accounts/{account}/Calls/{call}", post(gone))
        .with_state(Arc::clone(world));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("an address"));
    let listener = axum::serve::ListenerExt::tap_io(listener, |stream| {
        stream.set_nodelay(true).expect("a socket");
    });
    tokio::spawn(async move { axum::serve(listener, routes).await });
    address
}

/// So many calls with such replies.
async fn measure(settings: &Settings, replies: Replies, calls: usize) -> Row {
    let world = Arc::new(World {
        book: Book::new(calls + 1),
        replies,
        is_over: AtomicBool::new(false),
        from: std::sync::OnceLock::new(),
    });
    let base = providers(&world).await;
    let program = Program::start(&base, replies).await;
    let mut every = tokio::time::interval(Duration::from_secs(1) / settings.rings);
    let mut ringing = tokio::task::JoinSet::new();
    // The first call is not measured: everything that is read or made once is there after it.
    let first = {
        let world = Arc::clone(&world);
        let address = program.address;
        tokio::spawn(async move { caller::call(world, 0, address, Some(4)).await })
    };
    let _ = first.await;
    // The allocator gives back what the start needed.
    tokio::time::sleep(Duration::from_secs(3)).await;
    let alone = program.memory();
    for number in 1..=calls {
        every.tick().await;
        ringing.spawn(caller::call(Arc::clone(&world), number, program.address, None));
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    world.from.get_or_init(Instant::now);
    let (cpu, began) = (program.cpu(), Instant::now());
    let mut memory = vec![program.memory()];
    let pieces = (settings.seconds / 5).clamp(4, 60);
    for _ in 0..pieces {
        tokio::time::sleep(Duration::from_secs(settings.seconds) / u32::try_from(pieces).expect("few")).await;
        memory.push(program.memory());
    }
    let (cpu, took) = (program.cpu() - cpu, began.elapsed());
    world.is_over.store(true, Ordering::Relaxed);
    let broken = ringing.join_all().await.into_iter().filter(|ended| ended.is_err()).count();
    program.stop().await;
    Row::new(&world, calls, (cpu, took), (alone, &memory), broken)
}

fn main() {
    // The second time it is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let settings = Settings::read();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    figures::head();
    for replies in &settings.replies {
        for calls in &settings.calls {
            let row = runtime.block_on(measure(&settings, *replies, *calls));
            row.print();
        }
    }
}
