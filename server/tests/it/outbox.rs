//! The outbox: in order, at most once, and never silently lost. Over HTTP, against a double of Twilio.

use std::sync::Arc;
use std::time::Duration;

use innkeeper::channel::twilio::{Twilio, meaning};
use innkeeper::channel::{Channel, Delivery, Report};
use innkeeper::clock::ManualClock;
use innkeeper::config::{Config, Overrides};
use innkeeper::message::{Button, ChannelName, GuestKey, MessageId, Outgoing, OutgoingId};
use innkeeper::outbox::{Outbox, fitting};
use innkeeper::store::{Database, OutboxRow, Outcome, Received, Status};
use tokio::task::JoinHandle;

use crate::rig::{Folder, PATIENCE, ana, ben, database, morning, standing_clock, text_from, until};
use crate::support::twilio::{ACCOUNT, Mood, PUBLIC, SENDER, TOKEN, TwilioDouble};

/// How long a program that is not heard of keeps its guests, and how long a try may be on its way.
const LEASE: Duration = Duration::from_secs(5);
const SENDING: Duration = Duration::from_secs(11);

/// An outbox that sends to the double.
struct Post {
    clock: ManualClock,
    store: Database,
    twilio: TwilioDouble,
    outbox: Arc<Outbox>,
    sender: JoinHandle<()>,
    folder: Arc<Folder>,
}

impl Post {
    async fn open() -> Self {
        let twilio = TwilioDouble::start(morning()).await;
        Self::open_in(Arc::new(Folder::new()), twilio).await
    }

    async fn open_in(folder: Arc<Folder>, twilio: TwilioDouble) -> Self {
        let clock = standing_clock();
        let store = database(&folder, &clock).await;
        Self::of(folder, twilio, clock, store)
    }

    /// The same as one of several programs that can be on the database.
    async fn enrolled_in(folder: Arc<Folder>, twilio: TwilioDouble) -> Self {
        let clock = standing_clock();
        let store = database(&folder, &clock).await;
        store.enrol(LEASE, SENDING).await.expect("no fault");
        Self::of(folder, twilio, clock, store)
    }

    fn of(folder: Arc<Folder>, twilio: TwilioDouble, clock: ManualClock, store: Database) -> Self {
        let outbox = Arc::new(Outbox::new(store.clone(), Arc::new(clock.clone()), [channel(&twilio)]));
        let sender = tokio::spawn(Arc::clone(&outbox).run());
        Self { clock, store, twilio, outbox, sender, folder }
    }

    /// Says these to a guest, one message each.
    async fn say(&self, guest: &GuestKey, texts: &[&str]) {
        let id = uuid::Uuid::new_v4().to_string();
        let Received::New(message) =
            self.store.receive(&text_from(guest, &id, "hello")).await.expect("no fault")
        else {
            unreachable!("it is new");
        };
        self.answer(message, texts).await;
    }

    async fn answer(&self, message: MessageId, texts: &[&str]) {
        let turn = self.store.begin_turn(message, &[]).await.expect("no fault").expect("a turn");
        let said: Vec<Outgoing> =
            texts.iter().map(|text| Outgoing { text: (*text).to_owned(), ..Outgoing::default() }).collect();
        self.store.give_up(&turn, Outcome::Answered, None, &said).await.expect("no fault");
    }

    async fn rows(&self, guest: &GuestKey) -> Vec<OutboxRow> {
        self.store.outgoing_to(guest).await.expect("rows")
    }

    async fn statuses(&self, guest: &GuestKey) -> Vec<Status> {
        self.rows(guest).await.into_iter().map(|row| row.status).collect()
    }

    async fn becomes(&self, guest: &GuestKey, statuses: &[Status]) {
        until(&format!("messages are {statuses:?}"), async || self.statuses(guest).await == statuses).await;
    }

    /// Moves on to the time at which the outbox wants to try again.
    async fn later(&self, duration: Duration) {
        tokio::time::timeout(PATIENCE, self.clock.waited_for(1)).await.expect("the outbox waits");
        self.clock.advance(duration);
        self.twilio.set_now(morning() + chrono::TimeDelta::from_std(duration).expect("a while"));
    }

    async fn report(&self, id: i64, sid: &str, delivery: Delivery) {
        let refusal = (delivery == Delivery::Failed).then(|| meaning(63024));
        let report = Report { provider_id: sid.to_owned(), delivery, refusal };
        self.outbox.report(ChannelName::Twilio, OutgoingId(id), &report).await.expect("no fault");
    }

