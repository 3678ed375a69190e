//! Time: guests who fall silent, flows that wait, and conversations that a person has.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use innkeeper::app::{self, SceneHotel};
use innkeeper::clock::{Clock, ManualClock};
use innkeeper::config::{Config, Overrides};
use innkeeper::conversation::{HandBack, Party, Receptionist, Said};
use innkeeper::inbox::{Inbox, Taken};
use innkeeper::llm::LanguageModel;
use innkeeper::message::{ChannelName, ConversationId, GuestIds, GuestKey, Inbound};
use innkeeper::reply::Medium;
use innkeeper::store::{Database, Outcome, Received};
use innkeeper::tools::HotelTools;
use innkeeper::turn::{Alarm, Answerer, Lanes, Pace};

use crate::rig::{Folder, PATIENCE, ana, morning, standing_clock, text_from, until};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);

/// A whole receptionist on WhatsApp, but for the sending, at a standing clock.
pub(crate) struct Night {
    clock: ManualClock,
    receptionist: Arc<Receptionist>,
    pub(crate) lanes: Lanes,
    pub(crate) inbox: Inbox,
    _hotel: SceneHotel,
}

impl Night {
    async fn open(folder: &Folder, clock: &ManualClock, flows: Option<PathBuf>) -> Self {
        Self::open_with(folder, clock, flows, None).await
    }

    /// The same with a language model.
    pub(crate) async fn open_with(
        folder: &Folder,
        clock: &ManualClock,
        flows: Option<PathBuf>,
        model: Option<Arc<dyn LanguageModel>>,
    ) -> Self {
        let overrides = Overrides {
            database: Some(folder.database_url().as_str().to_owned()),
            flows: flows.map(|flows| flows.display().to_string()),
            ..Overrides::default()
        };
        let config = Config::load(None, [], overrides).expect("a configuration");
        let shared: Arc<dyn Clock> = Arc::new(clock.clone());
        let hotel = SceneHotel::open(Arc::clone(&shared)).await.expect("a hotel");
        let tools = HotelTools::connect(hotel.address()).await.expect("tools");
        let house = app::house(&tools).await.expect("a house");
        let understander = app::understander_with(&config, &house, model).expect("a vocabulary");
        let zone = hotel.zone;
        let receptionist = app::receptionist(&config, tools, house, zone, Arc::clone(&shared), understander);
        let receptionist = Arc::new(receptionist.await.expect("a receptionist"));
        let answerer: Arc<dyn Answerer> = Arc::<Receptionist>::clone(&receptionist);
        let lanes = Lanes::new(receptionist.store.clone(), answerer, shared, Pace::CHAT);
        let inbox = Inbox::new(receptionist.store.clone(), lanes.clone());
        Self { clock: clock.clone(), receptionist, lanes, inbox, _hotel: hotel }
    }

    pub(crate) fn store(&self) -> &Database {
        &self.receptionist.store
    }

    fn alarm(&self) -> Alarm {
        let answerer: Arc<dyn Answerer> = Arc::<Receptionist>::clone(&self.receptionist);
        let clock: Arc<dyn Clock> = Arc::new(self.clock.clone());
        Alarm::new(self.store().clone(), clock, answerer, &[])
            .through(self.lanes.clone(), &[ChannelName::Twilio])
    }

    /// Ends once the message has its outcome. It ends in a sign that ends a sentence: nobody waits for more of it.
    pub(crate) async fn hear(&self, id: &str, text: &str) {
        match self.inbox.take(&text_from(&ana(), id, text)).await.expect("no fault") {
            Taken::Waits(receipt) => {
                tokio::time::timeout(PATIENCE, receipt.ended()).await.expect("an outcome in time");
            }
            Taken::Unanswered | Taken::Repeat => unreachable!("a new message waits"),
        }
        until("the lane is closed", async || self.lanes.open() == 0).await;
    }

