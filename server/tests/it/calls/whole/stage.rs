//! The program with a hotel in a file, between doubles of Twilio, a recogniser and a voice, on a clock that is moved.

use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use innkeeper::app;
use innkeeper::call::{Calls, Event, Phase, Seen, Witness};
use innkeeper::channel::line::Callee;
use innkeeper::channel::twilio::Twilio;
use innkeeper::channel::twilio::voice;
use innkeeper::clock::{Clock, ManualClock};
use innkeeper::config::{Config, Overrides};
use innkeeper::conversation::Receptionist;
use innkeeper::tools::HotelTools;
use innkeeper_hms::{Hotel, Opening, SeededIds};
use tokio::sync::watch;

use super::{Guest, When};
use crate::rig::{Folder, standing_clock};
use crate::support::caller::{self, Account, Exchange, Stage as How, pipe};
use crate::support::ears::recorded::Recording;
use crate::support::ears::sound::Speech;
use crate::support::ears::{self, Ears};
use crate::support::twilio::{ACCOUNT, PUBLIC, TOKEN};
use crate::support::voices::{self, VoicesDouble};

const HOTEL: &str = "+14155238886";

/// So often the world looks.
const TICK: Duration = Duration::from_millis(20);

/// So long a caller waits after something was said before they speak.
const PAUSE_MS: u64 = 500;

/// How long after its sound a turn has ended, and what comes of it has begun.
const AFTER_MS: u64 = 1000;

/// No reply is longer.
const LONGEST_MS: u64 = 60_000;

/// Who else has something to do is let do it so often before time goes on.
const SETTLING: usize = 40;

/// While the hotel thinks: it takes as long as the machine takes, and none of the call's time.
const THINKING: usize = 2_000_000;

/// What is late, and by which chance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Late {
    seed: u64,
    is_late: bool,
}

impl Late {
    pub(super) const NEVER: Self = Self { seed: 1, is_late: false };

    pub(super) fn by(seed: u64) -> Self {
        Self { seed, is_late: true }
    }

    fn telephone(self) -> caller::Manner {
        let usual = caller::Manner { seed: self.seed, ..caller::Manner::default() };
        if self.is_late { caller::Manner { round_trip: 20..=180, bunches: true, ..usual } } else { usual }
    }

    fn ears(self, recordings: Vec<Recording>) -> ears::Manner {
        let jitter = Duration::from_millis(if self.is_late { 120 } else { 0 });
        let latency = Duration::from_millis(40);
        ears::Manner { recordings, latency, jitter, seed: self.seed, ..ears::Manner::default() }
    }

    fn voices(self) -> voices::Manner {
        let first_byte = Duration::from_millis(120);
        let usual = voices::Manner { first_byte, chunk: 1600, seed: self.seed, ..voices::Manner::at_pace(8) };
        let jitter = Duration::from_millis(if self.is_late { 60 } else { 0 });
        voices::Manner { jitter, ..usual }
    }
}

/// Whose turn it is, of the only call.
#[derive(Debug)]
struct Watched {
    phase: watch::Sender<Phase>,
    /// So many turns of the caller have ended.
    turns: AtomicUsize,
    /// All that happened, for whoever looks for what went wrong.
    lines: Mutex<Vec<String>>,
    is_over: AtomicBool,
}

impl Witness for Watched {
    fn saw(&self, _call: &str, seen: Seen<'_>) {
        match seen {
            Seen::Phase(phase) => {
                self.phase.send_replace(phase);
            }
            Seen::Over => self.is_over.store(true, Ordering::Relaxed),
            Seen::Event(Event::TurnEnded(words)) => {
                self.turns.fetch_add(1, Ordering::Relaxed);
                self.lines.lock().expect("lines").push(words.clone());
            }
            seen @ (Seen::Event(_) | Seen::Wish(_) | Seen::Says(_) | Seen::Heard(_)) => {
                self.lines.lock().expect("lines").push(format!("{seen:?}"));
            }
        }
    }
}

/// All that takes part in a call, but the caller.
pub(super) struct Stage {
    pub(super) receptionist: Arc<Receptionist>,
    pub(super) hotel: Arc<Hotel>,
    time: Arc<Time>,
    ears: Ears,
    exchange: Exchange,
    _folder: Folder,
}

/// The program's clock and the doubles' are moved together, and by nobody else.
struct Time {
    clock: ManualClock,
    watched: Arc<Watched>,
    /// A paused runtime moves its clock by itself unless something blocks elsewhere.
    _holds: mpsc::Sender<()>,
}

