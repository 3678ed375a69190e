//! What can be pressed, listened to and looked at, on both vendors' wires.

use innkeeper::channel::{Action, Body, Channel, List, Row, SendFault, Sound, Template};
use innkeeper::message::{Button, Place};
use serde_json::json;

use super::house::{House, outbound};
use crate::rig::ana;
use crate::support::meta::hook::{change, text};
use crate::support::phone::Bubble;
use crate::support::twilio::deliver::Reports;
use crate::support::twilio::{SENDER, TwilioDouble};

const ANA: &str = "whatsapp:+34600000001";

fn buttons(titles: &[&str]) -> Body {
    let button = |title: &&str| Button { id: format!("id:{title}"), title: (*title).to_owned() };
    Body::Buttons {
        text: "Shall I hold it?\nReply 1 or 2.".to_owned(),
        buttons: titles.iter().map(button).collect(),
    }
}

fn list(rows: usize) -> Body {
    let row = |number: usize| Row {
        id: format!("room:{number}"),
        title: format!("Room {number}"),
        description: number.is_multiple_of(2).then(|| "€142/night, 28 m²".to_owned()),
    };
    Body::List(List {
        text: "Pick one".to_owned(),
        opener: "Rooms".to_owned(),
        rows: (1..=rows).map(row).collect(),
    })
}

fn refusal(fault: SendFault) -> (Action, Option<u32>) {
    match fault {
        SendFault::Refused(refusal) => (refusal.action, refusal.code),
        SendFault::Unknown { reason } => unreachable!("{reason}"),
    }
}

/// Sends through Twilio, as from the sender that the guest wrote to.
async fn by_twilio(house: &House, body: Body) -> Result<String, SendFault> {
    let mut outbound = outbound(ANA, body);
    outbound.line = Some(SENDER.to_owned());
    house.by_twilio.send(&outbound).await.map(|sent| sent.provider_id)
}

async fn by_meta(house: &House, to: &str, body: Body) -> Result<String, SendFault> {
    house.by_meta.send(&outbound(to, body)).await.map(|sent| sent.provider_id)
}

#[tokio::test]
async fn a_guest_sees_buttons_and_lists_on_both_ways() {
    let house = House::open().await;
    for body in [buttons(&["Yes, hold it", "Other rooms"]), list(10)] {
        by_twilio(&house, body.clone()).await.expect("taken");
        by_meta(&house, ANA, body).await.expect("taken");
    }
    let (twilio, meta) = (house.twilio.phones.of(ANA), house.meta.phones.of("34600000001"));
    assert_eq!(twilio, meta, "both show the same");
    assert!(
        matches!(&twilio[0], Bubble::Buttons(_, all) if all[1] == ("id:Other rooms".to_owned(), "Other rooms".to_owned()))
    );
    assert!(matches!(&twilio[1], Bubble::List(_, opener, rows) if opener == "Rooms" && rows.len() == 10));
}

#[tokio::test]
async fn contents_of_one_shape_are_made_once_even_over_a_restart() {
    let house = House::open().await;
    for titles in [["Yes", "No"], ["Do", "Don't"]] {
        by_twilio(&house, buttons(&titles)).await.expect("taken");
    }
    assert_eq!((house.twilio.contents().len(), house.twilio.searched()), (1, 1));
    by_twilio(&house, list(2)).await.expect("taken");
    assert_eq!(house.twilio.contents().len(), 2);
    let again = innkeeper::channel::twilio::Twilio::new(
        &crate::outbox::config(&house.twilio, "rest", 10_000),
        std::sync::Arc::new(house.clock.clone()),
    )
    .expect("an account");
    let mut body = outbound(ANA, buttons(&["Now", "Later"]));
    body.line = Some(SENDER.to_owned());
    again.send(&body).await.expect("taken");
    assert_eq!(house.twilio.contents().len(), 2, "the one of the earlier run is found");
    assert_eq!(
        house.twilio.phone_of(ANA).last().map(String::as_str),
        Some("Shall I hold it?\nReply 1 or 2. [Now] [Later]")
    );
}

#[tokio::test]
async fn an_account_that_makes_no_contents_sends_words() {
    let house = House::open().await;
    // A trial refuses contents and, by REST, words; nothing is lost over the first.
    house.twilio.is_trial();
    let fault = by_twilio(&house, buttons(&["Yes", "No"])).await.expect_err("a trial");
    assert_eq!(refusal(fault).1, Some(21654), "it was sent as words");
}

#[tokio::test]
async fn what_does_not_fit_is_not_sent() {
    let house = House::open().await;
    let long = "x".repeat(21);
    let cases = [
        buttons(&["1", "2", "3", "4"]),
        buttons(&["Same", "Same"]),
        buttons(&[&long]),
        buttons(&[]),
        list(11),
        Body::Text(String::new()),
        Body::Text("👍".repeat(2049)),
    ];
    for body in cases {
        for fault in [by_twilio(&house, body.clone()).await, by_meta(&house, ANA, body.clone()).await] {
            assert_eq!(refusal(fault.expect_err("refused")).0, Action::Never, "{body:?}");
        }
    }
    assert!(house.twilio.asked_so_far().is_empty() && house.meta.asked().is_empty());
}

#[tokio::test]
async fn a_template_is_filled() {
    let house = House::open().await;
    let template = |name: &str| {
        Body::Template(Template {
            name: name.to_owned(),
            language: "en".to_owned(),
            values: vec!["Ana".to_owned(), "\"Sat\"".to_owned()],
            payloads: vec!["confirm:42".to_owned()],
        })
    };
    by_meta(&house, ANA, template("arrival")).await.expect("taken");
    assert_eq!(house.meta.phones.reads("34600000001"), ["arrival(Ana, \"Sat\", confirm:42)"]);
    let fault = by_twilio(&house, template("HX404")).await.expect_err("there is no such template");
    assert_eq!(refusal(fault), (Action::Never, Some(21655)));
    let fault =
        by_meta(&house, "whatsapp:ES.77", template("arrival")).await.expect_err("the number is hidden");
    assert_eq!(refusal(fault), (Action::Unreachable, Some(131_062)));
}

