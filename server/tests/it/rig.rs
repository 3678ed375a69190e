//! What the tests of the server's own tables and lanes are built on: a folder, a database, a clock.

use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use innkeeper::clock::ManualClock;
use innkeeper::config::DatabaseUrl;
use innkeeper::message::{ChannelName, Content, Gathered, GuestIds, GuestKey, Inbound, Media, Outgoing};
use innkeeper::store::{Database, Due};
use innkeeper::turn::{Answerer, Unanswered};
use innkeeper_engine::flow::Source;
use innkeeper_engine::runtime::{Answered, Commit, Logged, MessageOutcome, Store as _};
use innkeeper_engine::{Flows, Guest, Input, Moment, Position, Prompts, Tools, step};
use serde_json::json;
use tokio::sync::{Semaphore, watch};

/// A folder that is gone when the test is over.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("innkeeper-it-{}", uuid::Uuid::new_v4()));
        std::fs::create_dir(&path).expect("a folder for the test");
        Self(path)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    pub(crate) fn database_url(&self) -> DatabaseUrl {
        let url = format!("sqlite://{}", self.file("it.db").display());
        DatabaseUrl::parse(&url).expect("the address of a file")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// The instant at which every test begins.
pub(crate) fn morning() -> DateTime<Utc> {
    "2026-12-01T09:00:00Z".parse().expect("an instant")
}

pub(crate) fn standing_clock() -> ManualClock {
    ManualClock::new(morning())
}

/// A database in a file of that folder.
pub(crate) async fn database(folder: &Folder, clock: &ManualClock) -> Database {
    Database::open(&folder.database_url(), Arc::new(clock.clone())).await.expect("a database")
}

pub(crate) fn ana() -> GuestKey {
    GuestKey::new("whatsapp:+34600000001")
}

pub(crate) fn ben() -> GuestKey {
    GuestKey::new("whatsapp:+34600000002")
}

/// A text message as a channel reads it.
pub(crate) fn text_from(guest: &GuestKey, provider_id: &str, text: &str) -> Inbound {
    Inbound {
        channel: ChannelName::Twilio,
        provider_id: provider_id.to_owned(),
        guest: GuestIds::of(guest),
        address: guest.as_str().to_owned(),
        line: Some("whatsapp:+14155238886".to_owned()),
        phone: guest.as_str().strip_prefix("whatsapp:").map(str::to_owned),
        name: None,
        text: text.to_owned(),
        content: Content::Text,
        reply_to: None,
        referral: None,
        sent_at: None,
        raw: json!({"Body": text}),
    }
}

/// A file as a channel names it.
pub(crate) fn media(reference: &str, content_type: &str) -> Media {
    let content_type = content_type.to_owned();
    Media { reference: reference.to_owned(), content_type, sha256: None, voice: false }
}

/// A position: not over, or over.
pub(crate) fn position(over: bool) -> Position {
    let flows = tiny_flows();
    let over = if over {
        [Input::Event { name: "over".to_owned(), data: json!(null) }].to_vec()
    } else {
        Vec::new()
    };
    let inputs = std::iter::once(Input::Guest(Guest::default())).chain(over);
    let at = morning();
    inputs.fold(Position::start(&flows), |position, input| {
        step(&flows, position, input, Moment { at, today: at.date_naive() }).next
    })
}

/// A root chart that rests until it is told that it is over.
pub(crate) fn tiny_flows() -> Flows {
    let text = "flow: conversation\ndescription: Rests.\ninitial: open\nevents: [over]\non:\n  cancel: { target: open }\n  human: { target: open }\n  unclear: { target: open }\n  silence: { target: open }\nstates:\n  open: { wait: true, on: { over: { target: closed } } }\n  closed: { final: done }\n";
    let source = Source { file: "conversation.yaml".to_owned(), text: text.to_owned() };
    Flows::check(&[source], &Tools::default(), &Prompts::default())
        .unwrap_or_else(|mistakes| panic!("{mistakes}"))
}

/// The input of somebody who said something in the morning.
pub(crate) fn said(text: &str) -> Logged {
    let at = morning();
    let moment = Moment { at, today: at.date_naive() };
    Logged::new(moment, Input::Said { text: text.to_owned(), button: None })
}

/// How long a test waits for what must come about, on the busiest machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for something that other tasks bring about; gives up after a while that is long on any machine.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let wait = async {
        // Asking all the time would take the machine from those who bring it about.
        let mut ticks = tokio::time::interval(Duration::from_millis(2));
        while !is_so().await {
            ticks.tick().await;
        }
    };
    assert!(tokio::time::timeout(PATIENCE, wait).await.is_ok(), "it never came about that {what}");
}

