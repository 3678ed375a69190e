//! WhatsApp by Twilio from end to end: signed webhooks in, replies out, over HTTP.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use innkeeper::channel::Channel;
use innkeeper::channel::twilio::{
    Content, Keys, Off, Refusal, Twilio, Webhooks, is_signed, refusing, routes,
};
use innkeeper::clock::ManualClock;
use innkeeper::config::{Config, Overrides};
use innkeeper::inbox::Inbox;
use innkeeper::message::{GuestKey, Kind};
use innkeeper::outbox::Outbox;
use innkeeper::store::{Database, InboxRow, OutboxRow, Outcome, Status};
use innkeeper::turn::{Lanes, Pace};
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::json;

use crate::outbox::config;
use crate::rig::{Folder, Parrot, ana, database, morning, standing_clock, until};
use crate::support::twilio::{PUBLIC, TwilioDouble, message, sign, status, with};

const ANA: &str = "whatsapp:+34600000001";
const WHATSAPP: &str = "/twilio/whatsapp";
const EMPTY: &str = r#"<?xml version="1.0" encoding="UTF-8"?><Response/>"#;

/// Fields of a form by name.
type Fields<'a> = &'a [(&'a str, &'a str)];

/// A hotel that repeats what it hears, behind real routes.
struct House {
    clock: ManualClock,
    store: Database,
    parrot: Arc<Parrot>,
    twilio: TwilioDouble,
    address: SocketAddr,
    _folder: Folder,
}

impl House {
    async fn open(reply: &str) -> Self {
        let (folder, clock) = (Folder::new(), standing_clock());
        let twilio = TwilioDouble::start(morning()).await;
        let store = database(&folder, &clock).await;
        let parrot = Parrot::new(store.clone());
        let account = Arc::new(
            Twilio::new(&config(&twilio, reply, 10_000), Arc::new(clock.clone())).expect("an account"),
        );
        let pace = Pace { fragment: Duration::ZERO, cap: Duration::ZERO };
        let lanes = Lanes::new(store.clone(), parrot.clone(), Arc::new(clock.clone()), pace);
        let channel: Arc<dyn Channel> = account.clone();
        let outbox = Arc::new(Outbox::new(store.clone(), Arc::new(clock.clone()), [channel]));
        tokio::spawn(Arc::clone(&outbox).run());
        let inbox = Inbox::new(store.clone(), lanes);
        let webhooks = Webhooks { twilio: account, inbox, outbox, clock: Arc::new(clock.clone()) };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        tokio::spawn(async move { axum::serve(listener, routes(webhooks)).await });
        Self { clock, store, parrot, twilio, address, _folder: folder }
    }

    async fn hear(&self, form: &[(String, String)]) -> (u16, String) {
        self.twilio.post(self.address, WHATSAPP, form).await
    }

    async fn report(&self, row: &OutboxRow, form: &[(String, String)]) -> u16 {
        self.twilio.post(self.address, &format!("/twilio/status?m={}", row.id), form).await.0
    }

    async fn rows(&self, guest: &GuestKey) -> Vec<OutboxRow> {
        self.store.outgoing_to(guest).await.expect("rows")
    }

    async fn becomes(&self, guest: &GuestKey, statuses: &[Status]) {
        let so = async || {
            let rows = self.rows(guest).await;
            rows.iter().map(|row| row.status).collect::<Vec<_>>() == statuses
        };
        until(&format!("messages are {statuses:?}"), so).await;
    }

    async fn messages(&self) -> u64 {
        self.store.outcomes().await.expect("counts").values().sum()
    }

    /// The message that was taken first.
    async fn first_message(&self) -> InboxRow {
        let id = innkeeper::message::MessageId(1);
        self.store.message(id).await.expect("no fault").expect("a message")
    }
}

#[derive(Deserialize)]
struct Vector {
    what: String,
    key: String,
    algorithm: String,
    url: String,
    form: Vec<(String, String)>,
    body: Option<String>,
    signature: String,
}

