//! Inside of WhatsApp's day words go out, outside of it approved templates, and what can be neither waits for a person.

use std::sync::Arc;
use std::time::Duration;

use innkeeper::channel::twilio::Twilio;
use innkeeper::channel::{Channel, Delivery, Report, twilio::meaning};
use innkeeper::clock::ManualClock;
use innkeeper::config::{Config, Overrides};
use innkeeper::message::{ChannelName, GuestIds, Manner, Outgoing, OutgoingId};
use innkeeper::outbox::Outbox;
use innkeeper::store::{Database, Outcome, Received, Status};
use serde_json::{Value, json};

use crate::outbox::config;
use crate::rig::{Folder, ana, database, standing_clock, text_from, until};
use crate::support::twilio::{ACCOUNT, Mood, TOKEN, TwilioDouble};

const HOUR: Duration = Duration::from_secs(3600);

struct Post {
    clock: ManualClock,
    store: Database,
    twilio: TwilioDouble,
    outbox: Arc<Outbox>,
    _folder: Folder,
}

impl Post {
    async fn open(with_template: bool) -> Self {
        let (folder, clock) = (Folder::new(), standing_clock());
        let twilio = TwilioDouble::start_on(clock.clone()).await;
        twilio.rules(|rules| rules.window = true);
        let store = database(&folder, &clock).await;
        let channel: Arc<dyn Channel> = Arc::new(
            Twilio::new(&config(&twilio, "rest", 10_000), Arc::new(clock.clone())).expect("an account"),
        );
        let template = approved(&twilio).await;
        let variables = [
            ("INNKEEPER__TWILIO__TEMPLATES__REMINDER__NAME", template.as_str()),
            ("INNKEEPER__TWILIO__TEMPLATES__REMINDER__VARIABLES", "text, hotel.name"),
        ];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let config = Config::load(None, variables, Overrides::default()).expect("a configuration");
        let templates = with_template.then_some((ChannelName::Twilio, config.twilio.templates));
        let outbox = Outbox::new(store.clone(), Arc::new(clock.clone()), [channel]).with_templates(templates);
        let outbox = Arc::new(outbox);
        tokio::spawn(Arc::clone(&outbox).run());
        Self { clock, store, twilio, outbox, _folder: folder }
    }

    async fn hears(&self, id: &str) -> innkeeper::message::Gathered {
        let inbound = text_from(&ana(), id, "hello");
        let Received::New(message) = self.store.receive(&inbound).await.expect("no fault") else {
            unreachable!("it is new");
        };
        self.store.begin_turn(message, &[]).await.expect("no fault").expect("a turn")
    }

    /// Says something to a guest who did not ask for it.
    async fn reminds(&self, turn: &innkeeper::message::Gathered) {
        let manner = Manner {
            unasked: true,
            purposes: vec!["still_there".to_owned(), "reminder".to_owned()],
            values: [("hotel.name".to_owned(), "Hotel Miramar".to_owned())].into(),
            ..Manner::default()
        };
        let said = Outgoing { text: "Are you\nstill there?".to_owned(), manner, ..Outgoing::default() };
        self.store.give_up(turn, Outcome::Answered, None, &[said]).await.expect("no fault");
    }

    async fn becomes(&self, statuses: &[Status]) {
        let so = async || {
            let rows = self.store.outgoing_to(&ana()).await.expect("rows");
            rows.iter().map(|row| row.status).collect::<Vec<_>>() == statuses
        };
        until(&format!("messages are {statuses:?}"), so).await;
    }
}

/// The id of a template that was made at the provider's.
async fn approved(twilio: &TwilioDouble) -> String {
    let content = json!({
        "friendly_name": "still_there", "language": "en",
        "types": {"twilio/text": {"body": "You wrote to us: {{1}} Your {{2}} team"}},
    });
    let request = reqwest::Client::new().post(format!("{}/v1/Content", twilio.base_url()));
    let made = request.basic_auth(ACCOUNT, Some(TOKEN)).json(&content).send().await.expect("an answer");
    let made: Value = made.json().await.expect("a content");
    made["sid"].as_str().expect("a sid").to_owned()
}

#[tokio::test]
async fn a_guests_message_opens_a_day() {
    let post = Post::open(false).await;
    let began = post.hears("1").await.received_at;
    let window =
        async || post.store.reach(&ana()).await.expect("no fault").and_then(|reach| reach.open_until);
    assert_eq!(window().await, Some(began + chrono::TimeDelta::hours(24)));
    post.clock.advance(HOUR);
    post.hears("2").await;
    assert_eq!(window().await, Some(began + chrono::TimeDelta::hours(25)));
}

#[tokio::test]
async fn inside_the_day_words_go_out() {
    let post = Post::open(true).await;
    let turn = post.hears("1").await;
    post.clock.advance(23 * HOUR);
    post.twilio.rules(|rules| rules.window = false);
    post.reminds(&turn).await;
    post.becomes(&[Status::Sent]).await;
    assert_eq!(post.twilio.phone_of(ana().as_str()), ["Are you\nstill there?"]);
}

