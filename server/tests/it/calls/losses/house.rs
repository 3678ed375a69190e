//! A hotel that Twilio calls, with every provider that a call leans on played on this machine, in a time that is moved.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use innkeeper::app::{self, SceneHotel};
use innkeeper::call::{Calls, Phase, Seen, Witness};
use innkeeper::channel::twilio::Twilio;
use innkeeper::channel::twilio::voice::{Manner as How, Webhooks, Words, routes};
use innkeeper::clock::Clock;
use innkeeper::config::{Config, Overrides};
use innkeeper::conversation::Receptionist;
use innkeeper::reply::{CurrentReplies, Layers, Replies};
use innkeeper::stt::live::{LiveRecogniser, Thresholds};
use innkeeper::stt::{DeepgramLive as DeepgramEars, Flux, Hints, Realtime};
use innkeeper::tools::HotelTools;
use innkeeper::tts::live::{Limits, LiveVoice};
use innkeeper::tts::{DeepgramLive, ElevenLabsLive, RealtimeLive};
use sea_orm::{ConnectOptions, ConnectionTrait as _, DatabaseConnection};
use secrecy::SecretString;

use super::model::Model;
use super::time::{Still, Stopped, Way};
use super::tools::{Booking, Wire};
use super::{Ears, Lost, Voice};
use crate::rig::Folder;
use crate::support::caller::{Account, Call, Exchange, Manner, pipe};
use crate::support::ears::{self, Ears as EarsDouble};
use crate::support::loss::{LATER, Loss};
use crate::support::twilio::{ACCOUNT, PUBLIC, TOKEN};
use crate::support::voices::{self, VoicesDouble};

/// The front desk.
pub(super) const DESK: &str = "+34911234567";

/// The hotel's own number on WhatsApp, which is called.
const HOTEL: &str = "whatsapp:+14155238886";

/// Time goes on by so much at once.
pub(super) const TICK: Duration = Duration::from_millis(20);

/// So often others have their turn before the network is waited for, and so often that is done: more hops than there are
/// between the caller and whoever is farthest from them.
const TURNS: usize = 16;
const HOPS: usize = 24;

/// So often somebody who works in another thread is waited for, so long each: while nothing is lost that a turn leans on,
/// only such work can be what a turn takes.
const WAITS: usize = 8000;
const WAITS_ELSE: usize = 80;
const WAIT: Duration = Duration::from_micros(250);

/// A hotel that Twilio calls.
pub(super) struct House {
    pub(super) receptionist: Arc<Receptionist>,
    pub(super) hotel: SceneHotel,
    pub(super) seen: Arc<Watched>,
    pub(super) wire: Wire,
    pub(super) model: Model,
    pub(super) ears: EarsDouble,
    pub(super) voices: VoicesDouble,
    exchange: Exchange,
    other: DatabaseConnection,
    lost: Mutex<Option<Loss>>,
    way: Way,
    _folder: Folder,
    _still: Still,
}

/// What was seen of the call.
#[derive(Debug, Default)]
pub(super) struct Watched(Mutex<Sight>);

#[derive(Clone, Debug, Default)]
pub(super) struct Sight {
    /// Whose turn it is, once the call was taken.
    pub(super) phase: Option<Phase>,
    /// All that was given to be said.
    pub(super) says: Vec<String>,
    /// Everything, a line each.
    pub(super) lines: Vec<String>,
}

impl Witness for Watched {
    fn saw(&self, _call: &str, seen: Seen<'_>) {
        let mut sight = self.0.lock().expect("what was seen");
        match seen {
            Seen::Phase(phase) => sight.phase = Some(phase),
            Seen::Says(words) => {
                sight.says.push(words.to_owned());
                sight.lines.push(format!("says {words:?}"));
            }
            Seen::Event(_) | Seen::Heard(_) | Seen::Wish(_) | Seen::Over => {
                sight.lines.push(format!("{seen:?}"));
            }
        }
    }
}

impl Watched {
    pub(super) fn now(&self) -> Sight {
        self.0.lock().expect("what was seen").clone()
    }

    /// Whether the call was taken and is not over.
    pub(super) fn is_held(&self) -> bool {
        let sight = self.0.lock().expect("what was seen");
        sight.lines.last().is_some_and(|line| line != "Over")
    }

    pub(super) fn phase(&self) -> Option<Phase> {
        self.0.lock().expect("what was seen").phase
    }

    pub(super) fn says(&self) -> usize {
        self.0.lock().expect("what was seen").says.len()
    }
}