impl Vector {
    fn check(
        &self,
        url: &str,
        form: &[(String, String)],
        body: Option<&str>,
        signature: &str,
    ) -> Result<(), Refusal> {
        let key = SecretString::from(self.key.clone());
        let shared = self.algorithm == "HMAC_SHA256";
        let other = SecretString::from("another key");
        let keys = if shared {
            Keys { auth_token: other, secondary: None, shared_key: Some(key) }
        } else {
            Keys { auth_token: key, secondary: None, shared_key: Some(other) }
        };
        let settings = shared.then_some("key=webhooks_sharedkey_1,algorithm=HMAC_SHA256");
        let content = body.map_or(Content::Form(form), |body| Content::Body(body.as_bytes()));
        is_signed(&keys, Some(signature), settings, url, content)
    }
}

fn vectors() -> Vec<Vector> {
    serde_json::from_str(include_str!("fixtures/twilio-signatures.json")).expect("vectors")
}

#[test]
fn every_known_signature_fits_and_no_altered_one_does() {
    for vector in vectors() {
        let Vector { what, url, form, body, signature, .. } = &vector;
        let body = body.as_deref();
        assert_eq!(vector.check(url, form, body, signature), Ok(()), "{what}");
        let mut altered = form.clone();
        altered.push(("Body".to_owned(), "another".to_owned()));
        assert!(vector.check(url, &altered, None, signature).is_err(), "{what}: with a field more");
        assert!(
            vector.check(&format!("{url}x"), form, body, signature).is_err(),
            "{what}: to another address"
        );
        assert!(
            vector.check(url, form, body, &format!("B{}", &signature[1..])).is_err(),
            "{what}: another signature"
        );
        assert!(vector.check(url, form, body, "not Base64!").is_err(), "{what}: no signature");
        if let Some(body) = body {
            assert!(
                vector.check(url, form, Some(&format!("{body} ")), signature).is_err(),
                "{what}: a space more"
            );
        }
    }
}

#[test]
fn an_address_fits_with_and_without_its_schemes_own_port() {
    let vectors = vectors();
    let (without, with) = (&vectors[0], &vectors[1]);
    assert_eq!(without.check(&with.url, &with.form, None, &without.signature), Ok(()));
    assert_eq!(with.check(&without.url, &without.form, None, &with.signature), Ok(()));
    let fragment = format!("{}#rc=2&rp=all", without.url);
    assert_eq!(without.check(&fragment, &without.form, None, &without.signature), Ok(()));
    let own_port = &vectors[6];
    let lost = own_port.url.replace(":8080", "");
    assert_eq!(own_port.check(&lost, &[], None, &own_port.signature), Err(Refusal::Wrong));
}

#[test]
fn a_signature_of_an_unknown_kind_is_refused() {
    let vector = &vectors()[5];
    let keys = Keys { auth_token: SecretString::from(vector.key.clone()), secondary: None, shared_key: None };
    let check = |settings| {
        is_signed(&keys, Some(&vector.signature), settings, &vector.url, Content::Form(&vector.form))
    };
    assert_eq!(
        check(Some("key=k,algorithm=HMAC_SHA256")),
        Err(Refusal::Unknown),
        "no shared key is configured"
    );
    assert_eq!(check(Some("key=k,algorithm=HMAC_MD5")), Err(Refusal::Unknown));
    assert_eq!(check(Some("key=k")), Err(Refusal::Unknown));
    assert_eq!(check(None), Err(Refusal::Wrong));
    assert_eq!(is_signed(&keys, None, None, &vector.url, Content::Form(&[])), Err(Refusal::Missing));
}