    /// Ends as a crash does.
    async fn crash(self) -> (Arc<Folder>, TwilioDouble) {
        self.sender.abort();
        let _ = self.sender.await;
        self.store.close().await.expect("closed");
        (self.folder, self.twilio)
    }
}

fn channel(twilio: &TwilioDouble) -> Arc<dyn Channel> {
    let clock = Arc::new(twilio.clock.clone());
    Arc::new(Twilio::new(&config(twilio, "rest", 10_000), clock).expect("an account"))
}

pub(crate) fn config(twilio: &TwilioDouble, reply: &str, timeout_ms: u64) -> Config {
    let variables = [
        ("TWILIO_ACCOUNT_SID", ACCOUNT.to_owned()),
        ("TWILIO_AUTH_TOKEN", TOKEN.to_owned()),
        ("INNKEEPER__TWILIO__BASE_URL", twilio.base_url()),
        ("INNKEEPER__TWILIO__REPLY", reply.to_owned()),
        ("INNKEEPER__TWILIO__TIMEOUT_MS", timeout_ms.to_string()),
        ("INNKEEPER__SERVER__PUBLIC_URL", PUBLIC.to_owned()),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value));
    Config::load(None, variables, Overrides::default()).expect("a configuration")
}

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn what_is_said_is_sent_in_order() {
    let post = Post::open().await;
    post.say(&ana(), &["one", "two", "three"]).await;
    post.becomes(&ana(), &[Status::Sent; 3]).await;
    assert_eq!(post.twilio.phone_of(ana().as_str()), ["one", "two", "three"]);
    let asked = post.twilio.asked_so_far();
    assert_eq!((asked[0].from.as_str(), asked[0].to.as_str()), (SENDER, ana().as_str()));
    let rows = post.rows(&ana()).await;
    assert_eq!(asked[0].report_to, format!("{PUBLIC}/twilio/status?m={}", rows[0].id));
    let sids: Vec<String> = rows.into_iter().filter_map(|row| row.provider_id).collect();
    assert_eq!(sids, post.twilio.sids());
}

#[tokio::test]
async fn a_message_that_must_wait_holds_up_its_guest_and_nobody_else() {
    let post = Post::open().await;
    post.twilio.moods([Mood::Busy(30)]);
    post.say(&ana(), &["one", "two"]).await;
    post.twilio.asked(1).await;
    post.say(&ben(), &["for ben"]).await;
    post.becomes(&ben(), &[Status::Sent]).await;
    post.becomes(&ana(), &[Status::Queued; 2]).await;
    post.later(Duration::from_secs(29)).await;
    until("it waits still", async || post.clock.sleepers() == 1).await;
    assert_eq!(post.twilio.asked_so_far().len(), 2, "the provider wants thirty seconds");
    post.clock.advance(Duration::from_secs(20));
    post.becomes(&ana(), &[Status::Sent; 2]).await;
    assert_eq!(post.twilio.phone_of(ana().as_str()), ["one", "two"]);
}

#[tokio::test]
async fn a_refused_message_does_not_hold_up_the_next() {
    for (status, code) in [(400, 21610), (400, 21211), (400, 21654), (404, 20404), (400, 99999)] {
        let post = Post::open().await;
        post.twilio.moods([Mood::Refusing(status, code)]);
        post.say(&ana(), &["one", "two"]).await;
        post.becomes(&ana(), &[Status::Failed, Status::Sent]).await;
        let error = post.rows(&ana()).await[0].error.clone().expect("a reason");
        assert!(error.starts_with(&format!("error {code}, ")), "{error}");
        assert!(!error.contains("+346"), "the guest's number is not kept with it: {error}");
    }
}

#[tokio::test]
async fn wrong_credentials_keep_the_message() {
    let post = Post::open().await;
    post.twilio.moods([Mood::Refusing(401, 20003)]);
    post.say(&ana(), &["one"]).await;
    post.twilio.asked(1).await;
    post.becomes(&ana(), &[Status::Queued]).await;
    post.later(2 * MINUTE).await;
    post.becomes(&ana(), &[Status::Sent]).await;
}