/// The hotel's clock.
struct HotelClock(ManualClock);

impl innkeeper_hms::Clock for HotelClock {
    fn now(&self) -> chrono::DateTime<chrono::Utc> {
        self.0.now()
    }
}

/// A caller's end.
pub(super) struct Call {
    pub(super) call: caller::Call,
    time: Arc<Time>,
    /// So many turns were said so far.
    turns: usize,
    /// How much had been heard when the caller spoke last, in milliseconds.
    heard_ms: usize,
}

impl Stage {
    pub(super) async fn set(guest: &Guest, by: &'static str, late: Late) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (folder, clock) = (Folder::new(), standing_clock());
        let (holds, held) = mpsc::channel();
        tokio::task::spawn_blocking(move || held.recv());
        let watched = Arc::new(Watched {
            phase: watch::Sender::new(Phase::Thinking),
            turns: AtomicUsize::new(0),
            lines: Mutex::default(),
            is_over: AtomicBool::new(false),
        });
        let time = Arc::new(Time { clock: clock.clone(), watched: Arc::clone(&watched), _holds: holds });
        let ticks: Arc<dyn Clock> = Arc::new(clock.clone());
        let ears = Ears::start_on(Arc::clone(&ticks)).await;
        ears.behave(late.ears(guest.turns.iter().map(|spoken| spoken.recording.clone()).collect()));
        let voices = VoicesDouble::start(Arc::clone(&ticks), late.voices()).await;
        let config = configured(&folder, &ears, &voices, by);
        let opening = Opening::of(format!("sqlite://{}", folder.file("hotel.db").display()))
            .with_clock(Arc::new(HotelClock(clock.clone())))
            .with_ids(Arc::new(SeededIds::new(1)));
        let hotel = Arc::new(Hotel::open(opening).await.expect("a hotel"));
        let tools = HotelTools::connect(app::embedded_address(Arc::clone(&hotel))).await.expect("tools");
        let house = app::house(&tools).await.expect("a house");
        let zone = hotel.listing().await.expect("a listing").time_zone.parse().expect("a zone");
        let understander = app::understander(&config, &house).expect("an understander");
        let receptionist =
            app::receptionist(&config, tools, house, zone, Arc::clone(&ticks), understander).await;
        let receptionist = Arc::new(receptionist.unwrap_or_else(|fault| panic!("{fault}")));
        let callee = Arc::new(answers(&config, &receptionist, watched).await);
        let wire = telephone(&config, &receptionist, callee);
        let account = Account { sid: ACCOUNT.to_owned(), token: TOKEN.to_owned(), public: PUBLIC.to_owned() };
        let exchange = Exchange::new(wire, account, late.telephone());
        Self { receptionist, hotel, time, ears, exchange, _folder: folder }
    }

    pub(super) async fn rings(&self, from: &str) -> Call {
        let call = self.exchange.ring(from, HOTEL).await;
        Call { call, time: Arc::clone(&self.time), turns: 0, heard_ms: 0 }
    }

    /// All that happened in the call.
    pub(super) fn happened(&self) -> String {
        self.time.watched.lines.lock().expect("lines").join("\n")
    }

    /// What the recogniser found wrong with us.
    pub(super) fn wrongs(&self) -> Vec<String> {
        self.ears.visits().into_iter().flat_map(|visit| visit.wrongs).collect()
    }
}