/// An answerer that repeats what was said, one message a turn, through the store's own commit.
pub(crate) struct Parrot {
    store: Database,
    /// A turn waits here until it may go on; as many as one likes unless a test takes them away.
    pub(crate) gate: Semaphore,
    /// The faults of the next turns.
    pub(crate) faults: Mutex<VecDeque<Fault>>,
    heard: watch::Sender<Vec<Gathered>>,
    /// The conversations that were woken.
    pub(crate) woken: watch::Sender<Vec<Due>>,
}

/// What goes wrong in a turn.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Fault {
    Passing,
    Lasting,
    Panic,
    /// The guest said more before it was answered.
    Overtaken,
}

impl Parrot {
    pub(crate) fn new(store: Database) -> Arc<Self> {
        let (gate, faults) = (Semaphore::new(Semaphore::MAX_PERMITS), Mutex::default());
        Arc::new(Self {
            store,
            gate,
            faults,
            heard: watch::Sender::new(Vec::new()),
            woken: watch::Sender::new(Vec::new()),
        })
    }

    /// Lets no turn end until [`Self::let_go`].
    pub(crate) fn close_gate(&self) {
        self.gate.forget_permits(Semaphore::MAX_PERMITS);
    }

    /// Lets that many turns end.
    pub(crate) fn let_go(&self, turns: usize) {
        self.gate.add_permits(turns);
    }

    /// The turns that were begun, once there are that many.
    pub(crate) async fn turns(&self, count: usize) -> Vec<Gathered> {
        let mut heard = self.heard.subscribe();
        let turns = heard.wait_for(|turns| turns.len() >= count);
        let turns = tokio::time::timeout(PATIENCE, turns).await;
        turns.expect("turns in time").expect("turns").clone()
    }

    /// What was said in the turns that were begun, once there are that many.
    pub(crate) async fn texts(&self, count: usize) -> Vec<String> {
        self.turns(count).await.into_iter().map(|turn| turn.text).collect()
    }
}

#[async_trait]
impl Answerer for Parrot {
    async fn answer(&self, turn: &Gathered) -> Result<(), Unanswered> {
        self.heard.send_modify(|turns| turns.push(turn.clone()));
        self.gate.acquire().await.expect("an open gate").forget();
        let fault = self.faults.lock().expect("faults").pop_front();
        match fault {
            Some(Fault::Passing) => return Err(Unanswered::Passing("the line was busy".into())),
            Some(Fault::Lasting) => return Err(Unanswered::Lasting("nobody knows how".into())),
            Some(Fault::Overtaken) => return Err(Unanswered::Overtaken),
            Some(Fault::Panic) => unreachable!("a mistake in the program"),
            None => {}
        }
        let conversation = self.store.conversation(&turn.guest, turn.channel).await.expect("a conversation");
        let stored = self.store.load(conversation.as_str()).await.expect("no fault");
        let text = format!("You said: {}", turn.text);
        let commit = Commit {
            conversation: conversation.as_str(),
            expected: stored.map_or(0, |stored| stored.revision),
            position: &position(false),
            underway: None,
            log: &[said(&turn.text)],
            outgoing: vec![Outgoing {
                text,
                buttons: Vec::new(),
                says: vec![u32::try_from(turn.lead.0).expect("few messages")],
                ..Outgoing::default()
            }],
            remember: &[],
            answered: Some(Answered { message: &turn.lead.to_string(), outcome: MessageOutcome::Answered }),
        };
        self.store.commit(commit).await.map_err(|error| Unanswered::Lasting(Box::new(error)))
    }

    async fn wake(&self, due: &Due) -> Result<(), Unanswered> {
        self.woken.send_modify(|woken| woken.push(due.clone()));
        let until = self.store.put_off(due, None).await;
        until.map(|_| ()).map_err(|fault| Unanswered::Passing(Box::new(fault)))
    }

    fn apology(&self, _turn: &Gathered) -> Vec<Outgoing> {
        vec![Outgoing { text: "Sorry, a person will answer you.".to_owned(), ..Outgoing::default() }]
    }
}

/// Says something past the test's own output, which nobody sees when it passes.
pub(crate) fn loudly(line: &str) {
    use std::io::Write as _;
    std::io::stderr().write_all(format!("\n{line}\n\n").as_bytes()).expect("standard error");
}