    /// Somebody calls and displays a number, says this, and is cut off.
    pub(crate) async fn is_called_by(&self, number: &str, words: &str) {
        let guest = GuestKey::displayed(number).in_call("CA1");
        let inbound = Inbound {
            channel: ChannelName::Call,
            guest: GuestIds::Other(guest.clone()),
            address: number.to_owned(),
            ..text_from(&guest, "CA1:1", words)
        };
        let received = self.store().receive(&inbound).await.expect("a message");
        let Received::New(id) = received else { unreachable!("it is new") };
        let party = Party {
            guest,
            channel: ChannelName::Call,
            medium: Medium::Voice,
            language: "en".to_owned(),
            since: self.clock.now(),
            heard: None,
            last: None,
            written: None,
        };
        let said = Said::Message { id, text: words.to_owned(), button: None };
        self.receptionist.turn(&party, said, &mut |_| {}).await.expect("a turn");
    }

    /// What was said to the guest so far.
    pub(crate) async fn said(&self) -> Vec<String> {
        let rows = self.store().outgoing_to(&ana()).await.expect("rows");
        rows.into_iter().map(|row| row.text).collect()
    }

    /// Lets time pass and the alarm ring; says in how many minutes it rings next.
    async fn pass(&self, time: Duration) -> Option<i64> {
        self.clock.advance(time);
        let next = self.alarm().ring().await.expect("no fault");
        until("every lane is closed", async || self.lanes.open() == 0).await;
        next.map(|next| (next - self.clock.now() + TimeDelta::seconds(30)).num_minutes())
    }

    async fn open_conversation(&self) -> Option<ConversationId> {
        self.store().active_conversation(&ana()).await.expect("no fault")
    }
}

#[tokio::test]
async fn a_guest_who_falls_silent_is_reminded_once_and_then_let_go() {
    let (folder, clock) = (Folder::new(), standing_clock());
    let night = Night::open(&folder, &clock, None).await;
    night.hear("SM1", "I need a room for tomorrow, please.").await;
    assert_eq!(night.said().await.len(), 1);
    assert_eq!(night.pass(9 * MINUTE).await, Some(1), "ten minutes after the question");
    assert_eq!(night.said().await.len(), 1);
    assert_eq!(night.pass(MINUTE).await, Some(30), "and half an hour after the reminder");
    let said = night.said().await;
    assert!(said.len() == 2 && said[1].starts_with("Are you still there?"), "{said:?}");
    assert_eq!(night.pass(30 * MINUTE).await, None);
    let said = night.said().await;
    assert!(said.len() == 3 && said[2].starts_with("I'll leave it here"), "{said:?}");
    assert_eq!(night.open_conversation().await, None, "it is over");
    assert_eq!(night.pass(5 * HOUR).await, None);
    assert_eq!(night.said().await.len(), 3);
}

#[tokio::test]
async fn who_was_asked_nothing_is_not_reminded() {
    let (folder, clock) = (Folder::new(), standing_clock());
    let night = Night::open(&folder, &clock, None).await;
    night.hear("SM1", "Good morning!").await;
    assert_eq!(night.pass(5 * HOUR).await, None);
    assert_eq!(night.said().await.len(), 1);
}

#[tokio::test]
async fn a_guest_who_writes_in_time_is_not_reminded() {
    let (folder, clock) = (Folder::new(), standing_clock());
    let night = Night::open(&folder, &clock, None).await;
    night.hear("SM1", "I need a room for tomorrow, please.").await;
    assert_eq!(night.pass(9 * MINUTE).await, Some(1));
    night.hear("SM2", "For two nights.").await;
    assert_eq!(night.pass(9 * MINUTE).await, Some(1), "it counts from the last question");
    assert_eq!(night.said().await.len(), 2);
}

