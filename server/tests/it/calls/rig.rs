//! A hotel that answers the telephone, a clock that stands until it is moved, and somebody who calls over words.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use innkeeper::app::{self, SceneHotel};
use innkeeper::call::{Calls, Phase, Seen, Witness};
use innkeeper::channel::line::{Call, Callee as _, Caller, Control, ControlFault, FromWords, Line, ToWords};
use innkeeper::clock::{Clock, ManualClock};
use innkeeper::config::{Config, Overrides};
use innkeeper::conversation::Receptionist;
use innkeeper::message::{ChannelName, GuestIds, GuestKey};
use innkeeper::store::{Database, OutboxRow, Status};
use innkeeper::tools::HotelTools;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::rig::{Folder, PATIENCE, database, standing_clock};

/// So many letters a second are spoken.
const RATE: u64 = 14;

/// The hotel's number on WhatsApp.
pub(crate) const WHATSAPP: &[(&str, &str)] = &[("INNKEEPER__TWILIO__WHATSAPP_FROM", "+14155238886")];

/// A hotel that answers the telephone.
pub(crate) struct Hotel {
    pub(crate) clock: ManualClock,
    pub(crate) receptionist: Arc<Receptionist>,
    pub(crate) hotel: SceneHotel,
    pub(crate) calls: Calls,
    pub(crate) seen: Arc<Watched>,
    folder: Folder,
}

/// What was seen of calls.
#[derive(Debug)]
pub(crate) struct Watched {
    pub(crate) lines: Mutex<Vec<String>>,
    phase: watch::Sender<Phase>,
}

impl Witness for Watched {
    fn saw(&self, _call: &str, seen: Seen<'_>) {
        if let Seen::Phase(phase) = seen {
            self.phase.send_replace(phase);
        } else {
            self.lines.lock().expect("lines").push(format!("{seen:?}"));
        }
    }
}

/// What was done to a call.
#[derive(Debug, Default)]
pub(crate) struct Switch {
    pub(crate) done: Mutex<Vec<&'static str>>,
    pub(crate) has_desk: bool,
}

#[async_trait]
impl Control for Switch {
    async fn hang_up(&self) -> Result<(), ControlFault> {
        self.done.lock().expect("a list").push("hung up");
        Ok(())
    }

    async fn transfer(&self) -> Result<(), ControlFault> {
        if !self.has_desk {
            return Err(ControlFault::Unable { reason: "nobody is there".to_owned() });
        }
        self.done.lock().expect("a list").push("transferred");
        Ok(())
    }
}

impl Hotel {
    pub(crate) async fn open() -> Self {
        Self::with(|address| address).await
    }

    /// The same where WhatsApp is set up, too.
    pub(crate) async fn on_whatsapp() -> Self {
        Self::with_flows(|address| address, WHATSAPP, None).await
    }

    /// The same with another way to the hotel's tools.
    pub(crate) async fn with(
        way: impl FnOnce(innkeeper::tools::Address) -> innkeeper::tools::Address,
    ) -> Self {
        Self::with_flows(way, &[], None).await
    }

    /// The same with settings, and with flows of its own.
    pub(crate) async fn with_flows(
        way: impl FnOnce(innkeeper::tools::Address) -> innkeeper::tools::Address,
        settings: &[(&str, &str)],
        flow: Option<(&str, &str)>,
    ) -> Self {
        let folder = Folder::new();
        let clock = standing_clock();
        let flows = flow.map(|(name, text)| {
            let flows = folder.file("flows");
            std::fs::create_dir(&flows).expect("a folder");
            std::fs::write(flows.join(name), text).expect("a file");
            flows.display().to_string()
        });
        let database = Some(folder.database_url().as_str().to_owned());
        let overrides = Overrides { database, flows, ..Overrides::default() };
        let settings = settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let config = Config::load(Some(Path::new("/dev/null")), settings.collect::<Vec<_>>(), overrides);
        let config = config.expect("a configuration");
        let time: Arc<dyn Clock> = Arc::new(clock.clone());
        let hotel = SceneHotel::open(Arc::clone(&time)).await.expect("a hotel");
        let tools = HotelTools::connect(way(hotel.address())).await.expect("tools");
        let house = app::house(&tools).await.expect("a house");
        let understander = app::understander_with(&config, &house, None).expect("an understander");
        let receptionist = app::receptionist(&config, tools, house, hotel.zone, time, understander).await;
        let receptionist = Arc::new(receptionist.unwrap_or_else(|fault| panic!("{fault}")));
        let seen = Arc::new(Watched { lines: Mutex::default(), phase: watch::Sender::new(Phase::Listening) });
        let watching = Arc::clone(&seen) as Arc<dyn Witness>;
        let calls = Calls::new(Arc::clone(&receptionist), config.call).watched_by(watching);
        Self { clock, receptionist, hotel, calls, seen, folder }
    }

    /// The database as another program on it has it.
    pub(crate) async fn another_program(&self) -> Database {
        database(&self.folder, &self.clock).await
    }

    /// Everything that was spoken to anybody, in order.
    pub(crate) async fn spoken(&self, guest: &GuestKey) -> Vec<OutboxRow> {
        let rows = self.receptionist.store.outgoing_to(guest).await.expect("rows");
        rows.into_iter().filter(|row| row.channel == "call").collect()
    }

    pub(crate) async fn bookings(&self) -> Vec<String> {
        self.hotel.bookings().await.expect("bookings")
    }

    /// Whose turn it is.
    pub(crate) fn phase(&self) -> Phase {
        *self.seen.phase.borrow()
    }