fn configured(folder: &Folder, ears: &Ears, voices: &VoicesDouble, by: &'static str) -> Config {
    let settings = [
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_AUTH_TOKEN", TOKEN),
        ("INNKEEPER__SERVER__PUBLIC_URL", PUBLIC),
        ("INNKEEPER__TWILIO__BASE_URL", "http://127.0.0.1:9"),
        ("INNKEEPER__TWILIO__VOICE", "stream"),
        ("INNKEEPER__STT__LIVE", by),
        ("INNKEEPER__STT__BASE_URL", &ears.deepgram()),
        ("INNKEEPER__STT__API_KEY", ears::KEY),
        ("INNKEEPER__TTS__BASE_URL", &voices.deepgram()),
        ("INNKEEPER__TTS__API_KEY", voices::KEY),
        ("INNKEEPER__TTS__CACHE", "off"),
        // However slow this machine is, the doubles are not gone.
        ("INNKEEPER__TTS__LIVE_OPEN_MS", "60000"),
        ("INNKEEPER__TTS__LIVE_SILENT_MS", "60000"),
        ("INNKEEPER__STT__LIVE_OPEN_MS", "60000"),
        ("INNKEEPER__STT__LIVE_LOST_MS", "60000"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let database = Some(folder.database_url().as_str().to_owned());
    let overrides = Overrides { database, ..Overrides::default() };
    Config::load(Some(Path::new("/dev/null")), settings, overrides).expect("a configuration")
}

/// Who answers, with ears and a voice.
async fn answers(config: &Config, receptionist: &Arc<Receptionist>, watched: Arc<Watched>) -> Calls {
    let clock = &receptionist.clock;
    let ears = app::live_recogniser(config, Arc::clone(clock)).expect("a recogniser");
    let voice = app::live_voice(config, Arc::clone(clock)).expect("a voice").map(|voice| voice.voice);
    let fixed =
        app::fixed(&receptionist.replies.now(), &receptionist.house, "en", &**clock).expect("a house");
    Calls::new(Arc::clone(receptionist), config.call)
        .with_speech(ears, voice, app::hints(config, &receptionist.house))
        .saying_always(fixed)
        .watched_by(watched)
}

/// The way to its webhooks and sockets.
fn telephone(config: &Config, receptionist: &Arc<Receptionist>, callee: Arc<dyn Callee>) -> caller::Wire {
    let clock = Arc::clone(&receptionist.clock);
    let twilio = Arc::new(Twilio::new(config, Arc::clone(&clock)).expect("an account"));
    let (replies, house) = (Arc::clone(&receptionist.replies), receptionist.house.clone());
    let words = voice::Words::new(replies, house, &config.telephone.language);
    let manner = voice::Manner::new(config, app::hints(config, &receptionist.house).terms);
    let routes = voice::routes(voice::Webhooks { twilio, callee, words, manner, clock });
    let (wire, listener) = pipe();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    wire
}

impl Time {
    /// Time goes on, once whoever has something to do now has done it.
    async fn passes(&self, ms: u64) {
        for _ in 0..ms.div_ceil(u64::try_from(TICK.as_millis()).expect("few")) {
            for turn in 0..THINKING {
                if turn >= SETTLING && *self.watched.phase.borrow() != Phase::Thinking {
                    break;
                }
                tokio::task::yield_now().await;
            }
            self.clock.advance(TICK);
            tokio::time::advance(TICK).await;
        }
    }

    fn phase(&self) -> Phase {
        *self.watched.phase.borrow()
    }

    fn is_over(&self) -> bool {
        self.watched.is_over.load(Ordering::Relaxed)
    }
}

impl Call {
    /// Waits until it is time to speak.
    pub(super) async fn waits(&mut self, when: When) {
        let step = u64::try_from(TICK.as_millis()).expect("few");
        let (mut waited, mut quiet) = (0, 0);
        while self.call.seen().heard_ms() <= self.heard_ms && !self.time.is_over() {
            self.time.passes(step).await;
            waited += step;
            assert!(waited < LONGEST_MS, "nothing is said");
        }
        if let When::Into(ms) = when {
            return self.time.passes(ms).await;
        }
        while quiet < PAUSE_MS && !self.time.is_over() {
            let heard_ms = self.call.seen().heard_ms();
            self.time.passes(step).await;
            let is_quiet = self.time.phase() == Phase::Listening && self.call.seen().heard_ms() == heard_ms;
            quiet = if is_quiet { quiet + step } else { 0 };
            waited += step;
            assert!(waited < LONGEST_MS, "it has no end");
        }
    }

    /// Speaks, and waits until what was said was heard; `false` where nobody is there any more.
    pub(super) async fn says(&mut self, recording: &Recording) -> bool {
        if self.time.is_over() {
            return false;
        }
        self.call.speak(&Speech::new().voice(recording.length_ms).sound());
        self.time.passes(recording.length_ms + AFTER_MS / 2).await;
        self.heard_ms = self.call.seen().heard_ms();
        self.turns += recording.turns();
        let mut waited = 0;
        while self.time.watched.turns.load(Ordering::Relaxed) < self.turns && waited < LONGEST_MS {
            self.time.passes(AFTER_MS / 10).await;
            waited += AFTER_MS / 10;
        }
        self.time.passes(AFTER_MS / 2).await;
        true
    }

    /// Listens to the end, and hangs up where the hotel does not.
    pub(super) async fn ends(&mut self) {
        self.waits(When::Asked).await;
        self.call.hang_up();
        while !self.time.is_over() || self.call.seen().stage != How::Over {
            self.time.passes(100).await;
        }
    }
}