#[tokio::test]
async fn a_message_is_answered_and_followed_to_the_device() {
    let house = House::open("rest").await;
    let (code, body) = house.hear(&message("1", ANA, "Hi, 2 nights + breakfast & a view?")).await;
    assert_eq!((code, body.as_str()), (200, EMPTY));
    house.becomes(&ana(), &[Status::Sent]).await;
    assert_eq!(house.twilio.phone_of(ANA), ["You said: Hi, 2 nights + breakfast & a view?"]);
    let row = house.rows(&ana()).await.remove(0);
    let sid = row.provider_id.clone().expect("a sid");
    for stage in ["read", "sent", "delivered", "queued", "something new", "delivered"] {
        assert_eq!(house.report(&row, &status(&sid, stage, &[("EventType", "READ")])).await, 204, "{stage}");
    }
    assert_eq!(house.rows(&ana()).await[0].delivery.as_deref(), Some("read"));
    let stored = house.first_message().await;
    assert_eq!(stored.outcome, Outcome::Answered);
    assert!(stored.conversation.is_some());
    let raw = &stored.raw;
    assert_eq!((&raw["SomethingNew"], &raw["ProfileName"]), (&json!("&=+ %41"), &json!("Ana Gómez 👍\n")));
}

#[tokio::test]
async fn a_report_of_a_failure_is_kept_with_its_reason() {
    let house = House::open("rest").await;
    house.hear(&message("1", ANA, "Hello.")).await;
    house.becomes(&ana(), &[Status::Sent]).await;
    let row = house.rows(&ana()).await.remove(0);
    let sid = row.provider_id.clone().expect("a sid");
    let failure = status(&sid, "failed", &[("ErrorCode", "63024"), ("ErrorMessage", "to +34600000001")]);
    assert_eq!(house.report(&row, &failure).await, 204);
    let row = house.rows(&ana()).await.remove(0);
    let reason = row.error.as_deref().unwrap_or_default();
    assert_eq!(row.status, Status::Failed);
    assert!(reason.starts_with("error 63024, ") && !reason.contains("+346"), "{reason}");
}

#[tokio::test]
async fn a_report_that_it_may_go_another_time_has_it_sent_once_more() {
    let house = House::open("rest").await;
    house.hear(&message("1", ANA, "Hello.")).await;
    house.becomes(&ana(), &[Status::Sent]).await;
    for tries in [2, 2] {
        let row = house.rows(&ana()).await.remove(0);
        let sid = row.provider_id.clone().expect("a sid");
        assert_eq!(house.report(&row, &status(&sid, "failed", &[("ErrorCode", "63023")])).await, 204);
        house.becomes(&ana(), &[if row.attempts == 1 { Status::Sent } else { Status::Failed }]).await;
        assert_eq!(house.twilio.asked_so_far().len(), tries);
        // It is told again of the first one.
        assert_eq!(house.report(&row, &status(&sid, "failed", &[("ErrorCode", "63023")])).await, 204);
    }
    assert_eq!(house.twilio.asked_so_far().len(), 2);
}

