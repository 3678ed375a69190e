//! A hotel, a guest and a conversation to render prompts with.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use indexmap::IndexMap;
use innkeeper::message::{ButtonTitles, ChannelName, YesNo};
use innkeeper::reply::{Layers, Listener, Medium, Replies, Reply, ReplyFault};
use innkeeper_engine::{Expecting, Invalid, Item, Say};
use serde_json::{Value as Json, json};

pub(super) fn day(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 12, day).unwrap()
}

pub(super) fn replies(layers: Layers) -> Replies {
    let titles = ButtonTitles {
        yes: "Yes".to_owned(),
        no: "No".to_owned(),
        choose: "Choose".to_owned(),
        prompts: BTreeMap::from([(
            "confirm_book_room".to_owned(),
            YesNo { yes: "Yes, book it".to_owned(), no: "Change something".to_owned() },
        )]),
    };
    Replies::new(layers, BTreeMap::from([("en".to_owned(), titles)])).unwrap()
}

pub(super) fn house() -> IndexMap<String, Json> {
    let hotel = json!({
        "name": "Hotel Miramar", "phone": "+34971123456", "address": "Passeig Marítim 4, Palma",
        "check_in_time": "15:00", "check_out_time": "11:00",
    });
    IndexMap::from([("hotel".to_owned(), hotel)])
}

/// What one turn says, at the end of November.
pub(super) fn render(replies: &Replies, says: &[Say], medium: Medium) -> Result<Vec<Reply>, ReplyFault> {
    let today = NaiveDate::from_ymd_opt(2026, 11, 30).unwrap();
    let limits = ChannelName::Twilio.limits();
    replies.render(says, &Listener { medium, language: "en", today, house: &house(), limits, spelled: false })
}

pub(super) fn text(replies: &Replies, say: &Say, medium: Medium) -> String {
    let said = render(replies, std::slice::from_ref(say), medium).unwrap();
    said.into_iter().map(|reply| reply.text).collect()
}