#[tokio::test]
async fn a_message_that_was_taken_without_an_answer_is_not_sent_twice() {
    for mood in [Mood::TakingThenFailing, Mood::TakingThenCutting] {
        let post = Post::open().await;
        post.twilio.moods([mood]);
        post.say(&ana(), &["one", "two"]).await;
        post.becomes(&ana(), &[Status::Uncertain, Status::Queued]).await;
        post.later(MINUTE).await;
        post.becomes(&ana(), &[Status::Sent; 2]).await;
        assert_eq!(post.twilio.phone_of(ana().as_str()), ["one", "two"], "{mood:?}");
        assert_eq!(post.rows(&ana()).await[0].provider_id, Some(post.twilio.sids()[0].clone()));
    }
}

#[tokio::test]
async fn a_message_that_was_not_taken_is_sent_again_after_asking() {
    let post = Post::open().await;
    // The same words were taken a moment before, and are another message.
    post.say(&ana(), &["yes"]).await;
    post.becomes(&ana(), &[Status::Sent]).await;
    post.twilio.moods([Mood::Failing]);
    post.say(&ana(), &["yes"]).await;
    post.becomes(&ana(), &[Status::Sent, Status::Uncertain]).await;
    post.later(MINUTE).await;
    post.becomes(&ana(), &[Status::Sent; 2]).await;
    assert_eq!(post.twilio.phone_of(ana().as_str()), ["yes", "yes"]);
    assert_eq!(post.twilio.asked_so_far().len(), 3);
}

#[tokio::test]
async fn a_provider_that_does_not_answer_is_not_waited_for_for_ever() {
    let twilio = TwilioDouble::start(morning()).await;
    let post = Post::open_in(Arc::new(Folder::new()), twilio.clone()).await;
    post.sender.abort();
    let impatient: Arc<dyn Channel> = Arc::new(
        Twilio::new(&config(&twilio, "rest", 100), Arc::new(post.clock.clone())).expect("an account"),
    );
    let outbox = Arc::new(Outbox::new(post.store.clone(), Arc::new(post.clock.clone()), [impatient]));
    tokio::spawn(outbox.run());
    twilio.moods([Mood::TakingThenSilent]);
    post.say(&ana(), &["one"]).await;
    post.becomes(&ana(), &[Status::Uncertain]).await;
    assert_eq!(post.rows(&ana()).await[0].error.as_deref(), Some("time-out"));
    post.later(MINUTE).await;
    post.becomes(&ana(), &[Status::Sent]).await;
    assert_eq!(twilio.phone_of(ana().as_str()), ["one"]);
}

#[tokio::test]
async fn a_crash_while_sending_is_cleared_up_before_anything_is_sent_again() {
    let post = Post::open().await;
    post.twilio.moods([Mood::TakingThenSilent]);
    post.say(&ana(), &["one", "two"]).await;
    post.twilio.asked(1).await;
    assert_eq!(post.statuses(&ana()).await, [Status::Sending, Status::Queued]);
    let (folder, twilio) = post.crash().await;
    let post = Post::open_in(folder, twilio).await;
    post.becomes(&ana(), &[Status::Sent; 2]).await;
    assert_eq!(post.twilio.phone_of(ana().as_str()), ["one", "two"]);
}

#[tokio::test]
async fn a_crash_while_sending_is_cleared_up_when_who_crashed_counts_as_gone() {
    let post = Post::enrolled_in(Arc::new(Folder::new()), TwilioDouble::start(morning()).await).await;
    post.twilio.moods([Mood::TakingThenSilent]);
    post.say(&ana(), &["one", "two"]).await;
    post.twilio.asked(1).await;
    let (folder, twilio) = post.crash().await;
    // Started again before its predecessor's lease has ended: the guest is still that one's.
    let post = Post::enrolled_in(folder, twilio).await;
    assert_eq!(post.statuses(&ana()).await, [Status::Sending, Status::Queued]);
    post.later(LEASE + Duration::from_millis(1)).await;
    post.store.renew().await.expect("no fault");
    post.later(SENDING).await;
    post.becomes(&ana(), &[Status::Sent; 2]).await;
    assert_eq!(post.twilio.phone_of(ana().as_str()), ["one", "two"]);
}