impl House {
    pub(super) async fn open(hears: Ears, speaks: Voice) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let still = Still::new();
        let folder = Folder::new();
        let clock: Arc<dyn Clock> = Arc::new(Stopped::new());
        let rest = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let config = config(&folder, &format!("http://{}", rest.local_addr().expect("an address")));
        let hotel = SceneHotel::open(Arc::clone(&clock)).await.expect("a hotel");
        let wire = Wire::new(Arc::clone(&clock));
        let tools = HotelTools::connect(wire.to(hotel.address())).await.expect("tools");
        let house = app::house(&tools).await.expect("a house");
        let (model, asked) = Model::start(Arc::clone(&clock)).await;
        let understander = app::understander_with(&config, &house, Some(asked)).expect("an understander");
        let receptionist =
            app::receptionist(&config, tools, house, hotel.zone, Arc::clone(&clock), understander).await;
        let receptionist = Arc::new(receptionist.unwrap_or_else(|fault| panic!("{fault}")));
        let seen = Arc::new(Watched::default());
        let ears = EarsDouble::start_on(Arc::clone(&clock)).await;
        let voices = VoicesDouble::start(Arc::clone(&clock), voices::Manner::at_pace(20)).await;
        let calls = Calls::new(Arc::clone(&receptionist), config.call)
            .with_speech(
                Some(hears.adapter(&ears, &clock)),
                Some(speaks.adapter(&voices, &clock)),
                Hints { language: Some("en".to_owned()), terms: Vec::new() },
            )
            .watched_by(Arc::<Watched>::clone(&seen) as Arc<dyn Witness>);
        let exchange = exchange(&config, &clock, calls.clone());
        let api = exchange.rest();
        tokio::spawn(async move { axum::serve(rest, api).await });
        let mut options = ConnectOptions::new(folder.database_url().as_str());
        options.max_connections(1).sqlx_logging(false);
        let other = sea_orm::Database::connect(options).await.expect("the same database");
        let house = Self {
            receptionist,
            hotel,
            seen,
            wire,
            model,
            ears,
            voices,
            exchange,
            other,
            lost: Mutex::default(),
            way: Way::new().await,
            _folder: folder,
            _still: still,
        };
        house.while_time_passes(calls.keep_ready()).await;
        house
    }

    /// Does something that takes time.
    async fn while_time_passes(&self, work: impl Future<Output = ()>) {
        let mut work = std::pin::pin!(work);
        while futures::poll!(&mut work).is_pending() {
            self.passes().await;
        }
    }

    /// A guest of WhatsApp calls.
    pub(super) async fn rings(&self, from: &str) -> Call {
        // Until it is taken somebody thinks about it.
        self.seen.0.lock().expect("what was seen").phase = Some(Phase::Thinking);
        self.exchange.ring(from, HOTEL).await
    }

    /// A tick passes, and what comes of it comes.
    pub(super) async fn passes(&self) {
        tokio::time::advance(TICK).await;
        self.settles().await;
    }

    async fn settles(&self) {
        self.hops().await;
        let mut waits = 0;
        let most = if self.is_whole() { WAITS } else { WAITS_ELSE };
        while waits < most && self.works() {
            std::thread::sleep(WAIT);
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
            waits += 1;
        }
        if waits > 0 {
            self.hops().await;
        }
    }

    async fn hops(&self) {
        for _ in 0..HOPS {
            for _ in 0..TURNS {
                tokio::task::yield_now().await;
            }
            self.way.is_through().await;
        }
    }

    /// Whether somebody thinks about a turn who is not held up.
    fn works(&self) -> bool {
        let is_held_up = self.wire.withholds() || self.model.withholds() || self.holds_store();
        matches!(self.seen.phase(), Some(Phase::Thinking)) && !is_held_up
    }

    /// Whether all that a turn leans on is there.
    fn is_whole(&self) -> bool {
        let presences = [&self.wire.presence, &self.model.presence];
        presences.iter().all(|presence| presence.now() == Loss::None) && !self.holds_store()
    }

    fn holds_store(&self) -> bool {
        self.lost.lock().expect("what was lost").is_some()
    }

    /// One that it leans on is lost.
    pub(super) async fn loses(&self, lost: Lost, loss: Loss) {
        match lost {
            Lost::Ears(_) => self.ears.presence.lose(loss),
            Lost::Voice(_) => self.voices.presence.lose(loss),
            Lost::Tools => self.wire.presence.lose(loss),
            Lost::Model => self.model.presence.lose(loss),
            Lost::Store => self.loses_store(loss).await,
        }
    }

    async fn loses_store(&self, loss: Loss) {
        *self.lost.lock().expect("what was lost") = Some(loss);
        let does = match loss {
            Loss::Slow | Loss::Hangs => "BEGIN IMMEDIATE",
            Loss::Error => "ALTER TABLE conversations RENAME TO mislaid",
            Loss::None | Loss::Refused | Loss::Cut | Loss::Garbage => {
                panic!("a store is not lost by {loss:?}")
            }
        };
        self.other.execute_unprepared(does).await.expect("a store that is lost");
    }

    /// The store is there again.
    pub(super) async fn has_store(&self) {
        let loss = self.lost.lock().expect("what was lost").take();
        let does = match loss {
            Some(Loss::Slow | Loss::Hangs) => "ROLLBACK",
            Some(Loss::Error) => "ALTER TABLE mislaid RENAME TO conversations",
            _ => return,
        };
        self.other.execute_unprepared(does).await.expect("a store that is there");
    }

    /// Something is done when the booking call is so far.
    pub(super) fn at_booking(&self, at: Booking, lost: Lost, loss: Loss) -> Arc<Mutex<bool>> {
        let came = Arc::new(Mutex::new(false));
        let (ears, voices, wire, model) = (
            self.ears.presence.clone(),
            self.voices.presence.clone(),
            self.wire.presence.clone(),
            self.model.presence.clone(),
        );
        let comes = Arc::clone(&came);
        self.wire.tells(move |booking| {
            if booking != at || std::mem::replace(&mut *comes.lock().expect("a flag"), true) {
                return;
            }
            match lost {
                Lost::Ears(_) => ears.lose(loss),
                Lost::Voice(_) => voices.lose(loss),
                Lost::Tools => wire.lose(loss),
                Lost::Model => model.lose(loss),
                // It is lost by whoever looks for this.
                Lost::Store => {}
            }
        });
        came
    }
}