#[tokio::test]
async fn who_stopped_messages_in_words_that_twilio_knows_is_noted_and_not_answered() {
    let house = House::open("rest").await;
    for (sid, word, kind, opted_out) in
        [("1", "Info?", "HELP", false), ("2", "Basta", "STOP", true), ("3", "Otra vez", "START", true)]
    {
        house.hear(&with(message(sid, ANA, word), &[("OptOutType", kind)])).await;
        assert_eq!(house.store.is_opted_out(&ana()).await.expect("no fault"), opted_out, "{kind}");
        until("it is answered", async || {
            house.clock.advance(Duration::from_secs(2));
            house.rows(&ana()).await.len() == sid.parse::<usize>().expect("a number")
        })
        .await;
    }
    let consents = house.store.consents(&ana()).await.expect("consents");
    assert_eq!((consents.len(), consents[0].source.as_str()), (1, "twilio OptOutType"));
    house.becomes(&ana(), &[Status::Sent; 3]).await;
    // What the receptionist makes of these words is not the parrot's business.
    assert_eq!(house.twilio.phone_of(ANA), ["You said: Info?", "You said: STOP", "You said: START"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_delivery_changes_nothing() {
    let house = House::open("rest").await;
    let form = message("1", ANA, "A room, please.");
    let at_once = futures::future::join_all((0..6).map(|_| house.hear(&form))).await;
    assert!(at_once.iter().all(|answer| *answer == (200, EMPTY.to_owned())));
    house.becomes(&ana(), &[Status::Sent]).await;
    assert_eq!(house.hear(&form).await, (200, EMPTY.to_owned()));
    house.hear(&message("2", ANA, "Hello?")).await;
    house.becomes(&ana(), &[Status::Sent; 2]).await;
    assert_eq!(house.twilio.phone_of(ANA), ["You said: A room, please.", "You said: Hello?"]);
    assert_eq!(house.messages().await, 2);
}

#[tokio::test]
async fn what_is_not_twilios_is_refused_and_leaves_nothing() {
    let house = House::open("rest").await;
    let form = message("1", ANA, "Hello.");
    let good = sign(&format!("{PUBLIC}{WHATSAPP}"), &form);
    let post = async |path: &str, form: &[(String, String)], signature: Option<&str>| {
        house.twilio.post_signed(house.address, path, form, signature).await.0
    };
    assert_eq!(post(WHATSAPP, &form, None).await, 403);
    assert_eq!(post(WHATSAPP, &form, Some("CaK7F8f70K7i3qTxuEQrrWmrltg=")).await, 403);
    assert_eq!(post(WHATSAPP, &with(form.clone(), &[("Body", "Hullo.")]), Some(&good)).await, 403);
    assert_eq!(post("/twilio/whatsapp?more=1", &form, Some(&good)).await, 403);
    assert_eq!(post("/twilio/status?m=1", &form, Some(&good)).await, 403);
    let elsewhere = sign(&format!("http://{}{WHATSAPP}", house.address), &form);
    assert_eq!(
        post(WHATSAPP, &form, Some(&elsewhere)).await,
        403,
        "the address is the public one, not the host's"
    );
    assert_eq!(house.hear(&with(form.clone(), &[("AccountSid", "AC-another")])).await.0, 403);
    assert_eq!(house.hear(&with(form.clone(), &[("MessageSid", "")])).await.0, 400);
    assert_eq!(house.hear(&with(form.clone(), &[("From", "+34600000001")])).await.0, 400, "an SMS");
    assert_eq!(house.hear(&with(form.clone(), &[("Body", &"x".repeat(70_000))])).await.0, 413);
    let get = reqwest::get(format!("http://{}{WHATSAPP}", house.address)).await.expect("an answer");
    assert_eq!(get.status().as_u16(), 405);
    assert_eq!(house.messages().await, 0);
    assert_eq!(house.hear(&form).await.0, 200);
    assert_eq!(house.messages().await, 1);
}

#[tokio::test]
async fn a_message_is_read_as_what_it_is() {
    let media = [("NumMedia", "1"), ("MediaUrl0", "https://api.twilio.com/x"), ("Body", "")];
    let cases: [(Fields<'_>, Kind, &str); 10] = [
        (&[], Kind::Text, "Hello."),
        (&[("MessageType", "audio"), ("MediaContentType0", "audio/ogg"), ("Body", "")], Kind::Audio, ""),
        (&[("MessageType", "image"), ("Body", "Is this your pool?")], Kind::Image, "Is this your pool?"),
        (&[("MessageType", "document"), ("Body", "passport.pdf")], Kind::Document, ""),
        (
            &[("MessageType", "location"), ("Latitude", "1"), ("Longitude", "2"), ("Body", "")],
            Kind::Location,
            "",
        ),
        (&[("MessageType", "contacts"), ("Body", "")], Kind::Contacts, ""),
        (&[("MessageType", "sticker"), ("Body", "")], Kind::Sticker, ""),
        (&[("MessageType", "reaction"), ("Body", "👍")], Kind::Reaction, "👍"),
        (&[("MessageType", "hologram"), ("Body", "")], Kind::Unsupported, ""),
        (&[("MessageType", ""), ("MediaContentType0", "audio/ogg"), ("Body", "")], Kind::Audio, ""),
    ];
    for (fields, kind, text) in cases {
        let house = House::open("rest").await;
        let form = message("1", ANA, "Hello.");
        let form = if kind == Kind::Text { form } else { with(form, &media) };
        assert_eq!(house.hear(&with(form, fields)).await.0, 200);
        let stored = house.first_message().await;
        assert_eq!((stored.kind.as_str(), stored.text.as_str()), (kind.as_str(), text));
        if kind == Kind::Reaction {
            assert_eq!(stored.outcome, Outcome::Rejected, "nobody expects an answer");
        } else {
            let turns = house.parrot.turns(1).await;
            assert_eq!(turns[0].unsupported, (kind != Kind::Text).then_some(kind));
        }
    }
}

#[tokio::test]
async fn a_pressed_button_comes_with_its_id() {
    let house = House::open("rest").await;
    let tap =
        [("MessageType", "interactive"), ("ButtonText", "Yes"), ("ButtonPayload", "yes"), ("Body", "Yes")];
    house.hear(&with(message("1", ANA, ""), &tap)).await;
    let pick = [
        ("MessageType", "interactive"),
        ("ListId", "room-2"),
        ("ListTitle", "Sea view"),
        ("Body", "Sea view"),
    ];
    house.hear(&with(message("2", ANA, ""), &pick)).await;
    let turns = house.parrot.turns(2).await;
    let heard: Vec<_> = turns.iter().map(|turn| (turn.text.as_str(), turn.button.as_deref())).collect();
    assert_eq!(heard, [("Yes", Some("yes")), ("Sea view", Some("room-2"))]);
}

#[tokio::test]
async fn a_guest_without_a_number_is_known_by_id_and_reached_by_address() {
    let house = House::open("rest").await;
    let hidden = with(message("1", "whatsapp:ES.77", "Hello."), &[("ExternalUserId", "whatsapp:ES.77")]);
    house.hear(&hidden).await;
    let key = GuestKey::new("whatsapp:ES.77");
    house.becomes(&key, &[Status::Sent]).await;
    assert_eq!(house.store.guest(&key).await.expect("a guest").phone, None);
    assert_eq!(house.twilio.phone_of("whatsapp:ES.77"), ["You said: Hello."]);
    // Later the guest shows the number: the same guest, reached there, and the number is verified.
    let shown = with(message("2", ANA, "It is me."), &[("ExternalUserId", "whatsapp:ES.77")]);
    house.hear(&shown).await;
    house.becomes(&key, &[Status::Sent; 2]).await;
    assert_eq!(house.store.guest(&key).await.expect("a guest").phone.as_deref(), Some("+34600000001"));
    assert_eq!(house.twilio.phone_of(ANA), ["You said: It is me."]);
}

#[tokio::test]
async fn a_number_in_any_other_field_is_not_verified() {
    let house = House::open("rest").await;
    let claimed = [("WaId", "34600000001"), ("ExternalUserId", "whatsapp:ES.66"), ("Caller", "+34600000001")];
    house.hear(&with(message("1", "whatsapp:ES.66", "I am +34600000001."), &claimed)).await;
    let key = GuestKey::new("whatsapp:ES.66");
    house.becomes(&key, &[Status::Sent]).await;
    assert_eq!(house.store.guest(&key).await.expect("a guest").phone, None);
}

#[tokio::test]
async fn in_twiml_mode_the_request_waits_for_the_reply() {
    let house = House::open("twiml").await;
    let (code, body) = house.hear(&message("1", ANA, "Rooms & \"views\" <b>\u{7}?")).await;
    let id = house.rows(&ana()).await[0].id;
    let said = "You said: Rooms &amp; &quot;views&quot; &lt;b&gt;?";
    let report_to = format!("{PUBLIC}/twilio/status?m={id}");
    let declaration = r#"<?xml version="1.0" encoding="UTF-8"?>"#;
    let expected =
        format!(r#"{declaration}<Response><Message action="{report_to}">{said}</Message></Response>"#);
    assert_eq!((code, body), (200, expected));
    house.becomes(&ana(), &[Status::Sent]).await;
    assert!(house.twilio.asked_so_far().is_empty(), "nothing goes by REST");
    // Its id is only known from the report.
    let row = house.rows(&ana()).await.remove(0);
    assert_eq!(row.provider_id, None);
    assert_eq!(house.report(&row, &status("SM1", "delivered", &[])).await, 204);
    let row = house.rows(&ana()).await.remove(0);
    assert_eq!((row.provider_id.as_deref(), row.delivery.as_deref()), (Some("SM1"), Some("delivered")));
}

#[tokio::test]
async fn in_twiml_mode_a_late_reply_goes_by_rest() {
    let house = House::open("twiml").await;
    house.parrot.close_gate();
    let form = message("1", ANA, "A room, please.");
    let request = house.hear(&form);
    let clock = async {
        house.parrot.turns(1).await;
        house.clock.waited_for(1).await;
        house.clock.advance(Duration::from_secs(10));
    };
    let (answer, ()) = futures::future::join(request, clock).await;
    assert_eq!(answer, (200, EMPTY.to_owned()));
    house.parrot.let_go(1);
    house.becomes(&ana(), &[Status::Sent]).await;
    assert_eq!(house.twilio.phone_of(ANA), ["You said: A room, please."]);
}

#[tokio::test]
async fn in_twiml_mode_a_reply_that_rest_refuses_comes_with_the_next_answer() {
    let house = House::open("twiml").await;
    house.twilio.is_trial();
    house.parrot.close_gate();
    let form = message("1", ANA, "A room, please.");
    let clock = async {
        house.parrot.turns(1).await;
        house.clock.waited_for(1).await;
        house.clock.advance(Duration::from_secs(10));
    };
    futures::future::join(house.hear(&form), clock).await;
    house.parrot.let_go(2);
    house.becomes(&ana(), &[Status::Held]).await;
    let (_, body) = house.hear(&message("2", ANA, "Hello?")).await;
    let (first, second) = (body.find("A room, please."), body.find("Hello?"));
    assert!(first.is_some() && first < second, "{body}");
    house.becomes(&ana(), &[Status::Sent; 2]).await;
    assert!(house.twilio.phone_of(ANA).is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_twiml_mode_a_second_delivery_is_answered_with_nothing() {
    let house = House::open("twiml").await;
    let form = message("1", ANA, "A room, please.");
    let answers = futures::future::join_all((0..4).map(|_| house.hear(&form))).await;
    let said = answers.iter().filter(|(_, body)| body.contains("You said")).count();
    assert_eq!(said, 1, "{answers:?}");
    house.becomes(&ana(), &[Status::Sent]).await;
    assert!(house.twilio.asked_so_far().is_empty());
}

#[tokio::test]
async fn without_an_account_the_routes_say_what_to_configure() {
    let config = Config::load(None, Vec::new(), Overrides::default()).expect("a configuration");
    let off = Twilio::new(&config, Arc::new(standing_clock())).expect_err("no account");
    assert!(matches!(&off, Off::NotConfigured { missing } if missing.len() == 3));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, refusing(&off)).await });
    let twilio = TwilioDouble::start(morning()).await;
    for path in [WHATSAPP, "/twilio/status?m=1"] {
        let (code, sentence) = twilio.post(address, path, &message("1", ANA, "Hello.")).await;
        assert_eq!(code, 503);
        for key in ["[twilio] account_sid", "[twilio] auth_token", "[server] public_url"] {
            assert!(sentence.contains(key), "{sentence}");
        }
    }
}