#[tokio::test]
async fn what_was_not_sent_before_a_stop_is_sent_after_the_start() {
    let post = Post::open().await;
    post.twilio.moods([Mood::Busy(1000)]);
    post.say(&ana(), &["one", "two"]).await;
    post.becomes(&ana(), &[Status::Queued; 2]).await;
    post.twilio.asked(1).await;
    until("it waits", async || post.clock.sleepers() == 1).await;
    let (folder, twilio) = post.crash().await;
    let post = Post::open_in(folder, twilio).await;
    post.later(Duration::from_secs(2000)).await;
    post.becomes(&ana(), &[Status::Sent; 2]).await;
    assert_eq!(post.twilio.phone_of(ana().as_str()), ["one", "two"]);
}

#[tokio::test]
async fn a_message_that_is_never_taken_is_given_up() {
    let post = Post::open().await;
    post.twilio.moods([Mood::Busy(0); 10]);
    post.say(&ana(), &["one", "two"]).await;
    for tries in 1..=10 {
        post.twilio.asked(tries).await;
        until("it waits", async || post.clock.sleepers() == 1).await;
        post.clock.advance(10 * MINUTE);
    }
    post.becomes(&ana(), &[Status::Failed, Status::Sent]).await;
    assert_eq!(post.rows(&ana()).await[0].attempts, 10);
}

#[tokio::test]
async fn a_message_that_was_not_sent_within_a_day_is_left_to_a_person() {
    let post = Post::open().await;
    post.twilio.moods([Mood::Busy(25 * 3600)]);
    post.say(&ana(), &["one"]).await;
    post.twilio.asked(1).await;
    post.later(40 * 3600 * Duration::from_secs(1)).await;
    post.becomes(&ana(), &[Status::ForPerson]).await;
    assert_eq!(post.twilio.asked_so_far().len(), 1);
}

#[tokio::test]
async fn a_message_that_is_too_long_is_never_given_to_the_provider() {
    let post = Post::open().await;
    let fits = "é".repeat(1600);
    let too_long = "👍".repeat(801);
    post.say(&ana(), &[&fits, &too_long]).await;
    post.becomes(&ana(), &[Status::Sent, Status::Failed]).await;
    assert_eq!(post.twilio.asked_so_far().len(), 1);
}

#[test]
fn a_long_reply_goes_in_pieces_that_are_one_saying() {
    let buttons = vec![Button { id: "yes".to_owned(), title: "Yes".to_owned() }];
    let long = Outgoing {
        text: "A room with a view. ".repeat(200),
        buttons: buttons.clone(),
        says: vec![3],
        ..Outgoing::default()
    };
    let pieces = fitting(ChannelName::Twilio, long.clone());
    assert!(pieces.len() > 2 && pieces.iter().all(|piece| piece.text.encode_utf16().count() <= 1600));
    assert!(pieces.iter().all(|piece| piece.says == [3]));
    let (last, others) = pieces.split_last().expect("pieces");
    assert!(last.buttons == buttons && others.iter().all(|piece| piece.buttons.is_empty()));
    assert_eq!(fitting(ChannelName::Terminal, long.clone()), [long], "the terminal takes any length");
    let short = Outgoing { text: "Yes.".to_owned(), buttons, says: vec![4], ..Outgoing::default() };
    assert_eq!(fitting(ChannelName::Twilio, short.clone()), [short]);
}

#[tokio::test]
async fn nothing_is_sent_to_a_guest_who_is_being_answered_otherwise() {
    let post = Post::open().await;
    let hold = post.outbox.hold(&ana());
    post.say(&ana(), &["one"]).await;
    post.say(&ben(), &["for ben"]).await;
    post.becomes(&ben(), &[Status::Sent]).await;
    assert_eq!(post.statuses(&ana()).await, [Status::Queued]);
    drop(hold);
    post.becomes(&ana(), &[Status::Sent]).await;
}

#[tokio::test]
async fn delivery_reports_come_to_the_same_in_every_order() {
    let post = Post::open().await;
    let stages = [Delivery::Queued, Delivery::Sent, Delivery::Delivered, Delivery::Read];
    post.say(&ana(), &["message"; 24]).await;
    post.becomes(&ana(), &[Status::Sent; 24]).await;
    let rows = post.rows(&ana()).await;
    for (row, order) in rows.iter().zip(permutations(&stages)) {
        let sid = row.provider_id.clone().expect("a sid");
        for stage in order.into_iter().chain([Delivery::Sent]) {
            post.report(row.id, &sid, stage).await;
        }
    }
    for row in post.rows(&ana()).await {
        assert_eq!((row.delivery.as_deref(), row.status), (Some("read"), Status::Sent));
    }
}