/// A template of its own over the facts of [`facts`].
pub(super) fn inline(template: &str, facts: &[(&str, Json)], medium: Medium) -> Result<String, ReplyFault> {
    let files = BTreeMap::from([
        ("en/inline.j2".to_owned(), template.to_owned()),
        ("en/grammar.yaml".to_owned(), include_str!("../../../../prompts/en/grammar.yaml").to_owned()),
    ]);
    let mut all = self::facts();
    all.extend(facts.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    let say = over(say("inline"), all);
    let said = render(&replies(Layers::of(files)), &[say], medium)?;
    Ok(said.into_iter().map(|reply| reply.text).collect())
}

pub(super) fn say(prompt: &str) -> Say {
    numbered(1, Say::given(prompt, facts()))
}

/// The same saying over other facts.
pub(super) fn over(say: Say, facts: IndexMap<String, Json>) -> Say {
    let mut other = Say::given(&say.prompt, facts).offering(say.items());
    (other.id, other.expecting, other.page, other.invalid) = (say.id, say.expecting, say.page, say.invalid);
    other
}

/// The same saying under another number.
pub(super) fn numbered(id: u32, mut say: Say) -> Say {
    say.id = id;
    say
}

/// The same saying, asking for the next page.
pub(super) fn paged(mut say: Say, page: u32) -> Say {
    say.page = page;
    say
}

/// A read-back.
pub(super) fn confirming(prompt: &str) -> Say {
    let mut say = say(prompt);
    say.expecting = Expecting::Confirmation;
    say
}

pub(super) fn asking(prompt: &str, items: Vec<Item>) -> Say {
    let slot = prompt.split_once('_').map_or(prompt, |(_, slot)| slot);
    let mut say = say(prompt).offering(items);
    say.expecting = Expecting::Slot(slot.into());
    say
}

pub(super) fn refusing(prompt: &str, invalid: Invalid, items: Vec<Item>) -> Say {
    let mut say = asking(prompt, items);
    say.invalid = Some(invalid);
    say
}

/// The items of the list at `pointer` in [`facts`], as a choice has them.
pub(super) fn items(pointer: &str, key: &str, label: &str) -> Vec<Item> {
    let facts = Json::Object(facts().into_iter().collect());
    let text = |record: &Json, field: &str| record[field].as_str().unwrap().to_owned();
    let records = facts.pointer(pointer).unwrap().as_array().unwrap();
    records
        .iter()
        .map(|record| Item {
            key: text(record, key),
            label: text(record, label),
            words: Vec::new(),
            record: record.clone().into(),
        })
        .collect()
}

pub(super) fn options(options: &[&str]) -> Vec<Item> {
    options
        .iter()
        .map(|option| Item {
            key: (*option).to_owned(),
            label: (*option).to_owned(),
            words: Vec::new(),
            record: json!(option).into(),
        })
        .collect()
}

fn money(minor: i64) -> Json {
    json!({ "minor": minor, "currency": "EUR" })
}

/// Everything that the flows could know at once.
pub(super) fn facts() -> IndexMap<String, Json> {
    let offer = |id: &str, name: &str, view: &str, total: i64| {
        json!({
            "offer_id": id, "room_id": "204", "room_type": "double", "name": name, "view": view, "max_guests": 2,
            "free": 3, "nightly": money(total / 2), "total": money(total),
        })
    };
    let near = |id: &str, name: &str, from: u32, to: u32| {
        json!({
            "alternative_id": id, "name": name, "room_type": "double", "view": "garden", "max_guests": 2, "free": 1,
            "stay": { "check_in": day(from), "check_out": day(to) }, "nightly": money(12_000), "total": money(24_000),
        })
    };
    let booked = |reference: &str, room: &str, from: u32, to: u32, fee: i64| {
        json!({
            "booking_id": reference, "reference": reference, "customer_name": "Ana Lima", "room_name": room,
            "room_number": "204", "view": if room.contains("sea") { "sea" } else { "garden" }, "start_date": day(from), "end_date": day(to),
            "guests": { "adults": 2, "children": 1 }, "total": money(28_400), "status": "confirmed",
            "cancellation_fee": money(fee),
        })
    };
    let rooms = [
        offer("double-sea", "Double, sea view", "sea", 28_400),
        offer("double-garden", "Double, garden view", "garden", 24_000),
        offer("suite-sea", "Suite, sea view", "sea", 61_050),
    ];
    let bookings = [
        booked("BR7Q2", "Double, sea view", 12, 14, 0),
        booked("KX3M9", "Suite, sea view", 19, 21, 14_200),
        booked("PT5W4", "Double, garden view", 30, 31, 0),
    ];
    let facts = json!({
        "words": "a room for to adults",
        "guest": { "name": "Ana Lima", "phone": "+34612345678", "known": true },
        "stay": { "check_in": day(12), "check_out": day(14) },
        "guests": { "adults": 2, "children": 1 },
        "rooms": 3,
        "room": rooms[0],
        "offers": {
            "rooms": rooms,
            "alternatives": [
                near("double-garden@13", "Double, garden view, 13–15 Dec", 13, 15),
                near("double-garden@15", "Double, garden view, 15–17 Dec", 15, 17),
                near("double-garden@16", "Double, garden view, 16–18 Dec", 16, 18),
            ],
        },
        "quote": {
            "quote_id": "q1", "total": money(28_400),
            "cancellation": { "policy": "You can cancel free of charge until 18:00 two days before arrival." },
        },
        "name": "Ana Lima",
        "phone": "+34612345678",
        "reference": "BR7Q2",
        "surname": "Lima",
        "found": { "bookings": bookings },
        "booking": bookings[1],
        "cancellation": { "reference": "KX3M9", "status": "cancelled", "fee": money(14_200) },
        "info": { "questions": [
            { "topic": "breakfast", "question": "When is breakfast?", "answer": "Breakfast is from 7:00 to 10:30 in the garden room, € 18 a person.", "short_answer": "Breakfast is from seven to half past ten." },
            { "topic": "parking", "question": "Is there parking?", "answer": "Yes.", "short_answer": "Yes." },
            { "topic": "late_check_out", "question": "Can we stay longer?", "answer": "Yes.", "short_answer": "Yes." },
        ] },
        "topic": { "topic": "breakfast", "question": "When is breakfast?", "answer": "Breakfast is from 7:00 to 10:30 in the garden room, € 18 a person.", "short_answer": "Breakfast is from seven to half past ten." },
    });
    facts.as_object().unwrap().clone().into_iter().collect()
}