#[tokio::test]
async fn outside_of_the_day_the_template_for_it_goes_out() {
    let post = Post::open(true).await;
    let turn = post.hears("1").await;
    post.clock.advance(25 * HOUR);
    post.reminds(&turn).await;
    post.becomes(&[Status::Sent]).await;
    let shown = post.twilio.phone_of(ana().as_str());
    assert_eq!(shown, ["still_there(Are you still there?, Hotel Miramar)"]);
}

#[tokio::test]
async fn without_a_template_it_is_left_to_a_person_and_holds_up_nothing() {
    let post = Post::open(false).await;
    let turn = post.hears("1").await;
    post.clock.advance(25 * HOUR);
    post.reminds(&turn).await;
    post.becomes(&[Status::ForPerson]).await;
    let left = post.store.left_to_persons().await.expect("rows");
    assert!(left[0].error.as_deref().is_some_and(|why| why.contains("no template")), "{left:?}");
    assert_eq!(left[0].text, "Are you\nstill there?");
    let turn = post.hears("2").await;
    post.twilio.rules(|rules| rules.window = false);
    post.reminds(&turn).await;
    post.becomes(&[Status::ForPerson, Status::Sent]).await;
}

#[tokio::test]
async fn a_report_that_it_was_too_late_makes_a_template_of_it() {
    let post = Post::open(true).await;
    let turn = post.hears("1").await;
    post.twilio.rules(|rules| rules.window = false);
    post.reminds(&turn).await;
    post.becomes(&[Status::Sent]).await;
    let row = post.store.outgoing_to(&ana()).await.expect("rows").remove(0);
    let report = |delivery, code: Option<u32>| Report {
        provider_id: row.provider_id.clone().expect("an id"),
        delivery,
        refusal: code.map(meaning),
    };
    let tell = async |report: &Report| {
        post.outbox.report(ChannelName::Twilio, OutgoingId(row.id), report).await.expect("no fault");
    };
    tell(&report(Delivery::Failed, Some(63016))).await;
    tell(&report(Delivery::Sent, None)).await;
    let shown = async || post.twilio.phone_of(ana().as_str()).len() == 2;
    until("a template comes after it", shown).await;
    assert!(
        post.twilio.phone_of(ana().as_str())[1].starts_with("still_there("),
        "the second is the template"
    );
    post.becomes(&[Status::Sent]).await;
}

#[tokio::test]
async fn who_opted_out_by_whatever_way_gets_nothing_unasked() {
    for way in ["code", "report", "preference"] {
        let post = Post::open(true).await;
        let turn = post.hears("1").await;
        post.twilio.rules(|rules| rules.window = false);
        match way {
            "code" => {
                post.twilio.moods([Mood::Refusing(400, 21610)]);
                post.reminds(&turn).await;
                post.becomes(&[Status::Failed]).await;
            }
            "report" => {
                post.reminds(&turn).await;
                post.becomes(&[Status::Sent]).await;
                let row = post.store.outgoing_to(&ana()).await.expect("rows").remove(0);
                let report = Report {
                    provider_id: row.provider_id.clone().expect("an id"),
                    delivery: Delivery::Failed,
                    refusal: Some(meaning(63014)),
                };
                post.outbox.report(ChannelName::Twilio, OutgoingId(row.id), &report).await.expect("no fault");
            }
            _ => {
                let ids = GuestIds::Phone(ana());
                post.outbox.consent(&ids, false, "meta user_preferences").await.expect("no fault");
            }
        }
        assert!(post.store.is_opted_out(&ana()).await.expect("no fault"), "{way}");
        let consents = post.store.consents(&ana()).await.expect("consents");
        assert!(!consents[0].wanted && !consents[0].source.is_empty(), "{consents:?}");
        let before = post.twilio.asked_so_far().len();
        let turn = post.hears("2").await;
        post.reminds(&turn).await;
        let refused = async || {
            let rows = post.store.outgoing_to(&ana()).await.expect("rows");
            rows.last().is_some_and(|row| row.status == Status::Failed)
        };
        until("the reminder is not sent", refused).await;
        assert_eq!(post.twilio.asked_so_far().len(), before, "{way}: nothing was asked of the provider");
    }
}

#[tokio::test]
async fn what_may_not_have_gone_is_not_sent_again_to_who_opted_out_since() {
    let post = Post::open(true).await;
    let turn = post.hears("1").await;
    post.twilio.moods([Mood::Failing]);
    post.reminds(&turn).await;
    post.becomes(&[Status::Uncertain]).await;
    let before = post.twilio.asked_so_far().len();
    post.outbox.consent(&GuestIds::Phone(ana()), false, "meta user_preferences").await.expect("no fault");
    post.clock.advance(HOUR);
    post.becomes(&[Status::Failed]).await;
    assert_eq!(post.twilio.asked_so_far().len(), before, "nothing more was asked of the provider");
}