#[tokio::test]
async fn a_failure_is_final_unless_the_message_was_seen_on_the_device() {
    let post = Post::open().await;
    post.say(&ana(), &["message"; 4]).await;
    post.becomes(&ana(), &[Status::Sent; 4]).await;
    let chains = [
        [Delivery::Sent, Delivery::Failed],
        [Delivery::Failed, Delivery::Sent],
        [Delivery::Delivered, Delivery::Failed],
        [Delivery::Failed, Delivery::Read],
    ];
    for (row, chain) in post.rows(&ana()).await.iter().zip(chains) {
        for stage in chain {
            post.report(row.id, row.provider_id.as_deref().expect("a sid"), stage).await;
        }
    }
    let rows = post.rows(&ana()).await;
    let known: Vec<_> =
        rows.iter().map(|row| (row.status, row.delivery.as_deref().expect("a stage"))).collect();
    let expected = [
        (Status::Failed, "failed"),
        (Status::Failed, "failed"),
        (Status::Sent, "delivered"),
        (Status::Sent, "read"),
    ];
    assert_eq!(known, expected);
    assert!(rows[0].error.as_deref().is_some_and(|error| error.starts_with("error 63024, ")));
    assert_eq!(rows[3].error, None);
}

#[tokio::test]
async fn a_report_clears_up_whether_a_message_was_taken() {
    let post = Post::open().await;
    post.twilio.moods([Mood::TakingThenFailing]);
    post.say(&ana(), &["one"]).await;
    post.becomes(&ana(), &[Status::Uncertain]).await;
    let (id, sid) = (post.rows(&ana()).await[0].id, post.twilio.sids()[0].clone());
    post.report(id, &sid, Delivery::Delivered).await;
    post.becomes(&ana(), &[Status::Sent]).await;
    // A report about something else does not change it.
    post.report(id, "SM-another", Delivery::Failed).await;
    let row = post.rows(&ana()).await.remove(0);
    assert_eq!((row.status, row.provider_id), (Status::Sent, Some(sid)));
}

#[tokio::test]
async fn a_saying_is_conveyed_when_all_of_it_was_taken_before_the_answer() {
    let post = Post::open().await;
    let conversation = post.store.conversation(&ana(), ChannelName::Twilio).await.expect("a conversation");
    let Received::New(message) =
        post.store.receive(&text_from(&ana(), "1", "book it")).await.expect("no fault")
    else {
        unreachable!("it is new");
    };
    let turn = post.store.begin_turn(message, &[]).await.expect("no fault").expect("a turn");
    let part = |text: &str, says: &[u32]| Outgoing {
        text: text.to_owned(),
        buttons: Vec::new(),
        says: says.to_vec(),
        ..Outgoing::default()
    };
    let said = [part("Shall I", &[7]), part("book it?", &[7, 8])];
    post.twilio.moods([Mood::Taking, Mood::Busy(30)]);
    post.store.give_up(&turn, Outcome::Answered, Some(&conversation), &said).await.expect("no fault");
    post.becomes(&ana(), &[Status::Sent, Status::Queued]).await;
    let conveyed =
        async |say, before| post.store.conveyed(&conversation, say, before).await.expect("no fault");
    let soon = morning() + chrono::TimeDelta::seconds(1);
    let evening = morning() + chrono::TimeDelta::hours(9);
    assert!(!conveyed(7, evening).await, "a half of it is not it");
    post.later(MINUTE).await;
    post.becomes(&ana(), &[Status::Sent; 2]).await;
    assert!(conveyed(7, evening).await && conveyed(8, evening).await);
    assert!(!conveyed(7, soon).await, "what the guest wrote before does not answer it");
    assert!(!conveyed(9, evening).await, "nobody said that");
    let last = post.rows(&ana()).await.pop().expect("a row");
    post.report(last.id, last.provider_id.as_deref().expect("a sid"), Delivery::Failed).await;
    assert!(!conveyed(7, evening).await, "it came back");
}

fn permutations(stages: &[Delivery]) -> Vec<Vec<Delivery>> {
    if stages.is_empty() {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for (i, stage) in stages.iter().enumerate() {
        let mut rest = stages.to_vec();
        rest.remove(i);
        all.extend(permutations(&rest).into_iter().map(|mut order| {
            order.insert(0, *stage);
            order
        }));
    }
    all
}