#[tokio::test]
async fn silence_survives_a_restart_and_ends_with_the_day() {
    let (folder, clock) = (Folder::new(), standing_clock());
    let before = Night::open(&folder, &clock, None).await;
    before.hear("SM1", "I need a room for tomorrow, please.").await;
    before.store().close().await.expect("closed");
    drop(before);
    let after = Night::open(&folder, &clock, None).await;
    assert_eq!(after.pass(22 * HOUR).await, Some(30));
    assert_eq!(after.said().await.len(), 2, "the question and the reminder");
    assert_eq!(after.pass(2 * HOUR).await, None, "WhatsApp delivers nothing that late");
    assert_eq!(after.said().await.len(), 2);
    assert!(after.open_conversation().await.is_some(), "and the guest can still go on");
    after.hear("SM2", "For two nights.").await;
    assert_eq!(after.said().await.len(), 3);
}

#[tokio::test]
async fn the_alarm_rings_by_itself() {
    let (folder, clock) = (Folder::new(), standing_clock());
    let night = Night::open(&folder, &clock, None).await;
    let ringing = tokio::spawn(night.alarm().run());
    night.hear("SM1", "I need a room for tomorrow, please.").await;
    until("the guest was reminded", async || {
        clock.advance(MINUTE);
        night.said().await.len() == 2
    })
    .await;
    let waited = clock.now() - morning();
    assert!(waited >= TimeDelta::minutes(10), "{waited}");
    ringing.abort();
}

#[tokio::test]
async fn a_delayed_transition_is_taken_in_time() {
    let folder = Folder::new();
    let flows = folder.file("flows");
    std::fs::create_dir(&flows).expect("a folder");
    let chart = include_str!("../../../flows/conversation.yaml");
    let waiting = chart
        .replace("    wait: true\n", "    wait: true\n    after: { 15m: { say: that_is_all } }\n")
        .replace("thank:  { say: anything_else }", "thank:  { say: anything_else, target: idle }");
    assert!(waiting.contains("after:") && waiting.contains("say: anything_else, target: idle"), "{waiting}");
    std::fs::write(flows.join("conversation.yaml"), waiting).expect("a file");
    let clock = standing_clock();
    let night = Night::open(&folder, &clock, Some(flows)).await;
    night.hear("SM1", "Thank you!").await;
    assert_eq!(night.pass(14 * MINUTE).await, Some(1));
    assert_eq!(night.said().await.len(), 1);
    assert_eq!(night.pass(MINUTE).await, None);
    let said = night.said().await;
    assert!(said.len() == 2 && said[1].starts_with("All right."), "{said:?}");
}

#[tokio::test]
async fn what_a_guest_writes_to_a_person_is_kept_and_not_answered() {
    let (folder, clock) = (Folder::new(), standing_clock());
    let night = Night::open(&folder, &clock, None).await;
    night.hear("SM1", "I need a room for tomorrow, please.").await;
    night.hear("SM2", "Can I speak to a human?").await;
    assert_eq!(night.said().await.len(), 2);
    night.hear("SM3", "Are you there?").await;
    assert_eq!(night.pass(5 * HOUR).await, None, "nobody is reminded");
    assert_eq!(night.said().await.len(), 2);
    let outcomes = night.store().outcomes().await.expect("counts");
    assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), [(Outcome::Answered, 1), (Outcome::HandedOver, 2)]);
    let conversation = night.open_conversation().await.expect("it goes on");
    let given_back = night
        .receptionist
        .hand_back(&conversation, &HandBack::default())
        .await
        .expect("no fault")
        .expect("given back");
    assert_eq!(given_back.conversation, conversation);
    let said = night.said().await;
    assert!(said.len() == 3 && said[2].contains("until when would you like to stay"), "{said:?}");
    assert!(
        night.receptionist.hand_back(&conversation, &HandBack::default()).await.expect("no fault").is_none(),
        "nobody has it"
    );
    assert_eq!(night.pass(10 * MINUTE).await, Some(30), "the question is open again");
}
