//! Several programs on one database: a guest is one program's at a time, and nobody's messages are left behind.

use std::sync::Arc;
use std::time::Duration;

use innkeeper::channel::twilio::{Missed, Twilio};
use innkeeper::clock::ManualClock;
use innkeeper::config::{Config, Overrides};
use innkeeper::inbox::{Inbox, Taken};
use innkeeper::message::{ChannelName, MessageId};
use innkeeper::store::{Begun, Database, Outcome};
use innkeeper::turn::{Lanes, Pace};

use crate::rig::{Folder, Parrot, ana, ben, database, standing_clock, text_from, until};
use crate::support::twilio::{ACCOUNT, PUBLIC, SENDER, TOKEN, TwilioDouble, message};

const LEASE: Duration = Duration::from_secs(5);

/// One of several programs.
struct Program {
    store: Database,
    parrot: Arc<Parrot>,
    lanes: Lanes,
    inbox: Inbox,
}

impl Program {
    async fn start(folder: &Folder, clock: &ManualClock) -> Self {
        let store = database(folder, clock).await;
        store.enrol(LEASE, LEASE).await.expect("no fault");
        let parrot = Parrot::new(store.clone());
        let lanes = Lanes::new(store.clone(), parrot.clone(), Arc::new(clock.clone()), Pace::CHAT);
        let inbox = Inbox::new(store.clone(), lanes.clone());
        Self { store, parrot, lanes, inbox }
    }

    async fn take(&self, id: &str, text: &str) {
        let taken = self.inbox.take(&text_from(&ana(), id, text)).await.expect("no fault");
        assert!(matches!(taken, Taken::Waits(_)));
    }

    async fn recover(&self) -> usize {
        self.inbox.recover(&[ChannelName::Twilio]).await.expect("no fault")
    }

    async fn said(&self) -> Vec<String> {
        let rows = self.store.outgoing_to(&ana()).await.expect("rows");
        rows.into_iter().map(|row| row.text).collect()
    }

    async fn is_done(&self) {
        until("nothing is pending", async || {
            let outcomes = self.store.outcomes().await.expect("counts");
            !outcomes.contains_key(&Outcome::Pending) && self.lanes.open() == 0
        })
        .await;
    }
}

#[tokio::test]
async fn a_guest_is_one_programs_until_it_is_no_longer_heard_of() {
    let (folder, clock) = (Folder::new(), standing_clock());
    let one = Program::start(&folder, &clock).await;
    let other = Program::start(&folder, &clock).await;
    assert!(one.store.take_guest(&ana()).await.expect("no fault"));
    assert!(!other.store.take_guest(&ana()).await.expect("no fault"));
    assert!(other.store.take_guest(&ben()).await.expect("no fault"));
    clock.advance(LEASE - Duration::from_millis(1));
    other.store.renew().await.expect("no fault");
    assert!(!other.store.take_guest(&ana()).await.expect("no fault"), "it may still be alive");
    clock.advance(Duration::from_millis(1));
    assert!(other.store.take_guest(&ana()).await.expect("no fault"));
    one.store.renew().await.expect("no fault");
    assert!(
        !one.store.take_guest(&ana()).await.expect("no fault"),
        "it was only thought dead, and came too late"
    );
}

#[tokio::test]
async fn who_is_on_the_telephone_is_known_to_every_program_until_they_hang_up_or_theirs_is_gone() {
    let (folder, clock) = (Folder::new(), standing_clock());
    let one = Program::start(&folder, &clock).await;
    let other = Program::start(&folder, &clock).await;
    let elsewhere = async |program: &Program| program.store.calls_elsewhere(&ana()).await.expect("no fault");
    // Whose the guest's messages are has nothing to do with it.
    assert!(other.store.take_guest(&ana()).await.expect("no fault"));
    one.store.is_called_by(&ana()).await.expect("no fault");
    assert_eq!((elsewhere(&one).await, elsewhere(&other).await), (false, true));
    assert!(other.store.take_guest(&ana()).await.expect("no fault"), "they are still the other's");
    one.store.has_hung_up(&ana()).await.expect("no fault");
    assert!(!elsewhere(&other).await);
    one.store.is_called_by(&ana()).await.expect("no fault");
    clock.advance(LEASE);
    other.store.renew().await.expect("no fault");
    assert!(!elsewhere(&other).await, "the program that had the call is gone");
}

#[tokio::test]
async fn a_program_that_stops_leaves_its_guests_at_once() {
    let (folder, clock) = (Folder::new(), standing_clock());
    let one = Program::start(&folder, &clock).await;
    let other = Program::start(&folder, &clock).await;
    assert!(one.store.take_guest(&ana()).await.expect("no fault"));
    one.store.resign().await.expect("no fault");
    assert!(other.store.take_guest(&ana()).await.expect("no fault"));
    assert!(!one.store.take_guest(&ben()).await.expect("no fault"), "it takes part no longer");
}