/// How long a store that is slow is held.
pub(super) const HELD: Duration = LATER;

fn config(folder: &Folder, api: &str) -> Config {
    let variables = [
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_AUTH_TOKEN", TOKEN),
        ("INNKEEPER__SERVER__PUBLIC_URL", PUBLIC),
        ("INNKEEPER__TWILIO__BASE_URL", api),
        ("INNKEEPER__TWILIO__VOICE", "stream"),
        ("INNKEEPER__TWILIO__WHATSAPP_FROM", "+14155238886"),
        ("INNKEEPER__CALL__FRONT_DESK", DESK),
    ];
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let database = Some(folder.database_url().as_str().to_owned());
    let overrides = Overrides { database, ..Overrides::default() };
    Config::load(Some(Path::new("/dev/null")), variables.collect::<Vec<_>>(), overrides)
        .expect("a configuration")
}

fn exchange(config: &Config, clock: &Arc<dyn Clock>, calls: Calls) -> Exchange {
    let twilio = Arc::new(Twilio::new(config, Arc::clone(clock)).expect("an account"));
    let replies = Replies::new(Layers::embedded(), std::collections::BTreeMap::new()).expect("prompts");
    let words = Words::new(Arc::new(CurrentReplies::new(replies)), indexmap::IndexMap::new(), "en-US");
    let manner = How::new(config, Vec::new());
    let clock = Arc::clone(clock);
    let routes = routes(Webhooks { twilio, callee: Arc::new(calls), words, manner, clock });
    let (wire, listener) = pipe();
    tokio::spawn(async move { axum::serve(listener, routes).await });
    let account = Account { sid: ACCOUNT.to_owned(), token: TOKEN.to_owned(), public: PUBLIC.to_owned() };
    Exchange::new(wire, account, Manner { keeps_sound: false, ..Manner::default() })
}

impl Ears {
    /// As the configuration's defaults have them.
    fn adapter(self, double: &EarsDouble, clock: &Arc<dyn Clock>) -> Arc<dyn LiveRecogniser> {
        let key = SecretString::from(ears::KEY);
        let thresholds = Thresholds { end: 0.7, eager: Some(0.5), silence_ms: 5000 };
        let times = (Duration::from_millis(3000), Duration::from_millis(1000));
        let clock = Arc::clone(clock);
        match self {
            Self::Flux => Arc::new(
                Flux::new(&double.deepgram(), key, "flux-general-en", thresholds, times, clock)
                    .expect("an adapter"),
            ),
            Self::V1 => Arc::new(
                DeepgramEars::new(&double.deepgram(), key, "nova-3", thresholds, times, clock)
                    .expect("an adapter"),
            ),
            Self::Realtime => {
                let models = ("gpt-realtime", "gpt-transcribe");
                Arc::new(
                    Realtime::new(&double.openai(), Some(key), models, thresholds, times, clock)
                        .expect("an adapter"),
                )
            }
        }
    }
}

impl Voice {
    /// As the configuration's defaults have them, without what a voice remembers.
    fn adapter(self, double: &VoicesDouble, clock: &Arc<dyn Clock>) -> Arc<dyn LiveVoice> {
        let key = SecretString::from(voices::KEY);
        let limits = Limits { connect: Duration::from_millis(3000), silent: Duration::from_millis(1000) };
        let clock = Arc::clone(clock);
        match self {
            Self::Deepgram => {
                Arc::new(DeepgramLive::new(&double.deepgram(), &key, "aura-2-thalia-en", limits, clock))
            }
            Self::ElevenLabs => Arc::new(ElevenLabsLive::new(
                &double.elevenlabs(),
                key,
                "eleven_flash_v2_5",
                "a voice",
                limits,
                clock,
            )),
            Self::OpenAi => Arc::new(RealtimeLive::new(
                &double.openai(),
                Some(&key),
                "gpt-realtime",
                "marin",
                "Say exactly this.",
                limits,
                clock,
            )),
        }
    }
}