    /// Waits until it is somebody's turn.
    pub(crate) async fn is(&self, phase: Phase) {
        let mut phases = self.seen.phase.subscribe();
        let wait = phases.wait_for(|now| *now == phase);
        let waited = tokio::time::timeout(PATIENCE, wait).await.map(|found| found.is_ok());
        let lines = self.seen.lines.lock().expect("lines").join("\n");
        assert_eq!(waited, Ok(true), "it never was {phase:?}:\n{lines}");
    }

    /// Somebody calls whose number the channel vouches for.
    pub(crate) fn rings(&self, id: &str, number: &str) -> Telephone {
        self.rings_with(id, caller(number), Switch::default())
    }

    pub(crate) fn rings_with(&self, id: &str, caller: Caller, switch: Switch) -> Telephone {
        let (to_us, signals) = mpsc::channel(64);
        let (orders, from_us) = mpsc::channel(64);
        let control = Arc::new(switch);
        let call = Call {
            id: id.to_owned(),
            channel: ChannelName::Call,
            caller,
            control: Arc::<Switch>::clone(&control) as Arc<dyn Control>,
            line: Line::Words { signals, orders },
        };
        let calls = self.calls.clone();
        let task = tokio::spawn(async move { calls.take(call).await });
        Telephone { clock: self.clock.clone(), signals: to_us, orders: from_us, control, task }
    }
}

/// A caller on WhatsApp.
pub(crate) fn caller(number: &str) -> Caller {
    Caller {
        guest: GuestIds::on_whatsapp(None, Some(number)).expect("a number"),
        verified: Some(number.to_owned()),
        displayed: Some(number.to_owned()),
        line: Some("whatsapp:+14155238886".to_owned()),
    }
}

/// A caller of whom only a number is displayed.
pub(crate) fn stranger(number: &str) -> Caller {
    Caller {
        guest: GuestIds::Other(GuestKey::displayed(number)),
        verified: None,
        displayed: Some(number.to_owned()),
        line: Some("+14155238886".to_owned()),
    }
}

/// How a caller's end of a line looks: it hears and speaks by itself.
pub(crate) struct Telephone {
    clock: ManualClock,
    pub(crate) signals: mpsc::Sender<FromWords>,
    orders: mpsc::Receiver<ToWords>,
    pub(crate) control: Arc<Switch>,
    pub(crate) task: JoinHandle<()>,
}

impl Telephone {
    pub(crate) async fn signal(&self, signal: FromWords) {
        self.signals.send(signal).await.expect("a call");
    }

    /// The words of the next thing that is said, before any of it is played.
    pub(crate) async fn gets(&mut self) -> String {
        let mut words = String::new();
        loop {
            let order = tokio::time::timeout(PATIENCE, self.orders.recv()).await;
            match order.expect("something is said").expect("a call") {
                ToWords::Say { text, last, .. } => {
                    words.push_str(&text);
                    if last {
                        return words;
                    }
                }
                ToWords::End { .. } => return "(the end)".to_owned(),
            }
        }
    }

    /// Plays words, and says so.
    pub(crate) async fn plays(&self, words: &str) {
        self.signal(FromWords::Speaking(true)).await;
        self.clock.advance(Duration::from_millis(1000 * words.len() as u64 / RATE));
        self.signal(FromWords::Played(words.to_owned())).await;
        self.signal(FromWords::Speaking(false)).await;
        self.settles().await;
    }

    /// Lets the call take what it was signalled before time goes on.
    pub(crate) async fn settles(&self) {
        for _ in 0..50 {
            tokio::task::yield_now().await;
        }
    }

    /// The next thing that is said that is more than a sign of patience, played to its end.
    pub(crate) async fn is_answered(&mut self) -> String {
        loop {
            let said = self.hears().await;
            if !said.starts_with("One moment") && !said.ends_with("one more moment.") {
                return said;
            }
        }
    }

    /// The next thing that is said, played to its end.
    pub(crate) async fn hears(&mut self) -> String {
        let words = self.gets().await;
        self.plays(&words).await;
        words
    }

    /// The caller says something, all of it.
    pub(crate) async fn says(&self, words: &str) {
        self.clock.advance(Duration::from_millis(300));
        self.signal(FromWords::Said { text: words.to_owned(), last: false }).await;
        self.clock.advance(Duration::from_millis(500));
        self.signal(FromWords::Said { text: words.to_owned(), last: true }).await;
    }

    /// The caller says something while words are played of which so many letters were heard.
    pub(crate) async fn interrupts(&self, heard: &str, words: &str) {
        self.signal(FromWords::Speaking(true)).await;
        self.clock.advance(Duration::from_millis(1000 * heard.len() as u64 / RATE));
        let heard = heard.to_owned();
        self.signal(FromWords::Interrupted { heard, after: None }).await;
        self.signal(FromWords::Speaking(false)).await;
        self.clock.advance(Duration::from_millis(500));
        self.signal(FromWords::Said { text: words.to_owned(), last: true }).await;
    }

    /// Hangs up; returns once the call is over.
    pub(crate) async fn hangs_up(self) {
        self.signal(FromWords::Stopped).await;
        self.ends().await;
    }

    /// Waits until the call is over.
    pub(crate) async fn ends(self) {
        tokio::time::timeout(PATIENCE, self.task).await.expect("an end").expect("no panic");
    }
}

/// What became of what was said, a line each.
pub(crate) fn record(rows: &[OutboxRow]) -> Vec<String> {
    let line = |row: &OutboxRow| match row.status {
        Status::Sent => format!("heard: {}", row.text),
        Status::Cut => {
            format!("cut ({}): {:?} of {}", row.error.as_deref().unwrap_or(""), row.words(), row.text)
        }
        other => format!("{}: {}", other.as_str(), row.text),
    };
    rows.iter().map(line).collect()
}