#[tokio::test]
async fn what_comes_to_another_program_is_answered_by_the_one_that_has_the_guest() {
    let (folder, clock) = (Folder::new(), standing_clock());
    let one = Program::start(&folder, &clock).await;
    let other = Program::start(&folder, &clock).await;
    one.take("1", "A room, please.").await;
    one.is_done().await;
    other.take("2", "With a view.").await;
    assert_eq!((other.recover().await, other.lanes.open()), (0, 0), "the guest is the other's");
    assert_eq!(one.recover().await, 1);
    one.is_done().await;
    assert_eq!(one.said().await, ["You said: A room, please.", "You said: With a view."]);
    assert_eq!(one.parrot.turns(2).await.len(), 2);
}

#[tokio::test]
async fn what_was_written_down_before_is_answered_before() {
    let (folder, clock) = (Folder::new(), standing_clock());
    let one = Program::start(&folder, &clock).await;
    let other = Program::start(&folder, &clock).await;
    assert!(one.store.take_guest(&ana()).await.expect("no fault"));
    other.take("1", "First.").await;
    one.take("2", "Second.").await;
    one.is_done().await;
    assert_eq!(one.said().await, ["You said: First.", "You said: Second."]);
    assert_eq!(one.recover().await, 0, "both were answered");
}

#[tokio::test]
async fn a_turn_is_begun_by_nobody_but_the_program_that_has_the_guest() {
    let (folder, clock) = (Folder::new(), standing_clock());
    let one = Program::start(&folder, &clock).await;
    let other = Program::start(&folder, &clock).await;
    one.parrot.close_gate();
    one.take("1", "A room, please.").await;
    one.parrot.turns(1).await;
    let begun = other.store.begin_next_turn(MessageId(1), &[]).await.expect("no fault");
    assert_eq!(begun, Begun::Elsewhere);
    // The one hangs until it counts as dead; then the other answers, and what the one says comes too late.
    clock.advance(LEASE);
    other.store.renew().await.expect("no fault");
    assert_eq!(other.recover().await, 1);
    other.is_done().await;
    one.parrot.let_go(1);
    until("the one has seen it", async || one.lanes.open() == 0 || clock.sleepers() > 0).await;
    assert_eq!(other.said().await, ["You said: A room, please."]);
}

/// Looks for messages that did not come to a program.
fn missed_by(program: &Program, double: &TwilioDouble, clock: &ManualClock) -> Missed {
    let environment = [
        ("TWILIO_ACCOUNT_SID", ACCOUNT),
        ("TWILIO_AUTH_TOKEN", TOKEN),
        ("INNKEEPER__SERVER__PUBLIC_URL", PUBLIC),
        ("INNKEEPER__TWILIO__WHATSAPP_FROM", SENDER.trim_start_matches("whatsapp:")),
        ("INNKEEPER__TWILIO__BASE_URL", &double.base_url()),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let config = Config::load(None, environment, Overrides::default()).expect("a configuration");
    let twilio = Arc::new(Twilio::new(&config, Arc::new(clock.clone())).expect("an account"));
    Missed::new(twilio, program.inbox.clone(), program.store.clone(), Duration::from_secs(300))
}

#[tokio::test]
async fn a_message_that_did_not_come_is_fetched_once() {
    let (folder, clock) = (Folder::new(), standing_clock());
    let program = Program::start(&folder, &clock).await;
    let double = TwilioDouble::start_on(clock.clone()).await;
    let missed = missed_by(&program, &double, &clock);
    double.note_heard(&message("7", ana().as_str(), "A room, please."));
    assert_eq!(missed.look(None).await.expect("an answer"), 0, "it may still come by itself");
    clock.advance(Duration::from_secs(30));
    program.store.renew().await.expect("no fault");
    assert_eq!(missed.look(None).await.expect("an answer"), 1);
    program.is_done().await;
    assert_eq!(missed.look(None).await.expect("an answer"), 0);
    assert_eq!(program.said().await, ["You said: A room, please."]);
    let sid = format!("SM{:0>32}", 7);
    let webhook = program.inbox.take(&text_from(&ana(), &sid, "A room, please.")).await.expect("no fault");
    assert!(matches!(webhook, Taken::Repeat), "its webhook comes after all");
}

#[tokio::test]
async fn what_did_not_come_is_fetched_from_every_page_and_answered_in_the_order_it_was_sent() {
    let (folder, clock) = (Folder::new(), standing_clock());
    let program = Program::start(&folder, &clock).await;
    let double = TwilioDouble::start_on(clock.clone()).await;
    double.rules(|rules| rules.page = 2);
    let missed = missed_by(&program, &double, &clock);
    for number in 1..=7 {
        double.note_heard(&message(&number.to_string(), ana().as_str(), &format!("Number {number}.")));
        clock.advance(Duration::from_secs(1));
    }
    clock.advance(Duration::from_secs(30));
    program.store.renew().await.expect("no fault");
    assert_eq!(missed.look(None).await.expect("an answer"), 7, "four pages");
    program.is_done().await;
    assert_eq!(missed.look(None).await.expect("an answer"), 0);
    let said: Vec<String> =
        program.said().await.iter().flat_map(|said| said.lines()).map(str::to_owned).collect();
    let numbers: Vec<&str> = said.iter().map(|line| line.trim_start_matches("You said: ")).collect();
    assert_eq!(numbers, (1..=7).map(|number| format!("Number {number}.")).collect::<Vec<_>>());
}