#[tokio::test]
async fn a_voice_note_arrives_as_one() {
    let house = House::open().await;
    let sound =
        Sound { bytes: b"OggS and so on".to_vec(), content_type: "audio/ogg; codecs=opus".to_owned() };
    by_meta(&house, ANA, Body::Sound(sound.clone())).await.expect("taken");
    let heard = [Bubble::Sound { bytes: 14, voice: true }];
    assert_eq!(house.meta.phones.of("34600000001"), heard);
    by_twilio(&house, Body::Sound(sound)).await.expect("taken");
    assert_eq!(house.twilio.phones.of(ANA), heard, "it was fetched from the address that was told");
    let guessed =
        reqwest::get(format!("http://{}/twilio/media/guessed", house.address)).await.expect("an answer");
    assert_eq!(guessed.status().as_u16(), 404);
}

#[tokio::test]
async fn a_place_is_a_pin() {
    let house = House::open().await;
    let place =
        Place { latitude: 41.3851, longitude: -2.1734, label: Some("The | hotel".to_owned()), address: None };
    let body = Body::Place { text: "Here we are.".to_owned(), place };
    by_twilio(&house, body.clone()).await.expect("taken");
    by_meta(&house, ANA, body).await.expect("taken");
    assert_eq!(house.twilio.phone_of(ANA), ["(geo:41.3851,-2.1734|The   hotel)"]);
    assert_eq!(house.meta.phones.reads("34600000001"), ["(41.3851,-2.1734)"]);
}

#[tokio::test]
async fn an_answer_is_tied_to_what_it_answers() {
    let house = House::open().await;
    let mut tied = outbound("whatsapp:ES.77", Body::Text("Yes.".to_owned()));
    tied.reply_to = Some("wamid.theirs".to_owned());
    house.by_meta.send(&tied).await.expect("taken");
    let asked = house.meta.asked().remove(0);
    assert_eq!(asked["context"], json!({"message_id": "wamid.theirs"}));
    assert_eq!((&asked["recipient"], &asked["to"]), (&json!("ES.77"), &json!(null)), "by id, not by number");
}

#[tokio::test]
async fn a_guest_outside_the_window_is_found_out_from_the_report() {
    let house = House::open().await;
    house.twilio.rules(|rules| {
        rules.window = true;
        rules.reports = Reports::Clean;
    });
    house.twilio.deliver(&crate::support::twilio::message("1", ANA, "Hello.")).await;
    house.gets(&ana(), &["read"]).await;
    house.clock.advance(std::time::Duration::from_secs(25 * 3600));
    by_twilio(&house, Body::Text("Good morning".to_owned())).await.expect("taken at first");
    assert_eq!(house.twilio.phone_of(ANA), ["You said: Hello."], "it never arrives");
}

#[tokio::test]
async fn a_guest_who_wants_no_templates_gets_none() {
    let house = House::open().await;
    house.meta.rules(|rules| rules.reports = true);
    house.meta.opts_out("34600000001");
    house.meta.deliver(&[change(&[text("wamid.1", "34600000001", "Hello.")], &[])]).await;
    house.gets(&ana(), &["read"]).await;
    let template = Template {
        name: "offer".to_owned(),
        language: "en".to_owned(),
        values: Vec::new(),
        payloads: Vec::new(),
    };
    by_meta(&house, ANA, Body::Template(template)).await.expect("taken at first");
    assert_eq!(house.meta.phones.reads("34600000001"), ["You said: Hello."], "it never arrives");
}

#[tokio::test]
async fn rates_and_opt_outs_are_told_apart() {
    let house = House::open().await;
    let text = || Body::Text("Hello".to_owned());
    house.twilio.rules(|rules| rules.per_second = Some(1));
    by_twilio(&house, text()).await.expect("the first");
    assert_eq!(refusal(by_twilio(&house, text()).await.expect_err("too fast")), (Action::Later, Some(20429)));
    house.twilio.rules(|rules| {
        rules.per_second = None;
        rules.opted_out.insert(ANA.to_owned());
    });
    assert_eq!(
        refusal(by_twilio(&house, text()).await.expect_err("opted out")),
        (Action::OptedOut, Some(21610))
    );
    house.meta.rules(|rules| rules.pair = Some(1));
    by_meta(&house, ANA, text()).await.expect("the first");
    assert_eq!(
        refusal(by_meta(&house, ANA, text()).await.expect_err("too fast")),
        (Action::Later, Some(131_056))
    );
}

#[tokio::test]
async fn somebody_writes_is_shown_by_both_interfaces() {
    let clock = crate::rig::standing_clock();
    let double = TwilioDouble::start_on(clock.clone()).await;
    for version in ["v2", "v3", "off"] {
        let mut config = crate::outbox::config(&double, "rest", 10_000);
        config.twilio.typing = match version {
            "v2" => innkeeper::config::Typing::V2,
            "v3" => innkeeper::config::Typing::V3,
            _ => innkeeper::config::Typing::Off,
        };
        let twilio = innkeeper::channel::twilio::Twilio::new(&config, std::sync::Arc::new(clock.clone()));
        let sid = format!("SM{version:0>32}");
        twilio.expect("an account").typing(&sid).await.expect("shown");
    }
    assert_eq!(double.typed(2).await.len(), 2);
}
